"""What rests on records that others tell, and what only references lead to. SOURCES.md, "Resources" and "Search".

Condition/eA…  ◀── target ── Provenance/eB… ── agent ──▶ Practitioner, Organization
Practitioner   ◀── PractitionerRole ──▶ Location, Organization
"""

from __future__ import annotations

from typing import Any

import pytest

from simulator.vendors.epic import ids, resources
from tests.simulator.vendors.epic_door import Door, numbers, read


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


@pytest.fixture(scope="module")
def number(door: Door) -> int:
    return door.patient_with(conditions=3, observations=60, medications=2, procedures=2)


def all_of(door: Door, number: int, type: str, query: str = "") -> list[dict[str, Any]]:
    return door.matches(type, f"patient={door.fhir_id(number)}{query}")


# Provenance


def test_a_provenance_says_who_wrote_a_resource_down(door: Door, number: int) -> None:
    told = all_of(door, number, "Condition", "&category=problem-list-item")[0]
    id = resources.provenance_id(door.site, told["id"])
    found = read(door.get(f"Provenance/{id}"))
    author, transmitter = found["agent"]
    record = door.sandbox.world.chart(number).conditions[0]
    practitioner = ids.fhir_id(door.site.key, "Practitioner", record.practitioner)
    assert found["target"] == [{"reference": f"Condition/{told['id']}"}]
    assert author["who"]["reference"] == f"Practitioner/{practitioner}"
    assert author["onBehalfOf"] == transmitter["who"]
    assert [one["type"]["coding"][0]["code"] for one in found["agent"]] == ["author", "transmitter"]


def test_every_type_of_a_record_has_a_provenance_that_leads_back(door: Door, number: int) -> None:
    t = resources.telling(door.site, number)
    assert t is not None
    for told in resources.TOLD.values():
        for item in list(told.items(t))[:2]:
            id = told.id_of(t, item)
            found = read(door.get(f"Provenance/{resources.provenance_id(door.site, id)}"))
            assert found["target"] == [{"reference": f"{told.type}/{id}"}]


def test_what_is_not_there_has_no_provenance(door: Door, number: int) -> None:
    beyond = ids.provenance_id(door.site.key, ids.Named("Condition", number, 9_999))
    assert numbers(read(door.get(f"Provenance/{beyond}"))) == ["59008"]
    assert resources.provenance_id(door.site, ids.fhir_id(door.site.key, "Practitioner", 0)) is None
    assert resources.provenance_id(door.site, "e123") is None


# PractitionerRole


def test_a_role_is_found_by_who_has_it_and_where(door: Door) -> None:
    site, population = door.site, door.sandbox.world.population
    practitioner, location = (ids.fhir_id(site.key, type, 1) for type in ("Practitioner", "Location"))
    (one,) = door.matches("PractitionerRole", f"practitioner={practitioner}")
    assert one["practitioner"]["reference"] == f"Practitioner/{practitioner}"
    assert one["location"][0]["reference"] == f"Location/{location}"
    assert one["telecom"][0]["value"].startswith("+1 ")
    found = door.matches("PractitionerRole", f"location=Location/{location}")
    assert len(found) == len(range(1, population.practitioners, len(population.facilities)))
    assert one in found
    npi = f"urn:oid:1.2.840.114350.1.13.0.1.7.5.737384.60|{population.practitioner(1).npi}"
    assert door.matches("PractitionerRole", f"identifier={npi}") == [one]
    assert door.matches("PractitionerRole", f"practitioner={practitioner}&role=urn:oid:2.999|1") == []


def test_a_search_for_roles_needs_something_to_lead_it(door: Door) -> None:
    answer = door.get("PractitionerRole", "phone=1")
    assert (answer.status, numbers(read(answer))) == (400, ["59159"])
