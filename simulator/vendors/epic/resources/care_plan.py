"""CarePlan: the plan of the years, and one for each stay in hospital. A narrative that says next to nothing stands in
both, as recorded.

The plan of the years names no problem with a sensitivity label.

Source: SOURCES.md, "Resources" (FS: the longitudinal plan; what it addresses, and plans of stays: guess).
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.fhir import build
from simulator.population.chart.labels import OPEN
from simulator.population.records import Condition, Encounter
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.resources import care_team, condition, goal, told
from simulator.vendors.epic.resources.told import Item

_ASSESS = dialect.told(
    "http://hl7.org/fhir/us/core/CodeSystem/careplan-category", "assess-plan", "Assessment and Plan of Treatment"
)
_LONGITUDINAL = dialect.told("snomed", "38717003", "Longitudinal")
_INPATIENT = dialect.told("snomed", "736353004", "Inpatient")
_TEXT = {
    "status": "generated",
    "div": '<div xmlns="http://www.w3.org/1999/xhtml"><h1>Plan for Patient Care</h1></div>',
}


def _items(t: Telling) -> Iterator[Item]:
    if t.person.deceased is None:
        yield (t.person,)
    yield from ((one,) for one in reversed(t.chart.encounters) if one.class_code == "IMP")


def _place(t: Telling, item: Item) -> int:
    return item[0].ordinal + 1 if isinstance(item[0], Encounter) else 0


def _payload(t: Telling, item: Item) -> Json:
    if isinstance(item[0], Encounter):
        return _of_stay(t, item[0])
    problems = [one for one in t.chart.conditions if _is_planned_for(one)]
    made: Json = {
        "text": _TEXT,
        "status": "active",
        "intent": "plan",
        "category": [_ASSESS, _LONGITUDINAL],
        "subject": t.subject,
        "careTeam": [care_team.reference(t)],
    }
    if problems:
        made["addresses"] = [condition.reference(t, one) for one in problems]
    goals = [goal.reference(t, one) for one in problems if goal.has_goal(one)]
    return made | ({"goal": goals} if goals else {})


def _is_planned_for(one: Condition) -> bool:
    is_problem = one.category == "problem-list-item" and one.clinical_status == "active"
    return is_problem and OPEN.issuperset(one.sensitivity)


def _of_stay(t: Telling, stay: Encounter) -> Json:
    made: Json = {
        "text": _TEXT,
        "status": "active" if stay.end is None else "completed",
        "intent": "plan",
        "category": [_ASSESS, _INPATIENT],
        "subject": t.subject,
        "encounter": t.encounter(stay.ordinal),
        "period": {"start": build.instant(stay.start)}
        | ({"end": build.instant(stay.end)} if stay.end is not None else {}),
        "author": t.practitioner(stay.practitioner),
    }
    reason = t.conditions.get(stay.reason) if stay.reason is not None else None
    return made if reason is None else made | {"addresses": [condition.reference(t, reason)]}


TOLD = told.resting("CarePlan", _items, _payload, _place)
