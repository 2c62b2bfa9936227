"""The data moves while somebody pages through it: what is put in before the page repeats entries, what is taken away
skips some."""

from __future__ import annotations

import copy

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.bodies import entries_of, id_of, json_of, with_json
from simulator.faults.fault import Arg, Fault, whole
from simulator.selector import client_of, operation_of


def _spoil(reply: Reply, act: Act) -> Reply:
    value, x, by = json_of(reply), act.x, act.args["by"]
    entries = entries_of(value)
    if not entries:
        act.say(spared="no list in JSON")
        return reply
    key = (client_of(x), operation_of(x))
    before = act.memory.get(key, [])
    act.memory[key] = copy.deepcopy(entries[-by:])
    if x.notes.get("page", 1) == 1:
        act.say(spared="the first page")
        return reply
    if act.args["by_what"] == "insertion":
        act.say(repeated=[id_of(one) for one in before])
        entries[:0] = before
    else:
        act.say(skipped=[id_of(one) for one in entries[:by]])
        del entries[:by]
    return with_json(reply, value)


FAULT = Fault(
    name="moving_data",
    says="moves the data by `by` entries between two pages: an insertion lets the end of a page come again on the "
    "next, a deletion lets the beginning of the next go unseen",
    args={
        "by": whole(1, "how many entries", 1),
        "by_what": Arg(str, "insertion", "what happened between the pages", one_of=("insertion", "deletion")),
    },
    spoil=_spoil,
)
