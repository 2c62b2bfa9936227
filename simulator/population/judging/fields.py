"""What each canonical field is, and how much its loss or its invention weighs."""

from __future__ import annotations

from simulator.population.judging.expectation import Severity

# What each field is. The order is the order of the findings.
FIELDS: dict[str, dict[str, str]] = {
    "patient": {
        "name.family": "name",
        "name.given": "names",
        "name.suffix": "word",
        "birthDate": "time",
        "administrativeGender": "word",
        "sexAtBirth": "word",
        "race": "set",
        "ethnicity": "word",
        "language": "word",
        "maritalStatus": "word",
        "telecom": "telecom",
        "addresses": "addresses",
        "identifiers": "identifiers",
        "deceased.value": "word",
        "sensitivity": "set",
    },
    "encounter": {
        "status": "word",
        "class": "word",
        "type.codes": "codes",
        "type.text": "text",
        "start": "time",
        "end": "time",
        "reasonCodes": "codes",
        "location": "text",
        "sensitivity": "set",
        "admitSource.codes": "codes",
        "admitSource.text": "text",
        "dischargeDisposition.codes": "codes",
        "dischargeDisposition.text": "text",
    },
    "condition": {
        "codes": "codes",
        "text": "text",
        "clinicalStatus": "word",
        "verification": "word",
        "category": "word",
        "onset": "time",
        "abatement": "time",
        "recorded": "time",
        "sensitivity": "set",
    },
    "allergy": {
        "assertion": "word",
        "codes": "codes",
        "text": "text",
        "type": "word",
        "category": "word",
        "criticality": "word",
        "clinicalStatus": "word",
        "verification": "word",
        "reactions": "set",
        "onset": "time",
        "sensitivity": "set",
    },
    "medication": {
        "codes": "codes",
        "text": "text",
        "status": "word",
        "intent": "word",
        "authored": "time",
        "dosage.dose": "number",
        "dosage.doseUnit": "word",
        "dosage.route": "word",
        "dosage.frequency": "number",
        "dosage.period": "number",
        "dosage.periodUnit": "word",
        "dosage.asNeeded": "word",
        "dosage.text": "text",
        "start": "time",
        "stop": "time",
        "quantity": "number",
        "daysSupply": "number",
        "refills": "number",
        "reason": "codes",
        "sensitivity": "set",
    },
    "observation": {
        "status": "word",
        "category": "word",
        "codes": "codes",
        "text": "text",
        "effective": "time",
        "issued": "time",
        "value": "value",
        "interpretation": "word",
        "range.low": "bound",
        "range.high": "bound",
        "panel": "word",
        "sensitivity": "set",
    },
    "immunization": {
        "codes": "codes",
        "text": "text",
        "date": "time",
        "status": "word",
        "lot": "word",
        "sensitivity": "set",
    },
    "procedure": {
        "codes": "codes",
        "text": "text",
        "status": "word",
        "performed": "time",
        "end": "time",
        "reason": "codes",
        "sensitivity": "set",
    },
    "document": {
        "type": "word",
        "text": "text",
        "status": "word",
        "mime": "word",
        "date": "time",
        "sha256": "bytes",
        "content": "content",
        "sensitivity": "set",
    },
    "appointment": {
        "status": "word",
        "type.codes": "codes",
        "type.text": "text",
        "start": "time",
        "minutes": "number",
        "reason": "codes",
        "text": "text",
        "cancelReason": "word",
        "practitioner": "text",
        "location": "text",
        "sensitivity": "set",
    },
    "coverage": {
        "status": "word",
        "payer": "text",
        "plan": "text",
        "category": "word",
        "memberId": "word",
        "dependent": "word",
        "group": "word",
        "relationship": "word",
        "order": "number",
        "period.start": "time",
        "period.end": "time",
    },
}
# Without these a record of the kind is of no use, or dangerous.
CORE: dict[str, frozenset[str]] = {
    "patient": frozenset(("name.family", "name.given", "birthDate", "administrativeGender")),
    "encounter": frozenset(("status", "class", "start")),
    "condition": frozenset(("codes", "clinicalStatus")),
    "allergy": frozenset(("assertion", "codes", "clinicalStatus")),
    "medication": frozenset(
        ("codes", "status", "dosage.dose", "dosage.doseUnit", "dosage.frequency", "dosage.period", "dosage.asNeeded")
    ),
    "observation": frozenset(("status", "codes", "effective", "value")),
    "immunization": frozenset(("codes", "date", "status")),
    "procedure": frozenset(("codes", "performed", "status")),
    "document": frozenset(("type", "date", "status")),
    "appointment": frozenset(("status", "start")),
    "coverage": frozenset(("status", "payer", "memberId")),
}
_SAFETY_KINDS = frozenset(("allergy", "medication", "observation"))
_SAFETY_FIELDS = ("codes", "value", "dosage.dose", "dosage.frequency", "dosage.period", "assertion", "reactions")
MINOR_FIELDS = frozenset(
    (
        "text", "type.text", "admitSource.text", "dischargeDisposition.text", "dosage.text", "location", "lot", "panel",
        "telecom", "name.suffix", "category", "type",
    )
)  # fmt: skip


def severity_of_invention(kind: str, field: str) -> Severity:
    """How bad it is to hold a value that the vendor does not tell."""
    if kind in _SAFETY_KINDS and field.startswith(_SAFETY_FIELDS):
        return "critical"
    return "minor" if field in MINOR_FIELDS or field in ("interpretation", "verification") else "major"


def severity_of_stale(kind: str) -> Severity:
    """How bad it is to hold as valid what was taken back."""
    return "critical" if kind in _SAFETY_KINDS else "major"


def severity_of_extra(kind: str, verdict: str) -> Severity:
    """How bad it is to hold a record that is no fact: another patient's is a safety error, and so is one that nobody
    told, or an allergy made of a statement that there is none."""
    if verdict == "wrong-patient" or kind == "allergy":
        return "critical"
    return "critical" if verdict == "hallucinated" and kind in _SAFETY_KINDS else "major"


def severity_of_absence(kind: str) -> Severity:
    """How bad it is not to hold a record at all: a lost allergy is a safety error."""
    return "critical" if kind == "allergy" else "major"


def weight_of(kind: str, field: str) -> int:
    """How much a field counts in the accuracy of its category."""
    return 3 if field in CORE[kind] else 1 if field in MINOR_FIELDS else 2
