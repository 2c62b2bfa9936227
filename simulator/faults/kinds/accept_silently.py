"""Accepted, and then silence: what was asked for is done, and nobody is told."""

from __future__ import annotations

from simulator.faults.act import Act
from simulator.faults.fault import Arg, Fault, Wire


def _wire(act: Act) -> Wire:
    return Wire(sent="nothing", hold_s=act.args["hold_s"], end="close")


FAULT = Fault(
    name="accept_silently",
    says="handles the call, writes included, and never answers; the connection stays open until the caller gives up",
    args={
        "hold_s": Arg(
            (int, float), 600, "real seconds after which it is closed, 0.001 to 3600", at_least=0.001, at_most=3600
        )
    },
    wire=_wire,
)
