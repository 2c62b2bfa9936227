"""What the caller may see behind an open door: one place for every route that shows resources.

Source: SMART App Launch 2.2.0 (std:SMART-SC-05, -06); the words of the refusal: SOURCES.md, "Refusals".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from simulator.auth.sight import visible
from simulator.exchange import Exchange
from simulator.refusal import Refusal
from simulator.sandbox import Site
from simulator.vendors.cerner import ids, store
from simulator.vendors.cerner.resources import TELLINGS, attachments, provenance


def seen(x: Exchange, type: str, action: str, found: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the ids found that the caller may see."""
    sight = x.caller.sight if x.caller is not None else None
    if sight is None:
        return found
    whose, bodies = partial(owner, x.site, type), partial(_bodies, x.site, type)
    return tuple(visible(sight, type, action, found, owner=whose, bodies=bodies))


def check(x: Exchange, type: str, id: str) -> None:
    """Raises Refusal: forbidden, when the resource is outside the grant."""
    if x.caller is not None and x.caller.sight is not None and not seen(x, type, "r", (id,)):
        raise Refusal("forbidden", f"{type}/{id} is outside the grant", reason="not_yours", resource=type, id=id)


def owner(site: Site, type: str, id: str) -> int | None:
    """The patient whose record it is; None for what is nobody's."""
    if type == "Patient":
        number = ids.person_of(site, id)
        survivor = None if number is None else site.sandbox.world.survivor(number)
        return number if survivor is None else survivor
    if type == "Provenance":
        target = provenance.target_of(id)
        return None if target is None else owner(site, *target)
    if type == "Binary":
        parts = attachments.split(id)
        return None if parts is None else owner(site, "DocumentReference", parts[1])
    telling = TELLINGS.get(type)
    row = telling.row_of(site, id) if telling is not None else None
    return None if row is None else row.number


def _bodies(site: Site, type: str, found: Sequence[str]) -> Mapping[str, bytes]:
    ready = zip(found, store.read_all(site, type, found), strict=True)
    return {id: one.body for id, one in ready if one is not None}
