"""Entries that come twice on one page."""

from __future__ import annotations

from typing import Any

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.bodies import page_of
from simulator.faults.fault import Fault, share


def _spoil(reply: Reply, act: Act) -> Reply:
    page = page_of(reply)
    if page is None or not page.entries:
        act.say(spared="no list")
        return reply
    made: list[Any] = []
    for number, entry in enumerate(page.entries):
        made.append(entry)
        if act.chance(f"entry {number}") < act.args["of"]:
            made.append(page.again(entry))
    act.say(duplicated=len(made) - len(page.entries))
    page.entries[:] = made
    return page.into(reply)


FAULT = Fault(
    name="duplicate_entries",
    says="lists a share of a page's entries twice",
    args={"of": share(1, "the share of the entries that come twice")},
    spoil=_spoil,
)
