"""Rates, intervals and groups: published examples, and what must hold of any grouping."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.population.judging.grouping import grouped
from simulator.population.judging.rates import Rates, wilson


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    [  # Newcombe, Stat Med 1998;17:857, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_the_published_one(right: int, of: int, low: float, high: float) -> None:
    assert wilson(right, of) == pytest.approx((low, high), abs=5e-5)


@given(of=st.integers(0, 10_000), data=st.data())
def test_an_interval_holds_its_share_and_stays_within_bounds(of: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, of))
    low, high = wilson(right, of)
    assert 0 <= low <= high <= 1
    if of:
        assert low <= right / of <= high


def test_what_was_not_asked_is_neither_good_nor_bad() -> None:
    nothing = Rates(0, 0, 0)
    assert (nothing.precision, nothing.recall, nothing.f1) == (1.0, 1.0, 1.0)
    assert Rates(10, 0, 0).f1 == 0.0
    assert Rates(0, 3, 0).precision == 0.0
    assert Rates(8, 10, 8).f1 == pytest.approx(8 / 9)
    assert Rates(1, 2, 1) + Rates(3, 3, 3) == Rates(4, 5, 4)


def test_the_example_of_bagga_and_baldwin() -> None:
    """Truth {1..5} {6,7} {8..C}; told {1..5} {6,7,8..C}: B-cubed precision 76 %, recall 100 %."""
    persons = dict.fromkeys("12345", "a") | dict.fromkeys("67", "b") | dict.fromkeys("89ABC", "c")
    found = grouped(persons, ["12345", "6789ABC"])
    assert found.b_precision == pytest.approx(0.7619, abs=1e-4)
    assert found.b_recall == 1.0
    assert found.pairs == Rates(truth=21, returned=31, right=21)
    assert [set(ids) for ids in found.false_merges] == [set("6789ABC")]
    assert found.missed == ()


def test_a_person_held_apart_is_missed_and_groups_that_share_an_id_are_one() -> None:
    persons = {"e1": "p", "c1": "p", "a1": "p", "x": "q"}
    assert grouped(persons, [["e1"], ["c1", "a1"]]).missed == ("p",)
    joined = grouped(persons, [["e1", "c1"], ["c1", "a1"]])
    assert (joined.missed, joined.false_merges, joined.b_f1) == ((), (), 1.0)
    assert grouped(persons, [["e1", "nobody", "c1", "a1"]]).missed == ()


_PERSONS = st.dictionaries(st.integers(0, 30), st.integers(0, 6), min_size=1)


@given(persons=_PERSONS)
def test_extremes_of_grouping(persons: dict[int, int]) -> None:
    by_person = [[id for id, one in persons.items() if one == person] for person in set(persons.values())]
    right = grouped(persons, by_person)
    assert (right.b_precision, right.b_recall, right.pairs.f1) == (1.0, 1.0, 1.0)
    assert not right.false_merges
    assert not right.missed
    apart = grouped(persons, [])
    assert apart.b_precision == 1.0
    assert not apart.false_merges
    whole = grouped(persons, [list(persons)])
    assert whole.b_recall == pytest.approx(1.0)
    assert bool(whole.false_merges) == (len(set(persons.values())) > 1)


@given(persons=_PERSONS, groups=st.lists(st.lists(st.integers(0, 35), max_size=4), max_size=6))
def test_rates_of_any_grouping_are_shares(persons: dict[int, int], groups: list[list[int]]) -> None:
    found = grouped(persons, groups)
    assert 0 < found.b_precision <= 1 + 1e-9
    assert 0 < found.b_recall <= 1 + 1e-9
    assert found.pairs.right <= min(found.pairs.truth, found.pairs.returned)
