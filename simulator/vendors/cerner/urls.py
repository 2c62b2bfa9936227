"""Where things are. The hosts of the vendor become one base URL; the paths below it are the vendor's own."""

from __future__ import annotations

from simulator.sandbox import Site
from simulator.vendors.cerner.errors import HOST
from simulator.vendors.cerner.ids import tenant_of

_TOKEN = "protocols/oauth2/profiles/smart-v1/token"


def urls(base_url: str, site: Site) -> dict[str, str]:
    """The URLs of a site as the control API tells them."""
    return {"base_url": base_url, "fhir_url": fhir_url(base_url, site), "token_url": token_urls(base_url, site)[0]}


def fhir_url(base_url: str, site: Site) -> str:
    """The FHIR root of the site's tenant."""
    return f"{base_url}/r4/{tenant_of(site)}"


def tenant_url(base_url: str, site: Site) -> str:
    """The tenant's corner of the authorization server: also its issuer."""
    return f"{base_url}/tenants/{tenant_of(site)}"


def token_urls(base_url: str, site: Site) -> tuple[str, ...]:
    """The token endpoint in both forms, the advertised one first; the classic one may be switched off."""
    tenant = tenant_url(base_url, site)
    advertised = f"{tenant}/hosts/{HOST}/{_TOKEN}"
    return (advertised, f"{tenant}/{_TOKEN}") if site.settings["classic_token_url"] else (advertised,)
