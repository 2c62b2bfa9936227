"""`Patient/{id}/$summary`: one document of what the caller may read. SOURCES.md, "Answers".

Bundle document ── Composition ── section: problems, allergies, medications, … ──▶ the resources behind it
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from simulator.fhir import xml
from simulator.vendors.epic.paths import FHIR
from tests.simulator.vendors.conftest import Registered
from tests.simulator.vendors.epic_door import Door, numbers, read

PROBLEMS, ALLERGIES, MEDICATIONS, RESULTS = "11450-4", "48765-2", "10160-0", "30954-2"


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


@pytest.fixture(scope="module")
def number(door: Door) -> int:
    return door.patient_with(conditions=3, observations=60, medications=2, immunizations=2, procedures=2)


def summary(door: Door, number: int) -> dict[str, Any]:
    answer = door.get(f"Patient/{door.fhir_id(number)}/$summary")
    assert answer.status == 200, answer.body
    found: dict[str, Any] = read(answer)
    return found


def sections(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["code"]["coding"][0]["code"]: one for one in document["entry"][0]["resource"]["section"]}


def test_a_summary_is_a_document_whose_sections_lead_into_it(door: Door, number: int) -> None:
    document = summary(door, number)
    get_fhir_model_class("Bundle").model_validate_json(door.get(f"Patient/{door.fhir_id(number)}/$summary").body)
    assert document["type"] == "document"
    assert [one["resource"]["resourceType"] for one in document["entry"][:2]] == ["Composition", "Patient"]
    urls = {one["fullUrl"].rpartition("/R4/")[2] for one in document["entry"]}
    assert len(urls) == len(document["entry"])
    for section in sections(document).values():
        assert ("entry" in section) != ("emptyReason" in section)
        assert {one["reference"] for one in section.get("entry", ())} <= urls
    drugs = {one["resource"].get("medicationReference", {}).get("reference") for one in document["entry"]} - {None}
    assert drugs <= urls
    assert door.last.reply is not None
    assert {f"{type}/{id}" for type, id in door.last.reply.served} == {url for url in urls if "Composition" not in url}


def test_it_shows_what_stands_now_and_the_last_result_of_each_test(door: Door, number: int) -> None:
    document, chart = summary(door, number), door.sandbox.world.chart(number)
    found = sections(document)
    standing = [
        one for one in chart.conditions if one.category == "problem-list-item" and one.clinical_status == "active"
    ]
    assert len(found[PROBLEMS]["entry"]) == len(standing)
    taken = [one for one in chart.medications if one.status == "active"]
    assert len(found[MEDICATIONS].get("entry", ())) == len(taken)
    tests = {one.key for one in chart.observations if one.category == "laboratory"}
    assert len(found[RESULTS]["entry"]) == len(tests)
    bodies = {
        f"{one['resource']['resourceType']}/{one['resource']['id']}": one["resource"] for one in document["entry"]
    }
    for entry in found[PROBLEMS]["entry"]:
        assert bodies[entry["reference"]] == read(door.get(entry["reference"]))


def test_in_xml_it_says_the_same(door: Door, number: int) -> None:
    path = f"Patient/{door.fhir_id(number)}/$summary"
    assert xml.from_xml(door.get(path, accept="application/xml").body) == read(door.get(path))


def test_it_may_be_asked_for_by_post_too(door: Door, number: int) -> None:
    path = f"{FHIR}/Patient/{door.fhir_id(number)}/$summary"
    assert door.call("POST", path, body="{}").body == door.call("GET", path).body


def test_what_the_caller_may_not_read_is_not_in_it(door: Door, number: int) -> None:
    path = f"Patient/{door.fhir_id(number)}/$summary"
    few = read(door.get(path, token=door.token("demographics")))
    assert [one["resource"]["resourceType"] for one in few["entry"]] == ["Composition", "Patient"]
    assert set(sections(few)) == {PROBLEMS, ALLERGIES, MEDICATIONS}
    assert all("emptyReason" in one for one in sections(few).values())


def test_what_is_withheld_is_not_in_it() -> None:
    door = Door()
    number, secret = next(
        (number, one)
        for number in range(200)
        for one in door.sandbox.world.chart(number).conditions
        if "BH" in one.sensitivity and one.clinical_status == "active" and one.category == "problem-list-item"
    )
    before = sections(summary(door, number))[PROBLEMS]
    assert secret.text in before["text"]["div"]
    door.site.settings["withheld_records"] = {"*": ("BH",)}
    after = json.dumps(summary(door, number), default=str)
    assert secret.text not in after


def test_nobody_and_nobody_elses(door: Door, register: Registered) -> None:
    answer = door.get("Patient/eNothing3/$summary")
    assert (answer.status, numbers(read(answer))) == (404, ["59008"])
    app = register("epic", persona="patient", scopes=["openid", "launch/patient", "patient/Patient.read"])
    token = app.tokens(3)["access_token"]
    assert app.get(f"Patient/{app.fhir_id(3)}/$summary", token).status_code == 200
    assert app.get(f"Patient/{app.fhir_id(4)}/$summary", token).status_code == 403
