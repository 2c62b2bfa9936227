"""Coverage: the payer by name, the plan and the group as classes.

Source: SOURCES.md, "Resources" (CS: what can be asked; the form: US Core, guess).
"""

from __future__ import annotations

from simulator.population.answers import Loss
from simulator.population.records import Coverage
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling

_CLASS = "http://terminology.hl7.org/CodeSystem/coverage-class"
_RELATIONSHIP = "http://terminology.hl7.org/CodeSystem/subscriber-relationship"
_PAYMENT = "https://nahdo.org/sopt"
_MEMBER = "http://terminology.hl7.org/CodeSystem/v2-0203"


def render(t: Telling, coverage: Coverage) -> Rendering:
    """One coverage, with what of it is told differently."""
    payload: Json = {"resourceType": "Coverage", "id": t.id("Coverage", coverage.ordinal)}
    if coverage.member_id is not None:
        payload["identifier"] = [
            {
                "type": dialect.told(_MEMBER, "MB", "Member Number"),
                "system": "urn:oid:2.16.840.1.113883.3.7204.1",
                "value": coverage.member_id,
            }
        ]
    payload["status"] = coverage.status
    if coverage.type is not None:
        coding = {"system": _PAYMENT, "code": coverage.type.code, "display": coverage.type.display}
        payload["type"] = {"coding": [coding], "text": coverage.type.display}
    if coverage.relationship == "self":
        payload |= {"policyHolder": t.subject, "subscriber": t.subject}
    if coverage.member_id is not None:
        payload["subscriberId"] = coverage.member_id
    payload |= {
        "beneficiary": t.subject,
        "relationship": dialect.told(_RELATIONSHIP, coverage.relationship, coverage.relationship.title()),
        "period": {"start": coverage.start.isoformat()}
        | ({"end": coverage.end.isoformat()} if coverage.end is not None else {}),
        "payor": [dialect.payer_reference(t.site, coverage.payer)],
    }
    classes = []
    if coverage.group is not None:
        classes.append({"type": dialect.told(_CLASS, "group", "Group"), "value": coverage.group})
    if coverage.plan:
        classes.append({"type": dialect.told(_CLASS, "plan", "Plan"), "value": coverage.plan, "name": coverage.plan})
    if classes:
        payload["class"] = classes
    payload["order"] = coverage.order
    return Rendering("Coverage", payload["id"], payload, (coverage,), ((0, Loss("category", "omitted")),))
