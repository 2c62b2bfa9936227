"""Data types and JSON: digits of decimals, instants, absent values (FHIR R4 datatypes.html, json.html)."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.quantity import Quantity
from hypothesis import given
from hypothesis import strategies as st

from simulator.fhir import build
from simulator.population.records import Code

A1C = Code("loinc", "4548-4", "Hemoglobin A1c")
AT = datetime(2026, 1, 5, 4, 6, 7, 89_012, tzinfo=UTC)

DIGITS = [
    ("7.10", b"7.10"),
    ("0.0", b"0.0"),
    ("0", b"0"),
    ("1E+2", b"100"),
    ("1E-7", b"0.0000001"),
    ("-0.50", b"-0.50"),
    ("123456789012345678901234567890.10", b"123456789012345678901234567890.10"),
]


@pytest.mark.parametrize(("text", "wire"), DIGITS)
def test_a_decimal_keeps_its_digits_on_the_wire(text, wire):
    assert build.dumps({"value": Decimal(text)}) == b'{"value":' + wire + b"}"


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12))
def test_every_decimal_comes_back_as_it_went(value):
    told = json.loads(build.dumps([value]), parse_float=Decimal, parse_int=Decimal)[0]
    assert told == value
    assert told.as_tuple().exponent == min(value.as_tuple().exponent, 0)


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity")])
def test_a_decimal_that_is_no_number_is_our_mistake(value):
    with pytest.raises(TypeError):  # orjson wraps the ValueError of `plain`
        build.dumps(value)
    with pytest.raises(ValueError, match="no decimal"):
        build.plain(value)


def test_what_has_no_json_is_named():
    with pytest.raises(TypeError, match="serializable"):
        build.dumps({"a": object()})


INSTANTS = [
    ({}, "2026-01-05T04:06:07Z"),
    ({"fraction": 3}, "2026-01-05T04:06:07.089Z"),
    ({"fraction": 6}, "2026-01-05T04:06:07.089012Z"),
    ({"zone": "America/New_York"}, "2026-01-04T23:06:07-05:00"),
    ({"zone": "America/New_York", "fraction": 3}, "2026-01-04T23:06:07.089-05:00"),
    ({"zone": "Asia/Kathmandu"}, "2026-01-05T09:51:07+05:45"),
    ({"zone": "UTC"}, "2026-01-05T04:06:07+00:00"),
]


@pytest.mark.parametrize(("how", "text"), INSTANTS)
def test_an_instant_is_told_in_utc_or_with_the_offset_of_a_zone(how, text):
    assert build.instant(AT, **how) == text


def test_the_offset_follows_daylight_saving():
    july = datetime(2026, 7, 5, 4, tzinfo=timezone(timedelta(hours=2)))
    assert build.instant(july, "America/New_York") == "2026-07-04T22:00:00-04:00"


def test_years_have_four_digits():
    assert build.instant(datetime(850, 1, 2, 3, tzinfo=UTC)) == "0850-01-02T03:00:00Z"


def test_a_naive_instant_is_our_mistake():
    with pytest.raises(ValueError, match="naive"):
        build.instant(datetime(2026, 1, 5))


def test_the_day_of_an_instant_depends_on_the_zone():
    assert build.day(AT) == "2026-01-05"
    assert build.day(AT, "America/New_York") == "2026-01-04"
    assert build.day(date(1980, 5, 3)) == "1980-05-03"


def test_a_coding_has_the_url_of_its_system():
    assert build.coding(A1C) == {"system": "http://loinc.org", "code": "4548-4", "display": "Hemoglobin A1c"}
    assert build.coding(Code("urn:oid:1.2", "x", ""), user_selected=True) == {
        "system": "urn:oid:1.2", "code": "x", "userSelected": True,
    }  # fmt: skip


def test_a_concept_is_valid_fhir_with_and_without_codes():
    for made in (build.concept([A1C], "A1c"), build.concept([], "A1c"), build.concept(A1C), build.simple("cvx", "08")):
        assert CodeableConcept.model_validate(made)
    assert build.concept([build.coding(A1C), A1C])["coding"] == [build.coding(A1C)] * 2
    assert build.concept([], "A1c") == {"text": "A1c"}


def test_a_quantity_is_valid_fhir_and_codes_its_unit_only_when_asked():
    assert Quantity.model_validate(build.quantity(Decimal("7.10"), "%", "%", "<"))
    assert build.quantity(Decimal("1"), "tablet") == {"value": Decimal("1"), "unit": "tablet"}


def test_references_are_relative():
    assert build.reference("Patient", "e1", "Doe") == {"reference": "Patient/e1", "display": "Doe"}


def test_an_absent_value_says_why():
    extension = build.absent("masked")["extension"][0]
    assert extension["url"].endswith("/data-absent-reason")
    assert extension["valueCode"] == "masked"


def test_empty_members_are_dropped_however_deep_and_zero_stays():
    value = {"a": None, "b": "", "c": [], "d": {}, "e": [{"f": None}, None, 0], "g": False, "h": {"i": {"j": ""}}}
    assert build.drop_empty(value) == {"e": [0], "g": False}
