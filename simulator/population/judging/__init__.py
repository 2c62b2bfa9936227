"""Judges what an integration holds against what it should hold, field by field, and names the kind of error.

There is no global tolerance: what is acceptable follows from what the vendor's telling lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from simulator.population.judging import contacts, contents, quantities, times, words
from simulator.population.judging.expectation import (
    ABSENT,
    Expectation,
    Mismatch,
    Severity,
    Verdict,
    at,
    is_empty,
    reason_in,
)
from simulator.population.judging.fields import CORE, FIELDS, MINOR_FIELDS, severity_of_invention
from simulator.population.judging.quantities import decimal_of
from simulator.population.judging.words import code_key, is_local, is_placeholder

__all__ = ["Expectation", "Mismatch", "Severity", "Verdict", "compare"]

_Judge = Callable[[Expectation, str, Any, Any], Iterator[Mismatch]]
_JUDGES: dict[str, _Judge] = {
    "word": words.word,
    "name": words.name,
    "names": words.names,
    "text": words.text,
    "codes": words.codes,
    "set": words.elements,
    "telecom": contacts.telecom,
    "addresses": contacts.addresses,
    "identifiers": contacts.identifiers,
    "time": times.moment,
    "number": quantities.number,
    "bound": quantities.bound,
    "value": quantities.value,
    "bytes": contents.written,
    "content": contents.words,
}
_OF_LISTS = frozenset(("codes", "telecom", "addresses", "identifiers"))
_CODES = frozenset(("codes", "reasonCodes", "reason", "type.codes", "admitSource.codes", "dischargeDisposition.codes"))


def compare(expectation: Expectation, got: dict[str, Any]) -> list[Mismatch]:
    """Every difference between what is expected and what the integration holds; empty when all is acceptable.

    A member that is absent everywhere in the integration's records is for the caller to forgive: here it is `missing`,
    major for the members without which a record is of no use, else minor.
    """
    found = list(_whose(expectation, got))
    settled = contents.settled(expectation, got)
    for field, what in FIELDS[expectation.kind].items():
        if field in settled:
            continue
        found.extend(_field(expectation, field, what, at(got, field), reason_in(got, field)))
    return words.with_swapped_names(found)


def _whose(e: Expectation, got: dict[str, Any]) -> Iterator[Mismatch]:
    """Whether the record hangs on the right patient."""
    ids = e.patient_ids
    held = at(got, "patient.id")
    if ids and not is_empty(held) and str(held) not in ids:
        hint = "the record of one patient is filed with another"
        yield Mismatch("patient.id", "wrong-patient", "critical", ids[0], held, hint)


def _field(e: Expectation, field: str, what: str, got: Any, reason: str | None) -> Iterator[Mismatch]:
    """What differs in one field; `reason` is why it is absent, if the integration says so."""
    want = at(e.record, field)
    if field == "identifiers" and want is ABSENT:
        return
    if is_empty(want):
        if not is_empty(got):
            yield from _held_for_nothing(e, field, got)
        else:
            yield from _why_nothing(e, field, reason)
    elif is_empty(got):
        if not _may_be_silent(e, field):
            yield _missing(e, field, want, got)
    elif what in _OF_LISTS and not isinstance(got, list):
        yield Mismatch(field, "wrong", "major", want, got, "not a list")
    elif not _is_also(e, field, got):
        yield from _JUDGES[what](e, field, want, got)


def _why_nothing(e: Expectation, field: str, reason: str | None) -> Iterator[Mismatch]:
    """Another reason for the absence than the vendor told; to give none at all is no error."""
    told = reason_in(e.record, field)
    if told is not None and reason is not None and not {*reason.split("|")} & {*told.split("|")}:
        yield Mismatch(field, "wrong-null", "minor", told, reason, "absent for another reason")


def _may_be_silent(e: Expectation, field: str) -> bool:
    also = e.lost(field, "also")
    return also is not None and also.value is None


def _is_also(e: Expectation, field: str, got: Any) -> bool:
    also = e.lost(field, "also")
    if also is None or also.field != field:
        return False
    return got in also.value if isinstance(also.value, list) else bool(got == also.value)


def _missing(e: Expectation, field: str, want: Any, got: Any) -> Mismatch:
    is_core = field in CORE[e.kind]
    if field == "sensitivity":
        return Mismatch(field, "missing", "major", want, None, "the label of sensitive data is lost")
    hint = "not carried" if got is ABSENT else "told as known to be absent"
    severity: Severity = "major" if is_core or (got is not ABSENT and field not in MINOR_FIELDS) else "minor"
    return Mismatch(field, "missing", severity, want, None, hint)


def _held_for_nothing(e: Expectation, field: str, got: Any) -> Iterator[Mismatch]:
    """A value where the vendor tells none."""
    truth = at(e.truth, field)
    loss = e.lost(field, "omitted", "absent", "text_only")
    if isinstance(got, list) and field in _CODES:
        got = [code for code in got if not is_local(code)]
        if not got:
            return
    if loss is not None and loss.how == "text_only" and _fits_text(truth, got):
        return
    also = e.lost(field, "also")
    if also is not None and (got == also.value or _are_all_in(got, also.value)):
        return
    if not is_empty(truth) and _is_same(got, truth):
        yield Mismatch(field, "hallucinated", "minor", None, got, "true, but the vendor does not tell it here")
        return
    hint = "a placeholder is no value" if is_placeholder(got) else "the vendor tells nothing"
    yield Mismatch(field, "hallucinated", severity_of_invention(e.kind, field), None, got, hint)


def _fits_text(truth: Any, got: Any) -> bool:
    """Whether a value may stand where only words are told: the true codes, or words."""
    if isinstance(truth, list):
        return _are_all_in(got, truth) or all(isinstance(one, str) and not one.isdigit() for one in got)
    return _is_same(got, truth) or (isinstance(got, str) and not got.isdigit() and len(got) > 3)


def _is_same(got: Any, truth: Any) -> bool:
    if isinstance(got, list) and isinstance(truth, list):
        return _are_all_in(got, truth)
    if isinstance(got, dict) and isinstance(truth, dict):
        return all(is_empty(value) or _is_same(value, truth.get(name)) for name, value in got.items())
    one, other = decimal_of(got), decimal_of(truth)
    return bool(got == truth or (one is not None and one == other))


def _are_all_in(got: Any, accepted: Any) -> bool:
    if not isinstance(got, list) or not isinstance(accepted, list):
        return False
    return all(
        any(code_key(one) == code_key(other) if isinstance(one, dict) and isinstance(other, dict) else one == other
            for other in accepted)
        for one in got
    )  # fmt: skip
