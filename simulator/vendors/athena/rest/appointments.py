"""`/patients/{patientid}/appointments`, `/appointments/booked`, `/appointments/{appointmentid}`: what is booked, by one
letter a state. Times are local to the department of the appointment, and somebody who did not come is a cancellation.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from simulator.exchange import Exchange, Reply
from simulator.population.answers import Loss
from simulator.population.records import Appointment
from simulator.population.schedule import slots_between
from simulator.refusal import Refusal
from simulator.vendor import Rendering
from simulator.vendors.athena import ids, words
from simulator.vendors.athena.charts import PatientChart, patient_chart
from simulator.vendors.athena.rest import slots, wire
from simulator.vendors.athena.rest.restrictions import Restrictions
from simulator.vendors.athena.schedule import Booked, Bookings
from simulator.vendors.athena.visit_types import VISIT_TYPES, cancel_reason

DEFAULT_LIMIT = 1000
STATUS = {"booked": "f", "arrived": "2", "fulfilled": "3", "cancelled": "x", "noshow": "x"}
_STATES = ("f", "x", "2", "3", "4")
_LACKING = ("showpatientdetail", "showinsurance", "showclaimdetail", "showreminderdetail", "startlastmodified")
_ROW = (
    "date", "appointmentid", "starttime", "duration", "departmentid", "providerid", "appointmentstatus",
    "appointmenttypeid", "appointmenttype", "patientappointmenttypename", "copay",
)  # fmt: skip


def list_of_patient(x: Exchange) -> Reply:
    """A patient's appointments, by time: those ahead, with `showpast` the others too, with `showcancelled` those that
    were called off. A poorer view: why one was called off is told elsewhere."""
    wire.practice_of(x)
    query = wire.Query(x)
    assert x.route is not None
    seen = patient_chart(x.site, wire.patient_number(x, x.route.args[1]))
    has_past, has_cancelled = query.flag("showpast"), query.flag("showcancelled")
    since, until = query.day("startdate"), query.day("enddate")

    def make() -> tuple[Any, Any]:
        now = x.sandbox.clock.now()
        listed = [
            one
            for one in seen.chart.appointments
            if (has_past or one.start >= now)
            and (has_cancelled or STATUS[one.status] != "x")
            and _is_between(day_of(seen, one), since, until)
        ]
        page = wire.page(x, query, "appointments", len(listed), default=DEFAULT_LIMIT)
        told = [appointment(seen, one) for one in listed[page.offset : page.end]]
        rows = [{name: one.payload[name] for name in _ROW} for one in told]
        envelope = page.envelope(f"/patients/{seen.patientid}/appointments", rows)
        return envelope, [(one.type, one.id) for one in told]

    return wire.kept(x, ("appointments", seen.number, seen.stamp, slots.minute(x), query.key()), make)


def list_booked(x: Exchange) -> Reply:
    """What is booked in a range of days, of a patient, of departments or of providers."""
    wire.practice_of(x)
    query = wire.Query(x)
    query.require("startdate", "enddate")
    first, last = query.day("startdate"), query.day("enddate")
    assert first is not None
    assert last is not None
    for name in _LACKING:
        if query.has(name) and query.text(name) != "false":
            raise wire.gap(f"booked appointments with {name}")
    state = query.text("appointmentstatus")
    wire.one_of(state, "appointmentstatus", *_STATES)
    has_cancelled = query.flag("showcancelled") or state == "x"
    wanted = {"departmentid": query.texts("departmentid"), "providerid": query.texts("providerid")}
    types = query.texts("appointmenttypeid")
    told, restrictions = [], Restrictions(x, query)
    for seen, record in _found(x, query, wanted, first, last, has_cancelled):
        if restrictions.hide(seen.number):
            continue
        one = appointment(seen, record)
        is_wanted = all(not values or one.payload[name] in values for name, values in wanted.items())
        is_of_type = not types or one.payload["appointmenttypeid"] in types
        is_shown = has_cancelled or one.payload["appointmentstatus"] != "x"
        if is_wanted and is_of_type and is_shown and state in (None, one.payload["appointmentstatus"]):
            told.append((record.start, one))
    told.sort(key=lambda pair: (pair[0], pair[1].payload["appointmentid"]))
    page = wire.page(x, query, "appointments", len(told), default=DEFAULT_LIMIT)
    shown = [one for _, one in told[page.offset : page.end]]
    envelope = page.envelope("/appointments/booked", [one.payload for one in shown])
    served = [(one.type, one.id) for one in shown]
    return wire.answer(envelope, served, profile=x.site.settings["type_profile"])


def _found(
    x: Exchange, query: wire.Query, wanted: dict[str, list[str]], first: date, last: date, has_cancelled: bool
) -> Iterable[tuple[PatientChart, Appointment]]:
    """The appointments of these days: a patient's, or those that the schedules of providers hold."""
    patient = query.text("patientid")
    if patient is not None:
        seen = patient_chart(x.site, wire.patient_number(x, patient))
        yield from ((seen, one) for one in seen.chart.appointments if _is_between(day_of(seen, one), first, last))
        return
    if not any(wanted.values()):
        query.require("departmentid")
    if has_cancelled:
        raise wire.gap("booked appointments with showcancelled; name a patientid")
    world = x.site.sandbox.world
    practitioners = slots.practitioners_of(x, wanted["departmentid"], wanted["providerid"])
    slots.check_size(practitioners, first, last)
    for practitioner in practitioners:
        for slot in slots_between(world, practitioner, first, last):
            if slot.patient is not None:
                seen = patient_chart(x.site, slot.patient)
                yield from ((seen, one) for one in seen.chart.appointments if one.ordinal == slot.appointment)


def read_appointment(x: Exchange) -> Reply:
    """One appointment, or an open slot, as an array of one."""
    wire.practice_of(x)
    assert x.route is not None
    found = Bookings(x.site).find(number_of(x.route.args[1]))
    profile = x.site.settings["type_profile"]
    if isinstance(found, Booked):
        record = x.site.sandbox.world.read("appointment", *found) if found.number >= 0 else None
        if isinstance(record, Appointment):
            told = appointment(patient_chart(x.site, found.number), record)
            return wire.answer([told.payload], [(told.type, told.id)], profile=profile)
    elif found is not None and (slot := slots.free_at(x, found)) is not None:
        row = slots.row(x, slot, number_of(x.route.args[1]))
        return wire.answer([row | {"appointmentstatus": "o"}], profile=profile)
    raise Refusal("not_found", f"no appointment {x.route.args[1]}", reason="no_id", id=x.route.args[1])


def number_of(text: str) -> int:
    """The number that a path names. Raises Refusal, reason not_integer."""
    value = ids.whole_number(text)
    if value is None:
        raise Refusal("malformed", f"appointment id {text!r}", reason="not_integer", value=text)
    return value


def appointment(seen: PatientChart, record: Appointment) -> Rendering:
    """One appointment, as the list of booked ones tells it."""
    appointmentid = str(seen.appointmentid(record))
    place = seen.facility(record.facility)
    booked_as = VISIT_TYPES[record.type_key]
    client = seen.site.sandbox.world.written("appointment", seen.number, record.ordinal)
    payload: dict[str, Any] = {
        "date": words.us_day(words.local_day(record.start, place.zone)),
        "appointmentid": appointmentid,
        "starttime": words.clock(record.start, place.zone),
        "duration": record.minutes,
        "departmentid": str(ids.departmentid(record.facility)),
        "providerid": str(record.practitioner + 1),
        "hl7providerid": record.practitioner + 1,
        "patientid": str(seen.patientid),
        "appointmentstatus": STATUS[record.status],
        "appointmenttypeid": str(booked_as.id),
        "appointmenttype": booked_as.name,
        "patientappointmenttypename": booked_as.patient_name,
        "templateappointmentid": appointmentid,
        "templateappointmenttypeid": str(booked_as.id),
        "copay": 0,
        "chargeentrynotrequired": False,
        "coordinatorenterprise": False,
        "scheduleddatetime": words.us_time(record.created, words.EASTERN),
        "scheduledby": "API-1001" if client else "PORTAL",
        "lastmodified": words.us_time(seen.updated(record), words.EASTERN),
        "lastmodifiedby": "API-1001" if client else "PORTAL",
        **_visit(seen, record, place.zone),
        **_cancellation(seen, record),
    }
    told = [
        words.zone_lost("start", record.start, place.zone),
        Loss("sensitivity", "replaced", value=[]),
        *losses(record),
    ]
    return Rendering("appointment", appointmentid, payload, (record,), tuple((0, loss) for loss in told))


def losses(record: Appointment) -> list[Loss]:
    """What neither side of athena tells of an appointment."""
    name = VISIT_TYPES[record.type_key].name
    found = [
        Loss("type", "replaced", "the practice's own types", {"codes": [], "text": name}),
        Loss("reason", "omitted"),
        Loss("text", "omitted"),
    ]
    if record.cancel_reason is not None and cancel_reason(record.status, record.cancel_reason) is None:
        found.append(Loss("cancelReason", "omitted"))
    return found


def _visit(seen: PatientChart, record: Appointment, zone: str) -> dict[str, Any]:
    """The encounter that an appointment has become."""
    for one in seen.chart.encounters:
        if record.encounter is not None and one.ordinal == record.encounter:
            came = words.us_time(one.start, zone)
            return {
                "encounterid": str(seen.item("encounter", one.ordinal)),
                "encounterstatus": "CHECKEDOUT" if record.status == "fulfilled" else "CHECKEDIN",
                "renderingproviderid": record.practitioner + 1,
                "startcheckin": came,
                "stopcheckin": came,
            }
    return {}


def _cancellation(seen: PatientChart, record: Appointment) -> dict[str, Any]:
    """Why one was called off: of somebody who did not come, that."""
    if STATUS[record.status] != "x":
        return {}
    told: dict[str, Any] = {"cancelleddatetime": words.us_time(seen.updated(record), words.EASTERN)}
    why = cancel_reason(record.status, record.cancel_reason)
    if why is not None:
        told |= {
            "cancelreasonid": str(why.id),
            "cancelreasonname": why.name,
            "cancelreasonnoshow": why.is_no_show,
            "cancelreasonslotavailable": why.frees_slot,
        }
    return told


def day_of(seen: PatientChart, record: Appointment) -> date:
    """The calendar day of an appointment at its department."""
    return words.local_day(record.start, seen.facility(record.facility).zone)


def _is_between(day: date, since: date | None, until: date | None) -> bool:
    return not ((since and day < since) or (until and day > until))
