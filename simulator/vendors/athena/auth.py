"""Who may call: OAuth at the token door, Bearer tokens (and, a guess, API keys) at all others. What people do at the
doors stands in `manner.py` and `smart.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from joserfc import jwt

from simulator.auth import api_keys, assertion, handover, introspection, keyring, proof, scopes
from simulator.auth.bearer import token_text
from simulator.auth.clients import Client
from simulator.auth.form import Form
from simulator.auth.grants import Grant
from simulator.auth.keysets import Habit
from simulator.auth.manner import WAYS_IN, withheld
from simulator.auth.sight import sight_of
from simulator.exchange import Caller, Exchange, Reply, json_reply
from simulator.ids import text_of
from simulator.refusal import OAuthRefusal, Refusal
from simulator.vendors.athena import manner, smart

if TYPE_CHECKING:
    from simulator.sandbox import Site

ISSUER = "https://athena.okta.com/oauth2/aus2hff5eqFb7Wqfh297"
"""The identity provider's own name at the vendor, taken as an audience too. Never fetched, never handed out."""

MDP = "athena/service/Athenanet.MDP.*"
"""The scope of the whole REST API."""

REST = "athenaone"
"""What the REST API is called where a scope's resource type is asked for."""

ANY = "any"
"""The resource type of doors that want a token and no scope."""

LIFETIME = timedelta(hours=1)
TYPES = (
    "AllergyIntolerance",
    "Appointment",
    "Binary",
    "Condition",
    "Coverage",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "Immunization",
    "Location",
    "Medication",
    "MedicationRequest",
    "Observation",
    "Organization",
    "Patient",
    "Practitioner",
    "Procedure",
)


def _of(context: str) -> tuple[str, ...]:
    return tuple(f"{context}/{type}.read" for type in TYPES)


FHIR_SCOPES = _of("system")
REDIRECTS = ("http://127.0.0.1/callback", "http://localhost/callback")
LAUNCH_URL = "http://127.0.0.1/launch"
KEYS_KEPT = Habit(longest=timedelta(days=1), otherwise=timedelta(hours=1))  # guess: nothing is documented
_KEY_SLOT = 5

# SMART would have RS384; the identity provider of athena documents RS256 and more.  Source: OAUTHDOC [guess]
RULES = assertion.Rules(algs=frozenset({"RS256", "RS384", "ES256", "ES384"}), max_exp_ahead=timedelta(hours=1))
SECRET_RULES = replace(RULES, algs=frozenset({"HS256", "HS384", "HS512"}), kid_required=False)


def clients(site: Site) -> list[Client]:
    """The ready-made clients: an app with a secret, one with a key pair, one that signs with its secret, one that is
    confined to FHIR, an API key; and apps of people."""

    def secret(name: str, length: int = 64) -> str:
        return text_of(site.key, "client", f"{name} secret", length=length, alphabet=manner.LETTERS)

    everything = (MDP, *FHIR_SCOPES)
    people = (*manner.SPECIAL, *_of("patient"), *_of("user"))
    app = replace(Client("", "none", "", people), redirect_uris=REDIRECTS, launch_url=LAUNCH_URL, offline=True)
    return [
        Client(
            "service", "client_secret_basic", manner.client_id(site, "service"), everything,
            client_secret=secret("service"),
        ),
        Client(
            "service-key", "private_key_jwt", manner.client_id(site, "service-key"), everything,
            kid="athena-app-1", key_slot=_KEY_SLOT,
        ),
        Client(
            "service-jwt", "client_secret_jwt", manner.client_id(site, "service-jwt"), everything,
            client_secret=secret("service-jwt"),
        ),
        Client(
            "fhir-only", "client_secret_basic", manner.client_id(site, "fhir-only"), FHIR_SCOPES,
            client_secret=secret("fhir-only"),
        ),
        Client(
            "api-key", "api_key", manner.client_id(site, "api-key"), everything,
            api_key=secret("api-key", 40), header="X-API-Key",
        ),
        replace(app, name="app-public", client_id=manner.client_id(site, "app-public")),
        replace(
            app, name="app-secret", auth="client_secret_basic", client_id=manner.client_id(site, "app-secret"),
            client_secret=secret("app-secret"),
        ),
        replace(
            app, name="app-key", auth="private_key_jwt", client_id=manner.client_id(site, "app-key"),
            kid="athena-app-2", key_slot=_KEY_SLOT + 2,
        ),
    ]  # fmt: skip


# The token door


def token(x: Exchange) -> Reply:
    """An access token for client credentials, a code or a refresh token.

    The reply to client credentials is as recorded from the current platform: `expires_in` is a string, and there is no
    `token_type` (`token_reply` = standard gives both as RFC 6749 wants them). To apps of people it is always standard.
    """
    form = Form.of(x)
    client = _client(x, form)
    headers = _count(x, client)
    kind = form.need("grant_type")
    if kind == "authorization_code":
        told = _to_people(x, *smart.from_code(x, form, client))
    elif kind == "refresh_token":
        told = _to_people(x, *smart.from_refresh(x, form, client))
    elif kind == "client_credentials":
        told = _to_service(x, client, form.get("scope"))
    else:
        raise OAuthRefusal("unsupported_grant_type", "grant_unsupported", f"grant_type {kind!r}")
    return json_reply(
        200, told, "application/json;charset=UTF-8", cache_control="no-store", pragma="no-cache", **headers
    )


def _to_service(x: Exchange, client: Client, asked: str | None) -> dict[str, Any]:
    if client.is_app:
        raise OAuthRefusal("unauthorized_client", "grant_not_registered", f"{client.name} is an app of people")
    granted = withheld(x.site.settings, _granted(client, asked))
    made = x.site.tokens.issue(
        client.client_id, granted, now=x.at, lifetime=LIFETIME, allows=allows(granted),
        text=_jwt(x, client.client_id, client.client_id, granted), sight=sight_of(granted, None, own_only=False),
    )  # fmt: skip
    x.notes["token_id"] = made.id
    seconds = int(LIFETIME.total_seconds())
    if x.site.settings["token_reply"] == "standard":
        return _standard(made.text, granted)
    return {"access_token": made.text, "expires_in": str(seconds)}


def _to_people(x: Exchange, grant: Grant, granted: tuple[str, ...], told: dict[str, Any]) -> dict[str, Any]:
    text = _jwt(x, grant.client_id, grant.user.login, granted)
    handover.issue(x, grant, granted, lifetime=LIFETIME, text=text)
    return _standard(text, granted) | told


def _standard(text: str, granted: tuple[str, ...]) -> dict[str, Any]:
    seconds = int(LIFETIME.total_seconds())
    return {"access_token": text, "expires_in": seconds, "token_type": "Bearer", "scope": " ".join(granted)}


def introspect(x: Exchange) -> Reply:
    """The introspection endpoint, documented as GET; a form is taken too."""
    form = Form.of(x) if x.method == "POST" else Form(x.query.encode("latin-1"))
    if not introspection.by_bearer(x):
        _client(x, form)
    return smart.introspect(x, {name: form.get(name) or "" for name in form.names})


def revoke(x: Exchange) -> Reply:
    """The revocation endpoint: a client ends its own tokens."""
    form = Form.of(x)
    return smart.revoke(x, form, _client(x, form))


def _client(x: Exchange, form: Form) -> Client:
    """The client that asks, proven by Basic, by the form, by a signed assertion, or as a public app by its name."""
    delay_s = float(x.site.settings["propagation_s"])
    kind = form.get("client_assertion_type")
    if kind is not None:
        return _by_assertion(x, form, kind, delay_s)
    if x.header("authorization") is not None:
        return proof.by_basic(x, form, delay_s=delay_s)
    if form.get("client_secret") is None:
        known = x.site.clients.get(form.get("client_id") or proof.holder(x, form))
        if known is not None and known.auth == "none":
            return proof.by_name(x, form, delay_s=delay_s)
        x.notes["client_id"] = form.get("client_id") or ""
        raise OAuthRefusal("invalid_client", "secret_missing", "neither a secret nor an assertion")
    return proof.by_form(x, form, delay_s=delay_s)


def _by_assertion(x: Exchange, form: Form, kind: str, delay_s: float) -> Client:
    if kind != assertion.TYPE:
        raise OAuthRefusal("invalid_request", "assertion_type_unknown", f"client_assertion_type {kind!r}")
    peeked = assertion.peek(form.need("client_assertion"))
    known = x.site.clients.get(str(peeked[1].get("iss"))) if peeked is not None else None
    rules = SECRET_RULES if known is not None and known.auth == "client_secret_jwt" else RULES
    audiences = {f"{x.base_url}/oauth2/v1/token", smart.issuer(x), ISSUER}
    return proof.by_assertion(
        x, form, audiences=audiences, rules=rules, delay_s=delay_s, methods=("private_key_jwt", "client_secret_jwt")
    )


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


def _jwt(x: Exchange, client_id: str, subject: str, granted: tuple[str, ...]) -> str:
    """A token's text: a JWT of the identity provider, told by the caller's clock."""
    issued = int(x.sandbox.clock.wall().timestamp())
    key = x.site.signing.key(smart.ISSUER_SLOT)
    claims = {
        "ver": 1,
        "jti": "AT." + text_of(x.site.secret, "jti", x.site.tokens.next_number(), length=43, alphabet=manner.LETTERS),
        "iss": smart.issuer(x),
        "aud": f"{x.base_url}/fhir/r4",
        "iat": issued,
        "exp": issued + int(LIFETIME.total_seconds()),
        "cid": client_id,
        "sub": subject,
        "scp": list(granted),
    }
    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key.joserfc, algorithms=["RS256"])


def keys(x: Exchange) -> Reply:
    """The public keys of the identity provider."""
    return json_reply(200, keyring.jwks(*x.site.signing.published(x.at, smart.ISSUER_SLOT)))


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
    persona = held.facts.get(handover.PERSONA, "")
    return Caller(held.client_id, held.id, held.scopes, held.patient, held.allows, held.sight, persona)


def _by_key(x: Exchange) -> Caller | None:
    """The holder of an API key. athenaOne has no such header: this serves integrations that sit behind a gateway of
    their own which adds a key (a guess, and marked so)."""
    client = api_keys.by_key(x)
    return None if client is None else Caller(client.client_id, "", client.scopes, None, allows(client.scopes))


DEFAULTS: dict[str, Any] = {
    "withheld_records": {},  # client id or name, or `*`, to the labels of sensitive records that it does not get
    "restricts_patients": True,  # whether patients can be restricted: left out unless `ignorerestrictions` is said
    "token_path": "/oauth2/v1/token",  # where tokens come from; /oauth/token until 2021
    "token_reply": "recorded",
    "rotate_refresh": False,  # whether refresh tokens of confidential apps rotate too
    "propagation_s": 0,  # how long a new registration takes to be usable
    "token_cors": False,  # whether browsers may read the token endpoint: in production they may not (seen)
    **WAYS_IN,
}
