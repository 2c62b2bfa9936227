"""The total of a list is not how many there are: left out, that of the page, an estimate, or none at all."""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.bodies import page_of
from simulator.faults.fault import Arg, Fault

_ESTIMATE = 1000  # rounded, and more than any list here holds


def _spoil(reply: Reply, act: Act) -> Reply:
    page = page_of(reply)
    if page is None:
        act.say(spared="no list")
        return reply
    here = sum(page.is_match(one) for one in page.entries)
    total = {"absent": None, "page": here, "estimate": _ESTIMATE, "zero": 0}[act.args["says"]]
    act.say(total=total, here=here)
    page.state_total(total)
    return page.into(reply)


FAULT = Fault(
    name="false_total",
    says="changes the total that a list states: it is left out, counts this page only, is an estimate or zero",
    args={
        "says": Arg(str, "page", "what the total is instead", one_of=("absent", "page", "estimate", "zero")),
    },
    spoil=_spoil,
)
