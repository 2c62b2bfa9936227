"""The world moves: what happens, by itself as the clock advances or because somebody made it happen, is told by every
room, with the versions and times that the room has.

    POST …/truth/changes ─▶ ledger ─┐
    POST …/clock/advance ─▶ now ────┴▶ world ─▶ epic, cerner, athena ─▶ reference: nothing wrong, missing or extra
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any

import httpx
import pytest

from simulator.population.chart import chart_of
from simulator.population.people import Population
from simulator.population.records import Chart
from simulator.sandbox import Sandbox
from simulator.server import Server
from simulator.settings import Settings
from tests.test_one_truth import RIGHT, VENDORS, wrong_anywhere

Json = dict[str, Any]


class Hand:
    """Somebody at the control API of one sandbox."""

    def __init__(self, server: Server, sandbox: Sandbox) -> None:
        self.server = server
        self.sandbox = sandbox
        self.path = f"/_sandbox/sandboxes/{sandbox.id}"

    def send(self, method: str, path: str, body: Json | None = None, **headers: str) -> httpx.Response:
        async def sent() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.server)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                return await client.request(method, self.path + path, json=body, headers=headers)

        return asyncio.run(sent())

    def get(self, path: str) -> Json:
        answer = self.send("GET", path)
        assert answer.status_code == 200, answer.text
        told: Json = answer.json()
        return told

    def change(self, **wish: Any) -> list[Json]:
        answer = self.send("POST", "/truth/changes", wish)
        assert answer.status_code == 201, answer.text
        told: list[Json] = answer.json()["changes"]
        return told

    def refused(self, status: int = 422, **wish: Any) -> Json:
        answer = self.send("POST", "/truth/changes", wish)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        told: Json = answer.json()
        assert "\n" not in told["detail"]
        return told

    def advance(self, **by: float) -> None:
        answer = self.send("POST", "/clock/advance", {"seconds": timedelta(**by).total_seconds()})
        assert answer.status_code == 200, answer.text

    def wrong(self, *numbers: int) -> dict[str, list[str]]:
        """What each room tells wrongly of these patients."""
        return wrong_anywhere(self.server, self.sandbox, *numbers)


@pytest.fixture(scope="module")
def server() -> Server:
    return Server(Settings(journal_size=200))  # nobody reads it, and it holds every answer


def stand_still(sandbox: Sandbox) -> None:
    """The clock stops, and with it the quotas: all calls would be of one second, and that is soon full."""
    sandbox.clock.freeze()
    for site in sandbox.sites.values():
        site.limits.off()


@pytest.fixture
def hand(server: Server) -> Iterator[Hand]:
    sandbox = server.sandboxes.create(seed=7, patients=10_000)
    stand_still(sandbox)
    yield Hand(server, sandbox)
    server.sandboxes.drop(sandbox.id)


@pytest.fixture
def village(server: Server) -> Iterator[Hand]:
    """A sandbox of few patients, whose events are soon told."""
    sandbox = server.sandboxes.create(seed=7, patients=200)
    stand_still(sandbox)
    yield Hand(server, sandbox)
    server.sandboxes.drop(sandbox.id)


def somebody(hand: Hand, **needs: int) -> int:
    """A living patient of some age, not one of the cast, who has enough of the records needed and is at home; of those
    whose chart is no short one, who has the shortest: it is read in three rooms, again and again."""
    world = hand.sandbox.world
    if (world.population.size, world.writes, world.now()) == (10_000, 0, world.population.starts):
        charts = some_charts(world.population)
    else:
        charts = ((number, world.chart(number)) for number in range(100, 200))
    for number, chart in charts:
        age = (hand.sandbox.as_of - chart.person.birth_date).days // 365
        is_in = any(one.end is None for one in chart.encounters)
        has_all = all(len(getattr(chart, name)) >= count for name, count in (SOME | needs).items())
        if age > 30 and chart.person.deceased is None and not is_in and has_all:
            return number
    raise AssertionError(needs)


SOME = {"observations": 40, "documents": 3, "conditions": 3, "medications": 1, "immunizations": 1}


@cache
def some_charts(population: Population) -> list[tuple[int, Chart]]:
    """Charts of a world in which nothing has happened yet, the shortest first."""
    charts = [(number, chart_of(population, number)) for number in range(100, 150)]
    return sorted(charts, key=lambda one: len(one[1].observations) + 5 * len(one[1].documents))


def test_a_new_result_is_told_by_every_room_at_once(hand: Hand) -> None:
    number = somebody(hand, encounters=3)
    assert hand.wrong(number) == RIGHT
    (told,) = hand.change(what="result", patient=str(number), test="4548-4", value="9.70", who="lab")
    assert (told["what"], told["who"], told["version"]) == ("created", "lab", 1)
    assert told["record"]["value"] == {"number": "9.70", "unit": "%", "comparator": None}
    assert told["record"]["interpretation"] in ("H", "HH")
    assert told["at"].startswith("2026-01-05T12:00:00")
    assert hand.wrong(number) == RIGHT
    (again,) = hand.change(what="correction", record=told["id"], value="7.9")
    assert (again["what"], again["version"], again["record"]["status"]) == ("corrected", 2, "corrected")
    assert hand.wrong(number) == RIGHT
    (gone,) = hand.change(what="retraction", record=told["id"])
    assert (gone["what"], gone["version"]) == ("retracted", 3)
    assert hand.wrong(number) == RIGHT
    shown = hand.get(f"/truth/patients/{number}")
    assert told["id"] in shown["retracted"]
    versions = hand.get(f"/truth/patients/{number}/records/{told['id']}")["versions"]
    assert [one["what"] for one in versions] == ["created", "corrected", "retracted"]
    assert [one["who"] for one in versions] == ["lab", "control", "control"]


@pytest.mark.parametrize("half", [0, 1], ids=["systolic", "diastolic"])
def test_a_blood_pressure_is_taken_back_as_a_whole(hand: Hand, half: int) -> None:
    number = somebody(hand, encounters=3)
    held = hand.sandbox.world.chart(number).observations
    diastolic = next(one for one in reversed(held) if one.group is not None)
    pair = [f"{number}-observation-{ordinal}" for ordinal in (diastolic.group, diastolic.ordinal)]
    told = hand.change(what="retraction", record=pair[half])
    assert [one["what"] for one in told] == ["retracted", "retracted"]
    assert sorted(one["id"] for one in told) == sorted(pair)
    assert hand.wrong(number) == RIGHT
    assert {*hand.get(f"/truth/patients/{number}")["retracted"]} >= {*pair}
    assert len(hand.sandbox.world.chart(number).observations) == len(held) - 2
    assert "no record" in hand.refused(what="retraction", record=pair[1 - half])["detail"]


def test_somebody_comes_in_is_treated_and_goes_home(hand: Hand) -> None:
    number = somebody(hand, encounters=3, allergies=0)
    key = str(number)
    (stay,) = hand.change(what="admission", patient=key, type="inpatient")
    assert (stay["record"]["status"], stay["record"]["class"], stay["record"]["end"]) == ("in-progress", "IMP", None)
    assert stay["record"]["admitSource"]["codes"] == [{"system": "admit-source", "code": "emd"}]
    assert stay["record"]["dischargeDisposition"] is None
    (problem,) = hand.change(what="condition", patient=key, code="pneumonia")
    (drug,) = hand.change(what="medication", patient=key, product="amoxicillin500", reason=problem["id"])
    assert drug["record"]["reason"] == problem["record"]["codes"]
    hand.change(what="result", patient=key, test="sodium", value="141")
    assert hand.wrong(number) == RIGHT
    assert "already" in hand.refused(what="admission", patient=key)["detail"]
    hand.advance(days=2)
    (stopped,) = hand.change(what="stop", record=drug["id"])
    assert (stopped["record"]["status"], stopped["record"]["stop"]["value"]) == ("stopped", "2026-01-07")
    hand.change(what="resolution", record=problem["id"])
    (home,) = hand.change(what="discharge", patient=key, disposition="home_health")
    assert (home["id"], home["version"], home["record"]["status"]) == (stay["id"], 2, "finished")
    assert home["record"]["dischargeDisposition"]["text"] == "Home-Health Care Svc"
    assert hand.wrong(number) == RIGHT
    (planned,) = hand.change(what="admission", patient=key, type="surgical", source="clinic")
    assert planned["record"]["admitSource"]["text"] == "Clinic"
    hand.advance(hours=9)
    hand.change(what="death", patient=key)
    died = hand.sandbox.world.chart(number).encounters[-1]
    assert (died.status, died.disposition) == ("finished", "died")
    assert hand.wrong(number) == RIGHT


def test_who_has_died_has_nothing_more_happen(hand: Hand) -> None:
    number = somebody(hand, encounters=3)
    (told,) = hand.change(what="death", patient=str(number))
    assert told["record"]["deceased"] == {"value": True}
    assert hand.wrong(number) == RIGHT
    before = hand.get(f"/truth/patients/{number}")["records"]
    hand.advance(days=700)
    assert hand.get(f"/truth/patients/{number}")["records"] == before
    until = (hand.sandbox.clock.now() - timedelta(days=1)).isoformat()
    assert "died" in hand.refused(what="result", patient=str(number), test="sodium", value="140")["detail"]
    assert hand.get(f"/truth/patients/{number}?at={until.replace('+', '%2B')}")["records"] == before


def test_somebody_moves(hand: Hand) -> None:
    number = somebody(hand)
    (told,) = hand.change(
        what="address", patient=str(number), lines=["9 Elm St", "Apt 2"], city="Salem", state="OR", zip="97301"
    )
    assert told["version"] == 2
    assert told["record"]["addresses"][0]["city"] == "Salem"
    world = hand.sandbox.world
    person, before = world.person(number), world.population.person(number)
    assert person is not None
    assert [one.city for one in person.addresses] == ["Salem"]
    (left, *_) = person.former_addresses
    assert (left.use, left.lines, left.until) == ("old", before.addresses[0].lines, person.addresses[0].since)
    assert hand.wrong(number) == RIGHT


def test_what_is_done_in_care_is_told_by_every_room(hand: Hand) -> None:
    number = somebody(hand, encounters=3)
    me = {"patient": str(number)}
    (dose,) = hand.change(what="immunization", **me, code="flu_iiv3", lot="AB123")
    assert (dose["record"]["lot"], dose["record"]["date"]["value"]) == ("AB123", "2026-01-05")
    (stay,) = hand.change(what="admission", **me)
    hand.advance(hours=2)
    (done,) = hand.change(what="procedure", **me, code="ecg")
    assert done["record"]["performed"]["value"] >= stay["record"]["start"]["value"]
    (note,) = hand.change(what="note", **me, text="Doing well.\nHome tomorrow.")
    assert (note["record"]["content"], note["record"]["mime"]) == ("Doing well.\nHome tomorrow.", "text/plain")
    assert hand.wrong(number) == RIGHT
    (gone,) = hand.change(what="retraction", record=dose["id"])
    assert gone["what"] == "retracted"
    assert hand.wrong(number) == RIGHT


def test_what_is_changed_at_the_front_desk_is_told_by_every_room(hand: Hand) -> None:
    number = somebody(hand, coverages=1)
    me = {"patient": str(number)}
    changed = hand.change(what="coverage", **me, payer="ardent", group="AR-1")
    *ended, begun = changed
    assert {one["record"]["status"] for one in ended} <= {"cancelled"}
    assert (begun["record"]["payer"], begun["record"]["dependent"]) == ("Ardent Mutual", "00")
    assert begun["record"]["memberId"]
    now = [one for one in hand.sandbox.world.chart(number).coverages if one.status == "active"]
    assert [one.payer for one in now] == ["Ardent Mutual"]
    before = hand.sandbox.world.registered_person(number).family
    (renamed,) = hand.change(what="name", **me, family="Quillfeather")
    assert renamed["record"]["name"]["family"] == "Quillfeather"
    assert number in hand.sandbox.world.find(family="quillf")
    assert hand.sandbox.world.registered_person(number).maiden == before
    (reached,) = hand.change(what="contact", **me, system="phone", use="mobile", value="+12125550123")
    assert {"system": "phone", "use": "mobile", "value": "+12125550123"} in reached["record"]["telecom"]
    assert hand.wrong(number) == RIGHT


def test_an_allergy_takes_back_the_statement_that_there_is_none(hand: Hand) -> None:
    world = hand.sandbox.world
    number = next(n for n in range(100, 400) if any(one.none_known for one in world.chart(n).allergies))
    told = hand.change(what="allergy", patient=str(number), code="penicillin")
    assert [one["what"] for one in told] == ["retracted", "created"]
    assert hand.wrong(number) == RIGHT
    assert "already" in hand.refused(what="allergy", patient=str(number), code="penicillin")["detail"]


def test_an_appointment_is_booked_and_cancelled(hand: Hand) -> None:
    number = somebody(hand)
    (told,) = hand.change(what="booking", patient=str(number), start="2026-02-03T15:00:00Z", text="Knee pain")
    assert (told["record"]["status"], told["record"]["start"]["value"]) == ("booked", "2026-02-03T15:00:00Z")
    (gone,) = hand.change(what="cancellation", record=told["id"], by="provider")
    assert (gone["record"]["status"], gone["record"]["cancelReason"]) == ("cancelled", "provider")
    assert "cancelled" in hand.refused(what="cancellation", record=told["id"])["detail"]


def test_a_visit_whose_appointment_is_cancelled_takes_place_in_no_room(hand: Hand) -> None:
    world, soon = hand.sandbox.world, hand.sandbox.clock.now() + timedelta(days=60)
    number, visit = next(
        (number, one)
        for number in range(100, 400)
        for one in world.chart_at(number, soon).appointments
        if one.encounter is not None and one.start > world.now() and one.created < world.now()
    )
    (gone,) = hand.change(what="cancellation", record=f"{number}-appointment-{visit.ordinal}")
    assert gone["record"]["status"] == "cancelled"
    hand.advance(days=60)
    assert hand.wrong(number) == RIGHT
    records = hand.get(f"/truth/patients/{number}")["records"]
    assert gone["id"] in [one["source"]["id"] for one in records]
    assert f"{number}-encounter-{visit.encounter}" not in [one["source"]["id"] for one in records]
    events = hand.get(f"/truth/events?since={visit.start:%Y-%m-%dT%H:%M:%SZ}&limit=10")["events"]
    assert str(number) not in [one["patient"] for one in events if one["at"][:16] == f"{visit.start:%Y-%m-%dT%H:%M}"]


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"what": "result", "patient": "101", "test": "sodum", "value": "1"}, 'unknown test "sodum"'),
        ({"what": "result", "patient": "101", "test": "sodium", "text": "high"}, "needs value"),
        ({"what": "result", "patient": "nobody", "test": "sodium", "value": "1"}, 'no patient "nobody"'),
        ({"what": "correction", "record": "101-observation-999999", "value": "1"}, "no record"),
        ({"what": "correction", "record": "101-condition-0", "value": "1"}, "kind observation"),
        ({"what": "retraction", "record": "what"}, "not a record"),
        ({"what": "retraction", "record": "101-patient-0"}, "not retracted"),
        ({"what": "discharge", "patient": "101"}, "no encounter"),
        ({"what": "discharge"}, "patient or record"),
        ({"what": "admission", "patient": "101", "type": "office"}, "nobody is admitted"),
        ({"what": "admission", "patient": "101", "source": "moon"}, 'unknown source of admission "moon"'),
        ({"what": "admission", "patient": "101", "type": "emergency", "source": "clinic"}, "it has no source"),
        ({"what": "condition", "patient": "101", "code": "t2dm", "onset": "2030-01-01"}, "outside the life"),
        ({"what": "address", "patient": "101", "lines": ["1"], "city": "X", "state": "XX", "zip": "11111"}, "no state"),
        ({"what": "immunization", "patient": "101", "code": "flu_iiv3", "day": "2031-01-01"}, "outside the life"),
        ({"what": "immunization", "patient": "101", "code": "plague"}, "unknown vaccine"),
        ({"what": "procedure", "patient": "1", "code": "prostate_biopsy"}, "not for the sex"),
        ({"what": "note", "patient": "7", "text": "x"}, "no encounter"),
        ({"what": "coverage", "patient": "101", "payer": "nobody"}, "unknown payer"),
        ({"what": "name", "patient": "101"}, "that name already"),
        ({"what": "contact", "patient": "101", "system": "email", "use": "work"}, "nothing changes"),
        ({"what": "booking", "patient": "101", "start": "2020-01-01T00:00:00Z"}, "before the sandbox clock"),
        ({"what": "nonsense", "patient": "101"}, "nonsense"),
        ({"what": "result", "patient": "101", "test": "sodium", "value": "1", "extra": 1}, "extra"),
    ],
)
def test_what_does_not_fit_is_a_problem_in_one_line(hand: Hand, wish: Json, says: str) -> None:
    assert says in hand.refused(**wish)["detail"]
    assert hand.sandbox.world.writes == 0


def on_file_twice(hand: Hand) -> tuple[int, int]:
    """A second registration with visits of its own, and the first."""
    world = hand.sandbox.world
    for number in world.population.registrations:
        if world.survivor(number) is None and world.chart(number).encounters:
            return number, world.human(number)
    raise AssertionError("nobody is on file twice")


def test_a_registration_is_merged_and_taken_apart_in_every_room_at_once(hand: Hand) -> None:
    lost, kept = on_file_twice(hand)
    ids = {vendor: hand.get(f"/truth/patients/{lost}")["ids"][vendor]["fhir_id"] for vendor in VENDORS}
    assert hand.wrong(lost, kept) == RIGHT
    before = hand.get(f"/truth/patients/{lost}")
    assert (before["human"], before["survivor"]) == (str(kept), None)
    assert before["registrations"] == [str(kept), str(lost)]
    (told,) = hand.change(what="merge", patient=str(lost), into=str(kept), who="registrar")
    assert (told["what"], told["kind"], told["patient"], told["into"]) == ("merged", "patient", str(lost), str(kept))
    assert (told["who"], told["version"]) == ("registrar", 2)
    assert hand.wrong(kept) == RIGHT
    gone = hand.get(f"/truth/patients/{lost}")
    assert (gone["survivor"], gone["records"]) == (str(kept), [])
    held = {one["source"]["id"].partition("-")[2] for one in hand.get(f"/truth/patients/{kept}")["records"]}
    assert held >= {one["source"]["id"].partition("-")[2] for one in before["records"]}
    for id in ids.values():  # what a vendor called the one is the survivor now
        assert hand.get(f"/truth/patients/{id}")["key"] == str(kept)
    assert hand.refused(what="merge", patient=str(lost), into="7")["hint"] == f"name the survivor: {kept}"
    hand.advance(hours=1)
    (told,) = hand.change(what="unmerge", patient=str(lost), who="registrar")
    assert (told["what"], told["version"]) == ("unmerged", 3)
    assert hand.wrong(lost, kept) == RIGHT
    assert hand.get(f"/truth/patients/{lost}")["records"][1:] == before["records"][1:]
    versions = hand.get(f"/truth/patients/{lost}/records/{lost}-patient-0")["versions"]
    assert [(one["what"], one["who"]) for one in versions] == [("merged", "registrar"), ("unmerged", "registrar")]
    assert hand.refused(what="unmerge", patient=str(lost))["detail"].endswith("is not merged into anybody")


def test_strangers_that_somebody_merged_are_one_patient_until_it_is_undone(hand: Hand) -> None:
    lost, kept = somebody(hand, encounters=2, conditions=1), 7
    hand.change(what="merge", patient=str(lost), into=str(kept))
    assert hand.wrong(kept) == RIGHT
    gone = hand.get(f"/truth/patients/{lost}")
    assert (gone["human"], gone["survivor"]) == (str(lost), str(kept))  # the truth knows that they are two
    records = hand.get(f"/truth/patients/{kept}")["records"]
    theirs = next(one["source"]["id"] for one in records if one["source"]["id"].startswith(f"{kept}-condition-104"))
    hand.change(what="retraction", record=theirs)
    assert hand.wrong(kept) == RIGHT
    hand.change(what="unmerge", patient=str(lost))
    assert hand.wrong(lost, kept) == RIGHT
    assert len(hand.get(f"/truth/patients/{lost}")["retracted"]) >= 1


@pytest.mark.slow
def test_what_is_wrong_with_a_record_is_said_beside_what_is_true(hand: Hand) -> None:
    world = hand.sandbox.world
    seen = set()
    for number in [*islice(world.population.registrations, 60), *range(40, 60)]:
        defects = hand.get(f"/truth/patients/{number}/defects")["defects"]
        seen |= {one["defect"] for one in defects}
        person = world.registered_person(number)
        for one in defects:
            assert one["record"].startswith(f"{number}-")
            assert one["told"] != one["true"] or one["told"] is None
            if one["defect"] == "nickname":
                assert (one["told"], one["true"]) == ([person.given[0]], [world.person(world.human(number)).given[0]])
    assert {"second_registration", "nickname", "old_address", "no_email", "local_labs"} <= seen
    assert hand.send("GET", "/truth/patients/99999999/defects").status_code == 404


@pytest.mark.slow
def test_a_week_goes_by_and_every_room_tells_what_happened(village: Hand) -> None:
    """The events of the coming week say what the rooms will tell; then it is so."""
    hand = village
    start = hand.sandbox.clock.now()
    until = (start + timedelta(days=7)).isoformat().replace("+", "%2B")
    coming = hand.get(f"/truth/events?since={start.isoformat().replace('+', '%2B')}&until={until}&limit=400")["events"]
    assert {one["what"] for one in coming} >= {"created", "updated"}
    assert [one["at"] for one in coming] == sorted(one["at"] for one in coming)
    some = list(dict.fromkeys(int(one["patient"]) for one in coming))[:12]
    numbers = sorted(some, key=lambda number: len(hand.sandbox.world.chart(number).observations))[:4]
    before = {number: hand.sandbox.world.stamp(number) for number in numbers}
    assert hand.wrong(*numbers) == RIGHT
    hand.advance(days=7)
    assert all(hand.sandbox.world.stamp(number) != before[number] for number in numbers)
    assert hand.wrong(*numbers) == RIGHT
    happened = {(one["id"], one["version"]): one for one in coming if int(one["patient"]) in numbers}
    for number in numbers:
        shown = hand.get(f"/truth/patients/{number}")
        states = {one["source"]["id"]: one["version"] for one in shown["records"]}
        for (id, version), one in happened.items():
            if int(one["patient"]) == number and one["what"] != "retracted":
                assert states[id] >= version


def test_events_page_exactly_and_tell_what_was_written_among_what_happened(village: Hand) -> None:
    hand = village
    hand.advance(hours=30)
    number = somebody(hand)
    (told,) = hand.change(what="result", patient=str(number), test="sodium", value="139", who="me")
    hand.advance(hours=20)
    whole = hand.get("/truth/events?since=2026-01-05T12:00:00Z&limit=10000")["events"]
    assert told["cursor"] in [one["cursor"] for one in whole]
    assert [one["at"] for one in whole] == sorted(one["at"] for one in whole)
    paged: list[Json] = []
    after = ""
    while True:
        page = hand.get(f"/truth/events?since=2026-01-05T12:00:00Z&limit=37{after}")
        paged += page["events"]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert paged == whole
    assert len(whole) > 2 * 37
    lines = hand.send("GET", "/truth/events?since=2026-01-05T12:00:00Z&limit=5", accept="application/x-ndjson")
    assert lines.headers["content-type"].startswith("application/x-ndjson")
    assert len(lines.text.splitlines()) == 5
    assert hand.send("GET", "/truth/events?after=nonsense").status_code == 422


def test_the_chart_at_a_moment_is_what_was_so_then(hand: Hand) -> None:
    number = somebody(hand, observations=60)
    then = hand.get(f"/truth/patients/{number}?at=2024-05-06T07:08:09Z")
    now = hand.get(f"/truth/patients/{number}")
    assert {one["source"]["id"] for one in then["records"]} < {one["source"]["id"] for one in now["records"]} | set(
        now["retracted"]
    )
    assert all(one["updated"] <= "2024-05-06T07:08:09" for one in then["records"])
    chart = hand.sandbox.world.chart_at(number, datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC))
    assert len(then["records"]) == 1 + sum(
        len(chart.of(kind)) for kind in ("encounter", "condition", "allergy", "medication", "observation",
                                         "immunization", "procedure", "document", "appointment", "coverage")
    )  # fmt: skip


def test_a_clock_beyond_the_horizon_says_so(hand: Hand) -> None:
    assert "note" not in hand.get("/clock")
    hand.advance(days=800)
    assert "nothing happens by itself after 2028-01-05" in hand.get("/clock")["note"]
