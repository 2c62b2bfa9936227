"""Who lives with a patient at Epic, when one of them dies by itself: SOURCES.md, "Resources".

housemate dies as the clock goes on ─▶ Patient.contact, Coverage.policyHolder, RelatedPerson and CareTeam tell others
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulator.vendors.epic import ids
from tests.simulator.vendors.epic_door import Door, read

BEGINS = datetime(2026, 1, 5, 12, tzinfo=UTC)
PATHS = ("Patient", "Coverage", "CareTeam")


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


def deaths_ahead(door: Door) -> Iterator[tuple[int, int, datetime]]:
    """(patient, housemate, when the housemate dies): soon after the sandbox begins, the patient outlives them."""
    population, now = door.sandbox.world.population, door.sandbox.clock.now()
    for dying in range(40, population.size):
        at = population.death(dying)
        if at is not None and at > now:
            for other in population.household(dying):
                last = population.death(other)
                if other != dying and other >= 40 and (last is None or last > at + timedelta(days=1)):
                    yield other, dying, at


def told(door: Door, number: int) -> dict[str, list[Any]]:
    """What Epic tells of a patient where others are named, by read and by search."""
    patient = door.fhir_id(number)
    found: dict[str, list[Any]] = {"Patient": [read(door.get(f"Patient/{patient}")).get("contact")]}
    for type in ("Coverage", "CareTeam"):
        entries = door.bundle(type, f"patient={patient}").get("entry", [])
        found[type] = [one["resource"] for one in entries if one["resource"]["resourceType"] == type]
    return found


def at_moment(door: Door, at: datetime) -> Door:
    """The door at another moment: who let the caller in before then is forgotten."""
    door.sandbox.clock.set(at)
    door.tokens.clear()
    return door


def test_who_has_died_by_itself_is_nobody_to_call_and_holds_no_policy(door: Door) -> None:
    changed = dict.fromkeys(PATHS, 0)
    for number, dying, at in list(deaths_ahead(door))[:24]:
        person = door.sandbox.world.person(dying)
        assert person is not None
        before = told(at_moment(door, at - timedelta(minutes=1)), number)
        after = told(at_moment(door, at), number)
        door.site.cache.clear()
        assert after == told(door, number), "what was kept is not what is told anew"
        name = f"{person.given[0]} {person.family}"
        assert all(one["name"]["text"] != name for one in after["Patient"][0] or [])
        for path in PATHS:
            changed[path] += before[path] != after[path]
        at_moment(door, BEGINS)
    assert changed["Patient"] > 3
    assert changed["Coverage"] > 0


def test_a_relative_who_has_died_is_gone(door: Door) -> None:
    gone = 0
    for number, dying, at in list(deaths_ahead(door))[:24]:
        place = door.sandbox.world.household(number).index(dying)
        related = ids.fhir_id(door.site.key, "RelatedPerson", number, place)
        if at_moment(door, at - timedelta(minutes=1)).get(f"RelatedPerson/{related}").status == 200:
            assert at_moment(door, at).get(f"RelatedPerson/{related}").status == 404
            gone += 1
    at_moment(door, BEGINS)
    assert gone > 3
