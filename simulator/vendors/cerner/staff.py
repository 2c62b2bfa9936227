"""Asking for practitioners, places and organizations: by names, numbers, addresses and kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from simulator.fhir import search as fhir
from simulator.fhir.build import SYSTEMS
from simulator.population.people import Population
from simulator.population.records import Address
from simulator.refusal import NotSimulated, Refusal
from simulator.sandbox import Site
from simulator.vendors.cerner import codes, ids
from simulator.vendors.cerner.resources import people
from simulator.vendors.cerner.search import Found, Query

_MOST = 20_000  # practitioners that are listed by name
_PHYSICAL_TYPE = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_SITE = "si"  # what a facility is by the standard


def find(site: Site, query: Query) -> Found:
    """What a search without ids finds of one of these types.

    Raises:
        Refusal: malformed, for a value that is not written as it must be.
        NotSimulated: more practitioners than are listed.
    """
    return Found(tuple(_FINDERS[query.rules.type](site, query)))


def _refused(name: str, text: str) -> Refusal:
    return Refusal("malformed", f"{name}: {text}", reason="bad_value", parameter=name, text=f"{name}: {text}")


# Practitioners


class _Listed(NamedTuple):
    family: str
    given: str
    place: int
    npi: str


@lru_cache(maxsize=4)
def _directory(population: Population) -> tuple[_Listed, ...]:
    """Every practitioner in the order of names."""
    everybody = map(population.practitioner, range(population.practitioners))
    return tuple(sorted(_Listed(one.family, one.given, one.index, one.npi) for one in everybody))


def _practitioners(site: Site, query: Query) -> Iterator[str]:
    population = site.sandbox.world.population
    if population.practitioners > _MOST:
        raise NotSimulated(f"Practitioner search among more than {_MOST:,} at Cerner")
    tests = [_test_of_name(param) for param in query.params if param.name in ("family", "given", "name")]
    numbered, active = query.first("identifier"), query.first("active")
    if numbered is not None:
        system, npi = numbered.tokens[0]
        if not system or not npi:
            raise _refused("identifier", "must have a system and a code")
        tests.append(lambda one: system == SYSTEMS["npi"] and one.npi == npi)
    if active is not None:
        if active.raw[0] not in ("true", "false"):
            raise _refused("active", "must be true or false")
        tests.append(lambda one: active.raw[0] == "true")  # all are
    for one in _directory(population):
        if all(test(one) for test in tests):
            yield ids.staff_id(site, "practitioner", one.place)


def _test_of_name(param: fhir.Param) -> Callable[[_Listed], bool]:
    wanted, modifier = param.value, param.modifier
    if param.name == "name":
        if len(wanted) < 2:
            raise _refused("name", "must have at least 2 characters")
        return lambda one: any(fhir.matches_string(wanted, part, modifier) for part in (one.family, one.given))
    if param.name == "family":
        return lambda one: fhir.matches_string(wanted, one.family, modifier)
    return lambda one: fhir.matches_string(wanted, one.given, modifier)


# Places and organizations


def _locations(site: Site, query: Query) -> Iterator[str]:
    kind = codes.local(site, codes.LOCATION_TYPE, "facility", "Facility(s)")
    for param in query.params:
        if param.name == "-physicalType" and any(system == kind["system"] for system, _ in param.tokens):
            raise _refused("-physicalType", "proprietary codes are not supported")
    for one in site.sandbox.world.population.facilities:
        managed_by = ids.staff_id(site, "organization", one.index)
        fitting = {
            "-physicalType": [(_PHYSICAL_TYPE, _SITE)],
            "type": [(kind["system"], kind["code"])],
            "identifier": [("FIN NBR", str(16_000 + one.index))],
        }
        if all(_fits(param, one.name, one.address, fitting, managed_by) for param in query.params):
            yield ids.staff_id(site, "location", one.index)


def _organizations(site: Site, query: Query) -> Iterator[str]:
    own = codes.local(site, codes.ORGANIZATION_TYPE, "facility")["system"]
    for param in query.params:
        if param.name == "type" and any(system == own for system, _ in param.tokens):
            raise _refused("type", "proprietary codes are not supported")
        if param.name == "identifier" and any(
            system not in (None, SYSTEMS["npi"], people.TAX_SYSTEM) for system, _ in param.tokens
        ):
            raise _refused("identifier", "unknown system")
    for index, name, address, kind in people.organizations(site):
        fitting = {
            "type": [(people.ORGANIZATION_TYPE, kind)],
            "identifier": [(people.TAX_SYSTEM, people.tax_number(site, index))],
        }
        if all(_fits(param, name, address, fitting) for param in query.params):
            yield ids.staff_id(site, "organization", index)


def _fits(
    param: fhir.Param,
    name: str,
    address: Address | None,
    fitting: dict[str, list[tuple[str, str]]],
    managed_by: str = "",
) -> bool:
    if param.name in fitting:
        pairs = fitting[param.name]
        return any(fhir.matches_token(one, system, code) for one in param.tokens for system, code in pairs)
    if param.name == "name":
        return fhir.matches_string(param.value, name, param.modifier or "contains")
    if param.name == "organization":
        return managed_by in [fhir.reference(value)[1] for value in param.values]
    if param.name.startswith("address"):
        return any(fhir.matches_string(param.value, part, param.modifier) for part in _parts(param.name, address))
    return True


def _parts(name: str, address: Address | None) -> Iterable[str]:
    if address is None:
        return ()
    parts = {"address-city": (address.city,), "address-state": (address.state,), "address-postalcode": (address.zip,)}
    return parts.get(name, (*address.lines, address.city, address.state, address.zip))


_FINDERS: dict[str, Callable[[Site, Query], Iterator[str]]] = {
    "Practitioner": _practitioners,
    "Location": _locations,
    "Organization": _organizations,
}
