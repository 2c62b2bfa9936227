"""SMART scopes, versions 1 and 2, compiled to one quick question.

`system/Patient.read` (v1) and `system/Patient.rs?…` (v2) become sets of the letters c r u d s per resource type.
Scopes that are not resource scopes (`openid`, `launch`, a vendor's own) allow nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl

ACTIONS = "cruds"
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}
_GRAMMAR = re.compile(r"(patient|user|system)/([A-Za-z]+|\*)\.(read|write|\*|c?r?u?d?s?)(?:\?(.+))?", re.IGNORECASE)

Filter = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """One resource scope: `context` patient, user or system; `type` or `*`; `actions` a string of c r u d s in this
    order; `filter` the (parameter, value) pairs behind `?`, all of which must match; `version` 1 or 2."""

    context: str
    type: str
    actions: str
    filter: Filter
    version: int
    text: str

    def covers(self, other: Scope) -> bool:
        """Whether everything that `other` allows is allowed by this scope."""
        return (
            self.context == other.context
            and self.type in ("*", other.type)
            and set(other.actions) <= set(self.actions)
            and set(self.filter) <= set(other.filter)
        )


def parse(text: str, *, any_case: bool = False) -> Scope | None:
    """The resource scope that `text` spells, or None. With `any_case` capitals do not count (`.Read`), and the type
    of what is given is in lower case."""
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        return None
    context, kind, verb, query = match.groups()
    if any_case:
        context, kind, verb = context.lower(), kind.lower(), verb.lower()
    elif context != context.lower() or verb != verb.lower():
        return None
    if not verb or (query and verb in _V1):
        return None
    pairs = tuple(parse_qsl(query, keep_blank_values=True)) if query else ()
    return Scope(context, kind, _V1.get(verb, verb), pairs, 1 if verb in _V1 else 2, text)


def compile(
    scopes: Iterable[str], *, any_case: bool = False, contexts: tuple[str, ...] = ("patient", "user", "system")
) -> Callable[[str, str], bool]:
    """The question "may the holder of `scopes` do `action` (one of c r u d s) on `resource_type`?".

    A granular scope (`?category=…`) answers yes here; what it narrows is asked of `granular`. `any_case` lets the case
    of context, type and verb vary. Only scopes of `contexts` count.
    """
    table: dict[str, set[str]] = {}
    for text in scopes:
        scope = parse(text, any_case=any_case)
        if scope is not None and scope.context in contexts:
            table.setdefault(scope.type, set()).update(scope.actions)
    everywhere = table.get("*", set())
    ready = {kind: frozenset(letters | everywhere) for kind, letters in table.items()}
    otherwise = frozenset(everywhere)
    if any_case:
        return lambda resource_type, action: action in ready.get(resource_type.lower(), otherwise)
    return lambda resource_type, action: action in ready.get(resource_type, otherwise)


def granular(scopes: Iterable[str], resource_type: str, action: str = "", *, any_case: bool = False) -> list[Filter]:
    """The filters of which a resource must match at least one, each a tuple of (parameter, value) that must all match.

    Empty when the holder is not narrowed: at least one scope for the type has no filter, or there is no scope at all
    (ask `compile` first). `action` narrows the question to scopes that allow it.
    """
    wanted = ("*", resource_type.lower() if any_case else resource_type)
    found: list[Filter] = []
    for text in scopes:
        scope = parse(text, any_case=any_case)
        if scope is None or (action and action not in scope.actions):
            continue
        if scope.type in wanted:
            if not scope.filter:
                return []
            found.append(scope.filter)
    return found


def grant(asked: Iterable[str], registered: Iterable[str], *, any_case: bool = False) -> tuple[str, ...]:
    """Those of `asked`, in order and once each, that `registered` covers: equal text, or a wider resource scope."""
    texts = tuple(registered)
    wide = [scope for scope in (parse(text, any_case=any_case) for text in texts) if scope is not None]
    given: dict[str, None] = {}
    for text in asked:
        scope = parse(text, any_case=any_case)
        if text in texts or (scope is not None and any(one.covers(scope) for one in wide)):
            given[text] = None
    return tuple(given)
