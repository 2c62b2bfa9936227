"""Nothing works: errors, resets, or silence for everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.faults.fault import Arg, Args, seconds
from simulator.faults.outage import Outage


def _parts(args: Args) -> Sequence[Mapping[str, Any]]:
    window = {"from_s": 0, "for_s": args["lasts_s"]}
    kinds: Mapping[str, Mapping[str, Any]] = {
        "status": {"fault": "status", "args": {"status": args["status"]}},
        "reset": {"fault": "reset_peer", "args": {"after": "request"}},
        "silence": {"fault": "black_hole"},
    }
    return [{**kinds[args["how"]], "window": window}]


OUTAGE = Outage(
    name="full_outage",
    says="every call fails: with a status, a reset, or without a word",
    args={
        "how": Arg(str, "status", "how it fails", one_of=("status", "reset", "silence")),
        "status": Arg(int, 503, "with which status, 400 to 599", at_least=400, at_most=599),
        "lasts_s": seconds(3600, "how long it lasts, in sandbox time"),
    },
    parts=_parts,
)
