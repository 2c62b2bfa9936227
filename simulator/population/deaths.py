"""Deaths: who dies when, by age and sex, as a lane of its own: computed for one patient in microseconds, and the other
way round for a window of time.

Everybody has one moment between five years before `as_of` and the horizon; whether they die then is drawn against the
yearly risk of their age at that moment, times the years of the lane. Of those who died before `as_of` half are still on
file: practices clear out their dead (guess).
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from simulator.ids import h64, mix
from simulator.population import tables
from simulator.population.lanes import AHEAD_DAYS, DEATH_DAYS, Lanes
from simulator.population.zones import DAY

if TYPE_CHECKING:
    from datetime import date

_ON_FILE_PERCENT = 50
_NEWBORN_DAYS = 60  # the perinatal weeks are left out: a newborn without a chart dies nowhere
_ROWS = [(int(row["age"]), int(row["F"]), int(row["M"])) for row in tables.raw("mortality")]
_AGES = [age for age, _, _ in _ROWS]
_LANE_DAYS = DEATH_DAYS + AHEAD_DAYS


class Deaths:
    """The deaths of one population."""

    __slots__ = ("_lane", "_salt", "_today")

    def __init__(self, key: bytes, lanes: Lanes, as_of: date) -> None:
        self._lane = lanes.death
        self._salt = h64(key, "deaths")
        self._today = as_of.toordinal() * DAY

    def minute(self, number: int, birth: int, sex: str) -> int | None:
        """The UTC minute in which a patient, born on the day `birth`, dies; None who outlives the horizon."""
        at = self._lane.slot(number)
        age_days = at // DAY - birth
        if age_days < _NEWBORN_DAYS:
            return None
        share = yearly_per_million(age_days // 365, sex) * _LANE_DAYS // 365
        if at < self._today:
            share = share * _ON_FILE_PERCENT // 100
        return at if mix(number, self._salt) * 1_000_000 >> 64 < share else None


def yearly_per_million(age: int, sex: str) -> int:
    """How many of a million people of an age die within a year."""
    row = _ROWS[bisect_right(_AGES, age) - 1]
    return row[1] if sex == "F" else row[2]
