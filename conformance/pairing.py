"""Pairs records that name no source with facts, by what they say: the best pairs first, each fact once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.compare import Data, Fact
from simulator.population.judging.words import alike, code_key

_CODE, _MINUTE, _VALUE, _TEXT = 4, 2, 1, 1
_ENOUGH = _MINUTE + _TEXT


def naturally_paired(records: Sequence[Data], facts: Sequence[Fact]) -> dict[int, Fact]:
    """The fact of each record, by the record's place; records that resemble none are left out."""
    pairs = sorted(
        (-points, place, index)
        for place, record in enumerate(records)
        for index, fact in enumerate(facts)
        if (points := _points(record, fact)) >= _ENOUGH
    )
    found: dict[int, Fact] = {}
    taken: set[int] = set()
    for _, place, index in pairs:
        if place not in found and index not in taken:
            found[place] = facts[index]
            taken.add(index)
    return found


def _points(record: Data, fact: Fact) -> int:
    """How much a record resembles a fact; that of a person is asked for by id, so any patient will do."""
    if record.get("kind") != fact.kind:
        return 0
    truth = fact.tellings[0].expectation.record
    points = _ENOUGH if fact.kind == "patient" else 0
    if _codes(record) & _codes(truth):
        points += _CODE
    minute = _minute(truth)
    if minute and _minute(record) == minute:
        points += _MINUTE
    if truth.get("value") and record.get("value") == truth["value"]:
        points += _VALUE
    if truth.get("text") and alike(str(truth["text"]), str(record.get("text"))):
        points += _TEXT
    return points


def _codes(record: Data) -> set[tuple[str, str]]:
    held = record.get("codes")
    return {code_key(one) for one in held if isinstance(one, dict)} if isinstance(held, list | tuple) else set()


def _minute(record: Data) -> str:
    for name in ("effective", "start", "authored", "date", "performed", "onset"):
        value = record.get(name)
        if isinstance(value, Mapping):
            return str(value.get("value"))[:16]
    return ""
