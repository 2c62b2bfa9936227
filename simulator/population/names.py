"""The pools of names in the order that ranks follow, and which of them a search means.

Family names have an origin, and given names go with it: each origin has its own weights over the one list of given
names. A given name also has its time: how often it was given at five years of birth, and between them the mean. Both
are weights of the same rank construction (see `ranks`), so whatever is asked remains arithmetic on integers.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from operator import mul
from typing import overload

from simulator.population import tables
from simulator.population.deaths import on_file
from simulator.population.ranks import Slots, fold, key_range
from simulator.population.tables.rows import GivenName

SMALL_UNTIL = 1_000_000
"""Populations of more people draw from the census-sized pool of family names."""

GIVENS = tables.GIVEN_NAMES
"""Women's names first, then men's."""

ALIKE = 8
"""Family names are alike in frequency in blocks of so many: who marries into one comes from another of its block."""

MAIDEN_TURNS = 4
"""From so many of them."""

DECADES = 10
"""Of birth, the first around 1930 and the last around 2020."""

_REFERENCE_YEAR = 2026  # whose people the weights of given names are for, whenever the population is looked at
_GIVEN_KEYS = tuple(row.folded for row in GIVENS)
FIRST_MALE = sum(row.sex == "F" for row in GIVENS)
GIVEN_RANGES = {"F": (0, FIRST_MALE), "M": (FIRST_MALE, len(GIVENS))}
_MILLION = 10**6
_CENSUS_SCALE = 9  # the census pool counts in ten millions, of nine tenths of the people


def decade_of(year: int) -> int:
    """The index of the decade of birth that `year` belongs to; the first and the last take what lies beyond."""
    return min(max((year - 1925) // 10, 0), DECADES - 1)


# Family names


@dataclass(frozen=True, slots=True)
class Families:
    """A pool of family names in the order of their folded keys, side by side: name, key, index of the origin."""

    names: Sequence[str]
    keys: Sequence[str]
    origins: bytes
    slots: Slots

    def __len__(self) -> int:
        return len(self.names)

    def like(self, family: str | None, exact: bool) -> range:
        """The indexes of the names that a search means; without one all of them."""
        return range(*_like(self.keys, family, exact))

    def called(self, name: str) -> int | None:
        """The index of exactly this name, however it is spelled."""
        for index in self.like(name, exact=True):
            if self.names[index] == name:
                return index
        return None


def families_of(size: int) -> Families:
    """The family names of a population of `size`: about a thousand up to a million people, eighty-eight thousand above.
    Few names make the common ones commoner than in life, which nobody sees among a million and everybody above."""
    return _small() if size <= SMALL_UNTIL else _census()


def weight_order_of(size: int) -> tuple[Sequence[int], Sequence[int]]:
    """The family names of a population of `size`, the most frequent first, and the place of each in that order."""
    return _weight_order(size <= SMALL_UNTIL)


@cache
def _weight_order(is_small: bool) -> tuple[Sequence[int], Sequence[int]]:
    edges = (_small() if is_small else _census()).slots.edges
    by_weight = array("I", sorted(range(len(edges) - 1), key=lambda index: edges[index] - edges[index + 1]))
    places = array("I", bytes(by_weight.itemsize * len(by_weight)))
    for place, index in enumerate(by_weight):
        places[index] = place
    return by_weight, places


@cache
def _small() -> Families:
    pool = _Pool()
    pool.insert((row.folded, row.name, row.weight, row.origin) for row in tables.FAMILY_NAMES)
    return pool.families()


@lru_cache(maxsize=1)
def _census() -> Families:
    pool = _Pool()
    for columns in tables.census_names():
        pool.extend(*columns)
    pool.insert(
        (row.folded, row.name, row.weight * _CENSUS_SCALE, row.origin) for row in tables.FAMILY_NAMES if row.note
    )
    return pool.families()


class _Pool:
    """Family names in the making, by folded name, column by column."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._odd: dict[int, str] = {}
        self._origins = bytearray()
        self._weights = array("q")

    def extend(self, folded: list[str], names: list[str], weights: Iterable[int], origins: Iterable[str]) -> None:
        """Adds names that come after all that are there."""
        start, plain = len(self._keys), "\n".join(folded).title().split("\n")
        told = enumerate(zip(names, plain, strict=True), start)
        self._odd.update((place, name) for place, (name, usual) in told if name != usual)
        self._keys += folded
        self._weights.extend(weights)
        self._origins.extend(map(_ORIGIN_INDEX.__getitem__, origins))

    def insert(self, rows: Iterable[tuple[str, str, int, str]]) -> None:
        """Puts names (folded, name, weight, origin) where they belong; one that is there already stays as it is."""
        names = _Names(self._keys, self._odd)
        found: list[tuple[int, tuple[str, str, int, str]]] = []
        for row in sorted(rows):
            place = bisect_left(self._keys, row[0])
            while place < len(names) and (self._keys[place], names[place]) < row[:2]:
                place += 1
            is_there = place < len(names) and names[place] == row[1]
            if not is_there and not (found and found[-1][1][1] == row[1]):
                found.append((place, row))
        places = [place for place, _ in found]
        self._odd = {place + bisect_right(places, place): name for place, name in self._odd.items()}
        for turn, (place, (key, name, weight, origin)) in reversed(list(enumerate(found))):
            self._keys.insert(place, key)
            self._weights.insert(place, weight)
            self._origins.insert(place, _ORIGIN_INDEX[origin])
            if name != key.capitalize():
                self._odd[place + turn] = name

    def families(self) -> Families:
        """The pool."""
        return Families(_Names(self._keys, self._odd), self._keys, bytes(self._origins), Slots(self._weights))


class _Names(Sequence[str]):
    """Names beside their keys: nearly all are the key with a capital, the odd ones are kept."""

    __slots__ = ("_keys", "_odd")

    def __init__(self, keys: Sequence[str], odd: Mapping[int, str]) -> None:
        self._keys = keys
        self._odd = odd

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        return self._odd.get(index) or self._keys[index].capitalize()


# Given names


ORIGINS = ("", *sorted({row.origin for row in tables.ORIGINS if row.origin}))
_ORIGIN_INDEX = {origin: index for index, origin in enumerate(ORIGINS)}
_HERITAGE = {row.origin: row.heritage_per_mille for row in tables.ORIGINS}


class Givens:
    """The given names of one origin: how heavy each is among all, and in which years its bearers were born."""

    __slots__ = ("_shares", "slots")

    def __init__(self, origin: str) -> None:
        own = _HERITAGE[origin]
        self._shares = array("q")  # name by name, of the births of the sex in each decade, in a thousand millions
        for row in GIVENS:
            mixed = zip(_share(row, "us"), _share(row, origin), strict=True)
            self._shares.extend(us * (1000 - own) + its * own for us, its in mixed)
        self.slots = Slots(self._weight(index) for index in range(len(GIVENS)))

    def ages(self, given: int, as_of_year: int) -> tuple[int, ...]:
        """How heavy each year of age is among those who bear the name, the youngest first."""
        row = GIVENS[given]
        if row.is_newborn:
            return (1,)
        factors = [share // 1000 + 1 for share in self._of(given)]
        people = _ON_FILE[row.sex]
        return tuple(map(mul, people, map(factors.__getitem__, _decades(as_of_year, len(people)))))

    def _weight(self, given: int) -> int:
        row = GIVENS[given]
        people = _PEOPLE[row.sex]
        if row.is_newborn:
            return row.born["us"][0] * sum(people) // 100 if self._of(given)[0] else 0
        return sum(n * share for n, share in zip(people, self._of(given), strict=True)) // 100_000

    def _of(self, given: int) -> array[int]:
        return self._shares[given * DECADES : (given + 1) * DECADES]


@cache
def _decades(as_of_year: int, ages: int) -> tuple[int, ...]:
    """The decade in which those were born who are 0, 1 … years old."""
    return tuple(decade_of(as_of_year - age - 1) for age in range(ages))


@cache
def givens_of(origin: str) -> Givens:
    """The given names that go with the family names of an origin."""
    return givens_of("") if origin and not _HERITAGE[origin] else Givens(origin)


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


def middle_name(sex: str, decade: int, origin: str, draw: int) -> str:
    """A second given name, of the pool of the origin for some and of the time of birth for the others."""
    pool = origin if draw % 1000 < _HERITAGE[origin] else "us"
    low, _ = GIVEN_RANGES[sex]
    slots = _middles(pool, sex, decade)
    return GIVENS[low + slots.pick((draw >> 16) % slots.total)].name


@cache
def _middles(pool: str, sex: str, decade: int) -> Slots:
    low, high = GIVEN_RANGES[sex]
    return Slots(0 if GIVENS[g].is_newborn else _share(GIVENS[g], pool)[decade] for g in range(low, high))


def _share(row: GivenName, pool: str) -> tuple[int, ...]:
    """The share of a name among the births of its sex in `pool`, per million, by decade."""
    counts = row.born.get(pool)
    if counts is None:
        return (0,) * DECADES
    totals = _totals(pool, row.sex)
    return tuple(n * _MILLION // total for n, total in zip(_by_decade(counts), totals, strict=True))


@cache
def _totals(pool: str, sex: str) -> tuple[int, ...]:
    rows = [row.born[pool] for row in GIVENS if row.sex == sex and pool in row.born and not row.is_newborn]
    return tuple(sum(column) for column in zip(*map(_by_decade, rows), strict=True))


def _by_decade(counts: Sequence[int]) -> list[int]:
    """Counts at 1930, 1950 … 2010 as twice the counts around 1930, 1940 … 2020; the last is the one before it."""
    known = [2 * n for n in counts]
    between = [one + other for one, other in pairwise(counts)]
    return [*(n for pair in zip(known, [*between, known[-1]], strict=True) for n in pair)]


_ON_FILE = {sex: on_file(living, sex) for sex, living in tables.AGE_WEIGHTS.items()}
"""How heavy each year of age is among those on file of a sex, the dead included, the youngest first."""
_PEOPLE = {
    sex: [
        sum(weight for age, weight in enumerate(_ON_FILE[sex]) if decade_of(_REFERENCE_YEAR - age - 1) == decade)
        for decade in range(DECADES)
    ]
    for sex in "FM"
}


# What a search says


def _like(keys: Sequence[str], asked: str | None, exact: bool) -> tuple[int, int]:
    if not asked:
        return 0, len(keys)
    folded = fold(asked)
    return key_range(keys, folded, exact) if folded else (0, 0)  # a name of punctuation only is nobody's


def ascii_name(folded: str) -> str:
    """A folded name as it may stand in an e-mail address: names in other scripts by their code points."""
    return folded if folded.isascii() else "".join(c if c.isascii() else f"u{ord(c):x}" for c in folded)


_FROM_ASCII = {
    ascii_name(key): key for key in [*(row.folded for row in tables.FAMILY_NAMES), *_GIVEN_KEYS] if not key.isascii()
}


def named_in_email(given: str, family: str) -> tuple[str, str]:
    """The folded (given, family) that these parts of an e-mail address stand for."""
    return _FROM_ASCII.get(given, given), _FROM_ASCII.get(family, family)
