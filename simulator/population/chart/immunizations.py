"""Immunizations: childhood schedules, boosters, yearly influenza, and COVID-19 in its years."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import date

from simulator.ids import mix
from simulator.population import tables
from simulator.population.chart import fates
from simulator.population.chart.encounters import Step, Visit
from simulator.population.chart.life import Life
from simulator.population.records import Immunization
from simulator.population.tables.rows import ImmunizationRow

_MONTH_X100 = 3044  # days, times 100
_MILLION = 10**6
_WAIT = 45  # days for which a dose waits for the next visit
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXY"
_UNTIL_MONTH = {"flu_ped": 108, "flu_iiv4": 780, "flu_iiv3": 780}
_COVID_SECOND = 28  # days after the first


def immunizations_of(life: Life, visits: list[Visit]) -> Iterable[Step]:
    """What happens to the doses. One that falls due shortly before a visit is given there; the others were given
    elsewhere and are copied at the next visit, those of childhood at the first one on record."""
    seen = [visit for visit in visits if not visit.is_remote]
    days = [visit.local_day for visit in seen]
    doses: dict[tuple[int, str], tuple[Visit, bool, ImmunizationRow, int]] = {}
    for row in tables.IMMUNIZATIONS.values():
        salt = mix(life.number, life.salts[row.key])
        first, last = row.first_day.toordinal(), row.last_day.toordinal()
        for turn, planned in enumerate(_planned(life, row, salt)):
            place = bisect_left(days, planned)
            if place == len(seen):
                continue
            visit = seen[place]
            given_here = visit.local_day <= planned + _WAIT
            day = visit.local_day if given_here else planned
            if first <= day <= last:
                doses.setdefault((day, row.key), (visit, given_here, row, mix(salt, turn)))
    written = sorted(doses.items(), key=lambda item: (item[1][0].ordinal, item[0]))
    for ordinal, ((day, key), (visit, given_here, row, draw)) in enumerate(written):
        record = _immunization(life, ordinal, day, row, visit if given_here else None, draw)
        yield visit.charted, "created", record
        if fates.is_retracted(life, "immunization", visit, key):
            yield fates.retraction(visit, record)


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
    return [life.birth + _days(int(month)) + jitter for month in row.schedule.split() if month.isdigit()]


def _yearly(life: Life, row: ImmunizationRow, salt: int) -> list[int]:
    due = []
    for year in range(date.fromordinal(life.first).year, date.fromordinal(life.last).year + 1):
        draw = mix(salt, year)
        day = date(year, 9, 5).toordinal() + (draw >> 24) % 120
        age = life.age_days(day)
        in_age = _days(row.start_month) <= age < _days(_UNTIL_MONTH.get(row.key, 1300))
        if draw % _MILLION < row.per_million and in_age and day >= life.first:
            due.append(day)
    return due


def _days(months: int) -> int:
    return months * _MONTH_X100 // 100


def _immunization(
    life: Life, ordinal: int, day: int, row: ImmunizationRow, visit: Visit | None, draw: int
) -> Immunization:
    letters = _LETTERS[draw % 22] + _LETTERS[(draw >> 8) % 22]
    return Immunization(
        ordinal=ordinal,
        key=row.key,
        code=row.code,
        text=row.code.display,
        day=date.fromordinal(day),
        status="completed",
        lot=f"{letters}{(draw >> 16) % 10_000:04d}" if visit else None,  # given elsewhere: nobody noted it
        encounter=visit.ordinal if visit else None,
        practitioner=visit.practitioner if visit else life.person.practitioner,
    )
