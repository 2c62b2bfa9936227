"""What is drawn about a person besides name and birth date: race, language, family status, how to reach them, and which
of it nobody recorded. Every draw is always taken, so that one rule never shifts another.

What a household shares (race, language, address, the phone at home) is drawn by its head, the rest by the person.
"""

from __future__ import annotations

import hashlib
import struct
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from simulator.population import tables
from simulator.population.dirt import Dirt
from simulator.population.names import MAIDEN_TURNS, decade_of, middle_name
from simulator.population.ranks import Slots
from simulator.population.records import Code
from simulator.population.tables.rows import GivenName, OriginRow, Weighted

_ADULT = 18 * 365 + 5
_PER_MILLION = {share: (share << 64) // 1_000_000 for share in range(0, 1_000_000, 10_000)}
"""The bound below which that share of all draws of 64 bits lies."""


class _Choice:
    """A weighted choice of codes."""

    __slots__ = ("_codes", "_edges", "_total")

    def __init__(self, rows: tuple[Weighted, ...], weights: Mapping[str, int] | None = None) -> None:
        known = [row for row in rows if row.codes and (weights is None or row.key in weights)]
        self._codes = [row.codes for row in known]
        slots = Slots(row.weight if weights is None else weights[row.key] for row in known)
        self._edges, self._total = slots.edges, slots.total

    def of(self, draw: int) -> tuple[Code, ...]:
        """The codes that 64 bits choose."""
        return self._codes[bisect_right(self._edges, draw * self._total >> 64) - 1]


class _Origin:
    """What goes with the origin of a family name."""

    __slots__ = ("hispanic", "languages", "races")

    def __init__(self, row: OriginRow) -> None:
        self.races = _Choice(tables.RACES, row.races)
        self.languages = _Choice(tables.LANGUAGES, row.languages)
        self.hispanic = (row.hispanic_per_mille << 64) // 1000


_ORIGINS = {row.origin: _Origin(row) for row in tables.ORIGINS}
_MARITAL = _Choice(tables.MARITAL)
_BY_CODE = {row.key: row.codes[0] for row in tables.MARITAL if row.codes}
_NEVER_MARRIED, _MARRIED, _PARTNERED = _BY_CODE["S"], _BY_CODE["M"], _BY_CODE["T"]
_HISPANIC, _NOT_HISPANIC = (row.codes[0] for row in tables.ETHNICITIES if row.codes)


@dataclass(slots=True)
class HouseholdTraits:
    """The draws of a household; `home` and `former` are 64 bits each, from which an address is made."""

    race: tuple[Code, ...]
    ethnicity: Code
    language: Code
    has_phone: bool
    home: int
    former: int
    days_since_move: int | None


@dataclass(slots=True)
class Traits:
    """The draws of one person; `maiden` is a turn: which of the names that go with a rank was the one before
    marriage."""

    race: tuple[Code, ...]
    ethnicity: Code | None
    language: Code | None
    marital: Code | None
    middle: str | None
    maiden: int | None
    suffix: str | None
    nickname: str | None
    has_mobile: bool
    has_home_phone: bool
    mail_domain: str | None


@dataclass(frozen=True, slots=True)
class Absences:
    """How much of a population is not on record: bounds below which a draw of 64 bits lies when something is not."""

    race: int
    language: int
    phone: int
    email: int

    @classmethod
    def of(cls, dirt: Dirt) -> Absences:
        """The bounds that go with the rates per million."""
        rates = (dirt.no_race, dirt.no_language, dirt.no_phone, dirt.no_email)
        return cls(*((rate << 64) // 1_000_000 for rate in rates))


def household_traits(key: bytes, head: int, origin: str) -> HouseholdTraits:
    """The traits of the household whose head has the rank `head`."""
    words = _words(key, head, b"household", 7)
    goes = _ORIGINS[origin]
    return HouseholdTraits(
        race=goes.races.of(words[0]),
        ethnicity=_HISPANIC if words[1] < goes.hispanic else _NOT_HISPANIC,
        language=goes.languages.of(words[2])[0],
        has_phone=words[3] < _PER_MILLION[400_000],
        home=words[4],
        former=words[5],
        days_since_move=1 + (words[6] * 10_000 >> 64) if words[6] < _PER_MILLION[120_000] else None,
    )


def traits_of(
    key: bytes,
    number: int,
    household: HouseholdTraits,
    origin: str,
    given: GivenName,
    birth_year: int,
    age_days: int,
    in_couple: bool,
    absences: Absences,
) -> Traits:
    """The traits of person `number`, who is `age_days` old."""
    words = _words(key, number, b"traits", 20)
    is_adult = age_days >= _ADULT
    marital = _MARITAL.of(words[0])[0]
    if in_couple:
        marital = _PARTNERED if words[1] < _PER_MILLION[60_000] else _MARRIED
    elif (words[2] * 45 >> 64) > age_days // 365 - 17:  # the younger, the likelier
        marital = _NEVER_MARRIED
    is_known = is_adult and words[3] >= _PER_MILLION[40_000]
    is_wife = is_known and given.sex == "F" and marital.code in "MDWL"
    without_phone = words[4] < absences.phone
    has_home_phone = not without_phone and household.has_phone
    return Traits(
        race=household.race if words[5] >= absences.race else (),
        ethnicity=household.ethnicity if words[6] >= _PER_MILLION[60_000] else None,
        language=household.language if words[7] >= absences.language else None,
        marital=marital if is_known else None,
        middle=_middle(words[8], given, birth_year, origin) if words[9] < _PER_MILLION[720_000] else None,
        maiden=words[10] % MAIDEN_TURNS if is_wife and words[11] < _PER_MILLION[700_000] else None,
        suffix=_suffix(words[12] * 1000 >> 64, given.sex),
        nickname=_nickname(words[13], given.name) if words[14] < _PER_MILLION[300_000] else None,
        has_mobile=not without_phone and (not has_home_phone or words[15] >= _PER_MILLION[100_000]),
        has_home_phone=has_home_phone,
        mail_domain=None if words[16] < absences.email else "example.org" if words[16] & 1 else "example.com",
    )


def _words(key: bytes, number: int, domain: bytes, count: int) -> tuple[int, ...]:
    """The first draws of the stream of that name, 64 bits each: `Stream`, without what it costs to take one by one."""
    return struct.unpack(f"<{count}Q", hashlib.shake_128(key + struct.pack("<Q", number) + domain).digest(8 * count))


def _middle(draw: int, given: GivenName, birth_year: int, origin: str) -> str | None:
    if given.is_newborn:
        return None
    name = middle_name(given.sex, decade_of(birth_year), origin, draw)
    return name if name != given.name else None


def _suffix(draw: int, sex: str) -> str | None:
    return None if sex == "F" or draw >= 30 else "Jr." if draw < 18 else "III" if draw < 24 else "Sr."


def _nickname(draw: int, given: str) -> str | None:
    known = tables.NICKNAMES.get(given)
    return known[draw % len(known)] if known else None
