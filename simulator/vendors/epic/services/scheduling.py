"""Appointments of a patient, between two days.

Source: SOURCES.md, "Web services" (RONIN: members of request and answer, codes of errors; COBALT: the path).
"""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.population.records import Appointment
from simulator.vendors.epic import dialect, ids
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.services.command import Command, Service, both, clock, local, slashed

_STATUSES = {
    "booked": "Scheduled", "arrived": "Arrived", "fulfilled": "Completed", "cancelled": "Canceled",
    "noshow": "No Show", "entered-in-error": "Canceled",
}  # fmt: skip


def appointments(c: Command) -> Reply:
    """The appointments from `StartDate` to `EndDate`, both included, oldest first."""
    c.need("UserID", "NO-USER-FOUND")
    first = c.day("StartDate", "INVALID-START-DATE")
    last = c.day("EndDate", "INVALID-END-DATE")
    if first is None:
        raise c.failed("INVALID-START-DATE", "StartDate is required.")
    if last is not None and last < first:
        raise c.failed("END-DATE-BEFORE-START-DATE", "EndDate is before StartDate.")
    t = c.patient()
    found = []
    for one in c.seen(t, "Appointment", Appointment):
        day = local(one.start, _zone(t, one)).date()
        if first <= day and (last is None or day <= last):
            found.append(one)
    found.sort(key=lambda one: one.start)
    return c.told({"Appointments": [_told(t, one) for one in found], "Error": None})


def _zone(t: Telling, one: Appointment) -> str:
    return t.world.population.facility(one.facility).zone


def _told(t: Telling, one: Appointment) -> Json:
    at = local(one.start, _zone(t, one))
    facility = t.world.population.facility(one.facility)
    provider = t.practitioner(one.practitioner)
    visit = dialect.visit(one.type_key)
    number = dialect.number(t.draw("appointment", one.ordinal), 10)
    return {
        "AppointmentDuration": str(one.minutes),
        "AppointmentNotes": [one.text] if one.text else [],
        "AppointmentStartTime": clock(at),
        "AppointmentStatus": _STATUSES[one.status],
        "ContactIDs": [both(number, "CSN"), both(t.id("Appointment", one.ordinal), "FHIR")],
        "Date": slashed(at.date()),
        "ExtraExtensions": [],
        "ExtraItems": [],
        "PatientIDs": [both(t.id("Patient"), "FHIR")],
        "PatientName": f"{t.person.family},{' '.join(t.person.given)}",
        "Providers": [
            {
                "DepartmentIDs": [both(str(10_101_000 + facility.index), "Internal")],
                "DepartmentName": facility.name,
                "Duration": str(one.minutes),
                "ProviderIDs": [
                    both(ids.fhir_id(t.key, "Practitioner", one.practitioner), "FHIR"),
                    both(str(1_000 + one.practitioner), "Internal"),
                ],
                "ProviderName": provider["display"],
                "Time": clock(at),
            }
        ],
        "VisitTypeIDs": [both(visit.code, "Internal")],
        "VisitTypeName": visit.text,
    }


SERVICES = (
    Service(
        "GetPatientAppointments", ("2013",), "Scheduling/Patient/GETPATIENTAPPOINTMENTS/GetPatientAppointments",
        ("Appointment", "s"), appointments,
    ),
)  # fmt: skip
