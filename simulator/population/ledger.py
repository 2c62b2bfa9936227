"""What has been written to a world: versions of records over the truth, with who and when."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import datetime

from simulator.population.records import Record

Key = tuple[str, int, int]  # kind, patient number, ordinal


@dataclass(frozen=True, slots=True)
class Version:
    """One write. `number` counts the versions of the record: 1 is the truth as generated, or the creation."""

    record: Record
    number: int
    who: str
    at: datetime
    deleted: bool = False


class Ledger:
    """Versions of written records, newest last."""

    __slots__ = ("_counts", "_patients", "_persons", "_versions", "next_ordinal", "next_patient", "writes")

    def __init__(self, first_patient: int, first_ordinal: int) -> None:
        self._versions: dict[Key, list[Version]] = {}
        self._patients: dict[int, dict[Key, None]] = {}
        self._persons: set[int] = set()
        self._counts: dict[int, int] = {}
        self.writes = 0
        self.next_patient = first_patient
        self.next_ordinal = first_ordinal

    def append(self, key: Key, version: Version) -> None:
        """Adds a version of the record `key`."""
        self._versions.setdefault(key, []).append(version)
        self._patients.setdefault(key[1], {})[key] = None
        if key[0] == "patient":
            self._persons.add(key[1])
        self._counts[key[1]] = self._counts.get(key[1], 0) + 1
        self.writes += 1

    def writes_of(self, number: int) -> int:
        """How often something about a patient was written."""
        return self._counts.get(number, 0)

    def latest(self, key: Key) -> Version | None:
        """The newest version of `key`, None when it was never written."""
        versions = self._versions.get(key)
        return versions[-1] if versions else None

    def versions(self, key: Key) -> tuple[Version, ...]:
        """Every written version of `key`, oldest first."""
        return tuple(self._versions.get(key, ()))

    def of_patient(self, number: int) -> Iterator[tuple[Key, Version]]:
        """The newest version of every record written about a patient, in order of first writing."""
        for key in self._patients.get(number, ()):
            yield key, self._versions[key][-1]

    def has(self, number: int) -> bool:
        """Whether anything was written about a patient."""
        return number in self._patients

    @property
    def patients(self) -> Set[int]:
        """The numbers of the patients whose own record was written."""
        return self._persons
