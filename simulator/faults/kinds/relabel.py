"""The same answer under other headers: another media type, names in another case, cookies, compressed. Nothing that a
reader of HTTP may care about."""

from __future__ import annotations

import gzip

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.bodies import without
from simulator.faults.fault import Arg, Fault, whole


def _spoil(reply: Reply, act: Act) -> Reply:
    headers, body = list(reply.headers), reply.body
    if act.args["media"] and b"json" in dict(headers).get(b"content-type", b""):
        headers = [*without(headers, b"content-type"), (b"content-type", act.args["media"].encode())]
    if act.args["gzip"] and body and "gzip" in (act.x.header("accept-encoding") or ""):
        headers = [*without(headers, b"content-encoding"), (b"content-encoding", b"gzip")]
        body = gzip.compress(body, mtime=0)
    headers += [(b"set-cookie", b"route%d=later; Path=/; HttpOnly" % number) for number in range(act.args["cookies"])]
    if act.args["case"] != "as_sent":
        act.x.notes["header_case"] = act.args["case"]  # written so where the bytes leave
    act.say(headers=len(headers))
    return Reply(reply.status, body, headers, reply.simulated, reply.served)


FAULT = Fault(
    name="relabel",
    says="sends the same answer under other headers: another media type for JSON, header names in another case, "
    "cookies, compressed for who takes gzip",
    args={
        "media": Arg(str, "", "the media type of a JSON body, as it is sent; empty: the vendor's own"),
        "case": Arg(
            str, "as_sent", "how the names of headers are written", one_of=("as_sent", "lower", "upper", "title")
        ),
        "cookies": whole(0, "how many cookies are set"),
        "gzip": Arg(bool, False, "whether the body is compressed"),
    },
    spoil=_spoil,
)
