"""A 200 that is none: a login page, nothing, or JSON that breaks off."""

from __future__ import annotations

from simulator.exchange import Exchange, Headers, Reply
from simulator.faults.fault import Arg, Args, Fault

_LOGIN_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>\n<h1>Your session has ended</h1>\n"
    b'<form method="post" action="/login"><input name="user"><input name="password" type="password">'
    b"<button>Sign in</button></form>\n</body></html>\n"
)


def _spoil(reply: Reply, args: Args, x: Exchange, draw: int) -> Reply:
    headers: Headers = [pair for pair in reply.headers if pair[0] != b"content-type"]
    if args["into"] == "html":
        return Reply(200, _LOGIN_PAGE, [*headers, (b"content-type", b"text/html; charset=utf-8")])
    if args["into"] == "empty":
        return Reply(200, b"", list(reply.headers))
    return Reply(200, _broken_off(reply.body, args["keep"]), list(reply.headers))


def _broken_off(body: bytes, keep: float) -> bytes:
    """The first part of a body, never something that still parses: the cut may leave `1` of `12`, so a brace leads."""
    return b"{" + body[1 : max(2, int(len(body) * keep))] if body else b"{"


FAULT = Fault(
    name="corrupt",
    says="answers 200 with a body that is no answer, under a right Content-Length",
    args={
        "into": Arg(
            str,
            "json",
            "`html`: a login page; `empty`: nothing; `json`: the vendor's body broken off in the middle",
            one_of=("html", "empty", "json"),
        ),
        "keep": Arg(
            (int, float), 0.5, "for `json`: the share of the body that is left, 0 to 0.99", at_least=0, at_most=0.99
        ),
    },
    spoil=_spoil,
)
