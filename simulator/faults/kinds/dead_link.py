"""A page whose link to the next one leads nowhere: the session is gone, the name unknown, or nobody listens."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.bodies import page_of
from simulator.faults.fault import Arg, Fault

_LAST_VALUE = re.compile(r"(?<=[=/])[^=/&?]+$")


def _spoil(reply: Reply, act: Act) -> Reply:
    page = page_of(reply)
    url = None if page is None else page.next
    if page is None or url is None:
        act.say(spared="no next link")
        return reply
    dead = dead_url(url, act.args["into"], act.args["url"])
    act.say(next=dead)
    page.lead_to(dead)
    return page.into(reply)


def dead_url(url: str, into: str, given: str) -> str:
    """`url`, but dead. `.invalid` is never resolved (RFC 2606); port 1 of this machine has no listener."""
    parts = urlsplit(url)
    if into == "unresolved":
        return urlunsplit(("http", "fhir.invalid", parts.path, parts.query, ""))
    if into == "refused":
        return urlunsplit(("http", "127.0.0.1:1", parts.path, parts.query, ""))
    if into == "given":
        return given
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + "/gone", query=""))


FAULT = Fault(
    name="dead_link",
    says="lets a page's link to the next one lead nowhere",
    args={
        "into": Arg(
            str,
            "missing",
            "`missing`: a path that the vendor has not; `unresolved`: a host without an address; `refused`: a port "
            "where nobody listens; `given`: `url`",
            one_of=("missing", "unresolved", "refused", "given"),
        ),
        "url": Arg(str, "", "where it leads, when `into` is `given`"),
    },
    spoil=_spoil,
)
