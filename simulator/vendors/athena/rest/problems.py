"""`/chart/{patientid}/problems`: SNOMED with a best-matching ICD-10 code; the state hides in events."""

from __future__ import annotations

from typing import Any

from simulator.exchange import Exchange, Reply
from simulator.population.answers import Loss
from simulator.population.records import Code, Condition
from simulator.vendor import Rendering
from simulator.vendors.athena import words
from simulator.vendors.athena.charts import PatientChart
from simulator.vendors.athena.rest import wire

DEFAULT_LIMIT = 1500


def list_problems(x: Exchange) -> Reply:
    """The problem list: active problems, with `showinactive=true` also those that ended or were hidden."""
    query = wire.Query(x)
    seen = wire.chart_of(x, query)
    is_full = query.flag("showinactive")

    def make() -> tuple[Any, Any]:
        listed = [problem(seen, one) for one in listed_problems(seen) if is_full or one.clinical_status == "active"]
        page = wire.page(x, query, "problems", len(listed), default=DEFAULT_LIMIT)
        shown = listed[page.offset : page.end]
        envelope = page.envelope(f"/chart/{seen.patientid}/problems", [one.payload for one in shown])
        envelope["lastupdated"] = words.us_day(x.sandbox.as_of)
        return envelope, [(one.type, one.id) for one in shown]

    return wire.kept(x, ("problems", seen.number, seen.stamp, query.key()), make)


def listed_problems(seen: PatientChart) -> list[Condition]:
    """The problem list of a chart; encounter diagnoses are told with their encounters."""
    return [one for one in seen.chart.conditions if one.category != "encounter-diagnosis"]


def problem(seen: PatientChart, condition: Condition) -> Rendering:
    """One problem."""
    problemid = seen.item("problem", condition.ordinal)
    snomed, icd10 = code_of(condition, "snomed"), code_of(condition, "icd10cm")
    losses = [
        words.day_only("recorded", condition.recorded, seen.zone),
        Loss("verification", "omitted"),
        Loss("sensitivity", "replaced", value=[]),
    ]
    payload: dict[str, Any] = {
        "problemid": problemid,
        "name": condition.text,
        "codeset": "SNOMED",
        "code": snomed.code if snomed else "",
        "events": events(seen, condition),
        "lastmodifieddatetime": words.offset_time(seen.updated(condition), words.EASTERN),
        "lastmodifiedby": "API-1001",
    }
    if icd10 and not seen.lacks_best_match(condition.ordinal):
        payload["bestmatchicd10code"] = icd10.code
    elif icd10:
        losses.append(Loss("codes", "replaced", value=told_codes(snomed)))
    if condition.clinical_status == "inactive":
        payload["deactivateddate"] = words.us_day(words.local_day(seen.updated(condition), seen.zone))
    return Rendering("problem", str(problemid), payload, (condition,), tuple((0, loss) for loss in losses))


def events(seen: PatientChart, condition: Condition) -> list[dict[str, Any]]:
    """The story of a problem, newest first: HIDDEN, END, START. There is no status field."""
    told: list[dict[str, Any]] = []
    if condition.clinical_status == "inactive":
        hidden = words.us_day(words.local_day(seen.updated(condition), seen.zone))
        told.append({"eventtype": "HIDDEN", "enddate": hidden})
    if condition.abatement is not None:
        told.append({"eventtype": "END", "enddate": words.us_day(condition.abatement)})
    elif condition.clinical_status == "resolved":
        told.append({"eventtype": "END"})
    onset = words.us_day(condition.onset)
    told.append(
        {
            "eventtype": "START",
            "source": "HISTORY",
            "status": "CHRONIC" if condition.abatement is None else "ACUTE",
            "startdate": onset,
            "onsetdate": onset,
            "createddate": words.us_day(words.local_day(condition.recorded, seen.zone)),
        }
    )
    return told


def code_of(condition: Condition, system: str) -> Code | None:
    """The condition's code in one system."""
    return next((code for code in condition.codes if code.system == system), None)


def told_codes(*codes: Code | None) -> list[dict[str, str]]:
    """Codes in canonical form."""
    return [{"system": code.system, "code": code.code} for code in codes if code is not None]
