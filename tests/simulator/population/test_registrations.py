"""Second registrations and merged numbers: who is on file twice, how it was typed, and that every search finds it.

numbers  [0, size)            the people
         [size, …)            second registrations, a place for the highest rate
         [… , end)            numbers merged away, likewise
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.population import tables
from simulator.population.dirt import MILLION, PERTURBATIONS, Dirt
from simulator.population.people import Population
from simulator.population.records import Person
from simulator.population.registrations import MERGED, SECOND, Registrations, exchanged_day, matches

AS_OF = date(2026, 1, 5)
EVERYTHING = Dirt.heavy()
FIRST, LAST = datetime(2021, 1, 6, tzinfo=UTC), datetime(2028, 1, 4, tzinfo=UTC)


def registrations(size: int = 4_000, seed: int = 7, dirt: Dirt = EVERYTHING) -> Registrations:
    return Population(seed, size, AS_OF, dirt).registrations


@pytest.fixture(scope="module")
def dirty() -> Population:
    return Population(11, 3_000, AS_OF, EVERYTHING)


@pytest.fixture(scope="module")
def on_file(dirty: Population) -> dict[int, Person]:
    """Every further number and who is registered under it."""
    return {number: dirty.registrations.person(number) for number in dirty.registrations}


def test_rates_are_those_of_the_settings() -> None:
    found = registrations(100_000, dirt=Dirt())
    lanes = [found.registration(number).lane for number in islice(found, 0, None, 10)]
    assert 199 <= lanes.count(SECOND) <= 200  # nobody of the cast
    assert 26 <= lanes.count(MERGED) <= 30  # some are too young to have been merged
    assert list(registrations(1_000, dirt=Dirt.none())) == []
    assert list(registrations(7, dirt=Dirt())) == []


@given(seed=st.integers(0, 2**32), size=st.sampled_from([5, 1_000, 100_000_000]), place=st.integers(0, 10**9))
@settings(max_examples=60, deadline=None)
def test_a_number_has_one_owner_and_an_owner_has_it_back(seed: int, size: int, place: int) -> None:
    found = registrations(size, seed)
    patient = place % size
    for number in found.of(patient):
        assert size <= number < found.end
        assert number in found
        assert found.owner(number) == patient
    assert found.owner(patient) == patient
    assert patient not in found
    assert found.end not in found
    with pytest.raises(IndexError):
        found.person(found.end)


def test_changing_one_rate_moves_nothing_else() -> None:
    few = registrations(dirt=Dirt(second_registration=20_000, nickname=MILLION, no_middle=0))
    more = registrations(dirt=Dirt(second_registration=60_000, nickname=MILLION, no_middle=0, no_email=0, merged=0))
    middle = registrations(dirt=Dirt(second_registration=20_000, nickname=MILLION, no_middle=MILLION))
    seconds = [number for number in few if few.registration(number).lane == SECOND]
    assert [few.owner(number) for number in seconds] == [more.owner(number) for number in seconds]
    assert [few.person(n).given[0] for n in seconds] == [middle.person(n).given[0] for n in seconds]
    assert all(len(middle.person(number).given) == 1 for number in seconds)


def test_each_kind_of_mistake_happens_and_is_written_down(dirty: Population, on_file: dict[int, Person]) -> None:
    seen = set()
    for number, told in on_file.items():
        true = dirty.person(dirty.registrations.owner(number))
        changed = dirty.registrations.registration(number).changed
        seen |= changed
        assert (told.given[:1] != true.given[:1]) == ("nickname" in changed)
        assert (told.birth_date != true.birth_date) == ("swapped_date" in changed)
        assert (told.addresses != true.addresses) == ("old_address" in changed)
        assert ((told.telecoms, told.ssn) != (true.telecoms, true.ssn)) == ("transposed_digits" in changed)
        assert (told.sex, told.race, told.number) == (true.sex, true.race, number)
        if "nickname" in changed:
            assert told.given[0] in tables.NICKNAMES[true.given[0]]
        if "swapped_date" in changed:
            assert exchanged_day(told.birth_date) == true.birth_date
            assert told.birth_date <= AS_OF
        for one in told.telecoms:
            assert one.system != "phone" or one.value[5:8] == "555"
        assert told.ssn is None or told.ssn[0] == "9"
        assert (told.family != true.family) == ("maiden_name" in changed)
        assert told.family in (true.family, true.maiden)
    assert seen == set(PERTURBATIONS)


def brute(on_file: dict[int, Person], found: Registrations, **asked: object) -> list[int]:
    whole = {"family": None, "given": None, "born": None, "sex": None, "exact": False, **asked}
    return sorted((number for number, one in on_file.items() if matches(one, **whole)), key=found.rank)  # type: ignore[arg-type]


@given(data=st.data())
@settings(max_examples=120, deadline=None)
def test_search_equals_brute_force(dirty: Population, on_file: dict[int, Person], data: st.DataObject) -> None:
    number = data.draw(st.sampled_from(sorted(on_file)))
    known = data.draw(st.sampled_from([on_file[number], dirty.person(dirty.registrations.owner(number))]))
    asked: dict[str, object] = {}
    if data.draw(st.booleans()):
        asked["family"] = known.family[: data.draw(st.integers(1, 30))]
    if data.draw(st.booleans()):
        asked["given"] = known.given[0][: data.draw(st.integers(1, 20))]
    if data.draw(st.booleans()) or not asked:
        width = data.draw(st.sampled_from([0, 0, 20, 400]))
        low = data.draw(st.integers(0, width))
        asked["born"] = (known.birth_date - timedelta(low), known.birth_date + timedelta(width - low))
        asked.setdefault("family", known.family)
    if data.draw(st.booleans()):
        asked["sex"] = known.sex
    asked["exact"] = data.draw(st.booleans())
    found = dirty.registrations
    everybody = list(found.find(**asked))  # type: ignore[arg-type]
    assert everybody == brute(on_file, found, **asked)
    if everybody:
        last = data.draw(st.integers(0, len(everybody) - 1))
        rest = list(found.find(**asked, after=found.rank(everybody[last])))  # type: ignore[arg-type]
        assert rest == everybody[last + 1 :]


def test_phones_numbers_and_addresses_find_what_was_typed(dirty: Population, on_file: dict[int, Person]) -> None:
    found = dirty.registrations
    for number, person in islice(on_file.items(), 0, None, 7):
        for one in person.telecoms:
            search = found.by_email if one.system == "email" else found.by_phone
            fitting = {n for n, other in on_file.items() if any(t.value == one.value for t in other.telecoms)}
            assert set(search(one.value)) == fitting
            assert number in fitting
        if person.ssn:
            assert set(found.by_ssn(person.ssn)) == {n for n, other in on_file.items() if other.ssn == person.ssn}
    assert list(found.by_phone("nobody")) == []
    assert list(found.by_ssn("")) == []


# Merging


def test_a_merged_number_resolves_to_its_owner_from_then_on(dirty: Population) -> None:
    found = dirty.registrations
    merged = [number for number in found if found.registration(number).lane == MERGED]
    apart = 0
    for number in merged:
        since, until = found.merged(number)
        assert FIRST <= since < LAST
        assert found.survivor(number, since - timedelta(minutes=1)) is None
        assert found.survivor(number, since) == found.owner(number)
        if until is not None:
            apart += 1
            assert found.survivor(number, until) is None
        else:
            assert found.survivor(number, LAST + timedelta(days=900)) == found.owner(number)
    assert 0 < apart < len(merged)
    assert found.survivor(0, LAST) is None
    second = next(iter(found))
    assert found.survivor(second, LAST) is None
    with pytest.raises(IndexError):
        found.merged(second)


@pytest.fixture(scope="module")
def happened(dirty: Population) -> list[tuple[datetime, str, int]]:
    """Every merging and taking apart there is."""
    found = dirty.registrations
    events = []
    for number in found:
        if found.registration(number).lane == MERGED:
            at, apart = found.merged(number)
            events += [(at, "merged", number)] + ([(apart, "unmerged", number)] if apart else [])
    return sorted(events)


@given(start=st.integers(0, 7 * 365 * 24), hours=st.integers(0, 20_000))
@settings(max_examples=60, deadline=None)
def test_what_is_merged_in_a_window_equals_brute_force(
    dirty: Population, happened: list[tuple[datetime, str, int]], start: int, hours: int
) -> None:
    since = FIRST + timedelta(hours=start)
    until = since + timedelta(hours=hours)
    wanted = [one for one in happened if since <= one[0] < until]
    found = list(dirty.registrations.merges(since, until))
    assert found == sorted(found)
    assert sorted((one.at, one.what, one.number) for one in found) == wanted


def test_a_window_of_a_large_population_costs_no_scan() -> None:
    found = registrations(100_000_000, dirt=Dirt())
    since = datetime(2026, 1, 5, tzinfo=UTC)
    happened = list(found.merges(since, since + timedelta(minutes=30)))
    assert 1 <= len(happened) < 100
    assert happened == sorted(happened)
