"""Problems, history, medications and results.

Source: SOURCES.md, "Web services" (WSIDX: paths; the members of the answers: guess).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from simulator.exchange import Reply
from simulator.population.records import Code, Condition, Medication, Observation
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.services.command import Command, Service, both, clock, local, slashed


def problems(c: Command) -> Reply:
    """The active problems."""
    t = c.patient()
    return c.told({"Problems": [_problem(t, one) for one in _problems(c, t) if one.clinical_status == "active"]})


def history(c: Command) -> Reply:
    """What was a problem once."""
    t = c.patient()
    return c.told({"MedicalHistory": [_problem(t, one) for one in _problems(c, t) if one.clinical_status != "active"]})


def medications(c: Command) -> Reply:
    """What the patient takes now."""
    t = c.patient()
    taken = (one for one in c.seen(t, "MedicationRequest", Medication) if one.status == "active")
    return c.told({"MedicationOrders": [_order(t, one) for one in dict.fromkeys(taken)]})


def results(c: Command) -> Reply:
    """Results of the laboratory since `FromInstant` or of `NumberDaysToLookBack` days, the latest first."""
    t = c.patient()
    back = c.text("NumberDaysToLookBack", "365")
    if not back.isdecimal():
        raise c.failed("INVALID-LOOKBACK", f"NumberDaysToLookBack is no number: {back}")
    since = c.x.at - timedelta(days=min(int(back), 36_500))
    found = [
        one for one in c.seen(t, "Observation", Observation) if one.category == "laboratory" and one.effective >= since
    ]
    found.sort(key=lambda one: one.effective, reverse=True)
    return c.told({"ResultComponents": [_component(t, one) for one in found]})


def _problems(c: Command, t: Telling) -> Iterable[Condition]:
    listed = (one for one in c.seen(t, "Condition", Condition) if one.category == "problem-list-item")
    return dict.fromkeys(listed)


def _codes(codes: Iterable[Code]) -> list[Json]:
    return [both(one.code, {"snomed": "SNOMED", "icd10cm": "ICD-10-CM"}.get(one.system, one.system)) for one in codes]


def _problem(t: Telling, one: Condition) -> Json:
    return {
        "Name": one.text,
        "ProblemIDs": [both(t.id("Condition", one.ordinal), "FHIR")],
        "DiagnosisIDs": _codes(one.codes),
        "NotedDate": slashed(one.onset),
        "ResolvedDate": slashed(one.abatement),
        "IsHospitalProblem": False,
        "Status": one.clinical_status.title(),
    }


def _order(t: Telling, one: Medication) -> Json:
    return {
        "Name": one.text,
        "IDs": [both(t.id("MedicationRequest", one.ordinal), "FHIR"), both(one.product.code, "RxNorm")],
        "Dose": f"{one.dosage.dose} {one.dosage.unit}",
        "Frequency": one.dosage.frequency_code,
        "Route": one.dosage.route_key,
        "Sig": one.dosage.text,
        "StartDate": slashed(one.start),
        "EndDate": slashed(one.stop),
        "OrderedBy": t.practitioner(one.practitioner)["display"],
        "IsPRN": one.dosage.as_needed,
    }


def _component(t: Telling, one: Observation) -> Json:
    taken, issued = (local(at, t.zone(one.encounter)) for at in (one.effective, one.issued))
    value = one.value_text or (one.coded.display if one.coded else "")
    if one.value is not None:
        value = f"{one.comparator or ''}{one.value}"
    return {
        "ComponentName": one.text,
        "ComponentIDs": [both(one.code.code, "LOINC")],
        "Value": value,
        "Units": one.unit or "",
        "Abnormality": {"N": "", None: ""}.get(one.interpretation, one.interpretation),
        "ReferenceRange": f"{one.low if one.low is not None else ''}-{one.high if one.high is not None else ''}".strip(
            "-"
        ),
        "Status": {"final": "Final", "preliminary": "Preliminary", "corrected": "Corrected"}.get(
            one.status, one.status
        ),
        "CollectionDate": slashed(taken.date()),
        "CollectionTime": clock(taken),
        "ResultDate": slashed(issued.date()),
        "ResultTime": clock(issued),
        "ResultIDs": [both(t.id("Observation", one.ordinal, "f"), "FHIR")],
    }


SERVICES = (
    Service("GetActiveProblems", ("2011",), "Clinical/Patient/GETACTIVEPROBLEMS/activeProblems", ("Condition", "s"),
            problems, ("GET", "POST")),
    Service("GetMedicalHistory", ("2010",), "Clinical/Patient/GETMEDICALHISTORY/MedicalHistory", ("Condition", "s"),
            history, ("GET",)),
    Service("GetCurrentMedications", ("2013",), "Clinical/Utility/GetCurrentMedications/CurrentMedications",
            ("MedicationRequest", "s"), medications),
    Service("GetPatientResultComponents", ("2014",), "Results/Utility/GETPATIENTRESULTCOMPONENTS/ResultComponents",
            ("Observation", "s"), results),
)  # fmt: skip
