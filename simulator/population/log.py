"""The log of a patient: what the histories give and the ledger holds, of every number that resolves to them.

A record lives at home: under the number where it was filed or written. In the chart of the survivor it keeps its
ordinal if both are one human being, and gets one of the written range if they are not: see `Ledger.make_room`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from simulator.population.called_off import NOTHING, CalledOff, called_off
from simulator.population.filing import Filing, cut, moved
from simulator.population.history import History
from simulator.population.identity import Identity
from simulator.population.ledger import Ledger, Version
from simulator.population.people import Population
from simulator.population.records import Change, Person, Record

FIRST_WRITTEN = 2**31
"""Numbers from here on are patients who were written; ordinals from `FIRST_WRITTEN_ORDINAL` on, items that were."""
FIRST_WRITTEN_ORDINAL = 1 << 20

BEGINNING, END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Logged(NamedTuple):
    """One change of a log, who wrote it (empty: it happened by itself), and into whom the patient was merged with
    it."""

    change: Change
    who: str = ""
    into: int | None = None


class Span(NamedTuple):
    """How much has happened in the lives behind a chart, and from when until when that is so."""

    passed: int
    since: datetime
    until: datetime


class Log:
    """The logs of one world. A moment comes as two, as in `Identity`; `filing` gives the life of a human being, as much
    of it as has happened by a moment, or with None all of it."""

    def __init__(
        self,
        population: Population,
        ledger: Ledger,
        identity: Identity,
        filing: Callable[[int, datetime | None], Filing],
    ) -> None:
        self._population = population
        self._registrations = population.registrations
        self._ledger = ledger
        self._identity = identity
        self._filing = filing
        self._called_off: dict[int, tuple[int, CalledOff]] = {}  # with how many writes it was found

    def is_generated(self, number: int) -> bool:
        """Whether a number is one of the population's."""
        return 0 <= number < self._population.size or number in self._registrations

    def is_on_file_once(self, number: int) -> bool:
        """Whether a number is the only one that the population gave to a human being."""
        return 0 <= number < self._population.size and len(self._identity.numbers(number)) == 1

    def span(self, number: int, now: datetime) -> Span:
        """How much has happened by `now`."""
        lives = [self._filing(life, now) for life in self._identity.lives(number)]
        return Span(
            sum(life.passed(now) for life in lives),
            max((at for life in lives if (at := life.since(now)) is not None), default=BEGINNING),
            min((at for life in lives if (at := life.until(now)) is not None), default=END),
        )

    def beginning(self, number: int, when: datetime | None = None) -> tuple[Person, datetime]:
        """The person as registered, and when; `when` tells for which moment their life is looked up anyway.

        Raises:
            IndexError: there is no such patient.
        """
        if 0 <= number < self._population.size:
            history = self._filing(number, when).history
            return history.person_at(BEGINNING), history.began
        if number in self._registrations:
            return self._registrations.person(number), self._registrations.registered(number)
        versions = self._ledger.versions(("patient", number, 0))
        if not versions or not isinstance(versions[0].record, Person):
            raise IndexError(f"no patient {number}")
        return versions[0].record, versions[0].at

    def logged(self, number: int, when: datetime, by: datetime | None) -> Iterator[Logged]:
        """Everything that stands in the chart of a patient at a moment: what no write has overruled, in order of time,
        then what was written."""
        members = self._identity.members(number, when, by)
        lives = dict.fromkeys(map(self._identity.first, members))
        generated = [list(self._of_life(life, number, members, when)) for life in lives if self.is_generated(life)]
        if len(generated) == 1:
            yield from generated[0]
        else:
            yield from sorted((one for those in generated for one in those), key=lambda one: one.change.at)
        yield from self._written(number, members, by)

    def told(self, number: int, when: datetime, by: datetime | None) -> Iterable[tuple[datetime, str, Record]]:
        """What `logged` gives, without who and into whom: when, what, record."""
        return (one.change for one in self.logged(number, when, by))

    def untouched(self, number: int, when: datetime) -> History | None:
        """The history that is the whole log by `when`: of a patient on file once of whom nothing was written, in a
        world in which nobody was merged by hand."""
        if self._ledger.has(number) or self._ledger.linked or not 0 <= number < self._population.size:
            return None
        filing = self._filing(number, when)
        return filing.history if filing.homes is None else None

    def _of_life(self, life: int, number: int, members: Collection[int], when: datetime) -> Iterator[Logged]:
        filing, has_writes = self._filing(life, when), bool(self._ledger.entries)
        changes, off = filing.history.changes[: filing.history.count(when)], self.called_off(life)
        if off.places:
            changes = list(_without(changes, off))
        if filing.homes is None and life == number:
            for change in changes:
                if not has_writes or not self.is_overruled(number, number, change):
                    yield Logged(change)
            return
        for change in changes:
            home = filing.home(change.record.kind, change.record.ordinal)
            if change.record.kind == "patient" and home != number:
                continue  # what happened to the person of a merged number
            if home in members and not (has_writes and self.is_overruled(home, number, change)):
                yield Logged(change._replace(record=self.as_told(change.record, home, number, members)))

    def called_off(self, life: int) -> CalledOff:
        """What does not happen of a life because somebody called its visits off."""
        if not self._ledger.entries:
            return NOTHING
        numbers = self._identity.numbers(life)
        writes = sum(map(self._ledger.writes_of, numbers))
        known = self._called_off.get(life)
        if known is None or known[0] != writes:
            known = self._called_off[life] = writes, self._found_called_off(life, numbers)
        return known[1]

    def _found_called_off(self, life: int, numbers: Iterable[int]) -> CalledOff:
        if not any(one.record.kind == "appointment" for each in numbers for one in self._ledger.of_patient(each)):
            return NOTHING
        filing = self._filing(life, None)

        def written(ordinal: int) -> tuple[Version, ...]:
            return self._ledger.versions(("appointment", filing.home("appointment", ordinal), ordinal))

        return called_off(filing.history, written, filing.home, lambda one: self._population.facility(one).zone)

    def _written(self, number: int, members: Collection[int], by: datetime | None) -> Iterator[Logged]:
        found = []
        for member in members:
            for version in self._ledger.of_patient(member):
                is_of_another = version.record.kind == "patient" and member != number
                if not is_of_another and (by is None or version.at <= by):
                    record = self.as_told(version.record, member, number, members)
                    found.append(Logged(Change(version.at, version.what, record), version.who, version.into))
        return iter(sorted(found, key=lambda one: one.change.at) if len(members) > 1 else found)

    def is_overruled(self, home: int, number: int, change: Change) -> bool:
        """Whether a write has come before a change of a history: to that record, or that the patient died."""
        record = change.record
        written = self._ledger.versions((record.kind, home, record.ordinal))
        if written and written[0].at <= change.at:
            return True
        numbers = {number, *self._identity.numbers(self._identity.first(home))}
        return any(
            isinstance(one.record, Person) and one.record.deceased is not None and one.record.deceased <= change.at
            for each in numbers
            for one in self._ledger.versions(("patient", each, 0))
        )

    def joints(self, number: int, when: datetime) -> Iterator[Logged]:
        """When a number was merged, or taken apart, by itself."""
        registrations = self._registrations
        if registrations.survives_alone(number):
            return
        since, until = registrations.merged(number)
        person, owner = registrations.person(number), registrations.owner(number)
        if since <= when and self._identity.is_joined(number, since):
            yield Logged(Change(since, "merged", person), into=owner)
        if until is not None and until <= when and self._identity.is_joined(number, until):
            yield Logged(Change(until, "unmerged", person))

    # A record at home and in the chart of a survivor

    def as_told(self, record: Record, home: int, number: int, members: Collection[int]) -> Record:
        """A record of the home `home` as it stands in the chart of patient `number`, to whom `members` resolve."""
        if isinstance(record, Person):
            return record
        life = self._identity.first(home)
        if self.is_generated(life) and not (home == number and len(self._identity.numbers(life)) == 1):
            record = cut(record, lambda kind, ordinal: self._is_held(life, kind, ordinal, members))
        room = self._ledger.room(life) if life != self._identity.first(number) else None
        if room is None:
            return record
        return moved(record, lambda ordinal: ordinal + room.start if ordinal < FIRST_WRITTEN_ORDINAL else ordinal)

    def _is_held(self, life: int, kind: str, ordinal: int, members: Collection[int]) -> bool:
        return ordinal >= FIRST_WRITTEN_ORDINAL or self._filing(life, None).home(kind, ordinal) in members

    def home(self, number: int, kind: str, ordinal: int, when: datetime) -> tuple[int, int]:
        """Where a record of a patient's chart lives: the number, and its ordinal there."""
        members = self._identity.members(number, when, None)
        if kind == "patient" or members == (number,):
            return number, ordinal
        if ordinal >= FIRST_WRITTEN_ORDINAL:
            life = self._ledger.stranger(ordinal)
            if life is not None and (room := self._ledger.room(life)) is not None:
                return self._filing(life, None).home(kind, ordinal - room.start), ordinal - room.start
            written = (one for one in members if self._ledger.versions((kind, one, ordinal)))
            return next(written, number), ordinal
        home = self._filing(self._identity.first(number), None).home(kind, ordinal)
        return home if home in members else number, ordinal

    def at_home(self, record: Record, number: int, home: int, ordinal: int) -> Record:
        """A record of a patient's chart as it is kept at home, where its ordinal is `ordinal`: the way back from
        `as_told`."""
        if ordinal == record.ordinal or isinstance(record, Person):
            return record
        room = self._ledger.room(self._identity.first(home))
        assert room is not None
        return moved(record, lambda one: one - room.start if one in room else one)


def _without(changes: list[Change], off: CalledOff) -> Iterator[Change]:
    """The changes of a history without what does not happen, and with what does instead."""
    for place, change in enumerate(changes):
        yield from (one.change for one in off.instead.get(place, ()))
        if place not in off.places:
            yield change._replace(record=off.cut(change.record, place))
