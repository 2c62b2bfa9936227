"""Where the doors are. The vendor's hosts become one base URL; the paths below it are the vendor's own.

Source: SOURCES.md, "Doors" (SDK, BITFOUNT, EVANG, NGODOC).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.sandbox import Site

_PRODUCT = "/nge/prod"
API = _PRODUCT + "/nge-api/api"
API_TOKEN = _PRODUCT + "/nge-oauth/token"
FHIR_SERVER = _PRODUCT + "/fhir-api-r4"
FHIR = FHIR_SERVER + "/fhir/r4"
OAUTH = _PRODUCT + "/patient-oauth"
AUTHORIZE = OAUTH + "/authorize"
TOKEN = OAUTH + "/token"
REVOKE = TOKEN + "/revoke"
MESSAGES = "/messaging/mcservice"


def urls(base_url: str, site: Site) -> dict[str, str]:
    """The URLs of a site as the control API tells them; `token_url` is that of the proprietary API."""
    return {
        "base_url": base_url,
        "rest_url": base_url + API,
        "token_url": base_url + API_TOKEN,
        "fhir_url": base_url + FHIR,
        "authorize_url": base_url + AUTHORIZE,
        "fhir_token_url": base_url + TOKEN,
        "revoke_url": base_url + REVOKE,
        "messages_url": base_url + MESSAGES,
    }


def is_fhir(path: str) -> bool:
    """Whether a path stands below the FHIR base, which is spelled `r4` and `R4`."""
    return path.lower().startswith((FHIR + "/", FHIR_SERVER + "/.well-known/"))


def is_oauth(path: str) -> bool:
    """Whether a path belongs to one of the two token servers."""
    return path.startswith(OAUTH) or path == API_TOKEN
