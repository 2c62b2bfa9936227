"""id_tokens and what OpenID Connect discovery says of them: RS256, keys as bare JWK.

Source: OpenID Connect Core 1.0 section 2; SMART App Launch 2.2.0, scopes-and-launch-context: std:SMART-TK-16.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from joserfc import jwt

from simulator.auth.grants import Grant
from simulator.auth.keyring import SigningKey
from simulator.exchange import Exchange


def id_token(
    x: Exchange, grant: Grant, key: SigningKey, *, issuer: str, subject: str, life: timedelta, **claims: Any
) -> str:
    """A signed id_token for the client of the grant; instants are those of the caller's clock."""
    now = int(x.sandbox.clock.wall().timestamp())
    told = {
        "iss": issuer,
        "sub": subject,
        "aud": grant.client_id,
        "iat": now,
        "exp": now + int(life.total_seconds()),
        **claims,
    }
    if grant.nonce:
        told["nonce"] = grant.nonce
    return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": key.kid}, told, key.joserfc, algorithms=["RS256"])


def configuration(issuer: str, **endpoints: str) -> dict[str, Any]:
    """`.well-known/openid-configuration` of an issuer: what OpenID Connect Discovery 1.0 section 3 requires."""
    return {
        "issuer": issuer,
        **endpoints,
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "fhirUser", "profile"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "fhirUser"],
    }
