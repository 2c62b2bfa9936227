"""What one document may tell: the chart as of its moment, without what carries a label that the document does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TypeVar
from zoneinfo import ZoneInfo

from simulator.population.chart.labels import OPEN
from simulator.population.people import Population
from simulator.population.records import (
    Allergy,
    Chart,
    Condition,
    Document,
    Encounter,
    Facility,
    Immunization,
    Medication,
    Observation,
    Person,
    Practitioner,
    Procedure,
)

_Labelled = TypeVar("_Labelled", Allergy, Condition, Encounter, Immunization, Medication, Observation, Procedure)
_Noted = TypeVar("_Noted", Condition, Immunization, Medication, Observation, Procedure)
"""What is written down at an encounter, and names it."""
_GONE = ("entered-in-error", "refuted")


@dataclass(frozen=True)
class View:
    """One document's view of a chart."""

    document: Document
    chart: Chart
    population: Population

    @property
    def person(self) -> Person:
        return self.chart.person

    @cached_property
    def facility(self) -> Facility:
        return self.population.facility(self.document.facility)

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.facility.zone)

    @cached_property
    def author(self) -> Practitioner:
        return self.population.practitioner(self.document.practitioner)

    @cached_property
    def encounter(self) -> Encounter | None:
        number = self.document.encounter
        return next((one for one in self.chart.encounters if one.ordinal == number), None)

    @cached_property
    def today(self) -> date:
        """The day of the encounter on the clinic's calendar."""
        at = self.document.created if self.encounter is None else self.encounter.start
        return at.astimezone(self.zone).date()

    @cached_property
    def reason(self) -> Condition | None:
        """The condition for which the patient was seen."""
        number = None if self.encounter is None else self.encounter.reason
        return next((one for one in self.conditions if one.ordinal == number), None)

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        return tuple(one for one in self._told(self.chart.conditions) if one.verification not in _GONE)

    @cached_property
    def problems(self) -> tuple[Condition, ...]:
        """The conditions that are on now."""
        return tuple(one for one in self.conditions if one.clinical_status == "active")

    @cached_property
    def allergies(self) -> tuple[Allergy, ...]:
        return tuple(one for one in self._told(self.chart.allergies) if one.verification not in _GONE)

    @cached_property
    def medications(self) -> tuple[Medication, ...]:
        """The medications that are taken now."""
        return tuple(one for one in self._told(self.chart.medications) if one.status == "active")

    @cached_property
    def observations(self) -> tuple[Observation, ...]:
        """What was measured and is final."""
        return tuple(one for one in self._told(self.chart.observations) if one.status not in _GONE)

    @cached_property
    def measured(self) -> tuple[Observation, ...]:
        """What was measured at the encounter and is final."""
        return tuple(one for one in self._told(self.here(self.chart.observations)) if one.status not in _GONE)

    @cached_property
    def immunizations(self) -> tuple[Immunization, ...]:
        return tuple(one for one in self._told(self.chart.immunizations) if one.status == "completed")

    @cached_property
    def procedures(self) -> tuple[Procedure, ...]:
        return tuple(one for one in self._told(self.chart.procedures) if one.status == "completed")

    @cached_property
    def encounters(self) -> tuple[Encounter, ...]:
        return tuple(one for one in self._told(self.chart.encounters) if one.status not in _GONE)

    def here(self, records: Iterable[_Noted]) -> tuple[_Noted, ...]:
        """Those of the encounter of the document."""
        number = self.document.encounter
        return tuple(one for one in records if one.encounter == number)

    def day(self, at: datetime | date) -> str:
        """A day as American clinics write it, on the clinic's calendar."""
        return f"{at.astimezone(self.zone) if isinstance(at, datetime) else at:%m/%d/%Y}"

    def clock(self, at: datetime) -> str:
        """An instant as the clinic's clock shows it, with its zone."""
        return f"{at.astimezone(self.zone):%m/%d/%Y %I:%M %p %Z}"

    def age(self, at: date | None = None) -> int:
        """Full years of age on a day."""
        day, born = at or self.today, self.person.birth_date
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))

    def name(self) -> str:
        """The patient's name as on a letter."""
        person = self.person
        return " ".join((*person.given, person.family, *((person.suffix,) if person.suffix else ())))

    def _told(self, records: Iterable[_Labelled]) -> Iterable[_Labelled]:
        may = OPEN.union(self.document.sensitivity)
        return (one for one in records if not one.sensitivity or may.issuperset(one.sensitivity))
