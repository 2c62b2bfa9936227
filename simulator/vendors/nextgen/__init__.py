"""NextGen Enterprise: its doors, those of the proprietary API and of FHIR R4 for patients. See `SOURCES.md`.

Behind the doors only login defaults, enterprises, practices and who the patient is are simulated; everything else of
the two APIs is answered 501 to whoever is let in. NextGen Office and its bulk interface are other servers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from simulator.auth.manner import WAYS_IN
from simulator.switch import Switch
from simulator.vendor import Rendering, Vendor
from simulator.vendors.nextgen import api, auth, ids, paths, trouble
from simulator.vendors.nextgen.errors import NextGenErrors
from simulator.vendors.nextgen.limits import LIMITS
from simulator.vendors.nextgen.manner import MANNER
from simulator.vendors.nextgen.sources import source
from simulator.vendors.nextgen.traps import TRAPS

if TYPE_CHECKING:
    from simulator.sandbox import Site


def _nothing(site: Site, number: int) -> Iterable[Rendering]:
    return ()


VENDOR = Vendor(
    id="nextgen",
    name="NextGen Enterprise",
    urls=paths.urls,
    clients=auth.clients,
    route=api.route,
    admit=auth.admit,
    manner=MANNER,
    errors=NextGenErrors(),
    limits=LIMITS,
    finish=trouble.finish,
    patient_ids=ids.patient_ids,
    patient_of=ids.patient_of,
    owner=ids.owner,
    renderings=_nothing,
    tells_charts=False,
    traps=TRAPS,
    switches=(
        Switch(
            "patient_told",
            "whether the token answer of a standalone login tells the patient",
            source("seen", "OAUTHCLIENT"),
        ),
    ),
    practice=trouble.practice,
    trouble=trouble.TROUBLE,
    defaults={
        **WAYS_IN,
        "patient_told": False,  # whether the token answer of a standalone login tells the patient; it need not (seen)
    },
)
