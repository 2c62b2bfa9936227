"""The implicit order: number ↔ rank, and the search that needs no index.

Rank u in [0, size) is a patient's place in the order (family, sex, given, roughly birth date); it is computed, never
stored. A search by name is an interval of ranks, a search by name and birth date a few blocks of sixteen ranks. All
arithmetic here is on integers, so every platform agrees who is in.
"""

from __future__ import annotations

import itertools
import unicodedata
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from operator import mul

# Letters that NFKD leaves whole although readers of English take them for two plain ones.
_UNDECOMPOSED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})


def fold(text: str) -> str:
    """`text` as names are compared: no case, no accents, no punctuation or spaces. `O'Brien` and `obrien` are one."""
    decomposed = unicodedata.normalize("NFKD", text).casefold().translate(_UNDECOMPOSED)
    return "".join(letter for letter in decomposed if letter.isalnum())


class Slots:
    """Weights w_0 … w_k-1 that split any range of n ranks into k consecutive parts.

    Systematic sampling with a random start `rho` in [0, total): each part differs from n*w/total by less than one, and
    over the starts the expectation is exact, so that rare names and tiny ranges are drawn fairly too.
    """

    __slots__ = ("edges", "total")

    def __init__(self, weights: Iterable[int]) -> None:
        self.edges = array("q", itertools.chain((0,), itertools.accumulate(weights)))
        self.total = self.edges[-1]

    def bound(self, n: int, rho: int, part: int) -> int:
        """The first rank of `part` in a range of n ranks; with `part` = k the end of the range."""
        first = -((rho - n * self.edges[part]) // self.total)
        return 0 if first < 0 else n if first > n else first

    def pick(self, place: int) -> int:
        """The part that owns `place` of the weights laid end to end."""
        return bisect_right(self.edges, place) - 1

    def part_of(self, n: int, rho: int, rank: int) -> int:
        """The part that owns `rank` of a range of n ranks."""
        return bisect_right(self.edges, (rank * self.total + rho) // n) - 1


class BirthAxis:
    """The days on which some people were born: the years of life that end at `as_of`, each day as heavy as the weight
    of its age says. A position on the axis is an integer in [0, total). Days are proleptic ordinals inside.

    edges    where on the axis each year begins, the oldest people first, and where the last one ends
    starts   the first day of each of these years, and the day after the last one; one array for all axes
    """

    __slots__ = ("edges", "starts", "total")

    def __init__(self, as_of: date, weight_by_age: Sequence[int]) -> None:
        self.starts = _year_starts(as_of, len(weight_by_age))
        weights: Iterable[int] = map(mul, reversed(weight_by_age), _year_days(as_of, len(weight_by_age)))
        self.edges = array("q", itertools.accumulate(weights, initial=0))
        self.total = self.edges[-1]

    def ordinal(self, position: int) -> int:
        """The day that owns `position`, as an ordinal."""
        edges, starts = self.edges, self.starts
        year = bisect_right(edges, position) - 1
        low, start = edges[year], starts[year]
        return start + (position - low) * (starts[year + 1] - start) // (edges[year + 1] - low)

    def day(self, position: int) -> date:
        """The day that owns `position`."""
        return date.fromordinal(self.ordinal(position))

    def position(self, day: date) -> int:
        """The first position of `day`; 0 before the axis, `total` after it."""
        ordinal, starts, edges = day.toordinal(), self.starts, self.edges
        if ordinal >= starts[-1]:
            return self.total
        if ordinal <= starts[0]:
            return 0
        year = bisect_right(starts, ordinal) - 1
        low, start = edges[year], starts[year]
        return low + (ordinal - start) * ((edges[year + 1] - low) // (starts[year + 1] - start))


@lru_cache(maxsize=8)
def _year_starts(as_of: date, years: int) -> array[int]:
    """The days after those, as ordinals, on which people were born who are `years`, … 1, 0 years old on `as_of`
    exactly."""
    return array("q", (_years_before(as_of, age).toordinal() + 1 for age in range(years, -1, -1)))


@lru_cache(maxsize=8)
def _year_days(as_of: date, years: int) -> tuple[int, ...]:
    """How many days each of these years has."""
    return tuple(after - first for first, after in itertools.pairwise(_year_starts(as_of, years)))


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)


def key_range(keys: Sequence[str], query: str, exact: bool) -> tuple[int, int]:
    """The half-open range of sorted `keys` that equal `query`, or start with it when not `exact`."""
    low = bisect_left(keys, query)
    return low, bisect_right(keys, query, low) if exact else bisect_left(keys, query + "\U0010ffff", low)
