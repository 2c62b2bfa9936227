"""The request vanishes: nothing is done, no byte comes, and the connection stays open."""

from __future__ import annotations

from simulator.faults.act import Act
from simulator.faults.fault import Arg, Fault, Wire
from simulator.refusal import Refusal


def _refuses(act: Act) -> Refusal:
    return Refusal("unavailable", "the request vanished before it was handled", reason="black_hole")


def _wire(act: Act) -> Wire:
    return Wire(sent="nothing", hold_s=act.args["hold_s"], end="close")


FAULT = Fault(
    name="black_hole",
    says="does nothing and sends nothing; the connection stays open until the caller gives up (Toxiproxy's `timeout`)",
    args={
        "hold_s": Arg(
            (int, float), 600, "real seconds after which it is closed, 0.001 to 3600", at_least=0.001, at_most=3600
        )
    },
    refuses=_refuses,
    wire=_wire,
)
