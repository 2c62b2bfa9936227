"""Searching the implicit order gives exactly what looking at everybody gives, in the same order every time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.ids import Permutation
from simulator.population.people import Population
from simulator.population.ranks import BirthAxis, Slots, fold, key_range

AS_OF = date(2026, 1, 5)
WORLDS = [(7, 4000), (20260105, 1500), (1, 1)]


@cache
def population_of(seed: int, size: int) -> Population:
    return Population(seed=seed, size=size, as_of=AS_OF)


@cache
def everybody(seed: int, size: int) -> list[tuple[int, tuple[str, str, str, date]]]:
    population = population_of(seed, size)
    return sorted(((n, population.core(n)) for n in range(size)), key=lambda item: population.rank(item[0]))


def by_looking(seed: int, size: int, query: dict[str, Any]) -> Iterator[int]:
    exact = query.get("exact", False)

    def fits(name: str, asked: str | None) -> bool:
        if asked is None:
            return True
        key = fold(asked)
        return key != "" and (fold(name) == key if exact else fold(name).startswith(key))

    for number, (family, sex, given_name, born) in everybody(seed, size):
        first, last = query.get("born", (date.min, date.max))
        is_named = fits(family, query.get("family")) and fits(given_name, query.get("given"))
        if is_named and first <= born <= last and query.get("sex") in (None, sex):
            yield number


DECADE = (date(1970, 1, 1), date(1979, 12, 31))
QUERIES: list[dict[str, Any]] = [
    {},
    {"family": "Smith"},
    {"family": "Smith", "exact": True},
    {"family": "SMI"},
    {"family": "garcia", "given": "ma"},
    {"family": "GARCÍA-LÓPEZ", "exact": True},
    {"family": "obrien"},
    {"family": "O'Brien", "exact": True},
    {"family": "nguyen"},
    {"family": "de la"},
    {"family": "O", "exact": True},
    {"family": "李"},
    {"family": "nobody-is-called-this"},
    {"family": "--"},
    {"given": "...", "exact": True},
    {"given": "james"},
    {"given": "James", "exact": True},
    {"given": "zoe", "exact": True},
    {"given": "jord", "sex": "F"},
    {"sex": "M"},
    {"family": "jones", "sex": "F"},
    {"family": "johnson", "born": DECADE},
    {"family": "b", "given": "a", "born": DECADE, "sex": "M"},
    {"given": "mary", "born": DECADE},
    {"family": "smith", "given": "james", "exact": True},
    {"family": "null", "exact": True},
    {"given": "fnu"},
    {"family": "nguyễn", "sex": "F"},
    {"family": "smith", "born": (date(1961, 4, 12), date(1961, 4, 12))},
    {"born": (date(1980, 5, 1), date(1980, 7, 31))},
    {"born": (date(1800, 1, 1), date(1900, 1, 1))},
    {"born": (date(2025, 1, 1), date(2100, 1, 1))},
    {"born": (date(1990, 1, 2), date(1990, 1, 1))},
]


@pytest.mark.parametrize(("seed", "size"), WORLDS)
@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_a_search_gives_what_looking_at_everybody_gives(seed: int, size: int, query: dict[str, Any]) -> None:
    population = population_of(seed, size)
    wanted = list(by_looking(seed, size, query))
    assert list(population.find(**query)) == wanted
    assert population.count(**query) == len(wanted)


@pytest.mark.parametrize("query", [{"family": "s"}, {"given": "j", "born": DECADE}, {"sex": "F"}], ids=str)
def test_pages_by_rank_cover_a_search_once(query: dict[str, Any]) -> None:
    population = population_of(7, 4000)
    whole = list(population.find(**query))
    paged: list[int] = []
    after = -1
    while page := list(islice(population.find(**query, after=after), 17)):
        paged += page
        after = population.rank(page[-1])
    assert paged == whole


@given(number=st.integers(0, 3999))
@settings(max_examples=120, deadline=None)
def test_everybody_is_found_by_all_that_is_known_of_them(number: int) -> None:
    population = population_of(7, 4000)
    family, sex, given_name, born = population.core(number)
    assert number in population.find(family=family, given=given_name, born=(born, born), sex=sex, exact=True)
    person = population.person(number)
    assert (person.family, person.sex, person.given[0], person.birth_date) == (family, sex, given_name, born)
    for telecom in person.telecoms:
        found = population.by_phone(telecom.value) if telecom.system == "phone" else population.by_email(telecom.value)
        assert number in found
    if person.ssn is not None:
        assert list(population.by_ssn(person.ssn)) == [number]
        assert list(population.by_ssn(person.ssn.replace("-", ""))) == [number]


@pytest.mark.parametrize("form", ["({0}) {1}-{2}", "{0}-{1}-{2}", "+1{0}{1}{2}", "1 {0} {1} {2}", "{0}.{1}.{2}"])
def test_a_phone_is_found_however_it_is_written(form: str) -> None:
    population = population_of(7, 4000)
    phone = next(t.value for n in range(50) for t in population.person(n).telecoms if t.system == "phone")
    assert list(population.by_phone(form.format(phone[2:5], phone[5:8], phone[8:]))) == list(population.by_phone(phone))


@pytest.mark.parametrize("text", ["", "555", "+14155551", "call me", "+1415123456", "0005551234", "+44 20 7946 0000"])
def test_what_is_nobodys_phone_finds_nobody(text: str) -> None:
    assert list(population_of(7, 4000).by_phone(text)) == []


@pytest.mark.parametrize("text", ["", "123-45-6789", "900-50-1234", "912-34-0000", "９１２-34-5678", "abc-de-fghi"])
def test_what_is_nobodys_social_security_number_finds_nobody(text: str) -> None:
    assert list(population_of(7, 4000).by_ssn(text)) == []


@pytest.mark.parametrize("text", ["", "a@b", "james.smith.99999@example.org", "james.smith.x@example.org"])
def test_what_is_nobodys_email_finds_nobody(text: str) -> None:
    assert list(population_of(7, 4000).by_email(text)) == []


def test_a_number_outside_the_population_is_nobody() -> None:
    population = population_of(7, 4000)
    for number in (-1, 4000, 2**31):
        with pytest.raises(IndexError, match="no patient"):
            population.core(number)
        with pytest.raises(IndexError, match="no patient"):
            population.person(number)


def test_among_a_hundred_million_a_name_and_birth_date_find_one() -> None:
    population = population_of(7, 100_000_000)
    for number in (0, 12_345_678, 99_999_999):
        family, _, given_name, born = population.core(number)
        hits = list(population.find(family=family, given=given_name, born=(born, born), exact=True))
        assert number in hits
        assert len(hits) < 100
    assert population.count(family="Smith", exact=True) > 1_000_000


# The algebra underneath


@given(n=st.integers(1, 3000), seed=st.binary(min_size=8, max_size=32), x=st.integers(0))
@settings(deadline=None)
def test_permutations_are_bijections(n: int, seed: bytes, x: int) -> None:
    permutation = Permutation(n, seed, "test")
    image = permutation.forward(x % n)
    assert 0 <= image < n
    assert permutation.inverse(image) == x % n


def test_a_permutation_hits_everything_once() -> None:
    assert sorted(map(Permutation(997, b"k" * 32, "t").forward, range(997))) == list(range(997))


@given(
    weights=st.lists(st.integers(1, 1000), min_size=1, max_size=30),
    n=st.integers(1, 5000),
    start=st.integers(0, 10**6),
)
def test_slots_split_a_range_without_gap_or_overlap(weights: list[int], n: int, start: int) -> None:
    slots = Slots(weights)
    rho = start % slots.total
    bounds = [slots.bound(n, rho, part) for part in range(len(weights) + 1)]
    assert bounds[0] == 0
    assert bounds[-1] == n
    assert bounds == sorted(bounds)
    for part, weight in enumerate(weights):
        share = bounds[part + 1] - bounds[part]
        assert abs(share * slots.total - n * weight) <= slots.total  # off by less than one member
        if share:
            assert slots.part_of(n, rho, bounds[part]) == part
            assert slots.part_of(n, rho, bounds[part + 1] - 1) == part


@given(
    as_of=st.dates(date(1990, 1, 1), date(2090, 12, 31)), weights=st.lists(st.integers(1, 9), min_size=1, max_size=100)
)
def test_a_birth_axis_knows_every_day_once(as_of: date, weights: list[int]) -> None:
    axis = BirthAxis(as_of, weights)
    assert axis.day(axis.total - 1) == as_of
    assert axis.position(as_of + timedelta(days=1)) == axis.total
    starts = [date.fromordinal(start) for start in axis.starts[:-1]]
    assert axis.position(starts[0]) == 0
    for day in (starts[0], starts[-1], as_of):
        start = axis.position(day)
        assert axis.day(start) == day
        assert start == 0 or axis.day(start - 1) == day - timedelta(days=1)


def test_a_leap_day_as_of_is_a_day_like_any_other() -> None:
    axis = BirthAxis(date(2024, 2, 29), [1] * 100)
    days = {axis.day(position) for position in range(axis.total)}
    assert len(days) == axis.total
    assert max(days) == date(2024, 2, 29)


@given(query=st.text(max_size=4), exact=st.booleans())
def test_a_key_range_is_what_a_scan_gives(query: str, exact: bool) -> None:
    keys = sorted(["", "a", "ab", "abc", "b", "ba", "ÿ", "李", "李白", "\U0010fffe"])
    low, high = key_range(keys, query, exact)
    assert keys[low:high] == [key for key in keys if (key == query if exact else key.startswith(query))]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("García-López", "GARCIA LOPEZ"),
        ("O’Brien", "obrien"),
        ("Østergård", "ostergard"),
        ("ﬁn", "FIN"),
        ("Straße", "STRASSE"),
    ],
)
def test_names_fold_to_the_same_key(one: str, other: str) -> None:
    assert fold(one) == fold(other)
