"""What a site sends while it is down, or says that it is well and is not.

Source: SOURCES.md, "Trouble".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.exchange import Exchange, Reply
from simulator.faults.trouble import enveloped, login_form, retry_after
from simulator.vendor import Trouble
from simulator.vendors.epic.sources import source


def _maintenance(x: Exchange, facts: Mapping[str, Any]) -> Reply:
    """A page of the balancer before the web server; whatever was accepted."""
    says = facts.get("says") or "The system is down for scheduled maintenance. Please try again later."
    body = (
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">\r\n'
        '<html xmlns="http://www.w3.org/1999/xhtml">\r\n<head><title>Service Unavailable</title></head>\r\n'
        f"<body>\r\n<h2>Interconnect is not available</h2>\r\n<p>{says}</p>\r\n</body>\r\n</html>\r\n"
    )
    headers = [(b"content-type", b"text/html"), (b"connection", b"close"), *retry_after(facts)]
    return Reply(facts["status"], body.encode(), headers)


def _login(x: Exchange, facts: Mapping[str, Any]) -> Reply:
    return login_form("Log in to continue")


TROUBLE: Mapping[str, Trouble] = {
    "maintenance": Trouble(
        _maintenance, source("guess", "FLEET", but="503 from 50 of 739 sites; what the pages say is not on record")
    ),
    "login": Trouble(
        _login, source("guess", "FLEET", but="two sites answered with something that is no JSON; the page is ours")
    ),
    "failure": Trouble(
        enveloped, source("guess", "FS", but="outcomes inside a 200 are on record, a fatal one alone is not")
    ),
}
