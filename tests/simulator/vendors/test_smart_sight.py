"""What a token shows, on every route: one patient's records, or those that a granular scope names.

std:SMART-SC-01, -02, -05, -06, std:FHIR-S-16, std:SMART-TK-09.
"""

from __future__ import annotations

from typing import Any

import pytest

from simulator.vendor import Rendering
from tests.simulator.smart_app import App, query_of
from tests.simulator.vendors.conftest import Registered

each_vendor = pytest.mark.parametrize("vendor", ["epic", "cerner", "athena"])
CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"
NOBODYS = {"Practitioner", "Location", "Organization", "Medication", "Provenance"}


def of_patient(app: App, number: int) -> dict[str, list[Rendering]]:
    """What the vendor tells of a patient, by type."""
    found: dict[str, list[Rendering]] = {}
    for one in app.site.vendor.renderings(app.site, number):
        if "resourceType" not in one.payload:  # athena's REST API has scopes of its own, for services only
            continue
        found.setdefault(one.type, []).append(one)
    return found


def categories_of(payload: dict[str, Any]) -> set[str]:
    return {
        coding["code"]
        for one in payload["category"]
        for coding in one.get("coding", ())
        if coding.get("system") == CATEGORIES
    }


def all_scopes(app: App) -> list[str]:
    """Every resource scope of the ready-made apps."""
    clients = app.control("GET", "/clients").json()[app.vendor]
    return sorted(
        {scope for one in clients if "redirect_uris" in one for scope in one["scopes"] if scope.endswith(".read")}
    )


@each_vendor
@pytest.mark.parametrize("persona", ["patient", "practitioner"])
def test_patient_scopes_reach_the_patient_in_context_and_nobody_else(
    register: Registered, vendor: str, persona: str
) -> None:
    first = register(vendor, persona=persona)
    scopes = [one for one in all_scopes(first) if one.startswith("patient/")]
    app = register(vendor, persona=persona, scopes=["launch", "launch/patient", *scopes])
    launch = None if persona == "patient" else app.launch(patient="3")["launch"]
    told = app.tokens(3) if launch is None else app.redeem(query_of(app.ask(launch=launch))["code"]).json()
    token = told["access_token"]
    mine, others = of_patient(app, 3), of_patient(app, 4)
    for type, each in mine.items():
        assert app.get(f"{type}/{each[0].id}", token).status_code == 200, type
    for type, each in others.items():
        if type not in NOBODYS:
            assert app.get(f"{type}/{each[0].id}", token).status_code == 403, type
            assert not app.get(type, token, _id=each[0].id).json().get("total"), type
            assert each[0].id not in app.get(type, token, _id=each[0].id).text.partition('"entry"')[2], type
    orders = {"intent": "order"} if vendor == "athena" else {}
    about = {"Observation": {"category": "vital-signs"}, "MedicationRequest": orders, "Condition": {}, "Encounter": {}}
    for type, more in about.items():
        assert app.found(type, token, patient=app.fhir_id(4), **more) == [], type
    assert app.found("Observation", token, patient=app.fhir_id(3), category="vital-signs")


@each_vendor
def test_user_scopes_of_a_patient_reach_the_own_record_only(register: Registered, vendor: str) -> None:
    app = register(vendor, persona="patient", scopes=["user/Patient.read", "user/Practitioner.read"])
    token = app.tokens(3)["access_token"]
    assert app.get(f"Patient/{app.fhir_id(3)}", token).status_code == 200
    assert app.get(f"Patient/{app.fhir_id(4)}", token).status_code == 403


@each_vendor
def test_a_granular_scope_shows_only_what_it_names(register: Registered, vendor: str) -> None:
    narrow = f"patient/Observation.rs?category={CATEGORIES}|vital-signs"
    app = register(vendor, persona="patient", scopes=["launch/patient", "patient/Patient.rs", narrow])
    told = app.tokens(3)
    token, patient = told["access_token"], told["patient"]
    assert narrow in told["scope"].split()
    vital = [one for one in of_patient(app, 3)["Observation"] if "vital-signs" in categories_of(one.payload)]
    other = [one for one in of_patient(app, 3)["Observation"] if "vital-signs" not in categories_of(one.payload)]
    shown = app.found("Observation", token, patient=patient, category="vital-signs")
    assert {one["id"] for one in shown} == {one.id for one in vital}
    assert app.found("Observation", token, patient=patient, category="laboratory") == []
    assert app.get(f"Observation/{vital[0].id}", token).status_code == 200
    assert app.get(f"Observation/{other[0].id}", token).status_code == 403
    assert app.found("Observation", token, _id=f"{other[0].id},{vital[0].id}")[0]["id"] == vital[0].id


@each_vendor
def test_two_granular_scopes_show_what_either_names(register: Registered, vendor: str) -> None:
    scopes = [f"patient/Observation.rs?category={CATEGORIES}|{one}" for one in ("vital-signs", "social-history")]
    app = register(vendor, persona="patient", scopes=["launch/patient", *scopes])
    token = app.tokens(3)["access_token"]
    for category, is_shown in (("vital-signs", True), ("social-history", True), ("laboratory", False)):
        assert bool(app.found("Observation", token, patient=app.fhir_id(3), category=category)) is is_shown, category


@each_vendor
def test_granular_scopes_hold_across_pages(register: Registered, vendor: str) -> None:
    app = register(vendor, persona="patient", scopes=[f"patient/Observation.rs?category={CATEGORIES}|laboratory"])
    app.site.settings["max_page"] = 7
    number = max(range(40), key=lambda n: len(app.sandbox.world.chart(n).observations))
    told = app.tokens(number)
    expected = {one.id for one in of_patient(app, number)["Observation"] if "laboratory" in categories_of(one.payload)}
    shown = app.found("Observation", told["access_token"], patient=told["patient"], category="laboratory", _count="7")
    assert {one["id"] for one in shown} == expected
    assert len(expected) > 14


@each_vendor
def test_a_backend_service_with_a_granular_scope_is_narrowed_too(register: Registered, vendor: str) -> None:
    scopes = ["system/Patient.rs", f"system/Observation.rs?category={CATEGORIES}|laboratory"]
    wish = {"redirect_uris": [], "launch_url": None, "auth": "private_key_jwt", "scopes": scopes, "persona": None}
    app = register(vendor, **wish)
    form = {"grant_type": "client_credentials", "scope": " ".join(scopes)}
    token = app.post(app.urls["token_url"], form).json()["access_token"]
    app.persona = "practitioner"
    for number in (3, 4):
        assert app.get(f"Patient/{app.fhir_id(number)}", token).status_code == 200
        assert app.found("Observation", token, patient=app.fhir_id(number), category="vital-signs") == []
    vital = next(one for one in of_patient(app, 3)["Observation"] if "vital-signs" in categories_of(one.payload))
    assert app.get(f"Observation/{vital.id}", token).status_code == 403


@each_vendor
def test_r_reads_and_does_not_search_s_searches_and_does_not_read(register: Registered, vendor: str) -> None:
    app = register(vendor, persona="patient", scopes=["launch/patient", "patient/Encounter.r", "patient/Condition.s"])
    token = app.tokens(3)["access_token"]
    mine = of_patient(app, 3)
    assert app.get(f"Encounter/{mine['Encounter'][0].id}", token).status_code == 200
    assert app.get("Encounter", token, patient=app.fhir_id(3)).status_code == 403
    assert app.get("Condition", token, patient=app.fhir_id(3)).status_code == 200
    assert app.get(f"Condition/{mine['Condition'][0].id}", token).status_code == 403


@each_vendor
def test_a_search_names_no_other_patient_in_what_it_says_beside_the_results(register: Registered, vendor: str) -> None:
    app = register(vendor, persona="patient")
    token = app.tokens(3)["access_token"]
    for number in range(4, 12):
        answer = app.get("Observation", token, patient=app.fhir_id(number), category="laboratory")
        assert not [e for e in answer.json().get("entry", []) if e["resource"]["resourceType"] == "Observation"]


@each_vendor
def test_a_page_that_somebody_else_turned_to_shows_nothing_to_a_patient(register: Registered, vendor: str) -> None:
    if vendor == "cerner":
        doctor, scopes = register(vendor, persona="practitioner"), ["patient/Observation.read"]
        patient = register(vendor, persona="patient", scopes=scopes)
    else:
        doctor = register(vendor, persona="practitioner")
        patient = register(vendor, persona="patient")
    doctor.site.settings["max_page"] = 5
    number = max(range(40), key=lambda n: len(doctor.sandbox.world.chart(n).observations))
    page = doctor.get(
        "Observation",
        doctor.tokens(number)["access_token"],
        patient=doctor.fhir_id(number),
        category="laboratory",
        _count="5",
    ).json()
    following = next(link["url"] for link in page["link"] if link["relation"] == "next")
    token = patient.tokens(41)["access_token"]
    url = following.replace(doctor.fhir_url, patient.fhir_url)
    headers = {"authorization": f"Bearer {token}", "accept": "application/fhir+json"}
    answer = patient.http.get(url, headers=headers)
    assert answer.status_code >= 400 or not answer.json().get("entry")


@each_vendor
def test_a_token_whose_scope_does_not_cover_the_request_is_forbidden(register: Registered, vendor: str) -> None:
    app = register(vendor, persona="patient", scopes=["launch/patient", "patient/Patient.read"])
    token = app.tokens(3)["access_token"]
    assert app.get("Encounter", token, patient=app.fhir_id(3)).status_code == 403


def test_a_token_of_one_cerner_root_is_useless_at_the_other(register: Registered) -> None:
    app = register("cerner", persona="patient")
    token = app.tokens(3)["access_token"]
    assert app.get(f"Patient/{app.fhir_id(3)}", token).status_code == 200
    app.persona = "practitioner"
    assert app.get(f"Patient/{app.fhir_id(3)}", token).status_code == 401


def test_c_creates_and_does_not_update_u_updates_and_does_not_create(register: Registered) -> None:
    app = register("epic", scopes=["launch", "launch/patient", "user/Observation.c", "user/DocumentReference.u"])
    token = app.tokens(3)["access_token"]
    headers = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}

    def is_refused(method: str, path: str) -> bool:
        answer = app.http.request(method, f"{app.fhir_url}/{path}", content=b"{}", headers=headers)
        return answer.status_code == 403 and answer.content == b""

    assert not is_refused("POST", "Observation")
    assert is_refused("PUT", "Observation/e1")
    assert is_refused("POST", "DocumentReference")
    assert not is_refused("PUT", "DocumentReference/e1")
