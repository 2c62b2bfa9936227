"""An announcement in the headers of good answers: maintenance to come, an end of life."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.bodies import without
from simulator.faults.fault import Arg, Fault


def _spoil(reply: Reply, act: Act) -> Reply:
    words = act.args["says"]
    if act.args["begins_s"] is not None:
        begins = act.x.sandbox.clock.wall() + timedelta(seconds=max(0.0, act.args["begins_s"] - act.since_s))
        words = words.replace("{begins}", format_datetime(begins, usegmt=True))
    name = act.args["header"].lower().encode()
    headers = [*without(reply.headers, name), (name, words.encode("latin-1", "replace"))]
    return Reply(reply.status, reply.body, headers, reply.simulated, reply.served)


FAULT = Fault(
    name="announce",
    says="adds a header to the answers, which are as good as ever",
    args={
        "header": Arg(str, "Warning", "its name", fits=lambda value: value.replace("-", "").isalnum()),
        "says": Arg(str, ..., "its value; `{begins}` becomes the date of `begins_s`",
                    fits=lambda value: value.isprintable()),
        "begins_s": Arg((int, float, type(None)), None, "when it happens, in seconds of sandbox time since the window "
                        "opened", at_least=0),
    },
    spoil=_spoil,
)  # fmt: skip
