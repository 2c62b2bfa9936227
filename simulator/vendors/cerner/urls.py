"""Where things are. The hosts of the vendor become one base URL; the paths below it are the vendor's own."""

from __future__ import annotations

from simulator.exchange import Exchange
from simulator.sandbox import Site
from simulator.vendors.cerner.errors import HOST
from simulator.vendors.cerner.ids import tenant_of

PROFILE = "protocols/oauth2/profiles/smart-v1"
MYRECORD = "/myrecord"
STYLE = "/styles/smart-v1.json"
_TOKEN = PROFILE + "/token"


def urls(base_url: str, site: Site) -> dict[str, str]:
    """The URLs of a site as the control API tells them."""
    return {
        "base_url": base_url,
        "fhir_url": fhir_url(base_url, site),
        "token_url": token_urls(base_url, site)[0],
        "fhir_patient_url": root_of(base_url, site, "patient"),
        "authorize_url": authorize_url(base_url, site, "provider"),
        "authorize_patient_url": authorize_url(base_url, site, "patient"),
        "introspect_url": f"{base_url}/tokeninfo",
        "revoke_url": revoke_url(base_url, site),
    }


def fhir_url(base_url: str, site: Site) -> str:
    """The FHIR root of the site's tenant, for practitioners and systems."""
    return f"{base_url}/r4/{tenant_of(site)}"


def root_of(base_url: str, site: Site, kind: str) -> str:
    """The FHIR root of a kind of user: patients have one of their own (at the vendor a host of its own)."""
    return f"{base_url}{MYRECORD}/r4/{tenant_of(site)}" if kind == "patient" else fhir_url(base_url, site)


def called_root(x: Exchange) -> str:
    """The FHIR root that a request came to: what an answer links to stays there."""
    return root_of(x.base_url, x.site, "patient" if is_patients(x) else "")


def is_patients(x: Exchange) -> bool:
    """Whether a request came to the root of patients."""
    return x.path.startswith(MYRECORD + "/")


def authorize_url(base_url: str, site: Site, persona: str) -> str:
    """The authorization endpoint of a persona: provider or patient."""
    return f"{tenant_url(base_url, site)}/{PROFILE}/personas/{persona}/authorize"


def management_url(base_url: str, site: Site, persona: str) -> str:
    """Where people of a persona see and end what they have granted."""
    return f"{tenant_url(base_url, site)}/personas/{persona}/my-authorizations"


def revoke_url(base_url: str, site: Site) -> str:
    """Where tokens are given back."""
    return f"{tenant_url(base_url, site)}/{PROFILE}/token/revoke"


def tenant_url(base_url: str, site: Site) -> str:
    """The tenant's corner of the authorization server: also its issuer."""
    return f"{base_url}/tenants/{tenant_of(site)}"


def token_urls(base_url: str, site: Site) -> tuple[str, ...]:
    """The token endpoint in both forms, the advertised one first; the classic one may be switched off, or be alone."""
    tenant = tenant_url(base_url, site)
    if not site.settings["token_hosts"]:
        return (f"{tenant}/{_TOKEN}",)
    advertised = f"{tenant}/hosts/{HOST}/{_TOKEN}"
    return (advertised, f"{tenant}/{_TOKEN}") if site.settings["classic_token_url"] else (advertised,)
