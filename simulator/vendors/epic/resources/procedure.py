"""Procedure: Epic's own number of what was done, and words.

Source: SOURCES.md, "Resources" (MAP).
"""

from __future__ import annotations

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.records import Procedure
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling, usual

SURGICAL, ORDERED = "387713003", "103693007"
_CATEGORIES = {SURGICAL: "Surgical procedure", ORDERED: "Ordered Procedures"}
_OPERATIONS = frozenset(
    ("pci", "cabg", "lumpectomy", "knee_replacement", "hip_replacement", "appendectomy", "cholecystectomy")
)


def render(t: Telling, procedure: Procedure) -> Rendering:
    """One procedure, with what of it is told differently."""
    text = dialect.words_of(procedure.text)
    category = category_of(procedure)
    number = dialect.number(t.world.population.permutation(90_000, "EAP").forward(_place(procedure)), 5)
    payload: Json = {
        "resourceType": "Procedure",
        "id": t.id("Procedure", procedure.ordinal),
        "identifier": [usual(dialect.ORDER, dialect.number(t.draw("procedure", procedure.ordinal), 9))],
        "status": procedure.status,
        "category": dialect.told("snomed", category, _CATEGORIES[category]),
        "code": {"coding": [{"system": dialect.PROCEDURE, "code": number, "display": text.upper()}], "text": text},
        "subject": t.subject,
    }
    encounter = t.encounter(procedure.encounter)
    if encounter is not None:
        payload["encounter"] = encounter
    payload["performedPeriod"] = {"start": build.instant(procedure.start), "end": build.instant(procedure.end)}
    payload["performer"] = [{"actor": t.practitioner(procedure.practitioner)}]
    losses = [Loss("codes", "text_only", "Epic's own number"), Loss("text", "replaced", "words", text)]
    reason = t.conditions.get(procedure.reason) if procedure.reason is not None else None
    if reason is not None:
        payload["reasonCode"] = [{"text": reason.text}]
    if procedure.reason is not None:
        losses.append(Loss("reason", "text_only"))
    if procedure.sensitivity:
        losses.append(Loss("sensitivity", "omitted"))
    return Rendering("Procedure", payload["id"], payload, (procedure,), tuple((0, loss) for loss in losses))


def category_of(procedure: Procedure) -> str:
    """The SNOMED CT category under which it is found."""
    return SURGICAL if procedure.key in _OPERATIONS else ORDERED


def _place(procedure: Procedure) -> int:
    return int(procedure.codes[0].code) % 90_000
