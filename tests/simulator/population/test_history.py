"""Time: a history is a log, a chart is its fold, a feed is every log at once.

slot + delay = moment → change, change, change … → the chart at t is the fold of what happened by t
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.population.chart import chart_of, history_of, moments, outline_of
from simulator.population.dirt import Dirt
from simulator.population.feed import Feed, Key
from simulator.population.history import History
from simulator.population.lanes import ANY_HOUR, CLOCK_CHANGE, DEATH, OFFICE
from simulator.population.people import Population
from simulator.population.records import FIELDS, Change, Chart, Document, Person, Record
from simulator.population.zones import DAY, instant, minute_of

AS_OF = date(2026, 1, 5)
CLEAN_SCALES = Dirt(wrong_unit=0, carried_forward=0, duplicated=0, transposed_value=0)  # see test_typos
WORLDS = [(7, 10_000), (31, 100_000_000), (5, 1)]
usual = settings(max_examples=25, deadline=None)


@cache
def population_of(seed: int, size: int) -> Population:
    return Population(seed=seed, size=size, as_of=AS_OF, dirt=CLEAN_SCALES)


@lru_cache(maxsize=400)
def history(seed: int, size: int, number: int) -> History:
    return history_of(population_of(seed, size), number)


WHO = st.builds(lambda world, number: (*world, number % world[1]), st.sampled_from(WORLDS), st.integers(0, 9_999))
WHEN = st.datetimes(datetime(2016, 1, 1), datetime(2028, 1, 10)).map(lambda at: at.replace(tzinfo=UTC))


def items(chart: Chart) -> dict[tuple[str, int], Record]:
    records = [record for field in FIELDS.values() for record in getattr(chart, field)]
    return {(record.kind, record.ordinal): record for record in (*records, *chart.retracted)}


@given(WHO, WHEN)
@settings(max_examples=60, deadline=None)
def test_what_happens_by_a_moment_is_the_beginning_of_everything(who: tuple[int, int, int], at: datetime) -> None:
    """A shorter history is cheaper, and what it leaves out decides nothing of what it tells."""
    seed, size, number = who
    whole, short = history(*who), history_of(population_of(seed, size), number, at)
    count = whole.count(at)
    assert short.changes == whole.changes[:count]
    assert [short.hook(place) for place in range(count)] == [whole.hook(place) for place in range(count)]
    assert short.after(count) == at
    assert short.chart_at(at) == whole.chart_at(at)


@given(WHO, WHEN, WHEN)
@usual
def test_a_later_chart_holds_every_record_of_an_earlier_one(
    who: tuple[int, int, int], one: datetime, two: datetime
) -> None:
    log = history(*who)
    earlier, later = sorted((one, two))
    before, after = log.chart_at(earlier), log.chart_at(later)
    assert items(before).keys() <= items(after).keys()
    for key, record in items(before).items():
        told, then = before.states[key], after.states[key]
        assert told.version <= then.version
        assert told.updated <= earlier
        if told.version == then.version:
            assert items(after)[key] == record
            assert told.updated == then.updated


@given(WHO, WHEN)
@usual
def test_versions_and_times_of_a_chart_are_those_of_its_log(who: tuple[int, int, int], at: datetime) -> None:
    log = history(*who)
    happened = [change for change in log.changes if change.at <= at]
    chart = log.chart_at(at)
    counts = Counter((change.record.kind, change.record.ordinal) for change in happened)
    last = {(change.record.kind, change.record.ordinal): change for change in happened}
    for key, record in items(chart).items():
        assert chart.states[key] == (counts[key], last[key].at)
        assert record == last[key].record
    assert {key: state.version for key, state in chart.states.items() if key[0] != "patient"} == {
        key: count for key, count in counts.items() if key[0] != "patient"
    }


@given(WHO)
@usual
def test_a_log_is_in_order_and_inside_the_life(who: tuple[int, int, int]) -> None:
    log = history(*who)
    population = population_of(*who[:2])
    assert [change.at for change in log.changes] == sorted(change.at for change in log.changes)
    born = datetime.combine(log.person.birth_date, datetime.min.time(), UTC)
    for change in log.changes:
        is_signed = isinstance(change.record, Document)  # though the patient has died since
        assert born < change.at <= (population.horizon if is_signed else log.person.deceased or population.horizon)
        assert (change.at.second, change.at.microsecond) == (0, 0)
    if log.person.deceased is not None:
        others = [change.record for change in log.changes if not isinstance(change.record, Document)]
        assert isinstance(others[-1], Person)


@given(WHO)
@usual
def test_records_are_numbered_in_the_order_in_which_they_were_written_down(who: tuple[int, int, int]) -> None:
    numbered: dict[str, list[int]] = {}
    for change in history(*who).changes:
        told = numbered.setdefault(change.record.kind, [])
        if change.what == "created":
            told.append(change.record.ordinal)
        else:
            assert change.record.kind == "patient" or change.record.ordinal in told
    for kind, told in numbered.items():
        if kind != "patient":
            assert told == list(range(len(told)))


def test_a_culture_is_numbered_when_there_is_a_preliminary_result() -> None:
    """Though what is measured on the next day of the stay is written down before the final one."""
    seen = 0
    for number in range(1_000):
        outline = outline_of(population_of(11, 10_000), number)
        stays = (one for one in outline.visits if one.kind == "inpatient" and one.minutes > 2 * DAY)
        if not any(one.episode is not None and one.episode.key == "uti" for one in stays):
            continue
        told = [c.record.ordinal for c in history(11, 10_000, number).changes if _is_new_observation(c)]
        assert told == list(range(len(told)))
        seen += 1
    assert seen > 3


def _is_new_observation(change: Change) -> bool:
    return change.what == "created" and change.record.kind == "observation"


@given(WHO)
@usual
def test_what_a_record_names_was_written_down_by_then(who: tuple[int, int, int]) -> None:
    known: set[tuple[str, int]] = set()
    for _, _, record in history(*who).changes:
        known.add((record.kind, record.ordinal))
        encounter, reason = getattr(record, "encounter", None), getattr(record, "reason", None)
        assert encounter is None or ("encounter", encounter) in known
        assert reason is None or ("condition", reason) in known


@given(WHO)
@usual
def test_every_change_hangs_on_a_slot_by_a_delay_of_the_list(who: tuple[int, int, int]) -> None:
    population = population_of(*who[:2])
    log = history(*who)
    for place, change in enumerate(log.changes):
        lane, period, delay = log.hook(place)
        if isinstance(change.record, Person) or delay == moments.REPORTED:
            continue
        assert delay in moments.all_delays(lane)
        assert delay in moments.delays(lane, moments.bits(population.lanes.habits(lane, period, who[2])))


def test_encounters_begin_open_and_end_closed() -> None:
    seen = 0
    for number in range(60):
        log = history(7, 10_000, number)
        for encounter in log.chart_at(population_of(7, 10_000).starts).encounters:
            if encounter.end is None:
                assert encounter.status == "in-progress"
                continue
            during = log.chart_at(encounter.start + (encounter.end - encounter.start) / 2)
            open_one = next(one for one in during.encounters if one.ordinal == encounter.ordinal)
            assert (open_one.status, open_one.end) == ("in-progress", None)
            before = log.chart_at(encounter.start - timedelta(minutes=1))
            assert len(before.encounters) == encounter.ordinal
            seen += 1
    assert seen > 500


def test_what_happens_to_records_now_and_then() -> None:
    kinds: Counter[tuple[str, str]] = Counter()
    cultures = corrections = 0
    for number in range(250):
        told: dict[tuple[str, int], list[Record]] = {}
        for change in history(7, 10_000, number).changes:
            kinds[change.record.kind, change.what] += 1
            told.setdefault((change.record.kind, change.record.ordinal), []).append(change.record)
        for versions in told.values():
            statuses = [getattr(one, "status", "") for one in versions]
            cultures += statuses[:2] == ["preliminary", "final"]
            if "corrected" in statuses:
                corrections += 1
                assert statuses[:2] == ["final", "corrected"]
                assert versions[0] != versions[1]
                assert getattr(versions[0], "value", None) != getattr(versions[1], "value", None)
    assert kinds["encounter", "created"] >= kinds["encounter", "updated"] > 2_000
    assert cultures > 3
    results = kinds["observation", "created"]
    assert 0.001 < corrections / results < 0.01  # one result in a hundred, of those that may be
    assert 0.001 < kinds["observation", "retracted"] / results < 0.004
    for kind in ("condition", "medication"):
        assert kinds[kind, "updated"] > 20
    assert kinds["immunization", "retracted"] > 2
    assert kinds["patient", "updated"] > 2


def test_the_dead_have_no_visits_and_are_alive_until_they_die() -> None:
    population = population_of(7, 10_000)
    dead = [number for number in range(400) if population.death(number) is not None]
    assert len(dead) > 8
    for number in dead:
        log = history(7, 10_000, number)
        death = population.death(number)
        assert death is not None
        assert log.chart_at(death - timedelta(minutes=1)).person.deceased is None
        assert log.chart_at(death).person.deceased == death
        assert log.chart_at(death).states["patient", 0] == (2, death)
        assert population.person(number, death).deceased == death
        assert population.person(number, death - timedelta(minutes=1)).deceased is None


def test_deaths_are_as_frequent_as_the_life_table_says() -> None:
    population = population_of(31, 100_000_000)
    ahead = [population.death(number) for number in range(12_000)]
    yearly = sum(death is not None and death >= population.starts for death in ahead) / 2 / len(ahead)
    assert 0.006 < yearly < 0.012  # the United States: 0.9 %


def test_panels_and_homes_are_one_order() -> None:
    population = population_of(7, 10_000)
    seen: set[int] = set()
    for practitioner in range(population.practitioners):
        panel = list(population.panel(practitioner))
        assert all(population.home(number) == practitioner for number in panel)
        assert seen.isdisjoint(panel)
        seen.update(panel)
    assert len(seen) == population.size
    person = population.person(5)
    assert person.practitioner == population.home(5)
    assert person.facility == population.home(5) % len(population.facilities)
    assert population.facility(person.facility).zone == population.zone(5)


def brute(seed: int, size: int, first: int, until: int) -> list[tuple[int, int, int]]:
    """What happened in [first, until): minute, patient, place in the history."""
    found = []
    for number in range(size):
        log = history(seed, size, number)
        found.extend((log.minute(place), number, place) for place in log.between(first, until))
    return sorted(found)


WINDOWS = [
    (5, 80, datetime(2026, 1, 5, 6, 11), timedelta(days=9)),
    (5, 100, datetime(2025, 12, 21), timedelta(days=6)),  # what lasts was noticed before it began
    (6, 70, datetime(2021, 11, 5), timedelta(days=6)),  # the clocks change
    (6, 70, datetime(2024, 3, 8), timedelta(days=4)),
    (8, 50, datetime(2027, 12, 10), timedelta(days=90)),  # over the horizon
    (9, 40, datetime(2015, 12, 1), timedelta(days=60)),  # where the record begins
    (11, 1, datetime(2016, 1, 1), timedelta(days=400)),
    (11, 1, datetime(2026, 12, 1), timedelta(days=600)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "size", "first", "span"), WINDOWS)
def test_the_feed_is_every_log_at_once(seed: int, size: int, first: datetime, span: timedelta) -> None:
    population = population_of(seed, size)
    start = minute_of(first.replace(tzinfo=UTC))
    until = start + span // timedelta(minutes=1)
    feed = Feed(population, lambda number: history(seed, size, number))
    hits = list(feed.between(start, until))
    assert [hit.key for hit in hits] == sorted(hit.key for hit in hits)
    assert sorted((hit.key.minute, hit.number, hit.key.place) for hit in hits) == brute(seed, size, start, until)
    assert hits
    for cut in (0, len(hits) // 3, len(hits) - 1):
        again = [hit.key for hit in feed.between(start, until, Key.of(str(hits[cut].key)))]
        assert again == [hit.key for hit in hits[cut + 1 :]]


def test_minute_by_minute_the_feed_is_the_same() -> None:
    population = population_of(12, 200)
    feed = Feed(population, lambda number: history(12, 200, number))
    start = minute_of(datetime(2026, 1, 5, 14, tzinfo=UTC))
    whole = [hit.key for hit in feed.between(start, start + DAY)]
    lazily = [hit.key for minute in range(start, start + DAY // 6) for hit in feed.between(minute, minute + 1)]
    assert lazily == [key for key in whole if key.minute < start + DAY // 6]
    steps = [hit.key for hour in range(24) for hit in feed.between(start + hour * 60, start + hour * 60 + 60)]
    assert steps == whole
    assert len(whole) > 10


def test_a_huge_population_has_a_lazy_feed() -> None:
    population = population_of(31, 100_000_000)
    asked: list[int] = []

    def kept(number: int) -> History:
        asked.append(number)
        return history(31, 100_000_000, number)

    feed = Feed(population, kept)
    start = minute_of(datetime(2026, 1, 6, 16, tzinfo=UTC))
    hits = list(islice(feed.between(start, start + 365 * DAY), 12))
    assert len(hits) == 12
    assert len(asked) < 200
    assert all(hit.key.minute == start for hit in hits)
    for hit in hits:
        change = hit.history.changes[hit.key.place]
        assert change.at == instant(start)
    rest = list(islice(feed.between(start, start + 365 * DAY, hits[4].key), 7))
    assert [hit.key for hit in rest] == [hit.key for hit in hits[5:]]


def test_every_lane_is_used() -> None:
    lanes: Counter[int] = Counter()
    population = population_of(7, 10_000)
    for number in (*range(150), *islice(population.in_on_clock_change(), 20)):
        outline = outline_of(population, number)
        lanes.update(visit.slot.lane for visit in outline.visits)
        for one, other in pairwise(outline.visits):
            assert one.end < other.start
        assert all(visit.is_missed for visit in outline.missed)
    assert lanes.keys() == {OFFICE, ANY_HOUR, CLOCK_CHANGE, DEATH}


def test_another_process_has_the_same_histories() -> None:
    code = (
        "import hashlib; from datetime import date; from simulator.population.people import Population\n"
        "from simulator.population.chart import history_of\n"
        "p = Population(7, 10_000, date(2026, 1, 5))\n"
        "told = [history_of(p, n).changes for n in (3, 77, 9_000)]\n"
        "print(hashlib.sha256(repr(told).encode()).hexdigest())"
    )
    here = Population(7, 10_000, AS_OF)
    wanted = hashlib.sha256(repr([history_of(here, n).changes for n in (3, 77, 9_000)]).encode()).hexdigest()
    environment = {**os.environ, "PYTHONHASHSEED": "99", "TZ": "America/Adak"}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == wanted


def test_the_chart_of_a_moment_is_the_same_whatever_was_asked_before() -> None:
    fresh, other = Population(7, 10_000, AS_OF), Population(7, 10_000, AS_OF)
    at = datetime(2027, 3, 4, 5, 6, tzinfo=UTC)
    backwards = [chart_of(fresh, number, at) for number in range(19, -1, -1)][::-1]
    assert backwards == [history_of(other, number).chart_at(at) for number in range(20)]
