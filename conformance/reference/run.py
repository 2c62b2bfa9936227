"""One run of the driver: what it collects, what it leaves out, what went wrong, and by when it must end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from conformance.reference import log
from conformance.reference.behaviour import Json
from conformance.reference.failure import Failure
from conformance.reference.session import Call, Session
from conformance.reference.vocabulary import in_words


class Run:
    """The state of one `run`: `deadline` is in seconds of the session's clock."""

    def __init__(self, session: Session, action: str, deadline: float) -> None:
        self.session = session
        self.action = action
        self.deadline = deadline
        self.records: list[Json] = []
        self._errors: list[Json] = []
        self._dropped: Counter[tuple[str, str]] = Counter()
        self._asked: list[str] = []
        self._notes: Json = {}
        self._is_over = False  # one kind failed, and the others with it
        self.since: dict[str, str] = {}  # which changes of a kind are asked for; absent: everything
        self.newest: dict[str, str] = {}  # when what was served of a kind last changed, by the vendor
        self.gone: list[Json] = []  # sources of what is told as taken back
        self._once: dict[str, asyncio.Task[Any]] = {}

    async def get(self, call: Call, check: Callable[[Any], None]) -> Any:
        return await self.session.get(call, check, self.deadline)

    async def once(self, key: str, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """What `work` gives; done once in this run, however many kinds need it."""
        if key not in self._once:
            self._once[key] = asyncio.create_task(work())
        return await self._once[key]

    async def collect(self, kind: str, work: Awaitable[list[Json]]) -> None:
        """Takes the records of one kind; a kind that fails, or that we cannot read, leaves the others alone."""
        self._asked.append(kind)
        found: list[Json] = []
        try:
            found = await work
        except Failure as failure:
            self.fail(kind, failure)
            self._is_over = not self.session.behaviour.isolates
        except self.session.behaviour.catches as defect:
            log.event("defect", action=self.action, reason=type(defect).__name__)
            self.fail(kind, Failure("internal", "a defect of the integration"))
        self.records += self.session.behaviour.output(kind, found)

    async def parts(self, kind: str, *places: Awaitable[list[Json]]) -> list[Json]:
        """The records of a kind that is told in several places; a place that fails leaves the others alone."""

        async def part(place: Awaitable[list[Json]]) -> list[Json]:
            try:
                return await place
            except Failure as failure:
                self.fail(kind, failure)
                return []

        return [record for records in await asyncio.gather(*map(part, places)) for record in records]

    def note(self, **members: Any) -> None:
        """Puts members into the answer."""
        self._notes |= members

    def fail(self, kind: str | None, failure: Failure) -> None:
        error = self.session.behaviour.entry(failure.report(self.session.config.vendor, self.action, kind))
        if self.session.behaviour.reports(failure) and error not in self._errors:
            self._errors.append(error)

    def drop(self, reason: str, kind: str, count: int = 1) -> None:
        """Counts things that are no records: entered_in_error, duplicate, filtered or unsupported_value."""
        if count:
            self._dropped[reason, kind] += count

    def each(self, kind: str, things: Iterable[Json], records: Callable[[Json], list[Json]]) -> list[Json]:
        """The records of many things; one that cannot be understood is reported and does not spoil the rest."""
        made: list[Json] = []
        for thing in things:
            try:
                if not self.session.behaviour.accepts(thing):
                    raise ValueError("not readable")
                facts = [in_words(fact, kind, self.session.behaviour.unknown) for fact in records(thing)]
                self.drop("filtered", kind, not facts)
                if unknown := sum("raw" in fact for fact in facts):
                    log.event("unknown_word", kind=kind, count=unknown)
                made += facts
            except (LookupError, TypeError, ValueError, AttributeError):
                self.drop("unsupported_value", kind)
                self.fail(kind, Failure("invalid_response", "a record could not be understood", reason="unreadable"))
        return made

    @property
    def failed(self) -> set[str | None]:
        """The kinds of which something is missing; None when it is not known of which."""
        return {error.get("kind") for error in self._errors}

    def answer(self) -> Json:
        """The answer to the `run` message."""
        failed = self.failed
        if self._is_over:
            self.records.clear()
        some = self.records or any(kind not in failed for kind in self._asked)
        status = "ok" if not failed else "partial" if some else "error"
        log.event("run", action=self.action, reason=status, count=len(self.records))
        dropped = [{"reason": r, "kind": k, "count": n} for (r, k), n in sorted(self._dropped.items())]
        told = {"status": status, "records": self.records, "errors": self._errors, "dropped": dropped}
        return told | self._notes
