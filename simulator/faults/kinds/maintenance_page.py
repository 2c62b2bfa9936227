"""The vendor's maintenance page: HTML, whatever was accepted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.fault import Arg, Fault
from simulator.faults.trouble import in_trouble
from simulator.refusal import Refusal


def _refuses(act: Act) -> Refusal:
    return Refusal("unavailable", "fault: maintenance", reason="maintenance", status=act.args["status"])


def _spoil(reply: Reply, act: Act) -> Reply:
    facts: dict[str, Any] = {"status": act.args["status"], "says": act.args["says"], "until": None}
    if act.args["lasts_s"] is not None:
        left = max(0.0, act.args["lasts_s"] - act.since_s)
        act.say(since_s=act.since_s)
        facts["until"] = act.x.sandbox.clock.wall() + timedelta(seconds=left)
    return act.x.vendor.finish(in_trouble("maintenance", act.x, facts), act.x)


FAULT = Fault(
    name="maintenance_page",
    says="answers every call with the vendor's maintenance page, as HTML",
    args={
        "status": Arg(int, 503, "an HTTP status, 200 to 599: some pages come with 200", at_least=200, at_most=599),
        "says": Arg(str, "", "a sentence on the page"),
        "lasts_s": Arg(
            (int, float, type(None)), None, "how long it lasts from the opening of the window, in seconds of sandbox "
            "time, so that Retry-After tells its end; null: nobody knows", at_least=0,
        ),
    },
    refuses=_refuses,
    spoil=_spoil,
)  # fmt: skip
