"""Observation: results with odd units and ranges in words, vital signs under many codes, a smoking status dated today.

Source: SOURCES.md, "Resources" (MAP; FS: smoking status); traps E13, E14, E41.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.records import Observation
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect, filed, ids
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.resources import flowsheet, growth, orders

SMOKING_STATUS = "72166-2"


_TEMPLATED_OF_FIVE = 3  # of five visits, those whose flowsheets name their template: guess
_REMARKED_EVERY = 16  # which result of the laboratory has a remark: guess
_REMARKS = (
    "Result verified by repeat analysis.",
    "Performed at the main laboratory.\r\nSee the laboratory's test directory for the method.",
    "Specimen received within acceptable limits.",
)
_SMOKING_WORDS = {"266927001": "Never Assessed", "266919005": "Never", "8517006": "Former", "449868002": "Every Day",
                  "428041000124106": "Some Days"}  # fmt: skip
"""Epic's words for SNOMED's smoking statuses. The first: seen, although the code says "unknown"; the others: guess."""
_CATEGORIES = {
    "laboratory": "Laboratory",
    "vital-signs": "Vital Signs",
    "social-history": "Social History",
    "survey": "Survey",
}
_FLAGS = {  # code -> v3 display, the laboratory's words
    "H": ("High", "High"),
    "L": ("Low", "Low"),
    "HH": ("Critical high", "High Panic"),
    "LL": ("Critical low", "Low Panic"),
    "A": ("Abnormal", "Abnormal"),
}


def items(t: Telling) -> Iterator[tuple[Observation, ...]]:
    """What becomes one resource each, newest first: an observation, or systolic and diastolic pressure together; and
    the percentiles of growth.

    Of the smoking statuses only the last is told: Epic keeps the current one (one resource a patient: seen).
    """
    joined: dict[int, Observation] = {
        one.group: one for one in t.chart.observations if one.group is not None and one.category == "vital-signs"
    }
    systolics = {one.ordinal for one in t.chart.observations if one.ordinal in joined}
    is_smoking_told = False
    for one in reversed(t.chart.observations):
        if one.group is not None and one.group in systolics:
            continue
        if one.code.code == SMOKING_STATUS:
            if is_smoking_told:
                continue
            is_smoking_told = True
        other = joined.get(one.ordinal)
        if one.key in growth.MEASURES:
            yield from ((percentile,) for percentile in growth.beside(t, one))
        yield (one,) if other is None else (one, other)


def frame_of(observation: Observation) -> str:
    """The first letter of the resource's id."""
    return ids.LABORATORY if observation.category == "laboratory" else "e"


def id_of(t: Telling, observation: Observation) -> str:
    """The id of the resource that tells `observation` first."""
    return t.id("Observation", observation.ordinal, frame_of(observation))


def render(t: Telling, told: tuple[Observation, ...]) -> Rendering:
    """One Observation, with what of it is told differently."""
    first = told[0]
    is_aside = first.ordinal >= ids.APART
    payload: Json = {"resourceType": "Observation", "id": id_of(t, first)}
    if first.category == "vital-signs" and not is_aside and (first.encounter or 0) % 5 < _TEMPLATED_OF_FIVE:
        payload["extension"] = [flowsheet.template(t.key)]
    if first.category == "laboratory":
        payload["basedOn"] = [orders.reference(t, told)]
    payload |= {"status": first.status, "category": _categories(first), "code": code_of(t, first)}
    payload["subject"] = t.subject
    encounter = t.encounter(first.encounter)
    if encounter is not None:
        payload["encounter"] = encounter
    losses: list[tuple[int, Loss]] = []
    if first.code.code == SMOKING_STATUS:
        losses.append((0, Loss("codes", "also", "", [{"system": "snomed", "code": flowsheet.TOBACCO.code}])))
        losses.append((0, Loss("text", "replaced", "Epic's own name", flowsheet.SMOKING_HISTORY)))
    if is_dated_today(t, first):
        payload["effectivePeriod"] = {"end": today(t).isoformat()}
        losses.append((0, Loss("effective", "omitted", "a period that ends on the day of the request")))
    else:
        payload["effectiveDateTime"] = build.instant(first.effective)
    payload["issued"] = build.instant(first.issued)
    if is_aside:
        growth.tell(t, payload, first)
        return Rendering("Observation", payload["id"], payload, (), is_aside=True)
    if first.category == "vital-signs":
        payload["performer"] = [_performer(t, first)]
        if filed.by(t, first) is not None:
            payload["note"] = [{"text": "Filed via FHIR"}]
        losses += _tell_vital(payload, told)
    else:
        losses += [(0, loss) for loss in _tell_result(t, payload, first)]
        if flowsheet.is_local(t, first):
            losses.append((0, Loss("codes", "text_only", "not mapped to LOINC")))
        remark = _remark(t, first)
        if remark is not None:
            payload["note"] = [{"text": remark}]
    losses += [(index, Loss("sensitivity", "omitted")) for index, one in enumerate(told) if one.sensitivity]
    return Rendering("Observation", payload["id"], payload, told, tuple(losses))


def _remark(t: Telling, first: Observation) -> str | None:
    """What the laboratory wrote beside a result: rarely anything."""
    if first.category != "laboratory" or (first.ordinal * 7 + t.number) % _REMARKED_EVERY:
        return None
    return _REMARKS[t.draw("remark", first.ordinal) % len(_REMARKS)]


def _performer(t: Telling, first: Observation) -> Json:
    """Who measured; of what was filed through the FHIR interface, the user that it acts as (seen)."""
    if not filed.is_by_interface(t, first):
        return t.practitioner(first.practitioner, typed=False)
    return dialect.interface_user(t.site)


def is_dated_today(t: Telling, observation: Observation) -> bool:
    """Whether it is told as so until now, whenever it was asked."""
    return observation.code.code == SMOKING_STATUS and bool(t.site.settings["smoking_period"])


def today(t: Telling) -> date:
    """The day of the request, where the server stands."""
    zone = build.zone_of(str(t.site.settings["server_zone"]))
    return t.site.sandbox.clock.now().astimezone(zone).date()


def code_of(t: Telling, observation: Observation) -> Json:
    """The code: of a vital sign Epic's rows before LOINC, and LOINC in text order; of a result LOINC before Epic's."""
    is_vital = observation.category == "vital-signs"
    is_mapped = not flowsheet.is_local(t, observation)
    return flowsheet.concept(t.key, observation.key, observation.code, observation.text, is_vital, is_mapped)


def tokens_of(t: Telling, told: tuple[Observation, ...]) -> list[tuple[str, str]]:
    """The (system, code) pairs by which `code=` finds the resource."""
    codes = [(one["system"], one["code"]) for one in code_of(t, told[0])["coding"]]
    if told[0].key == "sbp":
        codes += [(build.SYSTEMS["loinc"], one.code.code) for one in told]
    return codes


def _categories(observation: Observation) -> list[Json]:
    name = _CATEGORIES.get(observation.category, observation.category)
    made = [dialect.told("observation-category", observation.category, name)]
    if observation.category == "laboratory":
        made.append(dialect.told(dialect.local("10.798268.30"), "Lab", "Lab"))
    return made


# Vital signs


def _tell_vital(payload: Json, told: tuple[Observation, ...]) -> list[tuple[int, Loss]]:
    """Value and flag of a vital sign; Epic says only that it is abnormal, and gives no range."""
    flags = {one.interpretation for one in told} - {None, "N"}
    if flags:
        payload["interpretation"] = [_flag("A", with_text=False)]
    first, row = told[0], flowsheet.ROWS.get(told[0].key)
    losses: list[tuple[int, Loss]] = []
    if first.key == "sbp":
        payload["component"] = [
            {"code": {"coding": [build.coding(one.code)], "text": one.code.display}, "valueQuantity": _amount(one)}
            for one in told
        ]
        losses += [(index, Loss("text", "replaced", "", one.code.display)) for index, one in enumerate(told)]
    else:
        payload["valueQuantity"] = _amount(first)
        if row is not None:
            more = [code for code in (*row.loincs, flowsheet.VITAL_SIGNS) if code != first.code.code]
            losses.append((0, Loss("codes", "also", "", [{"system": "loinc", "code": code} for code in more])))
            losses.append((0, Loss("text", "replaced", "the flowsheet row's name", row.name)))
    for index, one in enumerate(told):
        if flags and one.interpretation != "A":
            losses.append((index, Loss("interpretation", "replaced", "one flag for the row", "A")))
        elif not flags and one.interpretation is not None:
            losses.append((index, Loss("interpretation", "omitted")))
        if one.low is not None or one.high is not None:
            losses.append((index, Loss("range", "omitted")))
        losses += [(index, loss) for loss in _rounding("value.number", one.value)]
    return losses


def _amount(observation: Observation) -> Json:
    assert observation.value is not None
    unit = observation.unit
    return build.quantity(_plain(observation.value), unit, unit, observation.comparator)


# Results, scores, findings


def _tell_result(t: Telling, payload: Json, one: Observation) -> list[Loss]:
    losses = _tell_value(payload, one)
    if one.interpretation in _FLAGS:
        payload["interpretation"] = [_flag(one.interpretation, with_text=True)]
    else:
        if one.category == "laboratory" and one.value is None:
            payload["interpretation"] = [{"text": "(NONE)"}]
        if one.interpretation is not None:
            losses.append(Loss("interpretation", "omitted", "normal is not said"))
    if one.category == "laboratory":
        specimen = orders.specimen_reference(t, (one,))
        if specimen is not None:
            payload["specimen"] = specimen
    losses += _tell_range(payload, one)
    if one.panel is not None:
        losses.append(Loss("panel", "text_only" if one.category == "laboratory" else "omitted"))
    elif one.category == "laboratory":
        losses.append(Loss("panel", "also", "the name of the order", one.text))
    return losses


def _tell_value(payload: Json, one: Observation) -> list[Loss]:
    if one.value is not None:
        unit, ucum = spelled_unit(one)
        payload["valueQuantity"] = build.quantity(_plain(one.value), unit, ucum, one.comparator)
        lost = [Loss("value.unit", "omitted", "the result has no unit")] if unit is None and one.unit else []
        return [*lost, *_rounding("value.number", one.value)]
    if one.coded is not None and one.category == "social-history":
        text = _SMOKING_WORDS.get(one.coded.code) or dialect.words_of(one.coded.display)
        payload["valueCodeableConcept"] = {"coding": [build.coding(one.coded)], "text": text}
        return []
    if one.coded is not None:
        text = dialect.words_of(one.coded.display)
        payload["valueString"] = text
        return [Loss("value", "replaced", "text", {"text": text})]
    if one.value_text is not None:
        payload["valueString"] = one.value_text
    return []


def spelled_unit(one: Observation) -> tuple[str | None, str | None]:
    """(unit, UCUM code) as the laboratory writes them: HbA1c and bare ratios without any, some in words of its own
    without a code.

    Source: MAP (seen: no unit on HbA1c, `10*6/µL` without code; ratios: guess).
    """
    if one.unit is None or one.key == "a1c":
        return None, None
    if one.category == "laboratory" and one.unit[0] + one.unit[-1] in ("{}", "[]"):
        return None, None
    own = dialect.UNIT_SPELLINGS.get(one.unit)
    return (own, None) if own else (one.unit, one.unit)


def _tell_range(payload: Json, one: Observation) -> list[Loss]:
    """Both bounds with numbers and text; one bound as text alone."""
    if one.low is None and one.high is None:
        return []
    unit, ucum = spelled_unit(one)
    if one.low is None or one.high is None:
        text = f"<={build.plain(one.high)}" if one.high is not None else f">={build.plain(one.low or Decimal(0))}"
        payload["referenceRange"] = [{"text": text}]
        return [Loss("range", "text_only")]
    payload["referenceRange"] = [
        {
            "low": build.quantity(_plain(one.low), unit, ucum),
            "high": build.quantity(_plain(one.high), unit, ucum),
            "text": f"{build.plain(one.low)} - {build.plain(one.high)}{' ' + unit if unit else ''}",
        }
    ]
    return []


def _flag(code: str, *, with_text: bool) -> Json:
    display, text = _FLAGS[code]
    coding: dict[str, Any] = {"system": build.SYSTEMS["v3-interpretation"], "code": code, "display": display}
    return {"coding": [coding]} | ({"text": text} if with_text else {})


def _plain(value: Decimal) -> Decimal:
    """`value` without trailing zeros: seen (4 for 4.00, which only the text keeps)."""
    return Decimal(build.plain(value.normalize()))


def _rounding(field: str, value: Decimal | None) -> list[Loss]:
    if value is None or build.plain(value) == build.plain(_plain(value)):
        return []
    return [Loss(field, "replaced", "trailing zeros are lost", build.plain(_plain(value)))]
