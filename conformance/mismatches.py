"""The mismatch rows: the thirty-four ways in which one truth looks different from vendor to vendor, and what careless
hands make of each. A run says of every row how often it met it, and how often the integration got it wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the domain, what an integration must do, and the classic bug."""

    number: int
    domain: str
    must: str
    bug: str


ROWS: dict[int, Row] = {
    number: Row(number, domain, must, bug)
    for number, (domain, must, bug) in enumerate(
        (
            ("name parts", "split and order them, take the official name, keep the suffix apart", "middle name lost"),
            ("hard names", "keep every letter, accent and hyphen", "mojibake, `Null` dropped"),
            ("dates", "read the vendor's format", "day and month swapped"),
            ("partial dates", "keep the precision", "01-01 invented"),
            ("times", "an instant, from the clinic's zone where none is told", "local time taken for UTC"),
            ("seconds", "compare at the coarser precision", "minutes become seconds"),
            ("weights, lengths, temperatures", "convert by the unit told", "factor 1000, 2.2046 or 32"),
            ("laboratory units", "convert by the analyte", "one factor for all"),
            ("spellings of units", "normalise; unknown is null", "the result is dropped"),
            ("forms of values", "keep comparator, number, code and words apart", "`<` lost"),
            ("local codes", "choose the standard code; without one keep the text", "takes coding[0]"),
            ("choice of codes", "keep every system, normalise the dot", "a mapping is invented"),
            ("drugs", "find product and ingredient wherever they stand", "contained drug lost"),
            ("sigs", "dose, unit, route, frequency and as-needed", "as-needed lost"),
            ("words of status", "a closed table to canonical words", "unknown becomes active"),
            ("null flavours", "null, with its reason", "placeholders stored as facts"),
            ("sex and gender", "keep them apart", "one overwrites the other"),
            ("race and ethnicity", "a set of categories", "ethnicity stored as race"),
            ("phones", "E.164 and use", "home and mobile swapped"),
            ("addresses", "lines, city, state, ZIP", "an old address is current"),
            ("identifiers", "type, system and value, as text", "leading zeros stripped"),
            ("duplicates and merges", "one person, every source id; the survivor wins", "homonyms merged"),
            ("flags of results", "canonical interpretation", "recomputed with another range"),
            ("reference ranges", "low and high, or the words", "the words are lost"),
            ("panels", "one row an analyte, with the link", "blood pressure as one number"),
            ("encounter class", "the class set", "everything is ambulatory"),
            ("documents", "text, type and the very bytes", "base64 twice, wrong charset"),
            ("truth values and numbers as text", "typed", '`"false"` is truthy'),
            ("allergies", "none known, not asked and listed are three things", "empty list means none known"),
            ("retractions", "take them out", "stale copy"),
            ("pages and order", "each id once", "double counts"),
            ("sensitivity", "keep the label, do not ask around it", "label dropped"),
            ("decimals", "keep the digits", "7.10 becomes 7.1"),
            ("escapes in text", "decode once", "decoded twice, or not at all"),
        ),
        1,
    )
}

NOT_SHOWN: dict[int, str] = {}
"""Rows that no room shows today, with the reason. A run calls them not tested, never passed."""

_DATES = frozenset(("onset", "abatement", "start", "stop", "date", "period.start", "period.end", "birthDate"))
_BY_FIELD: dict[str, int] = {
    "name.suffix": 1,
    "administrativeGender": 17,
    "sexAtBirth": 17,
    "race": 18,
    "ethnicity": 18,
    "language": 16,
    "maritalStatus": 16,
    "telecom": 19,
    "addresses": 20,
    "identifiers": 21,
    "memberId": 21,
    "deceased.value": 28,
    "class": 26,
    "interpretation": 23,
    "range.low": 24,
    "range.high": 24,
    "panel": 25,
    "sensitivity": 32,
    "value.unit": 9,
    "value.comparator": 10,
    "value.coded": 10,
    "value.text": 10,
    "status": 15,
    "clinicalStatus": 15,
    "verification": 15,
    "intent": 15,
    "category": 15,
    "text": 34,
    "location": 34,
    "type.text": 34,
    "lot": 34,
}
_BY_VERDICT = {"wrong-null": 16, "duplicate": 31, "stale": 30, "leak": 32, "wrong-patient": 22}


def row_of(kind: str, mismatch: Data) -> int:
    """The row to which a mismatch of a record of `kind` belongs."""
    field, verdict = str(mismatch["field"]), str(mismatch["verdict"])
    if verdict in _BY_VERDICT:
        return _BY_VERDICT[verdict]
    if verdict == "hallucinated" and "placeholder" in str(mismatch.get("hint")):
        return 16
    if kind == "document":
        return 27
    if kind == "allergy" and field not in ("text", "sensitivity", "clinicalStatus", "verification"):
        return 29
    if field.startswith("name"):
        return 2 if "accents" in str(mismatch.get("hint")) or "bytes" in str(mismatch.get("hint")) else 1
    if kind == "medication" and (field.startswith("dosage") or field in ("quantity", "daysSupply", "refills")):
        return 14
    if kind == "medication" and field in ("codes", "text"):
        return 13
    if kind == "observation" and field in ("codes", "value", "value.number"):
        return _of_result(field, verdict, mismatch)
    if field.endswith("odes") or field == "reason":
        return 12
    if field in _DATES or verdict in ("zone-error", "date-shift"):
        return _of_time(field, verdict, mismatch)
    return _BY_FIELD.get(field, 5)


def _of_time(field: str, verdict: str, mismatch: Data) -> int:
    if verdict in ("invented-precision", "lost-precision"):
        return 4
    told = mismatch.get("expected")
    return 5 if isinstance(told, Mapping) and "T" in str(told.get("value")) else 3


def _of_result(field: str, verdict: str, mismatch: Data) -> int:
    if field == "codes":
        return 11
    if verdict in ("lost-precision", "invented-precision"):
        return 33
    if field == "value":
        return 10
    return 7 if mismatch.get("category") == "vital-signs" else 8
