"""How a vendor's API changes: dated changes, and where one site stands among them.

A room is written once, as of one day (`History.as_of`). A change says on which day it came, and how the API differs on
the side that the room does not tell by itself: until then (`before`) or from then on (`after`). A site that stands on
another day is the room with the shapes of all changes in between laid over it, one after the other; nothing is copied,
and a site on the day of its room costs nothing.

Source: RFC 9745 (Deprecation), RFC 8594 (Sunset), RFC 5829 section 3.4 (successor-version).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from simulator.exchange import Exchange, Headers, Reply
from simulator.limits import Limit
from simulator.refusal import UsageError
from simulator.settings import FIRST_DAY, LAST_DAY
from simulator.source import Mark, Source

if TYPE_CHECKING:
    from simulator.sandbox import Site

Json = dict[str, Any]
Tell = Callable[[Json, "Site"], None]
Ask = Callable[[Exchange], None]
Answer = Callable[[Reply, Exchange], Reply]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """How one side of a change differs from the room as it is written.

    settings  the site's settings that are otherwise; a table is laid over the site's own
    limits    limits by name, with the fields that are otherwise: `calls`, `per` …
    told      FHIR type (or `*`) -> what becomes of a rendered resource: changed in place
    ask       before the room looks at a call: refuses it, or reads it as another
    answer    the finished answer, altered: a new Reply
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    told: Mapping[str, Tell] = field(default_factory=dict)
    ask: Ask | None = None
    answer: Answer | None = None

    def __bool__(self) -> bool:
        return bool(self.settings or self.limits or self.told or self.ask or self.answer)


AS_WRITTEN = Shape()


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One dated change of a vendor's API.

    id      begins with the vendor's
    since   the first day on which it is in force
    what    what is so from then on, one sentence
    why     what it is for, or whom it hurts
    source  where it stands, and how sure the change is
    day     how sure the day is: vendors tell quarters, recordings tell "between"
    before  how the API differs from the room until then
    after   and from then on
    """

    id: str
    since: date
    what: str
    why: str
    source: Source
    day: Mark
    before: Shape = AS_WRITTEN
    after: Shape = AS_WRITTEN

    def to_json(self) -> Json:
        """As the control API tells it."""
        return {
            "id": self.id,
            "since": self.since.isoformat(),
            "day": self.day,
            "what": self.what,
            "why": self.why,
            "source": {"where": self.source.where, "mark": self.source.mark},
        }


@dataclass(frozen=True)
class History:
    """The changes of one vendor's API. `as_of` is the day that the room is written as of."""

    as_of: date
    changes: tuple[Change, ...] = ()

    @cached_property
    def in_order(self) -> tuple[Change, ...]:
        """The changes by day."""
        return tuple(sorted(self.changes, key=lambda change: change.since))

    def in_force(self, day: date) -> tuple[Change, ...]:
        """What is so on `day`, oldest first."""
        return tuple(change for change in self.in_order if change.since <= day)

    def to_come(self, day: date) -> tuple[Change, ...]:
        """What is not yet so on `day`, soonest first."""
        return tuple(change for change in self.in_order if change.since > day)

    def shapes(self, day: date) -> Iterator[tuple[Change, Shape]]:
        """What is laid over the room on `day`: what came, in order; then what had not come, undone from the newest on.

        Nothing on the day that the room is written as of.
        """
        for change in self.in_force(day):
            if change.after:
                yield change, change.after
        for change in reversed(self.to_come(day)):
            if change.before:
                yield change, change.before

    def settings(self, day: date) -> dict[str, Any]:
        """The settings that differ from the room's on `day`."""
        return {name: value for _, shape in self.shapes(day) for name, value in shape.settings.items()}

    def limits(self, delivered: Iterable[Limit], day: date) -> tuple[Limit, ...]:
        """The limits of the room as they are on `day`."""
        otherwise = {name: fields for _, shape in self.shapes(day) for name, fields in shape.limits.items()}
        return tuple(replace(limit, **otherwise.get(limit.name, {})) for limit in delivered)


NO_CHANGES = History(date(2026, 1, 1))
"""Of a room that says nothing of its past or future."""


def check_day(day: date) -> None:
    """Whether an API can stand on `day`. Raises UsageError."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise UsageError(f"the day of an API is from {FIRST_DAY} to {LAST_DAY}: {day}")


@dataclass(frozen=True, slots=True)
class Move:
    """An upgrade, or a step back: when on the sandbox clock, from which day of the API to which."""

    at: datetime
    before: date
    after: date


class Drifted:
    """What is laid over the calls of a site that does not stand on the day of its room."""

    __slots__ = ("_answers", "_as_of", "_asks", "_told")

    def __init__(self, history: History, as_of: date) -> None:
        self._as_of = as_of.isoformat()
        self._asks: list[tuple[str, Ask]] = []
        self._answers: list[tuple[str, Answer]] = []
        self._told: list[tuple[str, Tell]] = []
        for change, shape in history.shapes(as_of):
            if shape.ask is not None:
                self._asks.append((change.id, shape.ask))
            if shape.answer is not None:
                self._answers.append((change.id, shape.answer))
            self._told += shape.told.items()

    def ask(self, x: Exchange) -> None:
        """The call as the room is to read it; the journal notes which changes had a hand in it. Raises Refusal."""
        x.notes["api_as_of"] = self._as_of
        for id, ask in self._asks:
            before = (x.path, x.body, x.params)
            try:
                ask(x)
            except Exception:
                _note(x, id)
                raise
            if (x.path, x.body, x.params) != before:
                _note(x, id)

    def answer(self, reply: Reply, x: Exchange) -> Reply:
        """The answer as it was, or will be, on that day. A gap of ours stays what it is."""
        if not reply.simulated:
            return reply
        for id, answer in self._answers:
            made = answer(reply, x)
            if made is not reply:
                _note(x, id)
                reply = made
        return reply

    def told(self, payload: Json, site: Site) -> Json:
        """A resource as it is told on that day; a copy, because parts of what rooms render are shared."""
        tells = [tell for type, tell in self._told if type in ("*", payload.get("resourceType"))]
        made = deepcopy(payload) if tells else payload
        for tell in tells:
            tell(made, site)
        return made


def _note(x: Exchange, id: str) -> None:
    x.notes["drift"] = (*x.notes.get("drift", ()), id)


def told(site: Site, payload: Json) -> Json:
    """A rendered resource as the site tells it: rooms call this once, before they make bytes of it."""
    drifted = site.drifted
    return payload if drifted is None else drifted.told(payload, site)


# What shapes are made of


def document(operations: tuple[str, ...], alter: Callable[[Json, Exchange], None]) -> Answer:
    """The JSON document that one of these operations answers, altered in place by `alter`."""

    def answer(reply: Reply, x: Exchange) -> Reply:
        if x.route is None or x.route.name not in operations or reply.status != 200:
            return reply
        try:
            value = orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            return reply  # another format was asked for
        alter(value, x)
        body = orjson.dumps(value)
        if b"\\/" in reply.body:  # written with escaped slashes
            body = body.replace(b"/", b"\\/")
        return Reply(reply.status, body, list(reply.headers), reply.simulated, reply.served)

    return answer


def retiring(since: date, sunset: date, says: str, is_old: Callable[[Exchange], str]) -> Answer:
    """Headers that say that a door is deprecated, when it will be shut, and where its successor is.

    `is_old` gives the successor's URL when a call came to the old door, else an empty text.
    """
    told: Headers = [
        (b"deprecation", b"@%d" % int(_midnight(since).timestamp())),
        (b"sunset", format_datetime(_midnight(sunset), usegmt=True).encode()),
    ]

    def answer(reply: Reply, x: Exchange) -> Reply:
        successor = is_old(x)
        if not successor:
            return reply
        links = f'<{successor}>; rel="successor-version", <{says}>; rel="deprecation"; type="text/html"'
        headers = [*reply.headers, *told, (b"link", links.encode())]
        return Reply(reply.status, reply.body, headers, reply.simulated, reply.served)

    return answer


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
