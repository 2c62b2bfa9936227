"""How athena says no, in four voices: the gateway's HTML, the REST API's two newlines and JSON, FHIR outcomes whose
`details` is a string, and OAuth errors of the identity provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from simulator.auth import authorize, pages
from simulator.auth.manner import Theme
from simulator.exchange import Exchange, Headers, Reply
from simulator.fhir.outcome import issue, outcome
from simulator.refusal import OAuthRefusal, Refusal, RefusalKind

THEME = Theme(portal="athenaOne sign-in", accent="#5b2d8e")
_FHIR_MEDIA = b"application/fhir+json"
_STATUS: Mapping[RefusalKind, int] = {
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "gone": 410,
    "malformed": 400,
    "unprocessable": 422,
    "unsupported": 405,
    "conflict": 409,
    "too_many": 429,
    "unavailable": 503,
    "broken": 500,
}
_ISSUE: Mapping[RefusalKind, str] = {
    "unauthenticated": "login",
    "forbidden": "forbidden",
    "not_found": "not-found",
    "gone": "deleted",
    "malformed": "business-rule",
    "unprocessable": "business-rule",
    "unsupported": "not-supported",
    "conflict": "conflict",
    "too_many": "throttled",
    "unavailable": "transient",
    "broken": "exception",
}


class AthenaErrors:
    """Dresses every refusal; which voice speaks depends on the door and on how far the request came."""

    def dress(self, refusal: Refusal, x: Exchange) -> Reply:
        """The answer of gateway, REST API, FHIR server or identity provider. `facts["status"]` is obeyed when given."""
        status = int(refusal.facts.get("status", 0)) or _STATUS[refusal.kind]
        if isinstance(refusal, OAuthRefusal) and x.path == "/oauth2/v1/authorize":
            return _not_let_in(refusal, status)
        if x.path.startswith("/oauth2/"):
            return _oauth(refusal, status)
        if refusal.reason in _GATEWAY_REASONS or refusal.kind in ("too_many", "unavailable"):
            return _gateway(refusal, status)
        if x.path.startswith("/fhir/"):
            return _fhir(refusal, status)
        if x.path.startswith("/v1/"):
            return _rest(refusal, status)
        return _unrouted(status)


# The gateway

_GATEWAY_REASONS = frozenset(
    {"no_token", "wrong_scheme", "token_malformed", "token_twice", "token_unknown", "token_expired", "token_revoked",
     "key_unknown", "key_retired", "not_routed"}
)  # fmt: skip


def _gateway(refusal: Refusal, status: int) -> Reply:
    if refusal.reason == "not_routed":
        return _unrouted(status)
    if refusal.kind == "too_many":
        return _over_limit(refusal)
    if refusal.kind == "unavailable":
        return _mashery(status, "Gateway Timeout" if status == 504 else "Service Temporarily Unavailable", refusal)
    if refusal.reason == "token_twice":
        return _mashery(status, "Bad Request", refusal)
    if refusal.reason in ("no_token", "wrong_scheme", "key_unknown", "key_retired"):
        return _mashery(status, "Developer Inactive", refusal, code="ERR_403_DEVELOPER_INACTIVE")
    answer = _mashery(status, "Not Authorized", refusal, code="ERR_403_NOT_AUTHORIZED")
    answer.headers.append((b"www-authenticate", b'Bearer realm="api.athenahealth.com", error="invalid_token"'))
    return answer


def _over_limit(refusal: Refusal) -> Reply:
    """Over a quota the gateway says 403, not 429: only a header tells it from a missing permission."""
    status = int(refusal.facts.get("status", 403))
    if status != 403:
        return _mashery(status, "Too Many Requests" if status == 429 else "Service Over Qps", refusal)
    if refusal.facts.get("limit") == "day":
        return _mashery(status, "Developer Over Rate", refusal, code="ERR_403_DEVELOPER_OVER_RATE")
    return _mashery(status, "Developer Over Qps", refusal, code="ERR_403_DEVELOPER_OVER_QPS")


def _mashery(status: int, words: str, refusal: Refusal, *, code: str = "") -> Reply:
    headers: Headers = [
        (b"content-type", b"text/xml"),
        (b"server", b"Mashery Proxy"),
        (b"x-error-detail-header", words.encode()),
    ]
    if code:
        headers.append((b"x-mashery-error-code", code.encode()))
    return Reply(status, f"<h1>{words}</h1>".encode(), headers + _wait(refusal))


def _wait(refusal: Refusal) -> Headers:
    """How long to wait, where it is known."""
    seconds = refusal.facts.get("retry_after_s")
    return [] if seconds is None else [(b"retry-after", str(int(seconds)).encode())]


def _unrouted(status: int) -> Reply:
    """A path that nobody serves: a bare sentence that calls itself JSON."""
    media = b"application/json; charset=utf-8"
    return Reply(status, b"Service not registered with API gateway.", [(b"content-type", media)])


# The REST API

_Words = Callable[[Refusal], dict[str, Any]]


def _data_invalid(detail: Callable[[Refusal], str]) -> _Words:
    return lambda refusal: {"detailedmessage": detail(refusal), "error": "The data provided is invalid."}


def _missing(refusal: Refusal) -> dict[str, Any]:
    told: dict[str, Any] = {"missingfields": list(refusal.facts["missing"]), "error": "Additional fields are required."}
    if "invalid" in refusal.facts:
        told["invalidfields"] = list(refusal.facts["invalid"])
    return told


_REST: Mapping[str, _Words] = {
    "missing_fields": _missing,
    "unreachable": lambda r: {
        "missingfields": list(r.facts["accepted"]),
        "detailedmessage": "One of the missing fields is needed to reach the patient.",
        "error": "Additional fields are required.",
    },
    "improper_dob": lambda r: {"error": "Improper DOB."},
    "not_integer": _data_invalid(lambda r: f"Expecting type integer, but value is {r.facts['value']}"),
    "not_boolean": _data_invalid(lambda r: f"Expecting type boolean, but value is {r.facts['value']}"),
    "not_date": _data_invalid(lambda r: f"Expecting format date, but value is {r.facts['value']}"),
    "not_in_enum": _data_invalid(
        lambda r: f"The value '{r.facts['value']}' did not match any of the enum values for {r.facts['parameter']}"
    ),
    "no_department": _data_invalid(lambda r: f"There is no department {r.facts['value']} in this practice."),
    "too_many_found": lambda r: {
        "error": f"The given search parameters would produce a total data set larger than {r.facts['most']} records."
        "  Please refine your search and try again."
    },
    "practice_not_granted": lambda r: {"detailedmessage": "Bad auth.", "error": "Incorrect permissions."},
    "no_practice": lambda r: {"error": "Invalid practice.", "detailedmessage": "The practice ID does not exist."},
    "no_patient": lambda r: {
        "error": "The patient does not exist in that context.",
        "detailedmessage": "No chart with this patient and department.",
    },
    "no_id": lambda r: {"error": "The requested ID does not exist."},
    "not_time": _data_invalid(lambda r: f"Expecting format time, but value is {r.facts['value']}"),
    "not_base64": _data_invalid(lambda r: "ATTACHMENTCONTENTS is not valid Base64."),
    "not_ahead": lambda r: {"error": "The appointment time lies in the past."},
    "no_type": lambda r: {
        "detailedmessage": "An appointment type or reason must be provided.",
        "error": "Additional fields are required.",
    },
    "not_bookable": lambda r: {
        "detailedmessage": "The appointment ID is already booked or is not marked as being available to be scheduled"
        " via the API.",
        "error": "That appointment time was already booked or not available for booking.",
    },
    "sequence_taken": lambda r: {"error": "An active insurance with this sequence number exists."},
    "wrong_state": lambda r: {"error": "The appointment is not in a state in which this can be done."},
    "patient_died": lambda r: {"error": "The patient is deceased and cannot be scheduled."},
}
_REST_BY_KIND: Mapping[RefusalKind, dict[str, Any]] = {
    "unauthenticated": {"detailedmessage": "Bad auth.", "error": "Incorrect permissions."},
    "forbidden": {"detailedmessage": "The key lacks a scope for this call.", "error": "Incorrect permissions."},
    "not_found": {"error": "The requested API does not exist."},
    "gone": {"error": "The requested ID does not exist."},
    "malformed": {"error": "The data provided is invalid."},
    "unprocessable": {"error": "The data provided is invalid."},
    "unsupported": {"error": "The method is not supported by this API."},
    "conflict": {"error": "The record was changed by somebody else."},
    "too_many": {"error": "Too many requests."},
    "unavailable": {"error": "The service is temporarily unavailable."},
    "broken": {"error": "An internal error occurred."},
}


def _rest(refusal: Refusal, status: int) -> Reply:
    """An error of the REST API: two newlines, then JSON; the media type has no charset, unlike that of a success."""
    make = _REST.get(refusal.reason)
    body = make(refusal) if make else _REST_BY_KIND[refusal.kind]
    headers: Headers = [(b"content-type", b"application/json"), (b"pragma", b"No-cache")]
    return Reply(status, b"\n\n" + orjson.dumps(body).replace(b"/", b"\\/"), headers + _wait(refusal))


# FHIR


def _fhir(refusal: Refusal, status: int) -> Reply:
    """An OperationOutcome whose `details` is a string, where FHIR wants a CodeableConcept."""
    words = str(refusal.facts.get("says", "")) or _FHIR_WORDS[refusal.kind]
    told = outcome([issue("error", _ISSUE[refusal.kind], details=words)])
    return Reply(status, orjson.dumps(told), [(b"content-type", _FHIR_MEDIA), *_wait(refusal)])


_FHIR_WORDS: Mapping[RefusalKind, str] = {
    "unauthenticated": "Authentication required",
    "forbidden": "Insufficient scope",
    "not_found": "Resource not found",
    "gone": "Resource deleted",
    "malformed": "Invalid FHIR request",
    "unprocessable": "Invalid FHIR request",
    "unsupported": "Interaction not supported",
    "conflict": "Resource version conflict",
    "too_many": "Too many requests",
    "unavailable": "Service unavailable",
    "broken": "Internal error",
}


# The identity provider


def _not_let_in(refusal: OAuthRefusal, status: int) -> Reply:
    """At the authorize endpoint: back to the app, or a page when the client or its redirect URI is wrong."""
    words = _OAUTH_WORDS.get(refusal.error, "The request cannot be served.")
    uri = refusal.facts.get("redirect_uri")
    if not uri:
        return pages.refusal_page(THEME, "400 Bad Request", words, status)
    state = str(refusal.facts.get("state", ""))
    return authorize.redirected(str(uri), error=refusal.error, error_description=words, state=state)


_OAUTH_BY_KIND: Mapping[RefusalKind, str] = {
    "unauthenticated": "invalid_client",
    "forbidden": "access_denied",
    "not_found": "not_found",
    "gone": "not_found",
    "malformed": "invalid_request",
    "unprocessable": "invalid_request",
    "unsupported": "invalid_request",
    "conflict": "invalid_request",
    "too_many": "too_many_requests",
    "unavailable": "temporarily_unavailable",
    "broken": "server_error",
}
_OAUTH_WORDS: Mapping[str, str] = {
    "invalid_client": "The client is unknown or its credentials are wrong.",
    "access_denied": "The user or the server denied the request.",
    "invalid_grant": "The code or refresh token is not valid, has ended or was used.",
    "unauthorized_client": "The client may not do that.",
    "unsupported_response_type": "The server gives codes and nothing else.",
    "invalid_scope": "A scope that was asked for is not granted to this app.",
    "unsupported_grant_type": "The authorization server has no such grant for this app.",
    "invalid_request": "A parameter is missing or wrong.",
    "too_many_requests": "The limit of token requests for this minute is used up.",
}


def _oauth(refusal: Refusal, status: int) -> Reply:
    if refusal.reason == "not_routed":
        return _unrouted(status)
    error = refusal.error if isinstance(refusal, OAuthRefusal) else _OAUTH_BY_KIND[refusal.kind]
    told = {"error": error, "error_description": _OAUTH_WORDS.get(error, "The request cannot be served.")}
    headers: Headers = [(b"content-type", b"application/json;charset=UTF-8"), (b"cache-control", b"no-store")]
    if status == 401 and error == "invalid_client":
        headers.append((b"www-authenticate", b'Basic realm="athena"'))
    return Reply(status, orjson.dumps(told), headers + _wait(refusal))
