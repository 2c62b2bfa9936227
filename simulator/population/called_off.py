"""What does not happen because a visit was called off: before it began somebody cancelled or moved its appointment.

A visit is called off as a whole: its encounter, what would have been found, ordered and noted there, and what would
have become of that later. What lasts and would have been noticed there is noticed at the next visit that takes place;
what is taken for good begins at the next at which somebody can order it. What other places report happens all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeGuard

from simulator.population import tables
from simulator.population.chart.medications import ORDERED_AFTER
from simulator.population.chart.moments import REPORTED
from simulator.population.filing import cut
from simulator.population.history import History
from simulator.population.ledger import Version
from simulator.population.records import Appointment, Change, Condition, Encounter, Medication, Record
from simulator.population.zones import zone_info

_NOT_KEPT = frozenset(("cancelled", "noshow", "entered-in-error"))
_Key = tuple[str, int]
_Lasting = Condition | Medication
_OF_THE_VISIT = {
    "condition": ("recorded", "encounter", "practitioner"),
    "medication": ("authored", "start", "encounter", "practitioner"),
}
"""What of a record is the visit's at which it was written down."""


class Instead(NamedTuple):
    """What happens just before a place of a history: a condition or an order is written down, `origin` is where it
    would have been."""

    origin: int
    change: Change


@dataclass(frozen=True, slots=True)
class CalledOff:
    """What does not happen of a history: the places of the changes, and the records of which there will be none.

    instead   by place what happens just before it
    noticed   from which place on there are the records that come later than they would have
    """

    places: Set[int] = frozenset()
    records: Set[_Key] = frozenset()
    instead: Mapping[int, tuple[Instead, ...]] = field(default_factory=dict)
    noticed: Mapping[_Key, int] = field(default_factory=dict)

    def cut(self, record: Record, place: int) -> Record:
        """A record as of a place of the history, without its references to what there is not; one that was noticed
        later says so."""
        if not (self.records or self.noticed):
            return record
        if isinstance(record, Condition | Medication):
            at = self.noticed.get((record.kind, record.ordinal))
            record = record if at is None else self._as_noticed(record, at)
        return cut(record, lambda kind, ordinal: self._holds((kind, ordinal), place))

    def _as_noticed(self, record: _Lasting, at: int) -> _Lasting:
        notices = (one.change.record for one in self.instead[at])
        told = next(one for one in notices if (one.kind, one.ordinal) == (record.kind, record.ordinal))
        return replace(record, **{name: getattr(told, name) for name in _OF_THE_VISIT[record.kind]})

    def _holds(self, key: _Key, place: int) -> bool:
        return key not in self.records and self.noticed.get(key, 0) <= place

    def before(self, key: _Key, place: int) -> int:
        """How many changes of a record come instead of others, up to a place."""
        return 1 if self.noticed.get(key, place + 1) <= place else 0


NOTHING = CalledOff()


def called_off(
    history: History,
    written: Callable[[int], Iterable[Version]],
    home: Callable[[str, int], int],
    zone_of: Callable[[int], str],
) -> CalledOff:
    """What does not happen of a history; `written` gives what was written to an appointment of it, oldest first, `home`
    the number under which a record is filed (a condition is noticed where it would have been filed), and `zone_of` the
    zone of a facility."""
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
    seen: set[_Key] = set()
    lost: set[_Key] = set()
    lasting: dict[int, _Lasting] = {}
    for place, change in enumerate(history.changes):
        record, key = change.record, (change.record.kind, change.record.ordinal)
        is_of_visit = history.hook(place)[:2] in slots and _is_at_a_visit(history, place)
        if is_of_visit and key not in seen:
            lost.add(key)
            if _lasts(record):
                lasting[place] = record
        seen.add(key)
        if is_of_visit or key in lost:
            places.add(place)
    instead: dict[int, tuple[Instead, ...]] = {}
    noticed: dict[_Key, int] = {}
    for origin, record in lasting.items():
        at = _noticed_at(history, origin, slots, partial(_fits, record, home))
        if at is None or (isinstance(record, Medication) and ("condition", record.reason) in lost):
            continue  # nothing is ordered for what nobody notices
        key = (record.kind, record.ordinal)
        notice = _notice(history, key, at, zone_of)
        if notice is None:
            continue
        places -= {place for place in _changes_of(history, key) if place >= at}
        lost.discard(key)
        noticed[key] = at
        instead[at] = (*instead.get(at, ()), Instead(origin, notice))
    return CalledOff(places, lost, instead, noticed)


def _is_at_a_visit(history: History, place: int) -> bool:
    delay = history.hook(place)[2]
    return delay >= 0 and delay != REPORTED


def _lasts(record: Record) -> TypeGuard[_Lasting]:
    """Whether a record is of something that goes on: a standing condition, or what is taken for good."""
    if isinstance(record, Condition):
        return record.category == "problem-list-item"
    return isinstance(record, Medication) and tables.MEDICATIONS[record.key].is_chronic


def _fits(record: _Lasting, home: Callable[[str, int], int], visit: Encounter) -> bool:
    """Whether something is written down at a visit: where it would have been filed; nothing is ordered by telephone."""
    if isinstance(record, Medication) and visit.type_key == "telephone":
        return False
    return home("encounter", visit.ordinal) == home(record.kind, record.ordinal)


def _noticed_at(
    history: History, origin: int, slots: Set[tuple[int, int]], fits: Callable[[Encounter], bool]
) -> int | None:
    """The place of the first thing that is written down while the next visit goes on that takes place."""
    slot: tuple[int, int] | None = None
    for place in range(origin + 1, len(history.changes)):
        here = history.hook(place)[:2]
        change = history.changes[place]
        record = change.record
        if slot is None and isinstance(record, Encounter) and change.what == "created" and here not in slots:
            slot = here if fits(record) else None
        elif here == slot and history.hook(place)[2] > 0 and _is_at_a_visit(history, place):
            return place
    return None


def _changes_of(history: History, key: _Key) -> Iterator[int]:
    """The places of the changes of a record."""
    for place, change in enumerate(history.changes):
        if (change.record.kind, change.record.ordinal) == key:
            yield place


def _notice(history: History, key: _Key, at: int, zone_of: Callable[[int], str]) -> Change | None:
    """A condition or an order is written down at a visit: as it is by then. None of an order that would be over by
    then, or on that day."""
    changes = {place: history.changes[place].record for place in _changes_of(history, key)}
    record = [one for place, one in changes.items() if place < at][-1]
    slot = history.hook(at)[:2]
    visit = next(
        change.record
        for place, change in enumerate(history.changes[:at])
        if isinstance(change.record, Encounter) and history.hook(place)[:2] == slot
    )
    moment = history.changes[at].at
    if isinstance(record, Condition):
        return Change(
            moment,
            "created",
            replace(record, recorded=moment, encounter=visit.ordinal, practitioner=visit.practitioner),
        )
    assert isinstance(record, Medication)
    start = visit.start.astimezone(zone_info(zone_of(visit.facility))).date()
    stops = [one.stop for one in changes.values() if isinstance(one, Medication) and one.stop is not None]
    if any(stop <= start for stop in stops):
        return None
    begun = replace(
        record,
        authored=visit.start + ORDERED_AFTER,
        start=start,
        encounter=visit.ordinal,
        practitioner=visit.practitioner,
    )
    return Change(moment, "created", begun)


def _is_called_off(versions: Iterable[Version], start: datetime) -> bool:
    last = None
    for version in versions:
        if version.at <= start:
            last = version
    if last is None:
        return False
    record = last.record
    return last.deleted or (isinstance(record, Appointment) and (record.status in _NOT_KEPT or record.start != start))
