"""A journal's faults once more: what was done to the n-th call of an operation is done to its n-th call again."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import Any

from simulator.exchange import CONNECT, Exchange
from simulator.faults.act import Act
from simulator.faults.kinds import kinds
from simulator.faults.rule import unknown_fault
from simulator.refusal import UsageError

Key = tuple[str, str, str]


class Script:
    """What a journal says was done, by vendor, method and path; within one of these, in the order of the journal.

    Calls that ran at the same time may come in another order: each path has a line of its own, so that they still meet
    the same. Queries are no part of it, because page sessions differ from sandbox to sandbox.
    """

    def __init__(self, exchanges: Iterable[Mapping[str, Any]]) -> None:
        self._lines: dict[Key, deque[list[Mapping[str, Any]]]] = defaultdict(deque)
        self._memories: dict[str, dict[Any, Any]] = defaultdict(dict)
        self._lock = threading.Lock()
        self.calls = 0
        self.faults = 0
        for number, one in enumerate(exchanges, 1):
            self._read(number, one)

    def _read(self, number: int, one: Any) -> None:
        where = f"exchange {number} of the journal"
        if not isinstance(one, Mapping) or not {"vendor", "method", "path", "faults"} <= one.keys():
            raise UsageError(f"{where} has no vendor, method, path and faults", "give what `GET …/journal` answered")
        if one["method"] == CONNECT:
            return  # connections that met nothing are not in the journal: which was the n-th nobody can tell
        done = one["faults"]
        if not isinstance(done, list):
            raise UsageError(f"{where}: `faults` is a list: {done!r}")
        for fault in done:
            if not isinstance(fault, Mapping) or not {"id", "fault", "args", "draw"} <= fault.keys():
                raise UsageError(f"{where}: a fault has id, fault, args and draw: {fault!r}")
            if fault["fault"] not in kinds():
                raise unknown_fault(fault["fault"], list(kinds()))
            kinds()[fault["fault"]].arguments(fault["args"])
        self._lines[str(one["vendor"]), str(one["method"]), str(one["path"])].append(done)
        self.calls += 1
        self.faults += len(done)

    def acts_on(self, x: Exchange) -> list[Act]:
        """What was done to this call then; nothing when there was none, or all of it has been done."""
        with self._lock:
            line = self._lines.get((x.vendor.id, x.notes.get("method", x.method), x.path))
            done = line.popleft() if line else []
        return [
            Act(
                str(one["id"]), kinds()[one["fault"]], one["args"], x, int(one["draw"], 16),
                self._memories[str(one["id"])], float(one.get("since_s", 0.0)), one.get("step") == "late",
            )
            for one in done
        ]  # fmt: skip

    @property
    def left(self) -> int:
        """How many calls have not come yet."""
        return sum(len(line) for line in self._lines.values())

    def to_json(self) -> dict[str, Any]:
        return {"calls": self.calls, "faults": self.faults, "left": self.left}
