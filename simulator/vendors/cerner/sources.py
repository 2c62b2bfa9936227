"""The public material behind the claims of this room, under the keys that SOURCES.md explains."""

from __future__ import annotations

from simulator.source import Mark, Source

_SITE = "https://github.com/cerner/fhir.cerner.com/tree/3d33831a/content"
_MAP = "https://github.com/mock-health/the-map/tree/1757b011"

PUBLIC: dict[str, str] = {
    "D": f"{_SITE}/millennium/r4 (the vendor's documentation as of May 2024)",
    "DA": f"{_SITE}/authorization (the same, on authorization)",
    "M": f"{_MAP}/tests/golden/cerner (answers of the vendor's sandbox, 27 April 2026)",
    "MO": f"{_MAP}/ehrs/cerner/overlay.json (probes of the vendor's sandbox, April and May 2026)",
    "MF": f"{_MAP}/ehrs/cerner (production_fleet.json: metadata of 2,908 production endpoints, 2026)",
    "E": "https://github.com/api-evangelist/cerner/tree/5ebcabe3 (discovery documents captured on 14 August 2026)",
    "Y": "https://github.com/jwilleke/yourphr (guide for Cerner patient access, and issue 338)",
    "C": "https://github.com/smart-on-fhir/client-js/issues/124",
    "H": "https://github.com/cerner/fhir.cerner.com/commits/ (single commits of the vendor's documentation)",
    "OR": "https://docs.oracle.com/en/industries/health/millennium-platform-apis/ (Oracle's change log, May 2026)",
    "T": "https://github.com/cerner/smart-on-fhir-tutorial and its public forks with recorded debug output",
}


def source(mark: Mark, *keys: str, but: str = "") -> Source:
    """The source of a claim: what stands behind `keys`, best first; `but` tells what of the claim they leave open."""
    return Source("; ".join([*(PUBLIC[key] for key in keys), *([but] if but else [])]), mark)
