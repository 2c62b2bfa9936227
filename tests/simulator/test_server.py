"""The front of the house: which sandbox and vendor a request reaches, and what the house adds to an answer.

GET /tiny/fhir/metadata            the default sandbox
GET /s/k3f9ab/tiny/fhir/metadata   another one
GET /tinny/…  /s/gone/tiny/…       404, application/problem+json
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from simulator.sandbox import Sandbox
from simulator.server import Running, running
from simulator.settings import Settings
from tests.simulator.tiny_room import tiny

Login = Callable[..., dict[str, str]]


def test_an_unknown_vendor_is_a_problem_that_says_which_there_are(tiny_server: Running, http: httpx.Client) -> None:
    answer = http.get(f"{tiny_server.url}/tinny/fhir/metadata")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == 'unknown vendor "tinny"; known in sandbox default: tiny, twin'


def test_an_unknown_sandbox_is_a_problem_that_says_which_there_are(tiny_server: Running, http: httpx.Client) -> None:
    answer = http.get(f"{tiny_server.url}/s/gone/tiny/fhir/metadata")
    assert answer.status_code == 404
    assert 'unknown sandbox "gone"; known: default' in answer.json()["detail"]


def test_the_root_says_where_everything_is(tiny_server: Running, http: httpx.Client) -> None:
    told = http.get(tiny_server.url).json()
    assert told["ready"] is True
    assert told["control"] == tiny_server.control
    assert told["vendors"]["tiny"]["fhir_url"] == f"{tiny_server.url}/tiny/fhir"


def test_urls_that_a_vendor_hands_out_stay_in_the_sandbox_that_was_called(
    url: str, tiny_sandbox: Sandbox, http: httpx.Client, login: Login
) -> None:
    answer = http.get(f"{url}/fhir/Patient", headers=login(tiny_sandbox))
    assert answer.json()["next"] == f"{url}/fhir/Patient?page=2"


def test_urls_follow_the_host_that_the_caller_named(
    url: str, tiny_sandbox: Sandbox, http: httpx.Client, login: Login
) -> None:
    answer = http.get(f"{url}/fhir/Patient", headers={**login(tiny_sandbox), "host": "emr.example:99"})
    assert answer.json()["next"].startswith(f"http://emr.example:99/s/{tiny_sandbox.id}/tiny/")


FORWARDED = {"x-forwarded-proto": "https", "x-forwarded-host": "fhir.example, inner", "x-forwarded-prefix": "/emr/"}


def test_forwarded_headers_are_not_believed_by_default(
    url: str, tiny_sandbox: Sandbox, http: httpx.Client, login: Login
) -> None:
    answer = http.get(f"{url}/fhir/Patient", headers={**login(tiny_sandbox), **FORWARDED})
    assert answer.json()["next"].startswith(url)


def test_forwarded_headers_are_believed_when_told_so(http: httpx.Client, login: Login) -> None:
    with running(Settings(vendors=("tiny",), rooms=(tiny(),), patients=10, trust_forwarded=True)) as up:
        headers = {**login(up.sandboxes.default), **FORWARDED}
        answer = http.get(f"{up.url}/tiny/fhir/Patient", headers=headers)
        assert answer.json()["next"].startswith("https://fhir.example/emr/tiny/fhir/Patient")
        told = http.get(f"{up.control}/sandboxes/default", headers=FORWARDED | {"host": "localhost"})
        assert told.json()["vendors"]["tiny"]["base_url"] == "https://fhir.example/emr/tiny"


def test_head_is_get_without_the_body(url: str, tiny_sandbox: Sandbox, http: httpx.Client) -> None:
    whole = http.get(f"{url}/fhir/metadata")
    head = http.head(f"{url}/fhir/metadata")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    (x,) = tiny_sandbox.journal.find(method="HEAD")
    assert x.bytes_sent == 0
    assert x.complete


def test_the_exchange_id_is_told_only_when_asked_for(url: str, tiny_sandbox: Sandbox, http: httpx.Client) -> None:
    plain = http.get(f"{url}/fhir/metadata")
    asked = http.get(f"{url}/fhir/metadata", headers={"X-EMR-Sandbox-Exchange": "please"})
    assert "x-emr-sandbox-exchange" not in plain.headers
    assert asked.headers["x-emr-sandbox-exchange"] == tiny_sandbox.journal.entries[-1].id == "x2"


def test_nothing_of_the_house_is_in_an_answer(url: str, http: httpx.Client) -> None:
    answer = http.get(f"{url}/fhir/metadata")
    assert sorted(answer.headers) == ["content-length", "content-type", "date"]


def test_date_is_the_callers_time_with_the_skew_of_the_sandbox(
    url: str, tiny_sandbox: Sandbox, http: httpx.Client
) -> None:
    right = parsedate_to_datetime(http.get(f"{url}/fhir/metadata").headers["date"])
    tiny_sandbox.clock.advance(timedelta(days=1))
    tiny_sandbox.clock.skew = timedelta(seconds=-90)
    wrong = parsedate_to_datetime(http.get(f"{url}/fhir/metadata").headers["date"])
    assert timedelta(seconds=88) <= right - wrong <= timedelta(seconds=90)


def test_our_gaps_and_our_crashes_are_told_apart_from_the_vendor(
    url: str, tiny_sandbox: Sandbox, http: httpx.Client, capfd: pytest.CaptureFixture[str]
) -> None:
    gap, crash, refused = (http.get(f"{url}/{door}") for door in ("gap", "crash", "nowhere"))
    assert (gap.status_code, gap.headers["x-emr-sandbox"]) == (501, "not-simulated")
    assert (crash.status_code, crash.headers["x-emr-sandbox"]) == (500, "bug")
    assert "a crash for tests" not in crash.text
    assert "a crash for tests" in capfd.readouterr().err
    assert refused.status_code == 404
    assert "x-emr-sandbox" not in refused.headers
    assert [x.reply is not None and x.reply.simulated for x in tiny_sandbox.journal.entries] == [False, False, True]


@pytest.fixture(scope="module")
def small_bodies() -> Settings:
    return Settings(vendors=("tiny",), rooms=(tiny(),), patients=10, max_body_bytes=1000)


def test_a_body_beyond_the_cap_is_refused_in_both_framings(
    small_bodies: Settings, http: httpx.Client, login: Login
) -> None:
    with running(small_bodies) as up:
        door = f"{up.url}/tiny/fhir/Patient"
        headers = login(up.sandboxes.default)
        assert http.post(door, headers=headers, content=b"x" * 1000).json() == {"got": 1000}
        assert http.post(door, headers=headers, content=iter([b"x" * 600, b"x" * 400])).json() == {"got": 1000}
        known = http.post(door, headers=headers, content=b"x" * 1001)
        chunked = http.post(door, headers=headers, content=iter([b"x" * 600, b"x" * 401]))
        for answer in (known, chunked):
            assert answer.status_code == 413
            assert answer.json()["detail"] == "the body is longer than 1000 bytes"
        assert len(up.sandboxes.default.journal) == 2


def test_exchanges_of_one_connection_can_be_told(url: str, tiny_sandbox: Sandbox) -> None:
    for _ in range(2):
        with httpx.Client() as one:
            one.get(f"{url}/fhir/metadata")
            one.get(f"{url}/fhir/metadata")
    first, second, third, fourth = (x.connection for x in tiny_sandbox.journal.entries)
    assert first == second
    assert third == fourth
    assert first != third


def test_a_server_leaves_nothing_behind(http: httpx.Client) -> None:
    before = set(threading.enumerate())
    with running(Settings(vendors=("tiny",), rooms=(tiny(),), patients=10)) as up:
        assert http.get(f"{up.url}/tiny/fhir/metadata").status_code == 200
    assert set(threading.enumerate()) <= before
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{up.url}/tiny/fhir/metadata")


def test_rooms_at_hand_are_served_beside_those_that_are_asked_for() -> None:
    with running(Settings(vendors=("small",), rooms=(replace(tiny(), id="small"),), patients=10)) as up:
        assert list(up.sandboxes.default.sites) == ["small"]
