"""The Bearer token of a request."""

from __future__ import annotations

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
