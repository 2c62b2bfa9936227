"""What the caller may see behind an open door: one place for every route that shows resources.

Source: SMART App Launch 2.2.0 (std:SMART-SC-05, -06); how Epic says no: SOURCES.md, "Refusals" (FS: 4118).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from simulator.auth.sight import visible
from simulator.exchange import Exchange
from simulator.refusal import Refusal
from simulator.sandbox import Site
from simulator.vendors.epic import ids, patient_ids, store, sub_resources
from simulator.vendors.epic.resources import people

_MANYS = -1  # no patient's number
_NOBODYS = frozenset({
    "Group", "Location", "Medication", "Organization", "Practitioner", "PractitionerRole", "Questionnaire",
})  # fmt: skip


def seen(x: Exchange, type: str, action: str, found: Sequence[str]) -> list[str]:
    """Those of the ids found that the caller may see."""
    _check_glass(x, type, action, found)
    found = sub_resources.held(x, type, found)
    sight = x.caller.sight if x.caller is not None else None
    if sight is None:
        return list(found)
    whose, bodies = partial(_confined_to, x.site, type), partial(_bodies, x.site, type)
    return list(visible(sight, type, action, found, owner=whose, bodies=bodies))


def check(x: Exchange, type: str, id: str) -> None:
    """Raises Refusal, forbidden, when the caller may not see this resource."""
    sub_resources.check(x, type, id)
    if not seen(x, type, "r", (id,)):
        raise Refusal("forbidden", f"{type}/{id} is outside the grant", reason="not_viewable", resource=type, id=id)


def _check_glass(x: Exchange, type: str, action: str, found: Sequence[str]) -> None:
    """Whether the patients of these resources are behind the glass. That there is such a patient, a search tells."""
    if not x.site.desk.glass.is_up or (type == "Patient" and action == "s"):
        return
    for number in dict.fromkeys(owner(x.site, type, id) for id in found):
        if number is not None:
            x.site.desk.glass.check(x, number)


def owner(site: Site, type: str, id: str) -> int | None:
    """The patient whose record it is; None for what is nobody's."""
    named = ids.named(site.key, id)
    is_photo = named is not None and named.type == "Binary" and named.ordinal == people.PHOTO
    if named is None or is_photo or named.type in _NOBODYS:
        return None
    survivor = patient_ids.survivor_of(site, id)
    return named.number if survivor is None else survivor


def _confined_to(site: Site, type: str, id: str) -> int | None:
    """Who alone sees it of those whose grant is for one patient; None: everybody does. A group is many patients'."""
    return _MANYS if type == "Group" else owner(site, type, id)


def _bodies(site: Site, type: str, found: Sequence[str]) -> Mapping[str, bytes]:
    return dict(store.listed(site, type, found, "json"))
