"""The inside of a body, as far as faults must know it: entries and next link, of FHIR bundles and of plain lists."""

from __future__ import annotations

from typing import Any

import orjson

from simulator.exchange import Headers, Reply


def json_of(reply: Reply) -> Any | None:
    """The value of a JSON body of a success; None when it is none."""
    if not 200 <= reply.status < 300 or not reply.body:
        return None
    try:
        return orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None


def with_json(reply: Reply, value: Any) -> Reply:
    """The reply with another value in it, written as the vendor writes (escaped slashes stay escaped)."""
    body = orjson.dumps(value)
    if b"\\/" in reply.body:
        body = body.replace(b"/", b"\\/")
    return Reply(reply.status, body, list(reply.headers), reply.simulated, reply.served)


def entries_of(value: Any) -> list[Any] | None:
    """The list inside: a bundle's entries, or the first list of an envelope, or the list itself; None when none."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return None
    if value.get("resourceType") == "Bundle":
        found = value.get("entry")
        return found if isinstance(found, list) else None
    if "resourceType" in value:
        return None
    return next((one for one in value.values() if isinstance(one, list) and one and isinstance(one[0], dict)), None)


def next_link(value: Any) -> str | None:
    """Where the next page is, None after the last."""
    if not isinstance(value, dict):
        return None
    for link in value.get("link") or ():
        if link.get("relation") == "next":
            return str(link["url"])
    found = value.get("next")
    return found if isinstance(found, str) else None


def set_next_link(value: Any, url: str) -> None:
    """Say that the next page is at `url`; whether or not there was one."""
    if value.get("resourceType") != "Bundle":
        value["next"] = url
        return
    links = [link for link in value.get("link") or () if link.get("relation") != "next"]
    value["link"] = [*links, {"relation": "next", "url": url}]


def id_of(entry: Any) -> str:
    """The id of an entry: of its resource, or the first member that ends in `id`; empty when it has none."""
    if not isinstance(entry, dict):
        return ""
    resource = entry.get("resource", entry)
    if not isinstance(resource, dict):
        return ""
    if "id" in resource:
        return str(resource["id"])
    return next((str(value) for name, value in resource.items() if name.endswith("id")), "")


def without(headers: Headers, *names: bytes) -> Headers:
    """The headers but these."""
    return [pair for pair in headers if pair[0] not in names]
