"""Procedure orders: placing one, and how far it is.

An order is the room's own until it is done: then the procedure stands in the chart, and every vendor tells it. It is
done `procedure_order_h` after it was placed, when somebody asks.

Source: SOURCES.md, "Web services" (-: guess; no public description of such a command was found).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.exchange import Reply
from simulator.fhir import build
from simulator.population import tables
from simulator.population.records import Procedure
from simulator.population.tables.rows import ProcedureRow
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.resources import procedure
from simulator.vendors.epic.services.command import Command, Service, both

_MEMORY = "procedure orders"
_FIRST = 7_000_001
_PRIORITIES = ("Routine", "Urgent", "STAT")
ORDERED, DONE, CANCELED = "Ordered", "Completed", "Canceled"


@dataclass(slots=True)
class Order:
    """An order that was placed. `ordinal` is that of the procedure, once it is done."""

    id: str
    number: int
    row: ProcedureRow
    priority: str
    encounter: int | None
    facility: int
    practitioner: int
    client_id: str
    placed: datetime
    ordinal: int | None = None
    is_canceled: bool = False


def place(c: Command) -> Reply:
    """Places an order for a procedure of the site's list."""
    t = c.patient()
    c.need("UserID", "NO-USER-FOUND")
    row = _row(c, t)
    priority = c.text("Priority", _PRIORITIES[0])
    if priority not in _PRIORITIES:
        raise c.failed("INVALID-PRIORITY", f"Priority is one of {', '.join(_PRIORITIES)}: {priority}")
    if row.sex not in ("B", t.person.sex):
        raise c.failed("PROCEDURE-NOT-APPLICABLE", "The procedure is not done for patients of this sex.")
    if t.person.deceased is not None:
        raise c.failed("PATIENT-DECEASED", "The patient is deceased.")
    contact = c.contact(t) if c.text("ContactID") else None
    assert c.x.caller is not None
    orders = _orders(c)
    order = Order(
        id=str(_FIRST + len(orders)),
        number=t.number,
        row=row,
        priority=priority,
        encounter=contact.ordinal if contact else None,
        facility=contact.facility if contact else t.person.facility,
        practitioner=contact.practitioner if contact else t.person.practitioner,
        client_id=c.x.caller.client_id,
        placed=c.x.at,
    )
    orders[order.id] = order
    return c.told(_told(c, order))


def status(c: Command) -> Reply:
    """How far an order is; with it the procedure, once it is done."""
    order = _order(c)
    t = _owner(c, order)
    if not order.is_canceled and order.ordinal is None and c.x.at >= _due(c, order):
        _perform(c, t, order)
    return c.told(_told(c, order))


def cancel(c: Command) -> Reply:
    """Takes an order back that is not done."""
    order = _order(c)
    _owner(c, order)
    if order.ordinal is not None or c.x.at >= _due(c, order):
        raise c.failed("ORDER-COMPLETED", f"Order {order.id} is completed.")
    order.is_canceled = True
    return c.told(_told(c, order))


def _orders(c: Command) -> dict[str, Order]:
    made: dict[str, Order] = c.site.memory.setdefault(_MEMORY, {})
    return made


def _order(c: Command) -> Order:
    id = c.need("OrderID", "NO-ORDER-ID")
    order = _orders(c).get(id)
    if order is None:
        raise c.failed("NO-ORDER-FOUND", f"There is no order {id}.")
    return order


def _owner(c: Command, order: Order) -> Telling:
    """The patient of an order, as the caller may see them."""
    c.said |= {"PatientID": _patient_id(c, order), "PatientIDType": "FHIR"}
    return c.patient()


def _patient_id(c: Command, order: Order) -> str:
    return c.site.vendor.patient_ids(c.site, order.number)["fhir_id"]


def _row(c: Command, t: Telling) -> ProcedureRow:
    """The row of procedures.csv that is meant: by the site's number, or the SNOMED code."""
    id = c.need("ProcedureID", "NO-PROCEDURE-ID")
    for row in tables.PROCEDURES.values():
        if id in (row.code.code, procedure.number_of(t, row.code)):
            return row
    raise c.failed("INVALID-PROCEDURE-ID", f"There is no procedure {id} on the list of the site.")


def _due(c: Command, order: Order) -> datetime:
    return order.placed + timedelta(hours=float(c.site.settings["procedure_order_h"]))


def _perform(c: Command, t: Telling, order: Order) -> None:
    """The procedure is done, and stands in the chart."""
    end = _due(c, order)
    kept = t.world.write(
        Procedure(
            ordinal=-1,
            key=order.row.key,
            codes=(order.row.code,),
            text=order.row.code.display,
            status="completed",
            start=end - timedelta(minutes=order.row.minutes),
            end=end,
            reason=None,
            encounter=order.encounter,
            facility=order.facility,
            practitioner=order.practitioner,
            sensitivity=order.row.sensitivity,
        ),
        order.number,
        order.client_id,
        c.x.at,
    )
    order.ordinal = kept.ordinal


def _told(c: Command, order: Order) -> Json:
    t = _owner(c, order)
    made: Json = {
        "OrderIDs": [both(order.id, "Internal")],
        "Status": CANCELED if order.is_canceled else DONE if order.ordinal is not None else ORDERED,
        "ProcedureName": dialect.words_of(order.row.code.display),
        "ProcedureIDs": [both(procedure.number_of(t, order.row.code), "Internal"), both(order.row.code.code, "SNOMED")],
        "Priority": order.priority,
        "OrderedInstant": build.instant(order.placed),
        "PatientIDs": [both(_patient_id(c, order), "FHIR")],
    }
    if order.ordinal is not None:
        made["CompletedInstant"] = build.instant(_due(c, order))
        made["ResultIDs"] = [both(t.id("Procedure", order.ordinal), "FHIR")]
    return made


SERVICES = (
    Service("PlaceProcedureOrder", ("2019",), "Clinical/Order/PLACEPROCEDUREORDER/ProcedureOrder",
            ("ServiceRequest", "c"), place),
    Service("GetProcedureOrderStatus", ("2019",), "Clinical/Order/GETPROCEDUREORDERSTATUS/ProcedureOrder/Status",
            ("ServiceRequest", "r"), status, ("GET", "POST")),
    Service("CancelProcedureOrder", ("2019",), "Clinical/Order/CANCELPROCEDUREORDER/ProcedureOrder/Cancel",
            ("ServiceRequest", "c"), cancel),
)  # fmt: skip
