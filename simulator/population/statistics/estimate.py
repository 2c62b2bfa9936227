"""Shares, means and rates of a sample, each with the interval in which the population's own value lies."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

Z = 2.576
"""Standard deviations of the intervals: they hold the value of the population in 99 of 100 samples."""


class Interval(NamedTuple):
    """An estimate, the bounds of its interval, and on how many it rests."""

    value: float
    low: float
    high: float
    n: int


class Share:
    """How many of those asked say yes. The interval is Wilson's: it is sound for few and for rare ones."""

    __slots__ = ("hits", "n")

    def __init__(self) -> None:
        self.hits = 0
        self.n = 0

    def add(self, value: float) -> None:
        """Counts one who was asked: 1 for yes, 0 for no."""
        self.n += 1
        self.hits += value != 0

    def interval(self) -> Interval | None:
        """The share, from 0 to 1; None of nobody."""
        if not self.n:
            return None
        share, square = self.hits / self.n, Z * Z / self.n
        middle = (share + square / 2) / (1 + square)
        half = Z * sqrt(share * (1 - share) / self.n + square / (4 * self.n)) / (1 + square)
        return Interval(share, max(0.0, middle - half), min(1.0, middle + half), self.n)


class Mean:
    """The mean of what was measured, by the normal approximation. Adds up as Welford does: no digits are lost."""

    __slots__ = ("_mean", "_squares", "n")

    def __init__(self) -> None:
        self.n = 0
        self._mean = 0.0
        self._squares = 0.0

    def add(self, value: float) -> None:
        """Counts one measurement."""
        self.n += 1
        off = value - self._mean
        self._mean += off / self.n
        self._squares += off * (value - self._mean)

    @property
    def deviation(self) -> float:
        """The standard deviation of the sample."""
        return sqrt(self._squares / (self.n - 1)) if self.n > 1 else 0.0

    def interval(self) -> Interval | None:
        """The mean; None of fewer than two."""
        if self.n < 2:
            return None
        half = Z * self.deviation / sqrt(self.n)
        return Interval(self._mean, self._mean - half, self._mean + half, self.n)


class Rate:
    """Events over the time in which they could happen. The interval widens with how unevenly they fall on people."""

    __slots__ = ("events", "exposure", "n", "squares")

    def __init__(self) -> None:
        self.n = 0
        self.events = 0.0
        self.exposure = 0.0
        self.squares = 0.0

    def add(self, events: float, exposure: float) -> None:
        """Counts one person: so many events in so much time."""
        self.n += 1
        self.events += events
        self.exposure += exposure
        self.squares += events * events

    def interval(self) -> Interval | None:
        """Events per unit of time; None where nothing could happen."""
        if not self.exposure:
            return None
        spread = max(self.squares - self.events * self.events / self.n, self.events)
        half = Z * sqrt(spread) + Z * Z / 2 * (self.events < 10)
        return Interval(
            self.events / self.exposure,
            max(0.0, self.events - half) / self.exposure,
            (self.events + half) / self.exposure,
            self.n,
        )


Estimate = Share | Mean | Rate
