"""One fault that acts on one exchange: what a kind is given, and what the journal will say of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.exchange import Exchange
from simulator.faults.fault import Fault
from simulator.faults.waits import Waits
from simulator.ids import M64, h64


class Act:
    """One fault on one exchange.

    draw     its 64 bits of chance; `chance(name)` derives any number of draws from it
    memory   what the rule remembers from one call to the next (the last page, what was written)
    since_s  seconds of sandbox time since the rule's window opened
    waits    where waits are written down, configured against achieved
    done     the journal's words, one table a fault: id, fault, step, args, draw, and what `say` added
    """

    __slots__ = ("args", "done", "draw", "id", "is_late", "kind", "memory", "since_s", "waits", "x")

    def __init__(
        self, id: str, kind: Fault, args: Mapping[str, Any], x: Exchange, draw: int, memory: dict[Any, Any],
        since_s: float = 0.0, is_late: bool = False, waits: Waits | None = None,
    ) -> None:  # fmt: skip
        self.id = id
        self.kind = kind
        self.args = args
        self.x = x
        self.draw = draw
        self.memory = memory
        self.since_s = since_s
        self.is_late = is_late
        self.waits = waits
        self.done: dict[str, Any] | None = None

    def chance(self, name: str) -> float:
        """A draw of [0, 1), the same for the same rule and call."""
        return h64(self.draw.to_bytes(8, "little"), name) / (M64 + 1)

    def number(self, name: str, below: int) -> int:
        """A whole number from 0 to below `below`."""
        return h64(self.draw.to_bytes(8, "little"), name) % below

    def say(self, **facts: Any) -> None:
        """Add to what the journal says of this fault: what it did, or under `spared` why it did nothing."""
        if self.done is not None:
            self.done |= facts
