"""What a token shows: one patient's records, or those that a granular scope names.

`compile` of `simulator.auth.scopes` answers whether a door opens at all. Behind the door, this says which of the
resources may be seen. Most tokens of backend services see everything: they have no `Sight`, and nothing is asked.

Source: SMART App Launch 2.2.0, scopes-and-launch-context: std:SMART-SC-05, std:SMART-SC-06.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from simulator.auth import scopes
from simulator.auth.scopes import Filter

_ELEMENTS: Mapping[str, tuple[str, ...]] = {
    "category": ("category",),
    "clinical-status": ("clinicalStatus",),
    "code": ("code", "vaccineCode", "medicationCodeableConcept"),
    "verification-status": ("verificationStatus",),
    "status": ("status",),
    "intent": ("intent",),
    "type": ("type",),
    "class": ("class",),
    "vaccine-code": ("vaccineCode",),
}
FILTERS = frozenset(_ELEMENTS)
"""The search parameters that a granular scope may hold here. A scope with another one is never granted."""


class Clause(NamedTuple):
    """One way to be visible: `confined` to the patient in context or not, and a filter that must match."""

    confined: bool
    filter: Filter


class Sight:
    """What the holder of a token sees beyond the question whether the door opens."""

    __slots__ = ("_clauses", "patient")

    def __init__(self, patient: int | None, clauses: Mapping[tuple[str, str], tuple[Clause, ...]]) -> None:
        self.patient = patient
        self._clauses = clauses

    def clauses(self, resource_type: str, action: str) -> tuple[Clause, ...] | None:
        """The ways to be visible for a resource of this type, of which one is enough; None: everything is visible."""
        found = self._clauses.get((resource_type, action))
        if found is None:
            found = self._clauses.get(("*", action), ())
        return None if any(not one.confined and not one.filter for one in found) else found


def sight_of(granted: Iterable[str], patient: int | None, *, own_only: bool) -> Sight | None:
    """The sight of a token with these scopes, or None when it sees all that its doors open to.

    `patient` is the patient in context. `own_only` holds for patients who log in: their `user/` scopes reach no further
    than their own record either.
    """
    table: dict[tuple[str, str], list[Clause]] = {}
    for text in granted:
        scope = scopes.parse(text)
        if scope is not None:
            confined = scope.context == "patient" or (own_only and scope.context == "user")
            for action in scope.actions:
                key = (scope.type, action)
                table.setdefault(key, []).append(Clause(confined, scope.filter))
    everywhere = {action: clauses for (kind, action), clauses in table.items() if kind == "*"}
    ready = {
        (kind, action): tuple(dict.fromkeys([*clauses, *(everywhere.get(action, []) if kind != "*" else [])]))
        for (kind, action), clauses in table.items()
    }
    is_narrow = any(clause.confined or clause.filter for clauses in ready.values() for clause in clauses)
    return Sight(patient, ready) if is_narrow else None


def visible(
    sight: Sight | None,
    resource_type: str,
    action: str,
    ids: Sequence[str],
    *,
    owner: Callable[[str], int | None],
    bodies: Callable[[Sequence[str]], Mapping[str, bytes]],
) -> Sequence[str]:
    """Those of `ids` that may be seen, in order.

    `owner` gives the number of the patient whose record it is (None: nobody's, such as a Location); `bodies` the
    resources as JSON by id: asked once for all that may be seen, and only when a filter needs them.
    """
    clauses = sight.clauses(resource_type, action) if sight is not None else None
    if sight is None or clauses is None:
        return ids
    reachable = [id for id in ids if _is_reachable(clauses, sight.patient, owner(id))]
    if not any(clause.filter for clause in clauses):
        return reachable
    known = bodies(reachable)
    return [id for id in reachable if id in known and _is_visible(clauses, sight.patient, owner(id), known[id])]


def _is_reachable(clauses: Iterable[Clause], patient: int | None, whose: int | None) -> bool:
    return any(not clause.confined or whose in (None, patient) for clause in clauses)


def _is_visible(clauses: Iterable[Clause], patient: int | None, whose: int | None, body: bytes) -> bool:
    resource = orjson.loads(body)
    return any(
        (not clause.confined or whose in (None, patient)) and matches(resource, clause.filter) for clause in clauses
    )


def matches(resource: Mapping[str, Any], filter: Filter) -> bool:
    """Whether a resource matches every (parameter, value) of a granular scope; an unknown parameter matches nothing."""
    return all(_matches_one(resource, name, value) for name, value in filter)


def _matches_one(resource: Mapping[str, Any], name: str, value: str) -> bool:
    found = [token for element in _ELEMENTS.get(name, ()) for token in _tokens(resource.get(element))]
    return any(_is_token(wanted, token) for wanted in value.split(",") for token in found)


def _tokens(value: Any) -> list[tuple[str, str]]:
    """The (system, code) pairs of a code, Coding, CodeableConcept, or a list of them."""
    if isinstance(value, str):
        return [("", value)]
    if isinstance(value, list):
        return [token for one in value for token in _tokens(one)]
    if isinstance(value, Mapping):
        if "coding" in value:
            return _tokens(value["coding"])
        return [(str(value.get("system", "")), str(value.get("code", "")))]
    return []


def _is_token(wanted: str, token: tuple[str, str]) -> bool:
    system, bar, code = wanted.partition("|")
    if not bar:
        return token[1] == system
    return token[0] == system and (not code or token[1] == code)
