"""Tokens for people at patient access: two issuers, refresh tokens of two days, a patient that is not told.

Source: SOURCES.md, "Patient access" (EVANG, AUTHGUIDE, OAUTHCLIENT).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from simulator.auth import handover, identity, introspection, keyring, login, proof
from simulator.auth.clients import Client
from simulator.auth.form import Form
from simulator.auth.grants import Grant
from simulator.auth.handover import Keeping
from simulator.exchange import Exchange, Reply, json_reply
from simulator.refusal import NotSimulated, OAuthRefusal
from simulator.vendors.nextgen import paths
from simulator.vendors.nextgen.manner import MANNER, SCOPES, user_url

ID_KEY = 13  # signs id_tokens
LIFETIME = timedelta(hours=1)  # guess
ID_TOKEN_LIFE = timedelta(minutes=10)  # guess
UNUSED = timedelta(hours=48)  # doc: a refresh token must be exchanged within two days
_FOREVER = timedelta(days=3650)
KEEPING = Keeping(
    offline=_FOREVER, online=_FOREVER, idle=UNUSED, rotate=True
)  # that it is exchanged for another: guess
REALM = "realm"
"""The name under which a token's facts say for which of the two APIs it is."""


def issuer(x: Exchange) -> str:
    """The issuer that the SMART configuration names, and id_tokens."""
    return x.base_url + paths.OAUTH


def authorize(x: Exchange) -> Reply:
    """The authorize endpoint, GET and POST."""
    return login.door(x, MANNER)


def token(x: Exchange) -> Reply:
    """The token endpoint of patient access.

    Raises:
        OAuthRefusal: with the broken rule as reason.
        NotSimulated: client credentials, which are listed and described nowhere.
    """
    form = Form.of(x)
    kind = form.need("grant_type")
    if kind == "client_credentials":
        raise NotSimulated("NextGen's client credentials at patient access: listed, but described nowhere")
    client = proven(x, form)
    if kind == "authorization_code":
        grant, granted, told = _from_code(x, form, client)
    elif kind == "refresh_token":
        grant, granted, told = _from_refresh(x, form, client)
    else:
        raise OAuthRefusal("unsupported_grant_type", "grant_unknown", f"grant_type {kind}")
    made = handover.issue(x, grant, granted, lifetime=LIFETIME, realm="fhir")
    told = {
        "access_token": made.text,
        "token_type": "Bearer",
        "expires_in": int(LIFETIME.total_seconds()),
        "scope": " ".join(granted),
        **told,
    }
    return json_reply(200, told, cache_control="no-store", pragma="no-cache")


def proven(x: Exchange, form: Form) -> Client:
    """The app that asks: by Basic, by the form, or as a public one by its name."""
    if x.header("authorization") is not None:
        return proof.by_basic(x, form)
    if form.get("client_secret"):
        return proof.by_form(x, form)
    return proof.by_name(x, form)


def _from_code(x: Exchange, form: Form, client: Client) -> handover.Handed:
    grant = handover.by_code(x, form, client)
    told = _context(x, grant)
    if "openid" in grant.scopes:
        told["id_token"] = _id_token(x, grant)
    refresh = handover.first_refresh(x, grant, KEEPING)
    return grant, grant.scopes, told | ({"refresh_token": refresh} if refresh else {})


def _from_refresh(x: Exchange, form: Form, client: Client) -> handover.Handed:
    grant, scopes, replacement = handover.by_refresh(x, form, client, KEEPING)
    return grant, scopes, _context(x, grant) | ({"refresh_token": replacement} if replacement else {})


def _context(x: Exchange, grant: Grant) -> dict[str, Any]:
    """The launch context; who the patient is, only where the site tells it (setting `patient_told`)."""
    told = login.context_of(x, MANNER, grant)
    if not x.site.settings["patient_told"] and not grant.is_launch:
        told.pop("patient", None)
    return told


def _id_token(x: Exchange, grant: Grant) -> str:
    key = keyring.key(ID_KEY)
    who = user_url(x.site, x.base_url, grant.user)
    return identity.id_token(
        x, grant, key, issuer=issuer(x), subject=grant.user.login, life=ID_TOKEN_LIFE, fhirUser=who
    )


def revoke(x: Exchange) -> Reply:
    """Ends a token; 200 for unknown ones too (RFC 7009 section 2.2)."""
    form = Form.of(x)
    client = proven(x, form)
    introspection.revoke(x, form.need("token"), client.client_id)
    return Reply(200)


def keys(x: Exchange) -> Reply:
    """The keys that verify id_tokens, at both addresses that the two documents name."""
    return json_reply(200, keyring.jwks(keyring.key(ID_KEY)))


def smart_configuration(x: Exchange) -> Reply:
    """The SMART configuration: its issuer is the token server."""
    made = {
        "issuer": issuer(x),
        "jwks_uri": f"{x.base_url}{paths.FHIR_SERVER}/.well-known/jwks.json",
        "authorization_endpoint": x.base_url + paths.AUTHORIZE,
        "token_endpoint": x.base_url + paths.TOKEN,
        "revocation_endpoint": x.base_url + paths.REVOKE,
        "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
        "response_types_supported": ["code"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": list(SCOPES),
        "code_challenge_methods_supported": ["S256"],
        "capabilities": [
            "launch-ehr", "launch-standalone", "client-public", "client-confidential-symmetric", "sso-openid-connect",
            "context-ehr-patient", "context-ehr-encounter", "context-standalone-patient", "permission-offline",
            "permission-patient", "permission-user", "permission-v1",
        ],
    }  # fmt: skip
    return json_reply(200, made)


def openid_configuration(x: Exchange) -> Reply:
    """The OpenID document: its issuer is the FHIR base, another one than that of the SMART configuration (seen)."""
    made = {
        "issuer": x.base_url + paths.FHIR,
        "response_types_supported": ["code", "id_token", "token id_token"],
        "jwks_uri": f"{x.base_url}{paths.FHIR}/.well-known/jwk",
        "subject_types_supported": ["pairwise", "public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "authorization_endpoint": x.base_url + paths.AUTHORIZE,
        "token_endpoint": x.base_url + paths.TOKEN,
        "revocation_endpoint": x.base_url + paths.REVOKE,
    }
    return json_reply(200, made)
