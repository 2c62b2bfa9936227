"""FHIR Condition: problems with SNOMED only; encounter diagnoses with SNOMED and ICD-10-CM, but no clinical status."""

from __future__ import annotations

from typing import Any

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.records import Condition
from simulator.vendor import Rendering
from simulator.vendors.athena import ids
from simulator.vendors.athena.charts import PatientChart
from simulator.vendors.athena.fhir import shape
from simulator.vendors.athena.rest import problems

_DISPLAY = {
    "problem-list-item": "Problem List Item",
    "encounter-diagnosis": "Encounter Diagnosis",
    "active": "Active",
    "inactive": "Inactive",
    "resolved": "Resolved",
    "confirmed": "Confirmed",
}


def is_encounter_diagnosis(record: Condition) -> bool:
    return record.category == "encounter-diagnosis"


def id_of(seen: PatientChart, record: Condition) -> str:
    """`Problem-…` or `EncounterDx-…`."""
    type = "EncounterDx" if is_encounter_diagnosis(record) else "Problem"
    return ids.fhir_id(type, seen.item("problem", record.ordinal))


def condition(seen: PatientChart, record: Condition) -> Rendering:
    """One condition."""
    is_diagnosis = is_encounter_diagnosis(record)
    id = id_of(seen, record)
    codes = [code for code in record.codes if is_diagnosis or code.system == "snomed"]
    own: dict[str, Any] = {}
    losses = []
    if is_diagnosis:
        losses = [Loss(field, "omitted") for field in ("clinicalStatus", "onset", "abatement")]
    else:
        own = {
            "clinicalStatus": _concept("condition-clinical", record.clinical_status),
            "onsetDateTime": build.day(record.onset),
            "abatementDateTime": build.day(record.abatement) if record.abatement else None,
        }
        if len(codes) < len(record.codes):
            losses.append(Loss("codes", "replaced", value=problems.told_codes(*codes)))
    category = "encounter-diagnosis" if is_diagnosis else "problem-list-item"
    if category != record.category:
        losses.append(Loss("category", "replaced", value=category))
    payload = shape.resource(
        seen,
        "Condition",
        id,
        seen.updated(record),
        record.sensitivity,
        identifier=shape.identifier("ah-condition", id),
        verificationStatus=_concept("condition-verification", record.verification),
        category=[_concept("condition-category", category)],
        code=build.concept(codes, record.text),
        subject=shape.subject(seen),
        encounter=shape.encounter(seen, record.encounter) if is_diagnosis else None,
        recordedDate=shape.local_time(record.recorded, seen.zone),
        recorder=shape.practitioner(seen, record.practitioner),
        **own,
    )
    return Rendering("Condition", id, payload, (record,), tuple((0, loss) for loss in losses))


def _concept(system: str, code: str) -> dict[str, Any]:
    display = _DISPLAY.get(code, code)
    return build.simple(system, code, display, display)
