"""The journal: everything in order, bounded, queryable, followed; and what it shows of secrets: nothing."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.exchange import Caller, Exchange, json_reply, reply
from simulator.journal.entry import entry_of
from simulator.journal.journal import Journal
from simulator.journal.redaction import body_text, fingerprint, redacted_pairs
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox
from simulator.selector import Selector

Make = Callable[..., Exchange]


def fill(journal: Journal, make: Make, count: int, size: int = 0) -> None:
    for _ in range(count):
        x = make()
        x.reply = reply(200, b"x" * size)
        journal.append(x)


def test_exchanges_are_numbered_and_the_oldest_fall_out(exchange: Make) -> None:
    journal = Journal(3)
    fill(journal, exchange, 5)
    assert [x.id for x in journal.entries] == ["x3", "x4", "x5"]
    assert (journal.dropped, journal.last, len(journal)) == (2, 5, 3)
    assert journal.get("x4") is journal.entries[1]
    assert journal.get("x2") is None
    assert journal.get("nonsense") is None


def test_bodies_are_bounded_too(exchange: Make) -> None:
    journal = Journal(100, max_bytes=1000)
    fill(journal, exchange, 8, size=300)
    assert [x.id for x in journal.entries] == ["x6", "x7", "x8"]
    fill(journal, exchange, 1, size=5000)
    assert [x.id for x in journal.entries] == ["x9"]
    fill(journal, exchange, 2, size=300)
    assert [x.id for x in journal.entries] == ["x10", "x11"]


@given(size=st.integers(1, 8), count=st.integers(0, 20), since=st.integers(0, 25), limit=st.integers(0, 9))
def test_find_agrees_with_a_plain_list(size: int, count: int, since: int, limit: int, exchange: Make) -> None:
    journal = Journal(size)
    fill(journal, exchange, count)
    expected = [f"x{n}" for n in range(max(since, count - size) + 1, count + 1)][:limit]
    assert [x.id for x in journal.find(since=since, limit=limit)] == expected
    assert [x.id for x in journal.find(since=f"x{since}", limit=limit)] == expected


def test_find_asks_for_every_field(exchange: Make) -> None:
    journal = Journal(9)
    for path, status in (("/fhir/Patient/3", 200), ("/fhir/Patient", 429), ("/token", 200)):
        x = exchange(path, method="POST" if path == "/token" else "GET")
        x.route = x.vendor.route(x)
        x.caller = None if path == "/token" else Caller("a" if status == 200 else "b")
        x.reply = reply(status)
        journal.append(x)
    assert [x.id for x in journal.find(path="/Patient*")] == ["x1", "x2"]
    assert [x.id for x in journal.find(status="4xx")] == ["x2"]
    assert [x.id for x in journal.find(client="a")] == ["x1"]
    assert [x.id for x in journal.find(operation="token")] == ["x3"]
    assert [x.id for x in journal.find(method="GET", vendor="tiny")] == ["x1", "x2"]
    assert journal.find(vendor="twin") == []
    assert [x.id for x in journal.find(~Selector(path="/Patient*"))] == ["x3"]
    with pytest.raises(UsageError):
        journal.find(status="lots")


def test_ids_are_unique_when_many_threads_write(exchange: Make) -> None:
    journal = Journal(10_000)
    exchanges = [exchange() for _ in range(800)]
    threads = [
        threading.Thread(target=lambda part: [journal.append(x) for x in part], args=(exchanges[n::8],))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [x.id for x in journal.entries] == [f"x{n}" for n in range(1, 801)]


def test_a_follower_sees_what_was_and_what_comes(exchange: Make) -> None:
    journal = Journal(10)

    async def followed() -> list[str]:
        fill(journal, exchange, 2)
        seen = []
        async for x in journal.follow(since=1):
            seen.append(x.id)
            if x.id == "x2":
                fill(journal, exchange, 2)
            if x.id == "x4":
                journal.close()
        return seen

    assert asyncio.run(followed()) == ["x2", "x3", "x4"]


def test_another_thread_can_wait_for_an_exchange(exchange: Make) -> None:
    journal = Journal(10)
    assert journal.wait(Selector(), timeout_s=0.001) is None
    timer = threading.Timer(0.01, fill, args=(journal, exchange, 1))
    timer.start()
    found = journal.wait(Selector(path="/Patient*"), timeout_s=5)
    timer.join()
    assert found is journal.entries[0]


SECRET = "s3cr3t-value"


def shown(x: Exchange) -> str:
    return json.dumps(entry_of(x))


def test_secrets_are_shown_as_fingerprints_only(exchange: Make) -> None:
    basic = base64.b64encode(f"user:{SECRET}".encode()).decode()
    form = f"grant_type=client_credentials&client_secret={SECRET}&password={SECRET}&scope=a"
    x = exchange(
        "/token",
        method="POST",
        query=f"access_token={SECRET}&_count=5",
        body=form.encode(),
        headers={
            "authorization": f"Basic {basic}",
            "content-type": "application/x-www-form-urlencoded",
            "x-api-key": SECRET,
            "cookie": f"session={SECRET}",
        },
    )
    x.reply = json_reply(200, {"access_token": SECRET, "refresh_token": SECRET, "expires_in": 300})
    assert SECRET not in shown(x)
    assert basic not in shown(x)
    entry = entry_of(x)
    mark = fingerprint("access_token", SECRET)
    assert json.loads(entry["response_body"])["access_token"] == mark
    assert entry["query"] == f"access_token={mark}&_count=5"
    assert dict(entry["request_headers"])["authorization"] == f"Basic user:{fingerprint('client_secret', SECRET)}"
    assert entry["request_body"].startswith("grant_type=client_credentials&client_secret=client_secret:")
    bearer = exchange(headers={"authorization": f"Bearer {SECRET}"})
    assert dict(entry_of(bearer)["request_headers"])["authorization"] == f"Bearer {mark}"


@pytest.mark.parametrize(
    "header", ["Bearer", SECRET, f"Digest {SECRET}", f"Basic {SECRET}", "Basic !!", f"bearer   {SECRET}"]
)
def test_a_strange_authorization_shows_no_secret_either(exchange: Make, header: str) -> None:
    assert SECRET not in shown(exchange(headers={"authorization": header}))


def test_an_assertion_keeps_its_claims_but_not_its_signature() -> None:
    told = redacted_pairs("client_assertion=aGVhZA.Y2xhaW1z.c2ln&x=1")
    assert told == f"client_assertion=aGVhZA.Y2xhaW1z.{fingerprint('signature', 'c2ln')}&x=1"
    assert (
        redacted_pairs("client_assertion=not-a-jwt")
        == f"client_assertion={fingerprint('client_assertion', 'not-a-jwt')}"
    )


@given(body=st.binary(max_size=200).filter(lambda body: b"=" not in body), limit=st.none() | st.integers(1, 50))
def test_every_body_can_be_shown(body: bytes, limit: int | None) -> None:
    told = body_text(body, "text/plain", limit)
    if told.startswith("base64:"):
        assert body.startswith(base64.b64decode(told.removeprefix("base64:")))
    elif limit is None:
        assert told == body.decode()
    else:
        assert body.startswith(told.encode())


def test_a_cut_does_not_turn_text_into_bytes() -> None:
    assert body_text("ab\u20acd".encode(), "text/plain", 4) == "ab"


def test_an_entry_has_the_shape_that_scripts_rely_on(
    url: str, tiny_sandbox: Sandbox, http: httpx.Client, login: Callable[..., dict[str, str]]
) -> None:
    http.get(f"{url}/fhir/Patient/3?_x=1", headers=login(tiny_sandbox))
    entry = entry_of(tiny_sandbox.journal.entries[0])
    expected = {
        "id": "x1",
        "seq": 1,
        "direction": "in",
        "vendor": "tiny",
        "operation": "Patient.read",
        "method": "GET",
        "path": "/fhir/Patient/3",
        "query": "_x=1",
        "raw_path": f"/s/{tiny_sandbox.id}/tiny/fhir/Patient/3",
        "status": 200,
        "fault": None,
        "simulated": True,
        "refusal": None,
        "request_body": "",
        "complete": True,
        "token_id": "t1",
        "scope_needed": ["Patient", "r"],
        "served": [["Patient", "3"]],
        "client": next(iter(tiny_sandbox.sites["tiny"].clients)),
    }
    assert {name: entry[name] for name in expected} == expected
    assert entry["at"].startswith("2026-01-05T12:00:0")
    assert entry["at"].endswith("Z")
    assert 0 < entry["duration_ms"] < 5000
    assert 0 <= entry["t_s"] < 60
    assert entry["bytes_sent"] == entry["response_size"] == len(entry["response_body"])
    assert ["content-length", str(entry["response_size"])] in entry["response_headers"]
