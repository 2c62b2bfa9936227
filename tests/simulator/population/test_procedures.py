"""Procedures: inside their encounters, only where somebody calls for them, only on whom they can be done."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings

from simulator.population import tables
from simulator.population.chart import outline_of
from simulator.population.chart.conditions import chronic_of
from simulator.population.chart.life import life_of
from simulator.population.chart.procedures import procedures_of
from simulator.population.people import Population
from simulator.population.records import Chart, Procedure
from tests.simulator.population.lives import AS_OF, NUMBERS, chart, charts, local_day

usual = settings(max_examples=25, deadline=None)
SURGERY = {key for key, row in tables.PROCEDURES.items() if "surgical" in row.kinds}
ACUTE = {key for key, row in tables.CONDITIONS.items() if row.kind in ("acute", "episode")}


def age_at(one: Procedure, of: Chart) -> int:
    return (local_day(one.start, one.facility) - of.person.birth_date).days


@given(NUMBERS)
@usual
def test_a_procedure_lies_within_its_encounter_and_fits_it(number: int) -> None:
    of = chart(number)
    encounters = {one.ordinal: one for one in of.encounters}
    for one in of.procedures:
        row = tables.PROCEDURES[one.key]
        encounter = encounters[one.encounter or 0]
        assert encounter.start <= one.start < one.end
        assert encounter.end is not None
        assert one.end <= encounter.end
        assert encounter.class_code in row.classes
        assert not row.kinds or encounter.type_key in row.kinds
        assert (one.facility, one.practitioner) == (encounter.facility, encounter.practitioner)
        assert one.end - one.start <= timedelta(minutes=row.minutes + 120)
        assert one.codes == (row.code,)


@given(NUMBERS)
@usual
def test_only_those_have_it_who_can_and_something_calls_for_it(number: int) -> None:
    of = chart(number)
    conditions = {one.ordinal: one for one in (*of.conditions, *of.retracted) if one.kind == "condition"}
    for one in of.procedures:
        row = tables.PROCEDURES[one.key]
        assert row.sex in ("B", of.person.sex)
        assert age_at(one, of) >= row.min_age * 365
        assert (one.reason is None) == (not row.conditions)
        if one.reason is not None:
            reason = conditions[one.reason]
            assert reason.key in row.conditions
            assert reason.onset <= local_day(one.start, one.facility) + timedelta(days=1)


def test_nothing_is_done_again_too_soon() -> None:
    for of in charts():
        last: dict[str, Procedure] = {}
        for one in of.procedures:
            before = last.get(one.key)
            if before is not None:
                days = (local_day(one.start, one.facility) - local_day(before.start, before.facility)).days
                assert days >= max(1, tables.PROCEDURES[one.key].every_days)
            last[one.key] = one


def test_every_birth_is_a_delivery_and_nobody_else_has_one() -> None:
    deliveries = 0
    for number in range(240):
        of = chart(number)
        pregnant = {one.ordinal for one in of.conditions if one.key == "pregnancy"}
        done = {one.encounter for one in of.procedures if one.key == "delivery"}
        deliveries += len(done)
        births = {
            one.ordinal for one in of.encounters if one.class_code == "IMP" and one.reason in pregnant and one.end
        }
        assert done == births
        if done:
            assert of.person.sex == "F"
            assert all(12 * 365 < age_at(one, of) < 56 * 365 for one in of.procedures if one.key == "delivery")
    assert deliveries > 4


def test_surgery_is_done_in_surgical_encounters() -> None:
    everybody = [(of, one) for of in map(chart, range(240)) for one in of.encounters if one.type_key == "surgical"]
    operated = {(of.person.number, one.encounter) for of, _ in everybody for one in of.procedures if one.key in SURGERY}
    done = sum((of.person.number, one.ordinal) in operated for of, one in everybody if one.end)
    assert done >= 0.8 * len(everybody) > 0


def test_every_kind_of_procedure_is_done_where_there_is_a_reason() -> None:
    """A walk through some thousand lives, in which only those are lived who have what something missing is done for."""
    population = Population(seed=7, size=10_000_000, as_of=AS_OF)
    missing = {key: set(row.conditions) for key, row in tables.PROCEDURES.items()}
    for number in range(40, population.size, population.size // 5_000):
        life = life_of(population, number)
        has = {one.key for one in chronic_of(life)}
        if any(not wanted - ACUTE or wanted & has for wanted in missing.values()):
            outline = outline_of(population, number)
            for _, _, one in procedures_of(outline.life, outline.visits, outline.episodes):
                missing.pop(one.key, None)  # type: ignore[union-attr]
        if not missing:
            break
    assert missing == {}
