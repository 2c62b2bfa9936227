"""The connection is closed (FIN) instead of an answer: a proxy whose upstream died."""

from __future__ import annotations

from simulator.faults.act import Act
from simulator.faults.fault import Fault, Wire
from simulator.refusal import Refusal


def _refuses(act: Act) -> Refusal:
    return Refusal("unavailable", "the connection was closed before the request was handled", reason="empty_response")


def _wire(act: Act) -> Wire:
    return Wire(sent="nothing", end="close")


FAULT = Fault(
    name="empty_response",
    says="closes the connection without a byte; nothing is done",
    args={},
    refuses=_refuses,
    wire=_wire,
)
