"""One chart reduced to what is counted of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property

from simulator.population import tables
from simulator.population.records import Chart

YEAR_DAYS = 365.25


@dataclass
class Digest:
    """A patient on the day `today`; of somebody who died, as on the day of death.

    age       in whole years
    is_alive  on `today`
    """

    chart: Chart
    today: date
    age: int
    is_alive: bool

    @property
    def sex(self) -> str:
        return self.chart.person.sex

    @cached_property
    def active(self) -> frozenset[str]:
        """Rows of conditions.csv that are on now."""
        return frozenset(one.key for one in self.chart.conditions if one.clinical_status == "active")

    @cached_property
    def ever(self) -> frozenset[str]:
        """Rows of conditions.csv that are, or were, on."""
        return frozenset(one.key for one in self.chart.conditions)

    @cached_property
    def taken(self) -> frozenset[str]:
        """Rows of medications.csv that are on now, and their classes with a `class:` before."""
        keys = {one.key for one in self.chart.medications if one.status == "active"}
        return frozenset(keys | {f"class:{CLASSES[key]}" for key in keys})

    @cached_property
    def latest(self) -> dict[str, float]:
        """The last value of every analyte that is a number."""
        return {one.key: float(one.value) for one in self.chart.observations if one.value is not None}

    @cached_property
    def vaccines(self) -> tuple[tuple[str, date], ...]:
        return tuple((one.key, one.day) for one in self.chart.immunizations)

    def age_on(self, day: date) -> int:
        """The age in whole years on `day`; negative before birth."""
        return age_on(self.chart.person.birth_date, day)

    def has_any(self, keys: frozenset[str]) -> bool:
        """Whether one of these conditions is on."""
        return not keys.isdisjoint(self.active)


CLASSES = {row["key"]: row["drug_class"].replace(" ", "-") for row in tables.raw("medications")}


def age_on(born: date, day: date) -> int:
    """Whole years between two days."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def digest_of(chart: Chart, today: date) -> Digest:
    """The digest of a chart as of the beginning of `today`."""
    dead = chart.person.deceased
    is_alive = dead is None or dead >= datetime(today.year, today.month, today.day, tzinfo=UTC)
    last = today if is_alive or dead is None else dead.date()
    return Digest(chart, today, age_on(chart.person.birth_date, last), is_alive)
