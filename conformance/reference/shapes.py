"""The shape of a resource, whichever way it is told: R4 says of each element whether it is one thing or a list.

Servers drift: a list of one loses its brackets, one thing gets some, what is empty is `null`. What can be told apart is
read; what cannot is not guessed.
"""

from __future__ import annotations

from typing import Any

from conformance.reference.failure import Failure

TOP = frozenset({
    "address", "category", "communication", "component", "contained", "content", "diagnosis", "dosageInstruction",
    "evidence", "identifier", "link", "name", "participant", "payor", "reaction", "reasonCode", "reasonReference",
    "serviceType", "telecom",
})  # fmt: skip
"""What is a list in the resources that are read, at their top."""
LISTS = frozenset({
    "coding", "detail", "doseAndRate", "extension", "given", "interpretation", "line", "manifestation",
    "referenceRange", "security", "suffix",
})  # fmt: skip
"""What is a list wherever we look at it."""
_ONE = frozenset({
    "authoredOn", "birthDate", "clinicalStatus", "display", "effectiveDateTime", "family", "gender", "id", "issued",
    "lotNumber", "occurrenceDateTime", "onsetDateTime", "recordedDate", "status", "system", "unit", "use",
    "valueCodeableConcept", "valueQuantity", "valueString", "verificationStatus",
})  # fmt: skip
"""What is one thing wherever we look at it."""


def shaped(thing: dict[str, Any]) -> dict[str, Any]:
    """A resource with lists where R4 has lists, single things where it has those, and without what is null.

    Raises:
        Failure: one thing is told as several: which of them is meant nobody knows.
    """
    return _with_lists(thing, LISTS | TOP)


def _with_lists(thing: dict[str, Any], lists: frozenset[str]) -> dict[str, Any]:
    return {name: _shaped(name, value, lists) for name, value in thing.items() if value is not None}


def _shaped(name: str, value: Any, lists: frozenset[str]) -> Any:
    if name in lists and not isinstance(value, list):
        value = [value]
    elif name in _ONE and isinstance(value, list):
        if len(value) != 1:
            raise Failure("invalid_response", f"{len(value)} where one is known", reason="several")
        value = value[0]
    if isinstance(value, list):
        return [_with_lists(one, LISTS) if isinstance(one, dict) else one for one in value]
    return _with_lists(value, LISTS) if isinstance(value, dict) else value


def truth_of(value: Any) -> bool:
    """A truth value, which some write as text; absent or null is false.

    Raises:
        ValueError: it is no truth value.
    """
    if value is None or isinstance(value, bool):
        return bool(value)
    if value in ("true", "false"):
        return bool(value == "true")
    raise ValueError("neither true nor false")
