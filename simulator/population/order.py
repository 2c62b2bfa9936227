"""The order of a population: what stands at each rank, and which ranks a search means.

Rank by rank: family names by the alphabet, within a family the women before the men, given names by the alphabet,
within one name roughly by birth date. Nothing of it is stored; see `ranks` for how an interval is split.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from simulator.ids import h64, mix
from simulator.population.households import Household, circle_of, household_of
from simulator.population.names import (
    ALIKE,
    FIRST_MALE,
    GIVENS,
    MAIDEN_TURNS,
    ORIGINS,
    Givens,
    families_of,
    givens_like,
    givens_of,
    weight_order_of,
)
from simulator.population.ranks import BirthAxis

_BLOCK = 16  # members of a (family, given) cell whose birth dates are independent; see `_position`
_AXES_KEPT = 4096  # of about a kilobyte


class Place(NamedTuple):
    """What stands at a rank."""

    family: int  # index of the family name
    origin: int
    given: int
    birth: int  # as an ordinal
    member: int  # place among the namesakes
    start: int  # first rank of the family
    members: int  # of the family


class Order:
    """The ranks of `size` people drawn by `key`, as they are on the day `as_of`."""

    def __init__(self, key: bytes, size: int, as_of: date) -> None:
        self.size = size
        self.as_of = as_of
        self.families = families_of(size)
        self._today = as_of.toordinal()
        self._start = h64(key, "families") % self.families.slots.total
        self._given_key = h64(key, "givens")
        self._birth_key = h64(key, "births")
        first = h64(key, "maiden")
        self._turns = [1 + (first + turn) % (ALIKE - 1) for turn in range(MAIDEN_TURNS)]
        self._circle_key = h64(key, "circles")
        self._givens: list[Givens | None] = [None] * len(ORIGINS)
        self._axes: dict[int, BirthAxis] = {}

    def place(self, rank: int) -> Place:
        """Who stands at `rank`."""
        slots = self.families.slots
        family = slots.part_of(self.size, self._start, rank)
        start = slots.bound(self.size, self._start, family)
        members = slots.bound(self.size, self._start, family + 1) - start
        return self._place(rank, family, start, members)

    def _place(self, rank: int, family: int, start: int, members: int) -> Place:
        origin = self.families.origins[family]
        givens = self._givens[origin] or self._of_origin(origin)
        slots = givens.slots
        rho = self._rho(family, slots.total)
        given = slots.part_of(members, rho, rank - start)
        first = slots.bound(members, rho, given)
        namesakes = slots.bound(members, rho, given + 1) - first
        member = rank - start - first
        axis = self._axes.get(given << 8 | origin) or self._axis(origin, given)
        birth = axis.ordinal(self._position(rank, member, namesakes, axis.total))
        return Place(family, origin, given, birth, member, start, members)

    def circle(self, rank: int) -> list[int]:
        """The ranks of the up to four of one family among whom the one at `rank`, who comes first, may live."""
        slots = self.families.slots
        family = slots.part_of(self.size, self._start, rank)
        start = slots.bound(self.size, self._start, family)
        members = slots.bound(self.size, self._start, family + 1) - start
        return self._circle(rank, family, self.families.origins[family], start, members)

    def circle_of(self, rank: int, place: Place) -> list[int]:
        """The circle of who stands at `rank`, which is `place`."""
        return self._circle(rank, place.family, place.origin, place.start, place.members)

    def _circle(self, rank: int, family: int, origin: int, start: int, members: int) -> list[int]:
        slots = (self._givens[origin] or self._of_origin(origin)).slots
        women = slots.bound(members, mix(family, self._given_key) % slots.total, FIRST_MALE)
        places = circle_of(rank - start, women, members - women, mix(family, self._circle_key))
        return [start + place for place in places]

    def household(self, rank: int, place: Place, circle: Sequence[int]) -> Household:
        """The household of who stands at `rank`, which is `place`, and is the first of `circle`."""
        slots = (self._givens[place.origin] or self._of_origin(place.origin)).slots
        edges, total, members, start = slots.edges, slots.total, place.members, place.start
        rho = mix(place.family, self._given_key) % total
        found = [(place.birth, rank, place.given < FIRST_MALE)]
        for other in circle[1:]:  # as `place` does, without what is not needed
            at = other - start
            given = bisect_right(edges, (at * total + rho) // members) - 1
            first = -((rho - members * edges[given]) // total)
            first = 0 if first < 0 else first
            last = -((rho - members * edges[given + 1]) // total)
            namesakes = (members if last > members else last) - first
            axis = self._axes.get(given << 8 | place.origin) or self._axis(place.origin, given)
            if namesakes <= _BLOCK:
                position = mix(other, self._birth_key) * axis.total >> 64
            else:
                position = self._position(other, at - first, namesakes, axis.total)
            found.append((axis.ordinal(position), other, given < FIRST_MALE))
        return household_of(rank, found, self._today)

    # Searching

    def find(
        self, families: Iterable[int], givens: list[tuple[int, int]], born: tuple[date, date] | None, after: int
    ) -> Iterator[int]:
        """The ranks above `after` of those who bear one of the names and were born from one day to another."""
        for family in families:
            start, members = self._range(family)
            if start + members <= after + 1 or not members:
                continue
            for low, high in givens:
                if born is None:
                    yield from self._by_name(family, start, members, low, high, after)
                else:
                    yield from self._born(family, start, members, low, high, born, after)

    def maiden(self, family: int, turn: int) -> int:
        """A family whose name women of `family` bore before they married: one about as frequent, another each turn."""
        by_weight, places = weight_order_of(self.size)
        block, at = divmod(places[family], ALIKE)
        return by_weight[block * ALIKE + (at + self._turns[turn]) % _length(block, len(by_weight))]

    def find_maiden(
        self, families: range, givens: list[tuple[int, int]], born: tuple[date, date] | None, after: int
    ) -> Iterator[int]:
        """The ranks above `after` of those who may have borne one of the names before, as in `find`: the way back from
        `maiden`."""
        by_weight, places = weight_order_of(self.size)
        former: set[int] = set()
        for family in families:
            block, at = divmod(places[family], ALIKE)
            length = _length(block, len(by_weight))
            former.update(by_weight[block * ALIKE + (at - turn) % length] for turn in self._turns)
        return self.find(sorted(former), givens, born, after)

    def count(self, families: range, givens: list[tuple[int, int]]) -> int:
        """How many bear one of the names."""
        total = 0
        for family in families:
            _, members = self._range(family)
            if not members:
                continue
            slots = self._of_origin(self.families.origins[family]).slots
            rho = self._rho(family, slots.total)
            total += sum(slots.bound(members, rho, high) - slots.bound(members, rho, low) for low, high in givens)
        return total

    def namesake(self, families: range, given: str, member: int) -> Iterator[int]:
        """The rank of the `member`-th of those who bear the same names, for each way to spell them."""
        for family in families:
            start, members = self._range(family)
            if not members:
                continue
            slots = self._of_origin(self.families.origins[family]).slots
            rho = self._rho(family, slots.total)
            for low, high in givens_like(given, None, exact=True):
                for g in range(low, high):
                    first = slots.bound(members, rho, g)
                    if first + member < slots.bound(members, rho, g + 1):
                        yield start + first + member

    def _by_name(self, family: int, start: int, members: int, low: int, high: int, after: int) -> Iterator[int]:
        slots = self._of_origin(self.families.origins[family]).slots
        rho = self._rho(family, slots.total)
        first, last = slots.bound(members, rho, low), slots.bound(members, rho, high)
        yield from range(max(start + first, after + 1), start + last)

    def _born(
        self, family: int, start: int, members: int, low: int, high: int, born: tuple[date, date], after: int
    ) -> Iterator[int]:
        origin = self.families.origins[family]
        slots = self._of_origin(origin).slots
        rho = self._rho(family, slots.total)
        place, last = slots.bound(members, rho, low), slots.bound(members, rho, high)
        while place < last:  # from one given name that somebody bears to the next
            given = slots.part_of(members, rho, place)
            end = slots.bound(members, rho, given + 1)
            yield from self._born_namesakes(self._axis(origin, given), start + place, end - place, born, after)
            place = end

    def _born_namesakes(
        self, axis: BirthAxis, base: int, namesakes: int, born: tuple[date, date], after: int
    ) -> Iterator[int]:
        low = axis.position(born[0])
        high = axis.position(born[1] + timedelta(days=1)) if born[1] < self.as_of else axis.total
        if low >= high:
            return
        first = max(0, low * namesakes // axis.total // _BLOCK - 1) * _BLOCK
        last = min(namesakes, (high * namesakes // axis.total // _BLOCK + 1) * _BLOCK)
        for member in range(max(first, after + 1 - base), last):
            if low <= self._position(base + member, member, namesakes, axis.total) < high:
                yield base + member

    # Arithmetic

    def _range(self, family: int) -> tuple[int, int]:
        slots = self.families.slots
        start = slots.bound(self.size, self._start, family)
        return start, slots.bound(self.size, self._start, family + 1) - start

    def _rho(self, family: int, total: int) -> int:
        """The random start at which the given names of a family are dealt."""
        return mix(family, self._given_key) % total

    def _of_origin(self, origin: int) -> Givens:
        givens = self._givens[origin]
        if givens is None:
            givens = self._givens[origin] = givens_of(ORIGINS[origin])
        return givens

    def _axis(self, origin: int, given: int) -> BirthAxis:
        axis = self._axes.get(given << 8 | origin)
        if axis is None:
            if len(self._axes) >= _AXES_KEPT:
                self._axes.clear()
            axis = BirthAxis(self.as_of, self._of_origin(origin).ages(given, self.as_of.year))
            self._axes[given << 8 | origin] = axis
        return axis

    def _position(self, rank: int, member: int, namesakes: int, total: int) -> int:
        """Where on the birth axis the `member`-th of `namesakes` stands. A block of members owns its share of the axis
        and inside it each is drawn on its own: pairs of the same name and day are as frequent as in life, yet a day
        belongs to two or three blocks at most."""
        block = member // _BLOCK
        low = block * _BLOCK * total // namesakes
        high = min((block + 1) * _BLOCK, namesakes) * total // namesakes
        return low + (mix(rank, self._birth_key) * (high - low) >> 64)


def _length(block: int, names: int) -> int:
    """How many names a block of names alike has: the last may have fewer."""
    return min(ALIKE, names - block * ALIKE)


def sex_of(place: Place) -> str:
    """The sex at birth that goes with the given name."""
    return GIVENS[place.given].sex
