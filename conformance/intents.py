"""What the driver is asked to write: a canonical record in part, named so that scenarios can speak of it.

A vendor may keep something else than was meant. `changed` says what, from how the vendor tells the record afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.compare import truth_of
from simulator.sandbox import Site

Json = dict[str, Any]


@dataclass(frozen=True)
class Intent:
    """One record to be written; `body` has the members of a canonical record of `kind`."""

    kind: str
    body: Json


INTENTS: Mapping[str, Intent] = {
    "problem": Intent(
        "condition",
        {
            "codes": [{"system": "snomed", "code": "41652007"}],
            "text": "Eye pain",
            "clinicalStatus": "active",
            "category": "encounter-diagnosis",
            "onset": {"value": "2025-11-09", "precision": "day"},
        },
    ),
    "uncoded_problem": Intent(
        "condition",
        {"codes": [], "text": "Feels unwell", "clinicalStatus": "active", "category": "problem-list-item"},
    ),
}


def changed(site: Site, number: int, type: str, id: str, body: Json) -> tuple[str, ...]:
    """The members of `body` that the vendor tells otherwise of the record `type`/`id`, or not at all."""
    for fact in truth_of(site, [number]).facts[number]:
        for telling in fact.tellings:
            if telling.key[:2] == (type, id):
                told = telling.expectation.record
                return tuple(sorted(name for name, meant in body.items() if _plain(told.get(name)) != _plain(meant)))
    return ()


def _plain(value: Any) -> Any:
    """Codes in no order and without displays; everything else as it is."""
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return sorted((str(one.get("system")), str(one.get("code"))) for one in value)
    return value
