"""Every kind of fault in every room: nothing crashes, the journal says what was done, trouble has the room's words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from simulator import registry
from simulator.auth.request import token_request
from simulator.faults.kinds import kinds
from simulator.faults.outages import outages
from simulator.journal.entry import entry_of
from simulator.sandbox import Sandbox
from simulator.server import Running

VENDORS = tuple(registry.charting())
NEEDED: dict[str, dict[str, Any]] = {
    "ignore_parameter": {"parameter": "_count"},
    "status": {"status": 503}, "latency": {"latency_ms": 1}, "limit_data": {"bytes": 50},
    "bandwidth": {"rate_bytes_s": 1e7},
    "stale_data": {"age_s": 5}, "read_lag": {"lag_s": 5}, "clock_advance": {"advance_s": 1},
    "clock_skew": {"skew_s": 5}, "upgrade": {"as_of": "2026-12-01"},
    "change_element": {"name": "id"}, "shared_number": {"system": "urn:oid:1.2.3"},
    "announce": {"says": "soon"}, "black_hole": {"hold_s": 0.001}, "accept_silently": {"hold_s": 0.001},
    "slicer": {"average_size_bytes": 2000, "delay_ms": 1}, "partial_outage": {"patient": "17"},
    "brown_out": {"failing": 1, "latency_ms": 0}, "planned_maintenance": {"notice_s": 0}, "flapping": {"up_s": 0},
}  # fmt: skip
Ask = Callable[[str], httpx.Response]
Door = tuple[Ask, list[str]]
SILENT = {"black_hole", "accept_silently", "reset_peer", "empty_response", "chunk_abort"}


@pytest.fixture
def door(
    server: Running, sandbox: Sandbox, http: httpx.Client, request: pytest.FixtureRequest
) -> tuple[Ask, list[str]]:
    """How to ask as one that is signed in, and two addresses: a patient, and a list of the patient's."""
    vendor = request.param
    site = sandbox.sites[vendor]
    urls = site.urls(server.base_url(sandbox, vendor))
    client = next(one for one in site.clients.values() if one.auth in ("private_key_jwt", "client_secret_basic"))
    headers, form = token_request(client.as_dict(urls["token_url"]))
    token = http.post(urls["token_url"], content=form, headers=headers).json()["access_token"]
    access = {"authorization": f"Bearer {token}", "accept": "application/fhir+json"}
    id = site.vendor.patient_ids(site, 17)["fhir_id"]
    more = "&ah-practice=Organization/a-1.Practice-195900" if vendor == "athena" else ""
    fhir = urls["fhir_url"]
    addresses = [f"{fhir}/Patient/{id}", f"{fhir}/Observation?patient={id}&category=laboratory&_count=5{more}"]
    return lambda url: http.get(url, headers=access), addresses


@pytest.fixture
def http() -> Any:
    with httpx.Client(timeout=10) as client:
        yield client


@pytest.mark.parametrize("door", VENDORS, indirect=True)
def test_every_fault_acts_in_every_room_and_the_journal_says_so(door: Door, sandbox: Sandbox) -> None:
    ask, addresses = door
    clean = {url: ask(url) for url in addresses}
    assert {answer.status_code for answer in clean.values()} == {200}
    for kind, how in kinds().items():
        if kind.endswith("_token") or kind == "rotate_keys" or how.is_of_connections:
            continue
        sandbox.faults.clear()
        sandbox.faults.add({"fault": kind, "args": NEEDED.get(kind, {})})
        for url in addresses:
            try:
                answer = ask(url)
            except httpx.TransportError:
                assert kind in SILENT | {"limit_data"}
            except httpx.DecodingError:
                assert kind == "cut_gzip"
            else:
                assert answer.headers.get("x-emr-sandbox") is None, (kind, answer.text)
            entry = entry_of(sandbox.journal.entries[-1])
            assert [fault["fault"] for fault in entry["faults"]] == [kind]
    sandbox.faults.clear()
    for url, before in clean.items():
        assert ask(url).content[-200:] == before.content[-200:]


@pytest.mark.parametrize("door", VENDORS, indirect=True)
@pytest.mark.parametrize("outage", outages())
def test_every_outage_takes_every_room_down_and_lets_it_up(door: Door, sandbox: Sandbox, outage: str) -> None:
    ask, (url, _) = door
    sandbox.clock.freeze()
    failing = {
        "brown_out": {"failing": 1, "latency_ms": 0},
        "planned_maintenance": {"notice_s": 0},
        "flapping": {"up_s": 0},
    }
    made = sandbox.faults.add({"fault": outage, "args": NEEDED.get(outage, failing.get(outage, {}))})
    down = ask(url)
    assert down.status_code == 503
    assert down.headers.get("x-emr-sandbox") is None
    sandbox.faults.remove(made.id)
    assert ask(url).status_code == 200


@pytest.mark.parametrize(("door", "words"), [
    ("epic", "Interconnect is not available"), ("cerner", "The request could not be satisfied"),
    ("athena", "<h1>Service Temporarily Unavailable</h1>"),
], indirect=["door"])  # fmt: skip
def test_a_maintenance_page_has_the_words_of_the_room_and_tells_its_end(
    door: Door, sandbox: Sandbox, words: str
) -> None:
    ask, (url, _) = door
    sandbox.faults.add({"fault": "maintenance_page", "args": {"lasts_s": 600}})
    answer = ask(url)
    assert words in answer.text
    assert answer.headers["retry-after"].endswith(" GMT")
    assert answer.headers["content-type"].startswith("text/")


@pytest.mark.parametrize("vendor", registry.vendors())
def test_every_page_of_a_room_says_how_sure_it_is(vendor: str) -> None:
    pages = registry.vendor(vendor).trouble
    assert pages.keys() == {"maintenance", "login", "failure"}
    assert all(one.source.where and one.source.mark in ("doc", "seen", "guess") for one in pages.values())


@pytest.mark.parametrize("door", VENDORS, indirect=True)
def test_a_token_that_ends_is_refused_in_the_words_of_the_room(door: Door, sandbox: Sandbox) -> None:
    ask, (url, _) = door
    sandbox.faults.add({"fault": "expire_token", "budget": 1})
    assert [ask(url).status_code for _ in range(2)] == [401, 401]
    sandbox.clock.advance(timedelta(seconds=1))
    assert "token_id" in entry_of(sandbox.journal.entries[-2])["fault"]
