"""The feed: what happened to anybody in a window of time, oldest first, without storage and without a scan.

Everything in a history hangs on a slot of a lane by a delay out of a finite list. A **stream** is one lane, one delay
and, where clocks matter, one zone: its changes in a window belong to the slots that lie the delay before it, which are
an interval of ranks. The order of the feed is (minute, stream, period, rank, place in the history): a cursor is such a
key and resumes exactly. Work is done in steps of time so small that the first event costs little in any population; in
large ones a step is a minute and its streams are walked lazily.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from simulator.ids import h64
from simulator.population.chart import moments
from simulator.population.chart.appointments import nothing_to_book_before
from simulator.population.chart.conditions import chronic_of
from simulator.population.chart.encounters import visits_of
from simulator.population.chart.immunizations import is_reported, may_be_reported
from simulator.population.chart.last_stays import PERIOD, delays_before_death, may_have_delay
from simulator.population.chart.life import Life, life_of
from simulator.population.chart.observations import CULTURE
from simulator.population.chart.slots import (
    Slot,
    may_be_used_at_any_hour,
    may_be_used_in_office,
    slots_of,
    slots_that_may_be,
)
from simulator.population.history import History
from simulator.population.lanes import (
    ANY_HOUR,
    CLOCK_CHANGE,
    DEATH,
    HISTORY_DAYS,
    OFFICE,
    PERIOD_DAYS,
    Cells,
    Lane,
    first_day,
)
from simulator.population.people import Population
from simulator.population.zones import DAY, instant, minute_of, put_off_between

_SLOTS_A_STEP = 200_000  # patients times minutes
_LONGEST_STEP = PERIOD_DAYS * DAY
_PUT_OFF = 120


class Key(NamedTuple):
    """The place of one change in the order of the feed."""

    minute: int
    stream: int
    period: int
    rank: int
    place: int

    def __str__(self) -> str:
        return "-".join(map(str, self))

    @classmethod
    def of(cls, text: str) -> Key:
        """The key that was told as `text`.

        Raises:
            ValueError: it is none.
        """
        parts = [int(part) for part in text.split("-")]
        if len(parts) != len(cls._fields) or any(part < 0 for part in parts):
            raise ValueError(f"not a place in the feed: {text}")
        return cls(*parts)


class Hit(NamedTuple):
    """One change of the feed: its key, the patient, and the history in which it stands at `key.place`."""

    key: Key
    number: int
    history: History


class Merge(NamedTuple):
    """One merging or taking apart in the feed."""

    key: Key
    at: datetime
    what: str  # merged | unmerged
    number: int


class Stream(NamedTuple):
    """The changes of one lane that come one delay after the slot, of the patients of one zone or of any (None)."""

    turn: int
    lane: int
    delay: int
    zone: str | None


class Feed:
    """The feed of one population. `history` gives the history of a patient, from a cache if there is one."""

    def __init__(self, population: Population, history: Callable[[int], History]) -> None:
        self._population = population
        self._lanes = population.lanes
        self._history = history
        self._wellness = h64(population.key, "row", "wellness")
        self._streams = _streams(population)
        self._first = (population.as_of.toordinal() - HISTORY_DAYS) * DAY
        self._until = minute_of(population.horizon)

    def between(self, first: int, until: int, after: Key | None = None) -> Iterator[Hit]:
        """The changes in the minutes [first, until), lazily, in order; those after `after` only."""
        first, until = max(first, self._first), min(until, self._until)
        if after is not None:
            first = max(first, after.minute)
        step = max(1, min(_LONGEST_STEP, _SLOTS_A_STEP // self._population.size))
        while first < until:
            end = min(first + step, until)
            hits = self._lazily(first, after) if step == 1 else iter(sorted(self._hits(first, end, after)))
            for hit in hits:
                if after is None or hit.key > after:
                    yield hit
            first = end

    def merges(self, first: int, until: int, after: Key | None = None) -> Iterator[Merge]:
        """What is merged or taken apart by itself in the minutes [first, until), lazily, in order; those after `after`
        only. In a minute it comes last."""
        first, until = max(first, self._first), min(until, self._until)
        if after is not None:
            first = max(first, after.minute)
        if first >= until:
            return
        for one in self._population.registrations.merges(instant(first), instant(until)):
            key = Key(minute_of(one.at), len(self._streams), one.turn, one.rank, 0)
            if after is None or key > after:
                yield Merge(key, one.at, one.what, one.number)

    def _lazily(self, minute: int, after: Key | None) -> Iterator[Hit]:
        """The changes of one minute: they come in order by themselves."""
        for stream in self._streams:
            if after is None or minute > after.minute or stream.turn >= after.stream:
                yield from self._of(stream, minute, minute + 1, after)

    def _hits(self, first: int, until: int, after: Key | None) -> Iterator[Hit]:
        for stream in self._streams:
            yield from self._of(stream, first, until, after)

    def _of(self, stream: Stream, first: int, until: int, after: Key | None) -> Iterator[Hit]:
        is_inside = after is not None and (after.minute, after.stream) == (first, stream.turn) and until == first + 1
        for cells in self._cells(stream, first, until):
            start = after.rank if is_inside and after is not None and after.period == cells.period else 0
            for rank, number in self._lane(stream).among(cells, start):
                if not self._may_be(stream, cells.period, number):
                    continue
                history = self._history(number)
                period = PERIOD if stream.lane == DEATH else cells.period
                hook = (stream.lane, period, stream.delay)
                for place in history.between(first, until):
                    if history.hook(place) == hook:
                        minute = history.minute(place)
                        yield Hit(Key(minute, stream.turn, cells.period, rank, place), number, history)
        if stream.lane == DEATH and not stream.delay:
            yield from self._of_cast(stream, first, until)

    def _lane(self, stream: Stream) -> Lane:
        lanes = self._lanes
        return (lanes.office, lanes.any_hour, lanes.clock_change, lanes.death)[stream.lane]

    def _cells(self, stream: Stream, first: int, until: int) -> Iterator[Cells]:
        """The cells of the slots that lead to changes in [first, until), in order of time and each once."""
        low, high = first - stream.delay, until - stream.delay
        if put_off_between(first, until) or put_off_between(low - _PUT_OFF, high):
            low -= _PUT_OFF * 2
        if stream.zone is None:
            return self._lanes.death.cells(low, high)
        if stream.lane == OFFICE:
            return self._lanes.office.cells(low, high, stream.zone)
        if stream.lane == ANY_HOUR:
            return self._lanes.any_hour.cells(low, high, stream.zone)
        return self._lanes.clock_change.cells(low, high, stream.zone)

    def _of_cast(self, stream: Stream, first: int, until: int) -> Iterator[Hit]:
        """The deaths of the cast, which are written and not drawn."""
        for number in range(len(self._population.cast)):
            death = self._population.death(number)
            if death is not None and first <= minute_of(death) < until:
                minute, history = minute_of(death), self._history(number)
                for place in history.between(minute, minute + 1):
                    if history.hook(place) == (DEATH, PERIOD, 0):
                        yield Hit(Key(minute, stream.turn, 1, number, place), number, history)

    def _may_be(self, stream: Stream, period: int, number: int) -> bool:
        """Whether a patient's slot may have led to something with that delay: cheap, and never wrongly no."""
        population, lane = self._population, stream.lane
        if lane == DEATH:
            if stream.delay and not may_have_delay(population, number, stream.delay):
                return False
            death = population.death(number) if number >= len(population.cast) else None
            if death is None or self._lanes.death.year_of(minute_of(death)) != period:
                return False
            return not stream.delay or stream.delay in delays_before_death(population, number)
        if lane == ANY_HOUR and self._is_too_high(period, number):
            return False
        if stream.delay == moments.REPORTED and lane == OFFICE:
            assert stream.zone is not None
            return population.zone(number) == stream.zone and self._is_reported(number, period)
        bits = moments.bits(self._lanes.habits(lane, period, number))
        if stream.delay not in moments.delays(lane, bits):
            return False
        if stream.zone is not None and population.zone(number) != stream.zone:
            return False
        if lane != CLOCK_CHANGE and not self._is_low_enough(lane, period, number):
            return False
        life = life_of(population, number)
        slots = slots_that_may_be(life, chronic_of(life), lane, period)
        return any(_may_lead_to(life, slot, bits, stream.delay) for slot in slots)

    def _is_reported(self, number: int, period: int) -> bool:
        """Whether a dose that was given elsewhere is reported at the patient's slot of a period."""
        life = life_of(self._population, number)
        if not may_be_reported(life, period):
            return False
        slots, _ = slots_of(life, chronic_of(life))
        return is_reported(life, visits_of(life, slots)[0], period)

    def _is_too_high(self, period: int, number: int) -> bool:
        """Whether the draw of a slot at any hour is above the rate of anybody; of the cast one is pregnant by wish."""
        return number >= len(self._population.cast) and not may_be_used_at_any_hour(self._lanes.draw(period, number))

    def _is_low_enough(self, lane: int, period: int, number: int) -> bool:
        """Whether the draw of a slot may be below the rate of anybody like the patient."""
        if number < len(self._population.cast):
            return True  # one of them is pregnant by wish
        draw = self._lanes.draw(period, number)
        _, sex, _, birth = self._population.core(number)
        age_days = first_day(period) - birth.toordinal()
        if lane == ANY_HOUR:
            return may_be_used_at_any_hour(draw, age_days)
        return may_be_used_in_office(draw, number, period, self._wellness, sex, age_days)


def _may_lead_to(life: Life, slot: Slot, bits: int, delay: int) -> bool:
    """Whether something may be written down at a delay after a slot that is used, or missed."""
    is_cultured = slot.episode is not None and CULTURE in slot.episode.row.labs
    if delay not in moments.delays_of(slot.kind, bits, is_cultured, slot.is_missed):
        return False
    if slot.kind not in moments.SCHEDULED or delay not in (moments.booked(bits), moments.booked_today()):
        return True
    # Which of the two it is hangs on the day weeks before; where clocks change, that may be the day beside it. What
    # lasts may be noticed earlier than it began: see `chart`.
    days_before = (slot.minute + moments.booked(bits)) // DAY - nothing_to_book_before(life, slot.episode)
    if delay == moments.booked(bits):
        return days_before >= 0 or (slot.episode is not None and not slot.episode.is_acute)
    return days_before <= 1


def _streams(population: Population) -> tuple[Stream, ...]:
    zones = sorted({facility.zone for facility in population.facilities})
    told: list[tuple[int, int, str | None]] = []
    for lane in (OFFICE, ANY_HOUR, CLOCK_CHANGE):
        for delay in moments.all_delays(lane):
            told.extend((lane, delay, zone) for zone in zones)
    told.extend((DEATH, delay, None) for delay in moments.all_delays(DEATH))
    return tuple(Stream(index, *parts) for index, parts in enumerate(told))
