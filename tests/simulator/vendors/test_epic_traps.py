"""The habits of Epic that hurt, one test each: what a naive client concludes, and what is so.

`TRAPS` of the room and `SHOWN` here name the same traps; the details are tested in the neighbouring files.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from conformance.reference.mutants import MUTANTS
from simulator.population import answers
from simulator.refusal import Refusal
from simulator.vendors import epic
from simulator.vendors.epic import VENDOR, resources
from simulator.vendors.epic.dialect import Telling
from simulator.vendors.epic.paths import FHIR
from simulator.vendors.epic.sources import PUBLIC
from tests.simulator.vendors import epic_charts as charts
from tests.simulator.vendors.epic_door import ASSERTION, BASE, Door, link, numbers, read, sandbox
from tests.simulator.vendors.epic_shapes import told_of

FORM = "application/x-www-form-urlencoded"
SHOWN = {  # traps that a neighbouring file shows: file, test
    "E8": ("front", "test_a_path_that_epic_has_not_is_a_page_of_the_web_server"),
    "E10": ("bodies", "test_ids_are_unique_and_some_differ_only_in_case"),
    "E12": ("bodies", "test_the_name_comes_twice_and_a_maiden_name_is_old"),
    "E13": ("bodies", "test_vital_signs_have_8716_3_among_their_codes_often_first"),
    "E14": ("bodies", "test_a_hemoglobin_a1c_has_no_unit"),
    "E18": ("bodies", "test_a_problem_is_told_again_as_the_diagnosis_of_its_visits"),
    "E19": ("kinds", "test_a_scan_has_neither_an_address_nor_a_type"),
    "E20": ("kinds", "test_a_note_is_told_as_html_and_as_rtf_behind_relative_addresses"),
    "E25": ("auth", "test_a_broken_rule_is_in_the_journal_and_not_in_the_answer"),
    "E26": ("patients_tokens", "test_two_refreshes_with_the_first_refresh_token"),
    "E30": ("bulk", "test_the_token_dies_while_a_large_job_runs"),
    "E34": ("front", "test_a_patient_has_no_etag_but_a_misspelt_one"),
    "E35": ("patients_tokens", "test_a_practitioner_has_no_name_for_a_patient"),
    "E36": ("search", "test_a_date_without_a_zone_is_the_servers_day_not_the_utc_day"),
    "E38": ("patients", "test_names_that_sound_alike_are_hits"),
    "E39": ("patients_tokens", "test_a_launch_says_false_as_a_word"),
    "E40": ("bodies", "test_some_old_visits_were_never_closed"),
    "E41": ("search", "test_a_smoking_status_is_dated_on_the_day_of_the_request"),
    "E43": ("bodies", "test_drugs_come_by_reference_and_their_codes_without_a_word"),
    "E45": ("sub_resources", "test_a_part_that_is_lacking_is_left_out_and_told"),
    "E46": ("front", "test_a_type_without_a_licence_answers_as_if_the_client_had_no_right"),
    "E47": ("types", "test_a_reports_codes_are_loinc_without_display_and_a_number_of_the_site"),
}


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


@pytest.fixture(scope="module")
def patient(door: Door) -> str:
    return door.fhir_id(door.patient_with(observations=120, medications=1, conditions=2, allergies=1))


def test_every_trap_of_the_room_is_shown() -> None:
    here = {name for name, _ in inspect.getmembers(sys.modules[__name__], inspect.isfunction)}
    shown = set(SHOWN) | {
        name.split("_")[1].upper() for name in here if name.startswith("test_e") and name[6].isdigit()
    }
    assert {trap.id for trap in VENDOR.traps} == shown
    for file, test in SHOWN.values():
        assert f"def {test}(" in Path(__file__).with_name(f"test_epic_{file}.py").read_text("utf-8")


def test_every_trap_and_limit_names_a_public_source() -> None:
    assert len(VENDOR.traps) >= 16
    for one in (*VENDOR.traps, *VENDOR.limits):
        assert one.source.where.startswith("https://")
    assert all(trap.says for trap in VENDOR.traps)


def test_the_sources_page_explains_every_key_and_uses_no_other() -> None:
    page = Path(epic.__file__).with_name("SOURCES.md").read_text("utf-8")
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in page.splitlines()]
    explained = {row[0]: row[1] for row in rows if len(row) == 3 and row[0].isupper()}
    assert set(explained) == set(PUBLIC)
    for key, where in explained.items():
        assert f"<{PUBLIC[key].split()[0].rstrip(',')}>" in where
    claims = [row for row in rows if len(row) == 3 and row[1] in ("doc", "seen", "guess")]
    assert len(claims) > 80
    for claim, mark, keys in claims:
        assert keys == "-" or set(keys.split(", ")) <= set(PUBLIC), claim
        assert keys != "-" or mark == "guess", claim


def test_e1_a_client_that_accepts_anything_cannot_read_json(door: Door, patient: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        json.loads(door.get(f"Patient/{patient}", accept="*/*").body)


def test_e2_who_stops_at_total_stops_after_one_page(door: Door, patient: str) -> None:
    bundle = door.bundle("Observation", f"patient={patient}&category=vital-signs&_count=10")
    assert bundle["total"] == 10
    assert link(bundle, "next")
    assert len(door.matches("Observation", f"patient={patient}&category=vital-signs&_count=10")) > 10


def test_e3_who_counts_entries_counts_one_too_many(door: Door, patient: str) -> None:
    bundle = door.bundle("Condition", f"patient={patient}")
    types = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert types.count("OperationOutcome") == 1
    assert types[-1] == "OperationOutcome"
    assert bundle["total"] == len(types) - 1


def test_e4_who_asks_for_the_first_entry_finds_a_patient_who_is_none(door: Door) -> None:
    bundle = door.bundle("Patient", "family=Nobody&given=Nobody&birthdate=1901-01-01")
    assert bundle["entry"][0]["resource"]["resourceType"] == "OperationOutcome"
    assert bundle["total"] == 0


def test_e5_a_misspelt_filter_gives_everything(door: Door, patient: str) -> None:
    everything = door.matches("Condition", f"patient={patient}")
    assert door.matches("Condition", f"patient={patient}&clinical_status=nonsense") == everything


def test_e6_a_birth_date_alone_says_that_nobody_is_there(door: Door) -> None:
    born = read(door.get(f"Patient/{door.fhir_id(4)}"))["birthDate"]
    assert door.bundle("Patient", f"birthdate={born}")["total"] == 0


def test_e7_the_first_issue_is_not_the_reason(door: Door, patient: str) -> None:
    outcome = read(door.get("Observation", f"patient={patient}&_lastUpdated=gt2024-01-01"))
    assert outcome["issue"][0]["severity"] == "information"
    assert outcome["issue"][-1]["severity"] == "fatal"


def test_e9_a_refusal_without_a_body_and_one_that_is_a_string(door: Door, patient: str) -> None:
    denied = door.get("Condition", f"patient={patient}", token=door.token("demographics"))
    assert (denied.status, denied.body) == (403, b"")
    assert read(door.get("Condition", f"patient={patient}", token="stale")) == ""


def test_e11_who_looks_for_mr_finds_no_record_number(door: Door, patient: str) -> None:
    identifiers = read(door.get(f"Patient/{patient}"))["identifier"]
    codes = [coding["code"] for one in identifiers for coding in one.get("type", {}).get("coding", [])]
    assert codes == ["um"]
    number = VENDOR.patient_of(door.site, patient)
    assert number is not None
    mrn = VENDOR.patient_ids(door.site, number)["mrn"]
    assert [one["value"] for one in identifiers if one.get("type", {}).get("text") == "EPI"] == [mrn]
    assert any(one["value"].startswith("     Z") for one in identifiers)


def test_e15_who_adds_the_doses_triples_them(door: Door, patient: str) -> None:
    order = door.matches("MedicationRequest", f"patient={patient}")[0]
    doses = order["dosageInstruction"][0]["doseAndRate"]
    assert [one["type"]["text"] for one in doses] == ["calculated", "admin-amount", "ordered"]


def test_e16_an_allergy_that_says_that_nobody_asked(door: Door) -> None:
    number = next(n for n in range(200) if not door.sandbox.world.chart(n).allergies)
    told = [one for one in VENDOR.renderings(door.site, number) if one.type == "AllergyIntolerance"]
    assert [one.records for one in told] == [()]
    (found,) = door.matches("AllergyIntolerance", f"patient={door.fhir_id(number)}")
    assert found["code"]["text"] == "Not on File"


def test_e17_a_terminology_that_is_asked_for_hives(door: Door) -> None:
    reactions = [
        coding
        for number in range(60)
        for one in told_of(_telling(door, number), ["AllergyIntolerance"])
        for reaction in one.get("reaction", [])
        for manifestation in reaction["manifestation"]
        for coding in manifestation["coding"]
    ]
    assert reactions
    assert {one["system"] for one in reactions} == {"http://snomed.info/sct"}
    assert not any(one["code"].isdigit() for one in reactions)


def _telling(door: Door, number: int) -> Telling:
    found = resources.telling(door.site, number)
    assert found is not None
    return found


def test_e21_who_reads_the_answer_to_a_create_crashes_and_location_has_the_id() -> None:
    door = Door()
    answer = door.file("Condition", charts.problem(door.fhir_id(1)))
    assert answer.status == 201
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.body)
    assert door.get((answer.header("location") or "").partition(f"{FHIR}/")[2]).status == 200


def test_e22_who_takes_a_201_for_success_does_not_see_what_was_lost() -> None:
    door = Door()
    sent = charts.problem(door.fhir_id(1))
    told = read(door.get(f"Condition/{door.filed('Condition', sent)}"))
    kept = {name for name, value in sent.items() if told.get(name) == value}
    assert not {"category", "onsetDateTime"} & kept
    assert set(sent) - set(told) == {"onsetDateTime"}


def test_e23_who_sends_again_blindly_has_two_and_who_looks_first_has_one() -> None:
    """The first create is stored, and its answer never arrives."""

    def filed_by(is_careful: bool) -> int:
        door = Door()
        patient = door.fhir_id(1)
        query = f"patient={patient}&code={charts.SNOMED}|41652007"
        door.sandbox.faults.add({"when": {"operation": "Condition.create"}, "fault": "store_then_cut", "budget": 1})
        door.file("Condition", charts.problem(patient))
        if not is_careful or not door.matches("Condition", query):
            door.file("Condition", charts.problem(patient))
        return len(door.matches("Condition", query))

    assert (filed_by(is_careful=False), filed_by(is_careful=True)) == (2, 1)


def test_e24_a_description_that_is_null(door: Door) -> None:
    answer = read(door.ask_token("not an assertion"))
    assert answer["error_description"] is None
    with pytest.raises(AttributeError):
        answer["error_description"].lower()


def test_e27_who_compares_granted_with_asked_refuses_the_login(door: Door) -> None:
    asked = " ".join(door.client().scopes)
    granted = read(door.ask_token(door.assertion(door.claims()), scope=asked))["scope"]
    assert granted != asked
    assert set(asked.split()) - set(granted.split())  # some come back in another letter case


def test_e28_who_derives_the_token_url_from_the_fhir_base_knocks_at_no_door() -> None:
    door = Door(sandbox(vendor=VENDOR.variant("epic", defaults={"oauth_root": "/INTERCONNECT-FHIR-OAUTH"})))
    derived = FHIR.removesuffix("/api/FHIR/R4") + "/oauth2/token"
    answer = door.call("POST", derived, token="")
    assert (answer.status, answer.header("content-type")) == (404, "text/html")
    told = read(door.get(".well-known/smart-configuration", token=""))["token_endpoint"]
    assert told == door.site.urls(BASE)["token_url"] == f"{BASE}/INTERCONNECT-FHIR-OAUTH/oauth2/token"
    claims = door.claims(aud=told)
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION,
            "client_assertion": door.assertion(claims)}  # fmt: skip
    answer = door.call("POST", told.removeprefix(BASE), body=urlencode(form), token="", content_type=FORM)
    assert answer.status == 200
    token = read(answer)["access_token"]
    assert door.get(f"Patient/{door.fhir_id(1)}", token=token).status == 200


def test_e28_who_looks_for_oauth_on_the_fhir_host_asks_the_wrong_one() -> None:
    door = Door(sandbox(vendor=VENDOR.variant("epic", defaults={"oauth_host": "oauth.emr.test"})))
    told = read(door.get(".well-known/smart-configuration", token=""))
    assert told["authorization_endpoint"].startswith("http://oauth.emr.test/epic/")
    statement = read(door.get("metadata", token=""))
    assert f'"{told["token_endpoint"]}"' in json.dumps(statement["rest"][0]["security"])
    urls = door.site.urls("http://emr.test:8400/epic")
    assert (urls["token_url"][:32], urls["fhir_url"][:25]) == (
        "http://oauth.emr.test:8400/epic/",
        "http://emr.test:8400/epic",
    )


def test_e31_a_base_with_a_slash_and_a_statement_without_smart() -> None:
    habits = {"trailing_slash": True, "fhir_version": "4.0.0", "smart_block": False}
    door = Door(sandbox(vendor=VENDOR.variant("epic", defaults=habits)))
    base = door.site.urls(BASE)["fhir_url"]
    assert base.endswith("/R4/")
    statement = read(door.call("GET", f"{base}/metadata".removeprefix(BASE), token=""))
    assert statement["fhirVersion"] == "4.0.0"
    assert "security" not in statement["rest"][0]


def test_e32_an_outage_is_html_without_a_time_to_come_back(door: Door, patient: str) -> None:
    door.get(f"Patient/{patient}")
    answer = VENDOR.errors.dress(Refusal("unavailable"), door.last)
    assert answer.body.startswith(b"<!DOCTYPE HTML")
    assert answer.header("retry-after") is None


def test_e33_a_merged_patient_redirects_to_the_survivor() -> None:
    door = Door()
    world = door.sandbox.world
    lost = next(number for number in world.population.registrations if world.survivor(number) is None)
    kept = world.human(lost)
    old, new = door.fhir_id(lost), door.fhir_id(kept)
    person = world.person(lost)
    assert person is not None
    named = f"family={person.family}&given={person.given[0]}&birthdate={person.birth_date}"
    assert old in [one["id"] for one in door.matches("Patient", named)]
    before, moved = _visits(door, new), _visits(door, old)
    world.merge(lost, kept, "registrar", world.now())
    answer = door.get(f"Patient/{old}")
    assert answer.status == 302
    assert (answer.header("location") or "").endswith(f"/Patient/{new}")
    assert numbers(read(answer)) == ["4107"]
    assert old not in [one["id"] for one in door.matches("Patient", named)]
    assert door.matches("Patient", f"_id={old}") == []
    assert numbers(read(door.get("Encounter", f"patient={old}"))) == ["4107"]
    assert _visits(door, new) >= moved
    assert not before >= moved
    assert VENDOR.patient_of(door.site, old) == kept
    world.unmerge(lost, "registrar", world.now())
    assert door.get(f"Patient/{old}").status == 200
    assert _visits(door, new) == before


def _visits(door: Door, patient: str) -> set[str]:
    return {one["period"]["start"] for one in door.matches("Encounter", f"patient={patient}")}


def test_e37_an_id_silences_every_other_parameter(door: Door, patient: str) -> None:
    other = door.fhir_id(1)
    assert door.matches("Patient", f"_id={patient}&birthdate=1900-01-01&identifier=EPI|1")[0]["id"] == patient
    assert door.matches("Patient", f"_id={patient},{other}")[1]["id"] == other


def test_e42_a_retired_id_is_unknown_and_its_identifier_leads_on(door: Door, patient: str) -> None:
    identifiers = read(door.get(f"Patient/{patient}"))["identifier"]
    by_type = {one.get("type", {}).get("text"): one["value"] for one in identifiers}
    retired = by_type["FHIR"]
    assert retired != patient
    answer = door.get(f"Patient/{retired}")
    assert (answer.status, numbers(read(answer))) == (404, ["59008"])
    assert [one["id"] for one in door.matches("Patient", f"identifier=FHIR|{retired}")] == [patient]
    assert by_type["FHIR STU3"] == patient


JUDGED = {  # traps that an integration can fall into before the judge: the named bugs that do
    "E1": ("accept_anything",),
    "E2": ("first_page_only", "rebuild_next_url"),
    "E3": ("outcome_as_record",),
    "E4": ("outcome_as_record",),
    "E5": ("trust_server_filter",),
    "E6": ("create_on_zero_hits",),
    "E7": ("missing_category",),
    "E8": ("html_as_empty",),
    "E9": ("forbidden_as_empty", "no_retry_on_401", "retry_401_same_token"),
    "E10": ("int_ids", "lowercase_ids"),
    "E11": ("first_identifier_is_mrn",),
    "E12": ("names_as_people",),
    "E13": ("coding_index_0",),
    "E14": ("only_value_quantity", "unit_from_display"),
    "E15": ("strength_as_dose",),
    "E16": ("nka_as_allergy", "not_asked_as_none"),
    "E17": ("numeric_snomed_only",),
    "E18": ("double_problem",),
    "E20": ("note_per_attachment",),
    "E21": ("expect_body",),
    "E22": ("success_is_201",),
    "E23": ("blind_post_retry", "recreate_if_not_found"),
    "E24": ("swallow_auth_error",),
    "E25": ("jwt_exp_1h", "jwt_wrong_aud", "jwt_reuse_on_retry"),
    "E27": ("scopes_must_equal",),
    "E31": ("metadata_required", "smart_block_required"),
    "E32": ("no_retry_503", "retry_forever"),
    "E33": ("ignore_patient_link",),
    "E37": ("trust_server_filter",),
    "E38": ("first_hit_wins",),
    "E43": ("inline_medication_only",),
}


def test_who_falls_into_a_trap_before_the_judge_is_a_bug_with_a_name() -> None:
    """That each of them is caught, and the reference is not, `test_kill_matrix` shows."""
    assert set(JUDGED) <= {trap.id for trap in VENDOR.traps}
    for bugs in JUDGED.values():
        for bug in bugs:
            assert "epic" in MUTANTS[bug].vendors, bug
            assert MUTANTS[bug].killed_by


def test_a_token_that_dies_between_two_pages_gives_the_bare_string(patient: str) -> None:
    door = Door()
    url = link(door.bundle("Observation", f"patient={patient}&category=vital-signs&_count=5"), "next") or ""
    door.sandbox.clock.advance(timedelta(hours=1))
    answer = door.get("Observation", url.partition("?")[2])
    assert (answer.status, answer.body) == (401, b'""')


# What is recorded as lost


def test_every_loss_names_a_field_of_its_record(door: Door) -> None:
    seen: set[str] = set()
    for number in range(25):
        chart = door.sandbox.world.chart(number)
        for one in VENDOR.renderings(door.site, number):
            source: dict[str, Any] = {"vendor": "epic", "type": one.type, "id": one.id}
            told = {
                index: answers.canonical(
                    one.records[index], chart=chart, world=door.sandbox.world, source=source, patient={}
                )
                for index in dict(one.losses)
            }
            for index, loss in one.losses:
                assert _has(told[index], loss.field) or loss.field == "identifiers", (one.type, loss)
                seen.add(f"{one.type}.{loss.field}")
    assert len(seen) > 20


def _has(record: dict[str, Any], field: str) -> bool:
    value: Any = record
    for name in field.split("."):
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return True


def test_e29_behind_the_glass_only_a_reason_helps(door: Door, patient: str) -> None:
    number = VENDOR.patient_of(door.site, patient)
    assert number is not None
    door.site.desk.glass.put_behind(frozenset({number}), frozenset())
    try:
        for path, query in ((f"Patient/{patient}", ""), ("Condition", f"patient={patient}")):
            refused = door.get(path, query)
            assert (refused.status, numbers(read(refused))) == (403, ["4130"])
    finally:
        door.site.desk.glass.put_behind(frozenset(), frozenset())
