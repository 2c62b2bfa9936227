"""`emr-sandbox render` and `truth`: what vendors say, and what is so, without a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import click
import orjson

from simulator import catalog
from simulator.commands.flags import population_options, settings_of
from simulator.control.truth import number_of_patient, records_of
from simulator.fhir.build import dumps
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox
from simulator.settings import Settings

_SCANNED = 60  # patients whose renderings are looked through before a type is called unknown


@click.command()
@click.option("--vendor", "vendor", metavar="V", required=True)
@click.option("--type", "entity", metavar="T", required=True, help="A FHIR type, or the vendor's own entity name.")
@click.option("--count", type=click.IntRange(1), help="At most so many; all without.")
@click.option("--patient", metavar="ID", help="One patient: a number, or an id that the vendor gave.")
@population_options
def render(
    vendor: str, entity: str, count: int | None, patient: str | None, seed: int, patients: int, as_of: str
) -> None:
    """Resources as a vendor would serve them, one JSON object a line."""
    sandbox = _sandbox(settings_of(seed=seed, patients=patients, as_of=as_of, vendors=[vendor]))
    found = _renderings(sandbox, vendor, entity, _number(sandbox, patient) if patient else None)
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


@click.command()
@click.option("--patient", metavar="ID", help="One patient: a number, or an id that a vendor gave.")
@click.option("--count", type=click.IntRange(1), help="At most so many records; all without.")
@population_options
def truth(patient: str | None, count: int | None, seed: int, patients: int, as_of: str) -> None:
    """Canonical records, one a line: what a perfect integration would hold."""
    settings = settings_of(seed=seed, patients=patients, as_of=as_of)
    sandbox = _sandbox(settings, vendors=None if patient and not patient.isdigit() else ())
    numbers: Iterable[int] = (_number(sandbox, patient),) if patient else range(settings.patients)
    for record in islice((record for number in numbers for record in records_of(sandbox.world, number)), count):
        click.echo(orjson.dumps(record))


def _sandbox(settings: Settings, vendors: Sequence[str] | None = None) -> Sandbox:
    """A sandbox without a server: with the rooms of the settings, or with none at all."""
    rooms = () if vendors is not None else tuple(catalog.rooms_of(settings).values())
    return Sandbox(
        "default", seed=settings.seed, patients=settings.patients, as_of=settings.as_of, vendors=rooms, journal_size=1
    )


def _number(sandbox: Sandbox, key: str) -> int:
    number = number_of_patient(sandbox, key)
    if number is None:
        raise UsageError(f'no patient "{key}"', f"0 to {sandbox.patients - 1}, or an id that a vendor gave")
    return number
