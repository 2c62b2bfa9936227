"""Half down: some calls fail, the others are slow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.faults.fault import Arg, Args, milliseconds, seconds, share
from simulator.faults.outage import Outage


def _parts(args: Args) -> Sequence[Mapping[str, Any]]:
    window = {"from_s": 0, "for_s": args["lasts_s"]}
    slow = {"latency_ms": args["latency_ms"], "distribution": "lognormal", "sigma": 0.8}
    failing = {"status": args["status"]}
    return [
        {"fault": "status", "args": failing, "share": args["failing"], "window": window},
        {"fault": "latency", "args": slow, "window": window},
    ]


OUTAGE = Outage(
    name="brown_out",
    says="a share of the calls fails, and all are slow with a long tail",
    args={
        "failing": share(0.3, "the share of the calls that fails"),
        "status": Arg(int, 503, "with which status, 400 to 599", at_least=400, at_most=599),
        "latency_ms": milliseconds(100, "the median wait"),
        "lasts_s": seconds(600, "how long it lasts, in sandbox time"),
    },
    parts=_parts,
)
