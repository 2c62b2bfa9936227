"""Who and where: Practitioner, Location and Organization, so that references resolve; and the references themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.ids import h64
from simulator.population import tables
from simulator.population.records import Address, Facility, Person, Practitioner
from simulator.sandbox import Site
from simulator.vendors.cerner import codes, ids
from simulator.vendors.cerner.elements import STRUCTURES, concept, extension, in_millis, in_seconds, narrative, standard

SYSTEM_USER = "1"
PAYERS = tuple(dict.fromkeys(row.name for row in tables.PAYERS.values()))
_FIRST_PAYER = 500_000  # the place of the first payer among the organizations; the facilities come before
_SYSTEM_NAME = "SYSTEM, SYSTEM"
TAX_SYSTEM = "urn:oid:2.16.840.1.113883.4.4"
ORGANIZATION_TYPE = "http://terminology.hl7.org/CodeSystem/organization-type"
_OPENED = datetime(2015, 10, 14, 5, tzinfo=UTC)


def patient_name(person: Person) -> str:
    """`Garcia Jr., Maria Elena`: the display of a patient."""
    family = f"{person.family} {person.suffix}" if person.suffix else person.family
    return f"{family}, {' '.join(person.given)}"


def patient_ref(site: Site, person: Person, *, display: bool = True) -> dict[str, Any]:
    """The reference to a patient; some types tell no display."""
    made = {"reference": f"Patient/{ids.patient_id(site, person.number)}"}
    return made | {"display": patient_name(person)} if display else made


def staff_name(one: Practitioner) -> str:
    """`Okafor, MD, Ruth`: the suffix ends up among the given names, as recorded."""
    return f"{one.family}, {one.suffix}, {one.given}"


def practitioner_ref(site: Site, index: int, *, display: bool = True) -> dict[str, Any]:
    """The reference to a practitioner of the world."""
    made = {"reference": f"Practitioner/{ids.staff_id(site, 'practitioner', index)}"}
    return made | {"display": staff_name(site.sandbox.world.population.practitioner(index))} if display else made


def system_ref() -> dict[str, Any]:
    """The reference to the account under which interfaces write."""
    return {"reference": f"Practitioner/{SYSTEM_USER}", "display": _SYSTEM_NAME}


def organization_ref(site: Site, index: int) -> dict[str, Any]:
    """The reference to the organization that a facility is."""
    name = site.sandbox.world.population.facility(index).name
    return {"reference": f"Organization/{ids.staff_id(site, 'organization', index)}", "display": name}


def payer_ref(site: Site, name: str) -> dict[str, Any]:
    """The reference to the organization that a payer is."""
    id = ids.staff_id(site, "organization", _FIRST_PAYER + PAYERS.index(name))
    return {"reference": f"Organization/{id}", "display": name}


def location_ref(site: Site, index: int) -> dict[str, Any]:
    """The reference to a facility as a place."""
    name = site.sandbox.world.population.facility(index).name
    return {"reference": f"Location/{ids.staff_id(site, 'location', index)}", "display": name}


def encounter_ref(site: Site, number: int, ordinal: int) -> dict[str, Any]:
    """The reference to an encounter; no display anywhere."""
    return {"reference": f"Encounter/{ids.row_number(site, 'encounter', ids.Row(number, ordinal))}"}


def address_of(address: Address, use: str | None) -> dict[str, Any]:
    """An address with its multi-line `text` in front of the parts."""
    lines = [*address.lines, f"{address.city}, {address.state} {address.zip}", "US"]
    made: dict[str, Any] = {"use": use} if use else {}
    return made | {
        "text": "\n".join(lines),
        "line": list(address.lines),
        "city": address.city,
        "state": address.state,
        "postalCode": address.zip,
        "country": "US",
    }


def staff_read(site: Site, type: str, id: str) -> dict[str, Any] | None:
    """The Practitioner, Location or Organization of that id; None when there is none."""
    if type == "Practitioner" and id == SYSTEM_USER:
        return _system_user()
    population = site.sandbox.world.population
    index = ids.staff_of(site, type.lower(), id)
    if index is None:
        return None
    if type == "Organization" and 0 <= index - _FIRST_PAYER < len(PAYERS):
        return _payer(site, id, index)
    if index >= (population.practitioners if type == "Practitioner" else len(population.facilities)):
        return None
    if type == "Practitioner":
        return _practitioner(site, id, population.practitioner(index))
    return (_location if type == "Location" else _organization)(site, id, population.facility(index))


def organizations(site: Site) -> Iterator[tuple[int, str, Address | None, str]]:
    """Every organization as (index, name, address, standard type): the world's facilities in order, then the payers."""
    for one in site.sandbox.world.population.facilities:
        yield one.index, one.name, one.address, "prov"
    for place, name in enumerate(PAYERS):
        yield _FIRST_PAYER + place, name, None, "ins"


def _version(site: Site, kind: str, index: int) -> tuple[int, datetime]:
    draw = h64(site.key, "version", kind, index)
    return draw % 30, _OPENED + timedelta(minutes=draw % 4_000_000)


def _system_user() -> dict[str, Any]:
    return {
        "resourceType": "Practitioner",
        "id": SYSTEM_USER,
        "meta": {"versionId": "0", "lastUpdated": in_millis(_OPENED)},
        "text": narrative("Practitioner", [("Name", _SYSTEM_NAME), ("Status", "Active")]),
        "active": True,
        "name": [{"use": "usual", "text": _SYSTEM_NAME, "family": "SYSTEM", "given": ["SYSTEM"]}],
    }


def _practitioner(site: Site, id: str, one: Practitioner) -> dict[str, Any]:
    version, updated = _version(site, "practitioner", one.index)
    npi = standard("v2-identifier", "NPI", "National provider identifier", None)
    facilities = site.sandbox.world.population.facilities
    place = facilities[one.index % len(facilities)]
    degree = concept([codes.local(site, codes.QUALIFICATION, one.suffix)], one.suffix)
    return {
        "resourceType": "Practitioner",
        "id": id,
        "meta": {"versionId": str(version), "lastUpdated": in_millis(updated)},
        "text": narrative(
            "Practitioner", [("Name", staff_name(one)), ("Identifiers", f"NPI: {one.npi}"), ("Status", "Active")]
        ),
        "extension": [extension(STRUCTURES + "is-physician", valueBoolean=one.suffix in ("MD", "DO"))],
        "identifier": [
            {
                "use": "usual",
                "type": concept([npi], "National Provider Identifier"),
                "system": "http://hl7.org/fhir/sid/us-npi",
                "value": one.npi,
                "period": {"start": in_millis(_OPENED)},
            }
        ],
        "active": True,
        "name": [
            {
                "use": "usual",
                "text": staff_name(one),
                "family": one.family,
                "given": [one.suffix, one.given],
                "period": {"start": in_millis(_OPENED)},
            }
        ],
        "telecom": [_work_phone(place)],
        "address": [address_of(place.address, "work")],
        "qualification": [{"code": degree, "period": {"start": in_millis(_OPENED)}}],
    }


def _work_phone(place: Facility) -> dict[str, Any]:
    return {"system": "phone", "value": place.phone[-10:], "use": "work"}


def _location(site: Site, id: str, one: Facility) -> dict[str, Any]:
    version, updated = _version(site, "location", one.index)
    kind = concept([codes.local(site, codes.LOCATION_TYPE, "facility", "Facility(s)")], "Facility(s)")
    organization = organization_ref(site, one.index)
    return {
        "resourceType": "Location",
        "id": id,
        "meta": {"versionId": str(version), "lastUpdated": in_seconds(updated)},
        "text": narrative(
            "Location",
            [
                ("Name", one.name),
                ("Alias", _initials(one)),
                ("Managing Organization", one.name),
                ("Physical Type", "Facility(s)"),
                ("Status", "Active"),
            ],
        ),
        "identifier": [
            {
                "use": "official",
                "type": {"coding": [codes.local(site, codes.LOCATION_IDENTIFIER, "FIN NBR")]},
                "system": "FIN NBR",
                "value": str(16_000 + one.index),
            }
        ],
        "status": "active",
        "name": one.name,
        "alias": [_initials(one)],
        "mode": "instance",
        "type": [kind],
        "telecom": [_work_phone(one)],
        "address": address_of(one.address, None),
        "physicalType": kind,
        "managingOrganization": organization,
    }


def _initials(one: Facility) -> str:
    """The short form of a facility's name."""
    return "".join(word[0] for word in one.name.split())


def tax_number(site: Site, index: int) -> str:
    """The employer number of an organization, with a prefix under which none is given out."""
    return f"00{site.permutation(10_000_000, 'tax').forward(index):07d}"


def _tax_identifier(site: Site, index: int) -> dict[str, Any]:
    own = codes.local(site, codes.ORGANIZATION_IDENTIFIER, "TAXID", "Tax Identifier")
    kind = concept([own, standard("v2-identifier", "TAX", "Tax ID number", None)], "Tax Identifier")
    return {"use": "official", "type": kind, "system": TAX_SYSTEM, "value": tax_number(site, index)}


def _organization(site: Site, id: str, one: Facility) -> dict[str, Any]:
    version, updated = _version(site, "organization", one.index)
    provider = standard(ORGANIZATION_TYPE, "prov", "Healthcare Provider", None)
    kind = codes.local(site, codes.ORGANIZATION_TYPE, "facility", "Facility")
    return {
        "resourceType": "Organization",
        "id": id,
        "meta": {"versionId": str(version), "lastUpdated": in_seconds(updated)},
        "text": _of_organization(site, one.name, one.index),
        "identifier": [_tax_identifier(site, one.index)],
        "active": True,
        "type": [concept([kind, provider], "Facility")],
        "name": one.name,
        "telecom": [_work_phone(one)],
        "address": [address_of(one.address, "work")],
    }


def _of_organization(site: Site, name: str, index: int) -> dict[str, Any]:
    lines: list[tuple[str, str | None]] = [("Name", name), ("Status", "Active"), ("TAXID", tax_number(site, index))]
    return narrative("Organization", lines)


def _payer(site: Site, id: str, index: int) -> dict[str, Any]:
    version, updated = _version(site, "organization", index)
    name = PAYERS[index - _FIRST_PAYER]
    insurer = standard(ORGANIZATION_TYPE, "ins", "Insurance Company", None)
    kind = codes.local(site, codes.ORGANIZATION_TYPE, "insurance company", "Insurance Company")
    return {
        "resourceType": "Organization",
        "id": id,
        "meta": {"versionId": str(version), "lastUpdated": in_seconds(updated)},
        "text": _of_organization(site, name, index),
        "identifier": [_tax_identifier(site, index)],
        "active": True,
        "type": [concept([kind, insurer], "Insurance Company")],
        "name": name,
    }
