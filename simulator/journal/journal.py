"""Everything that passed through one sandbox, in order: append-only, bounded by number and by bytes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from itertools import islice

from simulator.exchange import Exchange
from simulator.selector import Selector

MAX_BYTES = 512 * 1024 * 1024


class Journal:
    """The exchanges of one sandbox, oldest first; the oldest fall out when it is full.

    Exchanges are kept as they are, bodies by reference; they are rendered only when somebody looks
    (`simulator.journal.entry`). `dropped` says how many have fallen out; `counts` are all that ever passed, by vendor
    and status.
    """

    __slots__ = (
        "_bytes", "_changed", "_entries", "_era", "_followers", "_is_closed", "_lock", "_next", "_waiting", "counts",
        "dropped", "max_bytes",
    )  # fmt: skip

    def __init__(self, size: int, max_bytes: int = MAX_BYTES) -> None:
        self._entries: deque[Exchange] = deque(maxlen=size)
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._followers: set[Follower] = set()
        self._next = 1
        self._bytes = 0
        self._waiting = 0
        self._era = 0
        self._is_closed = False
        self.dropped = 0
        self.counts: dict[tuple[str, int], int] = {}
        self.max_bytes = max_bytes

    def append(self, x: Exchange) -> None:
        """Write one exchange down and give it its id: "x1", "x2", …"""
        entries = self._entries
        size = _size(x)
        kind = (x.site.vendor.id, x.reply.status if x.reply is not None else 0)
        with self._lock:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            x.id = f"x{self._next}"
            self._next += 1
            if len(entries) == entries.maxlen:
                self._drop_oldest()
            entries.append(x)
            self._bytes += size
            while self._bytes > self.max_bytes and len(entries) > 1:
                self._drop_oldest()
            if self._followers:
                for follower in self._followers:
                    follower.wake()
            if self._waiting:
                self._changed.notify_all()

    def _drop_oldest(self) -> None:
        self._bytes -= _size(self._entries.popleft())
        self.dropped += 1

    @property
    def entries(self) -> tuple[Exchange, ...]:
        """Every exchange still held, oldest first."""
        with self._lock:
            return tuple(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def last(self) -> int:
        """The number of the newest exchange; 0 when there was none."""
        return self._next - 1

    def get(self, id: str) -> Exchange | None:
        """The exchange with this id, or None when it never was or has fallen out."""
        wanted = number_of(id)
        return next((x for x in self._after(wanted - 1) if x.id == id), None)

    def find(
        self,
        selector: Selector | None = None,
        *,
        vendor: str | None = None,
        path: str | None = None,
        status: int | str | None = None,
        client: str | None = None,
        operation: str | None = None,
        method: str | None = None,
        since: str | int = 0,
        limit: int | None = None,
    ) -> list[Exchange]:
        """The exchanges that fit, oldest first: those after `since` ("x91", or its number), at most `limit`.

        Raises:
            UsageError: a filter is not one.
        """
        asked = Selector(vendor=vendor, path=path, status=status, client=client, operation=operation, method=method)
        after = number_of(since) if isinstance(since, str) else since
        found = (x for x in self._after(after) if asked(x) and (selector is None or selector(x)))
        return list(found if limit is None else islice(found, limit))

    def _after(self, number: int) -> Iterator[Exchange]:
        with self._lock:
            first = self._next - len(self._entries)
            skip = max(0, number + 1 - first)
            return iter(list(islice(self._entries, skip, None)))

    def clear(self) -> None:
        """Forget everything; ids start anew."""
        with self._lock:
            self._era += 1
            self._entries.clear()
            self._bytes = 0
            self._next = 1
            self.dropped = 0

    def wait(self, selector: Selector, *, since: int = 0, timeout_s: float = 5.0) -> Exchange | None:
        """The first exchange after `since` that fits, awaited from another thread; None when none came in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            seen = self.last
            found = next((x for x in self._after(since) if selector(x)), None)
            if found is not None:
                return found
            since = seen
            with self._changed:
                left = deadline - time.monotonic()
                if left <= 0 or self._is_closed:
                    return None
                if self.last == seen:
                    self._waiting += 1
                    self._changed.wait(left)
                    self._waiting -= 1

    async def follow(self, since: int = 0) -> AsyncIterator[Exchange]:
        """Every exchange after `since`, and then each new one as it is written; ends when the journal is closed."""
        follower = Follower(asyncio.get_running_loop())
        with self._lock:
            self._followers.add(follower)
            era = self._era
        try:
            while True:
                follower.event.clear()
                if era != self._era:  # cleared meanwhile
                    era, since = self._era, 0
                for x in self._after(since):
                    since = number_of(x.id)
                    yield x
                if self._is_closed:
                    return
                await follower.event.wait()
        finally:
            with self._lock:
                self._followers.discard(follower)

    def close(self) -> None:
        """End every follower; nothing is lost that was written."""
        with self._lock:
            self._is_closed = True
            for follower in self._followers:
                follower.wake()
            self._changed.notify_all()


class Follower:
    """One reader that waits for news, in its own event loop."""

    __slots__ = ("_loop", "event")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.event = asyncio.Event()

    def wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.event.set)


def number_of(id: str) -> int:
    """The number in an exchange id: 91 of "x91"; a bare number is one too; 0 for what is neither."""
    digits = id.removeprefix("x")
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _size(x: Exchange) -> int:
    return len(x.body) + (len(x.reply.body) if x.reply is not None else 0)
