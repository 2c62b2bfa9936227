"""The front of the house: settings in, ASGI app out. Finds the sandbox and vendor of a request, sends what was made.

Plain ASGI on purpose: one dispatch, no middleware, no models between the socket and the room. Faults on the network act
here, on the plan that the pipeline made: see `simulator/wire.py`.
"""

from __future__ import annotations

import contextlib
import ssl
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, MutableMapping
from datetime import UTC, timedelta
from email.utils import format_datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from simulator.auth.certificates import authority_pem
from simulator.catalog import rooms_of
from simulator.control.app import control_app
from simulator.control.place import ROOT, vendor_urls
from simulator.control.problem import MEDIA, problem_bytes
from simulator.edge import EdgeServer, edge_server, listen, url_of
from simulator.exchange import Exchange, Headers, Reply
from simulator.journal.redaction import scrubbed
from simulator.origin import forwarded, listening_at, origin_of
from simulator.peer import peer_of
from simulator.pipeline import handle
from simulator.sandbox import Sandbox, Site
from simulator.sandboxes import Sandboxes
from simulator.settings import Settings
from simulator.tls.authority import Authority, ca_file_of
from simulator.tls.contexts import context
from simulator.tls.doors import Doors
from simulator.tls.listeners import Listeners
from simulator.wire import Holds, Receive, Send, WireFault, deliver, spelt

Scope = MutableMapping[str, Any]

_ASKED_FOR_ID = b"x-emr-sandbox-exchange"
_BODILESS = frozenset({204, 304})
_WILDCARDS = ("0.0.0.0", "::")


class Stray(Exception):
    """A request that reaches no vendor: answered with a problem document."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Server:
    """One server: its sandboxes and its ASGI `app`, which is the server itself."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.sandboxes = Sandboxes(settings, rooms_of(settings))
        self.listeners = Listeners(settings.host, settings.tls_names, lambda: self.authority, authority_pem())
        self.doors = Doors(settings.host, settings.tls_names, lambda: self.authority, authority_pem())
        self._control = control_app(settings, self.sandboxes, self.listeners, self.doors)
        self._holds = Holds()
        self._date_second = -1
        self._date = b""

    @property
    def app(self) -> Server:
        """The ASGI application."""
        return self

    @cached_property
    def authority(self) -> Authority:
        """The local authority: made when it is first needed, or what is kept in the data folder."""
        folder = self.settings.data_dir
        return Authority.in_memory() if folder is None else Authority.kept_in(folder)

    def edge(self) -> EdgeServer:
        """The uvicorn server in front of this app, with TLS when the settings say so."""
        tls = self._context() if self.settings.tls else None
        made = edge_server(self, self.close, tls=tls, listeners=self.listeners, doors=self.doors)
        if self.settings.doors:
            made.before_ready = self._open_doors
        return made

    def _open_doors(self) -> None:
        """A door for every vendor of the default sandbox."""
        for vendor in self.sandboxes.default.sites:
            self.doors.open(self.sandboxes.default, vendor)

    def _context(self) -> ssl.SSLContext:
        own = () if self.settings.host in _WILDCARDS else (self.settings.host,)
        identity = self.authority.server([*own, *self.settings.tls_names])
        return context(identity, client_ca=authority_pem(), asks="whoever_has_one")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
            return
        path: str = scope["path"]
        try:
            if path.startswith(ROOT):
                await self._call(scope, receive, send)
            elif path == "/":
                await _send(send, 200, orjson.dumps(self._index(scope)), "application/json")
            else:
                await self._exchange(scope, receive, send)
        except Stray as stray:
            await _send(send, stray.status, problem_bytes(stray.status, stray.detail), MEDIA)
        except WireFault:
            raise
        except Exception as crash:  # noqa: BLE001 - a defect of ours must reach the operator and the caller alike
            await self._crashed(scope, send, crash)

    async def _exchange(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.monotonic()
        site, prefix, path = self._site_of(scope["path"])
        method: str = scope["method"]
        peer = scope.get("client")
        host, has_body, wants_id = _glance(scope["headers"], self.settings.max_body_bytes)
        body = await _body(receive, self.settings.max_body_bytes) if has_body else b""
        x = Exchange(
            sandbox=site.sandbox,
            site=site,
            method="GET" if method == "HEAD" else method,
            path=path,
            query=scope["query_string"].decode("latin-1"),
            raw_path=(scope.get("raw_path") or scope["path"].encode()).decode("latin-1"),
            headers=scope["headers"],
            body=body,
            base_url=(site.moved_to or self._origin(scope, host)) + prefix,
            at=site.sandbox.clock.now(),
            started=started,
            connection=f"{peer[0]}:{peer[1]}" if peer else "",
            peer=peer_of(send) if scope["scheme"] == "https" else None,
        )
        if method == "HEAD":
            x.notes["method"] = "HEAD"
        try:
            reply = self._addressed(await handle(x), x, wants_id)
            shown = b"" if method == "HEAD" or reply.status in _BODILESS else reply.body
            plan = x.plan
            if plan is not None and plan.wire is not None:
                await deliver(plan.wire, x, shown, receive, send, self._holds)
                return
            if plan is not None and plan.waits and getattr(getattr(send, "__self__", None), "disconnected", False):
                x.complete, x.bytes_sent, x.notes["wire_sent"] = False, 0, "nothing"  # it did not wait for our latency
                return
            x.bytes_sent = len(shown)
            case = x.notes.get("header_case")
            headers = reply.headers if case is None else spelt(reply.headers, case)
            await send({"type": "http.response.start", "status": reply.status, "headers": headers})
            await send({"type": "http.response.body", "body": shown})
        finally:
            if x.slots:
                site.limits.release(x)

    def _site_of(self, path: str) -> tuple[Site, str, str]:
        """Which site a path belongs to, the prefix of that site, and the path below it. Raises Stray."""
        vendor, _, rest = path[1:].partition("/")
        if vendor == "s":
            id, _, rest = rest.partition("/")
            sandbox = self.sandboxes.get(id)
            if sandbox is None:
                raise Stray(404, f'unknown sandbox "{id}"; known: {_some(self.sandboxes.ids)}')
            vendor, _, rest = rest.partition("/")
            prefix = f"/s/{id}/{vendor}"
        else:
            sandbox = self.sandboxes.default
            prefix = "/" + vendor
        site = sandbox.sites.get(vendor)
        if site is None:
            raise Stray(404, f'unknown vendor "{vendor}"; known in sandbox {sandbox.id}: {_some(tuple(sandbox.sites))}')
        return site, prefix, "/" + rest

    def _origin(self, scope: Scope, host: bytes) -> str:
        if not self.settings.trust_forwarded:
            return f"{scope['scheme']}://{host.decode('latin-1') or listening_at(scope)}"
        host, proto, prefix = forwarded(scope["headers"], host)
        scheme = proto.decode("latin-1") or scope["scheme"]
        return f"{scheme}://{host.decode('latin-1') or listening_at(scope)}{prefix.decode('latin-1')}"

    def _addressed(self, reply: Reply, x: Exchange, wants_id: bool) -> Reply:
        """The reply with the headers of the house; a new one, because the room's may be shared with other exchanges."""
        headers = [*reply.headers, (b"date", self._date_of(x.sandbox, x.notes.get("skew_s", 0.0)))]
        if reply.status not in _BODILESS:
            headers.append((b"content-length", b"%d" % len(reply.body)))
        if wants_id:
            headers.append((_ASKED_FOR_ID, x.id.encode()))
        x.reply = made = Reply(reply.status, reply.body, headers, reply.simulated, reply.served)
        return made

    def _date_of(self, sandbox: Sandbox, skew_s: float) -> bytes:
        """The `Date` of an answer, on the caller's clock with the sandbox's skew and its own; made once a second."""
        wall = sandbox.clock.wall()
        if skew_s:
            wall += timedelta(seconds=skew_s)
        second = int(wall.timestamp())
        if second != self._date_second:
            self._date_second = second
            self._date = format_datetime(wall.astimezone(UTC), usegmt=True).encode()
        return self._date

    def _index(self, scope: Scope) -> dict[str, Any]:
        return ready(origin_of(scope, trust_forwarded=self.settings.trust_forwarded), self.sandboxes.default)

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A call of the control API; it answers its own crashes and raises them again, to be told here."""
        try:
            await self._control(scope, receive, send)
        except Exception as crash:  # noqa: BLE001 - a defect of ours must reach the operator
            self._tell(scope, crash)

    async def _crashed(self, scope: Scope, send: Send, crash: BaseException) -> None:
        self._tell(scope, crash)
        with contextlib.suppress(RuntimeError):  # the head of the answer may be gone already
            await _send(send, 500, b"internal error of the sandbox\n", "text/plain", (b"x-emr-sandbox", b"bug"))

    def _tell(self, scope: Scope, crash: BaseException) -> None:
        told = (
            f"emr-sandbox: our own defect at {scope['method']} {scope['path']} (seed {self.settings.seed})\n"
            + "".join(traceback.format_exception(crash))
        )
        print(scrubbed(told, self._credential), file=sys.stderr)

    def _credential(self, text: str) -> str:
        """What kind of secret of any sandbox this is; asked only when something of ours is broken."""
        sites = (site for sandbox in self.sandboxes.all for site in sandbox.sites.values())
        return next((kind for site in sites if (kind := site.credentials()(text))), "")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def close(self) -> None:
        """End everything that waits, for news or for nothing, so that connections can close."""
        self._holds.end()
        for sandbox in self.sandboxes.all:
            sandbox.journal.close()


def ready(url: str, sandbox: Sandbox) -> dict[str, Any]:
    """The contract's `ready` shape for the default sandbox at `url`."""
    return {"ready": True, "url": url, "control": url + ROOT, "vendors": vendor_urls(sandbox, url)}


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:10]) or "none"
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"


def _glance(headers: Headers, longest: int) -> tuple[bytes, bool, bool]:
    """In one pass: the host, whether there is a body, whether the exchange's id is asked for. Raises Stray."""
    host = b""
    has_body = wants_id = False
    for key, value in headers:
        if key == b"host":
            host = host or value
        elif key == b"content-length":
            has_body = value != b"0"
            if has_body and int(value) > longest:
                raise _too_large(longest)
        elif key == b"transfer-encoding":
            has_body = True
        elif key == _ASKED_FOR_ID:
            wants_id = True
    return host, has_body, wants_id


async def _body(receive: Receive, longest: int) -> bytes:
    """The whole body. Raises Stray when it is longer than `longest`."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts = [body]
        total = len(body)
        while message.get("more_body"):
            message = await receive()
            parts.append(message.get("body", b""))
            total += len(parts[-1])
            if total > longest:
                raise _too_large(longest)
        body = b"".join(parts)
    if len(body) > longest:
        raise _too_large(longest)
    return body


def _too_large(longest: int) -> Stray:
    return Stray(413, f"the body is longer than {longest} bytes")


async def _send(send: Send, status: int, body: bytes, media: str, *more: tuple[bytes, bytes]) -> None:
    headers = [(b"content-type", media.encode()), (b"content-length", b"%d" % len(body)), *more]
    if status == 413:  # what is left of the body is not read
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Running:
    """A server that is up: where, and what is in it. `ca_file` is what its callers trust; None for plain HTTP."""

    def __init__(self, server: Server, url: str, ca_file: Path | None = None, edge: EdgeServer | None = None) -> None:
        self.server = server
        self._edge = edge
        self.ca_file = ca_file
        self.url = url
        self.control = url + ROOT
        self.sandboxes = server.sandboxes

    def base_url(self, sandbox: Sandbox, vendor: str) -> str:
        """The base URL of `vendor` in `sandbox`."""
        return f"{self.url}/{vendor}" if sandbox.id == "default" else f"{self.url}/s/{sandbox.id}/{vendor}"

    def open_door(self, sandbox: Sandbox, vendor: str) -> None:
        """Give a vendor a port of its own; from any thread.

        Raises:
            UsageError: there are enough doors.
        """
        self._in_loop(lambda: self.server.doors.open(sandbox, vendor))

    def close_doors(self, sandbox: Sandbox) -> None:
        """Close every port of a sandbox; from any thread."""
        self._in_loop(lambda: self.server.doors.close(sandbox))

    def _in_loop(self, what: Callable[[], object]) -> None:
        assert self._edge is not None
        self._edge.do(what)


@contextlib.contextmanager
def running(settings: Settings | None = None) -> Iterator[Running]:
    """A server on a free port in a background thread, for tests and the harness; the settings' port is not used."""
    server = Server(settings or Settings())
    plug = listen("127.0.0.1", 0)
    url = url_of(plug, "https" if server.settings.tls else "http")
    edge = server.edge()
    thread = threading.Thread(target=edge.run, args=([plug],), name="emr-sandbox", daemon=True)
    thread.start()
    try:
        if not edge.up.wait(10):
            raise RuntimeError("the server did not start within 10 s")
        with ca_file_of(server.authority) if server.settings.tls else contextlib.nullcontext() as ca_file:
            yield Running(server, url, ca_file, edge)
    finally:
        edge.stop()
        thread.join(10)
        plug.close()
