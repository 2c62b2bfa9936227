"""A write is stored, and the connection breaks before its caller hears of it: whoever repeats it writes twice."""

from __future__ import annotations

from simulator.faults.act import Act
from simulator.faults.fault import Arg, Fault, Wire

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


def _wire(act: Act) -> Wire | None:
    if act.x.method in _READS:
        act.say(spared="not a write")
        return None
    return Wire(sent="nothing", end=act.args["end"])


FAULT = Fault(
    name="store_then_cut",
    says="handles a write and ends the connection instead of answering; reads are spared",
    args={"end": Arg(str, "close", "how the connection ends", one_of=("close", "reset"))},
    wire=_wire,
)
