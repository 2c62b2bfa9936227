"""Faults on the network: an answer that drips, is cut, or never comes, done to the connection that uvicorn holds."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from simulator.exchange import Exchange, Headers
from simulator.faults.fault import Wire

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]

_TICK_S = 0.02  # how often a slow line sends something


class WireFault(ConnectionError):
    """A network fault was planned and there is no network, because the app is called in this process."""


class Holds:
    """The connections of one server that are held without an answer, so that it can let go of them when it stops."""

    def __init__(self) -> None:
        self._ends: set[asyncio.Event] = set()

    def end(self) -> None:
        """Let go of all; from the server's own loop."""
        for one in self._ends:
            one.set()

    async def hold(self, receive: Receive, hold_s: float) -> None:
        """Come back when the caller has gone, after `hold_s` seconds, or at `end`."""
        over = asyncio.Event()
        self._ends.add(over)
        waiting = [asyncio.ensure_future(_gone(receive)), asyncio.ensure_future(over.wait())]
        try:
            await asyncio.wait(waiting, timeout=hold_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._ends.discard(over)
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def deliver(wire: Wire, x: Exchange, body: bytes, receive: Receive, send: Send, holds: Holds) -> None:
    """Send what `wire` lets through of the answer, as it lets it through; the exchange says how much that was.

    The transport is that of uvicorn, whose `send` is a method of the cycle that has it.

    Raises:
        WireFault: the connection is to be broken, and there is none.
    """
    assert x.reply is not None
    whole = wire.sent == "all" and wire.end == "keep"
    shown = body if wire.sent == "all" else body[: wire.cut_after] if wire.sent == "part" else b""
    x.complete, x.bytes_sent = False, 0
    x.notes["wire_sent"] = wire.sent
    cycle = getattr(send, "__self__", None)
    transport: asyncio.WriteTransport | None = getattr(cycle, "transport", None)  # uvloop's is no subclass of it
    if transport is None and not whole:
        raise WireFault(f"the sandbox broke the connection on purpose at {x.method} {x.raw_path} (exchange {x.id})")
    if wire.sent != "nothing":
        headers = _chunked(x.reply.headers) if wire.chunked else x.reply.headers
        await send({"type": "http.response.start", "status": x.reply.status, "headers": headers})
        async for piece in _paced(shown, wire):
            if getattr(cycle, "disconnected", False):
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            x.bytes_sent += len(piece)
    if whole:
        await send({"type": "http.response.body", "body": b""})
        x.complete = True
        return
    assert transport is not None
    if wire.sent != "nothing":
        if wire.tail:
            transport.write(wire.tail)
        await _flushed(transport)
    if wire.hold_s:
        await holds.hold(receive, wire.hold_s)
    if wire.end == "reset":
        _reset(transport)
    else:
        transport.close()
    for _ in range(20):  # until uvicorn has seen that the connection is gone, or it would answer 500
        if getattr(cycle, "disconnected", True):
            break
        await asyncio.sleep(0)


class _Spelt(bytes):
    """A header's name that stays as it is written: uvicorn would put it in small letters."""

    def lower(self) -> _Spelt:
        return self


_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection"})  # uvicorn looks for these
_CASES = {"lower": bytes.lower, "upper": bytes.upper, "title": bytes.title}


def spelt(headers: Headers, case: str) -> Headers:
    """The headers with their names in this case, but those that say where the answer ends."""
    write = _CASES[case]
    return [(name if name in _FRAMING else _Spelt(write(name)), value) for name, value in headers]


def _chunked(headers: Headers) -> Headers:
    return [pair for pair in headers if pair[0] != b"content-length"] + [(b"transfer-encoding", b"chunked")]


async def _paced(body: bytes, wire: Wire) -> AsyncIterator[bytes]:
    """The body piece by piece, each at its time: late pieces do not make the following ones later."""
    size, began = wire.piece_bytes or len(body), time.monotonic()
    if wire.rate_bytes_s:
        size = min(size, max(1, int(wire.rate_bytes_s * _TICK_S)))
    for number, start in enumerate(range(0, len(body), max(1, size))):
        piece = body[start : start + size]
        due = began + number * wire.pause_s
        if wire.rate_bytes_s:
            due = max(due, began + (start + len(piece)) / wire.rate_bytes_s)
        left = due - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)
        yield piece


async def _flushed(transport: asyncio.WriteTransport) -> None:
    """Wait until what was written has left: uvloop writes at the end of a turn of its loop."""
    await asyncio.sleep(0)
    for _ in range(200):
        if transport.is_closing() or not transport.get_write_buffer_size():
            return
        await asyncio.sleep(0.001)


def _reset(transport: asyncio.WriteTransport) -> None:
    """Close with a TCP RST: with a linger time of zero the kernel throws away what is unsent and resets."""
    plug = transport.get_extra_info("socket")
    if plug is not None:
        with contextlib.suppress(OSError):  # the caller has gone meanwhile
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
