"""Time passes at this very call: the tokens, page sessions and quota windows of the sandbox age at once."""

from __future__ import annotations

from datetime import timedelta

from simulator.faults.act import Act
from simulator.faults.fault import Fault, seconds


def _before(act: Act) -> None:
    act.x.sandbox.clock.advance(timedelta(seconds=act.args["advance_s"]))


FAULT = Fault(
    name="clock_advance",
    says="turns the sandbox clock ahead by `advance_s` seconds when the call comes in; the call is still answered",
    args={"advance_s": seconds(..., "how far")},
    before=_before,
)
