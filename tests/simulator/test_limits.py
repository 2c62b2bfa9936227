"""Quotas are exact: so many calls in a window of sandbox time, not one more, however many callers come at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.exchange import Caller, Exchange
from simulator.limits import Limit, LimitBook
from simulator.refusal import Refusal
from simulator.sandbox import Sandbox
from simulator.server import Server
from simulator.source import Source
from tests.simulator.tiny_room import per_minute

Make = Callable[..., Exchange]
HERE = Source("tests", "guess")
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def call(make: Make, at: datetime, client: str = "a") -> Exchange:
    x = make()
    x.sandbox.clock.set(at)
    x.caller = Caller(client)
    return x


def is_counted(book: LimitBook, x: Exchange) -> bool:
    try:
        book.count(x)
    except Refusal as refusal:
        return refusal.kind != "too_many"
    return True


@pytest.fixture
def frozen(exchange: Make) -> Make:
    exchange().sandbox.clock.freeze()
    return exchange


def test_the_last_moment_of_a_window_is_full_and_the_first_of_the_next_is_empty(frozen: Make) -> None:
    book = LimitBook([per_minute(2)])
    assert [is_counted(book, call(frozen, NOON)) for _ in range(3)] == [True, True, False]
    last = NOON + timedelta(minutes=1, microseconds=-1)
    assert not is_counted(book, call(frozen, last))
    assert is_counted(book, call(frozen, NOON + timedelta(minutes=1)))


def test_the_refusal_says_how_long_to_wait_in_whole_seconds(frozen: Make) -> None:
    book = LimitBook([per_minute(0)])
    waits = []
    for second in (0, 59, 59.5, 59.999):
        with pytest.raises(Refusal) as caught:
            book.count(call(frozen, NOON + timedelta(seconds=second)))
        waits.append(caught.value.facts["retry_after_s"])
    assert waits == [60, 1, 1, 1]
    assert caught.value.facts["limit"] == "per-minute"
    assert caught.value.facts["resets_at"] == NOON + timedelta(minutes=1)


def test_a_refused_call_counts_against_no_limit(frozen: Make) -> None:
    per_second = Limit("per-second", 1, timedelta(seconds=1), "site", HERE)
    per_day = Limit("per-day", 3, timedelta(days=1), "site", HERE)
    book = LimitBook([per_day, per_second])
    assert [is_counted(book, call(frozen, NOON)) for _ in range(3)] == [True, False, False]
    assert [one.remaining for one in book.standing(call(frozen, NOON))] == [2, 0]


def test_a_limit_of_a_client_is_its_own(frozen: Make) -> None:
    book = LimitBook([per_minute(1)])
    asked = [is_counted(book, call(frozen, NOON, client)) for client in ("a", "b", "a", "b")]
    assert asked == [True, True, False, False]


def test_calls_without_a_caller_count_only_where_a_limit_says_so(frozen: Make) -> None:
    callers = LimitBook([Limit("callers", 1, timedelta(minutes=1), "site", HERE)])
    everyone = LimitBook([Limit("all", 1, timedelta(minutes=1), "site", HERE, counts="all")])
    anonymous = frozen()
    assert [is_counted(callers, anonymous) for _ in range(3)] == [True, True, True]
    assert [is_counted(everyone, anonymous) for _ in range(3)] == [True, False, False]


def test_limits_can_be_changed_switched_off_and_restored(frozen: Make) -> None:
    book = LimitBook([per_minute(1)])
    x = call(frozen, NOON)
    assert [is_counted(book, x) for _ in range(2)] == [True, False]
    book.set("per-minute", calls=2, per_s=10)
    assert [is_counted(book, x) for _ in range(3)] == [True, True, False]
    book.off()
    assert [is_counted(book, x) for _ in range(3)] == [True, True, True]
    book.restore()
    assert (book.limits, book.is_off("per-minute")) == ((per_minute(1),), False)
    with pytest.raises(KeyError):
        book.set("per-hour", calls=1)


calls = st.lists(st.tuples(st.integers(0, 130), st.sampled_from("abc")), max_size=60).map(sorted)


@given(made=calls, per_client=st.integers(0, 4), per_site=st.integers(0, 6))
def test_counting_agrees_with_a_list_of_all_calls(
    made: list[tuple[int, str]], per_client: int, per_site: int, exchange: Make
) -> None:
    exchange().sandbox.clock.freeze()
    book = LimitBook([per_minute(per_client), Limit("per-7-s", per_site, timedelta(seconds=7), "site", HERE)])
    let_in: list[tuple[int, str]] = []
    base = datetime(2026, 1, 5, tzinfo=UTC)
    site_offset = int(base.timestamp()) % 7
    for second, client in made:
        mine = sum(1 for s, c in let_in if c == client and s // 60 == second // 60)
        everybody = sum(1 for s, _ in let_in if (s + site_offset) // 7 == (second + site_offset) // 7)
        expected = mine < per_client and everybody < per_site
        assert is_counted(book, call(exchange, base + timedelta(seconds=second), client)) == expected
        if expected:
            let_in.append((second, client))


def test_sixty_four_callers_at_once_get_exactly_what_the_window_holds(
    tiny_app: Server, login: Callable[..., dict[str, str]]
) -> None:
    home = tiny_app.sandboxes.default
    home.clock.set(NOON)
    home.clock.freeze()
    headers = login(home, "twin", lifetime_s=3600)

    async def storm() -> Counter[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(tiny_app.app), headers=headers) as client:
            answers = await asyncio.gather(*(client.get("http://test/twin/fhir/Patient") for _ in range(64)))
        return Counter(answer.status_code for answer in answers)

    assert asyncio.run(storm()) == {200: 5, 429: 59}
    home.clock.advance(timedelta(seconds=59, milliseconds=999))
    assert asyncio.run(storm()) == {429: 64}
    home.clock.advance(timedelta(milliseconds=1))
    assert asyncio.run(storm()) == {200: 5, 429: 59}


def test_a_limit_that_is_changed_on_one_site_stays_on_the_others(tiny_sandbox: Sandbox, tiny_app: Server) -> None:
    tiny_sandbox.sites["twin"].limits.set("per-minute", calls=1)
    assert tiny_app.sandboxes.default.sites["twin"].limits.limit("per-minute").calls == 5
