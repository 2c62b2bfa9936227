"""Phones and social security numbers: images of keyed bijections, so that looking them up is computing backwards.

None can be anybody's in life. Phones have the exchange 555; while there are enough of them, only the hundred lines of
each area code that are set aside for fiction. Social security numbers have an area that is never issued and a group
that is no tax number's.

Source: ATIS-0300115, 555 NXX guidelines (555-0100 to 555-0199 are for fiction);
https://www.ssa.gov/employer/randomization.html (areas 000, 666 and 900 to 999 are not issued); IRM 3.13.5 (the
groups of individual taxpayer numbers).
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.ids import Permutation
from simulator.population import tables

_AREAS = len(tables.AREA_CODES)
_FICTION = range(100, 200)
_ANY = range(10_000)
_SSN_GROUPS = tuple(g for g in range(1, 94) if g < 50 or 66 <= g <= 69 or g in (89, 93))  # the others are tax numbers
_SSNS = 100 * len(_SSN_GROUPS) * 9_999
_AREA_INDEX = {code: index for index, code in enumerate(tables.AREA_CODES)}


class Contacts:
    """The phones and numbers of a population. Even lines are mobile phones, odd ones at home. Where there are more
    people than phones, several share one."""

    __slots__ = ("_half", "_homes", "_lines", "_mobiles", "_size", "_ssns")

    def __init__(self, key: bytes, size: int) -> None:
        self._size = size
        self._lines = _FICTION if size <= _AREAS * len(_FICTION) // 2 else _ANY
        self._half = _AREAS * len(self._lines) // 2
        places = self._half * -(-size // self._half)
        self._mobiles = Permutation(places, key, "mobile phone")
        self._homes = Permutation(places, key, "home phone")
        self._ssns = Permutation(2 * _SSNS, key, "ssn")  # half of it are numbers: half of the people have one

    def mobile(self, rank: int) -> str:
        """The mobile phone of who has this rank, in E.164."""
        return self._phone(self._mobiles.forward(rank), 0)

    def home(self, rank: int) -> str:
        """The phone in the home of which this rank is the head, in E.164."""
        return self._phone(self._homes.forward(rank), 1)

    def _phone(self, place: int, odd: int) -> str:
        area, line = divmod(place % self._half, len(self._lines) // 2)
        return f"+1{tables.AREA_CODES[area]}555{self._lines[2 * line + odd]:04d}"

    def by_phone(self, value: str) -> Iterator[int]:
        """The ranks whose mobile phone, or phone at home, this E.164 number is, whether it is on record or not."""
        if len(value) != 12 or value[5:8] != "555" or int(value[2:5]) not in _AREA_INDEX:
            return
        if int(value[8:]) not in self._lines:
            return
        line, odd = divmod(int(value[8:]) - self._lines[0], 2)
        first = _AREA_INDEX[int(value[2:5])] * (len(self._lines) // 2) + line
        phones = self._homes if odd else self._mobiles
        for place in range(first, phones.n, self._half):
            rank = phones.inverse(place)
            if rank < self._size:
                yield rank

    def ssn(self, number: int) -> str | None:
        """The social security number of a patient, for half of them."""
        place = self._ssns.forward(number)
        if place >= _SSNS:
            return None
        rest, serial = divmod(place, 9_999)
        area, group = divmod(rest, len(_SSN_GROUPS))
        return f"9{area:02d}-{_SSN_GROUPS[group]:02d}-{serial + 1:04d}"

    def by_ssn(self, text: str) -> Iterator[int]:
        """The patient, if there is one, who has this social security number, with or without hyphens."""
        digits = text.replace("-", "")
        if len(digits) != 9 or not (digits.isascii() and digits.isdigit()) or digits[0] != "9":
            return
        area, group, serial = int(digits[1:3]), int(digits[3:5]), int(digits[5:])
        if group not in _SSN_GROUPS or serial == 0:
            return
        number = self._ssns.inverse((area * len(_SSN_GROUPS) + _SSN_GROUPS.index(group)) * 9_999 + serial - 1)
        if number < self._size:
            yield number


def e164(text: str) -> str:
    """A North American phone, however it is punctuated, in E.164; empty when it is none."""
    digits = "".join(letter for letter in text if letter in "0123456789")
    if len(digits) == 11 and digits[0] == "1":
        digits = digits[1:]
    return f"+1{digits}" if len(digits) == 10 else ""
