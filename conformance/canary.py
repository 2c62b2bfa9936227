"""A canary: a listener on this machine with which nobody has any business, and which writes down who comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from simulator.journal.redaction import redacted_headers

OPERATION = "canary"
_PATH = "/latest/meta-data/iam/security-credentials/"


@dataclass
class Canary:
    """Where it listens, and what it heard: entries as those of a journal, with the monotonic second of each."""

    url: str
    heard: list[dict[str, Any]]

    def entries(self, vendor: str, began: float) -> list[dict[str, Any]]:
        """What was heard, as evidence of a case that began then."""
        return [one | {"vendor": vendor, "t_s": round(one["t_s"] - began, 6)} for one in self.heard]


@contextmanager
def listening() -> Iterator[Canary]:
    """A canary for as long as it is needed."""
    heard: list[dict[str, Any]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Listener, heard))
    server.daemon_threads = True
    canary = Canary(f"http://127.0.0.1:{server.server_address[1]}{_PATH}", heard)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="canary", daemon=True)
    thread.start()
    try:
        yield canary
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Listener(BaseHTTPRequestHandler):
    """Answers everybody with an empty 404, and adds an entry to `heard`."""

    def __init__(self, heard: list[dict[str, Any]], *args: Any) -> None:
        self._heard = heard
        super().__init__(*args)  # it answers in there

    def _hear(self) -> None:
        path, _, query = self.path.partition("?")
        pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        self._heard.append(
            {
                "id": f"h{len(self._heard) + 1}", "t_s": time.monotonic(), "duration_ms": 0.0, "direction": "in",
                "operation": OPERATION, "method": self.command, "path": path, "raw_path": path, "query": query,
                "status": 404, "simulated": True, "request_headers": redacted_headers(pairs),
            }
        )  # fmt: skip
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_HEAD = do_PUT = _hear

    def log_message(self, format: str, *args: Any) -> None:
        """It talks to nobody."""
