"""`/chart/{patientid}/vitals`: groups, in them readings, in them values: strings in grams, cm and Fahrenheit."""

from __future__ import annotations

from typing import Any

from simulator.exchange import Exchange, Reply
from simulator.fhir.build import plain
from simulator.population.answers import Loss
from simulator.population.records import Observation
from simulator.vendor import Rendering
from simulator.vendors.athena import words
from simulator.vendors.athena.charts import PatientChart
from simulator.vendors.athena.rest import wire

DEFAULT_LIMIT = 1500


def list_vitals(x: Exchange) -> Reply:
    """The vital signs, grouped; a reading that holds several values (a blood pressure) is one inner list."""
    query = wire.Query(x)
    seen = wire.chart_of(x, query)
    since, until = query.day("startdate"), query.day("enddate")

    def make() -> tuple[Any, Any]:
        groups: dict[str, dict[str, Any]] = {}
        served: dict[str, list[tuple[str, str]]] = {}
        for reading in readings(seen):
            day = words.local_day(reading[0].effective, seen.zone)
            if (since and day < since) or (until and day > until):
                continue
            told = [vital(seen, one) for one in reading]
            sign = sign_of(seen, reading[0])
            group = groups.setdefault(
                sign.key,
                {"key": sign.key, "abbreviation": sign.abbreviation, "ordering": sign.ordering, "readings": []},
            )
            group["readings"].append([one.payload for one in told])
            served.setdefault(sign.key, []).extend((one.type, one.id) for one in told)
        listed = sorted(groups.values(), key=lambda group: int(group["ordering"]))
        page = wire.page(x, query, "vitals", len(listed), default=DEFAULT_LIMIT)
        shown = listed[page.offset : page.end]
        told_here = [pair for group in shown for pair in served[group["key"]]]
        return page.envelope(f"/chart/{seen.patientid}/vitals", shown), told_here

    return wire.kept(x, ("vitals", seen.number, seen.stamp, query.key()), make)


def is_vital(record: Observation) -> bool:
    """Whether athena keeps an observation with the vital signs."""
    return record.code.code in words.VITALS and record.value is not None


def readings(seen: PatientChart) -> list[list[Observation]]:
    """The vital signs of a chart, those of one reading together, oldest first."""
    found: dict[int, list[Observation]] = {}
    for record in seen.chart.observations:
        if is_vital(record):
            found.setdefault(record.ordinal if record.group is None else record.group, []).append(record)
    return list(found.values())


def sign_of(seen: PatientChart, record: Observation) -> words.Vital:
    """Which vital sign it is; heart rates come in either of two groups."""
    sign = words.VITALS[record.code.code]
    return words.HEART_RATE if sign.key == "PULSE" and not seen.has_pulse else sign


def vital(seen: PatientChart, record: Observation) -> Rendering:
    """One value of one reading."""
    assert record.value is not None
    sign = sign_of(seen, record)
    vitalid = seen.item("observation", record.ordinal)
    value, step = words.told_vital(record.unit, sign.ucum, record.value)
    payload: dict[str, Any] = {
        "vitalid": vitalid,
        "clinicalelementid": sign.element,
        "codeset": "LOINC",
        "code": record.code.code,
        "codedescription": record.text,
        "value": plain(value),
        "readingid": 0,
        "readingtaken": words.us_day(words.local_day(record.effective, seen.zone)),
        "createddate": words.us_time(record.issued, seen.zone),
        "createdby": "API-1001",
        "isgraphable": True,
        "source": "FLOWSHEET" if record.encounter is None else "ENCOUNTER",
    }
    if sign.unit:
        payload["unit"] = sign.unit
    if record.encounter is not None:
        payload["sourceid"] = seen.item("encounter", record.encounter)
    return Rendering(
        "vital", str(vitalid), payload, (record,), tuple((0, loss) for loss in _losses(seen, record, step))
    )


def _losses(seen: PatientChart, record: Observation, step: str | None) -> list[Loss]:
    losses = [
        words.day_only("effective", record.effective, seen.zone),
        words.zone_lost("issued", record.issued, seen.zone),
        *(Loss(field, "omitted") for field in ("status", "interpretation", "range", "panel")),
        Loss("sensitivity", "replaced", value=[]),
    ]
    if step is not None:
        losses.append(Loss("value.number", "rounded", step))
    if record.category != "vital-signs":
        losses.append(Loss("category", "replaced", value="vital-signs"))
    if record.comparator:
        losses.append(Loss("value.comparator", "omitted"))
    return losses
