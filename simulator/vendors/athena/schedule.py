"""The numbers of appointments and of open slots: one space, for who books a slot keeps its number.

An appointment that came about by itself has the number of an item of its chart. Whatever was written was a slot before:
its number says whose time it is, which minute, and how often that minute had been booked. So the number of an open
slot can be read without storing any, and booked again after a cancellation a slot has another one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from simulator.population.records import Appointment
from simulator.population.world import FIRST_WRITTEN_ORDINAL
from simulator.population.zones import DAY, instant, minute_of
from simulator.vendors.athena import ids

if TYPE_CHECKING:
    from simulator.sandbox import Site

_KIND = "appointment"
_SPACE = 1 << 53  # as that of chart items
_MARK = 0b11 << 51  # above the number of any patient: 2**30 of them would have to be written first
_PRACTITIONER_BITS, _MINUTE_BITS, _TURN_BITS = 20, 24, 7


class Place(NamedTuple):
    """A minute of a practitioner's day. `turn` counts the bookings that there were of it before."""

    practitioner: int
    start: datetime
    turn: int = 0


class Booked(NamedTuple):
    """Which appointment of whom."""

    number: int
    ordinal: int


class Bookings:
    """What has been booked by writing, in order: which number each has, and which the next at a place will have."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @cached_property
    def _made(self) -> Mapping[tuple[int, int], list[Booked]]:
        """The bookings of each minute of a practitioner, oldest first."""
        made: dict[tuple[int, int], list[Booked]] = defaultdict(list)
        world = self._site.sandbox.world
        for event in world.written_since(0) if world.writes else ():
            record = event.record
            if isinstance(record, Appointment) and event.version == 1 and record.ordinal >= FIRST_WRITTEN_ORDINAL:
                made[record.practitioner, minute_of(record.start)].append(Booked(event.number, record.ordinal))
        return made

    def id_of(self, number: int, record: Appointment) -> int:
        """The number of an appointment."""
        if record.ordinal >= FIRST_WRITTEN_ORDINAL:
            made = self._made[record.practitioner, minute_of(record.start)]
            one = Booked(number, record.ordinal)  # not among them: it came with a stranger who was merged
            turn = made.index(one) if one in made else None
            packed = None if turn is None else _packed(self._site, Place(record.practitioner, record.start, turn))
            if packed is not None:
                return self._site.permutation(_SPACE, _KIND).forward(packed)
        return ids.item(self._site, _KIND, number, record.ordinal)

    def id_of_slot(self, practitioner: int, start: datetime) -> int | None:
        """The number of an open slot; None for one too far ahead, or booked too often, to have one."""
        turn = len(self._made[practitioner, minute_of(start)])
        packed = _packed(self._site, Place(practitioner, start, turn))
        return None if packed is None else self._site.permutation(_SPACE, _KIND).forward(packed)

    def find(self, value: int) -> Booked | Place | None:
        """What a number stands for: an appointment, if it exists; a place that could be booked; or nothing."""
        if not 0 <= value < _SPACE:
            return None
        packed = self._site.permutation(_SPACE, _KIND).inverse(value)
        if packed & _MARK != _MARK:
            number, ordinal = ids.item_of(self._site, _KIND, value)
            exists = ordinal < FIRST_WRITTEN_ORDINAL or self._has_no_place(number, ordinal)
            return Booked(number, ordinal) if exists else None
        place = _unpacked(self._site, packed)
        made = self._made[place.practitioner, minute_of(place.start)]
        if place.turn < len(made):
            return made[place.turn]
        return place if place.turn == len(made) else None

    def _has_no_place(self, number: int, ordinal: int) -> bool:
        """Whether something with a written ordinal bears the number of a chart item: its time lies outside the
        schedule, or it came with a stranger who was merged."""
        for (practitioner, minute), made in self._made.items():
            if Booked(number, ordinal) in made:
                turn = made.index(Booked(number, ordinal))
                return _packed(self._site, Place(practitioner, instant(minute), turn)) is None
        return True


def booked(site: Site, value: int) -> tuple[int, int]:
    """(patient number, ordinal) of the appointment with this number; -1 twice when it is none."""
    found = Bookings(site).find(value)
    return found if isinstance(found, Booked) else (-1, -1)


def _first_minute(site: Site) -> int:
    return site.sandbox.as_of.toordinal() * DAY


def _packed(site: Site, place: Place) -> int | None:
    minute = minute_of(place.start) - _first_minute(site)
    fits = (
        0 <= minute < 1 << _MINUTE_BITS
        and place.practitioner < 1 << _PRACTITIONER_BITS
        and place.turn < 1 << _TURN_BITS
    )
    if not fits:
        return None
    return _MARK | place.practitioner << _MINUTE_BITS + _TURN_BITS | minute << _TURN_BITS | place.turn


def _unpacked(site: Site, packed: int) -> Place:
    turn = packed & (1 << _TURN_BITS) - 1
    minute = packed >> _TURN_BITS & (1 << _MINUTE_BITS) - 1
    practitioner = packed >> _MINUTE_BITS + _TURN_BITS & (1 << _PRACTITIONER_BITS) - 1
    return Place(practitioner, instant(minute + _first_minute(site)), turn)
