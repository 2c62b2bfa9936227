"""Appointment: Epic's visit types, everybody a participant with a display.

Source: SOURCES.md, "Resources" (CS: what can be asked; the form: guess).
"""

from __future__ import annotations

from datetime import timedelta

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.records import Appointment
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect, ids, staff
from simulator.vendors.epic.dialect import Json, Telling, usual

_REASONS = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
_WHY = {"patient": ("pat", "Patient"), "provider": ("prov", "Provider")}
_ENCOUNTER = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.appointment"
_VISIT_TYPE = dialect.local("3.808267.11")  # guess
_SERVICE = "http://open.epic.com/FHIR/StructureDefinition/appointment-service-category"


def render(t: Telling, appointment: Appointment) -> Rendering:
    """One appointment, with what of it is told differently."""
    visit = dialect.visit(appointment.type_key)
    facility = t.world.population.facility(appointment.facility)
    location = build.reference("Location", ids.fhir_id(t.key, "Location", facility.index), facility.name)
    here = "accepted" if appointment.status != "cancelled" else "declined"
    end = appointment.start + timedelta(minutes=appointment.minutes)
    period = {"start": build.instant(appointment.start), "end": build.instant(end)}
    payload: Json = {"resourceType": "Appointment", "id": t.id("Appointment", appointment.ordinal)}
    encounter = t.encounter(appointment.encounter) if appointment.status in ("arrived", "fulfilled") else None
    if encounter is not None and t.site.settings["appointment_extension"]:
        payload["extension"] = [dialect.extension(_ENCOUNTER, valueReference=encounter)]
    payload |= {
        "identifier": [usual(dialect.CSN, dialect.number(t.draw("appointment", appointment.ordinal), 10))],
        "status": appointment.status,
        "serviceCategory": [dialect.told(_SERVICE, "appointment", "Appointment")],
        "serviceType": [dialect.told(_VISIT_TYPE, visit.code, visit.text)],
        "specialty": [staff.specialty(t.key, appointment.practitioner)],
        "appointmentType": {"text": visit.text},
    }
    losses = [Loss("type", "replaced", "Epic's own types", {"codes": [], "text": visit.text})]
    if appointment.cancel_reason is not None:
        payload["cancelationReason"] = (
            dialect.told(_REASONS, *_WHY[appointment.cancel_reason])
            if appointment.cancel_reason in _WHY
            else {"text": appointment.cancel_reason.title()}
        )
    if appointment.reason is not None:
        losses.append(Loss("reason", "text_only"))
    payload |= {
        "description": appointment.text,
        **period,
        "minutesDuration": appointment.minutes,
        "created": build.day(appointment.created, facility.zone),
        "participant": [
            {"actor": actor, "required": "required", "status": status, "period": period}
            for actor, status in (
                (t.subject, here),
                (t.practitioner(appointment.practitioner), here),
                (location, "accepted"),
            )
        ],
    }
    if appointment.sensitivity:
        losses.append(Loss("sensitivity", "omitted"))
    return Rendering("Appointment", payload["id"], payload, (appointment,), tuple((0, loss) for loss in losses))
