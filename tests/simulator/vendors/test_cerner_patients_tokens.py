"""What Cerner tells a patient's token: nobody who wrote it down, no unsigned result, no code of a mistake.

GET /r4/{tenant}/Observation/{id}           a practitioner: value, performer; a result that is preliminary too
GET /myrecord/r4/{tenant}/Observation/{id}  a patient: `dataAbsentReason` masked in place of the value
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.smart_app import App
from tests.simulator.vendors.conftest import Registered

TYPES = ("AllergyIntolerance", "Condition", "Encounter", "Observation", "Patient", "Practitioner", "Procedure")
SCOPES = ("launch", "launch/patient", "openid", "offline_access")


class Told:
    """The same records, as a patient and as a practitioner are told them."""

    def __init__(self, register: Registered, patient: int = 3) -> None:
        scopes = [*SCOPES, *(f"patient/{type}.read" for type in TYPES)]
        self.patient = register("cerner", persona="patient", scopes=scopes)
        self.doctor = register("cerner", scopes=[*scopes, *(f"user/{type}.read" for type in TYPES)])
        self.number = patient
        self.of_patient = self.patient.tokens(patient)["access_token"]
        self.of_doctor = self.doctor.tokens(patient)["access_token"]

    def both(self, path: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The resource for the practitioner, then for the patient."""
        answers = [self.doctor.get(path, self.of_doctor), self.patient.get(path, self.of_patient)]
        assert [one.status_code for one in answers] == [200, 200], [one.text for one in answers]
        return answers[0].json(), answers[1].json()

    def found(self, app: App, type: str, **params: str) -> dict[str, dict[str, Any]]:
        token = self.of_patient if app is self.patient else self.of_doctor
        return {one["id"]: one for one in app.found(type, token, patient=app.fhir_id(self.number), **params)}


@pytest.fixture
def told(register: Registered) -> Told:
    return Told(register)


def test_a_patient_is_not_told_who_wrote_it_down(told: Told) -> None:
    for type in ("Condition", "AllergyIntolerance"):
        full, masked = told.found(told.doctor, type), told.found(told.patient, type)
        assert full.keys() == masked.keys()
        assert any("recorder" in one for one in full.values())
        assert not any("recorder" in one for one in masked.values())
        one = next(iter(full))
        assert "recorder" not in told.both(f"{type}/{one}")[1]


def test_a_result_that_nobody_signed_has_no_value_for_a_patient(told: Told) -> None:
    wish = {"what": "result", "patient": "3", "test": "4548-4", "value": "9.7", "status": "preliminary"}
    assert told.patient.control("POST", "/truth/changes", wish).status_code == 201
    full = told.found(told.doctor, "Observation", category="laboratory")
    (id,) = (id for id, one in full.items() if one["status"] == "preliminary")
    doctors, patients = told.both(f"Observation/{id}")
    assert str(doctors["valueQuantity"]["value"]) == "9.7"
    assert patients["dataAbsentReason"]["coding"][0]["code"] == "masked"
    assert "9.7" not in str(patients)
    assert "valueQuantity" not in told.found(told.patient, "Observation", category="laboratory")[id]
    assert told.both(f"Observation/{id}")[0] == doctors, "what a patient was told is not kept for others"


def test_a_mistake_has_no_code_for_a_patient(register: Registered) -> None:
    world = register("cerner").sandbox.world
    number = next(n for n in range(300) if any(one.kind == "observation" for one in world.chart(n).retracted))
    told = Told(register, number)
    wrong = {
        id: one
        for category in ("laboratory", "vital-signs")
        for id, one in told.found(told.doctor, "Observation", category=category).items()
        if one["status"] == "entered-in-error"
    }
    assert wrong
    for id, full in wrong.items():
        masked = told.both(f"Observation/{id}")[1]
        assert masked["code"]["coding"][0]["code"] == "error"
        assert full["code"]["text"] not in str(masked)


def test_what_is_signed_is_told_as_it_is(told: Told) -> None:
    full = told.found(told.doctor, "Observation", category="vital-signs")
    masked = told.found(told.patient, "Observation", category="vital-signs")
    finals = {id for id, one in full.items() if one["status"] == "final"}
    assert finals
    assert {id: full[id] for id in finals} == {id: masked[id] for id in finals}
