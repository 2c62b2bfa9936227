"""Which mismatch rows one telling shows: seen in what it says, what it is told as, and what it lost.

A telling shows a row only when the row's bug would be seen on it: a birth date whose day cannot be a month shows no
swap, and a clinic whose patients are all active shows no `unknown becomes active`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from simulator.population.answers import Expectation
from simulator.population.judging.expectation import at, is_empty

_DAYS = ("birthDate", "onset", "abatement", "start", "stop", "date", "effective", "authored", "recorded", "performed")
_STANDARD = (
    "snomed.info", "icd-10", "loinc.org", "rxnorm", "sid/cvx", "sid/ndc", "terminology.hl7.org", "hl7.org/fhir",
    "urn:ietf:bcp", "unitsofmeasure", "urn:oid:2.16.840.1.113883.4", "urn:oid:2.16.840.1.113883.6",
    "urn:oid:2.16.840.1.113883.12",
)  # fmt: skip
_SECONDS = re.compile(r"T\d\d:\d\d:\d\d\.\d|T\d\d:\d\d(Z|[+-])|\d\d/\d\d/\d{4} \d\d:\d\d(?!:)")
_ESCAPES = re.compile(r"&(amp|lt|gt|quot|nbsp|#\d+);|\\[FSTRE]\\|\\X0A\\|\r\n|\x00|^\s|\s$| {2}")
_NULLS = re.compile(r"unknown|unk|asku|nask|not asked|not on file|patient declined|masked|[*]{3,}.*|", re.IGNORECASE)
_BODY = frozenset(("weight", "height", "temp", "head_circ", "bmi"))
_USUAL = {
    "condition": ("clinicalStatus", "active"),
    "allergy": ("clinicalStatus", "active"),
    "medication": ("status", "active"),
    "encounter": ("status", "finished"),
    "observation": ("status", "final"),
    "immunization": ("status", "completed"),
    "procedure": ("status", "completed"),
    "document": ("status", "current"),
    "appointment": ("status", "booked"),
    "coverage": ("status", "active"),
}


class Shown:
    """One telling: the vendor's payload and what is expected of it."""

    def __init__(self, expectation: Expectation, payload: Mapping[str, Any]) -> None:
        self.expectation = expectation
        self.record = expectation.record
        self.truth = expectation.truth
        self.kind = expectation.kind
        self.payload = payload

    @cached_property
    def scalars(self) -> list[tuple[str, Any]]:
        """Every leaf of the payload with the name that it stands under."""
        return _leaves("", self.payload, [])

    @cached_property
    def texts(self) -> list[str]:
        return [value for _, value in self.scalars if isinstance(value, str)]

    @cached_property
    def lines(self) -> str:
        """The texts, one a line, for what is looked for inside of them."""
        return "\n".join(self.texts)

    def has(self, field: str) -> bool:
        """Whether the vendor tells the field."""
        return not is_empty(at(self.record, field))

    def times(self) -> Iterator[dict[str, Any]]:
        """The times that are expected of it."""
        for field in (*_DAYS, "issued", "end", "created"):
            value = self.record.get(field)
            if isinstance(value, dict) and isinstance(value.get("value"), str):
                yield value

    def is_lost(self, field: str, *hows: str) -> bool:
        return any(loss.field == field and loss.how in hows for loss in self.expectation.losses)


def _leaves(name: str, value: Any, found: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            _leaves(key, inner, found)
    elif isinstance(value, list):
        for inner in value:
            _leaves(name, inner, found)
    else:
        found.append((name, value))
    return found


def rows_shown(expectation: Expectation, payload: Mapping[str, Any]) -> tuple[int, ...]:
    """The numbers of the rows that a telling shows. Rows 22, 30, 31 are matters of a whole reading: `scoring`."""
    shown = Shown(expectation, payload)
    return tuple(number for number, shows in _SHOWS.items() if shows(shown))


def _name_parts(s: Shown) -> bool:
    return s.kind == "patient" and (
        len(at(s.record, "name.given")) > 1 or s.has("name.suffix") or len(s.payload.get("name") or ()) > 1
    )


def _hard_name(s: Shown) -> bool:
    if s.kind != "patient":
        return False
    names = [s.record["name"]["family"], *s.record["name"]["given"]]
    return any(not (name.isascii() and name.isalpha()) or len(name) == 1 or name.casefold() == "null" for name in names)


def _date(s: Shown) -> bool:
    return any(_is_swappable(time["value"]) for time in s.times())


def _is_swappable(text: str) -> bool:
    return len(text) == 10 and text[5:7] != text[8:] and int(text[8:]) <= 12


def _partial(s: Shown) -> bool:
    return any(time.get("precision") in ("year", "month") for time in s.times())


def _instant(s: Shown) -> bool:
    return any("T" in time["value"] for time in s.times())


def _seconds(s: Shown) -> bool:
    return _SECONDS.search(s.lines) is not None and _instant(s)


def _number(s: Shown) -> bool:
    return s.kind == "observation" and s.has("value.number")


def _body_unit(s: Shown) -> bool:
    return _number(s) and s.expectation.analyte in _BODY - {"bmi"}


def _lab_unit(s: Shown) -> bool:
    return _number(s) and s.record.get("category") == "laboratory" and bool(at(s.truth, "value.unit"))


def _spelling(s: Shown) -> bool:
    if not _number(s):
        return False
    told = {value for name, value in s.scalars if name in ("unit", "units")}
    return told != {at(s.truth, "value.unit")}


def _value_form(s: Shown) -> bool:
    if s.kind != "observation":
        return False
    is_worded = isinstance(s.payload.get("value", s.payload.get("valueString")), str)
    return any(s.has(f"value.{name}") for name in ("comparator", "coded", "text")) or (_number(s) and is_worded)


def _local_code(s: Shown) -> bool:
    """A code of the site's own before the standard one, or none but words."""
    if s.kind not in ("observation", "condition", "medication", "allergy", "immunization", "procedure"):
        return False
    concept = s.payload.get("code") or s.payload.get("vaccineCode") or s.payload.get("medicationCodeableConcept")
    codings = concept.get("coding") or () if isinstance(concept, Mapping) else ()
    systems = [str(coding.get("system")) for coding in codings]
    return s.is_lost("codes", "text_only") or any(not any(word in system for word in _STANDARD) for system in systems)


def _code_choice(s: Shown) -> bool:
    if s.kind not in ("condition", "procedure", "immunization", "encounter"):
        return False
    codes = s.record.get("codes") or s.record.get("reasonCodes") or ()
    is_dotless = any(re.fullmatch(r"[A-Z]\d[0-9A-Z]\d[0-9A-Z]{0,3}", text) for text in s.texts)
    return len({code["system"] for code in codes}) > 1 or is_dotless or s.is_lost("codes", "replaced")


def _sig(s: Shown) -> bool:
    return s.kind == "medication" and any(s.has(f"dosage.{name}") for name in ("dose", "frequency", "text"))


def _status(s: Shown) -> bool:
    field, usual = _USUAL.get(s.kind, ("", ""))
    return bool(field) and s.has(field) and at(s.record, field) != usual


def _null(s: Shown) -> bool:
    absent = any(name in ("url", "system") and "absent-reason" in str(value) for name, value in s.scalars)
    return "absent" in s.record or absent or any(_NULLS.fullmatch(text) for text in s.texts)


def _gender(s: Shown) -> bool:
    if s.kind != "patient" or not s.has("administrativeGender"):
        return False
    return bool(s.record["administrativeGender"] != {"F": "female", "M": "male"}.get(str(s.truth["sexAtBirth"])))


def _identifier(s: Shown) -> bool:
    held = s.record.get("identifiers") or ()
    return len(held) > 1 or any(str(one.get("value")).startswith("0") for one in held)


def _panel(s: Shown) -> bool:
    return s.kind == "observation" and (s.has("panel") or "part" in s.record["source"])


def _as_text(s: Shown) -> bool:
    """A truth value or a number that comes as a string."""
    return (_number(s) and isinstance(s.payload.get("value"), str)) or any(
        isinstance(value, str) and (value in ("true", "false") or (name.startswith("is") and value in ("0", "1")))
        for name, value in s.scalars
    )


def _digits(s: Shown) -> bool:
    number = at(s.record, "value.number") if s.kind == "observation" else None
    return isinstance(number, str) and "." in number and number.endswith("0")


def _of_patient(field: str) -> Callable[[Shown], bool]:
    return lambda s: s.kind == "patient" and s.has(field)


_SHOWS: dict[int, Callable[[Shown], bool]] = {
    1: _name_parts,
    2: _hard_name,
    3: _date,
    4: _partial,
    5: _instant,
    6: _seconds,
    7: _body_unit,
    8: _lab_unit,
    9: _spelling,
    10: _value_form,
    11: _local_code,
    12: _code_choice,
    13: lambda s: s.kind == "medication" and (s.has("codes") or s.has("text")),
    14: _sig,
    15: _status,
    16: _null,
    17: _gender,
    18: lambda s: s.kind == "patient" and (s.has("race") or s.has("ethnicity")),
    19: _of_patient("telecom"),
    20: _of_patient("addresses"),
    21: lambda s: s.kind == "patient" and _identifier(s),
    23: lambda s: s.kind == "observation" and s.has("interpretation"),
    24: lambda s: (
        s.kind == "observation" and (s.has("range.low") or s.has("range.high") or s.is_lost("range", "text_only"))
    ),
    25: _panel,
    26: lambda s: s.kind == "encounter" and s.has("class"),
    27: lambda s: s.kind == "document",
    28: _as_text,
    29: lambda s: s.kind == "allergy",
    32: lambda s: s.has("sensitivity"),
    33: _digits,
    34: lambda s: any(_ESCAPES.search(text) for text in s.texts),
}
