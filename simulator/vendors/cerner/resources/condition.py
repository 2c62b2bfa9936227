"""Condition: problems (`p…`) with a proprietary term in front, diagnoses (`d…`) with ICD-10-CM, and mistakes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.records import Chart, Condition
from simulator.sandbox import Site
from simulator.vendor import Rendering
from simulator.vendors.cerner import codes, habits, ids
from simulator.vendors.cerner.elements import coded, concept, in_millis, narrative, standard, words_of_day
from simulator.vendors.cerner.ids import Row
from simulator.vendors.cerner.resources import people
from simulator.vendors.cerner.resources.telling import (
    MISTAKEN,
    TRUE,
    Item,
    Telling,
    Tokens,
    rendering,
    retracted,
    state_of,
)

_MISTAKES_PER_THOUSAND = 300  # 589 of 831 recorded entries were mistakes of testers; this is the calmer share of 8.6
_CATEGORIES = {
    "problem-list-item": "Problem List Item",
    "encounter-diagnosis": "Encounter Diagnosis",
    "health-concern": "Health Concern",
}


def is_problem(one: Condition) -> bool:
    """Whether the truth puts it on the problem list."""
    return one.category == "problem-list-item"


def _items(site: Site, chart: Chart) -> list[Item]:
    number = chart.person.number
    found = [Item(Row(number, one.ordinal), (one,)) for one in retracted(chart, "condition")]
    for one in chart.conditions:
        found.append(Item(Row(number, one.ordinal), (one,)))
        beside = Row(number, one.ordinal, MISTAKEN)
        if is_problem(one) and habits.happens(site, "wrong problem", beside, _MISTAKES_PER_THOUSAND):
            found.append(Item(beside, (one,)))
    return found


def _id_of(site: Site, item: Item) -> str:
    return ("p" if is_problem(item.records[0]) else "d") + str(ids.row_number(site, "condition", item.row))


def _row_of(site: Site, id: str) -> Row | None:
    return ids.row_of(site, "condition", id[1:]) if id[:1] in ("p", "d") else None


def _recorded(item: Item) -> datetime:
    one: Condition = item.records[0]
    return one.recorded if item.row.variant == TRUE else one.recorded - timedelta(days=1, minutes=7)


def _updated(site: Site, item: Item) -> datetime:
    state = state_of(site, "condition", item.row)
    return state.updated if state else _recorded(item)


def _render(site: Site, chart: Chart, item: Item) -> Rendering:
    one: Condition = item.records[0]
    is_mistyped = item.row.variant == MISTAKEN
    text, codings = _mistaken_code(site, item) if is_mistyped else (one.text, _codings(site, one))
    verification = "entered-in-error" if is_mistyped else one.verification
    is_mistake = verification == "entered-in-error"
    category = _CATEGORIES[one.category]
    id = _id_of(site, item)
    payload: dict[str, Any] = {
        "resourceType": "Condition",
        "id": id,
        "meta": {"versionId": _version(site, item), "lastUpdated": in_millis(_updated(site, item))},
        "text": narrative(
            "Condition",
            [
                ("Patient", people.patient_name(chart.person)),
                ("Problem" if is_problem(one) else "Diagnosis", text),
                ("Category Classification", "Medical"),
                ("Clinical Status", None if is_mistake else _words(one.clinical_status)),
                ("Verification Status", _words(verification)),
                ("Onset", None if is_mistake else words_of_day(one.onset)),
            ],
        ),
    }
    if one.sensitivity and not is_mistake:
        payload["meta"]["security"] = [standard("v3-act", "PHY", "physician requested information sensitivity", None)]
    if not is_mistake:
        payload["clinicalStatus"] = coded("condition-clinical", one.clinical_status, _words(one.clinical_status))
    payload["verificationStatus"] = coded("condition-verification", verification, _words(verification))
    payload["category"] = [
        coded("condition-category", one.category, category, selected=None),
        coded("snomed", "74188005", "Medical (qualifier value)", "Medical"),
    ]
    payload["code"] = concept(codings, text)
    payload["subject"] = people.patient_ref(site, chart.person)
    if one.encounter is not None and not is_problem(one):
        payload["encounter"] = people.encounter_ref(site, item.row.number, one.encounter)
    if not is_mistake:
        payload["onsetDateTime"] = one.onset.isoformat()
        if one.abatement:
            payload["abatementDateTime"] = one.abatement.isoformat()
    payload["recordedDate"] = in_millis(_recorded(item))
    payload["recorder"] = people.practitioner_ref(site, one.practitioner)
    if is_mistake:
        return rendering("Condition", payload, (), [])
    return rendering("Condition", payload, (one,), _losses(one))


def reference_to(site: Site, number: int, one: Condition) -> dict[str, Any]:
    """The reference to a true condition of a patient."""
    id = _id_of(site, Item(Row(number, one.ordinal), (one,)))
    return {"reference": f"Condition/{id}", "display": one.text}


def loss_of_codes(field: str, one: Condition) -> list[Loss]:
    """What is lost of the codes of a condition, for the field that holds them: problems have no ICD-10-CM."""
    if not is_problem(one) or all(code.system != "icd10cm" for code in one.codes):
        return []
    kept = [{"system": code.system, "code": code.code} for code in one.codes if code.system != "icd10cm"]
    return [Loss(field, "replaced", value=kept)]


def _losses(one: Condition) -> list[tuple[int, Loss]]:
    losses = [(0, loss) for loss in loss_of_codes("codes", one)]
    if one.sensitivity:
        losses.append((0, Loss("sensitivity", "replaced", value=["PHY"])))
    return losses


def _codings(site: Site, one: Condition) -> list[dict[str, Any]]:
    if not is_problem(one):
        in_order = sorted(one.codes, key=lambda code: code.system != "icd10cm")
        return [standard(code.system, code.code, code.display) for code in in_order]
    told = [code for code in one.codes if code.system != "icd10cm"]
    return [codes.imo(site, one.key, one.text), *(standard(code.system, code.code, code.display) for code in told)]


def _mistaken_code(site: Site, item: Item) -> tuple[str, list[dict[str, Any]]]:
    """A problem that the patient does not have."""
    true = {code.code for code in item.records[0].codes}
    choice = [wrong for wrong in codes.WRONG_PROBLEMS if wrong[0] not in true]
    code, display = choice[habits.pick(site, "which wrong problem", item.row, len(choice))]
    return display, [codes.imo(site, f"wrong {code}", display), standard("snomed", code, display)]


def _version(site: Site, item: Item) -> str:
    """A row number: the own one, or a later one after a change."""
    row = ids.row_number(site, "condition", item.row)
    state = state_of(site, "condition", item.row)
    if state is not None and state.version > 1:
        return str(row + 1000 + state.version)
    return str(row + 17 * habits.pick(site, "condition version", item.row, 2))


def _words(code: str) -> str:
    return "Entered in Error" if code == "entered-in-error" else code.replace("-", " ").title()


def _category_tokens(site: Site, item: Item) -> Tokens:
    return [(build.SYSTEMS["condition-category"], item.records[0].category)]


def _clinical_tokens(site: Site, item: Item) -> Tokens:
    if item.row.variant == MISTAKEN:
        return []
    return [(build.SYSTEMS["condition-clinical"], item.records[0].clinical_status)]


def _encounter_tokens(site: Site, item: Item) -> Tokens:
    """What `encounter=` finds: the diagnoses of that encounter, and every problem of the patient."""
    one: Condition = item.records[0]
    if is_problem(one):
        return [("", ANY)]
    if one.encounter is None:
        return []
    return [("", str(ids.row_number(site, "encounter", Row(item.row.number, one.encounter))))]


ANY = "*"
"""A token that every value matches."""

CONDITION = Telling(
    "Condition",
    "condition",
    _items,
    _id_of,
    _row_of,
    _render,
    _updated,
    tokens={"category": _category_tokens, "clinical-status": _clinical_tokens, "encounter": _encounter_tokens},
)
