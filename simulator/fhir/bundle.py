"""Bundles joined from ready bytes: a resource is serialised once, whatever bundles it comes in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orjson import dumps

from simulator.fhir import build

Link = tuple[str, str]
GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"


def entry(
    full_url: str | None,
    resource: bytes,
    mode: str | None = "match",
    *,
    links: Iterable[Link] = (),
    score: str = "",
    grade: str = "",
) -> bytes:
    """One entry of a searchset: `link` (when given), `fullUrl`, `resource`, `search`, in this order. `score` and
    `grade` (the extension match-grade) say how well it matches."""
    listed = _links(links)
    head = listed + b"," if listed else b""
    url = b'"fullUrl":' + dumps(full_url) + b"," if full_url else b""
    tail = b""
    if mode:
        graded = b'"extension":' + dumps([{"url": GRADE, "valueCode": grade}]) + b"," if grade else b""
        scored = b',"score":' + score.encode() if score else b""
        tail = b',"search":{' + graded + b'"mode":' + dumps(mode) + scored + b"}"
    return b"{" + head + url + b'"resource":' + resource + tail + b"}"


def searchset(
    *,
    entries: Iterable[bytes],
    links: Iterable[Link] = (),
    id: str | None = None,
    total: int | None = None,
    type: str = "searchset",
    meta: Mapping[str, Any] | None = None,
    timestamp: str | None = None,
    empty_entry: bool = False,
    extra: Mapping[str, Any] | None = None,
) -> bytes:
    """A Bundle of ready entries (see `entry`): resourceType, id, meta, type, timestamp, total, link, entry, `extra`.

    `links` are (relation, URL) in the room's order. Without entries there is no `entry` member, or an empty array with
    `empty_entry` (as some vendors send, though FHIR has no empty arrays).
    """
    parts = [b'{"resourceType":"Bundle"']
    if id is not None:
        parts.append(b'"id":' + dumps(id))
    if meta is not None:
        parts.append(b'"meta":' + build.dumps(dict(meta)))
    parts.append(b'"type":' + dumps(type))
    if timestamp is not None:
        parts.append(b'"timestamp":' + dumps(timestamp))
    if total is not None:
        parts.append(b'"total":%d' % total)
    if listed := _links(links):
        parts.append(listed)
    joined = b",".join(entries)
    if joined or empty_entry:
        parts.append(b'"entry":[' + joined + b"]")
    if extra:
        parts.append(build.dumps(dict(extra))[1:-1])
    return b",".join(parts) + b"}"


def _links(links: Iterable[Link]) -> bytes:
    listed = [{"relation": relation, "url": url} for relation, url in links]
    return b'"link":' + dumps(listed) if listed else b""
