"""Where stays come from and where they end: of which encounters it is told, when, and how often it is what.

The shares among all stays are compared with what is published in `test_published`; here it is for whom they differ.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import islice

import pytest

from simulator.population import tables
from simulator.population.chart import Outline, outline_of
from simulator.population.chart.admissions import admit_source, disposition
from simulator.population.chart.encounters import Visit
from simulator.population.chart.troubles import is_planned
from simulator.population.people import Population
from simulator.population.records import Encounter
from simulator.population.tables.rows import HospitalRow
from tests.simulator.population.lives import AS_OF, SOME, history

STAYS = ("inpatient", "surgical", "observation")


def encounters(status: str) -> list[Encounter]:
    changes = (change.record for number in SOME for change in history(number).changes)
    return [one for one in changes if isinstance(one, Encounter) and one.status == status]


@cache
def stays() -> tuple[tuple[Outline, Visit], ...]:
    """Stays of many people of every age."""
    population = Population(seed=7, size=1_000_000, as_of=AS_OF)
    outlines = (outline_of(population, number) for number in islice(population.find(family="s"), 0, 3_000, 2))
    return tuple((one, visit) for one in outlines for visit in one.visits if visit.kind in ("inpatient", "surgical"))


def drawn(one: Outline, visit: Visit) -> tuple[str | None, str | None]:
    about = visit.kind, visit.episode, one.life.age_days(visit.local_day), visit.habits
    return admit_source(*about), disposition(*about)


def test_a_stay_tells_from_the_beginning_whence_it_came_and_in_the_end_where_it_led() -> None:
    for one in encounters("in-progress"):
        assert (one.admit_source is not None) == (one.type_key in STAYS)
        assert one.disposition is None
    ended = encounters("finished")
    for one in ended:
        assert (one.admit_source is not None) == (one.type_key in STAYS)
        assert (one.disposition is not None) == (one.type_key in (*STAYS, "emergency"))
    assert {one.type_key for one in ended} >= {"inpatient", "surgical", "emergency", "office"}


def test_an_encounter_keeps_its_source() -> None:
    sources: dict[tuple[int, int], set[str | None]] = {}
    for number in SOME:
        for change in history(number).changes:
            if isinstance(change.record, Encounter):
                sources.setdefault((number, change.record.ordinal), set()).add(change.record.admit_source)
    assert all(len(told) == 1 for told in sources.values())


@pytest.mark.parametrize("rows", [tables.ADMIT_SOURCES, tables.DISPOSITIONS], ids=["sources", "dispositions"])
def test_the_shares_of_each_column_are_a_hundred(rows: dict[str, HospitalRow]) -> None:
    for column in next(iter(rows.values())).percent:
        assert sum(row.percent[column] for row in rows.values()) == 100, column


def test_what_is_planned_never_comes_through_the_emergency_room_and_what_is_not_mostly_does() -> None:
    planned, others = Counter[str | None](), Counter[str | None]()
    for one, visit in stays():
        is_delivery = visit.episode is not None and visit.episode.key == "pregnancy"
        if not is_delivery:
            (planned if is_planned(visit.kind, visit.episode) else others)[drawn(one, visit)[0]] += 1
    assert planned.keys() == {"referral", "clinic"}
    assert 0.65 < others["emergency"] / others.total() < 0.85
    assert others.keys() == tables.ADMIT_SOURCES.keys()


def test_the_old_go_home_less_often_and_mothers_nearly_always() -> None:
    home: dict[str, list[bool]] = {"old": [], "young": [], "mothers": []}
    for one, visit in stays():
        if visit.episode is not None and visit.episode.key == "pregnancy":
            who = "mothers"
        else:
            who = "old" if one.life.age_days(visit.local_day) >= 65 * 365 else "young"
        home[who].append(drawn(one, visit)[1] == "home")
    share = {who: sum(those) / len(those) for who, those in home.items()}
    assert 0.33 < share["old"] < 0.57
    assert 0.65 < share["young"] < 0.88
    assert share["mothers"] > 0.9
    assert not any(drawn(one, visit)[1] == "died" for one, visit in stays())


def test_nobody_who_lives_was_discharged_as_dead() -> None:
    for number in SOME:
        told = [one.record for one in history(number).changes if isinstance(one.record, Encounter)]
        died = [one for one in told if one.disposition == "died"]
        assert [one.end for one in died] in ([], [history(number).person.deceased])
