"""Practitioners, places and organizations: by names, numbers, addresses and kinds. SOURCES.md, the claims on them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.vendors.cerner_desk import Desk

NPI = "http://hl7.org/fhir/sid/us-npi"
KIND = "http://terminology.hl7.org/CodeSystem/organization-type"
PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk(patients=4000)


def found(desk: Desk, type: str, /, **params: Any) -> list[dict[str, Any]]:
    sent = {name.replace("__", "-"): value for name, value in params.items()}
    return [one for page in desk.pages(type, sent) for one in page.resources]


def test_a_practitioner_is_found_by_number_and_by_the_start_of_a_name(desk: Desk) -> None:
    truth = desk.sandbox.world.population.practitioner(5)
    (mine,) = found(desk, "Practitioner", identifier=f"{NPI}|{truth.npi}")
    assert mine["identifier"][0]["value"] == truth.npi
    for params in (
        {"family": truth.family[:3].lower()},
        {"family": truth.family, "given": truth.given[:2]},
        {"name": truth.given},
        {"name": truth.family[:2]},
        {"active": "true"},
    ):
        assert mine in found(desk, "Practitioner", **params), params
    assert mine not in found(desk, "Practitioner", family=truth.family, given="Zz")
    assert found(desk, "Practitioner", active="false") == []
    everybody = found(desk, "Practitioner", active="true", _count=5)
    assert len(everybody) == desk.sandbox.world.population.practitioners
    names = [(one["name"][0]["family"], one["name"][0]["given"][1]) for one in everybody]
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Practitioner?given=Ann", "at least one of _id, identifier, family, name, active, or -pageContext"),
        ("Practitioner?given=Ann&name=Smith", "given may only be provided with family"),
        ("Practitioner?name=S", "name: must have at least 2 characters"),
        ("Practitioner?identifier=9000000000", "identifier: must have a system and a code"),
        ("Practitioner?active=maybe", "active: must be true or false"),
        ("Location?name=Clinic", "at least one of _id, -physicalType, identifier, type, address, address-city"),
        ("Location?address-city=Dallas", "at least one of address-state and address-postalcode must be provided"),
        ("Organization?identifier=urn:oid:1.2.3|4", "identifier: unknown system"),
    ],
)
def test_a_question_against_the_rules_is_refused_with_its_reason(desk: Desk, path: str, text: str) -> None:
    answer = desk.get(path)
    assert answer.status == 400, answer.body
    assert text in answer.text


def test_codes_of_the_site_find_no_place_and_no_organization(desk: Desk) -> None:
    (place, *_) = found(desk, "Location", __physicalType=f"{PHYSICAL}|si")
    own = place["physicalType"]["coding"][0]
    assert desk.get("Location", {"-physicalType": f"{own['system']}|{own['code']}"}).status == 400
    (organization, *_) = found(desk, "Organization")
    own = organization["type"][0]["coding"][0]
    assert desk.get("Organization", {"type": f"{own['system']}|{own['code']}"}).status == 400


def test_a_place_is_found_by_its_address_name_and_organization(desk: Desk) -> None:
    facility = desk.sandbox.world.population.facilities[1]
    address = facility.address
    (mine,) = found(desk, "Location", address__state=address.state, address__city=address.city)
    assert mine["name"] == facility.name
    for params in (
        {"address__postalcode": address.zip},
        {"address": address.city[:4]},
        {"address": address.state, "name": facility.name.split()[-1]},
        {"address": address.state, "organization": mine["managingOrganization"]["reference"]},
    ):
        assert mine in found(desk, "Location", **params), params
    assert found(desk, "Location", address=address.state, organization="Organization/1") == []
    assert len(found(desk, "Location", __physicalType=f"{PHYSICAL}|si")) == 4
    assert found(desk, "Location", __physicalType=f"{PHYSICAL}|bd") == []


def test_organizations_are_clinics_and_payers(desk: Desk) -> None:
    clinics, payers = (found(desk, "Organization", type=f"{KIND}|{code}") for code in ("prov", "ins"))
    assert len(clinics) == 4
    assert {"Medicare", "Self-pay"} <= {one["name"] for one in payers}
    assert found(desk, "Organization") == [*clinics, *payers]
    assert [one["name"] for one in found(desk, "Organization", name="medicare")] == ["Medicare"]
    assert found(desk, "Organization", address=clinics[2]["address"][0]["city"])[0]["id"] == clinics[2]["id"]
    assert found(desk, "Organization", identifier="123456785") == []
    tax = payers[0]["identifier"][0]
    assert tax["value"].startswith("00")  # a prefix that nobody has
    assert found(desk, "Organization", identifier=f"{tax['system']}|{tax['value']}") == [payers[0]]
    assert found(desk, "Organization", identifier=tax["value"]) == [payers[0]]


def test_many_practitioners_are_not_listed_by_name() -> None:
    desk = Desk(patients=10_000_000)
    assert desk.get("Practitioner", {"name": "Smith"}).status == 501
