"""A clock that is put at an hour of the week, and one whose skew is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.actions import check, turn_clock
from simulator.clock import next_moment
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox
from simulator.server import Running

MONDAY_NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("monday 12:00", datetime(2026, 1, 12, 12, tzinfo=UTC)),
        ("monday 12:01", datetime(2026, 1, 5, 12, 1, tzinfo=UTC)),
        ("Monday 08:00 -06:00", datetime(2026, 1, 5, 14, tzinfo=UTC)),
        ("sunday 23:30 -06:00", datetime(2026, 1, 12, 5, 30, tzinfo=UTC)),
        ("tuesday 00:30 +13:00", datetime(2026, 1, 12, 11, 30, tzinfo=UTC)),
        ("friday 17:00 Z", datetime(2026, 1, 9, 17, tzinfo=UTC)),
    ],
)
def test_the_next_hour_of_the_week_is_the_first_after_now(text: str, expected: datetime) -> None:
    assert next_moment(MONDAY_NOON, text) == expected


@given(
    minutes=st.integers(0, 20_000), day=st.sampled_from(["monday", "thursday", "sunday"]), offset=st.integers(-12, 13)
)
def test_it_is_always_within_a_week_and_on_that_day(minutes: int, day: str, offset: int) -> None:
    now = MONDAY_NOON + timedelta(minutes=minutes)
    sign = "-" if offset < 0 else "+"
    found = next_moment(now, f"{day} 08:15 {sign}{abs(offset):02}:00")
    assert now < found <= now + timedelta(days=7)
    there = found + timedelta(hours=offset)
    assert (there.strftime("%A").lower(), there.hour, there.minute) == (day, 8, 15)


@pytest.mark.parametrize("text", ["someday 08:00", "monday", "monday 8:00", "monday 25:00", ""])
def test_what_is_no_such_hour_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="`next` of `clock` is") as caught:
        check("clock", {"next": text})
    assert caught.value.hint == "for example monday 08:00 -06:00"


def test_a_scenario_can_put_the_clock(tiny_sandbox: Sandbox) -> None:
    tiny_sandbox.clock.freeze()
    turn_clock(tiny_sandbox, {"now": datetime(2026, 3, 1, 8, tzinfo=UTC), "next": "monday 08:00", "skew_s": 5})
    assert tiny_sandbox.clock.now() == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert tiny_sandbox.clock.skew == timedelta(seconds=5)
    with pytest.raises(UsageError, match="needs an offset"):
        check("clock", {"now": "2026-03-01T08:00:00"})


def test_a_frozen_clock_goes_on_as_fast_as_before(
    tiny_server: Running, tiny_sandbox: Sandbox, http: httpx.Client
) -> None:
    here = f"{tiny_server.control}/sandboxes/{tiny_sandbox.id}/clock"
    scales = [http.put(here, json=wish).json()["scale"] for wish in (
        {"scale": 60}, {"frozen": True}, {"frozen": False}, {"frozen": False}, {"scale": 2, "frozen": False},
    )]  # fmt: skip
    assert scales == [60, 0, 60, 60, 2]
    turn_clock(tiny_sandbox, {"frozen": True})
    turn_clock(tiny_sandbox, {"frozen": False})
    assert tiny_sandbox.clock.scale == 2


def test_keys_are_rotated_through_the_control_api(
    tiny_server: Running, tiny_sandbox: Sandbox, http: httpx.Client
) -> None:
    here = f"{tiny_server.control}/sandboxes/{tiny_sandbox.id}"
    before = {one["client_id"]: one for one in http.get(f"{here}/clients").json()["tiny"]}
    first, other = before
    told = http.post(f"{here}/vendors/tiny/rotate-keys", json={"client": first}).json()
    assert told == {"vendor": "tiny", "rotated": [first]}
    after = {one["client_id"]: one for one in http.get(f"{here}/clients").json()["tiny"]}
    assert after[first]["client_secret"] != before[first]["client_secret"]
    assert after[other] == before[other]
    assert http.post(f"{here}/vendors/tiny/rotate-keys").json()["rotated"] == [first, other]
    assert http.post(f"{here}/vendors/tiny/rotate-keys", json={"client": "who"}).status_code == 404
