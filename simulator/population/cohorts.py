"""Cohorts: which patients have something, in a population of any size, without storage.

Patients are looked at one by one, in the order of their numbers, which says nothing about them, or of their names where
a name is asked for. The draws of chance alone rule most of them out (see `chart.possible`); charts are made of the
others only, and not the whole of them where conditions, medications or consents are asked for. So what finding somebody
costs goes with how rare they are, and not with how many people there are: a condition of one in a thousand takes a
thousand looks of some microseconds. What everybody may have, however rare, takes a chart a look.

Exact: who is found has it in the chart now, written or merged as it may be, and nobody who has is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import takewhile
from typing import NamedTuple

from simulator.population.chart import parts_of
from simulator.population.chart.possible import CORE, LOOK, Possible
from simulator.population.filing import Filing
from simulator.population.history import folded
from simulator.population.records import Change, Chart
from simulator.population.registrations import exchanged_day
from simulator.population.tables import CONDITIONS
from simulator.population.wanted import Wanted
from simulator.population.world import WRITTEN_RANK, World
from simulator.refusal import UsageError

OUTLINE, CHART = 250, 1_000
"""What it costs to work out conditions, medications and consents, and a whole chart: in points, see `chart.possible`.
A look is one point."""
_TOLD_AFTER = 2_000
"""Points after which it is told how far the search has come, though nobody was found."""


class Step(NamedTuple):
    """One step of a search: the patient who was found, if any; how many points it took; from where to go on."""

    found: int | None
    points: int
    cursor: str


class Cohort:
    """The patients of a world who have everything that is wanted, and of whom a family name begins so and who were born
    within these days, where that is asked: as of now, in a fixed order.

    Who is on file twice is found under each number whose chart holds it.
    """

    def __init__(
        self, world: World, wanted: Sequence[Wanted], family: str | None = None, born: tuple[date, date] | None = None
    ) -> None:
        self._world = world
        self._population = world.population
        self._registrations = world.population.registrations
        self._wanted = wanted
        self._family = family
        self._born = born
        self._is_by_name = bool(family) or not wanted
        self._kinds = frozenset().union(*(one.kinds for one in wanted))
        self._chart_points = OUTLINE if self._kinds <= {"condition", "medication", "consent"} else CHART
        self._vip = next((one.is_vip for one in wanted if one.is_vip is not None), None)
        self._now = world.now()
        self._known: tuple[int, int] | None = None  # the writes and the day for which the rest was worked out
        self._touched: frozenset[int] = frozenset()
        self._possible: list[Possible] = []

    def search(self, after: str | None = None) -> Iterator[Step]:
        """The search, step by step, from behind a cursor on. It may be left at any step.

        Raises:
            UsageError: the cursor is none of this search.
        """
        places = _places(after, "r" if self._is_by_name else "n")
        return self._by_name(places[0]) if self._is_by_name else self._by_number(*places)

    # In order of number

    def _by_number(self, start: int, behind: int) -> Iterator[Step]:
        """From the human being with the first number `start` on, and of that one from behind a number."""
        self._look_around()
        points = 0
        for first in self._firsts(max(start, 0)):
            found, spent = self._of_human(first)
            points += spent
            for number in found:
                if first > start or number > behind:
                    yield Step(number, points, f"n{first}-{number}")
                    points = 0
                    self._look_around()
            if points >= _TOLD_AFTER:
                yield Step(None, points, f"n{first + 1}")
                points = 0
                self._look_around()
        yield Step(None, points, "")

    def _firsts(self, start: int) -> Iterator[int]:
        """First numbers from one on, those of the patients who were written last."""
        size = self._population.size
        if any(one.causes is not None and not one.causes for one in self._wanted):  # nobody has it by chance
            yield from (one for one in sorted({*range(len(self._population.cast)), *self._touched}) if one >= start)
            return
        yield from range(start, size)
        yield from (one for one in sorted(self._touched) if one >= max(start, size))

    # In order of name

    def _by_name(self, after: int) -> Iterator[Step]:
        """From behind a rank on."""
        self._look_around()
        points = 0
        for number in self._named(after):
            is_found = not self._wanted
            points += LOOK
            if self._wanted:
                owner = self._registrations.owner(number) if number < self._registrations.end else number
                found, spent = self._of_human(owner)
                is_found = number in found
                points += spent
            if is_found or points >= _TOLD_AFTER:
                yield Step(number if is_found else None, points, f"r{self._world.rank(number)}")
                points = 0
                self._look_around()
        yield Step(None, points, "")

    def _named(self, after: int) -> Iterator[int]:
        """Who is of the name and the birth date, and of the only sex of whom anybody has what is wanted by chance; then
        of the patients who were written everybody."""
        sexes = [{CONDITIONS[key].sex for key in one.causes} for one in self._wanted if one.causes]
        sex = next((one for one in "FM" if {one} in sexes), None)
        rank = self._world.rank
        drawn = self._world.find(family=self._family, born=self._born, sex=sex, after=after)
        if sex is None:
            yield from drawn
            return
        yield from takewhile(lambda number: rank(number) < WRITTEN_RANK, drawn)
        yield from self._world.find(family=self._family, born=self._born, after=max(after, WRITTEN_RANK - 1))

    # One human being

    def _look_around(self) -> None:
        """Takes notice of what time it is and of what has been written."""
        self._now = self._world.now()
        known = (self._world.writes, self._now.toordinal())
        if known != self._known:
            self._known = known
            self._touched = self._world.written_about()
            causes = [one.causes for one in self._wanted if one.causes is not None]
            self._possible = [Possible(self._population, one, known[1]) for one in causes]

    def _of_human(self, first: int) -> tuple[list[int], int]:
        """The numbers of a human being under which everything that is wanted stands, and the points that it took."""
        if first in self._touched:
            charts, points = self._charts_as_written(first), CHART
        else:
            may_be, points = self._may_be(first)
            if not may_be:
                return [], points
            charts, points = self._charts_as_drawn(first), points + self._chart_points
        return [number for number, chart in charts if self._fits(chart)], points

    def _fits(self, chart: Chart) -> bool:
        is_born = self._born is None or chart.person.is_born_within(*self._born)
        return is_born and all(one.holds(chart) for one in self._wanted)

    def _may_be(self, first: int) -> tuple[bool, int]:
        """Whether somebody about whom nothing was written may be meant, and the points that it took to say so."""
        points = LOOK
        if self._vip is not None and self._population.is_vip(first) != self._vip:
            return False, points
        if self._born is not None:
            points += CORE
            born = self._population.core(first)[3]
            typed = exchanged_day(born) or born  # by who registered them once more
            if not (self._born[0] <= born <= self._born[1] or self._born[0] <= typed <= self._born[1]):
                return False, points
        for one in self._possible:
            verdict = one.of(first)
            points += verdict.points
            if not verdict.may_be:
                return False, points
        return True, points

    def _charts_as_written(self, first: int) -> Iterator[tuple[int, Chart]]:
        """The charts of a human being, each under its number."""
        further = self._registrations.of(first) if first < self._population.size else ()
        for number in (first, *further):
            if self._world.person(number) is not None:
                yield number, self._world.chart(number)

    def _charts_as_drawn(self, first: int) -> Iterator[tuple[int, Chart]]:
        """The same of somebody about whom nothing was written, as far as is wanted; no cache of the world is asked, and
        none filled."""
        now, further = self._now, self._registrations.of(first)
        persons = {first: self._population.person(first, now)}
        persons.update((number, self._registrations.person(number)) for number in further)
        survivors = {number: self._registrations.survivor(number, now) for number in further}
        stands = {number: number if survivors.get(number) is None else survivors[number] for number in persons}
        changes: list[Change] = []
        filing: Filing | None = None
        if self._kinds:
            history = parts_of(self._population, first, self._kinds, now)
            changes = [one for one in history.changes[: history.count(now)] if one.record.kind != "patient"]
            filing = Filing(self._registrations, first, history)
        for number, person in persons.items():
            if stands[number] == number:
                held = changes if filing is None or not further else [
                    one for one in changes if stands[filing.home(one.record.kind, one.record.ordinal)] == number
                ]  # fmt: skip
                yield number, folded(person, now, held)


def _places(cursor: str | None, order: str) -> tuple[int, int]:
    """The numbers in a cursor; before everything without one."""
    if cursor is None:
        return -1, -1
    parts = re.fullmatch(rf"{order}(\d{{1,12}})(?:-(\d{{1,12}}))?", cursor, re.ASCII)
    if parts is None:
        raise UsageError(f'not a cursor of this search: "{cursor}"', "`next` of the page before")
    return int(parts[1]), -1 if parts[2] is None else int(parts[2])
