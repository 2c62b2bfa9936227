"""One patient as the room sees them: chart, home department, zone; and which small things this practice left out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from simulator.ids import h64
from simulator.population.defects import is_typed, is_unmapped
from simulator.population.people import Population
from simulator.population.records import (
    Allergy,
    Appointment,
    Chart,
    Facility,
    Medication,
    Observation,
    Person,
    Record,
)
from simulator.vendors.athena import ids
from simulator.vendors.athena.schedule import Bookings

if TYPE_CHECKING:
    from simulator.sandbox import Site

# Per hundred thousand. Guesses in the spirit of the recordings, where all of this is common.
_WITHOUT_BEST_MATCH = 15_000
_OBSERVATION_TEXT_ONLY = 15_000
_PULSE_NOT_HEART_RATE = 50_000
_ENTERED_AS_HISTORY = 12_000


@dataclass(frozen=True)
class PatientChart:
    """What rendering needs to know of a patient. `zone` is the IANA zone of the home department.

    The person, and the chart more so, cost time and are made when they are first asked for: ready bytes need neither.
    What is asked of a patient who is not there raises IndexError.
    """

    site: Site
    number: int

    @cached_property
    def chart(self) -> Chart:
        assert self.stamp >= 0  # before the chart: what is made of a newer chart is kept under an older stamp
        return self.site.sandbox.world.chart(self.number)

    @cached_property
    def person(self) -> Person:
        found = self.site.sandbox.world.person(self.number)
        if found is None:
            raise IndexError(f"no patient {self.number}")
        return found

    @cached_property
    def home(self) -> Facility:
        return self.facility(self.person.facility)

    @property
    def zone(self) -> str:
        return self.home.zone

    @cached_property
    def stamp(self) -> int:
        """Another one whenever something about the patient, or whether they are restricted, has changed."""
        return self.site.sandbox.world.stamp(self.number) << 1 | self.is_restricted

    @cached_property
    def person_stamp(self) -> int:
        """Another one whenever something about the person, or whether they are restricted, has changed: costs no
        chart."""
        return self.site.sandbox.world.stamp(self.number, "patient") << 1 | self.is_restricted

    @cached_property
    def is_restricted(self) -> bool:
        """Whether the practice restricts the patient: see `rest.restrictions`. FHIR says so on every resource."""
        glass = self.site.desk.glass
        return glass.is_up and glass.degree(self.site.sandbox.world, self.number) != ""

    @property
    def patientid(self) -> int:
        return ids.patientid(self.site, self.number)

    def item(self, kind: str, ordinal: int) -> int:
        """The athena id of one item of this chart."""
        return ids.item(self.site, kind, self.number, ordinal)

    def appointmentid(self, record: Appointment) -> int:
        """The athena id of one appointment of this chart."""
        return self._bookings.id_of(self.number, record)

    @cached_property
    def _bookings(self) -> Bookings:
        return Bookings(self.site)

    def facility(self, index: int) -> Facility:
        return self.site.sandbox.world.population.facility(index)

    def updated(self, *records: Record) -> datetime:
        """When one of these records last changed."""
        states = self.chart.states
        return max(states[record.kind, record.ordinal].updated for record in records)

    def drawn(self, per_hundred_thousand: int, habit: str, ordinal: int) -> bool:
        """Whether the item falls into the share of this habit; the same on both sides and at every reading."""
        return h64(self.site.key, habit, self.number, ordinal) % 100_000 < per_hundred_thousand

    def lacks_best_match(self, ordinal: int) -> bool:
        """Whether athena found no ICD-10 code for a problem."""
        return self.drawn(_WITHOUT_BEST_MATCH, "bestmatch", ordinal)

    def lacks_loinc(self, observation: Observation) -> bool:
        """Whether an analyte comes from the laboratory without LOINC: nobody there has mapped the test."""
        is_result = observation.category == "laboratory"
        return is_result and is_unmapped(self._population, self.site.vendor.id, "local_labs", observation.key)

    def lacks_rxnorm(self, medication: Medication) -> bool:
        """Whether the product of the catalogue has no RxNorm."""
        return is_local_product(self.site, medication.key)

    def is_typed(self, allergy: Allergy) -> bool:
        """Whether an allergy was typed as words."""
        who = (self._population, self.site.vendor.id, self.number)
        return not allergy.none_known and is_typed(*who, allergy.ordinal)

    @property
    def _population(self) -> Population:
        return self.site.sandbox.world.population

    def is_text_only(self, observation: Observation) -> bool:
        """Whether the FHIR Observation of a result has `code.text` only."""
        return observation.category == "laboratory" and (
            self.lacks_loinc(observation) or self.drawn(_OBSERVATION_TEXT_ONLY, "code.text", observation.ordinal)
        )

    def is_history(self, medication: Medication) -> bool:
        """Whether a medication was entered as history instead of being prescribed in an encounter here."""
        return medication.encounter is None or self.drawn(_ENTERED_AS_HISTORY, "history", medication.ordinal)

    @property
    def has_pulse(self) -> bool:
        """Whether the practice files this patient's heart rates under PULSE instead of HEARTRATE."""
        return self.drawn(_PULSE_NOT_HEART_RATE, "pulse", 0)


def patient_chart(site: Site, number: int) -> PatientChart:
    """The chart of patient `number`, not yet looked into."""
    return PatientChart(site, number)


def is_local_product(site: Site, key: str) -> bool:
    """Whether nobody mapped a product, a row of medications.csv, to RxNorm."""
    return is_unmapped(site.sandbox.world.population, site.vendor.id, "local_drugs", key)
