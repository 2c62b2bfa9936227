"""Observation: labs (`L-`), vitals (`VS-`), social history (`SH-`), blood pressure as a pair (`BP-systolic-diastolic`).

The local code stands first, units are words beside a UCUM code, and each quantity repeats itself in other units.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.defects import is_unmapped
from simulator.population.records import Chart, Observation
from simulator.sandbox import Site
from simulator.vendor import Rendering
from simulator.vendors.cerner import codes, habits, ids
from simulator.vendors.cerner.elements import (
    absent_concept,
    coded,
    concept,
    extension,
    in_millis,
    narrative,
    standard,
    words_of,
)
from simulator.vendors.cerner.ids import Row
from simulator.vendors.cerner.resources import events, people
from simulator.vendors.cerner.resources.measured import (
    FLAGS,
    interpretation_of,
    mistyped,
    range_of,
    range_words,
    result_words,
    value_of,
)
from simulator.vendors.cerner.resources.telling import (
    MISTAKEN,
    TRUE,
    Item,
    Span,
    Telling,
    Tokens,
    hidden_labels,
    rendering,
    retracted,
    state_of,
)

BLOOD_PRESSURE = "85354-9"
_PANEL_TEXT = "Blood pressure panel with all children optional"
_PRESSURES = {"8480-6": "Systolic blood pressure", "8462-4": "Diastolic blood pressure"}
_CATEGORIES = {
    "laboratory": "Laboratory",
    "vital-signs": "Vital Signs",
    "social-history": "Social History",
    "survey": "Survey",
}
_FUNCTION = "http://hl7.org/fhir/StructureDefinition/event-performerFunction"
_LOCAL_TESTS = frozenset({"rdw"})  # one that every site has; further ones are drawn per site
_NO_ISSUED_PER_THOUSAND = 400  # of the labs
_MISTAKES_PER_THOUSAND = 4  # of the labs with a number
_HALF_PAIR_PER_THOUSAND = 12
_ID = re.compile(r"(?:L-|VS-|SH-81-)([0-9]+)|VS-CV-([0-9]+)-SECT-8098|BP-([0-9]+)-([0-9]+)")


def is_pressure(one: Observation) -> bool:
    """Whether it is one half of a blood pressure."""
    return one.code.code in _PRESSURES


def _items(site: Site, chart: Chart) -> list[Item]:
    """Newest first; a blood pressure once, under its systolic (or under a diastolic that stands alone)."""
    number = chart.person.number
    found = [Item(Row(number, parts[0].ordinal), parts) for parts in _measurements(retracted(chart, "observation"))]
    for parts in _measurements(reversed(chart.observations)):
        one = parts[0]
        found.append(Item(Row(number, one.ordinal), parts))
        beside = Row(number, one.ordinal, MISTAKEN)
        if _can_bemistyped(one) and habits.happens(site, "mistyped", beside, _MISTAKES_PER_THOUSAND):
            found.append(Item(beside, (one,)))
    return found


def _measurements(observations: Iterable[Observation]) -> Iterator[tuple[Observation, ...]]:
    """What becomes one resource each: an observation, or systolic and diastolic pressure together."""
    held = tuple(observations)
    diastolics = {one.group: one for one in held if one.group is not None}
    paired = {one.ordinal for one in held if one.code.code == "8480-6"}
    for one in held:
        if one.group in paired and is_pressure(one):
            continue
        other = diastolics.get(one.ordinal) if one.code.code == "8480-6" else None
        yield (one,) if other is None else (one, other)


def _can_bemistyped(one: Observation) -> bool:
    return one.category == "laboratory" and one.value is not None


def is_half(site: Site, item: Item) -> bool:
    """Whether the diastolic of this pair never reached the chart."""
    return len(item.records) == 2 and habits.happens(site, "half pair", item.row, _HALF_PAIR_PER_THOUSAND)


def _event(site: Site, item: Item, one: Observation) -> int:
    return ids.row_number(site, "observation", Row(item.row.number, one.ordinal, item.row.variant))


def _id_of(site: Site, item: Item) -> str:
    one: Observation = item.records[0]
    event = _event(site, item, one)
    if is_pressure(one):
        return "BP-" + "-".join(str(part) for part in _halves(site, item))
    if one.category == "social-history":
        return f"SH-81-{event}"
    if one.key == "spo2":
        return f"VS-CV-{event}-SECT-8098"
    return f"{'L' if one.category == 'laboratory' else 'VS'}-{event}"


def _halves(site: Site, item: Item) -> tuple[int, int]:
    """The event numbers of systolic and diastolic; 0 for the one that is not there."""
    one = item.records[0]
    event = _event(site, item, one)
    if one.code.code == "8462-4":
        return 0, event
    if len(item.records) == 1 or is_half(site, item):
        return event, 0
    return event, _event(site, item, item.records[1])


def _row_of(site: Site, id: str) -> Row | None:
    found = _ID.fullmatch(id)
    if found is None:
        return None
    single, oximetry, systolic, diastolic = found.groups()
    lead = diastolic if systolic == "0" else systolic
    return ids.row_of(site, "observation", single or oximetry or lead)


def _updated(site: Site, item: Item) -> datetime:
    state = state_of(site, "observation", item.row)
    if state:
        return state.updated
    issued: datetime = item.records[0].issued
    return issued


def _render(site: Site, chart: Chart, item: Item) -> Rendering:
    one: Observation = item.records[0]
    is_mistake = item.row.variant == MISTAKEN
    status = "entered-in-error" if is_mistake else one.status
    payload = _head(site, item, one, status)
    if is_pressure(one):
        payload["component"] = _components(site, item)
        if status == "entered-in-error":
            return rendering("Observation", payload, (), [])
        return rendering("Observation", payload, item.records, _pair_losses(site, item))
    if is_mistake:
        payload |= value_of(one, mistyped(one))
        return rendering("Observation", payload, (), [])
    payload |= value_of(one, one.value)
    if status == "entered-in-error":
        return rendering("Observation", payload, (), [])
    if one.interpretation:
        payload["interpretation"] = [interpretation_of(site, one.interpretation)]
    if one.low is not None or one.high is not None:
        payload["referenceRange"] = [range_of(one)]
    return rendering("Observation", payload, item.records, _losses(site, item))


def _head(site: Site, item: Item, one: Observation, status: str) -> dict[str, Any]:
    """Everything before the value."""
    id = _id_of(site, item)
    patient = ids.patient_id(site, item.row.number)
    text = _PANEL_TEXT if is_pressure(one) else one.text
    number = mistyped(one) if item.row.variant == MISTAKEN else one.value
    payload: dict[str, Any] = {
        "resourceType": "Observation",
        "id": id,
        "meta": {"versionId": _version(site, item), "lastUpdated": in_millis(_updated(site, item))},
        "text": narrative(
            "Observation",
            [
                ("Patient Id", patient),
                ("Status", status.replace("-", " ").title().replace(" In ", " in ")),
                ("Categories", _CATEGORIES[one.category]),
                ("Code", text),
                ("Result", None if is_pressure(one) else result_words(one, number)),
                ("Interpretation", FLAGS.get(one.interpretation or "")),
                ("Effective Date", words_of(one.effective)),
                ("Reference Range", None if is_pressure(one) else range_words(one)),
            ],
        ),
        "identifier": [events.identifier(site, _event(site, item, one), one.issued)],
        "status": status,
        "category": [coded("observation-category", one.category, _CATEGORIES[one.category])],
        "code": concept([standard("loinc", BLOOD_PRESSURE, _PANEL_TEXT)], _PANEL_TEXT)
        if is_pressure(one)
        else _code(site, one),
        "subject": {"reference": f"Patient/{patient}"},
    }
    if one.encounter is not None:
        payload["encounter"] = people.encounter_ref(site, item.row.number, one.encounter)
    payload["effectiveDateTime"] = in_millis(one.effective)
    if _has_issued(site, item):
        payload["issued"] = in_millis(one.issued)
    payload["performer"] = [_performer(site, one)]
    return payload


def _code(site: Site, one: Observation) -> dict[str, Any]:
    codings = [codes.local(site, codes.EVENT, one.key, one.text)]
    if not is_local_test(site, one):
        codings.append(standard("loinc", one.code.code, one.code.display))
        if one.code.code in codes.SECOND_LOINC:
            codings.append(standard("loinc", *codes.SECOND_LOINC[one.code.code]))
    return concept(codings, one.text)


def is_local_test(site: Site, one: Observation) -> bool:
    """Whether the site never mapped this test to LOINC."""
    if one.category != "laboratory":
        return False
    population = site.sandbox.world.population
    return one.key in _LOCAL_TESTS or is_unmapped(population, site.vendor.id, "local_labs", one.key)


def _has_issued(site: Site, item: Item) -> bool:
    if item.records[0].category != "laboratory":
        return True
    return not habits.happens(site, "no issued", item.row, _NO_ISSUED_PER_THOUSAND)


def _performer(site: Site, one: Observation) -> dict[str, Any]:
    signer = standard(codes.V3_PARTICIPATION, "LA", "legal authenticator", None)
    function = extension(_FUNCTION, valueCodeableConcept=concept([signer], "legal authenticator"))
    return {"extension": [function], **people.practitioner_ref(site, one.practitioner, display=False)}


# Blood pressure


def _components(site: Site, item: Item) -> list[dict[str, Any]]:
    by_code = {one.code.code: one for one in item.records}
    if is_half(site, item):
        del by_code["8462-4"]
    return [_component(site, code, by_code.get(code)) for code in _PRESSURES]


def _component(site: Site, code: str, one: Observation | None) -> dict[str, Any]:
    text = _PRESSURES[code]
    if one is None:
        return {"code": concept([standard("loinc", code, text)], text), "dataAbsentReason": absent_concept()}
    codings = [
        codes.local(site, codes.EVENT, one.key, one.text),
        standard("loinc", code, one.code.display),
        standard("loinc", BLOOD_PRESSURE, _PANEL_TEXT),
    ]
    made = {"code": concept(codings, one.text), **value_of(one, one.value)}
    if one.interpretation:
        made["interpretation"] = [interpretation_of(site, one.interpretation)]
    if one.low is not None or one.high is not None:
        made["referenceRange"] = [range_of(one)]
    return made


def _pair_losses(site: Site, item: Item) -> list[tuple[int, Loss]]:
    losses: list[tuple[int, Loss]] = []
    panel = [{"system": "loinc", "code": BLOOD_PRESSURE}]
    for index, one in enumerate(item.records):
        losses.append((index, Loss("codes", "also", value=panel)))
        if index == 1 and is_half(site, item):
            told = {
                "value": one.value,
                "interpretation": one.interpretation,
                "range.low": one.low,
                "range.high": one.high,
            }
            losses += [(index, Loss(name, "omitted")) for name, held in told.items() if held is not None]
            losses.append((index, Loss("text", "also", value=_PRESSURES[one.code.code])))
    hidden_labels(item.records, losses)
    return losses


def _losses(site: Site, item: Item) -> list[tuple[int, Loss]]:
    one: Observation = item.records[0]
    losses: list[tuple[int, Loss]] = []
    if is_local_test(site, one):
        losses.append((0, Loss("codes", "text_only")))
    elif one.code.code in codes.SECOND_LOINC:
        second = codes.SECOND_LOINC[one.code.code][0]
        losses.append((0, Loss("codes", "also", value=[{"system": "loinc", "code": second}])))
    if not _has_issued(site, item):
        losses.append((0, Loss("issued", "omitted")))
    if one.value is not None and one.unit in codes.UNITLESS:
        losses.append((0, Loss("value.unit", "replaced", value=None)))
    if one.panel is not None:
        losses.append((0, Loss("panel", "omitted")))
        if one.category == "laboratory":  # its DiagnosticReport tells it
            losses.append((0, Loss("panel", "also", value=one.panel.code)))
    hidden_labels(item.records, losses)
    return losses


# Numbers around the value


def _version(site: Site, item: Item) -> str:
    state = state_of(site, "observation", item.row)
    own = str(state.version) if state else "1"
    if is_pressure(item.records[0]):
        return "-".join(own if half else "" for half in _halves(site, item))
    return own


# What searches compare


def _category_tokens(site: Site, item: Item) -> Tokens:
    return [(build.SYSTEMS["observation-category"], item.records[0].category)]


def _code_tokens(site: Site, item: Item) -> Tokens:
    """Standard codes of `Observation.code`, not those of components; the site's own codes cannot be searched."""
    one: Observation = item.records[0]
    loinc = build.SYSTEMS["loinc"]
    if is_pressure(one):
        return [(loinc, BLOOD_PRESSURE)]
    if is_local_test(site, one):
        return []
    found = [(loinc, one.code.code)]
    if one.code.code in codes.SECOND_LOINC:
        found.append((loinc, codes.SECOND_LOINC[one.code.code][0]))
    return found


def _effective(site: Site, item: Item) -> Span:
    return item.records[0].effective, None


def is_social_history(item: Item) -> bool:
    """Whether it belongs to the part that comes on the first page whole."""
    return item.row.variant == TRUE and item.records[0].category == "social-history"


OBSERVATION = Telling(
    "Observation",
    "observation",
    _items,
    _id_of,
    _row_of,
    _render,
    _updated,
    tokens={"category": _category_tokens, "code": _code_tokens},
    dates={"date": _effective},
)
