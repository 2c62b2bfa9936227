"""Flags that several commands share, and the settings that they make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click

from simulator import registry
from simulator.population.dirt import Dirt
from simulator.refusal import UsageError
from simulator.settings import AS_OF, FIRST_DAY, LAST_DAY, MAX_PATIENTS, Settings


def population_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--dirt", metavar="HOW", default="default", show_default=True, help="none, default, heavy or FILE."
        ),
        click.option("--as-of", metavar="DATE", default=AS_OF.isoformat(), show_default=True, help="Today, for them."),
        click.option("--patients", type=int, default=10_000, show_default=True, help="How many there are."),
        click.option("--seed", type=int, default=7, show_default=True, help="Same seed, same people."),
    ):
        command = option(command)
    return command


json_option = click.option("--json", "as_json", is_flag=True, help="For machines.")
vendor_option = click.option(
    "--vendor", "vendors", metavar="V", multiple=True, help="Only these; without, all that tell charts."
)
scenarios_option = click.option(
    "--scenarios", "folders", type=click.Path(path_type=Path), multiple=True, help="A folder of scenarios of your own."
)


def settings_of(
    *, seed: int, patients: int, as_of: str, dirt: str = "default", vendors: Sequence[str] = (), **more: Any
) -> Settings:
    """The settings of the flags.

    Raises:
        UsageError: a flag is out of range, a date is none, a vendor or a kind of defect unknown.
    """
    if not 1 <= patients <= MAX_PATIENTS:
        raise UsageError(f"`--patients` is out of range: {patients}", f"1 to {MAX_PATIENTS:,}")
    if not -(2**63) <= seed < 2**63:
        raise UsageError(f"`--seed` is out of range: {seed}", "a whole number of 64 bits")
    try:
        day = date.fromisoformat(as_of)
    except ValueError:
        raise UsageError(f"`--as-of` is not a date: {as_of}", f"for example {AS_OF.isoformat()}") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise UsageError(f"`--as-of` is out of range: {as_of}", f"{FIRST_DAY} to {LAST_DAY}")
    for id in vendors:
        registry.vendor(id)
    return Settings(seed=seed, patients=patients, as_of=day, dirt=Dirt.of(dirt), vendors=tuple(vendors) or None, **more)
