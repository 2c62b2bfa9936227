"""What a token is worth: introspection (RFC 7662) and revocation (RFC 7009), without the vendor's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from simulator.auth import bearer, mtls
from simulator.auth.grants import Grant
from simulator.auth.mtls import BOUND
from simulator.exchange import Exchange
from simulator.refusal import OAuthRefusal, Refusal


@dataclass(frozen=True, slots=True)
class Standing:
    """A live token: whose it is, what it may, when it ends on the sandbox clock; `grant` when a person gave it;
    `cnf` what it is bound to (RFC 8705 section 3.2)."""

    kind: str
    client_id: str
    scopes: tuple[str, ...]
    issued: datetime
    expires: datetime
    grant: Grant | None
    cnf: Mapping[str, str] = field(default_factory=dict)

    def seconds_left(self, now: datetime) -> int:
        """How long it lives, in whole seconds: `exp` is told on the caller's clock."""
        return int((self.expires - now).total_seconds())


def by_bearer(x: Exchange) -> bool:
    """Whether whoever asks shows a live access token; without one, the client has to prove itself.

    Raises:
        OAuthRefusal: invalid_token, with why the token counts for nothing as reason.

    Source: SMART App Launch 2.2.0, token introspection: std:SMART-IN-03.
    """
    if not (x.header("authorization") or "").lower().startswith("bearer "):
        return False
    try:
        token = x.site.tokens.find(bearer.token_text(x), x.at)
        mtls.check(x, token.facts, token.id)
    except Refusal as refusal:
        raise OAuthRefusal("invalid_token", refusal.reason, refusal.detail, status=401) from None
    x.notes["client_id"] = token.client_id
    return True


def standing_of(x: Exchange, text: str) -> Standing | None:
    """How the token `text` stands, access or refresh token; None when it is worth nothing: unknown, ended, revoked."""
    desk = x.site.desk
    try:
        token = x.site.tokens.find(text, x.at)
    except Refusal:
        behind = desk.grants.behind(text, x.at)
        if behind is None:
            return None
        grant, ends = behind
        return Standing("refresh_token", grant.client_id, grant.scopes, grant.at, ends, grant)
    found = desk.grants.of_id(token.grant) if token.grant else None
    cnf = {BOUND: token.facts[BOUND]} if BOUND in token.facts else {}
    return Standing("access_token", token.client_id, token.scopes, token.issued, token.expires, found, cnf)


def revoke(x: Exchange, text: str, client_id: str) -> bool:
    """Ends a token of this client; with a refresh token its grant and every token of it. Whether anything ended."""
    behind = x.site.desk.grants.behind(text, x.at)
    if behind is not None:
        if behind[0].client_id != client_id:
            return False
        x.site.desk.grants.end(behind[0].id)
        return True
    try:
        token = x.site.tokens.find(text, x.at)
    except Refusal:
        return False
    if token.client_id != client_id:
        return False
    x.site.tokens.revoke(token.id)
    return True
