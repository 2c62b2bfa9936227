"""Resources as ready bytes, by id: rendered once, kept while there is room.

Bytes hold no absolute URL, so one copy serves every address of the sandbox. The key holds the stamp of the patient's
records: whatever happens to them makes the kept bytes stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from simulator import drift
from simulator.fhir import build, xml
from simulator.vendors.epic import ids, resources
from simulator.vendors.epic.dialect import Json
from simulator.vendors.epic.media import Format
from simulator.vendors.epic.resources import TOLD, Item, Told

if TYPE_CHECKING:
    from simulator.sandbox import Site


def resource(site: Site, type: str, id: str, form: Format) -> bytes | None:
    """The resource `type`/`id` in JSON or as an XML fragment; None when there is none."""
    wanted = ids.named(site.key, id)
    if wanted is None or wanted.type != type:
        return None
    key = (form, id, _stamp(site, type, wanted.number))
    kept = site.cache.get(key)
    if kept is not None:
        return kept
    payload = resources.payload_of(site, wanted)
    return None if payload is None else _keep(site, key, payload, form)


_TELLS_HOUSEHOLD = frozenset({"Patient", "Coverage"})
"""What names those who live with the patient, while they live: whom to call, who holds a policy."""
_AT_HOME = 8  # bits for how many of a household have died


def _stamp(site: Site, type: str, number: int) -> int:
    """What bytes hang on: of a Patient on the person and the household only, which is far cheaper than the chart."""
    if type != "Patient" and type not in TOLD and type != "Provenance":
        return 0
    world = site.sandbox.world
    stamp = world.stamp(number, "patient" if type == "Patient" else "")
    return (stamp << _AT_HOME) + world.departed(number) if type in _TELLS_HOUSEHOLD else stamp


def listed(site: Site, type: str, wanted: Iterable[str], form: Format) -> Iterator[tuple[str, bytes]]:
    """(id, bytes) of those resources that are still there; a patient's chart is walked once, not once for each."""
    walks: dict[int, _Walk] = {}
    stamps: dict[int, int] = {}
    for id in wanted:
        named = ids.named(site.key, id)
        if named is None:
            continue
        if named.number not in stamps:
            stamps[named.number] = _stamp(site, type, named.number)
        key = (form, id, stamps[named.number])
        body = site.cache.get(key)
        if body is None and type in TOLD:
            walk = walks.get(named.number) or walks.setdefault(named.number, _Walk(site, TOLD[type], named.number))
            payload = walk.payload(id)
            body = None if payload is None else _keep(site, key, payload, form)
        elif body is None:
            body = resource(site, type, id, form)
        if body is not None:
            yield id, body


class _Walk:
    """One type of one patient's resources, by id."""

    def __init__(self, site: Site, told: Told, number: int) -> None:
        self._told = told
        self._telling = resources.telling(site, number)
        self._items: dict[str, Item] = {}
        if self._telling is not None:
            self._items = {told.id_of(self._telling, item): item for item in told.items(self._telling)}

    def payload(self, id: str) -> Json | None:
        """The resource of this id; None when there is none."""
        if self._telling is None or id not in self._items:
            return None
        return self._told.render(self._telling, self._items[id]).payload


_PASSING = frozenset({"CareTeam", "ImmunizationRecommendation", "RelatedPerson"})
"""What hangs on the day of the request, or on other people's records; so does a smoking status (E41)."""


def _keep(site: Site, key: tuple[str, str, int], payload: Json, form: Format) -> bytes:
    payload = drift.told(site, payload)
    body = build.dumps(payload) if form == "json" else xml.fragment(payload)
    is_passing = payload["resourceType"] in _PASSING or "effectivePeriod" in payload
    return body if is_passing else site.cache.put(key, body)
