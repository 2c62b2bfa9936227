"""What patients are not told of a record that they may see: who wrote it down, unsigned results, mistakes.

The same resource under the same id reads differently for a token that a patient's login gave.

Source: SOURCES.md, "What patients see" (D: which members, which reasons; the narrative: guess).
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from simulator.exchange import Exchange
from simulator.fhir import build

_RECORDED = frozenset({"AllergyIntolerance", "Condition", "Procedure"})
_MISTAKES = ("entered-in-error",)
_VALUES = ("valueQuantity", "valueCodeableConcept", "valueString", "valueDateTime", "valuePeriod", "valueRatio")
_READINGS = ("interpretation", "referenceRange", "component", "note")
_ERROR = {"coding": [{"system": build.SYSTEMS["data-absent"], "code": "error", "display": "Error"}], "text": "Error"}
_MASKED = {
    "coding": [{"system": build.SYSTEMS["data-absent"], "code": "masked", "display": "Masked"}],
    "text": "Masked",
}


def told(x: Exchange, type: str, id: str, body: bytes) -> bytes:
    """The resource `body` as the caller is told it."""
    if x.caller is None or x.caller.persona != "patient" or not _has_something(type, body):
        return body
    key = ("masked", type, id, hash(body))
    kept = x.site.cache.get(key)
    if kept is not None:
        return kept
    return x.site.cache.put(key, build.dumps(_masked(type, json.loads(body, parse_float=Decimal))))


def _has_something(type: str, body: bytes) -> bool:
    """Whether anything of these bytes is masked: most records of most patients are told as they are."""
    return type in _RECORDED or b'"entered-in-error"' in body or (type == "Observation" and b'"preliminary"' in body)


def _masked(type: str, resource: dict[str, Any]) -> dict[str, Any]:
    resource.pop("recorder", None)
    if type == "Observation" and resource.get("status") == "preliminary":
        _without(resource, *_VALUES, *_READINGS, "text")
        resource["dataAbsentReason"] = _MASKED
    if _is_mistaken(resource):
        for name in ("code", "vaccineCode", "medicationCodeableConcept"):
            if name in resource:
                resource[name] = _ERROR
        _without(resource, "text")
    return resource


def _is_mistaken(resource: dict[str, Any]) -> bool:
    verification = resource.get("verificationStatus", {}).get("coding", ())
    said = {resource.get("status"), *(one.get("code") for one in verification)}
    return not said.isdisjoint(_MISTAKES)


def _without(resource: dict[str, Any], *names: str) -> None:
    """The narrative goes with what it repeats."""
    for name in names:
        resource.pop(name, None)
