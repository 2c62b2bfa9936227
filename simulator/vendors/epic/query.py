"""A search as it came: its parameters, which of them nobody knows, and how it is repeated in the self link.

Source: SOURCES.md, "Search" (FS, MAP); traps E5 and E7.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from simulator.fhir import search
from simulator.fhir.search import Param
from simulator.refusal import Refusal
from simulator.vendors.epic import errors
from simulator.vendors.epic.params import COMMON, PARAMS, SILENT

PAGE = 1000  # seen: a thousand vital signs at once; the largest page is not established


@dataclass(slots=True)
class Query:
    """A query as it came, and what Epic makes of it."""

    type: str
    pairs: list[tuple[str, str]]
    params: list[Param]
    unknown: list[str] = field(default_factory=list)

    def all(self, name: str) -> list[Param]:
        """Every instance of `name` with a value; with a modifier it is another parameter, and unknown."""
        return [one for one in self.params if one.name == name and not one.modifier and one.value]

    def first(self, name: str) -> Param | None:
        """The first instance of `name`, or None."""
        return next(iter(self.all(name)), None)

    def has(self, name: str) -> bool:
        """Whether `name` is there with a value."""
        return bool(self.all(name))

    @property
    def size(self) -> int:
        """How many results make a page; what is no positive number counts as absent."""
        asked = self.first("_count")
        if asked is None or not (asked.value.isascii() and asked.value.isdigit()):
            return PAGE
        return min(PAGE, int(asked.value)) or PAGE

    @property
    def echo(self) -> str:
        """The query as the self link repeats it: own parameters by the alphabet, then those with an underscore."""
        return search_text(sorted(self.pairs, key=lambda pair: (pair[0].startswith("_"), pair[0])))

    def refuse(self, *issues: dict[str, Any], status: int = 400) -> Refusal:
        """The refusal of this query: first what was ignored, as information, then why (E7)."""
        said = [*(errors.unknown_parameter(name) for name in self.unknown), *issues]
        detail = str(issues[-1].get("diagnostics", "")) or "the query is refused"
        return Refusal("malformed", detail, status=status, issues=said, reason="query_refused", resource=self.type)


def read_query(type: str, pairs: list[tuple[str, str]]) -> Query:
    """The query of these parameters."""
    declared = {*PARAMS[type].first, *PARAMS[type].later, *COMMON, *SILENT, "patient.identifier", "subject.identifier"}
    params = [_as_declared(one, declared) for one in search.parse(pairs)]
    query = Query(type, pairs, params)
    names = [f"{one.name}:{one.modifier}" if one.modifier else one.name for one in params]
    query.unknown = [name for name in dict.fromkeys(names) if name not in declared]
    return query


def _as_declared(one: Param, declared: Iterable[str]) -> Param:
    """Some parameters are declared without their capitals (`_lastupdated`, `authoredon`): both spellings are known."""
    lower = one.name.lower()
    return replace(one, name=lower) if one.name not in declared and lower in declared else one


def search_text(pairs: Iterable[tuple[str, str]]) -> str:
    """The pairs as a query string, escaped as little as needed."""
    return "&".join(f"{_escaped(name)}={_escaped(value)}" for name, value in pairs)


def _escaped(text: str) -> str:
    return quote(text, safe="|:,/.-_~")
