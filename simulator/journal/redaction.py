"""What may be shown of a request and its answer: secrets only as fingerprints.

Two nets. The first goes by names: what is called `client_secret`, `Authorization` or `password` is a secret, whatever
it is, in headers, queries, forms, JSON, XML and multipart bodies. The second goes by values: a secret that this site
has given out or knows (tokens, codes, the secrets and API keys of its clients) is one wherever it stands: in a path, in
a header of any name, as a client id, in the sentence of a refusal.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus

from simulator.exchange import Exchange, Headers

BODY_LIMIT = 64 * 1024

_NAMES = (
    "access_token", "api_key", "assertion", "client_assertion", "client_secret", "code", "code_verifier",
    "device_code", "id_token", "passwd", "password", "private_key", "private_key_pem", "refresh_token",
    "registration_access_token", "secret", "sitting", "subject_token", "token", "x_api_key",
)  # fmt: skip
_SECRETS = frozenset(name.replace("_", "") for name in _NAMES)
_IN_BODIES = "|".join(
    name.replace("_", "[-_]?") for name in sorted(_NAMES, key=len, reverse=True) if name not in ("code", "sitting")
)
_HINTS = (
    "token", "secret", "passw", "apikey", "api_key", "api-key", "assertion", "private", "verifier", "device_code",
    "device-code", "devicecode", "sitting", "code=", 'name="code"',
)  # fmt: skip
_JSON_SECRET = re.compile(rf'"({_IN_BODIES})"(\s*:\s*)(?:"((?:[^"\\]|\\.)*)(?:"|\Z)|(-?\d[\d.eE+-]*))', re.IGNORECASE)
_XML_SECRET = re.compile(rf"(<(?:\w+:)?({_IN_BODIES})(?:\s[^<>]*)?>)([^<]+)(</)", re.IGNORECASE)
_PART_SECRET = re.compile(rf'(name="({_IN_BODIES}|code)"[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n)([^\r\n]*)', re.IGNORECASE)
_INPUT_SECRET = re.compile(r'(<input type="hidden" name="sitting" value=")([^"]*)(")')
_URL_HEADERS = frozenset({"location", "content-location", "referer"})
_KEY_HEADER = re.compile(
    r"api[-_]?key|secret|token|cookie|passw|credential|assertion|^(x|mcc)-.*auth|^proxy-authorization$", re.IGNORECASE
)
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_SHORTEST = 16
_WORD = re.compile(r"[A-Za-z0-9._~%+-]{16,}")
_EDGES = ".-_~%+"

Credentials = Callable[[str], str]
"""What kind of secret a word is (`access_token`, `client_secret`); empty when it is none that is known."""


def fingerprint(name: str, secret: str) -> str:
    """What is shown instead of a secret: its name and 12 hex digits of its SHA-256; equal secrets look equal."""
    return f"{name}:{hashlib.sha256(secret.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"


# By name


def _is_secret(name: str, *, searches: bool = False) -> bool:
    """Whether what is called so is a secret. A `code` is one unless it stands in a search."""
    plain = name.lower().replace("_", "").replace("-", "")
    return plain in _SECRETS and not (searches and plain == "code")


def is_search(x: Exchange) -> bool:
    """Whether a `code` in the query or form is one of the data, not of a login: at every door that asks for a token."""
    return x.route is not None and x.route.needs is not None


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
        return (
            f"{scheme} {user}:{fingerprint('client_secret', secret)}"
            if colon
            else f"{scheme} {fingerprint('authorization', user)}"
        )
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
    parts = []
    for part in text.split("&"):
        name, equals, value = part.partition("=")
        plain = unquote_plus(name).lower()
        is_secret = equals and _is_secret(plain, searches=searches)
        parts.append(f"{name}={_redacted_secret(plain, unquote_plus(value))}" if is_secret else part)
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
            plain = _redacted_body(shown.decode("latin-1"), media, searches=searches)
            return "base64:" + base64.b64encode(plain.encode("latin-1")).decode("ascii")
        text = shown[: flaw.start].decode("utf-8")  # the cut went through a letter
    return _redacted_body(text, media, searches=searches)


def _redacted_body(text: str, media: str, *, searches: bool) -> str:
    kind = media.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return redacted_pairs(text, searches=searches)
    plain = text.lower()
    if not any(hint in plain for hint in _HINTS):  # most bodies; the patterns below take milliseconds for long ones
        return text
    if kind == "multipart/form-data":
        return _PART_SECRET.sub(lambda found: found[1] + fingerprint(found[2].lower(), found[3]), text)
    if kind == "text/html":
        return _INPUT_SECRET.sub(lambda found: f"{found[1]}{fingerprint('sitting', found[2])}{found[3]}", text)
    if text.lstrip()[:1] == "<":
        return _XML_SECRET.sub(lambda found: found[1] + fingerprint(found[2].lower(), found[3]) + found[4], text)
    if "=" in text and not text.lstrip().startswith(("{", "[")):
        text = redacted_pairs(text, searches=searches)  # a form that calls itself something else
    return _JSON_SECRET.sub(_redacted_member, text)


def _redacted_member(found: re.Match[str]) -> str:
    value = found[3] if found[3] is not None else found[4]
    return f'"{found[1]}"{found[2]}"{_redacted_secret(found[1], value)}"'


# By value


def credentials_of(x: Exchange) -> Credentials:
    """What is a secret where `x` is shown: those that its site knows, and those that it carried under their names."""
    known, carried = x.site.credentials(), dict(_carried(x))
    return lambda text: carried.get(text) or known(text)


def _carried(x: Exchange) -> Iterator[tuple[str, str]]:
    """(secret, what it is called) of what a request carries under the name of a secret, right or wrong."""
    for key, raw in x.headers:
        name, value = key.decode("latin-1"), raw.decode("latin-1")
        if name == "authorization":
            yield from _presented(value)
        elif _KEY_HEADER.search(name) and not name.startswith("x-emr-sandbox"):
            yield value, name
    pairs = x.params
    if (x.header("content-type") or "").lower().startswith("application/x-www-form-urlencoded"):
        pairs = [*pairs, *parse_qsl(x.body.decode("latin-1"))]
    for name, value in pairs:
        if _is_secret(name, searches=is_search(x)):
            yield value, name.lower()


def _presented(value: str) -> Iterator[tuple[str, str]]:
    scheme, _, rest = value.partition(" ")
    yield rest.strip(), "access_token" if scheme.lower() == "bearer" else "authorization"
    if scheme.lower() == "basic":
        with suppress(binascii.Error, UnicodeDecodeError):
            user, colon, secret = base64.b64decode(rest.strip(), validate=True).decode("utf-8").partition(":")
            yield (secret, "client_secret") if colon else (user, "authorization")


def without_secrets(value: Any, credentials: Credentials) -> Any:
    """`value` (text, or JSON of any depth) with every word that is a known secret as its fingerprint."""
    if isinstance(value, str):
        return scrubbed(value, credentials) if len(value) >= _SHORTEST else value
    if isinstance(value, dict):
        return {
            (scrubbed(name, credentials) if len(name) >= _SHORTEST else name): without_secrets(one, credentials)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [without_secrets(one, credentials) for one in value]
    return value


def scrubbed(text: str, credentials: Credentials) -> str:
    """`text` with every word that is a known secret as its fingerprint."""
    if text.startswith("base64:"):
        return _scrubbed_bytes(text, credentials)

    for word in set(_WORD.findall(text)):
        for one in _spelled(word):
            kind = credentials(one)
            if kind:
                text = text.replace(one if one in word else word, fingerprint(kind, one))
    return text


def _spelled(word: str) -> tuple[str, ...]:
    """A word, and what it is without the marks around it or in its quoting."""
    bare = word.strip(_EDGES)
    return (word,) if bare == word and "%" not in word else (word, bare, unquote(word))


def _scrubbed_bytes(text: str, credentials: Credentials) -> str:
    """A body that is shown as base64: what stands in it is looked at as well."""
    try:
        plain = base64.b64decode(text[7:], validate=True).decode("latin-1")
    except binascii.Error:
        return text
    clean = scrubbed(plain, credentials)
    return text if clean == plain else "base64:" + base64.b64encode(clean.encode("latin-1")).decode("ascii")
