"""The population says what is published, within stated tolerances; and the page and the table tell it as it is.

One sample of a large population, always the same: a figure is off when the whole 99 per cent interval of the sample
lies outside its tolerance, so chance alone hardly ever makes it so.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from datetime import date
from functools import cache
from html.parser import HTMLParser

import pytest

from simulator.population.chart import chart_of
from simulator.population.people import Population
from simulator.population.records import Chart
from simulator.population.statistics import Survey, survey
from simulator.population.statistics.digest import age_on
from simulator.population.statistics.estimate import Mean, Rate, Share
from simulator.population.statistics.figures import Comparison, published, verdict_of
from simulator.population.statistics.tally import OF_PEOPLE, to_json
from simulator.portrait import page, people
from simulator.portrait.svg import Scale, ticks
from simulator.portrait.terminal import table

AS_OF = date(2026, 1, 5)
SEED, SIZE, SAMPLE = 7, 10_000_000, 1_200
KNOWN_OFF: dict[str, str] = {}
"""Figures that the population misses, each with the reason."""


def some_charts(count: int = SAMPLE) -> Iterator[Chart]:
    population = Population(seed=SEED, size=SIZE, as_of=AS_OF)
    return (chart_of(population, turn * SIZE // count) for turn in range(count))


@cache
def sample() -> Survey:
    figures = [figure for figure in published() if figure.section not in OF_PEOPLE]
    return survey(some_charts(), seed=SEED, size=SIZE, as_of=AS_OF, figures=figures)


@cache
def small() -> Survey:
    return survey(some_charts(150), seed=SEED, size=SIZE, as_of=AS_OF)


def compared(key: str) -> Comparison:
    return next(one for one in sample().comparisons if one.figure.key == key)


@pytest.mark.slow
def test_the_published_figures_are_met() -> None:
    """In one test, so that the sample is drawn once: it takes some seconds."""
    told = [one for one in sample().comparisons if one.figure.key not in KNOWN_OFF]
    assert [one for one in told if one.verdict in ("outside", "none")] == []
    assert len(told) > 60
    assert sum(one.verdict == "within" for one in told) > 0.75 * len(told)


def test_the_people_are_as_many_and_as_old_as_published() -> None:
    population = Population(seed=SEED, size=SIZE, as_of=AS_OF)
    people = (population.person(turn * SIZE // 10_000) for turn in range(10_000))
    figures = [figure for figure in published() if figure.section in OF_PEOPLE]
    found = survey((), people, seed=SEED, size=SIZE, as_of=AS_OF, figures=figures)
    told = [one for one in found.comparisons if one.figure.key not in KNOWN_OFF]
    assert [one for one in told if one.verdict in ("outside", "none")] == []
    assert len(told) > 45
    assert sum(one.verdict == "within" for one in told) > 0.85 * len(told)


def test_a_figure_that_is_wrong_by_a_half_is_seen() -> None:
    """The sample is large enough to see it: else the test above could not fail."""
    for key in ("hypertension_65", "obesity", "diabetes", "arthritis", "chronic_several", "sbp", "a1c_mean_diabetes"):
        one = compared(key)
        assert one.estimate is not None
        for factor in (0.5, 1.7):
            value, within = one.figure.value * factor, one.figure.within * factor
            assert verdict_of(one.estimate, value, within) == "outside", key


def test_a_survey_does_not_depend_on_the_order_of_the_charts() -> None:
    charts = list(some_charts(60))
    forward = survey(charts, seed=SEED, size=SIZE, as_of=AS_OF)
    backward = survey(reversed(charts), seed=SEED, size=SIZE, as_of=AS_OF)
    assert forward.people == backward.people
    assert forward.records == backward.records
    assert [one.verdict for one in forward.comparisons] == [one.verdict for one in backward.comparisons]


def test_intervals_are_what_the_textbooks_say() -> None:
    share = Share()
    for turn in range(100):
        share.add(turn < 10)
    told = share.interval()
    assert told is not None
    assert (round(told.value, 4), round(told.low, 4), round(told.high, 4)) == (
        0.1,
        0.046,
        0.2038,
    )  # Wilson with z 2.576, by hand
    mean = Mean()
    for value in (1.0, 2.0, 3.0, 4.0):
        mean.add(value)
    assert round(mean.deviation, 6) == 1.290994
    rate = Rate()
    for _ in range(100):
        rate.add(1, 2.0)
    events = rate.interval()
    assert events is not None
    assert events.value == 0.5
    assert events.low < 0.5 < events.high
    assert Share().interval() is None
    assert Mean().interval() is None
    assert Rate().interval() is None


def test_ages_change_on_birthdays() -> None:
    born = date(2000, 3, 1)
    assert [age_on(born, date(2026, 2, 28)), age_on(born, date(2026, 3, 1)), age_on(born, date(1999, 1, 1))] == [
        25,
        26,
        -2,
    ]


def test_the_table_fits_a_terminal_and_sums_up() -> None:
    lines = list(table(small()))
    assert max(map(len, lines)) <= 120
    assert re.fullmatch(r"\d+ of \d+ figures within tolerance.*", lines[-1])
    assert sum("Hypertension" in line for line in lines) == 3


def test_the_survey_is_told_to_machines() -> None:
    told = to_json(small())
    assert told["sample"] == 150
    assert sum(told["verdicts"].values()) == len(told["figures"]) == len(published())
    for figure in told["figures"]:
        assert figure["interval"] is None or figure["interval"][0] <= figure["found"] <= figure["interval"][1]
        assert figure["source"]["mark"] in ("doc", "guess")


class Reader(HTMLParser):
    """Whether every element is closed, and what the page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [str(value) for name, value in attrs if name in ("src", "srcset", "xlink:href", "data")]
        if tag not in ("meta", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_nothing_else_and_is_well_formed() -> None:
    text = page.page_of(small(), "emr-sandbox truth --stats")
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    assert not reader.tags & {"script", "link", "iframe", "img", "object"}
    assert reader.loads == []
    assert "url(" not in text
    assert "@import" not in text
    assert len(text) < 400_000
    drawings = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(drawings) > 80
    for drawing in drawings:
        ElementTree.fromstring(drawing)
    assert "nan" not in "".join(re.findall(r'(?:x|y|width|height|points)="[^"]*"', text))


def test_the_page_shows_what_was_counted() -> None:
    text = page.page_of(small(), "again")
    assert f"{SIZE:,}" in text
    for one in small().comparisons:
        if one.figure.section not in ("pyramid", "names"):
            assert one.figure.url in text
    assert "from a small pool" not in text
    drawn = people.pyramid(small())
    assert drawn.count('class="M"') == drawn.count('class="F"') == 20


def test_the_page_says_why_names_of_few_people_are_common() -> None:
    few = survey(some_charts(5), seed=SEED, size=10_000, as_of=AS_OF)
    assert "from a small pool" in page.page_of(few, "again")


def test_scales_and_ticks() -> None:
    assert list(ticks(9.3)) == [0, 5, 10]
    assert list(ticks(0.35)) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert ticks(0)[-1] > 0
    straight, curved = Scale((0, 10), (0, 100)), Scale((1, 100), (0, 100), log=True)
    assert [straight(value) for value in (-5, 2.5, 99)] == [0, 25, 100]
    assert [curved(value) for value in (0, 10, 1000)] == [0, 50, 100]
