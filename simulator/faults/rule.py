"""One rule: when what goes wrong, for what share of the calls, in which window, how often."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from simulator.exchange import Exchange
from simulator.faults.fault import Fault
from simulator.faults.kinds import kinds
from simulator.faults.plan import Step
from simulator.ids import M64, h64
from simulator.refusal import UsageError
from simulator.selector import Selector

_MEMBERS = frozenset({"id", "when", "fault", "args", "share", "window", "budget", "skip"})


class Rule:
    """A fault with its occasions.

    when     which exchanges
    share    the share of them that is hit, 0 to 1, drawn from the seed and the number of the match
    window   only from `from_s` for `for_s` seconds of sandbox time since the rule was added; None: always
    skip     the first so many matches are spared
    budget   how often it acts at most; None: without end
    """

    __slots__ = (
        "_lock", "_seed", "added_at", "args", "budget", "hits", "id", "kind", "matches", "share", "skip", "when",
        "window",
    )  # fmt: skip

    def __init__(
        self,
        id: str,
        *,
        seed: bytes,
        kind: Fault,
        args: dict[str, Any],
        when: Selector,
        added_at: datetime | None = None,
        share: float = 1.0,
        window: tuple[timedelta, timedelta | None] | None = None,
        budget: int | None = None,
        skip: int = 0,
    ) -> None:
        self.id = id
        self.kind = kind
        self.args = args
        self.when = when
        self.added_at = added_at
        self.share = share
        self.window = window
        self.budget = budget
        self.skip = skip
        self.matches = 0
        self.hits = 0
        self._seed = seed
        self._lock = threading.Lock()

    @classmethod
    def from_json(cls, value: Mapping[str, Any], *, id: str, seed: bytes, added_at: datetime | None) -> Rule:
        """The rule of the contract's `fault` shape.

        Raises:
            UsageError: a member is unknown or not acceptable; the message names it.
        """
        if not isinstance(value, Mapping):
            raise UsageError(f"a fault is an object: {value!r}")
        for name in value:
            if name not in _MEMBERS:
                raise UsageError(f"a fault does not know `{name}`; known: {', '.join(sorted(_MEMBERS))}")
        kind = _kind(value.get("fault"))
        args = {} if value.get("args") is None else value["args"]
        if not isinstance(args, Mapping):
            raise UsageError(f"`args` of a fault is an object: {args!r}")
        return cls(
            id,
            seed=seed,
            kind=kind,
            args=kind.arguments(args),
            when=Selector.from_json({} if value.get("when") is None else value["when"]),
            added_at=added_at,
            share=_share(value.get("share")),
            window=_window(value.get("window")),
            budget=_whole("budget", value.get("budget"), None),
            skip=_whole("skip", value.get("skip"), 0) or 0,
        )

    def to_json(self) -> dict[str, Any]:
        """The contract's `fault` shape, with `matches` and `hits` so far."""
        window = None
        if self.window is not None:
            start, length = self.window
            window = {"from_s": start.total_seconds(), "for_s": None if length is None else length.total_seconds()}
        return {
            "id": self.id,
            "when": self.when.to_json(),
            "fault": self.kind.name,
            "args": self.args,
            "share": self.share,
            "window": window,
            "budget": self.budget,
            "skip": self.skip,
            "matches": self.matches,
            "hits": self.hits,
        }

    def is_open(self, now: datetime) -> bool:
        """Whether the window is open at `now` (sandbox time)."""
        if self.window is None or self.added_at is None:
            return True
        start, length = self.window
        since = now - self.added_at
        return since >= start and (length is None or since < start + length)

    def decide(self, x: Exchange) -> Step | None:
        """Whether this rule acts on this exchange; every match takes exactly one draw."""
        if not self.is_open(x.at) or not self.when(x):
            return None
        with self._lock:
            if self.budget is not None and self.hits >= self.budget:
                return None
            match = self.matches
            self.matches += 1
            if match < self.skip:
                return None
            if self.share < 1.0 and h64(self._seed, "share", match) >= int(self.share * (M64 + 1)):
                return None
            self.hits += 1
        return Step(self, h64(self._seed, "draw", match))


def _kind(name: Any) -> Fault:
    known = kinds()
    if name not in known:
        raise UsageError(f"unknown fault: {name!r}", f"known: {', '.join(sorted(known))}")
    return known[name]


def _share(value: Any) -> float:
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise UsageError(f"`share` of a fault is a number from 0 to 1: {value!r}")
    return float(value)


def _whole(name: str, value: Any, default: int | None) -> int | None:
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UsageError(f"`{name}` of a fault is a whole number from 0: {value!r}")
    return value


def _window(value: Any) -> tuple[timedelta, timedelta | None] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or not value.keys() <= {"from_s", "for_s"}:
        raise UsageError(f"`window` of a fault has `from_s` and `for_s`: {value!r}")
    return _seconds("from_s", value.get("from_s")) or timedelta(0), _seconds("for_s", value.get("for_s"))


def _seconds(name: str, value: Any) -> timedelta | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e9:
        raise UsageError(f"`{name}` of a fault's window is a number of seconds from 0: {value!r}")
    return timedelta(seconds=value)
