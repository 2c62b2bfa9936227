"""Ways in: a central authorization server, system accounts and apps with Basic, an assertion or PKCE, tokens of 570
seconds. What people do at it stands in `manner.py` and `smart.py`."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey

from simulator.auth import api_keys, assertion, handover, introspection, mtls, proof, scopes
from simulator.auth.bearer import token_text
from simulator.auth.clients import MUTUAL_TLS, Client
from simulator.auth.form import Form
from simulator.auth.grants import Grant
from simulator.auth.keyring import SLOTS
from simulator.auth.keysets import Habit
from simulator.auth.manner import withheld
from simulator.auth.sight import sight_of
from simulator.auth.signing import seed_of
from simulator.exchange import Caller, Exchange, Reply, json_reply
from simulator.ids import seed_bytes, text_of, uuid_of
from simulator.refusal import OAuthRefusal, Refusal
from simulator.sandbox import Site
from simulator.vendors.cerner import smart, urls
from simulator.vendors.cerner.errors import correlation_id
from simulator.vendors.cerner.ids import tenant_of
from simulator.vendors.cerner.manner import SPECIAL, client_id, spelled
from simulator.vendors.cerner.resources import STAFF, TELLINGS, slot

LIFETIME = timedelta(seconds=570)
RULES = assertion.Rules(skew=timedelta(seconds=30))  # 30 s: guess, so that honest clocks pass
TYPES = tuple(sorted((*TELLINGS, *STAFF, *slot.TYPES, "Binary", "Provenance")))

KEYS_KEPT = Habit(longest=timedelta(days=1), otherwise=timedelta(minutes=5))  # guess: nothing is documented
REDIRECTS = ("http://127.0.0.1/callback", "http://localhost/callback")
LAUNCH_URL = "http://127.0.0.1/launch"

_CLAIMS = "urn:cerner:authorization:claims:version:1"
_OLD_CLAIMS = "urn:com:cerner:authorization:claims"


# Clients


def clients(site: Site) -> list[Client]:
    """System accounts: with Basic and scopes of version 1, with key or certificate and scopes of version 2, with the
    API key of a gateway before the vendor's hosts. Apps: for practitioners public, with a secret, with a key; one for
    patients."""
    slot = int.from_bytes(seed_bytes("key slot", site.vendor.id)[:2], "little") % SLOTS
    return [
        _client(site, "system", "client_secret_basic", tuple(f"system/{type}.read" for type in TYPES)),
        _client(site, "system jwt", "private_key_jwt", tuple(f"system/{type}.rs" for type in TYPES), slot),
        _app(site, "app public", "none", _of_people("read", "patient", "user")),
        _app(site, "app secret", "client_secret_basic", _of_people("read", "patient", "user")),
        _app(site, "app jwt", "private_key_jwt", _of_people("rs", "patient", "user"), (slot + 1) % SLOTS),
        _app(site, "app of patients", "none", _of_people("rs", "patient"), persona="patient"),
        Client(
            "gateway key",
            "api_key",
            client_id(site, "gateway key"),
            tuple(f"system/{type}.read" for type in TYPES),
            api_key=text_of(site.key, "api key", "gateway key", length=40),
            header="X-API-Key",
        ),
        _client(site, "system tls", MUTUAL_TLS, tuple(f"system/{type}.rs" for type in TYPES), (slot + 2) % SLOTS),
    ]


def _of_people(verb: str, *contexts: str) -> tuple[str, ...]:
    return (*SPECIAL, *(f"{context}/{type}.{verb}" for context in contexts for type in TYPES))


def _client(site: Site, name: str, method: str, granted: tuple[str, ...], slot: int | None = None) -> Client:
    secret = text_of(site.key, "client secret", name, length=32) if method == "client_secret_basic" else ""
    kid = text_of(site.key, "kid", name, length=16) if slot is not None else ""
    return Client(name, method, client_id(site, name), granted, client_secret=secret, kid=kid, key_slot=slot)


def _app(
    site: Site, name: str, method: str, granted: tuple[str, ...], slot: int | None = None, persona: str = "practitioner"
) -> Client:
    made = _client(site, name, method, granted, slot)
    return replace(made, redirect_uris=REDIRECTS, launch_url=LAUNCH_URL, offline=method != "none", persona=persona)


# The token endpoint


def token(x: Exchange) -> Reply:
    """A system token for client credentials, a user's token for a code or a refresh token.

    Raises:
        OAuthRefusal: with the broken rule as reason.
    """
    form = Form.of(x)
    grant_type = form.need("grant_type")
    client = _client_of(x, form)
    if grant_type == "authorization_code":
        return _to_people(x, client, *smart.from_code(x, form, client))
    if grant_type == "refresh_token":
        return _to_people(x, client, *smart.from_refresh(x, form, client))
    if grant_type != "client_credentials":
        raise OAuthRefusal("unsupported_grant_type", "unsupported_grant_type", f"grant_type {grant_type}")
    if client.is_app:
        raise OAuthRefusal("unauthorized_client", "grant_not_registered", f"{client.name} is no system account")
    granted = withheld(x.site.settings, granted_scopes(client, form.get("scope") or ""))
    site = x.site
    issued = site.tokens.issue(
        client.client_id,
        granted,
        now=x.sandbox.clock.now(),
        lifetime=LIFETIME,
        allows=scopes.compile(granted),
        text=_text(x, client, granted),
        sight=sight_of(granted, None, own_only=False),
        facts=mtls.binding(x, client),
    )
    return json_reply(200, _answer(issued.text, granted))


def _to_people(x: Exchange, client: Client, grant: Grant, granted: tuple[str, ...], told: dict[str, Any]) -> Reply:
    text = _text(x, client, granted, told)
    handover.issue(x, grant, granted, lifetime=LIFETIME, text=text, aud=grant.aud)
    return json_reply(200, _answer(text, granted) | told)


def _answer(text: str, granted: tuple[str, ...]) -> dict[str, Any]:
    return {
        "access_token": text,
        "scope": " ".join(granted),
        "token_type": "Bearer",
        "expires_in": int(LIFETIME.total_seconds()),
    }


def granted_scopes(client: Client, asked: str) -> tuple[str, ...]:
    """What of the asked scopes is granted, sorted: the rest is dropped without a word, unless nothing is left.

    A client is registered for one spelling; wildcards do not exist.

    Raises:
        OAuthRefusal: invalid_scope, reason empty_scopes.
    """
    granted = tuple(sorted(scopes.grant(spelled(client, tuple(asked.split())), client.scopes)))
    if not granted:
        raise OAuthRefusal("invalid_scope", "empty_scopes", f"nothing to grant of {asked!r}")
    return granted


def _client_of(x: Exchange, form: Form) -> Client:
    """The client that proves itself: by Basic, an assertion, a certificate, or as a public app by its name alone, as it
    is registered and in no other way. A secret in the form is no way in."""
    delay_s = float(x.site.settings["propagation_s"])
    if proof.is_mutual(x, form):
        return proof.by_certificate(x, form, delay_s=delay_s)
    if x.header("authorization") is None and form.get("client_assertion") is not None:
        audiences = urls.token_urls(x.base_url, x.site)
        return proof.by_assertion(x, form, audiences=audiences, rules=RULES, delay_s=delay_s)
    if x.header("authorization") is None and not form.get("client_secret"):
        known = x.site.clients.get(form.get("client_id") or proof.holder(x, form))
        if known is not None and known.auth == "none":
            return proof.by_name(x, form, delay_s=delay_s)
    x.notes["client_id"] = form.get("client_id") or ""  # refused, but the journal still tells who
    return proof.by_basic(x, form, delay_s=delay_s)


def introspect(x: Exchange) -> Reply:
    """`/tokeninfo`, for registered clients and holders of a token."""
    form = Form.of(x)
    if not introspection.by_bearer(x):
        _client_of(x, form)
    return smart.introspect(x, form)


def revoke(x: Exchange) -> Reply:
    """The revocation endpoint: a client ends its own tokens."""
    form = Form.of(x)
    return smart.revoke(x, form, _client_of(x, form))


# What the token looks like


def _text(x: Exchange, client: Client, granted: tuple[str, ...], told: dict[str, Any] | None = None) -> str:
    """The text of a new token: encrypted (five parts, since 2025) or, with the setting `token_form` "jws", readable."""
    number = x.site.tokens.next_number()
    if x.site.settings["token_form"] == "jws":
        return _readable(x, client, granted, number, told or {})
    head = b'{"zip":"DEF","enc":"A128CBC-HS256","cty":"JWT","alg":"dir"}'
    noise = hashlib.shake_128(x.site.secret + b"token" + str(number).encode()).digest(16 + 672 + 16)
    parts = (head, b"", noise[:16], noise[16:-16], noise[-16:])
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def _readable(x: Exchange, client: Client, granted: tuple[str, ...], number: int, told: dict[str, Any]) -> str:
    now = int(x.sandbox.clock.wall().timestamp())
    tenant, azs = tenant_of(x.site), " ".join(granted)
    key = signing_key(seed_of(x.site.key, x.site.signing.generation))
    bound = mtls.binding(x, client)
    context = {name: told[name] for name in ("patient", "encounter", "user") if name in told}
    claims: dict[str, Any] = {
        "sub": client.client_id,
        _OLD_CLAIMS: {"ver": "1.0", "tnt": tenant, "azs": azs, **context},
        "azp": client.client_id,
        "iss": f"{x.base_url}/",
        "exp": now + 600,  # the claim says 600, the answer 570: as recorded
        "iat": now,
        "jti": uuid_of("jti", x.site.secret.hex(), number),
        _CLAIMS: {
            "ver": "1.0",
            "profiles": {"smart-v1": {"azs": azs}},
            "client": {"name": client.name, "id": client.client_id},
            "tenant": tenant,
        },
        **({"cnf": bound} if bound else {}),
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
    if x.header("authorization") is None:
        client = api_keys.by_key(x)
        if client is not None:
            return _gateway_caller(x, client, *needs)
    found = x.site.tokens.find(token_text(x), x.sandbox.clock.now())
    mtls.check(x, found.facts, found.id)
    resource_type, action = needs
    aud = found.facts.get("aud")
    if aud and aud.rstrip("/") != urls.called_root(x):
        raise Refusal("unauthenticated", f"the token is for {aud}", reason="token_audience", token_id=found.id)
    if action and not found.allows(resource_type, action):
        x.notes["client_id"] = found.client_id
        raise Refusal("forbidden", f"no scope for {resource_type}.{action}", reason="scope", resource=resource_type)
    persona = found.facts.get(handover.PERSONA, "")
    return Caller(found.client_id, found.id, found.scopes, found.patient, found.allows, found.sight, persona)


def _gateway_caller(x: Exchange, client: Client, resource_type: str, action: str) -> Caller:
    """The holder of an API key: its rights are those of its registration."""
    allows = scopes.compile(client.scopes)
    if action and not allows(resource_type, action):
        x.notes["client_id"] = client.client_id
        raise Refusal("forbidden", f"no scope for {resource_type}.{action}", reason="scope", resource=resource_type)
    return Caller(client.client_id, "", client.scopes, None, allows)


def head_of_token_answers(x: Exchange) -> list[tuple[bytes, bytes]]:
    """The headers of every answer of the authorization server; its pages are for people, not for other origins."""
    if x.path.endswith(("/authorize", "/my-authorizations")):
        return [(b"cerner-correlation-id", correlation_id(x).encode()), (b"server", b"cloud_authorization_server1")]
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
