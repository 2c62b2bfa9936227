"""The public material behind the claims of this room, under the keys that SOURCES.md explains."""

from __future__ import annotations

from simulator.source import Mark, Source

PUBLIC: dict[str, str] = {
    "RWSLIB": "https://github.com/mdsol/rwslib/tree/cbdf33c (Medidata's own client, its tests and its manual)",
    "MAUTH": "https://github.com/mdsol/mauth-client-python (1.10.1) and "
    "https://github.com/mdsol/mauth-protocol-test-suite",
    "DUCK": "https://github.com/yoogoc/duckdb-rws (measurements on a tenant with RWS 1.16.0)",
    "CURE": "https://github.com/Cure-HHT/hht_diary spec/prd-rave-sync.md (an integration in production, 2026)",
    "CODER": "https://github.com/mdsol (a metrics query of an engineer, which maps reason codes to statuses)",
}


def source(mark: Mark, *keys: str, but: str = "") -> Source:
    """The source of a claim: what stands behind `keys`, best first; `but` tells what of the claim they leave open."""
    return Source("; ".join([*(PUBLIC[key] for key in keys), *([but] if but else [])]), mark)
