"""A bare ASGI app that answers every request with the same bytes: what the server costs without us."""

from __future__ import annotations

import os
from typing import Any

BODY = b"x" * int(os.environ.get("EMR_BENCH_BYTES", "2800"))
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())],
}
END = {"type": "http.response.body", "body": BODY}


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer at once; nothing is read."""
    if scope["type"] == "http":
        await send(START)
        await send(END)
