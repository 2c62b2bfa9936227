"""Second registrations: human beings who are on file twice, and numbers that were merged away.

Beyond the `size` people of a population lie two ranges of numbers, as long as the highest rates allow and whatever the
rates are: second registrations, then merged ones. A keyed bijection says whose they are, so a patient's further numbers
and a number's patient cost microseconds each. A second registration is told as its clerk typed it: see `dirt` for what
may be different. It is found by what was typed, through the inverse of each kind of mistake.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING

from simulator.ids import h64, mix
from simulator.population import tables
from simulator.population.contacts import e164
from simulator.population.dirt import MILLION, MOST_SECOND_REGISTRATIONS, PERTURBATIONS
from simulator.population.places import make_address
from simulator.population.ranks import fold, key_range
from simulator.population.records import Person, Telecom

if TYPE_CHECKING:
    from simulator.population.people import Population

SECOND, MERGED = "second_registration", "merged"
_LANES = (SECOND, MERGED)
_MONTH = 31
_MERGE_YEARS_BACK, _MERGE_YEARS = 5, 7  # merges happen until two years after `as_of`
_MERGE_MINUTES = _MERGE_YEARS * 365 * 1440
_APART_AFTER = tuple(timedelta(days=days) for days in (14, 30, 60, 90))
_MOMENTS = "moment of merging"
_LAST_DIGITS = 4  # those before them say that a phone or a social security number is nobody's


@dataclass(frozen=True, slots=True)
class Registration:
    """One further number of a patient: which, whose, of which kind, and what its clerk typed differently."""

    number: int
    of: int
    lane: str  # second_registration | merged
    changed: frozenset[str]


class Registrations:
    """The further numbers of a population's people."""

    def __init__(self, population: Population) -> None:
        self._population = population
        self._size = population.size
        self._ranks = population.size + len(population.cast)  # those of the people are below
        self._reserve = population.size * MOST_SECOND_REGISTRATIONS // MILLION
        rates = {SECOND: population.dirt.second_registration, MERGED: population.dirt.merged}
        self._counts = {lane: population.size * rate // MILLION for lane, rate in rates.items()}
        self._starts = {SECOND: self._size, MERGED: self._size + self._reserve}
        self._first_moment = datetime.combine(population.as_of, time(), UTC) - timedelta(days=_MERGE_YEARS_BACK * 365)
        self._salts = {
            name: h64(population.key, "registration", name) for name in (*PERTURBATIONS, "unmerged", "choice")
        }

    @property
    def end(self) -> int:
        """All numbers are below this, whatever the rates."""
        return self._size + 2 * self._reserve

    def __contains__(self, number: int) -> bool:
        return any(0 <= number - self._starts[lane] < self._counts[lane] for lane in _LANES)

    def __iter__(self) -> Iterator[int]:
        for lane in _LANES:
            yield from range(self._starts[lane], self._starts[lane] + self._counts[lane])

    def owner(self, number: int) -> int:
        """The patient whose number it is: of a first number itself.

        Raises:
            IndexError: there is no such number.
        """
        if 0 <= number < self._size:
            return number
        lane = self._lane(number)
        return self._population.permutation(self._size, lane).inverse(number - self._starts[lane])

    def of(self, patient: int) -> tuple[int, ...]:
        """The further numbers of a patient: at most one of each kind."""
        found = []
        for lane in _LANES:
            place = self._population.permutation(self._size, lane).forward(patient)
            if place < self._counts[lane]:
                found.append(self._starts[lane] + place)
        return tuple(found)

    def registration(self, number: int) -> Registration:
        """What is known of a further number.

        Raises:
            IndexError: there is no such number.
        """
        patient = self.owner(number)
        return Registration(number, patient, self._lane(number), self._registered(number, patient)[1])

    def person(self, number: int) -> Person:
        """The person as registered under a further number.

        Raises:
            IndexError: there is no such number.
        """
        return self._registered(number, self.owner(number))[0]

    def rank(self, number: int) -> int:
        """The place of a further number in the order of `find`: after all people, in the order of their owners.

        Raises:
            IndexError: there is no such number.
        """
        place = self._population.rank(self.owner(number)) * len(_LANES) + _LANES.index(self._lane(number))
        return self._ranks + place

    # Merging

    def merged(self, number: int) -> tuple[datetime, datetime | None]:
        """From when a number of the merged lane resolves to its owner, and until when, if it was taken apart again.

        Raises:
            IndexError: there is no such number, or it is never merged.
        """
        if self._lane(number) != MERGED:
            raise IndexError(f"{number} is never merged")
        at = self._moment(self._population.permutation(self._size, _MOMENTS).forward(self.owner(number)))
        return at, at + self._apart_after(number) if self._makes("unmerged", number) else None

    def survivor(self, number: int, at: datetime) -> int | None:
        """The patient to whom a number resolves at a moment; None when it stands for itself, or is none."""
        if number not in self or self._lane(number) != MERGED:
            return None
        since, until = self.merged(number)
        return self.owner(number) if since <= at and (until is None or at < until) else None

    def merges(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, str, int]]:
        """(when, merged or unmerged, number) of what happens in [since, until), in order of time, without looking at
        anybody else: the moments of merging are ranks of a bijection, and what is taken apart follows after one of a
        few delays."""
        merged = ((at, "merged", one) for at, one in self._merged_in(since, until, timedelta(0)))
        return heapq.merge(merged, *(self._taken_apart(since, until, delay) for delay in _APART_AFTER))

    def _taken_apart(self, since: datetime, until: datetime, delay: timedelta) -> Iterator[tuple[datetime, str, int]]:
        for at, number in self._merged_in(since, until, delay):
            if self._apart_after(number) == delay and self._makes("unmerged", number):
                yield at, "unmerged", number

    def _merged_in(self, since: datetime, until: datetime, delay: timedelta) -> Iterator[tuple[datetime, int]]:
        """What was merged `delay` before the window, with the time of the window."""
        moments = self._population.permutation(self._size, _MOMENTS)
        lane = self._population.permutation(self._size, MERGED)
        first, last = (self._moment_rank(at - delay) for at in (since, until))
        for rank in range(first, last):
            place = lane.forward(moments.inverse(rank))
            if place < self._counts[MERGED]:
                yield self._moment(rank) + delay, self._starts[MERGED] + place

    def _moment(self, rank: int) -> datetime:
        return self._first_moment + timedelta(minutes=rank * _MERGE_MINUTES // self._size)

    def _moment_rank(self, at: datetime) -> int:
        """The first rank whose moment is not before `at`."""
        minutes = -(-(at - self._first_moment) // timedelta(minutes=1))
        return min(max(-(-minutes * self._size // _MERGE_MINUTES), 0), self._size)

    def _apart_after(self, number: int) -> timedelta:
        return _APART_AFTER[self._draw("choice", number) % len(_APART_AFTER)]

    def _lane(self, number: int) -> str:
        for lane in _LANES:
            if 0 <= number - self._starts[lane] < self._counts[lane]:
                return lane
        raise IndexError(f"no registration {number}")

    # What the clerk typed

    def _registered(self, number: int, patient: int) -> tuple[Person, frozenset[str]]:
        """The person under a further number, and the kinds of mistakes in it."""
        true = self._population.person(patient)
        told = replace(true, number=number)
        changed = []
        for name, change in _CHANGES.items():
            made = change(told, self._draw("choice", number), self._population) if self._makes(name, number) else None
            if made is not None:
                told = made
                changed.append(name)
        return told, frozenset(changed)

    def _makes(self, name: str, number: int) -> bool:
        rate: int = getattr(self._population.dirt, name)
        return self._draw(name, number) * MILLION >> 64 < rate

    def _draw(self, name: str, number: int) -> int:
        return mix(number, self._salts[name])

    # Searching

    def find(
        self,
        *,
        family: str | None = None,
        given: str | None = None,
        born: tuple[date, date] | None = None,
        sex: str | None = None,
        exact: bool = False,
        after: int = -1,
    ) -> Iterator[int]:
        """The further numbers that match as registered, lazily, in the order of `rank`; arguments as of
        `Population.find`. `after` is a rank of this order."""
        if not any(self._counts.values()):
            return
        owners = self._owners(family, given, born, sex, exact, max((after - self._ranks) // len(_LANES) - 1, -1))
        for owner in owners:
            for number in self.of(owner):
                if self.rank(number) > after and matches(
                    self._registered(number, owner)[0], family, given, born, sex, exact
                ):
                    yield number

    def _owners(
        self,
        family: str | None,
        given: str | None,
        born: tuple[date, date] | None,
        sex: str | None,
        exact: bool,
        after: int,
    ) -> Iterator[int]:
        """Patients whose registration could match, each once, in rank order: a search for each kind of mistake."""
        asked = [(name, days) for name in _givens(given, exact) for days in _days(born)]
        searches = [
            self._population.find(family=family, given=name, born=days, sex=sex, exact=exact, after=after)
            for name, days in asked
        ]
        if family and self._population.dirt.maiden_name:
            searches += [
                self._population.find_maiden(family=family, given=name, born=days, exact=exact, after=after)
                for name, days in asked
                if sex != "M"
            ]
        ranked = (((self._population.rank(number), number) for number in search) for search in searches)
        last = -1
        for rank, number in heapq.merge(*ranked):
            if rank != last:
                last = rank
                yield number

    def by_phone(self, text: str) -> Iterator[int]:
        """The further numbers under which this phone is on record, however it is punctuated."""
        value = e164(text)
        owners = (owner for one in _exchanged(value) for owner in self._population.by_phone(one))
        return self._under(owners, lambda person: any(one.value == value for one in person.telecoms))

    def by_ssn(self, text: str) -> Iterator[int]:
        """The further numbers under which this social security number is on record."""
        digits = text.replace("-", "")
        owners = (owner for one in _exchanged(digits) for owner in self._population.by_ssn(one))
        return self._under(owners, lambda person: (person.ssn or "").replace("-", "") == digits)

    def by_email(self, text: str) -> Iterator[int]:
        """The further numbers under which this e-mail address is on record."""
        value = text.strip().lower()
        return self._under(
            self._population.by_email(text), lambda person: any(one.value == value for one in person.telecoms)
        )

    def _under(self, owners: Iterable[int], fits: Callable[[Person], bool]) -> Iterator[int]:
        for owner in dict.fromkeys(owners):
            for number in self.of(owner):
                if fits(self._registered(number, owner)[0]):
                    yield number


def matches(
    person: Person,
    family: str | None,
    given: str | None,
    born: tuple[date, date] | None,
    sex: str | None,
    exact: bool,
) -> bool:
    """Whether a person is what `Population.find` asks for."""

    def named(asked: str | None, name: str) -> bool:
        if not asked:
            return True
        key = fold(asked)
        return bool(key) and (fold(name) == key if exact else fold(name).startswith(key))

    return (
        named(family, person.family)
        and named(given, person.given[0] if person.given else "")
        and (born is None or born[0] <= person.birth_date <= born[1])
        and sex in (None, person.sex)
    )


# The mistakes, and the way back from each


def _nickname(person: Person, draw: int, population: Population) -> Person | None:
    known = tables.NICKNAMES.get(person.given[0])
    return replace(person, given=(known[draw % len(known)], *person.given[1:])) if known else None


def _swapped_date(person: Person, draw: int, population: Population) -> Person | None:
    day = exchanged_day(person.birth_date) if person.birth_precision == "day" else None
    return replace(person, birth_date=day) if day is not None and day <= population.as_of else None


def exchanged_day(day: date) -> date | None:
    """The date with day and month exchanged; None when that is no other date."""
    return day.replace(month=day.day, day=day.month) if day.day <= 12 and day.day != day.month else None


def _transposed_digits(person: Person, draw: int, population: Population) -> Person | None:
    place = draw % (_LAST_DIGITS - 1)
    telecoms = tuple(
        Telecom(one.system, one.use, transposed(one.value, place)) if one.system == "phone" else one
        for one in person.telecoms
    )
    ssn = None if person.ssn is None else transposed(person.ssn, place)
    if telecoms == person.telecoms and ssn == person.ssn:
        return None
    return replace(person, telecoms=telecoms, ssn=ssn)


def transposed(digits: str, place: int) -> str:
    """`digits` with two neighbours among the last four exchanged."""
    at = len(digits) - _LAST_DIGITS + place
    return f"{digits[:at]}{digits[at + 1]}{digits[at]}{digits[at + 2 :]}"


def _maiden_name(person: Person, draw: int, population: Population) -> Person | None:
    return replace(person, family=person.maiden, maiden=None) if person.maiden else None


def _no_middle(person: Person, draw: int, population: Population) -> Person | None:
    return replace(person, given=person.given[:1]) if len(person.given) > 1 else None


def _old_address(person: Person, draw: int, population: Population) -> Person | None:
    if not person.addresses:
        return None
    return replace(person, addresses=(make_address(person.addresses[0].state, draw),))


_CHANGES: dict[str, Callable[[Person, int, Population], Person | None]] = {
    "nickname": _nickname,
    "swapped_date": _swapped_date,
    "transposed_digits": _transposed_digits,
    "maiden_name": _maiden_name,
    "no_middle": _no_middle,
    "old_address": _old_address,
}


def _exchanged(digits: str) -> Iterator[str]:
    """A number as typed, and the numbers of which it may be a transposition."""
    found = [digits]
    if len(digits) > _LAST_DIGITS:
        found += [transposed(digits, place) for place in range(_LAST_DIGITS - 1)]
    return iter(dict.fromkeys(found))


def _givens(given: str | None, exact: bool) -> list[str | None]:
    """A given name as asked, and the names of which it, or what begins with it, is short."""
    if not given:
        return [given]
    keys, formal = _short_names()
    low, high = key_range(keys, fold(given), exact)
    return [given, *sorted({formal[place] for place in range(low, high)})]


@cache
def _short_names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The nicknames, folded and in order, and beside each the name that it is short for."""
    pairs = sorted((fold(short), name) for name, nicknames in tables.NICKNAMES.items() for short in nicknames)
    return tuple(key for key, _ in pairs), tuple(name for _, name in pairs)


def _days(born: tuple[date, date] | None) -> list[tuple[date, date] | None]:
    """The days asked for, and those of which they may be an exchange: day by day for a month, else whole years."""
    if born is None:
        return [None]
    first, last = born
    if (last - first).days > _MONTH:
        return [(first.replace(month=1, day=1), last.replace(month=12, day=31))]
    days = [first + timedelta(days=place) for place in range((last - first).days + 1)]
    return [born, *((day, day) for one in days if (day := exchanged_day(one)) is not None)]
