"""The awkward cases are there, are what they are called, and are the same every time."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from simulator.population import edges, tables
from simulator.population.chart import chart_of
from simulator.population.people import Population

AS_OF = date(2026, 1, 5)
ALWAYS = (
    "hard_name infant oldest gender_other missing_phone missing_race with_suffix deceased died_in_hospital no_visits "
    "many_observations none_known_allergy no_allergy_record comparator coded_value sensitive clock_change"
)


@pytest.mark.parametrize(("seed", "size"), [(1, 1000), (7, 10_000), (3, 50_000_000)])
def test_every_case_is_what_it_is_called(seed: int, size: int) -> None:
    population = Population(seed, size, AS_OF)
    cases = edges.find(population)
    assert set(ALWAYS.split()) <= set(cases)
    charts = {name: chart_of(population, number) for name, number in cases.items()}
    people = {name: chart.person for name, chart in charts.items()}
    hard = {row["name"] for table in ("names_family", "names_given") for row in tables.raw(table) if row["note"]}
    assert {people["hard_name"].family, people["hard_name"].given[0]} & hard
    assert (AS_OF - people["infant"].birth_date).days <= 365
    assert (AS_OF - people["oldest"].birth_date).days > 85 * 365
    assert people["gender_other"].gender == "other"
    assert all(telecom.system != "phone" for telecom in people["missing_phone"].telecoms)
    assert people["missing_race"].race == ()
    assert people["with_suffix"].suffix
    assert people["deceased"].deceased is not None
    assert charts["died_in_hospital"].encounters[-1].end == people["died_in_hospital"].deceased is not None
    assert charts["died_in_hospital"].encounters[-1].disposition == "died"
    assert charts["no_visits"].encounters == charts["no_visits"].observations == ()
    assert len(charts["many_observations"].observations) > 100
    assert charts["none_known_allergy"].allergies[0].none_known
    assert charts["no_allergy_record"].allergies == ()
    assert charts["no_allergy_record"].encounters
    assert any(o.comparator for o in charts["comparator"].observations)
    assert any(o.coded for o in charts["coded_value"].observations)
    assert any(c.sensitivity for c in charts["sensitive"].conditions)
    starts = [
        e.start.astimezone(ZoneInfo(population.facility(e.facility).zone)) for e in charts["clock_change"].encounters
    ]
    assert any(start.replace(hour=0).utcoffset() != start.replace(hour=4).utcoffset() for start in starts)
    if size > 5000:
        one, other = people["namesake"], people["other_namesake"]
        assert (one.family, one.given[0]) == (other.family, other.given[0])
        assert one.birth_date != other.birth_date


def test_the_same_population_has_the_same_cases() -> None:
    assert edges.find(Population(7, 1000, AS_OF)) == edges.find(Population(7, 1000, AS_OF))


def test_the_smallest_population_has_the_cases_it_can_have() -> None:
    cases = edges.find(Population(7, 1, AS_OF))
    assert set(cases.values()) == {0}
