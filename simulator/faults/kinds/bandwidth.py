"""A narrow line: the body leaves no faster than so many bytes a second. Real time."""

from __future__ import annotations

from simulator.faults.act import Act
from simulator.faults.fault import Arg, Fault, Wire


def _wire(act: Act) -> Wire:
    return Wire(rate_bytes_s=act.args["rate_bytes_s"])


FAULT = Fault(
    name="bandwidth",
    says="sends the body at `rate_bytes_s` bytes a second",
    args={"rate_bytes_s": Arg((int, float), ..., "bytes a second, 1 to 1e9", at_least=1, at_most=1e9)},
    wire=_wire,
)
