"""DSTU2 and STU3 beside R4: the same records and rights under other ids, names and shapes.

Covers SOURCES.md, "Older versions", and trap E42. The shapes of STU3 are those of fhir.resources; those of DSTU2 are
compared with the elements below, written down from the standard 1.0.2.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from fhir.resources.STU3 import get_fhir_model_class

from simulator.fhir.xml import NAMESPACE
from simulator.vendors.epic import ids, paths
from simulator.vendors.epic.masks import STAFF
from tests.simulator.vendors.conftest import Registered
from tests.simulator.vendors.epic_door import BASE, JSON, Door, link, numbers, read

BASES = {"DSTU2": paths.DSTU2, "STU3": paths.STU3}
ORDER = {"DSTU2": "MedicationOrder", "STU3": "MedicationRequest"}
IN_DSTU2 = {  # element -> whether it must be there; references and concepts are looked at below
    "Patient": "identifier active name telecom gender birthDate deceasedBoolean deceasedDateTime address maritalStatus "
    "multipleBirthBoolean multipleBirthInteger photo contact animal communication careProvider managingOrganization "
    "link",
    "Observation": "identifier status! category code! subject encounter effectiveDateTime effectivePeriod issued "
    "performer valueQuantity valueCodeableConcept valueString valueRange valueRatio valueSampledData valueAttachment "
    "valueTime valueDateTime valuePeriod dataAbsentReason interpretation comments bodySite method specimen device "
    "referenceRange related component",
    "Condition": "identifier patient! encounter asserter dateRecorded code! category clinicalStatus "
    "verificationStatus! severity onsetDateTime onsetQuantity onsetPeriod onsetRange onsetString abatementDateTime "
    "abatementQuantity abatementBoolean abatementPeriod abatementRange abatementString stage evidence bodySite notes",
    "AllergyIntolerance": "identifier onset recordedDate recorder patient! reporter substance! status criticality type "
    "category lastOccurence note reaction",
    "MedicationOrder": "identifier dateWritten status dateEnded reasonEnded patient prescriber encounter "
    "reasonCodeableConcept reasonReference note medicationCodeableConcept medicationReference dosageInstruction "
    "dispenseRequest substitution priorPrescription",
    "MedicationStatement": "identifier patient! informationSource dateAsserted status! wasNotTaken reasonNotTaken "
    "reasonForUseCodeableConcept reasonForUseReference effectiveDateTime effectivePeriod note supportingInformation "
    "medicationCodeableConcept medicationReference dosage",
    "Medication": "code isBrand manufacturer product package",
}
CODES_OF_DSTU2 = {
    ("Observation", "status"): "registered preliminary final amended cancelled entered-in-error unknown",
    ("Condition", "clinicalStatus"): "active relapse remission resolved",
    ("Condition", "verificationStatus"): "provisional differential confirmed refuted entered-in-error unknown",
    ("AllergyIntolerance", "status"): "active unconfirmed confirmed inactive resolved refuted entered-in-error",
    ("AllergyIntolerance", "criticality"): "CRITL CRITH CRITU",
    ("AllergyIntolerance", "category"): "food medication environment other",
    ("MedicationOrder", "status"): "active on-hold completed entered-in-error stopped draft",
    ("MedicationStatement", "status"): "active completed entered-in-error intended",
}
SINGLE = ("category", "interpretation", "reasonCodeableConcept", "reasonForUseCodeableConcept")


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


@pytest.fixture(scope="module")
def number(door: Door) -> int:
    return door.patient_with(observations=120, medications=4, conditions=5, allergies=1)


def patient_id(door: Door, version: str, number: int) -> str:
    return ids.dstu2_id(door.site.key, number) if version == "DSTU2" else door.fhir_id(number)


def get(door: Door, version: str, path: str, query: str = "", **options: Any) -> Any:
    return door.call("GET", f"{BASES[version]}/{path}", query, **options)


def found(door: Door, version: str, type: str, query: str) -> list[dict[str, Any]]:
    """The matches of a search, page by page."""
    matches: list[dict[str, Any]] = []
    while True:
        answer = get(door, version, type, query)
        assert answer.status == 200, answer.body
        bundle = read(answer)
        matches += [one["resource"] for one in bundle["entry"] if one["search"]["mode"] == "match"]
        url = link(bundle, "next")
        if url is None:
            return matches
        head, _, query = url.partition("?")
        assert head == f"{BASE}{BASES[version]}/{type}"


def record(door: Door, version: str, number: int) -> list[dict[str, Any]]:
    """All that a version tells of a patient."""
    patient = patient_id(door, version, number)
    told = found(door, version, "Patient", f"_id={patient}")
    for status in ("active", "resolved"):
        name = "clinicalStatus" if version == "DSTU2" else "clinical-status"
        told += found(door, version, "Condition", f"patient={patient}&{name}={status}")
    told += found(door, version, "AllergyIntolerance", f"patient={patient}")
    for category in ("laboratory", "vital-signs", "social-history"):
        told += found(door, version, "Observation", f"patient={patient}&category={category}&_count=500")
    orders = found(door, version, ORDER[version], f"patient={patient}&status=active,completed,discontinued")
    told += orders
    last = "completed" if version == "DSTU2" else "completed,discontinued"
    told += found(door, version, "MedicationStatement", f"patient={patient}&status=active,{last}")
    drugs = dict.fromkeys(one["medicationReference"]["reference"] for one in orders)
    return told + [read(get(door, version, drug)) for drug in drugs]


def plain(value: Any) -> Any:
    """Decimals as fhir.resources takes them."""
    return json.loads(json.dumps(value, default=float))


# Shapes


def test_every_resource_of_stu3_is_one_of_the_standard(door: Door, number: int) -> None:
    told = record(door, "STU3", number)
    assert {one["resourceType"] for one in told} == {
        "Patient", "Condition", "AllergyIntolerance", "Observation", "MedicationRequest", "MedicationStatement",
        "Medication",
    }  # fmt: skip
    for one in told:
        get_fhir_model_class(one["resourceType"]).model_validate(plain(one))


def test_every_resource_of_dstu2_has_the_elements_of_the_standard(door: Door, number: int) -> None:
    told = record(door, "DSTU2", number)
    assert {one["resourceType"] for one in told} == set(IN_DSTU2)
    for one in told:
        type = one["resourceType"]
        words = IN_DSTU2[type].split()
        assert one.keys() - {"resourceType", "id", "meta", "text", "extension"} <= {word.rstrip("!") for word in words}
        assert {word[:-1] for word in words if word.endswith("!")} <= one.keys()
        assert all(not isinstance(one.get(name), list) for name in SINGLE)
        for (of, name), codes in CODES_OF_DSTU2.items():
            if of == type and name in one:
                assert one[name] in codes.split()
        for reference in references(one):
            assert reference.keys() <= {"reference", "display"}
            assert reference["reference"].partition("/")[2][0] == "T"
            assert reference["reference"][-1] == "B"


def references(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for one in node for found in references(one)]
    if not isinstance(node, dict):
        return []
    return ([node] if "reference" in node else []) + [found for one in node.values() for found in references(one)]


def test_dstu2_says_names_prescribers_and_doses_in_its_own_way(door: Door, number: int) -> None:
    by_type = {one["resourceType"]: one for one in record(door, "DSTU2", number)}
    patient = by_type["Patient"]
    assert all(isinstance(one["family"], list) for one in patient["name"])
    assert patient["careProvider"][0]["reference"].startswith("Practitioner/T")
    races = {one["url"].rpartition("/")[2]: one["valueCodeableConcept"] for one in patient["extension"]}
    assert races.keys() == {"us-core-race", "us-core-ethnicity", "us-core-birth-sex"}
    order, statement = by_type["MedicationOrder"], by_type["MedicationStatement"]
    assert order["prescriber"]["reference"].startswith("Practitioner/T")
    assert "doseQuantity" in order["dosageInstruction"][0]
    assert "quantityQuantity" in statement["dosage"][0]
    assert order["id"] != statement["id"]


@pytest.mark.parametrize("version", BASES)
def test_xml_tells_what_json_tells_in_the_order_of_the_version(door: Door, number: int, version: str) -> None:
    patient = patient_id(door, version, number)
    made = found(door, version, "Observation", f"patient={patient}&category=laboratory&_count=5")[0]
    answer = get(door, version, f"Observation/{made['id']}", accept="application/xml")
    assert answer.header("content-type") == "application/xml; charset=utf-8"
    assert f'<Observation xmlns="{NAMESPACE}"><id value="{made["id"]}"/>'.encode() in answer.body
    names = [name for name in made if name not in ("resourceType", "id", "extension")]
    places = [answer.body.index(f"<{name}".encode()) for name in names if name not in ("code", "category")]
    assert places == sorted(places)
    bundle = get(door, version, "Observation", f"patient={patient}&category=laboratory&_count=5", accept=None)
    assert bundle.body.count(b"<Observation>") == 5


# The same truth


@pytest.mark.parametrize("version", BASES)
def test_an_older_version_tells_what_r4_tells(door: Door, number: int, version: str) -> None:
    for one in (number, door.patient_with(observations=20, medications=1, conditions=1)):
        facts = [fact_of(resource) for resource in record(door, version, one)]
        now = door.fhir_id(one)
        told = door.matches("Patient", f"_id={now}")
        told += door.matches("Condition", f"patient={now}&category=problem-list-item")
        told += door.matches("AllergyIntolerance", f"patient={now}")
        for category in ("laboratory", "vital-signs", "social-history"):
            told += door.matches("Observation", f"patient={now}&category={category}")
        orders = door.matches("MedicationRequest", f"patient={now}")
        told += orders
        expected = [fact_of(resource) for resource in told]
        expected += [("MedicationStatement", *fact_of(resource)[1:]) for resource in orders]
        assert sorted(fact for fact in facts if fact[0] != "Medication") == sorted(expected)


def fact_of(resource: dict[str, Any]) -> tuple[str, ...]:
    """What it is about, when and how much, whichever version says it."""
    type = {"MedicationOrder": "MedicationRequest"}.get(resource["resourceType"], resource["resourceType"])
    if type == "Patient":
        name = resource["name"][0]
        family = name["family"] if isinstance(name["family"], str) else name["family"][0]
        return (type, family, *name["given"], resource["birthDate"], resource["gender"])
    concept = resource.get("code") or resource.get("substance") or {}
    codes = [coding["code"] for coding in concept.get("coding", ())]
    when = next((resource[name] for name in WHEN if name in resource), "")
    drug = resource.get("medicationReference", {}).get("display", "")
    values = [one.get("valueQuantity", {}).get("value", one.get("valueString", "")) for one in parts(resource)]
    dosage = resource.get("dosageInstruction") or resource.get("dosage") or [{}]
    return (type, str(codes), str(when)[:10], drug, str([str(value) for value in values]), dosage[0].get("text", ""))


WHEN = (
    "effectiveDateTime",
    "authoredOn",
    "dateWritten",
    "dateAsserted",
    "recordedDate",
    "assertedDate",
    "dateRecorded",
)


def parts(resource: dict[str, Any]) -> list[dict[str, Any]]:
    return [resource, *resource.get("component", ())]


@pytest.mark.parametrize("version", BASES)
def test_what_is_found_is_read_by_its_id(door: Door, number: int, version: str) -> None:
    patient = patient_id(door, version, number)
    for type in (ORDER[version], "MedicationStatement", "Condition", "AllergyIntolerance"):
        for one in found(door, version, type, f"patient={patient}"):
            assert read(get(door, version, f"{type}/{one['id']}")) == one
            assert found(door, version, type, f"_id={one['id']}&patient=nobody") == [one]


# Ids


def test_e42_ids_of_dstu2_are_its_own_and_those_of_the_others_are_unknown_to_it(door: Door, number: int) -> None:
    retired, now = patient_id(door, "DSTU2", number), door.fhir_id(number)
    problems = found(door, "DSTU2", "Condition", f"patient={retired}")
    assert all(len(one["id"]) == 45 and one["id"][0] + one["id"][-1] == "TB" for one in problems)
    problem = problems[0]["id"]
    for version, path in (
        ("DSTU2", f"Patient/{now}"),
        ("DSTU2", f"Patient/{problem}"),
        ("STU3", f"Patient/{retired}"),
        ("STU3", f"Condition/{problem}"),
    ):
        answer = get(door, version, path)
        assert (answer.status, numbers(read(answer))) == (404, ["59008"])
    answer = door.get(f"Condition/{problem}")
    assert (answer.status, numbers(read(answer))) == (404, ["59008"])
    assert numbers(read(get(door, "DSTU2", "Condition", f"patient={now}"))) == ["4102"]
    by_type = {
        one.get("type", {}).get("text"): one["value"] for one in read(get(door, "STU3", f"Patient/{now}"))["identifier"]
    }
    assert (by_type["FHIR"], by_type["FHIR STU3"]) == (retired, now)


def test_laboratory_results_and_vital_signs_keep_apart_in_dstu2(door: Door, number: int) -> None:
    key, patient = door.site.key, patient_id(door, "DSTU2", number)
    for category, frame in (("laboratory", "f"), ("vital-signs", "e")):
        one = found(door, "DSTU2", "Observation", f"patient={patient}&category={category}")[0]
        named = ids.named_in_dstu2(key, one["id"])
        assert named is not None
        assert (named.type, named.number, named.frame) == ("Observation", number, frame)
    assert ids.named_in_dstu2(key, "T" + "A" * 43 + "B") is None


# What is asked


@pytest.mark.parametrize("version", BASES)
def test_only_what_is_active_is_found_unless_more_is_asked_for(door: Door, number: int, version: str) -> None:
    patient = patient_id(door, version, number)
    assert {one["status"] for one in found(door, version, ORDER[version], f"patient={patient}")} <= {"active"}
    assert {one["clinicalStatus"] for one in found(door, version, "Condition", f"patient={patient}")} <= {"active"}
    answer = get(door, version, ORDER[version], f"patient={patient}&status=completed")
    assert (answer.status, numbers(read(answer))) == (400, ["59109", "59111"])
    everything = found(door, version, ORDER[version], f"patient={patient}&status=active,completed,discontinued")
    assert len(everything) == len(door.matches("MedicationRequest", f"patient={door.fhir_id(number)}"))


def test_stu3_tells_the_diagnoses_of_a_visit_when_it_is_asked_for(door: Door, number: int) -> None:
    now = door.fhir_id(number)
    visit = next(
        one for one in door.matches("Condition", f"patient={now}&category=encounter-diagnosis&clinical-status=active")
    )["encounter"]["reference"].partition("/")[2]
    told = found(door, "STU3", "Condition", f"patient={now}&encounter={visit}")
    assert told
    assert all(one["context"]["reference"] == f"Encounter/{visit}" for one in told)


@pytest.mark.parametrize("version", BASES)
def test_idle_and_unknown_parameters_narrow_nothing(door: Door, number: int, version: str) -> None:
    patient = patient_id(door, version, number)
    wanted = found(door, version, ORDER[version], f"patient={patient}")
    assert found(door, version, ORDER[version], f"patient={patient}&authoredon=1900-01-01&intent=plan&x=1") == wanted


def test_pages_keep_to_the_version(door: Door, number: int) -> None:
    patient = patient_id(door, "DSTU2", number)
    query = f"patient={patient}&category=vital-signs&_count=30"
    whole = found(door, "DSTU2", "Observation", f"patient={patient}&category=vital-signs")
    assert found(door, "DSTU2", "Observation", query) == whole
    bundle = read(get(door, "DSTU2", "Observation", query))
    assert link(bundle, "self") == f"{BASE}{paths.DSTU2}/Observation?category=vital-signs&patient={patient}&_count=30"
    assert bundle["entry"][0]["fullUrl"] == f"{BASE}{paths.DSTU2}/Observation/{whole[0]['id']}"


def test_an_outcome_of_dstu2_has_no_expression(door: Door, number: int) -> None:
    for version, has_it in (("DSTU2", False), ("STU3", True)):
        outcome = read(get(door, version, "Observation", "category=laboratory"))
        assert ("expression" in outcome["issue"][-1]) is has_it


# Doors and rights


@pytest.mark.parametrize(("version", "type"), [("DSTU2", "Conformance"), ("STU3", "CapabilityStatement")])
def test_the_statement_promises_what_answers(door: Door, number: int, version: str, type: str) -> None:
    answer = get(door, version, "metadata", token="")
    made = read(answer)
    assert (made["resourceType"], made["fhirVersion"], made["acceptUnknown"]) == (
        type, {"DSTU2": "1.0.2", "STU3": "3.0.1"}[version], "no",
    )  # fmt: skip
    assert made["software"]["name"] == "February 2026"
    if version == "STU3":
        get_fhir_model_class(type).model_validate(plain(made))
    else:
        assert made["url"].endswith(f"/Conformance/{made['id']}")
        assert made["version"] == made["id"]
    patient = patient_id(door, version, number)
    for one in made["rest"][0]["resource"]:
        if any(each["code"] == "search-type" for each in one["interaction"]):
            assert get(door, version, one["type"], f"_id={patient}").status == 200
        assert get(door, version, f"{one['type']}/none").status == 404
    assert f"<{type} ".encode() in get(door, version, "metadata", token="", accept=None).body
    smart = get(door, version, ".well-known/smart-configuration", token="")
    assert read(smart)["token_endpoint"] == BASE + paths.TOKEN


@pytest.mark.parametrize(
    ("version", "method", "path", "status"),
    [
        ("DSTU2", "GET", "Procedure", 501),
        ("STU3", "GET", "Encounter/e1", 501),
        ("STU3", "POST", "Condition", 501),
        ("STU3", "POST", "Patient/_search", 501),
        ("DSTU2", "GET", "MedicationRequest", 404),
        ("STU3", "GET", "MedicationOrder", 404),
        ("STU3", "GET", "Nonsense/e1", 404),
        ("DSTU2", "POST", "Condition", 405),
        ("STU3", "DELETE", "Condition/e1", 405),
        ("STU3", "GET", "Medication", 404),
    ],
)
def test_what_is_not_told_is_our_gap_or_epics(door: Door, version: str, method: str, path: str, status: int) -> None:
    answer = door.call(method, f"{BASES[version]}/{path}")
    assert answer.status == status
    assert answer.simulated is (status != 501)


@pytest.mark.parametrize("version", BASES)
def test_rights_hold_there_too(number: int, version: str) -> None:
    door = Door()
    patient = patient_id(door, version, number)
    assert get(door, version, f"Patient/{patient}", token="").status == 401
    whole = found(door, version, "Condition", f"patient={patient}")
    door.site.settings["unlicensed"] = ("Condition",)
    assert get(door, version, "Condition", f"patient={patient}").status == 403
    assert get(door, version, f"Condition/{whole[0]['id']}").status == 403
    door.site.desk.glass.put_behind(frozenset({number}), frozenset())
    for path, query in ((f"Patient/{patient}", ""), ("AllergyIntolerance", f"patient={patient}")):
        answer = get(door, version, path, query)
        assert (answer.status, numbers(read(answer))) == (403, ["4130"])


@pytest.mark.parametrize("version", BASES)
def test_a_record_that_is_withheld_is_withheld_there_too(version: str) -> None:
    door = Door()
    number, problem = next(
        (number, one)
        for number in range(2000)
        for one in door.sandbox.world.chart(number).conditions
        if one.sensitivity and one.category == "problem-list-item" and one.clinical_status == "active"
    )
    patient = patient_id(door, version, number)
    before = found(door, version, "Condition", f"patient={patient}")
    door.site.settings["withheld_records"] = {"*": problem.sensitivity}
    after = found(door, version, "Condition", f"patient={patient}")
    (hidden, *_) = [one for one in before if one not in after]
    answer = get(door, version, f"Condition/{hidden['id']}")
    assert (answer.status, numbers(read(answer))) == (404, ["59008"])


@pytest.mark.parametrize("version", BASES)
def test_a_patient_sees_the_own_record_in_plain_words_there_too(register: Registered, version: str) -> None:
    app = register("epic", persona="patient", scopes=["openid", "launch/patient", "patient/*.read"])
    world, site = app.sandbox.world, app.sandbox.sites["epic"]
    number = next(one for one in range(app.sandbox.patients) if len(world.chart(one).medications) > 1)
    mine, other = (
        ids.dstu2_id(site.key, one) if version == "DSTU2" else app.fhir_id(one) for one in (number, number + 1)
    )
    headers = {"authorization": f"Bearer {app.tokens(number)['access_token']}", "accept": JSON}
    base = app.urls["base_url"] + BASES[version]
    orders = f"{base}/{ORDER[version]}?patient={mine}&status=active,completed,discontinued"
    entries = app.http.get(orders, headers=headers).json()["entry"]
    told = [one["resource"] for one in entries if one["search"]["mode"] == "match"]
    assert told
    for one in told:
        who = one["prescriber"] if version == "DSTU2" else one["requester"]["agent"]
        assert who["display"] == STAFF
    assert app.http.get(f"{base}/Patient/{mine}", headers=headers).status_code == 200
    refused = app.http.get(f"{base}/Patient/{other}", headers=headers)
    assert (refused.status_code, numbers(refused.json())) == (403, ["4118"])


@pytest.mark.parametrize("version", BASES)
def test_a_merged_patient_redirects_within_the_version(version: str) -> None:
    door = Door()
    world = door.sandbox.world
    lost = next(number for number in world.population.registrations if world.survivor(number) is None)
    kept = world.human(lost)
    old = patient_id(door, version, lost)
    world.merge(lost, kept, "registrar", world.now())
    answer = get(door, version, f"Patient/{old}")
    assert answer.status == 302
    assert answer.header("location") == f"{BASE}{BASES[version]}/Patient/{patient_id(door, version, kept)}"
    assert numbers(read(answer)) == ["4107"]


def test_values_are_told_to_the_last_digit(door: Door, number: int) -> None:
    patient = patient_id(door, "DSTU2", number)
    values = [
        one["valueQuantity"]["value"]
        for one in found(door, "DSTU2", "Observation", f"patient={patient}&category=vital-signs")
        if "valueQuantity" in one
    ]
    assert any(isinstance(one, Decimal) for one in values)
