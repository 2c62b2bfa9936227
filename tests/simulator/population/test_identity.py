"""Who is who in a world: people on file twice, numbers that are merged and taken apart, by themselves and by hand.

human being ─┬─ first number          chart: what is filed there
             ├─ second registration   chart: some of the visits after it
             └─ merged number         likewise, until it is merged: from then on it resolves to the first
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.population import documents
from simulator.population.chart import chart_of, history_of
from simulator.population.dirt import MILLION, Dirt
from simulator.population.people import Population
from simulator.population.records import KINDS, Change, Chart, Person, Record
from simulator.population.registrations import matches
from simulator.population.world import FIRST_WRITTEN_ORDINAL, World
from simulator.population.zones import minute_of

AS_OF = date(2026, 1, 5)
DIRTY = Dirt.of({"second_registration": 200_000, "merged": 200_000, "unmerged": 500_000, "nickname": 500_000})
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PARTS = [kind for kind in KINDS if kind != "patient"]


@cache
def population(seed: int = 7, size: int = 800) -> Population:
    return Population(seed, size, AS_OF, DIRTY)


@pytest.fixture
def world() -> World:
    return World(population())


def merged_numbers(found: Population) -> list[int]:
    return [number for number in found.registrations if not found.registrations.survives_alone(number)]


def with_joints(at_most: datetime = NOW) -> list[int]:
    """Numbers that were merged and taken apart again before a moment."""
    found = population().registrations
    return [n for n in merged_numbers(population()) if (until := found.merged(n)[1]) is not None and until < at_most]


def everything(chart: Chart) -> dict[tuple[str, int], Record]:
    return {(kind, one.ordinal): one for kind in PARTS for one in chart.of(kind)}


def whole(record: Record) -> Record:
    """A record without what it refers to."""
    names = [name for name in ("reason", "encounter") if hasattr(record, name)]
    return replace(record, **dict.fromkeys(names)) if names else record


# By themselves


def test_a_life_is_filed_under_its_numbers_each_record_once(world: World) -> None:
    filed_elsewhere = 0
    for number in islice(population().registrations, 0, None, 15):
        first = world.human(number)
        numbers = [one for one in world.registrations_of(number) if world.survivor(one) is None]
        charts = [world.chart(one) for one in numbers]
        told = [key for chart in charts for key in everything(chart)]
        assert len(told) == len(set(told))
        life = everything(chart_of(population(), first))
        merged = {key: whole(one) for chart in charts for key, one in everything(chart).items()}
        assert merged == {key: whole(one) for key, one in life.items()}
        filed_elsewhere += sum(len(everything(chart)) for chart in charts[1:])
    assert filed_elsewhere > 200


def dangling(chart: Chart) -> set[tuple[str, int]]:
    """What records of a chart refer to that is neither in it nor taken back."""
    held = {*everything(chart), *((one.kind, one.ordinal) for one in chart.retracted)}
    named = {
        (kind, ordinal)
        for record in everything(chart).values()
        for name, kind in (("encounter", "encounter"), ("reason", "condition"))
        if (ordinal := getattr(record, name, None)) is not None
    }
    return named - held


def test_no_record_refers_to_what_is_filed_elsewhere(world: World) -> None:
    for number in islice(population().registrations, 0, None, 20):
        life = dangling(chart_of(population(), world.human(number)))
        for one in world.registrations_of(number):
            if world.survivor(one) is None:
                assert dangling(world.chart(one)) <= life


def test_who_is_on_file_once_has_the_chart_of_the_population(world: World) -> None:
    numbers = (n for n in range(200) if len(world.registrations_of(n)) == 1)
    for number in islice(numbers, 8):
        assert world.chart(number) == chart_of(population(), number)
        assert world.registrations_of(number) == (number,)
        assert world.survivor(number) is None


def test_nothing_is_filed_under_a_number_before_it_is_given() -> None:
    found = population().registrations
    for number in islice(found, 0, None, 10):
        first, given_at = found.owner(number), found.registered(number)
        born, death = population().core(first)[3], population().death(first)
        assert born <= given_at.date() <= AS_OF or not found.survives_alone(number)
        assert death is None or given_at < death
        if not found.survives_alone(number):
            assert given_at < found.merged(number)[0]
        chart = World(population()).chart_at(number, given_at)
        assert everything(chart) == {}
        assert chart.states["patient", 0].updated == given_at


def test_a_merged_number_stands_until_it_is_merged_and_again_when_it_is_taken_apart() -> None:
    found = population().registrations
    for number in with_joints()[:12]:
        since, until = found.merged(number)
        assert until is not None
        first = found.owner(number)
        moment = NOW
        world = World(population(), lambda: moment)  # noqa: B023
        for moment, stands in ((since - MINUTE, True), (since, False), (until - MINUTE, False), (until, True)):
            assert (world.survivor(number) is None) == stands
            assert (world.person(number) is not None) == stands
            assert world.knows(number)
            assert (number in world.merged_into(first)) != stands
            assert world.human(number) == first
            if stands:
                assert world.person(number) == found.person(number)
                assert world.chart(number) == world.chart_at(number, moment)
            else:
                assert world.read("patient", number, 0) is None
                with pytest.raises(IndexError, match=f"merged into {first}"):
                    world.chart(number)
        assert world.person_state(number).version == 3
        assert [one.what for one in world.versions("patient", number, 0)] == ["merged", "unmerged"]


def test_the_survivor_has_the_records_and_loses_them_again() -> None:
    found, moved = population().registrations, 0
    for number in with_joints()[:25]:
        since, until = found.merged(number)
        assert until is not None
        first = found.owner(number)
        world = World(population())
        before, after = world.chart_at(first, since - MINUTE), world.chart_at(first, since)
        theirs = everything(world.chart_at(number, since - MINUTE))
        assert everything(after).keys() == everything(before).keys() | theirs.keys()
        assert everything(world.chart_at(first, until)).keys().isdisjoint(theirs)
        moved += len(theirs)
        for one in world.chart_at(number, since - MINUTE).documents[:2]:
            under_survivor = next(two for two in after.documents if two.ordinal == one.ordinal)
            with world.as_of(since):
                assert documents.read(world, number, one) == documents.read(world, first, under_survivor)
    assert moved > 20


def test_what_is_written_down_after_a_merge_is_read_before_and_after_the_numbers_come_apart() -> None:
    found, looked_at = population().registrations, 0
    for number in merged_numbers(population())[:60]:
        world = World(population())
        survivor = world.survivor(number)
        since = found.merged(number)[0]
        if survivor is not None:
            for one in [one for one in world.chart(survivor).documents if one.created > since][:3]:
                assert documents.read(world, survivor, one).data
                looked_at += 1
    assert looked_at > 10


def test_the_stamp_moves_whenever_somebody_is_merged_or_taken_apart() -> None:
    found = population().registrations
    for number in with_joints()[:6]:
        since, until = found.merged(number)
        assert until is not None
        first = found.owner(number)
        moment = since
        world = World(population(), lambda: moment)  # noqa: B023
        stamps = []
        for moment in (since - MINUTE, since, until - MINUTE, until):  # noqa: B007
            stamps.append([world.stamp(n, kind) for n in (number, first) for kind in ("", "patient")])
        assert all(one != two for one, two in zip(stamps[0], stamps[1], strict=True))
        assert all(one != two for one, two in zip(stamps[2], stamps[3], strict=True))
        moment = since - MINUTE
        assert world.has_moved(first, since)
        assert world.has_moved(number, since)


# Searching


def brute(world: World, people: dict[int, Person], **asked: Any) -> list[int]:
    whole = {"family": None, "given": None, "born": None, "sex": None, "exact": False, **asked}
    return sorted((n for n, one in people.items() if matches(one, **whole)), key=world.rank)


@cache
def on_file(seed: int = 7, size: int = 800) -> tuple[World, dict[int, Person]]:
    """A world, and everybody who stands in it."""
    people = population(seed, size)
    world = World(people)
    numbers = [*range(size), *people.registrations]
    return world, {n: one for n in numbers if (one := world.person(n)) is not None}


@pytest.mark.parametrize(("seed", "size"), [(7, 800), (20260105, 1_500), (3, 97), (2**32 - 1, 41), (5, 1)])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_search_equals_brute_force_over_all_registrations(seed: int, size: int, data: st.DataObject) -> None:
    world, people = on_file(seed, size)
    number = data.draw(st.sampled_from([n for n in people if n >= size] or list(people)))
    known = data.draw(st.sampled_from([people[number], world.population.person(world.human(number))]))
    asked: dict[str, Any] = {}
    if data.draw(st.integers(0, 3)):
        asked["family"] = known.family[: data.draw(st.integers(1, 30))]
    if data.draw(st.booleans()):
        asked["given"] = known.given[0][: data.draw(st.integers(1, 20))]
    if data.draw(st.booleans()):
        width = data.draw(st.sampled_from([0, 0, 31, 400]))
        low = data.draw(st.integers(0, width))
        asked["born"] = (known.birth_date - timedelta(low), known.birth_date + timedelta(width - low))
    if data.draw(st.booleans()):
        asked["sex"] = known.sex
    asked["exact"] = data.draw(st.booleans())
    found = list(world.find(**asked))
    assert found == brute(world, people, **asked)
    if found:
        last = data.draw(st.sampled_from(found))
        assert list(world.find(**asked, after=world.rank(last))) == found[found.index(last) + 1 :]


def test_a_phone_and_a_number_find_every_registration_that_has_them() -> None:
    world, people = on_file()
    for number, person in islice(people.items(), 0, None, 90):
        for one in person.telecoms:
            asked = {"phone" if one.system == "phone" else "email": one.value}
            has_it = {n for n, p in people.items() if any(t.value == one.value for t in p.telecoms)}
            assert set(world.find(**asked)) == has_it  # type: ignore[arg-type]
            assert number in world.find(**asked, family=person.family)  # type: ignore[arg-type]


def test_whoever_is_merged_is_not_found() -> None:
    world, _ = on_file()
    gone = [n for n in merged_numbers(population()) if world.survivor(n) is not None]
    assert len(gone) > 30
    for number in gone[:40]:
        person = population().registrations.person(number)
        found = list(world.find(family=person.family, given=person.given[0], exact=True))
        assert number not in found


# The feed


@cache
def windows() -> tuple[World, list[tuple[datetime, datetime, list[Any]]]]:
    """What happened around some mergings and takings apart."""
    world = World(population(), lambda: NOW, charts_kept=population().size)
    found = population().registrations
    moments = sorted(at for number in merged_numbers(population()) for at in found.merged(number) if at and at < NOW)
    told = []
    in_hours = [at for at in moments if at.weekday() < 5 and 15 <= at.hour < 21]
    for at in (*in_hours[:: len(in_hours) // 5], in_hours[-1]):
        since, until = at - timedelta(hours=4), at + timedelta(hours=3)
        told.append((since, until, list(world.feed(since, until))))
    return world, told


def test_the_feed_tells_every_change_of_every_chart_once() -> None:
    world, told = windows()
    found = population().registrations
    for since, until, events in told:
        assert events == sorted(events, key=lambda event: event.at)
        assert len({event.cursor for event in events}) == len(events)
        assert any(event.what in ("merged", "unmerged") for event in events)
        numbers = {number for event in events for number in world.registrations_of(event.number)}
        for number in numbers:
            if world.survivor(number) is None and all(at < since for at in found.joints(world.human(number))):
                wanted = [(v.at, v.what, v.record) for v in world.history(number) if since <= v.at < until]
                assert [(e.at, e.what, e.record) for e in events if e.number == number] == wanted


def test_every_event_stands_in_the_chart_of_its_patient_from_then_on() -> None:
    world, told = windows()
    looked_at = 0
    for event in (event for _, _, events in told for event in events):
        if len(world.registrations_of(event.number)) > 1 and event.record.kind in PARTS:
            chart = world.chart_at(event.number, event.at)
            if event.what == "created" and chart.state(event.record) == (event.version, event.at):
                assert event.record in chart.of(event.record.kind)
                looked_at += 1
    assert looked_at > 10


def test_a_cursor_goes_on_behind_a_merge() -> None:
    world, told = windows()
    for since, until, events in told:
        place = next(place for place, event in enumerate(events) if event.what in ("merged", "unmerged"))
        assert list(world.feed(since, until, events[place].cursor)) == events[place + 1 :]


def test_a_merge_is_told_with_the_survivor() -> None:
    world, told = windows()
    for event in (event for _, _, events in told for event in events):
        if event.what == "merged":
            assert event.into == world.human(event.number) == population().registrations.owner(event.number)
            assert event.record == population().registrations.person(event.number)
        else:
            assert event.into is None


# By hand


def two_strangers(world: World) -> tuple[int, int]:
    once = (n for n in range(60, 400) if len(world.registrations_of(n)) == 1 and world.chart(n).observations)
    first = next(once)
    return first, next(once)


def test_a_stranger_is_merged_with_every_record_and_taken_apart_again(world: World) -> None:
    lost, kept = two_strangers(world)
    before, theirs = world.chart(kept), world.chart(lost)
    stamps = world.stamp(kept), world.stamp(kept, "patient"), world.stamp(lost)
    world.merge(lost, kept, "registrar", NOW)
    assert world.person(lost) is None
    assert world.survivor(lost) == kept
    assert world.merged_into(kept) == (lost,)
    assert (world.human(lost), world.human(kept)) == (lost, kept)
    assert all(one != two for one, two in zip(
        stamps, (world.stamp(kept), world.stamp(kept, "patient"), world.stamp(lost)), strict=True))  # fmt: skip
    merged = world.chart(kept)
    assert merged.person == before.person
    for kind in PARTS:
        assert len(merged.of(kind)) == len(before.of(kind)) + len(theirs.of(kind))
        ordinals = [one.ordinal for one in merged.of(kind)]
        assert len(ordinals) == len(set(ordinals))
    moved = [one for one in merged.observations if one.ordinal >= FIRST_WRITTEN_ORDINAL]
    assert sorted(one.value_text or str(one.value) for one in moved) == sorted(
        one.value_text or str(one.value) for one in theirs.observations
    )
    visits = {one.ordinal for one in merged.encounters}
    assert all(one.encounter in visits for one in moved)
    document = next((one for one in merged.documents if one.ordinal >= FIRST_WRITTEN_ORDINAL), None)
    if document is not None:
        same = next(one for one in theirs.documents if one.created == document.created and one.key == document.key)
        assert documents.read(world, kept, document) == documents.read(World(population()), lost, same)
    world.unmerge(lost, "registrar", NOW + MINUTE)
    assert everything(world.chart(kept)) == everything(before)
    assert everything(world.chart(lost)) == everything(theirs)
    assert [(v.what, v.who, v.into) for v in world.versions("patient", lost, 0)] == [
        ("merged", "registrar", kept), ("unmerged", "registrar", None)
    ]  # fmt: skip
    last = [event for event in world.feed(NOW, NOW + 2 * MINUTE) if event.number == lost]
    assert [(event.what, event.number, event.into) for event in last] == [
        ("merged", lost, kept), ("unmerged", lost, None)
    ]  # fmt: skip


def test_what_was_written_about_a_moved_record_goes_home_with_it(world: World) -> None:
    lost, kept = two_strangers(world)
    world.merge(lost, kept, "registrar", NOW)
    moved = next(one for one in world.chart(kept).observations if one.ordinal >= FIRST_WRITTEN_ORDINAL)
    right = world.write(replace(moved, status="corrected"), kept, "lab", NOW + MINUTE, "corrected")
    assert world.read("observation", kept, moved.ordinal) == right
    assert world.written("observation", kept, moved.ordinal)[-1].who == "lab"
    assert [v.what for v in world.versions("observation", kept, moved.ordinal)][-1] == "corrected"
    new = world.write(replace(moved, ordinal=-1), kept, "lab", NOW + MINUTE)
    world.unmerge(lost, "registrar", NOW + 2 * MINUTE)
    assert world.read("observation", kept, moved.ordinal) is None
    assert world.read("observation", kept, new.ordinal) is not None
    assert [one.status for one in world.chart(lost).observations].count("corrected") >= 1
    assert world.chart(lost).state(next(o for o in world.chart(lost).observations if o.status == "corrected"))


def test_what_happens_to_a_merged_stranger_is_told_of_the_survivor() -> None:
    world = World(population(), lambda: NOW)
    lost = next(n for n in range(100, 400) if len(world.registrations_of(n)) == 1 and _coming(n))
    kept = next(n for n in range(lost + 1, 500) if len(world.registrations_of(n)) == 1)
    world.merge(lost, kept, "registrar", NOW)
    coming = _coming(lost)[0]
    events = [event for event in world.feed(coming.at, coming.at + MINUTE) if event.number in (lost, kept)]
    theirs = [one for one in events if one.record.ordinal >= FIRST_WRITTEN_ORDINAL and one.what == "created"]
    assert {event.number for event in events} == {kept}
    assert {one.record.kind for one in _coming(lost) if one.at == coming.at} == {one.record.kind for one in theirs}
    assert theirs[-1].record in world.chart_at(kept, theirs[-1].at).of(theirs[-1].record.kind)


def _coming(number: int) -> list[Change]:
    """What will be created about somebody."""
    return [one for one in history_of(population(), number).changes if one.at > NOW and one.what == "created"]


def test_chains_resolve_to_their_end_and_nobody_goes_in_circles(world: World) -> None:
    one, two = two_strangers(world)
    three = next(n for n in range(two + 1, 500) if len(world.registrations_of(n)) == 1)
    world.merge(one, two, "a", NOW)
    world.merge(two, three, "b", NOW + MINUTE)
    assert (world.survivor(one), world.survivor(two), world.survivor(three)) == (three, three, None)
    assert set(world.merged_into(three)) == {one, two}
    for number, into in ((three, one), (one, three), (three, three), (three, 10**6)):
        with pytest.raises(IndexError):
            world.merge(number, into, "c", NOW)
    world.unmerge(two, "b", NOW + 2 * MINUTE)
    assert world.merged_into(two) == (one,)
    assert world.merged_into(three) == ()
    with pytest.raises(IndexError):
        world.unmerge(two, "b", NOW)


def test_somebody_is_merged_into_their_second_registration_and_hears_of_nothing_twice(world: World) -> None:
    registrations = population().registrations
    number = next(n for n in registrations if registrations.survives_alone(n) and everything(world.chart(n)))
    first = registrations.owner(number)
    life = {**everything(world.chart(first)), **everything(world.chart(number))}
    world.merge(first, number, "registrar", NOW)
    assert everything(world.chart(number)).keys() >= life.keys()
    assert world.human(number) == first
    assert world.person(number) == registrations.person(number)


def test_what_was_merged_by_itself_can_be_taken_apart_by_hand_and_stays_so() -> None:
    found = population().registrations
    number = next(n for n in merged_numbers(population()) if found.merged(n)[0] > NOW)
    since, _ = found.merged(number)
    moment = since
    world = World(population(), lambda: moment)
    assert world.survivor(number) == found.owner(number)
    world.unmerge(number, "registrar", since + MINUTE)
    moment = since + timedelta(days=200)
    assert world.survivor(number) is None
    told = [event.what for event in world.feed(since, since + 2 * MINUTE) if event.number == number]
    assert told == ["merged", "unmerged"]
    assert [v.what for v in world.versions("patient", number, 0)] == ["merged", "unmerged"]
    assert minute_of(since) == minute_of(world.versions("patient", number, 0)[0].at)


def test_a_new_patient_who_is_merged_is_whom_they_were_merged_into(world: World) -> None:
    kept, _ = two_strangers(world)
    person = world.person(kept)
    assert person is not None
    number = world.write(replace(person, number=-1), None, "desk", NOW).number
    assert world.human(number) == number
    world.write(replace(world.chart(kept).observations[0], ordinal=-1, encounter=None), number, "desk", NOW)
    count = len(world.chart(kept).observations)
    world.merge(number, kept, "desk", NOW + MINUTE)
    assert world.human(number) == kept
    assert world.registrations_of(kept) == (kept, number)
    assert len(world.chart(kept).observations) == count + 1
    world.unmerge(number, "desk", NOW + 2 * MINUTE)
    assert len(world.chart(kept).observations) == count
    world.reset()
    assert world.survivor(number) is None


def test_cost_and_truth_are_the_same_in_a_hundred_million() -> None:
    large = Population(7, 100_000_000, AS_OF, Dirt.of({"merged": 3_000}))
    world = World(large)
    number = large.size + MILLION
    person = world.person(number)
    assert person is not None
    first = world.human(number)
    assert number in world.registrations_of(first)
    assert number in world.find(family=person.family, given=person.given[0], born=(person.birth_date,) * 2, exact=True)
    assert everything(world.chart(number)).keys().isdisjoint(everything(world.chart(first)))


def test_a_partial_birth_date_is_found_by_days_that_hold_all_of_it() -> None:
    vague = Population(7, 400, AS_OF, Dirt.of({"partial_birth_date": 500_000}))
    world = World(vague)
    people = {n: one for n in [*range(400), *vague.registrations] if (one := world.person(n)) is not None}
    assert {one.birth_precision for one in people.values()} == {"day", "month", "year"}
    for number, person in islice(people.items(), 0, None, 7):
        day, year = person.birth_date, person.birth_date.year
        month = (day.replace(day=1), (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1))
        for born, fits in (
            ((day, day), person.birth_precision == "day"),
            (month, person.birth_precision != "year"),
            ((date(year, 1, 1), date(year, 12, 31)), True),
        ):
            found = list(world.find(family=person.family, born=born, exact=True))
            assert (number in found) == fits
            assert set(found) == {
                n for n, one in people.items() if one.family == person.family and one.is_born_within(*born)
            }
