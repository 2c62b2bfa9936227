"""Outages: several faults under one name, on the sandbox clock; windows that come again; a part that fails alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.faults.kinds import kinds
from simulator.faults.outages import outages
from simulator.faults.window import Window
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox
from simulator.server import Running

Login = Callable[..., dict[str, str]]
Get = Callable[..., httpx.Response]


@pytest.fixture
def get(url: str, tiny_sandbox: Sandbox, http: httpx.Client, login: Login) -> Get:
    headers = login(tiny_sandbox, lifetime_s=1e6)
    tiny_sandbox.clock.freeze()
    return lambda path="/fhir/Patient/3": http.get(url + path, headers=headers)


def at(sandbox: Sandbox, get: Get, *seconds: float) -> list[int]:
    """The status of one call at each of these moments."""
    began = sandbox.clock.now()
    seen = []
    for second in seconds:
        sandbox.clock.set(began + timedelta(seconds=second))
        seen.append(get().status_code)
    return seen


def test_maintenance_is_announced_then_comes_then_the_answers_are_slow(get: Get, tiny_sandbox: Sandbox) -> None:
    args = {"notice_s": 60, "lasts_s": 120, "warm_up_s": 30, "warm_up_ms": 25}
    tiny_sandbox.faults.add({"fault": "planned_maintenance", "args": args})
    told = get()
    begins = parsedate_to_datetime(told.headers["warning"].partition("begins ")[2].rstrip('"'))
    assert 58 <= (begins - parsedate_to_datetime(told.headers["date"])).total_seconds() <= 61
    tiny_sandbox.clock.advance(timedelta(seconds=100))
    down = get()
    assert (down.status_code, down.headers["content-type"]) == (503, "text/html; charset=utf-8")
    ends = parsedate_to_datetime(down.headers["retry-after"]) - parsedate_to_datetime(down.headers["date"])
    assert 78 <= ends.total_seconds() <= 81
    tiny_sandbox.clock.advance(timedelta(seconds=80))
    slow = get()
    assert (slow.status_code, slow.elapsed >= timedelta(milliseconds=25)) == (200, True)
    tiny_sandbox.clock.advance(timedelta(seconds=30))
    assert "warning" not in get().headers
    assert tiny_sandbox.journal.entries[-1].plan.done == []  # type: ignore[union-attr]


def test_what_flaps_is_up_and_down_and_at_last_up(get: Get, tiny_sandbox: Sandbox) -> None:
    tiny_sandbox.faults.add({"fault": "flapping", "args": {"up_s": 20, "down_s": 10, "lasts_s": 100}})
    seen = at(tiny_sandbox, get, 0, 19.9, 20, 29.9, 30, 49, 50, 59, 60, 80, 99, 110)
    assert [status == 200 for status in seen] == [
        True, True, False, False, True, True, False, False, True, False, True, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("args", "asked", "down"),
    [
        ({"resource": "Patient"}, "/fhir/Patient/3", True),
        ({"resource": "Patient"}, "/fhir/Thing", False),
        ({"patient": "3"}, "/fhir/Patient/3", True),
        ({"patient": "3"}, "/fhir/Patient/4", False),
        ({"patient": "3"}, "/fhir/Thing?patient=Patient/3", True),
        ({"region": "2/4"}, "/fhir/Patient/5", True),
        ({"region": "2/4"}, "/fhir/Patient/6", False),
        ({"region": "2/4"}, "/fhir/Thing", False),
    ],
)
def test_a_part_fails_and_the_rest_is_well(
    get: Get, tiny_sandbox: Sandbox, args: dict[str, str], asked: str, down: bool
) -> None:
    tiny_sandbox.faults.add({"fault": "partial_outage", "args": args})
    assert get(asked).status_code == (503 if down else 200)


def test_a_full_outage_is_over_when_its_time_is(get: Get, tiny_sandbox: Sandbox) -> None:
    tiny_sandbox.faults.add({"fault": "full_outage", "args": {"lasts_s": 60}, "window": {"from_s": 10}})
    assert at(tiny_sandbox, get, 0, 10, 69, 70) == [200, 503, 503, 200]


def test_a_brown_out_fails_its_share(get: Get, tiny_sandbox: Sandbox) -> None:
    tiny_sandbox.faults.add({"fault": "brown_out", "args": {"failing": 0.5, "latency_ms": 0}})
    seen = [get().status_code for _ in range(40)]
    assert set(seen) == {200, 503}


def test_an_outage_of_every_vendor_spares_none_and_of_one_spares_the_other(
    get: Get, tiny_sandbox: Sandbox, tiny_server: Running, http: httpx.Client
) -> None:
    doors = [f"{tiny_server.base_url(tiny_sandbox, vendor)}/fhir/metadata" for vendor in ("tiny", "twin")]
    every = tiny_sandbox.faults.add({"fault": "full_outage"})
    assert [http.get(door).status_code for door in doors] == [503, 503]
    tiny_sandbox.faults.remove(every.id)
    tiny_sandbox.faults.add({"fault": "full_outage", "when": {"vendor": "twin"}})
    assert [http.get(door).status_code for door in doors] == [200, 503]


def test_an_outage_comes_and_goes_as_one(tiny_server: Running, tiny_sandbox: Sandbox, http: httpx.Client) -> None:
    here = f"{tiny_server.control}/sandboxes/{tiny_sandbox.id}/faults"
    made = http.post(here, json={"fault": "brown_out", "id": "monday"}).json()
    assert [rule["id"] for rule in made["rules"]] == ["monday.1", "monday.2"]
    http.post(here, json={"fault": "status", "args": {"status": 500}, "when": {"path": "/never"}})
    assert [one["id"] for one in http.get(here).json()["faults"]] == ["monday", "f2"]
    assert http.delete(f"{here}/monday").status_code == 204
    assert [rule.id for rule in tiny_sandbox.faults.rules] == ["f2"]
    assert http.delete(f"{here}/monday").status_code == 404


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"fault": "brown_out", "share": 0.5}, "outage `brown_out` takes no `share`"),
        ({"fault": "brown_out", "args": {"failing": 2}}, "`failing` of fault `brown_out` cannot be 2"),
        ({"fault": "brown_out", "args": {"failling": 1}}, "fault `brown_out` does not know `failling`"),
        ({"fault": "partial_outage"}, "has exactly one of resource, practice, region, patient; given: none"),
        ({"fault": "flapping", "window": {"for_s": 1, "every_s": 2}}, "has no `every_s`"),
        ({"fault": "partial_outage", "args": {"region": "5/4"}}, "`region` of a selector is a part of the population"),
    ],
)
def test_what_is_no_outage_is_said_in_one_line(tiny_sandbox: Sandbox, value: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        tiny_sandbox.faults.add(value)
    assert tiny_sandbox.faults.rules == ()


@pytest.mark.parametrize("outage", outages().values(), ids=lambda one: one.name)
def test_every_outage_says_what_it_is_and_has_a_schema(outage: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(outage.schema())
    assert outage.says
    assert outage.name not in kinds()


moments = st.integers(0, 200)


@given(
    start=moments, length=st.integers(1, 50), more=st.integers(0, 50), until=st.none() | moments, now=moments,
)  # fmt: skip
def test_a_window_is_open_when_a_plain_count_says_so(
    start: int, length: int, more: int, until: int | None, now: int, tiny_sandbox: Sandbox
) -> None:
    added = tiny_sandbox.clock.now()
    window = Window(start, length, length + more, until)
    is_open = now >= start and (now - start) % (length + more) < length and (until is None or now < until)
    assert (window.open_since(added, added + timedelta(seconds=now)) is not None) == is_open
