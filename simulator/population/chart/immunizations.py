"""Immunizations: childhood schedules, boosters, yearly influenza, and COVID-19 in its years."""

from __future__ import annotations

from datetime import date

from simulator.ids import mix
from simulator.population import tables
from simulator.population.chart.encounters import Visit
from simulator.population.chart.life import Life
from simulator.population.records import Immunization
from simulator.population.tables.rows import ImmunizationRow

_MONTH_X100 = 3044  # days, times 100
_MILLION = 10**6
_WAIT = 45  # days for which a dose waits for the next visit
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXY"
_UNTIL_MONTH = {"flu_ped": 108, "flu_iiv4": 780, "flu_iiv3": 780}
_COVID_SECOND = 28  # days after the first


def immunizations_of(life: Life, visits: list[Visit]) -> tuple[Immunization, ...]:
    """Every dose on record, childhood doses before the ten years included."""
    seen = [visit for visit in visits if not visit.is_remote]
    doses: dict[tuple[int, str], tuple[ImmunizationRow, Visit | None, int]] = {}
    for row in tables.IMMUNIZATIONS.values():
        salt = mix(life.number, life.salts[row.key])
        for turn, planned in enumerate(_planned(life, row, salt)):
            if planned > life.until:
                continue
            visit = next((v for v in seen if planned <= v.local_day <= planned + _WAIT), None)
            day = visit.local_day if visit else planned
            if row.first_day.toordinal() <= day <= row.last_day.toordinal():
                doses.setdefault((day, row.key), (row, visit, mix(salt, turn)))
    return tuple(
        _immunization(life, ordinal, day, *doses[day, key]) for ordinal, (day, key) in enumerate(sorted(doses))
    )


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
    for year in range(date.fromordinal(life.first).year, date.fromordinal(life.until).year + 1):
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
