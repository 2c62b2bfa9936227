"""Pages that never end: a next link that leads back to this page, or to the first."""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.bodies import page_of
from simulator.faults.fault import Arg, Fault, whole
from simulator.selector import client_of, operation_of


def _spoil(reply: Reply, act: Act) -> Reply:
    found, x = page_of(reply), act.x
    if found is None:
        act.say(spared="no list")
        return reply
    own = (x.base_url if found.has_whole_links else "") + x.path + (f"?{x.query}" if x.query else "")
    page, key = x.notes.get("page", 1), (client_of(x), operation_of(x))
    if page == 1:
        act.memory[key] = own
    if page < act.args["from_page"]:
        act.say(spared=f"page {page}")
        return reply
    back = own if act.args["to"] == "self" else act.memory.get(key, own)
    act.say(next=back)
    found.lead_to(back)
    return found.into(reply)


FAULT = Fault(
    name="page_cycle",
    says="links every page from `from_page` on back to itself or to the first, so that paging never ends",
    args={
        "to": Arg(str, "self", "where the next link leads", one_of=("self", "first")),
        "from_page": whole(1, "the first page that does so", 1),
    },
    spoil=_spoil,
)
