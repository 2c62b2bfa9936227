"""Who may call: service accounts of the proprietary API, apps of people at FHIR, a bridge that brings messages.

A service account works unattended and may read only; its token is good for one site of the customer. Tokens of the one
API are worth nothing at the other.

Source: SOURCES.md, "Service accounts" (SDK, BITFOUNT, TRIALLY) and "Messages" (NGODOC).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from simulator.auth import accounts, api_keys, bearer, handover, proof
from simulator.auth.clients import HTTP_BASIC, Client
from simulator.auth.form import Form
from simulator.exchange import Caller, Exchange, Reply
from simulator.ids import text_of
from simulator.refusal import OAuthRefusal, Refusal
from simulator.vendors.nextgen import ids, manner, smart
from simulator.vendors.nextgen.words import answer

if TYPE_CHECKING:
    from simulator.sandbox import Site

LIFETIME = timedelta(hours=1)
API, MESSAGES = "nge-api", "messages"
"""What the proprietary API and the intake of messages are called where a resource type is asked for."""
_READING = "service:read"
REDIRECTS = ("http://127.0.0.1/callback", "http://localhost/callback")
LAUNCH_URL = "http://127.0.0.1/launch"
KEY_HEADER = "X-API-Key"


def site_id(site: Site) -> str:
    """Which installation of the customer this is: test and production of one practice have different ones."""
    return ids.guid(site, "site")


def clients(site: Site) -> list[Client]:
    """A service account, apps of people (public, with a secret), the API key of a gateway, a bridge for messages."""
    people = manner.SCOPES
    app = replace(Client("", "none", "", people), redirect_uris=REDIRECTS, launch_url=LAUNCH_URL, offline=True)
    app = replace(app, token_at=manner.MANNER.token_at)
    return [
        _client(site, "service", "client_secret_post", (_READING,), token_form={"site_id": site_id(site)}),
        replace(app, name="app-public", client_id=_id(site, "app-public")),
        replace(
            app, name="app-secret", auth="client_secret_basic", client_id=_id(site, "app-secret"),
            client_secret=_secret(site, "app-secret"),
        ),
        replace(
            Client("gateway-key", "api_key", _id(site, "gateway-key"), (_READING,)),
            api_key=text_of(site.key, "api key", "gateway-key", length=40), header=KEY_HEADER,
        ),
        replace(
            Client("bridge", HTTP_BASIC, _id(site, "bridge"), (MESSAGES,)), username="bridge",
            client_secret=_secret(site, "bridge"), api_key=text_of(site.key, "api key", "bridge", length=40),
            header=KEY_HEADER,
        ),
    ]  # fmt: skip


def _client(site: Site, name: str, method: str, granted: tuple[str, ...], token_form: dict[str, str]) -> Client:
    made = Client(name, method, _id(site, name), granted, client_secret=_secret(site, name))
    return replace(made, token_form=token_form)


def _id(site: Site, name: str) -> str:
    return ids.guid(site, "client", name)


def _secret(site: Site, name: str) -> str:
    return text_of(site.key, "secret", name, length=40)


def token(x: Exchange) -> Reply:
    """The token endpoint of the proprietary API: id, secret and site in the body, no refresh token.

    Raises:
        OAuthRefusal: with the broken rule as reason.
    """
    form = Form.of(x)
    if form.need("grant_type") != "client_credentials":
        raise OAuthRefusal("unsupported_grant_type", "grant_unknown", f"grant_type {form.get('grant_type')}")
    if x.header("authorization") is not None and form.get("client_secret") is None:
        raise OAuthRefusal("invalid_client", "auth_method_wrong", "id and secret belong into the body")
    client = proof.by_form(x, form)
    if client.is_app or _READING not in client.scopes:
        raise OAuthRefusal("unauthorized_client", "grant_not_registered", f"{client.name} is no service account")
    if form.need("site_id") != site_id(x.site):
        raise OAuthRefusal("invalid_grant", "site_unknown", f"no site {form.get('site_id')}")
    made = x.site.tokens.issue(
        client.client_id, client.scopes, now=x.at, lifetime=LIFETIME, allows=_rights(client.scopes),
        facts={smart.REALM: API},
    )  # fmt: skip
    x.notes["token_id"] = made.id
    told = {"access_token": made.text, "token_type": "Bearer", "expires_in": int(LIFETIME.total_seconds())}
    return answer(x, told)


def _rights(scopes: tuple[str, ...]) -> Callable[[str, str], bool]:
    """A service account reads; the bridge brings messages."""
    rights = {(API, "r")} if _READING in scopes else {(MESSAGES, "c")}
    return lambda what, action: (what, action) in rights


def admit(x: Exchange) -> Caller | None:
    """Who asks; None at public doors.

    Raises:
        Refusal: unauthenticated (no token, not a live one, one of the other API), forbidden with reason right_missing.
    """
    needs = x.route.needs if x.route is not None else None
    if needs is None:
        return None
    what, action = needs
    caller = _bridge(x) if what == MESSAGES else _by_key(x) if what == API and _shows_key(x) else _by_token(x, what)
    if not caller.allows(what, action):
        raise Refusal("forbidden", f"{caller.client_id} may not {action} {what}", reason="right_missing", resource=what)
    return caller


def _by_token(x: Exchange, what: str) -> Caller:
    held = x.site.tokens.find(bearer.token_text(x), x.at)
    realm = held.facts.get(smart.REALM)
    if realm != (API if what == API else "fhir"):
        raise Refusal("unauthenticated", f"the token is for {realm}", reason="token_audience", token_id=held.id)
    persona = held.facts.get(handover.PERSONA, "")
    return Caller(held.client_id, held.id, held.scopes, held.patient, held.allows, held.sight, persona)


def _shows_key(x: Exchange) -> bool:
    return x.header("authorization") is None and x.header(KEY_HEADER) is not None


def _by_key(x: Exchange) -> Caller:
    """The holder of an API key of a gateway before the vendor's hosts, with the rights of its registration."""
    client = api_keys.by_key(x)
    assert client is not None
    return Caller(client.client_id, "", client.scopes, None, _rights(client.scopes))


def _bridge(x: Exchange) -> Caller:
    """Whoever brings messages shows an account and an API key, both of the same client."""
    client = accounts.holder(x)
    key = x.header(KEY_HEADER)
    flaw = client.key_flaw(key, x.at) if key is not None and client.api_key else "key_missing"
    if flaw:
        raise Refusal("unauthenticated", f"the API key of {client.name}: {flaw}", reason=flaw)
    return Caller(client.client_id, "", client.scopes, None, _rights(client.scopes))
