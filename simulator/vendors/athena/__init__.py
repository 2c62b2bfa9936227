"""athenahealth (athenaOne): a proprietary REST API and FHIR R4 over the same patients. See `SOURCES.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.vendor import Vendor
from simulator.vendors.athena import auth, ids, limits, origins, trouble
from simulator.vendors.athena.api import route
from simulator.vendors.athena.drift import HISTORY
from simulator.vendors.athena.errors import AthenaErrors
from simulator.vendors.athena.manner import MANNER
from simulator.vendors.athena.owners import owner
from simulator.vendors.athena.renderings import renderings
from simulator.vendors.athena.switches import SWITCHES
from simulator.vendors.athena.traps import TRAPS

if TYPE_CHECKING:
    from simulator.sandbox import Site


def urls(base_url: str, site: Site) -> dict[str, str]:
    """Where the two APIs and the token endpoint stand."""
    return {
        "base_url": base_url,
        "rest_url": f"{base_url}/v1/{ids.PRACTICE}",
        "fhir_url": f"{base_url}/fhir/r4",
        "token_url": base_url + site.settings["token_path"],
        "authorize_url": f"{base_url}/oauth2/v1/authorize",
        "introspect_url": f"{base_url}/oauth2/v1/introspect",
        "revoke_url": f"{base_url}/oauth2/v1/revoke",
    }


VENDOR = Vendor(
    id="athena",
    name="athenahealth athenaOne",
    urls=urls,
    clients=auth.clients,
    route=route,
    admit=auth.admit,
    manner=MANNER,
    errors=AthenaErrors(),
    limits=limits.LIMITS,
    finish=origins.finish,
    patient_ids=ids.patient_ids,
    patient_of=ids.patient_of,
    owner=owner,
    renderings=renderings,
    traps=TRAPS,
    switches=SWITCHES,
    practice=trouble.practice,
    trouble=trouble.TROUBLE,
    drift=HISTORY,
    # type_profile: mixed as in recordings, legacy (2016: everything a string) or modern (ids are numbers).
    # token_reply: recorded (2021) or standard (RFC 6749).
    defaults={"type_profile": "mixed", "max_page": 5000, **auth.DEFAULTS},
)
