"""Medidata Rave Web Services: its doors. HTTP Basic, MAuth in both versions, lockout, public resources; see SOURCES.md.

Nothing of what is behind the doors is simulated: studies, subjects, datasets and posting are answered 501 to whoever is
let in. There is no FHIR server, and there are no tokens.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from simulator.vendor import Rendering, Vendor
from simulator.vendors.medidata import api, auth, trouble
from simulator.vendors.medidata.errors import RaveErrors
from simulator.vendors.medidata.traps import TRAPS

if TYPE_CHECKING:
    from simulator.sandbox import Site


def urls(base_url: str, site: Site) -> dict[str, str]:
    """Where the web services stand: what `RWSConnection` is given is `base_url`."""
    return {"base_url": base_url, "rws_url": base_url + api.ROOT}


def _no_ids(site: Site, number: int) -> dict[str, str]:
    return {}


def _nobody(site: Site, text: str) -> int | None:
    return None


def _nothing(site: Site, number: int) -> Iterable[Rendering]:
    return ()


VENDOR = Vendor(
    id="medidata",
    name="Medidata Rave",
    urls=urls,
    clients=auth.clients,
    route=api.route,
    admit=auth.admit,
    errors=RaveErrors(),
    patient_ids=_no_ids,
    patient_of=_nobody,
    renderings=_nothing,
    tells_charts=False,
    traps=TRAPS,
    trouble=trouble.TROUBLE,
    defaults={
        "lock_after": 3,  # bad logins in a row after which an account is locked; 0: never
    },
)
