"""Deaths in hospital: a stay that began hours to days before the death, ends with it, and says so.

start → charted, results, rounds … → the stay ends as `died`, the patient dies → the discharge summary is signed
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.population import tables
from simulator.population.chart import Outline, chart_of, history_of, moments, outline_of
from simulator.population.chart.encounters import Visit
from simulator.population.chart.last_stays import delays_before_death, may_end_in_hospital
from simulator.population.chart.possible import Possible
from simulator.population.documents import content_of
from simulator.population.documents.notes import CCDA, paper_of
from simulator.population.documents.view import View
from simulator.population.feed import Feed
from simulator.population.history import History
from simulator.population.lanes import DEATH
from simulator.population.people import Population
from simulator.population.records import Chart, Document, Encounter, Person
from simulator.population.zones import DAY, instant, is_repeated, minute_of

AS_OF = date(2026, 1, 5)
SEED, SIZE = 7, 10_000


@cache
def population() -> Population:
    return Population(seed=SEED, size=SIZE, as_of=AS_OF)


@cache
def dead() -> tuple[int, ...]:
    """Some who die, on file or ahead; nobody of the cast."""
    return tuple(number for number in range(40, 6_000) if population().death(number) is not None)


@cache
def outline(number: int) -> Outline:
    return outline_of(population(), number)


@cache
def history(number: int) -> History:
    return history_of(population(), number)


def last(number: int) -> Visit | None:
    """The visit at whose end somebody dies."""
    visits = outline(number).visits
    return visits[-1] if visits and visits[-1].slot.lane == DEATH else None


@cache
def stays() -> tuple[tuple[int, Visit], ...]:
    return tuple((number, visit) for number in dead() if (visit := last(number)) is not None)


def death(number: int) -> datetime:
    at = population().death(number)
    assert at is not None
    return at


def test_a_third_of_the_deaths_come_in_hospital_most_of_them_in_a_stay() -> None:
    kinds = Counter(visit.kind for _, visit in stays())
    assert kinds.keys() == tables.DEATHS_IN_HOSPITAL.keys()
    assert 0.30 < kinds.total() / len(dead()) < 0.40  # 35.1 %, NVSS 2018
    assert 3 < kinds["inpatient"] / kinds["emergency"] < 8


def test_who_dies_in_hospital_came_hours_to_days_before_and_the_stay_ends_with_the_death() -> None:
    for number, visit in stays():
        ended = [one for one in history(number).changes if isinstance(one.record, Encounter)][-1]
        assert isinstance(ended.record, Encounter)
        assert ended.at == ended.record.end == death(number)
        assert ended.record.disposition == "died"
        assert (ended.record.status, ended.record.type_key) == ("finished", visit.kind)
        assert (ended.record.admit_source is not None) == (visit.kind == "inpatient")
        assert ended.record.reason is not None
        length = ended.record.end - ended.record.start
        hours = tables.ENCOUNTERS[visit.kind].minutes
        assert timedelta(minutes=hours[0]) <= length <= timedelta(minutes=hours[1])
        assert all(one.end < visit.start for one in outline(number).visits[:-1])


def test_until_the_death_the_stay_goes_on_and_nothing_tells_how_it_ends() -> None:
    for number, visit in stays()[:40]:
        chart = history(number).chart_at(death(number) - timedelta(minutes=1))
        open_one = chart.encounters[-1]
        assert (open_one.start, open_one.status, open_one.end, open_one.disposition) == (
            visit.start,
            "in-progress",
            None,
            None,
        )
        assert chart.person.deceased is None
        after = history(number).chart_at(death(number))
        assert after.encounters[-1].disposition == "died"
        assert after.person.deceased == death(number)


def test_a_last_stay_brings_what_a_stay_brings() -> None:
    for number, visit in stays()[:40]:
        chart = history(number).chart_at(population().horizon)
        signs = {one.effective for one in chart.observations if one.encounter == visit.ordinal and one.key == "hr"}
        assert len(signs) == 1 + len(moments.rounds(visit.kind, visit.minutes)) - _is_cut(visit)
        assert all(visit.start <= at <= visit.end for at in signs)
        notes = [one for one in chart.documents if one.encounter == visit.ordinal]
        wanted = "ed_note" if visit.kind == "emergency" else "discharge"
        assert wanted in {one.key for one in notes}
        if visit.end + timedelta(hours=4) < population().horizon:
            assert all(one.created > visit.end for one in notes)


def _is_cut(visit: Visit) -> bool:
    """Whether the last round would have come after the death."""
    rounds = moments.rounds(visit.kind, visit.minutes)
    return bool(rounds) and rounds[-1] * DAY + moments.charted(visit.habits) > visit.minutes


def test_after_a_death_documents_are_signed_and_nothing_else_is_written() -> None:
    late: Counter[str] = Counter()
    for number in dead()[:60]:
        at = death(number)
        for change in history(number).changes:
            if change.at > at:
                assert isinstance(change.record, Document)
                late[change.what] += 1
            assert not (change.at < at and isinstance(change.record, Person))
        numbers = [one.ordinal for one in history(number).chart_at(population().horizon).documents]
        assert sorted(numbers) == list(range(len(numbers)))
    assert late["created"] > 15


def test_people_die_of_what_kills_people() -> None:
    reasons: Counter[str] = Counter()
    for number, visit in stays():
        episode = visit.episode
        assert episode is not None
        assert episode in outline(number).episodes
        assert episode.is_active(visit.local_day)
        assert episode.row.fatal > 0
        reasons[episode.row.kind] += 1
    assert reasons["acute"] > 0.3 * reasons.total()
    assert reasons["chronic"] > 0.2 * reasons.total()


def test_nobody_of_the_cast_dies_in_a_stay_that_was_not_written() -> None:
    small = Population(seed=SEED, size=1_000, as_of=AS_OF)
    some = [number for number in range(len(small.cast)) if small.death(number) is not None]
    assert some
    for number in some:
        assert not may_end_in_hospital(small, number)
        assert all(visit.slot.lane != DEATH for visit in outline_of(small, number).visits)


def test_no_last_stay_begins_or_ends_in_an_hour_that_comes_twice() -> None:
    for number, visit in stays():
        assert not is_repeated(visit.minute, outline(number).life.zone)
        assert not is_repeated(minute_of(death(number)), outline(number).life.zone)


@given(st.integers(40, SIZE - 1))
@settings(max_examples=40, deadline=None)
def test_every_delay_of_a_last_stay_is_known_from_the_death_alone(number: int) -> None:
    seen = False
    for place in range(len(history(number))):
        lane, _, delay = history(number).hook(place)
        if lane == DEATH and delay:
            seen = True
            assert delay in delays_before_death(population(), number)
    assert seen == (last(number) is not None)


@pytest.mark.slow
def test_the_feed_tells_every_step_of_every_last_stay_once() -> None:
    """Its streams of the lane of deaths over all the years, and minutes of some stays alone."""
    few = Population(seed=SEED, size=500, as_of=AS_OF)
    histories = {number: history_of(few, number) for number in range(few.size) if few.death(number) is not None}
    feed = Feed(few, histories.__getitem__)
    feed._streams = tuple(one for one in feed._streams if one.lane == DEATH)
    wanted = sorted(
        (log.minute(place), number, place)
        for number, log in histories.items()
        for place in range(len(log))
        if log.hook(place)[0] == DEATH
    )
    assert len(wanted) > 150
    told: list[tuple[int, int, int]] = []
    for first in range(wanted[0][0], wanted[-1][0] + 1, 28 * DAY):
        hits = feed._hits(first, min(first + 28 * DAY, wanted[-1][0] + 1), None)
        told.extend((hit.key.minute, hit.number, hit.key.place) for hit in hits)
    assert sorted(told) == wanted
    for minute, number, place in wanted[::10]:
        assert (number, place) in [(hit.number, hit.key.place) for hit in feed.between(minute, minute + 1)]


def test_what_somebody_died_of_is_looked_for_in_their_chart() -> None:
    today = AS_OF.toordinal()
    looked: Counter[bool] = Counter()
    for number, visit in stays():
        assert visit.episode is not None
        row = visit.episode.row
        if row.kind == "acute" and death(number) < population().starts:
            assert any(one.key == row.key for one in chart_of(population(), number).conditions)
            assert Possible(population(), (row.key,), today).of(number).may_be
            looked[True] += 1
    assert looked[True] > 20


def test_the_discharge_summary_says_that_the_patient_died() -> None:
    told = 0
    for number, visit in stays()[:40]:
        chart = history(number).chart_at(population().horizon)
        for document in chart.documents:
            is_summary = document.key in ("discharge", "ed_note") and document.mime != CCDA
            if document.encounter == visit.ordinal and is_summary:
                text = _text(document, history(number).chart_at(document.created))
                assert "died" in text.lower()
                assert "discharged" not in text.lower()
                assert "Assessment and plan" not in text
                told += 1
    assert told > 20


def test_a_ccda_of_a_last_stay_knows_of_the_death() -> None:
    told = 0
    for number, visit in stays():
        for document in history(number).chart_at(population().horizon).documents:
            if document.mime != CCDA or document.created < visit.start - timedelta(days=300):
                continue
            data = content_of(document, history(number).chart_at(document.created), population()).data.decode()
            knows = document.created >= death(number)
            assert ('<sdtc:deceasedInd value="true"/><sdtc:deceasedTime value="' in data) == knows
            assert ('<sdtc:dischargeDispositionCode code="20" displayName="Expired"' in data) == knows
            told += knows
    assert told > 1


def _text(document: Document, chart: Chart) -> str:
    paper = paper_of(View(document, chart, population()))
    lines = (line for section in paper.sections for line in (section.heading, *section.lines))
    return "\n".join(line for line in lines if line)


@pytest.mark.parametrize("at", [datetime(2024, 5, 1, tzinfo=UTC), datetime(2026, 9, 1, 12, tzinfo=UTC)])
def test_a_history_by_a_moment_of_a_stay_is_its_beginning(at: datetime) -> None:
    assert instant(minute_of(at)) == at
    for number, visit in stays()[:12]:
        for moment in (at, visit.start, visit.start + (visit.end - visit.start) / 2, visit.end, visit.end + _HOUR):
            whole = history(number)
            short = history_of(population(), number, moment)
            assert short.changes == whole.changes[: whole.count(moment)]


_HOUR = timedelta(hours=2)


def test_encounters_of_the_dead_do_not_overlap() -> None:
    for number in dead()[:200]:
        for one, other in pairwise(outline(number).visits):
            assert one.end < other.start
