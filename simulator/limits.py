"""Quotas: how much a site tolerates, counted exactly on the sandbox clock.

Four windows, all in whole microseconds, so that a call at the very edge is counted the same everywhere:

    fixed       `calls` in each window of `per`, aligned with the epoch in UTC (a limit per day starts at midnight UTC)
    sliding     `calls` in any `per` that ends now
    bucket      `burst` calls at once, refilled by `calls` in `per`
    concurrent  `calls` that are being answered at the same moment; a slot is held until the answer has left

A refused call counts against no limit.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from simulator.counters import Counter, counter_of
from simulator.exchange import Exchange
from simulator.refusal import Refusal
from simulator.source import Source

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Window = Literal["fixed", "sliding", "bucket", "concurrent"]
Scope = Literal["client", "token", "ip", "practice", "site"]
WINDOWS: tuple[Window, ...] = get_args(Window)
SCOPES: tuple[Scope, ...] = get_args(Scope)
_MICROSECOND = timedelta(microseconds=1)
_SET_HERE = Source("set in this sandbox", "guess")


@dataclass(frozen=True, slots=True)
class Limit:
    """`calls` in a `window` of `per`, counted for each `scope`; `name` tells it apart in refusals and the journal.

    Only calls with a caller count, unless `counts` is "all"; with "room" the room counts itself, by `spend`. `burst` is
    the size of a bucket (None: `calls`).
    """

    name: str
    calls: int
    per: timedelta
    scope: Scope
    source: Source
    counts: Literal["callers", "all", "room"] = "callers"
    window: Window = "fixed"
    burst: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How one limit stands for one caller: what a vendor may tell in its headers. `resets_at` is sandbox time."""

    limit: Limit
    used: int
    resets_at: datetime

    @property
    def remaining(self) -> int:
        size = self.limit.burst if self.limit.window == "bucket" and self.limit.burst is not None else self.limit.calls
        return max(0, size - self.used)


class LimitBook:
    """The limits of one site and what was used of them. A refused call is not counted, against any limit."""

    __slots__ = ("_counters", "_delivered", "_lock", "_off", "limits")

    def __init__(self, limits: Iterable[Limit]) -> None:
        self.limits: tuple[Limit, ...] = tuple(limits)
        self._delivered = self.limits
        self._off: frozenset[str] = frozenset()
        self._counters: dict[str, Counter] = {limit.name: _counter(limit) for limit in self.limits}
        self._lock = threading.Lock()

    def count(self, x: Exchange) -> None:
        """Count this call, or refuse it. What it holds of concurrent limits is given back by `release`.

        Raises:
            Refusal: `too_many` with `limit`, `calls`, `per_s`, `retry_after_s` (whole, at least 1), `resets_at`.
        """
        if not self.limits:
            return
        now = x.sandbox.clock.now()
        at = (now - EPOCH) // _MICROSECOND
        with self._lock:
            touched: list[tuple[Counter, str]] = []
            for limit in self.limits:
                if not self._counts(limit, x):
                    continue
                counter, who = self._counters[limit.name], _who(limit, x)
                wait = counter.wait(who, at)
                if wait is not None:
                    raise _too_many(limit, now, wait)
                touched.append((counter, who))
            for counter, who in touched:
                counter.spend(who, at)
                if counter.is_held:
                    x.slots = (*x.slots, (counter, who))

    def release(self, x: Exchange) -> None:
        """Give back the slots of concurrent limits that this call holds: its answer has left, or never will."""
        with self._lock:
            for counter, who in x.slots:
                counter.give_back(who)
            x.slots = ()

    def standing(self, x: Exchange) -> tuple[Standing, ...]:
        """How every limit that this call counts against stands, this call included."""
        at = (x.sandbox.clock.now() - EPOCH) // _MICROSECOND
        found = []
        with self._lock:
            for limit in self.limits:
                if self._counts(limit, x):
                    used, resets = self._counters[limit.name].standing(_who(limit, x), at)
                    found.append(Standing(limit, used, EPOCH + resets * _MICROSECOND))
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
        at = (now - EPOCH) // _MICROSECOND
        counter = self._counters[name]
        with self._lock:
            wait = counter.wait(who, at)
            if wait is not None:
                raise _too_many(limit, now, wait)
            if not counter.is_held:  # what is over at once holds no slot
                counter.spend(who, at)
            used, resets = counter.standing(who, at)
        return Standing(limit, used, EPOCH + resets * _MICROSECOND)

    def limit(self, name: str) -> Limit:
        """The limit called `name`. Raises KeyError."""
        for limit in self.limits:
            if limit.name == name:
                return limit
        raise KeyError(name)

    def set(
        self,
        name: str,
        *,
        calls: int | None = None,
        per_s: float | None = None,
        window: Window | None = None,
        scope: Scope | None = None,
        burst: int | None = None,
    ) -> Limit:
        """Change a limit of this site (and switch it on); what was used of it starts anew. A name that the vendor has
        not becomes a new limit, when `calls` and `scope` are given.

        Raises:
            KeyError: no such limit, and not enough is said to make one.
        """
        is_new = all(limit.name != name for limit in self.limits)
        if is_new and (calls is None or scope is None):
            raise KeyError(name)
        old = Limit(name, 0, timedelta(minutes=1), "site", _SET_HERE) if is_new else self.limit(name)
        new = replace(
            old,
            calls=old.calls if calls is None else calls,
            per=old.per if per_s is None else max(_MICROSECOND, timedelta(seconds=per_s)),
            window=old.window if window is None else window,
            scope=old.scope if scope is None else scope,
            burst=old.burst if burst is None else burst,
        )
        with self._lock:
            self.limits = (*self.limits, new) if is_new else tuple(new if one is old else one for one in self.limits)
            self._off -= {name}
            self._counters = self._counters | {name: _counter(new)}
        return new

    def scale(self, by: float, name: str | None = None) -> None:
        """`by` times as much as the vendor was delivered with (at least one call), of the limit `name` or of every one.

        What a sandbox added to the delivered limits stays as it is. Raises KeyError.
        """
        names = {self.limit(name).name} if name else {limit.name for limit in self.limits}
        for limit in self._delivered:
            if limit.name in names:
                burst = None if limit.burst is None else max(1, round(limit.burst * by))
                self.set(limit.name, calls=max(1, round(limit.calls * by)), burst=burst)

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
            self._counters = {limit.name: _counter(limit) for limit in self.limits}

    def deliver(self, limits: Iterable[Limit]) -> None:
        """The vendor delivers other limits from now on: those that differ from what it delivered before start anew, all
        others stay as somebody set them, with what was used of them."""
        delivered = tuple(limits)
        before = {limit.name: limit for limit in self._delivered}
        changed = {limit.name: limit for limit in delivered if before.get(limit.name) != limit}
        gone = before.keys() - {limit.name for limit in delivered}
        with self._lock:
            held = {limit.name for limit in self.limits}
            kept = [changed.get(limit.name, limit) for limit in self.limits if limit.name not in gone]
            self.limits = (*kept, *(limit for limit in delivered if limit.name in changed and limit.name not in held))
            self._delivered = delivered
            self._off -= changed.keys()
            self._counters = self._counters | {name: _counter(limit) for name, limit in changed.items()}

    def is_off(self, name: str) -> bool:
        return name in self._off


def _counter(limit: Limit) -> Counter:
    return counter_of(limit.window, limit.calls, limit.per // _MICROSECOND, limit.burst)


def _who(limit: Limit, x: Exchange) -> str:
    """For whom a call counts; a call without that mark counts for nobody in particular."""
    scope = limit.scope
    if scope == "client":
        return x.caller.client_id if x.caller is not None else ""
    if scope == "site":
        return ""
    if scope == "token":
        return (x.caller.token_id or x.caller.client_id) if x.caller is not None else ""
    if scope == "ip":
        return x.connection.rpartition(":")[0]
    return x.vendor.practice(x)


def _too_many(limit: Limit, now: datetime, wait: int) -> Refusal:
    """`wait` is in microseconds: how long until one more call fits."""
    said = "at once" if limit.window == "concurrent" else f"in {limit.per.total_seconds():g} s"
    return Refusal(
        "too_many",
        f"{limit.name}: {limit.calls} calls {said}",
        reason=limit.name,
        limit=limit.name,
        calls=limit.calls,
        per_s=limit.per.total_seconds(),
        window=limit.window,
        retry_after_s=max(1, -(-wait // 1_000_000)),
        resets_at=now + wait * _MICROSECOND,
    )
