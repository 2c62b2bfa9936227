"""List: the problem list, the medication list, allergies and immunizations of a patient, each as references; a list
without entries is not told.

Records with a sensitivity label are in no list: a list shall not tell what they keep back.

Source: SOURCES.md, "Resources" (CS: which lists there are; the form: guess).
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.fhir import build
from simulator.population.chart.labels import OPEN
from simulator.population.records import Allergy, Condition, Immunization, Medication, Record
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.resources import condition, told
from simulator.vendors.epic.resources.told import Item

_CODE = "http://open.epic.com/FHIR/StructureDefinition/list-code"  # guess
_LISTS: dict[type[Record], tuple[int, str, str]] = {  # place, code, title
    Condition: (0, "problems", "Problem List"),
    Medication: (1, "medications", "Medication List"),
    Allergy: (2, "allergies", "Allergy List"),
    Immunization: (3, "immunizations", "Immunization List"),
}


def _items(t: Telling) -> Iterator[Item]:
    chart = t.chart
    problems = [one for one in chart.conditions if one.category == "problem-list-item" and _is_active(one)]
    kept: list[Item] = [
        tuple(problems),
        tuple(one for one in chart.medications if one.status == "active"),
        chart.allergies,
        chart.immunizations,
    ]
    for records in kept:
        shown = tuple(one for one in records if OPEN.issuperset(getattr(one, "sensitivity", ())))
        if shown:
            yield shown


def _is_active(one: Condition) -> bool:
    return one.clinical_status == "active"


def _payload(t: Telling, item: Item) -> Json:
    _, code, title = _LISTS[type(item[0])]
    return {
        "status": "current",
        "mode": "working",
        "title": title,
        "code": dialect.told(_CODE, code, title),
        "subject": t.subject,
        "entry": [{"item": _reference(t, one)} for one in item],
    }


def _reference(t: Telling, one: Record) -> Json:
    if isinstance(one, Condition):
        return condition.reference(t, one)
    if isinstance(one, Medication):
        return build.reference("MedicationRequest", t.id("MedicationRequest", one.ordinal), one.text)
    if isinstance(one, Allergy):
        return build.reference("AllergyIntolerance", t.id("AllergyIntolerance", one.ordinal), one.text.upper())
    assert isinstance(one, Immunization)
    return build.reference("Immunization", t.id("Immunization", one.ordinal), one.text)


TOLD = told.resting("List", _items, _payload, lambda t, item: _LISTS[type(item[0])][0])
