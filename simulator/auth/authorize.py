"""The authorization request, judged rule by rule before anybody is asked to log in.

As long as it is not certain where to send somebody back to, a refusal is a page (`redirect_uri` among its facts is
absent); from then on it travels to the app by redirect, with the state.

Source: RFC 6749 section 4.1, RFC 9700 section 2.1, SMART App Launch 2.2.0: std:SMART-AL-02, std:SMART-AL-06,
std:SMART-AL-08, std:SMART-AL-11, std:OAUTH-02.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from simulator.auth import pkce
from simulator.auth.clients import Client
from simulator.auth.form import MEDIA
from simulator.exchange import Exchange, Reply
from simulator.refusal import OAuthRefusal

_KNOWN = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "aud", "launch", "nonce", "code_challenge",
    "code_challenge_method",
)  # fmt: skip
_LONGEST = 4096  # letters of a value; a state or a launch of some vendors has 2,000
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a good authorization request asks for. `launch` is empty in a standalone launch."""

    client: Client = field(repr=False)
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str
    aud: str
    challenge: str
    nonce: str = ""
    launch: str = ""


def pairs_of(x: Exchange) -> list[tuple[str, str]]:
    """The parameters of an authorization request: the query, and the form of a POST.

    Raises:
        OAuthRefusal: invalid_request, reason media_type_wrong or form_malformed.
    """
    if x.method != "POST":
        return x.params
    media = (x.header("content-type") or "").partition(";")[0].strip().lower()
    if media != MEDIA:
        raise OAuthRefusal("invalid_request", "media_type_wrong", f"Content-Type is {media or 'missing'}")
    try:
        text = x.body.decode("utf-8")
        return [*x.params, *parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1000)]
    except ValueError:
        raise OAuthRefusal("invalid_request", "form_malformed", "the body is not a form in UTF-8") from None


def read(
    pairs: Iterable[tuple[str, str]],
    find: Callable[[str], Client | None],
    *,
    audiences: Collection[str],
    aud_needed: Callable[[Collection[str]], bool] = lambda scopes: True,
    state_needed: bool = True,
    pkce_of_all: bool = False,
) -> Asked:
    """The request that `pairs` hold. Public clients need PKCE always, confidential ones when `pkce_of_all`.

    Raises:
        OAuthRefusal: without `redirect_uri` in its facts, reason parameter_repeated, too_long, client_missing,
            client_unknown, redirect_uri_missing, redirect_uri_mismatch; with it, response_type, state_missing,
            scope_missing, aud_missing, aud_mismatch, challenge_missing, challenge_method, challenge_malformed,
            launch_missing.
    """
    given: dict[str, str] = {}
    for name, value in pairs:
        if name in _KNOWN:
            if name in given:
                raise OAuthRefusal("invalid_request", "parameter_repeated", f"{name} is there twice", parameter=name)
            if len(value) > _LONGEST:
                raise OAuthRefusal("invalid_request", "too_long", f"{name} has {len(value)} letters", parameter=name)
            given[name] = value
    client = _client(given, find)
    redirect_uri = _redirect_uri(given, client)
    try:
        return _asked(
            given, client, redirect_uri, audiences=audiences, aud_needed=aud_needed, state_needed=state_needed,
            pkce_of_all=pkce_of_all,
        )  # fmt: skip
    except OAuthRefusal as refusal:
        raise towards(refusal, client, redirect_uri, given.get("state", "")) from None


def towards(refusal: OAuthRefusal, client: Client, redirect_uri: str, state: str) -> OAuthRefusal:
    """The refusal with where it goes, who asked, and the state that goes with it."""
    refusal.facts |= {"redirect_uri": redirect_uri, "state": state, "client_id": client.client_id}
    return refusal


def _client(given: dict[str, str], find: Callable[[str], Client | None]) -> Client:
    client_id = given.get("client_id", "")
    if not client_id:
        raise OAuthRefusal("invalid_request", "client_missing", "no client_id")
    client = find(client_id)
    if client is None or not client.is_app:
        raise OAuthRefusal("unauthorized_client", "client_unknown", f"no app {client_id[:80]!r}")
    return client


def _redirect_uri(given: dict[str, str], client: Client) -> str:
    asked = given.get("redirect_uri", "")
    if not asked:
        raise OAuthRefusal("invalid_request", "redirect_uri_missing", "no redirect_uri", client_id=client.client_id)
    if not any(is_registered(asked, one) for one in client.redirect_uris):
        detail = f"redirect_uri {asked[:200]!r} is not registered"
        raise OAuthRefusal("invalid_request", "redirect_uri_mismatch", detail, client_id=client.client_id)
    return asked


def is_registered(asked: str, registered: str) -> bool:
    """Whether two redirect URIs are the same, letter by letter.

    One that is registered on the loopback interface without a port may come with any (RFC 8252 section 7.3).
    """
    if hmac.compare_digest(asked.encode(), registered.encode()):
        return True
    try:
        mine, theirs = urlsplit(registered), urlsplit(asked)
        if mine.port is not None or theirs.port is None or not _is_loopback(mine.hostname):
            return False
    except ValueError:
        return False
    if theirs.netloc != f"{mine.netloc}:{theirs.port}":
        return False
    return asked == registered.replace(mine.netloc, theirs.netloc, 1)


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _asked(
    given: dict[str, str],
    client: Client,
    redirect_uri: str,
    *,
    audiences: Collection[str],
    aud_needed: Callable[[Collection[str]], bool],
    state_needed: bool,
    pkce_of_all: bool,
) -> Asked:
    kind = given.get("response_type", "")
    if kind != "code":
        error = "unsupported_response_type" if kind else "invalid_request"
        raise OAuthRefusal(error, "response_type", f"response_type {kind!r} instead of code")
    state = given.get("state", "")
    if state_needed and not state:
        raise OAuthRefusal("invalid_request", "state_missing", "no state")
    wanted = tuple(dict.fromkeys(given.get("scope", "").split()))
    if not wanted:
        raise OAuthRefusal("invalid_scope", "scope_missing", "no scope")
    aud = given.get("aud", "")
    if not aud and aud_needed(wanted):
        raise OAuthRefusal("invalid_request", "aud_missing", "no aud")
    if aud and aud.rstrip("/") not in audiences:
        raise OAuthRefusal("invalid_request", "aud_mismatch", f"aud {aud[:200]!r} is not this server")
    challenge = pkce.asked_challenge(
        given.get("code_challenge"), given.get("code_challenge_method"), required=pkce_of_all or client.auth == "none"
    )
    launch = given.get("launch", "")
    if "launch" in wanted and not launch:
        raise OAuthRefusal("invalid_request", "launch_missing", "the scope launch without a launch value")
    return Asked(client, redirect_uri, wanted, state, aud, challenge, given.get("nonce", ""), launch)


def redirected(redirect_uri: str, **told: str) -> Reply:
    """302 back to the app, with `told` behind what the URI has already."""
    bar = "&" if urlsplit(redirect_uri).query else "" if redirect_uri.endswith("?") else "?"
    answer = urlencode({name: value for name, value in told.items() if value}, quote_via=quote)
    return Reply(302, b"", [(b"location", f"{redirect_uri}{bar}{answer}".encode()), *NO_STORE])


NO_STORE = [(b"cache-control", b"no-store"), (b"pragma", b"no-cache"), (b"referrer-policy", b"no-referrer")]


def flaw_of(uri: str) -> str:
    """What makes `uri` unfit to be registered as a redirect URI; empty when it is fit (RFC 6749 section 3.1.2)."""
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return "it is no URI"
    if not _SCHEME.fullmatch(parts.scheme) or any(letter <= " " or letter == "\x7f" for letter in uri):
        return "it is not absolute" if not parts.scheme else "it is no URI"
    if not uri.isascii():
        return "it has letters that are not ASCII"
    if parts.fragment or "#" in uri:
        return "it has a fragment"
    if parts.scheme.lower() in ("javascript", "data", "vbscript", "file", "blob", "about"):
        return f"its scheme is {parts.scheme}"
    if parts.scheme.lower() in ("http", "https"):
        if not parts.hostname:
            return "it has no host"
        if parts.username is not None or "\\" in uri:
            return "it has a user or a backslash"
    if "*" in parts.netloc:
        return "it has a wildcard"
    return ""
