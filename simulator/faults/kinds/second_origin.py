"""The links of an answer lead to a second origin: paging, Location, discovery."""

from __future__ import annotations

from urllib.parse import urlsplit

from simulator.faults.act import Act
from simulator.faults.fault import Arg, Fault
from simulator.faults.origins import second_origin


def _before(act: Act) -> None:
    x, url = act.x, act.args["url"]
    x.base_url = url.rstrip("/") + urlsplit(x.base_url).path if url else second_origin(x.base_url)
    act.say(base_url=x.base_url)


FAULT = Fault(
    name="second_origin",
    says="writes every absolute URL of the answer as if the server had another name: 127.0.0.1 becomes localhost",
    args={"url": Arg(str, "", "the other origin; empty: this server under another name")},
    before=_before,
)
