"""How the reference reads single facts: FHIR R4 dateTime, E.164, and athena's words. Tables: told → held."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from conformance.reference.athena_rest import frequency_of, local_time, range_of, us_day
from conformance.reference.failure import Failure
from conformance.reference.records import codes_of, phone, when
from conformance.reference.shapes import shaped, truth_of
from conformance.reference.vocabulary import in_words


@pytest.mark.parametrize(
    ("told", "value", "precision"),
    [
        ("1980", "1980", "year"),
        ("1980-05", "1980-05", "month"),
        ("1980-05-03", "1980-05-03", "day"),
        ("2025-01-20T14:30Z", "2025-01-20T14:30:00Z", "minute"),
        ("2025-01-20T14:30:05Z", "2025-01-20T14:30:05Z", "second"),
        ("2025-01-20T08:30:05-06:00", "2025-01-20T14:30:05Z", "second"),
        ("2025-01-20T14:30:05.120Z", "2025-01-20T14:30:05.120Z", "millisecond"),
        ("2024-12-31T23:30:00-05:00", "2025-01-01T04:30:00Z", "second"),
    ],
)
def test_a_time_keeps_its_precision_and_its_instant(told, value, precision):
    assert when(told) == {"value": value, "precision": precision}


@pytest.mark.parametrize("told", ["2025-01-20T14:30:05", "20.1.2025", "2025-13", ""])
def test_what_is_no_time_is_no_fact(told):
    with pytest.raises(ValueError, match="FHIR date"):
        when(told)


def test_midnight_in_any_offset_may_stand_for_a_day():
    assert when("2024-02-23T18:00:00-06:00", midnight_is_day=True) == {"value": "2024-02-24", "precision": "day"}
    assert when("2024-02-23T18:00:01-06:00", midnight_is_day=True)["precision"] == "second"


@pytest.mark.parametrize(
    ("told", "held"),
    [
        ("(617) 555-0123", "+16175550123"),
        ("+1 469-888-8888", "+14698888888"),
        ("8605555555", "+18605555555"),
        ("+44 20 7946 0018", "+44 20 7946 0018"),
    ],
)
def test_phones_are_e164_where_that_is_known(told, held):
    assert phone(told) == held


def test_a_shape_that_can_be_told_apart_is_read():
    told = {"resourceType": "Patient", "name": {"family": ["Ray"], "given": "Ann"}, "gender": ["female"], "photo": None}
    held = {"resourceType": "Patient", "name": [{"family": "Ray", "given": ["Ann"]}], "gender": "female"}
    assert shaped(told) == held
    assert shaped(held) == held


def test_what_is_a_list_at_the_top_is_none_below():
    told = {"resourceType": "Encounter", "class": {"code": "AMB"}, "location": [{"location": {"display": "1"}}]}
    assert shaped(told) == told
    told = {"resourceType": "Coverage", "class": [{"name": "PPO"}]}
    assert shaped(told) == told


def test_of_several_where_one_is_known_none_is_taken():
    with pytest.raises(Failure, match="2 where one"):
        shaped({"resourceType": "Patient", "gender": ["female", "male"]})


@pytest.mark.parametrize(
    ("told", "held"), [(True, True), (False, False), (None, False), ("true", True), ("false", False)]
)
def test_a_truth_value_may_be_text(told, held):
    assert truth_of(told) is held


@pytest.mark.parametrize("told", ["no", "", 1, [False]])
def test_what_is_no_truth_value_is_none(told):
    with pytest.raises(ValueError, match="neither"):
        truth_of(told)


def test_a_word_that_nobody_knows_is_unknown_and_kept():
    told = {"kind": "condition", "clinicalStatus": "dormant", "verification": "confirmed"}
    held = in_words(told, "condition", lambda field, word: "unknown")
    assert held == told | {"clinicalStatus": "unknown", "raw": {"clinicalStatus": "dormant"}}
    known = {"kind": "condition", "clinicalStatus": "active", "verification": None}
    assert in_words(known, "condition", lambda field, word: "unknown") is known


def test_codes_are_chosen_by_system_and_none_is_lost():
    told = [
        {"system": "urn:oid:1.2.3", "code": "7"},
        {"system": "http://loinc.org", "code": "718-7"},
        {"system": "http://loinc.org", "code": "718-7"},
        {"display": "no code"},
    ]
    assert codes_of(told, "epic") == [{"system": "loinc", "code": "718-7"}, {"system": "local:epic", "code": "7"}]


@pytest.mark.parametrize(
    ("words", "frequency", "period", "unit"),
    [
        ("every day", "1", "1", "d"),
        ("every day at bedtime", "1", "1", "d"),
        ("every morning before breakfast", "1", "1", "d"),
        ("twice a day", "2", "1", "d"),
        ("3 times a day before meals", "3", "1", "d"),
        ("3 times a week", "3", "1", "wk"),
        ("once a week", "1", "1", "wk"),
        ("every 4 hours", "1", "4", "h"),
        ("every 28 days", "1", "28", "d"),
        ("every 5 minutes", "1", "5", "min"),
        ("once", "1", "1", "d"),
        ("when the moon is full", None, None, None),
    ],
)
def test_athenas_words_for_how_often(words, frequency, period, unit):
    assert frequency_of(words) == {"frequency": frequency, "period": period, "periodUnit": unit}


@pytest.mark.parametrize(
    ("told", "low", "high"),
    [("3.5-5.1", "3.5", "5.1"), ("-2-2", "-2", "2"), ("<200", None, "200"), (">=60", "60", None), ("neg", None, None)],
)
def test_athenas_ranges_are_text(told, low, high):
    assert range_of(told) == {"low": low, "high": high}


def test_athenas_clock_times_are_the_departments():
    chicago = ZoneInfo("America/Chicago")
    assert local_time("07/04/2024 08:30:00", chicago) == {"value": "2024-07-04T13:30:00Z", "precision": "second"}
    twice = local_time("11/03/2024 01:30:00", chicago)
    assert twice == {"value": "2024-11-03T06:30:00Z", "precision": "second"}, "the first of the two"
    assert us_day("05/03/1980") == {"value": "1980-05-03", "precision": "day"}
