"""FHIR Procedure: SNOMED CT with the words of the catalogue, a period with the offset of the place."""

from __future__ import annotations

from simulator.fhir import build
from simulator.population.records import Procedure
from simulator.vendor import Rendering
from simulator.vendors.athena import ids
from simulator.vendors.athena.charts import PatientChart
from simulator.vendors.athena.fhir import shape
from simulator.vendors.athena.fhir.encounters import location_id


def procedure_id(seen: PatientChart, record: Procedure) -> str:
    return ids.fhir_id("procedure", seen.item("procedure", record.ordinal))


def procedure(seen: PatientChart, record: Procedure) -> Rendering:
    """One procedure."""
    id = procedure_id(seen, record)
    place = seen.facility(record.facility)
    payload = shape.resource(
        seen,
        "Procedure",
        id,
        seen.updated(record),
        record.sensitivity,
        identifier=shape.identifier("ah-procedure", id),
        status=record.status,
        code=build.concept(record.codes, record.text),
        subject=shape.subject(seen),
        encounter=shape.encounter(seen, record.encounter),
        performedPeriod={
            "start": shape.local_time(record.start, place.zone),
            "end": shape.local_time(record.end, place.zone),
        },
        performer=[{"actor": shape.practitioner(seen, record.practitioner)}],
        location=build.reference("Location", location_id(record.facility), place.name),
        reasonCode=shape.reason(seen, record.reason),
    )
    return Rendering("Procedure", id, payload, (record,))
