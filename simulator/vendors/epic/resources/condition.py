"""Condition: problems and visit diagnoses; the order of the codings differs, the text may end in "(CMS/HCC)".

Source: SOURCES.md, "Resources" (MAP, FS).
"""

from __future__ import annotations

from simulator.fhir import build
from simulator.ids import h64
from simulator.population.answers import Loss
from simulator.population.records import Code, Condition
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect, filed
from simulator.vendors.epic.dialect import Json, Telling

_HCC = ("C18", "C34", "C50", "C61", "E10", "E11", "F20", "F31", "G20", "G30", "I48", "I50", "J44", "K70", "M05", "M06",
        "N18.4", "N18.5", "N18.6")  # fmt: skip
_VISIT_DIAGNOSIS = {
    "coding": [
        {
            "system": "http://open.epic.com/FHIR/StructureDefinition/condition-category",
            "code": "visit-diagnosis",
            "display": "Visit Diagnosis",
        }
    ],
    "text": "Visit Diagnosis",
}
_CATEGORIES = {"problem-list-item": "Problem List Item", "encounter-diagnosis": "Encounter Diagnosis"}


def render(t: Telling, condition: Condition) -> Rendering:
    """One problem or visit diagnosis, with what of it is told differently."""
    if filed.by(t, condition) is not None:
        return _render_filed(t, condition)
    text = text_of(condition)
    is_visit = condition.category == "encounter-diagnosis"
    category = condition.category
    payload: Json = {
        "resourceType": "Condition",
        "id": t.id("Condition", condition.ordinal),
        "clinicalStatus": dialect.told(
            "condition-clinical", condition.clinical_status, condition.clinical_status.title(), version="4.0.0"
        ),
        "verificationStatus": dialect.told(
            "condition-verification", condition.verification, condition.verification.title(), version="4.0.0"
        ),
        "category": [
            dialect.told("condition-category", category, _CATEGORIES.get(category, category.title())),
            *([_VISIT_DIAGNOSIS] if is_visit else []),
        ],
        "code": {"coding": codings(t, condition), "text": text},
        "subject": t.subject,
    }
    encounter = t.encounter(condition.encounter) if is_visit else None
    if encounter is not None:
        payload["encounter"] = encounter
    payload["onsetDateTime"] = condition.onset.isoformat()
    if condition.abatement is not None:
        payload["abatementDateTime"] = condition.abatement.isoformat()
    recorded = t.day(condition.recorded, condition.encounter)
    payload["recordedDate"] = recorded.isoformat()
    losses = [Loss("recorded", "replaced", "day", dialect.precise_day(recorded))]
    if text != condition.text:
        losses.append(Loss("text", "replaced", "marked for risk adjustment", text))
    if condition.sensitivity:
        losses.append(Loss("sensitivity", "omitted"))
    return Rendering("Condition", payload["id"], payload, (condition,), tuple((0, loss) for loss in losses))


def _render_filed(t: Telling, condition: Condition) -> Rendering:
    """A problem that came through the FHIR interface: neither its text nor when, where and by whom (seen)."""
    payload: Json = {
        "resourceType": "Condition",
        "id": t.id("Condition", condition.ordinal),
        "clinicalStatus": dialect.told(
            "condition-clinical", condition.clinical_status, condition.clinical_status.title(), version="4.0.0"
        ),
        "verificationStatus": dialect.told(
            "condition-verification", condition.verification, condition.verification.title(), version="4.0.0"
        ),
        "category": [dialect.told("condition-category", condition.category, _CATEGORIES[condition.category])],
        "code": {"coding": [build.coding(_spoken(code)) for code in condition.codes]},
        "subject": t.subject,
    }
    lost = ["onset", "recorded", *(["abatement"] if condition.abatement else [])]
    losses = [Loss(name, "omitted", "not told of what was filed") for name in lost]
    losses.append(Loss("text", "replaced", "the words of its code", dialect.words_of(condition.codes[0].display)))
    if condition.sensitivity:
        losses.append(Loss("sensitivity", "omitted"))
    return Rendering("Condition", payload["id"], payload, (condition,), tuple((0, loss) for loss in losses))


def text_of(condition: Condition) -> str:
    """The name in Epic's diagnosis file: some end in the mark of the payers' risk adjustment."""
    if any(code.system == "icd10cm" and code.code.startswith(_HCC) for code in condition.codes):
        return f"{condition.text} (CMS/HCC)"
    return condition.text


def codings(t: Telling, condition: Condition) -> list[Json]:
    """ICD-10-CM first for problems, SNOMED first for visit diagnoses, then Epic's own."""
    first = "snomed" if condition.category == "encounter-diagnosis" else "icd10cm"
    ordered = sorted(condition.codes, key=lambda code: code.system != first)
    return [*(build.coding(_spoken(code)) for code in ordered), _own_coding(t, condition)]


def _spoken(code: Code) -> Code:
    return Code(code.system, code.code, dialect.words_of(code.display))


def _own_coding(t: Telling, condition: Condition) -> Json:
    record = dialect.number(h64(t.key, "diagnosis", condition.key))
    return {"system": dialect.DIAGNOSIS, "code": record, "display": condition.text}
