"""EpisodeOfCare: a pregnancy, from its first visit to its end. Epic calls it an episode, and so does the truth.

Source: SOURCES.md, "Resources" (CS: what can be asked; the form: guess).
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.fhir import build
from simulator.population.records import Condition
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling, usual
from simulator.vendors.epic.resources import condition, told
from simulator.vendors.epic.resources.told import Item

_EPISODE = dialect.local("2.726668")  # guess
_TYPE = dialect.told(dialect.local("4.726668.125"), "2", "Pregnancy")  # guess


def _items(t: Telling) -> Iterator[Item]:
    return ((one,) for one in reversed(t.chart.conditions) if is_one(one))


def is_one(one: Condition) -> bool:
    """Whether a condition is an episode."""
    return one.key == "pregnancy"


def reference(t: Telling, one: Condition) -> Json:
    """The reference to the episode that a condition is."""
    return build.reference("EpisodeOfCare", t.id("EpisodeOfCare", one.ordinal), "Pregnancy")


def _payload(t: Telling, item: Item) -> Json:
    one = item[0]
    assert isinstance(one, Condition)
    start = t.day(one.recorded, one.encounter)
    end = {} if one.abatement is None else {"end": max(start, one.abatement).isoformat()}
    return {
        "identifier": [usual(_EPISODE, dialect.number(t.draw("episode", one.ordinal), 6))],
        "status": "active" if one.abatement is None else "finished",
        "type": [_TYPE],
        "diagnosis": [{"condition": condition.reference(t, one)}],
        "patient": t.subject,
        "managingOrganization": dialect.organization_reference(t.site),
        "period": {"start": start.isoformat()} | end,
        "careManager": t.practitioner(one.practitioner),
    }


TOLD = told.resting("EpisodeOfCare", _items, _payload)
