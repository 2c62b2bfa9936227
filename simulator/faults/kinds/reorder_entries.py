"""A page whose entries come in another order, though a sort was asked for."""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.bodies import page_of
from simulator.faults.fault import Arg, Fault


def _spoil(reply: Reply, act: Act) -> Reply:
    page = page_of(reply)
    if page is None or not page.entries:
        act.say(spared="no list")
        return reply
    entries = page.entries
    if act.args["into"] == "reversed":
        entries.reverse()
    else:
        order = sorted(range(len(entries)), key=lambda number: act.chance(f"entry {number}"))
        entries[:] = [entries[number] for number in order]
    act.say(entries=len(entries))
    return page.into(reply)


FAULT = Fault(
    name="reorder_entries",
    says="gives the entries of a page in another order",
    args={"into": Arg(str, "shuffled", "which order", one_of=("shuffled", "reversed"))},
    spoil=_spoil,
)
