"""Procedure: Epic's own number of what was done, and words.

Source: SOURCES.md, "Resources" (MAP).
"""

from __future__ import annotations

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.records import Code, Procedure
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect, ids
from simulator.vendors.epic.dialect import Json, Telling, usual
from simulator.vendors.epic.resources import orders

SURGICAL, ORDERED = "387713003", "103693007"
_CATEGORIES = {
    SURGICAL: ("Surgical procedure", "Surgical History"),
    ORDERED: ("Diagnostic procedure", "Ordered Procedures"),
}
_SURGEON = {"text": "Primary"}
_OPERATIONS = frozenset(
    ("pci", "cabg", "lumpectomy", "knee_replacement", "hip_replacement", "appendectomy", "cholecystectomy")
)


def render(t: Telling, procedure: Procedure) -> Rendering:
    """One procedure, with what of it is told differently."""
    text = dialect.words_of(procedure.text)
    category = category_of(procedure)
    payload: Json = {
        "resourceType": "Procedure",
        "id": t.id("Procedure", procedure.ordinal),
        "identifier": [usual(dialect.ORDER, order_number(t, procedure), "ORD")],
        **({"basedOn": [orders.reference(t, (procedure,))]} if category == ORDERED else {}),
        "status": procedure.status,
        "category": build.simple("snomed", category, *_CATEGORIES[category]),
        "code": {"coding": codings(t, procedure), "text": text},
        "subject": t.subject,
    }
    payload["identifier"].append(usual(dialect.PROCEDURE, payload["code"]["coding"][0]["code"], "EAP"))
    encounter = t.encounter(procedure.encounter)
    if encounter is not None:
        payload["encounter"] = encounter
    doer = t.practitioner(procedure.practitioner)
    losses = [Loss("codes", "text_only", "Epic's own number"), Loss("text", "replaced", "words", text)]
    if category == SURGICAL:
        payload["performedPeriod"] = {"start": build.instant(procedure.start), "end": build.instant(procedure.end)}
        payload["recorder"] = doer
        payload["performer"] = [{"function": _SURGEON, "actor": doer}]
        facility = t.world.population.facility(procedure.facility)
        id = ids.fhir_id(t.key, "Location", facility.index)
        payload["location"] = build.reference("Location", id, facility.name)
    else:
        payload["performedDateTime"] = build.instant(procedure.start)
        payload |= {"recorder": doer, "asserter": doer}
        losses.append(Loss("end", "omitted", "an order has one time"))
    reason = t.conditions.get(procedure.reason) if procedure.reason is not None else None
    if reason is not None:
        payload["reasonCode"] = [{"text": reason.text}]
    if procedure.reason is not None:
        losses.append(Loss("reason", "text_only"))
    reports = orders.reports_on(t, procedure)
    if reports:
        payload["report"] = reports
    if procedure.sensitivity:
        losses.append(Loss("sensitivity", "omitted"))
    return Rendering("Procedure", payload["id"], payload, (procedure,), tuple((0, loss) for loss in losses))


def codings(t: Telling, procedure: Procedure) -> list[Json]:
    """Epic's own number of what was done; nothing standard."""
    number = number_of(t, procedure.codes[0])
    return [{"system": dialect.PROCEDURE, "code": number, "display": dialect.words_of(procedure.text).upper()}]


def number_of(t: Telling, code: Code) -> str:
    """The site's own number of what SNOMED calls so."""
    return dialect.number(t.world.population.permutation(90_000, "EAP").forward(int(code.code) % 90_000), 5)


def order_number(t: Telling, procedure: Procedure) -> str:
    """The number of the order by which it was done."""
    return dialect.number(t.draw("procedure", procedure.ordinal), 7)


def category_of(procedure: Procedure) -> str:
    """The SNOMED CT category under which it is found."""
    return SURGICAL if procedure.key in _OPERATIONS else ORDERED
