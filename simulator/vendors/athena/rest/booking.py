"""Booking a slot, calling an appointment off, putting it off, checking somebody in and out: forms in, small answers
out. What is written here every vendor of the sandbox shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from simulator.exchange import Exchange, Reply
from simulator.population import tables
from simulator.population.records import Appointment, Encounter
from simulator.population.schedule import Slot
from simulator.population.world import FIRST_WRITTEN_ORDINAL
from simulator.refusal import Refusal
from simulator.vendor import Rendering
from simulator.vendors.athena.charts import patient_chart
from simulator.vendors.athena.rest import slots, wire
from simulator.vendors.athena.rest.appointments import appointment, number_of
from simulator.vendors.athena.schedule import Booked, Bookings, Place
from simulator.vendors.athena.visit_types import CANCEL_REASONS, VISIT_TYPES, CancelReason

_BOOKED = (
    "date", "appointmentid", "starttime", "departmentid", "appointmentstatus", "patientid", "duration",
    "appointmenttypeid", "appointmenttype", "providerid", "chargeentrynotrequired", "patientappointmenttypename",
)  # fmt: skip
_MOVED = ("appointmentid", "departmentid", "appointmentstatus", "duration", "patientid", "appointmenttypeid")
_Written = TypeVar("_Written", Appointment, Encounter)
_BY_DEFAULT, _PUT_OFF = CANCEL_REASONS[0], CANCEL_REASONS[2]


def book(x: Exchange) -> Reply:
    """`PUT /appointments/{appointmentid}`: an open slot becomes a patient's appointment, and keeps its number."""
    wire.practice_of(x)
    query = wire.Query(x)
    number = _patient(x, query)
    kind = slots.kind_of(query)
    if kind is None:
        raise Refusal("malformed", "neither type nor reason", reason="no_type")
    slot = _slot(x, _path(x), kind)
    told = _booked(x, number, slot, kind, query.text("bookingnote"))
    return _answer(x, told, _BOOKED)


def cancel(x: Exchange) -> Reply:
    """`PUT /appointments/{appointmentid}/cancel`: the answer is the letter of its new state."""
    wire.practice_of(x)
    query = wire.Query(x)
    number = _patient(x, query)
    record = _of_patient(x, _path(x), number)
    why = _why(query) or _BY_DEFAULT
    told = _called_off(x, number, record, why)
    return wire.answer({"status": told.payload["appointmentstatus"]}, [(told.type, told.id)])


def reschedule(x: Exchange) -> Reply:
    """`PUT /appointments/{appointmentid}/reschedule`: another slot for the same visit."""
    wire.practice_of(x)
    query = wire.Query(x)
    query.require("newappointmentid")
    number = _patient(x, query)
    record = _of_patient(x, _path(x), number)
    kind = slots.kind_of(query) or record.type_key
    slot = _slot(x, number_of(query.text("newappointmentid") or ""), kind)
    _called_off(x, number, record, _why(query) or _PUT_OFF)
    told = _booked(x, number, slot, kind, record.text)
    return _answer(x, told, _MOVED, providerid="")


def start_check_in(x: Exchange) -> Reply:
    """`POST /appointments/{appointmentid}/startcheckin`: somebody stands at the desk. It leaves no trace here."""
    wire.practice_of(x)
    _expected(x)
    return _success(x)


def check_in(x: Exchange) -> Reply:
    """`POST /appointments/{appointmentid}/checkin`: the patient is there, and an encounter begins."""
    wire.practice_of(x)
    number, record = _expected(x)
    row = tables.ENCOUNTERS[record.type_key]
    begun = Encounter(
        ordinal=-1,
        type_key=row.key,
        class_code=row.class_code,
        type=row.type,
        start=x.at,
        end=None,
        status="in-progress",
        reason=None,
        facility=record.facility,
        practitioner=record.practitioner,
    )
    encounter = _write(x, begun, number)
    _write(x, replace(record, status="arrived", encounter=encounter.ordinal), number)
    return _success(x)


def check_out(x: Exchange) -> Reply:
    """`POST /appointments/{appointmentid}/checkout`: the visit is over."""
    wire.practice_of(x)
    number, record = _by_us(x)
    world = x.site.sandbox.world
    visit = world.read("encounter", number, record.encounter) if record.encounter is not None else None
    if record.status != "arrived" or not isinstance(visit, Encounter):
        raise Refusal("conflict", f"the appointment is {record.status}", reason="wrong_state")
    end = max(x.at, visit.start + timedelta(minutes=1))
    _write(x, replace(visit, status="finished", end=end), number)
    _write(x, replace(record, status="fulfilled"), number)
    return _success(x)


# What is asked


def _path(x: Exchange) -> int:
    assert x.route is not None
    return number_of(x.route.args[1])


def _patient(x: Exchange, query: wire.Query) -> int:
    """The patient of the call, who must live. Raises Refusal."""
    query.require("patientid")
    number = wire.patient_number(x, query.text("patientid") or "")
    person = x.site.sandbox.world.person(number)
    if person is None or person.deceased is not None:
        raise Refusal("malformed", f"patient {number} has died", reason="patient_died")
    return number


def _why(query: wire.Query) -> CancelReason | None:
    if query.text("appointmentcancelreasonid") is None:
        return None
    value = query.integer("appointmentcancelreasonid")
    found = next((one for one in CANCEL_REASONS if one.id == value), None)
    if found is None:
        raise Refusal(
            "malformed", f"appointmentcancelreasonid={value}", reason="not_in_enum", value=str(value),
            parameter="APPOINTMENTCANCELREASONID",
        )  # fmt: skip
    return found


# What there is


def _slot(x: Exchange, value: int, kind: str) -> Slot:
    """The open slot of that number. Raises Refusal: there is none, or no longer, or it was opened for another type."""
    found = Bookings(x.site).find(value)
    slot = slots.free_at(x, found) if isinstance(found, Place) else None
    if slot is None or slot.type_key not in ("", kind):
        raise Refusal("conflict", f"appointment {value} is not open", reason="not_bookable")
    return slot


def _of_patient(x: Exchange, value: int, number: int) -> Appointment:
    """The booked appointment of that number and patient. Raises Refusal."""
    found = Bookings(x.site).find(value)
    is_theirs = isinstance(found, Booked) and found.number == number
    record = x.site.sandbox.world.read("appointment", *found) if isinstance(found, Booked) and is_theirs else None
    if not isinstance(record, Appointment):
        raise Refusal("not_found", f"no appointment {value} of patient {number}", reason="no_id", id=str(value))
    if record.status != "booked":
        raise Refusal("conflict", f"the appointment is {record.status}", reason="wrong_state")
    return record


def _by_us(x: Exchange) -> tuple[int, Appointment]:
    """The appointment that a path names, with its patient.

    Raises:
        Refusal: there is none.
        NotSimulated: it was not booked by a call: its visit comes about by itself as the sandbox clock advances.
    """
    value = _path(x)
    found = Bookings(x.site).find(value)
    record = x.site.sandbox.world.read("appointment", *found) if isinstance(found, Booked) and found[0] >= 0 else None
    if not isinstance(found, Booked) or not isinstance(record, Appointment):
        raise Refusal("not_found", f"no appointment {value}", reason="no_id", id=str(value))
    if record.ordinal < FIRST_WRITTEN_ORDINAL:
        raise wire.gap("check-in for a visit that happens by itself; advance the sandbox clock, or book one")
    return found.number, record


def _expected(x: Exchange) -> tuple[int, Appointment]:
    """The appointment that a path names, which must lie ahead."""
    number, record = _by_us(x)
    if record.status != "booked":
        raise Refusal("conflict", f"the appointment is {record.status}", reason="wrong_state")
    return number, record


# What is written


def _booked(x: Exchange, number: int, slot: Slot, kind: str, text: str | None) -> Rendering:
    made = Appointment(
        ordinal=-1,
        type_key=kind,
        type=tables.ENCOUNTERS[kind].type,
        status="booked",
        start=slot.start,
        minutes=slot.minutes,
        created=x.at,
        reason=None,
        text=text or VISIT_TYPES[kind].patient_name,
        cancel_reason=None,
        encounter=None,
        facility=slot.facility,
        practitioner=slot.practitioner,
    )
    kept = _write(x, made, number)
    return appointment(patient_chart(x.site, number), kept)


def _called_off(x: Exchange, number: int, record: Appointment, why: CancelReason) -> Rendering:
    status = "noshow" if why.is_no_show else "cancelled"
    kept = _write(x, replace(record, status=status, cancel_reason=why.why), number)
    return appointment(patient_chart(x.site, number), kept)


def _write(x: Exchange, record: _Written, number: int) -> _Written:
    assert x.caller is not None
    return x.site.sandbox.world.write(record, number, x.caller.client_id, x.at)


def _answer(x: Exchange, told: Rendering, names: tuple[str, ...], **changes: str) -> Reply:
    """An array of one appointment, with some of its members."""
    row = {name: told.payload[name] for name in names} | changes
    return wire.answer([row], [(told.type, told.id)], profile=x.site.settings["type_profile"])


def _success(x: Exchange) -> Reply:
    return wire.answer({"success": True}, profile=x.site.settings["type_profile"])
