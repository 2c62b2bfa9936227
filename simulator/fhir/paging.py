"""Page sessions: what is left of a result, kept on the sandbox clock under an id that means nothing to the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from simulator.ids import text_of
from simulator.refusal import Refusal

CAPACITY = 20_000


@dataclass(frozen=True, slots=True)
class Page:
    """A page session: `items` is the whole result or what is left of it, as the room likes; `facts` are the room's own
    (offset, original query, size); `token_id` is whose it is."""

    id: str
    items: Sequence[Any] = field(repr=False)
    opened: datetime
    expires: datetime
    token_id: str
    facts: Mapping[str, Any]


class PageStore:
    """The page sessions of one site. Bounded: beyond `capacity` the oldest are dropped, and answer as unknown."""

    __slots__ = ("_capacity", "_count", "_pages", "_secret")

    def __init__(self, secret: bytes, capacity: int = CAPACITY) -> None:
        self._secret = secret
        self._capacity = capacity
        self._count = 0
        self._pages: dict[str, Page] = {}

    def __len__(self) -> int:
        return len(self._pages)

    def open(
        self,
        items: Sequence[Any],
        *,
        now: datetime,
        lifetime: timedelta,
        token_id: str = "",
        facts: Mapping[str, Any] | None = None,
        id: str | None = None,
    ) -> str:
        """A new session; gives its id: 32 hexadecimal digits of the site's secret, unless the room makes one (`id`)."""
        self._count += 1
        page_id = id or text_of(self._secret, "page", self._count)
        self._pages.pop(page_id, None)
        self._pages[page_id] = Page(page_id, items, now, now + lifetime, token_id, facts or {})
        if len(self._pages) > self._capacity:
            del self._pages[next(iter(self._pages))]
        return page_id

    def read(self, id: str, now: datetime, token_id: str | None = None) -> Page:
        """The live session `id`; with `token_id`, only when that token opened it.

        Raises:
            Refusal: gone, with reason page_unknown, page_expired or page_of_another.
        """
        page = self._pages.get(id)
        if page is None:
            raise Refusal("gone", f"no page session {id}", reason="page_unknown", id=id)
        if page.expires <= now:
            past = (now - page.expires).total_seconds()
            raise Refusal("gone", f"page session {id} expired {past:.1f} s before", reason="page_expired", id=id)
        if token_id is not None and token_id != page.token_id:
            raise Refusal("gone", f"page session {id} belongs to another token", reason="page_of_another", id=id)
        return page

    def close(self, id: str) -> None:
        """Ends the session `id`; an unknown id changes nothing."""
        self._pages.pop(id, None)


def cut(items: Sequence[Any], start: int, size: int) -> tuple[Sequence[Any], int | None]:
    """The items of one page and where the next one starts; None after the last.

    Raises:
        ValueError: `size` is below one or `start` negative: such paging would not end.
    """
    if size < 1 or start < 0:
        raise ValueError(f"no page of {size} items from {start}")
    end = start + size
    return items[start:end], end if end < len(items) else None
