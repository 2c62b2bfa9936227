"""What was measured, as Millennium writes it: units in words beside a UCUM code, the amount again in other units."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from simulator.fhir import build
from simulator.population import tables
from simulator.population.records import Observation
from simulator.sandbox import Site
from simulator.vendors.cerner import codes
from simulator.vendors.cerner.elements import absent, absent_concept, coded, concept, extension, standard

FLAGS = {"N": "Normal", "L": "Low", "H": "High", "LL": "Critical low", "HH": "Critical high", "A": "Abnormal"}
_TRANSLATION = "http://hl7.org/fhir/StructureDefinition/iso21090-PQ-translation"


def value_of(one: Observation, number: Decimal | None) -> dict[str, Any]:
    """The `value[x]` of an observation with `number` for its number, or why there is none."""
    if number is not None:
        return {"valueQuantity": _quantity(one, number)}
    if one.coded is not None:
        return {"valueCodeableConcept": coded(one.coded.system, one.coded.code, one.coded.display)}
    if one.value_text is not None:
        return {"valueString": one.value_text}
    return {"dataAbsentReason": absent_concept()}


def _quantity(one: Observation, number: Decimal) -> dict[str, Any]:
    told = _plain_quantity(one, number, one.comparator)
    others = [
        extension(_TRANSLATION, valueQuantity=build.quantity(value, codes.UNIT_WORDS.get(unit, unit), unit))
        for value, unit in _translations(one, number)
    ]
    return {"extension": others, **told} if others else told


def _plain_quantity(one: Observation, number: Decimal, comparator: str | None = None) -> dict[str, Any]:
    if one.key in codes.UNCODED:
        return build.quantity(number, codes.UNCODED[one.key], None, comparator) | {"_code": absent()}
    if one.unit is None or one.unit in codes.UNITLESS:
        return build.quantity(number, None, None, comparator)
    return build.quantity(number, codes.UNIT_WORDS.get(one.unit, one.unit), one.unit, comparator)


def _translations(one: Observation, number: Decimal) -> list[tuple[Decimal, str]]:
    """The same amount in other units, where the site's unit table has some."""
    if one.unit == "Cel":
        return [(_rounded(number * 9 / 5 + 32), "[degF]")]
    if one.unit == "kg":
        return [(number * 1000, "g"), (_rounded(number * Decimal("2.2046226")), "[lb_av]")]
    row = tables.LABS.get(one.key)
    if row is None or row.alt_unit is None or row.unit != one.unit:
        return []
    try:
        return [(_rounded(number * Decimal(row.alt_factor)), row.alt_unit)]
    except ArithmeticError:  # a formula in words
        return []


def _rounded(number: Decimal) -> Decimal:
    return number.quantize(Decimal("0.001"), ROUND_HALF_UP).normalize() + 0


def mistyped(one: Observation) -> Decimal:
    """The number with its point in the wrong place."""
    assert one.value is not None
    return one.value * 10 if one.value else Decimal(1)


def interpretation_of(site: Site, flag: str) -> dict[str, Any]:
    """The flag in the site's code set and in the standard's."""
    word = FLAGS.get(flag, flag)
    own = codes.local(site, codes.INTERPRETATION, flag, word)
    return concept([own, standard("v3-interpretation", flag, word)], word)


def range_of(one: Observation) -> dict[str, Any]:
    """The reference range; one bound may be missing."""
    made: dict[str, Any] = {}
    if one.low is not None:
        made["low"] = _plain_quantity(one, one.low)
    if one.high is not None:
        made["high"] = _plain_quantity(one, one.high)
    return made | {"type": coded(codes.RANGE_MEANING, "normal", "Normal Range", selected=None)}


def result_words(one: Observation, number: Decimal | None) -> str | None:
    """The result as the narrative words it."""
    if number is not None:
        unit = _plain_quantity(one, number).get("unit", "")
        return f"{one.comparator or ''}{build.plain(number)} {unit}".strip()
    return one.coded.display if one.coded else one.value_text


def range_words(one: Observation) -> str | None:
    """The reference range as the narrative words it; None without one."""
    if one.low is None and one.high is None:
        return None
    if one.low is None:
        return f"<={build.plain(one.high)}" if one.high is not None else None
    return f">={build.plain(one.low)}" if one.high is None else f"{build.plain(one.low)}-{build.plain(one.high)}"
