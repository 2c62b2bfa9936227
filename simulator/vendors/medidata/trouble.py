"""What Rave sends in trouble: pages of its web server, and a failure under a 200."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.exchange import Exchange, Reply, reply
from simulator.faults.trouble import login_form, retry_after
from simulator.vendor import Trouble
from simulator.vendors.medidata.errors import XML, failed
from simulator.vendors.medidata.sources import source


def _maintenance(x: Exchange, facts: Mapping[str, Any]) -> Reply:
    says = facts.get("says") or "The site is under maintenance."
    page = f"<html><head><title>Service Unavailable</title></head><body><h2>{says}</h2></body></html>"
    made = reply(facts["status"], page, "text/html")
    made.headers += retry_after(facts)
    return made


def _login(x: Exchange, facts: Mapping[str, Any]) -> Reply:
    return login_form("Medidata sign in")


def _failure(x: Exchange, facts: Mapping[str, Any]) -> Reply:
    """A 200 that tells of a failure: to a list of studies Medidata's own client reads nothing from it."""
    return reply(200, failed(x, "", "Internal Error - Web Service currently unavailable"), XML)


TROUBLE: Mapping[str, Trouble] = {
    "maintenance": Trouble(_maintenance, source("guess", "RWSLIB", but="pages of IIS are seen, this one is ours")),
    "login": Trouble(_login, source("guess", but="no public record of a sign-in page in place of an answer; ours")),
    "failure": Trouble(_failure, source("guess", "RWSLIB", but="the form is seen, under a 200 it is ours")),
}
