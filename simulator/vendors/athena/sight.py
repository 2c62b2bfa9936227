"""What the caller may see behind an open door of the FHIR side: one place for every route that shows resources.

Source: SMART App Launch 2.2.0 (std:SMART-SC-05, -06).
"""

from __future__ import annotations

from functools import partial

from simulator.auth.sight import visible
from simulator.exchange import Exchange
from simulator.refusal import Refusal
from simulator.vendors.athena.fhir.asked import Found
from simulator.vendors.athena.owners import owner


def is_narrow(x: Exchange) -> bool:
    """Whether the caller sees less than everything."""
    return x.caller is not None and x.caller.sight is not None


def narrowed(x: Exchange, type: str, found: Found) -> Found:
    """A page of a search with what the caller may see; without a total, which would count the others."""
    bodies = {hit.id: hit.resource for hit in found.hits}
    kept = set(_seen(x, type, "s", bodies))
    hits = [hit for hit in found.hits if hit.id in kept]
    return found if len(hits) == len(found.hits) else Found(hits, None, found.following, found.number)


def shows(x: Exchange, type: str, id: str, body: bytes, action: str = "r") -> bool:
    """Whether the caller may see this resource."""
    return not is_narrow(x) or bool(_seen(x, type, action, {id: body}))


def check(x: Exchange, type: str, id: str, body: bytes) -> None:
    """Raises Refusal, forbidden, when the caller may not see this resource."""
    if not shows(x, type, id, body):
        raise Refusal("forbidden", f"{type}/{id} is outside the grant", reason="not_yours", resource=type, id=id)


def _seen(x: Exchange, type: str, action: str, bodies: dict[str, bytes]) -> list[str]:
    sight = x.caller.sight if x.caller is not None else None
    whose = partial(owner, x.site, type)
    return list(visible(sight, type, action, list(bodies), owner=whose, bodies=lambda ids: bodies))
