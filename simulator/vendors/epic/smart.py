"""Tokens for people at Epic: from a code, from a refresh token; introspection; what identity documents say.

Source: SOURCES.md, "Logins" (OAUTH: members, id_token, refresh; FS: the extra members, introspection).
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
from simulator.vendors.epic import ids, paths
from simulator.vendors.epic.manner import MANNER, user_id, user_url

if TYPE_CHECKING:
    from simulator.sandbox import Site

ID_TOKEN_LIFE = timedelta(minutes=5)
OFFLINE = timedelta(days=182)  # seen: about six months
ID_KEY = 9  # signs id_tokens
STYLE = paths.ROOT + "/api/epic/2016/EDI/HTTP/style/100001/tallgrass.json"
_JSON = "application/json; charset=utf-8"


def keeping(site: Site) -> Keeping:
    """Refresh tokens live for about six months; they rotate where the site says so (setting `rotate_refresh`)."""
    return Keeping(offline=OFFLINE, online=OFFLINE, rotate=bool(site.settings["rotate_refresh"]))


def authorize(x: Exchange) -> Reply:
    """The authorize endpoint, GET and POST."""
    return login.door(x, MANNER)


def from_code(x: Exchange, form: Form, client: Client) -> handover.Handed:
    """Context, identity and refresh token for a code."""
    grant = handover.by_code(x, form, client)
    told: dict[str, Any] = {"scope": " ".join(grant.told), **context(x, grant)}
    if "openid" in grant.scopes:
        told["id_token"] = _id_token(x, grant)
    refresh = handover.first_refresh(x, grant, keeping(x.site))
    return grant, grant.scopes, told | ({"refresh_token": refresh} if refresh else {})


def from_refresh(x: Exchange, form: Form, client: Client) -> handover.Handed:
    """Context for a refresh token; another refresh token only where they rotate."""
    grant, scopes, replacement = handover.by_refresh(x, form, client, keeping(x.site))
    spelled = dict(zip(grant.scopes, grant.told, strict=True))
    told = {"scope": " ".join(spelled.get(one, one) for one in scopes), **context(x, grant)}
    return grant, scopes, told | ({"refresh_token": replacement} if replacement else {})


def context(x: Exchange, grant: Grant) -> dict[str, Any]:
    """Members beside the token. Standalone launches hold neither encounter nor banner (doc)."""
    told = login.context_of(x, MANNER, grant)
    if grant.patient is not None:
        told["__epic.dstu2.patient"] = ids.dstu2_id(x.site.key, grant.patient)
    if grant.is_launch:
        told.setdefault("need_patient_banner", "true")  # a string (doc)
        told["need_patient_banner"] = str(told["need_patient_banner"]).lower()
        told["smart_style_url"] = x.base_url + STYLE
        told = _visit(x, grant) | told
    return told


def _visit(x: Exchange, grant: Grant) -> dict[str, str]:
    """Where the encounter of a launch takes place, and the appointment that it was (which ones: guess)."""
    named = ids.named(x.site.key, grant.encounter) if grant.encounter else None
    if named is None or named.type != "Encounter":
        return {}
    chart = x.sandbox.world.chart(named.number)
    encounter = next((one for one in chart.encounters if one.ordinal == named.ordinal), None)
    if encounter is None:
        return {}
    place = ids.fhir_id(x.site.key, "Location", encounter.facility)
    told = {"location": place, "loginDepartment": place}
    booked = next((one for one in chart.appointments if one.encounter == encounter.ordinal), None)
    if booked is not None:
        told["appointment"] = ids.fhir_id(x.site.key, "Appointment", named.number, booked.ordinal)
    return told


def _id_token(x: Exchange, grant: Grant) -> str:
    claims: dict[str, Any] = {}
    if "fhirUser" in grant.scopes:
        claims["fhirUser"] = user_url(x.site, x.base_url, grant.user)
    if "profile" in grant.scopes:
        claims["preferred_username"] = grant.user.login
    subject = user_id(x.site, grant.user)
    return identity.id_token(
        x,
        grant,
        x.site.signing.key(ID_KEY),
        issuer=paths.oauth_url(x, x.site.settings["id_token_issuer"]),
        subject=subject,
        life=ID_TOKEN_LIFE,
        **claims,
    )


def introspect(x: Exchange, form: Form) -> Reply:
    """What a token is worth, in the members that FS recorded."""
    found = introspection.standing_of(x, form.need("token"))
    if found is None:
        return json_reply(200, {"active": False}, _JSON, cache_control="no-store")
    wall = int(x.sandbox.clock.wall().timestamp())
    told: dict[str, Any] = {
        "active": True,
        "scope": " ".join(found.grant.told if found.grant is not None else found.scopes),
        "client_id": found.client_id,
        "exp": wall + found.seconds_left(x.at),
        "iss": paths.oauth_url(x, paths.OAUTH),
        **({"cnf": found.cnf} if found.cnf else {}),
    }
    if found.grant is not None:
        told |= {
            "username": found.grant.user.login.upper(),
            "sub": user_id(x.site, found.grant.user),
            "epic_user_type": "WPR" if found.grant.user.kind == "patient" else "EMP",
            **context(x, found.grant),
            "fhirUser": user_url(x.site, x.base_url, found.grant.user),
        }
    return json_reply(200, told, _JSON, cache_control="no-store")


def openid_configuration(x: Exchange) -> Reply:
    """`.well-known/openid-configuration`, below the issuer and below the FHIR base."""
    made = identity.configuration(
        paths.oauth_url(x, x.site.settings["id_token_issuer"]),
        authorization_endpoint=paths.oauth_url(x, paths.AUTHORIZE),
        token_endpoint=paths.oauth_url(x, paths.TOKEN),
        jwks_uri=x.base_url + paths.KEYS,
        introspection_endpoint=paths.oauth_url(x, paths.INTROSPECT),
    )
    return json_reply(200, made, _JSON)


def style(x: Exchange) -> Reply:
    """The colours that an embedded app may take over: what `smart_style_url` leads to."""
    made = {
        "color_background": "#f4f5f7",
        "color_error": "#b3261e",
        "color_highlight": "#a4123f",
        "color_modal_backdrop": "",
        "color_success": "#1b6e3c",
        "color_text": "#1b1f24",
        "dim_border_radius": "6px",
        "dim_font_size": "13px",
        "dim_spacing_size": "20px",
        "font_family_body": "Georgia, Times, 'Times New Roman', serif",
        "font_family_heading": "'HelveticaNeue-Light', Helvetica, Arial, sans-serif",
    }
    return json_reply(200, made, _JSON)
