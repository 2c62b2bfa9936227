"""Searching Epic for patients. SOURCES.md, "Search"; traps E6, E11, E38."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from simulator.population.records import Person
from simulator.vendors.epic import VENDOR
from simulator.vendors.epic.patients import alike_families, alike_givens, sound_of
from tests.simulator.vendors.epic_door import Door, numbers, read


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


@pytest.fixture(scope="module")
def person(door: Door) -> Person:
    """Somebody with a phone, an e-mail address, an SSN and a portal login."""
    for number in range(2000):
        found = door.sandbox.world.person(number)
        assert found is not None
        kinds = {telecom.system for telecom in found.telecoms}
        if found.ssn and kinds == {"phone", "email"} and "MYCHARTLOGIN" in _types(read_patient(door, number)):
            return found
    raise AssertionError("nobody")


def read_patient(door: Door, number: int) -> dict[str, Any]:
    found: dict[str, Any] = read(door.get(f"Patient/{door.fhir_id(number)}"))
    return found


def _types(patient: dict[str, Any]) -> list[str]:
    return [one.get("type", {}).get("text", "SSN") for one in patient["identifier"]]


def found(door: Door, query: str) -> list[str]:
    return [one["id"] for one in door.matches("Patient", query)]


def test_every_identifier_finds_its_patient_by_system_by_type_and_bare(door: Door, person: Person) -> None:
    id = door.fhir_id(person.number)
    patient = read_patient(door, person.number)
    assert len(patient["identifier"]) == 10
    for one, type in zip(patient["identifier"], _types(patient), strict=True):
        value = quote(one["value"].strip())
        assert found(door, f"identifier={one['system']}|{value}") == [id], type
        assert found(door, f"identifier={quote(type)}|{value}") == [id], type
        assert found(door, f"identifier={value}") == [id], type


def test_no_identifier_is_called_mr_and_an_unknown_type_finds_nobody(door: Door, person: Person) -> None:
    mrn = VENDOR.patient_ids(door.site, person.number)["mrn"]
    codings = [
        c for one in read_patient(door, person.number)["identifier"] for c in one.get("type", {}).get("coding", [])
    ]
    assert "MR" not in [coding["code"] for coding in codings]
    bundle = door.bundle("Patient", f"identifier=MRN|{mrn}")
    assert bundle["total"] == 0
    assert numbers(bundle["entry"][0]["resource"]) == ["4101"]


def test_the_internal_id_has_leading_blanks(door: Door, person: Person) -> None:
    by_type = {one.get("type", {}).get("text"): one for one in read_patient(door, person.number)["identifier"]}
    assert by_type["INTERNAL"]["value"] == "     " + by_type["EXTERNAL"]["value"]
    assert by_type["INTERNAL"]["system"] == by_type["EXTERNAL"]["system"]


def test_the_record_number_is_the_one_of_the_control_api_and_leads_back(door: Door) -> None:
    for number in range(50):
        given = VENDOR.patient_ids(door.site, number)
        told = [
            one["value"] for one in read_patient(door, number)["identifier"] if one.get("type", {}).get("text") == "EPI"
        ]
        assert told == [given["mrn"]]
        assert VENDOR.patient_of(door.site, given["mrn"]) == number
        assert VENDOR.patient_of(door.site, given["fhir_id"]) == number
    assert VENDOR.patient_of(door.site, "000") is None
    assert VENDOR.patient_of(door.site, "eNobody3") is None


def test_one_demographic_alone_finds_nobody(door: Door, person: Person) -> None:
    for query in (
        f"family={quote(person.family)}",
        f"given={quote(person.given[0])}",
        f"birthdate={person.birth_date}",
        f"gender={person.gender}",
        f"family={quote(person.family)}&birthdate={person.birth_date}",
    ):
        bundle = door.bundle("Patient", query)
        assert bundle["total"] == 0, query
        assert numbers(bundle["entry"][0]["resource"]) == ["4101"]


def test_name_and_birth_date_find_the_patient(door: Door, person: Person) -> None:
    id = door.fhir_id(person.number)
    family, given = quote(person.family), quote(person.given[0])
    assert id in found(door, f"family={family}&given={given}&birthdate={person.birth_date}")
    assert id in found(door, f"name={given}%20{family}&birthdate={person.birth_date}")
    assert id in found(
        door, f"family={family.upper()}&given={given.lower()}&birthdate={person.birth_date}&gender={person.gender}"
    )
    other = "male" if person.gender == "female" else "female"
    assert id not in found(door, f"family={family}&given={given}&birthdate={person.birth_date}&gender={other}")


def test_name_sex_and_contact_find_the_patient(door: Door, person: Person) -> None:
    id = door.fhir_id(person.number)
    base = f"family={quote(person.family)}&given={quote(person.given[0])}&legal-sex={person.gender}"
    for telecom in person.telecoms:
        assert found(door, f"{base}&telecom={quote(telecom.value)}") == [id]
    assert found(door, f"{base}&telecom=202-555-9999") == []


def test_the_address_narrows(door: Door, person: Person) -> None:
    base = f"family={quote(person.family)}&given={quote(person.given[0])}&birthdate={person.birth_date}"
    home = person.addresses[0]
    id = door.fhir_id(person.number)
    assert id in found(door, f"{base}&address-postalcode={home.zip}&address-state={home.state}")
    assert id not in found(door, f"{base}&address-postalcode=00000")


def test_names_that_sound_alike_are_hits(door: Door) -> None:
    number, spelled = _misspelt(door)
    person = door.sandbox.world.person(number)
    assert person is not None
    query = f"family={quote(spelled)}&given={quote(person.given[0])}&birthdate={person.birth_date}"
    assert door.fhir_id(number) in found(door, query)


def _misspelt(door: Door) -> tuple[int, str]:
    """A patient, and another family name that sounds like the patient's."""
    for number in range(500):
        person = door.sandbox.world.person(number)
        assert person is not None
        others = [name for name in alike_families(person.family) if name != person.family]
        if others:
            return number, others[0]
    raise AssertionError("nobody's name sounds like another")


def test_a_nickname_finds_the_formal_name(door: Door) -> None:
    assert "Robert" in alike_givens("Bob")
    number = next(n for n in range(2000) if (door.sandbox.world.person(n) or _nobody()).given[0] == "Robert")
    person = door.sandbox.world.person(number)
    assert person is not None
    query = f"family={quote(person.family)}&given=Bob&birthdate={person.birth_date}"
    assert door.fhir_id(number) in found(door, query)


def _nobody() -> Person:
    raise AssertionError("the population ended")


def test_sounds_follow_the_soundex_rules() -> None:
    known = {
        "Robert": "r163",
        "Rupert": "r163",
        "Rubin": "r150",
        "Ashcraft": "a261",
        "Tymczak": "t522",
        "Pfister": "p236",
    }
    assert {name: sound_of(name) for name in known} == known


@pytest.mark.parametrize("value", ["ge1980-01-01", "1980", "1980-01", "1980-02-30", "1980-01-01&birthdate=1981-01-01"])
def test_birth_dates_are_whole_days(door: Door, value: str) -> None:
    answer = door.get("Patient", f"family=Smith&given=Ann&birthdate={value}")
    assert (answer.status, numbers(read(answer))) == (400, ["59109", "59111"])


def test_a_sex_that_is_none_is_refused(door: Door) -> None:
    assert door.get("Patient", "family=Smith&given=Ann&gender=F").status == 400


def test_no_demographics_at_all_is_refused_and_the_information_comes_first(door: Door) -> None:
    answer = door.get("Patient", "totally-bogus=1")
    assert answer.status == 400
    outcome = read(answer)
    assert numbers(outcome) == ["59100", "59159"]
    assert outcome["issue"][0]["diagnostics"].startswith("Unknown parameter: TOTALLY-BOGUS")
    assert outcome["issue"][1]["expression"] == ["demographics/_id"]


# Practitioners and places


def test_a_practitioner_is_found_by_number_and_then_nothing_else_counts(door: Door) -> None:
    found = door.sandbox.world.population.practitioner(3)
    (one,) = door.matches("Practitioner", f"identifier=http://hl7.org/fhir/sid/us-npi|{found.npi}")
    assert one["name"][0]["family"] == found.family
    for query in (f"identifier=NPI|{found.npi}", f"identifier={found.npi}&family=Nobody&address-city=x"):
        assert [two["id"] for two in door.matches("Practitioner", query)] == [one["id"]]


def test_a_practitioner_is_found_by_name_and_by_where_they_work(door: Door) -> None:
    population = door.sandbox.world.population
    found = population.practitioner(3)
    place = population.facility(3 % len(population.facilities)).address
    query = f"family={quote(found.family)}&given={quote(found.given)}"
    (one,) = door.matches("Practitioner", query)
    assert door.matches("Practitioner", f"name={quote(found.given + ' ' + found.family)}")[0]["id"] == one["id"]
    where = f"{query}&address-state={place.state}&address-city={quote(place.city)}"
    assert [two["id"] for two in door.matches("Practitioner", where)] == [one["id"]]
    assert door.matches("Practitioner", f"{query}&address-state=ZZ") == []


@pytest.mark.parametrize(
    "query", ["", "given=Anna", "name=x&given=Anna", "family=x&address-city=Boston", "active=true"]
)
def test_a_practitioner_needs_a_family_name_and_a_city_its_state(door: Door, query: str) -> None:
    answer = door.get("Practitioner", query)
    assert (answer.status, numbers(read(answer))[-1]) == (400, "59159")


def test_places_are_listed_by_what_they_are(door: Door) -> None:
    assert len(door.matches("Location", "type=OF")) == len(door.sandbox.world.population.facilities)
    assert door.matches("Location", "type=HOSP") == []
    name = door.sandbox.world.population.facility(0).name
    assert [one["name"] for one in door.matches("Location", f"type=OF&name={quote(name)}")] == [name]
    assert door.get("Location", f"name={quote(name)}").status == 400


def test_what_is_on_record_of_nobody_finds_nobody(door: Door, person: Person) -> None:
    query = f"family={quote(person.family)}&given={quote(person.given[0])}&birthdate={person.birth}"
    assert found(door, query)
    assert found(door, f"own-name={quote(person.family)}&given={quote(person.given[0])}&birthdate={person.birth}")
    for name in ("partner-name", "partner-prefix", "own-prefix", "doc-type"):
        assert found(door, f"{query}&{name}=x") == []


def test_parameters_without_documentation_look_at_the_patients_found(door: Door, person: Person) -> None:
    query = f"family={quote(person.family)}&given={quote(person.given[0])}&birthdate={person.birth}"
    here = door.fhir_id(person.number)
    assert here in found(door, f"{query}&active=true&address-country=US")
    assert here not in found(door, f"{query}&active=false")


def test_more_than_a_hundred_hits_are_too_many() -> None:
    door = Door()
    world, somebody = door.sandbox.world, door.sandbox.world.person(1)
    assert somebody is not None
    query = f"family={quote(somebody.family)}&given={quote(somebody.given[0])}&birthdate={somebody.birth}"
    before = len(found(door, query))
    for _ in range(100 - before):
        world.write(replace(somebody, number=-1), None, "somebody", door.sandbox.clock.now())
    assert len(found(door, query)) == 100
    world.write(replace(somebody, number=-1), None, "somebody", door.sandbox.clock.now())
    answer = door.get("Patient", query)
    assert (answer.status, numbers(read(answer))) == (400, ["4127"])
