"""Time passes at this very call: the tokens, page sessions and quota windows of the sandbox age at once."""

from __future__ import annotations

from datetime import timedelta

from simulator.exchange import Exchange
from simulator.faults.fault import Arg, Args, Fault


async def _before(args: Args, x: Exchange, draw: int) -> None:
    x.sandbox.clock.advance(timedelta(seconds=args["advance_s"]))


FAULT = Fault(
    name="clock_advance",
    says="turns the sandbox clock ahead by `advance_s` seconds when the call comes in; the call is still answered",
    args={"advance_s": Arg((int, float), ..., "seconds, 0 to 1e9", at_least=0, at_most=1e9)},
    before=_before,
)
