"""Budgets: what a load run must hold, read from TOML and judged on Locust's statistics."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from simulator.refusal import UsageError


@dataclass(frozen=True, slots=True)
class Row:
    """The statistics of one kind of request; times in milliseconds."""

    name: str
    requests: int
    failures: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    per_s: float

    @classmethod
    def of(cls, stats: Mapping[str, Any], seconds: float) -> Row:
        """A row of one entry of Locust's `--json` output of a run of `seconds`."""
        times = {float(ms): int(count) for ms, count in stats["response_times"].items()}
        return cls(
            name=stats["name"],
            requests=stats["num_requests"],
            failures=stats["num_failures"],
            p50_ms=percentile(times, 0.50),
            p95_ms=percentile(times, 0.95),
            p99_ms=percentile(times, 0.99),
            per_s=stats["num_requests"] / seconds,
        )


def percentile(times: Mapping[float, int], share: float) -> float:
    """The smallest time that at least `share` of the requests did not exceed; zero without requests."""
    wanted, seen = share * sum(times.values()), 0
    for ms in sorted(times):
        seen += times[ms]
        if seen >= wanted:
            return ms
    return 0.0


@dataclass(frozen=True, slots=True)
class Budget:
    """`p95_ms` by name of request, `*` for those not named; a name that no request carries fails the run."""

    min_requests: int = 1
    failure_share: float = 0.0
    p95_ms: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Budget:
        """The budget in the TOML file `path`.

        Raises:
            UsageError: unreadable, not TOML, an unknown key or a value of the wrong kind.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot read the budget {path}: {error.strerror}", "give a file with --budget") from None
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} is not TOML: not UTF-8 at byte {error.start}") from None
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"{path} is not TOML: {error}") from None
        known = {"min_requests": int, "failure_share": (int, float), "p95_ms": dict}
        for name, value in values.items():
            if name not in known:
                raise UsageError(f'{path}: unknown key "{name}"', f"known: {', '.join(known)}")
            if not isinstance(value, known[name]) or isinstance(value, bool):  # type: ignore[arg-type]
                raise UsageError(f"{path}: {name} = {value!r} is not a {'table' if name == 'p95_ms' else 'number'}")
        if values.get("min_requests", 0) < 0:
            raise UsageError(f"{path}: min_requests = {values['min_requests']} is below 0")
        if not 0 <= values.get("failure_share", 0) <= 1:
            raise UsageError(f"{path}: failure_share = {values['failure_share']} is not a share from 0 to 1")
        for name, limit in values.get("p95_ms", {}).items():
            if not isinstance(limit, (int, float)) or isinstance(limit, bool) or not 0 < limit < inf:
                raise UsageError(f'{path}: p95_ms."{name}" = {limit!r} is not a positive number of milliseconds')
        return cls(**values)

    def broken(self, rows: Iterable[Row]) -> list[str]:
        """One sentence for each way in which `rows` break the budget; empty when it holds."""
        rows = list(rows)
        total = sum(row.requests for row in rows)
        failed = sum(row.failures for row in rows)
        found = []
        if total < self.min_requests:
            found.append(f"{total} requests were made, the budget asks for at least {self.min_requests}")
        if total and failed / total > self.failure_share:
            found.append(f"{failed} of {total} requests failed, the budget allows a share of {self.failure_share:g}")
        for row in rows:
            limit = self.p95_ms.get(row.name, self.p95_ms.get("*"))
            if limit is not None and row.requests and row.p95_ms > limit:
                found.append(f"{row.name}: p95 is {row.p95_ms:g} ms, the budget is {limit:g} ms")
        names = {row.name for row in rows if row.requests}
        found += [f"{name}: no such request was made" for name in self.p95_ms if name != "*" and name not in names]
        return found
