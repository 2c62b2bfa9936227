"""A practitioner's schedule: which times of a day are taken and which are free, computed from the panel.

Nothing is stored: who may have an appointment in a window is known from the slots of the panel, and whether they have
one is in their charts. So slots and appointments cannot disagree, and what is booked or called off changes both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from simulator.ids import h64
from simulator.population.chart.slots import may_be_used_at_any_hour, may_be_used_in_office
from simulator.population.lanes import first_day, period_of
from simulator.population.ledger import Opening
from simulator.population.people import Population
from simulator.population.records import Appointment
from simulator.population.zones import DAY, instant, local_minute, minute_of, offset

OPENS, CLOSES = 8 * 60, 17 * 60
"""Office hours on weekdays, in minutes of the clinic's day."""

LONGEST = 20
"""Minutes of a free slot, at most."""
_SHORTEST = 10
_TAKEN = frozenset(("booked", "arrived", "fulfilled", "noshow"))


class Charts(Protocol):
    """The part of a world that a schedule needs."""

    population: Population

    def appointments(self, number: int) -> Iterable[Appointment]: ...

    def patients_with(self, kind: str) -> Iterable[int]: ...

    def holders(self, number: int) -> Iterable[int]: ...

    def openings(self) -> Iterable[Opening]: ...


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of a practitioner's day; `patient` and `appointment` (its ordinal) of one that is taken. `type_key` is
    the row of encounters.csv that a free one was opened for, empty for any."""

    practitioner: int
    facility: int
    start: datetime
    minutes: int
    patient: int | None = None
    appointment: int | None = None
    type_key: str = ""

    @property
    def is_free(self) -> bool:
        """Whether something can be booked into it."""
        return self.patient is None

    @property
    def end(self) -> datetime:
        """When it is over."""
        return self.start + timedelta(minutes=self.minutes)


def slots_between(world: Charts, practitioner: int, first: date, last: date) -> list[Slot]:
    """The slots of a practitioner from the first to the last day, both included, in order of time. Appointments that
    were booked into the same time are slots that overlap.

    Raises:
        IndexError: there is no such practitioner.
    """
    population = world.population
    population.practitioner(practitioner)
    facility = practitioner % len(population.facilities)
    zone = population.facilities[facility].zone
    days = range(first.toordinal(), last.toordinal() + 1)
    taken: dict[int, list[Slot]] = {day: [] for day in days}
    for number, one in _booked(world, practitioner, days, zone):
        day = local_minute(minute_of(one.start), zone) // DAY
        taken[day].append(Slot(practitioner, facility, one.start, one.minutes, number, one.ordinal))
    slots: list[Slot] = []
    for day, busy in taken.items():
        busy.sort(key=lambda slot: (slot.start, slot.patient, slot.appointment))
        slots.extend(busy)
        if (day - 1) % 7 < 5:  # ordinal 1 was a Monday
            slots.extend(_free(practitioner, facility, day, zone, busy))
    opened = list(_opened(world, practitioner, facility, zone, taken))
    known = {slot.start for slot in opened}
    slots = [slot for slot in slots if not (slot.is_free and slot.start in known)] + opened
    slots.sort(key=lambda slot: (slot.start, slot.is_free))
    return slots


def appointments_between(
    world: Charts, practitioner: int, first: date, last: date
) -> Iterator[tuple[int, Appointment]]:
    """The appointments of a practitioner from the first to the last day, both included, with the numbers of their
    patients, in no order: also those that were called off.

    Raises:
        IndexError: there is no such practitioner.
    """
    population = world.population
    population.practitioner(practitioner)
    zone = population.facilities[practitioner % len(population.facilities)].zone
    yield from _made(world, practitioner, range(first.toordinal(), last.toordinal() + 1), zone)


def _opened(
    world: Charts, practitioner: int, facility: int, zone: str, taken: Mapping[int, list[Slot]]
) -> Iterator[Slot]:
    """What was opened on these days and is not taken; of what was opened twice the later."""
    found: dict[datetime, Slot] = {}
    for one in world.openings():
        busy = taken.get(local_minute(minute_of(one.start), zone) // DAY) if one.practitioner == practitioner else None
        slot = Slot(practitioner, facility, one.start, one.minutes, type_key=one.type_key)
        if busy is not None and all(other.end <= slot.start or other.start >= slot.end for other in busy):
            found[slot.start] = slot
    yield from found.values()


def _booked(world: Charts, practitioner: int, days: range, zone: str) -> Iterator[tuple[int, Appointment]]:
    """The appointments of a practitioner on these days that take time, with their patients."""
    return ((number, one) for number, one in _made(world, practitioner, days, zone) if one.status in _TAKEN)


def _made(world: Charts, practitioner: int, days: range, zone: str) -> Iterator[tuple[int, Appointment]]:
    """Every appointment of a practitioner on these days, with its patient."""
    candidates = dict.fromkeys(_candidates(world.population, practitioner, days, zone))
    candidates.update(dict.fromkeys(world.patients_with("appointment")))
    for number in dict.fromkeys(holder for one in candidates for holder in world.holders(one)):
        for one in world.appointments(number):
            if one.practitioner == practitioner and local_minute(minute_of(one.start), zone) // DAY in days:
                yield number, one


def _candidates(population: Population, practitioner: int, days: range, zone: str) -> Iterator[int]:
    """The patients who may have an appointment with a practitioner on these days: their own, and for the mind and
    for planned stays those of the colleague whose patients come here."""
    lanes = population.lanes
    wellness = h64(population.key, "row", "wellness")
    panels = {practitioner, population.colleague(practitioner, -1)}
    for period in range(period_of(days.start), period_of(days.stop - 1) + 1):
        if first_day(period) >= days.stop:
            continue
        for panel in panels:
            for number in population.panel(panel):
                draw = lanes.draw(period, number)
                if may_be_used_at_any_hour(draw) and _day_of(lanes.any_hour.slot(period, number, zone), zone) in days:
                    yield number
                if _day_of(lanes.office.slot(period, number, zone), zone) not in days:
                    continue
                _, sex, _, birth = population.core(number)
                age_days = first_day(period) - birth.toordinal()
                if may_be_used_in_office(draw, number, period, wellness, sex, age_days):
                    yield number


def _day_of(minute: int, zone: str) -> int:
    return local_minute(minute, zone) // DAY


def _free(practitioner: int, facility: int, day: int, zone: str, busy: list[Slot]) -> Iterator[Slot]:
    """What is left of the office hours of a day, in pieces of twenty minutes at most."""
    midnight = day * DAY - offset(zone, day)
    free_from = midnight + OPENS
    ends = [(minute_of(slot.start), minute_of(slot.end)) for slot in busy]
    for start, end in (*ends, (midnight + CLOSES, midnight + CLOSES)):
        while start - free_from >= _SHORTEST:
            minutes = min(LONGEST, start - free_from)
            yield Slot(practitioner, facility, instant(free_from), minutes)
            free_from += minutes
        free_from = max(free_from, end)
