"""An exchange: one request and its answer, and everything known of it, filled station by station."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl

import orjson

if TYPE_CHECKING:
    from simulator.auth.sight import Sight
    from simulator.faults.plan import Plan
    from simulator.peer import Peer
    from simulator.sandbox import Sandbox, Site
    from simulator.vendor import Vendor

Headers = list[tuple[bytes, bytes]]
CONNECT = "CONNECT"
"""The method of what is no request: a connection that met a fault at its vendor's own door."""


@dataclass(slots=True)
class Reply:
    """What goes back: status, header pairs (lower-case names, bytes), body.

    `simulated` is False for our own gaps and crashes: such an exchange is never held against an integration.
    `served` names the resources in the body as (type, vendor id) pairs, for the judge.
    """

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=list)
    simulated: bool = True
    served: tuple[tuple[str, str], ...] = ()

    def header(self, name: str) -> str | None:
        """The first value of the header `name` (any case), or None."""
        wanted = name.lower().encode()
        for key, value in self.headers:
            if key == wanted:
                return value.decode("latin-1")
        return None


def reply(status: int, body: bytes | str = b"", media: str = "", **headers: str) -> Reply:
    """A reply with `Content-Type: media`; keyword headers are spelled with underscores: `retry_after="2"`."""
    raw = body.encode() if isinstance(body, str) else body
    pairs: Headers = [(b"content-type", media.encode())] if media else []
    pairs += [(name.replace("_", "-").lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Reply(status, raw, pairs)


def json_reply(status: int, value: Any, media: str = "application/json", **headers: str) -> Reply:
    """A reply whose body is `value` as compact JSON."""
    return reply(status, orjson.dumps(value), media, **headers)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, with which rights: the outcome of a vendor's admission.

    `scopes` are the granted ones as the vendor spells them; `allows` is the compiled question "may this caller do
    `action` (one of c r u d s) on `resource_type`?"; `patient` is the patient number in context. `sight` says what of
    it all is shown; None: everything. `persona` is who logged in (`patient`, `practitioner`); empty where nobody did.
    """

    client_id: str
    token_id: str = ""
    scopes: tuple[str, ...] = ()
    patient: int | None = None
    allows: Callable[[str, str], bool] = field(default=lambda resource_type, action: True, repr=False, compare=False)
    sight: Sight | None = field(default=None, repr=False, compare=False)
    persona: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """Which door of a room a request came to.

    `name` is the operation in the journal and in selectors: `Patient.read`, `Observation.search`, `token`,
    `problems.list`. `answer` makes the reply. `args` are the path's variable parts. `needs` is (resource type, action)
    to be allowed, or None for a public door. `prepare` fetches what the answer needs from elsewhere (a client's keys).
    """

    name: str
    answer: Callable[[Exchange], Reply]
    args: tuple[str, ...] = ()
    needs: tuple[str, str] | None = None
    prepare: Callable[[Exchange], Awaitable[None]] | None = None


@dataclass(slots=True, eq=False)
class Exchange:
    """One request and its answer.

    `path` is decoded and stands below the vendor's prefix (`/r4/…`); `raw_path` is as it came, below the server's root,
    without query; `query` is raw. `base_url` is the absolute URL of this vendor in this sandbox, without a slash at the
    end: every URL a vendor hands out starts with it. `at` is sandbox time; `started` and `ended` are monotonic seconds.
    `slots` are the concurrent limits that it holds until its answer has left.
    `peer` is the TLS connection that it came over; None for plain HTTP.
    """

    sandbox: Sandbox
    site: Site
    method: str
    path: str
    query: str
    raw_path: str
    headers: Headers
    body: bytes
    base_url: str
    at: datetime
    started: float
    connection: str = ""
    peer: Peer | None = None
    direction: Literal["in", "out"] = "in"
    id: str = ""
    plan: Plan | None = None
    route: Route | None = None
    caller: Caller | None = None
    reply: Reply | None = None
    refusal: str = ""
    ended: float = 0.0
    bytes_sent: int = -1
    complete: bool = True
    notes: dict[str, Any] = field(default_factory=dict)
    slots: tuple[Any, ...] = ()
    _params: list[tuple[str, str]] | None = None

    @property
    def vendor(self) -> Vendor:
        return self.site.vendor

    def header(self, name: str) -> str | None:
        """The first value of the request header `name` (any case), or None."""
        wanted = name.lower().encode()
        for key, value in self.headers:
            if key == wanted:
                return value.decode("latin-1")
        return None

    @property
    def params(self) -> list[tuple[str, str]]:
        """The query as (name, value) pairs, in order, blank values kept."""
        if self._params is None:
            self._params = parse_qsl(self.query, keep_blank_values=True)
        return self._params

    def read_params_as(self, pairs: list[tuple[str, str]]) -> None:
        """Let the room read other parameters than were sent; `query` stays as it came."""
        self._params = pairs

    def param(self, name: str) -> str | None:
        """The first value of the query parameter `name`, or None."""
        for key, value in self.params:
            if key == name:
                return value
        return None

    def form(self) -> list[tuple[str, str]]:
        """The body as form pairs, blank values kept. Raises UnicodeDecodeError when the body is not UTF-8."""
        return parse_qsl(self.body.decode("utf-8"), keep_blank_values=True)
