"""Who may call: two-legged OAuth at the token door, Bearer tokens (and, a guess, API keys) at all others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from joserfc import jwt

from simulator.auth import api_keys, assertion, keyring, scopes
from simulator.auth.basic import credentials
from simulator.auth.bearer import token_text
from simulator.auth.clients import Client
from simulator.auth.form import Form
from simulator.exchange import Caller, Exchange, Reply, json_reply
from simulator.ids import text_of
from simulator.refusal import NotSimulated, OAuthRefusal, Refusal

if TYPE_CHECKING:
    from simulator.sandbox import Site

ISSUER = "https://athena.okta.com/oauth2/aus2hff5eqFb7Wqfh297"
"""The identity provider's own name: not the host of the API. Never fetched."""

MDP = "athena/service/Athenanet.MDP.*"
"""The scope of the whole REST API."""

REST = "athenaone"
"""What the REST API is called where a scope's resource type is asked for."""

ANY = "any"
"""The resource type of doors that want a token and no scope."""

LIFETIME = timedelta(hours=1)
FHIR_SCOPES: tuple[str, ...] = tuple(
    f"system/{type}.read"
    for type in (
        "AllergyIntolerance",
        "Condition",
        "Encounter",
        "Immunization",
        "Location",
        "Medication",
        "MedicationRequest",
        "Observation",
        "Organization",
        "Patient",
        "Practitioner",
    )
)
_KEY_SLOT = 5
_ISSUER_SLOT = 6
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_GRANT = "client_credentials"

# SMART would have RS384; the identity provider of athena documents RS256 and more.  Source: OAUTHDOC [guess]
RULES = assertion.Rules(algs=frozenset({"RS256", "RS384", "ES256", "ES384"}), max_exp_ahead=timedelta(hours=1))


def clients(site: Site) -> list[Client]:
    """The ready-made clients: an app with a secret, one with a key pair, one that is confined to FHIR, an API key."""

    def made(name: str, prefix: str, length: int) -> str:
        return prefix + text_of(site.key, "client", name, length=length, alphabet=_LETTERS)

    everything = (MDP, *FHIR_SCOPES)
    return [
        Client(
            "service", "client_secret_basic", made("service", "0oa", 17), everything,
            client_secret=made("service secret", "", 64),
        ),
        Client(
            "service-key", "private_key_jwt", made("service-key", "0oa", 17), everything,
            kid="athena-app-1", key_slot=_KEY_SLOT,
        ),
        Client(
            "fhir-only", "client_secret_basic", made("fhir-only", "0oa", 17), FHIR_SCOPES,
            client_secret=made("fhir-only secret", "", 64),
        ),
        Client(
            "api-key", "api_key", made("api-key", "0oa", 17), everything,
            api_key=made("api-key secret", "", 40), header="X-API-Key",
        ),
    ]  # fmt: skip


# The token door


def token(x: Exchange) -> Reply:
    """An access token for client credentials.

    The reply is as recorded from the current platform: `expires_in` is a string, and there is no `token_type`
    (`token_reply` = standard gives both as RFC 6749 wants them).
    """
    form = Form.of(x)
    client = _client(x, form)
    headers = _count(x, client)
    if form.need("grant_type") != _GRANT:
        raise OAuthRefusal("unsupported_grant_type", "grant_unsupported", f"grant_type {form.get('grant_type')!r}")
    granted = _granted(client, form.get("scope"))
    now = x.sandbox.clock.now()
    made = x.site.tokens.issue(
        client.client_id, granted, now=now, lifetime=LIFETIME, allows=allows(granted), text=_jwt(x, client, granted)
    )
    x.notes["token_id"] = made.id
    seconds = int(LIFETIME.total_seconds())
    told: dict[str, Any] = {"access_token": made.text, "expires_in": str(seconds)}
    if x.site.settings["token_reply"] == "standard":
        told |= {"token_type": "Bearer", "expires_in": seconds, "scope": " ".join(granted)}
    return json_reply(
        200, told, "application/json;charset=UTF-8", cache_control="no-store", pragma="no-cache", **headers
    )


def _client(x: Exchange, form: Form) -> Client:
    """The client that asks, proven by Basic, by the form, or by a signed assertion."""
    kind = form.get("client_assertion_type")
    if kind is not None:
        return _by_assertion(x, form, kind)
    if x.header("authorization") is not None:
        client_id, secret = credentials(x.header("authorization"))
        accepted = ("client_secret_basic", "client_secret_post")
    else:
        client_id, secret = form.get("client_id") or "", form.get("client_secret") or ""
        accepted = ("client_secret_post", "client_secret_basic")
    x.notes["client_id"] = client_id
    client = x.site.clients.get(client_id)
    if client is None:
        raise OAuthRefusal("invalid_client", "client_unknown", f"client {client_id!r}")
    flaw = client.secret_flaw(secret, x.sandbox.clock.now()) if client.auth in accepted else "secret_wrong"
    if flaw == "secret_retired":
        raise OAuthRefusal("invalid_client", flaw, f"the secret of {client.name} was replaced, and its overlap is over")
    if flaw:
        raise OAuthRefusal("invalid_client", flaw, f"the secret of {client.name} is another")
    return client


def _by_assertion(x: Exchange, form: Form, kind: str) -> Client:
    if kind != assertion.TYPE:
        raise OAuthRefusal("invalid_request", "assertion_type_unknown", f"client_assertion_type {kind!r}")
    text = form.need("client_assertion")
    peeked = assertion.peek(text)
    if peeked is not None:
        x.notes["assertion"] = {"header": peeked[0], "claims": peeked[1]}
        if str(peeked[0].get("alg", "")).startswith("HS"):
            raise NotSimulated("athena: client_secret_jwt at the token endpoint")
    named = str(peeked[1].get("iss", "")) if peeked else ""
    x.notes["client_id"] = form.get("client_id") or named
    client = x.site.clients.get(x.notes["client_id"])
    if client is None or client.key is None:
        raise OAuthRefusal("invalid_client", "client_unknown", f"client {named!r} has no key")
    assertion.verify(
        text,
        client=client,
        keys={client.kid: client.key.public},
        audiences={f"{x.base_url}/oauth2/v1/token", ISSUER},
        wall=x.sandbox.clock.wall(),
        now=x.sandbox.clock.now(),
        guard=x.site.replay,
        rules=RULES,
    )
    return client


def _granted(client: Client, asked: str | None) -> tuple[str, ...]:
    """The scopes of a request, all or nothing: one that the app has not fails the whole request."""
    if asked is None:
        raise OAuthRefusal("invalid_scope", "scope_missing", "no scope was asked for")
    wanted = tuple(dict.fromkeys(asked.split()))
    granted = scopes.grant(wanted, client.scopes)
    if len(granted) != len(wanted):
        refused = [one for one in wanted if one not in granted]
        raise OAuthRefusal("invalid_scope", "scope_not_granted", f"not granted: {' '.join(refused)}")
    return granted


def allows(granted: tuple[str, ...]) -> Callable[[str, str], bool]:
    """May the holder of these scopes do `action` on a FHIR type, or on the REST API?"""
    on_fhir = scopes.compile(granted)
    on_rest = MDP in granted

    def answer(resource_type: str, action: str) -> bool:
        return on_rest if resource_type == REST else on_fhir(resource_type, action)

    return answer


def _count(x: Exchange, client: Client) -> dict[str, str]:
    """Counts token requests in fixed minutes; gives the headers that tell the rest of this minute.

    Raises:
        Refusal: too many in this minute. Blocked until the minute rolls over, and nobody says when that is.
    """
    try:
        standing = x.site.limits.spend("token", client.client_id, x.sandbox.clock.now())
    except Refusal as refusal:
        facts = {name: value for name, value in refusal.facts.items() if name != "retry_after_s"}
        raise Refusal(refusal.kind, refusal.detail, **facts) from None
    if standing is None:
        return {}
    return {"x_ratelimit_limit": str(standing.limit.calls), "x_ratelimit_remaining": str(standing.remaining)}


def _jwt(x: Exchange, client: Client, granted: tuple[str, ...]) -> str:
    """A token's text: a JWT of the identity provider, told by the caller's clock."""
    issued = int(x.sandbox.clock.wall().timestamp())
    key = keyring.key(_ISSUER_SLOT)
    claims = {
        "ver": 1,
        "jti": "AT." + text_of(x.site.secret, "jti", x.site.tokens.next_number(), length=43, alphabet=_LETTERS),
        "iss": ISSUER,
        "aud": f"{x.base_url}/fhir/r4",
        "iat": issued,
        "exp": issued + int(LIFETIME.total_seconds()),
        "cid": client.client_id,
        "sub": client.client_id,
        "scp": list(granted),
    }
    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key.joserfc, algorithms=["RS256"])


def keys(x: Exchange) -> Reply:
    """The public keys of the identity provider."""
    return json_reply(200, keyring.jwks(keyring.key(_ISSUER_SLOT)))


# All other doors


def admit(x: Exchange) -> Caller | None:
    """The holder of the request's Bearer token or API key; None at public doors.

    Raises:
        Refusal: no or bad token, or a token without the scope for this door.
    """
    route = x.route
    assert route is not None
    if route.needs is None:
        return None
    caller = _by_key(x) or _by_token(x)
    resource_type, action = route.needs
    if resource_type != ANY and not caller.allows(resource_type, action):
        raise Refusal(
            "forbidden", f"no scope for {action} on {resource_type}", reason="scope_missing", resource=resource_type
        )
    return caller


def _by_token(x: Exchange) -> Caller:
    held = x.site.tokens.find(token_text(x), x.sandbox.clock.now())
    return Caller(held.client_id, held.id, held.scopes, held.patient, held.allows)


def _by_key(x: Exchange) -> Caller | None:
    """The holder of an API key. athenaOne has no such header: this serves integrations that sit behind a gateway of
    their own which adds a key (a guess, and marked so)."""
    client = api_keys.by_key(x)
    return None if client is None else Caller(client.client_id, "", client.scopes, None, allows(client.scopes))


DEFAULTS: dict[str, Any] = {"token_reply": "recorded"}
