"""Sub-resources of Epic: what a registration lacks is told, left out and refused, whatever its scopes are (E45).

PUT …/vendors/epic/clients/{client}/sub-resources {"client": ["Observation - Results"], "user": []}
search: 200 with a warning for each part (59204 client, 59205 user); 400 with 59022 when none is left. Read: 403, 59203.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from simulator.sandbox import Sandbox
from simulator.server import Running
from tests.simulator.vendors.epic_door import numbers
from tests.simulator.vendors.test_protection import control, fhir, headers

PATIENT = 3
RESULTS, VITALS = "Observation - Results", "Observation - Vital Signs"
OUTSIDE = ("Observation - Outside Record Results", "Observation - SmartData Elements")


@pytest.fixture
def ask(server: Running, sandbox: Sandbox) -> Any:
    """`ask("Observation", category="laboratory")` as the first client, about the patient of these tests."""
    site = sandbox.sites["epic"]
    patient = site.vendor.patient_ids(site, PATIENT)["fhir_id"]

    def asked(path: str, *, client: int = 0, **params: str) -> httpx.Response:
        about = {"patient": patient, **params} if "/" not in path else {}
        return httpx.get(
            f"{fhir(server, sandbox, 'epic')}/{path}",
            params=about,
            headers=headers(sandbox, "epic", client),
        )

    return asked


@pytest.fixture
def license(server: Running, sandbox: Sandbox) -> Any:
    """`license(client=[…], user=[…])` tells what the first client lacks."""
    name = next(iter(sandbox.sites["epic"].clients.values())).name

    def told(**lacks: list[str]) -> dict[str, Any]:
        answer = httpx.put(control(server, sandbox, "epic", f"clients/{name}/sub-resources"), json=lacks)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    return told


def split(bundle: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """(matches, numbers of the issues, their diagnostics) of a searchset."""
    resources = [entry["resource"] for entry in bundle["entry"]]
    said = [one for one in resources if one["resourceType"] == "OperationOutcome"]
    issues = said[0]["issue"] if said else []
    matches = [one for one in resources if one["resourceType"] != "OperationOutcome"]
    return matches, numbers({"issue": issues}), [one.get("diagnostics", "") for one in issues]


def category_of(resource: dict[str, Any]) -> str:
    code: str = resource["category"][0]["coding"][0]["code"]
    return code


def test_a_part_that_is_lacking_is_left_out_and_told(ask: Any, license: Any, sandbox: Sandbox) -> None:
    code = "http://loinc.org|8302-2,http://loinc.org|4548-4,http://loinc.org|2160-0,http://loinc.org|2345-7"
    site = sandbox.sites["epic"]
    patient = site.vendor.patient_ids(site, 10)["fhir_id"]
    before, _, _ = split(ask("Observation", patient=patient, code=code).json())
    assert {category_of(one) for one in before} == {"laboratory", "vital-signs"}
    license(client=[RESULTS])
    after, issues, said = split(ask("Observation", patient=patient, code=code).json())
    assert {category_of(one) for one in after} == {"vital-signs"}
    assert issues == ["59204"]
    assert said == [f"Client not authorized for {RESULTS}. Search results of this type have not been included."]


def test_when_every_part_is_lacking_nothing_is_searched(ask: Any, license: Any) -> None:
    license(client=[RESULTS, *OUTSIDE])
    answer = ask("Observation", category="laboratory")
    assert answer.status_code == 400
    assert numbers(answer.json()) == ["59204", "59204", "59022"]
    assert [one["severity"] for one in answer.json()["issue"]] == ["warning", "warning", "fatal"]
    assert ask("Observation", category="vital-signs").status_code == 200


def test_a_category_of_which_nobody_holds_a_part_is_not_searched_as_delivered(ask: Any) -> None:
    answer = ask("Condition", category="genomics")
    assert (answer.status_code, numbers(answer.json())) == (400, ["59204", "59022"])


@pytest.mark.parametrize(("lack", "number"), [("client", "59203"), ("user", "4118")])
def test_a_resource_of_a_lacking_part_is_not_read(ask: Any, license: Any, lack: str, number: str) -> None:
    id = split(ask("Observation", category="laboratory").json())[0][0]["id"]
    assert ask(f"Observation/{id}").status_code == 200
    license(**{lack: [RESULTS]})
    answer = ask(f"Observation/{id}")
    assert (answer.status_code, numbers(answer.json())) == (403, [number])
    if lack == "client":
        assert answer.json()["issue"][0]["diagnostics"] == f"Client not authorized for {RESULTS}"
    assert ask("Observation", _id=id, patient="").json()["total"] == 0
    assert ask(f"Observation/{id}", client=1).status_code == 200, "another registration holds it"


def test_what_the_user_lacks_has_a_number_of_its_own(ask: Any, license: Any) -> None:
    _, issues, said = split(ask("Procedure").json())
    assert issues[0] == "59205"
    assert said[0].startswith("User not authorized for Procedure - External Radiotherapy Summary.")
    license(user=["Encounter - Patient Chart"])
    matches, issues, _ = split(ask("Encounter").json())
    assert (matches, issues) == ([], ["4101", "59205"])


def test_a_registration_that_lacks_nothing_hears_no_warning(ask: Any, license: Any) -> None:
    assert license()["client"] == []
    for type, params in (("Observation", {"category": "laboratory"}), ("Condition", {}), ("DocumentReference", {})):
        matches, issues, _ = split(ask(type, **params).json())
        assert matches
        assert issues == []


def test_the_bytes_of_a_note_belong_to_its_part(ask: Any, license: Any) -> None:
    notes, _, _ = split(ask("DocumentReference", category="clinical-note").json())
    url = notes[0]["content"][0]["attachment"]["url"]
    assert ask(url).status_code == 200
    license(client=["Binary - Clinical Notes"])
    assert numbers(ask(url).json()) == ["59203"]


def test_what_is_included_is_held_too(ask: Any, license: Any) -> None:
    def types(answer: httpx.Response) -> set[str]:
        return {entry["resource"]["resourceType"] for entry in answer.json()["entry"]}

    assert "Condition" in types(ask("Encounter", _include="Encounter:diagnosis"))
    license(client=["Condition - Encounter Diagnosis", "Condition - Problems"])
    assert "Condition" not in types(ask("Encounter", _include="Encounter:diagnosis"))


def test_an_unknown_part_or_a_vendor_without_parts_is_said(server: Running, sandbox: Sandbox) -> None:
    door = control(server, sandbox, "epic", "clients/backend/sub-resources")
    answer = httpx.put(door, json={"client": ["Observation - Labs"]})
    assert answer.status_code == 422
    assert RESULTS in answer.json()["known"]
    assert RESULTS in httpx.get(door).json()["known"]
    name = next(iter(sandbox.sites["cerner"].clients.values())).name
    assert httpx.get(control(server, sandbox, "cerner", f"clients/{name}/sub-resources")).status_code == 501
