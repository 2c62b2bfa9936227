"""Every mismatch row is shown by some room, or listed as not shown with the reason.

population ─▶ rooms ─▶ renderings + losses ─▶ rows shown        (no integration: this is what a run can meet)
"""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from conformance.compare import truth_of
from conformance.exposure import rows_shown
from conformance.mismatches import NOT_SHOWN, ROWS
from simulator.population import answers, edges
from simulator.sandbox import Site
from simulator.server import Server
from simulator.settings import Settings

OF_A_READING = {22, 31}  # shown by several answers together; see test_scoring
LEAST = 10  # among some thirty people; a run of 200 patients meets each row far more often
HARD = ("O'Brien", "Garcia-Lopez", "Nguyen")
CHARTS = ("deceased", "none_known_allergy", "comparator", "coded_value", "sensitive", "clock_change")


@pytest.fixture(scope="module")
def shown() -> dict[str, Counter[int]]:
    """How many facts show each row, vendor by vendor: the charts of a few, and the persons of many who stand out."""
    sandbox = Server(Settings()).sandboxes.default
    population = sandbox.world.population
    cases = edges.find(population)
    charts = sorted({*(cases[name] for name in CHARTS if name in cases), 0})
    hard = [number for name in HARD for number in islice(population.find(family=name), 6)]
    partial = (n for n in range(population.size) if population.person(n).birth_precision != "day")
    people = [*islice(population.of_other_gender(), 8), *hard, *islice(partial, 6)]
    found = {vendor: _of_persons(site, people) for vendor, site in sandbox.sites.items()}
    for number in charts:  # one by one, while what was written for one vendor is still held for the others
        for vendor, site in sandbox.sites.items():
            found[vendor] += _of_chart(site, number)
    return found


def _of_chart(site: Site, number: int) -> Counter[int]:
    truth = truth_of(site, [number], with_rows=True)
    found = Counter(
        row
        for facts in truth.facts.values()
        for fact in facts
        for row in {row for telling in fact.tellings for row in telling.rows}
    )
    found[30] += sum(len(those) for those in truth.stale.values())
    return found


def _of_persons(site: Site, numbers: list[int]) -> Counter[int]:
    found: Counter[int] = Counter()
    for number in numbers:
        told = next(
            one for one in site.vendor.renderings(site, number) if one.records and one.records[0].kind == "patient"
        )
        expectation = answers.expected(
            told.records[0],
            [loss for _, loss in told.losses],
            chart=site.sandbox.world.chart(number),
            world=site.sandbox.world,
            source={"vendor": site.vendor.id, "type": told.type, "id": told.id},
            patient={"vendor": site.vendor.id, "id": "p"},
        )
        found.update(rows_shown(expectation, told.payload))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("number", sorted(set(ROWS) - OF_A_READING))
def test_a_row_is_shown_often_enough_or_said_not_to_be(shown: dict[str, Counter[int]], number: int) -> None:
    count = sum(counted[number] for counted in shown.values())
    if number in NOT_SHOWN:
        assert count == 0, f"row {number} is shown after all: take it out of NOT_SHOWN"
    else:
        assert count >= LEAST, ROWS[number]


def test_no_row_is_shown_by_everything(shown: dict[str, Counter[int]]) -> None:
    """A row that every fact shows says nothing about what was tested."""
    for number in set(ROWS) - OF_A_READING:
        assert any(not counted[number] or counted[number] < 0.9 * counted.total() for counted in shown.values())
