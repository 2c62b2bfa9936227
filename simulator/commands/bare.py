"""A sandbox without a server, for commands that only tell."""

from __future__ import annotations

from collections.abc import Sequence

from simulator import catalog
from simulator.control.truth import number_of_patient
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox
from simulator.settings import Settings


def sandbox_of(settings: Settings, vendors: Sequence[str] | None = None) -> Sandbox:
    """A sandbox with the rooms of the settings, or with none at all."""
    rooms = () if vendors is not None else tuple(catalog.rooms_of(settings).values())
    return Sandbox(
        "default", seed=settings.seed, patients=settings.patients, as_of=settings.as_of, dirt=settings.dirt,
        vendors=rooms, journal_size=1,
    )  # fmt: skip


def number_of(sandbox: Sandbox, key: str) -> int:
    """The patient behind a number or an id that a vendor gave.

    Raises:
        UsageError: there is none.
    """
    number = number_of_patient(sandbox, key)
    if number is None:
        raise UsageError(f'no patient "{key}"', f"0 to {sandbox.patients - 1}, or an id that a vendor gave")
    return number
