"""Epic (Interconnect, "Epic on FHIR", February 2026): FHIR R4 for backend services.

Not simulated yet, answered 501: logins and launches, introspection, bulk export, writing, STU3 and DSTU2, proprietary
web services, and the R4 types that are not listed in `metadata`.
"""

from __future__ import annotations

from simulator.source import Source, Trap
from simulator.vendor import Vendor
from simulator.vendors.epic import api, auth, media, paths, patient_ids, resources
from simulator.vendors.epic.dialect import CLASS_OF, UNIT_SPELLINGS
from simulator.vendors.epic.errors import EpicErrors
from simulator.vendors.epic.limits import LIMITS


def _trap(id: str, says: str, where: str, mark: str = "seen") -> Trap:
    return Trap(id, says, Source(f"dossier {where}", mark))  # type: ignore[arg-type]


TRAPS = (
    _trap("E1", "XML unless `Accept` names JSON; `*/*` and `_format` do not", "3.1"),
    _trap("E2", "`total` counts the page; `next` is a bare `sessionID`, for one token, for ten minutes", "3.3"),
    _trap("E3", "the last entry of a searchset is an OperationOutcome", "3.3"),
    _trap("E4", "an empty search has one entry", "3.3"),
    _trap("E5", "unknown and misspelt parameters are ignored, and so are undocumented ones", "3.5"),
    _trap("E6", "one demographic alone finds no patient although some match", "3.5"),
    _trap("E7", "Observation without category or code is refused, the information about others comes first", "3.4"),
    _trap("E8", "a path that Epic does not have is an HTML page", "3.4"),
    _trap("E9", '403 has no body, 401 has the body `""`', "2.10"),
    _trap("E10", "ids hold `.` and `-`, have up to 64 letters, and differ in letter case alone", "3.2"),
    _trap("E11", "the internal id has leading blanks, no identifier is typed MR, the record number is EPI", "4.1"),
    _trap("E12", "the name comes twice, as official and as usual", "4.1"),
    _trap("E13", "vital signs carry several LOINC codes, 8716-3 among them and often first", "4.3"),
    _trap("E14", "results without a unit, units without a code, ranges as text only, findings as strings", "4.2"),
    _trap("E15", "three doses per order, of which `ordered` is the dose", "4.4"),
    _trap("E16", '"Not on File" is an AllergyIntolerance', "4.5"),
    _trap("E17", "SNOMED's system with a word as code", "4.5"),
    _trap("E24", "every refusal of the token endpoint has a description that is null", "2.6"),
    _trap("E25", "assertions: no reuse of `jti`, five minutes, exact `aud`, no future `iat`", "2.6", "doc"),
    _trap("E27", "granted scopes: more than asked, another order, mixed letter case", "2.2"),
    _trap("E32", "503 is a page of the machine, without an outcome and without Retry-After", "8", "guess"),
    _trap("E34", "no ETag, no lastUpdated; a misspelt `E-Tag` on patients", "3.1"),
    _trap("E36", "dates without a zone are the server's local time, answers are UTC", "3.5", "doc"),
    _trap("E37", "beside `_id` every other parameter is ignored", "3.5", "doc"),
    _trap("E38", "a name search also gives names that sound alike, maiden names and nicknames", "3.5", "doc"),
    _trap("E40", "old visits are still in progress; classes are Epic's own", "4.7"),
    _trap("E41", "a smoking status is dated on the day of the request", "4.3"),
    _trap("4.4", "drugs by reference only, RxNorm codes without display, ingredient and product mixed", "4.4"),
)

VENDOR = Vendor(
    id="epic",
    name="Epic",
    urls=paths.urls,
    clients=auth.clients,
    route=api.route,
    admit=auth.admit,
    errors=EpicErrors(),
    limits=LIMITS,
    finish=media.finish,
    patient_ids=patient_ids.patient_ids,
    patient_of=patient_ids.patient_of,
    renderings=resources.renderings,
    traps=TRAPS,
    defaults={
        "organization": "Tallgrass Health",
        "max_page": 1000,  # largest page; scenarios make it small
        "server_zone": "America/Chicago",  # where dates without a zone are read; guess
        "sex_extension": "us-core-sex",  # or us-core-birthsex, as until 2025
        "mappings": {  # what a site publishes to those who integrate with it
            "encounter_class": CLASS_OF,
            "units": {spelled: ucum for ucum, spelled in UNIT_SPELLINGS.items()},
        },
    },
)
