"""Accounts that lock after a few bad logins in a row, until a person unlocks them."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.refusal import Refusal

_CAPACITY = 10_000


@dataclass(slots=True)
class Lockout:
    """The bad logins in a row of one site's accounts."""

    _failures: dict[str, int] = field(default_factory=dict)

    def check(self, account: str, most: int) -> None:
        """Raises Refusal: unauthenticated, reason account_locked, after `most` bad logins in a row (0: never)."""
        if most and self._failures.get(account, 0) >= most:
            raise Refusal("unauthenticated", f"the account {account} is locked", reason="account_locked")

    def failed(self, account: str) -> None:
        """One more bad login."""
        self._failures[account] = self._failures.get(account, 0) + 1
        if len(self._failures) > _CAPACITY:
            del self._failures[next(iter(self._failures))]

    def unlock(self, account: str) -> None:
        """A good login, or somebody who unlocks the account."""
        self._failures.pop(account, None)

    def locked(self, most: int) -> tuple[str, ...]:
        """The accounts that are locked after `most` bad logins."""
        return tuple(account for account, count in self._failures.items() if most and count >= most)
