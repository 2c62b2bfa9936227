"""The memory of assertion ids: an id may be used once within the life of its assertion."""

from __future__ import annotations

import heapq
from datetime import datetime

CAPACITY = 200_000


class ReplayGuard:
    """Which (client, jti) pairs were used, each kept until its assertion ends; when full, what ends first goes."""

    __slots__ = ("_capacity", "_ends", "_used")

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._used: dict[tuple[str, str], datetime] = {}
        self._ends: list[tuple[datetime, tuple[str, str]]] = []

    def __len__(self) -> int:
        return len(self._used)

    def seen(self, client_id: str, jti: str, until: datetime, now: datetime) -> bool:
        """Whether the pair was used and still counts at `now`; a new pair is remembered until `until`."""
        while self._ends and self._ends[0][0] < now:
            self._forget_first()
        pair = (client_id, jti)
        if pair in self._used:
            return True
        self._used[pair] = until
        heapq.heappush(self._ends, (until, pair))
        if len(self._ends) > self._capacity:
            self._forget_first()
        return False

    def _forget_first(self) -> None:
        del self._used[heapq.heappop(self._ends)[1]]
