"""Condition: problems and visit diagnoses; the order of the codings differs, the text may end in "(CMS/HCC)". A problem
that visits were about is told again as a diagnosis of each, with the problem as its evidence.

Source: SOURCES.md, "Resources" (MAP, FS); trap E18.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from simulator.fhir import build
from simulator.ids import h64
from simulator.population.answers import Loss
from simulator.population.records import Code, Condition, Encounter
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect, filed, ids
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.icd9 import ICD9
from simulator.vendors.epic.resources.told import Item

PROBLEM, DIAGNOSIS = "problem-list-item", "encounter-diagnosis"
_HCC = ("C18", "C34", "C50", "C61", "E10", "E11", "F20", "F31", "G20", "G30", "I48", "I50", "J44", "K70", "M05", "M06",
        "N18.4", "N18.5", "N18.6")  # fmt: skip
_IMO = "urn:oid:2.16.840.1.113883.3.247.1.1"  # Intelligent Medical Objects: the words that clinicians choose from
_VISIT_DIAGNOSIS = dialect.told(
    "http://open.epic.com/FHIR/StructureDefinition/condition-category", "visit-diagnosis", "Visit Diagnosis"
)
_SOCIAL = dialect.told("http://hl7.org/fhir/us/core/CodeSystem/us-core-category", "sdoh", "SDOH")
_CATEGORIES = {PROBLEM: "Problem List Item", DIAGNOSIS: "Encounter Diagnosis"}
_SOCIAL_ROWS = frozenset({"homeless", "transport_insecurity", "ipv"})


def items(t: Telling) -> Iterator[Item]:
    """The conditions, and behind them each problem again with every encounter that was about it."""
    yield from ((one,) for one in t.chart.conditions)
    for encounter in t.chart.encounters:
        problem = t.conditions.get(encounter.reason) if encounter.reason is not None else None
        if problem is not None and problem.category == PROBLEM:
            yield (problem, encounter)


def place_of(item: Item) -> int:
    """The ordinal in the id of an item."""
    return ids.APART + item[1].ordinal if len(item) > 1 else item[0].ordinal


def category_of(item: Item) -> str:
    """The code under which it is found."""
    condition, _ = _parts(item)
    return DIAGNOSIS if len(item) > 1 else condition.category


def encounter_of(item: Item) -> int | None:
    """The ordinal of the encounter that a visit diagnosis belongs to; None for problems."""
    condition, visit = _parts(item)
    if visit is not None:
        return visit.ordinal
    return condition.encounter if condition.category == DIAGNOSIS else None


def recorded_on(t: Telling, item: Item) -> date:
    """The day on which it was written down."""
    condition, visit = _parts(item)
    return t.day(condition.recorded, condition.encounter) if visit is None else t.day(visit.start, visit.ordinal)


def diagnosis_of(t: Telling, encounter: Encounter) -> Json | None:
    """The reference to the condition that an encounter was about: its own telling of a problem; None without one."""
    reason = t.conditions.get(encounter.reason) if encounter.reason is not None else None
    if reason is None:
        return None
    item = (reason, encounter) if reason.category == PROBLEM else (reason,)
    return build.reference("Condition", t.id("Condition", place_of(item)), text_of(reason))


def render(t: Telling, item: Item) -> Rendering:
    """One problem or visit diagnosis, with what of it is told differently."""
    condition, visit = _parts(item)
    if visit is None and filed.by(t, condition) is not None:
        return _render_filed(t, condition)
    text, recorded = text_of(condition), recorded_on(t, item)
    payload = _frame(t, item)
    if category_of(item) == DIAGNOSIS:
        payload["category"].append(_VISIT_DIAGNOSIS)
    if condition.key in _SOCIAL_ROWS:
        payload["category"].append(_SOCIAL)
    payload |= {"code": {"coding": codings(t, item), "text": text}, "subject": t.subject}
    encounter = t.encounter(encounter_of(item))
    if encounter is not None:
        payload["encounter"] = encounter
    payload["onsetDateTime"] = condition.onset.isoformat()
    if condition.abatement is not None:
        payload["abatementDateTime"] = condition.abatement.isoformat()
    payload["recordedDate"] = recorded.isoformat()
    losses = [Loss("recorded", "replaced", "day", dialect.precise_day(recorded))]
    if visit is not None:
        problem = build.reference("Condition", t.id("Condition", condition.ordinal), text)
        payload["evidence"] = [{"detail": [problem]}]
        losses.append(Loss("category", "replaced", "told again as the diagnosis of a visit", DIAGNOSIS))
    if condition.key in ICD9:
        losses.append(Loss("codes", "also", "", [{"system": "icd9cm", "code": ICD9[condition.key]}]))
    if text != condition.text:
        losses.append(Loss("text", "replaced", "marked for risk adjustment", text))
    if condition.sensitivity:
        losses.append(Loss("sensitivity", "omitted"))
    return Rendering("Condition", payload["id"], payload, (condition,), tuple((0, loss) for loss in losses))


def _render_filed(t: Telling, condition: Condition) -> Rendering:
    """A problem that came through the FHIR interface: neither its text nor when, where and by whom (seen)."""
    spoken = [build.coding(dialect.spoken(code)) for code in condition.codes]
    payload = _frame(t, (condition,)) | {"code": {"coding": spoken}, "subject": t.subject}
    lost = ["onset", "recorded", *(["abatement"] if condition.abatement else [])]
    losses = [Loss(name, "omitted", "not told of what was filed") for name in lost]
    losses.append(Loss("text", "replaced", "the words of its code", dialect.words_of(condition.codes[0].display)))
    if condition.sensitivity:
        losses.append(Loss("sensitivity", "omitted"))
    return Rendering("Condition", payload["id"], payload, (condition,), tuple((0, loss) for loss in losses))


def _frame(t: Telling, item: Item) -> Json:
    """What every condition begins with."""
    condition, category = _parts(item)[0], category_of(item)
    clinical, verification = condition.clinical_status, condition.verification
    return {
        "resourceType": "Condition",
        "id": t.id("Condition", place_of(item)),
        "clinicalStatus": dialect.told("condition-clinical", clinical, clinical.title(), version="4.0.0"),
        "verificationStatus": dialect.told(
            "condition-verification", verification, verification.title(), version="4.0.0"
        ),
        "category": [dialect.told("condition-category", category, _CATEGORIES.get(category, category.title()))],
    }


def reference(t: Telling, condition: Condition) -> Json:
    """The reference to a condition by its own name."""
    return build.reference("Condition", t.id("Condition", condition.ordinal), text_of(condition))


def text_of(condition: Condition) -> str:
    """The name in Epic's diagnosis file: some end in the mark of the payers' risk adjustment."""
    if any(code.system == "icd10cm" and code.code.startswith(_HCC) for code in condition.codes):
        return f"{condition.text} (CMS/HCC)"
    return condition.text


def codings(t: Telling, item: Item) -> list[Json]:
    """ICD-10-CM first for problems, SNOMED first for visit diagnoses, then ICD-9-CM and the number of the wording."""
    condition, _ = _parts(item)
    first = "snomed" if category_of(item) == DIAGNOSIS else "icd10cm"
    ordered = sorted(condition.codes, key=lambda code: code.system != first)
    made = [build.coding(dialect.spoken(code)) for code in ordered]
    if condition.key in ICD9:
        made.append(build.coding(Code("icd9cm", ICD9[condition.key], condition.text)))
    number = dialect.number(h64(t.key, "diagnosis", condition.key))  # theirs are not public: made up
    return [*made, {"system": _IMO, "code": number, "display": condition.text}]


def _parts(item: Item) -> tuple[Condition, Encounter | None]:
    condition, visit = item[0], item[1] if len(item) > 1 else None
    assert isinstance(condition, Condition)
    assert visit is None or isinstance(visit, Encounter)
    return condition, visit
