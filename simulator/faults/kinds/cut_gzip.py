"""A compressed body that breaks off, under a Content-Length that fits it: only whoever unpacks it can tell."""

from __future__ import annotations

import gzip

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.bodies import without
from simulator.faults.fault import Arg, Fault


def _spoil(reply: Reply, act: Act) -> Reply:
    if "gzip" not in (act.x.header("accept-encoding") or ""):
        act.say(spared="the caller takes no gzip")
        return reply
    packed = gzip.compress(reply.body, mtime=0)
    kept = max(1, int(len(packed) * act.args["keep"]))
    act.say(packed=len(packed), kept=kept)
    headers = [*without(reply.headers, b"content-encoding"), (b"content-encoding", b"gzip")]
    return Reply(reply.status, packed[:kept], headers, reply.simulated, reply.served)


FAULT = Fault(
    name="cut_gzip",
    says="sends the body compressed and cut; callers that take no gzip are spared",
    args={
        "keep": Arg(
            (int, float), 0.5, "the share of the compressed body that is left, 0 to 0.99", at_least=0, at_most=0.99
        )
    },
    spoil=_spoil,
)
