"""ImmunizationRecommendation: which doses of the childhood schedules are due or overdue, from the doses on record.

One resource a child, dated on the day of the request. What the schedule says next follows from how many doses of a
vaccine there are; for grown-ups nothing is forecast.

Source: SOURCES.md, "Resources" (CS: what can be asked; the form: guess). The schedules are those of immunizations.csv.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from simulator.fhir import build
from simulator.population import tables
from simulator.population.tables.rows import ImmunizationRow
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.resources import household, observation, told
from simulator.vendors.epic.resources.told import Item

_MONTH_X100 = 3044  # days, times 100
_GRACE = timedelta(days=60)
_AHEAD = timedelta(days=365)
_STATUS = "http://terminology.hl7.org/CodeSystem/immunization-recommendation-status"
_DUE_ON = dialect.told("loinc", "30980-7", "Date vaccine due")


def _in_months(row: ImmunizationRow) -> tuple[int, ...]:
    """The ages at which the doses of a childhood vaccine fall due; none for the other rules."""
    words = row.schedule.split()
    is_childhood = row.start_month < 18 * 12 and all(word.isdigit() for word in words)
    return tuple(int(word) for word in words) if is_childhood else ()


_SCHEDULES = tuple((row, months) for row in tables.IMMUNIZATIONS.values() if (months := _in_months(row)))


def _next(t: Telling, today: date) -> Iterator[tuple[ImmunizationRow, int, int, date]]:
    """Vaccine, number of the next dose, number of doses, and the day on which it is due: doses that fall due within a
    year, before or after today. What was missed longer ago is for somebody to decide."""
    given = Counter(one.key for one in t.chart.immunizations)
    for row, months in _SCHEDULES:
        if given[row.key] < len(months) and row.first_day <= today <= row.last_day:
            due = t.person.birth_date + timedelta(days=months[given[row.key]] * _MONTH_X100 // 100)
            if abs(due - today) <= _AHEAD:
                yield row, given[row.key] + 1, len(months), due


def _items(t: Telling) -> Iterator[Item]:
    is_child = t.person.deceased is None and not household.is_adult(t, t.person)
    if is_child and any(_next(t, observation.today(t))):
        yield (t.person,)


def _payload(t: Telling, item: Item) -> Json:
    today = observation.today(t)
    return {
        "patient": t.subject,
        "date": today.isoformat(),
        "authority": dialect.organization_reference(t.site),
        "recommendation": [
            {
                "vaccineCode": [
                    {"coding": [{"system": build.SYSTEMS["cvx"], "code": row.code.code}], "text": row.code.display}
                ],
                "forecastStatus": _status(due, today),
                "dateCriterion": [{"code": _DUE_ON, "value": due.isoformat()}],
                "doseNumberPositiveInt": number,
                "seriesDosesPositiveInt": doses,
            }
            for row, number, doses, due in _next(t, today)
        ],
    }


def _status(due: date, today: date) -> Json:
    return dialect.told(_STATUS, *(("overdue", "Overdue") if due + _GRACE < today else ("due", "Due")))


TOLD = told.resting("ImmunizationRecommendation", _items, _payload)
