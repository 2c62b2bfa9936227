"""Practitioner, Location, Organization: what references lead to. The health system is the first organization, the
payers are the others.

Source: SOURCES.md, "Resources" (FS; Location, the payers: guess).
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from simulator.fhir import build
from simulator.ids import h64
from simulator.population.documents import Content
from simulator.population.places import npi_check_digit
from simulator.population.records import Address
from simulator.vendors.epic import dialect, ids, staff
from simulator.vendors.epic.dialect import Json, usual

if TYPE_CHECKING:
    from simulator.sandbox import Site

_PHOTO_PER_CENT = 15  # guess
_SIDE = 32
PHOTO = (1 << 24) - 2
"""The ordinal of the Binary that is a practitioner's photo."""


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
    made: Json = {
        "resourceType": "Practitioner",
        "id": ids.fhir_id(site.key, "Practitioner", index),
        "identifier": [
            usual(build.SYSTEMS["npi"], found.npi, "NPI"),
            usual(dialect.local("2.697780"), "  " + record, "INTERNAL"),
            usual(dialect.local("2.697780"), record, "EXTERNAL"),
            usual(dialect.local("5.737384.6"), record, "PROVID"),
            usual(dialect.local("5.737384.7"), staff.taxonomy_of(site.key, found)[0], "EPIC"),
            usual(dialect.local("5.737384.60"), found.npi, "NPI"),
            usual(dialect.local("5.737384.63"), dialect.number(draw >> 40, 4), "Epic"),
            usual(dialect.local("2.836982"), "   " + user, "INTERNAL"),
            usual(dialect.local("2.836982"), user, "EXTERNAL"),
        ],
        "active": True,
        "name": [{**name, "given": [found.given], "suffix": [found.suffix]}],
    }
    gender = staff.gender_of(found)
    if gender is not None:
        made["gender"] = gender
    if draw % 100 < _PHOTO_PER_CENT:
        made["photo"] = [{"url": f"Binary/{ids.fhir_id(site.key, 'Binary', index, PHOTO)}"}]
    return made | {"qualification": [{"code": {"text": found.suffix}}]}


def photo(site: Site, index: int) -> Content | None:
    """The photo of a practitioner, a square of one colour; None for those who have none."""
    told = practitioner(site, index)
    if told is None or "photo" not in told:
        return None
    shade = h64(site.key, "photo", index).to_bytes(8, "little")[:3]
    rows = b"".join(b"\0" + shade * _SIDE for _ in range(_SIDE))
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    data = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)
    return Content("image/png", b"\x89PNG\r\n\x1a\n" + data, "")


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
        "type": [dialect.told("http://terminology.hl7.org/CodeSystem/v3-RoleCode", "OF", "Outpatient facility")],
        "telecom": [{"system": "phone", "value": dialect.phone(found.phone), "use": "work"}],
        "address": {"use": "work", **_address(found.address), "country": "US"},
        "physicalType": dialect.told("http://terminology.hl7.org/CodeSystem/location-physical-type", "bu", "Building"),
        "managingOrganization": dialect.organization_reference(site),
    }


def organization(site: Site, index: int) -> Json | None:
    """The health system, or the payer of that place behind it; None for any other number."""
    payers = dialect.payers()
    if not 0 <= index <= len(payers):
        return None
    draw = h64(site.key, "organization", index)
    nine = f"9{draw % 10**8:08d}"
    npi = nine + npi_check_digit(nine)
    own = usual(dialect.local("2.696570"), dialect.number(draw >> 8, 2))
    made: Json = {"resourceType": "Organization", "id": ids.fhir_id(site.key, "Organization", index)}
    if index != dialect.ORGANIZATION_NUMBER:
        payer = dialect.number(draw, 5)
        return made | {
            "identifier": [usual(dialect.local("2.678671"), payer, "EPIC")],
            "active": True,
            "type": [dialect.told("http://terminology.hl7.org/CodeSystem/organization-type", "pay", "Payer")],
            "name": payers[index - 1],
        }
    return made | {
        "identifier": [
            usual(dialect.local("5.737384.61"), npi, "EPIC"),
            usual(build.SYSTEMS["npi"], npi, "NPI"),
            usual("urn:oid:2.16.840.1.113883.4.4", f"00{draw >> 32 & 0xFFFFFFFF:010d}"[:9], "TAX"),
            own,
        ],
        "active": True,
        "name": str(site.settings["organization"]),
        "address": [_address(site.sandbox.world.population.facility(0).address)],
    }


def _address(address: Address) -> Json:
    """A place's address: the state in full, unlike in Patient (seen)."""
    street = "\r\n".join(address.lines)
    return {
        "text": f"{street}\r\n{address.city.upper()} {address.state} {address.zip}",
        "line": list(address.lines),
        "city": address.city.upper(),
        "state": _STATES.get(address.state, address.state),
        "postalCode": address.zip,
    }


_STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DC": "District of Columbia", "DE": "Delaware", "FL": "Florida", "GA": "Georgia",
    "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky",
    "LA": "Louisiana", "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire",
    "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York", "NC": "North Carolina", "ND": "North Dakota",
    "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon", "PA": "Pennsylvania", "RI": "Rhode Island",
    "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont",
    "VA": "Virginia", "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
}  # fmt: skip
