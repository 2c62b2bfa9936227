"""Sittings: somebody is in front of a login page; what the page asked and what was answered so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.auth.authorize import Asked
from simulator.auth.launches import Launch
from simulator.auth.users import User
from simulator.ids import text_of

LIFE = timedelta(minutes=15)
CAPACITY = 10_000
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(slots=True)
class Sitting:
    """One login that goes on, at the path `door`. `user` and `patient` are filled as the person answers."""

    id: str
    door: str
    asked: Asked
    launch: Launch | None
    expires: datetime
    user: User | None = None
    patient: int | None = None


class SittingBook:
    """The logins that go on at one site, each under a name that nobody guesses. Bounded: the oldest are forgotten."""

    __slots__ = ("_by_id", "_count", "_secret")

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._count = 0
        self._by_id: dict[str, Sitting] = {}

    def open(self, door: str, asked: Asked, launch: Launch | None, now: datetime) -> Sitting:
        """A new sitting."""
        self._count += 1
        id = text_of(self._secret, "sitting", self._count, length=43, alphabet=_LETTERS)
        made = self._by_id[id] = Sitting(id, door, asked, launch, now + LIFE)
        if len(self._by_id) > CAPACITY:
            del self._by_id[next(iter(self._by_id))]
        return made

    def find(self, id: str, door: str, now: datetime) -> Sitting | None:
        """The sitting of that name at this door, unless it is over."""
        found = self._by_id.get(id)
        return found if found is not None and found.door == door and found.expires > now else None

    def close(self, sitting: Sitting) -> None:
        """The sitting is over: its name counts no more."""
        self._by_id.pop(sitting.id, None)
