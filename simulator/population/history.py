"""The history of one patient: a log of changes, oldest first. The chart at a moment is the fold of what happened by
then.

A record keeps its kind and ordinal for ever, so an id never moves; its version at a moment is the number of its changes
so far.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from simulator.population.records import FIELDS, Change, Chart, Person, Record, State, named
from simulator.population.zones import minute_of

if TYPE_CHECKING:
    from simulator.population.chart.encounters import Step

_AT_DEATH = frozenset(("encounter", "procedure", "patient"))
"""Kinds of records of which something is written down in the minute of a death: the stay ends, what was done at it."""


class History:
    """Everything that happens to one patient, or what happens by a moment: the steps of the parts that lie before the
    minute `limit`, and of somebody who dies what does not end with that.

    person    as they are in the end
    began     when they were registered: version 1 of the person
    by        the moment up to which it is told; None when it is told up to the horizon
    """

    __slots__ = ("_changes", "_minutes", "_steps", "began", "by", "person")

    def __init__(
        self, person: Person, began: datetime, limit: int, parts: Iterable[Iterable[Step]], by: datetime | None = None
    ) -> None:
        self.by = by
        self.person = person
        self.began = began
        steps: list[Step] = []
        for part in parts:
            steps.extend(part)
        steps.sort(key=_when)
        self._minutes = [moment.minute for moment, _, _ in steps]
        happen = bisect_left(self._minutes, limit)
        del self._minutes[happen:], steps[happen:]
        self._steps = steps
        self._changes: list[Change] | None = None
        if person.deceased is not None:
            self._end(minute_of(person.deceased))

    def _end(self, death: int) -> None:
        """Leaves out what does not happen because the patient dies in a minute. Documents are signed all the same."""
        since = bisect_left(self._minutes, death)
        last = [
            step
            for step in self._steps[since:]
            if step[2].kind == "document" or (step[0].minute == death and step[2].kind in _AT_DEATH)
        ]
        self._steps[since:] = last
        self._minutes[since:] = [moment.minute for moment, _, _ in last]

    @property
    def changes(self) -> list[Change]:
        """What happens to the records, in order of time. Made when somebody asks: a chart needs none."""
        if self._changes is None:
            self._changes = [named(Change, (moment.at, what, record)) for moment, what, record in self._steps]
        return self._changes

    def told(self, count: int, start: int = 0) -> list[tuple[datetime, str, Record]]:
        """The first `count` changes, from the place `start` on: when, what, record."""
        return [(moment.at, what, record) for moment, what, record in islice(self._steps, start, count)]

    def __len__(self) -> int:
        return len(self._minutes)

    def change(self, place: int) -> Change:
        """One change."""
        moment, what, record = self._steps[place]
        return Change(moment.at, what, record)

    def at(self, place: int) -> datetime:
        """When a change happens."""
        return self.change(place).at

    def count(self, at: datetime) -> int:
        """How many changes have happened by `at`."""
        return bisect_right(self._minutes, minute_of(at))

    def after(self, count: int) -> datetime | None:
        """When the next change happens after the first `count`, or the moment up to which is told; None if nothing
        does."""
        return self.at(count) if count < len(self._minutes) else self.by

    def minute(self, place: int) -> int:
        """The minute of a change."""
        return self._minutes[place]

    def hook(self, place: int) -> tuple[int, int, int]:
        """The slot from which a change follows: (lane, period, delay)."""
        return self._steps[place][0][1:4]

    def between(self, first: int, until: int) -> range:
        """The places of the changes in the minutes [first, until)."""
        return range(bisect_left(self._minutes, first), bisect_left(self._minutes, until))

    def chart_at(self, at: datetime) -> Chart:
        """Everything that is so at a moment."""
        return folded(self.person_at(at), self.began, self.told(self.count(at)))

    def person_at(self, at: datetime) -> Person:
        """The person at a moment."""
        is_dead = self.person.deceased is not None and self.person.deceased <= at
        return self.person if is_dead or self.person.deceased is None else replace(self.person, deceased=None)


class Fold:
    """Where a log of changes has led to, so far."""

    __slots__ = ("_person", "_retracted", "_states", "_there")

    def __init__(self, person: Person, began: datetime) -> None:
        self._person = person
        self._there: dict[tuple[str, int], Record] = {}
        self._retracted: dict[tuple[str, int], Record] = {}
        self._states: dict[tuple[str, int], State] = {("patient", 0): State(1, began)}

    def add(self, changes: Iterable[tuple[datetime, str, Record]]) -> None:
        """Goes on with the changes that come next: of each when, what, record."""
        there, retracted, states = self._there, self._retracted, self._states
        for at, what, record in changes:
            key = record.kind, record.ordinal
            if what == "created" and key not in states:
                states[key] = named(State, (1, at))
                there[key] = record
                continue
            state = states.get(key)
            states[key] = named(State, (1 if state is None else state[0] + 1, at))
            if record.kind == "patient":
                assert isinstance(record, Person)
                self._person = record
            elif what in _GONE:
                there.pop(key, None)
                if what == "retracted":
                    retracted[key] = record
            else:
                there[key] = record
                retracted.pop(key, None)

    def chart(self) -> Chart:
        """The chart as it is after these changes."""
        held: dict[str, list[Any]] = {kind: [] for kind in FIELDS}
        for (kind, _), record in self._there.items():
            held[kind].append(record)
        for kind, order in _ORDERS.items():
            held[kind].sort(key=order)
        parts: dict[str, Any] = {FIELDS[kind]: tuple(records) for kind, records in held.items()}
        return Chart(person=self._person, retracted=tuple(self._retracted.values()), states=dict(self._states), **parts)


def folded(person: Person, began: datetime, changes: Iterable[tuple[datetime, str, Record]]) -> Chart:
    """The chart that a log of changes leads to: of each when, what, record."""
    fold = Fold(person, began)
    fold.add(changes)
    return fold.chart()


_GONE = frozenset(("retracted", "deleted"))
_ORDERS: dict[str, Callable[[Any], Any]] = {
    "condition": attrgetter("onset", "ordinal"),
    "observation": attrgetter("effective"),
    "immunization": attrgetter("day"),
    "medication": attrgetter("authored"),
    "appointment": attrgetter("start"),
    "coverage": attrgetter("start", "order"),
}
"""Records that stand in a chart by a time of their own; the others by when they were written down."""


def _when(step: Step) -> int:
    return step[0].minute
