"""Which of the patient's slots become visits, and for what: one slot in office hours and one at any hour in each period
of four weeks, used when a hash is below the rate of the patient's age, sex, habits and conditions.

Acute episodes, deliveries among them, hang on the slot to which they lead, so that the patients of a window of time can
be found by their slots alone (see `lanes`). At any hour people come with what is acute, because a standing condition
got worse, or, at the hours for it, for a stay that was planned.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from simulator.ids import mix
from simulator.population import tables
from simulator.population.chart.conditions import Episode, band_of, linked_rates
from simulator.population.chart.last_stays import PERIOD, LastStay, last_stay_of
from simulator.population.chart.life import Life
from simulator.population.chart.moments import BOOKED_DAYS
from simulator.population.chart.troubles import ONE, PLANS, per_period, troubles
from simulator.population.lanes import ANY_HOUR, CLOCK_CHANGE, DEATH, OFFICE, PERIOD_DAYS, first_day, period_of
from simulator.population.tables.rows import ConditionRow
from simulator.population.zones import DAY, local_minute

_YEAR = 365
_MILLION = 1_000_000
_OLD = 3  # the last age band
_ONLY_THERE = 700_000  # of a million episodes, if hardly anybody waits for days with it
_OFFICE_MOST = tuple(ONE * percent // 100 for percent in (45, 45, 62, 84))
"""No slot of usual purposes is used more often than this, by age band; those of infants, pregnancies and check-ups may
be."""
_ANY_HOUR_MOST = tuple(ONE * percent // 100 for percent in (11, 11, 14, 24))
"""No slot at any hour is used more often than this, by age band."""
_PREGNANCY = tables.CONDITIONS["pregnancy"]
_FERTILE = (_PREGNANCY.onset[0] - 1, _PREGNANCY.onset[1] + 1)
_FERTILE_DAYS = (_PREGNANCY.onset[0] * _YEAR, (_PREGNANCY.onset[1] + 1) * _YEAR)
_YEARLY_PERIODS = 13
_GAP_DAYS = 21  # between two episodes of the same condition
_BIRTHS_APART = 420
_TERM = (266, 280)
_TERM_WEEKS = 40
_PRENATAL_FROM = 50  # days after it began
_PRENATAL_PERCENT = 92
_MISSED_PERCENT = 14  # slots that were booked and not used, to a hundred that were
_INFANT_DAYS = (4, 30, 61, 122, 183, 274, 365, 456, 548, 730)
_OFFICE_YEARLY = ((75, 430), (65, 300), (55, 195), (45, 120), (0, 70))  # from that age, per hundred people
_FOR_EACH_CONDITION = 50  # more, up to six of them
_CHRONIC_VISITS = ("followup",) * 9 + ("office",) * 6 + ("telehealth",) * 3 + ("telephone",) * 2
_ACUTE_VISITS = ("symptom",) * 12 + ("urgent_care",) * 5 + ("telehealth",) * 2
_MISSABLE = ("followup", "office", "telehealth", "psych", "home_visit")


_OPERATED = frozenset(key for row in tables.PROCEDURES.values() if row.kinds == {"surgical"} for key in row.conditions)
"""Acute conditions of these are operated on: their stays are for that and nothing else."""
_LINKED = frozenset(
    key for row in tables.CONDITIONS.values() if row.kind in ("acute", "episode") for key, _ in row.links
)
"""What makes acute conditions more or less frequent."""


@dataclass(slots=True)
class Slot:
    """A slot that is used, or with `is_missed` one that was booked and not used."""

    lane: int
    period: int
    minute: int  # UTC, not settled: the facility is not known yet
    kind: str
    episode: Episode | None
    is_missed: bool = False


class _Shares:
    """How a draw of 32 bits falls on rows and kinds of visits, one after the other."""

    __slots__ = ("_edges", "_what", "total")

    def __init__(self) -> None:
        self.total = 0
        self._edges: list[int] = []
        self._what: list[tuple[ConditionRow, str]] = []

    def add(self, share: int, row: ConditionRow, kind: str) -> None:
        self.total += share
        self._edges.append(self.total)
        self._what.append((row, kind))

    def fallen(self, draw: int) -> tuple[ConditionRow | None, str]:
        """What a draw falls on, if on anything."""
        return self._what[bisect_right(self._edges, draw)] if draw < self.total else (None, "")


class _Rates(NamedTuple):
    """The shares of what is acute."""

    office: _Shares
    any_hour: _Shares


def slots_of(life: Life, chronic: list[Episode]) -> tuple[list[Slot], list[Episode]]:
    """The slots that the patient uses or misses, in order of time, and the acute episodes behind them. That of a last
    stay comes last, on the lane of deaths."""
    if life.visits_percent == 0 or life.last < life.first:
        return [], []
    return _Chooser(life, chronic).choose()


def may_be_used_in_office(draw: int, number: int, period: int, wellness_salt: int, sex: str, age_days: int) -> bool:
    """Whether an office slot with this draw may be used by somebody of a sex and an age at the beginning of the period;
    by infants, and by women who may be pregnant, whatever its draw."""
    if age_days <= _INFANT_DAYS[-1] or (sex == "F" and _FERTILE[0] <= age_days // _YEAR <= _FERTILE[1]):
        return True
    return draw >> 32 < _OFFICE_MOST[band_of(age_days)] or _is_checkup_time(number, period, wellness_salt)


def may_be_used_at_any_hour(draw: int, age_days: int | None = None) -> bool:
    """Whether a slot at any hour with this draw may be used by somebody of an age at the beginning of the period, or by
    anybody."""
    most = max(_ANY_HOUR_MOST) if age_days is None else _ANY_HOUR_MOST[band_of(age_days)]
    return draw & (ONE - 1) < most


def slots_that_may_be(life: Life, chronic: list[Episode], lane: int, period: int) -> list[Slot]:
    """What the slot of one period may be used for, whatever happens in the others: never less than what it is."""
    if life.visits_percent == 0 or life.last < life.first:
        return []
    return _Chooser(life, chronic).possible(lane, period)


class _Chooser:
    """Goes through the periods of one patient."""

    def __init__(self, life: Life, chronic: list[Episode]) -> None:
        self._life = life
        self._lanes = life.population.lanes
        self._chronic = [episode for episode in chronic if episode.row.kind == "chronic"]
        self._have = frozenset(episode.key for episode in chronic)
        self._most_usual = self._most_often()
        self._rates: dict[int, _Rates] = {}
        self._checkups: dict[int, int] = {}
        self._last: dict[str, int] = {}  # when the latest episode of a row was over
        self._again: dict[str, int] = {}  # from when on a stay may be planned again
        self._troubles = [[(one, troubles(one.key, is_old)) for one in self._chronic] for is_old in (False, True)]
        self._episodes: list[Episode] = []
        self._slots: list[Slot] = []
        weeks = life.wishes.weeks_pregnant if life.wishes is not None else None
        self._due = None if weeks is None else period_of(life.today + (_TERM_WEEKS - weeks) * 7)

    def choose(self) -> tuple[list[Slot], list[Episode]]:
        life = self._life
        first, last = period_of(life.first), period_of(life.until)
        draws = [(period, self._lanes.draw(period, life.number)) for period in range(first, last + 1)]
        pregnancies: list[Episode] = []
        for delivery in self._deliveries(first, last + 2 + _TERM[1] // PERIOD_DAYS):
            end = delivery.minute // DAY
            if delivery.episode and (not pregnancies or end - (pregnancies[-1].end or 0) >= _BIRTHS_APART):
                pregnancies.append(delivery.episode)
                self._slots.append(delivery)
        self._episodes.extend(pregnancies)
        infant = self._infant_periods()
        forced = infant | self._checkup_periods(first, last)
        born = life.birth
        for period, draw in draws:
            band = band_of(period * PERIOD_DAYS + 1 - born)
            if draw & (ONE - 1) < _ANY_HOUR_MOST[band]:
                self._at_any_hour(period, draw & (ONE - 1), band)
            if draw >> 32 < _OFFICE_MOST[band] or period in forced or pregnancies:
                self._in_office(period, draw >> 32, pregnancies, band, is_infant=period in infant)
        self._at_clock_change()
        self._slots.sort(key=lambda slot: slot.minute)
        self._at_the_end()
        return self._slots, self._episodes

    def possible(self, lane: int, period: int) -> list[Slot]:
        """What the slot of one period may be used for, if nothing before stands in the way."""
        if lane == CLOCK_CHANGE:
            self._at_clock_change()
            return self._slots
        draw, band = self._lanes.draw(period, self._life.number), self._band(period)
        if lane == ANY_HOUR:
            self._slots.extend(self._deliveries(period, period + 1))
            if draw & (ONE - 1) < _ANY_HOUR_MOST[band]:
                self._at_any_hour(period, draw & (ONE - 1), band)
        else:
            is_infant = period in self._infant_periods()
            self._in_office(period, draw >> 32, [], band, is_infant=is_infant)
            for delivery in self._deliveries(period, period + 2 + _TERM[1] // PERIOD_DAYS):
                if delivery.episode is not None:
                    self._in_office(period, draw >> 32, [delivery.episode], band, is_infant=is_infant)
        return self._slots

    def _infant_periods(self) -> set[int]:
        life = self._life
        return {period_of(life.birth + age) for age in _INFANT_DAYS} if life.first == life.birth else set()

    def _checkup_periods(self, first: int, last: int) -> set[int]:
        years = range(first // _YEARLY_PERIODS, last // _YEARLY_PERIODS + 1)
        return {year * _YEARLY_PERIODS + self._checkup_turn(year) for year in years}

    def _is_checkup_time(self, period: int) -> bool:
        year, turn = divmod(period, _YEARLY_PERIODS)
        return self._checkup_turn(year) == turn

    def _checkup_turn(self, year: int) -> int:
        made = self._checkups.get(year)
        if made is None:
            made = self._checkups[year] = _checkup_turn(self._life.number, year, self._life.salts["wellness"])
        return made

    # Any hour

    def _deliveries(self, first: int, until: int) -> Iterator[Slot]:
        """The slots of the periods [first, until) that are deliveries, if none comes too soon after another: those that
        end a pregnancy begun on record, too."""
        life = self._life
        if life.sex != "F":
            return
        if self._due is None:
            first = max(first, period_of(life.birth + _FERTILE_DAYS[0]))
            until = min(until, period_of(life.birth + _FERTILE_DAYS[1]) + 1)
        for period in range(first, until):
            row = _PREGNANCY if period == self._due else self._delivery_drawn(period)
            if row is None or (self._due is not None and period != self._due):
                continue
            minute = self._lanes.any_hour.slot(period, life.number, life.zone)
            end = minute // DAY
            onset = end - _TERM[0] - mix(life.number, minute) % (_TERM[1] - _TERM[0] + 1)
            if end >= life.first and life.birth <= onset <= life.last:
                yield Slot(ANY_HOUR, period, minute, "inpatient", Episode(row.key, row, onset, end))

    def _delivery_drawn(self, period: int) -> ConditionRow | None:
        draw = self._lanes.draw(period, self._life.number)
        band = self._band(period)
        if draw & (ONE - 1) >= _ANY_HOUR_MOST[band]:
            return None
        row, _ = self._rates_at(band).any_hour.fallen(draw & (ONE - 1))
        return row if row is not None and row.kind == "episode" and self._is_of_age(row, period) else None

    def _at_any_hour(self, period: int, draw: int, band: int) -> None:
        if period == self._due:
            return
        shares = self._rates_at(band).any_hour
        row, kind = shares.fallen(draw)
        minute = self._lanes.any_hour.slot(period, self._life.number, self._life.zone)
        if row is None:
            self._for_what_lasts(period, minute, draw - shares.total, is_old=band == _OLD)
        elif row.kind != "episode" and self._is_of_age(row, period):
            is_late = kind == "emergency" and row.emergency < _ONLY_THERE
            episode = self._acute(row, minute // DAY, draw % 3 if is_late else 0, draw)
            if episode is not None:
                self._slots.append(Slot(ANY_HOUR, period, minute, kind, episode))

    def _for_what_lasts(self, period: int, minute: int, draw: int, *, is_old: bool) -> None:
        """What got worse, and what was planned."""
        day = minute // DAY
        edge = 0
        for episode, shares in self._troubles[is_old]:
            for kind, share in shares:
                edge += share
                if draw < edge:
                    if episode.onset < day and episode.is_active(day) and self._may_be(kind, episode, minute):
                        self._slots.append(Slot(ANY_HOUR, period, minute, kind, episode))
                    return

    def _may_be(self, kind: str, episode: Episode, minute: int) -> bool:
        """Whether somebody is taken in for what was planned: at its hours, old enough, not too soon again, and when
        there was time to book it. What is not planned may be at any time."""
        if kind in ("emergency", "inpatient"):
            return True
        plan, day = PLANS[episode.key], minute // DAY
        if not plan.suits(local_minute(minute, self._life.zone)):
            return False
        if day - BOOKED_DAYS <= max(episode.onset, self._life.first) + 1:
            return False
        if self._life.age_days(day) < (plan.min_age + 1) * _YEAR or day < self._again.get(episode.key, 0):
            return False
        self._again[episode.key] = day + plan.every_days
        return True

    def _at_clock_change(self) -> None:
        life = self._life
        lane = self._lanes.clock_change
        if lane.has(life.number):
            self._slots.append(Slot(CLOCK_CHANGE, 0, lane.slot(life.number, life.zone), "observation", None))

    def _at_the_end(self) -> None:
        stay = last_stay_of(self._life, self._chronic)
        if stay is not None:
            episode = stay.standing or self._died_of(stay)
            self._slots.append(Slot(DEATH, PERIOD, stay.minute, stay.kind, episode))

    def _died_of(self, stay: LastStay) -> Episode:
        """The acute episode of a last stay: one that is on, or a new one."""
        for episode in reversed(self._episodes):
            if episode.row is stay.row and episode.is_active(stay.day):
                return episode
        low, high = stay.row.days
        end = stay.day + low + (stay.draw >> 3) % (high - low + 1)
        episode = Episode(stay.row.key, stay.row, stay.day, end)
        self._episodes.append(episode)
        return episode

    # In office hours

    def _in_office(self, period: int, draw: int, pregnancies: list[Episode], band: int, *, is_infant: bool) -> None:
        life = self._life
        middle = first_day(period) + PERIOD_DAYS // 2
        if is_infant:
            self._use(period, "checkup", None)
            return
        carried = _carried(pregnancies, middle) if pregnancies else None
        if carried is not None:
            minute = self._lanes.office.slot(period, life.number, life.zone)
            day = local_minute(minute, life.zone) // DAY
            if carried.onset + _PRENATAL_FROM <= day < (carried.end or 0) - 1:
                missed = draw * 100 >= _PRENATAL_PERCENT * ONE
                self._slots.append(Slot(OFFICE, period, minute, "prenatal", carried, missed))
                return
        if self._is_checkup_time(period):
            percent = (90 if life.age_days(middle) > 65 * _YEAR else 60) * life.visits_percent // 100
            if draw * 100 < percent * ONE:
                self._use(period, "wellness", None)
                return
        if draw < _OFFICE_MOST[band]:
            self._usual(period, middle, draw, band)

    def _usual(self, period: int, middle: int, draw: int, band: int) -> None:
        """Acute complaints, then what is chronic, the mind, visits at home; and what was booked and missed."""
        shares = self._rates_at(band).office
        row, _ = shares.fallen(draw)
        if row is not None:
            if self._is_of_age(row, period):
                self._see_acute(row, period, draw)
            return
        used = shares.total
        if draw >= used + self._most_usual:
            return
        active = [episode for episode in self._chronic if episode.is_active(middle)]
        age = self._life.age_days(middle) // _YEAR
        yearly = [("chronic", _office_yearly(age, len(active)))]
        mental = next((episode for episode in active if "BH" in episode.row.sensitivity), None)
        if mental is not None:
            yearly.append(("psych", 50))
        if age >= 82:
            yearly.append(("home_visit", 33))
        total = 0
        for purpose, percent in yearly:
            total += per_period(percent * self._life.visits_percent * 100)
            if draw < used + total:
                self._follow(period, draw, purpose, active, mental)
                return
        if draw < used + total * (100 + _MISSED_PERCENT) // 100:
            self._use(period, _MISSABLE[draw % len(_MISSABLE) if active else 1], None, is_missed=True)

    def _most_often(self) -> int:
        """No slot is used or missed more often than this for what is not acute."""
        yearly = (_office_yearly(self._life.age_days(self._life.last) // _YEAR, len(self._chronic)), 50, 33)
        total = sum(per_period(percent * self._life.visits_percent * 100) for percent in yearly)
        return total * (100 + _MISSED_PERCENT) // 100

    def _follow(self, period: int, draw: int, purpose: str, active: list[Episode], mental: Episode | None) -> None:
        if purpose == "chronic":
            episode = active[draw % len(active)] if active else None
            self._use(period, _CHRONIC_VISITS[(draw >> 5) % len(_CHRONIC_VISITS)] if episode else "office", episode)
        else:
            self._use(period, purpose, mental if purpose == "psych" else None)

    def _see_acute(self, row: ConditionRow, period: int, draw: int) -> None:
        life = self._life
        minute = self._lanes.office.slot(period, life.number, life.zone)
        episode = self._acute(row, local_minute(minute, life.zone) // DAY, draw % 3, draw)
        if episode is not None:
            kind = _ACUTE_VISITS[(draw >> 4) % len(_ACUTE_VISITS)]
            self._slots.append(Slot(OFFICE, period, minute, kind, episode))

    def _use(self, period: int, kind: str, episode: Episode | None, *, is_missed: bool = False) -> None:
        minute = self._lanes.office.slot(period, self._life.number, self._life.zone)
        if episode is None or episode.onset < minute // DAY:
            self._slots.append(Slot(OFFICE, period, minute, kind, episode, is_missed))

    # Acute episodes

    def _acute(self, row: ConditionRow, seen: int, wait: int, draw: int) -> Episode | None:
        """The episode that is seen on a day; None too soon after the one before, or before there was a patient."""
        onset = seen - wait
        low, high = row.days
        end = onset + low + (draw >> 3) % (high - low + 1)
        if onset < self._life.first or onset <= self._last.get(row.key, 0) + _GAP_DAYS:
            return None
        self._last[row.key] = end
        episode = Episode(row.key, row, onset, end)
        self._episodes.append(episode)
        return episode

    def _is_of_age(self, row: ConditionRow, period: int) -> bool:
        age_days = self._life.age_days(first_day(period))
        return row.onset[0] * _YEAR + row.onset[0] // 4 <= age_days < (row.onset[1] + 1) * _YEAR

    def _band(self, period: int) -> int:
        return band_of(self._life.age_days(first_day(period)))

    def _rates_at(self, band: int) -> _Rates:
        made = self._rates.get(band)
        if made is None:
            made = self._rates[band] = _rates_of(band, self._life.sex, self._have & _LINKED)
        return made


@lru_cache(maxsize=512)
def _rates_of(band: int, sex: str, have: frozenset[str]) -> _Rates:
    rates = _Rates(_Shares(), _Shares())
    for row, linked in linked_rates(band, sex, have):
        left = rate = min(linked, 900_000)
        stay = "surgical" if row.key in _OPERATED else "inpatient"
        for kind, share in (("emergency", row.emergency), (stay, row.stay[band == _OLD])):
            if share:
                left -= rate * share // _MILLION
                rates.any_hour.add(per_period(rate * share // _MILLION), row, kind)
        if left > 0:
            rates.office.add(per_period(left), row, "")
    return rates


def _carried(pregnancies: list[Episode], day: int) -> Episode | None:
    """The pregnancy for which somebody is seen regularly by a day."""
    return next((one for one in pregnancies if one.onset + _PRENATAL_FROM <= day < (one.end or 0)), None)


def _office_yearly(age: int, conditions: int) -> int:
    """Visits a year of a hundred people of an age who have so many standing conditions, but for what is acute."""
    base = next(yearly for since, yearly in _OFFICE_YEARLY if max(age, 0) >= since)
    return base + min(conditions, 6) * _FOR_EACH_CONDITION


def _is_checkup_time(number: int, period: int, salt: int) -> bool:
    """Whether the yearly check-up falls into a period."""
    year, turn = divmod(period, _YEARLY_PERIODS)
    return _checkup_turn(number, year, salt) == turn


def _checkup_turn(number: int, year: int, salt: int) -> int:
    return mix(number, salt + year) % _YEARLY_PERIODS
