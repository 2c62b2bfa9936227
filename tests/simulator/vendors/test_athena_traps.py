"""Every trap of the athena room, shown from outside. Each test names the traps it shows; the last one counts them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest

from simulator.population.records import Observation
from simulator.vendors.athena import VENDOR
from simulator.vendors.athena.charts import patient_chart
from simulator.vendors.athena.rest import labresults
from tests.simulator.vendors.athena_client import PRACTICE, Athena

SHOWN: set[str] = set()
Test = TypeVar("Test", bound=Callable[..., None])


def shows(*ids: str) -> Callable[[Test], Test]:
    """Marks a test as the proof of these traps."""
    SHOWN.update(ids)
    return lambda test: test


@pytest.fixture(scope="module")
def athena() -> Athena:
    return Athena()


@shows("A01")
def test_one_patient_department_or_provider_is_an_array_of_one(athena: Athena) -> None:
    for path in (f"/patients/{athena.patientid(3)}", "/departments/1", "/providers/1"):
        answer = athena.rest(path)
        assert answer.status == 200
        assert isinstance(answer.json, list)
        assert len(answer.json) == 1


@shows("A02")
def test_the_same_field_has_another_type_in_another_endpoint(athena: Athena) -> None:
    number, _ = athena.number_with("encounter")
    patient = athena.rest(f"/patients/{athena.patientid(number)}").json[0]
    encounter = athena.chart(number, "encounters").json["encounters"][0]
    assert isinstance(patient["departmentid"], str)
    assert isinstance(encounter["departmentid"], int)
    balances = [one["balance"] for n in range(12) for one in _patient(athena, n)["balances"]]
    assert {type(one) for one in balances} == {str, int}


@shows("A02")
def test_a_site_may_speak_as_in_2016_or_as_the_newest_endpoints(athena: Athena) -> None:
    legacy, modern = (Athena(settings={"type_profile": profile}) for profile in ("legacy", "modern"))
    number, _ = athena.number_with("allergy", none_known=False)
    assert legacy.chart(number, "allergies").json["nkda"] == "false"
    assert isinstance(legacy.chart(number, "allergies").json["allergies"][0]["allergenid"], str)
    assert modern.chart(number, "allergies").json["nkda"] is False
    assert isinstance(modern.rest(f"/patients/{modern.patientid(number)}").json[0]["departmentid"], int)


@shows("A03")
def test_medications_and_readings_are_lists_in_lists(athena: Athena) -> None:
    number, _ = athena.number_with("medication")
    groups = athena.chart(number, "medications").json["medications"]
    assert all(isinstance(group, list) and isinstance(group[0], dict) for group in groups)
    number, _ = athena.number_with("observation", key="dbp")
    groups = athena.chart(number, "vitals").json["vitals"]
    pressure = next(group for group in groups if group["key"] == "BLOODPRESSURE")
    assert all(len(reading) == 2 for reading in pressure["readings"])


@shows("A04")
def test_weights_are_grams_and_temperatures_fahrenheit_in_strings_without_a_unit_for_most(athena: Athena) -> None:
    number, weight = athena.number_with("observation", key="weight")
    told = _vitals(athena, number)
    one = told[_itemid(athena, number, weight)]
    assert one["unit"] == "g"
    assert isinstance(one["value"], str)
    assert abs(Decimal(one["value"]) / 1000 - weight.value) < Decimal("0.03")  # half of a tenth of a pound
    number, heat = athena.number_with("observation", key="temp")
    one = _vitals(athena, number)[_itemid(athena, number, heat)]
    assert one["unit"] == "F"
    assert abs(Decimal(one["value"]) - (heat.value * Decimal("1.8") + 32)) <= Decimal("0.05")
    pressure = next(one for one in _vitals(athena, number).values() if one["code"] == "8480-6")
    assert "unit" not in pressure


@shows("A05")
def test_times_are_the_clock_on_the_wall_of_the_patients_department(athena: Athena) -> None:
    number, record = athena.number_with("observation", category="laboratory")
    person = athena.sandbox.world.chart(number).person
    department = next(
        one
        for one in athena.rest("/departments").json["departments"]
        if one["departmentid"] == str(person.facility + 1)
    )
    assert department["timezonename"].startswith("US/")
    local = record.effective.astimezone(ZoneInfo(department["timezonename"]))
    analyte = _analytes(athena, number)[_itemid(athena, number, record)]
    assert analyte["analytedatetime"] == local.strftime("%m/%d/%Y %H:%M:%S")


@shows("A05")
def test_a_department_tells_the_offset_of_now_and_of_winter(athena: Athena) -> None:
    summer = Athena()
    summer.clock.advance(timedelta(days=180))
    names = {one["timezonename"]: one for one in summer.rest("/departments").json["departments"]}
    assert (names["US/Eastern"]["timezone"], names["US/Eastern"]["timezoneoffset"]) == (-4, -5)
    assert (names["US/Arizona"]["timezone"], names["US/Arizona"]["timezoneoffset"]) == (-7, -7)
    assert names["US/Arizona"]["doesnotobservedst"] is True


@shows("A06")
def test_next_is_a_path_with_upper_case_parameters_that_starts_at_v1(athena: Athena) -> None:
    answer = athena.rest("/patients", lastname="Smith", firstname="J").json
    assert answer["next"] == "/v1/195900/patients?LASTNAME=Smith&FIRSTNAME=J&offset=10"
    query = answer["next"].partition("?")[2]
    second = athena.call("GET", "/v1/195900/patients", query=query, headers=athena.bearer())
    assert second.json["previous"].endswith("offset=0")
    first_ids = {one["patientid"] for one in answer["patients"]}
    assert first_ids.isdisjoint(one["patientid"] for one in second.json["patients"])


@shows("A07")
def test_a_search_that_finds_too_many_is_refused_whatever_the_page(athena: Athena) -> None:
    answer = athena.rest("/patients", departmentid=1, limit=1)
    assert answer.status == 400
    assert "larger than 1000 records" in json.loads(answer.raw)["error"]


@shows("A08")
def test_chart_calls_want_a_department_of_the_patients_chart_sharing_group(athena: Athena) -> None:
    number = next(n for n in range(100) if athena.sandbox.world.chart(n).person.facility == 0)
    missing = athena.rest(f"/chart/{athena.patientid(number)}/problems")
    assert (missing.status, missing.json["missingfields"]) == (400, ["departmentid"])
    groups = {
        one["departmentid"]: one["chartsharinggroupid"] for one in athena.rest("/departments").json["departments"]
    }
    assert groups["1"] == groups["4"] != groups["2"]
    assert athena.chart(number, "problems", departmentid=1).status == 200
    assert athena.chart(number, "problems", departmentid=4).status == 200
    foreign = athena.chart(number, "problems", departmentid=2)
    assert (foreign.status, foreign.json["error"]) == (404, "The patient does not exist in that context.")


@shows("A09")
def test_a_json_body_is_not_seen(athena: Athena) -> None:
    fields = {"firstname": "Ada", "lastname": "Byron", "dob": "12/10/1980", "departmentid": "1", "zip": "02118"}
    headers = {**athena.bearer(), "content-type": "application/json"}
    answer = athena.call("POST", "/v1/195900/patients", headers=headers, body=json.dumps(fields).encode())
    assert answer.status == 400
    assert set(answer.json["missingfields"]) == {"lastname", "dob", "firstname", "departmentid"}


@shows("A10")
def test_errors_begin_with_two_newlines_and_have_another_media_type(athena: Athena) -> None:
    good, bad = athena.rest("/departments"), athena.rest("/patients/0")
    assert bad.raw.startswith(b'\n\n{"')
    assert not good.raw.startswith(b"\n")
    assert good.headers["content-type"] == "application/json; charset=UTF-8"
    assert bad.headers["content-type"] == "application/json"
    assert b"\\/" in good.raw


@shows("A11")
def test_a_practice_that_was_not_granted_answers_401_and_an_unknown_one_404(athena: Athena) -> None:
    foreign = athena.get("/v1/1128700/departments")
    assert (foreign.status, foreign.json) == (401, {"detailedmessage": "Bad auth.", "error": "Incorrect permissions."})
    again = athena.call(
        "GET", "/v1/1128700/departments", headers={"authorization": f"Bearer {athena.ask_token().json['access_token']}"}
    )
    assert again.status == 401
    assert athena.get("/v1/4711/departments").status == 404


@shows("A12")
def test_an_expired_token_is_answered_with_html_and_a_code_that_says_403() -> None:
    athena = Athena()
    assert athena.rest("/departments").status == 200
    athena.clock.advance(timedelta(minutes=61))
    answer = athena.rest("/departments")
    assert answer.status == 401
    assert answer.headers["content-type"] == "text/xml"
    assert answer.headers["x-mashery-error-code"] == "ERR_403_NOT_AUTHORIZED"
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert answer.raw == b"<h1>Not Authorized</h1>"
    nobody = athena.call("GET", "/v1/195900/departments")
    assert (nobody.status, nobody.headers["x-mashery-error-code"]) == (401, "ERR_403_DEVELOPER_INACTIVE")


@shows("A13")
@pytest.mark.parametrize(
    ("limit", "code", "words"),
    [
        ("second", "ERR_403_DEVELOPER_OVER_QPS", "Developer Over Qps"),
        ("day", "ERR_403_DEVELOPER_OVER_RATE", "Developer Over Rate"),
    ],
)
def test_over_a_quota_the_gateway_says_403_and_only_a_header_tells_why(limit: str, code: str, words: str) -> None:
    athena = Athena()
    athena.site.limits.set(limit, calls=2)
    assert athena.rest("/departments").status == 200
    assert athena.fhir(f"Patient/{athena.fhir_id(0)}").status == 200
    refused = athena.rest("/departments")
    assert (refused.status, refused.headers["x-mashery-error-code"]) == (403, code)
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.raw == f"<h1>{words}</h1>".encode()
    fhir_only = athena.client("fhir-only")
    token = athena.ask_token(fhir_only).json["access_token"]
    forbidden = athena.call("GET", "/v1/195900/departments", headers={"authorization": f"Bearer {token}"})
    assert forbidden.status == 403
    assert "x-mashery-error-code" not in forbidden.headers


@shows("A14")
def test_the_sixth_token_of_a_minute_is_refused_until_the_minute_rolls_over() -> None:
    athena = Athena()
    athena.site.limits.set("token", calls=5)
    left = [athena.ask_token().headers["x-ratelimit-remaining"] for _ in range(5)]
    assert left == ["4", "3", "2", "1", "0"]
    refused = athena.ask_token()
    assert refused.status == 429
    assert "retry-after" not in refused.headers
    athena.clock.advance(timedelta(minutes=1))
    assert athena.ask_token().status == 200


@shows("A15")
def test_the_token_reply_is_as_recorded_not_as_rfc_6749_wants_it(athena: Athena) -> None:
    told = athena.ask_token().json
    assert told["expires_in"] == "3600"
    assert "token_type" not in told
    standard = Athena(settings={"token_reply": "standard"}).ask_token().json
    assert (standard["token_type"], standard["expires_in"]) == ("Bearer", 3600)


@shows("A16")
def test_creating_a_known_patient_gives_the_known_id_back(athena: Athena) -> None:
    person = athena.sandbox.world.chart(17).person
    fields = {
        "firstname": person.given[0].upper(),
        "lastname": person.family,
        "dob": person.birth_date.strftime("%m/%d/%Y"),
        "departmentid": person.facility + 1,
        "zip": "02118",
    }
    before = athena.sandbox.world.writes
    answer = athena.post_form("/patients", **fields)
    assert (answer.status, answer.json) == (200, [{"patientid": athena.patientid(17)}])
    assert athena.sandbox.world.writes == before
    sex = {"female": "F", "male": "M", "other": "X"}[person.gender]
    forced = athena.post_form(
        "/patients", **fields, sex=sex, assignedsexatbirth=person.sex, bypasspatientmatching="true"
    )
    assert forced.json != answer.json


@shows("A17")
def test_the_state_of_a_problem_hides_in_events_and_ended_ones_must_be_asked_for(athena: Athena) -> None:
    number, ended = athena.number_with(
        "condition", clinical_status="inactive", category="problem-list-item", abatement=lambda day: day is not None
    )
    short = athena.chart(number, "problems").json["problems"]
    whole = athena.chart(number, "problems", showinactive="true").json["problems"]
    problemid = patient_chart(athena.site, number).item("problem", ended.ordinal)
    assert problemid not in {one["problemid"] for one in short}
    told = next(one for one in whole if one["problemid"] == problemid)
    assert [event["eventtype"] for event in told["events"]] == ["HIDDEN", "END", "START"]
    assert "status" not in told
    assert told["events"][1]["enddate"] == ended.abatement.strftime("%m/%d/%Y")


@shows("A18")
def test_an_empty_allergy_list_means_none_known_only_with_nkda(athena: Athena) -> None:
    number, _ = athena.number_with("allergy", none_known=True)
    stated = athena.chart(number, "allergies").json
    assert (stated["nkda"], stated["allergies"]) == (True, [])
    assert "totalcount" not in stated
    silent = next(n for n in range(1000) if not athena.sandbox.world.chart(n).allergies)
    told = athena.chart(silent, "allergies").json
    assert (told["nkda"], told["allergies"]) == (False, [])
    number, record = athena.number_with("allergy", none_known=False, code=lambda code: code.system == "snomed")
    listed = athena.chart(number, "allergies").json["allergies"]
    one = next(one for one in listed if one["allergenname"] == record.text)
    assert "rxnormcode" not in one


@shows("A19")
def test_the_loinc_of_a_single_test_stands_on_its_result(athena: Athena) -> None:
    number, single = athena.number_with("observation", category="laboratory", panel=None)
    result = _result_with(athena, number, single)
    assert result["labresultloinc"] == single.code.code
    assert ["loinc" in one for one in result["analytes"]] == [False]
    number, member = athena.number_with("observation", category="laboratory", panel=lambda panel: panel is not None)
    result = _result_with(athena, number, member)
    assert result["labresultloinc"] == member.panel.code
    assert len(result["analytes"]) > 1


@shows("A19")
def test_values_are_strings_that_keep_digits_and_comparators(athena: Athena) -> None:
    number, limited = athena.number_with("observation", category="laboratory", comparator="<")
    told = _analytes(athena, number)[_itemid(athena, number, limited)]
    assert told["value"] == f"<{limited.value}"
    number, exact = athena.number_with(
        "observation", category="laboratory", value=lambda value: value is not None and str(value).endswith(".0")
    )
    assert _analytes(athena, number)[_itemid(athena, number, exact)]["value"] == str(exact.value)


@shows("A20")
def test_social_security_numbers_are_masked_unless_asked_for(athena: Athena) -> None:
    number = next(n for n in range(100) if athena.sandbox.world.chart(n).person.ssn)
    digits = athena.sandbox.world.chart(number).person.ssn.replace("-", "")
    assert _patient(athena, number)["ssn"] == f"*****{digits[-4:]}"
    full = athena.rest(f"/patients/{athena.patientid(number)}", showfullssn="true").json[0]
    assert full["ssn"] == digits


@shows("A21")
def test_rxnorm_comes_only_when_asked_for_and_route_is_how_the_order_travelled(athena: Athena) -> None:
    number, record = athena.number_with("medication")
    plain = athena.chart(number, "medications").json["medications"]
    assert all("rxnorm" not in one for group in plain for one in group)
    coded = athena.chart(number, "medications", showrxnorm="true").json["medications"]
    entries = [one for group in coded for one in group]
    assert record.product.code in {code for one in entries for code in one["rxnorm"]}
    assert {one["route"] for one in entries if "route" in one} <= {"FAX", "PAPER"}
    assert any("dosageroute" in one.get("structuredsig", {}) for one in entries)


@shows("A22")
@pytest.mark.parametrize(
    ("type", "params"),
    [
        ("Patient", {"family": "Smith"}),
        ("Patient", {"birthdate": "1980-01-01"}),
        ("MedicationRequest", {"patient": None}),
        ("Observation", {"code": "4548-4"}),
        ("Organization", {}),
    ],
)
def test_a_search_without_a_required_combination_is_a_business_rule(
    athena: Athena, type: str, params: dict[str, Any]
) -> None:
    asked = {name: athena.fhir_id(0) if value is None else value for name, value in params.items()}
    answer = athena.fhir(type, **{**asked, "ah-practice": PRACTICE})
    assert (answer.status, answer.json["issue"][0]["code"]) == (400, "business-rule")


@shows("A22")
def test_a_search_without_the_practice_is_refused(athena: Athena) -> None:
    assert athena.fhir("Observation", patient=athena.fhir_id(0)).status == 400
    assert athena.fhir("Observation", **{"patient": athena.fhir_id(0), "ah-practice": PRACTICE}).status == 200
    assert athena.fhir("Patient", _id=athena.fhir_id(0)).status == 200  # a full id names its practice


@shows("A23")
def test_fhir_ids_hold_a_dot_and_dashes_and_a_bare_number_is_refused(athena: Athena) -> None:
    id = athena.fhir_id(0)
    assert re.fullmatch(r"a-195900\.E-\d+", id)
    assert athena.fhir("Patient", **{"_id": athena.patientid(0), "ah-practice": PRACTICE}).status == 400
    assert athena.fhir(f"Patient/{athena.patientid(0)}").status == 404
    number, _ = athena.number_with("condition")
    for resource in athena.all_of("Condition", number):
        assert re.fullmatch(r"a-195900\.(Problem|EncounterDx)-\d+", resource["id"])


@shows("A24")
def test_the_details_of_an_outcome_are_a_string(athena: Athena) -> None:
    issue = athena.fhir("Patient/a-195900.E-1").json["issue"][0]
    assert isinstance(issue["details"], str)


@shows("A25")
@pytest.mark.parametrize(
    "params",
    [
        {"ah-practice:Organization": "a-1.Practice-195900", "patient": "a-195900.E-1"},
        {"ah-practice": PRACTICE, "patient": "806"},
    ],
)
def test_a_wrong_search_is_200_with_a_bundle_that_holds_only_an_outcome(athena: Athena, params: dict[str, str]) -> None:
    answer = athena.fhir("AllergyIntolerance", **params)
    bundle = answer.json
    assert (answer.status, bundle["type"]) == (200, "searchset")
    assert [entry["search"]["mode"] for entry in bundle["entry"]] == ["outcome"]
    assert bundle["entry"][0]["resource"]["issue"] == [{"severity": "error", "code": "invalid"}]
    assert "total" not in bundle
    assert answer.served == ()


@shows("A26")
def test_fhir_vital_signs_have_a_day_and_drugs_are_references(athena: Athena) -> None:
    number, _ = athena.number_with("observation", key="weight")
    weight = next(
        one for one in athena.all_of("Observation", number, code="29463-7") if one["valueQuantity"]["code"] == "g"
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", weight["effectiveDateTime"])
    number, _ = athena.number_with("medication")
    request = athena.all_of("MedicationRequest", number, intent="order")[0]
    assert "medicationCodeableConcept" not in request
    type, _, id = request["medicationReference"]["reference"].partition("/")
    assert athena.fhir(f"{type}/{id}").json["code"]["coding"][0]["system"].endswith("rxnorm")


@shows("A26")
def test_what_was_entered_as_history_has_only_a_sentence_for_a_sig(athena: Athena) -> None:
    number = next(
        n
        for n in range(200)
        for one in athena.sandbox.world.chart(n).medications
        if patient_chart(athena.site, n).is_history(one)
    )
    told = athena.all_of("MedicationRequest", number, intent="order")
    history = next(one for one in told if ".historicalmedrequest-" in one["id"])
    assert history["reportedBoolean"] is True
    assert set(history["dosageInstruction"][0]) == {"text", "timing"}
    entries = [one for group in athena.chart(number, "medications").json["medications"] for one in group]
    entry = next(one for one in entries if one["medicationentryid"].startswith("H"))
    assert entry["isstructuredsig"] is False
    assert "structuredsig" not in entry


@shows("A27")
def test_last_updated_takes_days_only(athena: Athena) -> None:
    assert athena.search("Observation", 0, _lastUpdated="gt2015-01-01").status == 200
    number, _ = athena.number_with("observation")
    assert athena.search("Observation", number, _lastUpdated="gt2015-01-01T00:00:00Z").status == 400


@shows("A28")
def test_what_the_gateway_does_not_route_is_no_json(athena: Athena) -> None:
    answer = athena.call("GET", "/.well-known/smart-configuration")
    assert answer.status == 404
    assert answer.headers["content-type"].startswith("application/json")
    with pytest.raises(json.JSONDecodeError):
        answer.json  # noqa: B018 - reading it is the test


@shows("A29")
def test_states_are_letters_and_who_did_not_come_is_a_cancellation_with_a_flag(athena: Athena) -> None:
    letters = {"booked": "f", "arrived": "2", "fulfilled": "3", "cancelled": "x", "noshow": "x"}
    for status in ("booked", "fulfilled", "cancelled", "noshow"):
        number, record = athena.number_with("appointment", status=status)
        id = str(next(one.id for one in VENDOR.renderings(athena.site, number) if one.records == (record,)))
        (told,) = athena.rest(f"/appointments/{id.rsplit('-', 1)[-1]}").json
        assert told["appointmentstatus"] == letters[status]
        assert told.get("cancelreasonnoshow", False) is (status == "noshow")
        assert ("encounterid" in told) is (status == "fulfilled")


@shows("A30")
def test_open_slots_of_nothing_are_no_slots_and_those_of_the_next_day_are_hidden() -> None:
    desk = Athena(patients=40)
    asked = {"departmentid": 1, "providerid": 1}
    nothing = desk.rest("/appointments/open", **asked)
    assert (nothing.status, nothing.json) == (200, {"totalcount": 0, "appointments": []})
    nearest = desk.rest("/appointments/open", appointmenttypeid=2, **asked).json["appointments"][0]
    bypassed = desk.rest("/appointments/open", appointmenttypeid=2, bypassscheduletimechecks="true", **asked)
    assert (nearest["date"], bypassed.json["appointments"][0]["date"]) == ("01/06/2026", "01/05/2026")


@shows("A31")
def test_a_booked_slot_is_the_same_number_as_a_string() -> None:
    desk = Athena(patients=40)
    slots = desk.rest("/appointments/open", departmentid=1, providerid=1, appointmenttypeid=2).json["appointments"]
    id = slots[0]["appointmentid"]
    path, asked = f"/v1/195900/appointments/{id}", {"patientid": desk.patientid(5), "appointmenttypeid": 2}
    (told,) = desk.call("PUT", path, asked, headers=desk.bearer()).json
    assert isinstance(id, int)
    assert told["appointmentid"] == str(id)
    assert desk.call("PUT", path, asked, headers=desk.bearer()).status == 409


@shows("A32")
def test_what_is_past_or_cancelled_is_left_out_unless_asked_for(athena: Athena) -> None:
    number, _ = athena.number_with("coverage", status="cancelled")
    path = f"/patients/{athena.patientid(number)}"
    kept = athena.rest(f"{path}/insurances").json["totalcount"]
    assert kept < athena.rest(f"{path}/insurances", showcancelled="true").json["totalcount"]
    ahead = athena.rest(f"{path}/appointments").json["totalcount"]
    assert ahead < athena.rest(f"{path}/appointments", showpast="true", showcancelled="true").json["totalcount"]


@shows("A33")
def test_documents_of_each_class_have_a_member_and_doors_of_their_own(athena: Athena) -> None:
    number, _ = athena.number_with("document", key="progress")
    department = athena.sandbox.world.chart(number).person.facility + 1
    path = f"/patients/{athena.patientid(number)}/documents"
    found = athena.rest(path, departmentid=department).json["documents"]
    for one in {one["documentclass"]: one for one in found}.values():
        name = one["documentclass"].lower()
        assert one[f"{name}id"] == one["documentid"]
        original = athena.rest(f"{path}/{name}/{one['documentid']}/originaldocument").status
        assert original == (404 if name == "encounterdocument" else 200)


@shows("A34")
def test_fhir_gives_an_appointment_by_its_id_and_by_nothing_else(athena: Athena) -> None:
    number, _ = athena.number_with("appointment", status="fulfilled")
    told = athena.rest(f"/patients/{athena.patientid(number)}/appointments", showpast="true").json["appointments"][0]
    id = told["appointmentid"]
    resource = athena.fhir(f"Appointment/a-195900.appointment-{id}").json
    assert resource["identifier"][1] == {"system": "urn:athenahealth:athenanet:appointment:195900", "value": id}
    assert resource["appointmentType"]["text"] == told["appointmenttype"]
    assert athena.search("Appointment", number).status == 400
    assert (
        athena.fhir("Appointment", **{"_query": "x", "base-appointment-id": id, "ah-practice": PRACTICE}).status == 501
    )


def test_every_trap_of_the_room_is_shown_here() -> None:
    assert {trap.id for trap in VENDOR.traps} == SHOWN
    assert len(VENDOR.traps) >= 16


def _patient(athena: Athena, number: int) -> dict[str, Any]:
    return athena.rest(f"/patients/{athena.patientid(number)}").json[0]


def _itemid(athena: Athena, number: int, record: Any) -> int:
    return patient_chart(athena.site, number).item("observation", record.ordinal)


def _vitals(athena: Athena, number: int) -> dict[int, dict[str, Any]]:
    groups = athena.chart(number, "vitals").json["vitals"]
    return {one["vitalid"]: one for group in groups for reading in group["readings"] for one in reading}


def _analytes(athena: Athena, number: int) -> dict[int, dict[str, Any]]:
    results = athena.chart(number, "labresults").json["results"]
    return {one["analyteid"]: one for result in results for one in result["analytes"]}


def _result_with(athena: Athena, number: int, record: Observation) -> dict[str, Any]:
    seen = patient_chart(athena.site, number)
    first = labresults.result_of(seen, record).first
    wanted = seen.item("labresult", first.ordinal)
    results = athena.chart(number, "labresults").json["results"]
    return next(result for result in results if result["labresultid"] == wanted)
