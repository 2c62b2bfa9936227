"""Who lives with whom: households of one family name, computed from four of its members at a time.

The women of a family are shuffled, and so are its men; two of each make a *circle* of up to four. Who they are is
given, so the circle only decides who lives together: couples of like age, children with somebody who can be their
parent, young adults sometimes with theirs, everybody else alone. Whoever asks for one member works out the circle of
that one, which costs four birth dates and no memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import NamedTuple

from simulator.ids import M64

_YEAR = 365
_ADULT = 18 * _YEAR + 5
_COUPLE_FROM = 21 * _YEAR
_MOST_APART = 12 * _YEAR
PARENT_FROM, _PARENT_TO = 17 * _YEAR, 46 * _YEAR  # how much older than the child
_LIKELY_PARENT = 29 * _YEAR
_LEAVES_HOME = 24 * _YEAR
_A = 0x9E3779B97F4A7C15

Member = tuple[int, int, bool]
"""Day of birth as an ordinal, rank, whether a woman: so members compare by age. Plain, since four are made a person."""


class Household(NamedTuple):
    """People at one address by age, the eldest first; `couple` says of two whether they are one."""

    members: tuple[Member, ...]
    couple: tuple[int, int] | None  # ranks

    @property
    def head(self) -> int:
        """The rank of the eldest, by which the household is known."""
        return self.members[0][1]

    @property
    def insurer(self) -> int | None:
        """The rank of the one on whose policy the others may be: one of the couple, or the eldest; None without
        others."""
        if len(self.members) == 1:
            return None
        return self.head if self.couple is None else self.couple[sum(self.couple) & 1]

    def turn_of(self, rank: int) -> int:
        """Who a member is on the policy of the insurer: 0 that one, 1 the other of the couple, from 2 on the others by
        age."""
        insurer = self.insurer
        if rank == insurer:
            return 0
        if self.couple is not None and rank in self.couple:
            return 1
        others = [one for _, one, _ in self.members if one != insurer and one not in (self.couple or ())]
        return 2 + others.index(rank)


class Policy(NamedTuple):
    """The policy on which one of a household may be: the number of the patient who holds it, who one is on it, and when
    the holder was born and dies, as an ordinal."""

    holder: int
    turn: int
    born: int
    dies: int | None


def circle_of(place: int, women: int, men: int, key: int) -> list[int]:
    """The places within a family of the up to four members who form a circle with the one at `place`. The family has
    its `women` first, then its `men`."""
    other = key ^ _A
    if place < women:
        at = scatter(place, women, key)
        found = [place]
        if at ^ 1 < women:
            found.append(gather(at ^ 1, women, key))
        first = at & ~1
        found += [women + gather(one, men, other) for one in (first, first + 1) if one < men]
        return found
    at = scatter(place - women, men, other)
    found = [place]
    if at ^ 1 < men:
        found.append(women + gather(at ^ 1, men, other))
    first = at & ~1
    found += [gather(one, women, key) for one in (first, first + 1) if one < women]
    return found


def household_of(rank: int, circle: Sequence[Member], today: int) -> Household:
    """With whom the member `rank` of a circle lives on the day `today`. Each is in exactly one household, whoever of
    the circle is asked for."""
    if len(circle) == 1:
        return Household(tuple(circle), None)
    for members, couple in _homes(sorted(circle), today):
        for member in members:
            if member[1] == rank:
                if len(members) > 1:
                    members.sort()
                return Household(tuple(members), couple)
    raise AssertionError(f"{rank} is not of this circle")


_Home = tuple[list[Member], tuple[int, int] | None]


def _homes(circle: list[Member], today: int) -> list[_Home]:
    """The households of a circle, which comes by age."""
    grown = today - _ADULT
    count = len(circle)
    while count and circle[count - 1][0] > grown:
        count -= 1
    adults = circle[:count]
    homes, alone = _couples(adults, today - _COUPLE_FROM)
    singles: list[_Home] = [([one], None) for one in alone]
    homes += singles
    for child in circle[count:]:
        home = _with_parents(child[0], homes, grown)
        if home is None:
            homes.append(([child], None))
        else:
            home.append(child)
    leaves = today - _LEAVES_HOME
    if count and adults[-1][0] <= leaves:
        return homes
    for single in singles:  # young adults stay at home, if their rank is even and there is a home
        members = single[0]
        young = members[0]
        if len(members) == 1 and young[0] > leaves and not young[1] & 1:
            home = next((other for other, _ in homes if _is_parental(young[0], other)), None)
            if home is not None:
                home.append(young)
                homes.remove(single)
    return homes


def _couples(adults: list[Member], latest: int) -> tuple[list[_Home], list[Member]]:
    """Couples of a woman and a man of like age, those of the likest first; and who is in none. The adults come by
    age."""
    pairs = []
    for place, one in enumerate(adults):
        youngest = min(latest, one[0] + _MOST_APART)
        for other in adults[place + 1 :]:
            if other[0] > youngest:
                break
            if one[2] != other[2]:
                pairs.append((other[0] - one[0], one, other))
    if not pairs:
        return [], adults
    if len(pairs) > 1:
        pairs.sort()
    homes: list[_Home] = []
    left = adults
    for _, one, other in pairs:
        if one in left and other in left:
            left = [adult for adult in left if adult is not one and adult is not other]
            homes.append(([one, other], (one[1], other[1])))
    return homes, left


def _with_parents(born: int, homes: list[_Home], grown: int) -> list[Member] | None:
    """The home in which a child lives: with a mother, a father, or else the eldest adult there is; without any, with
    brothers and sisters."""
    best = None
    best_fit = (2, 0)
    guardian = None
    guardian_born = born - PARENT_FROM
    for members, _ in homes:
        for adult in members:
            older = born - adult[0]
            if PARENT_FROM <= older <= _PARENT_TO:
                fit = (0 if adult[2] else 1, abs(older - _LIKELY_PARENT))
                if fit < best_fit:
                    best, best_fit = members, fit
            if adult[0] < guardian_born:
                guardian, guardian_born = members, adult[0]
    if best is None:
        best = guardian
    if best is None:
        best = next((members for members, _ in homes if members[0][0] > grown), None)
    return best


def _is_parental(born: int, home: list[Member]) -> bool:
    return any(PARENT_FROM <= born - one[0] <= _PARENT_TO for one in home)


# A shuffle of [0, n) that needs no preparation: there is one for each family. Two rounds suffice, since nobody sees the
# order, only who ends up together.


def scatter(x: int, n: int, key: int) -> int:
    """The image of `x` under the bijection of [0, n) that `key` names."""
    a = isqrt(n) or 1
    b = -(-n // a)
    while True:
        right, left = divmod(x, a)
        z = ((right ^ key) * _A) & M64
        left = (left + (((z ^ (z >> 29)) * _A & M64) >> 20)) % a
        z = ((left ^ (key >> 7)) * _A) & M64
        right = (right + (((z ^ (z >> 29)) * _A & M64) >> 20)) % b
        x = left + a * right
        if x < n:
            return x


def gather(x: int, n: int, key: int) -> int:
    """The `y` with `scatter(y, n, key) == x`."""
    a = isqrt(n) or 1
    b = -(-n // a)
    while True:
        right, left = divmod(x, a)
        z = ((left ^ (key >> 7)) * _A) & M64
        right = (right - (((z ^ (z >> 29)) * _A & M64) >> 20)) % b
        z = ((right ^ key) * _A) & M64
        left = (left - (((z ^ (z >> 29)) * _A & M64) >> 20)) % a
        x = left + a * right
        if x < n:
            return x
