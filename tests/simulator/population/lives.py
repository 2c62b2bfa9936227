"""The lives that the tests of the kinds of records look at: one population, its histories kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from simulator.population.chart import history_of
from simulator.population.history import History
from simulator.population.ledger import Opening
from simulator.population.people import Population
from simulator.population.records import Appointment, Chart, Document

AS_OF = date(2026, 1, 5)
POPULATION = Population(seed=7, size=10_000, as_of=AS_OF)
SOME = range(160)

NUMBERS = st.integers(0, POPULATION.size - 1)


@cache
def history(number: int) -> History:
    """The history of a patient."""
    return history_of(POPULATION, number)


@cache
def chart(number: int) -> Chart:
    """The chart of a patient at the moment at which the population starts."""
    return history(number).chart_at(POPULATION.starts)


def charts() -> Iterator[Chart]:
    """The charts of some patients."""
    return (chart(number) for number in SOME)


def local_day(at: datetime, facility: int) -> date:
    """The day of an instant on the calendar of a facility."""
    return at.astimezone(ZoneInfo(POPULATION.facility(facility).zone)).date()


class Charts:
    """A world that nobody writes to, at a moment of its own."""

    def __init__(self, population: Population = POPULATION, now: datetime | None = None) -> None:
        self.population = population
        self.now = now or population.starts

    def chart(self, number: int) -> Chart:
        return self.chart_at(number, self.now)

    def chart_at(self, number: int, at: datetime) -> Chart:
        kept = history(number) if self.population is POPULATION else _history(self.population, number)
        return kept.chart_at(at)

    def appointments(self, number: int) -> tuple[Appointment, ...]:
        return self.chart(number).appointments

    def holders(self, number: int) -> tuple[int, ...]:
        return (number,)

    def openings(self) -> tuple[Opening, ...]:
        return ()

    def origin(self, number: int) -> None:
        """Every document is written anew."""

    def as_it_stood(self, record: Document, number: int, at: datetime) -> tuple[Document, int]:
        return record, number

    def patients_with(self, kind: str) -> tuple[int, ...]:
        return ()


@cache
def _history(population: Population, number: int) -> History:
    return history_of(population, number)


def moments(number: int) -> list[datetime]:
    """Some moments of a history: between its changes, from the first to the last."""
    changes = history(number).changes
    return [change.at + timedelta(minutes=1) for change in changes[:: max(1, len(changes) // 6)]]
