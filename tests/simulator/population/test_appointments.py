"""Appointments agree with encounters and with the schedules of the practitioners."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given, settings

from simulator.population import tables
from simulator.population.chart import bookings_of, outline_of
from simulator.population.chart.moments import MAY_BE_PLANNED, SCHEDULED
from simulator.population.ledger import Opening
from simulator.population.people import Population
from simulator.population.records import Appointment
from simulator.population.schedule import Slot, slots_between
from simulator.population.world import World
from tests.simulator.population.lives import AS_OF, NUMBERS, POPULATION, Charts, chart, charts, history, local_day

usual = settings(max_examples=25, deadline=None)
SMALL = Population(seed=7, size=240, as_of=AS_OF)
TAKES_TIME = ("booked", "arrived", "fulfilled", "noshow")


@given(NUMBERS)
@usual
def test_an_appointment_is_fulfilled_exactly_when_its_encounter_is_over(number: int) -> None:
    of = chart(number)
    encounters = {one.ordinal: one for one in of.encounters}
    came = {one.encounter: one for one in of.appointments if one.encounter is not None}
    for one in of.appointments:
        assert (one.encounter is not None) == (one.status in ("arrived", "fulfilled"))
        assert one.created < one.start
        assert one.minutes == tables.ENCOUNTERS[one.type_key].slot
        assert (one.cancel_reason is not None) == (one.status == "cancelled")
        if one.encounter is not None:
            encounter = encounters[one.encounter]
            assert (one.status == "fulfilled") == (encounter.status == "finished")
            assert (one.start, one.practitioner, one.facility, one.type_key, one.sensitivity) == (
                encounter.start,
                encounter.practitioner,
                encounter.facility,
                encounter.type_key,
                encounter.sensitivity,
            )
    for encounter in of.encounters:
        if encounter.type_key not in MAY_BE_PLANNED:
            assert (encounter.ordinal in came) == (encounter.type_key in SCHEDULED)


def test_planned_stays_are_booked_weeks_before_at_home_for_what_was_known() -> None:
    """And other stays are not booked."""
    seen: Counter[str] = Counter()
    for number in islice(POPULATION.find(born=(date(1930, 1, 1), date(1965, 12, 31))), 700):
        outline = outline_of(POPULATION, number)
        stays = [visit for visit in outline.visits if visit.kind in MAY_BE_PLANNED]
        if not any(visit.is_planned for visit in stays):
            continue
        booked = {one.encounter: one for one in bookings(number) if one.encounter is not None}
        for visit in stays:
            assert (visit.ordinal in booked) == visit.is_planned
            if visit.is_planned and visit.episode is not None:
                one = booked[visit.ordinal]
                assert timedelta(days=13) < one.start - one.created < timedelta(days=65)
                assert one.reason == visit.episode.ordinal
                assert visit.episode.row.icd10cm.display in one.text
                assert one.facility == outline.life.person.facility
                assert one.practitioner == POPULATION.colleague(outline.life.person.practitioner)
                seen[visit.kind] += 1
        if seen.total() > 25 and len(seen) == 2:
            break
    assert seen.keys() == MAY_BE_PLANNED
    assert seen.total() > 15


def bookings(number: int) -> list[Appointment]:
    """The appointments of a patient that were kept, as they are in the end."""
    records = (change.record for change in bookings_of(POPULATION, number).changes)
    last = {one.ordinal: one for one in records if isinstance(one, Appointment)}
    return list(last.values())


@given(NUMBERS)
@usual
def test_what_lies_ahead_is_booked_and_what_is_past_is_settled(number: int) -> None:
    now = POPULATION.starts
    born = datetime.combine(chart(number).person.birth_date, datetime.min.time(), UTC)
    for one in chart(number).appointments:
        assert one.created <= now
        assert one.created > born
        if one.start > now:
            assert one.status in ("booked", "cancelled")
        elif one.start + timedelta(days=1) < now:
            assert one.status in ("fulfilled", "noshow", "cancelled")


@given(NUMBERS)
@usual
def test_every_appointment_goes_through_the_states_in_order(number: int) -> None:
    paths: dict[int, list[str]] = {}
    for change in history(number).changes:
        if isinstance(change.record, Appointment):
            paths.setdefault(change.record.ordinal, []).append(change.record.status)
    for path in paths.values():
        assert path in (["booked", "arrived", "fulfilled"][: len(path)], ["booked", "noshow"], ["booked", "cancelled"])


def test_most_are_kept_and_the_others_are_cancelled_missed_or_put_off() -> None:
    counts = Counter(
        one.cancel_reason if one.cancel_reason == "rescheduled" else one.status
        for number in range(240)
        for one in chart(number).appointments
        if one.start < POPULATION.starts and one.status != "arrived"
    )
    total = sum(counts.values())
    assert 0.82 < counts["fulfilled"] / total < 0.95
    assert 0.02 < counts["cancelled"] / total < 0.12
    assert 0.01 < counts["noshow"] / total < 0.08
    assert 0 < counts["rescheduled"] / total < 0.04


def test_some_are_booked_for_the_weeks_ahead() -> None:
    ahead = [one for of in charts() for one in of.appointments if one.start > POPULATION.starts]
    assert len(ahead) > 10
    assert {one.status for one in ahead} >= {"booked"}


# Schedules


@pytest.fixture(scope="module")
def schedules() -> dict[int, list[Slot]]:
    world = Charts(SMALL)
    days = (date(2025, 12, 22), date(2026, 1, 23))
    return {practitioner: slots_between(world, practitioner, *days) for practitioner in range(SMALL.practitioners)}


def test_busy_slots_are_the_appointments_and_nothing_else(schedules: dict[int, list[Slot]]) -> None:
    world = Charts(SMALL)
    told = {
        (practitioner, slot.patient, slot.appointment, slot.start, slot.minutes)
        for practitioner, slots in schedules.items()
        for slot in slots
        if not slot.is_free
    }
    true = {
        (one.practitioner, number, one.ordinal, one.start, one.minutes)
        for number in range(SMALL.size)
        for one in world.chart(number).appointments
        if one.status in TAKES_TIME and date(2025, 12, 22) <= local_day(one.start, one.facility) <= date(2026, 1, 23)
    }
    assert told == true
    assert len(true) > 40


def test_free_slots_fill_what_is_left_of_the_office_hours(schedules: dict[int, list[Slot]]) -> None:
    for slots in schedules.values():
        busy = [slot for slot in slots if not slot.is_free]
        for slot in slots:
            if slot.is_free:
                assert 10 <= slot.minutes <= 20
                assert local_day(slot.start, slot.facility).weekday() < 5
                assert all(slot.end <= other.start or slot.start >= other.end for other in busy)
        by_day = Counter(local_day(slot.start, slot.facility) for slot in slots if slot.is_free)
        assert len(by_day) == 25  # weekdays
        minutes = sum(slot.minutes for slot in slots if slot.is_free)
        assert 25 * 540 - minutes <= sum(slot.minutes for slot in busy) + 10 * len(busy) + 10 * 25


def test_what_is_booked_and_called_off_through_the_ledger_changes_the_schedule() -> None:
    world = World(POPULATION)
    number, one = next(
        (number, one)
        for number in range(POPULATION.size)
        for one in chart(number).appointments
        if one.status == "booked" and one.start > POPULATION.starts
    )
    day = local_day(one.start, one.facility)

    def slots() -> list[Slot]:
        return slots_between(world, one.practitioner, day, day)

    assert (number, one.ordinal) in {(slot.patient, slot.appointment) for slot in slots()}
    world.write(replace(one, status="cancelled", cancel_reason="patient"), number, "desk", POPULATION.starts)
    after = slots()
    assert (number, one.ordinal) not in {(slot.patient, slot.appointment) for slot in after}
    free = next(slot for slot in after if slot.is_free and slot.start <= one.start < slot.end)
    stranger = next(n for n in range(POPULATION.size) if POPULATION.home(n) != one.practitioner)
    mine = world.write(replace(one, ordinal=-1, start=free.start), stranger, "desk", POPULATION.starts)
    told = {(slot.patient, slot.appointment, slot.start) for slot in slots() if not slot.is_free}
    assert (stranger, mine.ordinal, free.start) in told
    assert mine in world.chart(stranger).appointments


def test_there_is_no_schedule_of_nobody() -> None:
    with pytest.raises(IndexError, match="no practitioner"):
        slots_between(Charts(), POPULATION.practitioners, AS_OF, AS_OF)


@given(NUMBERS)
@usual
def test_appointments_can_be_asked_for_without_the_chart(number: int) -> None:
    for now in (POPULATION.starts, POPULATION.starts + timedelta(days=200)):
        world, other = (World(POPULATION, lambda now=now: now) for _ in range(2))  # type: ignore[misc]
        assert world.appointments(number) == other.chart(number).appointments == other.appointments(number)


def test_time_that_was_opened_is_free_until_somebody_has_it() -> None:
    world = World(SMALL)
    saturday = AS_OF + timedelta(days=5)
    assert slots_between(world, 0, saturday, saturday) == []
    start = datetime.combine(saturday, datetime.min.time(), UTC) + timedelta(hours=15)
    opening = Opening(0, start, 30, "wellness", "somebody", SMALL.starts)
    world.open(opening)
    (slot,) = slots_between(world, 0, saturday, saturday)
    assert (slot.start, slot.minutes, slot.type_key, slot.is_free) == (start, 30, "wellness", True)
    number, one = next((n, one) for n in range(240) for one in world.appointments(n))
    late = replace(one, ordinal=-1, start=start + timedelta(minutes=20), status="booked", practitioner=0, facility=0)
    kept = world.write(late, number, "somebody", SMALL.starts)
    assert [one.is_free for one in slots_between(world, 0, saturday, saturday)] == [False]
    world.write(replace(kept, status="cancelled"), number, "somebody", SMALL.starts)
    assert slots_between(world, 0, saturday, saturday) == [slot]
    with pytest.raises(IndexError):
        world.open(replace(opening, practitioner=SMALL.practitioners))
    world.reset()
    assert slots_between(world, 0, saturday, saturday) == []


def test_what_was_written_about_appointments_is_among_them() -> None:
    world = World(SMALL)
    number, first = next((n, one) for n in range(240) for one in world.appointments(n))
    before = len(world.appointments(number))
    world.write(replace(first, ordinal=-1), number, "somebody", SMALL.starts)
    assert len(world.appointments(number)) == before + 1
    with pytest.raises(IndexError):
        world.appointments(SMALL.registrations.end)
