"""FHIR DiagnosticReport: the laboratory results of the REST API, each with references to its values."""

from __future__ import annotations

from typing import Any

from simulator.fhir import build
from simulator.population.records import Observation
from simulator.vendor import Rendering
from simulator.vendors.athena import ids
from simulator.vendors.athena.charts import PatientChart
from simulator.vendors.athena.fhir import observations, shape
from simulator.vendors.athena.rest.labresults import LabResult, results

_SERVICE = "http://terminology.hl7.org/CodeSystem/v2-0074"
_WEAKEST = ("preliminary", "corrected")  # a report is what the first of these that one of its values has says


def report_id(seen: PatientChart, records: tuple[Observation, ...]) -> str:
    """`clinicalresult-…`, with the number that the result has over REST."""
    return ids.fhir_id("clinicalresult", seen.item("labresult", records[0].ordinal))


def tellings(seen: PatientChart) -> list[tuple[Observation, ...]]:
    """The values of each report, oldest report first."""
    return [result.records for result in results(seen)]


def report(seen: PatientChart, records: tuple[Observation, ...]) -> Rendering:
    """One report. Its values are told by the Observations: it holds no truth of its own."""
    id = report_id(seen, records)
    first = records[0]
    told = {one.status for one in records}
    payload = shape.resource(
        seen,
        "DiagnosticReport",
        id,
        seen.updated(*records),
        dict.fromkeys(label for one in records for label in one.sensitivity),
        identifier=shape.identifier("ah-diagnosticreport", id),
        status=next((status for status in _WEAKEST if status in told), first.status),
        category=[build.simple(_SERVICE, "LAB", "Laboratory")],
        code=_code(seen, LabResult(records)),
        subject=shape.subject(seen),
        encounter=shape.encounter(seen, first.encounter),
        effectiveDateTime=shape.local_time(first.effective, seen.zone),
        issued=build.instant(max(one.issued for one in records), seen.zone, fraction=3),
        performer=[shape.practitioner(seen, first.practitioner)],
        result=[build.reference("Observation", observations.id_of(seen, one), one.text) for one in records],
    )
    return Rendering("DiagnosticReport", id, payload, ())


def _code(seen: PatientChart, result: LabResult) -> dict[str, Any]:
    """The LOINC of the panel or test; for a test that nobody mapped the code that says so, which can be searched."""
    first = result.first
    if first.panel is not None:
        return build.concept(first.panel, first.panel.display)
    if seen.lacks_loinc(first):
        return build.simple("data-absent", "unknown", "Unknown", first.text)
    return build.concept(first.code, first.text)
