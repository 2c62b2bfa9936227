"""How Epic lets people in: the login at its authorize endpoint, what it grants, what a launch tells.

Source: SOURCES.md, "Logins" (OAUTH: rules, context, id_token; FS and CLIENTJS: granted scopes; MERE: the error page).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from simulator.auth import scopes
from simulator.auth.clients import Client
from simulator.auth.manner import Manner, Theme
from simulator.auth.users import User
from simulator.exchange import Exchange
from simulator.ids import text_of
from simulator.vendors.epic import ids, paths

if TYPE_CHECKING:
    from simulator.sandbox import Site

SPECIAL = ("fhirUser", "launch", "launch/patient", "offline_access", "openid", "profile")


def audiences(x: Exchange) -> tuple[str, ...]:
    """The FHIR base that `aud` must be."""
    return (x.base_url + paths.FHIR,)


def aud_needed(asked: Collection[str]) -> bool:
    """Since May 2023 whoever asks for launch context says `aud`; a plain OpenID login need not (doc)."""
    return any(scope.startswith(("launch", "patient/", "user/", "system/")) for scope in asked)


def offered(x: Exchange, client: Client, asked: tuple[str, ...]) -> tuple[str, ...]:
    """What the registration holds: the scopes asked for say only which of the special ones are wanted (seen)."""
    resources = [one for one in client.scopes if _is_of_people(one)]
    special = [one for one in asked if one in SPECIAL and one in client.scopes]
    if "offline_access" in special and not client.offline:
        special.remove("offline_access")
    return (*special, *resources)


def _is_of_people(text: str) -> bool:
    scope = scopes.parse(text)
    return scope is not None and scope.context in ("patient", "user")


def told(x: Exchange, client: Client, granted: tuple[str, ...]) -> tuple[str, ...]:
    """Granted scopes as the answer words them, each in its place: `.Read` beside `.read` (seen; which one: guess)."""
    return tuple(
        one[:-4] + "Read" if one.endswith(".read") and place % 3 == 1 else one for place, one in enumerate(granted)
    )


def client_id(site: Site, name: str) -> str:
    """A client id as Epic gives it: a UUID."""
    raw = text_of(site.key, "client", name)
    return "-".join((raw[:8], raw[8:12], "4" + raw[13:16], "a" + raw[17:20], raw[20:]))


def patient_id(site: Site, number: int) -> str:
    """The FHIR id of a patient."""
    return ids.fhir_id(site.key, "Patient", number)


def encounter_id(site: Site, number: int, ordinal: int) -> str:
    """The FHIR id of an encounter."""
    return ids.fhir_id(site.key, "Encounter", number, ordinal)


def user_id(site: Site, user: User) -> str:
    """The FHIR id of whoever logged in: `sub` of the tokens."""
    return ids.fhir_id(site.key, user.kind.capitalize(), user.number)


def user_url(site: Site, base_url: str, user: User) -> str:
    """`fhirUser`: an absolute URL (doc)."""
    return f"{base_url}{paths.FHIR}/{user.kind.capitalize()}/{user_id(site, user)}"


MANNER = Manner(
    theme=Theme(portal="Tallgrass Health patient portal", accent="#a4123f"),
    fhir_url=lambda site, base_url, kind: base_url + paths.FHIR,
    audiences=audiences,
    offered=offered,
    told=told,
    methods=("none", "client_secret_basic", "client_secret_post", "private_key_jwt"),
    client_id=client_id,
    patient_id=patient_id,
    encounter_id=encounter_id,
    user_url=user_url,
    aud_needed=aud_needed,
    state_needed=False,  # guess: recommended in the documentation, never seen refused
    picks_patient=False,  # a practitioner's standalone launch has no patient (doc)
    on_page=frozenset({"aud_missing", "aud_mismatch"}),
)
