"""One exchange as people and scripts read it: the contract's `exchange` shape, secrets only as fingerprints."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from simulator.exchange import Exchange, Headers
from simulator.journal.journal import number_of
from simulator.selector import client_of

BODY_LIMIT = 64 * 1024
SECRETS = frozenset(
    {
        "access_token", "api_key", "apikey", "assertion", "client_assertion", "client_secret", "code", "code_verifier",
        "id_token", "password", "private_key", "refresh_token", "sitting", "subject_token", "token",
    }
)  # fmt: skip
_JSON_SECRET = re.compile(
    r'"(access_token|refresh_token|id_token|client_secret|client_assertion|api_key|password|'
    r'private_key|code_verifier)"(\s*:\s*)"((?:[^"\\]|\\.)*)"'
)
_INPUT_SECRET = re.compile(r'(<input type="hidden" name="sitting" value=")([^"]*)(")')
_URL_HEADERS = frozenset({"location", "content-location", "referer"})
_KEY_HEADER = re.compile(r"api[-_]?key|secret|token|cookie", re.IGNORECASE)
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


def fingerprint(name: str, secret: str) -> str:
    """What is shown instead of a secret: its name and 12 hex digits of its SHA-256; equal secrets look equal."""
    return f"{name}:{hashlib.sha256(secret.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"


def entry_of(x: Exchange, body_limit: int | None = BODY_LIMIT) -> dict[str, Any]:
    """The journal entry of one exchange, ready for JSON.

    Bodies are text up to `body_limit` bytes each (None: whole); `request_size` and `response_size` are the true sizes.
    `status` is null when nothing of the answer was sent. `duration_ms` is real time inside the pipeline, `t_s` seconds
    of sandbox time since the sandbox began.
    """
    answer = x.reply
    searches = x.route is not None and x.route.needs is not None
    sent = x.notes.get("wire_sent", "all")
    done = x.plan.done if x.plan is not None else ()
    return {
        "id": x.id,
        "seq": number_of(x.id),
        "at": instant(x.at),
        "t_s": round((x.at - x.sandbox.started_at).total_seconds(), 6),
        "direction": x.direction,
        "vendor": x.vendor.id,
        "client": client_of(x) or None,
        "operation": x.route.name if x.route is not None else None,
        "method": x.notes.get("method", x.method),
        "path": x.path,
        "query": redacted_pairs(x.query, searches=searches),
        "raw_path": x.raw_path,
        "status": answer.status if answer is not None and sent != "nothing" else None,
        "duration_ms": round((x.ended - x.started) * 1000, 3) if x.ended else None,
        "fault": done[0] if done else None,
        "faults": list(done),
        "simulated": answer.simulated if answer is not None else True,
        "refusal": x.refusal or None,
        "request_headers": redacted_headers(x.headers),
        "request_body": body_text(x.body, x.header("content-type") or "", body_limit, searches=searches),
        "request_size": len(x.body),
        "response_headers": redacted_headers(answer.headers) if answer is not None else [],
        "response_body": body_text(answer.body, answer.header("content-type") or "", body_limit) if answer else "",
        "response_size": len(answer.body) if answer is not None else 0,
        "bytes_sent": x.bytes_sent,
        "complete": x.complete,
        "connection": x.connection,
        "tls": x.peer.to_json() if x.peer is not None else None,
        "token_id": x.caller.token_id if x.caller is not None else None,
        "scope_needed": list(x.route.needs) if x.route is not None and x.route.needs else None,
        "served": [list(pair) for pair in answer.served] if answer is not None else [],
        "notes": _plain(x.notes),
    }


def instant(at: datetime) -> str:
    """An instant as the control API writes it: UTC, milliseconds, `Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def redacted_headers(headers: Headers) -> list[list[str]]:
    """Header pairs as text, with credentials as fingerprints."""
    return [
        [key.decode("latin-1"), _redacted_header(key.decode("latin-1"), value.decode("latin-1"))]
        for key, value in headers
    ]


def _redacted_header(name: str, value: str) -> str:
    if name == "authorization":
        return _redacted_authorization(value)
    if name.startswith("x-emr-sandbox"):
        return value
    if name in _URL_HEADERS:
        return redacted_url(value)
    return fingerprint(name, value) if _KEY_HEADER.search(name) else value


def _redacted_authorization(value: str) -> str:
    scheme, _, rest = value.partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer":
        return f"{scheme} {fingerprint('access_token', rest)}"
    if scheme.lower() == "basic":
        try:
            user, colon, secret = base64.b64decode(rest, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return f"{scheme} {fingerprint('authorization', rest)}"
        return f"{scheme} {user}:{fingerprint('client_secret', secret)}" if colon else f"{scheme} {user}"
    return f"{scheme} {fingerprint('authorization', rest)}" if rest else fingerprint("authorization", value)


def redacted_url(url: str) -> str:
    """A URL with the secrets of query and fragment as fingerprints: the way back to an app holds a code."""
    front, hash, fragment = url.partition("#")
    path, mark, query = front.partition("?")
    return f"{path}{mark}{redacted_pairs(query)}{hash}{redacted_pairs(fragment)}"


def redacted_pairs(text: str, *, searches: bool = False) -> str:
    """A query or form with the values of secret names as fingerprints; everything else as it came.

    A `code` is a secret unless the pairs are a search for one (`searches`).
    """
    if not text:
        return text
    secrets = SECRETS - {"code"} if searches else SECRETS
    parts = []
    for part in text.split("&"):
        name, equals, value = part.partition("=")
        plain = unquote_plus(name).lower()
        parts.append(f"{name}={_redacted_secret(plain, unquote_plus(value))}" if equals and plain in secrets else part)
    return "&".join(parts)


def _redacted_secret(name: str, value: str) -> str:
    """A JWT keeps its header and claims, which are no secret; its signature is."""
    if name in ("client_assertion", "assertion") and _JWT.fullmatch(value):
        signed, _, signature = value.rpartition(".")
        return f"{signed}.{fingerprint('signature', signature)}"
    return fingerprint(name, value)


def body_text(body: bytes, media: str, limit: int | None = BODY_LIMIT, *, searches: bool = False) -> str:
    """A body as text, without secrets; bytes that are not UTF-8 are shown as base64 after `base64:`."""
    if not body:
        return ""
    shown = body if limit is None else body[:limit]
    try:
        text = shown.decode("utf-8")
    except UnicodeDecodeError as flaw:
        if limit is None or len(body) <= limit or flaw.start < len(shown) - 3:
            return "base64:" + base64.b64encode(shown).decode("ascii")
        text = shown[: flaw.start].decode("utf-8")  # the cut went through a letter
    if media.startswith("application/x-www-form-urlencoded"):
        return redacted_pairs(text, searches=searches)
    if media.startswith("text/html"):
        return _INPUT_SECRET.sub(lambda found: f"{found[1]}{fingerprint('sitting', found[2])}{found[3]}", text)
    return _JSON_SECRET.sub(_redacted_member, text)


def _redacted_member(found: re.Match[str]) -> str:
    return f'"{found[1]}"{found[2]}"{_redacted_secret(found[1], found[3])}"'


def _plain(value: Any) -> Any:
    """`value` with everything that JSON does not know turned into text."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return instant(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
