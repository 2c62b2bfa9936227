"""How Millennium says no: OperationOutcome with `details.text`, JSON of the gateway, plain text, or an HTML page.

A client that reads `issue` in every error fails here: the form depends on who refused, not on the status.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson

from simulator.auth import authorize, pages
from simulator.auth.manner import Theme
from simulator.exchange import Exchange, Reply, reply
from simulator.fhir import outcome
from simulator.ids import uuid_of
from simulator.refusal import OAuthRefusal, Refusal, RefusalKind
from simulator.vendors.cerner.ids import tenant_of

FHIR_JSON = "application/fhir+json"
HOST = "fhir-ehr-code.cerner.com"
_URN = "urn:cerner:error:authorization-server:oauth2:"
_RESOURCE_URN = "urn:cerner:error:oauth2:resource-access:"

STATUS: dict[RefusalKind, int] = {
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "gone": 400,
    "malformed": 400,
    "unprocessable": 422,
    "unsupported": 406,
    "conflict": 409,
    "too_many": 429,
    "unavailable": 503,
    "broken": 500,
}
"""Status of each kind of refusal at the FHIR hosts, unless the refusal names one."""

_ISSUE: dict[RefusalKind, tuple[str, str]] = {
    "forbidden": ("forbidden", "Forbidden"),
    "not_found": ("not-found", "Not Found"),
    "gone": ("invalid", "-pageContext: invalid value"),
    "malformed": ("invalid", "invalid request"),
    "unprocessable": ("business-rule", "unprocessable"),
    "unsupported": ("not-supported", "not supported"),
    "conflict": ("conflict", "the resource was changed by another"),
    "too_many": ("throttled", "Too many requests"),
    "unavailable": ("transient", "Service Unavailable"),
    "broken": ("exception", "Internal Server Error"),
}

_TOKEN_URN = {
    "basic_missing": "token:invalid_authorization_header",
    "basic_malformed": "token:invalid_authorization_header",
    "unsupported_grant_type": "token:unsupported-grant-type",
    "empty_scopes": "token:empty-scopes",
    "code_unknown": "token:code-invalid-or-expired",
    "code_expired": "token:code-invalid-or-expired",
    "code_used": "token:code-invalid-or-expired",
    "code_of_another": "token:code:client:mismatch",
    "redirect_uri_mismatch": "token:invalid-redirect-uri",
    "refresh_token_of_another": "token:refresh-token:token-invalid",
    "refresh_token_reused": "token:refresh-token:token-invalid",
    "refresh_token_expired": "token:refresh-token:session-invalid",
    "grant_ended": "token:refresh-token:session-invalid",
    "refresh_token_unknown": "token:refresh-token:token-invalid",
    "tenant_unknown": "grant:unknown-tenant",
}
_URN_OF_ERROR = {"invalid_client": "token:invalid_client_credentials", "server_error": "grant:server-error"}

THEME = Theme(portal="Millennium sign-in", accent="#0b6fa4")
FRONT_DOOR = {502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}


class CernerErrors:
    """Dresses refusals: the token endpoint in its own way, everything else in that of the FHIR hosts."""

    def dress(self, refusal: Refusal, x: Exchange) -> Reply:
        """The vendor's own status, headers and words for `refusal`; a `status` among its facts stands as it is."""
        status = refusal.facts.get("status")
        if status in FRONT_DOOR or (status is None and refusal.kind == "unavailable"):
            return _front_door(status or STATUS["unavailable"], refusal)
        if isinstance(refusal, OAuthRefusal) and x.path.endswith("/authorize"):
            return _not_let_in(refusal, x)
        if x.path.startswith("/tenants/") or isinstance(refusal, OAuthRefusal):
            return _token_error(refusal, x, status)
        return _fhir_error(refusal, status or STATUS[refusal.kind])


ERRORS = CernerErrors()


def _fhir_error(refusal: Refusal, status: int) -> Reply:
    reason = refusal.reason
    if refusal.kind == "unauthenticated":
        return _unauthenticated(reason, status)
    if refusal.kind == "forbidden" and reason == "tenant_unknown":
        return reply(status, "Tenant not valid or accessible", "text/plain")
    if refusal.kind == "forbidden" and reason == "scope":
        return _gateway(status, f'code="{_RESOURCE_URN}insufficient-scopes", error="insufficient_scope", '
                                f'subcode="no_scope_for_resource_path"')  # fmt: skip
    if refusal.kind == "forbidden":
        return reply(status, "Forbidden resource", "text/plain")
    if refusal.kind == "unsupported" and status == 406:
        return Reply(status)
    if refusal.kind == "broken" and reason == "required":
        issue = outcome.issue(
            "fatal", "required", location=[str(refusal.facts.get("location", "/f:Resource/f:status"))]
        )
        return _outcome(status, issue)
    code, text = _ISSUE[refusal.kind]
    facts = refusal.facts
    made = _outcome(status, outcome.issue("error", str(facts.get("code", code)), str(facts.get("text", text))))
    return _with_retry_after(made, refusal)


def _unauthenticated(reason: str, status: int) -> Reply:
    """No token, or no API key that is known: the gateway refuses. A token that is not good: the FHIR layer does."""
    if reason in ("no_token", "key_unknown", "key_retired"):
        return _gateway(status, f'code="{_RESOURCE_URN}token-required", error="invalid_request"')
    bearer = f'Bearer realm="{HOST}", error="invalid_token"'
    issue = outcome.issue("error", "login", diagnostics=bearer, location=["http.Authorization"])
    answer = _outcome(status, issue)
    answer.headers.append((b"www-authenticate", bearer.encode()))
    return answer


def _gateway(status: int, message: str) -> Reply:
    return reply(status, orjson.dumps({"code": status, "message": message}), "application/json")


def _outcome(status: int, issue: dict[str, Any]) -> Reply:
    return reply(status, orjson.dumps(outcome.outcome([issue])), FHIR_JSON)


def _with_retry_after(answer: Reply, refusal: Refusal) -> Reply:
    wait = refusal.facts.get("retry_after_s")
    if wait is not None:
        answer.headers.append((b"retry-after", str(int(wait)).encode()))
    return answer


def _front_door(status: int, refusal: Refusal) -> Reply:
    """The page of the content delivery network: HTML, whatever was accepted."""
    title = f"{status} {FRONT_DOOR[status]}"
    page = (
        f"<!DOCTYPE html>\n<html><head><title>ERROR: {title}</title></head>\n"
        f"<body><h1>{title}</h1><p>The request could not be satisfied.</p></body></html>\n"
    )
    return _with_retry_after(reply(status, page, "text/html", server="CloudFront"), refusal)


# Authorization endpoint

_GRANT_URN = {
    "client_unknown": "grant:unknown-client",
    "redirect_uri_missing": "grant:invalid-redirect-uri",
    "redirect_uri_mismatch": "grant:redirect-uri-not-registered",
    "response_type": "grant:unsupported-response-type",
    "persona_mismatch": "grant:client-persona-mismatch",
    "user_mismatch": "grant:denied-by-server",
    "denied_by_user": "grant:denied-by-user",
    "nothing_granted": "grant:denied-by-user",
    "empty_scopes": "token:empty-scopes",
    "tenant_unknown": "grant:unknown-tenant",
    "aud_missing": "smart-v1:grant:launch:audience-required",
    "aud_mismatch": "smart-v1:grant:launch:unknown-resource-server",
    "launch_missing": "smart-v1:grant:launch:launch-code-required",
    "launch_unknown": "smart-v1:grant:launch:invalid-code",
    "launch_used": "smart-v1:grant:launch:invalid-code",
    "launch_expired": "smart-v1:grant:launch:invalid-code",
    "launch_of_another": "smart-v1:grant:launch:mismatched-identity",
}


def _not_let_in(refusal: OAuthRefusal, x: Exchange) -> Reply:
    """Back to the app with `error_uri`, or a page when it is not certain where the app is."""
    urn = _URN + _GRANT_URN.get(refusal.reason, "grant:invalid-request")
    uri = refusal.facts.get("redirect_uri")
    if not uri:
        return pages.refusal_page(THEME, "Sign-in is not possible", urn, int(refusal.facts.get("status", 400)))
    persona = "patient" if "/personas/patient/" in x.path else "provider"
    where = f"{_error_uri(x, urn, str(refusal.facts.get('client_id', '')))}&persona={persona}"
    state = str(refusal.facts.get("state", ""))
    return authorize.redirected(str(uri), error=refusal.error, state=state, error_uri=where)


# Token endpoint


def _token_error(refusal: Refusal, x: Exchange, status: int | None) -> Reply:
    error, reason = _oauth_words(refusal)
    urn = _URN + (_TOKEN_URN.get(reason) or _URN_OF_ERROR.get(error, "grant:invalid-request"))
    body = {"error": error, "error_uri": _error_uri(x, urn, str(x.notes.get("client_id", "")))}
    if status is None:
        status = (
            401 if error == "invalid_client" else 400 if isinstance(refusal, OAuthRefusal) else STATUS[refusal.kind]
        )
    answer = reply(status, orjson.dumps(body), "application/json")
    if status == 401:
        answer.headers.append((b"www-authenticate", b'Basic realm="' + HOST.encode() + b'"'))
    return _with_retry_after(answer, refusal)


def _error_uri(x: Exchange, urn: str, client_id: str) -> str:
    place = f"{x.base_url}/errors/{quote(urn, safe='')}/instances/{correlation_id(x)}"
    return f"{place}?client={quote(client_id, safe='')}&tenant={tenant_of(x.site)}"


def _oauth_words(refusal: Refusal) -> tuple[str, str]:
    """(error, reason) of a refusal at the token endpoint."""
    if isinstance(refusal, OAuthRefusal):
        return refusal.error, refusal.reason
    if refusal.kind == "unauthenticated":
        return "invalid_client", refusal.reason
    if refusal.kind in ("too_many", "broken", "unavailable"):
        return "server_error", refusal.reason
    return "invalid_request", refusal.reason


def correlation_id(x: Exchange) -> str:
    """The id under which this request stands in the authorization server's logs: in its header and in `error_uri`."""
    return uuid_of("correlation", x.site.secret.hex(), repr(x.started), x.raw_path)
