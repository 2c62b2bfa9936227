"""Which defects there are: each drawn by name from what it befalls, so that changing one rate moves nothing else."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from simulator.ids import h64, mix
from simulator.population.dirt import MILLION

if TYPE_CHECKING:
    from simulator.population.people import Population

_GROWN_UP = 18 * 365 + 5


def is_unmapped(population: Population, vendor: str, what: Literal["local_labs", "local_drugs"], key: str) -> bool:
    """Whether nobody at a vendor's site mapped a test (row of labs.csv) or a product (row of medications.csv) to the
    standard code: the site's own code and the words remain, for every patient."""
    rate: int = getattr(population.dirt, what)
    return _of_entry(population.key, what, vendor, key) < rate


def is_typed(population: Population, vendor: str, number: int, ordinal: int, *, percent: int = 100) -> bool:
    """Whether somebody at a vendor's site typed an allergy as words instead of picking it from the catalogue. `percent`
    is how readily that vendor's users do, of the rate."""
    draw = h64(population.key, "free_text", vendor, number, ordinal) * MILLION >> 64
    return draw < population.dirt.free_text * percent // 100


def birth_precision(population: Population, number: int, born: date) -> Literal["day", "month", "year"]:
    """How much of the birth date of a person is known: of some grown-ups only the month, of a third of these only the
    year. The whole date stands behind it for whoever asks the truth how old they are."""
    draw = mix(number, _salt(population.key, "partial_birth_date"))
    is_child = (population.as_of - born).days < _GROWN_UP
    if is_child or (draw >> 8) * MILLION >> 56 >= population.dirt.partial_birth_date:
        return "day"
    return "year" if draw & 0xFF < 85 else "month"


_REASONS = ("unknown", "unknown", "asked-declined", "asked-declined", "not-asked")  # guess: how often each


def absences(population: Population, number: int, **fields: object) -> tuple[tuple[str, str], ...]:
    """Why those of a person's `fields` that hold nothing are empty."""
    draw = mix(number, _salt(population.key, "why absent"))
    empty = [(place, name) for place, (name, value) in enumerate(sorted(fields.items())) if not value]
    return tuple((name, _REASONS[(draw >> 8 * place & 0xFF) % len(_REASONS)]) for place, name in empty)


@lru_cache(maxsize=64)
def _salt(key: bytes, what: str) -> int:
    return h64(key, "dirt", what)


@lru_cache(maxsize=16_384)
def _of_entry(key: bytes, what: str, vendor: str, name: str) -> int:
    return h64(key, what, vendor, name) * MILLION >> 64
