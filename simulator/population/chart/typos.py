"""What hands get wrong at the scales: pounds typed as kilograms, digits exchanged, the last value typed again, the same
value charted twice.

The record is what was typed: source truth is the error. It is written down as a defect, and no integration may repair
it in silence. Derived values of the same visit come from what the scales showed, so an error can be noticed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from simulator.ids import h64, mix
from simulator.population.dirt import MILLION
from simulator.population.records import Observation

if TYPE_CHECKING:
    from simulator.population.chart.encounters import Step
    from simulator.population.people import Population

SECOND_ORDINAL = 1 << 13
"""A value that is charted twice has a second ordinal, so much higher: no other ordinal moves."""
_SCALES = ("weight", "height")
_POUNDS = Decimal("2.2046226")


class Typo(NamedTuple):
    """One defect of one observation: what should stand there, where that is known."""

    what: str
    ordinal: int
    true: Decimal | None


def typed(population: Population, number: int, steps: Iterable[Step], found: list[Typo] | None = None) -> list[Step]:
    """The steps of a patient's observations as somebody typed them; `found` collects the defects."""
    made: list[Step] = []
    last: dict[str, Decimal] = {}
    for step in steps:
        record = step[2]
        if not isinstance(record, Observation) or record.key not in _SCALES or record.value is None:
            made.append(step)
            continue
        moment, what, _ = step
        if what != "created":
            made.append(step)
            continue
        told, typo = _typed(population, number, record, last.get(record.key))
        made.append((moment, what, told) if typo else step)
        assert told.value is not None
        last[record.key] = told.value
        if typo and found is not None:
            found.append(Typo(typo, record.ordinal, record.value))
        if _happens(population, "duplicated", number, record.ordinal):
            made.append((moment, what, replace(told, ordinal=record.ordinal + SECOND_ORDINAL)))
            if found is not None:
                found.append(Typo("duplicated", record.ordinal + SECOND_ORDINAL, None))
    return made


def _typed(population: Population, number: int, record: Observation, last: Decimal | None) -> tuple[Observation, str]:
    """The record as typed, and which typo it is; empty for none."""
    assert record.value is not None
    if record.key == "weight" and (
        _happens(population, "wrong_unit", number, record.ordinal) or _is_weighed_in_pounds(population, number, record)
    ):
        step = Decimal(1).scaleb(_exponent(record.value))
        return replace(record, value=(record.value * _POUNDS).quantize(step)), "wrong_unit"
    if last is not None and last != record.value and _happens(population, "carried_forward", number, record.ordinal):
        return replace(record, value=last), "carried_forward"
    if record.key == "weight" and _happens(population, "transposed_value", number, record.ordinal):
        value = _transposed(record.value)
        if value != record.value:
            return replace(record, value=value), "transposed_value"
    return record, ""


def _is_weighed_in_pounds(population: Population, number: int, record: Observation) -> bool:
    """Whether the scales of one of the cast show pounds that day: at every third measurement or so, where there is any
    dirt of the kind."""
    wishes = population.cast.wishes(number)
    is_theirs = wishes is not None and "weight_in_pounds" in wishes.flags and population.dirt.wrong_unit > 0
    return is_theirs and mix(record.ordinal, _salt(population.key, "pounds")) % 3 == 0


def _transposed(value: Decimal) -> Decimal:
    """The value with the two digits before the decimal point exchanged: 84.3 and 48.3, 112.0 and 121.0."""
    whole, point, rest = f"{value:f}".partition(".")
    if len(whole) < 2 or whole[-1] == "0":
        return value
    return Decimal(f"{whole[:-2]}{whole[-1]}{whole[-2]}{point}{rest}")


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _happens(population: Population, what: str, number: int, ordinal: int) -> bool:
    rate: int = getattr(population.dirt, what)
    return rate > 0 and mix(number << 20 | ordinal, _salt(population.key, what)) * MILLION >> 64 < rate


@lru_cache(maxsize=64)
def _salt(key: bytes, what: str) -> int:
    return h64(key, "typo", what)
