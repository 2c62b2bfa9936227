"""Quotas: how much a site tolerates, counted exactly in fixed windows on the sandbox clock."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from simulator.exchange import Exchange
from simulator.refusal import Refusal
from simulator.source import Source

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Limit:
    """`calls` in a fixed window of `per`, counted for each `scope`; `name` tells it apart in refusals and the journal.

    Windows are aligned with the epoch in UTC: a limit per day starts anew at midnight UTC. Only calls with a caller
    count, unless `counts` is "all"; with "room" the room counts itself, by `spend`.
    """

    name: str
    calls: int
    per: timedelta
    scope: Literal["client", "site"]
    source: Source
    counts: Literal["callers", "all", "room"] = "callers"


@dataclass(frozen=True, slots=True)
class Standing:
    """How one limit stands for one caller: what a vendor may tell in its headers. `resets_at` is sandbox time."""

    limit: Limit
    used: int
    resets_at: datetime

    @property
    def remaining(self) -> int:
        return max(0, self.limit.calls - self.used)


class LimitBook:
    """The limits of one site and what was used of them. A refused call is not counted, against any limit."""

    __slots__ = ("_delivered", "_lock", "_off", "_used", "limits")

    def __init__(self, limits: Iterable[Limit]) -> None:
        self.limits: tuple[Limit, ...] = tuple(limits)
        self._delivered = self.limits
        self._off: frozenset[str] = frozenset()
        self._used: dict[tuple[str, str], tuple[int, int]] = {}  # (limit, who) -> (window, calls)
        self._lock = threading.Lock()

    def count(self, x: Exchange) -> None:
        """Count this call, or refuse it. Only routes with a caller count unless a limit says otherwise.

        Raises:
            Refusal: `too_many` with `limit`, `calls`, `per_s`, `retry_after_s` (whole, at least 1), `resets_at`.
        """
        if not self.limits:
            return
        now = x.sandbox.clock.now()
        with self._lock:
            touched: list[tuple[tuple[str, str], int, int]] = []
            for limit in self.limits:
                if not self._counts(limit, x):
                    continue
                who = (limit.name, _who(limit, x))
                window = (now - EPOCH) // limit.per
                seen, used = self._used.get(who, (window, 0))
                if seen != window:
                    used = 0
                if used >= limit.calls:
                    raise _too_many(limit, now, window)
                touched.append((who, window, used + 1))
            for who, window, used in touched:
                self._used[who] = (window, used)

    def standing(self, x: Exchange) -> tuple[Standing, ...]:
        """How every limit that this call counts against stands, this call included."""
        now = x.sandbox.clock.now()
        found = []
        for limit in self.limits:
            if not self._counts(limit, x):
                continue
            window = (now - EPOCH) // limit.per
            seen, used = self._used.get((limit.name, _who(limit, x)), (window, 0))
            found.append(Standing(limit, used if seen == window else 0, EPOCH + limit.per * (window + 1)))
        return tuple(found)

    def _counts(self, limit: Limit, x: Exchange) -> bool:
        if limit.name in self._off or limit.counts == "room":
            return False
        return x.caller is not None or limit.counts == "all"

    def spend(self, name: str, who: str, now: datetime) -> Standing | None:
        """Count one use of the limit `name` by `who`, for what has no caller yet (a token request). How it stands
        afterwards; None when it is switched off.

        Raises:
            KeyError: no such limit.
            Refusal: `too_many`, as of `count`.
        """
        limit = self.limit(name)
        if name in self._off:
            return None
        window = (now - EPOCH) // limit.per
        with self._lock:
            seen, used = self._used.get((name, who), (window, 0))
            used = used if seen == window else 0
            if used >= limit.calls:
                raise _too_many(limit, now, window)
            self._used[name, who] = (window, used + 1)
        return Standing(limit, used + 1, EPOCH + limit.per * (window + 1))

    def limit(self, name: str) -> Limit:
        """The limit called `name`. Raises KeyError."""
        for limit in self.limits:
            if limit.name == name:
                return limit
        raise KeyError(name)

    def set(self, name: str, *, calls: int | None = None, per_s: float | None = None) -> Limit:
        """Change a limit of this site (and switch it on); what was used of it starts anew. Raises KeyError."""
        old = self.limit(name)
        new = replace(
            old,
            calls=old.calls if calls is None else calls,
            per=old.per if per_s is None else timedelta(seconds=per_s),
        )
        with self._lock:
            self.limits = tuple(new if limit is old else limit for limit in self.limits)
            self._off -= {name}
            self._used = {who: used for who, used in self._used.items() if who[0] != name}
        return new

    def off(self, name: str | None = None) -> None:
        """Stop counting the limit `name`, or every limit. Raises KeyError."""
        names = {self.limit(name).name} if name else {limit.name for limit in self.limits}
        with self._lock:
            self._off |= names

    def restore(self) -> None:
        """Every limit as the vendor was delivered, on, and nothing used."""
        with self._lock:
            self.limits = self._delivered
            self._off = frozenset()
            self._used = {}

    def is_off(self, name: str) -> bool:
        return name in self._off


def _who(limit: Limit, x: Exchange) -> str:
    return x.caller.client_id if limit.scope == "client" and x.caller is not None else ""


def _too_many(limit: Limit, now: datetime, window: int) -> Refusal:
    resets_at = EPOCH + limit.per * (window + 1)
    wait = max(1, -((now - resets_at) // timedelta(seconds=1)))
    return Refusal(
        "too_many",
        f"{limit.name}: {limit.calls} calls in {limit.per.total_seconds():g} s",
        reason=limit.name,
        limit=limit.name,
        calls=limit.calls,
        per_s=limit.per.total_seconds(),
        retry_after_s=wait,
        resets_at=resets_at,
    )
