"""The truth as somebody knows it from whom sensitive records are kept: without them, and without what tells of them.

A record that bears one of the labels is not there. What remains and was ordered, done or booked because of such a
record has no reason any more. Documents need no care: none tells what bears a label that it does not bear itself.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from simulator.population.ledger import Version
from simulator.population.records import FIELDS, Appointment, Chart, Consent, Encounter, Medication, Procedure, Record
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

    def chart(self, number: int) -> Chart:
        """What is left of a patient's chart.

        Raises:
            IndexError: there is no such patient.
        """
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
        return tuple(one for one in self._whole.history(number) if not bears(one.record, self._labels))

    def write(self, record: Any, number: int | None, who: str, at: datetime, what: str = "") -> Any:
        """As of the whole world."""
        return self._whole.write(record, number, who, at, what)

    def delete(self, kind: str, number: int, ordinal: int, who: str, at: datetime) -> Record | None:
        """As of the whole world; None for what is not there."""
        return None if self.read(kind, number, ordinal) is None else self._whole.delete(kind, number, ordinal, who, at)
