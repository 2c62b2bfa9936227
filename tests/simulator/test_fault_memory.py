"""Faults that remember one call at the next: lag, staleness, moving pages, cycles, rotation; and several at once."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from simulator.journal.entry import entry_of
from simulator.sandbox import Sandbox
from simulator.server import Running

Login = Callable[..., dict[str, str]]
Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(url: str, tiny_sandbox: Sandbox, http: httpx.Client, login: Login) -> Ask:
    headers = login(tiny_sandbox, lifetime_s=1e6)

    def asked(path: str = "/fhir/Thing", method: str = "GET", **more: Any) -> httpx.Response:
        return http.request(method, url + path if path.startswith("/") else path, headers=headers, **more)

    return asked


def ids(answer: httpx.Response) -> list[str]:
    return [entry["resource"]["id"] for entry in answer.json().get("entry", [])]


def paged(ask: Ask, most: int = 10) -> list[str]:
    """The ids of every page, following next links."""
    found: list[str] = []
    path: str | None = "/fhir/Thing"
    while path is not None and most:
        most -= 1
        answer = ask(path)
        found += ids(answer)
        path = next((link["url"] for link in answer.json()["link"] if link["relation"] == "next"), None)
    return found


def said(sandbox: Sandbox, number: int = -1) -> dict[str, Any]:
    told: dict[str, Any] = entry_of(sandbox.journal.entries[number])["fault"]
    return told


def test_a_stale_answer_is_the_old_one_until_it_is_too_old(ask: Ask, tiny_sandbox: Sandbox) -> None:
    tiny_sandbox.clock.freeze()
    tiny_sandbox.faults.add({"fault": "stale_data", "args": {"age_s": 60}})
    last = "/fhir/Thing?page=3"
    before = ask(last)
    ask(method="POST")
    assert ask(last).content == before.content
    assert said(tiny_sandbox)["differs"] is True
    tiny_sandbox.clock.advance(timedelta(seconds=60))
    assert ids(ask(last)) == [*ids(before), "w1"]


def test_an_insertion_repeats_and_a_deletion_skips(ask: Ask, tiny_sandbox: Sandbox) -> None:
    everything = [f"t{number}" for number in range(12)]
    tiny_sandbox.faults.add({"fault": "moving_data", "args": {"by": 2}})
    found = paged(ask)
    assert sorted(set(found), key=everything.index) == everything
    assert [id for id in everything if found.count(id) == 2] == ["t3", "t4", "t8", "t9"]
    tiny_sandbox.faults.clear()
    tiny_sandbox.faults.add({"fault": "moving_data", "args": {"by_what": "deletion"}})
    assert sorted(set(everything) - set(paged(ask))) == ["t10", "t5"]


def test_entries_of_who_was_asked_for_before_come_with_those_of_the_next(ask: Ask, tiny_sandbox: Sandbox) -> None:
    tiny_sandbox.faults.add({"fault": "foreign_entries", "args": {"count": 2}})
    clean = ids(ask("/fhir/Thing?patient=a"))
    second = ids(ask("/fhir/Thing?page=2&patient=a"))
    assert (clean[0], second[0]) == ("t0", "t5")  # the same patient: nothing of anybody else
    assert ids(ask("/fhir/Thing?patient=Patient/b")) == [*clean, *second[:2]]
    assert ids(ask("/fhir/Thing")) == clean  # nobody's list


@pytest.mark.parametrize(("to", "again"), [("self", "t5"), ("first", "t0")])
def test_a_cycle_never_ends(ask: Ask, tiny_sandbox: Sandbox, to: str, again: str) -> None:
    tiny_sandbox.faults.add({"fault": "page_cycle", "args": {"to": to, "from_page": 2}})
    found = paged(ask, most=7)
    assert len(found) == 35
    assert found[10] == again


def test_a_write_that_is_stored_and_cut_is_there(ask: Ask, tiny_sandbox: Sandbox) -> None:
    tiny_sandbox.faults.add({"fault": "store_then_cut", "budget": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        ask(method="POST")
    assert ask("/fhir/Thing/w1").status_code == 200


def test_a_dead_link_is_dead_and_a_refused_one_is_refused(ask: Ask, tiny_sandbox: Sandbox) -> None:
    tiny_sandbox.faults.add({"fault": "dead_link", "budget": 1})
    tiny_sandbox.faults.add({"fault": "dead_link", "args": {"into": "refused"}, "skip": 1, "budget": 1})
    links = [ask().json()["link"][-1]["url"] for _ in range(2)]
    assert ask(links[0]).status_code == 404
    with pytest.raises(httpx.ConnectError):
        ask(links[1])


def test_a_redirect_leads_to_a_second_origin_that_answers(
    ask: Ask, tiny_sandbox: Sandbox, tiny_server: Running
) -> None:
    tiny_sandbox.faults.add({"fault": "redirect"})
    answer = ask("/fhir/metadata")
    assert answer.status_code == 307
    assert answer.headers["location"] == str(answer.url).replace("127.0.0.1", "localhost")
    host = answer.url.netloc.decode().replace("127.0.0.1", "localhost")
    with httpx.Client() as other:
        moved = other.get(answer.url, headers={"host": host})
    assert moved.json() == {"kind": "tiny"}


def test_rotated_credentials_are_refused_until_the_new_ones_are_taken(
    url: str, tiny_sandbox: Sandbox, http: httpx.Client
) -> None:
    def log_in() -> int:
        sent = {"authorization": _basic(client_id, secret)}
        return http.post(f"{url}/token", headers=sent).status_code

    client_id, client = next(iter(tiny_sandbox.sites["tiny"].clients.items()))
    secret = client.client_secret
    tiny_sandbox.faults.add({"fault": "rotate_keys", "budget": 1})
    assert [log_in() for _ in range(2)] == [401, 401]
    secret = tiny_sandbox.sites["tiny"].clients[client_id].client_secret
    assert log_in() == 200


def test_faults_compose_in_one_answer_and_the_journal_names_them_all(ask: Ask, tiny_sandbox: Sandbox) -> None:
    for fault in (
        {"fault": "latency", "args": {"latency_ms": 5}},
        {"fault": "duplicate_entries"},
        {"fault": "reorder_entries", "args": {"into": "reversed"}},
        {"fault": "slicer", "args": {"average_size_bytes": 300, "delay_ms": 1}},
        {"fault": "announce", "args": {"says": "soon"}},
    ):
        tiny_sandbox.faults.add(fault)
    answer = ask()
    assert ids(answer) == ["t4", "t4", "t3", "t3", "t2", "t2", "t1", "t1", "t0", "t0"]
    assert answer.headers["warning"] == "soon"
    named = [fault["fault"] for fault in entry_of(tiny_sandbox.journal.entries[-1])["faults"]]
    assert named == ["latency", "duplicate_entries", "reorder_entries", "slicer", "announce"]


def test_no_fault_leaks(ask: Ask, tiny_sandbox: Sandbox, tiny_server: Running, http: httpx.Client) -> None:
    """Every kind at once on half of the calls; then none: a thousand calls are clean. A neighbour never notices."""
    from simulator.faults.kinds import kinds

    needed = {"latency": {"latency_ms": 1}, "ignore_parameter": {"parameter": "x"},
              "status": {"status": 503}, "limit_data": {"bytes": 5},
              "bandwidth": {"rate_bytes_s": 1e6}, "stale_data": {"age_s": 5}, "read_lag": {"lag_s": 5},
              "upgrade": {"as_of": "2026-12-01"}, "change_element": {"name": "id"},
              "shared_number": {"system": "urn:oid:1.2.3"},
              "clock_advance": {"advance_s": 1}, "clock_skew": {"skew_s": 5}, "announce": {"says": "x"},
              "black_hole": {"hold_s": 0.001}, "accept_silently": {"hold_s": 0.001}}  # fmt: skip
    neighbour = tiny_server.sandboxes.create()
    theirs = f"{tiny_server.base_url(neighbour, 'tiny')}/fhir/metadata"
    clean = http.get(theirs)
    for kind in kinds():
        if not kind.endswith("_token"):
            tiny_sandbox.faults.add({"fault": kind, "args": needed.get(kind, {}), "share": 0.05})
    for _ in range(60):
        with contextlib.suppress(httpx.TransportError):
            ask("/fhir/metadata")
        assert http.get(theirs).content == clean.content
    assert any(entry_of(x)["faults"] for x in tiny_sandbox.journal.entries)
    tiny_sandbox.faults.clear()
    before = tiny_sandbox.journal.last
    answers = {(one.status_code, one.content) for one in (ask("/fhir/metadata") for _ in range(1000))}
    assert answers == {(200, clean.content)}
    after = tiny_sandbox.journal.find(since=before)
    assert len(after) == 1000
    assert all(x.plan is not None and not x.plan.done for x in after)
    tiny_server.sandboxes.drop(neighbour.id)


def _basic(user: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()
