"""Oracle Health (Cerner Millennium): the table of contents of this room."""

from __future__ import annotations

from simulator.auth.manner import WAYS_IN
from simulator.sandbox import Site
from simulator.vendor import Vendor
from simulator.vendors.cerner import api, auth, ids, sight, store, trouble, urls
from simulator.vendors.cerner.drift import HISTORY
from simulator.vendors.cerner.errors import ERRORS
from simulator.vendors.cerner.limits import LIMITS
from simulator.vendors.cerner.manner import PROVIDER
from simulator.vendors.cerner.switches import SWITCHES
from simulator.vendors.cerner.traps import TRAPS

DEFAULTS = {
    "withheld_records": {},  # client id or name, or `*`, to the labels of sensitive records that it does not get
    "max_page": 200,  # largest page; scenarios make it small
    "tenant": "",  # the tenant in all paths; empty: a UUID derived from the site's key
    "classic_token_url": True,  # whether the token endpoint without /hosts/ still answers
    "token_hosts": True,  # whether the token endpoint with /hosts/ in it is there, as since about 2024
    "token_form": "jwe",  # "jwe" since 2025, "jws" as before
    "rotate_refresh": False,  # whether a refresh gives another refresh token
    "propagation_s": 0,  # how long a new registration takes to be usable; about 900 (seen)
    **WAYS_IN,
    "pkce": True,  # whether smart-configuration announces S256
    "repeat_across_pages": True,  # whether the last Observation of a page comes again on the next
    "largest_page": {},  # type -> the largest page that `_count` gets, where it is not the usual one
    "nonconforming": "refused",  # what becomes of a page with a poisoned resource: a 500, or it is "left_out"
    "poisoned": (),  # resources, as "Type/id", that lack a required value: 500 for every answer they are in
}


def patient_ids(site: Site, number: int) -> dict[str, str]:
    """The ids of a patient here: person id, record number, and a person id that was combined into it, if any."""
    found = {"fhir_id": ids.patient_id(site, number), "mrn": ids.mrn_of(site, number)}
    combined = site.sandbox.world.merged_into(number)
    return found | {"combined_fhir_id": ids.patient_id(site, combined[0])} if combined else found


def patient_of(site: Site, id: str) -> int | None:
    """The number of the patient with this person id or record number, or None; of one who was combined away that of
    the survivor."""
    world = site.sandbox.world
    person, record = ids.person_of(site, id), ids.number_of_mrn(site, id)
    if person is not None and (survivor := world.survivor(person)) is not None:
        return survivor
    return next((one for one in (person, record) if one is not None and world.person(one) is not None), None)


VENDOR = Vendor(
    id="cerner",
    name="Oracle Health (Cerner Millennium)",
    urls=urls.urls,
    clients=auth.clients,
    route=api.route,
    admit=auth.admit,
    manner=PROVIDER,
    errors=ERRORS,
    limits=LIMITS,
    finish=api.finish,
    patient_ids=patient_ids,
    owner=sight.owner,
    patient_of=patient_of,
    renderings=store.renderings,
    traps=TRAPS,
    switches=SWITCHES,
    practice=trouble.practice,
    trouble=trouble.TROUBLE,
    defaults=DEFAULTS,
    drift=HISTORY,
)
