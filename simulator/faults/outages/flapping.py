"""Up and down and up again: a machine that is taken out and put back by its own health check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.faults.fault import Arg, Args, seconds
from simulator.faults.outage import Outage


def _parts(args: Args) -> Sequence[Mapping[str, Any]]:
    window = {
        "from_s": args["up_s"], "for_s": args["down_s"], "every_s": args["up_s"] + args["down_s"],
        "until_s": args["lasts_s"],
    }  # fmt: skip
    if args["how"] == "status":
        return [{"fault": "status", "args": {"status": args["status"]}, "window": window}]
    return [{"fault": "reset_peer", "args": {"after": "request"}, "window": window}]


OUTAGE = Outage(
    name="flapping",
    says="up for `up_s`, down for `down_s`, again and again, in sandbox time",
    args={
        "up_s": seconds(20, "how long it works"),
        "down_s": Arg((int, float), 10, "how long it does not: seconds, 0.001 to 1e9", at_least=0.001, at_most=1e9),
        "how": Arg(str, "status", "how it fails", one_of=("status", "reset")),
        "status": Arg(int, 503, "with which status, 400 to 599", at_least=400, at_most=599),
        "lasts_s": seconds(600, "how long this goes on"),
    },
    parts=_parts,
)
