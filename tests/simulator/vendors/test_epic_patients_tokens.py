"""What Epic tells a patient's token: staff, organization and drugs in other words, a remark, and fewer notes (E35).

GET Practitioner/{id} as a backend service: the name as it is; as a patient: "Physician" and a masked `_family`.
"""

from __future__ import annotations

from typing import Any

import pytest

from simulator.population.records import Document
from simulator.vendors.epic import ids
from simulator.vendors.epic.masks import STAFF, in_plain_words
from tests.simulator.smart_app import App, query_of
from tests.simulator.vendors.conftest import Registered
from tests.simulator.vendors.epic_door import numbers

TYPES = (
    "Condition", "DocumentReference", "Binary", "Encounter", "Immunization", "Medication", "MedicationRequest",
    "Observation", "Organization", "Patient", "Practitioner",
)  # fmt: skip
SCOPES = ["openid", "launch/patient", "offline_access", "launch", *(f"patient/{type}.read" for type in TYPES)]
BACKEND = {"auth": "private_key_jwt", "redirect_uris": [], "launch_url": None}


class Told:
    """One resource as a patient and as a backend service is told it."""

    def __init__(self, register: Registered, patient: int) -> None:
        self.app = register("epic", persona="patient", scopes=SCOPES)
        self.backend = register("epic", scopes=[f"system/{type}.read" for type in TYPES], **BACKEND)
        self.patient = patient
        self.of_patient = self.app.tokens(patient)["access_token"]
        answer = self.backend.post(self.backend.urls["token_url"], {"grant_type": "client_credentials"})
        self.of_backend = answer.json()["access_token"]

    def both(self, path: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The resource for the backend service, then for the patient."""
        answers = [self.app.get(path, token) for token in (self.of_backend, self.of_patient)]
        assert [answer.status_code for answer in answers] == [200, 200], answers[1].text
        return answers[0].json(), answers[1].json()

    def found(self, type: str, **params: str) -> list[dict[str, Any]]:
        """What a patient's search finds."""
        return self.app.found(type, self.of_patient, patient=self.app.fhir_id(self.patient), **params)


def patient_with(app: App, label: str) -> int:
    """The first patient who has a document with this label."""
    for number in range(app.sandbox.patients):
        if any(label in one.sensitivity for one in app.sandbox.world.chart(number).documents):
            return number
    raise AssertionError(f"nobody has a document with {label}")


@pytest.fixture
def told(register: Registered) -> Told:
    return Told(register, 3)


def test_a_practitioner_has_no_name_for_a_patient(told: Told) -> None:
    order = told.found("MedicationRequest")[0]
    assert order["requester"]["display"] == STAFF
    full, masked = told.both(order["requester"]["reference"])
    assert masked["id"] == full["id"]
    assert full["name"][0]["family"]
    assert masked["name"][0]["text"] == STAFF
    assert "family" not in masked["name"][0]
    assert masked["name"][0]["_family"]["extension"][0]["valueCode"] == "masked"
    again, _ = told.both(order["requester"]["reference"])
    assert again == full, "what a patient was told is not kept for others"


def test_no_resource_of_a_patients_search_names_staff(told: Told) -> None:
    population = told.app.sandbox.world.population
    names = {population.practitioner(index).family for index in range(population.practitioners)}
    for type, params in (("Encounter", {}), ("Condition", {}), ("Immunization", {}), ("DocumentReference", {})):
        for resource in told.found(type, **params):
            for reference in _references(resource):
                if reference["reference"].startswith("Practitioner/"):
                    assert reference["display"] == STAFF
                    assert not names & set(reference["display"].split())


def _references(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for one in node for found in _references(one)]
    if not isinstance(node, dict):
        return []
    here = [node] if isinstance(node.get("reference"), str) else []
    return here + [found for value in node.values() for found in _references(value)]


def test_the_organization_becomes_a_service_area(told: Told) -> None:
    id = ids.fhir_id(told.app.site.key, "Organization", 0)
    full, masked = told.both(f"Organization/{id}")
    assert masked["name"] == f"{full['name']} Service Area"
    _, patient = told.both(f"Patient/{told.app.fhir_id(3)}")
    assert patient["managingOrganization"]["display"] == masked["name"]


def test_a_drug_has_plain_words_for_a_patient(told: Told) -> None:
    order = told.found("MedicationRequest")[0]
    full, masked = told.both(order["medicationReference"]["reference"])
    assert masked["code"]["text"] == in_plain_words(full["code"]["text"]) == order["medicationReference"]["display"]
    assert masked["code"]["coding"] == full["code"]["coding"], "codes stay"
    assert full["code"]["text"] != masked["code"]["text"]


@pytest.mark.parametrize(
    ("product", "plain"),
    [
        (
            "24 HR metoprolol succinate 50 MG Extended Release Oral Tablet",
            "metoprolol succinate extended release tablet",
        ),
        ("sacubitril 49 MG / valsartan 51 MG Oral Tablet [Entresto]", "sacubitril and valsartan tablet"),
        ("1 ML Epoetin Alfa 4000 UNT/ML Injection [Epogen]", "epoetin alfa injection"),
        ("{7 (inert ingredients 1 MG Oral Tablet) } Pack [Trinessa 28 Day]", "Trinessa 28 Day"),
    ],
)
def test_plain_words_have_no_strength(product: str, plain: str) -> None:
    assert in_plain_words(product) == plain


def test_xml_is_masked_as_json_is(told: Told) -> None:
    reference = told.found("MedicationRequest")[0]["requester"]["reference"]
    headers = {"authorization": f"Bearer {told.of_patient}", "accept": "application/fhir+xml"}
    answer = told.app.http.get(f"{told.app.fhir_url}/{reference}", headers=headers)
    assert f'<text value="{STAFF}"/>' in answer.text
    assert '<valueCode value="masked"/>' in answer.text


def test_a_search_of_a_patient_ends_with_a_remark(told: Told) -> None:
    def said(token: str, **params: str) -> list[str]:
        answer = told.app.get("Immunization", token, patient=told.app.fhir_id(3), **params)
        entries = [entry["resource"] for entry in answer.json()["entry"]]
        return numbers(next(one for one in entries if one["resourceType"] == "OperationOutcome"))

    assert said(told.of_patient)[-1] == "4119"
    assert said(told.of_patient, date="1900-01-01")[::2] == ["4101", "4119"]
    assert "4119" not in said(told.of_backend)


def test_a_note_that_is_not_for_patients_is_absent_for_them(register: Registered) -> None:
    told = Told(register, patient_with(register("epic"), "PSYNOTE"))
    notes = told.app.sandbox.world.chart(told.patient).documents
    flagged = {_id(told, one) for one in notes if "PSYNOTE" in one.sensitivity}
    everything = told.backend.found("DocumentReference", told.of_backend, patient=told.app.fhir_id(told.patient))
    assert flagged <= {one["id"] for one in everything}
    assert flagged.isdisjoint(one["id"] for one in told.found("DocumentReference"))
    (note, *_) = (one for one in everything if one["id"] in flagged)
    for path in (f"DocumentReference/{note['id']}", note["content"][0]["attachment"]["url"]):
        assert told.app.get(path, told.of_backend).status_code == 200
        assert told.app.get(path, told.of_patient).status_code == 404


def _id(told: Told, document: Document) -> str:
    return ids.fhir_id(told.app.site.key, "DocumentReference", told.patient, document.ordinal)


def test_a_launch_says_false_as_a_word(register: Registered) -> None:
    app = register("epic")
    launched = app.launch(patient="3", need_patient_banner=False)
    value = launched["url"].partition("launch=")[2].partition("&")[0]
    back = query_of(app.ask(launch=value, scope="launch openid patient/Patient.read"))
    told = app.redeem(back["code"]).json()
    assert told["need_patient_banner"] == "false"
    assert bool(told["need_patient_banner"]) is True


def test_two_refreshes_with_the_first_refresh_token(register: Registered) -> None:
    app = register("epic", persona="patient")
    first = app.tokens()["refresh_token"]
    for _ in range(2):
        answer = app.refresh(first)
        assert answer.status_code == 200
        assert "refresh_token" not in answer.json()


def test_a_launch_from_a_visit_says_where_it_takes_place(register: Registered) -> None:
    app = register("epic", scopes=[*SCOPES, "user/Location.read", "user/Appointment.read", "patient/Appointment.read"])
    chart = app.sandbox.world.chart(3)
    kept = {one.encounter: one for one in chart.appointments if one.encounter is not None}
    encounter = next(one for one in reversed(chart.encounters) if one.ordinal in kept)
    id = ids.fhir_id(app.site.key, "Encounter", 3, encounter.ordinal)
    launched = app.launch(patient="3", encounter=id)
    value = launched["url"].partition("launch=")[2].partition("&")[0]
    told = app.redeem(query_of(app.ask(launch=value))["code"]).json()
    assert told["encounter"] == id
    assert told["location"] == told["loginDepartment"] == ids.fhir_id(app.site.key, "Location", encounter.facility)
    booked = app.get(f"Appointment/{told['appointment']}", told["access_token"])
    assert booked.status_code == 200, booked.text
    standalone = app.tokens(3)
    assert not {"location", "appointment", "loginDepartment", "encounter"} & standalone.keys()


def test_what_tells_unmasked_names_is_not_for_patients(register: Registered) -> None:
    app = register("epic", persona="patient", scopes=[*SCOPES, "patient/Group.read"])
    token = app.tokens()["access_token"]
    asked = {"authorization": f"Bearer {token}", "accept": "application/fhir+json", "prefer": "respond-async"}
    exported = app.http.get(app.urls["group_url"] + "/$export", headers=asked)
    service = "/interconnect-fhir-oauth/api/epic/2010/Clinical/Patient/GETMEDICALHISTORY/MedicalHistory"
    told = app.http.get(
        app.urls["base_url"] + service, params={"PatientID": app.fhir_id(3), "PatientIDType": "FHIR"}, headers=asked
    )
    assert [exported.status_code, told.status_code] == [403, 403]
