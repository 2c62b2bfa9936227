"""`/chart/{patientid}/labresults` and `/analytes`: results with analytes; values are strings, times are naive, and the
LOINC of a single test stands on the result, not on its analyte."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
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
_HL7_NAMES = {"H": "High", "L": "Low", "HH": "High alert", "LL": "Low alert", "A": "Abnormal", "N": "Normal"}


@dataclass(frozen=True, slots=True)
class LabResult:
    """What one laboratory report holds: the analytes of one panel at one time, or one single test."""

    records: tuple[Observation, ...]

    @property
    def first(self) -> Observation:
        return self.records[0]

    @property
    def is_single(self) -> bool:
        """Whether it is one test that belongs to no panel: then the result carries the test's LOINC."""
        return self.first.panel is None


def list_labresults(x: Exchange) -> Reply:
    """The laboratory results, newest first. The list is called `results`."""
    query = wire.Query(x)
    seen = wire.chart_of(x, query)
    since, until = query.day("startdate"), query.day("enddate")
    analyte_name = query.text("analytename")
    if analyte_name is not None:
        raise wire.gap("labresults by analytename")

    def make() -> tuple[Any, Any]:
        listed = []
        for result in reversed(results(seen)):
            day = words.local_day(result.first.effective, seen.zone)
            if not ((since and day < since) or (until and day > until)):
                listed.append(result)
        page = wire.page(x, query, "results", len(listed), default=DEFAULT_LIMIT)
        shown, served = [], []
        for result in listed[page.offset : page.end]:
            told = [analyte(seen, result, one) for one in result.records]
            shown.append(labresult(seen, result, [one.payload for one in told]))
            served += [(one.type, one.id) for one in told]
        return page.envelope(f"/chart/{seen.patientid}/labresults", shown), served

    return wire.kept(x, ("labresults", seen.number, seen.stamp, query.key()), make)


def list_analytes(x: Exchange) -> Reply:
    """The same values flat, oldest first, and poorer: a day, a name, a value; no units, no LOINC, no ranges."""
    query = wire.Query(x)
    seen = wire.chart_of(x, query)

    def make() -> tuple[Any, Any]:
        told = [analyte(seen, result, one) for result in results(seen) for one in result.records]
        page = wire.page(x, query, "analytes", len(told), default=DEFAULT_LIMIT)
        shown = told[page.offset : page.end]
        kept = ("analyteid", "analytename", "analytedate", "value", "description")
        poorer = [
            {**{name: one.payload[name] for name in kept}, "labresultstatus": one.payload["resultstatus"]}
            for one in shown
        ]
        envelope = page.envelope(f"/chart/{seen.patientid}/analytes", poorer)
        return envelope, [(one.type, one.id) for one in shown]

    return wire.kept(x, ("analytes", seen.number, seen.stamp, query.key()), make)


def results(seen: PatientChart) -> list[LabResult]:
    """The laboratory results of a chart, oldest first: analytes of one panel and time make one."""
    found: dict[Any, list[Observation]] = {}
    for record in seen.chart.observations:
        if record.category == "laboratory":
            panel = record.panel.code if record.panel else f"#{record.ordinal}"
            found.setdefault((panel, record.effective, record.issued), []).append(record)
    return [LabResult(tuple(records)) for records in found.values()]


def result_of(seen: PatientChart, record: Observation) -> LabResult:
    """The result that an analyte belongs to."""
    return next(result for result in results(seen) if record in result.records)


def labresult(seen: PatientChart, result: LabResult, analytes: list[dict[str, Any]]) -> dict[str, Any]:
    """The envelope of one result."""
    first = result.first
    code = first.code if result.is_single or first.panel is None else first.panel
    return {
        "labresultid": seen.item("labresult", first.ordinal),
        **({} if result.is_single and seen.lacks_loinc(first) else {"labresultloinc": code.code}),
        "description": first.text if result.is_single else code.display,
        "labresultdate": words.us_day(words.local_day(first.effective, seen.zone)),
        "labresultdatetime": words.us_time(first.effective, seen.zone),
        "createddate": words.us_day(words.local_day(first.issued, seen.zone)),
        "createddatetime": words.us_time(first.issued, seen.zone),
        "resultstatus": first.status,
        "providerid": first.practitioner + 1,
        "priority": "2",
        "isreviewedbyprovider": "1",
        "attachmentexists": False,
        "analytes": analytes,
    }


def analyte(seen: PatientChart, result: LabResult, record: Observation) -> Rendering:
    """One analyte of one result."""
    analyteid = seen.item("observation", record.ordinal)
    has_loinc, is_coded = _loinc(seen, result, record)
    payload: dict[str, Any] = {
        "analyteid": analyteid,
        "analytename": record.text,
        "description": record.code.display if is_coded else "LOINC",  # the literal word, where there is no code: seen
        "analytedate": words.us_day(words.local_day(record.effective, seen.zone)),
        "analytedatetime": words.us_time(record.effective, seen.zone),
        "resultstatus": record.status,
        "value": value_text(record),
        **_optional(record),
    }
    if has_loinc:
        payload["loinc"] = record.code.code
    losses = [
        words.zone_lost("effective", record.effective, seen.zone),
        words.zone_lost("issued", record.issued, seen.zone),
        Loss("sensitivity", "replaced", value=[]),
    ]
    if not is_coded:
        losses.append(Loss("codes", "text_only"))
    if record.value is None and record.coded is not None:
        losses.append(Loss("value", "replaced", value={"text": record.coded.display}))
    return Rendering("analyte", str(analyteid), payload, (record,), tuple((0, loss) for loss in losses))


def _loinc(seen: PatientChart, result: LabResult, record: Observation) -> tuple[bool, bool]:
    """(whether the analyte carries a LOINC, whether its LOINC can be known at all)."""
    is_alone = not result.is_single and len(result.records) == 1  # the panel's LOINC would be taken for its own
    is_known = is_alone or not seen.lacks_loinc(record)
    return is_known and not result.is_single, is_known


def _optional(record: Observation) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if record.value is not None and record.unit:
        told["units"] = words.LAB_UNITS.get(record.unit, record.unit)
    if reference := range_text(record.low, record.high):
        told["referencerange"] = reference
    if record.interpretation == "N":
        told |= {"abnormalflag": "normal", "status": "normal"}
    elif record.interpretation:
        told |= {
            "abnormalflag": "abnormal",
            "status": "abnormal",
            "abnormalhl7code": record.interpretation,
            "abnormalhl7name": _HL7_NAMES.get(record.interpretation, record.interpretation),
        }
    return told


def value_text(record: Observation) -> str:
    """Every value as a string: `7.10`, `<20`, `Positive`, or whatever the laboratory wrote."""
    if record.value is not None:
        return f"{record.comparator or ''}{plain(record.value)}"
    if record.coded is not None:
        return record.coded.display
    return record.value_text or ""


def range_text(low: Decimal | None, high: Decimal | None) -> str:
    """A reference range as laboratories write it: `70-99`, `<5.7`, `>40`."""
    if low is not None and high is not None:
        return f"{plain(low)}-{plain(high)}"
    if high is not None:
        return f"<{plain(high)}"
    return f">{plain(low)}" if low is not None else ""
