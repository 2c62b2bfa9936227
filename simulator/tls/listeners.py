"""Further doors to the same server: another origin, and doors that a careful caller does not walk through.

Each counts who came: connections, handshakes that were completed, and bytes of HTTP that were received. A caller that
verifies certificates leaves the last two at zero on every bad one.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from simulator.refusal import UsageError
from simulator.tls import certificates
from simulator.tls.authority import Authority
from simulator.tls.contexts import context, old_context

MOST = 32
_WRONG_NAME = "other-hospital.example"


@dataclass(slots=True)
class Tally:
    """Who came to one listener."""

    connections: int = 0
    handshakes: int = 0
    http_bytes: int = 0


class Door(Protocol):
    """An open listener of the edge."""

    def close(self) -> None:
        """Listen no more, and break off who is connected."""
        ...


Open = Callable[[socket.socket, ssl.SSLContext | None, Tally], Awaitable[Door]]


@dataclass(slots=True)
class Listener:
    """One further door: its kind, its URL, and who came."""

    id: str
    kind: str
    url: str
    tally: Tally
    door: Door = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """As the control API tells it."""
        came = self.tally
        return {
            "id": self.id,
            "kind": self.kind,
            "says": KINDS[self.kind].says,
            "url": self.url,
            "connections": came.connections,
            "handshakes": came.handshakes,
            "http_bytes": came.http_bytes,
        }


@dataclass(frozen=True, slots=True)
class Kind:
    """What a listener shows: `make` gives its context from the authority, its names and the authority of clients."""

    says: str
    make: Callable[[Authority, Sequence[str], str], ssl.SSLContext | None]


def _good(authority: Authority, names: Sequence[str], client_ca: str) -> ssl.SSLContext:
    return context(certificates.server(authority.ca, names), client_ca=client_ca, asks="whoever_has_one")


def _mutual(authority: Authority, names: Sequence[str], client_ca: str) -> ssl.SSLContext:
    return context(certificates.server(authority.ca, names), client_ca=client_ca, asks="everybody")


def _self_signed(authority: Authority, names: Sequence[str], client_ca: str) -> ssl.SSLContext:
    return context(certificates.server(None, names))


def _untrusted(authority: Authority, names: Sequence[str], client_ca: str) -> ssl.SSLContext:
    return context(certificates.server(certificates.new_authority(), names))


def _expired(authority: Authority, names: Sequence[str], client_ca: str) -> ssl.SSLContext:
    ends = certificates.now() - timedelta(days=1)
    return context(certificates.server(authority.ca, names, begins=ends - timedelta(days=365), ends=ends))


def _not_yet(authority: Authority, names: Sequence[str], client_ca: str) -> ssl.SSLContext:
    begins = certificates.now() + timedelta(days=2)
    return context(certificates.server(authority.ca, names, begins=begins, ends=begins + timedelta(days=90)))


def _wrong_host(authority: Authority, names: Sequence[str], client_ca: str) -> ssl.SSLContext:
    return context(certificates.server(authority.ca, [_WRONG_NAME]))


def _tls11(authority: Authority, names: Sequence[str], client_ca: str) -> ssl.SSLContext:
    return old_context(certificates.server(authority.ca, names))


KINDS: dict[str, Kind] = {
    "second_origin": Kind("a good certificate, another name and port: an origin of its own", _good),
    "mutual": Kind("a good certificate; nobody comes in without a client certificate", _mutual),
    "self_signed": Kind("a certificate that signs itself", _self_signed),
    "expired": Kind("a certificate that ended yesterday", _expired),
    "not_yet_valid": Kind("a certificate that begins in two days", _not_yet),
    "wrong_host": Kind(f"a good certificate, for {_WRONG_NAME}", _wrong_host),
    "untrusted_ca": Kind("a certificate of an authority that nobody knows, under the name of ours", _untrusted),
    "tls11": Kind("a good certificate; speaks TLS 1.1 only", _tls11),
    "plain": Kind("plain HTTP", lambda authority, names, client_ca: None),
}


class Listeners:
    """The further doors of one server. They end with it, or one by one."""

    def __init__(self, host: str, names: Sequence[str], authority: Callable[[], Authority], client_ca: str) -> None:
        self._host = host
        self._names = names
        self._authority = authority
        self._client_ca = client_ca
        self._open: Open | None = None
        self._is_secure = False
        self._made = 0
        self._all: dict[str, Listener] = {}

    def attach(self, open: Open, *, is_secure: bool) -> None:
        """The server is up: `open` opens a listener in its loop; `is_secure` whether it speaks TLS itself."""
        self._open, self._is_secure = open, is_secure

    @property
    def ca_pem(self) -> bytes:
        """The authority that the server's callers trust, as PEM."""
        return self._authority().ca_pem

    @property
    def all(self) -> tuple[Listener, ...]:
        return tuple(self._all.values())

    def get(self, id: str) -> Listener | None:
        return self._all.get(id)

    async def open(self, kind: str) -> Listener:
        """Open a door of this kind on a free port; in the server's loop.

        Raises:
            UsageError: there is no such kind, the server is not up, or there are enough of them.
            NotSimulated: TLS 1.1 is not in this Python.
        """
        if kind not in KINDS:
            raise UsageError(f'unknown kind of listener: "{kind}"; known: {", ".join(KINDS)}')
        if self._open is None:
            raise UsageError("the server has no network: its app is called in this process")
        if len(self._all) >= MOST:
            raise UsageError(f"there are {MOST} listeners", "close those that are not used")
        host = _shown(self._host)
        names = tuple(dict.fromkeys([host, "localhost", "127.0.0.1", "::1", *self._names]))
        is_plain = kind == "second_origin" and not self._is_secure
        made = None if is_plain else KINDS[kind].make(self._authority(), names, self._client_ca)
        plug = socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET)
        try:
            plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plug.bind((self._host, 0))
            tally = Tally()
            door = await self._open(plug, made, tally)
        except BaseException:
            plug.close()
            raise
        self._made += 1
        shown = _OTHER_NAME.get(host, host) if kind == "second_origin" else host
        bracketed = f"[{shown}]" if ":" in shown else shown
        url = f"{'http' if made is None else 'https'}://{bracketed}:{plug.getsockname()[1]}"
        listener = self._all[f"l{self._made}"] = Listener(f"l{self._made}", kind, url, tally, door)
        return listener

    def close(self, id: str) -> bool:
        """Close one; whether there was one. In the server's loop."""
        found = self._all.pop(id, None)
        if found is not None:
            found.door.close()
        return found is not None

    def close_all(self) -> None:
        """Close every one; in the server's loop."""
        for id in list(self._all):
            self.close(id)


_OTHER_NAME = {"127.0.0.1": "localhost", "localhost": "127.0.0.1", "::1": "localhost"}


def _shown(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
