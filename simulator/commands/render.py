"""`emr-sandbox render`: what vendors say, without a server."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import click

from simulator.commands.bare import number_of, sandbox_of
from simulator.commands.flags import population_options, settings_of
from simulator.fhir.build import dumps
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox

_SCANNED = 60  # patients whose renderings are looked through before a type is called unknown


@click.command()
@click.option("--vendor", "vendor", metavar="V", required=True)
@click.option("--type", "entity", metavar="T", required=True, help="A FHIR type, or the vendor's own entity name.")
@click.option("--count", type=click.IntRange(1), help="At most so many; all without.")
@click.option("--patient", metavar="ID", help="One patient: a number, or an id that the vendor gave.")
@population_options
def render(
    vendor: str, entity: str, count: int | None, patient: str | None, seed: int, patients: int, as_of: str, dirt: str
) -> None:
    """Resources as a vendor would serve them, one JSON object a line."""
    sandbox = sandbox_of(settings_of(seed=seed, patients=patients, as_of=as_of, dirt=dirt, vendors=[vendor]))
    found = _renderings(sandbox, vendor, entity, number_of(sandbox, patient) if patient else None)
    for payload in islice(found, count):
        click.echo(dumps(payload))


def _renderings(sandbox: Sandbox, vendor: str, entity: str, number: int | None) -> Iterator[dict[str, Any]]:
    """The payloads of one type. A type is called unknown when the first patients have none, not after all of them."""
    site = sandbox.sites[vendor]
    seen: set[str] = set()
    is_known = False
    for scanned, one in enumerate(range(sandbox.patients) if number is None else (number,), 1):
        for rendering in site.vendor.renderings(site, one):
            seen.add(rendering.type)
            if rendering.type == entity:
                is_known = True
                yield rendering.payload
        if not is_known and scanned == _SCANNED:
            break
    if not is_known:
        where = f"patient {number}" if number is not None else f"the first {min(_SCANNED, sandbox.patients)} patients"
        raise UsageError(f'{vendor} has no "{entity}" for {where}', f"there are: {', '.join(sorted(seen))}")
