"""A port that is watched by a gate: what each connection meets is decided before its first byte is read, and whether
anybody listens at all every 50 ms of real time."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from simulator.refusal import NotSimulated

LOOK_S = 0.05
_HANDSHAKE = b"\x16"  # the type of a record, RFC 8446 section 5.1
_HANDSHAKE_FAILURE = b"\x15\x03\x03\x00\x02\x02\x28"  # a fatal alert, RFC 8446 section 6


class Gate(Protocol):
    """What an edge asks of a door: what this connection meets, and whether there is a port at all."""

    def meets(self, connection: str) -> str:
        """What a connection from there meets: what `bad_tls` shows; empty for the good door."""
        ...

    def context(self, shows: str) -> ssl.SSLContext | None:
        """The TLS context that shows it; None for plain HTTP."""
        ...

    @property
    def is_shut(self) -> bool:
        """Whether nobody listens."""
        ...


class GateDoor:
    """A gate's port: open, or bound and refused, as the gate says. Each connection is looked at before its first byte.

    `make` gives the server's own protocol for a connection that is let in.
    """

    def __init__(self, plug: socket.socket, gate: Gate, make: Callable[[], asyncio.Protocol], backlog: int) -> None:
        self._plug = plug
        self._address: tuple[str, int] = plug.getsockname()[:2]
        self._gate = gate
        self._make = make
        self._backlog = backlog
        self._accepting: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._break_off: Callable[[], None] = lambda: None

    def begin(self, break_off: Callable[[], None]) -> None:
        """Listen, and look after the port from now on; `break_off` ends what is connected. In the server's loop."""
        self._break_off = break_off
        self._listen()
        self._keep(self._look())

    def _listen(self) -> None:
        self._plug.setblocking(False)
        self._plug.listen(self._backlog)
        self._accepting = self._keep(self._accept())

    def _shut(self) -> None:
        """Nobody listens any more, and the port is kept: a connection to it is refused."""
        self._end()
        self._plug = bound(*self._address)

    def _end(self) -> None:
        if self._accepting is not None:
            self._accepting.cancel()
            self._accepting = None
        asyncio.get_running_loop().remove_reader(self._plug.fileno())
        self._plug.close()
        self._break_off()

    def _keep(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            is_open = self._accepting is not None
            if self._gate.is_shut and is_open:
                self._shut()
            elif not is_open and not self._gate.is_shut:
                self._listen()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, peer = await loop.sock_accept(self._plug)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._keep(self._meet(connection, f"{peer[0]}:{peer[1]}"))

    async def _meet(self, connection: socket.socket, peer: str) -> None:
        shows = self._gate.meets(peer)
        if shows == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            return
        loop = asyncio.get_running_loop()
        try:
            if shows == "handshake_failure":
                await loop.sock_recv(connection, 65_536)  # its hello
                await loop.sock_sendall(connection, _HANDSHAKE_FAILURE)
                connection.close()
                return
            if shows == "with_plain":
                shows = "" if await _begins_tls(connection) else "plain"
            context = self._gate.context(shows)
            await loop.connect_accepted_socket(self._make, connection, ssl=context)
        except (OSError, ssl.SSLError, NotSimulated):  # the caller did not want it, or TLS 1.1 is not in this Python
            connection.close()

    def close(self) -> None:
        """Listen no more, and break off who is connected."""
        for task in list(self._tasks):
            task.cancel()
        self._end()


async def _begins_tls(connection: socket.socket) -> bool:
    """Whether the first byte of a connection, which is left unread, is that of a TLS handshake."""
    loop = asyncio.get_running_loop()
    came = asyncio.Event()
    loop.add_reader(connection, came.set)
    try:
        await came.wait()
    finally:
        loop.remove_reader(connection)
    return connection.recv(1, socket.MSG_PEEK) == _HANDSHAKE


def bound(host: str, port: int) -> socket.socket:
    """A socket bound to a port, on which nobody listens yet."""
    plug = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plug.bind((host, port))
    except BaseException:
        plug.close()
        raise
    return plug
