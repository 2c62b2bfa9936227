"""When a rule is open, on the sandbox clock: once, for a while, or again and again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simulator.refusal import UsageError

_MEMBERS = ("from_s", "for_s", "every_s", "until_s")


@dataclass(frozen=True, slots=True)
class Window:
    """Seconds of sandbox time since the rule was added.

    from_s   when it opens for the first time
    for_s    how long it stays open; None: without end
    every_s  it opens again so often; None: once
    until_s  then it is over, whatever the others say; None: never
    """

    from_s: float = 0.0
    for_s: float | None = None
    every_s: float | None = None
    until_s: float | None = None

    @classmethod
    def from_json(cls, value: Any) -> Window | None:
        """The window of the contract's `fault` shape; None for none. Raises UsageError."""
        if value is None:
            return None
        if not isinstance(value, Mapping) or not value.keys() <= set(_MEMBERS):
            raise UsageError(f"`window` of a fault has `from_s` and `for_s`, `every_s`, `until_s`: {value!r}")
        given = {name: _seconds(name, value.get(name)) for name in _MEMBERS}
        made = cls(given["from_s"] or 0.0, given["for_s"], given["every_s"], given["until_s"])
        if made.every_s is not None and (made.for_s is None or not 0 < made.for_s <= made.every_s):
            raise UsageError(f"`every_s` of a fault's window needs a `for_s` that is not longer: {value!r}")
        return made

    def to_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"from_s": self.from_s, "for_s": self.for_s}
        more = {"every_s": self.every_s, "until_s": self.until_s}
        return shown | {name: value for name, value in more.items() if value is not None}

    def open_since(self, added: datetime, now: datetime) -> timedelta | None:
        """How long it has been open at `now`, None when it is shut; the first moment is open, the last is not."""
        since = now - added
        if self.until_s is not None and since >= timedelta(seconds=self.until_s):
            return None
        since -= timedelta(seconds=self.from_s)
        if since < timedelta(0):
            return None
        if self.every_s is not None:
            since %= timedelta(seconds=self.every_s)
        return since if self.for_s is None or since < timedelta(seconds=self.for_s) else None

    def is_over(self, added: datetime, now: datetime) -> bool:
        """Whether it will never open again."""
        since = now - added
        ends = [one for one in (self.until_s, self._end()) if one is not None]
        return bool(ends) and since >= timedelta(seconds=min(ends))

    def _end(self) -> float | None:
        return None if self.for_s is None or self.every_s is not None else self.from_s + self.for_s

    def within(self, outer: Window | None) -> Window:
        """This window, begun when `outer` opens and over when `outer` is shut."""
        if outer is None:
            return self
        end = outer._end() if outer.until_s is None else outer.until_s
        until = None if self.until_s is None else self.until_s + outer.from_s
        return Window(
            self.from_s + outer.from_s,
            self.for_s,
            self.every_s,
            min((one for one in (until, end) if one is not None), default=None),
        )


def _seconds(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e9:
        raise UsageError(f"`{name}` of a fault's window is a number of seconds from 0: {value!r}")
    return float(value)
