"""Goal: what the notes say shall be reached, of the standing problems whose plan names such a thing.

Source: SOURCES.md, "Resources" (CS: what can be asked; the form: US Core, guess).
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.fhir import build
from simulator.population import tables
from simulator.population.records import Condition
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.resources import condition, told
from simulator.vendors.epic.resources.told import Item

_AIMS = (" goal", "below ", "weight loss", "minutes of activity", "Limit ", "low-salt", "Stay active")
"""What makes a sentence of a plan an aim and not a task of the clinic."""


def _aim_of(plan: str) -> str:
    sentences = [sentence.strip(" .") for sentence in plan.split(";")]
    found = next((one for one in sentences if any(word in one for word in _AIMS)), "")
    return found[:1].upper() + found[1:]


AIMS = {row["key"]: aim for row in tables.raw("note_words") if (aim := _aim_of(row["plan"]))}
"""The aim in the plan of a row of conditions.csv."""
_BEHAVIOR = dialect.told("http://terminology.hl7.org/CodeSystem/goal-category", "behavioral", "Behavioral")
_UNDER_WAY = dialect.told("http://terminology.hl7.org/CodeSystem/goal-achievement", "in-progress", "In Progress")
_LIFECYCLES = {"active": "active", "inactive": "on-hold", "resolved": "completed"}


def _items(t: Telling) -> Iterator[Item]:
    return ((one,) for one in t.chart.conditions if has_goal(one))


def has_goal(one: Condition) -> bool:
    """Whether a problem has a goal."""
    return one.key in AIMS and one.category == "problem-list-item"


def reference(t: Telling, one: Condition) -> Json:
    """The reference to the goal of a problem."""
    return build.reference("Goal", t.id("Goal", one.ordinal), AIMS[one.key])


def _payload(t: Telling, item: Item) -> Json:
    one = item[0]
    assert isinstance(one, Condition)
    made: Json = {"lifecycleStatus": _LIFECYCLES[one.clinical_status]}
    if one.clinical_status == "active":
        made["achievementStatus"] = _UNDER_WAY
    if "below" not in AIMS[one.key]:
        made["category"] = [_BEHAVIOR]
    return made | {
        "description": {"text": AIMS[one.key]},
        "subject": t.subject,
        "startDate": t.day(one.recorded, one.encounter).isoformat(),
        "expressedBy": t.practitioner(one.practitioner),
        "addresses": [condition.reference(t, one)],
    }


TOLD = told.resting("Goal", _items, _payload)
