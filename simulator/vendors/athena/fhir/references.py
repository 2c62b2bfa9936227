"""Where a resource refers to others: what `encounter=…` and the like compare, and what `_include` follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from simulator.fhir import search as spelled

Json = dict[str, Any]


def _encounter(payload: Json) -> Iterable[Any]:
    return [payload.get("encounter"), *payload.get("context", {}).get("encounter", ())]


def _performer(payload: Json) -> Iterable[Any]:
    return [one.get("actor", one) for one in payload.get("performer", ())]


def _patient(payload: Json) -> Iterable[Any]:
    return [payload.get(name) for name in ("subject", "patient", "beneficiary")]


PARAMS: Mapping[str, Callable[[Json], Iterable[Any]]] = {
    "author": lambda payload: payload.get("author", ()),
    "custodian": lambda payload: [payload.get("custodian")],
    "encounter": _encounter,
    "medication": lambda payload: [payload.get("medicationReference")],
    "performer": _performer,
    "result": lambda payload: payload.get("result", ()),
}
"""Search parameter → the references that it is about."""

_INCLUDES: Mapping[str, Callable[[Json], Iterable[Any]]] = {**PARAMS, "patient": _patient, "subject": _patient}


def of(payload: Json, param: str) -> list[tuple[str, str]]:
    """(type, id) of what a resource refers to under the name of a parameter, or of an `_include`."""
    found = (one for one in _INCLUDES[param](payload) if one)
    return [(type, id) for type, id in (spelled.reference(one["reference"]) for one in found) if type]
