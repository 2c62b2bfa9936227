"""Searches for what is nobody's: the roles of practitioners. Of studies there are none.

Source: SOURCES.md, "Search" (CS: of a repeated parameter the first instance counts; 4127 beyond a hundred results:
ERRGUIDE, so a guess).
"""

from __future__ import annotations

from collections.abc import Iterable

from simulator.exchange import Exchange
from simulator.fhir import search
from simulator.vendors.epic import errors, ids, told_filters
from simulator.vendors.epic.query import Query
from simulator.vendors.epic.resources import role

_MOST = 100
_LEADING = ("identifier", "location", "organization", "practitioner", "specialty")
"""One of these must be there (guess)."""


def find(x: Exchange, query: Query) -> list[str]:
    """The ids of what the query finds.

    Raises:
        Refusal: malformed with issues: nothing to search by was given, or too much is found.
    """
    if query.type != "PractitionerRole":
        return []
    if not any(query.has(name) for name in _LEADING):
        raise query.refuse(errors.missing("practitioner/_id"))
    tests = told_filters.of_payload(x.site, query)
    found: list[str] = []
    for index in _candidates(x, query):
        payload = role.payload(x.site, index)
        if payload is not None and all(test(payload) for test in tests):
            found.append(payload["id"])
        if len(found) > _MOST:
            raise query.refuse(errors.issue("fatal", "too-costly", "4127"))
    return found


def _candidates(x: Exchange, query: Query) -> Iterable[int]:
    """The practitioners who may have such a role; each has one."""
    population = x.site.sandbox.world.population
    asked = query.first("practitioner")
    if asked is not None:
        named = ids.named(x.site.key, search.reference(asked.value)[1])
        return [named.number] if named is not None and named.type == "Practitioner" else []
    asked = query.first("location")
    if asked is not None:
        named = ids.named(x.site.key, search.reference(asked.value)[1])
        stride = len(population.facilities)
        known = named is not None and named.type == "Location" and named.number < stride
        return range(named.number, population.practitioners, stride) if named is not None and known else []
    return range(population.practitioners)
