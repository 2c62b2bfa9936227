"""Observation.Create: vital signs, each filed to a row of a flowsheet that exists and can be written.

Source: SOURCES.md, "Writing" (MAP: what comes back; SPEC: final only, row, encounter; numbers and limits: guess).
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from simulator.fhir import build, writes
from simulator.fhir.writes import Json
from simulator.population import tables, units
from simulator.population.chart.observations import interpretation
from simulator.population.records import Encounter, Observation
from simulator.population.tables.rows import LabRow
from simulator.vendors.epic import dialect, filed
from simulator.vendors.epic.dialect import Telling
from simulator.vendors.epic.filing.filing import Filing
from simulator.vendors.epic.ids import Named
from simulator.vendors.epic.resources import flowsheet

_PRESSURE = ("sbp", "dbp")
_CALCULATED = ("bmi",)
_SUBTYPES = {
    "LDA": "LDA", "LDA-property": "LDA Properties", "LDA-assessment": "LDA Assessments", "sdoh": "SDOH Assessments",
    "survey": "Assessments", "imaging": "DICOM Image Characteristics", "core-characteristics": "Core Characteristics",
    "laboratory": "Results", "social-history": "Social History",
}  # fmt: skip
_PAIR = re.compile(r"\s*(\d{1,3})\s*/\s*(\d{1,3})\s*")
# What a hand can measure; outside of it the row takes nothing. Guess.
_LIMITS: dict[str, tuple[int, int]] = {
    "sbp": (0, 350), "dbp": (0, 250), "hr": (0, 400), "rr": (0, 150), "temp": (20, 47), "spo2": (0, 100),
    "weight": (0, 700), "height": (10, 280), "head_circ": (15, 80),
}  # fmt: skip


def create(f: Filing) -> Observation:
    """Files a vital sign; of a blood pressure, both numbers."""
    t = f.patient("subject")
    _check_kind(f)
    keys = _rows(f, t)
    at = f.instant("effectiveDateTime")
    reference = f.resource.get("encounter")
    if reference is None and f.x.site.settings["vitals_need_encounter"]:
        raise f.missing("encounter")
    encounter = f.encounter(t, "encounter", reference, closed="59189")
    values = _values(f, keys)
    for one in t.chart.observations:
        if (one.key, one.effective) == (keys[0], at):
            raise f.duplicate("The flowsheet row has a value at this instant.")
    group = None
    kept = []
    for key in keys:
        kept.append(f.keep(_record(f, t, tables.LABS[key], values[key], at, encounter, group)))
        group = kept[0].ordinal
    return kept[0]


def update(f: Filing, wanted: Named) -> Observation:
    """Another value for a vital sign that came this way; everything else about it stays (guess)."""
    t = f.patient("subject")
    held = {one.ordinal: one for one in t.chart.observations}
    first = held.get(wanted.ordinal)
    if first is None or wanted.number != f.number or filed.by(t, first) is None:
        raise f.forbid("Only what was filed through this interface can be changed through it.")
    _check_kind(f)
    keys = _rows(f, t)
    if keys[0] != first.key:
        raise f.forbid("The flowsheet row cannot be changed.", "code")
    values = _values(f, keys)
    parts = [first, *(one for one in held.values() if len(keys) > 1 and one.group == first.ordinal)]
    for one in parts:
        changed = replace(one, value=values[one.key], status="corrected", issued=f.x.at)
        flag = interpretation(tables.LABS[one.key], values[one.key], t.person.sex)
        f.keep(replace(changed, interpretation=flag), "corrected")
    return first


def _check_kind(f: Filing) -> None:
    """Final, and a vital sign: of the other sub-resources a registration here holds none."""
    f.code("status", ("final",))
    named = [code for one in f.need("category") for _, code, _ in writes.codings(one)]
    if "vital-signs" not in named:
        other = next((one for one in named if one in _SUBTYPES), None)
        if other is not None:
            raise f.unlicensed(_SUBTYPES[other])
        raise f.bad_value("category", next(iter(named), ""))


def _rows(f: Filing, t: Telling) -> tuple[str, ...]:
    """The rows of labs.csv that the code names: by Epic's row, by its FHIR id, or by LOINC."""
    concept = f.need("code")
    for system, code, _ in writes.codings(concept):
        key = _row_of(t, system, code)
        if key in _CALCULATED:
            raise f.forbid("The flowsheet row is calculated.", "code", "59187")
        if key is not None:
            return _PRESSURE if key == "sbp" else (key,)
    raise f.forbid("There is no flowsheet row for the code, or it is not to be filed to.", "code", "59187")


def _row_of(t: Telling, system: str, code: str) -> str | None:
    for key, row in flowsheet.ROWS.items():
        own = tables.LABS[key]
        loincs = row.loincs if key == "sbp" else (own.code.code, *row.loincs)
        if system == build.SYSTEMS["loinc"] and code in loincs:
            return key
        if system == dialect.local("2.707679") and code == row.number:
            return key
        if system == flowsheet.ROW_ID and code == flowsheet.row_id(t.key, row):
            return key
    return None


def _values(f: Filing, keys: tuple[str, ...]) -> dict[str, Decimal]:
    if len(keys) > 1:
        return _pressure(f)
    (key,) = keys
    return {key: _amount(f, tables.LABS[key], f.resource.get("valueQuantity"), "valueQuantity")}


def _pressure(f: Filing) -> dict[str, Decimal]:
    """Two components, or both numbers in a string: "118/77" (doc)."""
    told = f.resource.get("valueString")
    if told is not None:
        pair = _PAIR.fullmatch(told)
        if pair is None:
            raise f.forbid(f"Not a blood pressure: {told}", "valueString", "59188")
        return {
            key: _within(f, key, Decimal(text), "valueString")
            for key, text in zip(_PRESSURE, pair.groups(), strict=True)
        }
    by_code = {
        code: part
        for part in f.resource.get("component", [])
        for system, code, _ in writes.codings(part.get("code"))
        if system == build.SYSTEMS["loinc"]
    }
    rows = [tables.LABS[key] for key in _PRESSURE]
    return {
        row.key: _amount(f, row, by_code.get(row.code.code, {}).get("valueQuantity"), "component.valueQuantity")
        for row in rows
    }


def _amount(f: Filing, row: LabRow, quantity: Json | None, element: str) -> Decimal:
    """The number in the unit of the row; what is in another unit is converted to as many digits as the row has."""
    if quantity is None or "value" not in quantity:
        raise f.missing(element)
    number = Decimal(quantity["value"])
    if abs(number.adjusted()) > 12:
        raise f.forbid(f"Not a value of the row: {number}", element, "59188")
    unit = str(quantity.get("code") or quantity.get("unit") or "")
    unit = units.SPELLINGS.get(unit, unit)
    if unit != row.unit:
        converted = units.convert(number, unit, row.unit or "", row.key)
        if converted is None:
            raise f.forbid(f"Not a unit of the row: {unit or 'none'}", element, "59188")
        number = round(converted, row.decimals)
    return _within(f, row.key, number, element)


def _within(f: Filing, key: str, number: Decimal, element: str) -> Decimal:
    low, high = _LIMITS[key]
    if not low <= number <= high:
        raise f.forbid(f"Outside of what the row takes: {number}", element, "59188")
    return number


def _record(
    f: Filing, t: Telling, row: LabRow, number: Decimal, at: datetime, encounter: Encounter | None, group: int | None
) -> Observation:
    sex = t.person.sex
    panel = tables.PANELS["bp"] if row.key in _PRESSURE else None
    seen_by = encounter.practitioner if encounter is not None else t.person.practitioner
    return Observation(
        ordinal=-1,
        key=row.key,
        category="vital-signs",
        code=row.code,
        text=row.short,
        status="final",
        effective=at,
        issued=f.x.at,
        value=number,
        unit=row.unit,
        coded=None,
        value_text=None,
        comparator=None,
        interpretation=interpretation(row, number, sex),
        low=row.low[sex],
        high=row.high[sex],
        panel=panel.code if panel is not None else None,
        panel_key=panel.key if panel is not None else None,
        group=group,
        encounter=encounter.ordinal if encounter is not None else None,
        practitioner=f.practitioner(seen_by),
        sensitivity=row.sensitivity,
    )
