"""One rule: when what goes wrong, for what share of the calls, in which window, how often."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from simulator.exchange import Exchange
from simulator.faults.act import Act
from simulator.faults.fault import Fault
from simulator.faults.kinds import kinds
from simulator.faults.waits import Waits
from simulator.faults.window import Window
from simulator.ids import M64, h64, seed_bytes
from simulator.refusal import UsageError
from simulator.selector import Selector

MEMBERS = ("id", "when", "fault", "args", "share", "window", "budget", "skip", "seed")


class Rule:
    """A fault with its occasions.

    when     which exchanges
    share    the share of them that is hit, 0 to 1, drawn from the seed and the number of the match
    window   when it is open, in sandbox time since the rule was added; None: always
    skip     the first so many matches are spared
    budget   how often it acts at most; None: without end
    seed     chance of its own, equal in every sandbox; None: of the sandbox's seed and the number of the rule
    """

    __slots__ = (
        "_chance", "_lock", "added_at", "args", "budget", "hits", "id", "kind", "matches", "memory", "seed", "share",
        "skip", "waits", "when", "window",
    )  # fmt: skip

    def __init__(
        self,
        id: str,
        *,
        chance: bytes,
        kind: Fault,
        args: dict[str, Any],
        when: Selector,
        added_at: datetime | None = None,
        share: float = 1.0,
        window: Window | None = None,
        budget: int | None = None,
        skip: int = 0,
        seed: int | None = None,
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
        self.memory: dict[Any, Any] = {}
        self.waits = Waits()
        self.seed = seed
        self._chance = chance if seed is None else seed_bytes("fault", seed)
        self._lock = threading.Lock()

    @classmethod
    def from_json(cls, value: Mapping[str, Any], *, id: str, chance: bytes, added_at: datetime | None) -> Rule:
        """The rule of the contract's `fault` shape; `chance` decides shares and draws when no `seed` is given.

        Raises:
            UsageError: a member is unknown or not acceptable; the message names it.
        """
        check_members(value)
        kind = _kind(value.get("fault"))
        return cls(
            id,
            chance=chance,
            kind=kind,
            args=kind.arguments(table_of_args(value)),
            when=Selector.from_json({} if value.get("when") is None else value["when"]),
            added_at=added_at,
            share=_share(value.get("share")),
            window=Window.from_json(value.get("window")),
            budget=_whole("budget", value.get("budget"), None),
            skip=_whole("skip", value.get("skip"), 0) or 0,
            seed=_whole("seed", value.get("seed"), None),
        )

    def to_json(self) -> dict[str, Any]:
        """The contract's `fault` shape, with `matches` and `hits` so far, and how true its waits were."""
        told: dict[str, Any] = {
            "id": self.id,
            "when": self.when.to_json(),
            "fault": self.kind.name,
            "args": self.args,
            "share": self.share,
            "window": None if self.window is None else self.window.to_json(),
            "budget": self.budget,
            "skip": self.skip,
            "matches": self.matches,
            "hits": self.hits,
        }
        if self.seed is not None:
            told["seed"] = self.seed
        waits = self.waits.to_json()
        return told if waits is None else told | {"latency": waits}

    def stands(self, x: Exchange) -> bool:
        """Whether the rule is open for this exchange; no match is counted."""
        is_open = (
            self.window is None or self.added_at is None or self.window.open_since(self.added_at, x.at) is not None
        )
        return is_open and self.when(x)

    def decide(self, x: Exchange) -> Act | None:
        """Whether this rule acts on this exchange; every match takes exactly one draw."""
        since = timedelta(0) if self.added_at is None else x.at - self.added_at
        if self.window is not None and self.added_at is not None:
            opened = self.window.open_since(self.added_at, x.at)
            if opened is None:
                return None
            since = opened
        if not self.when(x):
            return None
        with self._lock:
            if self.budget is not None and self.hits >= self.budget:
                return None
            match = self.matches
            self.matches += 1
            if match < self.skip:
                return None
            if self.share < 1.0 and h64(self._chance, "share", match) >= int(self.share * (M64 + 1)):
                return None
            self.hits += 1
        draw = h64(self._chance, "draw", match)
        return Act(
            self.id, self.kind, self.args, x, draw, self.memory, since.total_seconds(), self.when.is_late, self.waits
        )


def check_members(value: Any) -> None:
    """Whether `value` is a table with the members of a fault. Raises UsageError."""
    if not isinstance(value, Mapping):
        raise UsageError(f"a fault is an object: {value!r}")
    for name in value:
        if name not in MEMBERS:
            near = difflib.get_close_matches(str(name), MEMBERS, n=1)
            raise UsageError(
                f"a fault does not know `{name}`; known: {', '.join(sorted(MEMBERS))}",
                f"did you mean `{near[0]}`?" if near else "",
            )


def table_of_args(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The `args` of a fault. Raises UsageError."""
    args = {} if value.get("args") is None else value["args"]
    if not isinstance(args, Mapping):
        raise UsageError(f"`args` of a fault is an object: {args!r}")
    return args


def unknown_fault(name: Any, known: list[str]) -> UsageError:
    """What to say of a fault that is not there."""
    near = difflib.get_close_matches(str(name), known, n=1)
    return UsageError(
        f"unknown fault: {name!r}", f"did you mean `{near[0]}`?" if near else f"known: {', '.join(sorted(known))}"
    )


def _kind(name: Any) -> Fault:
    known = kinds()
    if name not in known:
        raise unknown_fault(name, list(known))
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
