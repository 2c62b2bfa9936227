"""What every answer of Epic has: format, headers, refusals, doors. SOURCES.md, "Doors", "Answers", "Refusals".

Traps E1, E8, E32, E34.
"""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from fhir.resources.R4B import get_fhir_model_class

from simulator.exchange import Reply
from simulator.refusal import REFUSAL_KINDS, OAuthRefusal, Refusal
from simulator.vendors.epic import VENDOR, licences
from simulator.vendors.epic.params import INTERACTIONS, PARAMS
from simulator.vendors.epic.paths import FHIR, ROOT, TOKEN
from simulator.vendors.epic.resources import SERVED
from tests.simulator.vendors.epic_door import BASE, JSON, Door, numbers, read, sandbox

NAMESPACE = "{http://hl7.org/fhir}"


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


# Format


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, "application/xml"),
        ("*/*", "application/xml"),
        ("text/html", "application/xml"),
        ("application/*", "application/xml"),
        ("application/fhir+xml", "application/fhir+xml"),
        ("application/fhir+json", "application/fhir+json"),
        ("application/json", "application/json"),
        ("application/json+fhir", "application/json+fhir"),
        ("application/fhir+json; charset=utf-8", "application/fhir+json"),
        ("application/xml;q=0.5, application/json;q=0.9", "application/json"),
        ("text/html, application/fhir+json, */*", "application/fhir+json"),
    ],
)
def test_only_who_names_json_gets_json(door: Door, accept: str | None, media: str) -> None:
    answer = door.get(f"Patient/{door.fhir_id(1)}", accept=accept)
    assert answer.header("content-type") == f"{media}; charset=utf-8"
    assert answer.body.startswith(b"{" if "json" in media else b"<?xml")


def test_format_parameter_changes_nothing(door: Door) -> None:
    answer = door.get(f"Patient/{door.fhir_id(1)}", "_format=json", accept="*/*")
    assert answer.body.startswith(b"<?xml")


@pytest.mark.parametrize("path", ["Patient/{id}", "Observation?patient={id}&category=vital-signs&_count=3", "metadata"])
def test_xml_tells_what_json_tells(door: Door, path: str) -> None:
    path, _, query = path.format(id=door.fhir_id(1)).partition("?")
    told = read(door.get(path, query))
    root = ElementTree.fromstring(door.get(path, query, accept="*/*").body)
    assert root.tag == NAMESPACE + told["resourceType"]
    if told["resourceType"] == "Bundle":
        assert len(root.findall(NAMESPACE + "entry")) == len(told["entry"])
        assert [one.get("value") for one in root.iter(NAMESPACE + "fullUrl")] == [
            one["fullUrl"] for one in told["entry"]
        ]


def test_errors_come_in_xml_too(door: Door) -> None:
    answer = door.get("Patient/e-made-up-id-3", accept="*/*")
    assert answer.status == 404
    assert ElementTree.fromstring(answer.body).tag == NAMESPACE + "OperationOutcome"


# Headers


def test_a_patient_has_no_etag_but_a_misspelt_one(door: Door) -> None:
    answer = door.get(f"Patient/{door.fhir_id(1)}")
    assert answer.header("etag") is None
    assert answer.header("last-modified") is None
    assert (answer.header("e-tag") or "").isdigit()
    assert "meta" not in read(answer)


def test_every_answer_has_the_headers_of_the_web_server(door: Door) -> None:
    answer = door.get(f"Patient/{door.fhir_id(1)}")
    assert answer.header("cache-control") == "no-cache,no-store"
    assert answer.header("access-control-allow-origin") == "*"
    assert answer.header("strict-transport-security")
    assert read_metrics(answer.header("servermetrics"))["ECFRequestTime"] > 0
    assert len({name for name, _ in answer.headers}) == len(answer.headers)


def read_metrics(text: str | None) -> dict[str, int]:
    assert text is not None
    found: dict[str, int] = json.loads(text)
    return found


def test_the_affinity_cookie_comes_until_it_is_sent_back(door: Door) -> None:
    path = f"{FHIR}/Patient/{door.fhir_id(1)}"
    given = door.call("GET", path).header("set-cookie")
    assert given is not None
    assert given.startswith("EpicPersistenceCookie=!")
    assert door.call("GET", path, cookie=given.partition(";")[0]).header("set-cookie") is None


# Refusals


@pytest.mark.parametrize("kind", REFUSAL_KINDS)
@pytest.mark.parametrize("path", [f"{FHIR}/Patient", TOKEN])
@pytest.mark.parametrize("status", [None, 418])
def test_every_refusal_is_dressed(door: Door, kind: str, path: str, status: int | None) -> None:
    door.call("GET", path)
    facts = {} if status is None else {"status": status}
    answer = VENDOR.errors.dress(Refusal(kind, reason="whatever", **facts), door.last)  # type: ignore[arg-type]
    assert answer.status == 418 if status else answer.status >= 400
    assert b"whatever" not in answer.body


def test_an_oauth_refusal_is_dressed_wherever_it_comes_from(door: Door) -> None:
    door.get("metadata")
    answer = VENDOR.errors.dress(OAuthRefusal("invalid_client", "secret reason"), door.last)
    assert read(answer) == {"error": "invalid_client", "error_description": None}


def test_unavailable_is_a_page_without_a_promise(door: Door) -> None:
    door.get("metadata")
    answer = VENDOR.errors.dress(Refusal("unavailable"), door.last)
    assert answer.status == 503
    assert (answer.header("content-type") or "").startswith("text/html")
    assert answer.header("retry-after") is None
    assert b"Service Unavailable" in answer.body


def test_too_many_has_no_body(door: Door) -> None:
    door.get("metadata")
    answer = VENDOR.errors.dress(Refusal("too_many", retry_after_s=2), door.last)
    assert (answer.status, answer.body, answer.header("retry-after")) == (429, b"", "2")


@pytest.mark.parametrize("reason", ["not_viewable", "break_the_glass"])
def test_a_user_without_a_right_is_told_so(door: Door, reason: str) -> None:
    door.get(f"Patient/{door.fhir_id(1)}")
    answer = VENDOR.errors.dress(Refusal("forbidden", reason=reason), door.last)
    assert answer.status == 403
    assert numbers(read(answer)) == [{"not_viewable": "4118", "break_the_glass": "4130"}[reason]]


# Doors


@pytest.mark.parametrize(
    "path",
    [
        f"{FHIR}/InsurancePlan",
        f"{FHIR}/Schedule",
        f"{FHIR}/Subscription",
        f"{FHIR}/MedicationStatement/e123",
        f"{FHIR}/Nonsense",
        f"{FHIR}/Provenance",
        f"{FHIR}/ValueSet",
        f"{FHIR}/$export",
        f"{FHIR}/Patient/e123/_history/1",
        f"{ROOT}/api/FHIR/R5/Patient",
        "/elsewhere",
        TOKEN,
    ],
)
def test_a_path_that_epic_has_not_is_a_page_of_the_web_server(door: Door, path: str) -> None:
    answer = door.call("GET", path)
    assert answer.status == 404
    assert answer.header("content-type") == "text/html"
    assert b"404 - File or directory not found." in answer.body
    assert answer.simulated


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{ROOT}/api/FHIR/STU3/Encounter/e123"),
        ("POST", f"{ROOT}/api/FHIR/STU3/Patient"),
        ("GET", f"{ROOT}/api/FHIR/DSTU2/Immunization/T123"),
        ("POST", f"{ROOT}/api/epic/2001/Common/Patient/GetPatientDemographics/Patient/Demographics"),
    ],
)
def test_what_epic_has_and_we_have_not_is_our_gap(door: Door, method: str, path: str) -> None:
    answer = door.call(method, path)
    assert answer.status == 501
    assert answer.header("x-emr-sandbox") == "not-simulated"
    assert not answer.simulated


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT"])
def test_methods_that_nobody_listens_to_are_refused(door: Door, method: str) -> None:
    assert door.call(method, f"{FHIR}/Patient/{door.fhir_id(1)}").status == 405


def test_a_base_url_with_a_slash_at_its_end_still_works(door: Door) -> None:
    assert door.call("GET", f"{FHIR}//Patient/{door.fhir_id(1)}").status == 200
    assert door.call("GET", f"{FHIR}/metadata/", token="").status == 200


def test_a_preflight_is_answered(door: Door) -> None:
    answer = door.call("OPTIONS", f"{FHIR}/Patient", token="")
    assert answer.status == 200
    assert answer.header("access-control-allow-methods")


# What Epic says of itself


def test_the_capability_statement_promises_only_what_answers(door: Door) -> None:
    """Every declared type, interaction and parameter is tried. What the site has no licence for is refused."""
    statement = read(door.call("GET", f"{FHIR}/metadata", token=""))
    get_fhir_model_class("CapabilityStatement").model_validate(statement)
    assert statement["format"] == ["xml", "json"]
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["implementation"]["url"] == BASE + FHIR
    patient = door.fhir_id(door.patient_with(observations=1, medications=1))
    listed = statement["rest"][0]["resource"]
    assert [one["type"] for one in listed] == sorted(INTERACTIONS)
    for one in listed:
        type, said = one["type"], {interaction["code"] for interaction in one["interaction"]}
        is_held = type in licences.held(door.site)
        assert door.get(f"{type}/e123").status == (404 if is_held else 403)
        assert "read" in said
        names = [param["name"] for param in one.get("searchParam", ())]
        assert ("search-type" in said) == bool(names)
        assert names[len(PARAMS[type].first) :][:2] == (["_count", "_id"] if names else [])
        for name in names:
            query = _trial(type, name, patient)
            for method in ("GET", "POST") if name == "_id" else ("GET",):
                answer = _search(door, method, type, query)
                assert answer.status == (200 if is_held else 403), (type, query, answer.body)


@pytest.mark.parametrize(
    ("type", "operation", "method", "path"),
    [
        ("Patient", "match", "POST", "Patient/$match"),
        ("Patient", "summary", "GET", "Patient/e123/$summary"),
        ("Group", "group-export", "GET", "Group/e123/$export"),
    ],
)
def test_an_operation_that_is_promised_has_a_door(
    door: Door, type: str, operation: str, method: str, path: str
) -> None:
    listed = read(door.call("GET", f"{FHIR}/metadata", token=""))["rest"][0]["resource"]
    promised = {(one["type"], each["name"]) for one in listed for each in one.get("operation", ())}
    assert len(promised) == 3
    assert (type, operation) in promised
    answer = door.call(method, f"{FHIR}/{path}", body="{}", content_type=JSON)
    assert answer.status in (400, 404)
    assert numbers(read(answer))
    assert answer.simulated


def _search(door: Door, method: str, type: str, query: str) -> Reply:
    if method == "GET":
        return door.get(type, query)
    form = "application/x-www-form-urlencoded"
    return door.call("POST", f"{FHIR}/{type}/_search", body=query, content_type=form)


VALUES = {
    "gender": "female",
    "legal-sex": "female",
    "clinical-status": "active",
    "service-category": "appointment",
    "status": "active",
    "birthdate": "1980-01-01",
}
CATEGORIES = {"Observation": "laboratory", "Condition": "problem-list-item", "MedicationRequest": "community",
              "Procedure": "103693007", "CarePlan": "38717003"}  # fmt: skip


def _trial(type: str, name: str, patient: str) -> str:
    """A search with this parameter that has all that it needs beside it."""
    kind = {**PARAMS[type].first, **PARAMS[type].later}.get(name, "token")
    whose = next((one for one in ("patient", "subject") if one in PARAMS[type].first), "")
    value = VALUES.get(name, "2024-01-01" if kind == "date" else "1")
    if (type, name) == ("List", "code"):
        value = "problems"
    is_whose = name in ("patient", "subject", "beneficiary") and name in PARAMS[type].first
    if is_whose:
        value = patient
    if name == "category":
        value = CATEGORIES.get(type, "1")
    beside = f"&{whose}={patient}" if whose and not is_whose else ""
    if type in ("CarePlan", "Observation") and name not in ("category", "code"):
        beside += f"&category={CATEGORIES[type]}"
    if type == "Patient":
        beside = "&family=Smith"
    if type == "Practitioner":
        beside = "&family=Smith&address-state=ZZ"
    if type == "Location":
        beside = "&type=OF"
    if type == "PractitionerRole" and name != "practitioner":
        beside = "&practitioner=e1"
    if not PARAMS[type].first and name != "_id":
        beside = "&_id=e1"
    return f"{name}={value}{beside}"


def test_a_type_without_a_licence_answers_as_if_the_client_had_no_right(door: Door) -> None:
    """E9: 403 without a body. The same type is empty where the site has the licence, and nothing is on record."""
    site = Door(sandbox(vendor=VENDOR.variant("epic", defaults={licences.SETTING: ("Goal", "Flag")})))
    for path in (f"Goal?patient={site.fhir_id(1)}", "Goal/e123", f"Flag?patient={site.fhir_id(1)}", "Flag?_id=e1"):
        answer = site.get(*path.split("?"))
        assert (answer.status, answer.body, answer.header("content-type")) == (403, b"", None)
        assert "insufficient_scope" in (answer.header("www-authenticate") or "")
        assert answer.simulated
    assert not any("Flag" in scope for scope in site.client().scopes)
    empty = door.bundle("Flag", f"patient={door.fhir_id(1)}")
    assert (empty["total"], numbers(empty["entry"][0]["resource"])) == (0, ["4101"])
    assert site.get("Claim", "_id=e1").status == 200


def test_the_types_without_a_search_of_their_own_say_so(door: Door) -> None:
    answer = door.get("Organization", "name=x")
    assert answer.status == 400
    assert numbers(read(answer)) == ["59100", "59102"]


def test_discovery_leads_to_the_doors_of_this_sandbox(door: Door) -> None:
    answer = door.call("GET", f"{FHIR}/.well-known/smart-configuration", token="", accept="*/*")
    found = read(answer)
    assert answer.header("content-type") == "application/json; charset=utf-8"
    assert found["token_endpoint"] == VENDOR.urls(BASE, door.site)["token_url"]
    assert found["authorization_endpoint"] == VENDOR.urls(BASE, door.site)["authorize_url"]
    uris = read(door.call("GET", f"{FHIR}/metadata", token=""))["rest"][0]["security"]["extension"][0]["extension"]
    assert {one["url"]: one["valueUri"] for one in uris} == {
        "token": found["token_endpoint"],
        "authorize": found["authorization_endpoint"],
        "introspect": found["introspection_endpoint"],
    }


def test_every_type_of_the_table_is_one_that_epic_has() -> None:
    assert len(INTERACTIONS) == 59
    assert set(SERVED) < set(INTERACTIONS)


def test_reads_name_what_they_served(door: Door) -> None:
    id = door.fhir_id(1)
    assert door.get(f"Patient/{id}", accept=JSON).served == (("Patient", id),)
    assert door.last.route is not None
    assert door.last.route.name == "Patient.read"
