"""FHIR Encounter and Immunization."""

from __future__ import annotations

from typing import Any

from simulator.fhir import build
from simulator.population import tables
from simulator.population.answers import Loss
from simulator.population.records import Encounter, Immunization
from simulator.vendor import Rendering
from simulator.vendors.athena import ids
from simulator.vendors.athena.charts import PatientChart
from simulator.vendors.athena.fhir import shape

_CLASSES = {
    "AMB": "ambulatory",
    "EMER": "emergency",
    "IMP": "inpatient encounter",
    "OBSENC": "observation encounter",
    "VR": "virtual",
    "HH": "home health",
}


def encounter_id(seen: PatientChart, record: Encounter) -> str:
    return ids.fhir_id("encounter", seen.item("encounter", record.ordinal))


def encounter(seen: PatientChart, record: Encounter) -> Rendering:
    """One encounter."""
    id = encounter_id(seen, record)
    place = seen.facility(record.facility)
    kind = {"system": build.SYSTEMS["v3-act"], "code": record.class_code, "display": _CLASSES.get(record.class_code)}
    payload = shape.resource(
        seen,
        "Encounter",
        id,
        seen.updated(record),
        record.sensitivity,
        identifier=shape.identifier("ah-encounter", id),
        status=record.status,
        **{"class": kind},
        type=[build.concept(record.type, record.type.display)],
        subject=shape.subject(seen),
        participant=[{"individual": shape.practitioner(seen, record.practitioner)}],
        period={"start": shape.local_time(record.start, place.zone)} | _end(record, place.zone),
        reasonCode=shape.reason(seen, record.reason),
        hospitalization=_hospitalization(record),
        location=[{"location": build.reference("Location", location_id(record.facility), place.name)}],
        serviceProvider=build.reference("Organization", ids.fhir_id("Department", ids.departmentid(record.facility))),
    )
    losses = ((0, Loss("admitSource", "omitted")),) if record.admit_source is not None else ()
    return Rendering("Encounter", id, payload, (record,), losses)


def _hospitalization(record: Encounter) -> dict[str, Any] | None:
    """Where they went: US Core asks for it. Whence they came is not told."""
    if record.disposition is None:
        return None
    row = tables.DISPOSITIONS[record.disposition]
    return {"dischargeDisposition": build.concept(row.code, row.text)}


def _end(record: Encounter, zone: str) -> dict[str, str]:
    return {} if record.end is None else {"end": shape.local_time(record.end, zone)}


def location_id(facility: int) -> str:
    return ids.fhir_id("Location", ids.departmentid(facility))


def immunization_id(seen: PatientChart, record: Immunization) -> str:
    return ids.fhir_id("historical", seen.item("immunization", record.ordinal))


def immunization(seen: PatientChart, record: Immunization) -> Rendering:
    """One immunization. Its id says `historical`, as those in recordings do."""
    id = immunization_id(seen, record)
    payload = shape.resource(
        seen,
        "Immunization",
        id,
        seen.updated(record),
        record.sensitivity,
        identifier=shape.identifier("ah-immunization", id),
        status=record.status,
        vaccineCode=build.concept(record.code, record.text),
        patient=shape.subject(seen),
        encounter=shape.encounter(seen, record.encounter),
        occurrenceDateTime=build.day(record.day),
        primarySource=False,
        lotNumber=record.lot,
        isSubpotent=False,
    )
    return Rendering("Immunization", id, payload, (record,))
