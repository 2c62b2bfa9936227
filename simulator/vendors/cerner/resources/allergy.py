"""AllergyIntolerance: standard codes or free text, Millennium's own words in `text` of statuses, reactions as text."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.defects import is_typed
from simulator.population.records import Allergy, Chart, Code
from simulator.sandbox import Site
from simulator.vendor import Rendering
from simulator.vendors.cerner import codes, habits, ids
from simulator.vendors.cerner.elements import coded, concept, in_seconds, midnight, narrative, standard, words_of
from simulator.vendors.cerner.ids import Row
from simulator.vendors.cerner.resources import people
from simulator.vendors.cerner.resources.telling import (
    MISTAKEN,
    TRUE,
    Item,
    Telling,
    Tokens,
    hidden_labels,
    rendering,
    retracted,
    state_of,
)

_MISTAKES_PER_THOUSAND = 200
_TYPED_PERCENT = 250  # of the usual rate: recorded 11 of 115
_NO_TYPE_PER_THOUSAND = 800  # recorded: 92 of 115
_NO_CATEGORY_PER_THOUSAND = 250
_PROPOSED_PER_THOUSAND = 100
_RISK = {"low": "Low Risk", "high": "High Risk", "unable-to-assess": "Unable to Assess Risk"}


def _items(site: Site, chart: Chart) -> list[Item]:
    number = chart.person.number
    found = [Item(Row(number, one.ordinal), (one,)) for one in retracted(chart, "allergy")]
    for one in chart.allergies:
        found.append(Item(Row(number, one.ordinal), (one,)))
        beside = Row(number, one.ordinal, MISTAKEN)
        if habits.happens(site, "wrong allergy", beside, _MISTAKES_PER_THOUSAND):
            found.append(Item(beside, (one,)))
    return found


def _id_of(site: Site, item: Item) -> str:
    return str(ids.row_number(site, "allergy", item.row))


def _row_of(site: Site, id: str) -> Row | None:
    return ids.row_of(site, "allergy", id)


def _recorded(item: Item) -> datetime:
    one: Allergy = item.records[0]
    return one.recorded if item.row.variant == TRUE else one.recorded - timedelta(days=2, minutes=3)


def _updated(site: Site, item: Item) -> datetime:
    state = state_of(site, "allergy", item.row)
    return state.updated if state else _recorded(item)


def is_proposed(site: Site, item: Item) -> bool:
    """Whether the entry waits for somebody to confirm it: code `unconfirmed`, beside the code `active`."""
    one: Allergy = item.records[0]
    confirmable = one.verification == "confirmed" and one.clinical_status == "active" and not one.none_known
    return confirmable and habits.happens(site, "proposed", item.row, _PROPOSED_PER_THOUSAND)


def _render(site: Site, chart: Chart, item: Item) -> Rendering:
    one: Allergy = item.records[0]
    if item.row.variant == MISTAKEN or one.verification == "entered-in-error":
        return rendering("AllergyIntolerance", _mistake(site, chart, item), (), [])
    proposed = is_proposed(site, item)
    verification = "unconfirmed" if proposed else one.verification
    own_word = "Proposed" if verification == "unconfirmed" else one.clinical_status.title()
    is_text = not one.none_known and is_typed(
        site.sandbox.world.population, site.vendor.id, item.row.number, item.row.ordinal, percent=_TYPED_PERCENT
    )
    no_type = habits.happens(site, "no type", item.row, _NO_TYPE_PER_THOUSAND)
    no_category = habits.happens(site, "no category", item.row, _NO_CATEGORY_PER_THOUSAND)
    reactions = [_plain_words(code.display) for code in one.reactions]
    payload = _head(site, chart, item, one.text, verification, reactions)
    payload["clinicalStatus"] = coded(
        "allergy-clinical", one.clinical_status, one.clinical_status.title(), own_word, None
    )
    payload["verificationStatus"] = coded("allergy-verification", verification, verification.title(), own_word, None)
    if not no_type:
        payload["type"] = one.type
    if not no_category:
        payload["category"] = [one.category]
    payload["criticality"] = one.criticality
    payload["code"] = (
        {"text": one.text + " "} if is_text else coded(one.code.system, one.code.code, one.code.display, one.text, None)
    )
    payload["patient"] = people.patient_ref(site, chart.person)
    if one.onset:
        payload["onsetDateTime"] = in_seconds(midnight(one.onset))
    payload["recordedDate"] = in_seconds(one.recorded)
    payload["recorder"] = people.practitioner_ref(site, one.practitioner)
    if reactions:
        row = ids.row_number(site, "allergy", item.row)
        payload["reaction"] = [
            {"id": str(row + 2 + 2 * n), "manifestation": [{"text": text}]} for n, text in enumerate(reactions)
        ]
    losses: list[tuple[int, Loss]] = []
    if is_text:
        losses.append((0, Loss("codes", "text_only")))
    if no_type:
        losses.append((0, Loss("type", "omitted")))
    if no_category:
        losses.append((0, Loss("category", "omitted")))
    if proposed:
        losses.append((0, Loss("verification", "replaced", value="unconfirmed")))
    if one.reactions:
        losses.append((0, Loss("reactions", "text_only")))
    hidden_labels(item.records, losses)
    return rendering("AllergyIntolerance", payload, item.records, losses)


def _head(site: Site, chart: Chart, item: Item, text: str, verification: str, reactions: list[str]) -> dict[str, Any]:
    one: Allergy = item.records[0]
    is_mistake = verification == "entered-in-error"
    lines = [
        ("Patient", people.patient_name(chart.person)),
        ("Allergy", text),
        ("Verification Status", verification.replace("-", " ").title()),
        ("Clinical Status", None if is_mistake else one.clinical_status.title()),
        ("Criticality", None if is_mistake else _RISK[one.criticality]),
        ("Reactions", ", ".join(reactions) or None),
        ("Onset", words_of(midnight(one.onset)) if one.onset and not is_mistake else None),
    ]
    return {
        "resourceType": "AllergyIntolerance",
        "id": _id_of(site, item),
        "meta": {"versionId": _version(site, item), "lastUpdated": in_seconds(_updated(site, item))},
        "text": narrative("Allergy Intolerance", lines),
    }


def _mistake(site: Site, chart: Chart, item: Item) -> dict[str, Any]:
    """An allergy that the patient does not have: canceled, so without a clinical status."""
    true: Code = item.records[0].code
    choice = [wrong for wrong in codes.WRONG_ALLERGENS if wrong[0] != true.code]
    code, text = choice[habits.pick(site, "which wrong allergy", item.row, len(choice))]
    coding = standard("snomed", code, text, None)
    if item.row.variant != MISTAKEN:
        text, coding = item.records[0].text, standard(true.system, true.code, true.display, None)
    payload = _head(site, chart, item, text, "entered-in-error", [])
    payload["verificationStatus"] = coded(
        "allergy-verification", "entered-in-error", "Entered in Error", "Canceled", None
    )
    payload["code"] = concept([coding], text)
    payload["patient"] = people.patient_ref(site, chart.person)
    payload["recordedDate"] = in_seconds(_recorded(item))
    payload["recorder"] = people.system_ref()
    return payload


def _version(site: Site, item: Item) -> str:
    row = ids.row_number(site, "allergy", item.row)
    state = state_of(site, "allergy", item.row)
    if state is not None and state.version > 1:
        return str(row + 1000 + state.version)
    return str(row + 13 * habits.pick(site, "allergy version", item.row, 2))


def _plain_words(display: str) -> str:
    """A display without its semantic tag: `Weal (disorder)` is typed as `Weal`."""
    return display.rpartition(" (")[0] or display


def _clinical_tokens(site: Site, item: Item) -> Tokens:
    if item.row.variant == MISTAKEN:
        return []
    return [(build.SYSTEMS["allergy-clinical"], item.records[0].clinical_status)]


ALLERGY = Telling(
    "AllergyIntolerance",
    "allergy",
    _items,
    _id_of,
    _row_of,
    _render,
    _updated,
    tokens={"clinical-status": _clinical_tokens},
)
