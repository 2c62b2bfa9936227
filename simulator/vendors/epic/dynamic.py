"""Dynamic clients: an app without a secret registers a key for each of its installations, and keeps access by it.

A login gives the app an initial access token, good for one registration; the key that was registered gives access
tokens for what that person granted, as long as the grant lives.

Source: SOURCES.md, "Dynamic clients" (OAUTH: the three requests; MERE: 404 where a site does not take part).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson

from simulator.auth import assertion, bearer, handover
from simulator.auth.clients import DYNAMIC, Client
from simulator.auth.form import Form
from simulator.auth.grants import Grant
from simulator.auth.keysets import MOST_KEYS
from simulator.exchange import Exchange, Reply, json_reply
from simulator.ids import seed_bytes
from simulator.refusal import OAuthRefusal, Refusal
from simulator.vendors.epic import paths, smart

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MOST = 10_000
_JSON = "application/json; charset=utf-8"


def is_on(x: Exchange) -> bool:
    """Whether this site takes part."""
    return bool(x.site.settings["dynamic_clients"])


def register(x: Exchange) -> Reply:
    """The registration endpoint.

    Raises:
        Refusal: not_found, where the site does not take part.
        OAuthRefusal: invalid_token: no initial access token, or none of an app that may; invalid_client_metadata.
    """
    if not is_on(x):
        raise Refusal("not_found", "this site registers no dynamic clients", reason="no_such_path")
    app, grant, token_id = _initial(x)
    jwks = _keys(x, app)
    if len(x.site.clients) >= MOST:
        raise OAuthRefusal("temporarily_unavailable", "too_many_clients", f"{MOST} clients are registered", status=503)
    made = Client(
        name=f"{app.name} of {grant.user.login} ({len(x.site.clients)})",
        auth=DYNAMIC,
        client_id=_id(x),
        scopes=app.scopes,
        jwks=jwks,
        since=x.at,
        grant=grant.id,
    )
    x.site.clients[made.client_id] = made
    x.site.tokens.revoke(token_id)  # it counts once
    x.notes |= {"client_id": app.client_id, "registered": made.client_id}
    told = {
        "redirect_uris": list(app.redirect_uris),
        "token_endpoint_auth_method": "none",
        "grant_types": [GRANT],
        "software_id": app.client_id,
        "client_id": made.client_id,
        "client_id_issued_at": int(x.sandbox.clock.wall().timestamp()),
        "jwks": jwks,
    }
    return json_reply(201, told, _JSON, cache_control="no-cache, no-store", pragma="no-cache")


def _initial(x: Exchange) -> tuple[Client, Grant, str]:
    """(app, grant, token id) behind the initial access token."""
    try:
        token = x.site.tokens.find(bearer.token_text(x), x.at)
    except Refusal as refusal:
        raise OAuthRefusal("invalid_token", refusal.reason, refusal.detail, status=401) from None
    app = x.site.clients.get(token.client_id)
    grant = x.site.desk.grants.of_id(token.grant) if token.grant else None
    if app is None or not app.dynamic or grant is None:
        raise OAuthRefusal("invalid_token", "not_dynamic", f"{token.client_id} registers no clients", status=401)
    return app, grant, token.id


def _keys(x: Exchange, app: Client) -> dict[str, Any]:
    """The keys of the request."""
    try:
        asked = orjson.loads(x.body)
        software, jwks = asked["software_id"], asked["jwks"]
        found = assertion.keys_of_jwks(jwks)
    except (ValueError, KeyError, TypeError) as flaw:
        raise _unfit("metadata_malformed", f"no JSON with software_id and jwks: {flaw!r}") from None
    if software != app.client_id:
        raise _unfit("software_mismatch", f"software_id {str(software)[:80]!r} is not {app.client_id}")
    if not found or len(jwks["keys"]) > MOST_KEYS or any("d" in one or "k" in one for one in jwks["keys"]):
        raise _unfit("keys_unfit", "no public key that signs and has a kid, or a private one, or too many")
    return {"keys": jwks["keys"]}


def _unfit(reason: str, detail: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_client_metadata", reason, detail)


def _id(x: Exchange) -> str:
    """The id of a dynamic client: a G before a UUID in capitals."""
    drawn = seed_bytes("dynamic client", x.site.secret.hex(), x.site.desk.grants.next_number())[:16]
    return "G" + str(UUID(bytes=drawn, version=4)).upper()


def proven(x: Exchange, form: Form, rules: assertion.Rules) -> tuple[Client, Grant]:
    """The dynamic client whose assertion holds, and what it has access to: as the person granted it to the app.

    Raises:
        OAuthRefusal: unsupported_grant_type where the site does not take part; invalid_client as
            `assertion.verify`; invalid_grant, when the grant has ended.
    """
    if not is_on(x):
        raise OAuthRefusal("unsupported_grant_type", "grant_unknown", "this site has no dynamic clients")
    named = form.need("client_id")
    x.notes["client_id"] = named
    client = x.site.clients.get(named)
    text = form.need("assertion")
    told = assertion.peek(text)
    if told is not None:
        x.notes["assertion"] = {"header": told[0], "claims": told[1]}
    if client is None or client.auth != DYNAMIC or client.jwks is None:
        raise OAuthRefusal("invalid_client", "client_unknown", f"no dynamic client {named[:80]!r}")
    assertion.verify(
        text,
        client=client,
        keys=assertion.keys_of_jwks(client.jwks),
        audiences=(paths.oauth_url(x, paths.TOKEN),),
        wall=x.sandbox.clock.wall(),
        now=x.at,
        guard=x.site.replay,
        rules=replace(rules, **x.site.settings.get("assertion_rules", {})),
    )
    book = x.site.desk.grants
    grant = book.of_id(client.grant)
    if grant is None or not book.is_live(grant.id) or x.at >= grant.at + smart.OFFLINE:
        raise OAuthRefusal("invalid_grant", "grant_ended", "what the person granted has ended")
    return client, replace(grant, client_id=client.client_id)


def handed(x: Exchange, grant: Grant) -> handover.Handed:
    """What a token for a dynamic client comes with: the scopes and the context of the login."""
    return grant, grant.scopes, {"scope": " ".join(grant.told), **smart.context(x, grant)}
