"""Appointment: the site's own appointment types, everybody a participant, what the patient comes for as a comment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from simulator.population.answers import Loss
from simulator.population.records import Appointment, Chart, Condition
from simulator.sandbox import Site
from simulator.vendor import Rendering
from simulator.vendors.cerner import codes, ids
from simulator.vendors.cerner.elements import (
    STRUCTURES,
    concept,
    extension,
    in_millis,
    narrative,
    standard,
    words_of,
)
from simulator.vendors.cerner.ids import Row
from simulator.vendors.cerner.resources import people
from simulator.vendors.cerner.resources.telling import (
    Item,
    Span,
    Telling,
    Tokens,
    bare_id,
    bare_row,
    hidden_labels,
    rendering,
    retracted,
    state_of,
)

_REASONS = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
_WHY = {"patient": ("pat", "Patient"), "provider": ("prov", "Provider")}
_id_of, _row_of = bare_id("appointment"), bare_row("appointment")


def _items(site: Site, chart: Chart) -> list[Item]:
    """By start, the earliest first."""
    number = chart.person.number
    everything = sorted((*chart.appointments, *retracted(chart, "appointment")), key=_by_start)
    return [Item(Row(number, one.ordinal), (one,)) for one in everything]


def _by_start(one: Appointment) -> tuple[datetime, int]:
    return one.start, one.ordinal


def _updated(site: Site, item: Item) -> datetime:
    state = state_of(site, "appointment", item.row)
    one: Appointment = item.records[0]
    return state.updated if state else one.created


def service_of(site: Site, type_key: str) -> dict[str, Any]:
    """The `serviceType` of a kind of visit: the site's appointment type, and a practice setting where there is one."""
    word, setting = codes.SERVICES.get(type_key, (type_key.title(), None))
    codings = [codes.local(site, codes.APPOINTMENT_TYPE, type_key, word)]
    return concept([*codings, standard("snomed", *setting)] if setting else codings, word)


def _render(site: Site, chart: Chart, item: Item) -> Rendering:
    one: Appointment = item.records[0]
    state = state_of(site, "appointment", item.row)
    service = service_of(site, one.type_key)
    end = one.start + timedelta(minutes=one.minutes)
    reason = _reason(chart, one)
    who = people.practitioner_ref(site, one.practitioner)
    patient = people.patient_ref(site, chart.person)
    place = people.location_ref(site, one.facility)
    taking_part = f"Practitioner: {who['display']}, Patient: {patient['display']}, Location: {place['display']}"
    may_change = one.status == "booked"
    payload: dict[str, Any] = {
        "resourceType": "Appointment",
        "id": _id_of(site, item),
        "meta": {"versionId": str(state.version - 1 if state else 0), "lastUpdated": in_millis(_updated(site, item))},
        "text": narrative(
            "Appointment",
            [
                ("Status", one.status),
                ("Service Type", service["text"]),
                ("Start", words_of(one.start)),
                ("End", words_of(end)),
                ("Participants", taking_part),
            ],
        ),
        "extension": [
            extension(STRUCTURES + "is-cancelable", valueBoolean=may_change),
            extension(STRUCTURES + "is-reschedulable", valueBoolean=may_change),
        ],
        "status": one.status,
    }
    if one.cancel_reason is not None:
        payload["cancelationReason"] = _why(site, one.cancel_reason)
    payload["serviceType"] = [service]
    if reason is not None:
        payload["reasonCode"] = [{"text": reason.text}]
    payload |= {
        "description": service["text"],
        "start": in_millis(one.start),
        "end": in_millis(end),
        "minutesDuration": one.minutes,
        "comment": one.text,
        "participant": [
            _participant(who, _performer(site)),
            _participant(patient, [_kind(site, "Patient")]),
            _participant(place, None),
        ],
        "requestedPeriod": [{"start": in_millis(one.start), "end": in_millis(end)}],
    }
    if one.status == "entered-in-error":
        return rendering("Appointment", payload, (), [])
    return rendering("Appointment", payload, item.records, _losses(item, service, who["display"], reason))


def _losses(item: Item, service: dict[str, Any], who: str, reason: Condition | None) -> list[tuple[int, Loss]]:
    settings = [{"system": "snomed", "code": coding["code"]} for coding in service["coding"][1:]]
    losses = [
        Loss("type", "replaced", value={"codes": [], "text": service["text"]}),
        Loss("type.codes", "also", value=settings),
        Loss("text", "also", value=service["text"]),
        Loss("practitioner", "also", value=who),
    ]
    if reason is not None:
        losses.append(Loss("reason", "text_only"))
    told = [(0, loss) for loss in losses]
    hidden_labels(item.records, told)
    return told


def _reason(chart: Chart, one: Appointment) -> Condition | None:
    return next((found for found in chart.conditions if found.ordinal == one.reason), None)


def _why(site: Site, reason: str) -> dict[str, Any]:
    codings = [codes.local(site, codes.CANCEL_REASON, reason, reason.title())]
    return concept([*codings, standard(_REASONS, *_WHY[reason])] if reason in _WHY else codings, reason.title())


def _performer(site: Site) -> list[dict[str, Any]]:
    primary = standard(codes.V3_PARTICIPATION, "PPRF", "primary performer", None)
    return [_kind(site, "Resource"), {"coding": [primary]}]


def _kind(site: Site, word: str) -> dict[str, Any]:
    return concept([codes.local(site, codes.APPOINTMENT_PARTICIPANT, word)], word)


def _participant(actor: dict[str, Any], kinds: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Somebody or something that takes part; who was called off stays accepted, as documented."""
    made = {"type": kinds} if kinds else {}
    return {**made, "actor": actor, "required": "required", "status": "accepted"}


# What searches compare


def _status_tokens(site: Site, item: Item) -> Tokens:
    return [("", item.records[0].status)]


def _times(site: Site, item: Item) -> Span:
    one: Appointment = item.records[0]
    return one.start, None


def id_of(site: Site, number: int, one: Appointment) -> str:
    """The id of an appointment of a patient."""
    return str(ids.row_number(site, "appointment", Row(number, one.ordinal)))


APPOINTMENT = Telling(
    "Appointment",
    "appointment",
    _items,
    _id_of,
    _row_of,
    _render,
    _updated,
    tokens={"status": _status_tokens},
    dates={"date": _times, "-date-or-req-period": _times},
)
