"""A world: the population plus what has been written to it, as of now. Knows no vendor; `now` is given to it.

The log of a patient is the history that the population gives, and the ledger. A record that was written stays as it was
written: what would have happened to it afterwards does not. A death that was written ends the history.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, TypeVar

from simulator.population.chart import bookings_of, history_of
from simulator.population.chart.life import registered
from simulator.population.contacts import e164
from simulator.population.feed import Feed, Key
from simulator.population.history import folded
from simulator.population.ledger import Entry, Ledger, Opening, Version
from simulator.population.people import Population
from simulator.population.ranks import fold
from simulator.population.records import KINDS, Appointment, Change, Chart, Person, Record, State
from simulator.population.zones import instant, minute_of

FIRST_WRITTEN = 2**31
"""Numbers from here on are patients who were written; ordinals from `FIRST_WRITTEN_ORDINAL` on, items that were."""
FIRST_WRITTEN_ORDINAL = 1 << 20

_WRITTEN_RANK = 1 << 33  # written or changed patients come after the population, in number order
_STAMPS_KEPT = 65_536
_BOOKINGS_KEPT = 1_024  # about 20 kB each
_BEGINNING, _END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Written = TypeVar("_Written", bound=Record)


class Event(NamedTuple):
    """One change of the feed. `cursor` names its place there; `number` is the patient's, `version` the record's."""

    cursor: str
    at: datetime
    what: str
    number: int
    record: Record
    version: int
    who: str


class _Span(NamedTuple):
    """A number of changes, and from when until when it is the right one."""

    changes: int
    since: datetime
    until: datetime


class _Held(NamedTuple):
    span: _Span
    chart: Chart


class World:
    """The population and the ledger, read as one. What is written here every vendor of the sandbox sees.

    `now` is asked whenever something is read; without it the world stands still at the population's start.
    """

    def __init__(
        self, population: Population, now: Callable[[], datetime] | None = None, *, charts_kept: int = 48
    ) -> None:
        self.population = population
        self.now: Callable[[], datetime] = now or (lambda: population.starts)
        self._charts_kept = charts_kept
        self._history = lru_cache(maxsize=charts_kept)(lambda number: history_of(population, number))
        self._bookings = lru_cache(maxsize=_BOOKINGS_KEPT)(lambda number: bookings_of(population, number))
        self._death = lru_cache(maxsize=_STAMPS_KEPT)(population.death)
        self._feed: Feed | None = None
        self.reset()

    def reset(self) -> None:
        """Forgets everything written."""
        self._ledger = Ledger(FIRST_WRITTEN, FIRST_WRITTEN_ORDINAL)
        self._charts: OrderedDict[int, _Held] = OrderedDict()
        self._spans: OrderedDict[int, _Span] = OrderedDict()
        self._families: dict[str, set[int]] = {}  # folded family name -> written patients who bear it or have borne it

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
        for entry in self._ledger.entries:
            if entry.version.at <= at:
                made._keep(entry.number, entry.version)
        return made

    def has_moved(self, number: int, since: datetime) -> bool:
        """Whether anything has happened by itself to a patient between `since` and now, whichever comes first."""
        if not self._is_generated(number):
            return False
        history = self._history(number)
        return history.count(since) != history.count(self.now())

    def person(self, number: int) -> Person | None:
        """The person of that number as of now; None if there is none."""
        version = self._ledger.latest(("patient", number, 0))
        if version is not None:
            return version.record if isinstance(version.record, Person) and not version.deleted else None
        return self.population.person(number, self.now()) if self._is_generated(number) else None

    def chart(self, number: int) -> Chart:
        """Everything that is so about a patient now.

        Raises:
            IndexError: there is no such patient.
        """
        now = self.now()
        held = self._charts.get(number)
        if held is not None and held.span.since <= now < held.span.until:
            self._charts.move_to_end(number)
            return held.chart
        span = self._span(number, now)
        chart = folded(*self._log(number, span.changes))
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
        if is_held or self._ledger.has(number) or not self._is_generated(number):
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
        count = self._history(number).count(at) if self._is_generated(number) else 0
        return folded(*self._log(number, count, at))

    def history(self, number: int) -> tuple[Version, ...]:
        """Everything that has happened to a patient's records by now, and was written about them, oldest first.

        Raises:
            IndexError: there is no such patient.
        """
        count = self._span(number, self.now()).changes
        seen: dict[tuple[str, int], int] = {("patient", 0): 1 if self._is_generated(number) else 0}
        told = []
        for change, who in sorted(self._changes(number, count, None), key=lambda pair: pair[0].at):
            key = (change.record.kind, change.record.ordinal)
            seen[key] = seen.get(key, 0) + 1
            told.append(Version(change.record, seen[key], who, change.at, change.what))
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
        if not self._is_generated(number):
            raise IndexError(f"no patient {number}")
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
        told = self.history(number) if self._is_generated(number) or self._ledger.has(number) else ()
        return tuple(one for one in told if (one.record.kind, one.record.ordinal) == (kind, ordinal))

    def written(self, kind: str, number: int, ordinal: int) -> tuple[Version, ...]:
        """What was written to one record, oldest first; empty while it is as it came about by itself."""
        return self._ledger.versions((kind, number, ordinal))

    def patients_with(self, kind: str) -> list[int]:
        """The patients about whom a record of a kind was written, each once."""
        return list(dict.fromkeys(entry.number for entry in self._ledger.entries if entry.version.record.kind == kind))

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
                yield _event_of(entry)
                entry = next(pending, None)
            yield event
        while entry is not None:
            yield _event_of(entry)
            entry = next(pending, None)

    def written_since(self, turn: int) -> list[Event]:
        """What was written after the first `turn` writes, in order."""
        return [_event_of(entry) for entry in self._ledger.entries[turn:]]

    def _generated(self, since: datetime, until: datetime, after: Key | None) -> Iterator[Event]:
        if self._feed is None:
            self._feed = Feed(self.population, self._history)
        for key, number, history in self._feed.between(_minute_from(since), _minute_from(until), after):
            change = history.changes[key.place]
            if self._ledger.has(number) and self._is_overruled(number, change):
                continue
            ident = (change.record.kind, change.record.ordinal)
            before = sum((c.record.kind, c.record.ordinal) == ident for c in history.changes[: key.place])
            version = before + (2 if ident == ("patient", 0) else 1)
            yield Event(str(key), change.at, change.what, number, change.record, version, "")

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
        `Population.find` does, then the patients who were written or changed."""
        written = self._ledger.patients
        if phone is None and ssn is None and email is None:
            hits = self.population.find(family=family, given=given, born=born, sex=sex, exact=exact, after=after)
        else:
            hits = iter(sorted(self._by_contact(phone, ssn, email), key=self.population.rank))
        for number in hits:
            if number in written or ((phone or ssn or email) and self.population.rank(number) <= after):
                continue
            person = self.population.person(number) if phone or ssn or email else None
            if person is None or _matches(person, family, given, born, sex, phone, ssn, email, exact):
                yield number
        for number in sorted(self._written(family)):
            person = self.person(number)
            if person is None or _WRITTEN_RANK + number <= after:
                continue
            if _matches(person, family, given, born, sex, phone, ssn, email, exact):
                yield number

    def rank(self, number: int) -> int:
        """The place of a patient in the order of `find`: the `after` of the next page.

        Raises:
            IndexError: there is no patient of that number.
        """
        if self._ledger.latest(("patient", number, 0)) is not None:
            return _WRITTEN_RANK + number
        return self.population.rank(number)

    def stamp(self, number: int, kind: str = "") -> int:
        """A number that is another one whenever something visible about a patient has changed; with kind `patient`,
        about the person. Bytes made of the records are good while it stays."""
        writes = self._ledger.writes_of(number)
        if not self._is_generated(number):
            return writes
        now = self.now()
        if kind == "patient":
            death = self._death(number)
            return writes << 32 | (death is not None and death <= now)
        span = self._spans.get(number)
        if span is None or not span.since <= now < span.until:
            span = self._span(number, now)
        return writes << 32 | span.changes

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
            elif self.person(number) is None:
                raise IndexError(f"no patient {number}")
            kept: Record = replace(record, number=number, ordinal=0)
        else:
            if number is None or self.person(number) is None:
                raise IndexError(f"no patient {number}")
            ordinal = record.ordinal
            if ordinal < 0:
                ordinal = self._ledger.next_ordinal
                self._ledger.next_ordinal += 1
            kept = replace(record, ordinal=ordinal)
        self._append(kept, number, who, at, what)
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
            self._append(record, number, who, at, "deleted")
        return record

    def _append(self, record: Record, number: int, who: str, at: datetime, what: str) -> None:
        key = (record.kind, number, record.ordinal)
        earlier = self._ledger.latest(key)
        if earlier is not None:
            version = earlier.number + 1
        elif isinstance(record, Person):
            version = self.person_state(number).version + 1 if self._is_generated(number) else 1
        else:
            state = self.chart(number).state(record)
            version = 1 if state is None else state.version + 1
        self._keep(number, Version(record, version, who, at, what or ("created" if version == 1 else "updated")))

    def _keep(self, number: int, version: Version) -> None:
        record = version.record
        self._ledger.append((record.kind, number, record.ordinal), version)
        if isinstance(record, Person):
            self._families.setdefault(fold(record.family), set()).add(number)
        self._charts.pop(number, None)
        self._spans.pop(number, None)

    # The log

    def _is_generated(self, number: int) -> bool:
        return 0 <= number < self.population.size

    def _span(self, number: int, now: datetime) -> _Span:
        """How many changes of a patient's history have happened by `now`, and until when that stays so.

        Raises:
            IndexError: there is no such patient.
        """
        if not self._is_generated(number):
            return _Span(0, _BEGINNING, _END)
        history = self._history(number)
        count = history.count(now)
        since = history.changes[count - 1].at if count else _BEGINNING
        span = _Span(count, since, history.after(count) or _END)
        self._spans[number] = span
        if len(self._spans) > _STAMPS_KEPT:
            self._spans.popitem(last=False)
        return span

    def _log(self, number: int, count: int, at: datetime | None = None) -> tuple[Person, datetime, list[Change]]:
        """What `folded` takes: the person as registered, when, and every change: the first `count` of the history, and
        what was written by `at`."""
        if self._is_generated(number):
            history = self._history(number)
            person, began = history.person_at(_BEGINNING), history.began
        else:
            versions = self._ledger.versions(("patient", number, 0))
            if not versions or not isinstance(versions[0].record, Person):
                raise IndexError(f"no patient {number}")
            person, began = versions[0].record, versions[0].at
        latest = self._ledger.latest(("patient", number, 0))
        if latest is not None and latest.deleted and (at is None or latest.at <= at):
            raise IndexError(f"no patient {number}")
        return person, began, [change for change, _ in self._changes(number, count, at)]

    def _changes(self, number: int, count: int, at: datetime | None) -> Iterator[tuple[Change, str]]:
        """The first `count` changes of the history that no write has overruled, then what was written by `at`, with who
        wrote it."""
        has_writes = self._ledger.has(number)
        if self._is_generated(number):
            for change in self._history(number).changes[:count]:
                if not has_writes or not self._is_overruled(number, change):
                    yield change, ""
        for version in self._ledger.of_patient(number) if has_writes else ():
            if at is None or version.at <= at:
                yield Change(version.at, version.what, version.record), version.who

    def _is_overruled(self, number: int, change: Change) -> bool:
        """Whether a write has come before a change of the history: to that record, or that the patient died."""
        record = change.record
        written = self._ledger.versions((record.kind, number, record.ordinal))
        if written and written[0].at <= change.at:
            return True
        return any(
            isinstance(one.record, Person) and one.record.deceased is not None and one.record.deceased <= change.at
            for one in self._ledger.versions(("patient", number, 0))
        )

    # Overlay

    def _written(self, family: str | None) -> Set[int]:
        """The written patients among whom those of a family name are, or were."""
        if not family:
            return self._ledger.patients
        key = fold(family)
        found: set[int] = set()
        return found.union(*(numbers for name, numbers in self._families.items() if name.startswith(key)))

    def _by_contact(self, phone: str | None, ssn: str | None, email: str | None) -> set[int]:
        found = []
        if phone:
            found.append(set(self.population.by_phone(phone)))
        if ssn:
            found.append(set(self.population.by_ssn(ssn)))
        if email:
            found.append(set(self.population.by_email(email)))
        return set.intersection(*found) if found else set()


def _matches(
    person: Person,
    family: str | None,
    given: str | None,
    born: tuple[date, date] | None,
    sex: str | None,
    phone: str | None,
    ssn: str | None,
    email: str | None,
    exact: bool,
) -> bool:
    def named(asked: str | None, name: str) -> bool:
        if not asked:
            return True
        key = fold(asked)
        return bool(key) and (fold(name) == key if exact else fold(name).startswith(key))

    values = {telecom.value.lower() for telecom in person.telecoms}
    return (
        named(family, person.family)
        and named(given, person.given[0] if person.given else "")
        and (born is None or born[0] <= person.birth_date <= born[1])
        and sex in (None, person.sex)
        and (not phone or e164(phone) in values)
        and (not ssn or (person.ssn or "").replace("-", "") == ssn.replace("-", ""))
        and (not email or email.strip().lower() in values)
    )


def _minute_from(at: datetime) -> int:
    """The first whole minute at or after an instant."""
    minute = minute_of(at)
    return minute if at.second == 0 and at.microsecond == 0 else minute + 1


def _event_of(entry: Entry) -> Event:
    one = entry.version
    at_us = (one.at - _EPOCH) // timedelta(microseconds=1)
    return Event(f"w{at_us}-{entry.turn}", one.at, one.what, entry.number, one.record, one.number, one.who)


def _cursors(after: str | None) -> tuple[Key | None, tuple[datetime, int]]:
    """Behind which change of the histories, and behind which write, a cursor stands.

    Raises:
        ValueError: it is no cursor.
    """
    if after is None:
        return None, (_BEGINNING, -1)
    if not after.startswith("w"):
        key = Key.of(after)
        return key, (instant(key.minute), -1)
    at_us, _, turn = after[1:].partition("-")
    at = _EPOCH + timedelta(microseconds=int(at_us))
    # What happened by itself in the minute of a write comes before it.
    return Key(_minute_from(at + timedelta(microseconds=1)), -1, 0, 0, 0), (at, int(turn))
