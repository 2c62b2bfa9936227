"""Entries that come twice on one page."""

from __future__ import annotations

import copy
from typing import Any

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.bodies import entries_of, json_of, with_json
from simulator.faults.fault import Fault, share


def _spoil(reply: Reply, act: Act) -> Reply:
    value = json_of(reply)
    entries = entries_of(value)
    if not entries:
        act.say(spared="no list in JSON")
        return reply
    made: list[Any] = []
    for number, entry in enumerate(entries):
        made.append(entry)
        if act.chance(f"entry {number}") < act.args["of"]:
            made.append(copy.deepcopy(entry))
    act.say(duplicated=len(made) - len(entries))
    entries[:] = made
    return with_json(reply, value)


FAULT = Fault(
    name="duplicate_entries",
    says="lists a share of a page's entries twice",
    args={"of": share(1, "the share of the entries that come twice")},
    spoil=_spoil,
)
