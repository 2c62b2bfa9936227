"""What does not happen because a visit was called off: before it began somebody cancelled or moved its appointment.

A visit is called off as a whole: its encounter, what would have been found, ordered and noted there, and what would
have become of that later. Nobody notices it at another visit instead. What other places report happens all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from datetime import datetime
from typing import NamedTuple

from simulator.population.chart.moments import REPORTED
from simulator.population.filing import cut
from simulator.population.history import History
from simulator.population.ledger import Version
from simulator.population.records import Appointment, Record

_NOT_KEPT = frozenset(("cancelled", "noshow", "entered-in-error"))


class CalledOff(NamedTuple):
    """What does not happen of a history: the places of the changes, and the records of which there will be none."""

    places: Set[int]
    records: Set[tuple[str, int]]

    def cut(self, record: Record) -> Record:
        """A record without its references to what there will not be."""
        return cut(record, lambda kind, ordinal: (kind, ordinal) not in self.records) if self.records else record


NOTHING = CalledOff(frozenset(), frozenset())


def called_off(history: History, written: Callable[[int], Iterable[Version]]) -> CalledOff:
    """What does not happen of a history; `written` gives what was written to an appointment of it, oldest first."""
    slots = set()
    for place, change in enumerate(history.changes):
        one = change.record
        if (
            isinstance(one, Appointment)
            and change.what == "created"
            and _is_called_off(written(one.ordinal), one.start)
        ):
            slots.add(history.hook(place)[:2])
    if not slots:
        return NOTHING
    places: set[int] = set()
    seen: set[tuple[str, int]] = set()
    lost: set[tuple[str, int]] = set()
    for place, change in enumerate(history.changes):
        lane, period, delay = history.hook(place)
        key = (change.record.kind, change.record.ordinal)
        is_of_visit = (lane, period) in slots and delay >= 0 and delay != REPORTED
        if is_of_visit and key not in seen:
            lost.add(key)
        seen.add(key)
        if is_of_visit or key in lost:
            places.add(place)
    return CalledOff(places, lost)


def _is_called_off(versions: Iterable[Version], start: datetime) -> bool:
    last = None
    for version in versions:
        if version.at <= start:
            last = version
    if last is None:
        return False
    record = last.record
    return last.deleted or (isinstance(record, Appointment) and (record.status in _NOT_KEPT or record.start != start))
