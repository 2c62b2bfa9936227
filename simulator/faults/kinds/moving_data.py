"""The data moves while somebody pages through it: what is put in before the page repeats entries, what is taken away
skips some."""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.bodies import page_of
from simulator.faults.fault import Arg, Fault, whole
from simulator.selector import client_of, operation_of


def _spoil(reply: Reply, act: Act) -> Reply:
    page, x, by = page_of(reply), act.x, act.args["by"]
    if page is None or not page.entries:
        act.say(spared="no list")
        return reply
    found = [one for one in page.entries if page.is_match(one)]
    key = (client_of(x), operation_of(x), type(page).__name__)
    before = act.memory.get(key, [])
    act.memory[key] = [page.again(one) for one in found[-by:]]
    if x.notes.get("page", 1) == 1:
        act.say(spared="the first page")
        return reply
    if act.args["by_what"] == "insertion":
        act.say(repeated=[page.id_of(one) for one in before])
        page.entries[:0] = before
    else:
        act.say(skipped=[page.id_of(one) for one in found[:by]])
        page.entries[:] = [one for one in page.entries if not any(one is gone for gone in found[:by])]
    return page.into(reply)


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
