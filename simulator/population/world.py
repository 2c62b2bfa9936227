"""A world: the population plus what has been written to it, as of now. Knows no vendor; `now` is given to it.

The log of a patient is the history that the population gives, and the ledger. A record that was written stays as it was
written: what would have happened to it afterwards does not. A death that was written ends the history; a visit whose
appointment somebody called off does not take place.

A patient is a number. A human being may have several: `registrations_of`. A number that was merged is no patient any
more: it resolves to its `survivor`, in whose chart its records stand from then on.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Set
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from simulator.population.chart import bookings_of, history_of
from simulator.population.chart.life import registered
from simulator.population.contacts import e164
from simulator.population.defects import birth_precision
from simulator.population.feed import Feed, Hit, Key, Merge
from simulator.population.filing import Filing
from simulator.population.history import Fold, History, folded
from simulator.population.identity import Identity
from simulator.population.ledger import Entry, Ledger, Opening, Version
from simulator.population.log import BEGINNING, FIRST_WRITTEN, FIRST_WRITTEN_ORDINAL, Log, Span
from simulator.population.people import Population
from simulator.population.ranks import fold
from simulator.population.records import KINDS, Appointment, Change, Chart, Person, Record, State
from simulator.population.registrations import Registrations, matches
from simulator.population.zones import instant, minute_of

__all__ = ["FIRST_WRITTEN", "FIRST_WRITTEN_ORDINAL", "WRITTEN_RANK", "Event", "World"]

WRITTEN_RANK = 1 << 33
"""Patients who were written or changed come from this rank on, after the population, in number order."""
_STAMPS_KEPT = 65_536
_BOOKINGS_KEPT = 1_024  # about 20 kB each
_SOON_DAYS = 30
_NEAR_KEPT = 8  # the charts made of them are kept by themselves
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Written = TypeVar("_Written", bound=Record)


class Event(NamedTuple):
    """One change of the feed. `cursor` names its place there; `number` is the patient's, `version` the record's; `into`
    the survivor's, when the patient was merged."""

    cursor: str
    at: datetime
    what: str
    number: int
    record: Record
    version: int
    who: str
    into: int | None = None


class _Held(NamedTuple):
    span: Span
    chart: Chart


class _Folding(NamedTuple):
    """How far a history is folded."""

    history: History
    passed: int
    fold: Fold


class World:
    """The population and the ledger, read as one. What is written here every vendor of the sandbox sees.

    `now` is asked whenever something is read; without it the world stands still at the population's start.
    """

    def __init__(
        self, population: Population, now: Callable[[], datetime] | None = None, *, charts_kept: int = 20
    ) -> None:
        self.population = population
        self.now: Callable[[], datetime] = now or (lambda: population.starts)
        self._charts_kept = charts_kept
        self._filing = lru_cache(maxsize=charts_kept)(
            lambda first: Filing(population.registrations, first, history_of(population, first))
        )
        self._near = lru_cache(maxsize=_NEAR_KEPT)(
            lambda first: Filing(population.registrations, first, history_of(population, first, self._soon))
        )
        self._soon = population.starts + timedelta(days=_SOON_DAYS)
        self._bookings = lru_cache(maxsize=_BOOKINGS_KEPT)(lambda number: bookings_of(population, number))
        self._death = lru_cache(maxsize=_STAMPS_KEPT)(population.death)
        self._household = lru_cache(maxsize=_STAMPS_KEPT)(population.household)
        self._joints = lru_cache(maxsize=_STAMPS_KEPT)(population.registrations.joints)
        self._feed: Feed | None = None
        self.reset()

    def reset(self) -> None:
        """Forgets everything written."""
        self._ledger = Ledger(FIRST_WRITTEN, FIRST_WRITTEN_ORDINAL)
        self._identity = Identity(self.population, self._ledger)
        self._log = Log(self.population, self._ledger, self._identity, self._filed)
        self._charts: OrderedDict[int, _Held] = OrderedDict()
        self._spans: OrderedDict[int, Span] = OrderedDict()
        self._fold: _Folding | None = None
        self._families: dict[str, set[int]] = {}  # folded family name -> written patients who bear it or have borne it

    def _filed(self, life: int, by: datetime | None) -> Filing:
        """The life of a human being, as much of it as has happened by a moment at least. Most of the time it is soon
        after the world began: what lies two years ahead is not worked out for that."""
        is_near = by is not None and by < self._soon and len(self._identity.numbers(life)) == 1
        return self._near(life) if is_near else self._filing(life)

    @property
    def writes(self) -> int:
        """How many writes there have been."""
        return self._ledger.writes

    # Reading

    @contextmanager
    def as_of(self, at: datetime) -> Iterator[None]:
        """Within it, `at` is now: what had not happened by then is not told. Writes are, whenever they were made."""
        now = self.now
        self.now = lambda: at
        try:
            yield
        finally:
            self.now = now

    def behind(self, at: datetime) -> World:
        """The world as a copy shows it that stopped to follow at `at`: neither what has happened nor what was written
        since then is there. It is for reading; what is costly to compute it shares with this one."""
        made = copy(self)
        made.now = lambda: at
        made.reset()
        made._ledger.share_rooms(self._ledger)
        for entry in self._ledger.entries:
            if entry.version.at <= at:
                made._keep(entry.number, entry.version)
        return made

    def has_moved(self, number: int, since: datetime) -> bool:
        """Whether anything has happened by itself to a patient between `since` and now, whichever comes first."""
        now = self.now()
        lives = (self._filed(life, max(since, now)) for life in self._identity.lives(number))
        return any(life.passed(since) != life.passed(now) for life in lives)

    # Who is who

    def survivor(self, number: int) -> int | None:
        """The patient to whom a number resolves that was merged away by now; None while it stands for itself."""
        resolved = self._identity.resolved(number, self.now(), None)
        return resolved if resolved != number else None

    def merged_into(self, number: int) -> tuple[int, ...]:
        """The numbers that resolve to a patient by now."""
        return self._identity.members(number, self.now(), None)[1:]

    def human(self, number: int) -> int:
        """The first number of the human being that a patient is, or that was registered under a merged number."""
        return self._identity.human(number)

    def registrations_of(self, number: int) -> tuple[int, ...]:
        """Every number of the human being behind a number, the first one first; those merged away among them."""
        human = self._identity.human(number)
        written = (one for one in sorted(self._ledger.linked) if one >= FIRST_WRITTEN and one != human)
        return (*self._identity.numbers(human), *(one for one in written if self._identity.human(one) == human))

    def holders(self, number: int) -> tuple[int, ...]:
        """The patients in whose charts the records of the human being behind a number stand now."""
        now = self.now()
        numbers = self.registrations_of(number)
        return tuple(dict.fromkeys(self._identity.resolved(one, now, None) for one in numbers))

    def knows(self, number: int) -> bool:
        """Whether a number stands for a patient now, or has been merged into one."""
        return self.person(number) is not None or self.survivor(number) is not None

    # Persons and charts

    def person(self, number: int) -> Person | None:
        """The person of that number as of now; None if there is none, or if it was merged into another."""
        version = self._ledger.latest(("patient", number, 0))
        if version is not None:
            is_there = not version.deleted and version.what != "merged"
            return version.record if is_there and isinstance(version.record, Person) else None
        if 0 <= number < self.population.size:
            return self.population.person(number, self.now())
        if number not in self.population.registrations or self._identity.into(number, self.now(), None) is not None:
            return None
        return self.population.registrations.person(number)

    def present_person(self, number: int) -> Person | None:
        """The person of whom a number tells now: of one that was merged away the survivor; None when nobody is left."""
        return self.person(self._identity.resolved(number, self.now(), None))

    def registered_person(self, number: int) -> Person:
        """The person as last told under a number, whether it stands or was merged away.

        Raises:
            IndexError: there is no such number.
        """
        latest = self._ledger.latest(("patient", number, 0))
        if latest is not None and isinstance(latest.record, Person):
            return latest.record
        return self.person(number) or self.population.registrations.person(number)

    def chart(self, number: int) -> Chart:
        """Everything that is so about a patient now.

        Raises:
            IndexError: there is no such patient, or it was merged into another.
        """
        now = self.now()
        held = self._charts.get(number)
        if held is not None and held.span.since <= now < held.span.until:
            self._charts.move_to_end(number)
            return held.chart
        span = self._span(number, now)
        chart = self._folded(number, now, None)
        self._charts[number] = _Held(span, chart)
        self._charts.move_to_end(number)
        if len(self._charts) > self._charts_kept:
            self._charts.popitem(last=False)
        return chart

    def appointments(self, number: int) -> tuple[Appointment, ...]:
        """The appointments of a patient now: those of the chart, which is not made for their sake.

        Raises:
            IndexError: there is no such patient.
        """
        held = self._charts.get(number)
        now = self.now()
        is_held = held is not None and held.span.since <= now < held.span.until
        is_written = self._ledger.has(number) or bool(self._ledger.linked)
        if is_held or is_written or not self._log.is_on_file_once(number):
            return self.chart(number).appointments
        return self._bookings(number).chart_at(now).appointments

    def openings(self) -> tuple[Opening, ...]:
        """The time that was opened for booking, in order of writing."""
        return tuple(self._ledger.openings)

    def chart_at(self, number: int, at: datetime) -> Chart:
        """Everything that was, is or will be so about a patient at a moment, as far as it is known now.

        Raises:
            IndexError: there is no such patient, or was none by then.
        """
        return self._folded(number, at, at)

    def _folded(self, number: int, when: datetime, by: datetime | None) -> Chart:
        latest = self._ledger.latest(("patient", number, 0))
        if latest is not None and latest.deleted and (by is None or latest.at <= by):
            raise IndexError(f"no patient {number}")
        survivor = self._identity.into(number, when, by)
        if survivor is not None:
            raise IndexError(f"patient {number} was merged into {survivor}")
        person, began = self._log.beginning(number, when)
        if by is not None and by < began:
            raise IndexError(f"patient {number} was not registered by then")
        history = self._log.untouched(number, when)
        if history is None:
            return folded(person, began, self._log.told(number, when, by))
        return self._gone_on(history, person, began, history.count(when))

    def _gone_on(self, history: History, person: Person, began: datetime, passed: int) -> Chart:
        """The chart when so many changes of a history have happened. Who lists documents asks for one after the other,
        each as of its own time: the fold goes on from where it was."""
        held, self._fold = self._fold, None  # nobody else goes on with it meanwhile
        if held is None or held.history is not history or held.passed > passed:
            held = _Folding(history, 0, Fold(person, began))
        held.fold.add(history.told(passed, held.passed))
        chart = held.fold.chart()
        self._fold = held._replace(passed=passed)
        return chart

    def history(self, number: int) -> tuple[Version, ...]:
        """Everything that has happened to a patient's records by now, and was written about them, oldest first; of a
        number that was merged away, what happened to the person.

        Raises:
            IndexError: there is no such patient, and there never was.
        """
        now = self.now()
        is_generated = self._log.is_generated(number)
        if not is_generated and not self._ledger.has(number):
            raise IndexError(f"no patient {number}")
        seen: dict[tuple[str, int], int] = {("patient", 0): 1 if is_generated else 0}
        told = []
        everything = (*self._log.logged(number, now, None), *self._log.joints(number, now))
        for change, who, into in sorted(everything, key=lambda one: one.change.at):
            key = (change.record.kind, change.record.ordinal)
            seen[key] = seen.get(key, 0) + 1
            told.append(Version(change.record, seen[key], who, change.at, change.what, into))
        return tuple(told)

    def state(self, kind: str, number: int, ordinal: int) -> State | None:
        """How often a record has changed by now, and when it last did; None if there never was one.

        Raises:
            IndexError: there is no such patient.
        """
        return self.person_state(number) if kind == "patient" else self.chart(number).states.get((kind, ordinal))

    def person_state(self, number: int) -> State:
        """How often the person has changed by now, and when: costs no chart. Version 1 is the registration.

        Raises:
            IndexError: there is no such patient.
        """
        versions = self._ledger.versions(("patient", number, 0))
        if versions:
            return State(versions[-1].number, versions[-1].at)
        if not self._log.is_generated(number):
            raise IndexError(f"no patient {number}")
        if number >= self.population.size:
            joints = [one.change.at for one in self._log.joints(number, self.now())]
            return State(1 + len(joints), joints[-1] if joints else self.population.registrations.registered(number))
        death = self._death(number)
        if death is not None and death <= self.now():
            return State(2, death)
        return State(1, registered(self.population, number))

    def read(self, kind: str, number: int, ordinal: int) -> Record | None:
        """One record; None if there is none, or no longer.

        Raises:
            KeyError: no such kind.
        """
        if kind not in KINDS:
            raise KeyError(kind)
        if kind == "patient":
            return self.person(number) if ordinal == 0 else None
        if self.person(number) is None:
            return None
        return next((record for record in self.chart(number).of(kind) if record.ordinal == ordinal), None)

    def versions(self, kind: str, number: int, ordinal: int) -> tuple[Version, ...]:
        """Every version of one record so far, oldest first; of a person those after the registration."""
        told = self.history(number) if self._log.is_generated(number) or self._ledger.has(number) else ()
        return tuple(one for one in told if (one.record.kind, one.record.ordinal) == (kind, ordinal))

    def written(self, kind: str, number: int, ordinal: int) -> tuple[Version, ...]:
        """What was written to one record, oldest first; empty while it is as it came about by itself."""
        home, there = self._log.home(number, kind, ordinal, self.now())
        return self._ledger.versions((kind, home, there))

    def at_home(self, record: _Written, number: int) -> tuple[_Written, int]:
        """A record of a patient's chart as it was filed, and the number under which it was: the patient's own, or one
        that was merged into them."""
        home, ordinal = self._log.home(number, record.kind, record.ordinal, self.now())
        return self._log.at_home(record, number, home, ordinal), home  # type: ignore[return-value]

    def as_it_stood(self, record: _Written, number: int, at: datetime) -> tuple[_Written, int]:
        """A record of a patient's chart as it stood at a moment, and in whose chart it did."""
        filed, home = self.at_home(record, number)
        whose = self._identity.resolved(home, at, at)
        members = self._identity.members(whose, at, at)
        return self._log.as_told(filed, home, whose, members), whose  # type: ignore[return-value]

    def origin(self, number: int) -> Hashable | None:
        """What everything that is told of a human being follows from, equal in equal worlds; None when something was
        written about them, or anybody was merged by hand."""
        if self._ledger.linked or any(map(self._ledger.has, self.registrations_of(number))):
            return None
        return self.population.key, self.population.as_of, self.population.dirt

    def patients_with(self, kind: str) -> list[int]:
        """The patients about whom a record of a kind was written, each once."""
        now = self.now()
        written = (entry.number for entry in self._ledger.entries if entry.version.record.kind == kind)
        return list(dict.fromkeys(self._identity.resolved(number, now, None) for number in written))

    def written_about(self) -> frozenset[int]:
        """The first numbers of the human beings in whose charts something that was written may show."""
        linked = (number for pair in self._ledger.links() for number in pair)
        return frozenset(map(self._identity.first, {*self._ledger.written, *linked}))

    def feed(self, since: datetime, until: datetime, after: str | None = None) -> Iterator[Event]:
        """What happened to anybody at `since` or later, before `until`, oldest first; lazily.

        `after` is the cursor of an event: only those that come after it.

        Raises:
            ValueError: `after` is no cursor of a feed.
        """
        generated_after, written_after = _cursors(after)
        written = [
            entry for entry in self._ledger.entries
            if since <= entry.version.at < until and (entry.version.at, entry.turn) > written_after
        ]  # fmt: skip
        written.sort(key=lambda entry: (entry.version.at, entry.turn))
        pending = iter(written)
        entry = next(pending, None)
        for event in self._generated(since, until, generated_after):
            while entry is not None and entry.version.at < event.at:
                yield self._event_of(entry, entry.version.at, entry.version.at)
                entry = next(pending, None)
            yield event
        while entry is not None:
            yield self._event_of(entry, entry.version.at, entry.version.at)
            entry = next(pending, None)

    def written_since(self, turn: int) -> list[Event]:
        """What was written after the first `turn` writes, in order; of whom it is about now."""
        now = self.now()
        return [self._event_of(entry, now, None) for entry in self._ledger.entries[turn:]]

    def _event_of(self, entry: Entry, when: datetime, by: datetime | None) -> Event:
        one, number, record = entry.version, entry.number, entry.version.record
        if not isinstance(record, Person):
            number = self._identity.resolved(number, when, by)
            record = self._log.as_told(record, entry.number, number, self._identity.members(number, when, by))
        at_us = (one.at - _EPOCH) // timedelta(microseconds=1)
        return Event(f"w{at_us}-{entry.turn}", one.at, one.what, number, record, one.number, one.who, one.into)

    def _generated(self, since: datetime, until: datetime, after: Key | None) -> Iterator[Event]:
        if self._feed is None:
            self._feed = Feed(self.population, lambda number: self._filing(number).history)
        first, last = _minute_from(since), _minute_from(until)
        found: Iterator[Hit | Merge] = heapq.merge(
            self._feed.between(first, last, after), self._feed.merges(first, last, after), key=lambda one: one.key
        )
        for one in found:
            if isinstance(one, Merge):
                event = self._event_of_merge(one)
                yield from () if event is None else (event,)
            else:
                yield from self._events_of_hit(one, after)

    def _events_of_hit(self, hit: Hit, after: Key | None) -> Iterator[Event]:
        """What a change of a history is in the feed: nothing if it does not happen, and what happens instead of others
        just before it, which has the place of those in its key."""
        key, first, history = hit
        off = self._log.called_off(first)
        for one in off.instead.get(key.place, ()):
            at = key._replace(place=one.origin)
            event = self._event_of_change(first, one.change, 1, at)
            if event is not None and (after is None or at > after):
                yield event
        if key.place in off.places:
            return
        change = history.change(key.place)
        ident = (change.record.kind, change.record.ordinal)
        earlier = enumerate(history.told(key.place))
        before = sum((r.kind, r.ordinal) == ident and place not in off.places for place, (_, _, r) in earlier)
        version = before + off.before(ident, key.place) + (2 if ident == ("patient", 0) else 1)
        event = self._event_of_change(first, change._replace(record=off.cut(change.record, key.place)), version, key)
        yield from () if event is None else (event,)

    def _event_of_change(self, first: int, change: Change, version: int, key: Key) -> Event | None:
        """The event of a change in the life behind a first number: of the patient in whose chart it stands from then
        on."""
        record = change.record
        home = self._filing(first).home(record.kind, record.ordinal)
        is_person = record.kind == "patient"
        number = home if is_person else self._identity.resolved(home, change.at, change.at)
        if self._ledger.entries and self._log.is_overruled(home, number, change):
            return None
        told = self._log.as_told(record, home, number, self._identity.members(number, change.at, change.at))
        return Event(str(key), change.at, change.what, number, told, version, "")

    def _event_of_merge(self, one: Merge) -> Event | None:
        if not self._identity.is_joined(one.number, one.at):
            return None
        registrations = self.population.registrations
        into = registrations.owner(one.number) if one.what == "merged" else None
        version = 2 if one.what == "merged" else 3
        return Event(str(one.key), one.at, one.what, one.number, registrations.person(one.number), version, "", into)

    def find(
        self,
        *,
        family: str | None = None,
        given: str | None = None,
        born: tuple[date, date] | None = None,
        sex: str | None = None,
        phone: str | None = None,
        ssn: str | None = None,
        email: str | None = None,
        exact: bool = False,
        after: int = -1,
    ) -> Iterator[int]:
        """The numbers of the patients who match everything asked, lazily, in the order of `rank`: the population as
        `Population.find` does, then the patients who were written or changed. A birth date of which only the month or
        the year is on record matches days that hold all of it.
        """
        asked = {"family": family, "given": given, "born": born, "sex": sex, "exact": exact}
        if phone is None and ssn is None and email is None:
            found = chain(
                self.population.find(**asked, after=after),  # type: ignore[arg-type]
                self.population.registrations.find(**asked, after=after),  # type: ignore[arg-type]
            )
        else:
            found = chain(
                self._by_contact(self.population, phone, ssn, email, asked, after),
                self._by_contact(self.population.registrations, phone, ssn, email, asked, after),
            )
        now, written = self.now(), self._ledger.patients
        for number in found:
            is_merged = number >= self.population.size and self._identity.into(number, now, None) is not None
            if number not in written and not is_merged and (born is None or self._is_born_within(number, *born)):
                yield number
        for number in sorted(self._written(family)):
            person = self.person(number)
            if person is None or WRITTEN_RANK + number <= after:
                continue
            if matches(person, **asked) and _is_reached(person, phone, ssn, email):  # type: ignore[arg-type]
                yield number

    def _is_born_within(self, number: int, first: date, last: date) -> bool:
        """Whether what is on record of a birth date lies within these days: of some it is a month or a year."""
        population = self.population
        if number >= population.size:
            return True  # found by what is on record
        if number >= len(population.cast) and birth_precision(population, number, population.core(number)[3]) == "day":
            return True
        return population.person(number).is_born_within(first, last)

    def _by_contact(
        self, source: Population | Registrations, phone: str | None, ssn: str | None, email: str | None,
        asked: Mapping[str, Any], after: int,
    ) -> Iterator[int]:  # fmt: skip
        searches = ((phone, source.by_phone), (ssn, source.by_ssn), (email, source.by_email))
        sets = [set(search(text)) for text, search in searches if text]
        for number in sorted(set.intersection(*sets) if sets else (), key=source.rank):
            if source.rank(number) > after and matches(source.person(number), **asked):
                yield number

    def count(self, *, family: str | None = None, born: tuple[date, date] | None = None) -> int:
        """How many human beings of the population have a first number that `find` gives, and how many patients who were
        written; free where `Population.count` is, as long as nothing was written."""
        if not self.writes and born is None:
            return self.population.count(family=family, born=born)
        first = (n for n in self.find(family=family, born=born) if n not in self.population.registrations)
        return sum(1 for _ in first)

    def rank(self, number: int) -> int:
        """The place of a patient in the order of `find`: the `after` of the next page.

        Raises:
            IndexError: there is no patient of that number.
        """
        if self._ledger.latest(("patient", number, 0)) is not None:
            return WRITTEN_RANK + number
        if number in self.population.registrations:
            return self.population.registrations.rank(number)
        return self.population.rank(number)

    def stamp(self, number: int, kind: str = "") -> int:
        """A number that is another one whenever something visible about a patient has changed; with kind `patient`,
        about the person. Bytes made of the records are good while it stays."""
        writes, now = self._ledger.writes_of(number), self.now()
        if kind == "patient":
            if 0 <= number < self.population.size and not self._ledger.linked:
                return writes << 32 | self._passed(number, now)
            return writes << 32 | sum(self._passed(life, now) for life in self._identity.lives(number))
        span = self._spans.get(number)
        if span is None or not span.since <= now < span.until:
            span = self._span(number, now)
        return writes << 32 | span.passed

    def household(self, number: int) -> tuple[int, ...]:
        """Who lives at one address with a patient, who is among them, the eldest first; nobody of who was written."""
        return self._household(number) if 0 <= number < self.population.size else ()

    def departed(self, number: int) -> int:
        """How many of the household have died by themselves by now: what is told of them beside the records of a
        patient is good while it stays. What is written about them is in the stamp."""
        now, deaths = self.now(), map(self._death, self.household(number))
        return sum(death is not None and death <= now for death in deaths)

    def _passed(self, life: int, now: datetime) -> int:
        """How much has happened to the person behind a first number: death, mergings and takings apart."""
        death, joints = self._death(life), self._joints(life)
        return (death is not None and death <= now) + (bisect_right(joints, now) if joints else 0)

    # Writing

    def write(self, record: _Written, number: int | None, who: str, at: datetime, what: str = "") -> _Written:
        """Puts `record` into the chart of patient `number` and gives it back as it is kept.

        An ordinal of -1 means a new record, which gets an ordinal of the written range; any other replaces that
        record. A `Person` with number -1 (and `number` None or -1) is a new patient. `what` is what is told of it, by
        default that it was created or updated.

        Raises:
            IndexError: there is no patient `number`.
        """
        if isinstance(record, Person):
            if number is None or number < 0:
                number = self._ledger.next_patient
                self._ledger.next_patient += 1
                version = 1
            elif self.person(number) is None:
                raise IndexError(f"no patient {number}")
            else:
                version = self.person_state(number).version + 1
            kept: Record = replace(record, number=number, ordinal=0)
        else:
            if number is None or self.person(number) is None:
                raise IndexError(f"no patient {number}")
            ordinal = record.ordinal
            if ordinal < 0:
                ordinal = self._ledger.next_ordinal
                self._ledger.next_ordinal += 1
            kept = replace(record, ordinal=ordinal)
            version = self._next_version(kept, number)
        self._append(kept, number, Version(kept, version, who, at, what or ("created" if version == 1 else "updated")))
        return kept  # type: ignore[return-value]

    def open(self, opening: Opening) -> None:
        """Opens time of a practitioner for booking, beside what is free anyway. Who comes first has it.

        Raises:
            IndexError: there is no such practitioner.
        """
        self.population.practitioner(opening.practitioner)
        self._ledger.openings.append(opening)

    def delete(self, kind: str, number: int, ordinal: int, who: str, at: datetime) -> Record | None:
        """Takes a record away and gives it back; None if there was none."""
        record = self.read(kind, number, ordinal)
        if record is not None:
            version = self.person_state(number).version + 1 if kind == "patient" else self._next_version(record, number)
            self._append(record, number, Version(record, version, who, at, "deleted"))
        return record

    def merge(self, number: int, into: int, who: str, at: datetime) -> None:
        """Merges a patient into another one: the number resolves to the survivor from now on, with all its records.

        Raises:
            IndexError: one of them is no patient, or both are one.
        """
        person = self.person(number)
        if person is None or self.person(into) is None or number == into:
            raise IndexError(f"patient {number} cannot be merged into {into}")
        for member in (number, *self.merged_into(number)):
            life = self._identity.first(member)
            if life != self._identity.first(into) and self._log.is_generated(life):
                self._ledger.make_room(life, 1 + max(one.record.ordinal for one in self._filing(life).history.changes))
        version = self.person_state(number).version + 1
        self._append(person, number, Version(person, version, who, at, "merged", into))

    def unmerge(self, number: int, who: str, at: datetime) -> None:
        """Takes a patient apart from whom it was merged into: the number stands for itself again, with its records.
        What was written about the survivor stays there.

        Raises:
            IndexError: the number is not merged.
        """
        if self.survivor(number) is None:
            raise IndexError(f"patient {number} is not merged")
        person = self.registered_person(number)
        version = self.person_state(number).version + 1
        self._append(person, number, Version(person, version, who, at, "unmerged"))

    def _next_version(self, record: Record, number: int) -> int:
        state = self.chart(number).state(record)
        return 1 if state is None else state.version + 1

    def _append(self, record: Record, number: int, version: Version) -> None:
        """Puts a version of a record of a patient's chart where the record lives."""
        kept, home = self.at_home(record, number)
        self._keep(home, replace(version, record=kept))

    def _keep(self, home: int, version: Version) -> None:
        """Writes a version down. What was made of the charts in which it shows is no longer good."""
        record, now = version.record, self.now()
        shown = {home, self._identity.resolved(home, now, None)}
        self._ledger.append((record.kind, home, record.ordinal), version)
        if isinstance(record, Person):
            self._families.setdefault(fold(record.family), set()).add(home)
            shown |= set(self._housemates(home))
        if version.what in ("merged", "unmerged"):
            shown |= {self._identity.resolved(home, now, None), *self.merged_into(home)}
        for number in shown:
            if number != home:
                self._ledger.stir(number)
            self._charts.pop(number, None)
            self._spans.pop(number, None)

    def _housemates(self, number: int) -> Iterator[int]:
        """The patients beside whose records a person is told: who live with them, and are on one policy with them."""
        now = self.now()
        firsts = {self._identity.first(one) for one in (number, *self._identity.members(number, now, None))}
        for first in sorted(one for one in firsts if one < self.population.size):
            for other in self.population.household(first):
                yield from (self._identity.resolved(one, now, None) for one in self._identity.numbers(other))

    # The log

    def _span(self, number: int, now: datetime) -> Span:
        """How much has happened by `now` in the lives behind a chart, and until when that stays so."""
        span = self._spans[number] = self._log.span(number, now)
        if len(self._spans) > _STAMPS_KEPT:
            self._spans.popitem(last=False)
        return span

    # Overlay

    def _written(self, family: str | None) -> Set[int]:
        """The written patients among whom those of a family name are, or were."""
        if not family:
            return self._ledger.patients
        key = fold(family)
        found: set[int] = set()
        return found.union(*(numbers for name, numbers in self._families.items() if name.startswith(key)))


def _is_reached(person: Person, phone: str | None, ssn: str | None, email: str | None) -> bool:
    """Whether somebody has this phone, this social security number and this e-mail address."""
    values = {telecom.value.lower() for telecom in person.telecoms}
    return (
        (not phone or e164(phone) in values)
        and (not ssn or (person.ssn or "").replace("-", "") == ssn.replace("-", ""))
        and (not email or email.strip().lower() in values)
    )


def _minute_from(at: datetime) -> int:
    """The first whole minute at or after an instant."""
    minute = minute_of(at)
    return minute if at.second == 0 and at.microsecond == 0 else minute + 1


def _cursors(after: str | None) -> tuple[Key | None, tuple[datetime, int]]:
    """Behind which change of the histories, and behind which write, a cursor stands.

    Raises:
        ValueError: it is no cursor.
    """
    if after is None:
        return None, (BEGINNING, -1)
    if not after.startswith("w"):
        key = Key.of(after)
        return key, (instant(key.minute), -1)
    at_us, _, turn = after[1:].partition("-")
    at = _EPOCH + timedelta(microseconds=int(at_us))
    # What happened by itself in the minute of a write comes before it.
    return Key(_minute_from(at + timedelta(microseconds=1)), -1, 0, 0, 0), (at, int(turn))
