"""A server asked through its ASGI door, in its own process and without HTTP around it."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from simulator.server import Server


async def receive() -> MutableMapping[str, Any]:
    """A request without a body."""
    return {"type": "http.request"}


async def send(message: MutableMapping[str, Any]) -> None:
    """Nobody looks at the answer but at its status.

    Raises:
        ValueError: the answer is no success.
    """
    if message["type"] == "http.response.start" and message["status"] != 200:
        raise ValueError(f"status {message['status']}")


def asked_by(made: Server, vendor: str) -> Callable[..., dict[str, Any]]:
    """Makes the ASGI scopes of GET requests of a vendor's first client, who has a token for a day: given the path
    below the FHIR base, and the query."""
    sandbox = made.sandboxes.default
    site = sandbox.sites[vendor]
    client = next(iter(site.clients.values()))
    token = site.tokens.issue(
        client.client_id, client.scopes, now=sandbox.clock.now(), lifetime=timedelta(days=1), allows=lambda *asked: True
    )
    base = urlsplit(site.urls(f"http://bench/{vendor}")["fhir_url"]).path
    headers = [
        (b"host", b"bench"),
        (b"accept", b"application/fhir+json"),
        (b"authorization", b"Bearer " + token.text.encode()),
    ]

    def scope(path: str, query: str = "") -> dict[str, Any]:
        path = f"{base}/{path}"
        return {
            "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": headers, "scheme": "http", "client": ("127.0.0.1", 4000), "server": ("bench", 80),
        }  # fmt: skip

    return scope
