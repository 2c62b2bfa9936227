"""Questionnaire and QuestionnaireResponse: the screening scores once more, as answers to a form of one question.

The truth knows totals, not single answers: the form asks for the total.

Source: SOURCES.md, "Resources" (CS: what can be asked; the form: guess).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from simulator.fhir import build
from simulator.population import tables
from simulator.population.records import Observation
from simulator.vendors.epic import dialect, ids
from simulator.vendors.epic.dialect import Json, Telling, usual
from simulator.vendors.epic.resources import told
from simulator.vendors.epic.resources.told import Item

if TYPE_CHECKING:
    from simulator.sandbox import Site

_FORMS = tuple(row for row in tables.LABS.values() if row.category == "survey")
_FORM = dialect.local("2.877019")  # guess
_PLACES = {row.key: place for place, row in enumerate(_FORMS)}


def questionnaire(site: Site, index: int) -> Json | None:
    """The form of that index; None when there is none."""
    if not 0 <= index < len(_FORMS):
        return None
    row = _FORMS[index]
    return {
        "resourceType": "Questionnaire",
        "id": ids.fhir_id(site.key, "Questionnaire", index),
        "identifier": [usual(_FORM, str(index + 100))],
        "name": row.key.upper(),
        "title": row.short.removesuffix(" total"),
        "status": "active",
        "subjectType": ["Patient"],
        "item": [
            {"linkId": _link(row.code.code), "code": [build.coding(row.code)], "text": row.short, "type": "decimal"}
        ],
    }


def _link(code: str) -> str:
    return f"/{code}"


def _items(t: Telling) -> Iterator[Item]:
    return ((one,) for one in reversed(t.chart.observations) if one.key in _PLACES and one.value is not None)


def _payload(t: Telling, item: Item) -> Json:
    one = item[0]
    assert isinstance(one, Observation)
    form = ids.fhir_id(t.key, "Questionnaire", _PLACES[one.key])
    made: Json = {
        "identifier": usual(_FORM, dialect.number(t.draw("answers", one.ordinal), 8)),
        "questionnaire": f"Questionnaire/{form}",
        "status": "completed",
        "subject": t.subject,
    }
    encounter = t.encounter(one.encounter)
    if encounter is not None:
        made["encounter"] = encounter
    return made | {
        "authored": build.instant(one.effective),
        "author": t.practitioner(one.practitioner),
        "source": t.subject,
        "item": [{"linkId": _link(one.code.code), "text": one.text, "answer": [{"valueDecimal": one.value}]}],
    }


TOLD = told.resting("QuestionnaireResponse", _items, _payload)
