"""What the FHIR server searches by: the parameters of each type, and which of them must be there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_EVERYWHERE = ("ah-practice", "_count", "cursor", "_lastUpdated")


@dataclass(frozen=True, slots=True)
class Rule:
    """`params`: name → FHIR search type, those that answer here. `lacking`: parameters of the vendor that we do not
    simulate. `any_of`: alternatives, each a set of parameters of which all must be there; none where a type is read
    and not searched."""

    params: Mapping[str, str]
    any_of: tuple[tuple[str, ...], ...]
    lacking: frozenset[str] = frozenset()
    include: tuple[str, ...] = ()


_TYPES = {"_count": "number", "cursor": "token", "_lastUpdated": "date", "_id": "token", "_include": "special"}
_LACKING = frozenset({"_revinclude", "_security", "_query", "_sort", "_has", "_summary", "_elements"})


def _rule(
    params: Mapping[str, str],
    any_of: tuple[tuple[str, ...], ...],
    lacking: tuple[str, ...] = (),
    include: tuple[str, ...] = (),
) -> Rule:
    named = {**dict.fromkeys(_EVERYWHERE, "reference"), **params}
    typed = {name: _TYPES.get(name, kind) for name, kind in named.items()}
    return Rule(typed, any_of, _LACKING.difference(params) | frozenset(lacking), include)


_CHART = {"patient": "reference", "ah-chart-sharing-group": "reference"}
_BY_CHART_OR_ID = (("patient",), ("_id",))

RULES: Mapping[str, Rule] = {
    "Patient": _rule(
        {
            "_id": "token", "identifier": "token", "name": "string", "family": "string", "given": "string",
            "birthdate": "date", "gender": "token", "ah-department": "reference",
            "ah-chart-sharing-group": "reference", "ah-provider-group": "reference",
        },
        (("_id",), ("identifier",), ("name",), ("family", "birthdate"), ("family", "gender"), ("family", "given")),
        ("ah-brand", "_include"),
    ),
    "Encounter": _rule(
        {"_id": "token", **_CHART, "date": "date"}, _BY_CHART_OR_ID,
        ("location", "service-provider", "practitioner"),
        ("Encounter:patient",),
    ),
    "Condition": _rule(
        {"_id": "token", **_CHART, "encounter": "reference", "code": "token", "category": "token"},
        (("encounter",), ("patient",), ("_id",)),
        ("ah-redact-inline-security",),
        ("Condition:patient",),
    ),
    "AllergyIntolerance": _rule(
        {**_CHART, "code": "token"}, (("patient",),), (), ("AllergyIntolerance:patient",),
    ),
    "MedicationRequest": _rule(
        {
            "_id": "token", **_CHART, "subject": "reference", "intent": "token", "status": "token",
            "authoredon": "date", "encounter": "reference", "code": "token",
        },
        (("patient", "intent"), ("subject", "intent"), ("_id",)),
        ("medication", "requester", "ingredient-code", "ah-most-recent-medication-instance-and-prescribed-vaccines"),
        ("MedicationRequest:medication", "MedicationRequest:subject"),
    ),
    "Observation": _rule(
        {
            "_id": "token", **_CHART, "date": "date", "category": "token", "code": "token",
            "encounter": "reference",
        },
        _BY_CHART_OR_ID,
        (),
        ("Observation:patient",),
    ),
    "Immunization": _rule(
        {
            "_id": "token", **_CHART, "date": "date", "status": "token", "encounter": "reference",
            "vaccine-code": "token",
        },
        _BY_CHART_OR_ID,
        (),
        ("Immunization:patient",),
    ),
    "Procedure": _rule(
        {"_id": "token", **_CHART, "date": "date", "encounter": "reference", "performer": "reference"},
        _BY_CHART_OR_ID,
        ("ah-provider-group", "device-name"),
        ("Procedure:encounter", "Procedure:patient", "Procedure:performer"),
    ),
    "DocumentReference": _rule(
        {
            "_id": "token", **_CHART, "date": "date", "category": "token", "type": "token", "encounter": "reference",
            "author": "reference", "custodian": "reference", "_sort": "special",
        },
        _BY_CHART_OR_ID,
        ("ah-published-date-time-to-portal",),
        (
            "DocumentReference:encounter", "DocumentReference:patient", "DocumentReference:author",
            "DocumentReference:custodian",
        ),
    ),
    "Binary": Rule({}, ()),
    "DiagnosticReport": _rule(
        {
            "_id": "token", **_CHART, "date": "date", "category": "token", "code": "token", "encounter": "reference",
            "result": "reference", "performer": "reference",
        },
        _BY_CHART_OR_ID,
        ("ah-include-cpt-codes-for-imaging-results",),
        (
            "DiagnosticReport:encounter", "DiagnosticReport:patient", "DiagnosticReport:result",
            "DiagnosticReport:performer",
        ),
    ),
    "Appointment": Rule(
        {"_id": "token", "ah-practice": "reference"}, (("_id",),),
        _LACKING | {"base-appointment-id", "group-appointment-id"},
    ),
    "Coverage": _rule(
        {"patient": "reference", "ah-provider-group": "reference"}, (("patient",),), (), ("Coverage:patient",),
    ),
    "Medication": _rule({"_id": "token"}, (("_id",),), ("ingredient-code",)),
    "Organization": _rule({"_id": "token"}, (("_id",),), ("ah-provider-group", "ah-chart-sharing-group")),
    "Location": _rule({"_id": "token"}, (("_id",),), ("ah-provider-group", "ah-chart-sharing-group")),
    "Practitioner": _rule({"_id": "token"}, (("_id",),), ("identifier", "ah-provider-group")),
}  # fmt: skip

NOT_SIMULATED = frozenset({
    "CarePlan", "CareTeam", "Device", "FamilyMemberHistory", "Goal", "Group", "MeasureReport", "Media",
    "MedicationDispense", "Provenance", "Questionnaire", "QuestionnaireResponse", "RelatedPerson", "ServiceRequest",
    "Specimen", "Subscription", "SubscriptionTopic",
})  # fmt: skip
"""Types that athena serves and we do not."""
