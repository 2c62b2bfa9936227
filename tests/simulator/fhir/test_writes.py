"""What came to be written, whoever the vendor: FHIR R4 http.html (create, update) and json.html."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from simulator.fhir import writes, xml
from simulator.refusal import Refusal

PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Né", "given": ["Ada"]}]}


@pytest.mark.parametrize("media", ["application/fhir+json", "application/json; charset=utf-8", "application/json+fhir"])
def test_json_is_read_with_its_digits(media: str) -> None:
    body = b'\xef\xbb\xbf{"resourceType":"Observation","valueQuantity":{"value":7.10}}'
    read = writes.resource_of(body, media)
    assert read["valueQuantity"]["value"] == Decimal("7.10")
    assert str(read["valueQuantity"]["value"]) == "7.10"


def test_xml_is_read_as_the_same() -> None:
    assert writes.resource_of(xml.to_xml(PATIENT), "application/fhir+xml") == PATIENT


@pytest.mark.parametrize(
    ("body", "media", "reason"),
    [
        (b"{}", "text/plain", "media_type"),
        (b"{}", None, "media_type"),
        (b" ", "application/json", "body_empty"),
        (b"{", "application/json", "body_not_json"),
        (b"\xff{}", "application/json", "body_not_json"),
        (b'{"a":Infinity}', "application/json", "body_not_json"),
        (b"[" * 100_000, "application/json", "body_not_json"),
        (b"[1]", "application/json", "body_no_resource"),
        (b'{"resourceType":["Patient"]}', "application/json", "body_no_resource"),
        (b"<Patient>", "application/fhir+xml", "body_not_xml"),
        (b"<Patient xmlns='http://example.org'/>", "application/xml", "body_not_xml"),
    ],
)
def test_what_is_no_resource_says_why(body: bytes, media: str | None, reason: str) -> None:
    with pytest.raises(Refusal) as refused:
        writes.resource_of(body, media)
    assert refused.value.reason == reason
    assert refused.value.kind == ("unsupported" if reason == "media_type" else "malformed")


@pytest.mark.parametrize(
    ("type", "id", "reason"),
    [("Observation", None, "type_mismatch"), ("Patient", "p2", "id_mismatch")],
)
def test_a_resource_is_what_its_url_says(type: str, id: str | None, reason: str) -> None:
    writes.check(PATIENT, "Patient", "p1")
    with pytest.raises(Refusal) as refused:
        writes.check(PATIENT, type, id)
    assert refused.value.reason == reason


def test_an_update_needs_an_id() -> None:
    with pytest.raises(Refusal) as refused:
        writes.check({"resourceType": "Patient"}, "Patient", "p1")
    assert refused.value.reason == "id_missing"


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        ({"nickname": "x"}, ("unknown", "Patient.nickname")),
        ({"name": {}}, ("shape", "Patient.name")),
        ({"gender": ["male"]}, ("shape", "Patient.gender")),
        ({"active": "true"}, ("shape", "Patient.active")),
        ({"gender": True}, ("shape", "Patient.gender")),
        ({"multipleBirthInteger": True}, ("shape", "Patient.multipleBirthInteger")),
        ({"name": []}, ("empty", "Patient.name")),
        ({"name": [{}]}, ("empty", "Patient.name[0]")),
        ({"gender": ""}, ("empty", "Patient.gender")),
        ({"name": [{"given": [None]}]}, ("shape", "Patient.name[0].given[0]")),
        ({"name": [{"given": ["\ud800"]}]}, ("shape", "Patient.name[0].given[0]")),
        ({"name": [{"period": "today"}]}, ("shape", "Patient.name[0].period")),
        ({"_birthDate": "x"}, ("shape", "Patient._birthDate")),
        ({"contained": [{"id": "x"}]}, ("shape", "Patient.contained[0]")),
    ],
)
def test_a_flaw_has_a_place(change: dict[str, Any], flaw: tuple[str, str]) -> None:
    assert [tuple(one) for one in writes.flaws(PATIENT | change)] == [flaw]


def test_what_is_well_shaped_has_no_flaw() -> None:
    whole = {
        **PATIENT,
        "extension": [{"url": "http://x", "valueDecimal": Decimal("1.0")}],
        "contained": [{"resourceType": "Organization", "name": "x"}],
        "birthDate": "1950",
        "_birthDate": {"extension": [{"url": "http://x", "valueCode": "y"}]},
        "name": [{"given": [None, "B"], "_given": [{"id": "x"}, None]}],
        "multipleBirthInteger": 2,
    }
    assert list(writes.flaws(whole)) == []


def test_levels_without_end_are_a_flaw() -> None:
    deep: dict[str, Any] = {"url": "http://x", "valueString": "x"}
    for _ in range(200):
        deep = {"url": "http://x", "extension": [deep]}
    assert [one.what for one in writes.flaws(PATIENT | {"extension": [deep]})] == ["deep"]


def test_codes_references_and_data_are_read_without_care() -> None:
    concept = {"coding": [{"display": "no code"}, {"system": "s", "code": "c"}], "text": "t"}
    assert writes.codings(concept) == [("s", "c", "")]
    assert writes.code_of(concept, "s") == "c"
    assert writes.code_of(None, "s") is None
    assert writes.reference_of({"reference": "http://x/r4/Patient/1/_history/2"}) == ("Patient", "1")
    for nowhere in (None, {}, {"display": "x"}, {"reference": "#a"}, {"reference": "urn:uuid:1"}):
        assert writes.reference_of(nowhere) is None
    assert writes.data_of({"data": "aGVs\nbG8="}) == b"hello"
    assert writes.data_of({"data": "%"}) is None
    assert writes.data_of({}) is None


@pytest.mark.parametrize("text", ["ge2024", "2024-13", "2024-01-01T10:00:00", "T10:00Z", "today", ""])
def test_what_is_no_time_of_a_resource_is_none(text: str) -> None:
    assert writes.moment_of(text) is None
    assert writes.instant_of(text) is None


def test_a_time_of_day_is_an_instant_and_a_day_is_none() -> None:
    at = writes.instant_of("2024-01-01T10:00:00-05:00")
    assert at is not None
    assert at.isoformat() == "2024-01-01T15:00:00+00:00"
    assert writes.instant_of("2024-01-01") is None
    day = writes.moment_of("2024-01-01")
    assert day is not None
    assert (day.hi - day.lo).days == 1
