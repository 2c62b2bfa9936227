"""Reads come from a copy that is behind: what was just written is not there yet."""

from __future__ import annotations

from datetime import timedelta

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.bodies import entries_of, id_of, json_of, with_json
from simulator.faults.fault import Fault, seconds
from simulator.faults.plan import dressed
from simulator.refusal import Refusal


def _spoil(reply: Reply, act: Act) -> Reply:
    x = act.x
    if x.method not in ("GET", "HEAD"):
        if 200 <= reply.status < 300:
            until = x.at + timedelta(seconds=act.args["lag_s"])
            act.memory.update({id: until for _, id in reply.served})
            act.say(hidden=[id for _, id in reply.served])
        return reply
    hidden = {id for id, until in act.memory.items() if x.at < until}
    if not hidden:
        act.say(spared="nothing was written just now")
        return reply
    asked = {part for part in x.path.split("/") if part in hidden}
    if asked:
        act.say(hid=sorted(asked))
        return dressed(Refusal("not_found", "written, but not on this copy yet", reason="unknown_id", id=min(asked)), x)
    return _without(reply, act, hidden)


def _without(reply: Reply, act: Act, hidden: set[str]) -> Reply:
    value = json_of(reply)
    entries = entries_of(value)
    kept = [one for one in entries or () if id_of(one) not in hidden]
    if not entries or len(kept) == len(entries):
        act.say(spared="nothing of it is in the answer")
        return reply
    act.say(hid=[id_of(one) for one in entries if id_of(one) in hidden])
    entries[:] = kept
    made = with_json(reply, value)
    made.served = tuple(one for one in reply.served if one[1] not in hidden)
    return made


FAULT = Fault(
    name="read_lag",
    says="hides what was created for `lag_s` seconds of sandbox time: reads of it find nothing, searches leave it out",
    args={"lag_s": seconds(..., "how far the copy is behind")},
    spoil=_spoil,
)
