"""The body breaks off: under its full Content-Length, or under one that fits what is left."""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.fault import Arg, Fault, Wire, whole


def _wire(act: Act) -> Wire | None:
    if act.args["length"] == "cut":
        return None
    return Wire(sent="part", cut_after=act.args["bytes"], end="close")


def _spoil(reply: Reply, act: Act) -> Reply:
    if act.args["length"] == "full":
        return reply
    act.say(left_out=max(0, len(reply.body) - act.args["bytes"]))
    return Reply(reply.status, reply.body[: act.args["bytes"]], list(reply.headers), reply.simulated, reply.served)


FAULT = Fault(
    name="limit_data",
    says="sends only the first `bytes` bytes of the body: under the full Content-Length, and the connection is closed; "
    "or under a Content-Length that fits, so that only the content tells",
    args={
        "bytes": whole(..., "bytes of the body that are sent"),
        "length": Arg(str, "full", "which Content-Length is promised", one_of=("full", "cut")),
    },
    spoil=_spoil,
    wire=_wire,
)
