"""`POST /appointments/open`: time of a provider is opened for booking, one slot for each time of day."""

from __future__ import annotations

from datetime import UTC, datetime, time

from simulator.exchange import Exchange, Reply
from simulator.fhir.build import zone_of
from simulator.population import tables
from simulator.population.ledger import Opening
from simulator.refusal import Refusal
from simulator.vendors.athena import ids
from simulator.vendors.athena.rest import wire
from simulator.vendors.athena.rest.slots import kind_of, practitioners_of
from simulator.vendors.athena.schedule import Bookings


def open_slot(x: Exchange) -> Reply:
    """Opens time. The answer is an object whose keys are the numbers of the slots."""
    wire.practice_of(x)
    query = wire.Query(x)
    query.require("departmentid", "appointmentdate", "appointmenttime", "providerid")
    department = wire.department_index(x, query)
    kind = kind_of(query)
    if kind is None:
        raise Refusal("malformed", "neither type nor reason", reason="no_type")
    practitioner = _of_department(x, query, department)
    zone = x.site.sandbox.world.population.facility(department).zone
    starts = {text: _start(query, text, zone) for text in query.texts("appointmenttime")}
    early = next((text for text, start in starts.items() if start <= x.sandbox.clock.now()), None)
    if early is not None:
        raise Refusal("malformed", f"{early} is past", reason="not_ahead")
    assert x.caller is not None
    minutes = tables.ENCOUNTERS[kind].slot
    told = {}
    for text, start in starts.items():
        x.site.sandbox.world.open(Opening(practitioner, start, minutes, kind, x.caller.client_id, x.at))
        id = Bookings(x.site).id_of_slot(practitioner, start)
        if id is None:
            raise wire.gap("a slot as far ahead, or as often booked, as that")
        told[str(id)] = text
    return wire.answer({"appointmentids": told}, profile=x.site.settings["type_profile"])


def _of_department(x: Exchange, query: wire.Query, department: int) -> int:
    """The provider whose time is opened, who works there. Raises Refusal."""
    practitioners = practitioners_of(x, [str(ids.departmentid(department))], query.texts("providerid"))
    if not practitioners:
        raise Refusal(
            "malformed", "no such provider there", reason="not_in_enum", value=query.text("providerid") or "",
            parameter="PROVIDERID",
        )  # fmt: skip
    return practitioners[0]


def _start(query: wire.Query, text: str, zone: str) -> datetime:
    """The instant of `appointmentdate` and a time of day of the department. Raises Refusal."""
    day = query.day("appointmentdate")
    assert day is not None
    try:
        at = time.fromisoformat(text)
    except ValueError:
        raise Refusal("malformed", f"appointmenttime {text!r}", reason="not_time", value=text) from None
    return datetime.combine(day, at.replace(second=0, microsecond=0), zone_of(zone)).astimezone(UTC)
