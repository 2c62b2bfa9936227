"""Faults on the network: an answer that is cut or never comes, done to the connection that uvicorn holds."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from simulator.exchange import Exchange, Reply
from simulator.faults.fault import Wire

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


class WireFault(ConnectionError):
    """A network fault was planned and there is no network, because the app is called in this process."""


async def break_off(wire: Wire, x: Exchange, reply: Reply, send: Send) -> None:
    """Send only so much of the answer, then reset or close the connection; the exchange says so.

    The transport is that of uvicorn, whose `send` is a method of the cycle that has it.

    Raises:
        WireFault: there is no connection to break.
    """
    body = reply.body[: wire.cut_after] if wire.sent == "part" else b""
    x.complete = False
    x.bytes_sent = len(body)
    x.notes["wire_sent"] = wire.sent
    cycle = getattr(send, "__self__", None)
    transport: asyncio.WriteTransport | None = getattr(cycle, "transport", None)  # uvloop's is no subclass of it
    if transport is None:
        raise WireFault(f"the sandbox broke the connection on purpose at {x.method} {x.raw_path} (exchange {x.id})")
    if wire.sent != "nothing":
        await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
        if body:
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await _flushed(transport)
    if wire.sent == "part":
        transport.close()
    else:
        _reset(transport)
    for _ in range(20):  # until uvicorn has seen that the connection is gone, or it would answer 500
        if getattr(cycle, "disconnected", True):
            break
        await asyncio.sleep(0)


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
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
