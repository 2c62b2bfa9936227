"""The FHIR side: resources that validate, searches and their pages, the statement that promises only what answers.

Deliberate deviations from FHIR R4, all of them athena's: `OperationOutcome.issue.details` is a string.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from fhir.resources.R4B import get_fhir_model_class

from simulator.fhir import build
from simulator.population.records import KINDS
from simulator.vendors.athena import VENDOR
from simulator.vendors.athena.fhir.rules import RULES
from tests.simulator.vendors.athena_client import BASE, FORM, PRACTICE, Athena

CHART_TYPES = (
    "Encounter", "Condition", "AllergyIntolerance", "MedicationRequest", "Observation", "Immunization", "Procedure",
    "DocumentReference", "DiagnosticReport", "Coverage",
)  # fmt: skip
BY_ID_ONLY = ("Appointment",)
FHIR = "application/fhir+json"
STANDING = {
    "Organization": "a-1.Practice-195900",
    "Location": "a-195900.Location-1",
    "Practitioner": "a-195900.Provider-1",
}


@pytest.fixture(scope="module")
def athena() -> Athena:
    return Athena()


def validated(resource: dict[str, Any]) -> None:
    get_fhir_model_class(resource["resourceType"]).model_validate_json(json.dumps(resource))


# Resources


def test_every_resource_of_a_chart_is_valid_fhir(athena: Athena) -> None:
    seen: dict[str, int] = {}
    for number in range(12):
        for one in VENDOR.renderings(athena.site, number):
            if "resourceType" in one.payload and seen.get(one.type, 0) < 60:
                seen[one.type] = seen.get(one.type, 0) + 1
                validated(json.loads(build.dumps(one.payload)))
    assert set(seen) == {"Patient", "Medication", *CHART_TYPES, *BY_ID_ONLY}


@pytest.mark.parametrize(("type", "id"), STANDING.items())
def test_what_belongs_to_no_chart_is_read_and_found_by_id_only(athena: Athena, type: str, id: str) -> None:
    resource = athena.fhir(f"{type}/{id}").json
    validated(resource)
    found = athena.fhir(type, **{"_id": id, "ah-practice": PRACTICE}).json
    assert [entry["resource"] for entry in found["entry"]] == [resource]
    assert athena.fhir(type, **{"ah-practice": PRACTICE}).status == 400


def test_a_patient_that_was_read_before_costs_no_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Athena()
    id = VENDOR.patient_ids(own.site, 5)["fhir_id"]
    first = own.fhir(f"Patient/{id}").json
    monkeypatch.setattr(type(own.site.sandbox.world), "chart", lambda world, number: pytest.fail("a chart was made"))
    assert own.fhir(f"Patient/{id}").json == first
    assert own.fhir("Patient", **{"_id": id, "ah-practice": PRACTICE}).json["entry"][0]["resource"] == first


def test_references_lead_somewhere(athena: Athena) -> None:
    number, _ = athena.number_with("medication")
    checked = set()
    for one in VENDOR.renderings(athena.site, number):
        for reference in _references(one.payload):
            if reference not in checked:
                checked.add(reference)
                assert athena.fhir(reference).status == 200, reference
    assert {reference.split("/")[0] for reference in checked} >= {
        "Patient",
        "Encounter",
        "Practitioner",
        "Organization",
        "Location",
        "Medication",
    }


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        found = [one for part in value.values() for one in _references(part)]
        return found + ([value["reference"]] if isinstance(value.get("reference"), str) else [])
    return [one for part in value for one in _references(part)] if isinstance(value, list) else []


def test_a_decimal_keeps_its_digits(athena: Athena) -> None:
    number, record = athena.number_with(
        "observation", category="laboratory", value=lambda value: value is not None and str(value).endswith(".0")
    )
    raw = athena.search("Observation", number, category="laboratory", _count=1000).raw
    assert f'"value":{record.value},'.encode() in raw


def test_what_is_read_is_what_is_found_and_what_is_rendered(athena: Athena) -> None:
    number, _ = athena.number_with("allergy", none_known=False)
    told = list(VENDOR.renderings(athena.site, number))
    for type in CHART_TYPES:
        extra = {"intent": "order"} if type == "MedicationRequest" else {}
        found = {one["id"]: one for one in athena.all_of(type, number, _count=70, **extra)}
        rendered = [one.id for one in told if one.type == type]
        assert list(found) == rendered
        for id in rendered[:3]:
            assert athena.fhir(f"{type}/{id}").json == found[id]


@pytest.mark.parametrize(
    "id",
    ["a-195900.E-1", "a-195900.Problem-17", "a-1128700.E-1", "60178", "a-195900.vitalamb-9007199254740991", "x.y-1"],
)
@pytest.mark.parametrize("type", ["Patient", "Condition", "Observation", "Medication", "Organization"])
def test_an_id_that_nobody_gave_is_not_found(athena: Athena, type: str, id: str) -> None:
    assert athena.fhir(f"{type}/{id}").status == 404


def test_an_id_of_one_type_is_no_id_of_another(athena: Athena) -> None:
    number, _ = athena.number_with("condition", category="problem-list-item")
    id = athena.all_of("Condition", number)[0]["id"]
    assert athena.fhir(f"Encounter/{id}").status == 404
    swapped = id.replace("EncounterDx", "Problem") if "EncounterDx" in id else id.replace("Problem", "EncounterDx")
    assert athena.fhir(f"Condition/{swapped}").status == 404


def test_a_sensitive_item_carries_its_label(athena: Athena) -> None:
    number, record = athena.number_with("condition", sensitivity=lambda labels: bool(labels))
    told = athena.all_of("Condition", number, code=record.codes[0].code)
    assert all(one["meta"]["security"][0]["system"].endswith("v3-ActCode") for one in told)


# Searching


@pytest.mark.parametrize("type", CHART_TYPES)
def test_pages_cover_a_chart_without_repeating(athena: Athena, type: str) -> None:
    number, _ = athena.number_with("medication")
    extra = {"intent": "order"} if type == "MedicationRequest" else {}
    total = athena.search(type, number, **extra).json["total"]
    ids = [one["id"] for one in athena.all_of(type, number, _count=4, **extra)]
    assert len(ids) == len(set(ids)) == total


def test_links_stay_where_we_came_from(athena: Athena) -> None:
    bundle = athena.search("Encounter", 5, _count=1).json
    assert all(link["url"].startswith(f"{BASE}/fhir/r4/Encounter?") for link in bundle["link"])
    assert all(entry["fullUrl"].startswith(f"{BASE}/fhir/r4/") for entry in bundle["entry"])


def test_a_cursor_of_another_search_is_refused(athena: Athena) -> None:
    assert athena.search("Encounter", 5, cursor="a-195900.encounter-1").status == 400


def test_codes_categories_dates_and_encounters_narrow_a_search(athena: Athena) -> None:
    number, record = athena.number_with("observation", category="laboratory", panel=lambda panel: panel is not None)
    every = athena.all_of("Observation", number, _count=1000)
    labs = athena.all_of("Observation", number, category="laboratory")
    assert {one["id"] for one in labs} == {
        one["id"] for one in every if one["category"][0]["coding"][0]["code"] == "laboratory"
    }
    coded = athena.all_of("Observation", number, code=f"http://loinc.org|{record.code.code}")
    assert all(one["code"]["coding"][0]["code"] == record.code.code for one in coded)
    year = record.effective.year
    dated = athena.all_of("Observation", number, date=[f"ge{year}-01-01", f"lt{year + 1}-01-01"])
    assert {one["effectiveDateTime"][:4] for one in dated} == {str(year)}
    assert 0 < len(dated) <= len(every)
    visit = next(one["encounter"]["reference"] for one in labs)
    inside = athena.all_of("Observation", number, encounter=visit)
    assert {one["encounter"]["reference"] for one in inside} == {visit}


def test_conditions_are_found_by_their_encounter(athena: Athena) -> None:
    number, record = athena.number_with("condition", category="encounter-diagnosis")
    told = athena.all_of("Condition", number, code=record.codes[0].code)[0]
    found = athena.fhir("Condition", **{"encounter": told["encounter"]["reference"], "ah-practice": PRACTICE}).json
    assert told["id"] in {entry["resource"]["id"] for entry in found["entry"]}


def test_a_request_brings_its_medication_when_asked_to(athena: Athena) -> None:
    number, _ = athena.number_with("medication")
    answer = athena.search("MedicationRequest", number, intent="order", _include="MedicationRequest:medication")
    by_mode: dict[str, list[dict[str, Any]]] = {}
    for entry in answer.json["entry"]:
        by_mode.setdefault(entry["search"]["mode"], []).append(entry["resource"])
    referred = {one["medicationReference"]["reference"] for one in by_mode["match"]}
    assert {f"Medication/{one['id']}" for one in by_mode["include"]} == referred
    assert len(answer.served) == len(answer.json["entry"])


def test_a_search_may_be_posted(athena: Athena) -> None:
    form = urlencode({"patient": athena.fhir_id(5), "ah-practice": PRACTICE}).encode()
    posted = athena.call(
        "POST", "/fhir/r4/Encounter/_search", headers={**athena.bearer(), "content-type": FORM}, body=form
    )
    assert posted.json["entry"] == athena.search("Encounter", 5).json["entry"]


def test_the_intent_narrows_requests(athena: Athena) -> None:
    number, _ = athena.number_with("medication")
    assert athena.search("MedicationRequest", number, intent="plan").json["total"] == 0
    assert athena.search("MedicationRequest", number, intent="proposal,plan,order,option").json["total"] > 0


def test_a_patient_is_found_in_each_supported_way(athena: Athena) -> None:
    number = next(n for n in range(100) if athena.sandbox.world.chart(n).person.ssn)
    person = athena.sandbox.world.chart(number).person
    family, given, born = person.family, person.given[0], person.birth_date.isoformat()
    for asked in (
        {"_id": athena.fhir_id(number)},
        {"identifier": f"https://fhir.athena.io/sid/ah-patient|{athena.fhir_id(number)}"},
        {"identifier": f"http://hl7.org/fhir/sid/us-ssn|{person.ssn.replace('-', '')}"},
        {"name": family, "birthdate": born},
        {"name": given, "birthdate": born, "gender": person.gender},
        {"name": f"{given} {family}"},
        {"family": family, "birthdate": born},
        {"family": family.lower(), "birthdate": [f"ge{born}", f"le{born}"]},
        {"family": family, "given": given, "gender": person.gender},
        {"family": family, "gender": person.gender, "given": given, "birthdate": born[:7]},
    ):
        answer = athena.fhir("Patient", **{**asked, "ah-practice": PRACTICE, "_count": 1000})
        ids = {entry["resource"]["id"] for entry in answer.json.get("entry", ())}
        assert athena.fhir_id(number) in ids, asked
        assert answer.served


def test_patients_page_by_the_first_of_the_next_page(athena: Athena) -> None:
    wanted = {"family": "Smith", "given": "J", "ah-practice": PRACTICE}
    whole = [entry["resource"]["id"] for entry in athena.fhir("Patient", **wanted, _count=1000).json["entry"]]
    found: list[str] = []
    answer = athena.fhir("Patient", **wanted, _count=5)
    while True:
        found += [entry["resource"]["id"] for entry in answer.json["entry"]]
        after = next((link["url"] for link in answer.json["link"] if link["relation"] == "next"), None)
        if after is None:
            break
        query = after.partition("?")[2]
        assert "cursor=a-195900.E-" in query
        answer = athena.call("GET", "/fhir/r4/Patient", query=query, headers=athena.bearer())
    assert found == whole
    assert len(whole) > 10


def test_a_name_finds_family_names_then_given_names_across_pages() -> None:
    athena = Athena(patients=3000)
    found: list[str] = []
    query = urlencode({"name": "Jam", "ah-practice": PRACTICE, "_count": 3})
    while query:
        bundle = athena.call("GET", "/fhir/r4/Patient", query=query, headers=athena.bearer()).json
        found += [entry["resource"]["id"] for entry in bundle["entry"]]
        query = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "").partition("?")[2]
    wanted = {athena.fhir_id(n) for n in range(3000) if any(part.startswith("Jam") for part in _names(athena, n))}
    assert set(found) <= wanted
    assert len(found) == len(set(found))
    first_names = {athena.fhir_id(n) for n in range(3000) if _names(athena, n)[1].startswith("Jam")}
    assert first_names <= set(found)


def _names(athena: Athena, number: int) -> tuple[str, ...]:
    person = athena.sandbox.world.population.person(number)
    return (person.family, *person.given)


def test_an_unknown_patient_has_an_empty_chart(athena: Athena) -> None:
    answer = athena.fhir("Observation", **{"patient": "a-195900.E-1", "ah-practice": PRACTICE})
    assert (answer.status, answer.json["total"], answer.json.get("entry")) == (200, 0, None)


def test_another_practice_is_forbidden(athena: Athena) -> None:
    answer = athena.fhir("Patient", **{"family": "S", "given": "J", "ah-practice": "Organization/a-1.Practice-4711"})
    assert (answer.status, answer.json["issue"][0]["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "asked",
    [
        {"_revinclude": "Provenance:target"},
        {"_security": "R"},
        {"_include": "Observation:encounter"},
    ],
)
def test_parameters_of_athenas_that_we_lack_are_501(athena: Athena, asked: dict[str, str]) -> None:
    answer = athena.search("Observation", 5, **asked)
    assert (answer.status, answer.headers["x-emr-sandbox"]) == (501, "not-simulated")


# Discovery


def test_the_statement_promises_only_what_answers(athena: Athena) -> None:
    statement = athena.call("GET", "/fhir/r4/metadata")
    assert statement.status == 200
    validated(statement.json)
    number = full_chart(athena)
    known = {type: athena.all_of(type, number, intent="order")[0] for type in CHART_TYPES}
    known["Patient"] = athena.fhir(f"Patient/{athena.fhir_id(number)}").json
    known["Medication"] = athena.fhir(known["MedicationRequest"]["medicationReference"]["reference"]).json
    known |= {type: athena.fhir(f"{type}/{id}").json for type, id in STANDING.items()}
    known["Binary"] = athena.fhir(known["DocumentReference"]["content"][0]["attachment"]["url"], accept=FHIR).json
    known["Appointment"] = next(
        one for one in VENDOR.renderings(athena.site, number) if one.type == "Appointment"
    ).payload
    listed = statement.json["rest"][0]["resource"]
    assert {one["type"] for one in listed} == set(RULES) == set(known)
    for one in listed:
        resource = known[one["type"]]
        searched = set() if one["type"] == "Binary" else {"search-type"}
        assert {interaction["code"] for interaction in one["interaction"]} == {"read"} | searched
        assert athena.fhir(f"{one['type']}/{resource['id']}").status == 200
        if not searched:
            continue
        for combination in one["extension"][0]["extension"]:
            for extra in [None, *(param["name"] for param in one["searchParam"])]:
                names = {*combination["valueString"].split(", "), *([extra] if extra else [])} - {"cursor"}
                asked = {name: _value(athena, name, number, resource) for name in names}
                answer = athena.fhir(one["type"], **{"ah-practice": PRACTICE, **asked})
                assert answer.status == 200, (one["type"], asked, answer.raw)


def full_chart(athena: Athena) -> int:
    """The first patient who has something of every kind."""
    for number in range(500):
        chart = athena.sandbox.world.chart(number)
        if all(chart.of(kind) for kind in KINDS) and not any(one.none_known for one in chart.allergies):
            return number
    raise LookupError("nobody has everything")


def _value(athena: Athena, name: str, number: int, resource: dict[str, Any]) -> str:
    patient = athena.fhir(f"Patient/{athena.fhir_id(number)}").json
    values = {
        "_id": resource["id"],
        "patient": athena.fhir_id(number),
        "subject": f"Patient/{athena.fhir_id(number)}",
        "encounter": "a-195900.encounter-1",
        "identifier": f"|{resource['id']}",
        "name": patient["name"][0]["family"],
        "family": patient["name"][0]["family"],
        "given": patient["name"][0]["given"][0],
        "birthdate": patient["birthDate"],
        "gender": patient["gender"],
        "intent": "order",
        "status": "active",
        "_sort": "-date",
        "_count": "3",
        "ah-practice": PRACTICE,
        "ah-department": "Organization/a-195900.Department-1",
        "ah-chart-sharing-group": "Organization/a-195900.CSG-41",
        "ah-provider-group": "Organization/a-195900.PG-1",
    }
    days = {"date", "authoredon", "_lastUpdated"}
    return values.get(name) or ("ge2015-01-01" if name in days else "x")


def test_the_smart_configuration_is_open_and_its_issuer_is_not_the_api(athena: Athena) -> None:
    told = athena.call("GET", "/fhir/r4/.well-known/smart-configuration").json
    assert told["token_endpoint"] == f"{BASE}/oauth2/v1/token"
    assert told["issuer"].startswith(f"{BASE}/idp/")
    assert told["grant_types_supported"] == ["authorization_code", "client_credentials"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "CarePlan", 501),
        ("GET", "Group/a-1.c-195900/$export", 501),
        ("GET", "Provenance", 501),
        ("GET", "Slot", 404),
        ("GET", "Schedule", 404),
        ("GET", "Binary", 405),
        ("POST", "Binary/_search", 405),
        ("GET", "MedicationStatement", 404),
        ("GET", "PractitionerRole/1", 404),
        ("POST", "Patient", 405),
        ("PUT", "Patient/a-195900.E-1", 405),
        ("DELETE", "Observation/a-195900.vitalamb-1", 405),
    ],
)
def test_what_the_fhir_side_does_not_do(athena: Athena, method: str, path: str, status: int) -> None:
    assert athena.call(method, f"/fhir/r4/{path}", headers=athena.bearer()).status == status


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, other = Athena(patients=500), Athena(patients=500)
    for number in (3, 77):
        for path in ("Patient", "Observation", "MedicationRequest"):
            asked = {"intent": "order"} if path == "MedicationRequest" else {}
            first, second = (
                at.fhir(f"Patient/{at.fhir_id(number)}") if path == "Patient" else at.search(path, number, **asked)
                for at in (one, other)
            )
            assert first.raw == second.raw
        for section in ("vitals", "labresults", "medications"):
            assert one.chart(number, section).raw == other.chart(number, section).raw
    assert one.patientid(3) != Athena(seed=8, patients=500).patientid(3)
