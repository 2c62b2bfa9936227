"""FHIR AllergyIntolerance: RxNorm or only words; no type."""

from __future__ import annotations

from typing import Any

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.records import Allergy
from simulator.vendor import Rendering
from simulator.vendors.athena import ids
from simulator.vendors.athena.charts import PatientChart
from simulator.vendors.athena.fhir import shape


def id_of(seen: PatientChart, record: Allergy) -> str:
    return ids.fhir_id("allergy", seen.item("allergy", record.ordinal))


def allergy(seen: PatientChart, record: Allergy) -> Rendering:
    """One allergy, or the statement that there is none."""
    id = id_of(seen, record)
    has_code = record.none_known or (record.code.system == "rxnorm" and not seen.is_typed(record))
    losses = []
    if not has_code:
        losses.append(Loss("codes", "text_only"))
    losses.append(Loss("type", "omitted"))
    if record.none_known:
        losses += [Loss(field, "omitted") for field in ("category", "criticality")]
    payload = shape.resource(
        seen,
        "AllergyIntolerance",
        id,
        seen.updated(record),
        record.sensitivity,
        identifier=shape.identifier("ah-allergyintolerance", id),
        clinicalStatus=_status("allergy-clinical", record.clinical_status),
        verificationStatus=_status("allergy-verification", record.verification),
        category=[] if record.none_known else [record.category],
        criticality=None if record.none_known else record.criticality,
        code=build.concept([record.code] if has_code else [], record.text),
        patient=shape.subject(seen),
        onsetDateTime=build.day(record.onset) if record.onset else None,
        recordedDate=shape.local_time(record.recorded, seen.zone),
        recorder=shape.practitioner(seen, record.practitioner),
        reaction=[{"manifestation": [build.concept(one)], "description": one.display} for one in record.reactions],
    )
    return Rendering("AllergyIntolerance", id, payload, (record,), tuple((0, loss) for loss in losses))


def _status(system: str, code: str) -> dict[str, Any]:
    return build.simple(system, code, code.capitalize(), code.capitalize())
