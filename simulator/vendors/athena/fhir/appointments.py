"""FHIR Appointment: served, but found by its id only; the practice's own type, in words."""

from __future__ import annotations

from datetime import timedelta

from simulator.fhir import build
from simulator.population.records import Appointment
from simulator.vendor import Rendering
from simulator.vendors.athena import ids
from simulator.vendors.athena.charts import PatientChart
from simulator.vendors.athena.fhir import shape
from simulator.vendors.athena.fhir.encounters import location_id
from simulator.vendors.athena.rest.appointments import losses
from simulator.vendors.athena.visit_types import VISIT_TYPES, cancel_reason

SYSTEM = f"urn:athenahealth:athenanet:appointment:{ids.PRACTICE}"
"""As the notifications of the platform name an appointment."""


def appointment_id(seen: PatientChart, record: Appointment) -> str:
    return ids.fhir_id("appointment", seen.appointmentid(record))


def appointment(seen: PatientChart, record: Appointment) -> Rendering:
    """One appointment."""
    appointmentid = seen.appointmentid(record)
    id = ids.fhir_id("appointment", appointmentid)
    place = seen.facility(record.facility)
    booked_as = VISIT_TYPES[record.type_key]
    why = cancel_reason(record.status, record.cancel_reason)
    here = "declined" if record.status == "cancelled" else "accepted"
    payload = shape.resource(
        seen,
        "Appointment",
        id,
        seen.updated(record),
        record.sensitivity,
        identifier=[*shape.identifier("ah-appointment", id), {"system": SYSTEM, "value": str(appointmentid)}],
        status=record.status,
        cancelationReason={"text": why.name} if why is not None and record.status == "cancelled" else None,
        serviceType=[{"text": booked_as.name}],
        appointmentType={"text": booked_as.name},
        start=shape.local_time(record.start, place.zone),
        end=shape.local_time(record.start + timedelta(minutes=record.minutes), place.zone),
        minutesDuration=record.minutes,
        created=shape.local_time(record.created, place.zone),
        participant=[
            {"actor": shape.subject(seen), "status": here},
            {"actor": shape.practitioner(seen, record.practitioner), "status": here},
            {"actor": build.reference("Location", location_id(record.facility), place.name), "status": "accepted"},
        ],
    )
    return Rendering("Appointment", id, payload, (record,), tuple((0, loss) for loss in losses(record)))
