"""Immunizations: childhood schedules, boosters, yearly influenza, and COVID-19 in its years."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache
from typing import NamedTuple

from simulator.ids import mix
from simulator.population import tables
from simulator.population.chart import fates, moments
from simulator.population.chart.encounters import Step, Visit
from simulator.population.chart.life import Life
from simulator.population.chart.moments import Moment
from simulator.population.lanes import OFFICE, PERIOD_DAYS, first_day, period_of
from simulator.population.records import Immunization
from simulator.population.tables.rows import ImmunizationRow
from simulator.population.zones import DAY, instant, settled

_MONTH_X100 = 3044  # days, times 100
_MILLION = 10**6
_WAIT = 45  # days for which a dose waits for the next visit
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXY"
_UNTIL_MONTH = {"flu_ped": 108, "flu_iiv4": 780, "flu_iiv3": 780}
_SEASON_DAYS = 120
_COVID_SECOND = 28  # days after the first


def immunizations_of(life: Life, visits: list[Visit]) -> Iterable[Step]:
    """What happens to the doses. One that falls due shortly before a visit is given there. The others are given
    elsewhere: pharmacies and schools report them within weeks, at a slot of the patient that need not be a visit; those
    of the years before the record are copied at the first visit."""
    for ordinal, dose in enumerate(_doses(life, visits)):
        record = _immunization(life, ordinal, dose)
        yield dose.written, "created", record
        if dose.visit is not None and fates.is_retracted(life, "immunization", dose.visit, dose.row.key):
            yield fates.retraction(dose.visit, record)


def due_of(life: Life, first: int, last: int) -> Iterator[tuple[ImmunizationRow, int, int]]:
    """The doses that fall due in the days from `first` to `last`: row, day, and a draw of its own."""
    for row in tables.IMMUNIZATIONS.values():
        salt = mix(life.number, life.salts[row.key])
        for turn, planned in enumerate(_planned(life, row, salt)):
            if first <= planned <= last:
                yield row, planned, mix(salt, turn)


def may_be_reported(life: Life, period: int) -> bool:
    """Whether a dose that was given elsewhere may be reported at the patient's slot of a period."""
    first = first_day(period - 1)
    return next(due_of(life, max(first, life.first), first + 2 * PERIOD_DAYS), None) is not None


def is_reported(life: Life, visits: list[Visit], period: int) -> bool:
    """Whether a dose that was given elsewhere is reported at the patient's slot of a period."""
    return any(dose.visit is None and dose.written.period == period for dose in _doses(life, visits))


class _Dose(NamedTuple):
    """A dose before it is numbered. `visit` is where it is written down, `seen` whether it is given there."""

    written: Moment
    day: int
    row: ImmunizationRow
    draw: int
    visit: Visit | None
    seen: bool


def _doses(life: Life, visits: list[Visit]) -> list[_Dose]:
    """The doses in the order in which they are written down."""
    seen = [visit for visit in visits if not visit.is_remote]
    days = [visit.local_day for visit in seen]
    doses: dict[tuple[int, str], _Dose] = {}
    for row, day, draw in due_of(life, life.birth, life.until):
        place = bisect_left(days, day)
        visit = seen[place] if place < len(seen) and days[place] <= day + _WAIT else None
        given = day if visit is None else visit.local_day
        first, last = _given_from_to(row.key)
        if not first <= given <= last or (given, row.key) in doses:
            continue
        if visit is not None:
            doses[given, row.key] = _Dose(visit.charted, given, row, draw, visit, seen=True)
        elif day >= life.first:
            doses[given, row.key] = _Dose(_report(life, day), given, row, draw, None, seen=False)
        elif visits:
            doses[given, row.key] = _Dose(visits[0].charted, given, row, draw, visits[0], seen=False)
    return sorted(doses.values(), key=lambda dose: (dose.written.minute, dose.day, dose.row.key))


@cache
def _given_from_to(key: str) -> tuple[int, int]:
    """The first and the last day on which a product was given."""
    row = tables.IMMUNIZATIONS[key]
    return row.first_day.toordinal(), row.last_day.toordinal()


def _report(life: Life, day: int) -> Moment:
    """When a dose of a day is reported: after the patient's slot of that period, or of the next."""
    lane, period = life.population.lanes.office, period_of(day)
    slot = lane.slot(period, life.number, life.zone)
    if slot < (day + 1) * DAY:
        period += 1
        slot = lane.slot(period, life.number, life.zone)
    minute = settled(slot + moments.REPORTED, life.zone)
    return Moment(minute, OFFICE, period, moments.REPORTED, instant(minute))


def _planned(life: Life, row: ImmunizationRow, salt: int) -> list[int]:
    """The days on which the doses fall due, for a patient who takes them."""
    if row.schedule.startswith("yearly"):
        return _yearly(life, row, salt)
    if salt % _MILLION >= row.per_million:
        return []
    jitter = (salt >> 32) % 21
    if row.key == "covid_pfizer":
        adult = life.birth + _days(row.start_month)
        first = max(row.first_day.toordinal() + (salt >> 40) % 400, adult)
        return [first, first + _COVID_SECOND]
    if row.key == "covid_pfizer_biv":
        due = row.first_day.toordinal() + (salt >> 40) % 300
        return [due] if life.age_days(due) >= _days(row.start_month) else []
    if row.schedule.startswith("every"):
        return [life.birth + _days(months) + jitter for months in range(row.start_month, 1200, 120)]
    first = life.birth + jitter
    return [first + days for days in _ages(row.schedule)]


@cache
def _ages(schedule: str) -> tuple[int, ...]:
    """The ages in days of a schedule of months."""
    return tuple(_days(int(month)) for month in schedule.split() if month.isdigit())


def _yearly(life: Life, row: ImmunizationRow, salt: int) -> list[int]:
    due: list[int] = []
    youngest, oldest = _days(row.start_month), _days(_UNTIL_MONTH.get(row.key, 1300))
    if life.age_days(life.until) < youngest or life.age_days(life.first) >= oldest:
        return due
    for year in range(date.fromordinal(life.first).year, date.fromordinal(life.until).year + 1):
        season = _season(year)
        if life.age_days(season + _SEASON_DAYS) < youngest or life.age_days(season) >= oldest:
            continue  # whenever it falls due
        draw = mix(salt, year)
        if draw % _MILLION >= row.per_million:
            continue
        day = season + (draw >> 24) % _SEASON_DAYS
        if day >= life.first and youngest <= life.age_days(day) < oldest:
            due.append(day)
    return due


@cache
def _season(year: int) -> int:
    """The day from which the vaccine of a year is given."""
    return date(year, 9, 5).toordinal()


def _days(months: int) -> int:
    return months * _MONTH_X100 // 100


def _immunization(life: Life, ordinal: int, dose: _Dose) -> Immunization:
    row, draw = dose.row, dose.draw
    letters = _LETTERS[draw % 22] + _LETTERS[(draw >> 8) % 22]
    visit = dose.visit if dose.seen else None
    return Immunization(
        ordinal=ordinal,
        key=row.key,
        code=row.code,
        text=row.code.display,
        day=date.fromordinal(dose.day),
        status="completed",
        lot=f"{letters}{(draw >> 16) % 10_000:04d}" if visit else None,  # given elsewhere: nobody noted it
        encounter=visit.ordinal if visit else None,
        practitioner=visit.practitioner if visit else life.person.practitioner,
    )
