"""FHIR Observation: vital signs dated by the day in athena's units, laboratory results often without a code."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.records import Code, Observation
from simulator.vendor import Rendering
from simulator.vendors.athena import ids, words
from simulator.vendors.athena.charts import PatientChart
from simulator.vendors.athena.fhir import shape
from simulator.vendors.athena.rest.labresults import range_text

_BLOOD_PRESSURE = Code("loinc", "85354-9", "Blood pressure panel with all children optional")
_TYPES = {
    "laboratory": "resultamb",
    "vital-signs": "vitalamb",
    "social-history": "socialhistory",
    "survey": "screening",
}
_DISPLAY = {
    "laboratory": "Laboratory",
    "vital-signs": "Vital Signs",
    "social-history": "Social History",
    "survey": "Survey",
}
_FLAGS = {"N": "Normal", "H": "High", "L": "Low", "HH": "Critical high", "LL": "Critical low", "A": "Abnormal"}


def id_of(seen: PatientChart, record: Observation) -> str:
    """`resultamb-…`, `vitalamb-…`, …: by category."""
    return ids.fhir_id(_TYPES.get(record.category, "observation"), seen.item("observation", record.ordinal))


def tellings(seen: PatientChart) -> list[tuple[Observation, ...]]:
    """The observations as resources hold them: one each, but a blood pressure holds both its values."""
    groups: dict[int, list[Observation]] = {}
    ordinals = {record.ordinal for record in seen.chart.observations}
    for record in seen.chart.observations:
        head = record.group if record.group is not None and record.group in ordinals else record.ordinal
        groups.setdefault(head, []).append(record)
    return [tuple(sorted(records, key=lambda one: one.group is not None)) for records in groups.values()]


def observation(seen: PatientChart, records: tuple[Observation, ...]) -> Rendering:
    """One Observation of one record, or of a blood pressure's two."""
    first = records[0]
    id = id_of(seen, first)
    is_vital = first.category == "vital-signs"
    is_text_only = seen.is_text_only(first)
    own: dict[str, Any]
    losses: list[tuple[int, Loss]] = []
    if len(records) > 1:
        own = {"code": build.concept(first.panel or _BLOOD_PRESSURE), "component": []}
        for place, record in enumerate(records):
            value, loss = _value(record)
            own["component"].append({"code": build.concept(record.code, record.text), **value})
            losses += [(place, one) for one in (*loss, *_vital_losses(seen, record, is_vital))]
    else:
        value, loss = _value(first)
        code = build.concept([] if is_text_only else [first.code], first.text)
        own = {"code": code, **value, **_flags(first, is_text_only)}
        losses = [(0, one) for one in (*loss, *_vital_losses(seen, first, is_vital), Loss("panel", "omitted"))]
        if is_text_only:
            losses.append((0, Loss("codes", "text_only")))
    payload = shape.resource(
        seen,
        "Observation",
        id,
        seen.updated(*records),
        first.sensitivity,
        identifier=shape.identifier("ah-observation", id),
        status=first.status,
        category=[build.simple("observation-category", first.category, _DISPLAY.get(first.category, ""))],
        subject=shape.subject(seen),
        encounter=shape.encounter(seen, first.encounter),
        effectiveDateTime=build.day(first.effective, seen.zone)
        if is_vital
        else shape.local_time(first.effective, seen.zone),
        issued=build.instant(first.issued, seen.zone, fraction=3),
        **own,
    )
    return Rendering("Observation", id, payload, records, tuple(losses))


def _value(record: Observation) -> tuple[dict[str, Any], list[Loss]]:
    """The value and what rounding took of it."""
    if record.value is not None:
        sign = words.VITALS.get(record.code.code) if record.category == "vital-signs" else None
        if sign is None:
            return {"valueQuantity": _quantity(record.value, record.unit, record.unit, record.comparator)}, []
        told, step = words.told_vital(record.unit, sign.ucum, record.value)
        quantity = _quantity(told, sign.unit_name, sign.ucum, record.comparator)
        return {"valueQuantity": quantity}, [Loss("value.number", "rounded", step)] if step else []
    if record.coded is not None:
        return {"valueCodeableConcept": build.concept(record.coded, record.coded.display)}, []
    return ({"valueString": record.value_text} if record.value_text else {}), []


def _quantity(value: Decimal, unit: str | None, ucum: str | None, comparator: str | None) -> dict[str, Any]:
    return build.quantity(value, unit, ucum, comparator)


def _vital_losses(seen: PatientChart, record: Observation, is_vital: bool) -> list[Loss]:
    if not is_vital:
        return []
    day = words.day_only("effective", record.effective, seen.zone)
    return [day, Loss("interpretation", "omitted"), Loss("range", "omitted")]


def _flags(record: Observation, is_text_only: bool) -> dict[str, Any]:
    """Interpretation and range of a result; the range of an uncoded one stands in words only."""
    if record.category == "vital-signs":
        return {}
    told: dict[str, Any] = {}
    if record.interpretation:
        shown = _FLAGS.get(record.interpretation, record.interpretation)
        told["interpretation"] = [build.simple("v3-interpretation", record.interpretation, shown)]
    text = range_text(record.low, record.high)
    if text:
        reference: dict[str, Any] = {} if is_text_only else _limits(record)
        told["referenceRange"] = [{**reference, "text": text}]
    return told


def _limits(record: Observation) -> dict[str, Any]:
    pairs = (("low", record.low), ("high", record.high))
    return {name: build.quantity(value, record.unit, record.unit) for name, value in pairs if value is not None}
