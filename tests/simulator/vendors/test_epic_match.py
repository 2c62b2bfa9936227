"""Patient/$match at Epic: FHIR R4 patient-operation-match, and SOURCES.md, "Search".

Parameters(resource, onlyCertainMatches, count) ─▶ searchset, each entry with score and match-grade
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from simulator.fhir import xml
from simulator.population.records import Person
from simulator.vendors.epic import VENDOR
from simulator.vendors.epic.paths import FHIR
from tests.simulator.vendors.epic_door import JSON, Door, numbers, read

GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


@pytest.fixture(scope="module")
def person(door: Door) -> Person:
    """Somebody with a phone and a home, of whom there is only one."""
    world = door.sandbox.world
    for number in range(100, 2000):
        found = world.person(number)
        assert found is not None
        day = (found.birth_date, found.birth_date)
        twins = list(world.find(family=found.family, born=day))
        if found.telecoms and found.addresses and found.birth_precision == "day" and twins == [number]:
            return found
    raise AssertionError("nobody")


def wanted(person: Person, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "name": [{"family": person.family, "given": [person.given[0]]}],
        "birthDate": person.birth,
        "gender": person.gender,
        **more,
    }


def ask(door: Door, patient: Any, **options: Any) -> Any:
    parts: list[dict[str, Any]] = [{"name": "resource", "resource": patient}]
    kinds = {bool: "valueBoolean", int: "valueInteger"}
    parts += [{"name": name, kinds[type(value)]: value} for name, value in options.items()]
    body = json.dumps({"resourceType": "Parameters", "parameter": parts})
    return door.call("POST", f"{FHIR}/Patient/$match", body=body, content_type=JSON)


def hits(answer: Any) -> dict[str, tuple[str, str]]:
    """id → (grade, score)."""
    assert answer.status == 200, answer.body
    bundle = read(answer)
    found = [one for one in bundle.get("entry", []) if one["search"]["mode"] == "match"]
    assert bundle["total"] == len(found)
    return {
        one["resource"]["id"]: (one["search"]["extension"][0]["valueCode"], str(one["search"]["score"]))
        for one in found
    }


def test_who_is_known_by_more_than_name_and_birth_date_is_certain(door: Door, person: Person) -> None:
    id, mrn = (VENDOR.patient_ids(door.site, person.number)[name] for name in ("fhir_id", "mrn"))
    phone, home = person.telecoms[0], person.addresses[0]
    for own in (
        {"identifier": [{"type": {"text": "EPI"}, "value": mrn}]},
        {"telecom": [{"system": phone.system, "value": phone.value}]},
        {"address": [{"line": [home.lines[0]], "postalCode": home.zip}]},
    ):
        assert {one: grade for one, (grade, _) in hits(ask(door, wanted(person, **own))).items()} == {id: "certain"}


def test_a_single_hit_that_is_not_certain_is_given_unless_only_certain_ones_are_wanted(
    door: Door, person: Person
) -> None:
    assert hits(ask(door, wanted(person))) == {door.fhir_id(person.number): ("probable", "0.8")}
    answer = ask(door, wanted(person), onlyCertainMatches=True)
    assert hits(answer) == {}
    assert numbers(read(answer)["entry"][0]["resource"]) == ["4101"]


def test_several_hits_that_are_not_certain_are_as_good_as_none(person: Person) -> None:
    door = Door()
    world, now = door.sandbox.world, door.sandbox.clock.now()
    world.write(replace(person, number=-1, telecoms=(), addresses=()), None, "somebody", now)
    assert hits(ask(door, wanted(person))) == {}
    phone = {"telecom": [{"system": "phone", "value": person.telecoms[0].value}]}
    assert list(hits(ask(door, wanted(person, **phone)))) == [door.fhir_id(person.number)]


def test_an_identifier_of_somebody_else_is_possible_at_most(door: Door, person: Person) -> None:
    mrn = VENDOR.patient_ids(door.site, person.number)["mrn"]
    stranger = {"resourceType": "Patient", "identifier": [{"type": {"text": "EPI"}, "value": mrn}]}
    assert hits(ask(door, stranger)) == {door.fhir_id(person.number): ("possible", "0.4")}


def test_the_answer_is_a_valid_bundle_in_both_formats(door: Door, person: Person) -> None:
    told = read(ask(door, wanted(person)))
    get_fhir_model_class("Bundle").model_validate(told)
    body = json.dumps({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": wanted(person)}]})
    in_xml = door.call(
        "POST", f"{FHIR}/Patient/$match", body=body, content_type="application/json", accept="application/xml"
    )
    assert xml.from_xml(in_xml.body)["entry"][0]["search"] == told["entry"][0]["search"]


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        ([], "59108"),
        ({}, "59108"),
        ([{"name": "resource", "valueString": "x"}], "59108"),
        ([{"name": "resource", "resource": {"resourceType": "Person"}}], "59108"),
        ([{"name": "resource", "resource": {"resourceType": "Patient", "name": "x"}}], "59108"),
        (
            [{"name": "resource", "resource": {"resourceType": "Patient"}}, {"name": "count", "valueInteger": 0}],
            "59111",
        ),
    ],
)
def test_what_asks_for_nobody_is_refused(door: Door, parameter: Any, said: str) -> None:
    body = json.dumps({"resourceType": "Parameters", "parameter": parameter})
    answer = door.call("POST", f"{FHIR}/Patient/$match", body=body, content_type=JSON)
    assert (answer.status, numbers(read(answer))[-1]) == (400, said)
    assert numbers(read(door.file("Patient/$match", "{"))) == ["59105"]
    assert numbers(read(door.file("Patient/$match", {"resourceType": "Patient"}))) == ["59100"]
