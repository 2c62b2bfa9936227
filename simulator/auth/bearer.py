"""The Bearer token of a request, and the person behind it."""

from __future__ import annotations

from simulator.auth.users import User
from simulator.exchange import Exchange
from simulator.refusal import Refusal


def token_text(x: Exchange) -> str:
    """The token in the `Authorization` header; in the URL or in the body it does not count (RFC 6750 sections 2, 5.3).

    Raises:
        Refusal: unauthenticated, with reason no_token, wrong_scheme or token_malformed; malformed, with reason
            token_twice, when there are two Authorization headers.
    """
    found = [value for name, value in x.headers if name == b"authorization"]
    if not found:
        raise Refusal("unauthenticated", "no Authorization header", reason="no_token")
    if len(found) > 1:
        raise Refusal("malformed", "two Authorization headers", reason="token_twice")
    scheme, _, text = found[0].decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":
        raise Refusal("unauthenticated", f"scheme {scheme} instead of Bearer", reason="wrong_scheme")
    text = text.strip()
    if not text or " " in text or not text.isascii():
        raise Refusal("unauthenticated", "the Bearer token is empty or has blanks", reason="token_malformed")
    return text


def user_of(x: Exchange) -> User | None:
    """The person behind the token of a caller who was let in; None for backend services, and for accounts."""
    if x.caller is None or not x.caller.token_id:
        return None
    grant_id = x.site.tokens.find(token_text(x), x.at).grant
    grant = x.site.desk.grants.of_id(grant_id) if grant_id else None
    return grant.user if grant is not None else None
