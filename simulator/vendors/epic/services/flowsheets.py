"""Flowsheets: rows of a contact, read and written.

Source: SOURCES.md, "Web services" (TREWS: reading; PENNS, COBALT: writing, and what is said of a closed contact).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from simulator.exchange import Reply
from simulator.fhir import build
from simulator.population import tables
from simulator.population.records import Observation
from simulator.refusal import Refusal
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json
from simulator.vendors.epic.filing import FILERS
from simulator.vendors.epic.filing.filing import Filing
from simulator.vendors.epic.resources.flowsheet import ROWS
from simulator.vendors.epic.services.command import Command, Service

MOST_HOURS = 72  # seen
_BY_NUMBER = {row.number: key for key, row in ROWS.items()}
_SYSTEM = dialect.local("2.707679")


def read(c: Command) -> Reply:
    """The values of some rows in the last `LookbackHours`."""
    t = c.patient()
    hours = c.text("LookbackHours", str(MOST_HOURS))
    if not hours.isdecimal() or int(hours) > MOST_HOURS:
        raise c.failed("INVALID-LOOKBACK-HOURS", f"LookbackHours must be from 0 to {MOST_HOURS}: {hours}")
    asked = c.said.get("FlowsheetRowIDs") or []
    if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
        raise c.failed("INVALID-FLOWSHEET-ROW", "FlowsheetRowIDs is a list of IDs with types.")
    rows = [str(one.get("ID", "")) for one in asked] or [*_BY_NUMBER]
    values: dict[str, list[Json]] = {row: [] for row in rows}
    since = c.x.at - timedelta(hours=int(hours))
    systolic: dict[int, Observation] = {}
    for one in c.seen(t, "Observation", Observation):
        if one.category != "vital-signs" or one.effective < since or one.value is None:
            continue
        if one.key == "sbp":
            systolic[one.ordinal] = one
        key = "sbp" if one.key == "dbp" else one.key
        row = ROWS.get(key)
        if row is None or row.number not in values or one.key == "sbp":
            continue
        value = str(one.value)
        if one.key == "dbp":
            if one.group not in systolic:
                continue
            value = f"{systolic[one.group].value}/{one.value}"
        values[row.number].append({"Value": value, "Instant": build.instant(one.effective), "Unit": one.unit or ""})
    return c.told(
        [
            {
                "FlowsheetRowID": {"ID": row, "Type": "Internal"},
                "Name": ROWS[_BY_NUMBER[row]].name,
                "FlowsheetColumns": told,
            }
            for row, told in values.items()
            if row in _BY_NUMBER
        ]
    )


def add(c: Command) -> Reply:
    """Files one value to a row of an open contact."""
    t = c.patient()
    contact = c.contact(t)
    c.need("UserID", "NO-USER-FOUND")
    key = _BY_NUMBER.get(c.need("FlowsheetID", "NO-FLOWSHEET-ID"))
    if key is None:
        raise c.failed("INVALID-FLOWSHEET-ID", f"There is no flowsheet row {c.text('FlowsheetID')}.")
    value = c.need("Value", "NO-VALUE")
    at = _instant(c)
    row = tables.LABS[key]
    resource: Json = {
        "resourceType": "Observation",
        "status": "final",
        "category": [
            {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
                ]
            }
        ],
        "code": {"coding": [{"system": _SYSTEM, "code": ROWS[key].number}]},
        "subject": {"reference": f"Patient/{t.id('Patient')}"},
        "encounter": {"reference": f"Encounter/{t.id('Encounter', contact.ordinal)}"},
        "effectiveDateTime": build.instant(at),
    }
    if key == "sbp":
        resource["valueString"] = value
    else:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise c.failed("INVALID-VALUE", f"The row takes a number: {value}")
        resource["valueQuantity"] = {
            "value": number, "unit": row.unit, "system": build.SYSTEMS["ucum"], "code": row.unit,
        }  # fmt: skip
    _filed(c, lambda: FILERS["Observation"].create(Filing(c.x, "Observation", resource)))
    return c.told({"Success": True, "Errors": [], "DuplicateErrors": []})


def _instant(c: Command) -> datetime:
    value = c.text("InstantValueTaken")
    if not value:
        return c.x.at
    zone = build.zone_of(str(c.site.settings["server_zone"]))
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise c.failed("INVALID-INSTANT", f"InstantValueTaken is no instant: {value}") from None


def _filed(c: Command, file: Callable[[], object]) -> None:
    """What FHIR's numbers say of a refused value, in the words of a command."""
    try:
        file()
    except Refusal as refusal:
        issues = refusal.facts.get("issues")
        if refusal.reason != "write_refused" or not issues:
            raise
        number = issues[-1]["details"]["coding"][0]["code"]
        code, details = _CODES.get(number, ("VALUE-NOT-FILED", ""))
        raise c.failed(code, details or str(issues[-1].get("diagnostics", ""))) from None


_CODES = {
    "59189": (
        "CONTACT_IS_INVALID",
        "The contact found with the patient ID and DAT was invalid. It may be a closed encounter.",
    ),
    "59141": ("DUPLICATE-VALUE", "The row has a value at this instant."),
    "59187": ("INVALID-FLOWSHEET-ID", "The flowsheet row cannot be filed to."),
    "59188": ("INVALID-VALUE", "The value cannot be filed."),
}


SERVICES = (
    Service("GetFlowsheetRows", ("2014",), "Clinical/Patient/GETFLOWSHEETROWS/FlowsheetRows", ("Observation", "s"),
            read),
    Service("AddFlowsheetValue", ("2011",), "Clinical/Patient/ADDFLOWSHEETVALUE/FlowsheetValue", ("Observation", "c"),
            add, ("POST", "PUT")),
)  # fmt: skip
