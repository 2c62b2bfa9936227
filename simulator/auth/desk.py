"""The desk of one site: everything it remembers of people who let apps in, of the keys that clients publish, of who is
behind the glass, and of accounts that are locked."""

from __future__ import annotations

from simulator.auth.glass import Glass
from simulator.auth.grants import GrantBook
from simulator.auth.keysets import KeySets
from simulator.auth.launches import LaunchBook
from simulator.auth.lockout import Lockout
from simulator.auth.sittings import SittingBook
from simulator.auth.tokens import TokenStore
from simulator.auth.visits import VisitBook


class Desk:
    """Launches, sittings, grants, fetched key sets, locks of a site. What ends a grant ends its tokens in `tokens`."""

    __slots__ = ("glass", "grants", "keysets", "launches", "lockout", "sittings", "visits")

    def __init__(self, secret: bytes, tokens: TokenStore) -> None:
        self.launches = LaunchBook(secret)
        self.sittings = SittingBook(secret)
        self.visits = VisitBook(secret)
        self.grants = GrantBook(secret, tokens.revoke_grant)
        self.keysets = KeySets()
        self.glass = Glass()
        self.lockout = Lockout()
