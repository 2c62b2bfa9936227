"""Faults on connections: a vendor with a port of its own shows a bad certificate, or nobody listens there.

POST …/sandboxes/{id}/vendors/{v}/door            201 {"url":"https://127.0.0.1:40123","urls":{…}}
POST …/sandboxes/{id}/faults {"fault":"bad_tls","args":{"shows":"expired"}}
GET  …/sandboxes/{id}/doors                        connections, handshakes and http_bytes: who came in after all
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from simulator import edge
from simulator.faults.kinds.bad_tls import SHOWN
from simulator.journal.entry import entry_of
from simulator.sandbox import Sandbox
from simulator.server import Running, running
from simulator.settings import Settings
from tests.simulator.tiny_room import tiny
from tests.simulator.tls_caller import caller, trusting

SECURE = Settings(vendors=("tiny", "twin"), rooms=(tiny(), tiny("twin")), patients=50, tls=True)


@pytest.fixture(scope="module")
def secure() -> Iterator[Running]:
    with running(SECURE) as up:
        yield up


@pytest.fixture
def https(secure: Running) -> Iterator[httpx.Client]:
    """A caller of the control API, who trusts the local authority."""
    assert secure.ca_file is not None
    with caller(secure.ca_file) as made:
        yield made


@pytest.fixture
def world(secure: Running, https: httpx.Client) -> Iterator[Sandbox]:
    made = secure.sandboxes.create()
    yield made
    https.delete(f"{secure.control}/sandboxes/{made.id}")


def door_of(server: Running, sandbox: Sandbox, http: httpx.Client, vendor: str = "tiny") -> str:
    """The FHIR root behind the vendor's own door."""
    answer = http.post(f"{server.control}/sandboxes/{sandbox.id}/vendors/{vendor}/door")
    assert answer.status_code == 201, answer.text
    return str(answer.json()["urls"]["fhir_url"])


def add(server: Running, sandbox: Sandbox, http: httpx.Client, **fault: Any) -> httpx.Response:
    return http.post(f"{server.control}/sandboxes/{sandbox.id}/faults", json=fault)


def came(server: Running, sandbox: Sandbox, http: httpx.Client) -> dict[str, Any]:
    told: dict[str, Any] = http.get(f"{server.control}/sandboxes/{sandbox.id}/doors").json()["doors"][0]
    return told


def status(url: str, verify: Any) -> int:
    """The status over a connection of its own; 0 when there is none."""
    try:
        return httpx.get(f"{url}/metadata", verify=verify, timeout=5, trust_env=False).status_code
    except httpx.TransportError:
        return 0


def until(wanted: int, look: Callable[[], int]) -> int:
    """What is seen in the end: a port closes and opens a little late."""
    deadline = time.monotonic() + 5
    while (seen := look()) != wanted and time.monotonic() < deadline:
        time.sleep(0.01)
    return seen


@pytest.mark.parametrize("shows", [one for one in SHOWN if one != "with_plain"])
def test_a_careful_caller_does_not_walk_through_a_bad_door(
    shows: str, secure: Running, world: Sandbox, https: httpx.Client
) -> None:
    assert secure.ca_file is not None
    verify = trusting(secure.ca_file)
    url = door_of(secure, world, https)
    assert url.startswith("https://")
    assert status(url, verify) == 200
    added = add(secure, world, https, fault="bad_tls", args={"shows": shows}, when={"vendor": "tiny"}, budget=2)
    assert added.status_code == 201, added.text
    before = came(secure, world, https)["http_bytes"]
    assert [status(url, verify), status(url, verify)] == [0, 0]
    if shows not in ("mutual", "plain"):  # in TLS 1.3 the server asks afterwards; a hello is no HTTP, but it is bytes
        assert came(secure, world, https)["http_bytes"] == before
    assert status(url, verify) == 200, "the budget is used up"
    assert [one["shows"] for one in came(secure, world, https)["met"]] == [shows, shows]
    told = https.get(f"{secure.control}/sandboxes/{world.id}/faults").json()["faults"][0]
    assert (told["matches"], told["hits"]) == (2, 2)
    assert [x.status for x in (entry.reply for entry in world.journal.entries) if x is not None] == [200, 200]
    journal = https.get(f"{secure.control}/sandboxes/{world.id}/journal", params={"method": "CONNECT"}).json()
    knocks = journal["exchanges"]
    assert [(one["vendor"], one["status"], one["fault"]["args"]) for one in knocks] == [
        ("tiny", None, {"shows": shows})
    ] * 2
    assert len({one["connection"] for one in knocks}) == 2
    replayed = https.post(f"{secure.control}/sandboxes/{world.id}/faults/replay", json=journal).json()
    assert replayed["calls"] == 0, "which connection it was nobody can tell"


def test_a_redirect_leads_out_of_tls_to_where_somebody_listens(
    secure: Running, world: Sandbox, https: httpx.Client
) -> None:
    assert secure.ca_file is not None
    verify = trusting(secure.ca_file)
    url = door_of(secure, world, https)
    add(secure, world, https, fault="bad_tls", args={"shows": "with_plain"})
    add(secure, world, https, fault="redirect", args={"to": "http"})
    answer = httpx.get(f"{url}/metadata", verify=verify, trust_env=False)
    assert answer.status_code == 307
    leads = answer.headers["location"]
    assert leads == f"{url}/metadata".replace("https://", "http://")
    assert httpx.get(leads, trust_env=False).status_code == 200
    came_in = [entry_of(x) for x in world.journal.entries if x.method == "GET"]
    assert [(one["tls"] is None, one["fault"].get("spared", "")) for one in came_in] == [
        (False, ""), (True, "it came without TLS")
    ]  # fmt: skip


def test_who_does_not_verify_comes_in_and_is_counted(secure: Running, world: Sandbox, https: httpx.Client) -> None:
    url = door_of(secure, world, https)
    add(secure, world, https, fault="bad_tls", args={"shows": "self_signed"})
    assert status(url, False) == 200
    knock, came_in = world.journal.entries
    assert (knock.method, came_in.method) == ("CONNECT", "GET")
    assert knock.connection == came_in.connection != ""
    assert came(secure, world, https)["http_bytes"] > 0


def test_a_bad_door_is_that_of_one_vendor_and_lasts_as_long_as_its_window(
    secure: Running, world: Sandbox, https: httpx.Client
) -> None:
    assert secure.ca_file is not None
    verify = trusting(secure.ca_file)
    mine, twins = door_of(secure, world, https), door_of(secure, world, https, "twin")
    world.clock.freeze()
    add(secure, world, https, fault="bad_tls", when={"vendor": "tiny"}, window={"for_s": 60})
    assert (status(mine, verify), status(twins, verify)) == (0, 200)
    assert status(f"{secure.base_url(world, 'tiny')}/fhir", verify) == 200, "the server's own port is as ever"
    https.post(f"{secure.control}/sandboxes/{world.id}/clock/advance", json={"seconds": 60})
    assert status(mine, verify) == 200


def test_a_port_that_refuses_is_refused_until_it_opens_again(
    secure: Running, world: Sandbox, https: httpx.Client
) -> None:
    assert secure.ca_file is not None
    verify = trusting(secure.ca_file)
    url = door_of(secure, world, https)
    with httpx.Client(verify=verify, timeout=5, trust_env=False) as kept:
        assert kept.get(f"{url}/metadata").status_code == 200
        add(secure, world, https, fault="refuse_connections", id="gone")
        assert until(0, lambda: status(url, verify)) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/metadata", verify=verify, trust_env=False)
        with pytest.raises(httpx.TransportError):
            kept.get(f"{url}/metadata")
    https.delete(f"{secure.control}/sandboxes/{world.id}/faults/gone")
    assert until(200, lambda: status(url, verify)) == 200
    assert {status(url, verify) for _ in range(20)} == {200}


def test_urls_lead_to_the_door_and_stay_there_after_a_reset(
    secure: Running, world: Sandbox, https: httpx.Client
) -> None:
    url = door_of(secure, world, https)
    shown = https.get(f"{secure.control}/sandboxes/{world.id}").json()["vendors"]
    assert shown["tiny"]["fhir_url"] == url
    assert shown["twin"]["fhir_url"].startswith(secure.url)
    https.post(f"{secure.control}/sandboxes/{world.id}/reset")
    assert world.sites["tiny"].moved_to == url.partition("/s/")[0]
    assert door_of(secure, world, https) == url, "it is opened once"
    assert https.delete(f"{secure.control}/sandboxes/{world.id}/vendors/tiny/door").status_code == 204
    assert world.sites["tiny"].moved_to == ""
    assert https.delete(f"{secure.control}/sandboxes/{world.id}/vendors/tiny/door").status_code == 404


def test_a_sandbox_may_be_made_with_doors(secure: Running, https: httpx.Client) -> None:
    made = https.post(f"{secure.control}/sandboxes", json={"doors": True}).json()
    try:
        ports = {urls["fhir_url"].partition("/s/")[0] for urls in made["vendors"].values()}
        assert len(ports) == 2
        assert secure.url not in ports
        assert made["clients"]["tiny"][0]["token_url"].startswith(tuple(ports))
    finally:
        https.delete(f"{secure.control}/sandboxes/{made['id']}")


def test_without_a_door_and_without_tls_it_is_said_what_is_needed(
    tiny_server: Running, tiny_sandbox: Sandbox, http: httpx.Client
) -> None:
    answer = add(tiny_server, tiny_sandbox, http, fault="bad_tls")
    assert answer.status_code == 422
    assert "no vendor of sandbox" in answer.json()["detail"]
    url = door_of(tiny_server, tiny_sandbox, http)
    answer = add(tiny_server, tiny_sandbox, http, fault="bad_tls")
    assert (answer.status_code, answer.json()["hint"]) == (422, "start it with `--tls`")
    assert status(url, False) == 200
    add(tiny_server, tiny_sandbox, http, fault="refuse_connections", id="gone")
    assert until(0, lambda: status(url, False)) == 0
    http.delete(f"{tiny_server.control}/sandboxes/{tiny_sandbox.id}/faults")
    assert until(200, lambda: status(url, False)) == 200
    http.delete(f"{tiny_server.control}/sandboxes/{tiny_sandbox.id}/vendors/tiny/door")


def test_a_server_may_start_with_doors() -> None:
    with running(Settings(vendors=("tiny",), rooms=(tiny(),), patients=50, doors=True)) as up:
        told = httpx.get(f"{up.control}/sandboxes/default").json()
        url = told["vendors"]["tiny"]["fhir_url"]
        assert not url.startswith(up.url)
        assert status(url, False) == 200


def test_doors_need_neither_uvloop_nor_httptools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "_is_installed", lambda name: False)
    settings = Settings(vendors=("tiny",), rooms=(tiny(),), patients=50, tls=True, doors=True)
    with running(settings) as up:
        assert up.ca_file is not None
        verify = trusting(up.ca_file)
        url = httpx.get(f"{up.control}/sandboxes/default", verify=verify).json()["vendors"]["tiny"]["fhir_url"]
        assert status(url, verify) == 200
        for shows in ("expired", "handshake_failure", "reset", "plain"):
            up.sandboxes.default.faults.add({"fault": "bad_tls", "args": {"shows": shows}, "budget": 1})
            assert (status(url, verify), status(url, verify)) == (0, 200)
        up.sandboxes.default.faults.add({"fault": "refuse_connections", "id": "gone"})
        assert until(0, lambda: status(url, verify)) == 0
        up.sandboxes.default.faults.clear()
        assert until(200, lambda: status(url, verify)) == 200
