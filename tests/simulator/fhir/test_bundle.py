"""Bundles, outcomes and the CapabilityStatement as they go over the wire: std:FHIR-S-02, -03, std:FHIR-H-01, -03."""

from decimal import Decimal

import orjson
import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationoutcome import OperationOutcome

from simulator.fhir import build, bundle, capability, outcome
from simulator.fhir.capability import ResourceType, SearchParam

URL = "https://ehr.example/api/FHIR/R4"
PATIENT = b'{"resourceType":"Patient","id":"e1"}'
LINKS = [("next", f"{URL}/Patient?sessionID=1-A"), ("self", f"{URL}/Patient?name=O'Brien&x=\"")]


def test_an_entry_wraps_the_ready_bytes_as_they_are():
    made = bundle.entry(f"{URL}/Patient/e1", PATIENT)
    assert made == b'{"fullUrl":"%s/Patient/e1","resource":%s,"search":{"mode":"match"}}' % (URL.encode(), PATIENT)


def test_an_entry_may_lack_url_and_mode_and_have_links_of_its_own():
    assert bundle.entry(None, PATIENT, None) == b'{"resource":' + PATIENT + b"}"
    linked = orjson.loads(bundle.entry(None, PATIENT, "outcome", links=[("self", "u")]))
    assert list(linked) == ["link", "resource", "search"]
    assert orjson.loads(bundle.entry("u", PATIENT, score="0.7"))["search"] == {"mode": "match", "score": 0.7}


def test_a_searchset_has_its_members_in_order_and_its_links_as_given():
    made = bundle.searchset(
        id="b1", meta={"lastUpdated": "2026-01-05T12:00:00Z"}, timestamp="2026-01-05T12:00:00Z", total=1, links=LINKS,
        entries=[bundle.entry(f"{URL}/Patient/e1", PATIENT)], extra={"signature": {"x": Decimal("1.0")}},
    )  # fmt: skip
    read = orjson.loads(made)
    assert list(read) == [
        "resourceType", "id", "meta", "type", "timestamp", "total", "link", "entry", "signature",
    ]  # fmt: skip
    assert [(link["relation"], link["url"]) for link in read["link"]] == LINKS
    assert b'{"x":1.0}' in made


def test_a_searchset_is_valid_fhir():
    entries = [bundle.entry(f"{URL}/Patient/e{n}", PATIENT) for n in range(3)]
    read = Bundle.model_validate_json(bundle.searchset(entries=entries, links=LINKS, total=3))
    assert [entry.search.mode for entry in read.entry] == ["match"] * 3


def test_an_empty_searchset_has_no_entry_unless_the_vendor_sends_an_empty_one():
    assert bundle.searchset(entries=[]) == b'{"resourceType":"Bundle","type":"searchset"}'
    assert bundle.searchset(entries=[], total=0).endswith(b'"total":0}')
    assert bundle.searchset(entries=iter(()), empty_entry=True).endswith(b'"entry":[]}')


def test_entries_and_links_may_be_generators():
    made = bundle.searchset(entries=(PATIENT for _ in range(2)), links=(link for link in LINKS), type="history")
    read = orjson.loads(made)
    assert (len(read["entry"]), len(read["link"]), read["type"]) == (2, 2, "history")


def test_without_links_there_is_no_link_member():
    assert b"link" not in bundle.searchset(entries=[], links=iter(()))


def test_an_outcome_is_valid_fhir():
    coded = build.simple("urn:oid:1.2", "59159", "needs patient")
    made = outcome.outcome(
        [
            outcome.issue("fatal", "business-rule", "needs patient", details=coded, expression=["patient/_id"]),
            outcome.issue("information", "invalid", diagnostics="ignored", location=["/f:x"]),
        ],
        id="o1",
    )
    read = OperationOutcome.model_validate(made)
    assert (read.id, read.issue[0].details.text, read.issue[1].location) == ("o1", "needs patient", ["/f:x"])


def test_details_may_be_wrong_as_a_vendor_is_wrong():
    wrong = outcome.issue("error", "business-rule", details="Invalid FHIR request")
    assert wrong == {"severity": "error", "code": "business-rule", "details": "Invalid FHIR request"}
    assert outcome.issue("error", "x", "beside it", details="Invalid") == wrong | {"code": "x", "details": "Invalid"}


TYPES = (
    ResourceType(
        "Patient", ("read", "search-type"), (SearchParam("_id", "token"), SearchParam("name", "string", "by name")),
        profile="http://hl7.org/fhir/StructureDefinition/Patient",
        supported_profiles=("http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient",),
        revinclude=("Provenance:target",), extra={"updateCreate": False, "versioning": "no-version"},
    ),
    ResourceType("Binary", ("read",)),
)  # fmt: skip


def test_a_capability_statement_is_valid_fhir_and_tells_the_table():
    security = capability.security(
        service=build.simple("smart-service", "SMART-on-FHIR"), cors=True, oauth_uris={"token": "https://ehr.example/t"}
    )
    made = capability.statement(
        types=TYPES, date="2026-01-05", url=URL, software={"name": "EHR", "version": "1"}, security=security,
        formats=("json", "xml"), extra={"id": "cs", "publisher": "Us"}, rest_extra={"interaction": [{"code": "batch"}]},
    )  # fmt: skip
    read = CapabilityStatement.model_validate(made)
    assert read.fhirVersion == "4.0.1"
    assert [one.type for one in read.rest[0].resource] == ["Patient", "Binary"]
    assert [param.name for param in read.rest[0].resource[0].searchParam] == ["_id", "name"]
    assert read.rest[0].security.extension[0].extension[0].valueUri == "https://ehr.example/t"
    assert read.rest[0].interaction[0].code == "batch"
    assert made["implementation"]["url"] == URL


def test_a_capability_statement_without_software_has_none():
    made = capability.statement(types=(), date="2026-01-05")
    assert set(made) == {"resourceType", "status", "date", "kind", "fhirVersion", "format", "rest"}


@pytest.mark.parametrize("name", ["software", "implementation"])
def test_what_a_room_says_itself_wins(name):
    made = capability.statement(types=(), date="2026-01-05", software={"name": "a"}, url=URL, extra={name: "mine"})
    assert made[name] == "mine"
