"""Under which URL the caller reached us: what a vendor hands out must lead back the same way."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from simulator.exchange import Headers

Scope = MutableMapping[str, Any]


def origin_of(scope: Scope, *, trust_forwarded: bool) -> str:
    """`scheme://host` (and a proxy's prefix) as the caller sees it, without a slash at the end.

    `Host` decides; `X-Forwarded-Proto`, `-Host` and `-Prefix` only when they are trusted, for anybody can send them.
    """
    headers: Headers = scope["headers"]
    host = next((value for key, value in headers if key == b"host"), b"")
    if not trust_forwarded:
        return f"{scope['scheme']}://{host.decode('latin-1') or listening_at(scope)}"
    host, proto, prefix = forwarded(headers, host)
    scheme = proto.decode("latin-1") or scope["scheme"]
    return f"{scheme}://{host.decode('latin-1') or listening_at(scope)}{prefix.decode('latin-1')}"


def forwarded(headers: Headers, host: bytes) -> tuple[bytes, bytes, bytes]:
    """(host, scheme, prefix) as a trusted proxy tells them; of a list, the first is the caller's own."""
    proto = prefix = b""
    for key, value in headers:
        if not key.startswith(b"x-forwarded-"):
            continue
        first = value.split(b",")[0].strip()
        if key == b"x-forwarded-host" and first:
            host = first
        elif key == b"x-forwarded-proto" and first in (b"http", b"https"):
            proto = first
        elif key == b"x-forwarded-prefix" and first.startswith(b"/"):
            prefix = first.rstrip(b"/")
    return host, proto, prefix


def listening_at(scope: Scope) -> str:
    """Where the server listens, for callers that send no `Host` (HTTP/1.0)."""
    server = scope.get("server") or ("localhost", None)
    return f"{server[0]}:{server[1]}" if server[1] else str(server[0])
