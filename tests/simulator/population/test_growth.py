"""Children grow along their own percentile of the growth charts, and pregnancies show."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from math import exp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.population import tables
from simulator.population.chart.growth import CHARTED_MONTHS, grown, lms
from simulator.population.chart.life import life_of
from simulator.population.chart.measures import Measures
from simulator.population.people import Population

AS_OF = date(2026, 1, 5)
POPULATION = Population(7, 10_000, AS_OF)


def score(key: str, sex: str, months: float, value: float) -> float:
    """The standard score of a value: the inverse of the chart, with the powers of the platform."""
    power, median, spread = lms(key, sex, months)
    return ((value / median) ** power - 1) / (power * spread)


@given(
    st.sampled_from(sorted(tables.CURVES)),
    st.floats(0, CHARTED_MONTHS, allow_nan=False),
    st.floats(-2.8, 2.8, allow_nan=False),
)
@settings(max_examples=200, deadline=None)
def test_the_series_is_the_power_of_the_chart(curve: tuple[str, str], months: float, z: float) -> None:
    power, median, spread = lms(*curve, months)
    exact = median * ((1 + power * spread * z) ** (1 / power) if abs(power) > 1e-6 else exp(spread * z))
    assert grown(*curve, months, z) == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize(
    ("key", "sex", "months", "median"),
    [
        ("height", "M", 3.5, 62.077),
        ("height", "M", 9.5, 72.346),
        ("height", "M", 36.5, 95.274),
        ("height", "F", 120.5, 138.35),
        ("weight", "M", 120.5, 32.09),
    ],
)
def test_medians_are_those_of_the_published_charts(key: str, sex: str, months: float, median: float) -> None:
    """CDC 2000: statage, lenageinf, wtage, to the half month."""
    assert grown(key, sex, months, 0) == pytest.approx(median, rel=2e-3)


@pytest.mark.parametrize("key", ["height", "weight"])
def test_a_child_keeps_its_percentile(key: str) -> None:
    row = tables.LABS[key]
    spreads = []
    for number in range(60):
        life = life_of(POPULATION, number)
        measures = Measures(life, {})
        scores = []
        for months in range(26, 204, 12):
            value = measures.value(row, life.birth + round(months * 30.4375))
            assert value is not None
            scores.append(score(key, life.sex, months, value / 10))
        spreads.append(max(scores) - min(scores))
        assert max(scores) - min(scores) < 1.1
        assert -3.2 < min(scores) <= max(scores) < 3.2
    assert sorted(spreads)[30] < 0.6


def test_children_do_not_shrink_and_newborns_weigh_what_newborns_weigh() -> None:
    height, weight = tables.LABS["height"], tables.LABS["weight"]
    for number in range(60):
        life = life_of(POPULATION, number)
        measures = Measures(life, {})
        heights = [measures.value(height, life.birth + age) or 0 for age in range(0, 6_000, 180)]
        assert all(later > earlier - 12 for earlier, later in pairwise(heights))
        assert 20 <= (measures.value(weight, life.birth + 1) or 0) <= 55
        assert 420 <= heights[0] <= 580


def test_weight_rises_through_a_pregnancy_and_falls_after_it() -> None:
    row = tables.LABS["weight"]
    gains = []
    for number in range(400):
        life = life_of(POPULATION, number)
        if life.sex != "F" or life.age_days(life.today) < 25 * 365:
            continue
        start = life.today - 400
        with_child = Measures(life, {"pregnancy": [(start, start + 275, True)]})
        without = Measures(life, {})
        at = [(with_child.value(row, start + day) or 0) - (without.value(row, start + day) or 0) for day in
              (20, 140, 274, 300)]  # fmt: skip
        assert 0 < at[0] < at[1] < at[2]
        assert at[3] == 0
        gains.append(at[2])
    assert all(40 <= gain <= 220 for gain in gains)
