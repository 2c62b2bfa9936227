"""How much of a limit is used, for each who: four ways to count, in whole microseconds, without a clock of their own.

Each answers three questions about `who` at the moment `at`: `wait` (how long until one more fits, None: it fits now),
`spend` (one more), `standing` (how many are used, and when that is less or nothing again). Not locked: the book is.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

_HELD_FOR_US = 1_000_000
"""When a slot of a concurrent limit will be free nobody knows: callers are told a second."""
_MOST = 100_000
"""Callers that are remembered; beyond that those are forgotten of whom there is nothing to remember."""


class Counter(Protocol):
    """One limit's use; `is_held`: what was spent is given back at the end of the call."""

    is_held: bool

    def wait(self, who: str, at: int) -> int | None: ...
    def spend(self, who: str, at: int) -> None: ...
    def give_back(self, who: str) -> None: ...
    def standing(self, who: str, at: int) -> tuple[int, int]: ...


def counter_of(window: str, calls: int, per: int, burst: int | None = None) -> Counter:
    """The counter of a window. `per` is in microseconds."""
    if window == "sliding":
        return Sliding(calls, per)
    if window == "bucket":
        return Bucket(calls, per, calls if burst is None else burst)
    return Concurrent(calls) if window == "concurrent" else Fixed(calls, per)


class _NeverHeld:
    __slots__ = ()
    is_held = False

    def give_back(self, who: str) -> None:
        return


class Fixed(_NeverHeld):
    """So many calls in each window, windows aligned with the epoch."""

    __slots__ = ("_calls", "_per", "_used")

    def __init__(self, calls: int, per: int) -> None:
        self._calls = calls
        self._per = per
        self._used: dict[str, tuple[int, int]] = {}  # who -> (window, calls)

    def wait(self, who: str, at: int) -> int | None:
        window = at // self._per
        seen, used = self._used.get(who, (window, 0))
        if (used if seen == window else 0) < self._calls:
            return None
        return (window + 1) * self._per - at

    def spend(self, who: str, at: int) -> None:
        window = at // self._per
        seen, used = self._used.get(who, (window, 0))
        self._used[who] = (window, used + 1 if seen == window else 1)
        if len(self._used) > _MOST:
            self._used = {one: spent for one, spent in self._used.items() if spent[0] == window}

    def standing(self, who: str, at: int) -> tuple[int, int]:
        window = at // self._per
        seen, used = self._used.get(who, (window, 0))
        return used if seen == window else 0, (window + 1) * self._per


class Sliding(_NeverHeld):
    """So many calls in any span that ends now: every call is remembered for one span."""

    __slots__ = ("_calls", "_made", "_per")

    def __init__(self, calls: int, per: int) -> None:
        self._calls = calls
        self._per = per
        self._made: dict[str, deque[int]] = {}

    def _of(self, who: str, at: int) -> deque[int]:
        made = self._made.setdefault(who, deque())
        while made and made[0] <= at - self._per:
            made.popleft()
        return made

    def wait(self, who: str, at: int) -> int | None:
        made = self._of(who, at)
        if len(made) < self._calls:
            return None
        return (made[0] + self._per - at) if made else self._per

    def spend(self, who: str, at: int) -> None:
        made = self._of(who, at)
        made.append(max(at, made[-1]) if made else at)  # a clock that was put back does not disorder the line
        if len(self._made) > _MOST:
            self._made = {one: calls for one, calls in self._made.items() if calls and calls[-1] > at - self._per}

    def standing(self, who: str, at: int) -> tuple[int, int]:
        made = self._of(who, at)
        return len(made), (made[0] if made else at) + self._per


class Bucket(_NeverHeld):
    """A bucket of `burst` calls that is refilled by `calls` in `per`; a call costs `per` and each microsecond earns
    `calls`, so that nothing is ever rounded."""

    __slots__ = ("_calls", "_level", "_per", "_size")

    def __init__(self, calls: int, per: int, burst: int) -> None:
        self._calls = calls
        self._per = per
        self._size = burst * per
        self._level: dict[str, tuple[int, int]] = {}  # who -> (moment, what was in the bucket then)

    def _now(self, who: str, at: int) -> int:
        seen, level = self._level.get(who, (at, self._size))
        return min(self._size, level + max(0, at - seen) * self._calls)

    def wait(self, who: str, at: int) -> int | None:
        missing = self._per - self._now(who, at)
        if missing <= 0:
            return None
        return -(-missing // self._calls) if self._calls and self._size >= self._per else self._per

    def spend(self, who: str, at: int) -> None:
        level = self._now(who, at) - self._per
        self._level[who] = (max(at, self._level.get(who, (at, 0))[0]), level)
        if len(self._level) > _MOST:
            self._level = {one: kept for one, kept in self._level.items() if self._now(one, at) < self._size}

    def standing(self, who: str, at: int) -> tuple[int, int]:
        level = self._now(who, at)
        refill = -(-(self._size - level) // self._calls) if self._calls else self._per
        return (self._size - level + self._per - 1) // self._per, at + refill


class Concurrent:
    """So many calls that are being answered at the same moment."""

    __slots__ = ("_calls", "_held")
    is_held = True

    def __init__(self, calls: int) -> None:
        self._calls = calls
        self._held: dict[str, int] = {}

    def wait(self, who: str, at: int) -> int | None:
        return None if self._held.get(who, 0) < self._calls else _HELD_FOR_US

    def spend(self, who: str, at: int) -> None:
        self._held[who] = self._held.get(who, 0) + 1

    def give_back(self, who: str) -> None:
        left = self._held.get(who, 0) - 1
        if left > 0:
            self._held[who] = left
        else:
            self._held.pop(who, None)

    def standing(self, who: str, at: int) -> tuple[int, int]:
        return self._held.get(who, 0), at + _HELD_FOR_US
