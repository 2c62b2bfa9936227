"""How Rave Web Services say no: a `<Response>` with a reason code, empty ODM, a bare sentence, a page.

A `<Response>` stands at the very beginning of its body: Medidata's own client takes anything before it for ODM.

Source: SOURCES.md, "Refusals" (RWSLIB, CODER).
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from simulator.exchange import Exchange, Reply, reply
from simulator.ids import uuid_of
from simulator.refusal import Refusal, RefusalKind

XML = "text/xml"
_STATUS: Mapping[RefusalKind, int] = {
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "gone": 404,
    "malformed": 400,
    "unprocessable": 400,
    "unsupported": 405,
    "conflict": 409,
    "too_many": 429,
    "unavailable": 503,
    "broken": 500,
}
_WORDS: Mapping[RefusalKind, tuple[str, str]] = {  # reason code and sentence
    "unauthenticated": ("RWS00008", "Incorrect login and password combination."),
    "forbidden": ("RWS00097", "The user is not authorized."),
    "not_found": ("RWS00055", "The RWS URL does not exist."),
    "gone": ("RWS00055", "The RWS URL does not exist."),
    "malformed": ("", "The request cannot be read."),
    "unprocessable": ("", "The request cannot be served."),
    "unsupported": ("RWS00055", "The RWS URL does not exist."),
    "conflict": ("RWS00100", "The context has changed."),
    "too_many": ("", "Too many requests."),
    "unavailable": ("", "Internal Error - Web Service currently unavailable"),
    "broken": ("", "Internal error."),
}
_BASIC = frozenset({"account_unknown", "password_wrong", "password_retired", "account_locked"})


class RaveErrors:
    """Rave's words for every refusal. `facts["status"]` is the exact status if given."""

    def dress(self, refusal: Refusal, x: Exchange) -> Reply:
        """The answer of the web services."""
        status = int(refusal.facts.get("status", _STATUS[refusal.kind]))
        if refusal.kind == "unauthenticated" and refusal.reason not in _BASIC:
            return _page(status) if refusal.reason in _UNSIGNED else reply(status, _NOT_SHOWN, _TEXT)
        code, words = _WORDS[refusal.kind]
        if refusal.kind == "unauthenticated" and x.method != "POST":
            return reply(status, _odm(x, f"{words} [{code}]"), XML)
        made = reply(status, failed(x, code, words), XML)
        if refusal.kind == "unavailable" and "retry_after_s" in refusal.facts:
            made.headers.append((b"retry-after", b"%d" % int(refusal.facts["retry_after_s"])))
        return made


_NOT_SHOWN = "Authorization Header not provided"
_TEXT = "text/plain; charset=utf-8"
_UNSIGNED = frozenset(
    {"mauth_malformed", "time_missing", "time_malformed", "signature_too_old", "app_unknown", "bad_signature"}
)


def _page(status: int) -> Reply:
    """The web server's own page: a signature that does not hold never reaches the web services."""
    title = f"HTTP Error {status}.0 - Unauthorized"
    page = f"<html><head><title>{title}</title></head><body><h2>{title}</h2></body></html>"
    return reply(status, page, "text/html")


def failed(x: Exchange, code: str, words: str) -> str:
    """A `<Response>` that tells of a failure."""
    reason = f' ReasonCode="{code}"' if code else ""
    return (
        f'<Response ReferenceNumber="{_number(x)}" InboundODMFileOID="Not Supplied" IsTransactionSuccessful="0"'
        f"{reason} ErrorClientResponseMessage={quoteattr(words)}></Response>"
    )


def _odm(x: Exchange, words: str) -> str:
    """An ODM document that holds nothing but what is wrong."""
    at = x.sandbox.clock.wall().strftime("%Y-%m-%dT%H:%M:%S.000-00:00")
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<ODM xmlns:mdsol="http://www.mdsol.com/ns/odm/metadata" FileType="Snapshot" CreationDateTime="{at}" '
        f'FileOID="{_number(x)}" ODMVersion="1.3" mdsol:ErrorDescription={quoteattr(words)} '
        'xmlns="http://www.cdisc.org/ns/odm/v1.3" />'
    )


def _number(x: Exchange) -> str:
    return uuid_of("reference", x.site.secret.hex(), x.raw_path, x.query)
