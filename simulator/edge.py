"""uvicorn as this project runs it: on a ready socket, stopped at once, as quick as what is installed allows."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import uvicorn

from simulator.refusal import UsageError
from simulator.tls.doors import Doors
from simulator.tls.gate import Gate, GateDoor
from simulator.tls.listeners import Listeners, Tally

_GRACE_S = 2.0
_GRACE_OF_IDLE_S = 0.2  # a TLS connection waits for the caller's farewell; one that does nothing is not worth it


class EdgeServer(uvicorn.Server):
    """uvicorn that says when it is up, ends streams before it waits for connections, and takes no time to stop."""

    def __init__(
        self,
        config: uvicorn.Config,
        close: Callable[[], None],
        listeners: Listeners | None = None,
        doors: Doors | None = None,
    ) -> None:
        super().__init__(config)
        self._close = close
        self._listeners = listeners
        self._doors = doors
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.up = threading.Event()
        self.before_ready: Callable[[], None] = lambda: None
        self.on_ready: Callable[[], None] = lambda: None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        await super().startup(sockets)
        if self._listeners is not None:
            self._listeners.attach(self.open, is_secure=self.config.ssl is not None)
        if self._doors is not None:
            self._doors.attach(self.open_gate, is_secure=self.config.ssl is not None)
        self.before_ready()
        self.up.set()
        self.on_ready()

    def then(self, what: Callable[[], None]) -> None:
        """Do this too before it says that it is up."""
        before = self.before_ready

        def both() -> None:
            before()
            what()

        self.before_ready = both

    async def main_loop(self) -> None:
        assert self._stop is not None
        if not self.should_exit:
            await self._stop.wait()

    async def open(self, plug: socket.socket, context: ssl.SSLContext | None, tally: Tally) -> Door:
        """One more door on a bound socket, to the same app; in the server's own loop."""
        door = Door(plug, tally)
        protocol = self._protocol(door)
        loop = asyncio.get_running_loop()
        door.server = await loop.create_server(protocol, sock=plug, ssl=context, backlog=self.config.backlog)
        return door

    def open_gate(self, plug: socket.socket, gate: Gate, tally: Tally) -> GateDoor:
        """A door whose gate decides what each connection meets; in the server's own loop."""
        door = Door(plug, tally)
        made = GateDoor(plug, gate, self._protocol(door), self.config.backlog)
        made.begin(door.break_off)
        return made

    def _protocol(self, door: Door) -> Callable[[], asyncio.Protocol]:
        kind = _watched(self.config.http_protocol_class, door)

        def protocol() -> asyncio.Protocol:
            door.tally.connections += 1
            made: asyncio.Protocol = kind(
                config=self.config, server_state=self.server_state, app_state=self.lifespan.state
            )
            return made

        return protocol

    def do(self, what: Callable[[], object]) -> None:
        """Do this in the server's own loop, from another thread, and wait until it is done."""
        assert self._loop is not None

        async def doing() -> None:
            what()

        asyncio.run_coroutine_threadsafe(doing(), self._loop).result(10)

    def stop(self) -> None:
        """Ask it to stop; from any thread, or from a signal."""
        self.should_exit = True
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Interrupt and terminate end the server in good order, and that is all: they are not raised again after it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {sig: signal.signal(sig, self.handle_exit) for sig in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.stop()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close what listens, end what streams, let running answers finish for a moment."""
        self._close()
        if self._listeners is not None:
            self._listeners.close_all()
        if self._doors is not None:
            self._doors.close_all()
        for listener in self.servers:
            listener.close()
        for plug in sockets or []:
            plug.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        began = time.monotonic()
        deadline = began + _GRACE_S
        # uvicorn keeps plain sets of what is open: there is no event to wait on.
        while self._has_open() and not self.force_exit and time.monotonic() < deadline:
            if not self.server_state.tasks and time.monotonic() > began + _GRACE_OF_IDLE_S:
                break
            await asyncio.sleep(0.005)
        for task in list(self.server_state.tasks):
            task.cancel()
        for connection in list(self.server_state.connections):
            transport: Any = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()
        await asyncio.sleep(0)
        await self.lifespan.shutdown()

    def _has_open(self) -> bool:
        return bool(self.server_state.connections or self.server_state.tasks)


class Door:
    """A further listener of a server, and who is connected to it."""

    def __init__(self, plug: socket.socket, tally: Tally) -> None:
        self.tally = tally
        self.server: asyncio.AbstractServer | None = None
        self.connected: set[Any] = set()
        self._plug = plug

    def close(self) -> None:
        """Listen no more, and break off who is connected."""
        if self.server is not None:
            self.server.close()
        self._plug.close()
        self.break_off()

    def break_off(self) -> None:
        """End every connection."""
        for transport in list(self.connected):
            transport.abort()


def _watched(base: Any, door: Door) -> Any:
    """uvicorn's protocol, counting what comes in; `connection_made` follows a handshake that both sides completed."""

    class Watched(base):  # type: ignore[misc]
        def connection_made(self, transport: Any) -> None:
            door.tally.handshakes += 1
            door.connected.add(transport)
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            door.connected.discard(self.transport)
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            door.tally.http_bytes += len(data)
            super().data_received(data)

    return Watched


def edge_server(
    app: Callable[..., Any],
    close: Callable[[], None],
    *,
    tls: ssl.SSLContext | None = None,
    listeners: Listeners | None = None,
    doors: Doors | None = None,
) -> EdgeServer:
    """The uvicorn server of `app`; `close` ends what would keep connections open; with `tls` it speaks nothing else."""
    config = uvicorn.Config(
        app,
        interface="asgi3",
        loop="uvloop" if _is_installed("uvloop") else "asyncio",
        http="httptools" if _is_installed("httptools") else "h11",
        ws="none",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        lifespan="on",
        timeout_keep_alive=75,
    )
    config.load()
    config.ssl = tls  # uvicorn itself would make a context of files
    return EdgeServer(config, close, listeners, doors)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket.

    Raises:
        UsageError: the port is in use, or the host is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    plug = socket.socket(family)
    try:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Head and body leave in two writes: with Nagle's algorithm the second waits for a delayed ACK, about 40 ms.
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plug.bind((host, port))
    except OSError as flaw:
        plug.close()
        raise UsageError(
            f"cannot listen on {host}:{port}: {flaw.strerror or flaw}", "choose another with `--port`, or `--port 0`"
        ) from None
    return plug


def url_of(plug: socket.socket, scheme: str = "http") -> str:
    """The URL of a bound socket; a wildcard address is shown as loopback."""
    host, port = plug.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"{scheme}://{shown}:{port}"


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
