"""The search for canaries: every encoding in which a log hides them, and nothing that only looks like one."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.leaks import Canary, forms, hidden, search

TOKEN = Canary("access token", "tok/9+Zr_4~aé7", "secret")
NAME = Canary("patient name", "O'Brien", "patient", beside=("Maeve", "1980-05-03", "05/03/1980"))


@pytest.mark.parametrize(
    ("shown", "encoding"),
    [
        ("tok/9+Zr_4~aé7", "plain"),
        (json.dumps("tok/9+Zr_4~aé7"), "JSON"),
        (json.dumps("tok/9+Zr_4~aé7").replace("/", "\\/"), "JSON"),
        (quote("tok/9+Zr_4~aé7", safe=""), "URL"),
        (quote_plus("tok/9+Zr_4~aé7"), "URL"),
        ("tok%2f9%2bZr_4~a%c3%a97", "URL"),
        ("tok/9+Zr_4~aé7".encode().hex(), "hex"),
        ("tok/9+Zr_4~aé7".encode().hex().upper(), "hex"),
    ],
)
def test_a_secret_is_found_however_it_is_written(shown, encoding):
    hits = search([f"DEBUG sent {shown} to the vendor"], [TOKEN])
    assert [hit.canary for hit in hits] == ["access token"]


@pytest.mark.parametrize("before", ["", "u", "us", "user", "user:"])
def test_a_secret_is_found_in_base64_at_any_offset(before):
    line = base64.b64encode(f"{before}tok/9+Zr_4~aé7:more".encode()).decode()
    assert [hit.encoding for hit in search([f"Basic {line}"], [TOKEN])] == ["base64"]


@given(st.text(min_size=8, max_size=24), st.binary(max_size=7), st.binary(max_size=7))
def test_base64_of_anything_around_a_value_is_found(value, before, after):
    line = base64.b64encode(before + value.encode() + after).decode()
    assert search([line], [Canary("x", value, "secret")]) or value in line or len(value.encode()) < 6


def test_a_name_counts_only_beside_a_given_name_or_birth_date():
    assert search(["GET /Patient?family=O%27Brien&birthdate=1980-05-03"], [NAME])
    assert search(['{"family":"O\'Brien","given":["Maeve"]}'], [NAME])
    assert not search(["INFO O'Brien & Sons is our hosting company"], [NAME])


def test_a_name_inside_a_longer_word_is_no_name():
    lee = Canary("patient name", "Leeds", "patient", beside=("Maeve",))
    assert not search(["Maeve went to Leedsville"], [lee])
    assert search(["Maeve Leeds"], [lee])


def test_what_is_reported_does_not_leak_itself():
    line = f"Authorization: Bearer {TOKEN.value}"
    assert search([line], [TOKEN])[0].line == "Authorization: Bearer ‹access token›"
    assert hidden([line, "fine"], [TOKEN]) == ["Authorization: Bearer ‹access token›", "fine"]


def test_short_values_are_not_searched_for():
    assert list(forms("abc")) == [("hex", "616263")]
