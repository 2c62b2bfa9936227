"""Chance and time of faults: shares and distributions over ten thousand seeded calls, the same faults again from a seed
or a journal, and a clock that can be turned."""

from __future__ import annotations

import asyncio
import math
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import scenario
from simulator.exchange import Exchange
from simulator.faults.book import FaultBook
from simulator.faults.rule import Rule
from simulator.journal.entry import entry_of
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox
from simulator.server import Running, Server

Make = Callable[..., Exchange]
Login = Callable[..., dict[str, str]]
CALLS = 10_000


# Statistics: tolerances are four standard errors, so that an honest generator fails once in 16,000 seeds


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.97])
def test_a_share_of_ten_thousand_calls_is_kept(share: float, exchange: Make) -> None:
    x = exchange()
    book = FaultBook(b"seed")
    rule = book.add({"fault": "empty_body", "share": share})
    assert isinstance(rule, Rule)
    for _ in range(CALLS):
        rule.decide(x)
    error = math.sqrt(share * (1 - share) / CALLS)
    assert abs(rule.hits / CALLS - share) < 4 * error


def waits(exchange: Make, args: dict[str, Any], at_s: float = 0.0) -> list[float]:
    """Ten thousand waits in milliseconds, by the decision alone."""
    x = exchange()
    book = FaultBook(b"seed", lambda: x.at - timedelta(seconds=at_s))
    rule = book.add({"fault": "latency", "args": args})
    assert isinstance(rule, Rule)
    wait = rule.kind.wait
    assert wait is not None
    acts = [rule.decide(x) for _ in range(CALLS)]
    return sorted(1000 * wait(act) for act in acts if act is not None)


def test_a_fixed_wait_is_fixed_and_a_uniform_one_is_even(exchange: Make) -> None:
    assert set(waits(exchange, {"latency_ms": 50})) == {50.0}
    even = waits(exchange, {"latency_ms": 100, "jitter_ms": 40})
    assert 60 <= even[0] < even[-1] <= 140
    assert abs(statistics.mean(even) - 100) < 4 * 80 / math.sqrt(12 * CALLS)
    assert all(abs(even[CALLS * part // 10] - (60 + 8 * part)) < 2 for part in range(1, 10))


def test_a_normal_wait_has_its_mean_and_deviation(exchange: Make) -> None:
    found = waits(exchange, {"latency_ms": 200, "jitter_ms": 20, "distribution": "normal"})
    assert abs(statistics.mean(found) - 200) < 4 * 20 / math.sqrt(CALLS)
    assert abs(statistics.stdev(found) - 20) < 4 * 20 / math.sqrt(2 * CALLS)


def test_a_lognormal_wait_has_its_median_and_its_tail(exchange: Make) -> None:
    found = waits(exchange, {"latency_ms": 90, "sigma": 0.4, "distribution": "lognormal"})
    logs = [math.log(one / 90) for one in found]
    assert abs(statistics.mean(logs)) < 4 * 0.4 / math.sqrt(CALLS)
    assert abs(statistics.stdev(logs) - 0.4) < 4 * 0.4 / math.sqrt(2 * CALLS)


def test_a_wait_by_quantiles_has_each_region_of_them(exchange: Make) -> None:
    args = {"latency_ms": 10, "distribution": "quantiles", "quantiles": {"50": 80, "90": 300, "99": 4000}}
    found = waits(exchange, args)
    for percent, expected in ((50, 80), (90, 300), (99, 4000)):
        place = CALLS * percent // 100
        error = 4 * math.sqrt(percent / 100 * (1 - percent / 100) * CALLS)
        assert found[int(place - error)] <= expected <= found[min(CALLS - 1, int(place + error))]
    assert found[0] >= 10
    assert found[-1] == 4000


def test_spikes_come_on_top_of_their_share(exchange: Make) -> None:
    found = waits(exchange, {"latency_ms": 10, "spike_share": 0.02, "spike_ms": 1000})
    assert set(found) == {10.0, 1010.0}
    assert abs(found.count(1010.0) / CALLS - 0.02) < 4 * math.sqrt(0.02 * 0.98 / CALLS)


@pytest.mark.parametrize(("at_s", "wait_ms"), [(0, 0), (30, 50), (60, 100), (600, 100)])
def test_a_ramp_grows_with_sandbox_time(exchange: Make, at_s: float, wait_ms: float) -> None:
    assert set(waits(exchange, {"latency_ms": 100, "ramp_s": 60}, at_s)) == {float(wait_ms)}


@pytest.mark.parametrize("quantiles", [{"x": 1}, {"50": 10, "90": 5}, {"0": 1}, {"101": 1}, {"50": -1}, {"50": None}])
def test_what_are_no_quantiles_is_refused(quantiles: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="`quantiles` of fault `latency` cannot be"):
        FaultBook(b"s").add({"fault": "latency", "args": {"latency_ms": 1, "quantiles": quantiles}})


# Latency that stays true under load


def test_a_wait_is_as_long_with_a_hundred_callers_as_with_one_and_both_are_reported(
    url: str, tiny_sandbox: Sandbox, login: Login, tiny_server: Running, http: httpx.Client
) -> None:
    tiny_sandbox.faults.add({"fault": "latency", "args": {"latency_ms": 200, "distribution": "fixed"}})
    headers = login(tiny_sandbox)

    async def crowd() -> float:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(headers=headers, timeout=30, limits=limits) as client:
            began = time.monotonic()
            await asyncio.gather(*(client.get(f"{url}/fhir/Patient/3") for _ in range(100)))
            return time.monotonic() - began

    assert asyncio.run(crowd()) < 100 * 0.2 / 2  # one after the other they would take twenty seconds
    (told,) = http.get(f"{tiny_server.control}/sandboxes/{tiny_sandbox.id}/faults").json()["faults"]
    assert told["latency"]["count"] == 100
    assert told["latency"]["configured_ms"] == {"mean": 200.0, "p50": 200.0, "p95": 200.0, "p99": 200.0}
    assert told["latency"]["achieved_ms"]["p50"] >= 200.0
    assert told["latency"]["late_ms"]["max"] >= told["latency"]["late_ms"]["p50"] >= 0
    metrics = http.get(f"{tiny_server.control}/metrics").text
    assert f'emr_sandbox_latency_configured_seconds_total{{sandbox="{tiny_sandbox.id}",fault="f1"}} 20.0' in metrics


# Again


KINDS = ["status", "empty_body", "reorder_entries", "latency", "reset_peer", "moving_data"]
faults = st.lists(
    st.fixed_dictionaries(
        {
            "fault": st.sampled_from(
                ["status", "empty_body", "reorder_entries", "latency", "reset_peer", "moving_data"]
            ),
            "share": st.sampled_from([0.2, 0.5, 1.0]),
            "skip": st.integers(0, 3),
            "budget": st.none() | st.integers(0, 6),
            "when": st.sampled_from([{}, {"path": "/fhir/Patient*"}, {"operation": "*.search"}, {"status": 200}]),
        }
    ),
    max_size=4,
)
paths = st.lists(st.sampled_from(["/fhir/Patient/3", "/fhir/Patient/4", "/fhir/Thing", "/fhir/metadata"]), max_size=25)


def with_args(fault: dict[str, Any]) -> dict[str, Any]:
    needed = {"status": {"status": 503}, "latency": {"latency_ms": 0, "jitter_ms": 1}}
    return {**fault, "args": needed.get(fault["fault"], {})}


def run(sandbox: Sandbox, asked: list[str], make: Make) -> list[dict[str, Any]]:
    """What was done to each of these calls, in order."""
    from simulator.pipeline import handle

    sandbox.journal.clear()
    site = sandbox.sites["tiny"]
    client = next(iter(site.clients))
    token = site.tokens.issue(
        client, (), now=sandbox.clock.now(), lifetime=timedelta(days=1), allows=lambda resource_type, action: True
    )
    headers = {"authorization": f"Bearer {token.text}"}
    for path in asked:
        asyncio.run(handle(make(path, sandbox=sandbox, headers=headers)))
    return [entry_of(x) for x in sandbox.journal.entries]


def done(entries: list[dict[str, Any]]) -> list[list[tuple[str, str, str]]]:
    return [sorted((one["id"], one["fault"], one["draw"]) for one in entry["faults"]) for entry in entries]


@settings(max_examples=40)
@given(rules=faults, asked=paths)
def test_the_same_seed_and_calls_give_the_same_faults(
    rules: list[dict[str, Any]], asked: list[str], exchange: Make, tiny_app: Server
) -> None:
    home = tiny_app.sandboxes.default
    runs = []
    for _ in range(2):
        home.reset()
        for rule in rules:
            home.faults.add(with_args(rule))
        runs.append(done(run(home, asked, exchange)))
    assert runs[0] == runs[1]


@settings(max_examples=40)
@given(rules=faults, asked=paths, seed=st.randoms(use_true_random=False))
def test_a_journal_replays_its_faults_without_the_rules(
    rules: list[dict[str, Any]], asked: list[str], seed: Any, exchange: Make, tiny_app: Server
) -> None:
    home = tiny_app.sandboxes.default
    home.reset()
    for rule in rules:
        home.faults.add(with_args(rule))
    first = run(home, asked, exchange)
    home.reset()
    home.faults.replay(first)
    again = run(home, asked, exchange)
    assert done(again) == done(first)
    assert [entry["status"] for entry in again] == [entry["status"] for entry in first]
    assert [entry["response_body"] for entry in again] == [entry["response_body"] for entry in first]
    # Calls that come in another order meet what calls to the same place met, in order.
    home.reset()
    home.faults.replay(first)
    mixed = list(asked)
    seed.shuffle(mixed)
    shuffled = run(home, mixed, exchange)
    for path in set(asked):
        mine = [[e for e in entries if e["path"] == path] for entries in (first, shuffled)]
        assert done(mine[0]) == done(mine[1])


def test_a_journal_is_replayed_through_the_control_api(
    url: str, tiny_sandbox: Sandbox, tiny_server: Running, http: httpx.Client
) -> None:
    here = f"{tiny_server.control}/sandboxes/{tiny_sandbox.id}"
    http.post(f"{here}/faults", json={"fault": "status", "args": {"status": 503}, "share": 0.5})
    first = [http.get(f"{url}/fhir/metadata").status_code for _ in range(20)]
    recorded = http.get(f"{here}/journal").json()
    http.post(f"{here}/reset")
    assert http.post(f"{here}/faults/replay", json=recorded).json() == {
        "calls": 20, "faults": first.count(503), "left": 20,
    }  # fmt: skip
    assert [http.get(f"{url}/fhir/metadata").status_code for _ in range(20)] == first
    assert http.get(f"{here}/faults").json()["replay"]["left"] == 0
    assert http.get(f"{url}/fhir/metadata").status_code == 200


@pytest.mark.parametrize(
    ("exchange_", "says"),
    [
        ({"vendor": "tiny"}, "exchange 1 of the journal has no vendor, method, path and faults"),
        ({"vendor": "t", "method": "GET", "path": "/", "faults": 3}, "`faults` is a list"),
        ({"vendor": "t", "method": "GET", "path": "/", "faults": [{}]}, "a fault has id, fault, args and draw"),
    ],
)
def test_what_is_no_journal_is_refused(exchange_: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        FaultBook(b"s").replay([exchange_])


# The clock


DAY = """
story = "A day at the desk: the night job, the rush at eight, the key that somebody changes at noon, closing time."
source = "every weekday"

[[actions]]
fault = { id = "night", fault = "full_outage", args = { lasts_s = 1800 } }

[[actions]]
at_s = 28800
limits = { vendor = "twin", name = "per-minute", calls = 2 }

[[actions]]
at_s = 43200
revoke = { vendor = "twin" }

[[actions]]
at_s = 61200
fault = { id = "closing", fault = "status", args = { status = 503 }, window = { for_s = 3600 } }
"""


def test_a_turn_of_an_hour_refills_a_quota_and_ends_a_token_and_a_days_schedule_plays_in_under_a_second(
    tmp_path: Any, tiny_sandbox: Sandbox, tiny_server: Running, http: httpx.Client, login: Login
) -> None:
    (tmp_path / "day.toml").write_text(DAY)
    tiny_sandbox.clock.freeze()
    scenario.play(scenario.load(tmp_path / "day.toml"), tiny_sandbox)
    door = f"{tiny_server.base_url(tiny_sandbox, 'twin')}/fhir/Patient"
    turn = f"{tiny_server.control}/sandboxes/{tiny_sandbox.id}/clock/advance"
    day, short = login(tiny_sandbox, "twin", lifetime_s=1e6), login(tiny_sandbox, "twin", 1, lifetime_s=3600)
    seen: list[Any] = []
    turning_s = 0.0
    for hour in range(24):
        seen.append([http.get(door, headers=headers).status_code for headers in (day, day, day, short)])
        if hour == 12:
            day = login(tiny_sandbox, "twin", lifetime_s=1e6)
        began = time.process_time()  # both sides run in this process; what else the machine does is no matter
        http.post(turn, json={"seconds": 3600})
        turning_s += time.process_time() - began
    assert turning_s < 1
    assert seen[0] == [503, 503, 503, 503]
    assert seen[1] == [200, 200, 200, 401]
    assert seen[8] == [200, 200, 429, 401]
    assert seen[12] == [401, 401, 401, 401]
    assert seen[13] == [200, 200, 429, 401]
    assert seen[17] == [503, 503, 503, 503]
    assert seen[18] == [200, 200, 429, 401]


def test_what_was_due_while_the_clock_leapt_counts_from_when_it_was_due(
    tmp_path: Any, tiny_sandbox: Sandbox, url: str, http: httpx.Client
) -> None:
    (tmp_path / "day.toml").write_text(DAY)
    tiny_sandbox.clock.freeze()
    scenario.play(scenario.load(tmp_path / "day.toml"), tiny_sandbox)
    tiny_sandbox.clock.advance(timedelta(seconds=61200 + 3599))
    assert http.get(f"{url}/fhir/metadata").status_code == 503
    tiny_sandbox.clock.advance(timedelta(seconds=1))
    assert http.get(f"{url}/fhir/metadata").status_code == 200


def test_a_scaled_clock_lets_an_outage_of_an_hour_pass_in_a_moment(
    tiny_sandbox: Sandbox, url: str, http: httpx.Client
) -> None:
    tiny_sandbox.faults.add({"fault": "full_outage", "args": {"lasts_s": 3600}})
    assert http.get(f"{url}/fhir/metadata").status_code == 503
    tiny_sandbox.clock.run(scale=1e6)
    deadline = time.monotonic() + 5
    while http.get(f"{url}/fhir/metadata").status_code == 503:
        assert time.monotonic() < deadline
