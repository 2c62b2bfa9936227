"""Faults on the network, seen from a raw socket: Toxiproxy's `reset_peer` and `limit_data`.

reset_peer after request   nothing is done, RST
reset_peer after answer    it is done, RST instead of the answer
reset_peer after headers   status and headers, then RST
limit_data                 full Content-Length, fewer bytes, FIN
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from simulator import edge
from simulator.journal.entry import entry_of
from simulator.sandbox import Sandbox
from simulator.selector import Selector
from simulator.server import Running, Server, running
from simulator.settings import Settings
from simulator.wire import WireFault
from tests.simulator.tiny_room import tiny

RESET = "reset"
Ask = Callable[..., tuple[bytes, str]]


@pytest.fixture
def ask(tiny_server: Running, tiny_sandbox: Sandbox, login: Callable[..., dict[str, str]]) -> Ask:
    """Every byte of one answer, and how the connection ended: "closed" or "reset"."""

    def asked(method: str = "GET", path: str = "/fhir/Patient/3", body: bytes = b"") -> tuple[bytes, str]:
        host, port = tiny_server.url.removeprefix("http://").split(":")
        prefix = f"/s/{tiny_sandbox.id}/tiny"
        head = (
            f"{method} {prefix}{path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
        )
        head += "".join(f"{name}: {value}\r\n" for name, value in login(tiny_sandbox).items())
        with socket.create_connection((host, int(port)), timeout=5) as plug:
            plug.sendall(head.encode() + b"\r\n" + body)
            got = b""
            try:
                while more := plug.recv(65536):
                    got += more
            except ConnectionResetError:
                return got, RESET
        return got, "closed"

    return asked


def last_entry(sandbox: Sandbox) -> dict[str, Any]:
    return entry_of(sandbox.journal.entries[-1])


def test_a_reset_instead_of_the_answer_leaves_the_write_done(ask: Ask, tiny_sandbox: Sandbox) -> None:
    tiny_sandbox.faults.add({"fault": "reset_peer", "args": {"after": "answer"}})
    assert ask("POST", "/fhir/Patient", b"abc") == (b"", RESET)
    entry = last_entry(tiny_sandbox)
    assert entry["response_body"] == '{"got":3}'
    assert (entry["status"], entry["complete"], entry["bytes_sent"]) == (None, False, 0)
    assert entry["fault"] == entry["fault"] | {"id": "f1", "fault": "reset_peer", "step": "wire"}


def test_a_reset_before_the_request_is_handled_leaves_nothing_done(ask: Ask, tiny_sandbox: Sandbox) -> None:
    tiny_sandbox.faults.add({"fault": "reset_peer", "args": {"after": "request"}})
    assert ask("POST", "/fhir/Patient", b"abc") == (b"", RESET)
    entry = last_entry(tiny_sandbox)
    assert "got" not in entry["response_body"]
    assert entry["operation"] is None


def test_a_reset_after_the_head_shows_status_and_headers(ask: Ask, tiny_sandbox: Sandbox) -> None:
    tiny_sandbox.faults.add({"fault": "reset_peer", "args": {"after": "headers"}})
    got, end = ask()
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")
    assert got.endswith(b"\r\n\r\n")
    assert end == RESET
    entry = last_entry(tiny_sandbox)
    assert (entry["status"], entry["complete"], entry["bytes_sent"]) == (200, False, 0)


@pytest.mark.parametrize("count", [0, 1, 20])
def test_a_body_breaks_off_under_its_full_length(ask: Ask, tiny_sandbox: Sandbox, count: int) -> None:
    tiny_sandbox.faults.add({"fault": "limit_data", "args": {"bytes": count}})
    got, end = ask()
    head, _, body = got.partition(b"\r\n\r\n")
    whole = tiny_sandbox.journal.entries[-1].reply
    assert whole is not None
    assert f"content-length: {len(whole.body)}".encode() in head
    assert (body, end) == (whole.body[:count], "closed")
    entry = last_entry(tiny_sandbox)
    assert (entry["status"], entry["complete"], entry["bytes_sent"]) == (200, False, count)


def test_a_client_sees_a_broken_body_as_an_error(url: str, tiny_sandbox: Sandbox, http: httpx.Client) -> None:
    tiny_sandbox.faults.add({"fault": "limit_data", "args": {"bytes": 5}, "budget": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        http.get(f"{url}/fhir/metadata")
    assert http.get(f"{url}/fhir/metadata").json() == {"kind": "tiny"}


def test_the_server_goes_on_after_many_resets(
    ask: Ask, tiny_sandbox: Sandbox, capfd: pytest.CaptureFixture[str]
) -> None:
    tiny_sandbox.faults.add({"fault": "reset_peer", "budget": 30})
    assert {ask()[1] for _ in range(30)} == {RESET}
    assert ask()[0].startswith(b"HTTP/1.1 200")
    assert capfd.readouterr().err == ""


def test_without_a_network_a_network_fault_is_a_plain_error(tiny_app: Server) -> None:
    tiny_app.sandboxes.default.faults.add({"fault": "reset_peer"})

    async def called() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(tiny_app.app)) as client:
            await client.get("http://test/tiny/fhir/metadata")

    with pytest.raises(WireFault, match=r"broke the connection on purpose at GET /tiny/fhir/metadata \(exchange x1\)"):
        asyncio.run(called())
    assert not tiny_app.sandboxes.default.journal.entries[0].complete


def test_network_faults_need_neither_uvloop_nor_httptools(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(edge, "_is_installed", lambda name: False)
    with running(Settings(vendors=("tiny",), rooms=(tiny(),), patients=10)) as up, httpx.Client(timeout=5) as http:
        door = f"{up.url}/tiny/fhir/metadata"
        faults = up.sandboxes.default.faults
        for rule in ({"fault": "reset_peer", "args": {"after": "headers"}}, {"fault": "reset_peer"}):
            faults.clear()
            faults.add(rule)
            with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
                http.get(door)
        faults.clear()
        faults.add({"fault": "limit_data", "args": {"bytes": 5}})
        with pytest.raises(httpx.RemoteProtocolError):
            http.get(door)
        for rule in ({"fault": "chunk_abort", "args": {"bytes": 4}}, {"fault": "black_hole", "args": {"hold_s": 0.01}}):
            faults.clear()
            faults.add(rule)
            with pytest.raises(httpx.RemoteProtocolError):
                http.get(door)
        faults.clear()
        faults.add({"fault": "slicer", "args": {"average_size_bytes": 4, "delay_ms": 1}})
        assert http.get(door).json() == {"kind": "tiny"}
        faults.clear()
        assert http.get(door).json() == {"kind": "tiny"}
    assert capfd.readouterr().err == ""


def test_a_server_that_stops_lets_go_of_whom_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "_GRACE_S", 30.0)
    with running(Settings(vendors=("tiny",), rooms=(tiny(),), patients=10)) as up:
        up.sandboxes.default.faults.add({"fault": "black_hole"})
        host, port = up.url.removeprefix("http://").split(":")
        plug = socket.create_connection((host, int(port)), timeout=10)
        plug.sendall(b"GET /tiny/fhir/metadata HTTP/1.1\r\nhost: x\r\n\r\n")
        assert up.sandboxes.default.journal.wait(Selector(), timeout_s=5) is not None
        stopped = time.monotonic()
    assert time.monotonic() - stopped < 9  # it need not lose patience first
    assert plug.recv(1) == b""
    plug.close()
