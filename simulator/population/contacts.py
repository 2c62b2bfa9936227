"""Phones and social security numbers: images of keyed bijections, so that looking them up is computing backwards.

None can be anybody's in life: phones have the exchange 555, social security numbers an area that is never issued.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.ids import Permutation
from simulator.population import tables

_PHONES = len(tables.AREA_CODES) * 10_000
_SSN_GROUPS = tuple(g for g in range(1, 94) if g < 50 or 66 <= g <= 69 or g in (89, 93))  # the others are tax numbers
_SSNS = 100 * len(_SSN_GROUPS) * 9_999
_AREA_INDEX = {code: index for index, code in enumerate(tables.AREA_CODES)}


class Contacts:
    """The phones and numbers of a population. Where there are more people than phones, several share one."""

    __slots__ = ("_homes", "_mobiles", "_size", "_ssns")

    def __init__(self, key: bytes, size: int) -> None:
        self._size = size
        places = _PHONES * -(-size // _PHONES)
        self._mobiles = Permutation(places, key, "mobile phone")
        self._homes = Permutation(places, key, "home phone")
        self._ssns = Permutation(2 * _SSNS, key, "ssn")  # half of it are numbers: half of the people have one

    def mobile(self, number: int) -> str:
        """The mobile phone of a patient, in E.164."""
        return _phone(self._mobiles.forward(number))

    def home(self, number: int) -> str:
        """The phone at home of a patient, in E.164."""
        return _phone(self._homes.forward(number))

    def ssn(self, number: int) -> str | None:
        """The social security number of a patient, for half of them."""
        place = self._ssns.forward(number)
        if place >= _SSNS:
            return None
        rest, serial = divmod(place, 9_999)
        area, group = divmod(rest, len(_SSN_GROUPS))
        return f"9{area:02d}-{_SSN_GROUPS[group]:02d}-{serial + 1:04d}"

    def by_phone(self, value: str) -> Iterator[int]:
        """The patients to whom this E.164 number belongs as mobile or at home, whether it is on record or not."""
        if len(value) != 12 or value[5:8] != "555" or int(value[2:5]) not in _AREA_INDEX:
            return
        line = _AREA_INDEX[int(value[2:5])] * 10_000 + int(value[8:])
        seen = set()
        for phones in (self._mobiles, self._homes):
            for place in range(line, phones.n, _PHONES):
                number = phones.inverse(place)
                if number < self._size and number not in seen:
                    seen.add(number)
                    yield number

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


def _phone(place: int) -> str:
    area, line = divmod(place % _PHONES, 10_000)
    return f"+1{tables.AREA_CODES[area]}555{line:04d}"
