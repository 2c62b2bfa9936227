"""`GET /appointments/open`: what can be booked. A slot is a free stretch of a provider's day, or was opened by hand;
its number says whose and when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from simulator.exchange import Exchange, Reply
from simulator.population.schedule import Slot, slots_between
from simulator.refusal import Refusal
from simulator.vendors.athena import ids, words
from simulator.vendors.athena.rest import wire
from simulator.vendors.athena.schedule import Bookings, Place
from simulator.vendors.athena.visit_types import GENERIC, KINDS, REASON_KINDS, VISIT_TYPES

DEFAULT_LIMIT = 1000
_ANY_REASON = "-1"
_AHEAD = timedelta(hours=24)  # nearer ones are hidden
_AS_FAR_AS = timedelta(days=90)
_DAYS_SHOWN = 7
_MOST = 112  # days of providers in one call: a schedule is computed, and takes its time


def list_open(x: Exchange) -> Reply:
    """Open slots of a department, by time: for a reason or an appointment type, or there are none."""
    wire.practice_of(x)
    query = wire.Query(x)
    department = wire.department_index(x, query)
    reasons, types = query.texts("reasonid"), query.texts("appointmenttypeid")
    if any(reason != _ANY_REASON for reason in reasons):
        query.require("providerid")
    first, last = _days(x, query, department)
    is_bypassed = query.flag("bypassscheduletimechecks")

    kinds = _kinds(reasons, types)

    def make() -> tuple[Any, Any]:
        found = _open(x, query, department, first, last, is_bypassed) if kinds else []
        found = [(slot, id) for slot, id in found if slot.type_key == "" or slot.type_key in kinds]
        page = wire.page(x, query, "appointments", len(found), default=DEFAULT_LIMIT)
        rows = [row(x, slot, id) for slot, id in found[page.offset : page.end]]
        known = [reason for reason in reasons if reason != _ANY_REASON]
        told = [one | {"reasonid": known} for one in rows] if known else rows
        return page.envelope("/appointments/open", told), ()

    world = x.sandbox.world
    return wire.kept(x, ("open", world.writes, len(world.openings()), minute(x), query.key()), make)


def _days(x: Exchange, query: wire.Query, department: int) -> tuple[date, date]:
    """The days asked for: today and the seven that follow, when nothing is said; nothing lies in the past."""
    zone = x.site.sandbox.world.population.facility(department).zone
    today = words.local_day(x.sandbox.clock.now(), zone)
    first = max(query.day("startdate") or today, today)
    return first, query.day("enddate") or first + timedelta(days=_DAYS_SHOWN)


def _kinds(reasons: list[str], types: list[str]) -> set[str]:
    """The rows of encounters.csv for which a slot is wanted. A slot takes any of them, unless it was opened for one."""
    if _ANY_REASON in reasons:
        return set(VISIT_TYPES)
    kinds = {REASON_KINDS.get(_number(one)) for one in reasons} | {KINDS.get(_number(one)) for one in types}
    return {kind for kind in kinds if kind is not None}


def _number(text: str) -> int:
    value = ids.whole_number(text)
    return -1 if value is None else value


def _open(
    x: Exchange, query: wire.Query, department: int, first: date, last: date, is_bypassed: bool
) -> list[tuple[Slot, int]]:
    """The free slots, with their numbers."""
    now = x.sandbox.clock.now()
    since, until = (now, None) if is_bypassed else (now + _AHEAD, now + _AS_FAR_AS)
    practitioners = practitioners_of(x, [str(ids.departmentid(department))], query.texts("providerid"))
    check_size(practitioners, first, last)
    bookings = Bookings(x.site)
    found = []
    for practitioner in practitioners:
        for slot in slots_between(x.site.sandbox.world, practitioner, first, last):
            if slot.is_free and slot.start > since and (until is None or slot.start <= until):
                id = bookings.id_of_slot(practitioner, slot.start)
                if id is not None:
                    found.append((slot, id))
    return sorted(found, key=lambda pair: (pair[0].start, pair[0].practitioner))


def kind_of(query: wire.Query) -> str | None:
    """The row of encounters.csv behind `appointmenttypeid` or `reasonid`, None when neither is said.

    Raises:
        Refusal: there is no such type or reason.
    """
    for name, kinds in (("appointmenttypeid", KINDS), ("reasonid", REASON_KINDS)):
        value = query.integer(name) if query.text(name) is not None else None
        if value is not None:
            if value not in kinds:
                raise Refusal(
                    "malformed", f"{name}={value}", reason="not_in_enum", value=str(value), parameter=name.upper()
                )
            return kinds[value]
    return None


def row(x: Exchange, slot: Slot, id: int) -> dict[str, Any]:
    """One slot; its numbers are numbers, where those of a booked appointment are strings."""
    zone = x.site.sandbox.world.population.facility(slot.facility).zone
    type = VISIT_TYPES.get(slot.type_key, GENERIC)
    return {
        "appointmentid": id,
        "date": words.us_day(words.local_day(slot.start, zone)),
        "starttime": words.clock(slot.start, zone),
        "duration": slot.minutes,
        "departmentid": ids.departmentid(slot.facility),
        "providerid": slot.practitioner + 1,
        "localproviderid": slot.practitioner + 1,
        "appointmenttypeid": type.id,
        "appointmenttype": type.name,
        "patientappointmenttypename": type.patient_name,
        "frozen": False,
    }


def free_at(x: Exchange, place: Place) -> Slot | None:
    """The free slot that begins at a place, if there still is one."""
    world = x.site.sandbox.world
    if not 0 <= place.practitioner < world.population.practitioners or place.start <= x.sandbox.clock.now():
        return None
    facility = place.practitioner % len(world.population.facilities)
    day = words.local_day(place.start, world.population.facility(facility).zone)
    slots = slots_between(world, place.practitioner, day, day)
    return next((slot for slot in slots if slot.is_free and slot.start == place.start), None)


def practitioners_of(x: Exchange, departments: Iterable[str], providers: Iterable[str]) -> list[int]:
    """The providers of these departments, those of these numbers, or those of whom both is so; unknown ones are no
    matter."""
    population = x.site.sandbox.world.population
    stride = len(population.facilities)
    there = {_number(one) - 1 for one in departments}
    named = [_number(one) - 1 for one in providers]
    if named:
        known = [one for one in dict.fromkeys(named) if 0 <= one < population.practitioners]
        return [one for one in known if not there or one % stride in there]
    return [
        one for place in sorted(there) if 0 <= place < stride for one in range(place, population.practitioners, stride)
    ]


def check_size(practitioners: list[int], first: date, last: date) -> None:
    """Raises NotSimulated when more days of providers are asked for than we compute in one call."""
    days = max(0, (last - first).days + 1)
    if days * len(practitioners) > _MOST:
        raise wire.gap(
            f"{days} days of {len(practitioners)} providers in one call; at most {_MOST} in all: name providerid, or"
            " fewer days"
        )


def minute(x: Exchange) -> int:
    """The minute it is: what depends on the time of day is kept no longer."""
    return int(x.sandbox.clock.now().timestamp()) // 60
