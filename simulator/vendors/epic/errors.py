"""How Epic says no: OperationOutcomes with numbers of its own, empty bodies, a bare `""`, and pages of the web server.

Source: SOURCES.md, "Refusals" (FS and MAP: recorded answers; HSK: the token endpoint; ERRGUIDE: second hand).
Most texts beside the numbers are ours.
"""

from __future__ import annotations

from typing import Any

from simulator.auth import authorize, pages
from simulator.exchange import Exchange, Reply, json_reply
from simulator.fhir import outcome
from simulator.refusal import OAuthRefusal, Refusal
from simulator.vendors.epic import media, paths
from simulator.vendors.epic.limits import DOCUMENTS
from simulator.vendors.epic.manner import MANNER

MESSAGES = "urn:oid:1.2.840.114350.1.13.0.1.7.2.657369"
_TEXTS = {
    "4100": "A parameter of the request is not valid.",
    "4101": "The request found nothing.",
    "4102": "A resource of this ID could not be read.",
    "4103": "The resource was deleted.",
    "4107": "The patient was merged into another.",
    "4112": "These parameters cannot be combined.",
    "4113": "The session of this search has ended.",
    "4117": "A vaccine has no CVX code.",
    "4118": "The user may not see this data.",
    "4119": "The answer holds what the user may see at the moment. There may be more in the record.",
    "4127": "More than a hundred results were found. Narrow the search.",
    "4130": "Access needs a stated reason (break the glass).",
    "4131": "The patient is restricted.",
    "4135": "The client has asked for more documents today than it may.",
    "59008": "No resource has this FHIR ID.",
    "59022": "These parameters fit no sub-resource that the client may search. Nothing was searched.",
    "59100": "The content does not follow the specification or a profile.",
    "59102": "The content does not follow the specification or a profile.",
    "59105": "The content is not well formed.",
    "59108": "A required element is missing.",
    "59109": "A value of the content is not usable.",
    "59111": "A value of the content is not usable.",
    "59133": "The request could not be processed.",
    "59141": "A resource with this content exists.",
    "59144": "A resource that the content refers to was not found.",
    "59159": "A business rule forbids to go on with this content or operation.",
    "59177": "The server met an error of its own.",
    "59187": "The vital sign could not be filed: its flowsheet row cannot be written.",
    "59188": "The vital sign could not be filed: its value cannot be taken.",
    "59189": "The vital sign could not be filed: nothing can be written to this encounter.",
    "59203": "The client is not authorized for this sub-resource.",
    "59204": "The search reaches into a sub-resource that the client is not authorized for; its results are left out.",
    "59205": "The search reaches into a sub-resource that the user is not authorized for; its results are left out.",
}
"""What stands behind Epic's numbers, in our words."""


def issue(severity: str, code: str, number: str, diagnostics: str = "", place: str = "") -> dict[str, Any]:
    """One issue in Epic's form; `place` becomes location (`/f:place`) and expression."""
    text = _TEXTS[number]
    details = {"coding": [{"system": MESSAGES, "code": number, "display": text}], "text": text}
    return outcome.issue(
        severity,  # type: ignore[arg-type]
        code,
        details=details,
        diagnostics=diagnostics,
        location=[f"/f:{place}"] if place else (),
        expression=[place] if place else (),
    )


def unknown_parameter(name: str) -> dict[str, Any]:
    """The information that a parameter was ignored, its name in capitals (seen)."""
    return issue("information", "invalid", "59100", f"Unknown parameter: {name.upper()}. Parameter has been ignored.")


def missing(what: str) -> dict[str, Any]:
    """The rule that one of several parameters must be there: `demographics/_id`, `patient/_id`."""
    said = what.replace("/", " or ")
    article = "" if what.startswith("demographics") else "a "
    diagnostics = f"This resource requires {article}{said} parameter for searching."
    return issue("fatal", "business-rule", "59159", diagnostics, what)


def bad_value(parameter: str, value: str) -> list[dict[str, Any]]:
    """What is said of a value that a parameter does not take: an information first, then the fatal issue (seen)."""
    said = f"Invalid {parameter}: {value}"
    return [issue("information", "value", "59109", said), issue("fatal", "value", "59111", said)]


def unknown_element(path: str) -> dict[str, Any]:
    """The information that an element of a body was ignored (guess: told as a parameter is)."""
    return issue("information", "invalid", "59100", f"Unknown element: {path}. Element has been ignored.")


def refused(issues: list[dict[str, Any]], reason: str, resource: str = "") -> Refusal:
    """A refusal with ready issues; the last one is why."""
    detail = str(issues[-1].get("diagnostics", "")) or reason
    return Refusal("malformed", detail, issues=issues, reason=reason, resource=resource)


def refused_body(flaw: Refusal) -> Refusal:
    """What is said of a body that cannot be read (59105, second hand), or is another resource than the URL says."""
    if flaw.reason.startswith("body_"):
        return refused([issue("fatal", "structure", "59105", flaw.detail)], flaw.reason)
    parameter = str(flaw.facts["parameter"])
    return refused([issue("fatal", "invalid", "59100", flaw.detail, parameter)], flaw.reason)


class EpicErrors:
    """Epic's words for every refusal. `facts["status"]` is the exact status if given, `facts["issues"]` ready."""

    def dress(self, refusal: Refusal, x: Exchange) -> Reply:
        """The answer that Epic gives."""
        if isinstance(refusal, OAuthRefusal) and x.path == paths.AUTHORIZE:
            return _not_let_in(refusal)
        if isinstance(refusal, OAuthRefusal):
            return _oauth(refusal.error, _status(refusal, 400))
        if x.path.startswith(paths.OAUTH) and refusal.kind in ("malformed", "unauthenticated", "forbidden"):
            error = "invalid_request" if refusal.kind == "malformed" else "invalid_client"
            return _oauth(error, _status(refusal, 400))
        return _DRESSES[refusal.kind](refusal, x)


def _not_let_in(refusal: OAuthRefusal) -> Reply:
    """At the authorize endpoint: back to the app, or a page when the client, redirect URI or `aud` is wrong (seen)."""
    uri = refusal.facts.get("redirect_uri")
    if uri:
        return authorize.redirected(str(uri), error=refusal.error, state=str(refusal.facts.get("state", "")))
    text = "Something went wrong trying to authorize the client. Please try logging in again."
    return pages.refusal_page(MANNER.theme, "OAuth2 Error", text, _status(refusal, 400))


def _status(refusal: Refusal, otherwise: int) -> int:
    return int(refusal.facts.get("status", otherwise))


def _oauth(error: str, status: int) -> Reply:
    """RFC 6749's error, with a description that is null: `body["error_description"].lower()` crashes (E24)."""
    answer = {"error": error, "error_description": None}
    return json_reply(
        status, answer, "application/json; charset=utf-8", cache_control="no-cache, no-store", pragma="no-cache"
    )


_NO_TOKEN = b'Bearer error="invalid_token", error_description="The access token provided is not valid"'
_NO_SCOPE = (
    b'Bearer error="insufficient_scope", '
    b'error_description="The access token provided is valid, but is not authorized for this service"'
)


def _unauthenticated(refusal: Refusal, x: Exchange) -> Reply:
    """401 whose body is the JSON string "" (E9)."""
    headers = [(b"content-type", b"application/json; charset=utf-8"), (b"www-authenticate", _NO_TOKEN)]
    return Reply(_status(refusal, 401), b'""', headers)


def _forbidden(refusal: Refusal, x: Exchange) -> Reply:
    """403: nothing at all when the application has no right (E9), an outcome when the user has none."""
    if refusal.reason == "not_viewable":
        return _told(refusal, x, 403, [issue("fatal", "processing", "4118")])
    if refusal.reason == "sub_resource":
        said = f"Client not authorized for {refusal.facts['part']}"
        return _told(refusal, x, 403, [issue("fatal", "forbidden", "59203", said)])
    if refusal.reason == "break_the_glass":
        return _told(refusal, x, 403, [issue("fatal", "processing", "4130")])
    if refusal.reason == "restricted_patient":
        return _told(refusal, x, 403, [issue("fatal", "processing", "4131")])
    return Reply(_status(refusal, 403), b"", [(b"www-authenticate", _NO_SCOPE)])


def _not_found(refusal: Refusal, x: Exchange) -> Reply:
    """404: an outcome for an id, the web server's page for a path (E8)."""
    if refusal.reason == "no_such_path":
        return _page(_status(refusal, 404), "File or directory not found.", _GONE_TEXT)
    return _told(refusal, x, 404, [issue("fatal", "not-found", "59008", "Invalid FHIR ID provided", "id")])


def _gone(refusal: Refusal, x: Exchange) -> Reply:
    """A page session that ended (400, guess), or a deleted resource (404, guess)."""
    if refusal.reason.startswith("page_"):
        return _told(refusal, x, 400, [issue("fatal", "processing", "4113")])
    return _told(refusal, x, 404, [issue("fatal", "deleted", "4103")])


def _malformed(refusal: Refusal, x: Exchange) -> Reply:
    if refusal.reason == "command_failed":
        return _command(refusal)
    if refusal.reason == "bad_date":
        value = str(refusal.facts.get("value", ""))
        return _told(refusal, x, 400, bad_value(str(refusal.facts.get("parameter", "date")), value))
    return _told(refusal, x, 400, [issue("fatal", "invalid", "4100", refusal.detail if refusal.detail else "")])


def _command(refusal: Refusal) -> Reply:
    """A web service's refusal: the business code stands inside a sentence (seen)."""
    said = "An error occurred while executing the command: {code} details: {details}.".format(
        code=refusal.facts["code"], details=str(refusal.facts["details"]).rstrip(".")
    )
    answer = {
        "Message": "An error has occurred.",
        "ExceptionMessage": said,
        "ExceptionType": "Epic.ServiceModel.Internal.ServiceCommandException",
        "StackTrace": None,
    }
    return json_reply(_status(refusal, 400), answer, "application/json; charset=utf-8")


def _unprocessable(refusal: Refusal, x: Exchange) -> Reply:
    return _told(refusal, x, 400, [issue("fatal", "business-rule", "59159")])


def _unsupported(refusal: Refusal, x: Exchange) -> Reply:
    """The web server's page for a method or format that nobody listens to (guess)."""
    text = "The page you are looking for cannot be displayed because an invalid method (HTTP verb) is being used."
    return _page(_status(refusal, 405), "HTTP verb used to access this page is not allowed.", text)


def _conflict(refusal: Refusal, x: Exchange) -> Reply:
    return _told(refusal, x, 409, [issue("fatal", "duplicate", "59141")])


def _too_many(refusal: Refusal, x: Exchange) -> Reply:
    """429 without a word: body and Retry-After are not on record (guess). Beyond the documents of a day, 4135."""
    if refusal.facts.get("limit") == DOCUMENTS:
        return _told(refusal, x, 400, [issue("fatal", "throttled", "4135")])
    return Reply(_status(refusal, 429), b"", _retry_after(refusal))


def _unavailable(refusal: Refusal, x: Exchange) -> Reply:
    """The page of the machine's HTTP driver, without an outcome; Retry-After only when a fault asks for it (guess)."""
    status = _status(refusal, 503)
    words = _UNAVAILABLE.get(status, "Service Unavailable")
    body = (
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN""http://www.w3.org/TR/html4/strict.dtd">\r\n'
        f"<HTML><HEAD><TITLE>{words}</TITLE></HEAD>\r\n"
        f"<BODY><h2>{words}</h2>\r\n<hr><p>HTTP Error {status}. {_UNAVAILABLE_TEXTS.get(status, words + '.')}</p>\r\n"
        "</BODY></HTML>\r\n"
    )
    headers = [(b"content-type", b"text/html; charset=us-ascii"), (b"connection", b"close"), *_retry_after(refusal)]
    return Reply(status, body.encode(), headers)


_UNAVAILABLE = {502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
_UNAVAILABLE_TEXTS = {503: "The service is unavailable."}


def _broken(refusal: Refusal, x: Exchange) -> Reply:
    if not x.path.startswith((paths.FHIR, paths.STU3, paths.DSTU2)):
        return _page(_status(refusal, 500), "Internal server error.", "There is a problem with the resource.")
    return _told(refusal, x, 500, [issue("fatal", "exception", "59177")])


_DRESSES = {
    "unauthenticated": _unauthenticated,
    "forbidden": _forbidden,
    "not_found": _not_found,
    "gone": _gone,
    "malformed": _malformed,
    "unprocessable": _unprocessable,
    "unsupported": _unsupported,
    "conflict": _conflict,
    "too_many": _too_many,
    "unavailable": _unavailable,
    "broken": _broken,
}
_GONE_TEXT = "What you look for is not here: it may have been removed or renamed, or is not available at the moment."


def _told(refusal: Refusal, x: Exchange, status: int, issues: list[dict[str, Any]]) -> Reply:
    said = refusal.facts.get("issues") or issues
    if x.path.startswith(paths.DSTU2):  # which has no such element
        said = [{name: value for name, value in one.items() if name != "expression"} for one in said]
    return media.fhir_reply(x, _status(refusal, status), outcome.outcome(said))


def _retry_after(refusal: Refusal) -> list[tuple[bytes, bytes]]:
    wait = refusal.facts.get("retry_after_s")
    return [] if wait is None else [(b"retry-after", b"%d" % int(wait))]


def _page(status: int, title: str, text: str) -> Reply:
    """A page of the web server: HTML whatever was accepted."""
    body = (
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">\r\n'
        '<html xmlns="http://www.w3.org/1999/xhtml">\r\n<head>\r\n'
        '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1"/>\r\n'
        f"<title>{status} - {title}</title>\r\n</head>\r\n<body>\r\n"
        f'<div id="header"><h1>Server Error</h1></div>\r\n<div id="content">\r\n<h2>{status} - {title}</h2>\r\n'
        f"<h3>{text}</h3>\r\n</div>\r\n</body>\r\n</html>\r\n"
    )
    return Reply(status, body.encode(), [(b"content-type", b"text/html")])
