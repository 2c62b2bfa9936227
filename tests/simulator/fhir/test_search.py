"""How search parameters are read and what their values mean: std:FHIR-S-07…11, -14; FHIR R4 search.html."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.fhir import search
from simulator.refusal import Refusal

NEW_YORK = ZoneInfo("America/New_York")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


INTERVALS = [
    ("2024", "eq", utc(2024, 1, 1), utc(2025, 1, 1)),
    ("ge2024-03", "ge", utc(2024, 3, 1), utc(2024, 4, 1)),
    ("2024-12", "eq", utc(2024, 12, 1), utc(2025, 1, 1)),
    ("lt2024-02-29", "lt", utc(2024, 2, 29), utc(2024, 3, 1)),
    ("2024-12-31", "eq", utc(2024, 12, 31), utc(2025, 1, 1)),
    ("2024-03-05T10:20", "eq", utc(2024, 3, 5, 10, 20), utc(2024, 3, 5, 10, 21)),
    ("2024-03-05T10:20:30", "eq", utc(2024, 3, 5, 10, 20, 30), utc(2024, 3, 5, 10, 20, 31)),
    ("ap2024-03-05T10:20:30Z", "ap", utc(2024, 3, 5, 10, 20, 30), utc(2024, 3, 5, 10, 20, 31)),
    ("2024-03-05T10:20:30-05:00", "eq", utc(2024, 3, 5, 15, 20, 30), utc(2024, 3, 5, 15, 20, 31)),
    ("2024-03-05T10:20+05:45", "eq", utc(2024, 3, 5, 4, 35), utc(2024, 3, 5, 4, 36)),
    ("sa2024-03-05T10:20:30.5Z", "sa", utc(2024, 3, 5, 10, 20, 30, 500_000), utc(2024, 3, 5, 10, 20, 30, 600_000)),
    ("2024-03-05T10:20:30.123Z", "eq", utc(2024, 3, 5, 10, 20, 30, 123_000), utc(2024, 3, 5, 10, 20, 30, 124_000)),
    ("2024-03-05T10:20:30.1234567Z", "eq", utc(2024, 3, 5, 10, 20, 30, 123_456), utc(2024, 3, 5, 10, 20, 30, 123_457)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "prefix", "lo", "hi"), INTERVALS)
def test_a_date_stands_for_the_range_of_its_precision(text, prefix, lo, hi):
    assert search.date_range(text) == (prefix, lo, hi)


LOCAL = [
    ("2024-01-15", utc(2024, 1, 15, 5), utc(2024, 1, 16, 5)),
    ("2024-07", utc(2024, 7, 1, 4), utc(2024, 8, 1, 4)),
    ("2024-03-10", utc(2024, 3, 10, 5), utc(2024, 3, 11, 4)),  # the day on which clocks go forward has 23 hours
    ("2024-11-03", utc(2024, 11, 3, 4), utc(2024, 11, 4, 5)),  # and this one 25
    ("2024-11-03T01:30", utc(2024, 11, 3, 5, 30), utc(2024, 11, 3, 5, 31)),
    ("2024-01-15T00:00:00Z", utc(2024, 1, 15), utc(2024, 1, 15, 0, 0, 1)),
]


@pytest.mark.parametrize(("text", "lo", "hi"), LOCAL)
def test_a_date_without_offset_is_local_time_of_the_server(text, lo, hi):
    assert search.date_range(text, NEW_YORK)[1:] == (lo, hi)


BAD_DATES = [
    "", "ge", "today", "2024-13", "2024-00", "2024-02-30", "2023-02-29", "24-01-01", "2024-1-1", "2024-01-01T10",
    "2024-01-01T25:00", "2024-01-01T10:61", "2024-01-01T10:00:00 00:00", "2024-01-01T10:00+15:00", "01/02/2024",
    "xx2024", "GE2024", "ge 2024", "2024-01-01Z", "0000", "２０２４", "2024\n",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_DATES)
def test_what_is_no_date_is_refused_with_its_value(text):
    with pytest.raises(Refusal) as caught:
        search.date_range(text)
    assert (caught.value.kind, caught.value.reason, caught.value.facts["value"]) == ("malformed", "bad_date", text)


ENDS = ["9999", "9999-12", "9999-12-31", "9999-12-31T23:59", "9999-12-31T23:59:59", "9999-12-31T23:59:59.999999"]


@pytest.mark.parametrize("text", ENDS)
@pytest.mark.parametrize("zone", [UTC, NEW_YORK, ZoneInfo("Asia/Kolkata")])
def test_the_end_of_the_calendar_means_no_end(text, zone):
    assert search.matches_date(search.date_range("le" + text, zone), utc(2026, 1, 5))
    assert not search.matches_date(search.date_range("ge" + text, zone), utc(2026, 1, 5))


@pytest.mark.parametrize("zone", [UTC, NEW_YORK, ZoneInfo("Asia/Kolkata")])
def test_the_first_day_of_the_calendar_is_before_everything(zone):
    assert search.matches_date(search.date_range("ge0001-01-01", zone), utc(2026, 1, 5))


def test_the_precision_of_a_date_is_known():
    texts = ["2024", "ge2024-03", "2024-03-05", "2024-03-05T10:20Z", "lt2024-03-05T10:20:30", "2024-03-05T10:20:30.1Z"]
    assert [search.precision(text) for text in texts] == ["year", "month", "day", "minute", "second", "fraction"]


DAY = "2024-03-05"
BEFORE, FIRST, LAST, AFTER = utc(2024, 3, 4, 23, 59, 59), utc(2024, 3, 5), utc(2024, 3, 5, 23, 59, 59), utc(2024, 3, 6)
#            before first  last  after
PREFIXES = {
    "eq": (False, True, True, False),
    "ne": (True, False, False, True),
    "gt": (False, False, False, True),
    "ge": (False, True, True, True),
    "lt": (True, False, False, False),
    "le": (True, True, True, False),
    "sa": (False, False, False, True),
    "eb": (True, False, False, False),
    "ap": (True, True, True, True),
}


@pytest.mark.parametrize(("prefix", "answers"), PREFIXES.items())
def test_a_prefix_decides_which_instants_around_a_day_match(prefix, answers):
    wanted = search.date_range(prefix + DAY)
    assert tuple(search.matches_date(wanted, at) for at in (BEFORE, FIRST, LAST, AFTER)) == answers


# periods [start, end) against the month of March 2024
INSIDE, OVERLAP_LEFT, OVERLAP_RIGHT, AROUND = (
    (utc(2024, 3, 2), utc(2024, 3, 9)), (utc(2024, 2, 20), utc(2024, 3, 9)),
    (utc(2024, 3, 20), utc(2024, 4, 9)), (utc(2024, 2, 1), utc(2024, 5, 1)),
)  # fmt: skip
#            inside left   right  around
PERIODS = {
    "eq": (True, False, False, False),
    "ne": (False, True, True, True),
    "gt": (False, False, True, True),
    "ge": (True, False, True, True),
    "lt": (False, True, False, True),
    "le": (True, True, False, True),
    "sa": (False, False, False, False),
    "eb": (False, False, False, False),
    "ap": (True, True, True, True),
}


@pytest.mark.parametrize(("prefix", "answers"), PERIODS.items())
def test_a_prefix_decides_which_periods_match_a_month(prefix, answers):
    wanted = search.date_range(prefix + "2024-03")
    periods = (INSIDE, OVERLAP_LEFT, OVERLAP_RIGHT, AROUND)
    assert tuple(search.matches_date(wanted, *period) for period in periods) == answers


def test_a_period_that_fills_the_range_is_in_it_and_one_that_ends_where_it_begins_is_before_it():
    whole = (utc(2024, 3, 1), utc(2024, 4, 1))
    assert search.matches_date(search.date_range("2024-03"), *whole)
    assert search.matches_date(search.date_range("eb2024-04"), *whole)
    assert search.matches_date(search.date_range("sa2024-02"), *whole)


def test_approximately_is_a_tenth_of_the_distance_from_now():
    wanted, now = search.date_range("ap2024-01-01"), utc(2024, 4, 10)  # 100 days on
    assert search.matches_date(wanted, utc(2023, 12, 23), now=now)
    assert not search.matches_date(wanted, utc(2023, 12, 21), now=now)


def test_nothing_matches_what_has_no_date():
    assert not any(search.matches_date(search.date_range(prefix + DAY), None) for prefix in search.PREFIXES)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)), st.dates(
    datetime(1900, 1, 1).date(), datetime(2100, 1, 1).date()
))  # fmt: skip
def test_the_prefixes_divide_the_instants_among_them(at, day):
    matches = {name: search.matches_date(search.date_range(name + day.isoformat()), at) for name in search.PREFIXES}
    assert matches["lt"] + matches["eq"] + matches["gt"] == 1
    assert matches["le"] is (matches["lt"] or matches["eq"])
    assert matches["ge"] is (matches["gt"] or matches["eq"])
    assert matches["ne"] is not matches["eq"]
    assert (matches["sa"], matches["eb"]) == (matches["gt"], matches["lt"])


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), st.sampled_from(["America/New_York", "Asia/Kolkata"]))
def test_a_local_day_covers_exactly_the_instants_that_have_this_date_there(at, name):
    zone = ZoneInfo(name)
    local = at.replace(tzinfo=UTC).astimezone(zone)
    _, lo, hi = search.date_range(local.date().isoformat(), zone)
    assert lo <= local < hi
    assert lo.astimezone(zone).date() == (hi - timedelta(seconds=1)).astimezone(zone).date() == local.date()


def test_repeated_parameters_stay_apart_and_commas_are_alternatives():
    parsed = search.parse([("date", "ge2024"), ("date", "lt2025"), ("code", "a,b")])
    assert [(param.name, param.values) for param in parsed] == [
        ("date", ("ge2024",)), ("date", ("lt2025",)), ("code", ("a", "b")),
    ]  # fmt: skip


NAMES = [
    ("family:exact", "family", "exact"),
    ("subject:Patient", "subject", "Patient"),
    ("subject:Patient.name", "subject", "Patient.name"),
    ("patient.identifier", "patient.identifier", ""),
    ("-timing-boundsPeriod", "-timing-boundsPeriod", ""),
    ("_has:Observation:patient:code", "_has", "Observation:patient:code"),
]


@pytest.mark.parametrize(("key", "name", "modifier"), NAMES)
def test_the_modifier_is_what_follows_the_first_colon(key, name, modifier):
    param = search.parse([(key, "x")])[0]
    assert (param.name, param.modifier, param.value) == (name, modifier, "x")


ESCAPES = [
    (r"a\,b", ("a,b",)),
    (r"a\,b,c", ("a,b", "c")),
    (r"a\\,b", ("a\\", "b")),
    (r"a\$b\|c", ("a$b|c",)),
    (r"a\x", (r"a\x",)),
    ("a\\", ("a\\",)),
    (",", ("", "")),
    ("", ("",)),
]


@pytest.mark.parametrize(("text", "values"), ESCAPES)
def test_escapes_keep_a_comma_in_its_value(text, values):
    assert search.parse([("name", text)])[0].values == values


@given(st.lists(st.text(st.sampled_from("ab,|$\\"), min_size=1), min_size=1))
def test_escaping_and_parsing_are_inverse(values):
    escaped = [re.sub(r"([\\,|$])", r"\\\1", value) for value in values]
    param = search.parse([("name", ",".join(escaped))])[0]
    assert list(param.values) == values
    assert param.tokens == [(None, value) for value in values]


TOKENS = [
    ("1234", (None, "1234")),
    ("http://loinc.org|4548-4", ("http://loinc.org", "4548-4")),
    ("|1234", ("", "1234")),
    ("http://loinc.org|", ("http://loinc.org", "")),
    (r"a\|b|c", ("a|b", "c")),
    (r"a\|b", (None, "a|b")),
    ("s|a|b", ("s", "a|b")),
]


@pytest.mark.parametrize(("text", "pair"), TOKENS)
def test_a_token_has_any_no_or_one_system(text, pair):
    assert search.token(text) == pair


MATCHES = [
    ("x", "s", "x", True),
    ("x", None, "x", True),
    ("x", "s", "X", False),
    ("s|x", "s", "x", True),
    ("s|x", "t", "x", False),
    ("s|x", None, "x", False),
    ("|x", None, "x", True),
    ("|x", "s", "x", False),
    ("s|", "s", "anything", True),
    ("s|", "t", "anything", False),
    ("", "s", "x", False),
    ("|", None, "x", False),
]


@pytest.mark.parametrize(("text", "system", "code", "matches"), MATCHES)
def test_a_token_matches_codings_of_its_system_and_code(text, system, code, matches):
    assert search.matches_token(search.token(text), system, code) is matches


REFERENCES = [
    ("e1.-", ("", "e1.-")),
    ("Patient/e1", ("Patient", "e1")),
    ("https://ehr.example/api/FHIR/R4/Patient/e1", ("Patient", "e1")),
    ("Patient/e1/_history/3", ("Patient", "e1")),
    ("", ("", "")),
]


@pytest.mark.parametrize(("text", "pair"), REFERENCES)
def test_a_reference_is_known_in_all_its_forms(text, pair):
    assert search.reference(text) == pair


STRINGS = [
    ("mull", "Müller", "", True),
    ("MÜLL", "Müller", "", True),
    ("ller", "Müller", "", False),
    ("ller", "Müller", "contains", True),
    ("Müller", "Müller", "exact", True),
    ("müller", "Müller", "exact", False),
    ("van  der", "Van der Berg", "", True),
    ("strasse", "Straße", "", True),
    ("nguyen", "Nguyễn", "", True),
]


@pytest.mark.parametrize(("wanted", "text", "modifier", "matches"), STRINGS)
def test_strings_match_from_the_start_without_accents_and_case(wanted, text, modifier, matches):
    assert search.matches_string(wanted, text, modifier) is matches


NUMBERS = [
    ("100", "100.4", True),
    ("100", "100.5", False),
    ("100", "99.5", True),
    ("100.00", "100.004", True),
    ("100.00", "100.005", False),
    ("ne100", "100.4", False),
    ("gt100", "100.1", True),
    ("gt100", "100", False),
    ("ge100", "100", True),
    ("lt100", "99.9", True),
    ("le100", "100.1", False),
    ("ap100", "109", True),
    ("ap100", "111", False),
    ("1e2", "149", True),
    ("-5", "-5.2", True),
]


@pytest.mark.parametrize(("text", "value", "matches"), NUMBERS)
def test_a_number_stands_for_the_range_of_its_digits(text, value, matches):
    assert search.matches_number(search.number_range(text), Decimal(value)) is matches


def test_a_missing_number_matches_nothing_and_a_bad_one_is_refused():
    assert not search.matches_number(search.number_range("ne1"), None)
    for text in ("", "x", "nan", "Infinity", "1,5", "ge"):
        with pytest.raises(Refusal) as caught:
            search.number_range(text)
        assert caught.value.reason == "bad_number"
