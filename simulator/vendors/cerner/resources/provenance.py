"""Provenance: who wrote a resource down, asked for with `_revinclude` or by target. Its id names the target."""

from __future__ import annotations

from typing import Any

from simulator.vendors.cerner.elements import narrative

_PREFIXES = {
    "all": "AllergyIntolerance",
    "cond": "Condition",
    "cov": "Coverage",
    "doc": "DocumentReference",
    "dr": "DiagnosticReport",
    "enc": "Encounter",
    "imm": "Immunization",
    "med": "MedicationRequest",
    "obs": "Observation",
    "pat": "Patient",
    "proc": "Procedure",
}
_PREFIX_OF = {type: prefix for prefix, type in _PREFIXES.items()}
TARGETS = tuple(_PREFIX_OF)


def provenance_id(type: str, id: str) -> str:
    """The id of the provenance of a resource."""
    return f"{_PREFIX_OF[type]}-{id}"


def target_of(id: str) -> tuple[str, str] | None:
    """The (type, id) of the resource whose provenance `id` would be; None when no type has that prefix."""
    prefix, dash, rest = id.partition("-")
    return (_PREFIXES[prefix], rest) if dash and prefix in _PREFIXES else None


def provenance(type: str, id: str, meta: dict[str, str], organization: dict[str, Any]) -> dict[str, Any]:
    """The Provenance of the resource `type`/`id`, recorded when its `meta` says, in the same spelling."""
    reference = f"{type}/{id}"
    agents = [("Target", reference), ("Agent", organization["display"]), ("Agent Type", "Author")]
    kind = {"system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type", "code": "author"}
    return {
        "resourceType": "Provenance",
        "id": provenance_id(type, id),
        "meta": {"versionId": meta["versionId"], "lastUpdated": meta["lastUpdated"]},
        "text": narrative("Provenance", [*agents]),
        "target": [{"reference": reference}],
        "recorded": meta["lastUpdated"],
        "agent": [{"type": {"coding": [kind], "text": "Author"}, "who": organization}],
    }
