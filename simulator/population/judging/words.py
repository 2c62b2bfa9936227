"""Words, names, texts, codes and sets of them."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from simulator.population.judging.expectation import Expectation, Mismatch, Severity, Verdict
from simulator.population.judging.fields import CORE, MINOR_FIELDS, severity_of_invention
from simulator.population.ranks import fold


def word(e: Expectation, field: str, want: Any, got: Any) -> Iterator[Mismatch]:
    if got == want or (isinstance(want, str) and isinstance(got, str) and _nfc(got) == _nfc(want)):
        return
    severity: Severity = "minor" if field in MINOR_FIELDS else "major"
    hint = ""
    if isinstance(want, str) and isinstance(got, str):
        if got.casefold().rstrip("s") == want.casefold().rstrip("s"):
            severity, hint = "minor", "other spelling"
    elif isinstance(want, bool):
        hint = "a word is no truth value" if isinstance(got, str) else ""
    if field == "assertion":
        severity, hint = "critical", "a statement that there is no allergy is not an allergy, nor the reverse"
    yield Mismatch(field, "wrong", severity, want, got, hint)


def name(e: Expectation, field: str, want: Any, got: Any) -> Iterator[Mismatch]:
    one, other = _nfc(str(want)), _nfc(str(got))
    if one == other:
        return
    suffix = e.truth["name"]["suffix"] if e.kind == "patient" else None
    if one.casefold() == other.casefold():
        yield Mismatch(field, "wrong", "minor", want, got, "upper or lower case")
    elif suffix and other.startswith(one) and suffix.rstrip(".") in other:
        yield Mismatch(field, "wrong", "major", want, got, "the suffix is part of the name")
    elif fold(one) == fold(other):
        yield Mismatch(field, "wrong", "major", want, got, "accents or punctuation are lost")
    elif _is_mojibake(one, other):
        yield Mismatch(field, "wrong", "major", want, got, "bytes of UTF-8 read as another encoding")
    else:
        yield Mismatch(field, "wrong", "critical", want, got, "another name")


def names(e: Expectation, field: str, want: Any, got: Any) -> Iterator[Mismatch]:
    names = [str(name) for name in got] if isinstance(got, list) else str(got).split()
    if [_nfc(name) for name in names] == [_nfc(name) for name in want]:
        return
    if " ".join(names) == " ".join(want):
        yield Mismatch(field, "wrong", "minor", want, got, "given names are run together or cut apart")
    elif len(names) < len(want) and names == want[: len(names)]:
        yield Mismatch(field, "missing", "major", want, got, "a middle name is lost")
    elif sorted(names) == sorted(want):
        yield Mismatch(field, "wrong", "major", want, got, "the order of the given names is lost")
    elif names and want:
        yield from name(e, field, " ".join(want), " ".join(names))


def text(e: Expectation, field: str, want: Any, got: Any) -> Iterator[Mismatch]:
    also = e.lost(field, "also")
    wanted = [str(want), str(also.value)] if also is not None and also.value is not None else [str(want)]
    if not any(alike(one, str(got)) for one in wanted):
        yield Mismatch(field, "wrong", "minor", want, got, "other words")


def codes(e: Expectation, field: str, want: Any, got: Any) -> Iterator[Mismatch]:
    held = [code_key(one) for one in got if isinstance(one, dict) and not is_local(one)]
    told = [code_key(one) for one in want]
    also = e.lost(field, "also")
    accepted = [code_key(one) for one in also.value] if also is not None and isinstance(also.value, list) else []
    lost = [one for one in want if code_key(one) not in held and not is_local(one)]
    extra = [one for one in held if one not in told and one not in accepted]
    is_core = field in CORE[e.kind]
    if lost and len(lost) == len([one for one in want if not is_local(one)]):
        verdict: Verdict = "wrong" if extra else "missing"
        severity: Severity = "major" if is_core else "minor"
        yield Mismatch(field, verdict, severity, want, got, "no code is the one told" if extra else "")
        return
    if lost:
        yield Mismatch(field, "missing", "minor", lost, got, "one of several codes is lost")
    if extra:
        severity = severity_of_invention(e.kind, field) if is_core else "major"
        invented = [{"system": system, "code": code} for system, code in extra]
        yield Mismatch(field, "hallucinated", severity, want, invented, "a code that nobody told")


def elements(e: Expectation, field: str, want: Any, got: Any) -> Iterator[Mismatch]:
    held = set(map(str, got)) if isinstance(got, list) else {str(got)}
    also = e.lost(field, "also")
    accepted = set(map(str, also.value)) if also is not None and isinstance(also.value, list) else set()
    told = set(map(str, want))
    if told - held:
        yield Mismatch(field, "missing", "major", want, got, "elements are lost")
    if held - told - accepted:
        severity: Severity = severity_of_invention(e.kind, field) if field != "sensitivity" else "minor"
        yield Mismatch(field, "hallucinated", severity, want, got, "elements that nobody told")


def with_swapped_names(found: list[Mismatch]) -> list[Mismatch]:
    """Two wrong names that are each other's are one error."""
    family = next((one for one in found if one.field == "name.family"), None)
    given = next((one for one in found if one.field == "name.given"), None)
    if family is None or given is None or not isinstance(given.expected, list | str):
        return found
    names = given.expected if isinstance(given.expected, list) else given.expected.split()
    held = given.got if isinstance(given.got, list) else str(given.got).split()
    if not names or not held:
        return found
    as_given = (fold(names[0]), fold(" ".join(names)))
    as_family = (fold(str(held[0])), fold(" ".join(map(str, held))))
    if fold(str(family.got)) in as_given and fold(str(family.expected)) in as_family:
        both = Mismatch("name", "swapped", "critical", family.expected, family.got, "given and family name")
        return [both, *(one for one in found if one not in (family, given))]
    return found


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _is_mojibake(want: str, got: str) -> bool:
    for encoding in ("latin-1", "cp1252"):
        try:
            if want.encode().decode(encoding) == got:
                return True
        except UnicodeDecodeError:
            continue
    return "�" in got or "?" in got


def _tokens(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", html.unescape(text)).casefold()
    return re.findall(r"[^\W_]+", plain)


def alike(want: str, got: str) -> bool:
    """Whether nine tenths of the words agree."""
    one, other = set(_tokens(want)), set(_tokens(got))
    if not one or not other:
        return one == other
    return 20 * len(one & other) >= 9 * (len(one) + len(other))


def code_key(one: dict[str, Any]) -> tuple[str, str]:
    system, code = str(one.get("system", "")), str(one.get("code", "")).strip().upper()
    return system, code.replace(".", "") if system == "icd10cm" else code


def is_local(one: Any) -> bool:
    return isinstance(one, dict) and str(one.get("system", "")).startswith("local:")


_PLACEHOLDERS = frozenset(
    ("unknown", "unk", "null", "none", "n/a", "na", "nan", "asku", "nask", "not asked", "not on file", "declined",
     "patient declined", "000-00-0000", "999-99-9999", "9999-12-31", "0001-01-01", "1900-01-01", "undefined")
)  # fmt: skip


def is_placeholder(value: Any) -> bool:
    """Whether a value is one of those that systems write where they have none."""
    if isinstance(value, dict):
        value = value.get("value", value.get("text"))
    if isinstance(value, list):
        return bool(value) and all(is_placeholder(one) for one in value)
    if value is None:
        return False
    text = str(value).strip().casefold()
    return text in _PLACEHOLDERS or bool(re.fullmatch(r"[*x]{3,}[-*x\d]*", text))
