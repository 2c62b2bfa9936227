"""How the proprietary API words its answers: indented JSON with CRLF, lists in an envelope, links on every object.

Source: SOURCES.md, "Behind the doors" (SDK).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from simulator.exchange import Exchange, Reply, reply

MEDIA = "application/json"


def body(value: Any) -> bytes:
    """`value` as this API writes it."""
    return json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\r\n").encode()


def answer(x: Exchange, value: Any, status: int = 200) -> Reply:
    """A reply with `value`."""
    return reply(status, body(value).decode(), MEDIA)


def listed(x: Exchange, items: Sequence[dict[str, Any]]) -> Reply:
    """A whole list: `count` is told only to whoever asks for it."""
    wants_count = x.param("$count") == "true" or x.param("$inlinecount") == "allpages"
    return answer(x, {"items": list(items), "nextPageLink": None, "count": len(items) if wants_count else None})


def link(pattern: str, value: str | int, rel: str, says: str = "") -> dict[str, Any]:
    """One of the links of an object."""
    return {
        "href": pattern.format(value),
        "method": "GET",
        "rel": rel,
        "description": says,
        "vendorExtensions": {"baseHref": pattern},
    }
