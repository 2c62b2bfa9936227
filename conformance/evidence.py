"""What a check may look at: exchanges, calls to the driver, records with their score against the truth, logs.

Everything here is plain data that a recorded run holds, so that it can be judged again without a server: no network, no
clock, no simulator. Times are seconds since the case began, on one monotonic clock for both sides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from conformance.settings import Settings

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Exchange:
    """One request of the integration and its answer, as the journal wrote it down.

    `ref` is what findings cite: "case/x12". `data` is the journal's entry; `epoch` the wall time of second 0.
    """

    case: str
    vendor: str
    data: Data
    epoch: datetime

    @property
    def ref(self) -> str:
        return f"{self.case}/{self.data['id']}"

    @property
    def start(self) -> float:
        """Seconds into the case at which the request came in."""
        return float(self.data["t_s"])

    @property
    def end(self) -> float:
        """Seconds into the case at which the answer left."""
        return self.start + float(self.data.get("duration_ms") or 0) / 1000

    @property
    def method(self) -> str:
        return str(self.data["method"])

    @property
    def path(self) -> str:
        """Decoded, below the vendor's prefix."""
        return str(self.data["path"])

    @property
    def raw_path(self) -> str:
        """As it came, below the server's root."""
        return str(self.data.get("raw_path") or self.path)

    @property
    def query(self) -> str:
        return str(self.data.get("query") or "")

    @property
    def status(self) -> int:
        return int(self.data.get("status") or 0)

    @property
    def fault(self) -> str:
        """What was made to go wrong here; empty when nothing was."""
        return _name_of(self.data.get("fault"))

    @property
    def operation(self) -> str:
        return str(self.data.get("operation") or "")

    @property
    def token_id(self) -> str:
        return str(self.data.get("token_id") or "")

    @property
    def client(self) -> str:
        return str(self.data.get("client") or "")

    @property
    def refusal(self) -> str:
        return str(self.data.get("refusal") or "")

    @property
    def notes(self) -> Data:
        return self.data.get("notes") or {}

    @property
    def simulated(self) -> bool:
        return bool(self.data.get("simulated", True))

    @property
    def complete(self) -> bool:
        return bool(self.data.get("complete", True))

    @property
    def served(self) -> tuple[tuple[str, str], ...]:
        """(type, id) of the resources in the body, when the body went out whole and unspoilt."""
        if not self.complete or self.status >= 300 or self.fault in SPOILERS or self._is_thinned:
            return ()
        return tuple((str(kind), str(id)) for kind, id in self.data.get("served") or ())

    @property
    def _is_thinned(self) -> bool:
        """Whether a fault took entries out of the body, which the mock had meant to serve."""
        fault = self.data.get("fault")
        return isinstance(fault, Mapping) and bool(fault.get("skipped"))

    @property
    def created(self) -> tuple[tuple[str, str], ...]:
        """(type, id) of what a create made and the vendor keeps, whatever became of the answer."""
        is_create = self.method == "POST" and "$" not in self.path and not self.path.endswith("/_search")
        if not is_create or self.status not in (0, 201):
            return ()
        return tuple((str(kind), str(id)) for kind, id in self.data.get("served") or ())

    @cached_property
    def params(self) -> tuple[tuple[str, str], ...]:
        """The query as decoded pairs, in order."""
        return tuple(parse_qsl(self.query, keep_blank_values=True))

    @property
    def target(self) -> str:
        """Path and query as they came, below the server's root, secrets as in the journal."""
        return self.raw_path + (f"?{self.query}" if self.query else "")

    @property
    def next(self) -> tuple[str, ...]:
        """The targets of the next pages that the answer names."""
        return tuple(self.data.get("next") or ())

    @property
    def bearer(self) -> str:
        """The fingerprint of the bearer token that the request shows; equal tokens look equal."""
        scheme, _, shown = (self.request_header("authorization") or "").partition(" ")
        return shown if scheme.lower() == "bearer" else ""

    @property
    def assertion(self) -> Data | None:
        """Header and claims of the client assertion that a token request carries."""
        found = self.data.get("assertion")
        return found if isinstance(found, Mapping) else None

    @cached_property
    def form(self) -> dict[str, str]:
        """The body of a token request as names and values, secrets as in the journal."""
        return dict(parse_qsl(str(self.data.get("request_body") or ""), keep_blank_values=True))

    @property
    def fingerprint(self) -> tuple[str, str, tuple[tuple[str, str], ...], str]:
        """Equal for requests that ask the same: method, path, sorted query, body."""
        return (self.method, self.path, tuple(sorted(self.params)), str(self.data.get("request_body") or ""))

    def asks_the_same_as(self, other: Exchange) -> bool:
        """Whether both ask for the same thing: a login is one whatever its assertion, the rest by fingerprint."""
        return (self.is_token and other.is_token) or self.fingerprint == other.fingerprint

    @property
    def is_token(self) -> bool:
        """A request to the token endpoint."""
        return self.method == "POST" and self.path.rstrip("/").endswith("/token")

    @property
    def is_public(self) -> bool:
        """A request that needs nobody's leave: discovery and the like."""
        path = self.path.rstrip("/")
        return "/.well-known/" in path or path.endswith(("/metadata", "/authorize", "/introspect"))

    @property
    def is_connection(self) -> bool:
        """No request: a connection that met a fault before its first byte."""
        return self.method == CONNECT

    @property
    def connection(self) -> str:
        """The connection that it came over: equal for all that came over the same."""
        return str(self.data.get("connection") or "")

    @property
    def is_data(self) -> bool:
        """A request for data: neither login nor discovery."""
        return not (self.is_connection or self.is_token or self.is_public or "/oauth2/" in self.path)

    def request_header(self, name: str) -> str | None:
        return _header(self.data.get("request_headers"), name)

    def response_header(self, name: str) -> str | None:
        return _header(self.data.get("response_headers"), name)

    @property
    def answered_at(self) -> datetime:
        """Wall time at which the answer left."""
        return self.epoch + timedelta(seconds=self.end)

    @property
    def retry_after(self) -> tuple[timedelta, bool] | None:
        """How long the answer asks to wait, and whether it says so as a date; None when it says nothing readable.

        Source: RFC 9110 section 10.2.3.
        """
        text = (self.response_header("retry-after") or "").strip()
        if text.isdigit():
            return timedelta(seconds=int(text)), False
        try:
            until = parsedate_to_datetime(text)
        except (TypeError, ValueError):
            return None
        return max(timedelta(0), until.astimezone(UTC) - self.answered_at), True

    def __str__(self) -> str:
        return f"{self.method} {self.path}{'?' + self.query if self.query else ''} → {self.status}"


CONNECT = "CONNECT"
NO_ANSWERS = frozenset({"login_page", "empty_body", "malformed_json"})
SPOILERS = NO_ANSWERS | {
    "limit_data", "reset_peer", "empty_response", "chunk_abort", "cut_gzip", "failure_envelope", "maintenance_page",
    "black_hole", "accept_silently", "store_then_cut", "wrong_type", "redirect",
}  # fmt: skip


def _name_of(fault: Any) -> str:
    if isinstance(fault, Mapping):
        return str(fault.get("fault") or fault.get("name") or "")
    return str(fault or "")


def _header(headers: Any, name: str) -> str | None:
    pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
    for key, value in pairs:
        if str(key).lower() == name.lower():
            return str(value)
    return None


@dataclass(frozen=True)
class Call:
    """One message to the driver and what came of it.

    `step` is the place in the scenario's plan, -1 outside it; `subject` the number of the patient that was meant.
    `changed` are the members of what was to be written that the vendor keeps otherwise. `who` is the look-alike who was
    to be found; `people` are the patients that `search` or `match` gave, as patient number (empty: nobody here) and
    birth date by the truth. `browser` is what the browser does in a `login`, which takes two messages.
    Of the records in the answer only their number is kept, `count`: what they say is in the case's score. That of a
    `sync` is about all that the integration holds by then: what any `sync` of the case gave and none took back.
    `answer` is empty and `problem` says why when the driver gave none: "deadline", "crash: …", "protocol: …".
    """

    op: str
    action: str
    args: Data
    answer: Data
    problem: str
    start: float
    end: float
    step: int = -1
    subject: str = ""
    count: int = 0
    changed: tuple[str, ...] = ()
    who: str = ""
    browser: str = ""
    people: tuple[tuple[str, str], ...] = ()

    @property
    def status(self) -> str:
        """ok, partial, error or unsupported as the driver says; `none` when it gave no answer."""
        return str(self.answer.get("status") or "none")

    @property
    def errors(self) -> tuple[Data, ...]:
        return tuple(self.answer.get("errors") or ())

    @property
    def classes(self) -> set[str]:
        """The classes of the errors that the driver reports."""
        return {str(error.get("class")) for error in self.errors}

    @property
    def dropped(self) -> int:
        """How many records the driver says it left out on purpose."""
        return sum(int(entry.get("count") or 0) for entry in self.answer.get("dropped") or ())

    @property
    def asked_kinds(self) -> tuple[str, ...]:
        if self.action in ("read_patient", "match") or (self.action == "search" and self.args.get("kind") == "patient"):
            return ("patient",)
        return tuple(self.args.get("kinds") or ())

    def admits(self, kind: str, *classes: str) -> bool:
        """Whether the driver says that records of `kind` are missing, with an error of one of `classes` (none: any)."""
        return self.status in ("partial", "error") and any(
            error.get("kind") in (kind, None) and (not classes or error.get("class") in classes)
            for error in self.errors
        )


@dataclass(frozen=True)
class Case:
    """One scenario played to one vendor: what went over the wire, what the driver said, how it compares to the truth.

    `score` is `scoring.score` of this case, see there. `leaks` are the
    canaries found in the integration's logs. `client` is what the integration was given to log in with, no secrets.
    """

    id: str
    scenario: str
    family: str
    vendor: str
    client: Data
    exchanges: tuple[Exchange, ...]
    calls: tuple[Call, ...]
    score: Data = field(default_factory=dict)
    logs: tuple[str, ...] = ()
    has_logs: bool = False
    leaks: tuple[Data, ...] = ()

    @cached_property
    def data(self) -> tuple[Exchange, ...]:
        """Requests for data that the mock simulated, in order."""
        return tuple(x for x in self.exchanges if x.is_data and x.simulated)

    @cached_property
    def connections(self) -> tuple[Exchange, ...]:
        """The connections that met a fault before their first byte, in order."""
        return tuple(x for x in self.exchanges if x.is_connection)

    @cached_property
    def logins(self) -> tuple[Exchange, ...]:
        """Requests to the token endpoint that the mock simulated, in order."""
        return tuple(x for x in self.exchanges if x.is_token and x.simulated)

    @property
    def runs(self) -> tuple[Call, ...]:
        """The `run` calls of the plan, without the probe for unknown actions."""
        return tuple(call for call in self.calls if call.op == "run" and call.step >= 0)

    @property
    def is_alive(self) -> bool:
        """Whether the integration got any data in this case: the liveness control of negative checks."""
        return any(x.status < 300 for x in self.data)

    @cached_property
    def gaps(self) -> tuple[Exchange, ...]:
        """Requests that the mock could not answer: never held against the integration."""
        return tuple(x for x in self.exchanges if not x.simulated)

    def during(self, call: Call) -> tuple[Exchange, ...]:
        """The exchanges that began while `call` was open."""
        return tuple(x for x in self.exchanges if call.start <= x.start <= call.end)

    def missing(self, call: Call, *kinds: str) -> list[Data]:
        """The facts that `call` should have given and did not, of the kinds named or of all."""
        return [fact for fact in self.scores(*kinds) if not fact["found"] and self.calls[fact["call"]] is call]

    def after(self, x: Exchange) -> Iterator[Exchange]:
        """The exchanges that began when `x` had been answered, in order."""
        return (other for other in self.exchanges if other.start >= x.end and other is not x)

    def serving(self, source: Data) -> tuple[Exchange, ...]:
        """The exchanges that served the resource that `source` names."""
        return tuple(self._serving.get((str(source.get("type")), str(source.get("id"))), ()))

    @cached_property
    def _serving(self) -> dict[tuple[str, str], list[Exchange]]:
        """The exchanges that served a resource, by (type, id)."""
        found: dict[tuple[str, str], list[Exchange]] = {}
        for x in self.data:
            for pair in dict.fromkeys(x.served):
                found.setdefault(pair, []).append(x)
        return found

    def scores(self, *kinds: str) -> tuple[Data, ...]:
        """The facts of the score, of the kinds named or of all."""
        return tuple(fact for fact in self.score.get("facts") or () if not kinds or fact["kind"] in kinds)


@dataclass(frozen=True)
class Evidence:
    """What one check sees of one vendor, or of all vendors for checks that compare them."""

    vendor: str
    cases: tuple[Case, ...]
    settings: Settings = field(default_factory=Settings)

    def of(self, *families: str) -> tuple[Case, ...]:
        """The cases of the scenario families or scenarios named; for traffic of unknown origin (`wrap`) every case."""
        return tuple(one for one in self.cases if {one.family, one.scenario} & {"wrap", *families})
