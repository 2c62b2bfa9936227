"""The documents that were written last: who lists one asks for its bytes next."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, Protocol, TypeVar


class _Weighed(Protocol):
    @property
    def size_bytes(self) -> int: ...


_Content = TypeVar("_Content", bound=_Weighed)


class Drawer(Generic[_Content]):
    """Contents by what they follow from, up to some bytes; what was asked for longest ago leaves first."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self.held_bytes = 0
        self._held: OrderedDict[Hashable, _Content] = OrderedDict()
        self._lock = Lock()  # sandboxes of one process may be asked from several threads

    def content(self, key: Hashable, write: Callable[[], _Content]) -> _Content:
        """What is held under `key`, or what `write` gives, which is held from then on."""
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                self._held.move_to_end(key)
                return held
        made = write()
        with self._lock:
            if key not in self._held:
                self._held[key] = made
                self.held_bytes += made.size_bytes
            while self.held_bytes > self._most_bytes:
                _, gone = self._held.popitem(last=False)
                self.held_bytes -= gone.size_bytes
        return made
