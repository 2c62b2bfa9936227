"""Four ways to count, each against a model that remembers every call; exact at every edge, with 64 callers at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.exchange import Caller, Exchange
from simulator.limits import Limit, LimitBook
from simulator.refusal import Refusal
from simulator.sandbox import Sandbox
from simulator.server import Running
from simulator.source import Source

Make = Callable[..., Exchange]
HERE = Source("tests", "guess")
MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
PER = timedelta(seconds=7)
PER_US = 7_000_000
CALLERS = 64


class Model:
    """Every call that was let in, by who; slow and plain."""

    def __init__(self, window: str, calls: int, burst: int) -> None:
        self.window, self.calls, self.burst = window, calls, burst
        self.let_in: dict[str, list[int]] = {}

    def room(self, who: str, at: int) -> int:
        """How many calls fit at the moment `at`, in microseconds."""
        made = self.let_in.get(who, [])
        if self.window == "fixed":
            return self.calls - sum(1 for one in made if one // PER_US == at // PER_US)
        if self.window == "sliding":
            return self.calls - sum(1 for one in made if at - PER_US < one <= at)
        level, seen = Fraction(self.burst), 0
        for one in [*made, at]:
            level = min(Fraction(self.burst), level + Fraction((one - seen) * self.calls, PER_US))
            seen = one
            level -= 1
        return int(level + 1)

    def note(self, who: str, at: int, count: int) -> None:
        self.let_in.setdefault(who, []).extend([at] * count)


@pytest.fixture(scope="module")
def crowd() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(CALLERS) as pool:
        yield pool


def call(make: Make, at: datetime, who: str) -> Exchange:
    x = make()
    x.sandbox.clock.set(at)
    x.caller = Caller(f"client-{who}", token_id=f"token-{who}")
    x.connection = f"10.0.0.{ord(who)}:{4000 + id(x) % 1000}"
    return x


def refused(book: LimitBook, x: Exchange) -> Refusal | None:
    try:
        book.count(x)
    except Refusal as refusal:
        return refusal
    return None


def is_counted(book: LimitBook, x: Exchange) -> bool:
    return refused(book, x) is None


# Steps that land on the edges of a window, just before, just after, and anywhere.
edges = st.sampled_from([0, 1, PER_US - 1, PER_US, PER_US + 1, PER_US // 2, 2 * PER_US])
steps = st.one_of(edges, st.integers(0, 3 * PER_US))
bursts = st.lists(st.tuples(steps, st.sampled_from("ab"), st.sampled_from([1, 2, 5, CALLERS])), max_size=7)


@pytest.mark.parametrize("scope", ["client", "token", "ip"])
@pytest.mark.parametrize("window", ["fixed", "sliding", "bucket"])
@settings(max_examples=12)
@given(made=bursts, calls=st.integers(0, 9), burst=st.integers(1, 9))
def test_sixty_four_callers_get_exactly_what_the_model_says_at_every_edge(
    made: list[tuple[int, str, int]], calls: int, burst: int, window: Any, scope: Any, exchange: Make,
    crowd: ThreadPoolExecutor,
) -> None:  # fmt: skip
    exchange().sandbox.clock.freeze()
    book = LimitBook([Limit("l", calls, PER, scope, HERE, window=window, burst=burst)])
    model = Model(window, calls, burst)
    at = (MIDNIGHT - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    moment = MIDNIGHT
    for step, who, count in made:
        at, moment = at + step, moment + timedelta(microseconds=step)
        crowded = [call(exchange, moment, who) for _ in range(count)]
        let_in = sum(crowd.map(lambda x: is_counted(book, x), crowded))
        expected = min(count, max(0, model.room(who, at)))
        assert let_in == expected
        model.note(who, at, let_in)


@pytest.mark.parametrize("window", ["fixed", "sliding", "bucket"])
@settings(max_examples=25)
@given(made=bursts, calls=st.integers(1, 9))
def test_after_the_wait_that_a_refusal_tells_one_more_fits_and_not_before(
    made: list[tuple[int, str, int]], calls: int, window: Any, exchange: Make
) -> None:
    exchange().sandbox.clock.freeze()
    book = LimitBook([Limit("l", calls, PER, "client", HERE, window=window)])
    moment = MIDNIGHT
    for step, who, count in made:
        moment += timedelta(microseconds=step)
        for _ in range(count):
            refusal = refused(book, call(exchange, moment, who))
            if refusal is not None:
                free: datetime = refusal.facts["resets_at"]
                assert refusal.facts["retry_after_s"] == max(1, -((moment - free) // timedelta(seconds=1)))
                assert not is_counted(book, call(exchange, free - timedelta(microseconds=1), who))
                assert is_counted(book, call(exchange, free, who))
                moment = free
                break


def test_a_concurrent_limit_holds_a_slot_until_the_answer_has_left(exchange: Make) -> None:
    book = LimitBook([Limit("at-once", 2, PER, "client", HERE, window="concurrent")])
    first, second, third = (call(exchange, MIDNIGHT, "a") for _ in range(3))
    assert [is_counted(book, x) for x in (first, second, third)] == [True, True, False]
    assert is_counted(book, call(exchange, MIDNIGHT, "b"))
    book.release(first)
    book.release(first)
    assert is_counted(book, third)
    assert [one.remaining for one in book.standing(third)] == [0]


def test_a_refused_call_holds_no_slot(exchange: Make) -> None:
    at_once = Limit("at-once", 5, PER, "site", HERE, window="concurrent")
    book = LimitBook([at_once, Limit("one", 1, PER, "site", HERE)])
    calls = [call(exchange, MIDNIGHT, "a") for _ in range(3)]
    assert [is_counted(book, x) for x in calls] == [True, False, False]
    assert [len(x.slots) for x in calls] == [1, 0, 0]


def test_callers_who_wait_for_a_slow_answer_hold_their_slots(
    url: str, tiny_sandbox: Sandbox, login: Callable[..., dict[str, str]]
) -> None:
    book = tiny_sandbox.sites["tiny"].limits
    book.set("at-once", calls=10, scope="client", window="concurrent")
    tiny_sandbox.faults.add({"fault": "latency", "args": {"latency_ms": 150}, "when": {"status": 200}})
    headers = login(tiny_sandbox)

    async def storm() -> list[int]:
        async with httpx.AsyncClient(headers=headers, timeout=10) as client:
            answers = await asyncio.gather(*(client.get(f"{url}/fhir/Patient/3") for _ in range(CALLERS)))
        return sorted(answer.status_code for answer in answers)

    assert asyncio.run(storm()) == [200] * 10 + [429] * 54
    tiny_sandbox.faults.clear()
    assert httpx.get(f"{url}/fhir/Patient/3", headers=headers).status_code == 200


@pytest.mark.parametrize("end", [{"fault": "reset_peer"}, {"fault": "black_hole", "args": {"hold_s": 0.01}}])
def test_a_slot_is_given_back_however_the_call_ends(
    end: dict[str, Any], url: str, tiny_sandbox: Sandbox, login: Callable[..., dict[str, str]]
) -> None:
    tiny_sandbox.sites["tiny"].limits.set("at-once", calls=1, scope="site", window="concurrent")
    headers = login(tiny_sandbox)
    tiny_sandbox.faults.add({**end, "budget": 3})
    for _ in range(3):
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{url}/fhir/Patient/3", headers=headers)
    assert httpx.get(f"{url}/fhir/Patient/3", headers=headers).status_code == 200


def test_a_practice_has_its_own_quota_and_limits_scale_and_switch_off(sandbox: Sandbox) -> None:
    from simulator.actions import check_in, set_limits

    book = sandbox.sites["athena"].limits
    day = book.limit("day").calls
    for wish in ({"vendor": "athena", "scale": 10}, {"vendor": "athena", "scale": 10}):
        check_in(sandbox, "limits", wish)
        set_limits(sandbox, wish)
    assert book.limit("day").calls == 10 * day
    set_limits(sandbox, {"scale": 0.001})
    assert sandbox.sites["cerner"].limits.limit("hourly").calls == 5
    new = {"vendor": "athena", "name": "practice", "calls": 3, "per_s": 60, "scope": "practice", "window": "sliding"}
    check_in(sandbox, "limits", new)
    set_limits(sandbox, new)
    assert (book.limit("practice").scope, book.limit("practice").window) == ("practice", "sliding")
    set_limits(sandbox, {"vendor": "athena", "off": True})
    assert all(book.is_off(limit.name) for limit in book.limits)
    book.restore()
    assert (book.limit("day").calls, [limit.name for limit in book.limits]) == (day, ["second", "day", "token"])


@pytest.mark.parametrize(
    ("vendor", "path", "practice"),
    [
        ("athena", "/v1/195900/patients/1", "195900"),
        ("athena", "/fhir/r4/Patient?ah-practice=Organization/a-1.Practice-195900", "195900"),
        ("cerner", "/r4/some-tenant/Patient/1", "some-tenant"),
        ("epic", "/interconnect-fhir-oauth/api/FHIR/R4/Patient/1", ""),
    ],
)
def test_a_room_knows_the_practice_of_a_call(sandbox: Sandbox, vendor: str, path: str, practice: str) -> None:
    below, _, query = path.partition("?")
    site = sandbox.sites[vendor]
    x = Exchange(sandbox, site, "GET", below, query, below, [], b"", "http://x", sandbox.clock.now(), 0.0)
    assert site.vendor.practice(x) == practice


def test_a_limit_can_be_seen_and_changed_from_outside(tiny_server: Running, tiny_sandbox: Sandbox) -> None:
    here = f"{tiny_server.control}/sandboxes/{tiny_sandbox.id}/limits"
    wish = {"vendor": "twin", "name": "per-minute", "window": "bucket", "burst": 3, "scope": "ip"}
    (told,) = httpx.put(here, json=wish).json()["limits"]["twin"]
    assert (told["window"], told["burst"], told["scope"]) == ("bucket", 3, "ip")
    assert httpx.put(here, json={"vendor": "twin", "scale": 10}).json()["limits"]["twin"][0]["calls"] == 50
    assert httpx.put(here, json={"vendor": "twin", "window": "moving"}).status_code == 422
    assert "with `calls` and `scope`" in httpx.put(here, json={"name": "other", "calls": 1}).json()["hint"]


@pytest.mark.parametrize("window", ["fixed", "sliding", "bucket"])
def test_callers_of_long_ago_are_forgotten_and_those_of_now_are_not(
    window: Any, exchange: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.counters._MOST", 10)
    exchange().sandbox.clock.freeze()
    book = LimitBook([Limit("l", 1, PER, "client", HERE, window=window)])
    for number in range(30):
        at = MIDNIGHT + (number // 10) * 2 * PER
        assert is_counted(book, call(exchange, at, chr(ord("a") + number)))
        assert not is_counted(book, call(exchange, at, chr(ord("a") + number)))
    counter = book._counters["l"]
    kept = next(getattr(counter, name) for name in ("_used", "_made", "_level") if hasattr(counter, name))
    assert len(kept) <= 11
