"""Coverage: spells without gap or overlap, by age and law, told to the clinic at the desk."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

from hypothesis import given, settings

from simulator.population import tables
from simulator.population.chart.coverage import member_id
from simulator.population.chart.life import life_of
from simulator.population.chart.policies import spells_of
from simulator.population.records import Chart, Coverage
from tests.simulator.population.lives import NUMBERS, POPULATION, SOME, chart, charts, history, local_day

usual = settings(max_examples=25, deadline=None)


def primary(of: Chart) -> list[Coverage]:
    return [one for one in of.coverages if one.order == 1]


@given(NUMBERS)
@usual
def test_a_life_is_a_row_of_spells_without_gap_or_overlap(number: int) -> None:
    life = life_of(POPULATION, number)
    spells = spells_of(life)
    assert spells[0].first == life.birth
    assert spells[-1].last is None
    for one, other in pairwise(spells):
        assert one.last == other.first - 1
        assert one.first <= one.last
    for spell in spells:
        years = life.age_days(spell.first) * 4 // 1461
        assert spell.row.ages[0] - 1 <= years <= spell.row.ages[1]


@given(NUMBERS)
@usual
def test_at_65_comes_medicare_and_childhood_ends_at_26(number: int) -> None:
    life = life_of(POPULATION, number)
    for spell in spells_of(life):
        last = life.last if spell.last is None else spell.last
        if life.age_days(spell.first) > 66 * 365:
            assert spell.row.by == "federal"
        if spell.row.by == "federal":
            assert life.age_days(last) >= 64 * 365
        if spell.relationship == "child":
            assert life.age_days(last) <= 27 * 365
        if spell.row.key == "chip":
            assert life.age_days(last) <= 20 * 365


@given(NUMBERS)
@usual
def test_every_visit_is_covered_by_one_primary_payer_or_paid_by_oneself(number: int) -> None:
    of = chart(number)
    for encounter in of.encounters:
        then = history(number).chart_at(encounter.start)
        day = local_day(encounter.start, encounter.facility)
        in_force = [one for one in then.coverages if one.status == "active"]
        assert [one.order for one in in_force] == list(range(1, len(in_force) + 1))
        assert all(one.start <= day and one.end is None for one in in_force)
        assert len([one for one in in_force if one.order == 1]) == 1


@given(NUMBERS)
@usual
def test_what_is_over_has_an_end_and_nothing_overlaps(number: int) -> None:
    told = sorted(primary(chart(number)), key=lambda one: one.start)
    for one, other in pairwise(told):
        assert one.status == "cancelled"
        assert one.end is not None
        assert one.start <= one.end < other.start
    for one in chart(number).coverages:
        assert (one.status == "cancelled") == (one.end is not None)
        if one.order > 1:
            assert any(p.start == one.start and p.end == one.end for p in told)


def test_a_member_id_is_of_one_policy_and_none_could_be_real() -> None:
    seen: dict[tuple[str, str], int] = {}
    for number in range(1_500):
        for spell in spells_of(life_of(POPULATION, number)):
            made = member_id(POPULATION, spell.of, spell.row, spell.place)
            assert (made is None) == (spell.row.category == "self-pay")
            if made is not None:
                assert seen.setdefault((spell.row.name, made), spell.of) == spell.of
                if spell.row.name == "Medicare":  # no letter of a Medicare number is an S
                    assert re.fullmatch(r"1S[0-9A-Z][0-9][A-Z][0-9A-Z][0-9][A-Z]{2}[0-9]{2}", made)
                    assert not set(made[2:]) & set("SLOIBZ")
    assert len(seen) > 3_000


def test_somebody_keeps_the_same_medicare_number_for_life() -> None:
    row = tables.PAYERS["medicare"]
    for number in SOME:
        assert member_id(POPULATION, number, row, 3) == member_id(POPULATION, number, row, 9)


def test_who_is_insured_through_another_one_shares_that_policy() -> None:
    relationships = Counter[str]()
    for number in range(400):
        life = life_of(POPULATION, number)
        for spell in spells_of(life):
            if spell.of == number or spell.is_over(life.first):
                continue
            relationships[spell.relationship] += 1
            assert spell.of in POPULATION.household(number)
            theirs = next(
                one
                for one in spells_of(life_of(POPULATION, spell.of))
                if one.first <= spell.first and (one.last is None or one.last >= spell.first)
            )
            assert (theirs.row, theirs.of, theirs.place, theirs.draw) == (spell.row, spell.of, spell.place, spell.draw)
            assert theirs.relationship == "self"
            assert theirs.last is None or (spell.last is not None and spell.last <= theirs.last)
            if spell.relationship == "child":
                assert POPULATION.core(spell.of)[3].year <= POPULATION.core(number)[3].year - 16
    assert set(relationships) == {"spouse", "child"}
    assert min(relationships.values()) > 5


def test_those_on_one_policy_have_one_member_id_and_the_numbers_that_the_payer_gives() -> None:
    shared = Counter[bool]()
    joined = [number for number in range(400) if spells_of(life_of(POPULATION, number))[-1].of != number]
    for number in joined[:24]:
        for one in primary(chart(number)):
            assert (one.relationship == "self") <= (one.holder is None)
            if one.holder is None:
                continue
            held = next((the for the in chart(one.holder).coverages if the.member_id == one.member_id), None)
            if held is None:  # the one who holds it did not come while it was in force
                continue
            assert (held.payer, held.plan, held.group, held.relationship) == (one.payer, one.plan, one.group, "self")
            assert held.start <= one.start
            shared[held.card_number == one.card_number] += 1
    assert shared[True]
    assert shared[False]


def test_a_payer_that_numbers_those_on_a_policy_numbers_its_holder_first() -> None:
    for one in (one for number in SOME for one in primary(chart(number))):
        first = tables.PAYERS[one.key].first_dependent
        assert (one.dependent is None) == (first is None)
        assert one.card_number == (one.member_id and f"{one.member_id}{one.dependent or ''}")
        if one.dependent is not None:
            assert (int(one.dependent) == first) == (one.relationship == "self")


def test_the_cast_insures_its_children() -> None:
    for child, parent in ((7, 8), (14, 16), (15, 16), (38, 39)):
        assert spells_of(life_of(POPULATION, child))[0].of == parent
    for child, parent in ((14, 16), (15, 16), (38, 39)):
        [told] = [one for one in primary(chart(child)) if one.status == "active"]
        assert (told.relationship, told.holder) == ("child", parent)
        assert told.member_id in {one.member_id for one in chart(parent).coverages}


def test_children_are_on_plans_of_parents_and_all_payers_occur() -> None:
    told = [one for of in charts() for one in of.coverages]
    assert {"self", "spouse", "child"} <= {one.relationship for one in told}
    assert len({one.key for one in told}) >= 10
    assert any(one.order == 2 for one in told)
    assert all((one.group is not None) == tables.PAYERS[one.key].has_group for one in told)


def test_a_change_of_plan_is_told_at_a_visit() -> None:
    for number in SOME:
        starts = {one.start for one in chart(number).encounters}
        for change in history(number).changes:
            if isinstance(change.record, Coverage) and change.at < POPULATION.starts:
                assert change.at in starts
