"""Lanes: where things that happen once in a while have their place in time, for every patient at once and both ways.

In each period a keyed bijection gives every patient one **slot**: rank `E(i)` of N, spread evenly over the cells of the
period (a cell is a time at which something may begin), so that ranks and times go the same way. Whether the slot is
used is decided elsewhere, by hash. So the slots of a patient cost one bijection a period, and the patients whose slots
lie in a window of time are an interval of ranks: nothing is stored and nobody is scanned.

Source of the idea: thinned ranks, a bijection a period.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from simulator.ids import Permutation, h64, mix
from simulator.population.deaths import YEARS_ON_FILE
from simulator.population.zones import DAY, clock_changes, local_minute, offset

PERIOD_DAYS = 28
YEARS_OF_HISTORY = 10
YEARS_AHEAD = 2
HISTORY_DAYS = YEARS_OF_HISTORY * 365 + 4
AHEAD_DAYS = YEARS_AHEAD * 365
"""Beyond `as_of` plus this nothing more happens."""

OFFICE, ANY_HOUR, CLOCK_CHANGE, DEATH = range(4)
"""Visits in office hours; emergencies and admissions; stays over a change of clocks; deaths."""

_OPENS, _STARTS_A_DAY, _GRID = 8 * 60, 102, 5  # from 8:00 to 16:25
_WORKDAYS = 20  # of a period, which begins on a Monday
_OFFICE_CELLS = _WORKDAYS * _STARTS_A_DAY
# Emergencies of a thousand that arrive in each hour of the day: fewest before five in the morning, from then on more
# until noon, about as many until six in the evening, then fewer (HCUP SEDD 2008, doi:10.1186/1471-227X-12-15); how many
# exactly is a guess that meets the figures of published.csv.
_ARRIVALS = (
    27, 22, 18, 16, 15, 15, 18, 26, 38, 49, 57, 60,
    59, 58, 57, 57, 57, 57, 57, 56, 53, 49, 43, 36,
)  # fmt: skip
_HOUR = 60
_BEFORE = tuple(_HOUR * sum(_ARRIVALS[:hour]) for hour in range(25))  # cells of a day before each hour
_DAY_CELLS = _BEFORE[-1]  # a minute has as many cells as its hour has arrivals of a thousand
_ANY_HOUR_CELLS = PERIOD_DAYS * _DAY_CELLS
_CHANGE_FROM, _CHANGE_CELLS = 180, 22 * 60  # of a day on which the clocks change, after they did
_FRACTION = 32
_YEAR_DAYS = 365


def period_of(day: int) -> int:
    """The period in which a day (ordinal) lies; ordinal 1 was a Monday."""
    return (day - 1) // PERIOD_DAYS


def first_day(period: int) -> int:
    """The Monday with which a period begins."""
    return period * PERIOD_DAYS + 1


class Cells(NamedTuple):
    """Consecutive cells of one period, from `low` up to but without `high`."""

    period: int
    low: int
    high: int


class Lane:
    """Slots of `size` patients in `cells` cells, a bijection a period."""

    __slots__ = ("_cells", "_fraction", "_key", "_name", "_permutations", "size")

    def __init__(self, key: bytes, name: str, size: int, cells: int) -> None:
        self.size = size
        self._key = key
        self._name = name
        self._cells = cells
        self._fraction = h64(key, "fraction", name)
        self._permutations: dict[int, Permutation] = {}

    def place(self, period: int, number: int) -> int:
        """The rank of a patient in a period."""
        return self._permutation(period).forward(number)

    def cell(self, period: int, number: int) -> int:
        """The cell of a patient's slot in a period."""
        return self._cell_of(self._permutation(period).forward(number), number, period)

    def among(self, cells: Cells, start: int = 0) -> Iterator[tuple[int, int]]:
        """(rank, number) of the patients whose slots lie in these cells, in order of rank, from rank `start` on."""
        is_part = cells.high - cells.low < self._cells  # then the ranks at both ends may lie outside
        first = max(start, cells.low * self.size // self._cells)
        last = min(self.size, -(-cells.high * self.size // self._cells))
        permutation = self._permutation(cells.period)
        for rank in range(first, last):
            number = permutation.inverse(rank)
            if not is_part or cells.low <= self._cell_of(rank, number, cells.period) < cells.high:
                yield rank, number

    def _cell_of(self, rank: int, number: int, period: int) -> int:
        # The part of a rank's share in which the slot lies: a population of one is seen at any time, too.
        part = mix(number, self._fraction + period) >> (64 - _FRACTION)
        return ((rank << _FRACTION) + part) * self._cells // (self.size << _FRACTION)

    def _permutation(self, period: int) -> Permutation:
        made = self._permutations.get(period)
        if made is None:
            made = self._permutations[period] = Permutation(self.size, self._key, f"{self._name} {period}")
        return made


class OfficeLane(Lane):
    """One slot a patient and period on a weekday, in the hours and the zone of the home clinic."""

    __slots__ = ()

    def __init__(self, key: bytes, size: int) -> None:
        super().__init__(key, "office", size, _OFFICE_CELLS)

    def slot(self, period: int, number: int, zone: str) -> int:
        """The UTC minute of a slot."""
        workday, start = divmod(self.cell(period, number), _STARTS_A_DAY)
        day = first_day(period) + workday // 5 * 7 + workday % 5
        return day * DAY + _OPENS + _GRID * start - offset(zone, day)

    def cells(self, first: int, until: int, zone: str) -> Iterator[Cells]:
        """The cells whose slots lie in the UTC minutes [first, until) for patients of `zone`."""
        low, high = local_minute(first, zone), local_minute(until, zone)
        for period in range(period_of(low // DAY), period_of((high - 1) // DAY) + 1):
            cells = Cells(period, self._cell_from(low, period), self._cell_from(high, period))
            if cells.low < cells.high:
                yield cells

    def _cell_from(self, local: int, period: int) -> int:
        """The first cell of a period that begins at or after a local minute."""
        day, minute = divmod(local, DAY)
        week, weekday = divmod(day - first_day(period), 7)
        if week < 0:
            return 0
        if week >= PERIOD_DAYS // 7:
            return self._cells
        if weekday > 4:
            return (week + 1) * 5 * _STARTS_A_DAY
        start = min(max(-(-(minute - _OPENS) // _GRID), 0), _STARTS_A_DAY)
        return (week * 5 + weekday) * _STARTS_A_DAY + start


class AnyHourLane(Lane):
    """One slot a patient and period at any minute of it on the clock of the home clinic, at night the fewest."""

    __slots__ = ()

    def __init__(self, key: bytes, size: int) -> None:
        super().__init__(key, "any hour", size, _ANY_HOUR_CELLS)

    def slot(self, period: int, number: int, zone: str) -> int:
        """The UTC minute of a slot, not yet settled. Where clocks change that day, before they do, the clock tells
        another hour: the offset is the day's."""
        days, cell = divmod(self.cell(period, number), _DAY_CELLS)
        hour = bisect_right(_BEFORE, cell) - 1
        day = first_day(period) + days
        minute = hour * _HOUR + (cell - _BEFORE[hour]) // _ARRIVALS[hour]
        return day * DAY + minute - offset(zone, day)

    def cells(self, first: int, until: int, zone: str) -> Iterator[Cells]:
        """The cells whose slots lie in the UTC minutes [first, until) for patients of `zone`, once each. Where clocks
        change between two days, slots of both may lie in the same hour, or of none."""
        for begin, end in _runs(first // DAY - 1, until // DAY + 1, zone):
            here = offset(zone, begin)
            low, high = max(first + here, begin * DAY), min(until + here, (end + 1) * DAY)
            for period in range(period_of(low // DAY), period_of((high - 1) // DAY) + 1):
                start = first_day(period) * DAY
                from_cell, to_cell = _cell_at(low - start), _cell_at(high - start)
                if from_cell < to_cell:
                    yield Cells(period, from_cell, to_cell)


def _runs(first: int, last: int, zone: str) -> Iterator[tuple[int, int]]:
    """The days from the first to the last in runs of one offset. Clocks do not change twice in three months."""
    if offset(zone, first) == offset(zone, last) and last - first < 90:
        yield first, last
        return
    begin = first
    for day in range(first + 1, last + 2):
        if day > last or offset(zone, day) != offset(zone, begin):
            yield begin, day - 1
            begin = day


def _cell_at(minute: int) -> int:
    """The first cell at or after a minute of a period; the first of all before it begins, and behind its end one more
    than the last."""
    if minute <= 0:
        return 0
    day, rest = divmod(minute, DAY)
    if day >= PERIOD_DAYS:
        return _ANY_HOUR_CELLS
    hour, rest = divmod(rest, _HOUR)
    return day * _DAY_CELLS + _BEFORE[hour] + rest * _ARRIVALS[hour]


def share_of_day(first: int, until: int) -> Fraction:
    """The share of the slots at any hour of a day that lie between two of its minutes."""
    return Fraction(_cell_at(until) - _cell_at(first), _DAY_CELLS)


class ClockChangeLane(Lane):
    """One slot for one patient in two hundred, on a day on which the clocks change, after they did.

    Its ranks are those of the bijection of all patients; the first of them are in it, spread over the changes of the
    years on record and ahead.
    """

    __slots__ = ("_all", "_days")

    def __init__(self, key: bytes, size: int, as_of: date) -> None:
        first, last = as_of - timedelta(HISTORY_DAYS), as_of + timedelta(AHEAD_DAYS)
        years = range(first.year, last.year + 1)
        days = (day for year in years for day in clock_changes(year))
        self._days = [day for day in days if first.toordinal() < day < last.toordinal()]
        self._all = Permutation(size, key, "clock change")
        super().__init__(key, "clock change", -(-size // 200), len(self._days) * _CHANGE_CELLS)

    def _permutation(self, period: int) -> Permutation:
        return self._all

    def has(self, number: int) -> bool:
        """Whether the patient has a slot here."""
        return self._all.forward(number) < self.size

    def numbers(self) -> Iterator[int]:
        """The patients who have one."""
        return (self._all.inverse(rank) for rank in range(self.size))

    def slot(self, number: int, zone: str) -> int:
        """The UTC minute of a slot of a patient who has one."""
        turn, minute = divmod(self.cell(0, number), _CHANGE_CELLS)
        return self._local(turn, minute) - offset(zone, self._days[turn])

    def cells(self, first: int, until: int, zone: str) -> Iterator[Cells]:
        """The cells whose slots lie in the UTC minutes [first, until) for patients of `zone`."""
        for turn, day in enumerate(self._days):
            start = self._local(turn, 0) - offset(zone, day)
            low, high = max(first - start, 0), min(until - start, _CHANGE_CELLS)
            if low < high:
                yield Cells(0, turn * _CHANGE_CELLS + low, turn * _CHANGE_CELLS + high)

    def _local(self, turn: int, minute: int) -> int:
        return self._days[turn] * DAY + _CHANGE_FROM + minute


class DeathLane(Lane):
    """One slot a patient in each of the years from the one that begins on day `first`: a moment at which to die."""

    __slots__ = ("_first", "years")

    def __init__(self, key: bytes, size: int, first: int, years: int) -> None:
        self._first = first
        self.years = range(years)
        super().__init__(key, "death", size, _YEAR_DAYS * DAY)

    def first_day(self, year: int) -> int:
        """The day with which a year of the lane begins."""
        return self._first + year * _YEAR_DAYS

    def year_of(self, minute: int) -> int:
        """The year of the lane in which a UTC minute lies."""
        return (minute // DAY - self._first) // _YEAR_DAYS

    def slot(self, year: int, number: int) -> int:
        """The UTC minute of the patient's slot in a year."""
        return self.first_day(year) * DAY + self.cell(year, number)

    def cells(self, first: int, until: int) -> Iterator[Cells]:
        """The cells in the UTC minutes [first, until)."""
        for year in self.years:
            start = self.first_day(year) * DAY
            low, high = max(first - start, 0), min(until - start, _YEAR_DAYS * DAY)
            if low < high:
                yield Cells(year, low, high)


class Lanes:
    """The lanes of one population.

    `draw(period, number)` decides whether a slot is used and for what: the upper half of it for the office, the lower
    half for any hour. `habits(lane, period, number)` are the bits of how a visit goes: its pace, how long it takes.
    """

    __slots__ = ("_habit", "_salts", "any_hour", "clock_change", "death", "office")

    def __init__(self, key: bytes, size: int, as_of: date) -> None:
        today = as_of.toordinal()
        self.office = OfficeLane(key, size)
        self.any_hour = AnyHourLane(key, size)
        self.clock_change = ClockChangeLane(key, size, as_of)
        first_year = today - YEARS_ON_FILE * _YEAR_DAYS
        self.death = DeathLane(key, size, first_year, YEARS_ON_FILE + YEARS_AHEAD)
        first = period_of(today - HISTORY_DAYS) - 1
        last = period_of(today + AHEAD_DAYS) + 16
        self._salts = {period: h64(key, "period", period) for period in range(first, last)}
        self._habit = h64(key, "visit habits")

    def draw(self, period: int, number: int) -> int:
        """64 bits for the slots of a patient in a period."""
        return mix(number, self._salts[period])

    def habits(self, lane: int, period: int, number: int) -> int:
        """64 bits for how a visit at the slot of a lane and period goes."""
        return mix(number, mix(lane << 20 | period, self._habit))
