"""Asking Cerner: which searches are refused and how, what they find, and how pages follow each other.

Covers SOURCES.md, the claims on searches and pages. The shape of a page:

    {"resourceType": "Bundle", "id": …, "type": "searchset", "link": [self, next],
     "entry": [{"fullUrl": …, "resource": …, "search": {"mode": "match"}}]}
"""

from __future__ import annotations

import zlib
from base64 import b64decode, urlsafe_b64decode
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from simulator.vendors.cerner import VENDOR
from simulator.vendors.cerner.resources.patient import CMRN_SYSTEM, MRN_SYSTEM
from tests.simulator.vendors.cerner_desk import BASE, Desk, has_code, query_of


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


@pytest.fixture(scope="module")
def busy(desk: Desk) -> int:
    """The patient with most results among the first ones."""
    return max(range(40), key=lambda number: len(desk.sandbox.world.chart(number).observations))


# Refused questions


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "Patient?totally-unknown=1",
            "at least one of _id, identifier, name, family, given, birthdate, phone, email, address-postalcode, "
            "or -pageContext must be provided",
        ),
        ("Patient?gender=female", "at least one of _id, identifier"),
        ("Condition?category=problem-list-item", "at least one of _id, patient, or subject must be provided"),
        ("AllergyIntolerance", "at least one of _id or patient must be provided"),
        ("Patient?_id=1&family=Smith", "_id may not be provided with other parameters"),
        ("Patient?family=Smith,Jones", "multiple values for query parameter is not supported"),
        ("Patient?family=Smith&family=Jones", "multiple values for query parameter is not supported"),
        ("Patient?name=Smith&given=Ann", "name and given may not be provided together"),
        ("Patient?family=Smith&birthdate=2000-01-01T00:00:00Z", "birthdate: must not have a time"),
        ("Patient?family=Smith&birthdate=sa2000-01-01", "birthdate: prefix must be one of"),
        ("Patient?family=Smith&birthdate=gt2000-01-01&birthdate=ge2001-01-01", "birthdate: two dates must be"),
        ("Observation?patient=1&subject=Patient/1", "only one of patient or subject may be provided"),
        ("Observation?patient=1&date=ge2020&_lastUpdated=ge2020", "date and _lastUpdated may not be provided together"),
        ("Observation?patient=1&_count=0", "_count: must be a positive integer"),
        ("Observation?patient=1&date=tomorrow", "date: invalid date"),
        ("Encounter?patient=1&date=2020-01-01", "date: prefix must be one of ge, gt, le, lt"),
        ("Encounter?subject=Patient/1&status=finished", "status may only be provided with patient"),
        ("MedicationRequest?patient=1&_lastUpdated=ge2020-01-01", "_lastUpdated: must have a time"),
        ("MedicationRequest?patient=1&-timing-boundsPeriod=le2020-01-01T00:00:00Z", "prefix must be one of ge"),
        ("Immunization?patient=1&date=gt2020", "date: prefix must be one of le, ge"),
        ("Immunization?patient=1,2", "multiple values for query parameter is not supported"),
        ("Condition?patient=1&_revinclude=Provenance:agent", "_revinclude: must be Provenance:target"),
        ("Observation?patient=1&-pageContext=nonsense", "-pageContext: invalid value"),
    ],
)
def test_a_question_against_the_rules_is_refused_with_its_reason(desk: Desk, path: str, text: str) -> None:
    answer = desk.get(path)
    assert answer.status == 400
    issue = answer.json["issue"][0]
    assert (issue["severity"], issue["code"]) == ("error", "invalid")
    assert "diagnostics" not in issue
    assert text in issue["details"]["text"]


def test_an_unknown_parameter_beside_a_known_one_is_ignored(desk: Desk, busy: int) -> None:
    plain = desk.get("Condition", {"patient": desk.patient(busy)})
    assert desk.get("Condition", {"patient": desk.patient(busy), "unheard-of": "x", "_sort": "-date"}).ids == plain.ids


def test_more_than_a_thousand_patients_are_refused_not_paged() -> None:
    desk = Desk(patients=20_000)
    answer = desk.get("Patient", {"birthdate": "ge1900-01-01"})
    assert answer.status == 422
    assert "1000 patients" in answer.text


# Empty answers


@pytest.mark.parametrize("type", ["Condition", "AllergyIntolerance", "Observation", "MedicationRequest", "Encounter"])
def test_an_empty_bundle_has_no_entry_and_no_total(desk: Desk, type: str) -> None:
    answer = desk.get(type, {"patient": "12999999"})
    assert answer.status == 200
    assert set(answer.json) == {"resourceType", "id", "type", "link"}


# Patients


def test_patients_are_found_by_every_number_that_is_valid_today(desk: Desk) -> None:
    number = 17
    ids = VENDOR.patient_ids(desk.site, number)
    resource = desk.get(f"Patient/{ids['fhir_id']}").json
    ended = next(one for one in resource["identifier"] if "end" in one.get("period", {}))
    community = next(one for one in resource["identifier"] if one.get("system") == CMRN_SYSTEM)
    found = [
        f"{MRN_SYSTEM}|{ids['mrn']}",
        ids["mrn"],
        f"{CMRN_SYSTEM}|{community['value']}",
        f"|{ids['fhir_id']}",
    ]
    for identifier in found:
        assert desk.get("Patient", {"identifier": identifier}).ids == [ids["fhir_id"]], identifier
    for identifier in (f"{MRN_SYSTEM}|{ended['value']}", f"urn:oid:1.2.3|{ids['mrn']}", "1", "abc"):
        assert desk.get("Patient", {"identifier": identifier}).ids == [], identifier


def test_a_social_security_number_finds_but_is_never_shown(desk: Desk) -> None:
    world = desk.sandbox.world
    number, ssn = next((n, person.ssn) for n in range(100) if (person := world.person(n)) is not None and person.ssn)
    answer = desk.get("Patient", {"identifier": f"http://hl7.org/fhir/sid/us-ssn|{ssn}"})
    assert answer.ids == [desk.patient(number)]
    assert ssn.encode() not in answer.body.replace(b"identifier=http", b"")[answer.body.index(b'"entry"') :]


def test_names_search_from_their_start_unless_exact(desk: Desk) -> None:
    person = desk.sandbox.world.chart(5).person
    mine = desk.patient(5)
    for params in (
        {"family": person.family[:3].lower(), "birthdate": person.birth_date.isoformat()},
        {"family:exact": person.family, "given": person.given[0]},
        {"name": person.family, "birthdate": f"le{person.birth_date}"},
        {"name": person.given[0], "birthdate": f"eq{person.birth_date}"},
        {"family": person.family, "gender": person.gender},
        {"family": person.family, "address-postalcode": person.addresses[0].zip},
    ):
        found = [id for page in desk.pages("Patient", params) for id in page.ids]
        assert mine in found, params
        assert len(found) == len(set(found))
    assert desk.get("Patient", {"family:exact": person.family[:-1], "given": person.given[0]}).ids == []
    other = "male" if person.gender != "male" else "female"
    assert mine not in desk.get("Patient", {"family": person.family, "given": person.given[0], "gender": other}).ids


def test_old_names_find_nobody(desk: Desk) -> None:
    for number in range(12):
        names = desk.get(f"Patient/{desk.patient(number)}").json["name"]
        old = names[-1]
        assert old["use"] == "old"
        params = {"family": old["family"], "given:exact": old["given"][0].replace("\u0000", "x")}
        assert desk.patient(number) not in desk.get("Patient", params).ids


def test_patients_come_twenty_at_a_time(desk: Desk) -> None:
    pages = desk.pages("Patient", {"birthdate": "ge1990-01-01"})
    world = desk.sandbox.world
    expected = {desk.patient(n) for n in world.find() if world.person(n).birth_date.year >= 1990}
    found = [id for page in pages for id in page.ids]
    assert all(len(page.ids) == 20 for page in pages[:-1])
    assert len(found) == len(set(found))
    assert set(found) == expected


# Charts


def test_condition_allergy_and_immunization_are_never_paged(desk: Desk, busy: int) -> None:
    for type in ("Condition", "AllergyIntolerance", "Immunization"):
        answer = desk.get(type, {"patient": desk.patient(busy)})
        assert answer.next is None
        assert answer.ids == [payload["id"] for payload in desk.payloads(busy, type)]
    assert desk.get("Immunization", {"patient": desk.patient(busy)}).json["total"] == len(answer.ids)


def test_every_search_lists_what_reads_give(desk: Desk, busy: int) -> None:
    for type in ("Encounter", "Condition", "MedicationRequest", "Observation", "Immunization"):
        answer = desk.get(type, {"patient": desk.patient(busy)})
        for resource in answer.resources[:8]:
            read = desk.get(f"{type}/{resource['id']}")
            assert read.json == resource
            assert read.headers["etag"] == f'W/"{resource["meta"]["versionId"]}"'
        assert answer.x.reply is not None
        assert answer.x.reply.served == tuple((type, id) for id in answer.ids)


@pytest.mark.parametrize(
    ("type", "size", "form"),
    [("Encounter", 10, 36), ("MedicationRequest", 2, 100), ("Observation", 50, 100)],
)
def test_pages_cover_everything_and_end(desk: Desk, busy: int, type: str, size: int, form: int) -> None:
    number = busy
    if type == "MedicationRequest":
        number = max(range(40), key=lambda n: len(desk.sandbox.world.chart(n).medications))
    patient = desk.patient(number)
    pages = desk.pages(type, {"patient": patient} if size >= 10 else {"patient": patient, "_count": size})
    assert len(pages) > 1
    found = {id for page in pages for id in page.ids}
    assert found == {payload["id"] for payload in desk.payloads(number, type)}
    context = query_of(str(pages[0].next))["-pageContext"][0]
    assert len(context) >= form
    assert query_of(str(pages[0].next))["patient"] == [patient]
    assert query_of(str(pages[0].next))["-pageDirection"] == ["NEXT"]
    assert pages[1].x.notes["page"] == 2
    assert all(str(page.next).startswith(BASE) for page in pages[:-1])
    assert all(len(page.ids) <= size for page in pages[1:])


def test_page_contexts_are_spelled_differently_and_mean_nothing_to_a_caller(desk: Desk, busy: int) -> None:
    contexts = {}
    for type in ("Encounter", "MedicationRequest", "Observation"):
        number = (
            busy
            if type != "MedicationRequest"
            else max(range(40), key=lambda n: len(desk.sandbox.world.chart(n).medications))
        )
        found = desk.get(
            type, {"patient": desk.patient(number)} | ({"_count": 1} if type == "MedicationRequest" else {})
        )
        assert "total" not in found.json
        contexts[type] = query_of(str(found.next))["-pageContext"][0]
    assert str(UUID(contexts["Encounter"])) == contexts["Encounter"]
    assert b64decode(contexts["MedicationRequest"]).startswith(b"OpenPlatformFhirContext=true&pageContext=")
    assert zlib.decompress(urlsafe_b64decode(contexts["Observation"]))
    assert "%3D" in str(found.next) or "=" not in contexts["Observation"]


def test_an_observation_comes_again_on_the_next_page(desk: Desk, busy: int) -> None:
    pages = desk.pages("Observation", {"patient": desk.patient(busy), "category": "vital-signs"})
    assert all(pages[n].ids[-1] == pages[n + 1].ids[0] for n in range(len(pages) - 1))
    plain = Desk(repeat_across_pages=False)
    single = [id for page in plain.pages("Observation", {"patient": plain.patient(busy)}) for id in page.ids]
    assert len(single) == len(set(single))


def test_social_history_comes_whole_on_the_first_page(desk: Desk) -> None:
    number = max(
        range(60),
        key=lambda n: sum(one.category == "social-history" for one in desk.sandbox.world.chart(n).observations),
    )
    history = [one["id"] for one in desk.payloads(number, "Observation") if one["id"].startswith("SH-")]
    assert len(history) > 2
    first = desk.get("Observation", {"patient": desk.patient(number), "_count": 2})
    assert first.ids == history
    second = desk.get(str(first.next))
    assert len(second.ids) == 2
    assert not any(id.startswith("SH-") for id in second.ids)


def test_observation_pages_hold_two_hundred_at_most(desk: Desk, busy: int) -> None:
    answer = desk.get("Observation", {"patient": desk.patient(busy), "_count": 5000})
    assert len(answer.ids) == 200


def test_a_site_can_be_told_to_make_small_pages() -> None:
    desk = Desk(max_page=3)
    for type in ("Observation", "Encounter", "MedicationRequest"):
        pages = desk.pages(
            type,
            {"patient": desk.patient(0), "_count": 50, "_lastUpdated": "ge2024-01-01T00:00:00Z"}
            if type != "Encounter"
            else {"patient": desk.patient(0)},
        )
        assert all(len(page.ids) <= 3 for page in pages[1:])


def test_encounter_pages_go_from_the_oldest_on(desk: Desk, busy: int) -> None:
    pages = desk.pages("Encounter", {"patient": desk.patient(busy)})
    starts = [[one["period"]["start"] for one in page.resources if "period" in one] for page in pages]
    assert all(max(starts[n]) <= min(starts[n + 1]) for n in range(len(starts) - 1) if starts[n] and starts[n + 1])


def test_a_page_context_of_another_type_or_an_old_one_is_refused() -> None:
    desk = Desk()
    params = {"patient": desk.patient(0), "_count": 2}
    link = str(desk.get("Encounter", params).next)
    assert desk.get(link.replace("/Encounter?", "/Patient?")).status == 400
    desk.sandbox.clock.advance(timedelta(hours=1))
    desk._token = ""
    stale = desk.get(link)
    assert stale.status == 400
    assert "-pageContext" in stale.text


def test_paging_goes_on_with_a_fresh_token() -> None:
    desk = Desk()
    link = str(desk.get("Encounter", {"patient": desk.patient(0), "_count": 2}).next)
    desk.sandbox.clock.advance(timedelta(seconds=571))
    assert desk.get(link).status == 401
    desk._token = ""
    assert desk.get(link).status == 200


def test_dates_and_codes_narrow_a_search(desk: Desk, busy: int) -> None:
    patient = desk.patient(busy)
    everything = desk.payloads(busy, "Observation")

    def ids(**params: str) -> set[str]:
        sent = {name.replace("__", "-"): value for name, value in params.items()}
        return {id for page in desk.pages("Observation", {"patient": patient} | sent) for id in page.ids}

    late = {one["id"] for one in everything if one["effectiveDateTime"] >= "2024-01-01"}
    assert 0 < len(late) < len(everything)
    assert ids(date="ge2024-01-01") == late
    assert ids(date="lt2024-01-01") == {one["id"] for one in everything} - late
    labs = {one["id"] for one in everything if has_code(one["category"][0], "laboratory")}
    assert ids(category="laboratory") == labs
    assert ids(category="laboratory,vital-signs") == labs | {
        one["id"] for one in everything if has_code(one["category"][0], "vital-signs")
    }
    weights = {one["id"] for one in everything if has_code(one["code"], "29463-7")}
    assert ids(code="http://loinc.org|29463-7") == weights
    assert ids(code="http://loinc.org|29463-7", date="ge2024-01-01") == weights & late
    local = next(coding for coding in everything[0]["code"]["coding"] if coding.get("userSelected"))
    assert ids(code=f"{local['system']}|{local['code']}") == set()
    assert ids(_lastUpdated="ge2024-01-01T00:00:00Z") == {
        one["id"] for one in everything if one["meta"]["lastUpdated"] >= "2024-01-01"
    }


def test_a_blood_pressure_is_found_by_the_panel_only(desk: Desk, busy: int) -> None:
    patient = desk.patient(busy)
    panel = desk.get("Observation", {"patient": patient, "code": "http://loinc.org|85354-9"})
    assert panel.ids
    assert all(id.startswith("BP-") for id in panel.ids)
    for code in ("8480-6", "8462-4"):
        assert desk.get("Observation", {"patient": patient, "code": code}).ids == []


def test_an_encounter_finds_its_diagnoses_and_every_problem(desk: Desk) -> None:
    number = next(n for n in range(60) if any(one["id"].startswith("d") for one in desk.payloads(n, "Condition")))
    everything = desk.payloads(number, "Condition")
    diagnosis = next(one for one in everything if one["id"].startswith("d") and "encounter" in one)
    encounter = diagnosis["encounter"]["reference"].partition("/")[2]
    found = desk.get("Condition", {"patient": desk.patient(number), "encounter": encounter}).ids
    problems = {one["id"] for one in everything if one["id"].startswith("p")}
    diagnoses = {
        one["id"] for one in everything if one.get("encounter", {}).get("reference") == f"Encounter/{encounter}"
    }
    assert set(found) == problems | diagnoses
    narrow = {"patient": desk.patient(number), "encounter": encounter, "category": "encounter-diagnosis"}
    assert set(desk.get("Condition", narrow).ids) == diagnoses


def test_statuses_and_intents_search_as_they_are_told(desk: Desk, busy: int) -> None:
    patient = desk.patient(busy)
    for type, name in (("Encounter", "status"), ("MedicationRequest", "intent"), ("MedicationRequest", "status")):
        everything = desk.payloads(busy, type)
        for value in {one[name] for one in everything}:
            found = {id for page in desk.pages(type, {"patient": patient, name: value}) for id in page.ids}
            assert found == {one["id"] for one in everything if one[name] == value}
    active = desk.get("Condition", {"patient": patient, "clinical-status": "active"}).resources
    assert active
    assert all(has_code(one["clinicalStatus"], "active") for one in active)


def test_a_visit_is_found_by_its_account_number(desk: Desk, busy: int) -> None:
    visit = desk.payloads(busy, "Encounter")[3]
    assert desk.get("Encounter", {"identifier": visit["identifier"][0]["value"]}).ids == [visit["id"]]
    assert desk.get("Encounter", {"identifier": "123456789"}).ids == []


def test_ids_come_in_the_order_asked_and_unknown_ones_are_left_out(desk: Desk, busy: int) -> None:
    ids = [payload["id"] for payload in desk.payloads(busy, "Observation")[:3]][::-1]
    assert desk.get("Observation", {"_id": ",".join([ids[0], "L-1", *ids[1:], ids[0]])}).ids == ids


def test_references_resolve(desk: Desk, busy: int) -> None:
    wanted: set[str] = set()

    def collect(thing: Any) -> None:
        if isinstance(thing, dict):
            reference = thing.get("reference")
            if isinstance(reference, str) and not reference.startswith("#"):
                wanted.add(reference)
            for member in thing.values():
                collect(member)
        elif isinstance(thing, list):
            for member in thing:
                collect(member)

    for type in ("Patient", "Encounter", "Condition", "AllergyIntolerance", "MedicationRequest", "Immunization"):
        collect(desk.payloads(busy, type))
    collect(desk.payloads(busy, "Observation")[:40])
    wanted.add("Practitioner/1")
    assert {reference.partition("/")[0] for reference in wanted} >= {
        "Patient",
        "Practitioner",
        "Location",
        "Organization",
    }
    for reference in wanted:
        read = desk.get(reference)
        assert read.status == 200, reference
        assert f"{read.json['resourceType']}/{read.json['id']}" == reference


def test_provenance_names_its_target(desk: Desk, busy: int) -> None:
    params = {"patient": desk.patient(busy), "_revinclude": "Provenance:target"}
    answer = desk.get("AllergyIntolerance", params)
    matches = [entry["resource"]["id"] for entry in answer.entries if entry["search"]["mode"] == "match"]
    included = [entry["resource"] for entry in answer.entries if entry["search"]["mode"] == "include"]
    assert [one["target"][0]["reference"] for one in included] == [f"AllergyIntolerance/{id}" for id in matches]
    pages = desk.pages("Observation", params)
    assert all(any(entry["search"]["mode"] == "include" for entry in page.entries) for page in pages)


# Bad records


def test_one_bad_record_takes_the_whole_search_with_it() -> None:
    desk = Desk()
    everything = desk.payloads(0, "Condition")
    bad = everything[0]
    desk.site.settings["poisoned"] = (f"Condition/{bad['id']}",)
    answer = desk.get("Condition", {"patient": desk.patient(0)})
    assert answer.status == 500
    issue = answer.json["issue"][0]
    assert (issue["severity"], issue["code"], issue["location"]) == ("fatal", "required", ["/f:Condition/f:status"])
    assert desk.get(f"Condition/{bad['id']}").status == 500
    around = desk.get("Condition", {"patient": desk.patient(0), "_lastUpdated": f"gt{bad['meta']['lastUpdated']}"})
    assert around.status == 200
    assert bad["id"] not in around.ids


# Writes of others


def test_what_is_written_to_the_world_is_seen_here() -> None:
    desk = Desk()
    world = desk.sandbox.world
    chart = world.chart(0)
    before = desk.get("Condition", {"patient": desk.patient(0)}).ids
    old = desk.get(f"Condition/{before[0]}")
    now = desk.sandbox.clock.now()
    world.write(replace(chart.conditions[0], clinical_status="inactive"), 0, "test", now)
    world.write(replace(chart.conditions[0], ordinal=-1, text="Something new"), 0, "test", now)
    after = desk.get("Condition", {"patient": desk.patient(0)})
    assert len(after.ids) == len(before) + 1
    assert any(one["code"]["text"] == "Something new" for one in after.resources)
    changed = desk.get(f"Condition/{old.json['id']}")
    assert has_code(changed.json["clinicalStatus"], "inactive")
    assert changed.headers["etag"] != old.headers["etag"]
    assert changed.json["meta"]["lastUpdated"] == "2026-01-05T12:00:00.000Z"
    number = world.write(replace(chart.person, family="Newcomer", number=-1), None, "test", now).number
    assert VENDOR.patient_of(desk.site, desk.patient(number)) == number
    assert desk.get("Patient", {"family": "Newcomer"}).ids == [desk.patient(number)]
    assert desk.get(f"Patient/{desk.patient(number)}").json["name"][0]["family"] == "Newcomer"
