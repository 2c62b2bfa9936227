"""A failure that calls itself a success: the vendor's own error body under a 200."""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.fault import Fault
from simulator.faults.trouble import in_trouble


def _spoil(reply: Reply, act: Act) -> Reply:
    return in_trouble("failure", act.x, {"status": 200})


FAULT = Fault(
    name="failure_envelope",
    says="answers 200 with the vendor's error in the body: an OperationOutcome, or an error object",
    args={},
    spoil=_spoil,
)
