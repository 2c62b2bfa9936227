"""What has been written to a world: versions of records over the truth, with who and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import datetime

from simulator.population.records import Record

Key = tuple[str, int, int]  # kind, patient number, ordinal


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a record. `number` counts them: 1 is the creation. `what` as in `records.Change`; `who` is empty
    for what happened by itself. `into` is the survivor's number of a patient who was merged."""

    record: Record
    number: int
    who: str
    at: datetime
    what: str = "updated"
    into: int | None = None

    @property
    def deleted(self) -> bool:
        return self.what == "deleted"


@dataclass(frozen=True, slots=True)
class Entry:
    """One write, in order: `turn` is its place among all of them."""

    turn: int
    number: int
    version: Version


@dataclass(frozen=True, slots=True)
class Opening:
    """Time of a practitioner that somebody opened for booking; `type_key` is the row of encounters.csv it is for, empty
    for any. Nobody's record: it has no patient."""

    practitioner: int
    start: datetime
    minutes: int
    type_key: str
    who: str
    at: datetime


class Ledger:
    """Versions of written records, newest last, and the time that was opened for booking."""

    __slots__ = (
        "_bases", "_links", "_patients", "_persons", "_stirred", "_versions", "entries", "next_ordinal", "next_patient",
        "openings",
    )  # fmt: skip

    def __init__(self, first_patient: int, first_ordinal: int) -> None:
        self._versions: dict[Key, list[Version]] = {}
        self._patients: dict[int, list[Version]] = {}
        self._persons: set[int] = set()
        self._links: dict[int, list[Version]] = {}
        self._stirred: Counter[int] = Counter()
        self._bases: dict[int, range] = {}
        self.entries: list[Entry] = []
        self.openings: list[Opening] = []
        self.next_patient = first_patient
        self.next_ordinal = first_ordinal

    @property
    def writes(self) -> int:
        """How many writes there have been."""
        return len(self.entries)

    def append(self, key: Key, version: Version) -> None:
        """Adds a version of the record `key`."""
        self._versions.setdefault(key, []).append(version)
        self._patients.setdefault(key[1], []).append(version)
        if key[0] == "patient":
            self._persons.add(key[1])
            if version.what in ("merged", "unmerged"):
                self._links.setdefault(key[1], []).append(version)
        self.entries.append(Entry(len(self.entries), key[1], version))

    def stir(self, number: int) -> None:
        """Something that was written about somebody else shows in the chart of a patient, too."""
        self._stirred[number] += 1

    def writes_of(self, number: int) -> int:
        """How often something that shows in the chart of a patient was written."""
        return len(self._patients.get(number, ())) + self._stirred[number]

    def latest(self, key: Key) -> Version | None:
        """The newest version of `key`, None when it was never written."""
        versions = self._versions.get(key)
        return versions[-1] if versions else None

    def versions(self, key: Key) -> tuple[Version, ...]:
        """Every written version of `key`, oldest first."""
        return tuple(self._versions.get(key, ()))

    def of_patient(self, number: int) -> Iterator[Version]:
        """What was written about a patient, in order of writing."""
        return iter(self._patients.get(number, ()))

    def has(self, number: int) -> bool:
        """Whether anything was written about a patient."""
        return number in self._patients

    @property
    def written(self) -> Set[int]:
        """The numbers of the patients about whom anything was written."""
        return self._patients.keys()

    # Merging

    def link(self, number: int, by: datetime | None = None) -> Version | None:
        """The newest writing that merged a patient or took them apart again, by a moment; None if there is none."""
        links = self._links.get(number, ())
        return next((one for one in reversed(links) if by is None or one.at <= by), None)

    @property
    def linked(self) -> Set[int]:
        """The numbers of the patients who were merged by somebody, or taken apart."""
        return self._links.keys()

    def links(self) -> Iterator[tuple[int, int]]:
        """Every pair of numbers of which the first was merged into the second, at any time."""
        for number, links in self._links.items():
            yield from ((number, one.into) for one in links if one.into is not None)

    def make_room(self, number: int, ordinals: int) -> None:
        """Sets ordinals aside, once, for the records of a human being who is merged into another one."""
        if number not in self._bases:
            self._bases[number] = range(self.next_ordinal, self.next_ordinal + ordinals)
            self.next_ordinal += ordinals

    def share_rooms(self, other: Ledger) -> None:
        """Sets the same ordinals aside as another ledger."""
        self._bases, self.next_ordinal = dict(other._bases), other.next_ordinal

    def room(self, number: int) -> range | None:
        """The ordinals that were set aside for a human being."""
        return self._bases.get(number)

    def stranger(self, ordinal: int) -> int | None:
        """The human being for whom an ordinal was set aside."""
        return next((number for number, room in self._bases.items() if ordinal in room), None)

    @property
    def patients(self) -> Set[int]:
        """The numbers of the patients whose own record was written."""
        return self._persons
