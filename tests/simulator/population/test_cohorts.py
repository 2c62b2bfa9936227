"""Which patients have something: the search gives exactly those in whose charts it stands, whatever was written and
whenever it is, and rules nobody out who has it.

search ── looks at draws ── may have it? ── chart ── found
                              no: next
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import islice, takewhile
from typing import Any

import pytest

from simulator.population import tables
from simulator.population.chart import parts_of
from simulator.population.chart.possible import Possible
from simulator.population.cohorts import Cohort, Step
from simulator.population.dirt import Dirt
from simulator.population.people import Population
from simulator.population.records import KINDS, Chart
from simulator.population.wanted import wanted_of
from simulator.population.world import FIRST_WRITTEN, World
from simulator.refusal import UsageError

AS_OF = date(2026, 1, 5)
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=700)
DIRTY = Dirt.of({"second_registration": 200_000, "merged": 200_000, "unmerged": 500_000, "swapped_date": 300_000})
WITH_CAST, WITHOUT = 1_000, 55
LOOKED_AT = 55
"""Of how many human beings every chart is made."""

Query = dict[str, Any]
Holds = Callable[[Chart], bool]
Told = list[tuple[int, Chart]]


def has(*keys: str, status: str | None = None) -> Holds:
    codes = {tables.CONDITIONS[key].snomed.code for key in keys}
    return lambda chart: any(
        codes & {code.code for code in one.codes} and status in (None, one.clinical_status) for one in chart.conditions
    )


def takes(*keys: str, status: str | None = None) -> Holds:
    return lambda chart: any(one.key in keys and status in (None, one.status) for one in chart.medications)


def consents(label: str, decision: str) -> Holds:
    return lambda chart: any(
        (not label or label in one.labels) and (not decision or one.decision == decision) for one in chart.consents
    )


def carries(label: str) -> Holds:
    return lambda chart: any(label in labels_of(one) for kind in KINDS for one in chart.of(kind))


def labels_of(record: Any) -> tuple[str, ...]:
    found: tuple[str, ...] = getattr(record, "sensitivity", ())
    return found


QUERIES: list[tuple[Query, Holds]] = [
    ({"conditions": ["t2dm"]}, has("t2dm")),
    ({"conditions": ["59621000"]}, has("htn")),
    ({"conditions": ["i10"]}, has("htn")),
    ({"conditions": ["e785"]}, has("hld")),
    ({"conditions": ["eczema"], "status": "inactive"}, has("eczema", status="inactive")),
    ({"conditions": ["htn", "hld"]}, lambda chart: has("htn")(chart) and has("hld")(chart)),
    ({"conditions": ["pregnancy"]}, has("pregnancy")),
    ({"conditions": ["prostate_ca"]}, has("prostate_ca")),
    ({"conditions": ["strep"]}, has("strep")),
    ({"conditions": ["back_pain"], "status": "active"}, has("back_pain", status="active")),
    ({"conditions": ["influenza"], "status": "resolved"}, has("influenza", status="resolved")),
    ({"medications": ["metformin500"]}, takes("metformin500")),
    ({"medications": ["83367"]}, takes("atorvastatin20", "atorvastatin40")),
    ({"medications": ["acetaminophen500"], "status": "completed"}, takes("acetaminophen500", status="completed")),
    ({"medications": ["oral_contraceptive"]}, takes("oral_contraceptive")),
    ({"consents": ["deny"]}, consents("", "deny")),
    ({"consents": ["STI"]}, consents("STI", "")),
    ({"consents": ["SUD:permit"]}, consents("SUD", "permit")),
    ({"sensitivities": ["HIV"]}, carries("HIV")),
    ({"sensitivities": ["SDOH"]}, carries("SDOH")),
    ({"sensitivities": ["VIP"]}, carries("VIP")),
    ({"sensitivities": ["EMP"]}, carries("EMP")),
    ({"is_vip": True, "conditions": ["htn"]}, lambda chart: carries("VIP")(chart) and has("htn")(chart)),
]


@cache
def population(seed: int, size: int) -> Population:
    return Population(seed, size, AS_OF, DIRTY)


def written_world() -> World:
    """A world in which conditions were written, taken away and merged from one patient to another."""
    moment = [NOW]
    world = World(population(8, WITHOUT), lambda: moment[0])
    ill = [number for number in range(WITHOUT) if has("htn")(world.chart(number))]
    well = [number for number in range(WITHOUT) if not world.chart(number).conditions or number not in ill]
    one = next(one for one in world.chart(ill[0]).conditions if one.key == "htn")
    world.write(replace(one, ordinal=-1), well[0], "a nurse", NOW)
    world.delete("condition", ill[0], one.ordinal, "a nurse", NOW)
    world.merge(ill[1], well[1], "a clerk", NOW)
    world.merge(ill[2], well[2], "a clerk", NOW)
    world.unmerge(ill[2], "a clerk", NOW)
    further = next(number for number in world.population.registrations if world.person(number) is not None)
    world.write(replace(one, ordinal=-1, key="", codes=one.codes[:1]), further, "a nurse", NOW)
    born = world.write(replace(world.registered_person(ill[3]), number=-1), None, "a clerk", NOW)
    world.write(replace(one, ordinal=-1), born.number, "a nurse", NOW)
    world.write(replace(world.registered_person(ill[4]), family="Zimmer"), ill[4], "a clerk", NOW)
    dead = replace(world.registered_person(well[3]), deceased=NOW)
    world.write(dead, well[3], "a clerk", NOW)
    moment[0] = NOW + timedelta(days=5)
    return world


WORLDS: dict[str, Callable[[], World]] = {
    "a small one": lambda: World(population(3, WITHOUT)),
    "two years before": lambda: World(population(5, WITHOUT), lambda: NOW - timedelta(days=700)),
    "with the cast": lambda: World(population(11, WITH_CAST)),
    "two years later": lambda: World(population(2, WITHOUT), lambda: LATER),
    "written to": written_world,
}


@cache
def world_of(name: str) -> World:
    return WORLDS[name]()


@cache
def told_of(name: str) -> Told:
    """The charts of a world, in order: of each human being under each of their numbers, then of who was written."""
    world = world_of(name)
    numbers = [n for first in range(LOOKED_AT) for n in (first, *world.population.registrations.of(first))]
    numbers += [n for n in range(FIRST_WRITTEN, FIRST_WRITTEN + 5) if world.knows(n)]
    return [(number, world.chart(number)) for number in numbers if world.person(number) is not None]


def found_in(world: World, query: Query, **more: Any) -> list[int]:
    """Whom the search finds among those of whom the charts are made."""
    of_all = (step.found for step in Cohort(world, wanted_of(**query), **more).search() if step.found is not None)
    found: Iterator[int] = of_all
    if world.population.size > LOOKED_AT:
        found = takewhile(lambda number: world.human(number) < LOOKED_AT, of_all)
    return list(found)


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize(("query", "holds"), QUERIES, ids=[str(query) for query, _ in QUERIES])
def test_a_search_finds_whoever_has_it_and_nobody_else(name: str, query: Query, holds: Holds) -> None:
    wanted = [number for number, chart in told_of(name) if holds(chart)]
    assert found_in(world_of(name), query) == wanted


def test_the_worlds_hold_what_the_searches_look_for() -> None:
    found = {str(query): sum(holds(chart) for name in WORLDS for _, chart in told_of(name)) for query, holds in QUERIES}
    rare = {str({"medications": ["oral_contraceptive"]})}
    assert {name for name, count in found.items() if count == 0} == rare


@pytest.mark.parametrize("born", [(date(1950, 1, 1), date(1969, 12, 31)), (date(1985, 1, 1), date(2100, 1, 1))])
@pytest.mark.parametrize("name", ["with the cast", "written to"])
def test_a_birth_date_narrows_a_search(name: str, born: tuple[date, date]) -> None:
    holds = has("htn", "obesity")
    both = [
        number for key in ("htn", "obesity") for number in found_in(world_of(name), {"conditions": [key]}, born=born)
    ]
    wanted = {n for n, chart in told_of(name) if holds(chart) and chart.person.is_born_within(*born)}
    assert set(both) == wanted
    assert wanted


@pytest.mark.parametrize(
    ("name", "key"), [("a small one", "prostate_ca"), ("a small one", "pregnancy"), ("written to", "htn")]
)
def test_a_family_name_narrows_a_search_and_orders_it_by_name(name: str, key: str) -> None:
    world = world_of(name)
    names = {chart.person.family[:1] for _, chart in told_of(name) if has(key)(chart)}
    assert names
    for letter in names:
        charts = dict(told_of(name))
        wanted = [number for number in world.find(family=letter) if has(key)(charts[number])]
        steps = list(Cohort(world, wanted_of(conditions=[key]), family=letter).search())
        assert [step.found for step in steps if step.found is not None] == wanted


@pytest.mark.parametrize(("name", "family"), [("a small one", None), ("with the cast", "s")])
def test_a_cursor_goes_on_where_a_search_was_left(name: str, family: str | None) -> None:
    world = world_of(name)

    def search(after: str | None = None) -> Iterator[Step]:
        return Cohort(world, wanted_of(conditions=["htn"]), family=family).search(after)

    whole = [step.found for step in search() if step.found is not None]
    paged: list[int] = []
    after: str | None = None
    while step := next((one for one in search(after) if one.found is not None), None):
        assert step.found is not None
        paged.append(step.found)
        after = step.cursor
    assert paged == whole
    assert len(paged) > 2


def test_a_search_tells_how_far_it_has_come() -> None:
    world = World(Population(7, 100_000_000, AS_OF))
    cohort = Cohort(world, wanted_of(conditions=["hiv", "esrd"]))
    some = list(islice(cohort.search("n5000"), 5))
    assert all(step.found is not None or step.points >= 2_000 for step in some)
    places = [int(step.cursor[1:].partition("-")[0]) for step in some]
    assert places == sorted(places)
    assert places[0] > 5_000
    assert next(iter(cohort.search(some[2].cursor))) == some[3]


def test_what_finding_somebody_costs_does_not_grow_with_the_population() -> None:
    spent = []
    for size in (10_000, 100_000_000):
        steps = Cohort(World(Population(7, size, AS_OF)), wanted_of(conditions=["hiv"])).search("n100")
        found = points = 0
        while found < 3:
            step = next(steps)
            found += step.found is not None
            points += step.points
        spent.append(points)
    assert max(spent) < 8_000  # a thousand looks and three outlines


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"conditions": ["diabetis"]}, 'unknown condition "diabetis"; known: abdominal_pain, adhd'),
        ({"medications": ["metfromin500"]}, 'unknown medication "metfromin500"; known: '),
        ({"consents": ["HIV:maybe"]}, 'unknown consent "HIV:maybe"; known: '),
        ({"consents": ["SDOH"]}, 'unknown consent "SDOH"; known: '),
        ({"sensitivities": ["hiv"]}, 'unknown sensitivity "hiv"; known: BH, DV, EMP, HIV'),
        ({"conditions": ["htn"], "status": "stopped"}, 'unknown status "stopped"; known: active, inactive, resolved'),
        (
            {"conditions": ["htn"], "medications": ["metformin500"], "status": "resolved"},
            'unknown status "resolved"; known: active',
        ),
        ({"sensitivities": ["HIV"], "status": "active"}, "`status` narrows"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(query: Query, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        wanted_of(**query)
    assert refused.value.message.startswith(says)
    assert "\n" not in refused.value.message


@pytest.mark.parametrize("cursor", ["", "17", "r17", "n", "n-1", "n1-2-3", "n٣", "w1"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(UsageError, match="not a cursor of this search"):
        Cohort(world_of("a small one"), wanted_of(conditions=["htn"])).search(cursor)


# Ruling out


@pytest.mark.parametrize(("seed", "size", "days"), [(7, 3_000, 0), (11, 800, 720), (3, 2_000, -400)])
def test_nobody_is_ruled_out_who_has_it(seed: int, size: int, days: int) -> None:
    found = Population(seed, size, AS_OF)
    at = found.starts + timedelta(days=days)
    tests = {key: Possible(found, [key], at.toordinal()) for key in tables.CONDITIONS}
    seen: set[str] = set()
    for number in range(40, 130):
        keys = {one.key for one in parts_of(found, number, ["condition"], at).chart_at(at).conditions}
        ruled_out = {key for key in keys if not tests[key].of(number).may_be}
        assert ruled_out == set(), number
        seen |= keys
    assert len(seen) > 50


def test_most_are_ruled_out() -> None:
    found = Population(7, 100_000, AS_OF)
    for key, at_most in {"hiv": 10, "t2dm": 150, "sepsis": 60, "copd": 60, "hip_fx": 30}.items():
        test = Possible(found, [key], AS_OF.toordinal())
        assert sum(test.of(number).may_be for number in range(100, 1_000)) <= at_most, key


@pytest.mark.parametrize("name", ["a small one", "with the cast", "two years later"])
def test_whoever_has_it_has_what_it_comes_of(name: str) -> None:
    labels = {label: next(iter(wanted_of(sensitivities=[label]))) for label in tables.LABELS}
    drugs = {key: next(iter(wanted_of(medications=[key]))) for key in tables.MEDICATIONS}
    anything = next(iter(wanted_of(consents=["permit"])))
    world = world_of(name)
    for number in range(LOOKED_AT):
        charts = [chart for other, chart in told_of(name) if world.human(other) == number]
        have = {one.key for chart in charts for one in chart.conditions}
        for chart in charts:
            for label in {label for kind in KINDS[1:] for one in chart.of(kind) for label in labels_of(one)}:
                causes = labels[label].causes
                assert causes is None or causes & have, (number, label)
            for one in chart.medications:
                assert (drugs[one.key].causes or frozenset()) & have, (number, one.key)
            assert not chart.consents or (anything.causes or frozenset()) & have, number
