"""Tokens for people: from a code, from a refresh token; what they are worth, how they end, who the user is.

Source: SOURCES.md, "Logins" (T, Y: answers and refresh tokens; E: paths; what introspection tells: guess).
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import orjson

from simulator.auth import authorizations as authorizations_page
from simulator.auth import handover, identity, introspection, login
from simulator.auth.clients import Client
from simulator.auth.form import Form
from simulator.auth.grants import Grant
from simulator.auth.handover import Keeping
from simulator.exchange import Exchange, Reply, json_reply
from simulator.ids import text_of
from simulator.sandbox import Site
from simulator.vendors.cerner import urls
from simulator.vendors.cerner.ids import tenant_of
from simulator.vendors.cerner.manner import PERSONAS, PROVIDER, user_id, user_url

ID_KEY = 10  # signs id_tokens
ID_TOKEN_LIFE = timedelta(minutes=10)
UNUSED = timedelta(days=90)  # doc: offline access ends after three months without use
SESSION = timedelta(hours=12)  # online access ends with the user's session; how long one lasts: guess
FOREVER = timedelta(days=3650)


def keeping(site: Site) -> Keeping:
    """A refresh gives no new refresh token (seen), unless the site is told so (setting `rotate_refresh`)."""
    return Keeping(offline=FOREVER, online=SESSION, idle=UNUSED, rotate=bool(site.settings["rotate_refresh"]))


def authorizations(x: Exchange) -> Reply:
    """The page of one persona where people end what they have granted."""
    assert x.route is not None
    return authorizations_page.door(x, PERSONAS[x.route.args[0]])


def authorize(x: Exchange) -> Reply:
    """The door of one persona, GET and POST."""
    assert x.route is not None
    return login.door(x, PERSONAS[x.route.args[0]])


def from_code(x: Exchange, form: Form, client: Client) -> handover.Handed:
    """Context, identity and refresh token for a code."""
    grant = handover.by_code(x, form, client)
    told = _context(x, grant)
    if "openid" in grant.scopes:
        told["id_token"] = _id_token(x, grant)
    refresh = handover.first_refresh(x, grant, keeping(x.site), _refresh_text(x, grant))
    return grant, grant.scopes, told | ({"refresh_token": refresh} if refresh else {})


def from_refresh(x: Exchange, form: Form, client: Client) -> handover.Handed:
    """The same context for a refresh token; whoever stores the refresh token of this answer stores nothing."""
    grant, scopes, replacement = handover.by_refresh(x, form, client, keeping(x.site))
    return grant, scopes, _context(x, grant) | ({"refresh_token": replacement} if replacement else {})


def _context(x: Exchange, grant: Grant) -> dict[str, Any]:
    told = login.context_of(x, PROVIDER, grant)
    told |= {"user": user_id(x.site, grant.user), "username": grant.user.login, "tenant": tenant_of(x.site)}
    if grant.patient is not None:
        told.setdefault("need_patient_banner", grant.is_launch)
    if grant.is_launch:
        told["smart_style_url"] = x.base_url + urls.STYLE
    return told


def _refresh_text(x: Exchange, grant: Grant) -> str:
    """Base64 of JSON, as recorded: the caller need not know."""
    number = x.site.desk.grants.next_number()
    made = {
        "id": text_of(x.site.secret, "refresh id", number, length=32),
        "secret": text_of(x.site.secret, "refresh secret", number, length=32),
        "ver": "1.1",
        "type": f"{grant.access}_access",
        "profile": "smart-v1",
        "persona": "patient" if grant.user.kind == "patient" else "provider",
    }
    return base64.b64encode(orjson.dumps(made)).decode()


# Who the user is


def issuer(x: Exchange) -> str:
    """`iss` of id_tokens: not the issuer of smart-configuration (seen)."""
    return f"{urls.tenant_url(x.base_url, x.site)}/oidc/idsps/{tenant_of(x.site)}/"


def _id_token(x: Exchange, grant: Grant) -> str:
    who = user_url(x.site, x.base_url, grant.user)
    claims: dict[str, Any] = {"name": grant.user.name}
    if "fhirUser" in grant.scopes or "profile" in grant.scopes:
        claims |= {"profile": who, "fhirUser": who}
    return identity.id_token(
        x, grant, x.site.signing.key(ID_KEY), issuer=issuer(x), subject=grant.user.login, life=ID_TOKEN_LIFE, **claims
    )


def openid_configuration(x: Exchange) -> Reply:
    """The document below the issuer of id_tokens."""
    persona = urls.authorize_url(x.base_url, x.site, "provider")
    made = identity.configuration(
        issuer(x),
        authorization_endpoint=persona,
        token_endpoint=urls.token_urls(x.base_url, x.site)[0],
        jwks_uri=f"{x.base_url}/jwk",
    )
    return json_reply(200, made)


def style(x: Exchange) -> Reply:
    """What `smart_style_url` leads to."""
    made = {
        "color_background": "#ffffff",
        "color_error": "#e50000",
        "color_highlight": "#0b6fa4",
        "color_modal_backdrop": "",
        "color_success": "#2f7d4f",
        "color_text": "#1c1f21",
        "dim_border_radius": "0",
        "dim_font_size": "14px",
        "dim_spacing_size": "16px",
        "font_family_body": "'Helvetica Neue', Helvetica, Arial, sans-serif",
        "font_family_heading": "'Helvetica Neue', Helvetica, Arial, sans-serif",
    }
    return json_reply(200, made)


# What a token is worth


def introspect(x: Exchange, form: Form) -> Reply:
    """What a token is worth, in RFC 7662's members and the launch context."""
    found = introspection.standing_of(x, form.need("token"))
    if found is None:
        return json_reply(200, {"active": False})
    wall = int(x.sandbox.clock.wall().timestamp())
    told: dict[str, Any] = {
        "active": True,
        "scope": " ".join(found.scopes),
        "client_id": found.client_id,
        "exp": wall + found.seconds_left(x.at),
        "token_type": "Bearer",
        **({"cnf": found.cnf} if found.cnf else {}),
    }
    if found.grant is not None:
        told |= {"iss": issuer(x), "sub": found.grant.user.login, **_context(x, found.grant)}
        told["fhirUser"] = user_url(x.site, x.base_url, found.grant.user)
    return json_reply(200, told)


def revoke(x: Exchange, form: Form, client: Client) -> Reply:
    """Ends a token; 200 for unknown ones too (RFC 7009 section 2.2)."""
    introspection.revoke(x, form.need("token"), client.client_id)
    return Reply(200)
