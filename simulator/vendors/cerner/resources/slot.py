"""Slot and Schedule: the times of a practitioner's day at which a kind of appointment can be booked, each slot with a
schedule of its own of the same id.

An id is `{appointment type}-{location}-{practitioner's day}-{minute of the day}`. Nothing is kept: what is free changes
with every booking.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from simulator.ids import h64
from simulator.population import schedule, tables
from simulator.population.zones import DAY, local_minute, minute_of
from simulator.sandbox import Site
from simulator.vendors.cerner import codes, ids
from simulator.vendors.cerner.elements import STRUCTURES, extension, in_millis, in_seconds, narrative, words_of
from simulator.vendors.cerner.resources import people
from simulator.vendors.cerner.resources.appointment import service_of

TYPES = ("Slot", "Schedule")
_ROWS = 50_000_000
_FIRST_DAY = 730_000  # 7 September 1999
_DAYS = 1 << 15
_PRACTITIONERS = 1_000_000
_ID = re.compile(r"([1-9][0-9]*)-([1-9][0-9]*)-([1-9][0-9]*)-(0|[1-9][0-9]{0,3})")

Day = tuple[int, int]
"""A practitioner's day: (index of the practitioner, day as ordinal)."""


class Told(NamedTuple):
    """A slot as it is offered for one kind of appointment."""

    id: str
    type_key: str
    slot: schedule.Slot


def services(site: Site) -> dict[str, str]:
    """The kinds of appointments by the code of their type at this site."""
    return {service_of(site, key)["coding"][0]["code"]: key for key in codes.SERVICES}


def practitioners_of(site: Site, facility: int) -> range:
    """The practitioners who work at a facility."""
    population = site.sandbox.world.population
    return range(facility, population.practitioners, len(population.facilities))


def of_day(site: Site, day: Day) -> list[schedule.Slot]:
    """The slots of a practitioner's day, taken ones too."""
    practitioner, ordinal = day
    on = date.fromordinal(ordinal)
    return schedule.slots_between(site.sandbox.world, practitioner, on, on)


def offered(site: Site, day: Day, kinds: Iterable[str]) -> list[Told]:
    """The free slots of a practitioner's day, once for each of these kinds of appointments that fits."""
    minutes = {key: tables.ENCOUNTERS[key].slot for key in kinds}
    free = [slot for slot in of_day(site, day) if slot.is_free]
    return [
        Told(_id(site, key, day, slot), key, slot)
        for slot in free
        for key, least in minutes.items()
        if slot.minutes >= least and slot.type_key in ("", key)
    ]


def may_fit(site: Site, type_key: str) -> bool:
    """Whether any free slot is long enough for a kind of appointment: those of nobody's making are short."""
    is_opened = any(one.type_key == type_key for one in site.sandbox.world.openings())
    return is_opened or tables.ENCOUNTERS[type_key].slot <= schedule.LONGEST


def read_all(site: Site, type: str, ids: Sequence[str]) -> list[dict[str, Any] | None]:
    """The Slots or Schedules of these ids, each day looked at once; booked slots too."""
    days: dict[Day, list[schedule.Slot]] = {}
    render = _slot if type == "Slot" else _schedule
    found = (_find(site, id, days) for id in ids)
    return [None if told is None else render(site, told) for told in found]


def practitioner_ids(site: Site, ids_of_slots: Iterable[str]) -> list[str]:
    """The ids of the practitioners in whose days these slots lie, each once."""
    rows = (_ID.fullmatch(id) for id in ids_of_slots)
    days = (_day_of(site, int(parts[3])) for parts in rows if parts is not None)
    return list(dict.fromkeys(ids.staff_id(site, "practitioner", day[0]) for day in days if day is not None))


def _find(site: Site, id: str, days: dict[Day, list[schedule.Slot]]) -> Told | None:
    parts = _ID.fullmatch(id)
    if parts is None:
        return None
    type_key, day = services(site).get(parts[1]), _day_of(site, int(parts[3]))
    if type_key is None or day is None:
        return None
    if day not in days:
        days[day] = of_day(site, day)
    told = (Told(_id(site, type_key, day, slot), type_key, slot) for slot in days[day])
    return next((one for one in told if one.id == id), None)


def _id(site: Site, type_key: str, day: Day, slot: schedule.Slot) -> str:
    code = service_of(site, type_key)["coding"][0]["code"]
    place = ids.staff_id(site, "location", slot.facility)
    row = site.permutation(_PRACTITIONERS * _DAYS, "schedule").forward(day[0] * _DAYS + day[1] - _FIRST_DAY)
    return f"{code}-{place}-{_ROWS + row}-{_minute(site, slot)}"


def _minute(site: Site, slot: schedule.Slot) -> int:
    zone = site.sandbox.world.population.facility(slot.facility).zone
    return local_minute(minute_of(slot.start), zone) % DAY


def _day_of(site: Site, row: int) -> Day | None:
    """The practitioner's day of a row number; None when there is no such practitioner."""
    space = _PRACTITIONERS * _DAYS
    if not 0 <= row - _ROWS < space:
        return None
    practitioner, day = divmod(site.permutation(space, "schedule").inverse(row - _ROWS), _DAYS)
    known = practitioner < site.sandbox.world.population.practitioners
    return (practitioner, day + _FIRST_DAY) if known else None


def _meta(site: Site, told: Told, spell: Any) -> dict[str, str]:
    """A version that is no number; schedules are made out sixty days ahead."""
    draw = h64(site.key, "schedule version", told.id)
    made = datetime.combine(told.slot.start.date(), time(5), UTC) - timedelta(days=60)
    return {"versionId": f"{draw % 10_000_000}v{draw >> 32}", "lastUpdated": spell(made)}


def _slot(site: Site, told: Told) -> dict[str, Any]:
    slot, service = told.slot, service_of(site, told.type_key)
    status = "free" if slot.is_free else "busy"
    place = people.location_ref(site, slot.facility)["reference"]
    return {
        "resourceType": "Slot",
        "id": told.id,
        "meta": _meta(site, told, in_seconds),
        "text": narrative(
            "Slot",
            [
                ("Service Type", service["text"]),
                ("Start", words_of(slot.start)),
                ("End", words_of(slot.end)),
                ("Schedule Reference", told.id),
                ("Status", status.title()),
            ],
        ),
        "extension": [extension(STRUCTURES + "scheduling-location", valueReference={"reference": place})],
        "serviceType": [service],
        "schedule": {"reference": f"Schedule/{told.id}"},
        "status": status,
        "start": in_seconds(slot.start),
        "end": in_seconds(slot.end),
    }


def _schedule(site: Site, told: Told) -> dict[str, Any]:
    service = service_of(site, told.type_key)
    who = people.practitioner_ref(site, told.slot.practitioner)
    return {
        "resourceType": "Schedule",
        "id": told.id,
        "meta": _meta(site, told, in_millis),
        "text": narrative(
            "Schedule", [("Status", "Active"), ("Service Type", service["text"]), ("Practitioner", who["display"])]
        ),
        "active": True,
        "serviceType": [service],
        "actor": [who],
    }
