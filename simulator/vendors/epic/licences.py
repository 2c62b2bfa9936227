"""Which of Epic's APIs a site has a licence for.

The CapabilityStatement lists every type that Epic has, whoever runs it. A site without the licence for one answers
every call to it as if the client had no right to it: 403 with an empty body. With the licence, and nothing on record of
that kind, searches are empty and no id is known.

Without the setting, a site has what the public sandbox let a backend service register for (MAP: 151 granted scopes):
everything but reading and searching six types.

Source: SOURCES.md, "Doors" and "Refusals" (MAP; FS: the 403; that a site without a licence answers so: guess).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.refusal import Refusal
from simulator.vendors.epic.params import INTERACTIONS

if TYPE_CHECKING:
    from simulator.sandbox import Site

SETTING = "unlicensed"
"""Site setting: the types that the site has no licence for."""
NOT_GRANTED = ("Claim", "ConceptMap", "ImagingStudy", "Measure", "MeasureReport", "ValueSet")
"""The types that no scope of the sandbox was granted to read."""


def held(site: Site) -> tuple[str, ...]:
    """The types that the site may tell, by the alphabet."""
    return tuple(sorted(type for type in INTERACTIONS if type not in site.settings[SETTING]))


def check(site: Site, type: str) -> None:
    """Raises Refusal, forbidden as for a client without the right, when the site has no licence for `type`."""
    if type in site.settings[SETTING]:
        raise Refusal("forbidden", f"the site has no licence for {type}", reason="not_licensed", resource=type)
