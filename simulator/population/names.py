"""The pools of names in the order that ranks follow, and which of them a search means."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.population import tables
from simulator.population.ranks import Slots, fold, key_range

FAMILIES = tables.FAMILY_NAMES
GIVENS = tables.GIVEN_NAMES
"""Women's names first, then men's."""

FAMILY_SLOTS = Slots(row.weight for row in FAMILIES)
SLOTS_OF_SEX = {sex: Slots(row.weight for row in GIVENS if row.sex == sex) for sex in "FM"}
GIVEN_SLOTS = Slots(
    row.weight * 1000 * {"F": 505, "M": 495}[row.sex] // SLOTS_OF_SEX[row.sex].total + 1 for row in GIVENS
)

_FAMILY_KEYS = tuple(row.folded for row in FAMILIES)
_GIVEN_KEYS = tuple(row.folded for row in GIVENS)
_FIRST_MALE = sum(row.sex == "F" for row in GIVENS)
GIVEN_RANGES = {"F": (0, _FIRST_MALE), "M": (_FIRST_MALE, len(GIVENS))}


def families_like(family: str | None, exact: bool) -> range:
    """The indexes of the family names that a search means; without one all of them."""
    return range(*_like(_FAMILY_KEYS, family, exact))


def givens_like(given: str | None, sex: str | None, exact: bool) -> list[tuple[int, int]]:
    """The ranges of given names that a search means, women's first."""
    parts = []
    for s in "FM":
        low, high = GIVEN_RANGES[s] if sex in (None, s) else (0, 0)
        if given:
            first, last = _like(_GIVEN_KEYS[low:high], given, exact)
            low, high = low + first, low + last
        if low < high:
            parts.append((low, high))
    return parts


def _like(keys: Sequence[str], asked: str | None, exact: bool) -> tuple[int, int]:
    if not asked:
        return 0, len(keys)
    folded = fold(asked)
    return key_range(keys, folded, exact) if folded else (0, 0)  # a name of punctuation only is nobody's


def ascii_name(folded: str) -> str:
    """A folded name as it may stand in an e-mail address: names in other scripts by their code points."""
    return folded if folded.isascii() else "".join(c if c.isascii() else f"u{ord(c):x}" for c in folded)


_FAMILY_BY_ASCII = {ascii_name(key): key for key in _FAMILY_KEYS}
_GIVEN_BY_ASCII = {ascii_name(key): key for key in _GIVEN_KEYS}


def named_in_email(given: str, family: str) -> tuple[str, str]:
    """The folded (given, family) that these parts of an e-mail address stand for."""
    return _GIVEN_BY_ASCII.get(given, given), _FAMILY_BY_ASCII.get(family, family)
