"""How Epic lets clients in: a proof against a token, a token against data.

Whatever is wrong with an assertion, the caller hears the same words (`invalid_client`, description null); the rule that
was broken goes into the journal. What a client may do follows from its registration: the scopes asked for change
nothing, and the scopes granted come back in another order and letter case, with more than was asked (E27).

Source: SOURCES.md, "Tokens" (OAUTH: the rules; FS and FHIRPY: the token).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from joserfc import jwt

from simulator.auth import assertion, bearer, handover, introspection, mtls, proof, scopes
from simulator.auth.clients import HTTP_BASIC, MUTUAL_TLS, Client
from simulator.auth.form import Form
from simulator.auth.keysets import Habit
from simulator.auth.manner import withheld
from simulator.auth.sight import sight_of
from simulator.exchange import Caller, Exchange, Reply, json_reply
from simulator.ids import text_of
from simulator.refusal import OAuthRefusal, Refusal
from simulator.sandbox import Site
from simulator.vendors.epic import accounts, dialect, dynamic, ids, licences, manner, paths, smart
from simulator.vendors.epic.params import WRITES

LIFETIME = timedelta(hours=1)  # doc, and seen as 3600
CLIENT_KEY = 0
SERVER_KEY = 8  # signs access tokens

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
_URL_RULES = replace(RULES, algs=RULES.algs | {"ES256", "ES384"})
KEYS_KEPT = Habit(longest=timedelta(hours=29), otherwise=timedelta(hours=29))  # doc: 29 h by default and at most
REDIRECTS = ("http://127.0.0.1/callback", "http://localhost/callback")
LAUNCH_URL = "http://127.0.0.1/launch"


def clients(site: Site) -> list[Client]:
    """Backend services: `backend` for every type the site has a licence for, `demographics` for who the patients are,
    `backend-tls` with a certificate, `backend-write` for writing too, `web-services` with the account of a user. And
    four apps of people who log in: public, with a secret, with a key, and one that registers a client for each
    installation."""
    few = ("Location", "Organization", "Patient", "Practitioner")
    types = licences.held(site)
    people = (*manner.SPECIAL, *_read("patient", types), *_read("user", types))
    return [
        _client(site, "backend", "private_key_jwt", _read("system", types), CLIENT_KEY),
        _client(site, "demographics", "private_key_jwt", _read("system", few), CLIENT_KEY + 1),
        _app(site, "app-public", "none", (*(one for one in people if one != "offline_access"),)),
        _app(site, "app-secret", "client_secret_basic", people),
        _app(site, "app-key", "private_key_jwt", people, CLIENT_KEY + 2),
        _client(site, "backend-tls", MUTUAL_TLS, _read("system", types), CLIENT_KEY + 3),
        replace(
            _app(site, "app-dynamic", "none", (*manner.SPECIAL, *_read("patient", types))), dynamic=True, offline=False
        ),
        replace(
            _client(site, "web-services", HTTP_BASIC, (*_read("system", types), *_write("system")), None),
            username=f"{accounts.PREFIX}INTERFACE1",
            client_secret=text_of(site.key, "password", "web-services", length=24),
        ),
        _client(site, "backend-write", "private_key_jwt", (*_read("system", types), *_write("system")), CLIENT_KEY + 4),
    ]


def _read(context: str, types: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{context}/{served}.read" for served in types)


def _write(context: str) -> tuple[str, ...]:
    return tuple(f"{context}/{written}.write" for written in (*WRITES, "ServiceRequest"))


def _app(site: Site, name: str, method: str, granted: tuple[str, ...], slot: int | None = None) -> Client:
    made = _client(site, name, method, granted, slot)
    return replace(
        made, redirect_uris=REDIRECTS, launch_url=LAUNCH_URL, offline="offline_access" in granted,
        client_secret=text_of(site.key, "client secret", name, length=64) if method == "client_secret_basic" else "",
    )  # fmt: skip


def _client(site: Site, name: str, method: str, granted: tuple[str, ...], slot: int | None) -> Client:
    kid = f"{name}-1" if slot is not None else ""
    return Client(name, method, manner.client_id(site, name), granted, kid=kid, key_slot=slot)


def admit(x: Exchange) -> Caller | None:
    """Who asks; None at public doors.

    Raises:
        Refusal: unauthenticated (no token, or not a live one), forbidden with reason insufficient_scope or
            not_licensed.
    """
    needs = x.route.needs if x.route else None
    if needs is None:
        return None
    caller = _caller(x)
    if not caller.allows(*needs):
        raise Refusal(
            "forbidden", f"{needs[0]}.{needs[1]} is not in the registration", reason="insufficient_scope",
            resource=needs[0],
        )  # fmt: skip
    licences.check(x.site, needs[0])
    return caller


def _caller(x: Exchange) -> Caller:
    """The holder of the token, or of the account that is shown in its place."""
    try:
        text = bearer.token_text(x)
    except Refusal as refusal:
        if refusal.reason != "wrong_scheme":
            raise
        return accounts.caller(x)
    token = x.site.tokens.find(text, x.at)
    mtls.check(x, token.facts, token.id)
    persona = token.facts.get(handover.PERSONA, "")
    return Caller(token.client_id, token.id, token.scopes, token.patient, token.allows, token.sight, persona)


def token(x: Exchange) -> Reply:
    """The token endpoint: for backend services with a private key, apps that people let in, and dynamic clients.

    Raises:
        OAuthRefusal: with the exact rule as reason.
    """
    form = Form.of(x)
    grant = form.need("grant_type")
    if grant == dynamic.GRANT:
        client, carried = dynamic.proven(x, form, RULES)
        told = _to_people(x, client, dynamic.handed(x, carried))
    elif grant in _GRANTS_OF_PEOPLE:
        client = _proven(x, form)
        told = _to_people(x, client, _GRANTS_OF_PEOPLE[grant](x, form, client))
    elif grant == "client_credentials":
        told = _backend(x, _proven(x, form))
    else:
        raise OAuthRefusal("unsupported_grant_type", "grant_unknown", f"grant_type {grant}")
    return json_reply(
        200, told, "application/json; charset=utf-8",
        cache_control="no-cache, no-store", pragma="no-cache", x_frame_options="sameorigin",
    )  # fmt: skip


def _backend(x: Exchange, client: Client) -> dict[str, Any]:
    if client.is_app or client.auth not in ("private_key_jwt", MUTUAL_TLS):
        raise OAuthRefusal("unauthorized_client", "grant_not_registered", f"{client.name} is no backend service")
    held = withheld(x.site.settings, client.scopes)
    granted = granted_scopes(held) if x.site.settings["granted_words"] == "v1" else granted_in_v2(held)
    bound = mtls.binding(x, client)
    text = _access_token(x, client.client_id, ids.fhir_id(x.site.key, "Practitioner", dialect.API_USER), bound)
    x.site.tokens.issue(
        client.client_id, granted, now=x.at, lifetime=LIFETIME, allows=scopes.compile(held), text=text,
        sight=sight_of(held, None, own_only=False), facts=bound,
    )  # fmt: skip
    return {"access_token": text, "token_type": "Bearer", "expires_in": 3600, "scope": " ".join(granted)}


_GRANTS_OF_PEOPLE = {"authorization_code": smart.from_code, "refresh_token": smart.from_refresh}


def _to_people(x: Exchange, client: Client, handed: handover.Handed) -> dict[str, Any]:
    grant, granted, told = handed
    text = _access_token(x, client.client_id, manner.user_id(x.site, grant.user))
    handover.issue(x, grant, granted, lifetime=LIFETIME, text=text)
    return {"access_token": text, "token_type": "Bearer", "expires_in": 3600, **told}


def introspect(x: Exchange) -> Reply:
    """The introspection endpoint, for registered clients and holders of a token."""
    form = Form.of(x)
    if not introspection.by_bearer(x):
        _proven(x, form)
    return smart.introspect(x, form)


def _proven(x: Exchange, form: Form) -> Client:
    """The client that proves itself: by certificate, assertion, secret, or as a public app by its name alone."""
    delay_s = float(x.site.settings["propagation_s"])
    if proof.is_mutual(x, form):
        return proof.by_certificate(x, form, delay_s=delay_s)
    by_basic = (x.header("authorization") or "").lower().startswith("basic ")
    if form.get("client_assertion") or form.get("client_assertion_type"):
        if by_basic or form.get("client_secret"):
            raise OAuthRefusal("invalid_client", "method_not_registered", "an assertion and a secret")
        peeked = assertion.peek(form.get("client_assertion") or "")
        known = x.site.clients.get(str(peeked[1].get("iss"))) if peeked is not None else None
        rules = _URL_RULES if known is not None and known.jwks_uri else RULES
        return proof.by_assertion(x, form, audiences=(paths.oauth_url(x, paths.TOKEN),), rules=rules, delay_s=delay_s)
    if by_basic:
        return proof.by_basic(x, form, delay_s=delay_s)
    if form.get("client_secret"):
        return proof.by_form(x, form, delay_s=delay_s)
    if form.get("grant_type") == "client_credentials":
        form.need("client_assertion_type")
    return proof.by_name(x, form, delay_s=delay_s)


def granted_scopes(held: tuple[str, ...]) -> tuple[str, ...]:
    """What the registration holds as the token answer words it: `.Read` beside `.read`, another order, one type more.

    Source: FS (surplus, order and mixed case: seen, for logins; which scope is spelled how: guess).
    """
    listed = sorted(held, key=lambda scope: scope[::-1])
    mixed = [
        scope[:-4] + "Read" if place % 3 == 1 and scope.endswith(".read") else scope
        for place, scope in enumerate(listed)
    ]
    return ("system/Claim.Read", *mixed)


def granted_in_v2(held: tuple[str, ...]) -> tuple[str, ...]:
    """The same in the words of SMART v2, as the sandbox of April 2026 gives it: a scope for each single action, sorted.

    Source: MAP.
    """
    told: list[str] = []
    for text in held:
        scope = scopes.parse(text)
        if scope is None or scope.version == 2:
            told.append(text)
            continue
        told += [f"{scope.context}/{scope.type}.{action}" for action in scope.actions if action != "d"]
    return tuple(sorted({*told, "system/Claim.cu"}))


def _access_token(x: Exchange, client_id: str, subject: str, bound: dict[str, str] | None = None) -> str:
    """A signed JWT as the sandbox of early 2026 gives it; production sites may give opaque text: never parse it."""
    number = x.site.tokens.next_number()
    issued = int(x.sandbox.clock.wall().timestamp())
    claims = {
        "aud": "urn:oid:fhir",
        "client_id": client_id,
        "epic.eci": "urn:epic:Open.Epic-current",
        "epic.metadata": text_of(x.site.secret, "metadata", number, length=160, alphabet=ids.LETTERS[:62] + "-_"),
        "epic.tokentype": "access",
        "exp": issued + int(LIFETIME.total_seconds()),
        "iat": issued,
        "iss": x.site.settings["token_issuer"],
        "jti": text_of(x.site.secret, "jti", number),
        "nbf": issued,
        "sub": subject,
        **({"cnf": bound} if bound else {}),
    }
    signer = x.site.signing.key(SERVER_KEY).joserfc
    return jwt.encode({"alg": "RS256", "typ": "JWT"}, claims, signer, algorithms=["RS256"])
