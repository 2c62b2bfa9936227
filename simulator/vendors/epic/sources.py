"""The public material behind the claims of this room, under the keys that SOURCES.md explains."""

from __future__ import annotations

from simulator.source import Mark, Source

_MAP = "https://github.com/mock-health/the-map/blob/1757b011"

PUBLIC: dict[str, str] = {
    "OAUTH": "https://fhir.epic.com/Documentation?docId=oauth2 (read in early 2026)",
    "SPEC": "https://fhir.epic.com/Specifications (pages of the single APIs)",
    "PSEARCH": "https://fhir.epic.com/Specifications?api=932, repeated at "
    "https://docs.nerve.run/functions/patient-search",
    "CS": f"{_MAP}/tests/golden/epic/CapabilityStatement-2026-05-11.json (Epic's own words to each parameter)",
    "FS": "https://github.com/fastenhealth/fasten-sources/tree/968f6159 "
    "(answers of fhir.epic.com, recorded in November 2024 and December 2025)",
    "MAP": f"{_MAP}/ehrs/epic/overlay.json (probes of fhir.epic.com, April and May 2026)",
    "FLEET": f"{_MAP}/ehrs/epic/production_fleet.json (metadata of 739 production sites, 14 May 2026)",
    "LANTERN": "https://github.com/onc-healthit/lantern-back-end/tree/8a6f7736/endpointmanager/pkg/testdata "
    "(epic_capability_dstu2.json, epic_capability_stu3.json: two production sites, January 2020)",
    "BASES": "https://github.com/cfu288/mere-medical/blob/aa17e9b7/libs/epic/src/lib/data/R4Endpoints.json "
    "(807 R4 bases of production sites, as an app lists them)",
    "BULKDOC": "https://fhir.epic.com/Documentation?docId=fhir_bulk_data",
    "GN": "https://github.com/smart-on-fhir/good-neighbor/blob/8a840aee/docs/tips.md",
    "WSIDX": "https://open.epic.com/Interface/WebServices/Other",
    "COBALT": "https://github.com/cobaltplatform/cobalt-api (client of the web services and its tests)",
    "RONIN": "https://github.com/projectronin/interop-mock-ehr (a client's mock of the web services)",
    "TREWS": "https://github.com/search?q=GETFLOWSHEETROWS+FlowsheetRowIDs&type=code (public copies of a client)",
    "STAYS": "https://github.com/search?q=698084.18888&type=code (encounters and C-CDA of several sites)",
    "PENNS": "https://github.com/pennsignals (client that writes flowsheet values)",
    "HSK": "https://github.com/jmandel/health-skillz/tree/a7fd8acf/blog/epic (February 2026)",
    "CLIENTJS": "https://github.com/smart-on-fhir/client-js/issues/87",
    "CUMULUS": "https://github.com/smart-on-fhir/cumulus-etl/tree/80262e0d (extensions met at hospitals)",
    "CHOP": "https://github.com/radiant-network/radiant-fhir-transformers (test data of a hospital's client)",
    "DIBBS": "https://github.com/CDCgov/dibbs-query-connector/pull/966 and /pull/998 (one hospital, July 2026)",
    "SFETCH": "https://github.com/smart-on-fhir/smart-fetch/tree/6b97abce",
    "YP": "https://github.com/jwilleke/yourphr/issues/754",
    "FHIRPY": "https://github.com/beda-software/fhir-py/blob/63900c7c/example/epic_auth.ipynb (December 2022)",
    "REDCAP": "https://github.com/search?q=BreakTheGlass+REDCap+AcceptBreakTheGlass&type=code",
    "MERE": "https://github.com/cfu288/mere-medical/issues/53",
    "ERRGUIDE": "https://github.com/SaieshNeeli/epic_fhir_integration/blob/da3ed716/docs/06_call_fhir_apis.md",
}


def source(mark: Mark, *keys: str, but: str = "") -> Source:
    """The source of a claim: what stands behind `keys`, best first; `but` tells what of the claim they leave open."""
    return Source("; ".join([*(PUBLIC[key] for key in keys), *([but] if but else [])]), mark)
