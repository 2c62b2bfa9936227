"""A 200 with a login page: a session of the balancer ended, and it sends everybody to its form."""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.fault import Fault
from simulator.faults.trouble import in_trouble


def _spoil(reply: Reply, act: Act) -> Reply:
    return in_trouble("login", act.x, {"status": 200})


FAULT = Fault(name="login_page", says="answers 200 with the vendor's login page, as HTML", args={}, spoil=_spoil)
