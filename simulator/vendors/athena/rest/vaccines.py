"""`/chart/{patientid}/vaccines`: what was given, by CVX."""

from __future__ import annotations

from typing import Any

from simulator.exchange import Exchange, Reply
from simulator.population.answers import Loss
from simulator.population.records import Immunization
from simulator.vendor import Rendering
from simulator.vendors.athena import words
from simulator.vendors.athena.charts import PatientChart
from simulator.vendors.athena.rest import wire

DEFAULT_LIMIT = 1500
STATUS = {"completed": "ADMINISTERED", "not-done": "REFUSED", "entered-in-error": "DELETED"}


def list_vaccines(x: Exchange) -> Reply:
    """The vaccines of a chart, newest first."""
    query = wire.Query(x)
    seen = wire.chart_of(x, query)

    def make() -> tuple[Any, Any]:
        listed = [vaccine(seen, one) for one in reversed(seen.chart.immunizations)]
        page = wire.page(x, query, "vaccines", len(listed), default=DEFAULT_LIMIT)
        shown = listed[page.offset : page.end]
        envelope = page.envelope(f"/chart/{seen.patientid}/vaccines", [one.payload for one in shown])
        return envelope, [(one.type, one.id) for one in shown]

    return wire.kept(x, ("vaccines", seen.number, seen.stamp, query.key()), make)


def vaccine(seen: PatientChart, record: Immunization) -> Rendering:
    """One vaccine."""
    vaccineid = f"H{seen.item('immunization', record.ordinal)}"
    payload: dict[str, Any] = {
        "vaccineid": vaccineid,
        "cvx": record.code.code,
        "description": record.text,
        "administerdate": words.us_day(record.day),
        "status": STATUS.get(record.status, record.status.upper()),
        "vaccinetype": "HISTORICAL",
        "genusname": record.code.display,
    }
    if record.lot:
        payload["lotnumber"] = record.lot
    return Rendering("vaccine", vaccineid, payload, (record,), ((0, Loss("sensitivity", "replaced", value=[])),))
