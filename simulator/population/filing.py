"""Filing: under which number each thing that happens to a human being is written down.

Who is on file twice lives one life and has two charts of it. A visit is filed as a whole, and a record stays where it
was filed first, whatever happens to it later. A death is told to the first number only. What a record refers to may be
filed elsewhere: then the reference is cut, and whole again in a chart that holds both.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from simulator.population.history import History
from simulator.population.records import Record
from simulator.population.registrations import Registrations

_REFERENCES = {"reason": "condition", "encounter": "encounter"}
"""The members of records that name another record by its ordinal, and of which kind that is."""


class Filing:
    """The life of one human being, and where its records are filed.

    first     the first number, whose history it is
    homes     beside each change of the history the number under which its record is filed; None when all are under
              the first
    joints    when the further numbers are merged or taken apart by themselves, in order
    """

    __slots__ = ("_home_of", "first", "history", "homes", "joints")

    def __init__(self, registrations: Registrations, first: int, history: History) -> None:
        self.first = first
        self.history = history
        further = registrations.of(first)
        self.joints = registrations.joints(first)
        self.homes: list[int] | None = None
        self._home_of: dict[tuple[str, int], int] = {}
        if further:
            self.homes = list(self._filed([(number, registrations.files(number)) for number in further]))

    def _filed(self, further: list[tuple[int, Callable[[datetime, int, int], bool]]]) -> Iterator[int]:
        self._home_of["patient", 0] = self.first
        for place, change in enumerate(self.history.changes):
            key = (change.record.kind, change.record.ordinal)
            if key not in self._home_of:
                lane, period, _ = self.history.hook(place)
                filed = (number for number, is_filed in further if is_filed(change.at, lane, period))
                self._home_of[key] = next(filed, self.first)
            yield self._home_of[key]

    def home(self, kind: str, ordinal: int) -> int:
        """The number under which a record is filed; the first for what is no part of the history."""
        return self._home_of.get((kind, ordinal), self.first)

    def passed(self, at: datetime) -> int:
        """How much has happened by `at`: changes of the history, mergings and takings apart."""
        return self.history.count(at) + bisect_right(self.joints, at)

    def since(self, at: datetime) -> datetime | None:
        """When the last of these happened; None if none has."""
        count, joined = self.history.count(at), bisect_right(self.joints, at)
        times = [*([self.history.at(count - 1)] if count else []), *self.joints[max(joined - 1, 0) : joined]]
        return max(times, default=None)

    def until(self, at: datetime) -> datetime | None:
        """When the next one happens; None if none does."""
        following = self.history.after(self.history.count(at))
        joined = bisect_right(self.joints, at)
        times = [*([following] if following else []), *self.joints[joined : joined + 1]]
        return min(times, default=None)


def cut(record: Record, holds: Callable[[str, int], bool]) -> Record:
    """A record without its references to what a chart does not hold; `holds` says of a kind and ordinal whether it
    does."""
    lost: dict[str, Any] = {}
    for name, kind in _REFERENCES.items():
        ordinal = getattr(record, name, None)
        if ordinal is not None and not holds(kind, ordinal):
            lost[name] = None
    return replace(record, **lost) if lost else record


def moved(record: Record, to: Callable[[int], int]) -> Record:
    """A record as it stands in the chart of another human being: `to` says of an ordinal which it is there."""
    changed: dict[str, Any] = {"ordinal": to(record.ordinal)}
    for name in (*_REFERENCES, "group"):
        ordinal = getattr(record, name, None)
        if isinstance(ordinal, int):  # a coverage has a group that is a word
            changed[name] = to(ordinal)
    return replace(record, **changed)
