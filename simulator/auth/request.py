"""The other side of the token door: the request that a ready-made client sends, without I/O.

Used by the command line, the load users and the benchmark; the judge never uses it.
"""

from __future__ import annotations

import base64
import time
import uuid
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from simulator.auth.assertion import TYPE


def token_request(client: dict[str, Any]) -> tuple[dict[str, str], str]:
    """(headers, form body) of the token request for one entry of the control API's `clients`.

    Raises:
        ValueError: the client signs in another way.
    """
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    form = {"grant_type": "client_credentials", "scope": " ".join(client["scopes"]), **client.get("token_form", {})}
    if client["auth"] == "client_secret_basic":
        pair = f"{quote(client['client_id'], safe='')}:{quote(client['client_secret'], safe='')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    elif client["auth"] == "client_secret_post":
        form |= {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    elif client["auth"] in ("private_key_jwt", "client_secret_jwt"):
        form["client_assertion_type"] = TYPE
        form["client_assertion"] = assertion(client)
    else:
        raise ValueError(f"no way in with {client['auth']!r}")
    return headers, urlencode(form)


def assertion(client: dict[str, Any], *, lifetime_s: int = 240) -> str:
    """A signed client assertion (RFC 7523) for one entry of the control API's `clients`, with a `jti` of its own."""
    now = int(time.time())  # what a caller states by its own clock, never a sandbox's
    claims = {
        "iss": client["client_id"],
        "sub": client["client_id"],
        "aud": client["token_url"],
        "jti": uuid.uuid4().hex,
        "iat": now,
        "exp": now + lifetime_s,
    }
    if client["auth"] == "client_secret_jwt":
        secret = OctKey.import_key(client["client_secret"])
        return jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, secret, algorithms=["HS256"])
    header = {"alg": "RS384", "typ": "JWT", "kid": client["kid"]}
    return jwt.encode(header, claims, _key(client["private_key_pem"]), algorithms=["RS384"])


@lru_cache(maxsize=32)
def _key(pem: str) -> RSAKey:
    return RSAKey.import_key(pem)  # takes 40 ms: the library validates what it reads
