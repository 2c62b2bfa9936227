"""Encounter: Epic's own classes and types, days for unscheduled visits, and visits that nobody closed.

Source: SOURCES.md, "Resources" (MAP); trap E40.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.records import Encounter
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect, ids
from simulator.vendors.epic.dialect import Json, Telling, usual

_UNCLOSED_PER_CENT = 12  # of unscheduled visits: guess
_SETTLED = timedelta(days=60)


def render(t: Telling, encounter: Encounter) -> Rendering:
    """One encounter, with what of it is told differently."""
    visit = dialect.visit(encounter.type_key)
    types = [dialect.told(dialect.ENCOUNTER_TYPE, visit.code, visit.text)]
    if visit.patient_class:
        types.append(dialect.told(dialect.PATIENT_CLASS, *visit.patient_class))
    status = status_of(t, encounter)
    payload: Json = {
        "resourceType": "Encounter",
        "id": t.id("Encounter", encounter.ordinal),
        "identifier": [usual(dialect.CSN, t.contact_number(encounter.ordinal))],
        "status": status,
        "class": {"system": dialect.ENCOUNTER_CLASS, "code": visit.class_code, "display": visit.class_text},
        "type": types,
        "subject": t.subject,
        "participant": [{"type": [_PARTICIPATION], "individual": t.practitioner(encounter.practitioner)}],
        "period": _period(t, encounter),
    }
    reason = t.conditions.get(encounter.reason) if encounter.reason is not None else None
    if reason is not None:
        payload["reasonCode"] = [{"text": reason.text}]
        payload["diagnosis"] = [
            {"condition": build.reference("Condition", t.id("Condition", reason.ordinal), reason.text)}
        ]
    facility = t.world.population.facility(encounter.facility)
    location = ids.fhir_id(t.key, "Location", facility.index)
    payload["location"] = [{"location": build.reference("Location", location, facility.name)}]
    payload["serviceProvider"] = dialect.organization_reference(t.site)
    losses = [Loss("type", "replaced", "Epic's own types", {"codes": [], "text": visit.text})]
    if status != encounter.status:
        losses.append(Loss("status", "also", "nobody closed the visit", status))
    if not visit.timed:
        for name, at in _ends(encounter):
            losses.append(Loss(name, "replaced", "day", dialect.precise_day(t.day(at, encounter.ordinal))))
    if encounter.sensitivity:
        losses.append(Loss("sensitivity", "omitted"))
    return Rendering("Encounter", payload["id"], payload, (encounter,), tuple((0, loss) for loss in losses))


def status_of(t: Telling, encounter: Encounter) -> str:
    """`in-progress` for old unscheduled visits that nobody closed."""
    is_old = encounter.end is not None and t.world.population.as_of - encounter.end.date() > _SETTLED
    is_unscheduled = not dialect.visit(encounter.type_key).timed
    is_forgotten = t.draw("unclosed", encounter.ordinal) % 100 < _UNCLOSED_PER_CENT
    is_open = encounter.status == "finished" and is_old and is_unscheduled and is_forgotten
    return "in-progress" if is_open else encounter.status


def _period(t: Telling, encounter: Encounter) -> Json:
    if dialect.visit(encounter.type_key).timed:
        return {name: build.instant(at) for name, at in _ends(encounter)}
    return {name: t.day(at, encounter.ordinal).isoformat() for name, at in _ends(encounter)}


def _ends(encounter: Encounter) -> list[tuple[str, datetime]]:
    """When it began, and when it ended if it is over."""
    ends = [("start", encounter.start)]
    return ends if encounter.end is None else [*ends, ("end", encounter.end)]


_PARTICIPATION = dialect.told(
    "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "PART", "Participation"
)  # fmt: skip
