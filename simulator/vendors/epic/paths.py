"""Where the doors are: Epic's paths below the vendor's prefix, and the absolute URLs that it hands out.

Source: SOURCES.md, "Doors" (OAUTH, FS).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.sandbox import Site

ROOT = "/interconnect-fhir-oauth"
FHIR = ROOT + "/api/FHIR/R4"
OAUTH = ROOT + "/oauth2"
TOKEN = OAUTH + "/token"
AUTHORIZE = OAUTH + "/authorize"
INTROSPECT = OAUTH + "/introspect"
REGISTER = OAUTH + "/register"
KEYS = ROOT + "/api/epic/2019/Security/Open/PublicKeys/530005/OIDC"


def urls(base_url: str, site: Site) -> dict[str, str]:
    """The URLs that an integration is told, from the vendor's `base_url` in a sandbox."""
    return {
        "base_url": base_url,
        "fhir_url": base_url + FHIR,
        "token_url": base_url + TOKEN,
        "authorize_url": base_url + AUTHORIZE,
        "introspect_url": base_url + INTROSPECT,
    }
