"""Visits: somebody has logged in to look after what they have granted, under a name that nobody guesses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.auth.users import User
from simulator.ids import text_of

LIFE = timedelta(minutes=15)
CAPACITY = 10_000
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit, at the path `door`."""

    id: str
    door: str
    user: User
    expires: datetime


class VisitBook:
    """The visits of one site. Bounded: the oldest are forgotten."""

    __slots__ = ("_by_id", "_count", "_secret")

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._count = 0
        self._by_id: dict[str, Visit] = {}

    def open(self, door: str, user: User, now: datetime) -> Visit:
        """A new visit."""
        self._count += 1
        id = text_of(self._secret, "visit", self._count, length=43, alphabet=_LETTERS)
        made = self._by_id[id] = Visit(id, door, user, now + LIFE)
        if len(self._by_id) > CAPACITY:
            del self._by_id[next(iter(self._by_id))]
        return made

    def find(self, id: str, door: str, now: datetime) -> Visit | None:
        """The visit of that name at this door, unless it is over."""
        found = self._by_id.get(id)
        return found if found is not None and found.door == door and found.expires > now else None
