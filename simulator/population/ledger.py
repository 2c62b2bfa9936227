"""What has been written to a world: versions of records over the truth, with who and when."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import datetime

from simulator.population.records import Record

Key = tuple[str, int, int]  # kind, patient number, ordinal


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a record. `number` counts them: 1 is the creation. `what` as in `records.Change`; `who` is empty
    for what happened by itself."""

    record: Record
    number: int
    who: str
    at: datetime
    what: str = "updated"

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

    __slots__ = ("_patients", "_persons", "_versions", "entries", "next_ordinal", "next_patient", "openings")

    def __init__(self, first_patient: int, first_ordinal: int) -> None:
        self._versions: dict[Key, list[Version]] = {}
        self._patients: dict[int, list[Version]] = {}
        self._persons: set[int] = set()
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
        self.entries.append(Entry(len(self.entries), key[1], version))

    def writes_of(self, number: int) -> int:
        """How often something about a patient was written."""
        return len(self._patients.get(number, ()))

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
    def patients(self) -> Set[int]:
        """The numbers of the patients whose own record was written."""
        return self._persons
