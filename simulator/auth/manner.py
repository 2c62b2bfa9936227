"""How one vendor lets people in: what differs between the authorization servers, in one record that a room fills."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from simulator.auth.clients import Client
from simulator.auth.grants import CODE_LIFE
from simulator.auth.users import PASSWORD, User
from simulator.exchange import Exchange

if TYPE_CHECKING:
    from simulator.sandbox import Site


@dataclass(frozen=True, slots=True)
class Theme:
    """The small look of a login page: `portal` names it to people, colours are CSS colours."""

    portal: str
    accent: str
    ground: str = "#f4f5f7"


def _always(scopes: Collection[str]) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Manner:
    """What one authorization server does in its own way.

    fhir_url        the FHIR base below a vendor's base URL for a kind of user: `iss` of an EHR launch
    audiences       the FHIR bases that count as this server, without a slash at the end
    offered         the scopes that a client can get of those it asked for: what the consent page lists
    told            how the token answer words what was granted
    methods         how a client may prove itself, by the names of OAuth
    client_id       the client id of a registration, from (site, its name)
    patient_id      the vendor's id of a patient number
    encounter_id    the vendor's id of an encounter (patient number, ordinal)
    user_url        `fhirUser`: the URL of the resource that the user is
    aud_needed      whether a request for these scopes needs `aud`
    state_needed    whether a request without state is refused
    pkce_of_all     whether confidential clients need PKCE as well
    picks_patient   whether practitioners choose a patient in a standalone launch
    kinds           who may log in at this door
    on_page         reasons that are shown on a page although the app's redirect URI is known
    code_life       how long a code lives on the sandbox clock
    token_at        the name of the URL where apps of people ask for tokens
    """

    theme: Theme
    fhir_url: Callable[[Site, str, str], str]
    audiences: Callable[[Exchange], Collection[str]]
    offered: Callable[[Exchange, Client, tuple[str, ...]], tuple[str, ...]]
    methods: tuple[str, ...]
    client_id: Callable[[Site, str], str]
    patient_id: Callable[[Site, int], str]
    encounter_id: Callable[[Site, int, int], str]
    user_url: Callable[[Site, str, User], str]
    told: Callable[[Exchange, Client, tuple[str, ...]], tuple[str, ...]] = lambda x, client, scopes: scopes
    aud_needed: Callable[[Collection[str]], bool] = _always
    state_needed: bool = True
    pkce_of_all: bool = False
    picks_patient: bool = True
    kinds: tuple[str, ...] = ("patient", "practitioner")
    on_page: frozenset[str] = frozenset()
    code_life: timedelta = CODE_LIFE
    token_at: str = "token_url"


WAYS_IN: Mapping[str, Any] = {
    "password": PASSWORD,  # of every user
    "withhold_scopes": (),  # scopes, or resource types, that are never granted although they are asked for
    "assertion_rules": {},  # fields of `simulator.auth.assertion.Rules` that differ here
}
"""Settings that every vendor has who lets people in."""

PATIENT_NEEDED = ("launch/patient",)
"""Scopes that ask for a patient; so does every `patient/` scope (SMART App Launch 2.2.0, scopes-and-launch-context)."""


def wants_patient(scopes: Collection[str]) -> bool:
    """Whether these scopes are worth nothing without a patient in context."""
    return any(scope in PATIENT_NEEDED or scope.startswith("patient/") for scope in scopes)


def access_of(client: Client, scopes: Collection[str]) -> str:
    """How a grant of these scopes may be refreshed: `offline` when it is asked for and registered, `online`, or not."""
    if "offline_access" in scopes and client.offline:
        return "offline"
    return "online" if "online_access" in scopes else ""


def withheld(settings: Mapping[str, Any], scopes: tuple[str, ...]) -> tuple[str, ...]:
    """`scopes` without those that the setting `withhold_scopes` takes away: by their text or their resource type."""
    taken = {str(one).lower() for one in settings.get("withhold_scopes", ())}
    if not taken:
        return scopes
    return tuple(one for one in scopes if one.lower() not in taken and _type_of(one) not in taken)


def _type_of(scope: str) -> str:
    return scope.partition("/")[2].partition(".")[0].lower()
