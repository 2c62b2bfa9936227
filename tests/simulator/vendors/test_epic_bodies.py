"""What Epic's resources look like. SOURCES.md, "Resources"; traps E10, E12-E17, E34, E40.

How they compare with recorded answers: `test_epic_shapes`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from simulator.auth.sub_resources import SETTING as SUB_RESOURCES
from simulator.fhir import build
from simulator.population.records import Observation
from simulator.vendor import Rendering
from simulator.vendors.epic import VENDOR, ids, resources
from simulator.vendors.epic.resources import SERVED
from tests.simulator.vendors.epic_door import Door, read, sandbox
from tests.simulator.vendors.epic_shapes import SAMPLES, references

LOINC = "http://loinc.org"


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


@pytest.fixture(scope="module")
def told(door: Door) -> list[Rendering]:
    """Everything that is told of forty patients who are drawn."""
    return [one for number in range(40, 80) for one in VENDOR.renderings(door.site, number)]


def of(told: list[Rendering], type: str) -> Iterator[dict[str, Any]]:
    return (one.payload for one in told if one.type == type)


def first(told: list[Rendering], type: str, **having: str) -> dict[str, Any]:
    """The first payload of a type that has these members."""
    return next(one for one in of(told, type) if all(name in one for name in having))


def observed(told: list[Rendering], key: str) -> list[tuple[dict[str, Any], Observation]]:
    """(payload, truth) of what was measured under a row of labs.csv."""
    return [
        (one.payload, record)
        for one in told
        for record in one.records[:1]
        if isinstance(record, Observation) and record.key == key
    ]


# Every body


def test_every_type_is_valid_fhir(door: Door, told: list[Rendering]) -> None:
    """One of each shape of each type; no deviation from R4 is deliberate in these types."""
    seen: set[tuple[str, ...]] = set()
    bodies = [one.payload for one in told]
    bodies += [read(door.get(f"{reference}")) for reference in _places(door, told)]
    for body in bodies:
        shape = (body["resourceType"], *sorted(body), str(body.get("category", "")))
        if shape not in seen:
            seen.add(shape)
            get_fhir_model_class(body["resourceType"]).model_validate(json.loads(build.dumps(body)))
    assert {shape[0] for shape in seen} == set(SERVED)


def _places(door: Door, told: list[Rendering]) -> set[str]:
    """What no listing holds: it is reached by references, and by ids that other parts of the room give."""
    encounter, patient = first(told, "Encounter"), first(told, "Patient")
    return {
        _rare(door, "Device"),
        f"Provenance/{resources.provenance_id(door.site, encounter['id'])}",
        f"Provenance/{resources.provenance_id(door.site, patient['id'])}",
        f"Group/{ids.fhir_id(door.site.key, 'Group', 0)}",
        f"PractitionerRole/{ids.fhir_id(door.site.key, 'PractitionerRole', 0)}",
        first(told, "QuestionnaireResponse")["questionnaire"],
        first(told, "DocumentReference")["content"][0]["attachment"]["url"],
        encounter["location"][0]["location"]["reference"],
        encounter["serviceProvider"]["reference"],
        patient["generalPractitioner"][0]["reference"],
    }


def _rare(door: Door, type: str) -> str:
    """The first resource of a type that few patients have."""
    for number in range(600):
        t = resources.telling(door.site, number)
        for item in resources.TOLD[type].items(t) if t is not None else ():
            return f"{type}/{resources.TOLD[type].id_of(t, item)}"
    raise AssertionError(f"nobody has a {type}")


def test_what_is_served_is_what_is_told(door: Door, told: list[Rendering]) -> None:
    for one in told[:: max(1, len(told) // 80)]:
        assert door.get(f"{one.type}/{one.id}").body == build.dumps(one.payload)


def test_the_same_seed_gives_the_same_bytes(door: Door, told: list[Rendering]) -> None:
    again, other = Door(sandbox()), Door(sandbox(seed=8))
    for number in (3, 17):
        bodies = [build.dumps(one.payload) for one in VENDOR.renderings(again.site, number)]
        assert bodies == [build.dumps(one.payload) for one in VENDOR.renderings(door.site, number)]
    path = f"Patient/{again.fhir_id(5)}"
    assert again.get(path).body == door.get(path).body
    assert again.get(path).headers == door.get(path).headers
    assert again.fhir_id(5) != other.fhir_id(5)


def test_ids_are_unique_and_some_differ_only_in_case(told: list[Rendering]) -> None:
    given = [one.id for one in told if one.type != "Medication"]
    assert len(set(given)) == len(given)
    assert len({id.lower() for id in given}) < len(given)
    assert len({id[:36] for id in given}) < len(given)
    assert max(map(len, given)) <= 64
    assert any("." in id for id in given)
    assert any("-" in id for id in given)


def test_nothing_tells_when_it_changed(told: list[Rendering]) -> None:
    assert not any("meta" in one.payload for one in told)
    assert {one.type for one in told if "text" in one.payload} == {"CarePlan"}


def test_an_id_of_nothing_is_59008(door: Door, told: list[Rendering]) -> None:
    """Made up; of another type; of a record that another resource tells."""
    diastolic = next(one.records[1] for one in told if len(one.records) == 2)
    number = next(number for number in range(40, 80) if diastolic in door.sandbox.world.chart(number).observations)
    hidden = ids.fhir_id(door.site.key, "Observation", number, diastolic.ordinal)
    beyond = ids.fhir_id(door.site.key, "Condition", number, 9_999)
    for path in ("Patient/eNothing3", f"Condition/{door.fhir_id(1)}", f"Observation/{hidden}", f"Condition/{beyond}"):
        answer = door.get(path)
        assert answer.status == 404, path
        (issue,) = read(answer)["issue"]
        assert issue["details"]["coding"][0]["code"] == "59008"
        assert (issue["severity"], issue["location"]) == ("fatal", ["/f:id"])


# Patient


def test_the_name_comes_twice_and_a_maiden_name_is_old(told: list[Rendering]) -> None:
    uses = []
    for patient in of(told, "Patient"):
        official, usual, *more = patient["name"]
        assert {**official, "use": "usual"} == usual
        assert official["use"] == "official"
        uses += [one["use"] for one in more]
    assert {"old"} <= set(uses) <= {"old", "nickname"}


def test_a_patient_has_epics_extensions_with_the_url_behind_the_value(told: list[Rendering]) -> None:
    patient = first(told, "Patient")
    urls = [one["url"].rpartition("/")[2] for one in patient["extension"]]
    assert urls[:5] == ["legal-sex", "sex-for-clinical-use", "us-core-race", "us-core-ethnicity", "us-core-sex"]
    assert list(patient["extension"][0])[-1] == "url"


def test_an_unknown_race_is_a_null_flavor_and_an_unknown_ethnicity_a_word(told: list[Rendering]) -> None:
    said = {"us-core-race": set[str](), "us-core-ethnicity": set[str]()}
    for patient in of(told, "Patient"):
        for extension in patient["extension"]:
            name = extension["url"].rpartition("/")[2]
            if name in said:
                inner = extension["extension"]
                said[name] |= {one["valueCoding"]["code"] for one in inner if one["url"] == "ombCategory"}
                assert inner[-1]["url"] == "text"
                if len(inner) == 1:
                    said[name].add(inner[0]["valueString"])
    assert "UNK" in said["us-core-race"]
    assert "Unknown" in said["us-core-ethnicity"]
    assert "2186-5" in said["us-core-ethnicity"]


def test_birth_sex_is_told_the_old_way_on_request() -> None:
    older = Door(sandbox(vendor=VENDOR.variant("epic", defaults={"sex_extension": "us-core-birthsex"})))
    patient = read(older.get(f"Patient/{older.fhir_id(1)}"))
    sex = next(one for one in patient["extension"] if one["url"].endswith("us-core-birthsex"))
    assert sex["valueCode"] in ("F", "M")


def test_telecoms_are_formatted_and_mail_has_no_use(told: list[Rendering]) -> None:
    telecoms = [one for patient in of(told, "Patient") for one in patient.get("telecom", [])]
    assert all("use" not in one for one in telecoms if one["system"] == "email")
    assert all(
        one["value"].startswith("+1 ") and len(one["value"]) == 15 for one in telecoms if one["system"] == "phone"
    )


# Observation


def test_vital_signs_have_8716_3_among_their_codes_often_first(told: list[Rendering]) -> None:
    for payload, truth in observed(told, "hr"):
        loincs = [one["code"] for one in payload["code"]["coding"] if one["system"] == LOINC]
        assert loincs == sorted(loincs)
        assert loincs[0] == "8716-3"
        assert truth.code.code in loincs
        assert payload["code"]["coding"][0]["system"].startswith("urn:oid:1.2.840.114350")
        assert payload["code"]["text"] == "Pulse"


def test_a_blood_pressure_is_one_resource_with_two_components(told: list[Rendering]) -> None:
    pressures = [one for one in told if len(one.records) == 2]
    assert pressures
    for one in pressures:
        assert [component["code"]["coding"][0]["code"] for component in one.payload["component"]] == [
            "8480-6",
            "8462-4",
        ]
        assert "valueQuantity" not in one.payload
        assert "85354-9" in [coding["code"] for coding in one.payload["code"]["coding"]]
    assert not [one for one in told for record in one.records[:1] if getattr(record, "key", "") == "dbp"]


def test_a_childs_measures_bring_percentiles_that_tell_no_record(told: list[Rendering]) -> None:
    beside = [one for one in told if one.type == "Observation" and one.is_aside]
    bmi = [one.payload for one in beside if one.payload["code"]["coding"][0]["code"] == "59576-9"]
    length = [one.payload for one in beside if one.payload["code"]["coding"][0]["code"] == "77606-2"]
    assert bmi
    assert length
    assert all(0 <= one["valueQuantity"]["value"] < 100 for one in bmi)
    assert all("valueQuantity" not in one for one in length)
    assert {one["dataAbsentReason"]["coding"][0]["code"] for one in length} == {"not-applicable"}


def test_a_smoking_status_is_coded_twice_and_worded_by_epic(told: list[Rendering]) -> None:
    statuses = [payload for payload, _ in observed(told, "smoking_status")]
    assert statuses
    for one in statuses:
        assert [coding["code"] for coding in one["code"]["coding"]] == ["72166-2", "365980008"]
        assert one["code"]["text"] == "Smoking History"
        is_unknown = one["valueCodeableConcept"]["coding"][0]["code"] == "266927001"
        assert (one["valueCodeableConcept"]["text"] == "Never Assessed") == is_unknown


def test_a_hemoglobin_a1c_has_no_unit(told: list[Rendering]) -> None:
    measured = observed(told, "a1c")
    assert measured
    assert all(set(payload["valueQuantity"]) == {"value"} for payload, _ in measured)


def test_some_units_have_no_code(told: list[Rendering]) -> None:
    payload, truth = observed(told, "rbc")[0]
    assert truth.unit == "10*6/uL"
    assert payload["valueQuantity"]["unit"] == "10*6/µL"
    assert "code" not in payload["valueQuantity"]
    bounds = payload["referenceRange"][0]
    assert bounds["text"].endswith("10*6/µL")
    assert bounds["low"]["unit"] == "10*6/µL"


def test_a_range_with_one_bound_is_text_only(told: list[Rendering]) -> None:
    high = [payload["referenceRange"] for payload, _ in observed(told, "ldl")]
    low = [payload["referenceRange"] for payload, _ in observed(told, "egfr")]
    assert high[0] == [{"text": "<=100"}]
    assert low[0] == [{"text": ">=60"}]


def test_findings_are_strings_and_the_flag_a_text(told: list[Rendering]) -> None:
    findings = [payload for payload, truth in observed(told, "ua_protein") if truth.interpretation in (None, "N")]
    assert findings
    assert all(isinstance(one["valueString"], str) for one in findings)
    assert all(one["interpretation"] == [{"text": "(NONE)"}] for one in findings)


def test_normal_results_have_no_flag_and_abnormal_ones_a_coded_one(told: list[Rendering]) -> None:
    flags = {}
    for payload, truth in observed(told, "glucose"):
        told_flag = payload.get("interpretation", [{}])[0]
        flags.setdefault(truth.interpretation, told_flag.get("coding", [{}])[0].get("code"))
    assert flags["N"] is None
    assert flags["H"] == "H"


def test_trailing_zeros_are_lost_in_numbers_and_kept_in_the_text_of_a_range(told: list[Rendering]) -> None:
    payload, truth = next((p, t) for p, t in observed(told, "creatinine") if str(t.value).endswith("0"))
    assert payload["valueQuantity"]["value"] == truth.value
    assert not str(payload["valueQuantity"]["value"]).endswith("0")
    assert payload["referenceRange"][0]["text"].startswith(f"{truth.low} - {truth.high}")


# Orders and drugs


def test_an_order_has_three_doses_of_which_one_is_the_dose(told: list[Rendering]) -> None:
    differing = 0
    for one in (one for one in told if one.type == "MedicationRequest"):
        (dosage,) = one.payload["dosageInstruction"]
        kinds = {each["type"]["coding"][0]["code"]: each["doseQuantity"] for each in dosage["doseAndRate"]}
        assert list(kinds) == ["calculated", "admin-amount", "ordered"]
        truth = one.records[0].dosage  # type: ignore[union-attr]
        assert (kinds["ordered"]["value"], kinds["ordered"]["unit"]) == (truth.dose, truth.unit)
        differing += kinds["calculated"]["unit"] != kinds["ordered"]["unit"]
        assert dosage["text"].startswith(truth.text + ", Starting ")
        assert dosage["patientInstruction"] == truth.text
    assert differing


def test_drugs_come_by_reference_and_their_codes_without_a_word(door: Door, told: list[Rendering]) -> None:
    order = first(told, "MedicationRequest")
    assert "medicationCodeableConcept" not in order
    assert "contained" not in order
    drug = read(door.get(order["medicationReference"]["reference"]))
    rxnorm = [one for one in drug["code"]["coding"] if one["system"] == build.SYSTEMS["rxnorm"]]
    assert all("display" not in one for one in rxnorm)
    assert [one["code"] for one in rxnorm] == sorted((one["code"] for one in rxnorm), key=int)
    assert drug["code"]["coding"][0]["system"].startswith("urn:oid:")
    assert drug["code"]["text"] == order["medicationReference"]["display"]


def test_most_drugs_have_the_ingredients_code_before_the_products(told: list[Rendering]) -> None:
    first_is_ingredient = 0
    for drug in of(told, "Medication"):
        rxnorm = [one["code"] for one in drug["code"]["coding"] if one["system"] == build.SYSTEMS["rxnorm"]]
        first_is_ingredient += len(rxnorm) == 2
    assert first_is_ingredient


# Allergies, conditions, encounters, immunizations


def test_nothing_on_file_is_a_resource_that_tells_no_record(door: Door, told: list[Rendering]) -> None:
    silent = next(one for one in told if one.type == "AllergyIntolerance" and not one.records)
    assert silent.payload["code"]["text"] == "Not on File"
    assert silent.payload["code"]["coding"][0]["code"] == "1631000175102"
    patient = silent.payload["patient"]["reference"]
    bundle = door.bundle("AllergyIntolerance", f"patient={patient}")
    assert bundle["total"] == 1
    assert bundle["entry"][0]["resource"]["id"] == silent.id


def test_a_reaction_has_a_word_for_a_code(told: list[Rendering]) -> None:
    words = [
        manifestation
        for allergy in of(told, "AllergyIntolerance")
        for reaction in allergy.get("reaction", [])
        for manifestation in reaction["manifestation"]
    ]
    assert words
    for one in words:
        assert one["coding"] == [{"system": build.SYSTEMS["snomed"], "code": one["text"]}]
        assert not one["text"].isdigit()


def test_problems_have_icd_first_and_visit_diagnoses_snomed(told: list[Rendering]) -> None:
    firsts: dict[str, set[str]] = {}
    for condition in of(told, "Condition"):
        category = condition["category"][0]["coding"][0]["code"]
        firsts.setdefault(category, set()).add(condition["code"]["coding"][0]["system"])
        extra = {one["coding"][0]["code"] for one in condition["category"][1:]}
        assert extra - {"sdoh"} == ({"visit-diagnosis"} if category == "encounter-diagnosis" else set())
        assert len(condition["recordedDate"]) == 10
    assert firsts["problem-list-item"] == {build.SYSTEMS["icd10cm"]}
    assert firsts["encounter-diagnosis"] == {build.SYSTEMS["snomed"]}


def test_some_texts_end_in_the_mark_of_risk_adjustment(told: list[Rendering]) -> None:
    texts = {condition["code"]["text"] for condition in of(told, "Condition")}
    assert any(text.endswith(" (CMS/HCC)") for text in texts)
    assert any(not text.endswith(" (CMS/HCC)") for text in texts)


def test_encounter_classes_are_epics_own_and_map_back(told: list[Rendering]) -> None:
    mapping = VENDOR.defaults["mappings"]["encounter_class"]
    for one in (one for one in told if one.type == "Encounter"):
        assert one.payload["class"]["code"] in ("1", "4", "5", "10", "13")
        codings = [coding for concept in one.payload["type"] for coding in concept["coding"]]
        known = [mapping.get(f"{coding['system']}|{coding['code']}") for coding in codings]
        last = next(code for code in reversed(known) if code)
        assert not one.records or last == one.records[0].class_code  # type: ignore[union-attr]


def test_some_contacts_are_no_visits(told: list[Rendering]) -> None:
    """Orders without a visit, and the case that was booked for an operation: they tell no record."""
    beside = [one for one in told if one.type == "Encounter" and not one.records]
    assert all(one.is_aside for one in beside)
    names = {one.payload["type"][0]["text"]: one.payload["status"] for one in beside}
    assert names["Orders Only"] == "finished"
    assert names.get("Surgery", "unknown") == "unknown"
    assert set(names) <= {"Orders Only", "Ancillary Orders", "Surgery"}


def test_a_problem_is_told_again_as_the_diagnosis_of_its_visits(door: Door, told: list[Rendering]) -> None:
    """E18: one record, several resources, whose evidence is the first; the encounter names its own."""
    repeated = [one for one in told if "evidence" in one.payload]
    assert repeated
    for one in repeated[:20]:
        (evidence,) = one.payload["evidence"]
        problem = next(other for other in told if f"Condition/{other.id}" == evidence["detail"][0]["reference"])
        assert problem.records == one.records
        assert problem.payload["category"][0]["coding"][0]["code"] == "problem-list-item"
        assert one.payload["category"][1]["coding"][0]["code"] == "visit-diagnosis"
        encounter = read(door.get(one.payload["encounter"]["reference"]))
        assert encounter["diagnosis"][0]["condition"]["reference"] == f"Condition/{one.id}"
        found = door.matches("Condition", f"patient={one.payload['subject']['reference']}&category=encounter-diagnosis")
        assert one.id in {each["id"] for each in found}


def test_some_old_visits_were_never_closed(told: list[Rendering]) -> None:
    statuses = [encounter["status"] for encounter in of(told, "Encounter")]
    assert 0 < statuses.count("in-progress") < len(statuses) / 5
    unclosed = next(one for one in of(told, "Encounter") if one["status"] == "in-progress")
    assert unclosed["period"]["end"] < "2025-12-01"
    assert len(unclosed["period"]["end"]) == 10


def test_a_vaccine_has_a_code_without_display_or_none_at_all(door: Door, told: list[Rendering]) -> None:
    coded = [one["vaccineCode"] for one in of(told, "Immunization")]
    assert all("display" not in coding for one in coded for coding in one.get("coding", []))
    uncoded = next(one for one in of(told, "Immunization") if "coding" not in one["vaccineCode"])
    bundle = door.bundle("Immunization", f"patient={uncoded['patient']['reference']}")
    issues = bundle["entry"][-1]["resource"]["issue"]
    assert issues[0]["details"]["coding"][0]["code"] == "4117"


def test_a_practitioners_photo_is_a_part_that_registrations_lack(door: Door, told: list[Rendering]) -> None:
    """403 with 59203 (seen); a registration that holds it gets a picture."""
    practitioners = [resources.payload_of(door.site, ids.Named("Practitioner", index, 0)) for index in range(40)]
    photo = next(one["photo"][0]["url"] for one in practitioners if one is not None and "photo" in one)
    refused = door.get(photo)
    assert refused.status == 403
    (issue,) = read(refused)["issue"]
    assert issue["details"]["coding"][0]["code"] == "59203"
    assert issue["diagnostics"] == "Client not authorized for Binary - Provider Photo"
    other = Door()
    lacking = other.site.settings[SUB_RESOURCES]
    usual = replace(lacking.usual, client=lacking.usual.client - {"Binary - Provider Photo"})
    other.site.settings[SUB_RESOURCES] = replace(lacking, usual=usual)
    picture = other.get(photo, accept="*/*")
    assert picture.header("content-type") == "image/png"
    assert picture.body.startswith(b"\x89PNG")


def test_every_reference_leads_somewhere(door: Door, told: list[Rendering]) -> None:
    """A few of each type that anything refers to."""
    seen: dict[str, set[str]] = {}
    for one in told[::7]:
        for reference in references(one.payload):
            type, _, id = reference.partition("/")
            found = seen.setdefault(type, set())
            if len(found) < 12 and id not in found:
                found.add(id)
                named = ids.named(door.site.key, id)
                assert named is not None, reference
                assert resources.payload_of(door.site, named) is not None, (one.type, reference)
    assert {"Patient", "Practitioner", "Encounter", "Binary", "Organization", "Location", "ServiceRequest"} <= set(seen)


# Against the recordings


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the recorded samples are not at hand")
def test_the_bundle_has_the_members_of_the_recordings_in_their_order(door: Door) -> None:
    recorded = json.loads((SAMPLES / "r4-bundle-observation-vitals-page1-trimmed.json").read_text("utf-8"))
    recorded.pop("_note")
    number = door.patient_with(observations=60)
    ours = door.bundle("Observation", f"patient={door.fhir_id(number)}&category=vital-signs&_count=2")
    assert list(ours) == list(recorded)
    assert [list(one) for one in ours["link"]] == [list(one) for one in recorded["link"]]
    assert list(ours["entry"][0]) == list(recorded["entry"][0])
    assert list(ours["entry"][-1]) == list(recorded["entry"][-1])


def test_numbers_keep_their_digits_on_the_wire(door: Door, told: list[Rendering]) -> None:
    payload, truth = observed(told, "tsh")[0]
    sent = read(door.get(f"Observation/{payload['id']}"))
    assert sent["valueQuantity"]["value"] == truth.value
    assert isinstance(sent["valueQuantity"]["value"], Decimal | int)


def test_a_former_address_is_told_as_one(told: list[Rendering]) -> None:
    patients = list(of(told, "Patient"))
    former = [one for patient in patients for one in patient.get("address", []) if one["use"] == "old"]
    assert former
    assert all("end" in one["period"] for one in former)
    assert all(
        "end" not in one.get("period", {}) for p in patients for one in p.get("address", []) if one not in former
    )
