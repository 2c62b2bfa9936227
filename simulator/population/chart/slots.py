"""Which of the patient's slots become visits, and for what: one slot in office hours and one at any hour in each period
of four weeks, used when a hash is below the rate of the patient's age, sex, habits and conditions.

Acute episodes, deliveries among them, hang on the slot to which they lead, so that the patients of a window of time can
be found by their slots alone (see `lanes`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from simulator.ids import mix
from simulator.population import tables
from simulator.population.chart.conditions import IN_EMERGENCY, IN_HOSPITAL, Episode, acute_rates, band_of
from simulator.population.chart.life import Life
from simulator.population.lanes import ANY_HOUR, CLOCK_CHANGE, OFFICE, PERIOD_DAYS, first_day, period_of
from simulator.population.tables.rows import ConditionRow
from simulator.population.zones import DAY, local_minute

_YEAR = 365
_ONE = 1 << 32
_OFFICE_MOST = _ONE * 45 // 100
"""No slot of usual purposes is used more often than this; those of infants, pregnancies and check-ups may be."""
_ANY_HOUR_MOST = _ONE * 4 // 100
"""No slot at any hour is used more often than this."""
_PREGNANCY = tables.CONDITIONS["pregnancy"]
_FERTILE = (_PREGNANCY.onset[0] - 1, _PREGNANCY.onset[1] + 1)
_YEARLY_PERIODS = 13
_GAP_DAYS = 21  # between two episodes of the same condition
_BIRTHS_APART = 420
_TERM = (266, 280)
_TERM_WEEKS = 40
_PRENATAL_FROM = 50  # days after it began
_PRENATAL_PERCENT = 92
_EMERGENCY_PERCENT = 5  # of the acute episodes that an office could see
_MISSED_PERCENT = 14  # slots that were booked and not used, to a hundred that were
_INFANT_DAYS = (4, 30, 61, 122, 183, 274, 365, 456, 548, 730)
_CHRONIC_VISITS = ("followup",) * 9 + ("office",) * 6 + ("telehealth",) * 3 + ("telephone",) * 2
_ACUTE_VISITS = ("symptom",) * 12 + ("urgent_care",) * 5 + ("telehealth",) * 2
_MISSABLE = ("followup", "office", "telehealth", "psych", "home_visit")


@dataclass(slots=True)
class Slot:
    """A slot that is used, or with `is_missed` one that was booked and not used."""

    lane: int
    period: int
    minute: int  # UTC, not settled: the facility is not known yet
    kind: str
    episode: Episode | None
    is_missed: bool = False


class _Rates(NamedTuple):
    """How a draw of 32 bits falls on the acute rows: the upper edge of each, in order."""

    office: list[tuple[int, ConditionRow]]
    any_hour: list[tuple[int, ConditionRow]]


def slots_of(life: Life, chronic: list[Episode]) -> tuple[list[Slot], list[Episode]]:
    """The slots that the patient uses or misses, in order of time, and the acute episodes behind them."""
    if life.visits_percent == 0 or life.last < life.first:
        return [], []
    return _Chooser(life, chronic).choose()


def may_be_used_in_office(draw: int, number: int, period: int, wellness_salt: int) -> bool:
    """Whether an office slot with this draw may be used by somebody who is neither an infant nor pregnant."""
    return draw >> 32 < _OFFICE_MOST or _is_checkup_time(number, period, wellness_salt)


def may_be_forced(sex: str, birth: int, period: int) -> bool:
    """Whether an office slot may be used whatever its draw: by infants, and by women who may be pregnant."""
    age_days = first_day(period) - birth
    return age_days <= _INFANT_DAYS[-1] or (sex == "F" and _FERTILE[0] <= age_days // _YEAR <= _FERTILE[1])


def may_be_used_at_any_hour(draw: int) -> bool:
    """Whether a slot at any hour with this draw may be used by anybody."""
    return draw & (_ONE - 1) < _ANY_HOUR_MOST


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
        self._have = {episode.key for episode in chronic}
        self._most_usual = self._most_often()
        self._rates: dict[int, _Rates] = {}
        self._last: dict[str, int] = {}  # when the latest episode of a row was over
        self._episodes: list[Episode] = []
        self._slots: list[Slot] = []
        weeks = life.wishes.weeks_pregnant if life.wishes is not None else None
        self._due = None if weeks is None else period_of(life.today + (_TERM_WEEKS - weeks) * 7)

    def choose(self) -> tuple[list[Slot], list[Episode]]:
        life = self._life
        first, last = period_of(life.first), period_of(life.last)
        draws = [(period, self._lanes.draw(period, life.number)) for period in range(first, last + 1)]
        pregnancies: list[Episode] = []
        for delivery in self._deliveries(first, last + 2 + _TERM[1] // PERIOD_DAYS):
            end = delivery.minute // DAY
            if delivery.episode and (not pregnancies or end - (pregnancies[-1].end or 0) >= _BIRTHS_APART):
                pregnancies.append(delivery.episode)
                self._slots.append(delivery)
        self._episodes.extend(pregnancies)
        infant = self._infant_periods()
        for period, draw in draws:
            if may_be_used_at_any_hour(draw):
                self._at_any_hour(period, draw & (_ONE - 1))
            self._in_office(period, draw >> 32, pregnancies, period in infant)
        self._at_clock_change()
        self._slots.sort(key=lambda slot: slot.minute)
        return self._slots, self._episodes

    def possible(self, lane: int, period: int) -> list[Slot]:
        """What the slot of one period may be used for, if nothing before stands in the way."""
        if lane == CLOCK_CHANGE:
            self._at_clock_change()
            return self._slots
        draw = self._lanes.draw(period, self._life.number)
        if lane == ANY_HOUR:
            self._slots.extend(self._deliveries(period, period + 1))
            self._at_any_hour(period, draw & (_ONE - 1))
        else:
            is_infant = period in self._infant_periods()
            self._in_office(period, draw >> 32, [], is_infant)
            for delivery in self._deliveries(period, period + 2 + _TERM[1] // PERIOD_DAYS):
                if delivery.episode is not None:
                    self._in_office(period, draw >> 32, [delivery.episode], is_infant)
        return self._slots

    def _infant_periods(self) -> set[int]:
        life = self._life
        return {period_of(life.birth + age) for age in _INFANT_DAYS} if life.first == life.birth else set()

    # Any hour

    def _deliveries(self, first: int, until: int) -> Iterator[Slot]:
        """The slots of the periods [first, until) that are deliveries, if none comes too soon after another: those that
        end a pregnancy begun on record, too."""
        life = self._life
        if life.sex != "F":
            return
        for period in range(first, until):
            row = _PREGNANCY if period == self._due else self._delivery_drawn(period)
            if row is None or (self._due is not None and period != self._due):
                continue
            minute = self._lanes.any_hour.slot(period, life.number)
            end = minute // DAY
            onset = end - _TERM[0] - mix(life.number, minute) % (_TERM[1] - _TERM[0] + 1)
            if end >= life.first and life.birth <= onset <= life.last:
                yield Slot(ANY_HOUR, period, minute, "inpatient", Episode(row.key, row, onset, end))

    def _delivery_drawn(self, period: int) -> ConditionRow | None:
        draw = self._lanes.draw(period, self._life.number)
        if not may_be_used_at_any_hour(draw):
            return None
        row = _fallen(draw & (_ONE - 1), self._rates_at(period).any_hour)
        return row if row is not None and row.kind == "episode" and self._is_of_age(row, period) else None

    def _at_any_hour(self, period: int, draw: int) -> None:
        if period == self._due:
            return
        row = _fallen(draw, self._rates_at(period).any_hour)
        if row is None or row.kind == "episode" or not self._is_of_age(row, period):
            return
        minute = self._lanes.any_hour.slot(period, self._life.number)
        kind = "emergency"
        if row.key in IN_HOSPITAL:
            kind = "surgical" if row.key == "appendicitis" else "inpatient"
        wait = 0 if row.key in IN_HOSPITAL | IN_EMERGENCY else draw % 3
        episode = self._acute(row, minute // DAY, wait, draw)
        if episode is not None:
            self._slots.append(Slot(ANY_HOUR, period, minute, kind, episode))

    def _at_clock_change(self) -> None:
        life = self._life
        lane = self._lanes.clock_change
        if lane.has(life.number):
            self._slots.append(Slot(CLOCK_CHANGE, 0, lane.slot(life.number, life.zone), "observation", None))

    # In office hours

    def _in_office(self, period: int, draw: int, pregnancies: list[Episode], is_infant: bool) -> None:
        life = self._life
        middle = first_day(period) + PERIOD_DAYS // 2
        if is_infant:
            self._use(period, "checkup", None)
            return
        carried = next((e for e in pregnancies if e.onset + _PRENATAL_FROM <= middle < (e.end or 0)), None)
        if carried is not None:
            minute = self._lanes.office.slot(period, life.number, life.zone)
            day = local_minute(minute, life.zone) // DAY
            if carried.onset + _PRENATAL_FROM <= day < (carried.end or 0) - 1:
                missed = draw * 100 >= _PRENATAL_PERCENT * _ONE
                self._slots.append(Slot(OFFICE, period, minute, "prenatal", carried, missed))
                return
        if _is_checkup_time(life.number, period, life.salts["wellness"]):
            percent = (90 if life.age_days(middle) > 65 * _YEAR else 60) * life.visits_percent // 100
            if draw * 100 < percent * _ONE:
                self._use(period, "wellness", None)
                return
        if draw < _OFFICE_MOST:
            self._usual(period, middle, draw)

    def _usual(self, period: int, middle: int, draw: int) -> None:
        """Acute complaints, then what is chronic, the mind, visits at home; and what was booked and missed."""
        edges = self._rates_at(period).office
        row = _fallen(draw, edges)
        if row is not None:
            if self._is_of_age(row, period):
                self._see_acute(row, period, draw)
            return
        used = edges[-1][0] if edges else 0
        if draw >= used + self._most_usual:
            return
        active = [episode for episode in self._chronic if episode.is_active(middle)]
        yearly = [("chronic", min(len(active), 6) * 50 + 70)]
        mental = next((episode for episode in active if "BH" in episode.row.sensitivity), None)
        if mental is not None:
            yearly.append(("psych", 50))
        if self._life.age_days(middle) // _YEAR >= 82:
            yearly.append(("home_visit", 33))
        total = 0
        for purpose, percent in yearly:
            total += _per_period(percent * self._life.visits_percent * 100)
            if draw < used + total:
                self._follow(period, draw, purpose, active, mental)
                return
        if draw < used + total * (100 + _MISSED_PERCENT) // 100:
            self._use(period, _MISSABLE[draw % len(_MISSABLE) if active else 1], None, is_missed=True)

    def _most_often(self) -> int:
        """No slot is used or missed more often than this for what is not acute."""
        yearly = (min(len(self._chronic), 6) * 50 + 70, 50, 33)
        total = sum(_per_period(percent * self._life.visits_percent * 100) for percent in yearly)
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

    def _rates_at(self, period: int) -> _Rates:
        band = band_of(self._life.age_days(first_day(period)))
        made = self._rates.get(band)
        if made is None:
            made = self._rates[band] = self._rates_of(band)
        return made

    def _rates_of(self, band: int) -> _Rates:
        office, any_hour = 0, 0
        rates = _Rates([], [])
        for row, base in acute_rates(band, self._life.sex):
            rate = base
            for key, percent in row.links:
                if key in self._have:
                    rate = rate * percent // 100
            share = _per_period(min(rate, 900_000))
            away = row.key in IN_HOSPITAL or row.key in IN_EMERGENCY or row.kind == "episode"
            in_haste = share if away else share * _EMERGENCY_PERCENT // 100
            any_hour += in_haste
            rates.any_hour.append((any_hour, row))
            if not away:
                office += share - in_haste
                rates.office.append((office, row))
        return rates


def _is_checkup_time(number: int, period: int, salt: int) -> bool:
    """Whether the yearly check-up falls into a period."""
    year, turn = divmod(period, _YEARLY_PERIODS)
    return mix(number, salt + year) % _YEARLY_PERIODS == turn


def _per_period(yearly_per_million: int) -> int:
    return yearly_per_million * PERIOD_DAYS * _ONE // (_YEAR * 1_000_000)


def _fallen(draw: int, edges: list[tuple[int, ConditionRow]]) -> ConditionRow | None:
    if not edges or draw >= edges[-1][0]:
        return None
    return next(row for edge, row in edges if draw < edge)
