"""How the integration proves who it is: private_key_jwt where a key is given, HTTP Basic where a secret is, by its
certificate where it has one."""

from __future__ import annotations

import time
import uuid
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from joserfc import jwt
from joserfc.jwk import RSAKey

from conformance.reference.behaviour import Behaviour, Json
from conformance.reference.failure import Failure

ASSERTION_LIFETIME_S = 240
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Token:
    """An access token: opaque text, and until when it is good, by the session's clock."""

    text: str
    good_until: float


def token_request(auth: Json, urls: Json, behaviour: Behaviour, grant: Json | None = None) -> Json:
    """URL, headers and form of one request for a token. Each call signs a new assertion.

    `grant` is what a person gave, a code or a refresh token; without one the client asks for itself.

    Source: SMART App Launch 2, asymmetric client authentication; RFC 6749 section 2.3.1.
    """
    url = str(auth.get("token_url") or urls["token_url"])
    headers = {"Accept": "application/json"}
    form = dict(grant or {"grant_type": "client_credentials"})
    if grant is None and auth.get("scopes"):
        form["scope"] = " ".join(auth["scopes"])
    if auth.get("auth") == "tls_client_auth":
        form["client_id"] = auth["client_id"]  # the connection proves the rest: RFC 8705 section 2.1
    elif auth.get("private_key_pem"):
        form["client_assertion_type"] = _ASSERTION_TYPE
        form["client_assertion"] = _assertion(auth, url, urls, behaviour)
    elif auth.get("client_secret"):
        pair = f"{quote_plus(auth['client_id'])}:{quote_plus(auth['client_secret'])}"
        headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode()
    elif grant is not None and auth.get("auth") == "none":
        form["client_id"] = auth["client_id"]
    else:
        raise Failure("config", "auth needs a private key, a client secret or an API key")
    return behaviour.token_request({"url": url, "headers": headers, "form": form}, auth)


def has_token(body: Any) -> None:
    """Checks a token answer.

    Raises:
        Failure: there is no token in it.
    """
    if not isinstance(body, dict) or not isinstance(body.get("access_token"), str):
        raise Failure("invalid_response", "the token answer holds no token", reason="no_token", transient=True)


def token_of(body: Json, asked: float) -> Token:
    """The token in a token answer. Some vendors write `expires_in` as a string and leave `token_type` out."""
    try:
        lifetime_s = float(body.get("expires_in", 300))
    except (TypeError, ValueError):
        lifetime_s = 300.0
    return Token(body["access_token"], asked + lifetime_s - min(30.0, lifetime_s / 10))


def _assertion(auth: Json, url: str, urls: Json, behaviour: Behaviour) -> str:
    now = int(time.time())
    claims = {
        "iss": auth["client_id"],
        "sub": auth["client_id"],
        "aud": url,
        "jti": uuid.uuid4().hex,
        "iat": now,
        "exp": now + ASSERTION_LIFETIME_S,
    }
    header = {"alg": "RS384", "typ": "JWT"} | ({"kid": auth["kid"]} if auth.get("kid") else {})
    return jwt.encode(
        behaviour.assertion_header(header, urls),
        behaviour.assertion_claims(claims, urls),
        RSAKey.import_key(auth["private_key_pem"]),
        algorithms=["RS384"],
    )
