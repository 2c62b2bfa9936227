"""A visit whose appointment somebody called off does not take place, and nothing comes of it.

appointment  booked ──── called off by hand        what lasts and was to be found there: at the next visit
visit                         ╌╌╌╌╌╌╌╌╌╌╌╌╌╌ encounter, findings, orders, notes: none of it
the others   ────────────────────────────────────────────────────────────────▶ as before
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice

import pytest

from simulator.population.dirt import Dirt
from simulator.population.people import Population
from simulator.population.records import KINDS, Appointment, Chart, Condition, Medication, Record
from simulator.population.tables import MEDICATIONS
from simulator.population.world import World

AS_OF = date(2026, 1, 5)
HALF_A_YEAR = timedelta(days=180)
DIRT = Dirt.of({"second_registration": 200_000, "merged": 100_000})
PARTS = [kind for kind in KINDS if kind != "patient"]


@dataclass
class Pair:
    """A world in which visits are called off, and one in which nobody does anything, at one moment."""

    touched: World
    untouched: World
    now: datetime

    def booked(self) -> Iterator[tuple[int, Appointment]]:
        """The next appointments that become visits within half a year, of some people and of some who are on file
        twice, under their second number; and whose they are."""
        population = self.untouched.population
        yield from islice(self._booked(range(population.size)), 16)
        yield from islice(self._booked(population.registrations), 2)

    def _booked(self, numbers: Iterable[int]) -> Iterator[tuple[int, Appointment]]:
        for number in numbers:
            if self.untouched.survivor(number) is None and not self.merges_soon(number):
                ahead = [one for one in self.untouched.appointments(number) if one.status == "booked"]
                later = {one.ordinal for one in self.later(number).appointments if one.encounter is not None}
                yield from [(number, one) for one in ahead if one.ordinal in later][:1]

    def merges_soon(self, number: int) -> bool:
        world = self.untouched
        return any(at > self.now for at in world.population.registrations.joints(world.human(number)))

    def later(self, number: int) -> Chart:
        return self.untouched.chart_at(number, self.now + HALF_A_YEAR)

    def call_off(self, number: int, one: Appointment, at: datetime | None = None) -> Appointment:
        off = replace(one, status="cancelled", cancel_reason="patient")
        return self.touched.write(off, number, "desk", at or self.now)


def pair_of(size: int) -> Pair:
    population = Population(7, size, AS_OF, DIRT)
    made = Pair(World(population, charts_kept=2 * size), World(population, charts_kept=2 * size), population.starts)
    made.touched.now = made.untouched.now = lambda: made.now
    return made


@pytest.fixture
def pair() -> Pair:
    return pair_of(400)


def everything(chart: Chart) -> dict[tuple[str, int], Record]:
    gone = {(one.kind, one.ordinal): one for one in chart.retracted}
    return gone | {(kind, one.ordinal): one for kind in PARTS for one in chart.of(kind)}


def named(chart: Chart) -> set[tuple[str, int]]:
    """The records to which others of a chart refer."""
    return {
        (kind, ordinal)
        for record in everything(chart).values()
        for name, kind in (("encounter", "encounter"), ("reason", "condition"))
        if (ordinal := getattr(record, name, None)) is not None
    }


@pytest.mark.slow
def test_nothing_comes_of_a_visit_that_was_called_off_and_the_others_take_place(pair: Pair) -> None:
    called_off = [(number, one, pair.call_off(number, one)) for number, one in pair.booked()]
    assert sum(number >= 400 for number, _, _ in called_off) == 2
    assert len(called_off) == 18
    pair.now += HALF_A_YEAR
    lost_kinds = set()
    for number, one, off in called_off:
        would_be, chart = pair.untouched.chart(number), pair.touched.chart(number)
        (visit,) = (a.encounter for a in would_be.appointments if a.ordinal == one.ordinal)
        assert off in chart.appointments
        lost = everything(would_be).keys() - everything(chart).keys()
        lost_kinds |= {kind for kind, _ in lost}
        assert {ordinal for kind, ordinal in lost if kind == "encounter"} == {visit}
        assert everything(chart).keys() <= everything(would_be).keys()
        assert ("encounter", visit) not in named(chart)
        assert named(chart) - everything(chart).keys() <= named(would_be) - everything(would_be).keys()
    assert lost_kinds > {"encounter", "observation", "document"}


KNOWN = 899
KNOWN_ORDER = 50
"""Those for whom it holds are looked for from here on."""


def with_a_condition_ahead() -> tuple[Pair, int, Appointment, Condition]:
    """Somebody at whose next visit a condition is found that lasts, for which they come again."""
    pair = pair_of(1_500)
    pair.now += timedelta(days=200)
    for number in (*range(KNOWN, 1_500), *range(KNOWN)):
        booked = [one for one in pair.untouched.appointments(number) if one.status == "booked"]
        if not booked or pair.merges_soon(number):
            continue
        would_be = pair.untouched.chart_at(number, pair.now + timedelta(days=500))
        (visit,) = (told.encounter for told in would_be.appointments if told.ordinal == booked[0].ordinal)
        found = [c for c in would_be.conditions if c.encounter == visit and c.category == "problem-list-item"]
        if (
            visit is not None
            and len(found) == 1
            and any(e.reason == found[0].ordinal for e in would_be.encounters[visit + 2 :])
        ):
            return pair, number, booked[0], found[0]
    raise AssertionError("nobody")


def test_what_lasts_is_noticed_at_the_next_visit_instead_and_is_a_reason_from_then_on() -> None:
    pair, number, one, found = with_a_condition_ahead()
    pair.call_off(number, one)
    pair.now += timedelta(days=500)
    would_be, chart = pair.untouched.chart(number), pair.touched.chart(number)
    (late,) = (c for c in chart.conditions if c.ordinal == found.ordinal)
    told = ("codes", "onset", "clinical_status", "sensitivity", "category")
    assert [getattr(late, name) for name in told] == [getattr(found, name) for name in told]
    following = min((e for e in chart.encounters if e.start > one.start), key=lambda e: e.start)
    assert late.encounter == following.ordinal
    assert late.practitioner == following.practitioner
    assert following.start < late.recorded <= following.end
    reasons = [r for r in everything(chart).values() if getattr(r, "reason", None) == late.ordinal]
    assert reasons
    for record in reasons:
        same = everything(would_be)[record.kind, record.ordinal]
        assert same == record or (isinstance(same, Medication) and same.encounter == found.encounter)
    until = late.recorded - timedelta(minutes=1)
    assert late.ordinal not in {c.ordinal for c in pair.touched.chart_at(number, until).conditions}
    assert named(pair.touched.chart_at(number, until)) <= everything(pair.touched.chart_at(number, until)).keys()


def with_an_order_ahead() -> tuple[Pair, int, Appointment, list[Medication]]:
    """Somebody at whose next visit something is ordered that is taken for good, and who comes again."""
    pair = pair_of(1_500)
    pair.now += timedelta(days=200)
    for number in (*range(KNOWN_ORDER, 1_500), *range(KNOWN_ORDER)):
        booked = [one for one in pair.untouched.appointments(number) if one.status == "booked"]
        if not booked or pair.merges_soon(number):
            continue
        would_be = pair.untouched.chart_at(number, pair.now + timedelta(days=300))
        one = min(booked, key=lambda told: told.start)
        visit = next(told.encounter for told in would_be.appointments if told.ordinal == one.ordinal)
        ordered = [drug for drug in would_be.medications if visit is not None and drug.encounter == visit]
        lasting = [drug for drug in ordered if MEDICATIONS[drug.key].is_chronic and drug.stop is None]
        later = [e for e in would_be.encounters if e.start > one.start and e.type_key != "telephone"]
        if lasting and later:
            return pair, number, one, lasting
    raise AssertionError("nobody")


def test_what_is_taken_for_good_begins_at_the_next_visit_instead() -> None:
    pair, number, one, ordered = with_an_order_ahead()
    pair.call_off(number, one)
    pair.now += timedelta(days=300)
    chart = pair.touched.chart(number)
    following = min(
        (e for e in chart.encounters if e.start > one.start and e.type_key != "telephone"), key=lambda e: e.start
    )
    for would_be in ordered:
        (late,) = (drug for drug in chart.medications if drug.ordinal == would_be.ordinal)
        assert (late.encounter, late.practitioner) == (following.ordinal, following.practitioner)
        assert following.start < late.authored < following.start + timedelta(minutes=5)
        assert would_be.start < late.start
        same = {"authored": late.authored, "start": late.start, "encounter": late.encounter}
        assert replace(would_be, **same, practitioner=late.practitioner) == late
        assert late.reason in {c.ordinal for c in chart.conditions}
        versions = pair.touched.versions("medication", number, late.ordinal)
        assert (versions[0].number, versions[0].what, versions[0].record) == (1, "created", late)
        window = versions[0].at, versions[0].at + timedelta(minutes=1)
        told = [e for e in pair.touched.feed(*window) if (e.number, e.record) == (number, late)]
        assert [(e.what, e.version) for e in told] == [("created", 1)]
        before = pair.touched.chart_at(number, versions[0].at - timedelta(minutes=1))
        assert late.ordinal not in {drug.ordinal for drug in before.medications}


def test_the_feed_tells_of_it_once_wherever_one_goes_on() -> None:
    pair, number, one, found = with_a_condition_ahead()
    pair.call_off(number, one)
    pair.now += timedelta(days=500)
    first = pair.touched.versions("condition", number, found.ordinal)[0]
    late = first.record
    assert isinstance(late, Condition)
    assert (first.number, first.at, first.what) == (1, late.recorded, "created")
    window = late.recorded, late.recorded + timedelta(minutes=1)
    events = list(pair.touched.feed(*window))
    assert [e.what for e in events if (e.number, e.record) == (number, late)] == ["created"]
    for place, event in enumerate(events):
        assert list(pair.touched.feed(*window, after=event.cursor)) == events[place + 1 :]


def test_the_feed_tells_what_the_charts_tell() -> None:
    """Each change once, in its version, and none of a visit that was called off."""
    pair = pair_of(30)
    since, until = pair.now, pair.now + timedelta(days=60)
    numbers = [number for number, one in pair.booked() if pair.call_off(number, one)]
    pair.now = until
    told = [event for event in pair.touched.feed(since, until) if event.number in numbers]
    kept = [(number, v) for number in numbers for v in pair.touched.history(number) if since < v.at < until]
    assert {(e.number, e.at, e.what, e.record, e.version) for e in told if e.at > since} == {
        (number, v.at, v.what, v.record, v.number) for number, v in kept
    }
    assert len([e for e in told if e.at > since]) == len(kept) > 50
    unheeded = [event for event in pair.untouched.feed(since, until) if event.number in numbers]
    assert len(told) < len(unheeded)


def test_a_visit_takes_place_whose_appointment_was_booked_again(pair: Pair) -> None:
    number, one = next(pair.booked())
    pair.call_off(number, one)
    pair.touched.write(one, number, "desk", pair.now + timedelta(minutes=1))
    pair.now += HALF_A_YEAR
    assert pair.touched.chart(number).encounters == pair.untouched.chart(number).encounters


def test_a_visit_that_was_moved_does_not_take_place_at_its_old_time(pair: Pair) -> None:
    number, one = next(pair.booked())
    pair.touched.write(replace(one, start=one.start + timedelta(days=1)), number, "desk", pair.now)
    pair.now += HALF_A_YEAR
    assert len(pair.touched.chart(number).encounters) == len(pair.untouched.chart(number).encounters) - 1


def test_what_is_called_off_once_it_has_begun_has_taken_place(pair: Pair) -> None:
    number, one = next(pair.booked())
    pair.now += HALF_A_YEAR
    pair.call_off(number, one, one.start + timedelta(minutes=1))
    assert pair.touched.chart(number).encounters == pair.untouched.chart(number).encounters


def test_a_forgotten_cancellation_calls_nothing_off(pair: Pair) -> None:
    number, one = next(pair.booked())
    pair.call_off(number, one)
    pair.touched.reset()
    pair.now += HALF_A_YEAR
    assert pair.touched.chart(number) == pair.untouched.chart(number)
