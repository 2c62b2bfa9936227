"""A 200 whose JSON breaks off, under a right Content-Length."""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.fault import Arg, Fault


def _spoil(reply: Reply, act: Act) -> Reply:
    return Reply(200, _broken_off(reply.body, act.args["keep"]), list(reply.headers))


def _broken_off(body: bytes, keep: float) -> bytes:
    """The first part of a body, never something that still parses: the cut may leave `1` of `12`, so a brace leads."""
    return b"{" + body[1 : max(2, int(len(body) * keep))] if body else b"{"


FAULT = Fault(
    name="malformed_json",
    says="answers 200 with the vendor's body broken off in the middle, under a right Content-Length",
    args={"keep": Arg((int, float), 0.5, "the share of the body that is left, 0 to 0.99", at_least=0, at_most=0.99)},
    spoil=_spoil,
)
