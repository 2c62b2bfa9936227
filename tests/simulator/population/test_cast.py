"""The forty of the cast are in every population of a thousand or more, found by all that is known of them, and nobody
who is drawn has their numbers."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import pytest

from simulator.auth import users
from simulator.population import tables
from simulator.population.cast import FROM_SIZE, PASSWORD, roles
from simulator.population.chart import chart_of
from simulator.population.people import Population
from simulator.population.places import npi_check_digit
from simulator.population.records import Chart, Person
from simulator.population.world import World

AS_OF = date(2026, 1, 5)
SIZES = [1000, 10_000, 50_000_000]


@cache
def population_of(size: int, as_of: date = AS_OF) -> Population:
    return Population(seed=7, size=size, as_of=as_of)


def member(key: str, size: int = 10_000, as_of: date = AS_OF) -> Person:
    number = next(role.number for role in roles() if role.key == key)
    return population_of(size, as_of).person(number)


def age_of(person: Person, as_of: date = AS_OF) -> int:
    birthday = (person.birth_date.month, person.birth_date.day)
    return as_of.year - person.birth_date.year - (birthday > (as_of.month, as_of.day))


def test_there_are_forty_each_with_a_purpose_and_none_in_a_small_population() -> None:
    assert len(population_of(FROM_SIZE).cast) == 40
    assert len(population_of(FROM_SIZE - 1).cast) == 0
    assert population_of(FROM_SIZE - 1).cast.logins() == ()
    assert population_of(FROM_SIZE - 1).cast.wishes(0) is None
    assert len({role.key for role in roles()}) == 40
    assert all(len(role.purpose) > 10 for role in roles())


@pytest.mark.parametrize("size", SIZES)
def test_they_have_the_same_names_birth_dates_and_numbers_at_every_size(size: int) -> None:
    for number in range(40):
        here, there = population_of(size).person(number), population_of(1000).person(number)
        assert here.number == number
        assert (here.family, here.given, here.birth_date, here.ssn, here.telecoms) == (
            there.family,
            there.given,
            there.birth_date,
            there.ssn,
            there.telecoms,
        )
        clinic = population_of(size).facility(here.facility)
        assert here.practitioner % len(population_of(size).facilities) == here.facility
        assert all(address.state == clinic.address.state for address in here.addresses)


@pytest.mark.parametrize("size", SIZES)
def test_they_are_found_by_all_that_is_known_of_them(size: int) -> None:
    population = population_of(size)
    for number in range(40):
        person = population.person(number)
        family, sex, given, born = population.core(number)
        assert (person.family, person.sex, person.given[0], person.birth_date) == (family, sex, given, born)
        found = list(population.find(family=family, given=given, born=(born, born), sex=sex, exact=True))
        assert number in found
        assert population.count(family=family, given=given, born=(born, born), sex=sex, exact=True) == len(found)
        ranks = [population.rank(one) for one in found]
        assert ranks == sorted(set(ranks))
        for telecom in person.telecoms:
            by = population.by_phone if telecom.system == "phone" else population.by_email
            assert number in by(telecom.value)
        if person.ssn:
            assert list(population.by_ssn(person.ssn)) == [number]
        assert number in population.household(number)
        assert number in population.panel(population.home(number))


def test_they_come_before_everybody_else_and_page_with_them() -> None:
    population = population_of(10_000)
    smiths = list(population.find(family="Smith", given="James", exact=True))
    assert smiths[:2] == [10, 11]
    assert min(smiths[2:]) >= 40
    assert list(population.find(family="Smith", given="James", exact=True, after=population.rank(10))) == smiths[1:]
    assert list(population.find(family="Smith", given="James", exact=True, after=population.rank(11))) == smiths[2:]


def test_the_cast_is_what_it_says() -> None:
    assert member("newborn").birth_date == date(2025, 12, 27)
    assert age_of(member("centenarian")) == 100
    assert age_of(member("teen")) == 15
    assert member("teen").gender == "other"
    one, other = member("homonym"), member("homonym2")
    assert (one.family, one.given, one.birth_date) == (other.family, other.given, other.birth_date)
    assert one.ssn != other.ssn
    assert one.addresses != other.addresses
    senior, junior = member("senior"), member("junior")
    assert (senior.family, senior.given, senior.addresses) == (junior.family, junior.given, junior.addresses)
    assert (senior.suffix, junior.suffix) == ("Sr.", "Jr.")
    twins = member("twin"), member("twin2")
    assert twins[0].birth_date == twins[1].birth_date
    assert member("guardian").number in population_of(10_000).household(twins[0].number)
    assert twins[0].telecoms != ()
    assert member("renamed").maiden == "Delacroix"
    assert (member("transgender").sex, member("transgender").gender) == ("F", "male")
    deceased = member("deceased").deceased
    assert deceased is not None
    assert deceased.date() == date(2025, 11, 2)
    assert member("homeless").addresses == member("homeless").telecoms == ()
    assert member("null").family == "Null"
    assert member("leap-day").birth_date == date(1992, 2, 29)
    assert len(member("long-name").family) == 35
    wishes = population_of(10_000).cast.wishes
    assert wishes(member("no-allergies").number).allergies == ()  # type: ignore[union-attr]
    assert wishes(member("never-asked").number).allergies is None  # type: ignore[union-attr]


@pytest.mark.parametrize("as_of", [date(2019, 7, 1), date(2024, 2, 29), date(2031, 12, 31)])
def test_on_another_day_they_have_the_same_ages_and_birthdays(as_of: date) -> None:
    assert member("newborn", as_of=as_of).birth_date == date.fromordinal(as_of.toordinal() - 9)
    for role in roles():
        person = member(role.key, as_of=as_of)
        assert person.birth_date <= as_of
        if "born" in role.row:
            told = date.fromisoformat(role.row["born"])
            assert (person.birth_date.month, person.birth_date.day) == (told.month, told.day)
            assert abs(as_of.year - person.birth_date.year - (2026 - told.year)) <= 4 * (role.key == "leap-day")


def test_what_they_wish_for_is_in_the_tables() -> None:
    for role in roles():
        wishes = role.wishes
        assert set(wishes.conditions) <= set(tables.CONDITIONS), role.key
        assert set(wishes.medications) <= set(tables.MEDICATIONS), role.key
        assert set(wishes.allergies or ()) <= set(tables.ALLERGIES), role.key
        sex = role.row["sex"]
        given = {key for condition in wishes.conditions for key, _ in tables.CONDITIONS[condition].medications}
        for key, years in wishes.conditions.items():
            row = tables.CONDITIONS[key]
            assert row.sex in ("B", sex), (role.key, key)
            assert set(row.requires) <= set(wishes.conditions), (role.key, key)
            if "born" in role.row:
                assert row.onset[0] <= 2026 - int(role.row["born"][:4]) - years, (role.key, key)
        assert set(wishes.medications) <= given, (role.key, set(wishes.medications) - given)


def test_practitioners_and_patients_may_log_in() -> None:
    population = population_of(10_000)
    logins = population.cast.logins()
    assert len({login.username for login in logins}) == len(logins) >= 6
    for login in logins:
        assert login.password == PASSWORD
        assert (login.practitioner is None) != (login.patient is None)
        if login.practitioner is not None:
            one = population.practitioner(login.practitioner)
            assert login.name == f"{one.given} {one.family}, {one.suffix}"
            assert npi_check_digit(one.npi[:9]) == one.npi[9]
        else:
            assert population.person(login.patient or 0).given[0] in login.name
    parents = {login.username: login.patients for login in logins}
    assert parents["rosa"] == (39, 38)
    assert parents["ingrid"] == (16, 14, 15)
    assert parents["walter"] == (0,)


def test_the_doors_know_the_short_names_of_the_cast() -> None:
    world = World(population_of(10_000))
    assert {one.login for one in users.cast(world)} == {one.username for one in world.population.cast.logins()}
    rosa, grace = users.user_of(world, " Rosa "), users.user_of(world, "gadeyemi")
    assert rosa is not None
    assert (rosa.kind, rosa.number, rosa.patients) == ("patient", 39, (39, 38))
    assert grace is not None
    assert (grace.kind, grace.number, grace.name) == ("practitioner", 0, "Grace Adeyemi, MD")
    assert users.user_of(World(population_of(FROM_SIZE - 1)), "rosa") is None


# Charts


@cache
def charts(seed: int) -> tuple[Chart, ...]:
    population = Population(seed=seed, size=10_000, as_of=AS_OF)
    return tuple(chart_of(population, number) for number in range(40))


def chart(key: str, seed: int = 7) -> Chart:
    return next(charts(seed)[role.number] for role in roles() if role.key == key)


@pytest.mark.parametrize("seed", [7, 20260105, 3])
def test_their_charts_hold_what_they_wish_for(seed: int) -> None:
    for role in roles():
        one, wishes = charts(seed)[role.number], role.wishes
        lasting = {c.key for c in one.conditions if tables.CONDITIONS[c.key].kind in ("chronic", "social")}
        assert lasting == set(wishes.conditions), role.key
        drugs = {m.key: m for m in one.medications}
        assert set(wishes.medications) <= set(drugs), role.key
        assert all(drugs[key].status == "active" for key in wishes.medications if tables.MEDICATIONS[key].is_chronic)
        is_seen = any(encounter.status == "finished" for encounter in one.encounters)
        assert is_seen != (role.key == "never-seen") or role.key == "newborn", role.key
        told = sorted(allergy.code.code for allergy in one.allergies if not allergy.none_known)
        assert told == sorted(tables.ALLERGIES[key].code.code for key in wishes.allergies or ()), role.key
        is_stated = any(allergy.none_known for allergy in one.allergies)
        assert is_stated == (wishes.allergies == () and is_seen), role.key
        for key, years in wishes.conditions.items():
            condition = next(c for c in one.conditions if c.key == key)
            assert years - 1 <= (AS_OF - condition.onset).days / 365.25 <= years + 1.5, (role.key, key)


def test_the_cast_shows_what_it_is_for() -> None:
    def results(key: str, loinc: str) -> int:
        return sum(one.code.code == loinc for one in chart(key).observations)

    assert results("diabetic", "4548-4") >= 12
    assert results("anticoagulated", "6301-6") >= 5
    assert results("hiv", "20447-9") >= 5
    assert len(chart("many-observations").observations) > 250
    assert chart("never-seen").encounters == ()
    assert chart("never-asked").allergies == ()
    assert len(chart("never-asked").encounters) > 5
    assert any("42CFRPart2" in c.sensitivity or "SUD" in c.sensitivity for c in chart("part2").conditions)
    assert all("PART2" in one.sensitivity for one in chart("part2").medications if "SUD" in one.sensitivity)
    assert any("PART2" in one.sensitivity for one in chart("part2").encounters)
    assert any("TEEN" in one.sensitivity for one in chart("teen").encounters)
    assert any("PSYNOTE" in one.sensitivity for one in chart("psychotherapy").documents)
    assert max(one.order for one in chart("three-coverages").coverages if one.status == "active") == 3
    weights = [one.value for one in chart("pounds").observations if one.key == "weight" and one.value is not None]
    assert max(weights) > 2 * min(weights)
    deceased = chart("deceased").person.deceased
    assert deceased is not None
    assert all(encounter.start < deceased for encounter in chart("deceased").encounters)


@pytest.mark.parametrize("seed", [7, 20260105, 3])
def test_one_is_pregnant_and_will_give_birth(seed: int) -> None:
    population = Population(seed=seed, size=1000, as_of=AS_OF)
    number = next(role.number for role in roles() if role.key == "pregnant")
    now = [c for c in chart_of(population, number).conditions if c.key == "pregnancy"]
    assert len(now) == 1
    assert 19 * 7 <= (AS_OF - now[0].onset).days <= 29 * 7
    assert now[0].abatement is None
    later = chart_of(population, number, population.starts + timedelta(days=150))
    assert any(e.class_code == "IMP" and e.start > population.starts for e in later.encounters)
