"""What a vendor sends in trouble, in its own words where its room knows them, in plain ones where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import format_datetime
from typing import Any

from simulator.exchange import Exchange, Headers, Reply
from simulator.refusal import Refusal

_HTML = b"text/html; charset=utf-8"


def in_trouble(name: str, x: Exchange, facts: Mapping[str, Any]) -> Reply:
    """The page or body called `name` (`maintenance`, `login`, `failure`) as this vendor sends it."""
    own = x.vendor.trouble.get(name)
    return own.answer(x, facts) if own is not None else _PLAIN[name](x, facts)


def retry_after(facts: Mapping[str, Any]) -> Headers:
    """Retry-After as a date, where the end of the trouble is known."""
    until = facts.get("until")
    return [] if until is None else [(b"retry-after", format_datetime(until, usegmt=True).encode())]


def page(status: int, title: str, *paragraphs: str, media: bytes = _HTML) -> Reply:
    """A page of plain HTML."""
    text = "".join(f"<p>{one}</p>\n" for one in paragraphs if one)
    body = (
        f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n{text}</body></html>\n"
    )
    return Reply(status, body.encode(), [(b"content-type", media)])


def login_form(title: str) -> Reply:
    """A page that asks for name and password, with 200."""
    body = (
        f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body>\n<h1>{title}</h1>\n"
        '<form method="post" action="/login"><input name="user"><input name="password" type="password">'
        "<button>Sign in</button></form>\n</body></html>\n"
    )
    return Reply(200, body.encode(), [(b"content-type", _HTML)])


def enveloped(x: Exchange, facts: Mapping[str, Any]) -> Reply:
    """The vendor's own error body under a 200."""
    refusal = Refusal("broken", "a failure that calls itself a success", reason="failure_envelope")
    said = x.vendor.errors.dress(refusal, x)
    return Reply(200, said.body, [pair for pair in said.headers if pair[0] != b"retry-after"])


def _maintenance(x: Exchange, facts: Mapping[str, Any]) -> Reply:
    made = page(facts["status"], "Scheduled maintenance", facts.get("says", ""))
    made.headers += retry_after(facts)
    return made


def _login(x: Exchange, facts: Mapping[str, Any]) -> Reply:
    return login_form("Your session has ended")


_PLAIN = {"maintenance": _maintenance, "login": _login, "failure": enveloped}
