"""Who may use the control API: this machine; or, when a control token is set, whoever has it."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from simulator.control.problem import MEDIA, problem_bytes
from simulator.settings import Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


def guarded(app: App, settings: Settings) -> App:
    """`app` behind its door."""
    expected = f"Bearer {settings.control_token}".encode() if settings.control_token else None

    async def door(
        scope: Scope, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        refused = _without_token(scope, settings) if expected is None else _with_token(scope, expected)
        if refused is None:
            await app(scope, receive, send)
            return
        status, detail = refused
        body = problem_bytes(status, detail)
        headers = [(b"content-type", MEDIA.encode()), (b"content-length", b"%d" % len(body))]
        if status == 401:
            headers.append((b"www-authenticate", b'Bearer realm="emr-sandbox control"'))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return door


def _with_token(scope: Scope, expected: bytes) -> tuple[int, str] | None:
    shown = next((value for key, value in scope["headers"] if key == b"authorization"), b"")
    scheme, _, rest = shown.partition(b" ")
    if hmac.compare_digest(b"Bearer " + rest.strip(), expected) and scheme.lower() == b"bearer":
        return None
    return 401, "the control API needs `Authorization: Bearer` with the control token"


def _without_token(scope: Scope, settings: Settings) -> tuple[int, str] | None:
    """Only from this machine, and not by way of a web page that its user has open.

    A page of another site can make a browser send requests to loopback, under its own `Origin`, or under its own name
    in `Host` when that name is made to point at loopback. Neither is the user's wish.
    """
    client = scope.get("client")
    if client is not None and not is_loopback(client[0]):
        return 403, f"control calls come only from this machine, not from {client[0]}; start with a control token"
    headers = dict(scope["headers"])
    host = _name(headers.get(b"host", b"").decode("latin-1"))
    if host and host != settings.host and not is_loopback(host):
        return 403, f'control calls come to a loopback name, not to "{host}"; start with a control token'
    origin = headers.get(b"origin", b"").decode("latin-1")
    if origin and urlsplit(origin).netloc != headers.get(b"host", b"").decode("latin-1"):
        return 403, f'control calls do not come from pages of "{origin}"; start with a control token'
    return None


def _name(host: str) -> str:
    return urlsplit(f"//{host}").hostname or ""


def is_loopback(name: str) -> bool:
    """Whether a name or address is this machine's own."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
