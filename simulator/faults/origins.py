"""One server, two origins: the same address under another name."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

_OTHER_NAME = {"127.0.0.1": "localhost", "localhost": "127.0.0.1", "::1": "localhost"}


def second_origin(url: str) -> str:
    """`url` under another name of the same machine; a host that we know no other name of gets `alias.` before it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    other = _OTHER_NAME.get(host, f"alias.{host}")
    return urlunsplit(parts._replace(netloc=other + (f":{parts.port}" if parts.port else "")))
