"""Numbers and measured values: compared as decimals after conversion to the unit of the truth."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from simulator.population import tables
from simulator.population.judging.expectation import Expectation, Mismatch, Severity, Verdict, at, is_empty
from simulator.population.judging.words import alike, code_key, is_local
from simulator.population.units import SPELLINGS, convert, factors


def number(e: Expectation, field: str, want: Any, got: Any) -> Iterator[Mismatch]:
    told, held = decimal_of(want), decimal_of(got)
    if told is None or held is None:
        yield Mismatch(field, "wrong", "major", want, got, "not a number")
    elif told != held:
        verdict: Verdict = "transposed" if are_transposed(str(want), str(got)) else "wrong"
        severity: Severity = "critical" if field == "dosage.dose" else "major"
        yield Mismatch(field, verdict, severity, want, got, "")


def bound(e: Expectation, field: str, want: Any, got: Any) -> Iterator[Mismatch]:
    """A limit of the reference range; it is told in the unit of the value, and may come in that of the answer."""
    unit = at(e.truth, "value.unit")
    told, held = decimal_of(want), decimal_of(got)
    if told is None or held is None:
        yield Mismatch(field, "wrong", "minor", want, got, "not a number")
        return
    row = tables.LABS.get(e.analyte)
    others = [row.alt_unit] if row is not None and row.alt_unit else []
    others += ["[degF]", "[lb_av]", "g", "[in_i]"]
    if held == told:
        return
    for other in others if isinstance(unit, str) else ():
        converted = convert(told, unit, other, e.analyte)
        if converted is not None and abs(converted - held) <= abs(converted) / 200:
            return
    yield Mismatch(field, "wrong", "minor", want, got, "")


def value(e: Expectation, field: str, want: Any, got: Any) -> Iterator[Mismatch]:
    if not isinstance(got, dict):
        yield Mismatch(field, "wrong", "major", want, got, "not {number, unit, comparator}, {coded} or {text}")
        return
    for name in ("number", "coded", "text"):
        if not is_empty(want.get(name)):
            if is_empty(got.get(name)):
                hint = "a number is told" if name == "number" else f"a value of the kind `{name}` is told"
                verdict: Verdict = "wrong" if any(not is_empty(v) for v in got.values()) else "missing"
                yield Mismatch(field, verdict, "major", want, got, hint)
            elif name == "number":
                yield from _quantity(e, want, got)
            elif name == "coded":
                yield from _coded(e, want["coded"], got["coded"])
            elif not alike(str(want["text"]), str(got["text"])):
                yield Mismatch("value.text", "wrong", "major", want["text"], got["text"], "other words")


def _coded(e: Expectation, want: Any, got: Any) -> Iterator[Mismatch]:
    codes = got.get("codes", [got] if "code" in got else []) if isinstance(got, dict) else []
    told = [code_key(one) for one in want.get("codes", [])]
    held = [code_key(one) for one in codes if isinstance(one, dict) and not is_local(one)]
    words = str(got.get("text") or "") if isinstance(got, dict) else str(got)
    if told and not held:
        if not alike(str(want.get("text") or ""), words):
            yield Mismatch("value.coded", "missing", "major", want, got, "the code of the value is lost")
    elif told and not set(told) & set(held):
        yield Mismatch("value.coded", "wrong", "critical", want, got, "another value")
    elif not told and words and not alike(str(want.get("text") or ""), words):
        yield Mismatch("value.coded", "wrong", "major", want, got, "other words")


def _quantity(e: Expectation, want: Any, got: Any) -> Iterator[Mismatch]:
    told, held = decimal_of(want["number"]), decimal_of(got["number"])
    unit, spelled = want.get("unit"), got.get("unit")
    if told is None or held is None:
        yield Mismatch("value.number", "wrong", "major", want["number"], got["number"], "not a number")
        return
    yield from _comparator(e, want.get("comparator"), got.get("comparator"))
    if is_empty(unit):
        if not is_empty(spelled) and spelled != at(e.truth, "value.unit"):
            yield Mismatch("value.unit", "hallucinated", "major", None, spelled, "the vendor tells no unit")
        yield from _amount(e, told, held, want, got, None)
        return
    if is_empty(spelled):
        yield Mismatch("value.unit", "missing", "major", unit, None, "a number without a unit")
        yield from _amount(e, told, held, want, got, unit)
        return
    ucum = str(spelled)
    converted = convert(held, ucum, unit, e.analyte)
    if converted is None and ucum in SPELLINGS:
        yield Mismatch("value.unit", "wrong", "minor", unit, spelled, f"in UCUM: {SPELLINGS[ucum]}")
        ucum = SPELLINGS[ucum]
        converted = convert(held, ucum, unit, e.analyte)
    if converted is None:
        yield Mismatch("value.unit", "unit-error", "critical", unit, spelled, f"no way from {spelled} to {unit}")
    else:
        yield from _amount(e, told, converted, want, got, ucum)


def _comparator(e: Expectation, want: Any, got: Any) -> Iterator[Mismatch]:
    if e.lost("value.comparator", "omitted") is not None:
        return
    if want and not got:
        hint = "a limit of detection is no measured value"
        yield Mismatch("value.comparator", "lost-comparator", "critical", want, None, hint)
    elif got and not want:
        yield Mismatch("value.comparator", "hallucinated", "critical", None, got, "nobody told a comparator")
    elif want and str(got)[0] != str(want)[0]:
        yield Mismatch("value.comparator", "wrong", "critical", want, got, "")


def _amount(e: Expectation, told: Decimal, held: Decimal, want: Any, got: Any, ucum: str | None) -> Iterator[Mismatch]:
    """`held` is what the integration says, in the unit of the truth; `ucum` the unit that it says it in."""
    unit = want.get("unit")
    if _is_close(e, told, held, str(got["number"]), unit, ucum):
        if held == told and ucum == unit:
            yield from _digits(str(want["number"]), str(got["number"]))
        return
    confusion = _confusion(told, held, e.analyte, unit, ucum)
    if confusion:
        yield Mismatch("value.number", "unit-error", "critical", want, got, confusion)
    elif are_transposed(str(want["number"]), str(got["number"])):
        yield Mismatch("value.number", "transposed", "critical", want, got, "the same digits in another order")
    else:
        yield Mismatch("value.number", "wrong", "critical", want, got, "another value")


def _is_close(e: Expectation, told: Decimal, held: Decimal, text: str, unit: str | None, ucum: str | None) -> bool:
    if held == told:
        return True
    loss = e.lost("value.number", "rounded")
    key = e.analyte
    if loss is not None and unit:
        step_text, _, vendor_unit = loss.detail.partition(" ")
        step = Decimal(step_text)
        there = convert(told, unit, vendor_unit or unit, key)
        here = convert(held, unit, vendor_unit or unit, key)
        fine = _resolution(told, unit, vendor_unit or unit, key)
        if there is not None and here is not None:
            return abs(here - (there / step).quantize(Decimal(1)) * step) <= step / 2 + fine
    if unit and ucum and ucum != unit:  # converted: right to the last digit that is shown
        shown = decimal_of(text)
        there = convert(told, unit, ucum, key)
        if shown is None or there is None:
            return False
        exponent = shown.as_tuple().exponent
        last = Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
        return abs(shown - there) <= last / 2 + abs(there) / 1000 and last <= max(abs(there) / 20, Decimal("0.05"))
    return False


def decimal_of(value: Any) -> Decimal | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def are_transposed(want: str, got: str) -> bool:
    return want != got and len(want) == len(got) and sorted(want) == sorted(got) and _distance(want, got) == 2


def _distance(one: str, other: str) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


def _digits(want: str, got: str) -> Iterator[Mismatch]:
    """Significant digits are data: 7.10 is not 7.1, still less 7.100."""
    told, held = want.partition(".")[2], got.partition(".")[2]
    if len(held) > len(told):
        yield Mismatch("value.number", "invented-precision", "minor", want, got, "more digits than the vendor tells")
    elif len(held) < len(told):
        yield Mismatch("value.number", "lost-precision", "minor", want, got, "trailing zeros are digits too")


def _resolution(told: Decimal, unit: str, vendor_unit: str, key: str) -> Decimal:
    """Half of the truth's last digit, in the vendor's unit."""
    exponent = told.as_tuple().exponent
    last = Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
    one, other = convert(told + last, unit, vendor_unit, key), convert(told, unit, vendor_unit, key)
    return abs(one - other) / 2 if one is not None and other is not None else Decimal(0)


def _confusion(told: Decimal, held: Decimal, key: str, unit: str | None, ucum: str | None) -> str:
    """Which units were confused to make `held` of `told`; empty when none that we know."""
    half_percent = Decimal("0.005")
    if told and held and (told > 0) == (held > 0):
        for name, factor in factors(key, unit).items():
            for ratio in (factor, 1 / factor):
                if abs(held / told / ratio - 1) <= half_percent:
                    return f"off by a factor: {name}"
    for source, target in (("Cel", "[degF]"), ("[degF]", "Cel")):
        if unit in ("Cel", "[degF]"):
            other = convert(told, source, target)
            if other is not None and abs(other - held) <= abs(other) * half_percent:
                return "Celsius and Fahrenheit are confused"
    if key == "a1c" and unit:
        for source, target in (("%", "mmol/mol"), ("mmol/mol", "%")):
            other = convert(told, source, target, key)
            if other is not None and abs(other - held) <= abs(other) * half_percent:
                return "NGSP and IFCC units are confused"
    return ""
