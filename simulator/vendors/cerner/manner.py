"""How people are let in: two doors, one for practitioners and one for patients, what is granted, what is told.

Source: SOURCES.md, "Logins" (D: rules of the request; E: paths, capabilities; T and Y: answers, scopes, errors).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from simulator.auth import scopes
from simulator.auth.clients import Client
from simulator.auth.manner import Manner, Theme
from simulator.auth.users import User
from simulator.exchange import Exchange
from simulator.ids import uuid_of
from simulator.sandbox import Site
from simulator.vendors.cerner import ids, urls
from simulator.vendors.cerner.errors import THEME

SPECIAL = ("fhirUser", "launch", "launch/patient", "offline_access", "online_access", "openid", "profile")


def version_of(client: Client) -> int:
    """The spelling of scopes that a client is registered for: 1 or 2."""
    return next((scope.version for scope in map(scopes.parse, client.scopes) if scope is not None), 1)


def spelled(client: Client, asked: tuple[str, ...]) -> list[str]:
    """Those of the asked resource scopes that are spelled as the client is registered; wildcards do not exist."""
    version = version_of(client)
    parsed = [(text, scopes.parse(text)) for text in asked]
    return [text for text, scope in parsed if scope is not None and scope.version == version and scope.type != "*"]


def _offered(x: Exchange, client: Client, asked: tuple[str, ...]) -> tuple[str, ...]:
    """What is registered of what was asked, sorted; the rest is dropped without a word (seen)."""
    resources = scopes.grant(spelled(client, asked), client.scopes)
    special = [one for one in asked if one in SPECIAL and one in client.scopes]
    if not client.offline and "offline_access" in special:
        special.remove("offline_access")
    return tuple(sorted((*special, *(one for one in resources if not one.startswith("system/")))))


def client_id(site: Site, name: str) -> str:
    """A client id as the console gives it: a UUID."""
    return uuid_of("uuid", site.key.hex(), "client", name)


def patient_id(site: Site, number: int) -> str:
    """The person id of a patient."""
    return ids.patient_id(site, number)


def encounter_id(site: Site, number: int, ordinal: int) -> str:
    """The id of an encounter."""
    return str(ids.row_number(site, "encounter", ids.Row(number, ordinal)))


def user_id(site: Site, user: User) -> str:
    """The person or personnel id of whoever logged in."""
    number = user.number
    return ids.patient_id(site, number) if user.kind == "patient" else ids.staff_id(site, "practitioner", number)


def user_url(site: Site, base_url: str, user: User) -> str:
    """The URL of the resource that the user is."""
    return f"{urls.root_of(base_url, site, user.kind)}/{user.kind.capitalize()}/{user_id(site, user)}"


def _audience(kind: str) -> Callable[[Exchange], tuple[str, ...]]:
    return lambda x: (urls.root_of(x.base_url, x.site, kind),)


PROVIDER = Manner(
    theme=THEME,
    fhir_url=lambda site, base_url, kind: urls.root_of(base_url, site, kind),
    audiences=_audience("practitioner"),
    offered=_offered,
    methods=("none", "client_secret_basic", "private_key_jwt"),
    client_id=client_id,
    patient_id=patient_id,
    encounter_id=encounter_id,
    user_url=user_url,
    kinds=("practitioner",),
)
PATIENT = replace(
    PROVIDER,
    theme=Theme(portal="Patient portal sign-in", accent="#2f7d4f"),
    audiences=_audience("patient"),
    kinds=("patient",),
)
PERSONAS = {"provider": PROVIDER, "patient": PATIENT}
