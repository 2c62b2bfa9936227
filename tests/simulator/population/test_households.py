"""People of one family name share addresses and phones, as adults and children would; names go with origin and time."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.population import order, tables
from simulator.population.households import circle_of, gather, household_of, scatter
from simulator.population.names import SMALL_UNTIL, families_of
from simulator.population.people import Population
from simulator.population.ranks import fold
from simulator.population.records import Person

AS_OF = date(2026, 1, 5)
TODAY = AS_OF.toordinal()
YEAR = 365.25


@cache
def population_of(size: int) -> Population:
    return Population(seed=7, size=size, as_of=AS_OF)


def age_of(person: Person) -> float:
    return (AS_OF - person.birth_date).days / YEAR


@pytest.mark.parametrize("size", [1500, 3_000_000])
def test_who_lives_with_one_lives_with_the_others(size: int) -> None:
    population = population_of(size)
    for number in range(0, size, size // 500):
        together = population.household(number)
        assert number in together
        assert len(together) <= 4
        people = [population.person(one) for one in together]
        assert all(population.household(one) == together for one in together)
        assert len({person.addresses for person in people if person.addresses}) <= 1
        assert len({person.facility for person in people}) == len({person.practitioner for person in people}) == 1
        assert len({person.family for person in people}) == 1
        homes = {t.value for person in people for t in person.telecoms if t.use == "home" and t.system == "phone"}
        assert len(homes) <= 1
        if number >= len(population.cast):
            births = [person.birth_date for person in people]
            assert births == sorted(births)


def test_households_have_the_sizes_and_ages_of_families() -> None:
    population = population_of(20_000)
    sizes: Counter[int] = Counter()
    children = with_adult = with_parent = couples = adults = 0
    for number in range(40, 1540):
        person = population.person(number)
        others = [population.person(one) for one in population.household(number) if one != number]
        sizes[len(others) + 1] += 1
        if age_of(person) < 18:
            children += 1
            with_adult += any(age_of(other) >= 18 for other in others)
            with_parent += any(17 <= age_of(other) - age_of(person) <= 46 for other in others)
        else:
            adults += 1
            couples += any(
                o.sex != person.sex and age_of(o) > 20 and abs(age_of(o) - age_of(person)) < 13 for o in others
            )
    assert all(sizes[size] > 75 for size in (1, 2, 3, 4))
    assert with_adult > 0.85 * children
    assert with_parent > 0.65 * children
    assert couples > 0.3 * adults


def test_whoever_lives_as_a_couple_is_married_or_partnered() -> None:
    population = population_of(20_000)
    seen = 0
    for number in range(40, 800):
        home = population._household(population._ranks.forward(number))
        person = population.person(number)
        if home.couple is not None and population._ranks.forward(number) in home.couple and person.marital is not None:
            assert person.marital.code in "MT"
            seen += 1
    assert seen > 100


def test_children_are_reached_through_the_household() -> None:
    population = population_of(20_000)
    shared = 0
    for number in range(40, 1500):
        person = population.person(number)
        phone = next((t.value for t in person.telecoms if t.use == "mobile"), None)
        if phone and age_of(person) < 12 and len(population.household(number)) > 1:
            found = set(population.by_phone(phone))
            assert number in found
            shared += len(found) > 1
    assert shared > 50


@pytest.mark.parametrize("size", [1000, 40_000])
def test_a_panel_is_who_has_the_practitioner_as_home(size: int) -> None:
    population = population_of(size)
    panels = [list(population.panel(index)) for index in range(population.practitioners)]
    assert sorted(number for panel in panels for number in panel) == list(range(size))
    for index, panel in enumerate(panels[:6]):
        assert all(population.home(number) == index == population.person(number).practitioner for number in panel[:40])


@given(n=st.integers(1, 400), key=st.integers(0, 2**64 - 1))
def test_a_shuffle_is_a_bijection_and_goes_back(n: int, key: int) -> None:
    images = [scatter(x, n, key) for x in range(n)]
    assert sorted(images) == list(range(n))
    assert [gather(image, n, key) for image in images] == list(range(n))


@given(women=st.integers(0, 60), men=st.integers(0, 60), key=st.integers(0, 2**64 - 1))
def test_circles_divide_a_family(women: int, men: int, key: int) -> None:
    circles = {frozenset(circle_of(place, women, men, key)) for place in range(women + men)}
    assert sorted(place for circle in circles for place in circle) == list(range(women + men))
    for circle in circles:
        assert sum(place < women for place in circle) <= 2 >= sum(place >= women for place in circle)
        assert all(circle_of(place, women, men, key)[0] == place for place in circle)


@given(
    ages=st.lists(st.integers(0, 100 * 365), min_size=1, max_size=4),
    sexes=st.lists(st.booleans(), min_size=4, max_size=4),
    data=st.data(),
)
@settings(max_examples=300)
def test_everybody_of_a_circle_agrees_who_lives_together(
    ages: list[int], sexes: list[bool], data: st.DataObject
) -> None:
    circle = [(TODAY - age, 100 + place, sexes[place]) for place, age in enumerate(ages)]
    homes = {member[1]: household_of(member[1], circle, TODAY) for member in circle}
    for member in circle:
        home = homes[member[1]]
        assert member in home.members
        assert home == household_of(member[1], data.draw(st.permutations(circle)), TODAY)
        assert all(homes[other[1]] == home for other in home.members)
        if home.couple is not None:
            one, other = (next(m for m in home.members if m[1] == rank) for rank in home.couple)
            assert one[2] != other[2]
        if TODAY - member[0] < 17 * 365 and any(TODAY - m[0] >= 35 * 365 for m in circle):
            assert TODAY - home.members[0][0] >= 18 * 365  # with an adult, if there is one


# Names


def test_the_names_of_old_people_are_old_and_of_children_new() -> None:
    population = population_of(20_000)
    decades: dict[str, Counter[int]] = {}
    for number in range(40, 20_000):
        _, _, given_name, born = population.core(number)
        decades.setdefault(given_name, Counter())[born.year // 10 * 10] += 1

    def middle(name: str) -> float:
        counted = decades[name]
        return sum(decade * n for decade, n in counted.items()) / counted.total()

    assert middle("Dorothy") < middle("Linda") < middle("Jennifer") < middle("Ashley") < middle("Madison")
    assert middle("Robert") < middle("Jason") < middle("Jayden")
    assert max(decades["Jayden"]) >= 2010 > 1990 <= min(decade for decade, n in decades["Jayden"].items() if n > 1)


def test_given_names_go_with_the_origin_of_the_family_name() -> None:
    population = population_of(20_000)
    of_garcias = [population.core(number)[2] for number in population.find(family="Garcia", exact=True)]
    of_smiths = [population.core(number)[2] for number in population.find(family="Smith", exact=True)]
    spanish = {row.name for row in tables.GIVEN_NAMES if "hispanic" in row.born}
    assert sum(name in spanish for name in of_garcias) > 0.4 * len(of_garcias)
    assert sum(name in spanish for name in of_smiths) < 0.25 * len(of_smiths)
    vietnamese = {row.name for row in tables.GIVEN_NAMES if set(row.born) == {"vi"}}
    of_nguyens = [population.core(number)[2] for number in population.find(family="Nguyen", exact=True)]
    assert sum(name in vietnamese for name in of_nguyens) > 0.2 * len(of_nguyens)
    assert not any(name in vietnamese for name in of_smiths)


def test_above_a_million_there_are_tens_of_thousands_of_family_names() -> None:
    assert len(families_of(SMALL_UNTIL)) < 2000 < 80_000 < len(families_of(SMALL_UNTIL + 1))
    large, small = population_of(3_000_000), population_of(20_000)
    assert 0.008 < large.count(family="Smith", exact=True) / 3_000_000 < 0.013
    assert large.count(family="Aalderink", exact=True) > 0
    assert small.count(family="Aalderink", exact=True) == 0
    for row in tables.FAMILY_NAMES:
        if row.note:
            assert families_of(3_000_000).called(row.name) is not None


QUERIES: list[dict[str, Any]] = [
    {"family": "mc"},
    {"family": "wi"},
    {"family": "smith", "exact": True, "born": (date(1950, 1, 1), date(1999, 12, 31))},
    {"given": "maria"},
    {"family": "o'", "sex": "M"},
    {"born": (date(1980, 5, 1), date(1980, 8, 31))},
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_searching_the_census_names_gives_what_looking_gives(
    query: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order, "families_of", lambda size: families_of(SMALL_UNTIL + 1))
    population = Population(seed=11, size=2500, as_of=AS_OF)
    exact, family, name = query.get("exact", False), query.get("family"), query.get("given")

    def fits(number: int) -> bool:
        core = population.core(number)
        keys = [(fold(core[0]), family), (fold(core[2]), name)]
        named = all(
            asked is None or (key == fold(asked) if exact else key.startswith(fold(asked))) for key, asked in keys
        )
        first, last = query.get("born", (date.min, date.max))
        return named and first <= core[3] <= last and query.get("sex") in (None, core[1])

    wanted = sorted(filter(fits, range(2500)), key=population.rank)
    assert list(population.find(**query)) == wanted
    assert population.count(**query) == len(wanted)
    half = population.rank(wanted[len(wanted) // 2])
    assert list(population.find(**query, after=half)) == wanted[len(wanted) // 2 + 1 :]
