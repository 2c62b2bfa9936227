"""Epic (Interconnect, "Epic on FHIR", February 2026): FHIR R4 for backend services and for apps.

Every claim of this room stands in SOURCES.md with the public material behind it; `sources.py` has the same keys.

Beside R4 the older STU3 and DSTU2, for the types of `older`. Not simulated yet, answered 501: their other types, the
proprietary web services beyond those of `services/`, and of writing what the truth cannot hold.
"""

from __future__ import annotations

from simulator.auth.manner import WAYS_IN
from simulator.auth.sub_resources import SETTING as SUB_RESOURCES
from simulator.auth.withheld import FROM_PATIENTS
from simulator.vendor import Vendor
from simulator.vendors.epic import (
    api,
    auth,
    capability,
    deviations,
    licences,
    media,
    paths,
    patient_ids,
    resources,
    sight,
    trouble,
)
from simulator.vendors.epic.dialect import CLASS_OF, UNIT_SPELLINGS
from simulator.vendors.epic.drift import HISTORY
from simulator.vendors.epic.errors import EpicErrors
from simulator.vendors.epic.limits import LIMITS
from simulator.vendors.epic.manner import MANNER
from simulator.vendors.epic.sub_resources import AS_DELIVERED
from simulator.vendors.epic.switches import SWITCHES
from simulator.vendors.epic.traps import TRAPS

VENDOR = Vendor(
    id="epic",
    name="Epic",
    urls=paths.urls,
    clients=auth.clients,
    route=api.route,
    admit=auth.admit,
    manner=MANNER,
    errors=EpicErrors(),
    limits=LIMITS,
    finish=media.finish,
    patient_ids=patient_ids.patient_ids,
    patient_of=patient_ids.patient_of,
    owner=sight.owner,
    renderings=resources.renderings,
    traps=TRAPS,
    switches=SWITCHES,
    openapi=capability.openapi,
    trouble=trouble.TROUBLE,
    drift=HISTORY,
    defaults={
        "organization": "Tallgrass Health",
        "max_page": 1000,  # largest page; scenarios make it small
        "rotate_refresh": False,  # whether a refresh gives another refresh token; sites differ (doc)
        "propagation_s": 0,  # how long a new registration takes to reach the token endpoint; 1800 to 172800 (seen)
        "granted_words": "v1",  # or "v2": how the scopes of a backend service are worded in the token answer (seen)
        "dynamic_clients": True,  # whether apps may register a client for each installation; sites differ (seen)
        FROM_PATIENTS: ("PSYNOTE",),  # notes that are flagged not to be shown to patients: which ones is a guess
        "withheld_records": {},  # client id or name, or `*`, to the labels of sensitive records that it does not get
        SUB_RESOURCES: AS_DELIVERED,  # which parts of a type registrations lack
        licences.SETTING: licences.NOT_GRANTED,  # types that the site has no licence for
        "break_the_glass": True,  # whether patients can be put behind the glass
        **WAYS_IN,
        "server_zone": "America/Chicago",  # where dates without a zone are read; guess
        "refinements": "applied",  # or "ignored": what becomes of parameters without documentation; sites differ
        "post_search": (),  # types that can be searched by POST; empty: all; 404 for the others at some sites (seen)
        "oauth_root": paths.ROOT,  # what stands before /oauth2; at some sites another prefix (seen)
        "oauth_host": "",  # the host of OAuth, where it is another than FHIR's (seen at six sites)
        "trailing_slash": False,  # whether the FHIR base is published with a slash at the end (seen)
        "fhir_version": "4.0.1",  # or "4.0.0" (seen at two sites)
        "smart_block": True,  # whether the CapabilityStatement says where OAuth is (seen without)
        "create_location": "absolute",  # or "path", "relative": what `Location` holds after a create
        "procedure_order_h": 24,  # how long an order that was placed by a web service takes; guess
        "bulk_patient_s": 10.0,  # how long an export works at a patient; guess, from 2,500 resources a minute (seen)
        "bulk_file_lines": 3_000,  # of one file at most (doc)
        "bulk_window_s": 86_400,  # in which a client exports a group once (doc); 0: as often as it likes
        "bulk_refusal_status": 400,  # or 429: how an export that comes too soon is refused; guess
        "bulk_retry_after_s": 0,  # Retry-After while an export runs; 0: none, as some clients saw, others saw 120
        "closes_after_h": 72,  # how long after its end an encounter can be written to; guess
        "vitals_need_encounter": True,  # guess
        "refuse_duplicates": ("AllergyIntolerance",),  # types of which nothing is kept twice; also Patient; guess
        "user_warnings": True,  # whether a search warns of parts that the user lacks (59205), as since 2026
        "outside_records": True,  # whether it warns of parts called "Outside Record", as since 2026
        "sex_extension": "us-core-sex",  # or us-core-birthsex, as until 2025
        "token_issuer": "urn:oid:1.2.840.114350.1.13.0.1.7.3.688884.100",  # urn:oid:fhir, as until 2025
        "id_token_issuer": paths.OAUTH,  # the token endpoint, as until 2020
        **deviations.SETTINGS,  # where bodies leave the standards on purpose
        "mappings": {  # what a site publishes to those who integrate with it
            "encounter_class": CLASS_OF,
            "units": {spelled: ucum for ucum, spelled in UNIT_SPELLINGS.items()},
        },
    },
)
