"""A slow drip: the body leaves in small pieces with a pause before each. Real time."""

from __future__ import annotations

from simulator.faults.act import Act
from simulator.faults.fault import Fault, Wire, milliseconds, whole


def _wire(act: Act) -> Wire:
    return Wire(piece_bytes=act.args["average_size_bytes"], pause_s=act.args["delay_ms"] / 1000)


FAULT = Fault(
    name="slicer",
    says="drips: sends the body in pieces of `average_size_bytes` bytes, `delay_ms` milliseconds apart; every piece "
    "comes in time for a read timeout, the whole does not",
    args={
        "average_size_bytes": whole(64, "the size of a piece", 1),
        "delay_ms": milliseconds(50, "between two pieces"),
    },
    wire=_wire,
)
