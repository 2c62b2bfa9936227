"""What stands before NextGen's hosts: headers of every answer, and what it sends in trouble."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.exchange import Exchange, Headers, Reply, reply
from simulator.faults.trouble import login_form, retry_after
from simulator.ids import uuid_of
from simulator.refusal import Refusal
from simulator.vendor import Trouble
from simulator.vendors.nextgen import paths, session
from simulator.vendors.nextgen.sources import source

API_VERSION = "6.0.0.767"
_ALWAYS: Headers = [
    (b"server", b"CloudFront"),
    (b"cache-control", b"no-store"),
    (b"strict-transport-security", b"max-age=63072000; includeSubdomains; preload"),
    (b"x-content-type-options", b"nosniff"),
]


def finish(answer: Reply, x: Exchange) -> Reply:
    """The headers that the delivery network and the gateway add: none of them tells of a quota."""
    if not answer.simulated:
        return answer
    number = uuid_of("request", x.site.secret.hex(), x.raw_path, x.query).encode()
    state = b"Error from cloudfront" if answer.status >= 400 else b"Miss from cloudfront"
    added = [*_ALWAYS, (b"x-cache", state), (b"x-request-id", number), (b"x-amzn-requestid", number)]
    if x.path.startswith(paths.API):
        added.append((b"api-version", API_VERSION.encode()))
    named = {name for name, _ in answer.headers}
    headers = [*answer.headers, *(pair for pair in added if pair[0] not in named)]
    return Reply(answer.status, answer.body, headers, answer.simulated, answer.served)


def practice(x: Exchange) -> str:
    """The practice in which a call of the proprietary API works; empty where there is none."""
    if not x.path.startswith(paths.API):
        return ""
    try:
        return session.practice_of(x)
    except Refusal:
        return ""


def _maintenance(x: Exchange, facts: Mapping[str, Any]) -> Reply:
    says = facts.get("says") or "The request could not be satisfied."
    page = f"<html><head><title>ERROR: {says}</title></head><body><h1>{facts['status']} ERROR</h1></body></html>"
    made = reply(facts["status"], page, "text/html", server="CloudFront")
    made.headers += retry_after(facts)
    return made


def _login(x: Exchange, facts: Mapping[str, Any]) -> Reply:
    return login_form("NextGen sign in")


def _failure(x: Exchange, facts: Mapping[str, Any]) -> Reply:
    """What a used up day looks like (seen): 200, and nothing."""
    return Reply(200, b"", [(b"content-type", b"application/json")])


TROUBLE: Mapping[str, Trouble] = {
    "maintenance": Trouble(_maintenance, source("guess", but="a page of the delivery network; ours")),
    "login": Trouble(_login, source("guess", but="no public record of a sign-in page in place of an answer; ours")),
    "failure": Trouble(_failure, source("seen", "BITFOUNT")),
}
