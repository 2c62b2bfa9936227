"""How true a latency stays: what was configured against what the callers got."""

from __future__ import annotations

import threading
from typing import Any

_KEPT = 4096


class Waits:
    """The waits of one rule. Sums are of all of them, percentiles of the last few thousand."""

    __slots__ = ("_lock", "_ring", "achieved_s", "configured_s", "count")

    def __init__(self) -> None:
        self.count = 0
        self.configured_s = 0.0
        self.achieved_s = 0.0
        self._ring: list[tuple[float, float]] = []  # (configured, late) seconds
        self._lock = threading.Lock()

    def record(self, configured_s: float, late_s: float) -> None:
        """One wait: so long was asked for, and so much later the answer was let go."""
        with self._lock:
            if len(self._ring) < _KEPT:
                self._ring.append((configured_s, late_s))
            else:
                self._ring[self.count % _KEPT] = (configured_s, late_s)
            self.count += 1
            self.configured_s += configured_s
            self.achieved_s += configured_s + late_s

    def to_json(self) -> dict[str, Any] | None:
        """`configured_ms` and `achieved_ms` with mean and percentiles, and how late the answers were; None: no wait."""
        with self._lock:
            if not self.count:
                return None
            ring, count = list(self._ring), self.count
            means = self.configured_s / count, self.achieved_s / count
        return {
            "count": count,
            "configured_ms": {"mean": _ms(means[0]), **_percentiles([one for one, _ in ring])},
            "achieved_ms": {"mean": _ms(means[1]), **_percentiles([one + late for one, late in ring])},
            "late_ms": {**_percentiles([late for _, late in ring]), "max": _ms(max(late for _, late in ring))},
        }


def _percentiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {f"p{share}": _ms(ordered[min(len(ordered) - 1, len(ordered) * share // 100)]) for share in (50, 95, 99)}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
