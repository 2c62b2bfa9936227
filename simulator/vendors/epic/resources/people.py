"""Practitioner, Location, Organization: what references lead to.

Source: SOURCES.md, "Resources" (FS; Location: guess).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.ids import h64
from simulator.population.records import Address
from simulator.vendors.epic import dialect, ids
from simulator.vendors.epic.dialect import Json, usual

if TYPE_CHECKING:
    from simulator.sandbox import Site

_STATES = {"TX": "Texas", "CA": "California", "NY": "New York", "IL": "Illinois", "AZ": "Arizona", "WI": "Wisconsin"}


def practitioner(site: Site, index: int) -> Json | None:
    """A practitioner with nine identifiers, the NPI among them twice; None when there is none."""
    population = site.sandbox.world.population
    if index == dialect.API_USER:
        return _interface_user(site)
    if not 0 <= index < population.practitioners:
        return None
    found = population.practitioner(index)
    draw = h64(site.key, "practitioner", index)
    record, user = dialect.number(draw, 5), "E" + dialect.number(draw >> 20, 5)
    name = {"use": "usual", "text": f"{found.given} {found.family}, {found.suffix}", "family": found.family}
    return {
        "resourceType": "Practitioner",
        "id": ids.fhir_id(site.key, "Practitioner", index),
        "identifier": [
            usual("http://hl7.org/fhir/sid/us-npi", found.npi, "NPI"),
            usual(dialect.local("2.697780"), "  " + record, "INTERNAL"),
            usual(dialect.local("2.697780"), record, "EXTERNAL"),
            usual(dialect.local("5.737384.6"), record, "PROVID"),
            usual(dialect.local("5.737384.7"), "207Q00000X", "EPIC"),
            usual(dialect.local("5.737384.60"), found.npi, "NPI"),
            usual(dialect.local("5.737384.63"), dialect.number(draw >> 40, 4), "Epic"),
            usual(dialect.local("2.836982"), "   " + user, "INTERNAL"),
            usual(dialect.local("2.836982"), user, "EXTERNAL"),
        ],
        "active": True,
        "name": [{**name, "given": [found.given], "suffix": [found.suffix]}],
    }


def _interface_user(site: Site) -> Json:
    """The user that the FHIR interface acts as: an account without a person, hence without an NPI (guess)."""
    reference, display = dialect.interface_user(site).values()
    given, _, family = display.partition(" ")
    return {
        "resourceType": "Practitioner",
        "id": reference.partition("/")[2],
        "identifier": [usual(dialect.local("2.697780"), dialect.number(h64(site.key, "interface"), 5), "EXTERNAL")],
        "active": True,
        "name": [{"use": "usual", "text": display, "family": family, "given": [given]}],
    }


def location(site: Site, index: int) -> Json | None:
    """A facility; None when there is none."""
    facilities = site.sandbox.world.population.facilities
    if not 0 <= index < len(facilities):
        return None
    found = facilities[index]
    return {
        "resourceType": "Location",
        "id": ids.fhir_id(site.key, "Location", index),
        "identifier": [
            usual(dialect.local("2.686980"), dialect.number(h64(site.key, "location", index), 8)),
        ],
        "status": "active",
        "name": found.name,
        "mode": "instance",
        "telecom": [{"system": "phone", "value": dialect.phone(found.phone), "use": "work"}],
        "address": _address(found.address),
        "managingOrganization": dialect.organization_reference(site),
    }


def organization(site: Site, index: int) -> Json | None:
    """The health system; None for any other number."""
    if index != dialect.ORGANIZATION_NUMBER:
        return None
    seat = site.sandbox.world.population.facility(0)
    number = dialect.number(h64(site.key, "organization"), 2)
    return {
        "resourceType": "Organization",
        "id": ids.fhir_id(site.key, "Organization", index),
        "identifier": [usual(dialect.local("2.696570"), number)],
        "active": True,
        "name": str(site.settings["organization"]),
        "address": [_address(seat.address)],
    }


def _address(address: Address) -> Json:
    """A place's address: the state in full where we know its name, unlike in Patient (seen)."""
    street = "\r\n".join(address.lines)
    return {
        "use": "work",
        "text": f"{street}\r\n{address.city.upper()} {address.state} {address.zip}",
        "line": list(address.lines),
        "city": address.city,
        "state": _STATES.get(address.state, address.state),
        "postalCode": address.zip,
        "country": "US",
    }
