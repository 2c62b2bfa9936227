"""Tokens that are bound to a client certificate (RFC 8705 section 3). How a client proves itself by one: `proof`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.auth.clients import MUTUAL_TLS, Client
from simulator.exchange import Exchange
from simulator.refusal import Refusal

BOUND = "x5t#S256"
"""The name of a certificate's thumbprint in `cnf`, and among a token's facts."""


def binding(x: Exchange, client: Client) -> dict[str, str]:
    """What binds a new token of `client` to the connection's certificate, for the token's facts and its `cnf`."""
    return {BOUND: x.peer.thumbprint} if client.auth == MUTUAL_TLS and x.peer is not None else {}


def promised(x: Exchange, methods: Sequence[str]) -> dict[str, Any]:
    """How clients may prove themselves, for a metadata document: by a certificate only where the connection has TLS.

    Source: RFC 8705 section 3.3. The token endpoint itself takes certificates, so there is no alias of it (section 5).
    """
    if x.peer is None:
        return {"token_endpoint_auth_methods_supported": list(methods)}
    return {
        "token_endpoint_auth_methods_supported": [*methods, MUTUAL_TLS],
        "tls_client_certificate_bound_access_tokens": True,
    }


def check(x: Exchange, facts: Mapping[str, Any], token_id: str) -> None:
    """Whether a token may be used on this connection: one that is bound needs the certificate it is bound to.

    Raises:
        Refusal: unauthenticated, with reason certificate_missing or certificate_mismatch.

    Source: RFC 8705 section 3: 401 with `invalid_token`.
    """
    bound = facts.get(BOUND)
    if bound is None:
        return
    shown = x.peer.thumbprint if x.peer is not None else ""
    if shown != bound:
        reason = "certificate_mismatch" if shown else "certificate_missing"
        said = f"token {token_id} is bound to the certificate {bound}, the connection shows {shown or 'none'}"
        raise Refusal("unauthenticated", said, reason=reason, token_id=token_id)
