"""Asking for free slots, and for the appointments of practitioners and places: day by day, as far as a page needs.

Who has an appointment with a practitioner is known from the charts of the panel, which takes its time, so no answer
looks further than its page. A page may hold less than was asked for, or nothing, and lead on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from simulator.fhir import search as fhir
from simulator.population.schedule import appointments_between
from simulator.refusal import NotSimulated, Refusal
from simulator.sandbox import Site
from simulator.vendors.cerner import codes, ids, search, store
from simulator.vendors.cerner.ids import Row
from simulator.vendors.cerner.resources import slot
from simulator.vendors.cerner.resources.appointment import APPOINTMENT, id_of, service_of
from simulator.vendors.cerner.resources.telling import Item
from simulator.vendors.cerner.search import Found, Query

_MOST_PRACTITIONERS = 12
_MOST_DAYS = 31  # that one page looks at
_HISTORY = timedelta(days=4000)  # before which nobody asks


class Place(NamedTuple):
    """Where a search goes on: the day (as ordinal), and how many of its finds were told before."""

    day: int
    skip: int = 0


class Leaf(NamedTuple):
    """One page: the ids on it, and where the next one begins; None after the last."""

    ids: tuple[str, ...]
    next: Place | None


def is_by_day(query: Query) -> bool:
    """Whether a search is answered day by day."""
    if query.first("_id") is not None:
        return False
    return query.rules.type == "Slot" or bool(query.first("practitioner") or query.first("location"))


def leaf(site: Site, query: Query, at: Place | None, size: int) -> Leaf:
    """The page of a search that begins `at` (None: the first).

    Raises:
        Refusal: malformed, when codes of the site and of standards are mixed.
        NotSimulated: more practitioners than can be looked at.
    """
    return _slots(site, query, at, size) if query.rules.type == "Slot" else _appointments(site, query, at, size)


def of_patients(site: Site, query: Query) -> Found:
    """The appointments of one or several patients, by start."""
    patients = query.first("patient")
    assert patients is not None
    if len(patients.values) == 1:
        return search.of_chart(site, query, APPOINTMENT)
    tests = search.tests_of(site, query, APPOINTMENT)
    found: list[tuple[datetime, str]] = []
    for value in dict.fromkeys(patients.values):
        number = ids.person_of(site, fhir.reference(value)[1])
        chart = None if number is None else store.chart_of(site, number)
        for item in APPOINTMENT.items(site, chart) if chart is not None else ():
            if all(test(item) for test in tests):
                found.append((item.records[0].start, APPOINTMENT.id_of(site, item)))
    return Found(tuple(id for _, id in sorted(found)))


# Free slots


def _slots(site: Site, query: Query, at: Place | None, size: int) -> Leaf:
    lo, hi = _bounds(site, query, "start")
    lo = max(lo, site.sandbox.clock.now())  # what is over cannot be booked
    kinds = [key for key in _kinds(site, query) if slot.may_fit(site, key)]
    practitioners = _practitioners(site, query, "schedule.actor", "-location") if kinds else ()

    def of_day(day: int) -> list[str]:
        told = [one for practitioner in practitioners for one in slot.offered(site, (practitioner, day), kinds)]
        fitting = [one for one in told if lo <= one.slot.start < hi]
        fitting.sort(key=lambda one: (one.slot.start, one.type_key, one.slot.facility, one.id))
        return [one.id for one in fitting]

    return _walked(of_day, lo, hi, at, size) if practitioners else Leaf((), None)


def _kinds(site: Site, query: Query) -> list[str]:
    """The kinds of appointments that `service-type` names.

    Raises:
        Refusal: malformed, when codes of the site and of standards are mixed.
    """
    asked = query.first("service-type")
    tokens = asked.tokens if asked is not None else []
    own = codes.local(site, codes.APPOINTMENT_TYPE, "any")["system"]
    if len({system == own for system, _ in tokens}) > 1:
        text = "service-type: standard and proprietary codes may not be provided together"
        raise Refusal("malformed", text, reason="mixed_codes", parameter="service-type", text=text)
    found = []
    for key in codes.SERVICES:
        codings = service_of(site, key)["coding"]
        if any(fhir.matches_token(one, coding["system"], coding["code"]) for one in tokens for coding in codings):
            found.append(key)
    return found


# Appointments of practitioners and places


def _appointments(site: Site, query: Query, at: Place | None, size: int) -> Leaf:
    name = "-date-or-req-period" if query.first("-date-or-req-period") else "date"
    lo, hi = _bounds(site, query, name)
    practitioners = _practitioners(site, query, "practitioner", "location")
    tests = search.tests_of(site, query, APPOINTMENT)

    def of_day(day: int) -> list[str]:
        on = datetime.fromordinal(day).date()
        found = []
        for practitioner in practitioners:
            for number, one in appointments_between(site.sandbox.world, practitioner, on, on):
                item = Item(Row(number, one.ordinal), (one,))
                if all(test(item) for test in tests):
                    found.append((one.start, id_of(site, number, one)))
        return [id for _, id in sorted(found)]

    return _walked(of_day, lo, hi, at, size) if practitioners else Leaf((), None)


# Days


def _walked(of_day: Callable[[int], Sequence[str]], lo: datetime, hi: datetime, at: Place | None, size: int) -> Leaf:
    """As many finds as a page holds, of at most so many days."""
    first = (lo - timedelta(days=1)).toordinal()  # the clinic's calendar may be a day behind
    last = (hi + timedelta(days=1)).toordinal()
    begin = at or Place(first)
    found: list[str] = []
    for day in range(begin.day, min(last, begin.day + _MOST_DAYS - 1) + 1):
        skip = begin.skip if day == begin.day else 0
        here = of_day(day)[skip:]
        room = size - len(found)
        if len(here) > room:
            return Leaf((*found, *here[:room]), Place(day, skip + room))
        found += here
    after = begin.day + _MOST_DAYS
    return Leaf(tuple(found), Place(after) if after <= last else None)


def _bounds(site: Site, query: Query, name: str) -> tuple[datetime, datetime]:
    """The half-open range that the dates allow, within the time of the world."""
    population = site.sandbox.world.population
    lo, hi = population.starts - _HISTORY, population.horizon
    for param in query.all(name):
        prefix, begin, end = fhir.date_range(param.value)
        if prefix in ("ge", "eq"):
            lo = max(lo, begin)
        if prefix == "gt":
            lo = max(lo, end)
        if prefix in ("le", "eq"):
            hi = min(hi, end)
        if prefix == "lt":
            hi = min(hi, begin)
    return lo, hi


def _practitioners(site: Site, query: Query, actor: str, location: str) -> tuple[int, ...]:
    """The practitioners that are asked for, by themselves and by their place of work.

    Raises:
        NotSimulated: more than can be looked at.
    """
    by_actor = list(_indexes(site, query, actor, "practitioner"))
    places = list(_indexes(site, query, location, "location"))
    everybody = range(site.sandbox.world.population.practitioners)
    found: Sequence[int] = everybody
    if query.first(location) is not None:
        known = range(len(site.sandbox.world.population.facilities))
        found = [one for place in places if place in known for one in slot.practitioners_of(site, place)]
    if query.first(actor) is not None:
        found = [one for one in by_actor if one in everybody and one in found]
    if len(found) > _MOST_PRACTITIONERS:
        raise NotSimulated(
            f"the schedules of {len(found)} practitioners at once at Cerner: name {_MOST_PRACTITIONERS} of them at most"
        )
    return tuple(dict.fromkeys(found))


def _indexes(site: Site, query: Query, name: str, kind: str) -> Iterator[int]:
    param = query.first(name)
    for value in param.values if param is not None else ():
        type, id = fhir.reference(value)
        index = ids.staff_of(site, kind, id) if type in ("", kind.capitalize()) else None
        if index is not None:
            yield index
