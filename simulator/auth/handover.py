"""From a code or a refresh token to an access token: the two grants of people, for the rooms' token endpoints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from simulator.auth import scopes
from simulator.auth.clients import Client
from simulator.auth.form import Form
from simulator.auth.grants import Grant, narrowed
from simulator.auth.sight import sight_of
from simulator.auth.tokens import Token
from simulator.exchange import Exchange
from simulator.refusal import OAuthRefusal

PERSONA = "persona"
"""The name under which a token's facts say who logged in."""

Handed = tuple[Grant, tuple[str, ...], dict[str, Any]]
"""A grant, the scopes of the token to be, and what the answer tells beside the token."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long refresh tokens live at a vendor. `idle`: how long one may lie unused; `rotate`: each counts once."""

    offline: timedelta
    online: timedelta
    idle: timedelta | None = None
    rotate: bool = False


def by_code(x: Exchange, form: Form, client: Client) -> Grant:
    """The grant behind the `code` of a token request.

    Raises:
        OAuthRefusal: invalid_request when `code` or `redirect_uri` is missing, unauthorized_client for clients that no
            person logs in to, and as `GrantBook.redeem`.
    """
    if not client.is_app:
        raise OAuthRefusal("unauthorized_client", "grant_not_registered", f"{client.name} has no redirect URI")
    grant = x.site.desk.grants.redeem(
        form.need("code"),
        client_id=client.client_id,
        redirect_uri=form.need("redirect_uri"),
        verifier=form.get("code_verifier"),
        now=x.at,
    )
    x.notes["grant"] = {"id": grant.id, "user": grant.user.login, "scopes": list(grant.scopes)}
    return grant


def first_refresh(x: Exchange, grant: Grant, keeping: Keeping, text: str = "") -> str | None:
    """The first refresh token of a grant, if it has one; `text` when the room makes its own."""
    if not grant.access:
        return None
    life = keeping.offline if grant.access == "offline" else keeping.online
    idle = keeping.idle if grant.access == "offline" else None
    return x.site.desk.grants.refresh_token(grant, now=x.at, ends=x.at + life, idle=idle, text=text)


def by_refresh(x: Exchange, form: Form, client: Client, keeping: Keeping) -> tuple[Grant, tuple[str, ...], str | None]:
    """(grant, scopes of the new token, the replacement of the refresh token or None) of a refresh.

    Raises:
        OAuthRefusal: invalid_scope with reason scope_escalation, and as `GrantBook.refreshed`.
    """
    book, text = x.site.desk.grants, form.need("refresh_token")
    asked = form.get("scope")
    held = book.behind(text, x.at)
    wanted: tuple[str, ...] = ()
    if asked is not None and held is not None and held[0].client_id == client.client_id:
        wanted = narrowed(asked.split(), held[0])  # before the token is used up
    grant, replacement = book.refreshed(text, client_id=client.client_id, now=x.at, rotate=keeping.rotate)
    x.notes["grant"] = {"id": grant.id, "user": grant.user.login}
    return grant, wanted or grant.scopes, replacement


def issue(
    x: Exchange, grant: Grant, granted: tuple[str, ...], *, lifetime: timedelta, text: str | None = None, **facts: Any
) -> Token:
    """An access token of the grant; beside `facts` it knows who logged in (`persona`)."""
    made = x.site.tokens.issue(
        grant.client_id,
        granted,
        now=x.at,
        lifetime=lifetime,
        allows=scopes.compile(granted),
        patient=grant.patient,
        text=text,
        facts={PERSONA: grant.user.kind, **facts},
        grant=grant.id,
        sight=sight_of(granted, grant.patient, own_only=grant.user.kind == "patient"),
    )
    x.notes["token_id"] = made.id
    return made
