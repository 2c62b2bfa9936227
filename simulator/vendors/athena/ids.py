"""The ids athena gives, and the way back: every id is a keyed image of (kind, patient number, ordinal).

REST ids are bare integers; FHIR ids wrap the same integer: `a-{practice}.{type}-{n}`. A patient's is `a-195900.E-{n}`:
in this practice the enterprise id and the patient id are the same number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from simulator.population.world import FIRST_WRITTEN

if TYPE_CHECKING:
    from simulator.sandbox import Site

PRACTICE = "195900"
OTHER_PRACTICES = frozenset({"1128700", "1"})
"""Practices that exist and that no client here was granted. `1` holds the practices themselves."""

_PATIENTS = 10**9
_ORDINAL_BITS = 21  # written ordinals begin at 1 << 20
_ITEMS = 1 << 53  # patient numbers have 32 bits, written ones included; a JSON number keeps 53
_FHIR_ID = re.compile(r"a-(\d{1,9})\.([A-Za-z]+)-(\d{1,16})")


def patientid(site: Site, number: int) -> int:
    """The patient id of patient `number`; those who were written count on from a thousand million."""
    if number >= FIRST_WRITTEN:
        return _PATIENTS + 1 + number - FIRST_WRITTEN
    return site.permutation(_PATIENTS, "patient").forward(number) + 1


def number_of(site: Site, text: str) -> int | None:
    """The patient number behind a patient id; None when nobody has it. The id of somebody who was merged goes on to
    answer, as the survivor (SOURCES.md: guess)."""
    value = whole_number(text)
    if value is None:
        return None
    if value > _PATIENTS:
        number = FIRST_WRITTEN + value - _PATIENTS - 1
    elif value > 0:
        number = site.permutation(_PATIENTS, "patient").inverse(value - 1)
    else:
        return None
    survivor = site.sandbox.world.survivor(number)
    if survivor is not None:
        return survivor
    return number if site.sandbox.world.person(number) is not None else None


def whole_number(text: str) -> int | None:
    """The number that up to 16 plain digits spell; None for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else None


def item(site: Site, kind: str, number: int, ordinal: int) -> int:
    """The id of one item of a patient's chart."""
    return site.permutation(_ITEMS, kind).forward(number << _ORDINAL_BITS | ordinal)


def item_of(site: Site, kind: str, value: int) -> tuple[int, int]:
    """(patient number, ordinal) behind an item id; whether they exist is the caller's question."""
    if not 0 <= value < _ITEMS:
        return -1, -1
    packed = site.permutation(_ITEMS, kind).inverse(value)
    return packed >> _ORDINAL_BITS, packed & ((1 << _ORDINAL_BITS) - 1)


def fhir_id(type: str, value: int | str, practice: str = PRACTICE) -> str:
    """`a-{practice}.{type}-{value}`."""
    return f"a-{practice}.{type}-{value}"


def parse_fhir_id(text: str) -> tuple[str, str, int] | None:
    """(practice, type, number) of an athena FHIR id, None when it is none."""
    match = _FHIR_ID.fullmatch(text)
    return (match[1], match[2], int(match[3])) if match else None


def patient_fhir_id(site: Site, number: int) -> str:
    """The FHIR id of patient `number`."""
    return fhir_id("E", patientid(site, number))


def patient_ids(site: Site, number: int) -> dict[str, str]:
    """Every id athena gave a patient, as the control API shows them."""
    value = patientid(site, number)
    return {"patientid": str(value), "fhir_id": fhir_id("E", value)}


def patient_of(site: Site, text: str) -> int | None:
    """The patient number behind a patient id, a FHIR id or a FHIR reference."""
    parsed = parse_fhir_id(text.removeprefix("Patient/"))
    if parsed is None:
        return number_of(site, text)
    practice, type, value = parsed
    return number_of(site, str(value)) if practice == PRACTICE and type == "E" else None


def departmentid(index: int) -> int:
    """The department that facility `index` is."""
    return index + 1


def chart_sharing_group(index: int) -> int:
    """The chart sharing group of facility `index`: departments of one group see one chart."""
    return 41 + index % 3


def provider_group(index: int) -> int:
    """The provider group of facility `index`."""
    return 1 + index % 3


def practice_reference() -> str:
    """The FHIR reference of the practice. Its own tenant prefix is 1."""
    return f"Organization/{fhir_id('Practice', PRACTICE, '1')}"
