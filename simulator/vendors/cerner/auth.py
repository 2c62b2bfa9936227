"""Ways in: a central authorization server, system accounts with Basic or an assertion, tokens of 570 seconds."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey

from simulator.auth import assertion, basic, scopes
from simulator.auth.bearer import token_text
from simulator.auth.clients import Client
from simulator.auth.form import Form
from simulator.auth.keyring import SLOTS
from simulator.exchange import Caller, Exchange, Reply, json_reply
from simulator.ids import seed_bytes, text_of
from simulator.refusal import OAuthRefusal, Refusal
from simulator.sandbox import Site
from simulator.vendors.cerner import urls
from simulator.vendors.cerner.errors import correlation_id
from simulator.vendors.cerner.ids import tenant_of
from simulator.vendors.cerner.resources import STAFF, TELLINGS

LIFETIME = timedelta(seconds=570)
RULES = assertion.Rules(skew=timedelta(seconds=30))  # 30 s: guess, so that honest clocks pass
TYPES = tuple(sorted((*TELLINGS, *STAFF, "Provenance")))

_CLAIMS = "urn:cerner:authorization:claims:version:1"
_OLD_CLAIMS = "urn:com:cerner:authorization:claims"


# Clients


def clients(site: Site) -> list[Client]:
    """Two system accounts: one with Basic and scopes of version 1, one with a key and scopes of version 2."""
    return [
        Client(
            "system",
            "client_secret_basic",
            _uuid(site, "client", "system"),
            tuple(f"system/{type}.read" for type in TYPES),
            client_secret=text_of(site.key, "client secret", "system", length=32),
        ),
        Client(
            "system jwt",
            "private_key_jwt",
            _uuid(site, "client", "system jwt"),
            tuple(f"system/{type}.rs" for type in TYPES),
            kid=text_of(site.key, "kid", "system jwt", length=16),
            key_slot=int.from_bytes(seed_bytes("key slot", site.vendor.id)[:2], "little") % SLOTS,
        ),
    ]


def _uuid(site: Site, *what: str) -> str:
    return str(UUID(bytes=seed_bytes("uuid", site.key.hex(), *what)[:16], version=4))


# The token endpoint


def token(x: Exchange) -> Reply:
    """A system token for client credentials.

    Raises:
        OAuthRefusal: with the broken rule as reason.
    """
    form = Form.of(x)
    grant_type = form.need("grant_type")
    client = _client_of(x, form)
    if grant_type == "authorization_code":
        raise OAuthRefusal("invalid_grant", "code_unknown", "no authorization code was given out")
    if grant_type == "refresh_token":
        raise OAuthRefusal("invalid_grant", "refresh_token_unknown", "system accounts have no refresh token")
    if grant_type != "client_credentials":
        raise OAuthRefusal("unsupported_grant_type", "unsupported_grant_type", f"grant_type {grant_type}")
    granted = granted_scopes(client, form.get("scope") or "")
    site = x.site
    issued = site.tokens.issue(
        client.client_id,
        granted,
        now=x.sandbox.clock.now(),
        lifetime=LIFETIME,
        allows=scopes.compile(granted),
        text=_text(x, client, granted),
    )
    body = {
        "access_token": issued.text,
        "scope": " ".join(granted),
        "token_type": "Bearer",
        "expires_in": int(LIFETIME.total_seconds()),
    }
    return json_reply(200, body)


def granted_scopes(client: Client, asked: str) -> tuple[str, ...]:
    """What of the asked scopes is granted, sorted: the rest is dropped without a word, unless nothing is left.

    A client is registered for one spelling; wildcards do not exist.

    Raises:
        OAuthRefusal: invalid_scope, reason empty_scopes.
    """
    version = next((scope.version for scope in map(scopes.parse, client.scopes) if scope is not None), 1)
    spelled = []
    for text in asked.split():
        scope = scopes.parse(text)
        if scope is not None and scope.version == version and scope.type != "*":
            spelled.append(text)
    granted = tuple(sorted(scopes.grant(spelled, client.scopes)))
    if not granted:
        raise OAuthRefusal("invalid_scope", "empty_scopes", f"nothing to grant of {asked!r}")
    return granted


def _client_of(x: Exchange, form: Form) -> Client:
    """The client that proves itself: by Basic or by an assertion, as it is registered and in no other way."""
    signed = form.get("client_assertion")
    if signed is not None and x.header("authorization") is None:
        return _signed(x, form, signed)
    x.notes["client_id"] = form.get("client_id") or ""  # a secret in the form is no way in; the journal still tells who
    client_id, secret = basic.credentials(x.header("authorization"))
    x.notes["client_id"] = client_id
    client = x.site.clients.get(client_id)
    if client is None:
        raise OAuthRefusal("invalid_client", "client_unknown", f"no client {client_id}")
    if client.auth != "client_secret_basic":
        raise OAuthRefusal("invalid_client", "auth_method_wrong", f"{client_id} is registered for {client.auth}")
    if not hmac.compare_digest(secret.encode(), client.client_secret.encode()):
        raise OAuthRefusal("invalid_client", "secret_wrong", f"wrong secret for {client_id}")
    return client


def _signed(x: Exchange, form: Form, signed: str) -> Client:
    told = assertion.peek(signed)
    if told is not None:
        x.notes["assertion"] = {"header": told[0], "claims": told[1]}
    if form.get("client_assertion_type") != assertion.TYPE:
        raise OAuthRefusal("invalid_client", "assertion_type_wrong", "client_assertion_type is not jwt-bearer")
    if told is None:
        raise OAuthRefusal("invalid_client", "assertion_malformed", "the assertion is not a JWT in compact form")
    client_id = str(told[1].get("iss") or told[1].get("sub") or "")
    x.notes["client_id"] = client_id
    client = x.site.clients.get(client_id)
    if client is None:
        raise OAuthRefusal("invalid_client", "client_unknown", f"no client {client_id}")
    if client.auth != "private_key_jwt" or client.key is None:
        raise OAuthRefusal("invalid_client", "auth_method_wrong", f"{client_id} is registered for {client.auth}")
    assertion.verify(
        signed,
        client=client,
        keys={client.key.kid: client.key.public},
        audiences=urls.token_urls(x.base_url, x.site),
        wall=x.sandbox.clock.wall(),
        now=x.sandbox.clock.now(),
        guard=x.site.replay,
        rules=RULES,
    )
    return client


# What the token looks like


def _text(x: Exchange, client: Client, granted: tuple[str, ...]) -> str:
    """The text of a new token: encrypted (five parts, since 2025) or, with the setting `token_form` "jws", readable."""
    number = x.site.tokens.next_number()
    if x.site.settings["token_form"] == "jws":
        return _readable(x, client, granted, number)
    head = b'{"zip":"DEF","enc":"A128CBC-HS256","cty":"JWT","alg":"dir"}'
    noise = hashlib.shake_128(x.site.secret + b"token" + str(number).encode()).digest(16 + 672 + 16)
    parts = (head, b"", noise[:16], noise[16:-16], noise[-16:])
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def _readable(x: Exchange, client: Client, granted: tuple[str, ...], number: int) -> str:
    now = int(x.sandbox.clock.wall().timestamp())
    tenant, azs = tenant_of(x.site), " ".join(granted)
    key = signing_key(x.site.key)
    claims: dict[str, Any] = {
        "sub": client.client_id,
        _OLD_CLAIMS: {"ver": "1.0", "tnt": tenant, "azs": azs},
        "azp": client.client_id,
        "iss": f"{x.base_url}/",
        "exp": now + 600,  # the claim says 600, the answer 570: as recorded
        "iat": now,
        "jti": str(UUID(bytes=seed_bytes("jti", x.site.secret.hex(), number)[:16], version=4)),
        _CLAIMS: {
            "ver": "1.0",
            "profiles": {"smart-v1": {"azs": azs}},
            "client": {"name": client.name, "id": client.client_id},
            "tenant": tenant,
        },
    }
    return jwt.encode({"alg": "ES256", "kid": key.kid, "typ": "JWT"}, claims, key, algorithms=["ES256"])


@lru_cache(maxsize=32)
def signing_key(seed: bytes) -> ECKey:
    """The authorization server's key, the same for the same site."""
    secret = int.from_bytes(hashlib.sha256(seed + b"signing key").digest(), "big") >> 1
    private = ec.derive_private_key(secret + 1, ec.SECP256R1())
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return ECKey.import_key(
        pem, {"kid": text_of(seed, "kid of signing key", length=12) + ".ec", "use": "sig", "alg": "ES256"}
    )


# The resource server


def admit(x: Exchange) -> Caller | None:
    """Who asks; None at the public doors.

    Raises:
        Refusal: unauthenticated (no_token, token_unknown, token_expired …), forbidden (scope).
    """
    needs = x.route.needs if x.route is not None else None
    if needs is None:
        return None
    found = x.site.tokens.find(token_text(x), x.sandbox.clock.now())
    resource_type, action = needs
    if action and not found.allows(resource_type, action):
        x.notes["client_id"] = found.client_id
        raise Refusal("forbidden", f"no scope for {resource_type}.{action}", reason="scope", resource=resource_type)
    return Caller(found.client_id, found.id, found.scopes, allows=found.allows)


def head_of_token_answers(x: Exchange) -> list[tuple[bytes, bytes]]:
    """The headers that every answer of the authorization server has."""
    return [
        (b"access-control-allow-headers", b"Content-Type, Authorization, Accept, Cerner-Correlation-Id"),
        (b"access-control-allow-methods", b"OPTIONS, POST"),
        (b"access-control-allow-origin", b"*"),
        (b"cache-control", b"no-store"),
        (b"pragma", b"no-cache"),
        (b"cerner-correlation-id", correlation_id(x).encode()),
        (b"expect-ct", b"enforce, max-age=30"),
        (b"server", b"cloud_authorization_server1"),
    ]
