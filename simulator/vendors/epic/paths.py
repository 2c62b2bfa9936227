"""Where the doors are: Epic's paths below the vendor's prefix, and the absolute URLs that it hands out.

Source: SOURCES.md, "Doors" (OAUTH, FS).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from simulator.exchange import Exchange
from simulator.vendors.epic import ids

if TYPE_CHECKING:
    from simulator.sandbox import Site

ROOT = "/interconnect-fhir-oauth"
FHIR = ROOT + "/api/FHIR/R4"
STU3 = ROOT + "/api/FHIR/STU3"
DSTU2 = ROOT + "/api/FHIR/DSTU2"
OAUTH = ROOT + "/oauth2"
TOKEN = OAUTH + "/token"
AUTHORIZE = OAUTH + "/authorize"
INTROSPECT = OAUTH + "/introspect"
REGISTER = OAUTH + "/register"
KEYS = ROOT + "/api/epic/2019/Security/Open/PublicKeys/530005/OIDC"


def urls(base_url: str, site: Site) -> dict[str, str]:
    """The URLs that an integration is told, from the vendor's `base_url` in a sandbox. A site hands out groups: here
    the panel of its first practitioner."""
    return {
        "base_url": base_url,
        "fhir_url": base_url + FHIR + ("/" if site.settings["trailing_slash"] else ""),
        "group_url": f"{base_url}{FHIR}/Group/{ids.fhir_id(site.key, 'Group', 0)}",
        **{f"{name}_url": _moved(site, base_url, path) for name, path in _TOLD.items()},
    }


_TOLD = {"token": TOKEN, "authorize": AUTHORIZE, "introspect": INTROSPECT}


def oauth_url(x: Exchange, path: str) -> str:
    """The absolute URL of an OAuth path, for whoever called as `x` did."""
    return _moved(x.site, x.base_url, path)


def _moved(site: Site, base_url: str, path: str) -> str:
    """Some sites keep OAuth below another prefix than FHIR, at times in other letter case only, or on another host: who
    derives its URLs from FHIR's is lost (E28)."""
    root, host = site.settings["oauth_root"], site.settings["oauth_host"]
    if host:
        parts = urlsplit(base_url)
        base_url = parts._replace(netloc=host + (f":{parts.port}" if parts.port else "")).geturl()
    return f"{base_url}{root}{path[len(ROOT) :]}"


def as_known(site: Site, path: str) -> str:
    """A path as the doors know it; empty for an OAuth path where this site has none."""
    root = site.settings["oauth_root"]
    if root == ROOT:
        return path
    if path.startswith(root + OAUTH[len(ROOT) :]):
        return ROOT + path[len(root) :]
    return "" if path.startswith(OAUTH) else path
