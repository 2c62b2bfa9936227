"""One machine behind the balancer has a wrong clock: the Date of its answers is off, and so is what hangs on it."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.bodies import without
from simulator.faults.fault import Arg, Fault


def _spoil(reply: Reply, act: Act) -> Reply:
    """Date is written by the front, which looks at the note; a Retry-After that is a date is moved here."""
    act.x.notes["skew_s"] = act.args["skew_s"]
    told = reply.header("retry-after")
    if told is None or told.isdigit():
        return reply
    moved = parsedate_to_datetime(told) + timedelta(seconds=act.args["skew_s"])
    headers = [*without(reply.headers, b"retry-after"), (b"retry-after", format_datetime(moved, usegmt=True).encode())]
    return Reply(reply.status, reply.body, headers, reply.simulated, reply.served)


FAULT = Fault(
    name="clock_skew",
    says="answers from a machine whose clock is `skew_s` seconds ahead: Date and a dated Retry-After follow (the "
    "action `clock` with `skew_s` moves the whole vendor's clock instead, tokens and assertions included)",
    args={"skew_s": Arg((int, float), ..., "seconds ahead, negative: behind; -1e9 to 1e9", at_least=-1e9, at_most=1e9)},
    spoil=_spoil,
)
