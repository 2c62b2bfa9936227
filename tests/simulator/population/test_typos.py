"""What hands get wrong at the scales is on record as typed, known, and moves nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from simulator.population.chart import chart_of, typos_of
from simulator.population.chart.typos import SECOND_ORDINAL, Typo, typed
from simulator.population.dirt import MILLION, Dirt
from simulator.population.people import Population
from simulator.population.records import Code, Observation

WEIGHT = Observation(
    ordinal=0, key="weight", category="vital-signs", code=Code("loinc", "29463-7", "Body weight"), text="Weight",
    status="final", effective=datetime(2025, 1, 5, 15, tzinfo=UTC), issued=datetime(2025, 1, 5, 15, tzinfo=UTC),
    value=Decimal("84.3"), unit="kg", coded=None, value_text=None, comparator=None, interpretation=None, low=None,
    high=None, panel=None, panel_key=None, group=None, encounter=0, practitioner=0,
)  # fmt: skip


def population(**rates: int) -> Population:
    return Population(7, 1_000, date(2026, 1, 5), Dirt.of(dict.fromkeys(Dirt.none().__dataclass_fields__, 0) | rates))


def steps(*values: str, key: str = "weight") -> list[tuple[int, str, object]]:
    return [
        (place, "created", replace(WEIGHT, ordinal=place, key=key, value=Decimal(value)))
        for place, value in enumerate(values)
    ]


def told(number: int = 0, *values: str, key: str = "weight", **rates: int) -> tuple[list[str], list[Typo]]:
    found: list[Typo] = []
    made = typed(population(**rates), number, steps(*values, key=key), found)
    return [str(record.value) for _, _, record in made if isinstance(record, Observation)], found


def test_clean_hands_type_what_the_scales_show() -> None:
    assert told(0, "84.3", "85.0") == (["84.3", "85.0"], [])


@pytest.mark.parametrize(
    ("rate", "values", "typed_values", "typos"),
    [
        ("wrong_unit", ["84.3"], ["185.8"], [Typo("wrong_unit", 0, Decimal("84.3"))]),
        ("carried_forward", ["84.3", "85.0"], ["84.3", "84.3"], [Typo("carried_forward", 1, Decimal("85.0"))]),
        ("carried_forward", ["84.3", "84.3"], ["84.3", "84.3"], []),  # it is true, too
        ("transposed_value", ["84.3"], ["48.3"], [Typo("transposed_value", 0, Decimal("84.3"))]),
        ("transposed_value", ["77.1", "60.2", "8.4"], ["77.1", "60.2", "8.4"], []),
        ("transposed_value", ["112.0"], ["121.0"], [Typo("transposed_value", 0, Decimal("112.0"))]),
        ("duplicated", ["84.3"], ["84.3", "84.3"], [Typo("duplicated", SECOND_ORDINAL, None)]),
    ],
)
def test_each_typo_is_on_record_as_typed(
    rate: str, values: list[str], typed_values: list[str], typos: list[Typo]
) -> None:
    assert told(0, *values, **{rate: MILLION}) == (typed_values, typos)


def test_a_height_is_carried_forward_but_not_weighed_in_pounds() -> None:
    values, typos = told(0, "172.0", "171.0", key="height", wrong_unit=MILLION, carried_forward=MILLION)
    assert values == ["172.0", "172.0"]
    assert [one.what for one in typos] == ["carried_forward"]


def test_other_results_and_later_versions_are_left_alone() -> None:
    glucose = (0, "created", replace(WEIGHT, key="glucose"))
    updated = (1, "updated", replace(WEIGHT, ordinal=1))
    rates = dict.fromkeys(("wrong_unit", "carried_forward", "duplicated", "transposed_value"), MILLION)
    assert list(typed(population(**rates), 0, [glucose, updated])) == [glucose, updated]


def many(rate: int, **more: int) -> Iterator[tuple[int, int]]:
    for number in range(400):
        for one in told(number, *["84.3"] * 25, wrong_unit=rate, **more)[1]:
            if one.what == "wrong_unit":
                yield number, one.ordinal


def test_a_rate_is_a_share_and_changing_it_or_another_moves_nothing() -> None:
    some = set(many(20_000))
    assert 120 < len(some) < 290  # of 10,000
    assert some < set(many(60_000))
    assert set(many(20_000, duplicated=MILLION, carried_forward=MILLION)) == some


# In charts


def weights(people: Population, number: int) -> dict[int, Decimal | None]:
    return {one.ordinal: one.value for one in chart_of(people, number).observations if one.key == "weight"}


def test_a_chart_shows_what_was_typed_and_the_defect_says_what_should_stand_there() -> None:
    clean, dirty = population(), population(wrong_unit=100_000, transposed_value=50_000, carried_forward=100_000)
    seen = set()
    for number in range(40, 120):
        true, shown = weights(clean, number), weights(dirty, number)
        typos = {one.ordinal: one for one in typos_of(dirty, number)}
        assert shown.keys() == true.keys()
        for ordinal, value in shown.items():
            typo = typos.get(ordinal)
            assert (value != true[ordinal]) == (typo is not None)
            if typo is not None:
                assert typo.true == true[ordinal]
                seen.add(typo.what)
    assert seen == {"wrong_unit", "transposed_value", "carried_forward"}


def test_a_value_that_is_charted_twice_moves_no_other_ordinal() -> None:
    clean, dirty = population(), population(duplicated=MILLION)
    for number in range(40, 60):
        true, shown = weights(clean, number), weights(dirty, number)
        twice = {ordinal: value for ordinal, value in shown.items() if ordinal >= SECOND_ORDINAL}
        assert {ordinal: value for ordinal, value in shown.items() if ordinal < SECOND_ORDINAL} == true
        assert {ordinal - SECOND_ORDINAL: value for ordinal, value in twice.items()} == true


def test_the_rate_of_what_is_taken_back_is_a_setting() -> None:
    def taken_back(rate: int) -> int:
        people = population(retracted=rate)
        return sum(len(chart_of(people, number).retracted) for number in range(40, 100))

    assert taken_back(0) == 0
    assert 0 < taken_back(4_000) < taken_back(60_000)
