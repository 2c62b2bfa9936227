"""Sandboxes: isolated from each other, quick to make, back at their first moment in constant time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date, timedelta

import httpx
import pytest

from simulator.refusal import UsageError
from simulator.sandboxes import Sandboxes
from simulator.server import Running
from simulator.settings import Settings
from tests.simulator.tiny_room import tiny

Login = Callable[..., dict[str, str]]
ROOMS = {"tiny": tiny(), "twin": tiny("twin")}


@pytest.fixture
def sandboxes() -> Sandboxes:
    return Sandboxes(Settings(patients=50, max_sandboxes=20), ROOMS)


def test_default_is_there_and_stays(sandboxes: Sandboxes) -> None:
    assert sandboxes.get("default") is sandboxes.default
    with pytest.raises(UsageError, match='sandbox "default" cannot be dropped'):
        sandboxes.drop("default")


def test_a_sandbox_is_as_the_server_unless_it_says_otherwise(sandboxes: Sandboxes) -> None:
    plain = sandboxes.create()
    other = sandboxes.create(seed=9, patients=5, as_of=date(2025, 3, 1), vendors=["twin"], id="mine")
    assert (plain.seed, plain.patients, list(plain.sites)) == (7, 50, ["tiny", "twin"])
    assert (other.id, other.seed, other.patients, list(other.sites)) == ("mine", 9, 5, ["twin"])
    assert other.clock.now().date() == date(2025, 3, 1)


def test_ids_are_made_from_the_seed(sandboxes: Sandboxes) -> None:
    again = Sandboxes(Settings(patients=50), ROOMS)
    assert [sandboxes.create().id for _ in range(3)] == [again.create().id for _ in range(3)]


def test_people_are_shared_between_sandboxes_of_one_population(sandboxes: Sandboxes) -> None:
    one, other, third = sandboxes.create(), sandboxes.create(), sandboxes.create(seed=8)
    assert one.world.population is other.world.population
    assert one.world.population is not third.world.population
    assert one.world is not other.world


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"id": "default"}, 'sandbox "default" exists'),
        ({"id": "No Good"}, 'not a sandbox id: "No Good"'),
        ({"patients": 0}, "patients must be from 1"),
        ({"patients": 10**9}, "patients must be from 1"),
        ({"as_of": date(1900, 1, 1)}, "as_of must be from"),
        ({"vendors": ["tiny", "epik"]}, 'vendor "epik" is not served here; served: tiny, twin'),
    ],
)
def test_an_impossible_wish_is_said_in_one_line(sandboxes: Sandboxes, wish: dict, says: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(UsageError, match=says):
        sandboxes.create(**wish)
    assert sandboxes.ids == ("default",)


def test_there_is_an_end_to_how_many_there_can_be(sandboxes: Sandboxes) -> None:
    for _ in range(20):
        sandboxes.create()
    with pytest.raises(UsageError, match="there are 20 sandboxes"):
        sandboxes.create()
    assert sandboxes.drop(sandboxes.ids[5])
    assert sandboxes.create().id in sandboxes.ids


def test_many_threads_can_make_and_drop_sandboxes(sandboxes: Sandboxes) -> None:
    seen: list[str] = []

    def work() -> None:
        for _ in range(10):
            made = sandboxes.create()
            seen.append(made.id)
            assert sandboxes.get(made.id) is made
            sandboxes.drop(made.id)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == len(seen) == 80
    assert sandboxes.ids == ("default",)


def test_making_and_resetting_cost_milliseconds(sandboxes: Sandboxes) -> None:
    sandboxes.create()
    best = []
    for act in (sandboxes.create, lambda: sandboxes.reset("default")):
        times = []
        for _ in range(5):
            began = time.perf_counter()
            act()
            times.append(time.perf_counter() - began)
        best.append(min(times))
    assert max(best) < 0.01


def test_what_happens_in_one_sandbox_is_not_seen_in_another(
    tiny_server: Running, http: httpx.Client, login: Login
) -> None:
    one, other = tiny_server.sandboxes.create(), tiny_server.sandboxes.create()
    try:
        url, elsewhere = tiny_server.base_url(one, "tiny"), tiny_server.base_url(other, "tiny")
        mine = login(one)
        one.faults.add({"fault": "status", "args": {"status": 503}, "when": {"path": "/metadata"}})
        one.clock.advance(timedelta(days=3))
        assert http.get(f"{url}/fhir/metadata").status_code == 503
        assert http.get(f"{elsewhere}/fhir/metadata").status_code == 200
        assert http.get(f"{elsewhere}/fhir/Patient/3", headers=mine).status_code == 401
        assert other.clock.now().date() == date(2026, 1, 5)
        assert (len(one.journal), len(other.journal)) == (1, 2)
        assert one.sites["tiny"].clients == other.sites["tiny"].clients
    finally:
        tiny_server.sandboxes.drop(one.id)
        tiny_server.sandboxes.drop(other.id)


def test_a_reset_sandbox_is_at_its_first_moment(tiny_server: Running, http: httpx.Client, login: Login) -> None:
    made = tiny_server.sandboxes.create()
    url = tiny_server.base_url(made, "tiny")
    old = login(made)
    http.get(f"{url}/fhir/Patient/3", headers=old)
    made.faults.add({"fault": "reset_peer"})
    made.sites["twin"].limits.set("per-minute", calls=1)
    made.clock.advance(timedelta(hours=1))
    clients = list(made.sites["tiny"].clients)
    tiny_server.sandboxes.reset(made.id)
    assert len(made.journal) == 0
    assert made.faults.rules == ()
    assert made.clock.now().hour == 12
    assert made.sites["twin"].limits.limit("per-minute").calls == 5
    assert list(made.sites["tiny"].clients) == clients
    assert http.get(f"{url}/fhir/Patient/3", headers=old).status_code == 401
    new = login(made)
    assert new != old
    assert http.get(f"{url}/fhir/Patient/3", headers=new).status_code == 200
    tiny_server.sandboxes.drop(made.id)
    assert tiny_server.sandboxes.reset(made.id) is None
