"""Who is who in a world: which numbers are one human being, and which of them were merged into which.

A number stands for a patient until it is merged; from then on it resolves to the survivor, who may be merged in turn.
What somebody wrote goes before what happens by itself: a number that was merged or taken apart by hand stays as it was
left, and nothing is merged by itself into a number that was taken in hand before.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from simulator.population.ledger import Ledger
from simulator.population.people import Population

_KEPT = 65_536


class Identity:
    """The numbers of one world. A moment comes as two: `when` for what happens by itself, `by` for what was written,
    None for all of it."""

    def __init__(self, population: Population, ledger: Ledger) -> None:
        self._registrations = population.registrations
        self._size = population.size
        self._ledger = ledger
        self._of = lru_cache(maxsize=_KEPT)(self._registrations.of)

    def first(self, number: int) -> int:
        """The first number of the human being whose number this is by birth of the population: of a written patient,
        and of a number that is none, itself."""
        if self._size <= number < self._registrations.end and number in self._registrations:
            return self._registrations.owner(number)
        return number

    def numbers(self, first: int) -> tuple[int, ...]:
        """Every number of a human being, the first one first."""
        return (first, *self._of(first)) if 0 <= first < self._size else (first,)

    def human(self, number: int) -> int:
        """The first number of the human being that a patient is. A patient who was written is whom they were merged
        into, or a human being of their own: nobody else knows."""
        while number >= self._registrations.end and (link := self._ledger.link(number)) and link.into is not None:
            number = link.into
        return self.first(number)

    def into(self, number: int, when: datetime, by: datetime | None) -> int | None:
        """Into whom a number is merged at a moment; None while it stands for itself."""
        link = self._ledger.link(number, by)
        if link is not None:
            return link.into
        survivor = self._registrations.survivor(number, when)
        if survivor is None or not self._is_taken_in_hand(survivor, self._registrations.merged(number)[0], by):
            return survivor
        return None

    def is_joined(self, number: int, at: datetime) -> bool:
        """Whether what happens by itself to a number of the merged lane at a moment does happen."""
        since, owner = self._registrations.merged(number)[0], self._registrations.owner(number)
        return not (self._is_taken_in_hand(number, at, None) or self._is_taken_in_hand(owner, since, None))

    def _is_taken_in_hand(self, number: int, at: datetime, by: datetime | None) -> bool:
        return (
            number in self._ledger.linked and self._ledger.link(number, at if by is None else min(at, by)) is not None
        )

    def resolved(self, number: int, when: datetime, by: datetime | None) -> int:
        """The patient to whom a number resolves at a moment: itself while it stands."""
        while (survivor := self.into(number, when, by)) is not None:
            number = survivor
        return number

    def members(self, number: int, when: datetime, by: datetime | None) -> tuple[int, ...]:
        """The numbers that resolve to a patient at a moment, itself first; none if the number does not stand."""
        if self.into(number, when, by) is not None:
            return ()
        return (number, *self._merged_into(number, when, by))

    def _merged_into(self, number: int, when: datetime, by: datetime | None) -> Iterator[int]:
        further = self._of(number) if 0 <= number < self._size else ()
        for one in (*further, *sorted(self._ledger.linked - set(further))):
            if self.into(one, when, by) == number:
                yield one
                yield from self._merged_into(one, when, by)

    def lives(self, number: int) -> tuple[int, ...]:
        """The first numbers of those whose lives show, or may come to show, in the chart of a patient."""
        found = {self.first(number)}
        if self._ledger.linked:
            pairs = [{self.first(one), self.first(into)} for one, into in self._ledger.links()]
            while touching := [pair for pair in pairs if pair & found and not pair <= found]:
                found = found.union(*touching)
        return tuple(sorted(one for one in found if 0 <= one < self._size))
