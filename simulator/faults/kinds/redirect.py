"""The answer is elsewhere: a redirect to a second origin, where a credential has no business, or out of TLS."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.fault import Arg, Fault
from simulator.faults.origins import second_origin


def _spoil(reply: Reply, act: Act) -> Reply:
    x = act.x
    if act.args["to"] == "http":
        return _out_of_tls(reply, act)
    here = urlunsplit((*urlsplit(x.base_url)[:2], "", "", ""))
    there = act.args["url"].rstrip("/") if act.args["to"] == "given" else second_origin(here)
    came_from = act.memory.setdefault("first origin", here)
    if here != came_from:
        act.say(spared="it has come to the second origin")
        return reply
    url = there + x.raw_path + (f"?{x.query}" if x.query else "")
    act.say(location=url)
    return Reply(act.args["status"], b"", [(b"location", url.encode())])


def _out_of_tls(reply: Reply, act: Act) -> Reply:
    x = act.x
    if x.peer is None:
        act.say(spared="it came without TLS")
        return reply
    url = f"http://{urlsplit(x.base_url).netloc}{x.raw_path}" + (f"?{x.query}" if x.query else "")
    act.say(location=url)
    return Reply(act.args["status"], b"", [(b"location", url.encode())])


FAULT = Fault(
    name="redirect",
    says="answers with a redirect to a second origin, or from https to http; there the call is answered",
    args={
        "status": Arg(int, 307, "which redirect", one_of=(301, 302, 303, 307, 308)),
        "to": Arg(
            str,
            "second_origin",
            "this server under another name, `url`, or the same without TLS",
            one_of=("second_origin", "given", "http"),
        ),
        "url": Arg(str, "", "the other origin, when `to` is `given`"),
    },
    spoil=_spoil,
)
