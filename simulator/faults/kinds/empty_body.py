"""A 200 with nothing in it."""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.fault import Fault


def _spoil(reply: Reply, act: Act) -> Reply:
    return Reply(200, b"", list(reply.headers))


FAULT = Fault(name="empty_body", says="answers 200 with the headers of an answer and no body", args={}, spoil=_spoil)
