"""Insurances come and go: `POST` and `DELETE` of `/patients/{patientid}/insurances`, and the packages to choose from.
What is written here every vendor of the sandbox shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulator.exchange import Exchange, Reply
from simulator.population import tables
from simulator.population.records import Coverage
from simulator.population.tables.rows import PayerRow
from simulator.refusal import Refusal
from simulator.vendors.athena import words
from simulator.vendors.athena.charts import PatientChart, patient_chart
from simulator.vendors.athena.rest import wire
from simulator.vendors.athena.rest.insurances import CASH, RELATIONSHIPS, insurance, package

DEFAULT_LIMIT = 1500
_RELATIONS = {number: name for name, (number, _) in RELATIONSHIPS.items()}


def list_packages(x: Exchange) -> Reply:
    """`/misc/topinsurancepackages`: the packages that patients of this practice have."""
    wire.practice_of(x)
    query = wire.Query(x)
    told: list[dict[str, Any]] = [
        {"insurancepackageid": id, "name": f"{row.name} ({row.plan}) [{id}] ".replace(" ()", "").upper()}
        for id, row in sorted(_packages(x).items())
    ]
    page = wire.page(x, query, "insurancepackages", len(told), default=DEFAULT_LIMIT)
    envelope = page.envelope("/misc/topinsurancepackages", told[page.offset : page.end])
    return wire.answer(envelope, profile=x.site.settings["type_profile"])


def add_insurance(x: Exchange) -> Reply:
    """A patient is insured: the answer is an array of one insurance, for who pays cash only `success`."""
    wire.practice_of(x)
    query = wire.Query(x)
    query.require("insurancepackageid", "sequencenumber")
    seen = _patient(x)
    id, order = query.integer("insurancepackageid"), query.integer("sequencenumber")
    row = _packages(x).get(id if id is not None else -1)
    if row is None:
        raise _unknown("insurancepackageid", query)
    if order is None or not 1 <= order <= 9:
        raise _unknown("sequencenumber", query)
    if any(one.status == "active" and one.order == order for one in seen.chart.coverages):
        raise Refusal("conflict", f"sequence {order} is taken", reason="sequence_taken")
    relation = query.integer("relationshiptoinsuredid") if query.text("relationshiptoinsuredid") else 1
    if relation not in _RELATIONS:
        raise _unknown("relationshiptoinsuredid", query)
    made = Coverage(
        ordinal=-1,
        key=row.key,
        payer=row.name,
        plan=row.plan,
        category=row.category,
        type=row.type,
        member_id=query.text("insuranceidnumber"),
        group=query.text("policynumber"),
        relationship=_RELATIONS[relation],
        order=order,
        status="active",
        start=query.day("issuedate") or words.local_day(x.at, seen.zone),
        end=query.day("expirationdate"),
    )
    told = insurance(*_written(x, seen, made))
    served = [(told.type, told.id)]
    profile = x.site.settings["type_profile"]
    return wire.answer({"success": True} if id == CASH else [told.payload], served, profile=profile)


def cancel_insurance(x: Exchange) -> Reply:
    """An insurance is over: that of a number, or that in force under a `sequencenumber`."""
    wire.practice_of(x)
    query = wire.Query(x)
    assert x.route is not None
    seen = _patient(x)
    active = [one for one in seen.chart.coverages if one.status == "active"]
    if len(x.route.args) > 2:
        named = x.route.args[2]
        found = [one for one in active if str(seen.item("coverage", one.ordinal)) == named]
    else:
        query.require("sequencenumber")
        named = query.text("sequencenumber") or ""
        found = [one for one in active if one.order == query.integer("sequencenumber")]
    if not found:
        raise Refusal("not_found", f"no insurance {named}", reason="no_id", id=named)
    today = max(words.local_day(x.at, seen.zone), found[0].start)
    told = insurance(*_written(x, seen, replace(found[0], status="cancelled", end=found[0].end or today)))
    return wire.answer({"success": True}, [(told.type, told.id)], profile=x.site.settings["type_profile"])


def _patient(x: Exchange) -> PatientChart:
    assert x.route is not None
    return patient_chart(x.site, wire.patient_number(x, x.route.args[1]))


def _packages(x: Exchange) -> Mapping[int, PayerRow]:
    """`insurancepackageid` → row of payers.csv."""
    rows = reversed(tables.PAYERS.values())  # of rows that share a plan the first one counts
    return {package(x.site, row.category, row.name, row.plan): row for row in rows}


def _written(x: Exchange, seen: PatientChart, record: Coverage) -> tuple[PatientChart, Coverage]:
    """The chart as it is afterwards, and the record as it is kept."""
    assert x.caller is not None
    kept = x.site.sandbox.world.write(record, seen.number, x.caller.client_id, x.at)
    return patient_chart(x.site, seen.number), kept


def _unknown(name: str, query: wire.Query) -> Refusal:
    value = query.text(name) or ""
    return Refusal("malformed", f"{name}={value}", reason="not_in_enum", value=value, parameter=name.upper())
