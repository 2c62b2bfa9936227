"""How athena lets people in: an identity provider of its own, all or nothing, what a launch tells.

Source: SOURCES.md, "Claims" (authorize and token endpoint guides; the SMART configuration; habits of Okta: guess).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.auth import scopes
from simulator.auth.clients import Client
from simulator.auth.manner import Manner
from simulator.auth.users import User
from simulator.exchange import Exchange
from simulator.ids import text_of
from simulator.refusal import OAuthRefusal
from simulator.vendors.athena import ids
from simulator.vendors.athena.errors import THEME
from simulator.vendors.athena.fhir import shape

if TYPE_CHECKING:
    from simulator.sandbox import Site

SPECIAL = ("fhirUser", "launch", "launch/patient", "offline_access", "openid", "profile")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _offered(x: Exchange, client: Client, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The scopes of a request, all or nothing: one that the app has not fails the whole request."""
    resources = scopes.grant(asked, client.scopes)
    refused = [one for one in asked if one not in resources or one.startswith("system/")]
    if not client.offline and "offline_access" in asked:
        refused.append("offline_access")
    if refused:
        raise OAuthRefusal("invalid_scope", "scope_not_granted", f"not granted: {' '.join(refused)}")
    return resources


def client_id(site: Site, name: str) -> str:
    """A client id as the identity provider gives it."""
    return "0oa" + text_of(site.key, "client", name, length=17, alphabet=LETTERS)


def encounter_id(site: Site, number: int, ordinal: int) -> str:
    """The FHIR id of an encounter."""
    return ids.fhir_id("encounter", ids.item(site, "encounter", number, ordinal))


def user_reference(site: Site, user: User) -> str:
    """The resource that the user is, as `Type/id`."""
    if user.kind == "patient":
        return f"Patient/{ids.patient_fhir_id(site, user.number)}"
    return f"Practitioner/{shape.practitioner_id(user.number)}"


MANNER = Manner(
    theme=THEME,
    fhir_url=lambda site, base_url, kind: f"{base_url}/fhir/r4",
    methods=("none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"),
    client_id=client_id,
    audiences=lambda x: (f"{x.base_url}/fhir/r4",),
    offered=_offered,
    patient_id=ids.patient_fhir_id,
    encounter_id=encounter_id,
    user_url=lambda site, base_url, user: f"{base_url}/fhir/r4/{user_reference(site, user)}",
)
