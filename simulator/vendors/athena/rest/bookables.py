"""`/appointmenttypes`, `/patientappointmentreasons`, `/appointmentcancelreasons`: what a booking and a cancellation
choose from."""

from __future__ import annotations

from typing import Any

from simulator.exchange import Exchange, Reply
from simulator.population import tables
from simulator.refusal import Refusal
from simulator.vendors.athena import ids
from simulator.vendors.athena.rest import wire
from simulator.vendors.athena.visit_types import CANCEL_REASONS, GENERIC, KINDS, REASONS, VISIT_TYPES, VisitType

DEFAULT_LIMIT = 1500
_LONGEST_SLOT = 20


def list_types(x: Exchange) -> Reply:
    """The appointment types, the one of open slots included unless `hidetemplatetypeonly=true`."""
    wire.practice_of(x)
    query = wire.Query(x)
    told = [_type(one, tables.ENCOUNTERS[kind].slot) for kind, one in VISIT_TYPES.items()]
    if not query.flag("hidetemplatetypeonly"):
        told.append(_type(GENERIC, _LONGEST_SLOT))
    if query.flag("hidegeneric"):
        told = [one for one in told if not one["generic"]]
    if query.flag("hidenongeneric"):
        told = [one for one in told if one["generic"]]
    told.sort(key=lambda one: int(one["appointmenttypeid"]))
    return _page(x, query, "appointmenttypes", told)


def read_type(x: Exchange) -> Reply:
    """One appointment type, as an array of one."""
    wire.practice_of(x)
    assert x.route is not None
    text = x.route.args[1]
    value = ids.whole_number(text)
    if value == GENERIC.id:
        told = _type(GENERIC, _LONGEST_SLOT)
    elif value is not None and value in KINDS:
        kind = KINDS[value]
        told = _type(VISIT_TYPES[kind], tables.ENCOUNTERS[kind].slot)
    else:
        raise Refusal("not_found", f"no appointment type {text}", reason="no_id", id=text)
    return wire.answer([told], profile=x.site.settings["type_profile"])


def _type(one: VisitType, minutes: int) -> dict[str, Any]:
    return {
        "appointmenttypeid": one.id,
        "shortname": one.short,
        "name": one.name,
        "patientdisplayname": one.patient_name,
        "duration": minutes,
        "generic": one is GENERIC,
        "patient": True,
        "createencounteroncheckin": True,
        "templatetypeonly": one is GENERIC,
    }


def list_reasons(x: Exchange) -> Reply:
    """The reasons for which a patient may book with a provider of a department: here the same with all."""
    wire.practice_of(x)
    query = wire.Query(x)
    wire.department_index(x, query)
    query.require("providerid")
    query.integer("providerid")
    told = [
        {
            "reasonid": one.id,
            "reason": one.name,
            "description": one.description,
            "reasontype": "all",
            "schedulingminhours": 24,
            "schedulingmaxdays": 90,
        }
        for one in REASONS.values()
    ]
    return _page(x, query, "patientappointmentreasons", told)


def list_cancel_reasons(x: Exchange) -> Reply:
    """Why an appointment may be called off."""
    wire.practice_of(x)
    told = [
        {
            "appointmentcancelreasonid": one.id,
            "name": one.name,
            "noshow": one.is_no_show,
            "slotavailable": one.frees_slot,
        }
        for one in CANCEL_REASONS
    ]
    return _page(x, wire.Query(x), "appointmentcancelreasons", told)


def _page(x: Exchange, query: wire.Query, name: str, told: list[dict[str, Any]]) -> Reply:
    page = wire.page(x, query, name, len(told), default=DEFAULT_LIMIT)
    envelope = page.envelope(f"/{name}", told[page.offset : page.end])
    return wire.answer(envelope, profile=x.site.settings["type_profile"])
