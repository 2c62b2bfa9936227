"""How people are let in at patient access: scopes are wildcards, and the patient need not be told.

Source: SOURCES.md, "Patient access" (EVANG: endpoints and scopes; AUTHGUIDE; what they leave open: guess).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.auth import scopes
from simulator.auth.clients import Client
from simulator.auth.manner import Manner, Theme
from simulator.auth.users import User
from simulator.exchange import Exchange
from simulator.vendors.nextgen import ids, paths

if TYPE_CHECKING:
    from simulator.sandbox import Site

SPECIAL = ("openid", "offline_access", "launch", "launch/patient", "launch/encounter")
SCOPES = (*SPECIAL, "patient/*.*", "user/*.*")
THEME = Theme(portal="NextGen patient portal", accent="#00697f")


def _offered(x: Exchange, client: Client, asked: tuple[str, ...]) -> tuple[str, ...]:
    """What of the asked scopes the registration covers."""
    covered = scopes.grant(asked, client.scopes)
    return tuple(one for one in covered if client.offline or one != "offline_access")


def user_url(site: Site, base_url: str, user: User) -> str:
    """The URL of the resource that the user is."""
    if user.kind == "patient":
        return f"{base_url}{paths.FHIR}/Patient/{ids.person(site, user.number)}"
    return f"{base_url}{paths.FHIR}/Practitioner/{ids.guid(site, 'practitioner', user.number)}"


MANNER = Manner(
    theme=THEME,
    fhir_url=lambda site, base_url, kind: base_url + paths.FHIR,
    audiences=lambda x: (x.base_url + paths.FHIR, x.base_url + paths.FHIR[:-2] + "R4"),
    offered=_offered,
    methods=("none", "client_secret_basic", "client_secret_post"),
    client_id=lambda site, name: ids.guid(site, "client", name),
    patient_id=ids.person,
    encounter_id=lambda site, number, ordinal: ids.guid(site, "encounter", number, ordinal),
    user_url=user_url,
    token_at="fhir_token_url",
)
