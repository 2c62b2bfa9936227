"""A case may turn the clock while the integration reads: it is judged against what was so when it read."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from conformance import compare, scoring
from conformance.evidence import Call
from conformance.happens import Happenings
from simulator import registry
from simulator.auth.glass import Glass
from simulator.population import answers
from simulator.population.chart import history_of
from simulator.population.people import Population
from simulator.population.world import World
from simulator.sandbox import Sandbox
from simulator.settings import AS_OF
from simulator.vendor import Rendering

KINDS = ("encounter", "condition", "medication", "observation")


@pytest.fixture
def clock():
    return SimpleNamespace(now=None)


@pytest.fixture
def world(clock):
    population = Population(seed=7, size=2_000, as_of=date(2026, 1, 5))
    clock.now = population.starts
    return World(population, lambda: clock.now)


@pytest.fixture
def site(world):
    def renderings(site, number):
        chart = world.chart(number)
        for kind in KINDS:
            for record in chart.of(kind):
                yield Rendering(kind, f"{kind}-{record.ordinal}", {}, (record,))

    vendor = SimpleNamespace(id="plain", renderings=renderings, patient_ids=lambda site, number: {"id": f"p{number}"})
    sandbox = SimpleNamespace(world=world)
    return SimpleNamespace(
        vendor=vendor, sandbox=sandbox, key=object(), as_of=None, settings={}, desk=SimpleNamespace(glass=Glass())
    )


def read(world, number):
    """What a perfect integration reads now."""
    chart = world.chart(number)
    return [
        answers.canonical(
            record,
            chart=chart,
            world=world,
            source={"vendor": "plain", "type": kind, "id": f"{kind}-{record.ordinal}"},
            patient={"vendor": "plain", "id": f"p{number}"},
        )
        for kind in KINDS
        for record in chart.of(kind)
    ]


def score(site, number, records, span):
    call = Call("run", "read", {"kinds": list(KINDS)}, {"status": "ok"}, "", 0, 1, step=0, subject=str(number))
    truth = compare.truth_of(site, [number])
    if span is not None:
        compare.add_moments(truth, site, {0: (number, *span)})
    told = [[one.type, one.id] for one in site.vendor.renderings(site, number)]
    return scoring.score(truth, [call], {0: records}, [SimpleNamespace(data={"served": told})], keeps_records=False)


def flaws(made):
    wrong = [(one["fact"], one["mismatches"]) for one in made["facts"] if one["mismatches"] or not one["found"]]
    return wrong + [one["says"] for one in made["extras"]]


@pytest.fixture
def moved(world):
    """Somebody to whom much happens in the coming month, by when, and what was read before."""
    population = world.population
    return next(
        number
        for number in range(100, 400)
        if world.chart(number).encounters
        and sum(
            change.what == "updated" and change.record.kind != "encounter"
            for change in history_of(population, number).changes
            if population.starts < change.at < population.starts + timedelta(days=28)
        )
    )


def test_an_early_reading_is_judged_by_what_was_so_then(site, world, clock, moved):
    first = clock.now
    early = read(world, moved)
    clock.now += timedelta(days=28)
    assert flaws(score(site, moved, early, None)), "something has happened since"
    assert flaws(score(site, moved, early, (first, first))) == []
    assert flaws(score(site, moved, read(world, moved), (clock.now, clock.now))) == []


def test_a_reading_during_which_the_clock_was_turned_may_hold_either(site, world, clock, moved):
    first = clock.now
    early = read(world, moved)
    clock.now += timedelta(days=28)
    late = read(world, moved)
    for records in (early, late):
        assert flaws(score(site, moved, records, (first, clock.now))) == []
    mixed = {one["source"]["id"]: one for one in (*late, *early)}
    assert flaws(score(site, moved, list(mixed.values()), (first, clock.now))) == []


def test_what_was_never_so_is_wrong_at_any_moment(site, world, clock, moved):
    first = clock.now
    early = read(world, moved)
    clock.now += timedelta(days=28)
    invented = [{**one, "status": "made-up"} if one["kind"] == "encounter" else one for one in early]
    assert flaws(score(site, moved, invented, (first, clock.now)))
    steady = [one for one in early if one["kind"] != "encounter"]
    assert flaws(score(site, moved, steady, (first, clock.now))), "what was so all the time must be there"


def test_a_patient_to_whom_nothing_happened_needs_no_moments(site, world, clock):
    first = clock.now
    truth = compare.truth_of(site, [5])
    compare.add_moments(truth, site, {0: (5, first, first)})
    assert truth.moments == {}


def fresh_epic():
    vendors = tuple(registry.vendors().values())
    return Sandbox("t", seed=7, patients=300, as_of=AS_OF, vendors=vendors, journal_size=10).sites["epic"]


def test_what_is_told_alike_in_two_sandboxes_is_made_once():
    one, other = (compare.truth_of(fresh_epic(), [117], kinds={"condition"}) for _ in range(2))
    assert one.facts[117]
    assert all(a is b for a, b in zip(one.facts[117], other.facts[117], strict=True))
    assert (one.beside, one.registrations, one.persons) == (other.beside, other.registrations, other.persons)


def test_another_page_size_tells_the_same_and_another_habit_does_not():
    site = fresh_epic()
    before = compare.truth_of(site, [117], kinds={"condition"}).facts[117]
    site.change_settings({"max_page": 3})
    assert compare.truth_of(site, [117], kinds={"condition"}).facts[117][0] is before[0]
    site.change_settings({"word_codes": False})
    assert compare.truth_of(site, [117], kinds={"condition"}).facts[117][0] is not before[0]


def test_what_is_written_is_told_in_its_sandbox_alone():
    site = fresh_epic()
    before = compare.truth_of(site, [117]).facts[117]
    Happenings(site.sandbox.world).happen("result", 117, site.sandbox.clock.now())
    after = compare.truth_of(site, [117]).facts[117]
    assert len(after) == len(before) + 1
    assert len(compare.truth_of(fresh_epic(), [117]).facts[117]) == len(before)
