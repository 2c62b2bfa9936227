"""What the caller may see behind an open door: one place for every route that shows resources.

Source: SMART App Launch 2.2.0 (std:SMART-SC-05, -06); how Epic says no: SOURCES.md, "Refusals" (FS: 4118).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from simulator.auth.sight import visible
from simulator.exchange import Exchange
from simulator.refusal import Refusal
from simulator.sandbox import Site
from simulator.vendors.epic import ids, store

_NOBODYS = frozenset({"Location", "Medication", "Organization", "Practitioner"})


def seen(x: Exchange, type: str, action: str, found: Sequence[str]) -> list[str]:
    """Those of the ids found that the caller may see."""
    sight = x.caller.sight if x.caller is not None else None
    if sight is None:
        return list(found)
    whose, payload = partial(owner, x.site, type), partial(_payload, x.site, type)
    return list(visible(sight, type, action, found, owner=whose, payload=payload))


def check(x: Exchange, type: str, id: str) -> None:
    """Raises Refusal, forbidden, when the caller may not see this resource."""
    if x.caller is not None and x.caller.sight is not None and not seen(x, type, "r", (id,)):
        raise Refusal("forbidden", f"{type}/{id} is outside the grant", reason="not_viewable", resource=type, id=id)


def owner(site: Site, type: str, id: str) -> int | None:
    """The patient whose record it is; None for what is nobody's."""
    named = ids.named(site.key, id)
    return None if named is None or named.type in _NOBODYS else named.number


def _payload(site: Site, type: str, id: str) -> Mapping[str, Any] | None:
    body = store.resource(site, type, id, "json")
    return None if body is None else orjson.loads(body)
