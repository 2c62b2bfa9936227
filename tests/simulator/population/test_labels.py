"""Sensitivity labels follow from the tables, from who performs and from age; what implies a secret carries them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from simulator.population import tables
from simulator.population.answers import canonical
from simulator.population.cast import roles
from simulator.population.chart.consents import ASKED
from simulator.population.chart.labels import is_part_2
from simulator.population.chart.life import life_of
from simulator.population.kept_from import KeptFrom
from simulator.population.records import Chart, Consent
from simulator.population.world import World
from tests.simulator.population.lives import NUMBERS, POPULATION, Charts, chart, charts, history, local_day

usual = settings(max_examples=25, deadline=None)
TEEN = (12 * 365, 18 * 365 + 6)


def items(of: Chart):  # type: ignore[no-untyped-def]
    yield from ((one, one.start) for one in (*of.encounters, *of.procedures, *of.appointments))
    yield from ((one, one.created) for one in of.documents)


@given(NUMBERS)
@usual
def test_what_is_done_for_a_sensitive_reason_carries_its_label(number: int) -> None:
    of = chart(number)
    conditions = {one.ordinal: one for one in of.conditions}
    encounters = {one.ordinal: one for one in of.encounters}
    for one, _ in items(of):
        reason = getattr(one, "reason", None)
        if reason in conditions:
            assert set(tables.CONDITIONS[conditions[reason].key].sensitivity) <= set(one.sensitivity)
        kind = getattr(one, "type_key", "")
        assert kind != "psych" or "BH" in one.sensitivity
        assert kind != "prenatal" or "REPRO" in one.sensitivity
        if one.kind in ("document", "appointment") and one.encounter is not None:
            assert set(encounters[one.encounter].sensitivity) <= set(one.sensitivity)


@given(NUMBERS)
@usual
def test_part_2_is_where_a_programme_treats_substance_use_and_teen_where_a_minor_is_treated(number: int) -> None:
    of = chart(number)
    born = of.person.birth_date
    for one, at in items(of):
        labels = set(one.sensitivity)
        assert ("PART2" in labels) == ("SUD" in labels and is_part_2(POPULATION.key, one.facility))
        age = (local_day(at, one.facility) - born).days
        if "TEEN" in labels:
            assert TEEN[0] - 2 <= age < TEEN[1] + 30
        assert labels <= set(tables.LABELS)


def test_labels_occur_and_psychotherapy_notes_are_marked() -> None:
    seen = {label for of in charts() for one, _ in items(of) for label in one.sensitivity}
    assert {"BH", "REPRO", "PSYNOTE", "TEEN", "SUD"} <= seen
    notes = [one for of in charts() for one in of.documents if one.key == "psychotherapy"]
    assert notes
    assert all({"PSYNOTE", "BH"} <= set(one.sensitivity) for one in notes)


def test_some_clinics_are_part_2_programmes() -> None:
    flags = {is_part_2(POPULATION.key, facility) for facility in range(len(POPULATION.facilities))}
    assert flags == {True, False}


def test_some_people_are_very_important_and_found_without_looking_at_the_others() -> None:
    vips = set(POPULATION.vips())
    assert {number for number in range(POPULATION.size) if "VIP" in POPULATION.person(number).sensitivity} == vips
    assert 0.002 < len(vips) / POPULATION.size < 0.004
    [named] = [role.number for role in roles() if role.key == "vip"]
    assert [number for number in vips if number < len(POPULATION.cast)] == [named]


def test_a_vip_who_is_kept_back_is_nobody() -> None:
    whole = World(POPULATION)
    left = KeptFrom(whole, frozenset({"VIP"}))
    number = max(POPULATION.vips())
    person = POPULATION.person(number)
    asked = {"family": person.family, "born": (person.birth_date, person.birth_date)}
    assert number in whole.find(**asked)
    assert number not in left.find(**asked)
    assert left.person(number) is None
    assert not left.knows(number)
    for reading in (left.chart, left.history):
        with pytest.raises(IndexError):
            reading(number)
    family = person.family
    assert left.count(family=family) == sum(1 for one in left.find(family=family) if one < POPULATION.size)
    assert left.count(family=family) < whole.count(family=family)
    assert KeptFrom(whole, frozenset({"HIV"})).person(number) == person


def test_consents_are_asked_for_where_a_label_needs_one_and_stay_in_order() -> None:
    decisions = set()
    for number in range(POPULATION.size)[:400]:
        if life_of(POPULATION, number).visits_percent and number < 240:
            told: dict[int, Consent] = {}
            for change in history(number).changes:
                one = change.record
                if isinstance(one, Consent):
                    assert one.ordinal in told or (change.what == "created" and one.status == "active")
                    assert set(one.labels) <= set(ASKED)
                    assert change.at >= one.recorded
                    told[one.ordinal] = one
                    decisions.add((one.decision, one.status))
            assert len({label for one in told.values() for label in one.labels}) == sum(
                len(one.labels) for one in told.values()
            )
    assert ("permit", "active") in decisions
    assert ("deny", "active") in decisions


def test_canonical_records_carry_the_codes_of_hl7() -> None:
    world = Charts()
    codes = set()
    for number in range(160):
        for one in chart(number).procedures:
            told = canonical(one, chart=chart(number), world=world, source={}, patient={})  # type: ignore[arg-type]
            codes.update(told["sensitivity"])
    assert codes <= {"BH", "SUD", "42CFRPart2", "HIV", "STD", "SEX", "SDV", "PSYTHPN", "SDOH", "TEEN"}
    assert {"BH", "SEX"} <= codes
