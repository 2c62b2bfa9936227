"""A clock that can be turned: the time of one sandbox.

Two faces. `now()` is the sandbox's own time: it starts at the sandbox's `as_of` day, can be advanced, frozen and
scaled, and decides everything the server measures (token lifetimes, quota windows, page sessions, replay windows).
`wall()` is the time the caller's own clock shows, plus a skew that a test may set: it decides only what a caller
states by its own clock (`exp`, `iat`, `nbf` of an assertion) and what a caller compares with it (`Date`, HTTP-date
`Retry-After`, claims inside tokens). So a test can jump an hour ahead and the client's fresh assertions stay fresh.

Everything that waits or expires in the sandbox follows `now()`: tokens, codes, page sessions, quotas, the windows of
faults and outages, the actions of a scenario. What a client measures with a clock of its own cannot be turned, and is
real: how late an answer is (`latency`), how slow a line (`bandwidth`, `slicer`), how long a connection is held
(`black_hole`), TCP's own time-outs, and how long a client sleeps after Retry-After, which tells seconds of the sandbox
clock. Scenarios keep these short: milliseconds of latency, a Retry-After of a second or two, and a long outage is one
whose window is long while the clock is turned.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKLY = re.compile(r"([a-z]+) (\d\d):(\d\d)(?: ([+-]\d\d:\d\d|Z))?", re.IGNORECASE)


def next_moment(after: datetime, text: str) -> datetime:
    """The first `monday 08:00 -06:00` after `after`; without an offset it is UTC.

    Raises:
        ValueError: `text` is no such moment.
    """
    found = _WEEKLY.fullmatch(text)
    if found is None or found[1].lower() not in _DAYS:
        raise ValueError(f"no weekday and time: {text!r}")
    hour, minute, offset = found[2], found[3], found[4] or "Z"
    same_day = datetime.fromisoformat(f"{after.date()}T{hour}:{minute}:00{offset}")
    made = same_day + timedelta(days=(_DAYS.index(found[1].lower()) - same_day.weekday()) % 7)
    while made <= after:
        made += timedelta(days=7)
    while made - timedelta(days=7) > after:
        made -= timedelta(days=7)
    return made.astimezone(UTC)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Clock:
    """The time of one sandbox; instants are aware UTC datetimes, durations are timedeltas."""

    __slots__ = ("_monotonic", "_running", "_state", "_wall", "skew")

    def __init__(
        self,
        start: datetime,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        # (time at the mark, the mark on the monotonic clock, sandbox seconds a real second: 0 when frozen), replaced as
        # one: a reader in another thread sees the old or the new state, never half of each.
        self._state = (start, monotonic(), 1.0)
        self._running = 1.0  # the scale to which a frozen clock goes back
        self.skew = timedelta(0)

    def now(self) -> datetime:
        """The sandbox's own time."""
        base, mark, scale = self._state
        return base + timedelta(seconds=(self._monotonic() - mark) * scale) if scale else base

    def wall(self) -> datetime:
        """The time that a caller's clock shows, plus `skew`."""
        return self._wall() + self.skew

    @property
    def is_frozen(self) -> bool:
        return not self._state[2]

    @property
    def scale(self) -> float:
        """Sandbox seconds a real second; 0 when frozen."""
        return self._state[2]

    def advance(self, by: timedelta) -> datetime:
        """Turn the clock by `by`; gives the new time. Negative turns are refused: sandbox time never runs back.

        Raises:
            ValueError: `by` is negative.
        """
        if by < timedelta(0):
            raise ValueError(f"a sandbox clock does not run back: {by.total_seconds():g} s")
        self._state = (self.now() + by, self._monotonic(), self.scale)
        return self._state[0]

    def set(self, at: datetime) -> None:
        """Put the clock at `at` (aware UTC)."""
        self._state = (at, self._monotonic(), self.scale)

    def freeze(self) -> None:
        """Stop the clock where it stands; it still obeys `advance` and `set`."""
        self._state = (self.now(), self._monotonic(), 0.0)

    def run(self, scale: float = 1.0) -> None:
        """Let the clock run, `scale` sandbox seconds a real second.

        Raises:
            ValueError: `scale` is not positive.
        """
        if scale <= 0:
            raise ValueError(f"scale must be positive: {scale:g}")
        self._running = scale
        self._state = (self.now(), self._monotonic(), scale)

    def unfreeze(self) -> None:
        """Let a clock that was stopped run as before; one that runs goes on."""
        if self.is_frozen:
            self.run(self._running)
