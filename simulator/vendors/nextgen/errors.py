"""How NextGen says no: empty bodies, sentences, a JSON array of one string; never an outcome, never a number.

Source: SOURCES.md, "Refusals" (SDK: the proprietary API; BITFOUNT: 401; FASTEN: 403 of FHIR; OAuth errors: guess).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.auth import authorize, pages
from simulator.exchange import Exchange, Headers, Reply, json_reply
from simulator.refusal import OAuthRefusal, Refusal, RefusalKind
from simulator.vendors.nextgen import paths
from simulator.vendors.nextgen.manner import THEME
from simulator.vendors.nextgen.words import MEDIA, body

_STATUS: Mapping[RefusalKind, int] = {
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "gone": 404,
    "malformed": 400,
    "unprocessable": 400,
    "unsupported": 405,
    "conflict": 400,
    "too_many": 429,
    "unavailable": 503,
    "broken": 500,
}
_INSIDE = "http://127.0.0.1:889/SITE001-VM001.Sandbox/NextGen.Api.Edge/6.0.0.767/api"
"""The machine behind the gateway, as messages give it away (the form is seen, the names are ours)."""
DAY = "day"
"""The name of the quota of a day: whoever has used it up gets 200 and nothing."""


class NextGenErrors:
    """NextGen's words for every refusal. `facts["status"]` is the exact status if given."""

    def dress(self, refusal: Refusal, x: Exchange) -> Reply:
        """The answer of the token servers, of FHIR or of the proprietary API."""
        status = int(refusal.facts.get("status", _STATUS[refusal.kind]))
        if refusal.kind == "too_many" and refusal.facts.get("limit") == DAY and "status" not in refusal.facts:
            return Reply(200, b"", [(b"content-type", MEDIA.encode())])
        if isinstance(refusal, OAuthRefusal) and x.path == paths.AUTHORIZE:
            return _not_let_in(refusal, status)
        if paths.is_oauth(x.path):
            return _oauth(refusal, status)
        if refusal.kind == "unauthenticated":
            return Reply(status, _NOT_IN, [(b"content-type", b"text/plain; charset=utf-8")])
        if paths.is_fhir(x.path) and refusal.kind == "forbidden":
            return json_reply(status, ["Access denied"])
        return _told(refusal, status, x)


_NOT_IN = b"invalid access token"


def _told(refusal: Refusal, status: int, x: Exchange) -> Reply:
    """A message, or nothing at all under the media type of JSON."""
    headers: Headers = [(b"content-type", MEDIA.encode())]
    if refusal.kind == "unavailable" and "retry_after_s" in refusal.facts:
        headers.append((b"retry-after", b"%d" % int(refusal.facts["retry_after_s"])))
    words = _WORDS.get(refusal.reason) or _BY_KIND.get(refusal.kind)
    return Reply(status, body(words(refusal, x)) if words is not None else b"", headers)


_Words = Callable[[Refusal, Exchange], dict[str, Any]]


def _says(text: str) -> _Words:
    return lambda refusal, x: {"message": text}


def _no_route(refusal: Refusal, x: Exchange) -> dict[str, Any]:
    """Gives away the machine behind the gateway (nextgen-05)."""
    path = x.path.removeprefix(paths.API)
    return {
        "message": f"No HTTP resource was found that matches the request URI '{_INSIDE}{path}'.",
        "messageDetail": "No action was found on the controller that matches the request.",
    }


_WORDS: Mapping[str, _Words] = {
    "no_route": _no_route,
    "no_such_path": _no_route,
    "no_session": _says("The login defaults have not been set."),
    "session_unknown": _says("The session identifier is not valid."),
    "no_enterprise": _says("The enterprise is not valid."),
    "no_practice": _says("The practice is not valid."),
    "body_malformed": lambda refusal, x: {
        "message": f"Argument {refusal.facts.get('parameter')} cannot be null.\r\n"
        f"Parameter name: {refusal.facts.get('parameter')}"
    },
}
_BY_KIND: Mapping[RefusalKind, _Words] = {
    "malformed": _says("The request is invalid."),
    "unprocessable": _says("The request is invalid."),
    "conflict": _says("The record is locked."),
    "unsupported": lambda refusal, x: {"message": f"The requested resource does not support http method '{x.method}'."},
    "broken": _says("An error has occurred."),
    "unavailable": _says("Service Unavailable"),
}
"""Other kinds have no body: a missing right, a missing record, too many calls."""


# The token servers


def _not_let_in(refusal: OAuthRefusal, status: int) -> Reply:
    uri = refusal.facts.get("redirect_uri")
    if not uri:
        return pages.refusal_page(THEME, "Sign-in failed", "The application cannot be signed in.", status)
    return authorize.redirected(str(uri), error=refusal.error, state=str(refusal.facts.get("state", "")))


def _oauth(refusal: Refusal, status: int) -> Reply:
    """RFC 6749's error alone."""
    error = refusal.error if isinstance(refusal, OAuthRefusal) else _OAUTH_ERRORS.get(refusal.kind, "invalid_request")
    if isinstance(refusal, OAuthRefusal) and "status" not in refusal.facts:
        status = 400
    return json_reply(status, {"error": error}, cache_control="no-store")


_OAUTH_ERRORS: Mapping[RefusalKind, str] = {
    "unauthenticated": "invalid_client",
    "forbidden": "access_denied",
    "unavailable": "temporarily_unavailable",
    "too_many": "temporarily_unavailable",
    "broken": "server_error",
}
