"""Deaths: who dies when, by age and sex, as a lane of its own: computed for one patient in microseconds, and the other
way round for a window of time.

In each year of the lane everybody has one moment; whether they die then is drawn against the yearly risk of their age,
and nobody dies twice. All who died in the years before `as_of` are still on file, so more have to be on file of an age
than are alive (see `on_file`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.ids import h64, mix
from simulator.population import tables
from simulator.population.zones import DAY

if TYPE_CHECKING:
    from simulator.population.lanes import Lanes

YEARS_ON_FILE = 5
"""Deaths on file are at most so much older than `as_of` (guess)."""
_NEWBORN_DAYS = 60  # the perinatal weeks are left out: a newborn without a chart dies nowhere
_MILLION = 1_000_000
_ROWS = [(int(row["age"]), int(row["F"]), int(row["M"])) for row in tables.raw("mortality")]
_AGES = [age for age, _, _ in _ROWS]
_OLDEST = 130


class Deaths:
    """The deaths of one population."""

    __slots__ = ("_lane", "_salts")

    def __init__(self, key: bytes, lanes: Lanes) -> None:
        self._lane = lanes.death
        self._salts = [h64(key, "deaths", year) for year in lanes.death.years]

    def minute(self, number: int, birth: int, sex: str) -> int | None:
        """The UTC minute in which a patient, born on the day `birth`, dies; None who outlives the horizon."""
        lane, risks = self._lane, _RISKS[sex]
        age = (lane.first_day(0) - birth) // 365  # at the beginning of the year; at its end, one more
        for year, salt in enumerate(self._salts):
            draw = mix(number, salt) * _MILLION >> 64
            if age + year >= -1 and (draw < risks[max(age + year, 0)] or draw < risks[age + year + 1]):
                at = lane.slot(year, number)
                age_days = at // DAY - birth
                if age_days >= _NEWBORN_DAYS and draw < risks[age_days // 365]:
                    return at
        return None


def yearly_per_million(age: int, sex: str) -> int:
    """How many of a million people of an age die within a year."""
    row = _ROWS[bisect_right(_AGES, age) - 1]
    return row[1] if sex == "F" else row[2]


_RISKS = {sex: [yearly_per_million(age, sex) for age in range(_OLDEST)] for sex in "FM"}


def on_file(living: Sequence[int], sex: str) -> list[int]:
    """How many of each age there have to be on file for `living` of them to be alive, the youngest first."""
    return [-(-count * _MILLION // _surviving(age, sex)) for age, count in enumerate(living)]


def _surviving(age: int, sex: str) -> int:
    """How many of a million who would be of an age now have lived through the years of deaths on file. At the moment of
    a year's risk half of them were one birthday behind the other half."""
    alive = _MILLION
    for back in range(1, min(age, YEARS_ON_FILE) + 1):
        risk = yearly_per_million(age - back, sex) + yearly_per_million(age - back + 1, sex)
        alive = alive * (2 * _MILLION - risk) // (2 * _MILLION)
    return alive
