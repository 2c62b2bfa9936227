"""Fetching what a client publishes: its key set, over the network, with a short patience."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson

from simulator.auth import assertion
from simulator.auth.form import MEDIA
from simulator.auth.keysets import Habit
from simulator.exchange import Exchange

PATIENCE_S = 3.0
LONGEST = 512 * 1024


def client_keys(habit: Habit) -> Callable[[Exchange], Awaitable[None]]:
    """The `prepare` station of a token endpoint: gets the client's key set before its assertion is judged."""

    async def prepare(x: Exchange) -> None:
        peeked = _assertion_of(x)
        client = x.site.clients.get(str(peeked[1].get("iss"))) if peeked is not None else None
        if peeked is None or client is None or not client.jwks_uri:
            return
        kid = peeked[0].get("kid")
        now = x.sandbox.clock.now()
        if x.site.desk.keysets.wants(client.jwks_uri, kid if isinstance(kid, str) else None, now, habit):
            await _fetch(x, client.jwks_uri, habit)

    return prepare


def _assertion_of(x: Exchange) -> tuple[dict[str, object], dict[str, object]] | None:
    if b"client_assertion=" not in x.body or not (x.header("content-type") or "").lower().startswith(MEDIA):
        return None
    try:
        return assertion.peek(dict(x.form()).get("client_assertion", ""))
    except ValueError:
        return None


async def _fetch(x: Exchange, url: str, habit: Habit) -> None:
    """One GET without redirects; what came of it stands in the exchange's notes."""
    import httpx  # 7 MB in memory, for what few sandboxes ever do

    sets, now = x.site.desk.keysets, x.sandbox.clock.now()
    try:
        async with httpx.AsyncClient(timeout=PATIENCE_S, trust_env=False) as http, http.stream("GET", url) as answer:
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > LONGEST:
                    raise ValueError(f"more than {LONGEST} bytes")
        if answer.status_code != 200:
            raise ValueError(f"status {answer.status_code}")
        sets.put(url, orjson.loads(body), answer.headers.get("cache-control", ""), now, habit)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as flaw:
        sets.failed(url, f"{type(flaw).__name__}: {flaw}", now)
    x.notes["jwks"] = {"url": url, "flaw": sets.flaw(url)}
