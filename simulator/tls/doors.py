"""Doors of single vendors: a port of its own for one vendor of one sandbox, where faults meet whoever connects.

What happens before the first byte of HTTP (a port that refuses, a handshake that fails, a certificate that nobody
should accept) cannot be told apart by path. So it is a matter of ports: a vendor with a door of its own is reached
there, its URLs lead there, and its faults on connections act there and nowhere else. A refused port is looked after
every 50 ms of real time: that late it closes, and opens again.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from simulator.exchange import CONNECT, Exchange
from simulator.faults.act import Act
from simulator.faults.plan import Plan
from simulator.journal.entry import instant
from simulator.refusal import UsageError
from simulator.tls.authority import Authority
from simulator.tls.gate import Gate, bound
from simulator.tls.listeners import KINDS, Door, Tally

if TYPE_CHECKING:
    from simulator.sandbox import Sandbox, Site

MOST = 64
_MET_KEPT = 1000


OpenGate = Callable[[socket.socket, Gate, Tally], Door]


class VendorGate:
    """The gate of one vendor of one sandbox: it asks the sandbox's faults."""

    def __init__(self, sandbox: Sandbox, vendor: str, context: Callable[[str], ssl.SSLContext | None]) -> None:
        self._sandbox = sandbox
        self._vendor = vendor
        self._context = context
        self.met: deque[dict[str, str]] = deque(maxlen=_MET_KEPT)

    def _knock(self, connection: str) -> Exchange:
        """A connection as selectors see it: of the vendor, and nothing more is known of it."""
        site: Site = self._sandbox.sites[self._vendor]
        return Exchange(
            self._sandbox, site, CONNECT, "", "", "", [], b"", "", self._sandbox.clock.now(), time.monotonic(),
            connection,
        )  # fmt: skip

    def meets(self, connection: str) -> str:
        x = self._knock(connection)
        self._sandbox.faults.settle(x.at)
        act = self._sandbox.faults.met(x)
        if act is None or act.kind.meets is None:
            return ""
        shows = act.kind.meets(act)
        self.met.append({"at": instant(x.at), "connection": connection, "fault": act.id, "shows": shows})
        self._write_down(x, act)
        return shows

    def _write_down(self, x: Exchange, act: Act) -> None:
        """The knock in the journal: CONNECT, without an answer. What came over it after all names the connection."""
        x.plan = Plan([act])
        x.plan.meet()
        x.ended, x.bytes_sent, x.complete = time.monotonic(), 0, False
        self._sandbox.journal.append(x)

    def context(self, shows: str) -> ssl.SSLContext | None:
        return self._context(shows)

    @property
    def is_shut(self) -> bool:
        if self._vendor not in self._sandbox.sites:
            return False
        x = self._knock("")
        self._sandbox.faults.settle(x.at)
        return self._sandbox.faults.shuts(x)


@dataclass(slots=True)
class VendorDoor:
    """One door: whose, where, who came, and what they met: the journal tells each of these as a CONNECT. Who was
    refused, nobody sees but the caller."""

    sandbox: str
    vendor: str
    url: str
    tally: Tally
    gate: VendorGate = field(repr=False)
    door: Door = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """As the control API tells it."""
        came = self.tally
        return {
            "vendor": self.vendor,
            "url": self.url,
            "connections": came.connections,
            "handshakes": came.handshakes,
            "http_bytes": came.http_bytes,
            "met": list(self.gate.met),
        }


class Doors:
    """The doors of one server."""

    def __init__(self, host: str, names: Sequence[str], authority: Callable[[], Authority], client_ca: str) -> None:
        self._host = host
        self._names = names
        self._authority = authority
        self._client_ca = client_ca
        self._open: OpenGate | None = None
        self._is_secure = False
        self._all: dict[tuple[str, str], VendorDoor] = {}
        self._made = cache(self._make)

    def attach(self, open: OpenGate, *, is_secure: bool) -> None:
        """The server is up: `open` opens a gate in its loop; `is_secure` whether it speaks TLS itself."""
        self._open, self._is_secure = open, is_secure

    def _make(self, shows: str) -> ssl.SSLContext | None:
        if not self._is_secure:
            return None
        host = _shown(self._host)
        names = tuple(dict.fromkeys([host, "localhost", "127.0.0.1", "::1", *self._names]))
        return KINDS[shows or "second_origin"].make(self._authority(), names, self._client_ca)

    def of(self, sandbox: Sandbox) -> list[VendorDoor]:
        """The doors of a sandbox."""
        return [one for (id, _), one in self._all.items() if id == sandbox.id]

    def open(self, sandbox: Sandbox, vendor: str) -> VendorDoor:
        """The vendor's door; opened when there is none. In the server's loop.

        Raises:
            UsageError: the server is not up, or there are enough of them.
        """
        known = self._all.get((sandbox.id, vendor))
        if known is not None:
            return known
        if self._open is None:
            raise UsageError("the server has no network: its app is called in this process")
        if len(self._all) >= MOST:
            raise UsageError(f"there are {MOST} doors", "close those that are not used")
        plug = bound(self._host, 0)
        tally, gate = Tally(), VendorGate(sandbox, vendor, self._made)
        try:
            door = self._open(plug, gate, tally)
        except BaseException:
            plug.close()
            raise
        host = _shown(self._host)
        shown = f"[{host}]" if ":" in host else host
        url = f"{'https' if self._is_secure else 'http'}://{shown}:{plug.getsockname()[1]}"
        made = self._all[sandbox.id, vendor] = VendorDoor(sandbox.id, vendor, url, tally, gate, door)
        sandbox.doors[vendor] = url
        sandbox.sites[vendor].moved_to = url
        return made

    def close(self, sandbox: Sandbox, vendor: str | None = None) -> bool:
        """Close a vendor's door, or all of a sandbox; whether there was one. In the server's loop."""
        gone = [key for key in self._all if key[0] == sandbox.id and vendor in (None, key[1])]
        for key in gone:
            self._all.pop(key).door.close()
            url = sandbox.doors.pop(key[1], "")
            site = sandbox.sites.get(key[1])
            if site is not None and site.moved_to == url:
                site.moved_to = ""
        return bool(gone)

    def close_all(self) -> None:
        """Close every one; in the server's loop."""
        for one in self._all.values():
            one.door.close()
        self._all.clear()


def _shown(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
