"""Enterprises and practices: the two lists that need no session, because a session is made of them.

Their ids are padded with zeros: a number would lose them.

Source: SOURCES.md, "The second key" (SDK: members of an enterprise; those of a practice: guess).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.exchange import Exchange, Reply
from simulator.refusal import Refusal
from simulator.vendors.nextgen.words import link, listed

if TYPE_CHECKING:
    from simulator.sandbox import Site

ENTERPRISE = "00001"
_CHANGED = ("2024-02-21T11:07:44.3", "2024-02-21T16:07:44.3")  # local time without a zone, and UTC without a Z


def practice_ids(site: Site) -> tuple[str, ...]:
    """The ids of the site's practices: a practice for each facility of the world."""
    return tuple(f"{place:04d}" for place in range(1, len(site.sandbox.world.population.facilities) + 1))


def check(site: Site, enterprise: str | None, practice: str | None) -> None:
    """Raises Refusal, malformed, when there is no such enterprise or practice."""
    if enterprise is not None and enterprise != ENTERPRISE:
        raise Refusal("malformed", f"no enterprise {enterprise!r}", reason="no_enterprise")
    if practice is not None and practice not in practice_ids(site):
        raise Refusal("malformed", f"no practice {practice!r}", reason="no_practice")


def enterprises(x: Exchange) -> Reply:
    """The one enterprise."""
    return listed(x, [_row("enterprises", ENTERPRISE, "Tallgrass Enterprise")])


def practices(x: Exchange) -> Reply:
    """Its practices."""
    facilities = x.site.sandbox.world.population.facilities
    rows = zip(practice_ids(x.site), facilities, strict=True)
    return listed(x, [_row("practices", id, one.name) | {"enterpriseId": ENTERPRISE} for id, one in rows])


def _row(what: str, id: str, name: str) -> dict[str, Any]:
    return {
        "id": id,
        "name": name,
        "isDeleted": False,
        "nationalProviderId": "",
        "modifyTimestamp": _CHANGED[0],
        "modifyTimestampUtc": _CHANGED[1],
        "_links": [link(f"/master/{what}?$filter=Id eq '{{0}}'", id, "self")],
    }
