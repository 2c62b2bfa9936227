"""Ready bytes: each resource is rendered once and kept until something happens to its patient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, NamedTuple

import orjson

from simulator import drift
from simulator.fhir import build
from simulator.population.records import Chart
from simulator.refusal import Refusal
from simulator.sandbox import Site
from simulator.vendor import Rendering
from simulator.vendors.cerner.ids import Row
from simulator.vendors.cerner.resources import STAFF, TELLINGS, people, provenance, slot
from simulator.vendors.cerner.resources.telling import Item, Telling


class Ready(NamedTuple):
    """A resource as bytes, with what its headers say."""

    body: bytes
    etag: bytes
    last_modified: bytes  # empty when the resource tells no time


Charts = dict[tuple[str, int], tuple[Chart, dict[Row, Item]]]
"""The charts that one request has opened, by type and patient number, with their items by row."""


def stamp_of(site: Site, kind: str, number: int) -> int:
    """What the bytes of a patient's records of a kind hang on."""
    return site.sandbox.world.stamp(number, kind)


class _Stamps(dict[int, int]):
    """The stamps of patients for one kind, asked once within a request."""

    def __init__(self, site: Site, kind: str) -> None:
        super().__init__()
        self._site = site
        self._kind = kind

    def __missing__(self, number: int) -> int:
        stamp = self[number] = stamp_of(self._site, self._kind, number)
        return stamp


def chart_of(site: Site, number: int) -> Chart | None:
    """The chart of a patient; None if there is no such patient."""
    world = site.sandbox.world
    return None if world.person(number) is None else world.chart(number)


def _chart_for(site: Site, telling: Telling, number: int) -> Chart | None:
    """As much of a chart as this type tells of: a Patient needs the person only, which is far cheaper. One who was
    combined away stands beside the survivor."""
    if telling.kind != "patient":
        return chart_of(site, number)
    world = site.sandbox.world
    survivor = world.survivor(number)
    person = world.person(number if survivor is None else survivor)
    return None if person is None else Chart(person, (), (), (), (), (), ())


def read(site: Site, type: str, id: str) -> Ready | None:
    """One resource; None if the site has none of that id.

    Raises:
        Refusal: broken, when the record lacks what FHIR requires (setting `poisoned`).
    """
    ready = read_all(site, type, (id,))[0]
    if ready is not None:
        _refuse_poisoned(site, type, id)
    return ready


def read_all(site: Site, type: str, ids: Sequence[str]) -> list[Ready | None]:
    """Resources of one type in the order of `ids`; what is not in the cache is rendered with one look at each chart.
    Slots and schedules are not kept: what is free changes with every booking."""
    charts: Charts = {}
    if type == "Provenance":
        return [_provenance(site, id, charts) for id in ids]
    if type in STAFF:
        return [_staff(site, type, id) for id in ids]
    if type in slot.TYPES:
        return [None if one is None else _ready(site, one) for one in slot.read_all(site, type, ids)]
    telling = TELLINGS[type]
    stamps = _Stamps(site, telling.kind)
    return [_one(site, telling, id, charts, stamps) for id in ids]


def _one(site: Site, telling: Telling, id: str, charts: Charts, stamps: _Stamps) -> Ready | None:
    kept = _kept(site, telling.type, id, stamps)
    if kept is not None:
        return kept
    row = telling.row_of(site, id)
    if row is None:
        return None
    stamp = stamps[row.number]  # before the chart: what is made of a newer chart is kept under an older stamp
    opened = charts.get((telling.type, row.number))
    if opened is None:
        chart = _chart_for(site, telling, row.number)
        if chart is None:
            return None
        opened = charts[telling.type, row.number] = chart, {item.row: item for item in telling.items(site, chart)}
    chart, by_row = opened
    item = telling.pick(site, by_row, id)
    return None if item is None else _keep(site, telling.render(site, chart, item).payload, row.number, stamp)


def _staff(site: Site, type: str, id: str) -> Ready | None:
    kept = _kept(site, type, id, None)
    if kept is not None:
        return kept
    payload = people.staff_read(site, type, id)
    return None if payload is None else _keep(site, payload, 0, 0)


def _provenance(site: Site, id: str, charts: Charts) -> Ready | None:
    """The provenance of another resource: what it says stands in that one."""
    found = provenance.target_of(id)
    if found is None:
        return None
    telling = TELLINGS[found[0]]
    stamps = _Stamps(site, telling.kind)
    kept = _kept(site, "Provenance", id, stamps)
    if kept is not None:
        return kept
    row = telling.row_of(site, found[1])
    target = None if row is None else _one(site, telling, found[1], charts, stamps)
    if row is None or target is None or not target.last_modified:
        return None
    person = site.sandbox.world.person(row.number)
    if person is None:
        return None
    meta = orjson.loads(target.body)["meta"]
    payload = provenance.provenance(*found, meta, people.organization_ref(site, person.facility))
    return _keep(site, payload, row.number, stamps[row.number])


def _kept(site: Site, type: str, id: str, stamps: _Stamps | None) -> Ready | None:
    """The bytes of a resource while the stamp of its patient is the one under which they were made."""
    head = site.cache.get((type, id, "head"))
    if head is None:
        return None
    etag, when, number, stamp = head.split(b"\n")
    if stamps is not None and stamps[int(number)] != int(stamp):
        return None
    body = site.cache.get((type, id))
    return None if body is None else Ready(body, etag, when)


def _keep(site: Site, payload: dict[str, Any], number: int, stamp: int) -> Ready:
    type, id = payload["resourceType"], payload["id"]
    body, etag, when = ready = _ready(site, payload)
    site.cache.put((type, id), body)
    site.cache.put((type, id, "head"), b"\n".join((etag, when, str(number).encode(), str(stamp).encode())))
    return ready


def _ready(site: Site, payload: dict[str, Any]) -> Ready:
    payload = drift.told(site, payload)
    meta = payload["meta"]
    updated = meta.get("lastUpdated")
    when = format_datetime(datetime.fromisoformat(updated).astimezone(UTC), usegmt=True).encode() if updated else b""
    return Ready(build.dumps(payload), f'W/"{meta["versionId"]}"'.encode(), when)


def rooted(type: str, body: bytes, root: str) -> bytes:
    """The bytes of a resource with the FHIR root `root` in the URLs that it names; most types name none."""
    telling = TELLINGS.get(type)
    if telling is None or not telling.links:
        return body
    return body.replace(b'"url":"Binary/', b'"url":"' + root.encode() + b"/Binary/")


def _refuse_poisoned(site: Site, type: str, id: str) -> None:
    """One record without a required value takes the whole answer with it."""
    poisoned = site.settings.get("poisoned")
    if poisoned and f"{type}/{id}" in poisoned:
        said = f"{type}/{id} lacks a required element"
        if type == "DocumentReference":  # documented: no usable status, no document
            raise Refusal("not_found", said, reason="required", resource=type, id=id, text="Resource not found")
        raise Refusal("broken", said, reason="required", location=f"/f:{type}/f:status")


def conforming(site: Site, type: str, ids: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The resources of a page that can be shown, and those that lack a required value: left out, where the setting
    `nonconforming` says so.

    Raises:
        Refusal: broken, as of `read`, where it does not.
    """
    poisoned = site.settings.get("poisoned")
    bad = tuple(id for id in ids if f"{type}/{id}" in poisoned) if poisoned else ()
    if bad and site.settings["nonconforming"] != "left_out":
        _refuse_poisoned(site, type, bad[0])
    return tuple(id for id in ids if id not in bad), bad


def renderings(site: Site, number: int) -> Iterable[Rendering]:
    """Every resource of a patient with what it lost, type by type, in listing order.

    A rendering without records is a resource behind which nothing true stands: entered in error, or combined away; or a
    report, which groups or presents what others tell.
    """
    chart = chart_of(site, number)
    if chart is None:
        return
    for telling in TELLINGS.values():
        for item in telling.items(site, chart):
            told = telling.render(site, chart, item)
            further = telling.weighed(site, chart, item) if telling.weighed is not None else []
            yield replace(told, losses=(*told.losses, *further)) if further else told
