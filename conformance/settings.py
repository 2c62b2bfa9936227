"""The numbers that checks use: tolerances, budgets and sample sizes, all in one record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from simulator.refusal import UsageError


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults are the catalogue's; a manifest changes those that `BUDGETS` names."""

    seed: int = 7
    early_ms: float = 50  # how much earlier than asked a retry may come, at least
    early_share: float = 0.02  # … or this share of the asked wait
    date_early_ms: float = 1000  # HTTP dates have whole seconds, and so has `Date`
    late_factor: float = 2  # later than this many times the asked wait is a warning
    blind_wait_ms: float = 1000  # least sum of the waits after 429 answers that name no wait
    blind_growth: float = 1.2  # the longest of them against the first
    retry_max: int = 6  # requests for one thing while it is refused with 429
    attempts_max: int = 5  # requests for one thing in an outage
    login_max: int = 3  # token requests after a final refusal
    overhead_p95_ms: float = 150
    score_percent: float = 95  # least score of a category of records; 98 is strict
    min_samples: int = 30  # fewer operations than this make a latency check UNTESTED
    scheduler_p99_ms: float = 100  # a host that wakes sleepers later than this is slow: tolerances double
    is_host_slow: bool = False

    def early(self, asked: timedelta, *, is_date: bool = False) -> timedelta:
        """How much before the end of `asked` a request is still held obedient."""
        least = timedelta(milliseconds=self.date_early_ms if is_date else self.early_ms)
        allowed = max(least, asked * self.early_share)
        return allowed * 2 if self.is_host_slow and not is_date else allowed


BUDGETS = {
    "read.p95_overhead_ms": "overhead_p95_ms",
    "read.min_samples": "min_samples",
    "normalization.min_score_percent": "score_percent",
}


def with_budgets(settings: Settings, budgets: Mapping[str, Any], where: str) -> Settings:
    """`settings` with the budgets of a manifest.

    Raises:
        UsageError: an unknown budget, or a value that is no positive number.
    """
    changes = {field.name: getattr(settings, field.name) for field in fields(settings)}
    for name, value in budgets.items():
        if name not in BUDGETS:
            raise UsageError(f'{where}: budgets: unknown "{name}"', f"known budgets: {', '.join(sorted(BUDGETS))}")
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise UsageError(f"{where}: budgets.{name}: not a positive number: {value!r}", "a number without quotes")
        changes[BUDGETS[name]] = value
    return Settings(**changes)
