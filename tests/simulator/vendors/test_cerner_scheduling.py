"""Free slots and their schedules, and the appointments of practitioners and places, day by day.

    world ─▶ schedule.slots_between ─▶ Slot?service-type=…&start=ge…&start=lt… ─▶ pages ─▶ the same slots

Covers SOURCES.md, the claims on Slot, Schedule and Appointment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from simulator.population import schedule, tables
from simulator.vendors.cerner import codes
from simulator.vendors.cerner.ids import staff_id, tenant_of
from tests.simulator.vendors.cerner_desk import AS_OF, Desk, query_of

Json = dict[str, Any]
GENERAL = "http://snomed.info/sct|408443003"
WEEK = {"start": ["ge2026-01-05T12:00:00Z", "lt2026-01-12T00:00:00Z"]}


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk(patients=400)


def own(desk: Desk, key: str) -> str:
    coding = codes.local(desk.site, codes.APPOINTMENT_TYPE, key)
    return f"{coding['system']}|{coding['code']}"


def doctor(desk: Desk, index: int) -> str:
    return f"Practitioner/{staff_id(desk.site, 'practitioner', index)}"


def walked(desk: Desk, type: str, params: Json) -> Iterator[Json]:
    for page in desk.pages(type, params):
        yield from page.resources


def test_the_free_slots_of_a_week_are_those_of_the_schedule(desk: Desk) -> None:
    world = desk.sandbox.world
    minutes = tables.ENCOUNTERS["office"].slot
    truth = [
        slot.start
        for slot in schedule.slots_between(world, 3, AS_OF - timedelta(days=1), AS_OF + timedelta(days=8))
        if slot.is_free and slot.minutes >= minutes
    ]
    lo, hi = (datetime.fromisoformat(text[2:]) for text in WEEK["start"])
    asked = {"service-type": own(desk, "office"), "schedule.actor": doctor(desk, 3), **WEEK}
    found = list(walked(desk, "Slot", asked))
    assert [datetime.fromisoformat(one["start"]) for one in found] == [at for at in truth if lo <= at < hi]
    assert {one["status"] for one in found} == {"free"}
    assert len({one["id"] for one in found}) == len(found) > 50
    assert all(one["schedule"] == {"reference": f"Schedule/{one['id']}"} for one in found)


def test_slots_are_found_by_standard_codes_and_by_place(desk: Desk) -> None:
    facility = 2
    place = staff_id(desk.site, "location", facility)
    asked = {"service-type": GENERAL, "-location": place, "start": ["ge2026-01-06T00:00:00Z", "lt2026-01-07T00:00:00Z"]}
    found = list(walked(desk, "Slot", asked))
    assert found
    assert {one["extension"][0]["valueReference"]["reference"] for one in found} == {f"Location/{place}"}
    words = {one["serviceType"][0]["text"] for one in found}
    assert {"Office Visit", "Same Day"} <= words
    assert "Annual Wellness" not in words  # takes longer than any free slot
    starts = [one["start"] for one in found]
    assert starts == sorted(starts)


def test_pages_of_slots_follow_a_context_that_says_nothing_else(desk: Desk) -> None:
    asked = {"service-type": own(desk, "office"), "schedule.actor": doctor(desk, 3), "_count": 20, **WEEK}
    pages = desk.pages("Slot", asked)
    assert [len(page.ids) for page in pages[:-1]] == [20] * (len(pages) - 1)
    assert len(pages) > 2
    for page in pages[:-1]:
        link = query_of(str(page.next))
        assert set(link) == {"-pageContext", "-pageDirection"}
        assert str(UUID(link["-pageContext"][0])) == link["-pageContext"][0]


def test_a_slot_and_its_schedule_are_read_by_the_same_id(desk: Desk) -> None:
    asked = {"service-type": own(desk, "followup"), "schedule.actor": doctor(desk, 1), "_count": 5, **WEEK}
    slot = desk.get("Slot", asked).resources[0]
    assert re.fullmatch(r"\d+-\d+-\d+-\d+", slot["id"])
    answer = desk.get(f"Slot/{slot['id']}")
    assert answer.json == slot
    assert re.fullmatch(r'W/"\d+v\d+"', answer.headers["etag"])
    calendar = desk.get(f"Schedule/{slot['id']}").json
    assert calendar["actor"][0]["reference"] == doctor(desk, 1)
    assert calendar["serviceType"] == slot["serviceType"]
    assert desk.get("Schedule", {"_id": slot["id"]}).resources == [calendar]
    parts = slot["id"].split("-")
    for changed in (["1", *parts[1:]], [parts[0], "1", *parts[2:]], [*parts[:3], "1439"], [*parts[:2], "1", parts[3]]):
        assert desk.get(f"Slot/{'-'.join(changed)}").status == 404


def test_schedules_and_practitioners_come_along_when_asked_and_allowed(desk: Desk) -> None:
    asked = {"service-type": own(desk, "office"), "schedule.actor": doctor(desk, 3), "_count": 5, **WEEK}
    plain = desk.get("Slot", asked)
    with_schedules = desk.get("Slot", asked | {"_include": "Slot:schedule"})
    kinds = [(entry["resource"]["resourceType"], entry["search"]["mode"]) for entry in with_schedules.entries]
    assert kinds == [("Slot", "match")] * 5 + [("Schedule", "include")] * 5
    both = desk.get("Slot", asked | {"_include": "Schedule:actor:Practitioner"})
    assert [entry["resource"]["resourceType"] for entry in both.entries][-1] == "Practitioner"
    assert f"Practitioner/{both.ids[-1]}" == doctor(desk, 3)
    second = desk.get(str(with_schedules.next))
    assert {entry["search"]["mode"] for entry in second.entries} == {"match", "include"}
    token = desk.ask_token("system/Slot.read").json["access_token"]
    assert desk.get("Slot", asked, token=token).ids == plain.ids
    assert desk.get("Slot", asked | {"_include": "Slot:schedule"}, token=token).status == 403
    token = desk.ask_token("system/Slot.read system/Schedule.read").json["access_token"]
    assert desk.get("Slot", asked | {"_include": "Slot:schedule"}, token=token).status == 200
    assert desk.get("Slot", asked | {"_include": "Schedule:actor:Practitioner"}, token=token).status == 403


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "at least one of _id, service-type, or -pageContext must be provided"),
        ("service-type=1", "start must be provided"),
        ("service-type=1&start=ge2026-01-05T00:00:00Z", "start: must be provided twice"),
        ("service-type=1&start=ge2026-01-05&start=lt2026-01-06", "start: must have a time"),
        ("service-type=1&start=gt2026-01-05T00:00:00Z&start=lt2026-01-06T00:00:00Z", "with the prefixes ge and lt"),
        ("_id=1&_include=Slot:actor", "_include: must be Slot:schedule or Schedule:actor:Practitioner"),
        ("_id=1&_include=Slot:schedule&_include=Slot:schedule", "_include: must be"),
    ],
)
def test_a_question_about_slots_against_the_rules_is_refused(desk: Desk, query: str, text: str) -> None:
    answer = desk.get(f"Slot?{query}")
    assert answer.status == 400
    assert text in answer.text


def test_codes_of_the_site_and_of_standards_do_not_mix(desk: Desk) -> None:
    mixed = {"service-type": f"{own(desk, 'office')},{GENERAL}", **WEEK}
    answer = desk.get("Slot", mixed)
    assert answer.status == 400
    assert "service-type" in answer.text
    assert tenant_of(desk.site) in own(desk, "office")
    assert desk.get("Slot", {"service-type": own(desk, "wellness"), **WEEK}).entries == []
    assert desk.get("Slot", {"service-type": GENERAL, "schedule.actor": "Practitioner/1", **WEEK}).entries == []


def test_what_is_over_cannot_be_booked(desk: Desk) -> None:
    past = {"start": ["ge2025-12-01T00:00:00Z", "lt2026-01-05T12:00:00Z"]}
    asked = {"service-type": own(desk, "office"), "schedule.actor": doctor(desk, 3)}
    assert list(walked(desk, "Slot", asked | past)) == []


def test_a_slot_that_is_booked_is_found_by_its_id_alone() -> None:
    desk = Desk()
    asked = {"service-type": own(desk, "office"), "schedule.actor": doctor(desk, 3), **WEEK}
    slot = desk.get("Slot", asked).resources[4]
    world = desk.sandbox.world
    number = next(n for n in range(50) if world.chart(n).appointments)
    booked = replace(
        world.chart(number).appointments[-1], ordinal=-1, status="booked", practitioner=3, minutes=20,
        start=datetime.fromisoformat(slot["start"]),
    )  # fmt: skip
    world.write(booked, number, "test", desk.sandbox.clock.now())
    assert slot["id"] not in desk.get("Slot", asked).ids
    assert desk.get(f"Slot/{slot['id']}").json["status"] == "busy"
    assert desk.get("Slot", {"_id": slot["id"]}).resources[0]["status"] == "busy"


def test_the_appointments_of_a_practitioner_and_of_a_place_are_those_of_the_charts(desk: Desk) -> None:
    world = desk.sandbox.world
    population = world.population
    lo, hi = date(2025, 11, 10), date(2026, 1, 12)
    asked = {"date": [f"ge{lo}T00:00:00Z", f"lt{hi}T00:00:00Z"], "_count": 10}
    charts = [(n, one) for n in range(population.size) for one in world.appointments(n)]
    seen: set[str] = set()
    for name, index, params in (
        ("practitioner", 3, {"practitioner": doctor(desk, 3)}),
        ("facility", 1, {"location": staff_id(desk.site, "location", 1)}),
    ):
        truth = sorted(
            (one.start, n)
            for n, one in charts
            if getattr(one, name) == index and f"{lo}" <= f"{one.start:%Y-%m-%d}" < f"{hi}"
        )
        pages = desk.pages("Appointment", asked | params)
        found = [one for page in pages for one in page.resources]
        assert [datetime.fromisoformat(one["start"]) for one in found] == [at for at, _ in truth]
        assert len(pages) > 1
        seen |= {one["status"] for one in found}
        kept = desk.pages("Appointment", asked | params | {"status": "booked,cancelled"})
        assert [one["id"] for page in kept for one in page.resources] == [
            one["id"] for one in found if one["status"] in ("booked", "cancelled")
        ]
    assert {"fulfilled", "cancelled", "booked"} <= seen


def test_many_schedules_at_once_are_our_gap() -> None:
    desk = Desk(patients=20_000)
    assert desk.get("Slot", {"service-type": GENERAL, **WEEK}).status == 501
    asked = {"service-type": GENERAL, "schedule.actor": doctor(desk, 40), "_count": 5, **WEEK}
    assert desk.get("Slot", asked).status == 200
