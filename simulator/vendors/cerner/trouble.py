"""What Millennium's front sends while what is behind it is down, or fails and does not say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.exchange import Exchange, Reply, reply
from simulator.faults.trouble import enveloped, login_form, retry_after
from simulator.source import Source
from simulator.vendor import Trouble


def practice(x: Exchange) -> str:
    """The tenant in the path, of the FHIR hosts and of the authorization server."""
    parts = x.path.split("/", 3)
    return parts[2] if len(parts) > 2 and parts[1] in ("r4", "tenants") else ""


def _maintenance(x: Exchange, facts: Mapping[str, Any]) -> Reply:
    """The page of the content delivery network, which is all that a caller sees of a maintenance."""
    says = facts.get("says") or "The service is undergoing maintenance."
    page = (
        "<!DOCTYPE html>\n<html><head><title>ERROR: The request could not be satisfied</title></head>\n"
        f"<body><h1>{facts['status']} ERROR</h1><p>{says}</p></body></html>\n"
    )
    made = reply(facts["status"], page, "text/html", server="CloudFront")
    made.headers += retry_after(facts)
    return made


def _login(x: Exchange, facts: Mapping[str, Any]) -> Reply:
    return login_form("Sign in to your account")


_RECORDED = (
    "https://github.com/cerner/fhir.cerner.com/issues/966: such a page, with 504; that a maintenance shows it, and its "
    "words, are ours"
)
TROUBLE: Mapping[str, Trouble] = {
    "maintenance": Trouble(_maintenance, Source(_RECORDED, "guess")),
    "login": Trouble(_login, Source("no public record of a sign-in page on the FHIR hosts; ours", "guess")),
    "failure": Trouble(enveloped, Source("the outcome of a 500 under a 200; no public record", "guess")),
}
