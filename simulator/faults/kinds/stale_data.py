"""An answer of yesterday: a cache or a read-only copy gives again what it gave before, whatever was written since."""

from __future__ import annotations

from datetime import timedelta

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.fault import Fault, seconds
from simulator.selector import client_of

_KEPT = 10_000  # answers; beyond that the first ones are forgotten


def _spoil(reply: Reply, act: Act) -> Reply:
    x = act.x
    if x.method != "GET" or reply.status != 200:
        act.say(spared="not a read that succeeded")
        return reply
    key = (client_of(x), x.path, x.query, x.header("accept"))  # the same question in another format is another one
    kept = act.memory.get(key)
    if kept is not None and x.at - kept[0] < timedelta(seconds=act.args["age_s"]):
        act.say(stale_s=(x.at - kept[0]).total_seconds(), differs=kept[1].body != reply.body)
        old: Reply = kept[1]
        return Reply(old.status, old.body, list(old.headers), old.simulated, old.served)
    act.memory[key] = (x.at, reply)
    if len(act.memory) > _KEPT:
        del act.memory[next(iter(act.memory))]
    return reply


FAULT = Fault(
    name="stale_data",
    says="gives a caller the same answer to the same question for `age_s` seconds of sandbox time, whatever changes "
    "meanwhile",
    args={"age_s": seconds(..., "how old an answer may be")},
    spoil=_spoil,
)
