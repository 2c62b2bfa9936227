"""Bulk Data jobs: who exports which cohort, how far it is, and which lines stand in which file. Knows no vendor.

A job stores no data. It holds how many lines each patient has of each type, and a file is written again whenever it is
fetched, of what was so at the job's moment: so a cohort of any size costs two bytes a patient and type.

Source: FHIR Bulk Data Access 2.0.0, std:BULK-01 to -17.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from simulator.ids import text_of
from simulator.refusal import Refusal

CAPACITY = 200


SHARED = -1


class Part(NamedTuple):
    """Lines of one file: those from `start` to `stop` of the patient at `place` of the cohort; or with `SHARED` of what
    is no patient's."""

    place: int
    start: int
    stop: int


@dataclass(slots=True, eq=False)
class Job:
    """One export.

    request   the URL with which it was asked for
    types     the types to export, in order; `filters` are searches by type, as query strings
    started   the moment of the data; `ready` when it is done, `expires` when its files go, on the sandbox's clock
    lines     by type how many each patient has, in the order of the cohort; `counted` says for how many it is known
    shared    by type the numbers of what the patients' records refer to
    flaws     what is told in the file of errors, an OperationOutcome a type
    """

    id: str
    client_id: str
    cohort: str
    request: str
    types: tuple[str, ...]
    filters: Mapping[str, tuple[str, ...]]
    started: datetime
    ready: datetime
    expires: datetime
    members: Sequence[int]
    counted: int = 0
    lines: dict[str, array[int]] = field(default_factory=dict)
    shared: dict[str, set[int]] = field(default_factory=dict)
    flaws: dict[str, dict[str, object]] = field(default_factory=dict)

    def progress(self, now: datetime) -> int:
        """How much of the work is done, in per cent."""
        return min(99, int((now - self.started) * 100 / max(self.ready - self.started, timedelta(seconds=1))))

    def is_done(self, now: datetime) -> bool:
        """Whether its time has come, and all lines are counted."""
        return now >= self.ready and self.counted == len(self.members)

    def files(self, most: int) -> Iterator[tuple[str, tuple[Part, ...]]]:
        """Every file of at most `most` lines, in order: its type, and whose lines stand in it. Types without a line
        have no file."""
        for type, counts in self.lines.items():
            parts: list[Part] = []
            room = most
            for place, count in enumerate(counts):
                start = 0
                while start < count:
                    stop = min(count, start + room)
                    parts.append(Part(place, start, stop))
                    room -= stop - start
                    start = stop
                    if not room:
                        yield type, tuple(parts)
                        parts, room = [], most
            if parts:
                yield type, tuple(parts)
        for type, numbers in self.shared.items():
            for start in range(0, len(numbers), most):
                yield type, (Part(SHARED, start, min(len(numbers), start + most)),)


class JobStore:
    """The jobs of one site. Bounded: beyond `capacity` the oldest are dropped, and answer as unknown."""

    __slots__ = ("_capacity", "_count", "_jobs", "_latest", "_secret")

    def __init__(self, secret: bytes, capacity: int = CAPACITY) -> None:
        self._secret = secret
        self._capacity = capacity
        self._count = 0
        self._jobs: dict[str, Job] = {}
        self._latest: dict[tuple[str, str], datetime] = {}

    def new_id(self) -> str:
        """An id that no other job has: 32 hexadecimal digits."""
        self._count += 1
        return text_of(self._secret, "bulk", self._count)

    def add(self, job: Job) -> None:
        """Keeps a job that begins."""
        self._jobs[job.id] = job
        self._latest[job.client_id, job.cohort] = job.started
        if len(self._jobs) > self._capacity:
            del self._jobs[next(iter(self._jobs))]

    def latest(self, client_id: str, cohort: str) -> datetime | None:
        """When this client last began to export this cohort, whatever became of it."""
        return self._latest.get((client_id, cohort))

    def running(self, client_id: str, cohort: str, now: datetime) -> Job | None:
        """The job of this client for this cohort that is not done yet."""
        mine = (job for job in self._jobs.values() if (job.client_id, job.cohort) == (client_id, cohort))
        return next((job for job in mine if now < job.ready), None)

    def find(self, id: str, client_id: str, now: datetime) -> Job:
        """The job of that id.

        Raises:
            Refusal: not_found: there is none, it is another client's, or its files have gone.
        """
        job = self._jobs.get(id)
        if job is None or job.client_id != client_id or job.expires <= now:
            raise Refusal("not_found", f"no export {id}", reason="unknown_id", id=id)
        return job

    def end(self, job: Job) -> None:
        """Forgets a job and its files."""
        self._jobs.pop(job.id, None)
