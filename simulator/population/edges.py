"""The awkward cases, by name: patients on whom careless integrations trip, present in every population of 1000 or more.

Each is found by a bounded search that gives the same number every time. Names that a smaller population does not have
are left out of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from simulator.population import tables
from simulator.population.chart import chart_of
from simulator.population.chart.admissions import DIED
from simulator.population.chart.last_stays import may_end_in_hospital
from simulator.population.chart.life import life_of
from simulator.population.people import Population
from simulator.population.records import Chart, Person
from simulator.population.zones import clock_changes

_PEOPLE_LOOKED_AT = 3_000
_CHARTS_LOOKED_AT = 250
MANY_OBSERVATIONS = 100


def find(population: Population) -> dict[str, int]:
    """The number of one patient for each case.

    hard_name            a name with accents, particles, punctuation, one letter, or that looks like null
    infant               born in the last year
    oldest               of the oldest there are
    gender_other         administrative gender is neither female nor male
    missing_phone        no phone on record
    missing_race         no race, which is no category either
    with_suffix          Jr., Sr., III
    deceased             died; but for what is signed later, the chart ends there
    died_in_hospital     the last encounter ended with the death
    partial_birth_date   only the year, or year and month, of the birth date is known
    no_visits            never seen: no encounters, no observations
    many_observations    more than MANY_OBSERVATIONS: several pages at any vendor
    none_known_allergy   somebody asked and wrote down that there is none
    no_allergy_record    nobody wrote anything about allergies, though the patient was seen
    comparator           a result below or above what the method measures
    coded_value          a result that is a code, not a number
    sensitive            items with a sensitivity label
    clock_change         an encounter on a day on which the clinic's clocks change
    namesake, other_namesake   the same family and given name, another birth date
    """
    cases: dict[str, Callable[[], int | None]] = {
        "hard_name": lambda: _hard_name(population),
        "infant": lambda: _born(population, 0, 1),
        "oldest": lambda: next(
            (found for age in range(95, 70, -5) if (found := _born(population, age, 101)) is not None), None
        ),
        "gender_other": lambda: next(population.of_other_gender(), None),
        "missing_phone": lambda: _person(population, lambda one: all(t.system != "phone" for t in one.telecoms)),
        "missing_race": lambda: _person(population, lambda one: not one.race),
        "with_suffix": lambda: _person(population, lambda one: one.suffix is not None),
        "deceased": lambda: _person(population, lambda one: one.deceased is not None),
        "died_in_hospital": lambda: _died_in_hospital(population),
        "partial_birth_date": lambda: _person(population, lambda one: one.birth_precision != "day"),
        "no_visits": lambda: next(
            (n for n in _numbers(population) if life_of(population, n).visits_percent == 0), None
        ),
        "many_observations": lambda: _chart(population, lambda one: len(one.observations) > MANY_OBSERVATIONS),
        "none_known_allergy": lambda: _chart(population, lambda one: any(a.none_known for a in one.allergies)),
        "no_allergy_record": lambda: _chart(population, lambda one: bool(one.encounters) and not one.allergies),
        "comparator": lambda: _chart(population, lambda one: any(o.comparator for o in one.observations)),
        "coded_value": lambda: _chart(population, lambda one: any(o.coded for o in one.observations)),
        "sensitive": lambda: _chart(population, lambda one: any(c.sensitivity for c in one.conditions)),
        "clock_change": lambda: _clock_change(population),
    }
    found = {name: number for name, search in cases.items() if (number := search()) is not None}
    return found | dict(zip(("namesake", "other_namesake"), _namesakes(population), strict=False))


def _numbers(population: Population) -> Iterable[int]:
    return range(min(population.size, _PEOPLE_LOOKED_AT))


def _person(population: Population, fits: Callable[[Person], bool]) -> int | None:
    return next((number for number in _numbers(population) if fits(population.person(number))), None)


def _chart(population: Population, fits: Callable[[Chart], bool]) -> int | None:
    numbers = range(min(population.size, _CHARTS_LOOKED_AT))
    return next((number for number in numbers if fits(chart_of(population, number))), None)


def _born(population: Population, age: int, until_age: int) -> int | None:
    """A patient at least `age` and less than `until_age` years old."""
    last = population.as_of - timedelta(days=age * 366)
    first = population.as_of - timedelta(days=until_age * 365)
    return next(population.find(born=(first, last)), None)


def _hard_name(population: Population) -> int | None:
    for row in tables.raw("names_family"):
        if row["note"]:
            for number in population.find(family=row["name"], exact=True):
                if population.core(number)[0] == row["name"]:
                    return number
    hard = {row["name"] for row in tables.raw("names_given") if row["note"]}
    return next((number for number in _numbers(population) if population.core(number)[2] in hard), None)


def _died_in_hospital(population: Population) -> int | None:
    dead = (number for number in _numbers(population) if may_end_in_hospital(population, number))
    charts = ((number, chart_of(population, number)) for number in dead)
    return next((n for n, chart in charts if any(e.disposition == DIED for e in chart.encounters)), None)


def _namesakes(population: Population) -> Iterator[int]:
    for row in sorted(tables.GIVEN_NAMES, key=lambda row: (-row.weight, row.name)):
        pair = list(islice(population.find(family="Smith", given=row.name, sex=row.sex, exact=True), 2))
        if len(pair) == 2 and population.core(pair[0])[3] != population.core(pair[1])[3]:
            yield from pair
            return


def _clock_change(population: Population) -> int | None:
    for number in islice(population.in_on_clock_change(), _CHARTS_LOOKED_AT):
        for encounter in chart_of(population, number).encounters:
            zone = ZoneInfo(population.facility(encounter.facility).zone)
            local = encounter.start.astimezone(zone)
            changes = local.date().toordinal() in clock_changes(local.year)
            midnight = local.replace(hour=0, minute=0)
            if changes and midnight.utcoffset() != (midnight + timedelta(days=1)).utcoffset():
                return number
    return None
