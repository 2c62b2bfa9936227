"""FHIR Coverage: a US Core coverage; found by its patient only, and filed under the provider group."""

from __future__ import annotations

from typing import Any

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.records import Coverage
from simulator.vendor import Rendering
from simulator.vendors.athena import ids
from simulator.vendors.athena.charts import PatientChart
from simulator.vendors.athena.fhir import shape

_CLASS = "http://terminology.hl7.org/CodeSystem/coverage-class"
_RELATIONSHIP = "http://terminology.hl7.org/CodeSystem/subscriber-relationship"
_SOPT = "https://nahdo.org/sopt"


def coverage_id(seen: PatientChart, record: Coverage) -> str:
    return ids.fhir_id("insurance", seen.item("coverage", record.ordinal))


def coverage(seen: PatientChart, record: Coverage) -> Rendering:
    """One coverage. Its number is that of the insurance over REST."""
    id = coverage_id(seen, record)
    payload = shape.resource(
        seen,
        "Coverage",
        id,
        seen.updated(record),
        (),
        identifier=[*shape.identifier("ah-coverage", id), *_member(record)],
        status=record.status,
        type=build.concept([{"system": _SOPT, "code": record.type.code, "display": record.type.display}])
        if record.type
        else None,
        subscriberId=record.member_id,
        beneficiary=shape.subject(seen),
        relationship=build.simple(_RELATIONSHIP, record.relationship, record.relationship.title()),
        period={
            "start": build.day(record.start),
            "end": build.day(record.end) if record.end else None,
        },
        payor=[{"display": record.payer}],
        **{"class": _classes(record)},
        order=record.order,
    )
    payload["extension"] = [payload["extension"][0], provider_group(seen)]
    losses = [Loss("category", "omitted"), Loss("dependent", "omitted")]
    if record.dependent is not None:
        losses.append(Loss("memberId", "also", value=[record.card_number]))
    return Rendering("Coverage", id, payload, (record,), tuple((0, loss) for loss in losses))


def provider_group(seen: PatientChart) -> dict[str, Any]:
    """The extension that says which provider group the record belongs to."""
    group = ids.fhir_id("PG", ids.provider_group(seen.home.index))
    return build.extension(shape.EXTENSION + "ah-provider-group", valueReference=build.reference("Organization", group))


def _member(record: Coverage) -> list[dict[str, Any]]:
    if record.card_number is None:
        return []
    return [{"type": build.simple("v2-identifier", "MB", "Member Number"), "value": record.card_number}]


def _classes(record: Coverage) -> list[dict[str, Any]]:
    told = (("group", "Group", record.group), ("plan", "Plan", record.plan))
    return [
        {"type": build.simple(_CLASS, code, display), "value": value, "name": value if code == "plan" else None}
        for code, display, value in told
        if value
    ]
