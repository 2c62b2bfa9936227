"""The connection is reset (TCP RST) instead of an answer."""

from __future__ import annotations

from simulator.faults.act import Act
from simulator.faults.fault import Arg, Fault, Wire
from simulator.refusal import Refusal


def _refuses(act: Act) -> Refusal | None:
    if act.args["after"] == "request":
        return Refusal("unavailable", "the connection was reset before the request was handled", reason="reset_peer")
    return None


def _wire(act: Act) -> Wire:
    return Wire(sent="headers" if act.args["after"] == "headers" else "nothing", end="reset")


FAULT = Fault(
    name="reset_peer",
    says="resets the connection: before the request is handled, instead of the answer, or after the answer's head",
    args={
        "after": Arg(
            str,
            "answer",
            "`request`: nothing is done; `answer`: done, but not told; `headers`: status and headers only",
            one_of=("request", "answer", "headers"),
        )
    },
    refuses=_refuses,
    wire=_wire,
)
