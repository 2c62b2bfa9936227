"""Coverage: the payer by name, the plan and the group as classes.

Source: SOURCES.md, "Resources" (CS: what can be asked; the form: US Core, guess).
"""

from __future__ import annotations

from simulator.population.answers import Loss
from simulator.population.records import Coverage
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.resources.household import reference, relatives

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
                "value": coverage.card_number,
            }
        ]
    payload["status"] = coverage.status
    if coverage.type is not None:
        coding = {"system": _PAYMENT, "code": coverage.type.code, "display": coverage.type.display}
        payload["type"] = {"coding": [coding], "text": coverage.type.display}
    holder = t.subject if coverage.relationship == "self" else _holder(t, coverage)
    if holder is not None:
        payload |= {"policyHolder": holder, "subscriber": holder}
    if coverage.member_id is not None:
        payload["subscriberId"] = coverage.member_id
    if coverage.dependent is not None:
        payload["dependent"] = coverage.dependent
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
    losses = [Loss("category", "omitted")]
    if coverage.dependent is not None:
        losses.append(Loss("memberId", "also", value=[coverage.card_number]))
    return Rendering("Coverage", payload["id"], payload, (coverage,), tuple((0, loss) for loss in losses))


def _holder(t: Telling, coverage: Coverage) -> Json | None:
    """The one of the household who holds the policy; without reference when there is no such related person."""
    if coverage.holder is None:
        return None
    found = next(((place, one) for place, one in relatives(t) if one.number == coverage.holder), None)
    if found is not None:
        return reference(t, *found)
    person = t.world.present_person(coverage.holder)
    return None if person is None else {"display": f"{person.given[0]} {person.family}"}
