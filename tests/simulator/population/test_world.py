"""A world is the population until somebody writes to it; what is written every reader sees, and it can be forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from simulator.population.chart import history_of
from simulator.population.people import Population
from simulator.population.records import Address, Observation, Person, Telecom
from simulator.population.world import FIRST_WRITTEN, FIRST_WRITTEN_ORDINAL, World

AT = datetime(2026, 1, 5, 13, 30, tzinfo=UTC)
BORN = date(1990, 2, 3)


@pytest.fixture
def world() -> World:
    return World(Population(seed=7, size=2000, as_of=date(2026, 1, 5)))


def newcomer(**changes: object) -> Person:
    person = Person(
        number=-1,
        family="Ångström",
        given=("Ada",),
        suffix=None,
        maiden=None,
        nickname=None,
        birth_date=BORN,
        sex="F",
        gender="female",
        race=(),
        ethnicity=None,
        language=None,
        marital=None,
        telecoms=(Telecom("phone", "mobile", "+12025550142"), Telecom("email", "home", "ada@example.org")),
        addresses=(Address(("1 Elm St",), "Salem", "MA", "01970"),),
        ssn="912-34-0007",
        facility=0,
        practitioner=0,
    )
    return replace(person, **changes)  # type: ignore[arg-type]


def test_an_untouched_world_is_the_population(world: World) -> None:
    population = world.population
    assert world.person(17) == population.person(17)
    assert world.person(world.population.registrations.end) is None
    assert world.person(-1) is None
    further = list(population.registrations.find(family="smi"))
    standing = [number for number in further if world.survivor(number) is None]
    assert list(world.find(family="smi")) == [*population.find(family="smi"), *standing]
    assert world.chart(17) is world.chart(17)
    assert world.writes == 0


@pytest.mark.parametrize("kind", ["encounter", "condition", "allergy", "medication", "observation", "immunization"])
def test_every_record_of_a_chart_can_be_read_by_itself(world: World, kind: str) -> None:
    for number in range(12):
        for record in world.chart(number).of(kind):
            assert world.read(kind, number, record.ordinal) == record
        assert world.read(kind, number, 9999) is None
    assert world.read(kind, world.population.registrations.end, 0) is None


def test_there_are_no_other_kinds(world: World) -> None:
    with pytest.raises(KeyError):
        world.read("spaceship", 1, 0)
    assert world.read("patient", 3, 0) == world.person(3)
    assert world.read("patient", 3, 1) is None


def test_a_new_patient_gets_a_number_of_the_written_range_and_is_found(world: World) -> None:
    kept = world.write(newcomer(), None, "athena", AT)
    assert kept.number == FIRST_WRITTEN
    assert world.person(kept.number) == kept
    chart = world.chart(kept.number)
    assert chart.person == kept
    assert chart.observations == ()
    for query in (
        {"family": "angstrom"},
        {"family": "ång", "given": "ad", "born": (BORN, BORN), "sex": "F"},
        {"family": "Ångström", "exact": True},
        {"phone": "(202) 555-0142"},
        {"ssn": "912340007"},
        {"email": "ADA@example.org"},
        {"phone": "2025550142", "family": "Angstrom"},
    ):
        assert list(world.find(**query)) == [kept.number]  # type: ignore[arg-type]
    for query in ({"family": "angstrom", "sex": "M"}, {"family": "angst", "exact": True}, {"ssn": "912-34-0008"}):
        assert list(world.find(**query)) == []  # type: ignore[arg-type]
    assert world.write(newcomer(), -1, "athena", AT).number == FIRST_WRITTEN + 1


def test_written_patients_come_after_the_others_and_pages_go_on(world: World) -> None:
    first = world.write(newcomer(family="Smith"), None, "x", AT).number
    second = world.write(newcomer(family="Smith"), None, "x", AT).number
    whole = list(world.find(family="smith", exact=True))
    assert whole[-2:] == [first, second]
    assert [world.rank(number) for number in whole] == sorted(world.rank(number) for number in whole)
    for place, number in enumerate(whole):
        assert list(world.find(family="smith", exact=True, after=world.rank(number))) == whole[place + 1 :]


def test_a_changed_name_is_found_by_the_new_and_not_by_the_old(world: World) -> None:
    number = next(world.find(family="smith", exact=True))
    person = world.person(number)
    assert person is not None
    world.write(replace(person, family="Zzyzx"), number, "epic", AT)
    assert number not in world.find(family="smith", exact=True)
    assert list(world.find(family="zzyzx")) == [number]
    assert world.chart(number).person.family == "Zzyzx"
    assert [version.number for version in world.versions("patient", number, 0)] == [2]


def test_contacts_of_the_population_are_found_with_other_criteria(world: World) -> None:
    person = next(p for n in range(50) if len((p := world.population.person(n)).telecoms) == 3)
    phone = person.telecoms[0].value
    assert list(world.find(phone=phone, family=person.family)) == [person.number]
    assert list(world.find(phone=phone, email=person.telecoms[2].value)) == [person.number]
    assert list(world.find(phone=phone, family="Nobody")) == []
    assert list(world.find(phone=phone, after=world.rank(person.number))) == []


def test_writing_a_record_keeps_versions_with_who_and_when(world: World) -> None:
    number = next(n for n in range(100) if world.chart(n).observations)
    old = world.chart(number).observations[0]
    assert world.written("observation", number, old.ordinal) == ()
    made = world.versions("observation", number, old.ordinal)
    assert [(v.number, v.who, v.what, v.record) for v in made] == [(1, "", "created", old)]
    before = world.stamp(number), world.stamp(number + 1)
    kept = world.write(replace(old, status="amended"), number, "lab", AT)
    again = world.write(replace(kept, status="corrected"), number, "lab", AT)
    assert world.read("observation", number, old.ordinal) == again
    versions = world.versions("observation", number, old.ordinal)
    assert versions == (*made, *world.written("observation", number, old.ordinal))
    assert [(v.number, v.who, v.at, v.record) for v in versions[1:]] == [(2, "lab", AT, kept), (3, "lab", AT, again)]
    assert len(world.chart(number).observations) == len(set(world.chart(number).observations))
    assert world.stamp(number) != before[0]
    assert world.stamp(number + 1) == before[1]
    assert world.writes == 2


def test_a_new_record_gets_an_ordinal_that_no_generated_record_has(world: World) -> None:
    number = next(n for n in range(100) if world.chart(n).observations)
    before = world.chart(number).observations
    fresh: Observation = replace(before[-1], ordinal=-1, value=Decimal("7.10"))
    kept = world.write(fresh, number, "device", AT)
    assert kept.ordinal == FIRST_WRITTEN_ORDINAL
    assert world.chart(number).observations == (*before, kept)
    assert world.read("observation", number, kept.ordinal) == kept
    assert world.versions("observation", number, kept.ordinal)[0].number == 1
    newcomers = world.write(newcomer(), None, "x", AT).number
    assert world.write(fresh, newcomers, "device", AT).ordinal == FIRST_WRITTEN_ORDINAL + 1
    assert len(world.chart(newcomers).observations) == 1


def test_a_deleted_record_is_gone_and_its_versions_say_so(world: World) -> None:
    number = next(n for n in range(100) if world.chart(n).conditions)
    first = world.chart(number).conditions[0]
    assert world.delete("condition", number, first.ordinal, "epic", AT) == first
    assert world.read("condition", number, first.ordinal) is None
    assert world.delete("condition", number, first.ordinal, "epic", AT) is None
    assert world.versions("condition", number, first.ordinal)[-1].deleted
    assert first not in world.chart(number).conditions
    assert world.delete("patient", number, 0, "epic", AT) is not None
    assert world.person(number) is None
    with pytest.raises(IndexError):
        world.chart(number)


def test_nobody_writes_about_somebody_who_is_not_there(world: World) -> None:
    record = world.chart(0).encounters[0] if world.chart(0).encounters else world.chart(1).encounters[0]
    beyond = world.population.registrations.end
    for number in (beyond, FIRST_WRITTEN, None):
        with pytest.raises(IndexError, match="no patient"):
            world.write(record, number, "x", AT)
    with pytest.raises(IndexError, match="no patient"):
        world.write(newcomer(), beyond, "x", AT)
    with pytest.raises(IndexError):
        world.chart(beyond)


def test_a_reset_world_is_as_it_was(world: World) -> None:
    before = world.chart(3)
    number = world.write(newcomer(), None, "x", AT).number
    world.write(replace(before.person, family="Changed"), 3, "x", AT)
    world.reset()
    assert world.chart(3) == before
    assert world.person(number) is None
    assert list(world.find(family="angstrom")) == []
    assert world.writes == 0
    assert world.write(newcomer(), None, "x", AT).number == number


def test_charts_are_kept_but_not_forever() -> None:
    world = World(Population(seed=7, size=2000, as_of=date(2026, 1, 5)), charts_kept=4)
    first = world.chart(0)
    for number in (1, 2, 3):
        world.chart(number)
    assert world.chart(0) is first
    for number in (1, 2, 3, 4):
        world.chart(number)
    assert world.chart(0) is not first
    assert world.chart(0) == first


def test_before_somebody_was_registered_there_is_no_chart_of_them() -> None:
    world = World(Population(7, 1_000, date(2026, 1, 5)))
    since = world.person_state(7).updated  # a newborn of the cast
    assert world.chart_at(7, since).person.family == "Osei"
    for at in (since - timedelta(minutes=1), since - timedelta(days=9_000)):
        with pytest.raises(IndexError):
            world.chart_at(7, at)


def test_a_chart_is_the_same_soon_after_the_start_and_later() -> None:
    """Soon after the start a world works out the near future only, later all of it."""
    population = Population(seed=7, size=2000, as_of=date(2026, 1, 5))
    moment = [population.starts]
    world = World(population, lambda: moment[0])
    stamps: dict[int, list[int]] = {number: [] for number in (11, 60, 61, 62, 63, 64)}
    for days in (0.0, 29.0, 29.999, 30.0, 30.001, 45.0, 400.0, 10.0):
        moment[0] = population.starts + timedelta(days=days)
        for number, known in stamps.items():
            log = history_of(population, number)
            assert world.chart(number) == log.chart_at(moment[0])
            known.append(world.stamp(number))
            assert world.stamp(number) == log.count(moment[0]) + sum(
                at <= moment[0] for at in population.registrations.joints(number)
            )
    assert any(len(set(known)) > 2 for known in stamps.values())


def test_charts_of_many_moments_are_the_same_in_whatever_order_they_are_asked_for() -> None:
    """A world goes on from the chart of the moment before; what it gives is a chart of its own."""
    population = Population(seed=7, size=2000, as_of=date(2026, 1, 5))
    world = World(population)
    dies = next(number for number in range(100, 2000) if population.death(number) is not None)
    for number in (119, dies, 3):
        history = history_of(population, number)
        moments = [history.began + (population.horizon - history.began) * part // 12 for part in range(13)]
        alone = {at: history.chart_at(at) for at in moments}
        forth = [world.chart_at(number, at) for at in moments]
        assert forth == [alone[at] for at in moments]
        assert [world.chart_at(number, at) for at in reversed(moments)] == forth[::-1]
        shared = world.behind(moments[6])
        assert shared.chart_at(number, moments[9]) == world.chart_at(number, moments[9]) == alone[moments[9]]
        assert forth[3] == alone[moments[3]]
        assert len({len(chart.states) for chart in forth}) > 3
