"""Ready bytes, kept while there is room: the least recently used go first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

MIB = 1024 * 1024
_OVERHEAD = 200  # bytes an entry costs beside its value: key, links, object header


class ByteCache:
    """A bounded map from any hashable key to bytes."""

    __slots__ = ("_entries", "_max_bytes", "_size")

    def __init__(self, max_bytes: int = 8 * MIB) -> None:
        self._max_bytes = max_bytes
        self._size = 0
        self._entries: OrderedDict[Hashable, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size_bytes(self) -> int:
        """What the entries take, with an estimate for their overhead."""
        return self._size

    def get(self, key: Hashable) -> bytes | None:
        """The bytes under `key`, or None."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: Hashable, value: bytes) -> bytes:
        """Keeps `value` under `key` and gives it back; what is larger than the whole cache is not kept."""
        self.drop(key)
        if len(value) + _OVERHEAD > self._max_bytes:
            return value
        value = bytes(memoryview(value))  # orjson's still hold the buffer in which they grew, twice as much on average
        self._entries[key] = value
        self._size += len(value) + _OVERHEAD
        while self._size > self._max_bytes:
            _, gone = self._entries.popitem(last=False)
            self._size -= len(gone) + _OVERHEAD
        return value

    def drop(self, key: Hashable) -> None:
        """Forgets `key`; an unknown key changes nothing."""
        gone = self._entries.pop(key, None)
        if gone is not None:
            self._size -= len(gone) + _OVERHEAD

    def clear(self) -> None:
        """Forgets everything."""
        self._entries.clear()
        self._size = 0
