"""No id that a room gives ever names two things: across types and patients, at any size, and made-up ids name nothing.

Ids are keyed bijections, so the populations of a hundred million patients are as easy to test as those of a thousand.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulator.sandbox import Site
from simulator.server import Server
from simulator.settings import Settings

VENDORS = ("epic", "cerner", "athena")
SIZES = (1_000, 13_000, 100_000_000)


@cache
def site_of(vendor: str, size: int) -> Site:
    return Server(Settings(patients=size)).sandboxes.default.sites[vendor]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("size", SIZES)
def test_no_two_patients_share_an_id_of_any_kind(vendor: str, size: int) -> None:
    site = site_of(vendor, size)
    numbers = [*range(400), *range(size - 400, size), *range(size // 2, size // 2 + 100)]
    given_by_kind: dict[str, list[str]] = {}
    for number in dict.fromkeys(numbers):
        for kind, value in site.vendor.patient_ids(site, number).items():
            given_by_kind.setdefault(kind, []).append(value)
    assert given_by_kind
    for kind, values in given_by_kind.items():
        assert len(set(values)) == len(values), kind


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_two_resources_of_some_patients_share_an_id(vendor: str) -> None:
    for size in SIZES:
        site = site_of(vendor, size)
        seen: dict[tuple[str, str], tuple[int, Any]] = {}
        for number in (0, 11, 29, size // 3, size - 1):
            for one in site.vendor.renderings(site, number):
                if one.type[0].islower():
                    continue  # athena's REST: an allergy goes by the number of its allergen
                whose, payload = seen.setdefault((one.type, one.id), (number, one.payload))
                if whose == number:
                    assert payload is one.payload, f"twice for one patient: {one.type} {one.id}"
                else:  # a drug is the same for everybody
                    assert payload == one.payload, f"two things: {one.type} {one.id}"


@pytest.mark.parametrize("vendor", VENDORS)
@given(one=st.integers(0, 99_999_999), other=st.integers(0, 99_999_999))
@example(0, 1)
@example(0, 65_536)
@example(99_999_998, 99_999_999)
@settings(deadline=None, max_examples=60)
def test_two_of_a_hundred_million_have_nothing_in_common(vendor: str, one: int, other: int) -> None:
    site = site_of(vendor, 100_000_000)
    first, second = (site.vendor.patient_ids(site, number) for number in (one, other))
    for kind in first.keys() & second.keys():
        assert (first[kind] == second[kind]) == (one == other), kind
