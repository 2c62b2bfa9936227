"""Second registrations: human beings who are on file twice, and numbers that were merged away.

Beyond the `size` people of a population lie two ranges of numbers, as long as the highest rates allow and whatever the
rates are: second registrations, then merged ones. A keyed bijection says whose they are, so a patient's further numbers
and a number's patient cost microseconds each. A second registration is told as its clerk typed it: see `dirt` for what
may be different. It is found by what was typed, through the inverse of each kind of mistake. From the day of it on a
share of the patient's visits is filed under it: see `filing`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from simulator.ids import Permutation, h64, mix
from simulator.population import tables
from simulator.population.contacts import e164
from simulator.population.dirt import MILLION, MOST_SECOND_REGISTRATIONS, PERTURBATIONS
from simulator.population.lanes import HISTORY_DAYS, period_of
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
_REGISTERED_DAYS = 8 * 365  # within so many days before `as_of` second registrations were made
_BEFORE_MERGING = (30, 900)  # days
_OLD_ENOUGH = timedelta(30)  # at merging; before death at registration
_VISITS_PERCENT = 40  # of the visits after the registration, filed under it: guess
_LAST_DIGITS = 4  # those before them say that a phone or a social security number is nobody's


@dataclass(frozen=True, slots=True)
class Registration:
    """One further number of a patient: which, whose, of which kind, and what its clerk typed differently."""

    number: int
    of: int
    lane: str  # second_registration | merged
    changed: frozenset[str]


class Joint(NamedTuple):
    """One merging or taking apart. `turn` and `rank` order what happens in one minute."""

    at: datetime
    turn: int
    rank: int
    what: str  # merged | unmerged
    number: int


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
        self._today = datetime.combine(population.as_of, time(), UTC)
        self._first_moment = self._today - timedelta(days=_MERGE_YEARS_BACK * 365)
        names = (*PERTURBATIONS, "unmerged", "choice", "registered", "filed", "moment")
        self._salts = {name: h64(population.key, "registration", name) for name in names}

    @property
    def end(self) -> int:
        """All numbers are below this, whatever the rates."""
        return self._size + 2 * self._reserve

    def __contains__(self, number: int) -> bool:
        if not self._size <= number < self.end:
            return False
        lane = MERGED if number >= self._starts[MERGED] else SECOND
        place = number - self._starts[lane]
        return place < self._counts[lane] and self._is_given(lane, place, self._owner(lane, place))

    def __iter__(self) -> Iterator[int]:
        for lane in _LANES:
            yield from filter(self.__contains__, range(self._starts[lane], self._starts[lane] + self._counts[lane]))

    def owner(self, number: int) -> int:
        """The patient whose number it is: of a first number itself.

        Raises:
            IndexError: there is no such number.
        """
        if 0 <= number < self._size:
            return number
        lane = self._lane(number)
        return self._owner(lane, number - self._starts[lane])

    def of(self, patient: int) -> tuple[int, ...]:
        """The further numbers of a patient: at most one of each kind."""
        found = []
        for lane in _LANES:
            place = self._population.permutation(self._size, lane).forward(patient)
            if place < self._counts[lane] and self._is_given(lane, place, patient):
                found.append(self._starts[lane] + place)
        return tuple(found)

    def kinds_of(self, patient: int) -> frozenset[str]:
        """Of which kinds the further numbers of a patient are: second_registration, merged."""
        return frozenset(map(self._lane, self.of(patient)))

    def _owner(self, lane: str, place: int) -> int:
        return self._population.permutation(self._size, lane).inverse(place)

    def registration(self, number: int) -> Registration:
        """What is known of a further number.

        Raises:
            IndexError: there is no such number.
        """
        patient = self.owner(number)
        return Registration(number, patient, self._lane(number), self._registered(number, patient)[1])

    def person(self, number: int) -> Person:
        """The person as registered under a further number, which hears of no death.

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

    # Filing

    def registered(self, number: int) -> datetime:
        """When a further number was given: in the lifetime of the patient, and before it was merged.

        Raises:
            IndexError: there is no such number.
        """
        owner, draw = self.owner(number), self._draw("registered", number)
        if self._lane(number) == MERGED:
            least, most = _BEFORE_MERGING
            at = self.merged(number)[0] - timedelta(days=least, minutes=draw % ((most - least) * 1440))
        else:
            at = self._today - timedelta(minutes=1440 + draw % (_REGISTERED_DAYS * 1440))
        death = self._population.death(owner)
        if death is not None:
            at = min(at, death - _OLD_ENOUGH)
        return max(at, self._born(owner), self._today - timedelta(HISTORY_DAYS))

    def files(self, number: int) -> Callable[[datetime, int, int], bool]:
        """Whether what is written down at a moment, and follows from a slot (lane, period) of its patient, is filed
        under a further number: some of what follows from slots after it was given.

        Raises:
            IndexError: there is no such number.
        """
        given_at, salt = self.registered(number), self._draw("filed", number)
        first = period_of(given_at.toordinal()) + 1

        def is_filed(at: datetime, lane: int, period: int) -> bool:
            if period < first or at < given_at:
                return False
            return mix(period << 2 | lane, salt) * 100 >> 64 < _VISITS_PERCENT

        return is_filed

    def _born(self, patient: int) -> datetime:
        """The noon of the day of birth."""
        return datetime.combine(self._population.core(patient)[3], time(12), UTC)

    # Merging

    def merged(self, number: int) -> tuple[datetime, datetime | None]:
        """From when a number of the merged lane resolves to its owner, and until when, if it was taken apart again.

        Raises:
            IndexError: there is no such number, or it is never merged.
        """
        if self._lane(number) != MERGED:
            raise IndexError(f"{number} is never merged")
        place = number - self._starts[MERGED]
        at = self._moment(self._moments.forward(place), place)
        apart = at + self._apart_after(number)
        is_apart = self._makes("unmerged", number) and apart < self._population.horizon
        return at, apart if is_apart else None

    def survives_alone(self, number: int) -> bool:
        """Whether a number is never merged by itself."""
        return number < self._starts[MERGED] or number not in self

    def survivor(self, number: int, at: datetime) -> int | None:
        """The patient to whom a number resolves at a moment; None when it stands for itself, or is none."""
        if self.survives_alone(number):
            return None
        since, until = self.merged(number)
        return self.owner(number) if since <= at and (until is None or at < until) else None

    def joints(self, patient: int) -> tuple[datetime, ...]:
        """When the further numbers of a patient are merged or taken apart by themselves, in order."""
        merged = (self.merged(number) for number in self.of(patient) if number >= self._starts[MERGED])
        return tuple(at for pair in merged for at in pair if at is not None)

    def merges(self, since: datetime, until: datetime) -> Iterator[Joint]:
        """What is merged or taken apart in [since, until), lazily and in order, without looking at anybody else: the
        moments of merging are ranks of a bijection, and what is taken apart follows after one of a few delays."""
        until = min(until, self._population.horizon)
        delays = (timedelta(0), *_APART_AFTER)
        return heapq.merge(*(self._joints(turn, delay, since, until) for turn, delay in enumerate(delays)))

    def _joints(self, turn: int, delay: timedelta, since: datetime, until: datetime) -> Iterator[Joint]:
        """What was merged `delay` before a window: that it is merged (turn 0), or those that are taken apart then."""
        if not self._counts[MERGED]:
            return
        first, last = self._moment_ranks(since - delay, until - delay)
        for rank in range(first, last):
            place = self._moments.inverse(rank)
            at = self._moment(rank, place) + delay
            if not since <= at < until:
                continue
            number = self._starts[MERGED] + place
            if turn and not (self._apart_after(number) == delay and self._makes("unmerged", number)):
                continue
            if self._is_given(MERGED, place, self._owner(MERGED, place)):
                yield Joint(at, turn, rank, "unmerged" if turn else "merged", number)

    @property
    def _moments(self) -> Permutation:
        return self._population.permutation(self._counts[MERGED], "moment of merging")

    def _moment(self, rank: int, place: int) -> datetime:
        """When a place is merged: somewhere in the share of time of its rank."""
        part = mix(place, self._salts["moment"]) >> 32
        minutes = ((rank << 32) + part) * _MERGE_MINUTES // (self._counts[MERGED] << 32)
        return self._first_moment + timedelta(minutes=minutes)

    def _moment_ranks(self, since: datetime, until: datetime) -> tuple[int, int]:
        """The ranks whose share of time lies in a window, in whole or in part: the first, and the first behind."""
        count, minute = self._counts[MERGED], timedelta(minutes=1)
        first = (since - self._first_moment) // minute * count // _MERGE_MINUTES
        last = -(-((until - self._first_moment) // minute + 1) * count // _MERGE_MINUTES)
        return max(first, 0), min(max(last, 0), count)

    def _is_given(self, lane: str, place: int, patient: int) -> bool:
        """Whether there is such a number: nobody of the cast has one who is not meant to, and nobody who had not been
        born for a while when it was merged."""
        if patient < len(self._population.cast):
            return False
        return lane == SECOND or self._born(patient) + _OLD_ENOUGH <= self._moment(self._moments.forward(place), place)

    def _apart_after(self, number: int) -> timedelta:
        return _APART_AFTER[self._draw("choice", number) % len(_APART_AFTER)]

    def _lane(self, number: int) -> str:
        if number not in self:
            raise IndexError(f"no registration {number}")
        return MERGED if number >= self._starts[MERGED] else SECOND

    # What the clerk typed

    def _registered(self, number: int, patient: int) -> tuple[Person, frozenset[str]]:
        """The person under a further number, and the kinds of mistakes in it."""
        told = replace(self._population.person(patient), number=number, deceased=None)
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
        and (born is None or person.is_born_within(*born))
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
