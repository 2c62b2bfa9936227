"""Coverage: of a patient, and again of each encounter; days as instants of the data centre's midnight, the last one
ending a second before the next; the plan as a number with a name."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any

from simulator.fhir import build
from simulator.ids import h64
from simulator.population.answers import Loss
from simulator.population.records import Chart, Coverage
from simulator.sandbox import Site
from simulator.vendor import Rendering
from simulator.vendors.cerner import ids
from simulator.vendors.cerner.elements import (
    SERVER_ZONE,
    STRUCTURES,
    coded,
    extension,
    in_millis,
    narrative,
    standard,
    words_of,
)
from simulator.vendors.cerner.ids import Row
from simulator.vendors.cerner.resources import people
from simulator.vendors.cerner.resources.telling import Item, Telling, Tokens, rendering, state_of

_CLASS = "http://terminology.hl7.org/CodeSystem/coverage-class"
_RELATIONSHIP = "http://terminology.hl7.org/CodeSystem/subscriber-relationship"
_SELF_PAY = "Self Pay"
_ID = re.compile(r"([0-9]+)-([0-9]+)(?:-([0-9]+))?")


def _items(site: Site, chart: Chart) -> list[Item]:
    """Those of the patient, then those of the encounters. The variant of a row is its encounter, counted from one."""
    number = chart.person.number
    found = [Item(Row(number, one.ordinal), (one,)) for one in chart.coverages]
    for visit in chart.encounters:
        day = visit.start.astimezone(SERVER_ZONE).date()
        for one in chart.coverages:
            if one.start <= day and (one.end is None or day <= one.end):
                found.append(Item(Row(number, one.ordinal, 1 + visit.ordinal), (one,)))
    return found


def _encounter(item: Item) -> Row | None:
    """The encounter for which this coverage is told, or None: for the patient."""
    return Row(item.row.number, item.row.variant - 1) if item.row.variant else None


def _id_of(site: Site, item: Item) -> str:
    number, ordinal, _ = item.row
    own = ids.row_number(site, "coverage", Row(number, ordinal))
    visit = _encounter(item)
    if visit is not None:
        return f"{ids.row_number(site, 'encounter', visit)}-{own}"
    return f"{ids.patient_id(site, number)}-{own}-{own}"


def _row_of(site: Site, id: str) -> Row | None:
    parts = _ID.fullmatch(id)
    if parts is None:
        return None
    own = ids.row_of(site, "coverage", parts[2])
    if own is None or own.variant:
        return None
    if parts[3] is not None:
        return own if parts[3] == parts[2] else None
    visit = ids.row_of(site, "encounter", parts[1])
    if visit is None or visit.variant or visit.number != own.number:
        return None
    return Row(own.number, own.ordinal, 1 + visit.ordinal)


def _updated(site: Site, item: Item) -> datetime:
    state = state_of(site, "coverage", Row(item.row.number, item.row.ordinal))
    return state.updated if state else _from(item.records[0].start)


def _from(day: date) -> datetime:
    """The instant at which a day begins at the clinic's data centre."""
    return datetime.combine(day, time(), SERVER_ZONE)


def _until(day: date) -> datetime:
    return _from(day + timedelta(days=1)) - timedelta(seconds=1)


def _render(site: Site, chart: Chart, item: Item) -> Rendering:
    one: Coverage = item.records[0]
    visit = _encounter(item)
    patient = people.patient_ref(site, chart.person)
    subscriber = patient if one.relationship == "self" else _holder(site, one)
    state = state_of(site, "coverage", Row(item.row.number, item.row.ordinal))
    version = state.version - 1 if state else 0
    plan = plan_number(site, one)
    encounter = people.encounter_ref(site, visit.number, visit.ordinal) if visit is not None else None
    text = narrative(
        "Coverage",
        [
            ("Status", one.status.title()),
            ("Subscriber", subscriber["display"] if subscriber else None),
            ("Subscriber Id", one.member_id),
            ("Encounter", encounter["reference"].partition("/")[2] if encounter else None),
            ("Beneficiary", patient["display"]),
            ("Coverage Start Date", words_of(_from(one.start))),
            ("Coverage End Date", words_of(_until(one.end)) if one.end else None),
            ("Payor", one.payer),
            ("Class", f"plan: Value: {plan} Name: {one.plan or _SELF_PAY}"),
        ],
    )
    payload: dict[str, Any] = {
        "resourceType": "Coverage",
        "id": _id_of(site, item),
        "meta": {
            "versionId": str(version) if encounter else f"{version}-{version}",
            "lastUpdated": in_millis(_updated(site, item)),
        },
        "text": text | {"status": "extensions"} if encounter else text,
    }
    if encounter:
        payload["extension"] = [extension(STRUCTURES + "coverage-encounter", valueReference=encounter)]
    payload["status"] = one.status
    if subscriber is not None:
        payload["subscriber"] = subscriber
    if one.member_id is not None:
        payload["subscriberId"] = one.member_id
    payload["beneficiary"] = patient
    if one.dependent is not None:
        payload["dependent"] = one.dependent
    payload["relationship"] = coded(_RELATIONSHIP, one.relationship, one.relationship.title())
    payload["period"] = {"start": in_millis(_from(one.start))}
    if one.end is not None:
        payload["period"]["end"] = in_millis(_until(one.end))
    payload["payor"] = [people.payer_ref(site, one.payer)]
    payload["class"] = [_class("plan", plan, one.plan or _SELF_PAY)]
    if one.group is not None:
        payload["class"].append(_class("group", one.group, f"{one.plan} group"))
    return rendering("Coverage", payload, item.records, _losses(one))


def _holder(site: Site, one: Coverage) -> dict[str, Any] | None:
    """Another one who holds the policy, by name: a related person, of whom Millennium has a record and we none."""
    person = None if one.holder is None else site.sandbox.world.present_person(one.holder)
    return None if person is None else {"display": people.patient_name(person)}


def plan_number(site: Site, one: Coverage) -> str:
    """The number of a health plan of the site."""
    return str(2_000_000 + h64(site.key, "health plan", one.key) % 1_000_000)


def _class(code: str, value: str, name: str) -> dict[str, Any]:
    return {"type": {"coding": [standard(_CLASS, code, "", None)]}, "value": value, "name": name}


def _losses(one: Coverage) -> list[tuple[int, Loss]]:
    losses = [Loss("category", "omitted"), Loss("order", "omitted")]
    losses.append(Loss("period.start", "also", value=_instants(_from(one.start))))
    if one.end is not None:
        losses.append(Loss("period.end", "also", value=_instants(_until(one.end))))
    if not one.plan:
        losses.append(Loss("plan", "replaced", value=_SELF_PAY))
    return [(0, loss) for loss in losses]


def _instants(at: datetime) -> list[dict[str, str]]:
    """An instant as those hold it who keep what is told."""
    return [
        {"value": build.instant(at), "precision": "second"},
        {"value": in_millis(at), "precision": "millisecond"},
    ]


def _encounter_tokens(site: Site, item: Item) -> Tokens:
    visit = _encounter(item)
    return [] if visit is None else [("", str(ids.row_number(site, "encounter", visit)))]


def is_of_patient(item: Item) -> bool:
    """Whether it is told for the patient: a search by patient finds these, and none of an encounter's."""
    return _encounter(item) is None


COVERAGE = Telling(
    "Coverage",
    "coverage",
    _items,
    _id_of,
    _row_of,
    _render,
    _updated,
    tokens={"-encounter": _encounter_tokens},
    listed=is_of_patient,
)
