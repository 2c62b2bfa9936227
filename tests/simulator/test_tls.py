"""HTTPS with a local authority: std:SMART-BS-13, SEC-01, SEC-02, SEC-05, and what listeners show who must not come in.

serve --tls                                https://127.0.0.1:8400, DIR/tls/{ca.pem 644, ca.key 600, server.pem 600}
POST /_sandbox/tls/listeners {"kind": …}   201 {"id":"l1","url":"https://…","connections":0,"handshakes":0,"http_bytes":0}
PUT  …/sandboxes/{id}/origin {}            every absolute URL leads to a second origin
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import stat
import subprocess
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from simulator import edge
from simulator.journal.entry import entry_of
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox
from simulator.server import Running, running
from simulator.settings import Settings
from simulator.tls import certificates
from simulator.tls.authority import Authority
from simulator.tls.listeners import KINDS, MOST
from tests.simulator.tiny_room import tiny
from tests.simulator.tls_caller import caller, trusting

Login = Callable[..., dict[str, str]]
SECURE = Settings(vendors=("tiny",), rooms=(tiny(),), patients=50, tls=True)
BAD = ("self_signed", "expired", "not_yet_valid", "wrong_host", "untrusted_ca", "tls11", "mutual")


@pytest.fixture(scope="module")
def secure() -> Iterator[Running]:
    with running(SECURE) as up:
        yield up


@pytest.fixture
def world(secure: Running) -> Iterator[Sandbox]:
    made = secure.sandboxes.create()
    yield made
    secure.sandboxes.drop(made.id)


@pytest.fixture
def https(secure: Running) -> Iterator[httpx.Client]:
    assert secure.ca_file is not None
    with caller(secure.ca_file) as made:
        yield made


@pytest.fixture
def listener(secure: Running, https: httpx.Client) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Opens one, and closes all in the end."""
    door = f"{secure.control}/tls/listeners"

    def opened(kind: str) -> dict[str, Any]:
        answer = https.post(door, json={"kind": kind})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    yield opened
    assert https.delete(door).status_code == 204


def place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


@contextlib.contextmanager
def spoken_to(url: str, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    host, port = place(url)
    plug = socket.create_connection((host, port), timeout=5)
    with plug, context.wrap_socket(plug, server_hostname=host) as spoken:
        yield spoken


# The server itself


def test_every_url_is_https(secure: Running, https: httpx.Client) -> None:
    told = https.get(secure.url).json()
    assert told["url"].startswith("https://127.0.0.1:")
    assert told["vendors"]["tiny"]["fhir_url"] == f"{secure.url}/tiny/fhir"


def test_urls_that_a_vendor_hands_out_are_https(
    secure: Running, world: Sandbox, https: httpx.Client, login: Login
) -> None:
    door = secure.base_url(world, "tiny")
    assert https.get(f"{door}/fhir/Patient", headers=login(world)).json()["next"] == f"{door}/fhir/Patient?page=2"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_certificate_is_for_every_name_of_this_machine(secure: Running, https: httpx.Client, host: str) -> None:
    port = place(secure.url)[1]
    assert https.get(f"https://{host}:{port}/_sandbox/health").json()["status"] == "ok"


def test_a_caller_that_does_not_know_the_authority_stays_out(secure: Running) -> None:
    stranger = httpx.Client(verify=ssl.create_default_context(), trust_env=False)
    with stranger, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        stranger.get(secure.url)


def test_plain_http_gets_no_answer(secure: Running) -> None:
    with httpx.Client() as plain, pytest.raises(httpx.TransportError):
        plain.get(secure.url.replace("https:", "http:"))


@pytest.mark.parametrize(("version", "is_spoken"), [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
def test_tls_is_1_2_or_newer_with_forward_secrecy(secure: Running, version: str, is_spoken: bool) -> None:
    assert secure.ca_file is not None
    context = trusting(secure.ca_file)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    if not is_spoken:
        with pytest.raises(ssl.SSLError), spoken_to(secure.url, context):
            pass
        return
    with spoken_to(secure.url, context) as spoken:
        cipher = spoken.cipher()
        assert cipher is not None
        assert cipher[0].startswith(("ECDHE-", "TLS_"))


def test_h2_is_not_offered(secure: Running) -> None:
    assert secure.ca_file is not None
    context = trusting(secure.ca_file)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with spoken_to(secure.url, context) as spoken:
        assert spoken.selected_alpn_protocol() == "http/1.1"


def test_the_journal_tells_the_connection(secure: Running, world: Sandbox, https: httpx.Client) -> None:
    https.get(f"{secure.base_url(world, 'tiny')}/fhir/metadata")
    told = entry_of(world.journal.entries[-1])["tls"]
    assert told["version"] == "TLSv1.3"
    assert told["client_certificate"] is None


def test_without_tls_the_journal_says_so(url: str, tiny_sandbox: Sandbox, http: httpx.Client) -> None:
    http.get(f"{url}/fhir/metadata")
    assert entry_of(tiny_sandbox.journal.entries[-1])["tls"] is None


def test_the_authority_is_there_to_fetch(secure: Running, https: httpx.Client) -> None:
    assert secure.ca_file is not None
    assert https.get(f"{secure.control}/tls/ca.pem").content == secure.ca_file.read_bytes()


def test_stopping_does_not_wait_for_idle_callers() -> None:
    """A TLS connection ends with a farewell of both sides; a caller that sleeps says none."""
    import time

    with running(SECURE) as up:
        assert up.ca_file is not None
        idle = caller(up.ca_file)
        idle.get(up.url)
        began = time.monotonic()
    assert time.monotonic() - began < 1.5
    idle.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_comes_in_with_the_authority_and_not_without(secure: Running) -> None:
    door = f"{secure.url}/_sandbox/health"
    came = subprocess.run(["curl", "-sS", "--cacert", str(secure.ca_file), door], capture_output=True, check=False)
    assert came.stdout.startswith(b'{"status":"ok"'), came.stderr
    stayed = subprocess.run(["curl", "-sS", door], capture_output=True, check=False)
    assert (stayed.returncode, stayed.stdout) == (60, b"")


# Faults on the network


def exchanged(context: ssl.SSLContext, url: str, request: bytes) -> tuple[bytes, str]:
    """Every byte of an answer, and how the TCP connection ended: the socket of `ssl` would hide a reset as an end."""
    host, port = place(url)
    come, go = ssl.MemoryBIO(), ssl.MemoryBIO()
    spoken = context.wrap_bio(come, go, server_hostname=host)
    got = b""
    with socket.create_connection((host, port), timeout=5) as plug:

        def move() -> bool:
            if go.pending:
                plug.sendall(go.read())
            more = plug.recv(65536)
            come.write(more) if more else come.write_eof()
            return bool(more)

        def patiently(step: Callable[[], Any]) -> Any:
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    move()

        patiently(spoken.do_handshake)
        spoken.write(request)
        try:
            while more := patiently(lambda: spoken.read(65536)):
                got += more
        except ConnectionResetError:
            return got, "reset"
        except ssl.SSLEOFError:
            return got, "cut"
    return got, "closed"


@pytest.mark.parametrize("has_speedups", [True, False])
def test_network_faults_work_over_tls(
    has_speedups: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if not has_speedups:
        monkeypatch.setattr(edge, "_is_installed", lambda name: False)
    with running(SECURE) as up:
        assert up.ca_file is not None
        context, faults = trusting(up.ca_file), up.sandboxes.default.faults

        def ask() -> tuple[bytes, str]:
            return exchanged(
                context, up.url, b"GET /tiny/fhir/metadata HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
            )

        faults.add({"fault": "reset_peer", "args": {"after": "answer"}})
        assert ask() == (b"", "reset")
        faults.clear()
        faults.add({"fault": "reset_peer", "args": {"after": "headers"}})
        got, end = ask()
        assert got.startswith(b"HTTP/1.1 200 OK\r\n")
        assert (got.endswith(b"\r\n\r\n"), end) == (True, "reset")
        faults.clear()
        faults.add({"fault": "limit_data", "args": {"bytes": 5}})
        got, end = ask()
        assert got.partition(b"\r\n\r\n")[2] == b'{"kin'
        assert end == "closed"
        faults.clear()
        assert ask()[0].endswith(b'{"kind":"tiny"}')
    assert capfd.readouterr().err == ""


# Listeners


@pytest.mark.parametrize("kind", BAD)
def test_a_careful_caller_sends_nothing_to_a_bad_listener(
    secure: Running, https: httpx.Client, listener: Callable[[str], dict[str, Any]], kind: str
) -> None:
    made = listener(kind)
    with pytest.raises(httpx.TransportError):
        https.get(f"{made['url']}/tiny/fhir/metadata")
    seen = https.get(f"{secure.control}/tls/listeners/{made['id']}").json()
    assert seen["connections"] == 1
    assert (seen["http_bytes"], seen["kind"]) == (0, kind) if kind != "mutual" else True


@pytest.mark.parametrize("kind", [kind for kind in BAD if kind not in ("mutual", "tls11")])
def test_a_careless_caller_is_seen_at_a_bad_listener(
    secure: Running, https: httpx.Client, listener: Callable[[str], dict[str, Any]], kind: str
) -> None:
    made = listener(kind)
    with httpx.Client(verify=False, trust_env=False) as careless:
        assert careless.get(f"{made['url']}/tiny/fhir/metadata").status_code == 200
    seen = https.get(f"{secure.control}/tls/listeners/{made['id']}").json()
    assert seen["handshakes"] == 1
    assert seen["http_bytes"] > 50


def test_who_speaks_tls_1_1_comes_in_where_it_is_spoken(
    secure: Running, listener: Callable[[str], dict[str, Any]]
) -> None:
    assert secure.ca_file is not None
    context = trusting(secure.ca_file)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    with spoken_to(listener("tls11")["url"], context) as spoken:
        assert spoken.version() == "TLSv1.1"


def test_a_closed_listener_is_gone_and_so_is_who_was_connected(
    secure: Running, https: httpx.Client, listener: Callable[[str], dict[str, Any]]
) -> None:
    made = listener("second_origin")
    door = f"{made['url']}/tiny/fhir/metadata"
    assert https.get(door).status_code == 200  # and the connection is kept
    assert https.delete(f"{secure.control}/tls/listeners/{made['id']}").status_code == 204
    with pytest.raises(httpx.TransportError):
        https.get(door)
    gone = https.get(f"{secure.control}/tls/listeners/{made['id']}")
    assert gone.status_code == 404
    assert gone.headers["content-type"] == "application/problem+json"


def test_an_unknown_kind_is_told_which_there_are(secure: Running, https: httpx.Client) -> None:
    answer = https.post(f"{secure.control}/tls/listeners", json={"kind": "expird"})
    assert answer.status_code == 422
    assert all(kind in answer.json()["detail"] for kind in KINDS)


def test_listeners_are_bounded(secure: Running, https: httpx.Client, listener: Callable[[str], dict[str, Any]]) -> None:
    for _ in range(MOST):
        listener("plain")
    answer = https.post(f"{secure.control}/tls/listeners", json={"kind": "plain"})
    assert answer.status_code == 422
    assert f"there are {MOST} listeners" in answer.json()["detail"]


def test_bad_certificates_are_shown_by_a_plain_server_too(tiny_server: Running, http: httpx.Client) -> None:
    door = f"{tiny_server.control}/tls/listeners"
    try:
        good, expired = (http.post(door, json={"kind": kind}).json() for kind in ("mutual", "expired"))
        context = trusting(http.get(f"{tiny_server.control}/tls/ca.pem").content)
        assert good["url"].startswith("https:")
        with (
            pytest.raises(httpx.ConnectError, match="certificate has expired"),
            httpx.Client(verify=context) as careful,
        ):
            careful.get(expired["url"])
        assert http.post(door, json={"kind": "second_origin"}).json()["url"].startswith("http://localhost:")
    finally:
        http.delete(door)


def test_without_a_network_there_are_no_listeners(tiny_app: Any) -> None:
    import asyncio

    with pytest.raises(UsageError, match="no network"):
        asyncio.run(tiny_app.listeners.open("plain"))


# The second origin


def test_urls_lead_to_a_second_origin_and_back(
    secure: Running, world: Sandbox, https: httpx.Client, login: Login, listener: Callable[[str], dict[str, Any]]
) -> None:
    second = listener("second_origin")["url"]
    door, call = secure.base_url(world, "tiny"), f"{secure.control}/sandboxes/{world.id}/origin"
    assert https.put(call, json={}).json() == {"origin": {"tiny": second}}
    following = https.get(f"{door}/fhir/Patient", headers=login(world)).json()["next"]
    assert following.startswith(f"{second}/s/{world.id}/tiny/fhir/")
    assert urlsplit(second).hostname != urlsplit(secure.url).hostname
    assert https.get(following, headers=login(world)).status_code == 200
    assert https.delete(call).status_code == 204
    assert https.get(f"{door}/fhir/Patient", headers=login(world)).json()["next"].startswith(door)


def test_urls_can_lead_anywhere(tiny_server: Running, tiny_sandbox: Sandbox, http: httpx.Client, login: Login) -> None:
    call = f"{tiny_server.control}/sandboxes/{tiny_sandbox.id}/origin"
    http.put(call, json={"vendor": "tiny", "url": "https://fhir.example:444/"})
    assert http.get(call).json() == {"origin": {"tiny": "https://fhir.example:444", "twin": None}}
    answer = http.get(f"{tiny_server.base_url(tiny_sandbox, 'tiny')}/fhir/Patient", headers=login(tiny_sandbox))
    assert answer.json()["next"].startswith("https://fhir.example:444/s/")
    http.post(f"{tiny_server.control}/sandboxes/{tiny_sandbox.id}/reset")
    assert http.get(call).json() == {"origin": {"tiny": None, "twin": None}}


@pytest.mark.parametrize(
    "url", ["fhir.example", "ftp://x", "https://", "https://a/b", "https://u@a", "https://a:b", ""]
)
def test_what_is_no_origin_is_refused(
    tiny_server: Running, tiny_sandbox: Sandbox, http: httpx.Client, url: str
) -> None:
    answer = http.put(f"{tiny_server.control}/sandboxes/{tiny_sandbox.id}/origin", json={"url": url})
    assert answer.status_code == 422
    assert "origin such as" in answer.json()["detail"]


# The authority in its folder


def test_the_authority_is_made_once_and_its_key_is_nobody_elses(tmp_path: Path) -> None:
    first = Authority.kept_in(tmp_path)
    server = first.server(["emr.internal"])
    again = Authority.kept_in(tmp_path)
    assert again.ca_pem == first.ca_pem == (tmp_path / "tls" / "ca.pem").read_bytes()
    assert again.server(["emr.internal"]).pem == server.pem
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "tls").iterdir()}
    assert modes == {"ca.pem": 0o644, "ca.key": 0o600, "server.pem": 0o600}


def test_a_new_name_makes_a_new_certificate_of_the_same_authority(tmp_path: Path) -> None:
    kept = Authority.kept_in(tmp_path)
    before, after = kept.server([]), kept.server(["10.1.2.3", "emr.internal"])
    assert before.pem != after.pem
    assert {"10.1.2.3", "emr.internal", "localhost", "::1"} <= certificates.names_of(after.certificate)
    after.certificate.verify_directly_issued_by(kept.ca.certificate)


def test_servers_that_start_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = {one.ca_pem for one in pool.map(lambda _: Authority.kept_in(tmp_path), range(8))}
    assert len(found) == 1


def test_a_key_that_others_could_read_is_closed(tmp_path: Path) -> None:
    Authority.kept_in(tmp_path)
    (tmp_path / "tls" / "ca.key").chmod(0o644)
    Authority.kept_in(tmp_path)
    assert stat.S_IMODE((tmp_path / "tls" / "ca.key").stat().st_mode) == 0o600


def test_what_is_no_authority_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Authority.kept_in(tmp_path)
    later = certificates.now() + certificates.CA_LIFE
    with monkeypatch.context() as patched:
        patched.setattr(certificates, "now", lambda: later)
        with pytest.raises(UsageError, match="ends on"):
            Authority.kept_in(tmp_path)
    (tmp_path / "tls" / "ca.key").write_bytes(certificates.new_authority().key_pem)
    with pytest.raises(UsageError, match=r"no certificate authority in .*the key is not that of the certificate"):
        Authority.kept_in(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot keep certificates in"):
        Authority.kept_in(tmp_path / "file")


def test_a_certificate_that_is_about_to_end_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Authority.kept_in(tmp_path)
    before = kept.server([]).pem
    later = certificates.now() + certificates.SERVER_LIFE - timedelta(days=10)
    monkeypatch.setattr(certificates, "now", lambda: later)
    assert kept.server([]).pem != before
