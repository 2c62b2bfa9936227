"""Precision, recall and F1 of a set of answers; how sure a share is that was counted on few."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

_Z = 1.959963984540054  # the quantile of a two-sided 95 % interval


@dataclass(frozen=True, slots=True)
class Rates:
    """How well a set was told: of `truth` items `right` came back, among `returned`."""

    truth: int
    returned: int
    right: int

    @property
    def precision(self) -> float:
        """The share of what came back that is right; 1 when nothing came back."""
        return self.right / self.returned if self.returned else 1.0

    @property
    def recall(self) -> float:
        """The share of what is so that came back; 1 when there was nothing to tell."""
        return self.right / self.truth if self.truth else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both; 1 when there was nothing to tell and nothing was told."""
        both = self.truth + self.returned
        return 2 * self.right / both if both else 1.0

    def __add__(self, other: Rates) -> Rates:
        return Rates(self.truth + other.truth, self.returned + other.returned, self.right + other.right)


def wilson(right: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share that was seen as `right` of `of`: honest for few cases and near 0 and 1.

    Source: Wilson, J Am Stat Assoc 1927;22:209; without continuity correction.
    """
    if not of:
        return 0.0, 1.0
    share, square = right / of, _Z * _Z
    middle = share + square / (2 * of)
    spread = _Z * sqrt(share * (1 - share) / of + square / (4 * of * of))
    scale = 1 + square / of
    low = 0.0 if right == 0 else (middle - spread) / scale
    high = 1.0 if right == of else (middle + spread) / scale
    return low, high
