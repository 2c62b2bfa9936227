"""Results as laboratories have them: how many turn out to be wrong, and how many are out of range."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.population.records import Observation
from tests.simulator.population.lives import charts


def results() -> Iterator[Observation]:
    for chart in charts():
        yield from (one for one in chart.observations if one.category == "laboratory")


def test_one_result_of_a_hundred_is_corrected() -> None:
    corrected = [one.status == "corrected" for one in results()]
    assert 0.007 < sum(corrected) / len(corrected) < 0.013
    assert sum(corrected) > 100


def test_few_have_too_few_red_cells() -> None:
    flags = [one.interpretation for one in results() if one.key == "rbc"]
    assert 0.02 < sum(flag in ("L", "LL") for flag in flags) / len(flags) < 0.1
    assert len(flags) > 1_000
