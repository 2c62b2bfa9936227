"""Encounter: Epic's own classes and types, days for unscheduled visits, and visits that nobody closed.

Beside what happened stand contacts that are none: orders that were signed without a visit, and the case that was booked
for an operation.

Source: SOURCES.md, "Resources" (MAP; CUMULUS: extensions); trap E40.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from simulator.fhir import build
from simulator.population import tables
from simulator.population.answers import Loss
from simulator.population.records import Encounter
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect, ids, staff
from simulator.vendors.epic.dialect import Json, Telling, Visit, extension, usual
from simulator.vendors.epic.resources import account, condition, episode
from simulator.vendors.epic.resources.told import Item

_UNCLOSED_PER_CENT = 12  # of unscheduled visits: guess
_SETTLED = timedelta(days=60)
_ORDERS_PER_CENT, _ANCILLARY_PER_CENT = 8, 3  # of visits to the office, what is ordered after them: guess
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_PART = dialect.told(_PARTICIPATION, "PART", "Participation")
_ATTENDING = dialect.told(_PARTICIPATION, "ATND", "attender")
_EPIC = "http://open.epic.com/FHIR/StructureDefinition/extension/"
_SERVICE = dialect.local("10.698084.18886")  # guess, as the next
_PRIORITY = dialect.local("10.698084.10315")
_ADMIT_SOURCE = dialect.local("10.698084.10310")  # seen, as the next; the numbers but for those named there: guess
_DISPOSITION = dialect.local("4.698084.18888")
_ADMIT_SOURCES = {"emergency": "7", "referral": "2", "clinic": "9", "transfer": "4", "nursing_home": "5"}
_DISPOSITIONS = {
    "home": "1", "hospital": "2", "nursing_home": "3", "home_health": "6", "left": "7", "died": "20", "hospice": "50",
    "rehab": "62",
}  # fmt: skip
_WARD = dialect.told("http://terminology.hl7.org/CodeSystem/location-physical-type", "wa", "Ward")
_CASE = "surgery_case"


def items(t: Telling) -> Iterator[Item]:
    """The encounters, newest first, each behind the contact that goes with it."""
    for encounter in reversed(t.chart.encounters):
        beside = _beside(t, encounter)
        if beside is not None:
            yield (beside,)
        yield (encounter,)


def render(t: Telling, encounter: Encounter) -> Rendering:
    """One encounter, with what of it is told differently."""
    visit = dialect.visit(encounter.type_key)
    is_stay = visit.patient_class is not None
    status = status_of(t, encounter)
    period = _period(t, encounter)
    payload: Json = {"resourceType": "Encounter", "id": t.id("Encounter", encounter.ordinal)}
    if is_stay and encounter.class_code in _ADMITTED:
        admitted = extension(_EPIC + _ADMITTED[encounter.class_code], valueDateTime=build.instant(encounter.start))
        payload["extension"] = [admitted]
    payload |= {
        "identifier": [usual(dialect.CSN, t.contact_number(encounter.ordinal))],
        "status": status,
        "class": {"system": dialect.ENCOUNTER_CLASS, "code": visit.class_code, "display": visit.class_text},
        "type": _types(visit),
    }
    if visit.class_code == "5":
        found = staff.specialty_of(t.key, encounter.practitioner)
        payload["serviceType"] = dialect.told(_SERVICE, found.number, found.name)
    if encounter.class_code == "EMER":
        payload["priority"] = dialect.told(_PRIORITY, "1", "Emergency")
    payload["subject"] = t.subject
    reason = t.conditions.get(encounter.reason) if encounter.reason is not None else None
    if reason is not None and episode.is_one(reason):
        payload["episodeOfCare"] = [episode.reference(t, reason)]
    payload |= {"participant": [_participant(t, encounter, period)], "period": period}
    diagnosis = condition.diagnosis_of(t, encounter)
    if reason is not None and diagnosis is not None:
        payload["reasonCode"] = [{"text": reason.text}]
        payload["diagnosis"] = [{"condition": diagnosis, "use": {"text": "Encounter Diagnosis"}, "rank": 1}]
    if account.has_account(encounter):
        payload["account"] = [account.reference(t, encounter)]
    if stay := _hospitalization(encounter):
        payload["hospitalization"] = stay
    payload["location"] = [_location(t, encounter, period)]
    payload["serviceProvider"] = dialect.organization_reference(t.site)
    if encounter.type_key == _CASE:
        payload["partOf"] = t.encounter(encounter.ordinal - ids.APART)
    if encounter.ordinal >= ids.APART:
        return Rendering("Encounter", payload["id"], payload, (), is_aside=True)
    losses = [Loss("type", "replaced", "Epic's own types", {"codes": [], "text": visit.text})]
    losses += _hospital_losses(encounter)
    if status != encounter.status:
        losses.append(Loss("status", "also", "nobody closed the visit", status))
    if not visit.timed:
        for name, at in _ends(encounter):
            losses.append(Loss(name, "replaced", "day", dialect.precise_day(t.day(at, encounter.ordinal))))
    if encounter.sensitivity:
        losses.append(Loss("sensitivity", "omitted"))
    return Rendering("Encounter", payload["id"], payload, (encounter,), tuple((0, loss) for loss in losses))


def status_of(t: Telling, encounter: Encounter) -> str:
    """`in-progress` for old unscheduled visits that nobody closed, `unknown` for the case of an operation."""
    if encounter.type_key == _CASE:
        return "unknown"
    is_old = encounter.end is not None and t.world.population.as_of - encounter.end.date() > _SETTLED
    is_unscheduled = not dialect.visit(encounter.type_key).timed
    is_forgotten = t.draw("unclosed", encounter.ordinal) % 100 < _UNCLOSED_PER_CENT
    is_open = encounter.status == "finished" and is_old and is_unscheduled and is_forgotten
    return "in-progress" if is_open else encounter.status


def _beside(t: Telling, encounter: Encounter) -> Encounter | None:
    """The contact that is no visit: it has an ordinal behind all visits, and begins when the visit was over."""
    if encounter.end is None or encounter.sensitivity:
        return None
    kind = _CASE if encounter.type_key == "surgical" else None
    if dialect.visit(encounter.type_key).class_code == "5":
        drawn = t.draw("beside", encounter.ordinal) % 100
        if drawn < _ORDERS_PER_CENT + _ANCILLARY_PER_CENT:
            kind = "orders_only" if drawn < _ORDERS_PER_CENT else "ancillary_orders"
    if kind is None:
        return None
    start = encounter.start if kind == _CASE else encounter.end
    encounter = replace(encounter, reason=None, admit_source=None, disposition=None)
    return replace(encounter, ordinal=ids.APART + encounter.ordinal, type_key=kind, start=start)


def _types(visit: Visit) -> list[Json]:
    types = [dialect.told(dialect.ENCOUNTER_TYPE, visit.code, visit.text)]
    if visit.patient_class:
        types.append(dialect.told(dialect.PATIENT_CLASS, *visit.patient_class))
    return types


def _participant(t: Telling, encounter: Encounter, period: Json) -> Json:
    """Who took part: of support encounters without the reference's type, of a case without a role (both seen)."""
    code = dialect.visit(encounter.type_key).class_code
    if code == "13":
        return {"type": [_PART], "individual": t.practitioner(encounter.practitioner, typed=False)}
    individual = t.practitioner(encounter.practitioner)
    if code == "1":
        return {"individual": individual}
    return {"type": [_ATTENDING if code == "4" else _PART], "period": period, "individual": individual}


def _hospitalization(encounter: Encounter) -> Json:
    """Where a stay came from and where it ended, in the site's own numbers."""
    made: Json = {}
    if encounter.admit_source is not None:
        text = tables.ADMIT_SOURCES[encounter.admit_source].text
        made["admitSource"] = dialect.told(_ADMIT_SOURCE, _ADMIT_SOURCES[encounter.admit_source], text)
    if encounter.disposition is not None:
        text = tables.DISPOSITIONS[encounter.disposition].text
        made["dischargeDisposition"] = dialect.told(_DISPOSITION, _DISPOSITIONS[encounter.disposition], text)
    return made


def _hospital_losses(encounter: Encounter) -> Iterator[Loss]:
    """Epic's numbers stand for no code system."""
    why = "Epic's own numbers"
    if encounter.admit_source is not None:
        text = tables.ADMIT_SOURCES[encounter.admit_source].text
        yield Loss("admitSource", "replaced", why, {"codes": [], "text": text})
    if encounter.disposition is not None:
        text = tables.DISPOSITIONS[encounter.disposition].text
        yield Loss("dischargeDisposition", "replaced", why, {"codes": [], "text": text})


def _location(t: Telling, encounter: Encounter, period: Json) -> Json:
    facility = t.world.population.facility(encounter.facility)
    id = ids.fhir_id(t.key, "Location", facility.index)
    made: Json = {"location": build.reference("Location", id, facility.name)}
    if dialect.visit(encounter.type_key).class_code == "4":
        made |= {"physicalType": _WARD, "period": period}
    return made


_ADMITTED = {"IMP": "ip-admit-datetime", "OBSENC": "observation-datetime"}


def _period(t: Telling, encounter: Encounter) -> Json:
    if dialect.visit(encounter.type_key).timed:
        return {name: build.instant(at) for name, at in _ends(encounter)}
    return {name: t.day(at, encounter.ordinal).isoformat() for name, at in _ends(encounter)}


def _ends(encounter: Encounter) -> list[tuple[str, datetime]]:
    """When it began, and when it ended if it is over."""
    ends = [("start", encounter.start)]
    return ends if encounter.end is None else [*ends, ("end", encounter.end)]
