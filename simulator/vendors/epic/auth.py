"""How Epic lets a backend service in: a signed assertion against a token, a token against data.

Whatever is wrong with an assertion, the caller hears the same words (`invalid_client`, description null); the rule that
was broken goes into the journal. What a client may do follows from its registration: the scopes asked for change
nothing, and the scopes granted come back in another order and letter case, with more than was asked (E27).

Source: SOURCES.md, "Tokens" (OAUTH: the rules; FS and FHIRPY: the token).
"""

from __future__ import annotations

from datetime import timedelta

from joserfc import jwt

from simulator.auth import assertion, bearer, scopes
from simulator.auth.clients import Client
from simulator.auth.form import Form
from simulator.auth.keyring import key
from simulator.exchange import Caller, Exchange, Reply, json_reply
from simulator.ids import text_of
from simulator.refusal import NotSimulated, OAuthRefusal, Refusal
from simulator.sandbox import Site
from simulator.vendors.epic import ids, paths

LIFETIME = timedelta(hours=1)  # doc, and seen as 3600
CLIENT_KEY = 0
SERVER_KEY = 8  # signs access tokens
SERVED = (
    "AllergyIntolerance", "Condition", "Encounter", "Immunization", "Location", "Medication", "MedicationRequest",
    "Observation", "Organization", "Patient", "Practitioner",
)  # fmt: skip

RULES = assertion.Rules(
    algs=frozenset({"RS256", "RS384", "RS512"}),  # ES256 and ES384 only when the keys come from a URL (doc)
    kid_required=False,
    max_exp_ahead=timedelta(minutes=5),
    max_life=timedelta(minutes=5),
    skew=timedelta(0),
    max_jti=151,
    audience_list=False,
    jku="registered",
)
_ELSEWHERE = ("authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer")


def clients(site: Site) -> list[Client]:
    """Two registrations: `backend` may read every served type, `demographics` only who the patients are."""
    everything = tuple(f"system/{served}.read" for served in SERVED)
    few = tuple(f"system/{served}.read" for served in ("Location", "Organization", "Patient", "Practitioner"))
    return [_client(site, "backend", everything, CLIENT_KEY), _client(site, "demographics", few, CLIENT_KEY + 1)]


def _client(site: Site, name: str, granted: tuple[str, ...], slot: int) -> Client:
    raw = text_of(site.key, "client", name)
    client_id = "-".join((raw[:8], raw[8:12], "4" + raw[13:16], "a" + raw[17:20], raw[20:]))
    return Client(name, "private_key_jwt", client_id, granted, kid=f"{name}-1", key_slot=slot)


def admit(x: Exchange) -> Caller | None:
    """Who asks; None at public doors.

    Raises:
        Refusal: unauthenticated (no token, or not a live one), forbidden with reason insufficient_scope.
    """
    needs = x.route.needs if x.route else None
    if needs is None:
        return None
    token = x.site.tokens.find(bearer.token_text(x), x.at)
    if not token.allows(*needs):
        raise Refusal(
            "forbidden", f"{needs[0]}.{needs[1]} is not in the registration", reason="insufficient_scope",
            resource=needs[0],
        )  # fmt: skip
    return Caller(token.client_id, token.id, token.scopes, token.patient, token.allows)


def token(x: Exchange) -> Reply:
    """The token endpoint, for client_credentials with a private key.

    Raises:
        OAuthRefusal: with the exact rule as reason.
        NotSimulated: the grants of people who log in.
    """
    form = Form.of(x)
    grant = form.need("grant_type")
    if grant in _ELSEWHERE:
        raise NotSimulated(f"Epic's token endpoint with grant_type={grant}")
    if grant != "client_credentials":
        raise OAuthRefusal("unsupported_grant_type", "grant_unknown", f"grant_type {grant}")
    client = _proven(x, form)
    granted = granted_scopes(client)
    text = _access_token(x, client)
    x.site.tokens.issue(
        client.client_id, granted, now=x.at, lifetime=LIFETIME, allows=scopes.compile(client.scopes), text=text
    )
    answer = {"access_token": text, "token_type": "Bearer", "expires_in": 3600, "scope": " ".join(granted)}
    return json_reply(
        200, answer, "application/json; charset=utf-8",
        cache_control="no-cache, no-store", pragma="no-cache", x_frame_options="sameorigin",
    )  # fmt: skip


def _proven(x: Exchange, form: Form) -> Client:
    """The client whose assertion holds."""
    if form.get("client_secret") or (x.header("authorization") or "").lower().startswith("basic "):
        raise OAuthRefusal("invalid_client", "method_not_registered", "the client is registered with a public key")
    if form.need("client_assertion_type") != assertion.TYPE:
        raise OAuthRefusal("invalid_client", "assertion_type_wrong", "client_assertion_type is not jwt-bearer")
    text = form.need("client_assertion")
    peeked = assertion.peek(text)
    if peeked is None:
        raise OAuthRefusal("invalid_client", "assertion_malformed", "the assertion is no JWT in compact form")
    x.notes["assertion"] = {"header": peeked[0], "claims": peeked[1]}
    client = x.site.clients.get(str(peeked[1].get("iss")))
    if client is None or client.key is None:
        raise OAuthRefusal("invalid_client", "client_unknown", f"no client {peeked[1].get('iss')!r}")
    x.notes["client_id"] = client.client_id
    assertion.verify(
        text,
        client=client,
        keys={client.key.kid: client.key.joserfc},
        audiences=(x.base_url + paths.TOKEN,),
        wall=x.sandbox.clock.wall(),
        now=x.at,
        guard=x.site.replay,
        rules=RULES,
    )
    return client


def granted_scopes(client: Client) -> tuple[str, ...]:
    """What the registration holds as the token answer words it: `.Read` beside `.read`, another order, one type more.

    Source: FS (surplus, order and mixed case: seen, for logins; which scope is spelled how: guess).
    """
    listed = sorted(client.scopes, key=lambda scope: scope[::-1])
    mixed = [scope[:-4] + "Read" if place % 3 == 1 else scope for place, scope in enumerate(listed)]
    return ("system/Provenance.Read", *mixed)


def _access_token(x: Exchange, client: Client) -> str:
    """A signed JWT as the sandbox of early 2026 gives it; production sites may give opaque text: never parse it."""
    number = x.site.tokens.next_number()
    issued = int(x.sandbox.clock.wall().timestamp())
    claims = {
        "aud": "urn:oid:fhir",
        "client_id": client.client_id,
        "epic.eci": "urn:epic:Open.Epic-current",
        "epic.metadata": text_of(x.site.secret, "metadata", number, length=160, alphabet=ids.LETTERS[:62] + "-_"),
        "epic.tokentype": "access",
        "exp": issued + int(LIFETIME.total_seconds()),
        "iat": issued,
        "iss": "urn:oid:1.2.840.114350.1.13.0.1.7.3.688884.100",
        "jti": text_of(x.site.secret, "jti", number),
        "nbf": issued,
        "sub": ids.fhir_id(x.site.key, "Practitioner", API_USER),
    }
    return jwt.encode({"alg": "RS256", "typ": "JWT"}, claims, key(SERVER_KEY).joserfc, algorithms=["RS256"])


API_USER = 1 << 39  # the number of the Practitioner on whose behalf backend services act ("User Interconnect")
