"""One part is down and everything else is well: one resource, one practice, one region of the patients, one patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.faults.fault import Arg, Args, seconds
from simulator.faults.outage import Outage
from simulator.refusal import UsageError

_OF = ("resource", "practice", "region", "patient")


def _parts(args: Args) -> Sequence[Mapping[str, Any]]:
    named = [name for name in _OF if args[name]]
    if len(named) != 1:
        raise UsageError(
            f"outage `partial_outage` has exactly one of {', '.join(_OF)}; given: {', '.join(named) or 'none'}"
        )
    name, value = named[0], args[named[0]]
    when: Mapping[str, Any] = {name: value}
    if name == "resource":
        when = {"any": [{"operation": f"{value}.*"}, {"path": f"/{value}"}, {"path": f"/{value}/*"}]}
    window = {"from_s": 0, "for_s": args["lasts_s"]}
    return [{"when": when, "fault": "status", "args": {"status": args["status"]}, "window": window}]


OUTAGE = Outage(
    name="partial_outage",
    says="one part is down: a resource, a practice, a region of the patients, or a single patient",
    args={
        "resource": Arg(str, "", "a FHIR type or the vendor's own entity: Observation, problems"),
        "practice": Arg(str, "", "a practice or tenant as the vendor names it"),
        "region": Arg(str, "", "a part of the patients: 2/4"),
        "patient": Arg(str, "", "a key of the truth, or an id of the vendor"),
        "status": Arg(int, 503, "with which status, 400 to 599", at_least=400, at_most=599),
        "lasts_s": seconds(3600, "how long it lasts, in sandbox time"),
    },
    parts=_parts,
)
