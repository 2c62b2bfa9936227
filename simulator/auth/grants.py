"""What people have allowed: grants, the codes that hand them over, the refresh tokens that keep them alive.

A grant is what one person let one client do. A code turns it into tokens once; a second use is refused and ends the
grant. Refresh tokens of one grant are a family: where they rotate, using one that was replaced ends the grant too.
A state machine without I/O: all times are the sandbox's own.

Source: RFC 6749 sections 4.1.2, 6 and 10.5; RFC 9700 sections 2.1.1, 4.14: std:SMART-AL-10, std:OAUTH-04, std:OAUTH-12.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from simulator.auth import pkce, scopes
from simulator.auth.users import User
from simulator.ids import text_of
from simulator.refusal import OAuthRefusal

CAPACITY = 100_000
CODE_LIFE = timedelta(minutes=1)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True, slots=True)
class Grant:
    """What one person let one client do.

    `scopes` were consented to, in the spelling of the registration; `told` is what the token answer calls them.
    `patient` and `encounter` (the vendor's id) are in context; `facts` are the launch's own. `access` says how it may
    be refreshed: `offline`, `online`, or empty: not at all.
    """

    id: str
    client_id: str
    user: User
    scopes: tuple[str, ...]
    told: tuple[str, ...]
    at: datetime
    patient: int | None = None
    encounter: str = ""
    aud: str = ""
    nonce: str = ""
    access: str = ""
    is_launch: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(slots=True)
class _Code:
    grant: Grant
    redirect_uri: str
    challenge: str
    expires: datetime
    is_used: bool = False


@dataclass(slots=True)
class _Refresh:
    """One refresh token. `ends` is when the family ends whatever happens, `idle` how long it may lie unused."""

    grant: Grant
    ends: datetime
    idle: timedelta | None
    used: datetime
    is_replaced: bool = False


class GrantBook:
    """The grants of one site. `cut` is told the id of every grant that ends, so that its tokens end with it."""

    __slots__ = ("_by_id", "_codes", "_count", "_cut", "_ended", "_refresh", "_secret")

    def __init__(self, secret: bytes, cut: Callable[[str], None]) -> None:
        self._secret = secret
        self._cut = cut
        self._count = 0
        self._by_id: dict[str, Grant] = {}
        self._codes: dict[str, _Code] = {}
        self._refresh: dict[str, _Refresh] = {}
        self._ended: set[str] = set()

    def __len__(self) -> int:
        return len(self._by_id)

    def _next(self, what: str, length: int = 43) -> str:
        self._count += 1
        return text_of(self._secret, what, self._count, length=length, alphabet=_LETTERS)

    def add(self, grant: Grant) -> Grant:
        """The grant under an id of its own; the id that it came with counts for nothing."""
        self._count += 1
        made = self._by_id[f"g{self._count}"] = replace(grant, id=f"g{self._count}")
        if len(self._by_id) > CAPACITY:
            oldest = next(iter(self._by_id))
            del self._by_id[oldest]
            self._ended.discard(oldest)  # what is forgotten is not live either
        return made

    def kind_of(self, text: str) -> str:
        """`code` or `refresh_token`, live or not; empty for what was never given out."""
        return "code" if text in self._codes else "refresh_token" if text in self._refresh else ""

    @property
    def live(self) -> tuple[Grant, ...]:
        """Every grant that has not ended, in order."""
        return tuple(grant for grant in self._by_id.values() if grant.id not in self._ended)

    def is_live(self, grant_id: str) -> bool:
        """Whether this grant was made and has not ended."""
        return grant_id in self._by_id and grant_id not in self._ended

    def of_id(self, grant_id: str) -> Grant | None:
        """The grant of that id, or None."""
        return self._by_id.get(grant_id)

    def end(self, grant_id: str) -> None:
        """The grant ends, and every code, refresh token and access token of it."""
        self._ended.add(grant_id)
        self._cut(grant_id)

    # Codes

    def code_for(
        self, grant: Grant, *, redirect_uri: str, challenge: str, now: datetime, life: timedelta = CODE_LIFE
    ) -> str:
        """A code that hands the grant to its client once."""
        text = self._next("code")
        self._codes[text] = _Code(grant, redirect_uri, challenge, now + life)
        _bound(self._codes)
        return text

    def redeem(
        self, text: str, *, client_id: str, redirect_uri: str | None, verifier: str | None, now: datetime
    ) -> Grant:
        """The grant behind a code, for the client that it was made for.

        Raises:
            OAuthRefusal: invalid_grant, with reason code_unknown, code_of_another, code_used (the grant ends),
                code_expired, grant_ended, redirect_uri_mismatch, verifier_missing, verifier_unasked,
                verifier_malformed, verifier_mismatch.
        """
        code = self._codes.get(text)
        if code is None:
            raise OAuthRefusal("invalid_grant", "code_unknown", "the code is not one of ours")
        if code.grant.client_id != client_id:
            raise OAuthRefusal("invalid_grant", "code_of_another", f"the code was made for {code.grant.client_id}")
        if code.is_used:
            self.end(code.grant.id)
            raise OAuthRefusal("invalid_grant", "code_used", "the code was used before: its grant has ended")
        if code.expires <= now:
            raise OAuthRefusal("invalid_grant", "code_expired", "the code is too old")
        if not self.is_live(code.grant.id):
            raise OAuthRefusal("invalid_grant", "grant_ended", "the grant has ended")
        if redirect_uri != code.redirect_uri:
            raise OAuthRefusal("invalid_grant", "redirect_uri_mismatch", f"redirect_uri {redirect_uri!r} is another")
        pkce.check(verifier, code.challenge)
        code.is_used = True
        return code.grant

    # Refresh tokens

    def refresh_token(
        self, grant: Grant, *, now: datetime, ends: datetime, idle: timedelta | None = None, text: str = ""
    ) -> str:
        """A refresh token of the grant; `text` when the room makes its own, from `next_number`."""
        made = text or self._next("refresh")
        self._refresh[made] = _Refresh(grant, ends, idle, now)
        _bound(self._refresh)
        return made

    def next_number(self) -> int:
        """A number that is given out once: for texts that a room makes."""
        self._count += 1
        return self._count

    def refreshed(self, text: str, *, client_id: str, now: datetime, rotate: bool) -> tuple[Grant, str | None]:
        """The grant behind a refresh token, and the token that replaces it when `rotate` is true.

        A replacement ends when the first of the family does. Using one that was replaced ends the grant.

        Raises:
            OAuthRefusal: invalid_grant, with reason refresh_token_unknown, refresh_token_of_another,
                refresh_token_reused (the grant ends), refresh_token_expired, grant_ended.
        """
        held = self._held(text, client_id, now)
        held.used = now
        if not rotate:
            return held.grant, None
        held.is_replaced = True
        return held.grant, self.refresh_token(held.grant, now=now, ends=held.ends, idle=held.idle)

    def _held(self, text: str, client_id: str, now: datetime) -> _Refresh:
        held = self._refresh.get(text)
        if held is None:
            raise OAuthRefusal("invalid_grant", "refresh_token_unknown", "the refresh token is not one of ours")
        if held.grant.client_id != client_id:
            raise OAuthRefusal("invalid_grant", "refresh_token_of_another", f"it is {held.grant.client_id}'s")
        if held.is_replaced:
            self.end(held.grant.id)
            raise OAuthRefusal("invalid_grant", "refresh_token_reused", "it was replaced before: its grant has ended")
        if not self.is_live(held.grant.id):
            raise OAuthRefusal("invalid_grant", "grant_ended", "the grant has ended")
        if _is_over(held, now):
            raise OAuthRefusal("invalid_grant", "refresh_token_expired", "the refresh token is too old")
        return held

    def behind(self, text: str, now: datetime) -> tuple[Grant, datetime] | None:
        """(grant, end) of a live refresh token, for introspection and revocation; None when it is not one."""
        held = self._refresh.get(text)
        if held is None or held.is_replaced or not self.is_live(held.grant.id) or _is_over(held, now):
            return None
        return held.grant, held.ends

    def end_where(self, *, client_id: str | None = None, patient: int | None = None) -> int:
        """Ends every live grant of this client, of this patient, or of both; gives how many."""
        chosen = [
            grant
            for grant in self.live
            if client_id in (None, grant.client_id)
            and (
                patient is None
                or grant.patient == patient
                or (grant.user.kind, grant.user.number) == ("patient", patient)
            )
        ]
        for grant in chosen:
            self.end(grant.id)
        return len(chosen)


def _is_over(held: _Refresh, now: datetime) -> bool:
    return held.ends <= now or (held.idle is not None and held.used + held.idle <= now)


def narrowed(asked: Iterable[str], grant: Grant) -> tuple[str, ...]:
    """The scopes of a refresh that asks for fewer; how the token answer spelled them counts as well.

    Raises:
        OAuthRefusal: invalid_scope, reason scope_escalation: one was not granted before.
    """
    spelled = {told.lower(): scope for told, scope in zip(grant.told, grant.scopes, strict=False)}
    wanted: list[str] = []
    beyond: list[str] = []
    for text in dict.fromkeys(asked):
        scope = text if text in grant.scopes else spelled.get(text.lower(), text)
        (wanted if scopes.grant((scope,), grant.scopes) else beyond).append(scope)
    if beyond:
        raise OAuthRefusal("invalid_scope", "scope_escalation", f"not granted before: {' '.join(beyond)}")
    return tuple(dict.fromkeys(wanted))


def _bound(book: dict[str, Any]) -> None:
    if len(book) > CAPACITY:
        del book[next(iter(book))]
