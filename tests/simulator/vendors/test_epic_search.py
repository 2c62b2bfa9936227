"""Epic's searches: what they need, what filters, how pages turn. SOURCES.md, "Answers", "Search".

Traps E2-E5, E7, E36, E37, E41.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from simulator.vendors.epic import VENDOR
from simulator.vendors.epic.paths import FHIR
from tests.simulator.vendors.epic_door import BASE, Door, link, numbers, read

COMPARTMENT = ("Condition", "Encounter", "Immunization", "MedicationRequest", "Observation")


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


@pytest.fixture(scope="module")
def number(door: Door) -> int:
    """A patient with something of everything."""
    return door.patient_with(observations=120, medications=2, conditions=3, encounters=6, immunizations=3, allergies=1)


@pytest.fixture(scope="module")
def patient(door: Door, number: int) -> str:
    return door.fhir_id(number)


def told(door: Door, number: int, type: str) -> list[str]:
    """The ids that the room says it serves."""
    return [one.id for one in VENDOR.renderings(door.site, number) if one.type == type]


def ids(resources: list[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in resources]


# Bundles and pages


def test_a_search_lists_exactly_what_is_told(door: Door, number: int, patient: str) -> None:
    for type in COMPARTMENT:
        if type != "Observation":
            assert ids(door.matches(type, f"patient={patient}")) == told(door, number, type)
    found = [
        id
        for category in ("vital-signs", "laboratory", "social-history", "survey")
        for id in ids(door.matches("Observation", f"patient={patient}&category={category}"))
    ]
    assert sorted(found) == sorted(told(door, number, "Observation"))


def test_total_counts_the_page_and_next_is_a_bare_session(door: Door, number: int, patient: str) -> None:
    query = f"_count=20&patient={patient}&category=vital-signs"
    whole = ids(door.matches("Observation", f"patient={patient}&category=vital-signs"))
    seen: list[str] = []
    pages = 0
    while query:
        bundle = door.bundle("Observation", query)
        matches = [one for one in bundle["entry"] if one["search"]["mode"] == "match"]
        assert bundle["total"] == len(matches)
        assert link(bundle, "self") == f"{BASE}{FHIR}/Observation?category=vital-signs&patient={patient}&_count=20"
        seen += ids([one["resource"] for one in matches])
        pages += 1
        url = link(bundle, "next")
        if url is None:
            assert [one["relation"] for one in bundle["link"]] == ["self"]
            break
        assert [one["relation"] for one in bundle["link"]] == ["next", "self"]
        assert re.fullmatch(re.escape(f"{BASE}{FHIR}/Observation?sessionID=") + r"\d\d-[0-9A-F]{32}", url)
        query = url.partition("?")[2]
    assert pages == -(-len(whole) // 20) > 2
    assert seen == whole
    assert door.last.notes["page"] == pages
    assert door.last.route is not None
    assert door.last.route.name == "Observation.search"


def test_a_page_may_be_asked_for_again(door: Door, patient: str) -> None:
    url = link(door.bundle("Observation", f"patient={patient}&category=vital-signs&_count=5"), "next") or ""
    first, again = (door.bundle("Observation", url.partition("?")[2]) for _ in range(2))
    assert first["entry"] == again["entry"]


def test_a_session_belongs_to_the_token_and_ends(patient: str) -> None:
    door = Door()
    url = link(door.bundle("Observation", f"patient={patient}&category=vital-signs&_count=5"), "next") or ""
    query = url.partition("?")[2]
    other = read(door.ask_token(door.assertion(door.claims())))["access_token"]
    answer = door.get("Observation", query, token=other)
    assert (answer.status, numbers(read(answer))) == (400, ["4113"])
    assert door.get("Encounter", query).status == 400
    door.sandbox.clock.advance(timedelta(minutes=10))
    answer = door.get("Observation", query)
    assert (answer.status, numbers(read(answer))) == (400, ["4113"])
    assert door.get("Observation", "sessionID=12-" + "A" * 32).status == 400


def test_the_true_number_comes_with_a_summary_only(door: Door, number: int, patient: str) -> None:
    bundle = door.bundle("Encounter", f"patient={patient}&_summary=count&_count=1")
    assert bundle["total"] == len(told(door, number, "Encounter"))
    assert "entry" not in bundle


@pytest.mark.parametrize("count", ["0", "x", "-1", ""])
def test_a_count_that_is_none_is_ignored(door: Door, number: int, patient: str, count: str) -> None:
    assert door.bundle("Encounter", f"patient={patient}&_count={count}")["total"] == len(
        told(door, number, "Encounter")
    )


def test_the_last_entry_is_an_outcome_and_no_result(door: Door, patient: str) -> None:
    for query in ("category=vital-signs&_count=5", "category=laboratory"):
        bundle = door.bundle("Observation", f"patient={patient}&{query}")
        get_fhir_model_class("Bundle").model_validate(read(door.get("Observation", f"patient={patient}&{query}")))
        last = bundle["entry"][-1]
        assert last["search"]["mode"] == "outcome"
        assert last["fullUrl"].startswith("urn:uuid:")
        assert set(numbers(last["resource"])) == {"59204"}
        assert bundle["total"] == len(bundle["entry"]) - 1


def test_an_empty_search_has_one_entry(door: Door, patient: str) -> None:
    bundle = door.bundle("Condition", f"patient={patient}&category=health-concern")
    assert bundle["total"] == 0
    assert len(bundle["entry"]) == 1
    assert numbers(bundle["entry"][0]["resource"])[0] == "4101"


def test_full_urls_are_absolute_and_references_relative(door: Door, patient: str) -> None:
    entry = door.bundle("Encounter", f"patient={patient}")["entry"][0]
    assert entry["fullUrl"] == f"{BASE}{FHIR}/Encounter/{entry['resource']['id']}"
    assert entry["link"] == [{"relation": "self", "url": entry["fullUrl"]}]
    assert entry["resource"]["subject"]["reference"] == f"Patient/{patient}"


# What a search needs


@pytest.mark.parametrize("type", COMPARTMENT)
def test_nobody_lists_everything(door: Door, type: str) -> None:
    answer = door.get(type, "status=final")
    assert answer.status == 400
    assert numbers(read(answer))[-1] == "59159"
    assert read(answer)["issue"][-1]["expression"] == ["patient/_id"]


def test_allergies_without_a_patient_are_forbidden(door: Door) -> None:
    answer = door.get("AllergyIntolerance")
    assert (answer.status, numbers(read(answer))) == (403, ["4118"])


def test_observations_need_a_category_and_the_information_comes_first(door: Door, patient: str) -> None:
    answer = door.get("Observation", f"patient={patient}&categroy=laboratory")
    assert answer.status == 400
    outcome = read(answer)
    assert [one["severity"] for one in outcome["issue"]] == ["information", "fatal"]
    assert numbers(outcome) == ["59100", "59108"]
    assert "CATEGROY" in outcome["issue"][0]["diagnostics"]
    assert outcome["issue"][1]["location"] == ["/f:code/category"]


@pytest.mark.parametrize("category", ["procedure", "therapy", "activity", "symptom", "Laboratory"])
def test_categories_that_epic_does_not_know_are_refused(door: Door, patient: str, category: str) -> None:
    answer = door.get("Observation", f"patient={patient}&category={category}")
    assert (answer.status, numbers(read(answer))) == (400, ["59109", "59111"])


def test_patient_and_subject_are_one_but_must_agree(door: Door, patient: str) -> None:
    alike = door.bundle("Encounter", f"subject={patient}")["entry"][:-1]
    assert alike == door.bundle("Encounter", f"patient=Patient/{patient}")["entry"][:-1]
    assert alike == door.bundle("Encounter", f"patient={patient}&subject=Patient/{patient}")["entry"][:-1]
    answer = door.get("Encounter", f"patient={patient}&subject={door.fhir_id(1)}")
    assert (answer.status, numbers(read(answer))) == (400, ["4112"])


def test_a_patient_that_is_none_is_refused(door: Door) -> None:
    answer = door.get("Encounter", "patient=eNobody3")
    assert (answer.status, numbers(read(answer))) == (400, ["4102"])


def test_a_patient_may_be_named_by_an_identifier(door: Door, number: int, patient: str) -> None:
    mrn = VENDOR.patient_ids(door.site, number)["mrn"]
    assert ids(door.matches("Condition", f"patient.identifier=EPI|{mrn}")) == told(door, number, "Condition")


# What filters


def test_unknown_parameters_are_ignored_and_echoed(door: Door, number: int, patient: str) -> None:
    for name in ("clinicalStatus", "totally-bogus", "_sort", "code:exact"):
        bundle = door.bundle("Condition", f"patient={patient}&{name}=active")
        assert bundle["total"] == len(told(door, number, "Condition"))
        assert f"{name}=active" in (link(bundle, "self") or "")


def test_undocumented_parameters_are_declared_and_do_not_filter(door: Door, number: int, patient: str) -> None:
    assert ids(door.matches("MedicationRequest", f"patient={patient}&code=0")) == told(
        door, number, "MedicationRequest"
    )


REFINED = [
    ("Condition", "verification-status=confirmed", lambda one: one["verificationStatus"]["text"] == "Confirmed"),
    ("Encounter", "type=101", lambda one: any(c["code"] == "101" for t in one["type"] for c in t["coding"])),
    (
        "Immunization",
        "vaccine-code=140",
        lambda one: {"140"} <= {c["code"] for c in one["vaccineCode"].get("coding", [])},
    ),
    ("MedicationRequest", "authoredon=ge2024-01-01", lambda one: one["authoredOn"] >= "2024-01-01"),
    ("MedicationRequest", "authoredOn=ge2024-01-01", lambda one: one["authoredOn"] >= "2024-01-01"),
    ("Observation", "category=laboratory&value-string=a", lambda one: "a" in one.get("valueString", "").lower()),
    ("Observation", "category=vital-signs&component-code=8462-4", lambda one: "component" in one),
]


@pytest.mark.parametrize(("type", "query", "fits"), REFINED, ids=[query for _, query, _ in REFINED])
def test_parameters_without_documentation_look_at_what_was_found(
    door: Door, patient: str, type: str, query: str, fits: Any
) -> None:
    whole = door.matches(type, f"patient={patient}&" + ("&".join(query.split("&")[:-1]) or "_format=json"))
    assert ids(door.matches(type, f"patient={patient}&{query}")) == ids([one for one in whole if fits(one)])


def test_at_an_older_site_they_count_for_nothing(patient: str) -> None:
    door = Door()
    door.site.settings["refinements"] = "ignored"
    whole = ids(door.matches("Condition", f"patient={patient}"))
    assert ids(door.matches("Condition", f"patient={patient}&verification-status=refuted")) == whole
    assert ids(door.matches("Encounter", f"patient={patient}&status=planned")) == []


def test_a_document_can_be_asked_for_by_when_it_changed(door: Door) -> None:
    id = door.fhir_id(door.patient_with(documents=4))
    whole = door.matches("DocumentReference", f"patient={id}")
    middle = sorted(one["date"] for one in whole)[len(whole) // 2]
    for name in ("_lastUpdated", "_lastupdated"):
        late = door.matches("DocumentReference", f"patient={id}&{name}=ge{middle}")
        early = door.matches("DocumentReference", f"patient={id}&{name}=lt{middle}")
        assert sorted(ids(late) + ids(early)) == sorted(ids(whole))
        assert late
        assert early


def test_procedures_are_dated_by_the_day_alone(door: Door) -> None:
    id = door.fhir_id(door.patient_with(procedures=1))
    (one, *_) = door.matches("Procedure", f"patient={id}")
    day = (one.get("performedDateTime") or one["performedPeriod"]["start"])[:10]
    found = door.matches("Procedure", f"patient={id}&date=le{day}T00:00:00Z")
    assert ids(found) == ids(door.matches("Procedure", f"patient={id}&date=le{day}"))


def test_beside_id_everything_else_counts_for_nothing(door: Door, number: int, patient: str) -> None:
    wanted = told(door, number, "Condition")[:2]
    other = door.fhir_id(1)
    query = f"_id={','.join(wanted)}&patient={other}&clinical-status=nonsense"
    assert ids(door.matches("Condition", query)) == wanted


def test_ids_of_nothing_find_nothing(door: Door, patient: str) -> None:
    assert door.matches("Condition", f"_id=eNothing3,{patient}") == []


def test_code_finds_by_any_coding(door: Door, patient: str) -> None:
    pulses = door.matches("Observation", f"patient={patient}&code=8867-4")
    assert pulses
    assert pulses == door.matches("Observation", f"patient={patient}&code=http://loinc.org|8867-4,0000-0")
    vitals = door.matches("Observation", f"patient={patient}&code=8716-3")
    assert len(vitals) > len(pulses)
    assert door.matches("Observation", f"patient={patient}&code=http://snomed.info/sct|8867-4") == []
    pressures = door.matches("Observation", f"patient={patient}&code=8462-4")
    assert ids(pressures) == ids(door.matches("Observation", f"patient={patient}&code=85354-9"))


def test_conditions_narrow_by_category_and_status(door: Door, patient: str) -> None:
    whole = door.matches("Condition", f"patient={patient}")
    parts = [
        one
        for category in ("problem-list-item", "encounter-diagnosis")
        for status in ("active", "resolved", "inactive")
        for one in door.matches("Condition", f"patient={patient}&category={category}&clinical-status={status}")
    ]
    assert sorted(ids(parts)) == sorted(ids(whole))
    code = next(c for c in whole[0]["code"]["coding"] if c["system"] == "http://snomed.info/sct")["code"]
    found = door.matches("Condition", f"patient={patient}&code=http://snomed.info/sct|{code}")
    assert whole[0]["id"] in ids(found)
    assert all(any(c["code"] == code for c in one["code"]["coding"]) for one in found)


@pytest.mark.parametrize(
    ("type", "name", "member"),
    [
        ("Observation", "date", "effectiveDateTime"),
        ("Observation", "issued", "issued"),
        ("Condition", "onset-date", "onsetDateTime"),
        ("Condition", "recorded-date", "recordedDate"),
        ("Immunization", "date", "occurrenceDateTime"),
        ("MedicationRequest", "date", "authoredOn"),
    ],
)
def test_dates_cut_a_result_in_two(door: Door, patient: str, type: str, name: str, member: str) -> None:
    base = f"patient={patient}" + ("&category=vital-signs" if type == "Observation" else "")
    whole = door.matches(type, base)
    days = sorted(one[member][:10] for one in whole)
    middle = days[len(days) // 2]
    late = door.matches(type, f"{base}&{name}=ge{middle}")
    early = door.matches(type, f"{base}&{name}=lt{middle}")
    assert sorted(ids(late) + ids(early)) == sorted(ids(whole))
    assert late
    on = door.matches(type, f"{base}&{name}=ge{middle}&{name}=le{middle}")
    assert ids(on) == ids(door.matches(type, f"{base}&{name}={middle}"))


@pytest.mark.parametrize("value", ["yesterday", "2024-13-01", "ne2024", "ap2024"])
def test_what_is_no_date_is_refused(door: Door, patient: str, value: str) -> None:
    answer = door.get("Encounter", f"patient={patient}&date={value}")
    assert (answer.status, numbers(read(answer))) == (400, ["59109", "59111"])


def test_a_date_without_a_zone_is_the_servers_day_not_the_utc_day(door: Door) -> None:
    """The server stands in Chicago: what happened at 02:00 Z belongs to the day before."""
    patient, at = _late_evening(door)
    base = f"patient={patient}&category=vital-signs&date"
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    utc_day, day_before = at.date().isoformat(), (at.date() - timedelta(days=1)).isoformat()
    assert stamp not in _times(door.matches("Observation", f"{base}={utc_day}"))
    assert stamp in _times(door.matches("Observation", f"{base}={day_before}"))
    assert stamp in _times(door.matches("Observation", f"{base}=ge{stamp}&date=le{stamp}"))


def _times(observations: list[dict[str, Any]]) -> set[str]:
    return {one["effectiveDateTime"] for one in observations}


def _late_evening(door: Door) -> tuple[str, datetime]:
    """A patient, and when a vital sign was taken between midnight UTC and midnight in Chicago."""
    for number in range(2000):
        for one in door.sandbox.world.chart(number).observations:
            if one.category == "vital-signs" and one.effective.hour < 5:
                return door.fhir_id(number), one.effective
    raise AssertionError("nobody was seen in the evening")


def test_orders_narrow_by_status_and_category(door: Door, patient: str) -> None:
    whole = door.matches("MedicationRequest", f"patient={patient}")
    by_status = Counter(one["status"] for one in whole)
    for status, count in by_status.items():
        assert len(door.matches("MedicationRequest", f"patient={patient}&status={status}")) == count
    assert len(door.matches("MedicationRequest", f"patient={patient}&status={','.join(by_status)}")) == len(whole)
    assert door.get("MedicationRequest", f"patient={patient}&category=nonsense").status == 400


def test_encounters_are_found_by_reason_class_and_number(door: Door, number: int, patient: str) -> None:
    whole = door.matches("Encounter", f"patient={patient}")
    one = next(encounter for encounter in whole if "reasonCode" in encounter)
    word = one["reasonCode"][0]["text"].split()[0]
    assert one["id"] in ids(door.matches("Encounter", f"patient={patient}&reason-code={word}"))
    condition = one["diagnosis"][0]["condition"]["reference"]
    assert one["id"] in ids(door.matches("Encounter", f"patient={patient}&diagnosis={condition}"))
    csn = one["identifier"][0]
    assert ids(door.matches("Encounter", f"patient={patient}&identifier={csn['system']}|{csn['value']}")) == [one["id"]]
    same_class = door.matches("Encounter", f"patient={patient}&class={one['class']['code']}")
    assert {encounter["class"]["code"] for encounter in same_class} == {one["class"]["code"]}


def test_only_active_allergies_can_be_asked_for(door: Door, patient: str) -> None:
    assert door.matches("AllergyIntolerance", f"patient={patient}&clinical-status=active")
    assert door.get("AllergyIntolerance", f"patient={patient}&clinical-status=resolved").status == 400


# Other ways to ask


def test_a_search_may_be_posted(door: Door, patient: str) -> None:
    form = f"patient={patient}&category=vital-signs&_count=3"
    answer = door.call(
        "POST", f"{FHIR}/Observation/_search", body=form, content_type="application/x-www-form-urlencoded"
    )
    assert answer.status == 200
    assert read(answer)["entry"][:3] == door.bundle("Observation", form)["entry"][:3]


def test_some_sites_take_few_types_by_post(patient: str) -> None:
    door = Door()
    door.site.settings["post_search"] = ("Observation", "DiagnosticReport")
    form = {"body": f"patient={patient}&category=laboratory", "content_type": "application/x-www-form-urlencoded"}
    assert door.call("POST", f"{FHIR}/Observation/_search", **form).status == 200
    answer = door.call("POST", f"{FHIR}/Condition/_search", **form)
    assert (answer.status, answer.header("content-type")) == (404, "text/html")
    assert door.get("Condition", f"patient={patient}").status == 200


def test_documents_are_searched_so_often_a_day_and_no_oftener(patient: str) -> None:
    door = Door()
    door.site.limits.set("documents", calls=2)
    path = f"patient={patient}"
    assert [door.get("DocumentReference", path).status for _ in range(3)] == [200, 200, 400]
    assert numbers(read(door.get("DocumentReference", path))) == ["4135"]
    assert door.get("Condition", path).status == 200
    door.sandbox.clock.advance(timedelta(days=1))
    door.tokens.clear()
    assert door.get("DocumentReference", path).status == 200


def test_provenance_comes_beside_what_it_is_about(door: Door, patient: str) -> None:
    query = f"patient={patient}&_revinclude=Provenance:target"
    entries = door.bundle("Condition", query)["entry"]
    matches = [one["resource"]["id"] for one in entries if one["search"]["mode"] == "match"]
    beside = [one["resource"] for one in entries if one["search"]["mode"] == "include"]
    assert [one["target"][0]["reference"] for one in beside] == [f"Condition/{id}" for id in matches]
    assert {one["resourceType"] for one in beside} == {"Provenance"}
    assert read(door.get(f"Provenance/{beside[0]['id']}")) == beside[0]
    other = door.bundle("Condition", f"patient={patient}&_revinclude=Observation:focus")["entry"]
    assert {one["search"]["mode"] for one in other} == {"match", "outcome"}


def test_every_page_brings_what_belongs_to_its_matches(door: Door, patient: str) -> None:
    query = f"patient={patient}&_count=2&_revinclude=Provenance:target&_include=Condition:subject"
    first = door.bundle("Condition", query)
    second = door.bundle("Condition", (link(first, "next") or "").partition("?")[2])
    for page in (first, second):
        modes = Counter(one["search"]["mode"] for one in page["entry"])
        assert modes["include"] == modes["match"] + 1
        assert page["total"] == modes["match"]


def test_drugs_may_be_included(door: Door, patient: str) -> None:
    query = f"patient={patient}&_include=MedicationRequest:medication"
    entries = door.bundle("MedicationRequest", query)["entry"]
    included = {one["resource"]["id"] for one in entries if one["search"]["mode"] == "include"}
    named = {
        one["resource"]["medicationReference"]["reference"].removeprefix("Medication/")
        for one in entries
        if one["search"]["mode"] == "match"
    }
    assert included == named
    assert {id for type, id in door.get("MedicationRequest", query).served if type == "Medication"} == named


def test_what_the_client_may_not_read_is_not_included(door: Door, number: int) -> None:
    bundle = door.bundle("Patient", f"_id={door.fhir_id(number)}&_include=*", token=door.token("demographics"))
    assert {one["resource"]["resourceType"] for one in bundle["entry"]} == {"Patient", "Practitioner", "Organization"}


def test_every_reference_leads_somewhere(door: Door, number: int, patient: str) -> None:
    types = Counter[str]()
    for type in (*COMPARTMENT, "AllergyIntolerance"):
        query = f"patient={patient}&_include=*" + ("&category=laboratory" if type == "Observation" else "")
        for entry in door.bundle(type, query)["entry"]:
            for reference in _references(entry["resource"]):
                kind, _, id = reference.partition("/")
                assert door.get(f"{kind}/{id}").status == 200, reference
                types[kind] += 1
    assert {"Patient", "Practitioner", "Location", "Organization", "Encounter", "Medication"} <= set(types)


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for one in value for found in _references(one)]
    if isinstance(value, dict):
        own = [value["reference"]] if isinstance(value.get("reference"), str) else []
        return own + [found for one in value.values() for found in _references(one)]
    return []


def test_a_smoking_status_is_dated_on_the_day_of_the_request() -> None:
    door = Door()
    number = next(
        n for n in range(200) if any(o.key == "smoking_status" for o in door.sandbox.world.chart(n).observations)
    )
    query = f"patient={door.fhir_id(number)}&category=social-history"
    first = door.matches("Observation", query)
    assert len(first) == 1
    assert first[0]["effectivePeriod"] == {"end": "2026-01-05"}
    path = f"Observation/{first[0]['id']}"
    assert read(door.get(path)) == first[0]
    door.sandbox.clock.advance(timedelta(days=1))
    door.tokens.clear()
    later = read(door.get(path))
    assert later["effectivePeriod"] == {"end": "2026-01-06"}
    assert later["issued"] == first[0]["issued"]


def test_a_write_of_another_vendor_is_seen_at_once() -> None:
    door = Door()
    world = door.sandbox.world
    person = world.person(3)
    assert person is not None
    path = f"Patient/{door.fhir_id(3)}"
    assert read(door.get(path))["name"][0]["family"] == person.family
    world.write(replace(person, family="Changed"), 3, "somebody", door.sandbox.clock.now())
    assert read(door.get(path))["name"][0]["family"] == "Changed"
    created = world.write(replace(person, number=-1), None, "somebody", door.sandbox.clock.now())
    told = read(door.get(f"Patient/{door.fhir_id(created.number)}"))
    assert "EPI" not in [one.get("type", {}).get("text") for one in told["identifier"]]
    assert told["meta"]["security"]
    assert "mrn" not in VENDOR.patient_ids(door.site, created.number)
