"""`/chart/{patientid}/surgicalhistory`: operations, in words and by the day. What else was done is told by FHIR."""

from __future__ import annotations

from typing import Any

from simulator.exchange import Exchange, Reply
from simulator.population.answers import Loss
from simulator.population.records import Procedure
from simulator.vendor import Rendering
from simulator.vendors.athena import words
from simulator.vendors.athena.charts import PatientChart
from simulator.vendors.athena.rest import wire

_OPERATIONS = frozenset({
    "pci", "cabg", "cath", "cardioversion", "lumpectomy", "prostate_biopsy", "knee_replacement", "hip_replacement",
    "appendectomy", "cholecystectomy", "colonoscopy", "delivery",
})  # fmt: skip
"""Rows of procedures.csv that a surgical history holds."""


def list_surgicalhistory(x: Exchange) -> Reply:
    """The surgical history of a chart, newest first. The list is called `procedures`, and is not paged."""
    query = wire.Query(x)
    seen = wire.chart_of(x, query)

    def make() -> tuple[Any, Any]:
        told = [surgery(seen, one) for one in reversed(operations(seen))]
        served = [(one.type, one.id) for one in told]
        return {"procedures": [one.payload for one in told], "sectionnote": ""}, served

    return wire.kept(x, ("surgicalhistory", seen.number, seen.stamp, query.key()), make)


def operations(seen: PatientChart) -> list[Procedure]:
    """The operations of a chart, oldest first."""
    return [one for one in seen.chart.procedures if one.key in _OPERATIONS]


def surgery(seen: PatientChart, record: Procedure) -> Rendering:
    """One operation."""
    procedureid = str(seen.item("procedure", record.ordinal))
    zone = seen.facility(record.facility).zone
    payload = {
        "procedureid": procedureid,
        "description": record.text,
        "proceduredate": words.us_day(words.local_day(record.start, zone)),
        "source": "CLINICALS",
    }
    losses = [
        words.day_only("performed", record.start, zone),
        Loss("codes", "text_only"),
        *(Loss(field, "omitted") for field in ("status", "end", "reason")),
        Loss("sensitivity", "replaced", value=[]),
    ]
    return Rendering("procedure", procedureid, payload, (record,), tuple((0, loss) for loss in losses))
