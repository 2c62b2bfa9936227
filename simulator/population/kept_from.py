"""The truth as somebody knows it from whom sensitive records are kept: without them, and without what tells of them.

A record that bears one of the labels is not there, and of a patient who bears one nothing is. What remains and was
ordered, done or booked because of such a record has no reason any more. Documents need no care: none tells what bears a
label that it does not bear itself.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from simulator.population.chart.labels import OF_PATIENTS
from simulator.population.ledger import Version
from simulator.population.records import (
    FIELDS,
    Appointment,
    Chart,
    Consent,
    Encounter,
    Medication,
    Person,
    Procedure,
    Record,
)
from simulator.population.registrations import matches
from simulator.population.world import World

_REASONED = (Appointment, Encounter, Medication, Procedure)


def bears(record: Any, labels: frozenset[str]) -> bool:
    """Whether a record bears one of these labels, or is a consent that speaks of one."""
    held = record.labels if isinstance(record, Consent) else getattr(record, "sensitivity", ())
    return bool(labels) and not labels.isdisjoint(held)


def kept_from(chart: Chart, labels: frozenset[str]) -> Chart:
    """The chart without the records that bear one of the labels, and without what points to them."""
    gone = {(one.kind, one.ordinal) for kind in FIELDS for one in getattr(chart, FIELDS[kind]) if bears(one, labels)}
    gone |= {(one.kind, one.ordinal) for one in chart.retracted if bears(one, labels)}
    if not gone:
        return chart
    left: dict[str, Any] = {
        field: tuple(_without(one, gone) for one in getattr(chart, field) if (one.kind, one.ordinal) not in gone)
        for field in FIELDS.values()
    }
    retracted = tuple(_without(one, gone) for one in chart.retracted if (one.kind, one.ordinal) not in gone)
    states = {key: state for key, state in chart.states.items() if key not in gone}
    return replace(chart, **left, retracted=retracted, states=states)


def _without(record: Record, gone: set[tuple[str, int]]) -> Record:
    """The record without references to what is gone: its reason, and the encounter it belongs to."""
    changes: dict[str, Any] = {}
    if isinstance(record, _REASONED) and ("condition", record.reason) in gone:
        changes["reason"] = None
    if ("encounter", getattr(record, "encounter", None)) in gone:
        changes["encounter"] = None
    return replace(record, **changes) if changes else record


class KeptFrom(World):
    """A world from whose charts the records with some labels are kept. What is written to it the whole world gets."""

    def __init__(self, whole: World, labels: frozenset[str]) -> None:
        self.__dict__.update(whole.__dict__)
        self._whole = whole
        self._labels = labels
        self._kept: dict[int, tuple[Chart, Chart]] = {}

    def reset(self) -> None:
        """Forgets everything written, to the whole world."""
        self._whole.reset()

    @contextmanager
    def as_of(self, at: datetime) -> Iterator[None]:
        """Within it, `at` is now, for the whole world."""
        with self._whole.as_of(at):
            yield

    def person(self, number: int) -> Person | None:
        """As of the whole world; nobody where the whole patient is kept back."""
        found = self._whole.person(number)
        return None if found is not None and bears(found, self._labels) else found

    def find(self, **asked: Any) -> Iterator[int]:
        """As of the whole world, without those who are kept back as a whole."""
        found = self._whole.find(**asked)
        if self._labels.isdisjoint(OF_PATIENTS):
            return found
        return (number for number in found if self.person(number) is not None)

    def count(self, *, family: str | None = None, born: tuple[date, date] | None = None) -> int:
        """How many `find` gives, as of the whole world; it looks at everybody who is kept back as a whole."""
        told = self._whole.count(family=family, born=born)
        if self._labels.isdisjoint(OF_PATIENTS):
            return told
        persons = filter(None, map(self._whole.person, self.population.vips()))
        hidden = (one for one in persons if bears(one, self._labels))
        return told - sum(matches(one, family, None, born, None, False) for one in hidden)

    def _check(self, number: int) -> None:
        is_hidden = not self._labels.isdisjoint(OF_PATIENTS) and self.person(number) is None
        if is_hidden and self._whole.person(number) is not None:
            raise IndexError(f"no patient {number}")

    def chart(self, number: int) -> Chart:
        """What is left of a patient's chart.

        Raises:
            IndexError: there is no such patient.
        """
        self._check(number)
        whole = self._whole.chart(number)
        held = self._kept.get(number)
        if held is not None and held[0] is whole:
            return held[1]
        left = kept_from(whole, self._labels)
        self._kept[number] = (whole, left)
        if len(self._kept) > self._charts_kept:
            del self._kept[next(iter(self._kept))]
        return left

    def chart_at(self, number: int, at: datetime) -> Chart:
        """What is left of the chart at a moment.

        Raises:
            IndexError: there is no such patient, or was none by then.
        """
        self._check(number)
        return kept_from(self._whole.chart_at(number, at), self._labels)

    def origin(self, number: int) -> Hashable | None:
        """As of the whole world, and what is kept."""
        origin = self._whole.origin(number)
        return None if origin is None else (origin, self._labels)

    def appointments(self, number: int) -> tuple[Appointment, ...]:
        """Every appointment of a patient: whether somebody's time is taken, everybody may know.

        Raises:
            IndexError: there is no such patient.
        """
        return self._whole.appointments(number)

    def history(self, number: int) -> tuple[Version, ...]:
        """What is left of everything that has happened to a patient's records.

        Raises:
            IndexError: there is no such patient.
        """
        self._check(number)
        return tuple(one for one in self._whole.history(number) if not bears(one.record, self._labels))

    def write(self, record: Any, number: int | None, who: str, at: datetime, what: str = "") -> Any:
        """As of the whole world."""
        return self._whole.write(record, number, who, at, what)

    def delete(self, kind: str, number: int, ordinal: int, who: str, at: datetime) -> Record | None:
        """As of the whole world; None for what is not there."""
        return None if self.read(kind, number, ordinal) is None else self._whole.delete(kind, number, ordinal, who, at)
