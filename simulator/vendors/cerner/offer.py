"""What Millennium itself offers, type by type: it tells our gaps (501) from what is not there (404)."""

from __future__ import annotations

OFFER: dict[str, str] = {
    "Account": "rs", "AllergyIntolerance": "rscu", "Appointment": "rscp", "Basic": "c", "Binary": "r",
    "CapabilityStatement": "r", "CarePlan": "rs", "CareTeam": "rs", "ChargeItem": "rs", "Communication": "rscp",
    "Condition": "rscu", "Consent": "rs", "Coverage": "rscpd", "Device": "rs", "DiagnosticReport": "rsc",
    "DocumentReference": "rscu", "Encounter": "rscp", "FamilyMemberHistory": "rscu", "Goal": "rs", "Group": "",
    "Immunization": "rscu", "InsurancePlan": "rs", "Location": "rs", "Media": "r", "MedicationAdministration": "rs",
    "MedicationDispense": "rs", "MedicationRequest": "rscp", "NutritionOrder": "rs", "Observation": "rscu",
    "OperationDefinition": "r", "Organization": "rsc", "Patient": "rscp", "Person": "rs", "Practitioner": "rsc",
    "Procedure": "rsc", "Provenance": "rsc", "Questionnaire": "rs", "QuestionnaireResponse": "rsu",
    "RelatedPerson": "rscp", "Schedule": "rs", "ServiceRequest": "rs", "Slot": "rsp", "Specimen": "rs",
    "StructureDefinition": "r",
}  # fmt: skip
"""Type → read, search, create, update, patch, delete. Source: SOURCES.md, E: the secure root (seen)."""

ACTION_OF_METHOD = {"POST": "c", "PUT": "u", "PATCH": "p", "DELETE": "d"}
OPERATIONS = frozenset({"$export", "$health-cards-issue", "$docref", "$get-cg-for-mrcu", "$autogen-ccd-if"})


def offers(type: str, action: str) -> bool:
    """Whether Millennium does `action` (one of r s c u p d) on `type`."""
    return bool(action) and action in OFFER.get(type, "")
