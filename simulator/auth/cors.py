"""Which pages of a browser may read an answer: any for discovery, those of registered apps for tokens and data.

Source: SMART App Launch 2.2.0, conformance: std:SMART-CF-10.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from simulator.exchange import Exchange, Headers

_METHODS = b"GET, POST, OPTIONS"


def headers_for(x: Exchange, *, anybody: bool) -> Headers:
    """The CORS headers of an answer; none without an `Origin`, or for one that no app is registered at."""
    origin = x.header("origin")
    if origin is None or not (anybody or is_registered(x, origin)):
        return []
    asked = x.header("access-control-request-headers")
    made: Headers = [
        (b"access-control-allow-origin", b"*" if anybody else origin.encode("latin-1")),
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-expose-headers", b"Content-Location, Location, Retry-After, WWW-Authenticate"),
        (b"vary", b"Origin"),
    ]
    return [*made, (b"access-control-allow-headers", asked.encode("latin-1"))] if asked else made


def is_registered(x: Exchange, origin: str) -> bool:
    """Whether an app of this site has a redirect URI at the origin; on loopback without a port, at any port."""
    asked = urlsplit(origin)
    for client in x.site.clients.values():
        for uri in client.redirect_uris:
            known = urlsplit(uri)
            if (known.scheme, known.netloc) == (asked.scheme, asked.netloc):
                return True
            on_loopback = known.port is None and known.hostname in ("127.0.0.1", "localhost")
            if on_loopback and (known.scheme, known.hostname) == (asked.scheme, asked.hostname):
                return True
    return False
