"""Filing at Epic: what it answers, what it keeps, what it refuses. SOURCES.md, "Writing"; traps E21, E22, E23.

POST body ─▶ 201, nothing, Location ─▶ GET ─▶ not what was posted
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.auth import handover, scopes
from simulator.auth.grants import Grant
from simulator.auth.users import User, practitioner
from simulator.auth.users import patient as patient_user
from simulator.fhir import xml
from simulator.vendors.epic.filing import FILERS
from simulator.vendors.epic.params import WRITES
from simulator.vendors.epic.paths import FHIR
from tests.simulator.vendors import epic_charts as charts
from tests.simulator.vendors.epic_charts import Body, Visit, concept, reference
from tests.simulator.vendors.epic_door import BASE, JSON, Door, numbers, read


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


@pytest.fixture
def visit(door: Door) -> Visit:
    """Somebody whom no other test has written about."""
    return charts.open_visit(door.site, _next(door))


def _next(door: Door) -> int:
    seen = [entry.number for entry in door.sandbox.world.written_since(0) if entry.number < 2000]
    return max(seen, default=-1) + 1


def back(door: Door, type: str, id: str) -> dict[str, Any]:
    answer = door.get(f"{type}/{id}")
    assert answer.status == 200, answer.body
    made: dict[str, Any] = read(answer)
    return made


# The answer


def test_a_create_has_no_body_and_the_id_in_location(door: Door, visit: Visit) -> None:
    answer = door.file("Condition", charts.problem(visit.patient))
    assert (answer.status, answer.body) == (201, b"")
    location = answer.header("location") or ""
    assert location.startswith(f"{BASE}{FHIR}/Condition/")
    assert answer.header("etag") is None
    assert answer.header("content-type") is None
    id = location.rpartition("/")[2]
    assert answer.served == (("Condition", id),)
    assert back(door, "Condition", id)["subject"]["reference"] == f"Patient/{visit.patient}"
    assert door.last.route is not None


@pytest.mark.parametrize("wanted", ["return=representation", "return=OperationOutcome", "return=minimal"])
def test_no_preference_brings_a_body(door: Door, visit: Visit, wanted: str) -> None:
    answer = door.file("Condition", charts.problem(visit.patient), prefer=wanted)
    assert (answer.status, answer.body) == (201, b"")


@pytest.mark.parametrize(
    ("form", "begins"), [("absolute", f"{BASE}{FHIR}/"), ("path", f"{FHIR}/"), ("relative", "Condition/")]
)
def test_sites_differ_in_what_location_holds(form: str, begins: str) -> None:
    door = Door()
    door.site.settings["create_location"] = form
    patient = door.fhir_id(1)
    location = door.file("Condition", charts.problem(patient)).header("location") or ""
    assert location.startswith(begins)
    assert "Condition/" in location


def test_what_is_written_says_who_and_when_and_is_an_event(door: Door, visit: Visit) -> None:
    world = door.sandbox.world
    before = world.writes
    door.filed("Condition", charts.problem(visit.patient))
    (event,) = world.written_since(before)
    assert (event.what, event.number, event.record.kind) == ("created", visit.number, "condition")
    assert (event.who, event.at) == (door.client("backend-write").client_id, door.sandbox.clock.now())
    assert door.last.notes["written"][0] == "Condition"


def test_a_practitioner_who_is_logged_in_is_named(door: Door, visit: Visit) -> None:
    user = practitioner(door.sandbox.world, 3)
    assert user is not None
    token = _token_of(door, user, ("user/Observation.write", "user/Condition.write"))
    id = door.filed("Observation", charts.vital(visit.patient, visit.encounter), name="", token=token)
    (event,) = door.sandbox.world.written_since(door.sandbox.world.writes - 1)
    assert event.who == f"{door.client('app-secret').client_id} {user.login}"
    assert "User Interconnect" not in json.dumps(back(door, "Observation", id), default=str)


def _token_of(door: Door, user: User, granted: tuple[str, ...], patient: int | None = None) -> str:
    """A token as the login gives it, without the pages before it."""
    book, client_id, now = door.site.desk.grants, door.client("app-secret").client_id, door.sandbox.clock.now()
    grant = book.add(Grant(f"g{len(book)}", client_id, user, granted, granted, now, patient))
    door.get("metadata", token="")
    return handover.issue(door.last, grant, granted, lifetime=timedelta(hours=1)).text


# What comes back


def test_a_problem_comes_back_without_when_where_and_words_whatever_it_was_called(door: Door, visit: Visit) -> None:
    sent = charts.problem(visit.patient, encounter=reference("Encounter", visit.encounter), recordedDate="2025-11-09")
    told = back(door, "Condition", door.filed("Condition", sent))
    assert [one["coding"][0]["code"] for one in told["category"]] == ["problem-list-item"]
    assert told["verificationStatus"]["text"] == "Provisional"
    assert told["code"] == {"coding": [{"system": charts.SNOMED, "code": "41652007", "display": "Eye pain"}]}
    assert not {"onsetDateTime", "recordedDate", "encounter"} & set(told)
    found = door.matches("Condition", f"patient={visit.patient}&code={charts.SNOMED}|41652007")
    assert [one["id"] for one in found] == [told["id"]]


def test_a_vital_sign_comes_back_in_epics_codings_and_the_rows_unit(door: Door, visit: Visit) -> None:
    sent = charts.vital(visit.patient, visit.encounter, "29463-7", "[lb_av]", 180.5)
    told = back(door, "Observation", door.filed("Observation", sent))
    assert told["code"]["coding"][0]["system"].startswith("urn:oid:")
    assert told["code"]["text"] == "Weight"
    assert (str(told["valueQuantity"]["value"]), told["valueQuantity"]["code"]) == ("81.9", "kg")
    assert told["effectiveDateTime"] == "2026-01-05T11:30:00Z"
    assert told["issued"] == "2026-01-05T12:00:00Z"
    assert told["performer"][0]["display"] == "User Interconnect"
    performer = back(door, "Practitioner", told["performer"][0]["reference"].removeprefix("Practitioner/"))
    assert performer["name"][0]["text"] == "User Interconnect"


@pytest.mark.parametrize("form", ["components", "string", "row number", "row id"])
def test_a_blood_pressure_is_one_resource_with_two_components(door: Door, visit: Visit, form: str) -> None:
    sent = charts.pressure(visit.patient, visit.encounter)
    if form == "string":
        sent = charts.vital(visit.patient, visit.encounter, "85354-9", "", valueString=" 118/77 ")
    if form.startswith("row"):
        own = back(door, "Observation", door.filed("Observation", sent))["code"]["coding"][form == "row id"]
        sent |= {"code": {"coding": [own]}, "effectiveDateTime": "2026-01-05T11:31:00Z"}
    told = back(door, "Observation", door.filed("Observation", sent))
    assert [str(part["valueQuantity"]["value"]) for part in told["component"]] == ["118", "77"]
    assert [part["code"]["coding"][0]["code"] for part in told["component"]] == ["8480-6", "8462-4"]


def test_a_note_comes_back_as_html_and_rtf_of_another_author_and_of_now(door: Door, visit: Visit) -> None:
    id = door.filed("DocumentReference", charts.note(visit.patient, visit.encounter))
    told = back(door, "DocumentReference", id)
    assert [one["attachment"]["contentType"] for one in told["content"]] == ["text/html", "text/rtf"]
    assert told["author"][0]["display"] == "User Interconnect"
    assert told["date"] == "2026-01-05T12:00:00Z"
    assert told["docStatus"] == "final"
    assert "urn:uuid:ours" not in json.dumps(told)
    loincs = [one["code"] for one in told["type"]["coding"] if one["system"] == charts.LOINC]
    assert loincs == ["34117-2"]
    html, rtf = (_bytes(door, one["attachment"]["url"]) for one in told["content"])
    assert "<p>Doing well at 38 °C &amp; &lt;fine&gt;.</p>" in html
    assert rtf.startswith("{\\rtf1")
    assert "Doing well at 38 \\u176?C & <fine>." in rtf


def _bytes(door: Door, url: str) -> str:
    return b64decode(back(door, "Binary", url.removeprefix("Binary/"))["data"]).decode()


@pytest.mark.parametrize(
    ("mime", "sent"),
    [
        ("text/html", "<html><head><title>no</title></head><body><p>One &amp; two</p><div>three</div></body></html>"),
        ("text/rtf", "{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}\\f0 One & two\\par thr\\'65e\\par}"),
    ],
)
def test_a_note_in_one_format_is_read_in_the_other(door: Door, visit: Visit, mime: str, sent: str) -> None:
    body = charts.note(visit.patient, visit.encounter, sent)
    body["content"][0]["attachment"]["contentType"] = mime
    told = back(door, "DocumentReference", door.filed("DocumentReference", body))
    texts = {one["attachment"]["contentType"]: _bytes(door, one["attachment"]["url"]) for one in told["content"]}
    assert texts.pop(mime) == sent
    (other,) = texts.values()
    assert "One &amp; two</p>\n<p>three" in other or "One & two\\par\r\nthree" in other


def test_an_allergy_comes_back_in_capitals_with_a_word_as_code(door: Door, visit: Visit) -> None:
    told = back(door, "AllergyIntolerance", door.filed("AllergyIntolerance", charts.allergy(visit.patient)))
    assert told["code"]["text"] == "CODEINE"
    assert told["reaction"][0]["manifestation"][0]["coding"][0]["code"] == "Hives"
    assert told["recordedDate"] == "2026-01-05T12:00:00Z"


def test_a_newcomer_comes_back_with_two_names_six_numbers_and_no_phone(door: Door) -> None:
    told = back(door, "Patient", door.filed("Patient", charts.newcomer()))
    assert [one["use"] for one in told["name"]] == ["official", "usual"]
    assert "telecom" not in told
    types = [one["type"]["text"] for one in told["identifier"] if "type" in one]
    assert types[:6] == ["CEID", "EPIC", "EXTERNAL", "FHIR", "FHIR STU3", "INTERNAL"]
    assert "EPI" not in types
    assert "927-80-3287" not in json.dumps(told)
    assert told["address"][0]["use"] == "home"
    assert told["address"][0]["period"] == {"start": "2026-01-05"}
    assert "\r\n" in told["address"][0]["text"]
    assert [one["code"] for one in told["meta"]["security"]] == ["PATRPT", "UNCERTREL"]
    found = door.matches("Patient", "family=Kanterwell&given=Adalberto&birthdate=1942-07-04")
    assert told["id"] in [one["id"] for one in found]


def test_xml_is_taken_as_json_is(door: Door, visit: Visit) -> None:
    sent = xml.to_xml(charts.vital(visit.patient, visit.encounter, "8310-5", "[degF]", 101))
    id = door.filed("Observation", sent.decode(), content_type="application/fhir+xml; charset=utf-8")
    assert str(back(door, "Observation", id)["valueQuantity"]["value"]) == "38.3"


# Again and again


def test_the_same_again_is_there_twice_although_a_condition_was_asked_for(door: Door, visit: Visit) -> None:
    sent = {
        "Condition": charts.problem(visit.patient),
        "DocumentReference": charts.note(visit.patient, visit.encounter),
        "Patient": charts.newcomer(),
    }
    for type, body in sent.items():
        first, second = (door.filed(type, body, if_none_exist="identifier=urn:uuid:ours") for _ in range(2))
        assert first != second
        assert back(door, type, first)
        assert back(door, type, second)


def test_a_row_has_one_value_at_an_instant_and_an_allergy_stands_once(door: Door, visit: Visit) -> None:
    vital, allergy = charts.vital(visit.patient, visit.encounter), charts.allergy(visit.patient)
    for type, body in {"Observation": vital, "AllergyIntolerance": allergy}.items():
        door.filed(type, body)
        answer = door.file(type, body)
        assert (answer.status, numbers(read(answer))) == (400, ["59141"])


def test_a_site_may_look_for_newcomers_that_it_knows() -> None:
    door = Door()
    door.site.settings["refuse_duplicates"] = ("Patient",)
    door.filed("Patient", charts.newcomer())
    answer = door.file("Patient", charts.newcomer())
    assert (answer.status, numbers(read(answer))) == (400, ["59141"])
    door.filed("Patient", charts.newcomer(birthDate="1942-07-05"))


def test_the_last_writer_wins_whatever_version_was_known(door: Door, visit: Visit) -> None:
    sent = charts.vital(visit.patient, visit.encounter, "8310-5", "Cel", 37)
    id = door.filed("Observation", sent)
    for value in ("38.5", "36.6"):
        body = sent | {"id": id, "valueQuantity": {"value": float(value), "code": "Cel"}}
        answer = door.file("Observation", body, id=id, if_match='W/"1"')
        assert (answer.status, answer.body) == (200, b"")
        assert str(back(door, "Observation", id)["valueQuantity"]["value"]) == value
    assert back(door, "Observation", id)["status"] == "corrected"


def test_a_note_is_signed_and_amended_in_place(door: Door, visit: Visit) -> None:
    draft = charts.note(visit.patient, visit.encounter, "first", docStatus="preliminary")
    id = door.filed("DocumentReference", draft)
    assert back(door, "DocumentReference", id)["docStatus"] == "preliminary"
    assert door.file("DocumentReference", draft | {"id": id, "docStatus": "final"}, id=id).status == 200
    assert back(door, "DocumentReference", id)["docStatus"] == "final"
    again = charts.note(visit.patient, visit.encounter, "second", id=id)
    assert door.file("DocumentReference", again, id=id).status == 200
    told = back(door, "DocumentReference", id)
    assert told["docStatus"] == "amended"
    assert "<p>second</p>" in _bytes(door, told["content"][0]["attachment"]["url"])
    answer = door.file("DocumentReference", draft | {"id": id}, id=id)
    assert numbers(read(answer)) == ["59159"]


def test_only_what_came_this_way_is_changed_this_way(door: Door, visit: Visit) -> None:
    (held, *_) = door.matches("Observation", f"patient={visit.patient}&category=vital-signs")
    body = charts.vital(visit.patient, visit.encounter, id=held["id"])
    answer = door.file("Observation", body, id=held["id"])
    assert (answer.status, numbers(read(answer))) == (400, ["59159"])
    filed = door.filed("Observation", charts.vital(visit.patient, visit.encounter))
    other = charts.open_visit(door.site, visit.number + 1)
    answer = door.file("Observation", charts.vital(other.patient, other.encounter, id=filed), id=filed)
    assert (answer.status, numbers(read(answer))) == (400, ["59159"])


def test_an_update_of_nothing_is_59008_and_one_of_another_id_is_refused(door: Door, visit: Visit) -> None:
    nothing = charts.vital(visit.patient, visit.encounter, id="eNothing3")
    answer = door.file("Observation", nothing, id="eNothing3")
    assert (answer.status, numbers(read(answer))) == (404, ["59008"])
    id = door.filed("Observation", charts.vital(visit.patient, visit.encounter))
    for body in (charts.vital(visit.patient, visit.encounter), nothing):
        answer = door.file("Observation", body, id=id)
        assert (answer.status, numbers(read(answer))) == (400, ["59100"])


# What is refused


def without(name: str) -> Callable[[Body], Body]:
    return lambda body: {key: value for key, value in body.items() if key != name}


def with_(**more: Any) -> Callable[[Body], Body]:
    return lambda body: body | more


BODIES: dict[str, Callable[[Visit], Body]] = {
    "Condition": lambda v: charts.problem(v.patient),
    "Observation": lambda v: charts.vital(v.patient, v.encounter),
    "pressure": lambda v: charts.pressure(v.patient, v.encounter),
    "DocumentReference": lambda v: charts.note(v.patient, v.encounter),
    "AllergyIntolerance": lambda v: charts.allergy(v.patient),
    "Patient": lambda v: charts.newcomer(),
}
NOBODY = reference("Patient", "eNobody3")
REFUSED: dict[str, list[tuple[Callable[[Body], Body], list[str]]]] = {
    "Condition": [
        (without("subject"), ["59108"]),
        (without("code"), ["59108"]),
        (without("category"), ["59108"]),
        (without("clinicalStatus"), ["59108"]),
        (with_(subject=NOBODY), ["59144"]),
        (with_(subject={"display": "somebody"}), ["59108"]),
        (with_(code={"text": "sore eye"}), ["59109", "59111"]),
        (with_(code=concept(charts.SNOMED, "x1")), ["59109", "59111"]),
        (with_(code=concept("http://example.org", "41652007")), ["59109", "59111"]),
        (with_(category=[concept("x", "nonsense")]), ["59109", "59111"]),
        (with_(onsetDateTime="2031-01-01"), ["59109", "59111"]),
        (with_(onsetDateTime="2025"), ["59109", "59111"]),
        (with_(encounter=reference("Encounter", "eNothing3")), ["59144"]),
        (with_(resourceType="Observation"), ["59100"]),
    ],
    "Observation": [
        (without("status"), ["59108"]),
        (with_(status="preliminary"), ["59109", "59111"]),
        (without("category"), ["59108"]),
        (without("effectiveDateTime"), ["59108"]),
        (with_(effectiveDateTime="2026-01-05"), ["59109", "59111"]),
        (with_(effectiveDateTime="2026-01-05T11:00:00"), ["59109", "59111"]),
        (with_(effectiveDateTime="2026-01-05T13:00:00Z"), ["59109", "59111"]),
        (without("encounter"), ["59108"]),
        (without("valueQuantity"), ["59108"]),
        (with_(code=concept(charts.LOINC, "2345-7")), ["59187"]),
        (with_(code=concept(charts.LOINC, "39156-5")), ["59187"]),
        (with_(code=concept(charts.LOINC, "8480-6")), ["59187"]),
        (with_(valueQuantity={"value": 71}), ["59188"]),
        (with_(valueQuantity={"value": 71, "unit": "kg", "code": "kg"}), ["59188"]),
        (with_(valueQuantity={"value": 900, "code": "/min"}), ["59188"]),
        (with_(valueQuantity={"value": 1e40, "code": "/min"}), ["59188"]),
    ],
    "pressure": [
        (without("component"), ["59108"]),
        (with_(valueString="high"), ["59188"]),
        (with_(valueString="999/77"), ["59188"]),
    ],
    "DocumentReference": [
        (without("type"), ["59108"]),
        (without("content"), ["59108"]),
        (without("context"), ["59108"]),
        (with_(type=concept(charts.LOINC, "2345-7")), ["59109", "59111"]),
        (with_(docStatus="entered-in-error"), ["59109", "59111"]),
        (with_(content=[{"attachment": {"contentType": "application/pdf", "data": "JVBERg=="}}]), ["59109", "59111"]),
        (with_(content=[{"attachment": {"contentType": "text/plain", "data": "%%%"}}]), ["59109", "59111"]),
        (with_(content=[{"attachment": {"contentType": "text/plain", "data": "/w=="}}]), ["59109", "59111"]),
        (with_(content=[{"attachment": {"contentType": "text/plain", "url": "Binary/1"}}]), ["59108"]),
        (with_(content=[{"attachment": {"data": "eA=="}}]), ["59108"]),
    ],
    "AllergyIntolerance": [
        (without("patient"), ["59108"]),
        (without("code"), ["59108"]),
        (with_(code={"text": "codeine"}), ["59109", "59111"]),
        (with_(category=["nonsense"]), ["59109", "59111"]),
        (with_(clinicalStatus=concept("x", "resolved")), ["59109", "59111"]),
    ],
    "Patient": [
        (without("name"), ["59108"]),
        (without("birthDate"), ["59108"]),
        (without("gender"), ["59108"]),
        (with_(name=[{"text": "Adalberto Kanterwell"}]), ["59108"]),
        (with_(birthDate="1942-07"), ["59109", "59111"]),
        (with_(birthDate="2042-07-04"), ["59109", "59111"]),
        (with_(gender="man"), ["59109", "59111"]),
    ],
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_lacks_something_or_says_what_is_not_taken_is_refused_and_not_kept(
    door: Door, visit: Visit, kind: str
) -> None:
    whole = BODIES[kind](visit)
    before = door.sandbox.world.writes
    for change, said in REFUSED[kind]:
        answer = door.file("Observation" if kind == "pressure" else kind, change(whole))
        outcome = read(answer)
        assert (answer.status, numbers(outcome)) == (400, said), outcome
        assert outcome["issue"][-1]["severity"] == "fatal"
    assert door.sandbox.world.writes == before


def test_a_closed_encounter_and_another_patients_are_not_written_to(door: Door, visit: Visit) -> None:
    other = charts.open_visit(door.site, visit.number + 1)
    for build, type, said in (
        (charts.vital, "Observation", "59189"), (charts.note, "DocumentReference", "59159"),
    ):  # fmt: skip
        assert numbers(read(door.file(type, build(visit.patient, visit.closed)))) == [said]
        assert numbers(read(door.file(type, build(visit.patient, other.encounter)))) == ["59159"]


def test_nothing_is_filed_for_or_searched_by_who_was_merged_away() -> None:
    door = Door()
    gone = charts.problem(door.fhir_id(5))
    door.sandbox.world.merge(5, 6, "registrar", door.sandbox.clock.now())
    for answer in (door.file("Condition", gone), door.get("Condition", f"patient={door.fhir_id(5)}")):
        assert (answer.status, numbers(read(answer))) == (400, ["4107"])
    door.filed("Condition", charts.problem(door.fhir_id(6)))


def test_an_encounter_stays_open_for_as_long_as_the_site_says() -> None:
    door = Door()
    visit = charts.open_visit(door.site)
    door.site.settings["closes_after_h"] = 10**6
    door.filed("Observation", charts.vital(visit.patient, visit.closed))


def test_whoever_says_that_there_is_no_allergy_has_an_empty_list(door: Door, visit: Visit) -> None:
    none = charts.allergy(visit.patient) | {"code": concept(charts.SNOMED, "716186003")}
    door.filed("AllergyIntolerance", charts.allergy(visit.patient))
    assert numbers(read(door.file("AllergyIntolerance", none))) == ["59159"]


def test_parts_of_a_type_that_the_registration_lacks_are_403(door: Door, visit: Visit) -> None:
    body = charts.vital(visit.patient, visit.encounter, category=[concept("x", "LDA")])
    answer = door.file("Observation", body)
    assert (answer.status, numbers(read(answer))) == (403, ["59203"])
    assert "LDA" in read(answer)["issue"][0]["diagnostics"]


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        ("{", JSON, "59105"),
        ("", JSON, "59105"),
        ("[]", JSON, "59105"),
        ('{"resourceType":1}', JSON, "59105"),
        ('{"resourceType":"Condition","id":NaN}', JSON, "59105"),
        ('{"resourceType":"Condition","code":[]}', JSON, "59105"),
        ('{"resourceType":"Condition","code":{"coding":{}}}', JSON, "59105"),
        ('{"resourceType":"Condition","code":{"text":"\\ud800"}}', JSON, "59105"),
        ('{"resourceType":"Condition","extension":' * 500, JSON, "59105"),
        ("<Condition", "application/fhir+xml", "59105"),
        ('<!DOCTYPE x><Condition xmlns="http://hl7.org/fhir"/>', "application/xml", "59105"),
    ],
)
def test_what_is_not_well_formed_is_59105(door: Door, body: str, content_type: str, said: str) -> None:
    answer = door.file("Condition", body, content_type=content_type)
    assert (answer.status, numbers(read(answer))[-1]) == (400, said)


def test_an_element_that_fhir_has_not_is_told_beside_a_flaw_and_else_ignored(door: Door, visit: Visit) -> None:
    body = charts.problem(visit.patient, totallyBogus=True)
    door.filed("Condition", body)
    answer = door.file("Condition", body | {"code": []})
    assert [one["severity"] for one in read(answer)["issue"]] == ["information", "fatal"]


def test_a_body_that_is_called_something_else_is_415(door: Door, visit: Visit) -> None:
    for content_type in ("text/plain", "", "application/x-www-form-urlencoded"):
        assert door.file("Condition", charts.problem(visit.patient), content_type=content_type).status == 415


# Who may


def test_reading_is_no_leave_to_write(door: Door, visit: Visit) -> None:
    for type in ("Condition", "Communication"):
        answer = door.file(type, charts.problem(visit.patient), name="backend")
        assert (answer.status, answer.body) == (403, b"")
    assert door.file("Condition", charts.problem(visit.patient), name="", token="").status == 401


def test_a_patient_writes_into_no_other_record(door: Door, visit: Visit) -> None:
    user = patient_user(door.sandbox.world, visit.number)
    assert user is not None
    token = _token_of(door, user, ("patient/Condition.write",), visit.number)
    door.filed("Condition", charts.problem(visit.patient), name="", token=token)
    answer = door.file("Condition", charts.problem(door.fhir_id(visit.number + 1)), name="", token=token)
    assert (answer.status, numbers(read(answer))) == (403, ["4118"])


def test_a_granular_scope_narrows_what_is_written(door: Door, visit: Visit) -> None:
    user = practitioner(door.sandbox.world, 3)
    assert user is not None
    token = _token_of(door, user, ("user/Condition.c?category=problem-list-item",))
    kept = charts.problem(visit.patient, category=[concept("x", "problem-list-item")])
    door.filed("Condition", kept, name="", token=token)
    assert door.file("Condition", charts.problem(visit.patient), name="", token=token).status == 403


def test_who_is_behind_the_glass_is_not_written_about(visit: Visit) -> None:
    door = Door()
    door.site.desk.glass.guarded = frozenset({visit.number})
    answer = door.file("Condition", charts.problem(visit.patient))
    assert (answer.status, numbers(read(answer))) == (403, ["4130"])


def test_what_epic_takes_and_we_cannot_keep_is_our_gap() -> None:
    door = Door()
    client_id = door.client("backend-write").client_id
    allows = scopes.compile(["system/*.write"])
    now = door.sandbox.clock.now()
    token = door.site.tokens.issue(client_id, (), now=now, lifetime=timedelta(hours=1), allows=allows).text
    for type in ("Communication", "QuestionnaireResponse", "ServiceRequest", "Procedure", "BodyStructure"):
        answer = door.file(type, {"resourceType": type}, name="", token=token)
        assert (answer.status, answer.simulated) == (501, False), type
    for path in ("ServiceRequest", "Task", "Procedure"):
        answer = door.file(path, {"resourceType": path, "id": "eX3"}, id="eX3", name="", token=token)
        assert answer.status == 501


def test_what_is_promised_can_be_written(door: Door) -> None:
    assert {type: "cu" if filer.update else "c" for type, filer in FILERS.items()} == WRITES
    told = read(door.get("metadata", token=""))["rest"][0]["resource"]
    promised = {one["type"]: {act["code"] for act in one["interaction"]} - {"read", "search-type"} for one in told}
    words = {"c": "create", "u": "update"}
    assert {type: acts for type, acts in promised.items() if acts} == {
        type: {words[letter] for letter in letters} for type, letters in WRITES.items()
    }


# Faults and other rooms


def test_a_copy_that_is_behind_does_not_know_what_was_just_filed(visit: Visit) -> None:
    door = Door()
    door.sandbox.faults.add({"when": {"vendor": "epic"}, "fault": "read_lag", "args": {"lag_s": 30}})
    id = door.filed("Condition", charts.problem(visit.patient))
    answer = door.get(f"Condition/{id}")
    assert (answer.status, numbers(read(answer))) == (404, ["59008"])
    assert id not in [one["id"] for one in door.matches("Condition", f"patient={visit.patient}")]
    door.sandbox.clock.advance(timedelta(seconds=31))
    assert door.get(f"Condition/{id}").status == 200


@pytest.mark.parametrize("fault", ["store_then_cut", "accept_silently"])
def test_a_write_that_nobody_hears_of_is_kept(visit: Visit, fault: str) -> None:
    door = Door()
    before = door.sandbox.world.writes
    door.sandbox.faults.add({"when": {"operation": "Condition.create"}, "fault": fault, "budget": 1})
    door.file("Condition", charts.problem(visit.patient))
    plan = door.last.plan
    assert plan is not None
    assert plan.wire is not None
    assert plan.wire.sent == "nothing"
    assert door.sandbox.world.writes == before + 1


# Whatever comes

values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_body_whatever_is_in_it_meets_a_defect_of_ours(door: Door, data: st.DataObject) -> None:
    visit = charts.open_visit(door.site)
    kind = data.draw(st.sampled_from(list(BODIES)))
    body = json.loads(json.dumps(BODIES[kind](visit)))
    holder: Any = body
    for _ in range(data.draw(st.integers(0, 4))):
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        inner = [key for key in keys if isinstance(holder[key], dict | list) and holder[key]]
        if not inner:
            break
        holder = holder[data.draw(st.sampled_from(inner))]
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    holder[data.draw(st.sampled_from(keys))] = data.draw(values)
    type = "Observation" if kind == "pressure" else kind
    assert door.file(type, body).status in (201, 400, 403, 501)
