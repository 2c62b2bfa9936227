"""Tokens for people at athena: from a code, from a refresh token; what they are worth, how they end, who the user is.

Source: SOURCES.md, "Claims" (token endpoint and additional endpoints guides; what they leave open: guess).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from simulator.auth import handover, identity, introspection, login
from simulator.auth.clients import Client
from simulator.auth.form import Form
from simulator.auth.grants import Grant
from simulator.auth.handover import Keeping
from simulator.exchange import Exchange, Reply, json_reply
from simulator.refusal import OAuthRefusal
from simulator.vendors.athena.manner import MANNER

if TYPE_CHECKING:
    from simulator.sandbox import Site

ISSUER_SLOT = 6
ID_TOKEN_LIFE = timedelta(hours=1)
OFFLINE = timedelta(days=365)
_SERVER = "/idp/oauth2/aus2hff5eqFb7Wqfh297"
STYLE = "/fhir/smart-style.json"


def issuer(x: Exchange) -> str:
    """The identity provider: at the vendor on a host of its own (seen), here below a path of its own."""
    return x.base_url + _SERVER


def keeping(site: Site, client: Client) -> Keeping:
    """Refresh tokens of public apps rotate, others when the setting `rotate_refresh` says so (guess: Okta's habit)."""
    rotate = client.auth == "none" or bool(site.settings["rotate_refresh"])
    return Keeping(offline=OFFLINE, online=OFFLINE, rotate=rotate)


def authorize(x: Exchange) -> Reply:
    """The authorize endpoint, GET and POST."""
    return login.door(x, MANNER)


def from_code(x: Exchange, form: Form, client: Client) -> handover.Handed:
    """Context, identity and refresh token for a code."""
    grant = handover.by_code(x, form, client)
    told = _context(x, grant)
    if "openid" in grant.scopes:
        told["id_token"] = _id_token(x, grant)
    refresh = handover.first_refresh(x, grant, keeping(x.site, client))
    return grant, grant.scopes, told | ({"refresh_token": refresh} if refresh else {})


def from_refresh(x: Exchange, form: Form, client: Client) -> handover.Handed:
    """The same context for a refresh token; another refresh token where they rotate."""
    grant, scopes, replacement = handover.by_refresh(x, form, client, keeping(x.site, client))
    return grant, scopes, _context(x, grant) | ({"refresh_token": replacement} if replacement else {})


def _context(x: Exchange, grant: Grant) -> dict[str, Any]:
    told = login.context_of(x, MANNER, grant)
    if grant.is_launch:
        told.setdefault("need_patient_banner", True)
        told["smart_style_url"] = x.base_url + STYLE
    return told


def _id_token(x: Exchange, grant: Grant) -> str:
    claims: dict[str, Any] = {"name": grant.user.name, "preferred_username": grant.user.login}
    if "fhirUser" in grant.scopes:
        claims["fhirUser"] = MANNER.user_url(x.site, x.base_url, grant.user)
    key = x.site.signing.key(ISSUER_SLOT)
    return identity.id_token(x, grant, key, issuer=issuer(x), subject=grant.user.login, life=ID_TOKEN_LIFE, **claims)


def openid_configuration(x: Exchange) -> Reply:
    """The document below the issuer."""
    root = f"{x.base_url}/oauth2/v1"
    made = identity.configuration(
        issuer(x),
        authorization_endpoint=f"{root}/authorize",
        token_endpoint=f"{root}/token",
        jwks_uri=f"{root}/keys",
        introspection_endpoint=f"{root}/introspect",
        revocation_endpoint=f"{root}/revoke",
    )
    return json_reply(200, made)


def style(x: Exchange) -> Reply:
    """What `smart_style_url` leads to."""
    made = {
        "color_background": "#ffffff",
        "color_error": "#b00020",
        "color_highlight": "#5b2d8e",
        "color_modal_backdrop": "",
        "color_success": "#2e7d32",
        "color_text": "#222222",
        "dim_border_radius": "4px",
        "dim_font_size": "14px",
        "dim_spacing_size": "16px",
        "font_family_body": "Arial, sans-serif",
        "font_family_heading": "Arial, sans-serif",
    }
    return json_reply(200, made)


def introspect(x: Exchange, asked: dict[str, str]) -> Reply:
    """What a token is worth: `token` and `token_type_hint` are both required (doc)."""
    for name in ("token", "token_type_hint"):
        if not asked.get(name):
            raise OAuthRefusal("invalid_request", "parameter_missing", f"{name} is missing", parameter=name)
    found = introspection.standing_of(x, asked["token"])
    if found is None:
        return json_reply(200, {"active": False}, cache_control="no-store")
    wall = int(x.sandbox.clock.wall().timestamp())
    told: dict[str, Any] = {
        "active": True,
        "scope": " ".join(found.scopes),
        "client_id": found.client_id,
        "exp": wall + found.seconds_left(x.at),
        "token_type": "Bearer",
        "iss": issuer(x),
        "sub": found.client_id,
    }
    if found.grant is not None:
        told |= {"sub": found.grant.user.login, "username": found.grant.user.login, **_context(x, found.grant)}
        told["fhirUser"] = MANNER.user_url(x.site, x.base_url, found.grant.user)
    return json_reply(200, told, cache_control="no-store")


def revoke(x: Exchange, form: Form, client: Client) -> Reply:
    """Ends a token; 200 for unknown ones too (RFC 7009 section 2.2)."""
    introspection.revoke(x, form.need("token"), client.client_id)
    return Reply(200)
