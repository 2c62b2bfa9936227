"""Epic's own web services: one command a call, ids in pairs, and refusals whose code stands inside a sentence.

POST /api/epic/2013/Scheduling/Patient/GETPATIENTAPPOINTMENTS/…  {"PatientID": "…", "PatientIDType": "EPI", …}
"""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from simulator.exchange import Reply
from simulator.population import happenings
from simulator.population.records import Encounter
from simulator.vendors.epic import resources
from simulator.vendors.epic.paths import FHIR, ROOT
from simulator.vendors.epic.services import SERVICES
from tests.epic_services import PAGE, page
from tests.simulator.vendors.epic_door import Door

BY_NAME = {service.name: service for service in SERVICES}
WHO = {"UserID": "1", "UserIDType": "EXTERNAL"}


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


@pytest.fixture(scope="module")
def number(door: Door) -> int:
    return door.patient_with(observations=120, medications=1, conditions=2)


def path_of(name: str) -> str:
    service = BY_NAME[name]
    return f"{ROOT}/api/epic/{service.years[0]}/{service.path}"


def call(door: Door, name: str, number: int | None = None, *, client: str = "backend-write", **said: Any) -> Reply:
    if number is not None:
        said = {"PatientID": door.site.vendor.patient_ids(door.site, number)["mrn"], "PatientIDType": "EPI"} | said
    service = BY_NAME[name]
    body = json.dumps(said)
    return door.call(
        service.methods[-1], path_of(name), body=body, content_type="application/json", token=door.token(client)
    )


def told(door: Door, name: str, number: int | None = None, **said: Any) -> Any:
    answer = call(door, name, number, **said)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def code_of(answer: Reply) -> str:
    """The business code, cut out of the sentence as a client must."""
    assert answer.status == 400
    said = json.loads(answer.body)
    assert said.keys() == {"Message", "ExceptionMessage", "ExceptionType", "StackTrace"}
    words = said["ExceptionMessage"].removeprefix("An error occurred while executing the command: ")
    return str(words.partition(" details: ")[0])


def open_contact(door: Door) -> tuple[int, Encounter, str]:
    """(patient, encounter, CSN) of a visit that can be written to: made now, by an admission of a sandbox's own."""
    number = 60
    world = door.sandbox.world
    kept = happenings.admission(happenings.Scene(world, number, "test", door.sandbox.clock.now()), "inpatient")
    t = resources.telling(door.site, number)
    assert t is not None
    assert isinstance(kept, Encounter)
    return number, kept, t.contact_number(kept.ordinal)


def test_a_patient_has_the_same_ids_as_in_fhir_and_each_finds_them(door: Door, number: int) -> None:
    ids = told(door, "GetPatientDemographics", number)["PatientIDs"]
    assert {"EPI", "EXTERNAL", "FHIR", "CEID"} <= {one["Type"] for one in ids}
    for one in ids:
        again = call(door, "GetPatientDemographics", PatientID=one["ID"], PatientIDType=one["Type"])
        assert json.loads(again.body)["PatientIDs"] == ids, one
    looked = call(door, "PatientLookup", number)
    assert looked.header("content-type") == "application/xml; charset=utf-8"
    assert f"<ID>{ids[0]['ID']}</ID>".encode() in looked.body


def test_demographics_are_the_truth(door: Door, number: int) -> None:
    person = door.sandbox.world.person(number)
    assert person is not None
    said = told(door, "GetPatientDemographics", number)
    assert said["NameComponents"]["LastName"] == person.family
    assert said["NameComponents"]["FirstName"] == person.given[0]
    month, day, year = map(int, said["DateOfBirth"].split("/"))
    assert (year, month, day) == (person.birth_date.year, person.birth_date.month, person.birth_date.day)
    assert said["City"] == person.addresses[0].city


def test_the_year_is_the_version_and_others_are_no_path(door: Door) -> None:
    rest = "Common/Patient/GetPatientDemographics/Patient/Demographics"
    for year, status in (("2015", 400), ("2017", 400), ("1999", 501)):
        assert door.call("POST", f"{ROOT}/api/epic/{year}/{rest}", body="{}").status == status
    assert door.call("GET", path_of("GetPatientDemographics")).status == 405
    assert door.call("POST", path_of("GetPatientDemographics").replace("Demographics", "DEMOGRAPHICS")).status == 400


@pytest.mark.parametrize(
    ("name", "said", "code"),
    [
        ("GetPatientDemographics", {}, "NO-PATIENT-ID"),
        ("GetPatientDemographics", {"PatientID": "nobody", "PatientIDType": "EPI"}, "NO-PATIENT-FOUND"),
        ("GetPatientAppointments", {"PatientID": "x"}, "NO-USER-FOUND"),
        ("GetPatientAppointments", {**WHO, "PatientID": "x", "StartDate": "yesterday"}, "INVALID-START-DATE"),
        (
            "GetPatientAppointments",
            {**WHO, "PatientID": "x", "StartDate": "2/1/2026", "EndDate": "1/1/2026"},
            "END-DATE-BEFORE-START-DATE",
        ),
        ("PatientCreate", {"FirstName": "A", "LastName": "B"}, "NO-DATE-OF-BIRTH"),
        ("GetProcedureOrderStatus", {"OrderID": "1"}, "NO-ORDER-FOUND"),
        ("GetDocumentText", {"Key": "nothing"}, "NO-DOCUMENT-FOUND"),
    ],
)
def test_a_refusal_says_its_code_inside_a_sentence(door: Door, name: str, said: dict[str, str], code: str) -> None:
    assert code_of(call(door, name, **said)) == code


def test_a_body_that_is_no_object_is_refused(door: Door) -> None:
    for body in ("[]", "{", '"a"'):
        answer = door.call("POST", path_of("GetPatientDemographics"), body=body, content_type="application/json")
        assert code_of(answer) == "INVALID-REQUEST"


def test_appointments_are_those_of_the_days_asked_for(door: Door, number: int) -> None:
    whole = told(door, "GetPatientAppointments", number, **WHO, StartDate="1/1/2000")["Appointments"]
    chart = door.sandbox.world.chart(number)
    assert len(whole) == len(chart.appointments) > 3
    assert {one["AppointmentStatus"] for one in whole} <= {"Scheduled", "Arrived", "Completed", "Canceled", "No Show"}
    day = whole[1]["Date"]
    some = told(door, "GetPatientAppointments", number, **WHO, StartDate=day, EndDate=day)["Appointments"]
    assert some == [one for one in whole if one["Date"] == day]
    first = json.loads(door.call("GET", f"{FHIR}/Appointment/{whole[0]['ContactIDs'][1]['ID']}").body)
    assert str(first["minutesDuration"]) == whole[0]["AppointmentDuration"]


def test_problems_history_and_medications_are_the_charts(door: Door, number: int) -> None:
    chart = door.sandbox.world.chart(number)
    listed = [one for one in chart.conditions if one.category == "problem-list-item"]
    active = told(door, "GetActiveProblems", number)["Problems"]
    past = told(door, "GetMedicalHistory", **{"PatientID": door.fhir_id(number), "PatientIDType": "FHIR STU3"})
    assert len(active) == sum(one.clinical_status == "active" for one in listed)
    assert len(active) + len(past["MedicalHistory"]) == len(listed)
    orders = told(door, "GetCurrentMedications", number)["MedicationOrders"]
    assert [one["Name"] for one in orders] == [
        one.text for one in reversed(chart.medications) if one.status == "active"
    ]


def test_results_lead_to_the_observations_of_fhir(door: Door, number: int) -> None:
    found = told(door, "GetPatientResultComponents", number, NumberDaysToLookBack="3650")["ResultComponents"]
    assert len(found) > 20
    for one in found[:5]:
        answer = door.call("GET", f"{FHIR}/Observation/{one['ResultIDs'][0]['ID']}")
        assert answer.status == 200
    for back in ("-1", "²"):
        assert (
            code_of(call(door, "GetPatientResultComponents", number, NumberDaysToLookBack=back)) == "INVALID-LOOKBACK"
        )


def test_a_value_of_a_flowsheet_is_filed_and_read_again() -> None:
    door = Door()
    number, kept, csn = open_contact(door)
    said = {**WHO, "ContactID": csn, "ContactIDType": "CSN"}
    for row, value in (("8", "71"), ("5", "118/76")):
        answer = told(
            door, "AddFlowsheetValue", number, **said, FlowsheetID=row, FlowsheetIDType="Internal", Value=value
        )
        assert answer["Success"] is True
    rows = told(door, "GetFlowsheetRows", number, LookbackHours="1", FlowsheetRowIDs=[{"ID": "8"}, {"ID": "5"}])
    assert [[one["Value"] for one in row["FlowsheetColumns"]] for row in rows] == [["71"], ["118/76"]]
    assert any(one.encounter == kept.ordinal for one in door.sandbox.world.chart(number).observations)
    again = call(door, "AddFlowsheetValue", number, **said, FlowsheetID="8", Value="71")
    assert code_of(again) == "DUPLICATE-VALUE"
    for changes, code in (
        ({"FlowsheetID": "99"}, "INVALID-FLOWSHEET-ID"),
        ({"FlowsheetID": "8", "Value": "fast"}, "INVALID-VALUE"),
        ({"FlowsheetID": "8", "Value": "7100"}, "INVALID-VALUE"),
        ({"FlowsheetID": "8", "Value": "nan"}, "INVALID-VALUE"),
        ({"FlowsheetID": "8", "Value": "1e999"}, "INVALID-VALUE"),
        ({"FlowsheetID": "8", "InstantValueTaken": "0001-01-01T00:00:00+23:00"}, "INVALID-INSTANT"),
        ({"FlowsheetID": "8", "ContactID": "1"}, "CONTACT_IS_INVALID"),
    ):
        assert code_of(call(door, "AddFlowsheetValue", number, **{**said, "Value": "70", **changes})) == code


def test_a_closed_contact_takes_no_value(door: Door, number: int) -> None:
    t = resources.telling(door.site, number)
    assert t is not None
    old = next(one for one in t.chart.encounters if one.end is not None)
    said = {**WHO, "ContactID": t.contact_number(old.ordinal), "FlowsheetID": "8", "Value": "70"}
    closed = [call(door, "AddFlowsheetValue", number, **said)]
    assert code_of(closed[0]) == "CONTACT_IS_INVALID"


def test_a_note_is_filed_listed_and_read() -> None:
    door = Door()
    number, _, csn = open_contact(door)
    made = told(door, "CreateNote", number, ContactID=csn, ContactIDType="CSN", NoteText="Seen today. Feels better.")
    listed = told(door, "GetDocumentList", number, FromDate="1/5/2026")["DocumentListData"]
    assert made["DocumentKey"] in [one["Key"] for one in listed]
    assert "Feels better." in told(door, "GetDocumentText", Key=made["DocumentKey"])["DocumentText"]
    assert door.call("GET", f"{FHIR}/DocumentReference/{made['DocumentKey']}").status == 200


def test_a_procedure_order_is_placed_done_and_in_the_chart() -> None:
    door = Door()
    said = {**WHO, "ProcedureID": "268400002"}  # an electrocardiogram
    before = len(door.sandbox.world.chart(60).procedures)
    placed = told(door, "PlaceProcedureOrder", 60, **said)
    assert placed["Status"] == "Ordered"
    order = placed["OrderIDs"][0]["ID"]
    other = told(door, "PlaceProcedureOrder", 60, **said, Priority="STAT")["OrderIDs"][0]["ID"]
    assert told(door, "CancelProcedureOrder", OrderID=other)["Status"] == "Canceled"
    assert told(door, "GetProcedureOrderStatus", OrderID=order)["Status"] == "Ordered"
    door.sandbox.clock.advance(timedelta(hours=25))
    door.tokens.clear()
    done = told(door, "GetProcedureOrderStatus", OrderID=order)
    assert done["Status"] == "Completed"
    assert told(door, "GetProcedureOrderStatus", OrderID=order) == done
    assert told(door, "GetProcedureOrderStatus", OrderID=other)["Status"] == "Canceled"
    assert len(door.sandbox.world.chart(60).procedures) == before + 1
    assert door.call("GET", f"{FHIR}/Procedure/{done['ResultIDs'][0]['ID']}").status == 200
    assert code_of(call(door, "CancelProcedureOrder", OrderID=order)) == "ORDER-COMPLETED"
    assert code_of(call(door, "PlaceProcedureOrder", 60, **WHO, ProcedureID="1")) == "INVALID-PROCEDURE-ID"


def test_a_patient_is_created_as_through_fhir() -> None:
    door = Door()
    said = {"FirstName": "Nia", "LastName": "Okafor", "DateOfBirth": "4/21/1987", "Gender": "Female"}
    made = told(door, "PatientCreate", **said)["PatientIDs"]
    id = next(one["ID"] for one in made if one["Type"] == "FHIR STU3")
    assert not any(one["Type"] == "EPI" for one in made)
    assert json.loads(door.call("GET", f"{FHIR}/Patient/{id}").body)["birthDate"] == "1987-04-21"


def test_rights_are_those_of_the_registration(door: Door, number: int) -> None:
    assert call(door, "GetActiveProblems", number, client="demographics").status == 403
    assert call(door, "AddFlowsheetValue", number, client="backend").status == 403
    assert door.call("POST", path_of("GetActiveProblems"), token="").status == 401


def test_an_account_gets_in_by_basic_with_its_client_beside_it(door: Door, number: int) -> None:
    client = door.client("web-services")
    shown = base64.b64encode(f"{client.username}:{client.client_secret}".encode()).decode()
    body = json.dumps({"PatientID": door.fhir_id(number), "PatientIDType": "FHIR STU3"})
    answer = door.call(
        "POST", path_of("GetActiveProblems"), body=body, token="", authorization=f"Basic {shown}",
        epic_client_id=client.client_id, content_type="application/json",
    )  # fmt: skip
    assert answer.status == 200


def test_the_glass_stands_before_web_services_too(door: Door, number: int) -> None:
    door.site.desk.glass.put_behind(frozenset((number,)), frozenset())
    try:
        assert call(door, "GetActiveProblems", number).status == 403
    finally:
        door.site.desk.glass.put_behind(frozenset(), frozenset())


def test_the_page_of_the_services_is_made_from_their_table() -> None:
    assert PAGE.read_text("utf-8") == page(), "python -m tests.epic_services"
