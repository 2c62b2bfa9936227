"""A night of maintenance: announced, then the vendor's page for everybody, then a slow warm-up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.faults.fault import Arg, Args, milliseconds, seconds
from simulator.faults.outage import Outage


def _parts(args: Args) -> Sequence[Mapping[str, Any]]:
    notice, lasts, warm_up = args["notice_s"], args["lasts_s"], args["warm_up_s"]
    parts: list[Mapping[str, Any]] = []
    if notice:
        said = {"header": "Warning", "says": '199 - "scheduled maintenance begins {begins}"', "begins_s": notice}
        parts.append({"fault": "announce", "args": said, "window": {"from_s": 0, "for_s": notice}})
    page = {"status": args["status"], "lasts_s": lasts if args["tells_its_end"] else None}
    parts.append({"fault": "maintenance_page", "args": page, "window": {"from_s": notice, "for_s": lasts}})
    if warm_up:
        late = {"latency_ms": args["warm_up_ms"], "distribution": "fixed"}
        parts.append({"fault": "latency", "args": late, "window": {"from_s": notice + lasts, "for_s": warm_up}})
    return parts


OUTAGE = Outage(
    name="planned_maintenance",
    says="a notice in the headers for `notice_s`, then the maintenance page for `lasts_s`, then cold caches for "
    "`warm_up_s`; all in sandbox time",
    args={
        "notice_s": seconds(3600, "how long before it is announced; 0: not at all"),
        "lasts_s": seconds(7200, "how long it lasts"),
        "status": Arg(int, 503, "the status of the page, 200 to 599", at_least=200, at_most=599),
        "tells_its_end": Arg(bool, True, "whether Retry-After tells when it is over"),
        "warm_up_s": seconds(0, "how long answers are slow afterwards"),
        "warm_up_ms": milliseconds(200, "how slow"),
    },
    parts=_parts,
)
