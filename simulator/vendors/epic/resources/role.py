"""PractitionerRole: where a practitioner works, and as what. Everybody has one role.

Source: SOURCES.md, "Resources" (CS: what can be asked; the form: US Core, guess).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.fhir import build
from simulator.vendors.epic import dialect, ids, staff
from simulator.vendors.epic.dialect import Json, usual

if TYPE_CHECKING:
    from simulator.sandbox import Site


def payload(site: Site, index: int) -> Json | None:
    """The role of the practitioner of that index; None when there is none."""
    population = site.sandbox.world.population
    if not 0 <= index < population.practitioners:
        return None
    found = population.practitioner(index)
    facility = population.facility(index % len(population.facilities))
    location = ids.fhir_id(site.key, "Location", facility.index)
    return {
        "resourceType": "PractitionerRole",
        "id": ids.fhir_id(site.key, "PractitionerRole", index),
        "identifier": [usual(dialect.local("5.737384.60"), found.npi, "NPI")],
        "active": True,
        "practitioner": dialect.practitioner_reference(site, index),
        "organization": dialect.organization_reference(site),
        "code": [staff.provider_type(site.key, found)],
        "specialty": [staff.specialty(site.key, index)],
        "location": [build.reference("Location", location, facility.name)],
        "telecom": [{"system": "phone", "value": dialect.phone(facility.phone), "use": "work"}],
    }
