"""Everything both sides tell of a patient, in listing order, each with what the telling lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from simulator.vendor import Rendering
from simulator.vendors.athena.charts import PatientChart, patient_chart
from simulator.vendors.athena.fhir import shelf
from simulator.vendors.athena.rest import (
    allergies,
    appointments,
    documents,
    encounters,
    insurances,
    labresults,
    medications,
    problems,
    surgicalhistory,
    vaccines,
    vitals,
)
from simulator.vendors.athena.rest.patient import patient

if TYPE_CHECKING:
    from simulator.sandbox import Site


def renderings(site: Site, number: int) -> Iterator[Rendering]:
    """The REST entities of a patient, then the FHIR resources.

    Raises:
        IndexError: there is no such patient.
    """
    seen = patient_chart(site, number)
    yield from _rest(seen)
    yield from shelf.renderings(seen)


def _rest(seen: PatientChart) -> Iterator[Rendering]:
    yield patient(seen)
    for condition in problems.listed_problems(seen):
        yield problems.problem(seen, condition)
    for medication in seen.chart.medications:
        yield medications.medication(seen, medication)
    for allergy in seen.chart.allergies:
        yield allergies.allergy(seen, allergy)
    for reading in vitals.readings(seen):
        for observation in reading:
            yield vitals.vital(seen, observation)
    for result in labresults.results(seen):
        for observation in result.records:
            yield labresults.analyte(seen, result, observation)
    for encounter in seen.chart.encounters:
        yield encounters.encounter(seen, encounter)
        for condition in encounters.diagnoses(seen, encounter):
            yield encounters.diagnosis(seen, condition)
    for immunization in seen.chart.immunizations:
        yield vaccines.vaccine(seen, immunization)
    for operation in surgicalhistory.operations(seen):
        yield surgicalhistory.surgery(seen, operation)
    for document in seen.chart.documents:
        yield documents.document(seen, document)
    for appointment in seen.chart.appointments:
        yield appointments.appointment(seen, appointment)
    for coverage in seen.chart.coverages:
        yield insurances.insurance(seen, coverage)
