"""The REST API: finding, reading and registering patients, sections of the chart, paging, and what is not there."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from simulator.population import tables
from simulator.vendors.athena import VENDOR
from simulator.vendors.athena.rest.allergies import allergenid
from simulator.vendors.athena.rest.medications import catalogue_number
from tests.simulator.vendors.athena_client import Athena

SECTIONS = {
    "problems": "problems",
    "medications": "medications",
    "allergies": "allergies",
    "vitals": "vitals",
    "labresults": "results",
    "analytes": "analytes",
    "encounters": "encounters",
    "vaccines": "vaccines",
}
NEW = {
    "firstname": "Zelda",
    "lastname": "Quillfeather",
    "dob": "02/29/1984",
    "departmentid": "2",
    "sex": "F",
    "email": "zelda@example.org",
    "mobilephone": "(617) 555-0123",
    "address1": "1 Example Way",
    "city": "Boston",
    "state": "MA",
    "zip": "02118",
    "language6392code": "spa",
    "race": "2106-3",
    "maritalstatus": "X",
}


@pytest.fixture(scope="module")
def athena() -> Athena:
    return Athena()


# Patients


def test_a_patient_is_found_by_name_and_birth_date(athena: Athena) -> None:
    person = athena.sandbox.world.chart(42).person
    born = person.birth_date.strftime("%m/%d/%Y")
    answer = athena.rest("/patients", firstname=person.given[0], lastname=person.family, dob=born)
    assert athena.patientid(42) in {one["patientid"] for one in answer.json["patients"]}
    assert answer.json["totalcount"] == len(answer.json["patients"])
    assert answer.served == tuple(("patient", one["patientid"]) for one in answer.json["patients"])


def test_a_patient_is_found_by_phone_email_and_social_security_number(athena: Athena) -> None:
    world = athena.sandbox.world
    number = next(n for n in range(100) if world.chart(n).person.ssn and len(world.chart(n).person.telecoms) == 3)
    person = world.chart(number).person
    values = {one.use if one.system == "phone" else one.system: one.value for one in person.telecoms}
    for asked in (
        {"anyphone": values["mobile"]},
        {"mobilephone": values["mobile"][-10:]},
        {"homephone": values["home"]},
        {"email": values["email"]},
        {"ssn": person.ssn},
    ):
        found = athena.rest("/patients", **asked).json["patients"]
        assert athena.patientid(number) in {one["patientid"] for one in found}, asked
    assert athena.rest("/patients", homephone=values["mobile"], lastname=person.family).json["patients"] == []


def test_names_of_parameters_are_read_in_any_case(athena: Athena) -> None:
    person = athena.sandbox.world.chart(42).person
    lower = athena.rest("/patients", lastname=person.family, firstname=person.given[0])
    upper = athena.rest("/patients", LASTNAME=person.family, FirstName=person.given[0])
    assert [one["patientid"] for one in lower.json["patients"]] == [one["patientid"] for one in upper.json["patients"]]


def test_a_search_by_department_alone_has_no_total() -> None:
    small = Athena(patients=60)
    answer = small.rest("/patients", departmentid=1, limit=5).json
    assert len(answer["patients"]) == 5
    assert "totalcount" not in answer
    assert answer["next"].endswith("?DEPARTMENTID=1&LIMIT=5&offset=5")
    assert "totalcount" in small.rest("/patients", lastname="S", departmentid=1).json


@pytest.mark.parametrize(
    ("params", "status", "says"),
    [
        ({}, 400, "Additional fields are required."),
        ({"limit": 5}, 400, "Additional fields are required."),
        ({"departmentid": ""}, 400, "The data provided is invalid."),
        ({"lastname": "Smith", "dob": "1980-01-01"}, 400, "The data provided is invalid."),
        ({"lastname": "Smith", "limit": "many"}, 400, "The data provided is invalid."),
        ({"lastname": "Smith", "departmentid": 99}, 400, "The data provided is invalid."),
    ],
)
def test_a_wrong_patient_search_is_told_what_is_wrong(
    athena: Athena, params: dict[str, Any], status: int, says: str
) -> None:
    answer = athena.rest("/patients", **params)
    assert (answer.status, answer.json["error"]) == (status, says)


def test_nobody_found_is_an_empty_list(athena: Athena) -> None:
    answer = athena.rest("/patients", lastname="Xyzzyplugh")
    assert (answer.status, answer.json) == (200, {"patients": [], "totalcount": 0})


@pytest.mark.parametrize(("id", "status"), [("0", 400), ("999999999999", 404), ("abc", 400), ("-1", 400)])
def test_a_patient_who_is_not_there(athena: Athena, id: str, status: int) -> None:
    assert athena.rest(f"/patients/{id}").status == status


def test_best_match_scores_and_sorts(athena: Athena) -> None:
    person = athena.sandbox.world.chart(42).person
    asked = {
        "firstname": person.given[0],
        "lastname": person.family,
        "dob": person.birth_date.strftime("%m/%d/%Y"),
    }
    found = athena.rest("/patients/enhancedbestmatch", **asked).json
    assert isinstance(found, list)
    assert found[0]["patientid"] == athena.patientid(42)
    assert int(found[0]["score"]) >= 23
    closer = athena.rest("/patients/enhancedbestmatch", **asked, zip=person.addresses[0].zip).json
    assert int(closer[0]["score"]) > int(found[0]["score"])
    missing = athena.rest("/patients/enhancedbestmatch", lastname="Smith", dob="01/01/1980")
    assert (missing.status, missing.json["missingfields"]) == (400, ["firstname"])
    bad = athena.rest("/patients/enhancedbestmatch", **{**asked, "dob": "01/01/   1"})
    assert bad.json["detailedmessage"] == "Expecting format date, but value is 01/01/   1"


# Registering


def test_a_new_patient_is_seen_on_both_sides() -> None:
    athena = Athena()
    answer = athena.post_form("/patients", **NEW)
    assert (answer.status, list(answer.json[0])) == (200, ["patientid"])
    patientid = answer.json[0]["patientid"]
    told = athena.rest(f"/patients/{patientid}").json[0]
    expected = {**NEW, "mobilephone": "6175550123", "race": ["2106-3"]}
    assert {name: told[name] for name in expected} == expected
    resource = athena.fhir(f"Patient/a-195900.E-{patientid}").json
    assert resource["name"][0]["family"] == "Quillfeather"
    assert resource["birthDate"] == "1984-02-29"
    assert resource["maritalStatus"]["coding"][0]["code"] == "L"
    found = athena.rest("/patients", lastname="quill", dob="02/29/1984").json["patients"]
    assert [one["patientid"] for one in found] == [patientid]
    number = VENDOR.patient_of(athena.site, patientid)
    assert number is not None
    assert athena.sandbox.world.chart(number).person.facility == 1
    assert athena.rest(f"/chart/{patientid}/problems", departmentid=2).json["problems"] == []


def test_registering_twice_makes_one_patient() -> None:
    athena = Athena()
    first, again = (athena.post_form("/patients", **NEW).json for _ in range(2))
    assert first == again
    third = athena.post_form("/patients", **NEW, bypasspatientmatching="true").json
    assert third != first


def test_an_invalid_phone_is_ignored_without_a_word() -> None:
    athena = Athena()
    patientid = athena.post_form("/patients", **{**NEW, "homephone": "12345", "workphone": "617-555-0199"}).json[0][
        "patientid"
    ]
    told = athena.rest(f"/patients/{patientid}").json[0]
    assert "homephone" not in told
    assert told["workphone"] == "6175550199"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"dob": "1984-02-29"}, {"error": "Improper DOB."}),
        ({"dob": "02/30/1984"}, {"error": "Improper DOB."}),
        ({"dob": "02/28/2084"}, {"error": "Improper DOB."}),
        ({"departmentid": "x"}, {"detailedmessage": "Expecting type integer, but value is x"}),
        ({"sex": "female"}, {"detailedmessage": "The value 'female' did not match any of the enum values for SEX"}),
        ({"bypasspatientmatching": "yes"}, {"detailedmessage": "Expecting type boolean, but value is yes"}),
    ],
)
def test_a_wrong_registration_is_told_what_is_wrong(
    athena: Athena, changes: dict[str, str], says: dict[str, str]
) -> None:
    answer = athena.post_form("/patients", **{**NEW, **changes})
    assert answer.status == 400
    assert says.items() <= answer.json.items()


def test_a_registration_names_every_missing_field(athena: Athena) -> None:
    answer = athena.post_form("/patients", departmentid=1)
    assert (answer.status, answer.json["invalidfields"]) == (400, [])
    assert answer.json["missingfields"] == ["lastname", "dob", "firstname"]
    unreachable = {name: NEW[name] for name in ("firstname", "lastname", "dob", "departmentid", "sex")}
    assert "zip" in athena.post_form("/patients", **unreachable).json["missingfields"]


# Charts


@pytest.mark.parametrize(("section", "key"), SECTIONS.items())
def test_every_section_answers_with_its_own_key(athena: Athena, section: str, key: str) -> None:
    answer = athena.chart(5, section)
    assert (answer.status, type(answer.json[key])) == (200, list)
    assert answer.exchange.route is not None
    assert answer.exchange.route.name == f"{section}.list"


@pytest.mark.parametrize("section", ["problems", "labresults", "analytes", "encounters", "vaccines"])
def test_pages_cover_the_list_without_repeating(athena: Athena, section: str) -> None:
    number, _ = athena.number_with("observation", category="laboratory", panel=lambda panel: panel is not None)
    key = SECTIONS[section]
    extra = {"showinactive": "true"} if section == "problems" else {}
    whole = athena.chart(number, section, **extra).json
    answer = athena.chart(number, section, limit=max(3, len(whole[key]) // 10), **extra)
    found: list[Any] = []
    while True:
        assert answer.json["totalcount"] == whole["totalcount"] == len(whole[key])
        found += answer.json[key]
        after = answer.json.get("next")
        if after is None:
            break
        path, _, query = after.partition("?")
        answer = athena.call("GET", path, query=query, headers=athena.bearer())
    assert found == whole[key]


def test_an_offset_beyond_the_end_is_an_empty_page(athena: Athena) -> None:
    answer = athena.chart(5, "encounters", offset=10_000).json
    assert answer["encounters"] == []
    assert "next" not in answer


def test_dates_narrow_results_encounters_and_vitals(athena: Athena) -> None:
    number, encounter = athena.number_with("encounter", class_code="AMB")
    chart = athena.sandbox.world.chart(number)
    zone_day = encounter.start - timedelta(hours=6)  # a visit by day stays on its day in every zone
    day = zone_day.strftime("%m/%d/%Y")
    told = athena.chart(number, "encounters", startdate=day, enddate=day).json
    assert 1 <= told["totalcount"] < len(chart.encounters)
    assert {one["encounterdate"] for one in told["encounters"]} == {day}


def test_one_encounter_is_read_by_its_id(athena: Athena) -> None:
    number, _ = athena.number_with("encounter")
    listed = athena.chart(number, "encounters").json["encounters"][0]
    one = athena.rest(f"/chart/encounter/{listed['encounterid']}").json
    assert one == [listed]
    assert athena.rest("/chart/encounter/1").status == 404


def test_analytes_are_a_poorer_view_of_the_same(athena: Athena) -> None:
    number, _ = athena.number_with("observation", category="laboratory")
    rich = {
        one["analyteid"]: one
        for result in athena.chart(number, "labresults").json["results"]
        for one in result["analytes"]
    }
    poor = athena.chart(number, "analytes").json["analytes"]
    assert {one["analyteid"] for one in poor} == set(rich)
    assert all(one["value"] == rich[one["analyteid"]]["value"] for one in poor)
    assert not any({"units", "loinc", "referencerange", "analytedatetime"} & set(one) for one in poor)


def test_medication_types_split_the_list(athena: Athena) -> None:
    number, _ = athena.number_with("medication", status="active")
    parts = [
        {
            one["medicationentryid"]
            for group in athena.chart(number, "medications", **asked).json["medications"]
            for one in group
        }
        for asked in ({}, {"medicationtype": "ACTIVE"}, {"medicationtype": "HISTORICAL"})
    ]
    assert parts[0] == parts[1] | parts[2]
    assert not parts[1] & parts[2]
    assert athena.chart(number, "medications", medicationtype="active").status == 400


def test_answers_name_what_is_in_them(athena: Athena) -> None:
    for number in range(8):
        told = {(one.type, one.id) for one in VENDOR.renderings(athena.site, number)}
        served: set[tuple[str, str]] = set()
        for section in SECTIONS:
            extra = {"showinactive": "true"} if section == "problems" else {}
            served |= set(athena.chart(number, section, **extra).served)
        rest = {"problem", "medication", "allergy", "vital", "analyte", "encounter", "diagnosis", "vaccine"}
        assert served == {pair for pair in told if pair[0] in rest}


def test_a_page_of_vitals_names_what_is_on_it_however_often_it_is_asked_for(athena: Athena) -> None:
    number = next(one for one in range(30) if athena.chart(one, "vitals").json["totalcount"] > 3)
    for page in (1, 2, 2):
        answer = athena.chart(number, "vitals", limit=2, offset=2 * (page - 1))
        told = [("vital", str(one["vitalid"])) for group in answer.json["vitals"] for row in group["readings"]
                for one in row]  # fmt: skip
        assert (sorted(answer.served), answer.exchange.notes["page"]) == (sorted(told), page)


def test_what_is_served_is_what_is_rendered(athena: Athena) -> None:
    number, _ = athena.number_with("condition", category="problem-list-item")
    rendered = {one.id: one.payload for one in VENDOR.renderings(athena.site, number) if one.type == "problem"}
    listed = athena.chart(number, "problems", showinactive="true").json["problems"]
    assert {str(one["problemid"]): one for one in listed} == rendered


def test_keys_come_in_no_order_but_always_the_same() -> None:
    one, other = Athena(), Athena()
    answers = [at.rest(f"/patients/{at.patientid(5)}").raw for at in (one, other)]
    assert answers[0] == answers[1]
    keys = list(json.loads(answers[0])[0])
    assert keys != sorted(keys)
    assert keys.index("lastname") != keys.index("firstname") + 1


# The practice


def test_departments_providers_and_practice_are_told(athena: Athena) -> None:
    departments = athena.rest("/departments").json
    facilities = athena.sandbox.world.population.facilities
    assert [one["name"] for one in departments["departments"]] == [place.name for place in facilities]
    assert athena.rest("/departments/1", providerlist="true").json[0]["providerlist"]
    assert athena.rest("/providers", limit=2).json["next"] == "/v1/195900/providers?LIMIT=2&offset=2"
    assert athena.rest("/practiceinfo").json["practiceinfo"][0]["practiceid"] == "195900"
    assert athena.get("/v1/1/practiceinfo").json["totalcount"] == 1
    assert athena.rest("/ping").json == {"pong": "true"}
    assert athena.rest("/departments/99").status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/appointments/1/freeze"),
        ("GET", "/patients/1/documents/admin"),
        ("PUT", "/patients/1"),
        ("POST", "/chart/1/problems"),
        ("GET", "/chart/1/socialhistory"),
        ("GET", "/patients/changed"),
        ("GET", "/reference/allergies"),
    ],
)
def test_what_athena_has_and_we_lack_is_501(athena: Athena, method: str, path: str) -> None:
    answer = athena.call(method, f"/v1/195900{path}", headers=athena.bearer())
    assert (answer.status, answer.headers["x-emr-sandbox"], answer.simulated) == (501, "not-simulated", False)


def test_what_athena_has_not_is_404_behind_the_door_and_401_before_it(athena: Athena) -> None:
    assert athena.rest("/nosuchthing").status == 404
    assert athena.call("GET", "/v1/195900/nosuchthing").status == 401
    assert athena.call("GET", "/nosuchthing").raw == b"Service not registered with API gateway."


def test_catalogue_numbers_do_not_collide() -> None:
    products = [row.product for row in tables.MEDICATIONS.values()]
    assert len({catalogue_number(product) for product in products}) == len({product.code for product in products})
    substances = [row.code for row in tables.ALLERGIES.values()]
    assert len({allergenid(substance) for substance in substances}) == len(substances)


def test_the_id_of_a_merged_patient_answers_as_the_survivor() -> None:
    athena = Athena()
    world = athena.site.sandbox.world
    lost = next(number for number in world.population.registrations if world.survivor(number) is None)
    kept, person = world.human(lost), world.person(lost)
    assert person is not None
    old, new = athena.patientid(lost), athena.patientid(kept)
    named = {"lastname": person.family, "firstname": person.given[0]}
    assert old in [one["patientid"] for one in athena.rest("/patients", **named).json["patients"]]
    assert athena.rest(f"/patients/{old}").json[0]["patientid"] == old
    visits = len(athena.all_of("Encounter", kept))
    moved = len(athena.all_of("Encounter", lost))
    world.merge(lost, kept, "registrar", world.now())
    assert athena.rest(f"/patients/{old}").json[0]["patientid"] == new
    told = athena.rest(f"/patients/{new}", showpreviouspatientids="true").json[0]
    assert told["previouspatientids"] == [{"previouspatientid": old}]
    assert "previouspatientids" not in athena.rest(f"/patients/{new}").json[0]
    assert old not in [one["patientid"] for one in athena.rest("/patients", **named).json.get("patients", [])]
    assert athena.fhir(f"Patient/{athena.fhir_id(lost)}").json["id"] == athena.fhir_id(kept)
    assert len(athena.all_of("Encounter", kept)) == visits + moved
    world.unmerge(lost, "registrar", world.now())
    assert athena.rest(f"/patients/{old}").json[0]["patientid"] == old
    assert len(athena.all_of("Encounter", kept)) == visits
