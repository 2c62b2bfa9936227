"""What a patient may have: told from the draws of chance alone, in microseconds, and never wrongly no.

A condition that lasts is had by who draws below a threshold; the threshold of anybody, then that of the patient's sex
and age, with every link that raises it, says of most that they cannot have it, and only for the others the links are
looked up. An acute one is had by whose draw of some period falls on the condition's share of the slots, and the share
lies between two edges whatever else a patient has. And who dies in hospital may have died of an acute one.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

from simulator.ids import Stream
from simulator.population import tables
from simulator.population.chart.conditions import acute_rates, band_of, chronic_of, most_odds, thresholds
from simulator.population.chart.last_stays import last_stay_of, may_end_in_hospital
from simulator.population.chart.life import life_of
from simulator.population.chart.troubles import ONE, per_period
from simulator.population.deaths import YEARS_ON_FILE
from simulator.population.lanes import AHEAD_DAYS, HISTORY_DAYS, first_day, period_of
from simulator.population.people import Population
from simulator.population.tables.rows import ConditionRow

_YEAR = 365
_MILLION = 1_000_000
_CAPPED = 900_000  # no rate of an acute condition is higher, whatever the links
_BEFORE_BIRTH = 12  # periods: a pregnancy is on record before the slot in which it ends
_BANDS = range(4)
_OLD = 3  # the last band
_ROUNDED = 2  # what is left of a rate may be off by as much: two shares are rounded
_SEXES = ("F", "M")

LOOK, CORE, LIFE, DRAWS = 1, 4, 40, 20
"""What it costs to look at the draws for what lasts, at sex and age, at a life, and at the draws of all periods: in
points of some microseconds."""


class Verdict(NamedTuple):
    """Whether somebody may have it, and how many points it cost to say so."""

    may_be: bool
    points: int


class _Lasting(NamedTuple):
    """A condition that lasts: its place in the table, and below which draws anybody at all may have it by now, or may
    get it by then."""

    row: ConditionRow
    place: int
    now: int
    ahead: int


class Possible:
    """Whether patients may have one of some conditions (rows of conditions.csv) on record by the end of a day, an
    ordinal."""

    def __init__(self, population: Population, keys: Collection[str], day: int) -> None:
        self._population = population
        self._today = population.as_of.toordinal() - 2  # the day for which chronic conditions are drawn: see `life`
        self._days_ahead = min(max(day - self._today, 0) + 1, AHEAD_DAYS)
        self._keys = frozenset(keys)
        places = enumerate(tables.CONDITIONS.values())
        rows = [(place, row) for place, row in places if row.key in self._keys]
        self._lasting = [
            _Lasting(row, place, *self._most(row, _BANDS, _SEXES)) for place, row in rows if not _is_acute(row)
        ]
        self._acute = [row for _, row in rows if _is_acute(row)]
        self._words = max((one.place for one in self._lasting), default=0) + 1
        self._periods = range(
            period_of(population.as_of.toordinal() - HISTORY_DAYS),
            min(period_of(day), period_of(population.as_of.toordinal() + AHEAD_DAYS)) + 1,
        )

    def of(self, number: int) -> Verdict:
        """Whether a patient may."""
        if number < len(self._population.cast):
            return Verdict(True, LOOK)  # what they have is wished
        drawn = self._drawn(number) if self._lasting else []
        if not drawn and not self._acute:
            return Verdict(False, LOOK)
        _, sex, _, born = self._population.core(number)
        birth, points = born.toordinal(), LOOK + CORE
        may_last = any(self._may_last(one, now, ahead, sex, birth) for one, now, ahead in drawn)
        coming = [(row, periods) for row in self._acute if (periods := self._of_age(row, sex, birth))]
        points += DRAWS * len(coming)
        coming = [one for one in coming if self._may_come(*one, number, sex, birth, None)]
        may_be_last = any(row.fatal for row in self._acute) and may_end_in_hospital(self._population, number)
        if not (may_last or coming or may_be_last):
            return Verdict(False, points)
        life = life_of(self._population, number)
        chronic = chronic_of(life)
        have = frozenset(episode.key for episode in chronic)
        points += LIFE + DRAWS * len(coming)
        links = have & _LINKED
        may_be = have & self._keys or any(self._may_come(*one, number, sex, birth, links) for one in coming)
        if may_be_last and not may_be:
            last = last_stay_of(life, [one for one in chronic if one.row.kind == "chronic"])
            may_be = last is not None and last.row.key in self._keys
        return Verdict(bool(may_be), points)

    # What lasts

    def _drawn(self, number: int) -> list[tuple[_Lasting, int, int]]:
        """What anybody with the patient's draws may have, with the draws."""
        key, words = self._population.key, self._words
        had, begins = Stream(key, number, "conditions", words), Stream(key, number, "incident", words)
        found = []
        for one in self._lasting:
            now, ahead = had.word(one.place), begins.word(one.place)
            if now < one.now or ahead < one.ahead:
                found.append((one, now, ahead))
        return found

    def _may_last(self, one: _Lasting, now: int, ahead: int, sex: str, birth: int) -> bool:
        age_days = self._today - birth
        if age_days < one.row.onset[0] * _YEAR:
            return False
        # Of who has died on file it is drawn how it was before death.
        earliest = band_of(age_days - (YEARS_ON_FILE + 1) * _YEAR)
        most = self._most(one.row, range(earliest, band_of(age_days) + 1), (sex,))
        return now < most[0] or ahead < most[1]

    def _most(self, row: ConditionRow, bands: Collection[int], sexes: Collection[str]) -> tuple[int, int]:
        """Below which draws somebody of these ages and sexes may have it, or get it by then."""
        now, ahead = zip(*(thresholds(most_odds(row.key, band, sex)) for band in bands for sex in sexes), strict=True)
        return max(now), -(-max(ahead) * self._days_ahead // AHEAD_DAYS)

    # What is acute

    def _of_age(self, row: ConditionRow, sex: str, birth: int) -> range:
        """The periods with the slots at which the patient may come with it."""
        if row.sex not in ("B", sex):
            return range(0)
        first = period_of(birth + row.onset[0] * _YEAR)
        until = period_of(birth + (row.onset[1] + 1) * _YEAR) + 1
        last = self._periods.stop + (_BEFORE_BIRTH if row.kind == "episode" else 0)
        return range(max(first, self._periods.start), min(until, last))

    def _may_come(
        self, row: ConditionRow, periods: range, number: int, sex: str, birth: int, have: frozenset[str] | None
    ) -> bool:
        """Whether a draw falls on an acute condition of somebody who has what else lasts; None: whatever that is."""
        draw, shares = self._population.lanes.draw, [_shares(row.key, band, sex, have) for band in _BANDS]
        for period in periods:
            any_hour, office = shares[band_of(first_day(period) - birth)]
            bits = draw(period, number)
            if bits & (ONE - 1) in any_hour or bits >> 32 in office:
                return True
        return False


def _is_acute(row: ConditionRow) -> bool:
    return row.kind in ("acute", "episode")


_LINKED = frozenset(key for row in tables.CONDITIONS.values() if _is_acute(row) for key, _ in row.links)


@lru_cache(maxsize=4096)
def _shares(key: str, band: int, sex: str, have: frozenset[str] | None) -> tuple[range, range]:
    """The draws at any hour and in office hours that fall on an acute condition of somebody who has what else lasts;
    with None of anybody: all the shares before it at their least, and with its own at their most. They follow one
    another as in `slots`."""
    least, most = [0, 0], [0, 0]
    for row, base in acute_rates(band, sex):
        low, high = (_rate(row, base, have, up=up) for up in (False, True))
        before = (least[0], least[1])
        for share in (row.emergency, row.stay[band == _OLD]):
            least[0] += per_period(low * share // _MILLION)
            most[0] += per_period(high * share // _MILLION)
        least[1] += per_period(max(_left(row, band, low) - _ROUNDED, 0))
        most[1] += per_period(max(_left(row, band, high) + _ROUNDED, 0))
        if row.key == key:
            return range(before[0], most[0]), range(before[1], most[1])
    return range(0), range(0)


def _rate(row: ConditionRow, base: int, have: frozenset[str] | None, *, up: bool) -> int:
    """The rate of an acute condition of somebody who has what else lasts; with None the highest or the lowest that
    anybody may have."""
    for key, percent in row.links:
        if key in have if have is not None else (percent > 100) == up:
            base = base * percent // 100
    return min(base, _CAPPED)


def _left(row: ConditionRow, band: int, rate: int) -> int:
    """How much of a rate is seen in office hours."""
    return rate - sum(rate * share // _MILLION for share in (row.emergency, row.stay[band == _OLD]))
