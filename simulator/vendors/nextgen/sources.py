"""The public material behind the claims of this room, under the keys that SOURCES.md explains."""

from __future__ import annotations

from simulator.source import Mark, Source

PUBLIC: dict[str, str] = {
    "SDK": "https://github.com/clinect/nextgen-sdk/tree/4aeaae7 (299 recorded answers, May 2023)",
    "BITFOUNT": "https://pypi.org/project/bitfount/13.0.0/ (externals/ehr/nextgen: a client in production)",
    "EVANG": "https://github.com/api-evangelist/nextgen-healthcare/tree/86ff171 (documents captured in July 2026)",
    "TRIALLY": "https://docs.internal.trially.ai (an integrator's pages on NextGen)",
    "AUTHGUIDE": "NextGen Patient Access API Authentication Guide 1.2 of 22 June 2021 (https://www.nextgen.com/api)",
    "REG": "https://www.nextgen.com/api (regulatory pages of Enterprise and Office)",
    "FASTEN": "https://github.com/fastenhealth/fasten-onprem/issues/565",
    "OAUTHCLIENT": "https://github.com/fastenhealth/fasten-sources/issues/20 and public clients of patient access",
    "NGODOC": "https://www.nextgen.com/api (a public interface description of a bridge to NextGen Office)",
}


def source(mark: Mark, *keys: str, but: str = "") -> Source:
    """The source of a claim: what stands behind `keys`, best first; `but` tells what of the claim they leave open."""
    return Source("; ".join([*(PUBLIC[key] for key in keys), *([but] if but else [])]), mark)
