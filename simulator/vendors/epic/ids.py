"""The ids that Epic gives: opaque, case-sensitive, invertible.

An id is a keyed 132-bit block of (type, number, ordinal, zeros) written with the 64 letters that FHIR allows, in Epic's
frame: `e…3`, laboratory results `f…4`. Turning it back and finding the zeros proves that we gave it; a made-up id
passes with probability 2^-60. Four lengths are simulated: 24, 48 (orders, reports and what hangs on them), 60
(MedicationRequest, Observation) and 64 (Medication). The id of a Provenance is another wording of what it is about.
The long ids of one patient's orders or observations begin with the same 36 letters, and the case of one letter tells
neighbours apart: a column of 24 or 36 letters, or one that ignores case, makes one record of several (E10).

Source: SOURCES.md, "Answers" (FS and MAP: frames, lengths, letters; the inner structure is ours).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple

from simulator.ids import h64, text_of

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-"
_VALUE = {letter: value for value, letter in enumerate(LETTERS)}
_BLOCK = 22  # letters of a block: 132 bits
_FIRST = 35  # letters that all of a patient's long ids of one type have in common
_HALF = 66
_MASK = (1 << _HALF) - 1
_ROUNDS = 4
_ORDINAL_BITS = 24
_NUMBER_BITS = 40

TYPES = (
    "Patient", "Encounter", "Condition", "AllergyIntolerance", "MedicationRequest", "Observation", "Immunization",
    "Medication", "Practitioner", "Location", "Organization", "Procedure", "DocumentReference", "Binary",
    "Appointment", "Coverage", "DiagnosticReport", "ServiceRequest", "Specimen", "PractitionerRole", "RelatedPerson",
    "CareTeam", "CarePlan", "Goal", "EpisodeOfCare", "List", "Consent", "Account", "Questionnaire",
    "QuestionnaireResponse", "ImmunizationRecommendation", "Group", "Provenance", "Device", "MedicationStatement",
)  # fmt: skip
"""The types that have ids. Their places are part of the ids: new ones come at the end."""
_CODE = {name: code for code, name in enumerate(TYPES, 1)}
_PAIRED = ("MedicationRequest", "Observation")
_TAILS = {"Medication": 40, "DiagnosticReport": 24, "ServiceRequest": 24, "Specimen": 24, "Provenance": 24,
          "Group": 24, "MedicationStatement": 40}  # fmt: skip
"""How many letters, which carry nothing, stand behind the block."""
LABORATORY = "f"  # first letter of a laboratory result's id; everything else has "e"
APART = 1 << 22  # ordinals from here on are those of no record: what is told again, or tells no record
NOT_ON_FILE = (1 << _ORDINAL_BITS) - 1  # ordinal of the AllergyIntolerance that says "nothing was ever asked"


class Named(NamedTuple):
    """What an id names. `frame` is its first letter; of a Provenance `target` is the type that it is about, and the
    rest says which of them."""

    type: str
    number: int
    ordinal: int
    frame: str = "e"
    target: str = ""


@lru_cache(maxsize=65_536)
def fhir_id(key: bytes, type: str, number: int, ordinal: int = 0, frame: str = "e") -> str:
    """The id of the resource (type, number, ordinal); `key` is the site's."""
    end = "4" if frame == LABORATORY else "3"
    if type in _PAIRED:
        first = _first_part(key, type, number)
        second = _encode(key, "pair", _packed(type, number, ordinal >> 1))
        return frame + first + second + _parity_letter(key, type, number, ordinal) + end
    block = _encode(key, "id", _packed(type, number, ordinal))
    return frame + block + _tail(key, type, block) + end


def provenance_id(key: bytes, target: Named) -> str:
    """The id of the Provenance of a resource."""
    block = _encode(key, "provenance", _packed(target.type, target.number, target.ordinal))
    return target.frame + block + _tail(key, "Provenance", block) + ("4" if target.frame == LABORATORY else "3")


@lru_cache(maxsize=65_536)
def named(key: bytes, id: str) -> Named | None:
    """What `id` names, or None when this site never gave it (whether the thing exists is asked of the world)."""
    if len(id) < 24 or (id[0], id[-1]) not in (("e", "3"), ("f", "4")):
        return None
    frame, blocks = id[0], id[1:-1]
    if len(blocks) == _FIRST + _BLOCK + 1:
        return _paired(key, frame, blocks)
    block = blocks[:_BLOCK]
    found = _unpacked(_decode(key, "id", block))
    if found is None:
        return _provenance(key, frame, blocks)
    if found.type in _PAIRED or frame != "e":
        return None
    return found if blocks == block + _tail(key, found.type, block) else None


@lru_cache(maxsize=65_536)
def dstu2_id(key: bytes, number: int, type: str = "Patient", ordinal: int = 0, frame: str = "e") -> str:
    """The id that something has in the DSTU2 interface: `T…B`, 45 letters. R4 tells that of a patient as an
    identifier."""
    block = _encode(key, _DSTU2[frame], _packed(type, number, ordinal))
    return "T" + block + text_of(key, "dstu2", block, length=21, alphabet=LETTERS) + "B"


@lru_cache(maxsize=65_536)
def named_in_dstu2(key: bytes, text: str) -> Named | None:
    """What a DSTU2 id names, or None when this site never gave it."""
    for frame, tweak in _DSTU2.items() if len(text) == 45 else ():
        found = _unpacked(_decode(key, tweak, text[1 : _BLOCK + 1]))
        if found is not None and dstu2_id(key, found.number, found.type, found.ordinal, frame) == text:
            return found._replace(frame=frame)
    return None


def number_of_dstu2(key: bytes, text: str) -> int | None:
    """The patient number behind a DSTU2 id, or None."""
    found = named_in_dstu2(key, text)
    return found.number if found is not None and found.type == "Patient" and not found.ordinal else None


_DSTU2 = {"e": "dstu2", LABORATORY: "dstu2 laboratory"}


def ceid(key: bytes, number: int) -> str:
    """The Care Everywhere id: fifteen capitals and digits that can be turned back."""
    left, right = number >> 15 & 0xFFFF_FFFF, number & 0x7FFF
    value = ((left ^ h64(key, "ceid", right) & 0x3FFF_FFFF_FFFF) << 15) | right
    return "FH" + _base32(value, 13)


def number_of_ceid(key: bytes, text: str) -> int | None:
    """The patient number behind a Care Everywhere id, or None."""
    if len(text) != 15 or not text.startswith("FH") or any(letter not in _BASE32 for letter in text[2:]):
        return None
    value = 0
    for letter in text[2:]:
        value = value << 5 | _BASE32.index(letter)
    right = value & 0x7FFF
    left = value >> 15 ^ h64(key, "ceid", right) & 0x3FFF_FFFF_FFFF
    number = left << 15 | right
    return number if left <= 0xFFFF_FFFF and ceid(key, number) == text else None


_BASE32 = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def _base32(value: int, length: int) -> str:
    return "".join(_BASE32[value >> 5 * place & 31] for place in reversed(range(length)))


def _packed(type: str, number: int, ordinal: int) -> int:
    return (_CODE[type] << _NUMBER_BITS | number) << _ORDINAL_BITS | ordinal


def _unpacked(value: int | None) -> Named | None:
    if value is None:
        return None
    ordinal = value & (1 << _ORDINAL_BITS) - 1
    number = value >> _ORDINAL_BITS & (1 << _NUMBER_BITS) - 1
    code = value >> _ORDINAL_BITS + _NUMBER_BITS
    return Named(TYPES[code - 1], number, ordinal) if 1 <= code <= len(TYPES) else None


def _paired(key: bytes, frame: str, blocks: str) -> Named | None:
    """The block names a pair of ordinals; the letters before it must be the patient's, the one behind it says which."""
    second = _unpacked(_decode(key, "pair", blocks[_FIRST:-1]))
    if second is None or second.type not in _PAIRED or (frame == LABORATORY and second.type != "Observation"):
        return None
    if blocks[:_FIRST] != _first_part(key, second.type, second.number):
        return None
    for ordinal in (second.ordinal << 1, second.ordinal << 1 | 1):
        if blocks[-1] == _parity_letter(key, second.type, second.number, ordinal):
            return Named(second.type, second.number, ordinal, frame)
    return None


def _provenance(key: bytes, frame: str, blocks: str) -> Named | None:
    block = blocks[:_BLOCK]
    target = _unpacked(_decode(key, "provenance", block))
    if target is None or blocks != block + _tail(key, "Provenance", block):
        return None
    if frame == LABORATORY and target.type != "Observation":
        return None
    return Named("Provenance", target.number, target.ordinal, frame, target.type)


@lru_cache(maxsize=4_096)
def _first_part(key: bytes, type: str, number: int) -> str:
    return text_of(key, "first", type, number, length=_FIRST, alphabet=LETTERS)


def _parity_letter(key: bytes, type: str, number: int, ordinal: int) -> str:
    letter = LETTERS[h64(key, "letter", type, number, ordinal >> 1) % 26]
    return letter if ordinal & 1 else letter.lower()


def _tail(key: bytes, type: str, block: str) -> str:
    length = _TAILS.get(type, 0)
    return text_of(key, "tail", block, length=length, alphabet=LETTERS) if length else ""


def _encode(key: bytes, tweak: str, value: int) -> str:
    left, right = value >> _HALF, value & _MASK
    for turn in range(_ROUNDS):
        left, right = right, left ^ _round(key, tweak, turn, right)
    mixed = left << _HALF | right
    return "".join([LETTERS[mixed >> 6 * place & 63] for place in range(_BLOCK)])


def _decode(key: bytes, tweak: str, text: str) -> int | None:
    """The value below 2^72 that `_encode` wrote as `text`, or None."""
    mixed = 0
    try:
        for letter in reversed(text):
            mixed = mixed << 6 | _VALUE[letter]
    except KeyError:
        return None
    left, right = mixed >> _HALF, mixed & _MASK
    for turn in reversed(range(_ROUNDS)):
        left, right = right ^ _round(key, tweak, turn, left), left
    value = left << _HALF | right
    return value if value >> _ORDINAL_BITS + _NUMBER_BITS + 8 == 0 else None


def _round(key: bytes, tweak: str, turn: int, half: int) -> int:
    packed = tweak.encode() + bytes((turn,)) + half.to_bytes(9, "little")
    return int.from_bytes(hashlib.blake2b(packed, digest_size=9, key=key).digest(), "little") & _MASK
