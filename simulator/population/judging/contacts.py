"""Phones, addresses and identifiers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulator.population.judging.expectation import Expectation, Mismatch, Verdict
from simulator.population.ranks import fold


def telecom(e: Expectation, field: str, want: Any, got: Any) -> Iterator[Mismatch]:
    held = {(one.get("system"), str(one.get("value"))): one for one in got if isinstance(one, dict)}
    loose = {_contact(value): one for (_, value), one in held.items()}
    for one in want:
        found = held.get((one["system"], one["value"]))
        if found is None:
            near = loose.get(_contact(one["value"]))
            hint = "not in E.164" if near else "lost"
            verdict: Verdict = "wrong" if near else "missing"
            yield Mismatch(field, verdict, "minor" if near else "major", one, near, hint)
        elif one.get("use") and found.get("use") not in (None, one["use"]):
            yield Mismatch(field, "wrong", "minor", one, found, "another use")
    told = {_contact(one["value"]) for one in want}
    also = e.lost(field, "also")
    extra = also.value if also is not None and isinstance(also.value, list) else []
    told |= {_contact(one["value"]) for one in extra}
    for value, one in loose.items():
        if value not in told:
            yield Mismatch(field, "hallucinated", "major", None, one, "nobody told this contact")


def addresses(e: Expectation, field: str, want: Any, got: Any) -> Iterator[Mismatch]:
    held = [one for one in got if isinstance(one, dict)]
    for one in want:
        if any(_address(one) == _address(other) for other in held):
            continue
        near = next((other for other in held if str(other.get("zip"))[:5] == one["zip"]), held[0] if held else None)
        yield Mismatch(field, "wrong" if near else "missing", "major", one, near, "")
    if len(held) > len(want):
        yield Mismatch(field, "hallucinated", "minor", want, got, "more addresses than are told")


def identifiers(e: Expectation, field: str, want: Any, got: Any) -> Iterator[Mismatch]:
    held = {(one.get("system"), str(one.get("value"))): one for one in got if isinstance(one, dict)}
    values = {value: one for (_, value), one in held.items()}
    bare = {value.lstrip("0"): one for value, one in values.items()}
    for one in want:
        value = str(one.get("value"))
        found = held.get((one.get("system"), value))
        if found is not None:
            if found.get("type") not in (None, one.get("type")):
                yield Mismatch(field, "wrong", "minor", one, found, "another type")
        elif value in values:
            yield Mismatch(field, "wrong", "minor", one, values[value], "another system")
        elif value.lstrip("0") in bare:
            yield Mismatch(field, "wrong", "major", one, bare[value.lstrip("0")], "leading zeros are lost")
        else:
            yield Mismatch(field, "missing", "major", one, None, "")
    told = {str(one.get("value")).lstrip("0") for one in want}
    for value, one in bare.items():
        if value not in told:
            yield Mismatch(field, "hallucinated", "major", None, one, "nobody told this identifier")


def _contact(value: Any) -> str:
    text = str(value).strip().lower()
    return text if "@" in text else "".join(letter for letter in text if letter.isdigit())[-10:]


def _address(one: dict[str, Any]) -> tuple[str, ...]:
    lines = one.get("lines") or []
    place = " ".join(map(str, lines)) if isinstance(lines, list) else str(lines)
    return fold(place), fold(str(one.get("city"))), str(one.get("state")).upper(), str(one.get("zip"))[:5]
