"""Searches for what is nobody's: practitioners, their roles, and places. Of studies there are none.

Source: SOURCES.md, "Search" (CS: what each needs beside it, that the first instance of a repeated parameter counts;
4127 beyond a hundred results: ERRGUIDE, so a guess).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from simulator.exchange import Exchange
from simulator.fhir import search
from simulator.population.records import Address, Practitioner
from simulator.refusal import NotSimulated
from simulator.vendors.epic import errors, ids, patients, refinements, told_filters
from simulator.vendors.epic.dialect import Json
from simulator.vendors.epic.query import Query
from simulator.vendors.epic.resources import people, role

_MOST = 100
_ROLE_NEEDS = ("identifier", "location", "organization", "practitioner", "specialty")  # guess
_ADDRESS = ("address", "address-city", "address-postalcode", "address-state")
_TOO_MANY_TO_WALK = 50_000  # practitioners, of whom a search by name would look at each


def find(x: Exchange, query: Query) -> list[str]:
    """The ids of what the query finds.

    Raises:
        Refusal: malformed with issues: nothing to search by was given, or too much is found.
    """
    look_up = _LOOK_UPS.get(query.type)
    if look_up is None:
        return []
    found: list[str] = []
    for payload in look_up(x, query):
        found.append(payload["id"])
        if len(found) > _MOST:
            raise query.refuse(errors.issue("fatal", "too-costly", "4127"))
    return found


# Roles


def _roles(x: Exchange, query: Query) -> Iterator[Json]:
    if not any(query.has(name) for name in _ROLE_NEEDS):
        raise query.refuse(errors.missing("practitioner/_id"))
    tests = [*told_filters.of_payload(x.site, query), *refinements.tests(x.site, query)]
    for index in _role_holders(x, query):
        payload = role.payload(x.site, index)
        if payload is not None and all(test(payload) for test in tests):
            yield payload


def _role_holders(x: Exchange, query: Query) -> Iterable[int]:
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


# Practitioners


def _practitioners(x: Exchange, query: Query) -> Iterator[Json]:
    """By identifier, and then nothing else counts; else by name, and with it by where they work (doc)."""
    population = x.site.sandbox.world.population
    if population.practitioners > _TOO_MANY_TO_WALK:
        raise NotSimulated("Epic's Practitioner.Search in a population of more than twenty million")
    wanted = query.first("identifier")
    if wanted is not None:
        told = (people.practitioner(x.site, index) for index in range(population.practitioners))
        yield from (one for one in told if one is not None and _has_identifier(one, wanted.tokens))
        return
    _check_name(query)
    further = refinements.tests(x.site, query)
    for index in range(population.practitioners):
        found, place = population.practitioner(index), population.facility(index % len(population.facilities))
        if _is_called(found, query) and _works_at(place.address, query):
            payload = people.practitioner(x.site, index)
            if payload is not None and all(test(payload) for test in further):
                yield payload


def _check_name(query: Query) -> None:
    if not query.has("family") and not query.has("name"):
        raise query.refuse(errors.missing("identifier/family/_id"))
    if query.has("address-city") and not query.has("address-state"):
        raise query.refuse(_needs("address-city", "address-state"))
    if not query.has("family") and any(query.has(one) for one in ("given", *_ADDRESS)):
        raise query.refuse(_needs("given and address", "family"))


def _needs(name: str, other: str) -> Json:
    return errors.issue("fatal", "business-rule", "59159", f"{name} can be searched with {other} only.", other)


def _is_called(found: Practitioner, query: Query) -> bool:
    family, given, whole = (query.first(name) for name in ("family", "given", "name"))
    if family is None:
        words = search.fold(whole.value).split() if whole is not None else []
        return all(word in (search.fold(found.family), search.fold(found.given)) for word in words)
    is_alike = patients.sound_of(family.value) == patients.sound_of(found.family)
    return is_alike and (given is None or search.matches_string(given.value, found.given))


def _works_at(address: Address, query: Query) -> bool:
    told = {
        "address": (*address.lines, address.city, address.state, address.zip),
        "address-city": (address.city,),
        "address-postalcode": (address.zip,),
        "address-state": (address.state,),
    }
    asked = ((query.first(name), parts) for name, parts in told.items())
    return all(one is None or any(search.matches_string(one.value, part) for part in parts) for one, parts in asked)


def _has_identifier(payload: Json, wanted: list[tuple[str | None, str]]) -> bool:
    """By `system|value`, `type|value`, or the value alone; blanks before it count for nothing (guess)."""
    return any(
        one["value"].strip() == value and kind in (None, "", one["system"], one.get("type", {}).get("text"))
        for kind, value in wanted
        for one in payload["identifier"]
    )


# Places


def _locations(x: Exchange, query: Query) -> Iterator[Json]:
    if not query.has("type"):
        raise query.refuse(errors.missing("type/_id"))
    tests = [*told_filters.of_payload(x.site, query), *refinements.tests(x.site, query)]
    for index in range(len(x.site.sandbox.world.population.facilities)):
        payload = people.location(x.site, index)
        if payload is not None and all(test(payload) for test in tests):
            yield payload


_LOOK_UPS: dict[str, Callable[[Exchange, Query], Iterator[Json]]] = {
    "Location": _locations,
    "Practitioner": _practitioners,
    "PractitionerRole": _roles,
}
