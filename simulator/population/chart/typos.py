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
    from simulator.population.chart.observations import Measured
    from simulator.population.people import Population

SECOND_ORDINAL = 1 << 13
"""A value that is charted twice has a second ordinal, so much higher: no other ordinal moves."""
_SCALES = frozenset(("weight", "height"))
_KINDS = ("wrong_unit", "carried_forward", "transposed_value", "duplicated")
_POUNDS = Decimal("2.2046226")


class Typo(NamedTuple):
    """One defect of one observation: what should stand there, where that is known."""

    what: str
    ordinal: int
    true: Decimal | None


def typed(
    population: Population, number: int, steps: Iterable[Measured], found: list[Typo] | None = None
) -> list[Measured]:
    """The steps of a patient's observations as somebody typed them; `found` collects the defects."""
    hands = _Hands(population, number)
    made: list[Measured] = []
    last: dict[str, Decimal] = {}
    for step in steps:
        moment, what, record = step
        if record.key not in _SCALES or what != "created" or record.value is None:
            made.append(step)
            continue
        told, typo = hands.typed(record, record.value, last.get(record.key))
        made.append((moment, what, told) if typo else step)
        assert told.value is not None
        last[record.key] = told.value
        if typo and found is not None:
            found.append(Typo(typo, record.ordinal, record.value))
        if hands.happens("duplicated", record.ordinal):
            made.append((moment, what, replace(told, ordinal=record.ordinal + SECOND_ORDINAL)))
            if found is not None:
                found.append(Typo("duplicated", record.ordinal + SECOND_ORDINAL, None))
    return made


class _Hands:
    """Those who type what the scales show, of one patient."""

    __slots__ = ("_chances", "_number", "_population")

    def __init__(self, population: Population, number: int) -> None:
        self._population = population
        self._number = number
        self._chances = {what: _chance(population.key, what, getattr(population.dirt, what)) for what in _KINDS}

    def happens(self, what: str, ordinal: int) -> bool:
        """Whether a defect befalls an observation."""
        salt, below = self._chances[what]
        return below > 0 and mix(self._number << 20 | ordinal, salt) < below

    def typed(self, record: Observation, value: Decimal, last: Decimal | None) -> tuple[Observation, str]:
        """The record as typed, and which typo it is; empty for none."""
        is_weight, ordinal = record.key == "weight", record.ordinal
        if is_weight and (
            self.happens("wrong_unit", ordinal) or _is_weighed_in_pounds(self._population, self._number, record)
        ):
            return replace(record, value=(value * _POUNDS).quantize(Decimal(1).scaleb(_exponent(value)))), "wrong_unit"
        if last is not None and last != value and self.happens("carried_forward", ordinal):
            return replace(record, value=last), "carried_forward"
        if is_weight and self.happens("transposed_value", ordinal):
            exchanged = _transposed(value)
            if exchanged != value:
                return replace(record, value=exchanged), "transposed_value"
        return record, ""


def _is_weighed_in_pounds(population: Population, number: int, record: Observation) -> bool:
    """Whether the scales of one of the cast show pounds that day: at every third measurement or so, where there is any
    dirt of the kind."""
    wishes = population.cast.wishes(number)
    is_theirs = wishes is not None and "weight_in_pounds" in wishes.flags and population.dirt.wrong_unit > 0
    return is_theirs and mix(record.ordinal, _chance(population.key, "pounds", 0)[0]) % 3 == 0


def _transposed(value: Decimal) -> Decimal:
    """The value with the two digits before the decimal point exchanged: 84.3 and 48.3, 112.0 and 121.0."""
    whole, point, rest = f"{value:f}".partition(".")
    if len(whole) < 2 or whole[-1] == "0":
        return value
    return Decimal(f"{whole[:-2]}{whole[-1]}{whole[-2]}{point}{rest}")


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


@lru_cache(maxsize=64)
def _chance(key: bytes, what: str, per_million: int) -> tuple[int, int]:
    """The salt of a defect, and below which of 2**64 draws it happens."""
    return _salt(key, what), -(-(per_million << 64) // MILLION)


def _salt(key: bytes, what: str) -> int:
    return h64(key, "typo", what)
