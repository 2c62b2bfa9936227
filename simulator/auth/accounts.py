"""HTTP Basic of a user's account, on every call: no token, no scope to ask for, rights by registration.

Source: RFC 7617; what accounts look like at a vendor: its SOURCES.md.
"""

from __future__ import annotations

import hmac

from simulator.auth import basic
from simulator.auth.clients import HTTP_BASIC, Client
from simulator.exchange import Exchange
from simulator.refusal import OAuthRefusal, Refusal


def holder(x: Exchange, *, client_id: str | None = None, lock_after: int = 0) -> Client:
    """The client whose account the request shows; the one of `client_id`, where the vendor wants it named beside.

    After `lock_after` bad logins in a row the account is locked (0: never).

    Raises:
        Refusal: unauthenticated, with reason basic_missing, basic_malformed, client_unknown, auth_method_wrong,
            account_unknown, account_locked, password_wrong, or password_retired when it was replaced and its overlap
            is over.
    """
    try:
        username, password = basic.credentials(x.header("authorization"), form_encoded=False)
    except OAuthRefusal as refusal:
        raise Refusal("unauthenticated", refusal.detail, reason=refusal.reason) from None
    client = _of_name(x, username) if client_id is None else _of_id(x, client_id)
    x.notes["client_id"] = client.client_id
    if not hmac.compare_digest(client.username.encode(), username.encode()):
        raise Refusal("unauthenticated", f"no account {username[:80]!r}", reason="account_unknown")
    lockout = x.site.desk.lockout
    lockout.check(username, lock_after)
    flaw = client.secret_flaw(password, x.at)
    if flaw:
        lockout.failed(username)
        reason = {"secret_wrong": "password_wrong", "secret_retired": "password_retired"}[flaw]
        raise Refusal("unauthenticated", f"the password of {username} is another", reason=reason)
    lockout.unlock(username)
    return client


def _of_id(x: Exchange, client_id: str) -> Client:
    client = x.site.clients.get(client_id)
    if client is None:
        raise Refusal("unauthenticated", f"no client {client_id[:80]!r}", reason="client_unknown")
    if client.auth != HTTP_BASIC:
        raise Refusal("unauthenticated", f"{client.name} has no account", reason="auth_method_wrong")
    return client


def _of_name(x: Exchange, username: str) -> Client:
    for client in x.site.clients.values():
        if client.auth == HTTP_BASIC and client.username == username:
            return client
    raise Refusal("unauthenticated", f"no account {username[:80]!r}", reason="account_unknown")
