"""What the gateway and the services behind it send in trouble; and which practice a call is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.exchange import Exchange, Reply
from simulator.faults.trouble import enveloped, login_form, retry_after
from simulator.source import Source
from simulator.vendor import Trouble

_WORDS = "Service Temporarily Unavailable"


def practice(x: Exchange) -> str:
    """The practice of a call: in the path of the REST API, in `ah-practice` of the FHIR server."""
    parts = x.path.split("/", 3)
    if len(parts) > 2 and parts[1] == "v1":
        return parts[2]
    return (x.param("ah-practice") or "").rpartition("Practice-")[2] if "ah-practice" in x.query else ""


def _maintenance(x: Exchange, facts: Mapping[str, Any]) -> Reply:
    """The gateway's one line, which calls itself XML."""
    words = facts.get("says") or _WORDS
    headers = [
        (b"content-type", b"text/xml"),
        (b"server", b"Mashery Proxy"),
        (b"x-error-detail-header", words.encode("latin-1", "replace")),
    ]
    return Reply(facts["status"], f"<h1>{words}</h1>".encode(), headers + retry_after(facts))


def _login(x: Exchange, facts: Mapping[str, Any]) -> Reply:
    return login_form("athenaNet login")


TROUBLE: Mapping[str, Trouble] = {
    "maintenance": Trouble(
        _maintenance,
        Source(
            "https://github.com/athenahealth/mdp: the Java sample branches on this very line of the gateway", "seen"
        ),
    ),
    "login": Trouble(_login, Source("no public record of a login page in place of an answer; ours", "guess")),
    "failure": Trouble(enveloped, Source("the error object of a 500 under a 200; no public record", "guess")),
}
