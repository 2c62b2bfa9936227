"""Immunization: CVX without display, and now and then no code at all.

Source: SOURCES.md, "Resources" (FS, MAP).
"""

from __future__ import annotations

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.records import Immunization
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling, usual

_UNCODED_PER_CENT = 4  # guess; one of the public sandbox's is


def render(t: Telling, immunization: Immunization) -> Rendering:
    """One immunization, with what of it is told differently."""
    vaccine: Json = {"coding": [{"system": build.SYSTEMS["cvx"], "code": immunization.code.code}]}
    losses = []
    if is_uncoded(t, immunization):
        vaccine = {}
        losses.append(Loss("codes", "text_only"))
    payload: Json = {
        "resourceType": "Immunization",
        "id": t.id("Immunization", immunization.ordinal),
        "identifier": [
            usual(dialect.local("2.768076"), dialect.number(t.draw("immunization", immunization.ordinal), 5))
        ],
        "status": immunization.status,
        "vaccineCode": vaccine | {"text": immunization.text},
        "patient": t.subject,
    }
    encounter = t.encounter(immunization.encounter)
    if encounter is not None:
        payload["encounter"] = encounter
    payload |= {"occurrenceDateTime": immunization.day.isoformat(), "primarySource": encounter is not None}
    if immunization.lot:
        payload["lotNumber"] = immunization.lot
    if immunization.sensitivity:
        losses.append(Loss("sensitivity", "omitted"))
    return Rendering("Immunization", payload["id"], payload, (immunization,), tuple((0, loss) for loss in losses))


def is_uncoded(t: Telling, immunization: Immunization) -> bool:
    """Whether the site's vaccine record has no CVX mapping."""
    return t.draw("uncoded", immunization.ordinal) % 100 < _UNCODED_PER_CENT
