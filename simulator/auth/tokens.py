"""Access tokens: opaque text, one dict look-up, sandbox time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from simulator.auth.sight import Sight
from simulator.ids import text_of
from simulator.refusal import Refusal

CAPACITY = 100_000
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True, slots=True)
class Token:
    """One issued token.

    `id` tells it apart in the journal and is worthless to a caller; `text` is what the caller presents. `allows` is the
    compiled question "may it do `action` (c r u d s) on `resource_type`?". `patient` confines it to one patient number.
    `facts` are the room's own (a user, a practice, a persona). `revoked` tells of this token alone, see `TokenStore`.
    `grant` is the id of the grant it comes from, empty when no person gave one; `sight` narrows what it shows.
    """

    id: str
    text: str = field(repr=False)
    client_id: str
    scopes: tuple[str, ...]
    issued: datetime
    expires: datetime
    allows: Callable[[str, str], bool] = field(repr=False, compare=False)
    patient: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)
    revoked: bool = False
    grant: str = ""
    sight: Sight | None = field(default=None, repr=False, compare=False)


class TokenStore:
    """The tokens of one site. Bounded: beyond `capacity` the oldest are forgotten, and answer as unknown."""

    __slots__ = ("_by_text", "_capacity", "_count", "_ended_grants", "_floor", "_floors", "_secret", "_text_of_id")

    def __init__(self, secret: bytes, capacity: int = CAPACITY) -> None:
        self._secret = secret
        self._capacity = capacity
        self._count = 0
        self._floor = 0  # tokens numbered at or below are revoked
        self._floors: dict[str, int] = {}  # the same for the tokens of one client
        self._ended_grants: dict[str, None] = {}
        self._by_text: dict[str, Token] = {}
        self._text_of_id: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._by_text)

    def issue(
        self,
        client_id: str,
        scopes: tuple[str, ...],
        *,
        now: datetime,
        lifetime: timedelta,
        allows: Callable[[str, str], bool],
        patient: int | None = None,
        text: str | None = None,
        facts: Mapping[str, Any] | None = None,
        grant: str = "",
        sight: Sight | None = None,
    ) -> Token:
        """A new token. Its text is derived from the site's secret and a counter, unless the room makes one (`text`)."""
        self._count += 1
        token_id = f"t{self._count}"
        made = text or text_of(self._secret, "token", self._count, length=43, alphabet=LETTERS)
        ends = now + lifetime
        token = Token(
            token_id, made, client_id, scopes, now, ends, allows, patient, facts or {}, grant=grant, sight=sight
        )
        if made in self._by_text:
            raise ValueError(f"token text {made[:8]}… was already issued; texts made by a room must differ")
        self._by_text[made] = token
        self._text_of_id[token_id] = made
        if len(self._by_text) > self._capacity:
            self._forget_oldest()
        return token

    def find(self, text: str, now: datetime) -> Token:
        """The live token whose text is `text`.

        Raises:
            Refusal: unauthenticated, with reason token_unknown, token_revoked or token_expired.
        """
        token = self._by_text.get(text)
        if token is None:
            raise Refusal("unauthenticated", "the token is not one of ours", reason="token_unknown")
        if token.revoked or int(token.id[1:]) <= self._floor or self._is_cut_off(token):
            raise Refusal("unauthenticated", f"token {token.id} was revoked", reason="token_revoked", token_id=token.id)
        if token.expires <= now:
            detail = f"token {token.id} expired {(now - token.expires).total_seconds():.1f} s before"
            raise Refusal("unauthenticated", detail, reason="token_expired", token_id=token.id)
        return token

    def revoke_all(self) -> None:
        """Every token issued until now stops to work."""
        self._floor = self._count

    def revoke_client(self, client_id: str) -> None:
        """Every token that this client holds now stops to work."""
        self._floors[client_id] = self._count

    def revoke_grant(self, grant_id: str) -> None:
        """Every token that comes from this grant stops to work, those that are issued later as well."""
        self._ended_grants[grant_id] = None
        if len(self._ended_grants) > self._capacity:
            del self._ended_grants[next(iter(self._ended_grants))]  # its tokens ended long before

    def _is_cut_off(self, token: Token) -> bool:
        if token.grant and token.grant in self._ended_grants:
            return True
        return bool(self._floors) and int(token.id[1:]) <= self._floors.get(token.client_id, 0)

    def knows(self, text: str) -> bool:
        """Whether a token of this text was issued, live or not."""
        return text in self._by_text

    def of_id(self, token_id: str) -> Token | None:
        """The token that the journal calls `token_id`, live or not; None when it is forgotten or never was."""
        text = self._text_of_id.get(token_id)
        return None if text is None else self._by_text[text]

    def revoke(self, token_id: str) -> None:
        """The token `token_id` stops to work; an unknown id changes nothing (RFC 7009 section 2.2)."""
        text = self._text_of_id.get(token_id)
        if text is not None:
            self._by_text[text] = replace(self._by_text[text], revoked=True)

    def expire(self, token_id: str, at: datetime) -> None:
        """The token `token_id` ends at `at`, if it would have lived longer; an unknown id changes nothing."""
        text = self._text_of_id.get(token_id)
        if text is not None and self._by_text[text].expires > at:
            self._by_text[text] = replace(self._by_text[text], expires=at)

    def next_number(self) -> int:
        """The number that the next token will have: lets a room derive a text of its own that never repeats."""
        return self._count + 1

    def _forget_oldest(self) -> None:
        token_id, text = next(iter(self._text_of_id.items()))
        del self._text_of_id[token_id]
        del self._by_text[text]
