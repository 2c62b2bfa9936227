"""The answer comes late. Real time: what a client's timeout measures."""

from __future__ import annotations

import asyncio

from simulator.exchange import Exchange
from simulator.faults.fault import Arg, Args, Fault


async def _before(args: Args, x: Exchange, draw: int) -> None:
    wait_ms = args["latency_ms"] + (draw % (2 * int(args["jitter_ms"]) + 1)) - int(args["jitter_ms"])
    if wait_ms > 0:
        await asyncio.sleep(wait_ms / 1000)


FAULT = Fault(
    name="latency",
    says="answers after `latency_ms` milliseconds, more or less `jitter_ms`",
    args={
        "latency_ms": Arg((int, float), ..., "milliseconds, 0 to 600000", at_least=0, at_most=600_000),
        "jitter_ms": Arg(int, 0, "milliseconds more or less, 0 to 600000", at_least=0, at_most=600_000),
    },
    before=_before,
)
