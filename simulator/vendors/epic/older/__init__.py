"""DSTU2 and STU3, beside R4 under the same root: the same data and rights, other ids, type names and shapes.

Whatever is asked is asked of R4, and what R4 answers is told in the older words: there is one search, one sight, one
store. Told are Patient, Observation, Condition, AllergyIntolerance, orders, statements and Medication; of the other
types that Epic has there, and of its creates in STU3, we say that they are not simulated.

Source: SOURCES.md, "Older versions".
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

from simulator.exchange import Exchange, Reply, Route
from simulator.fhir import build, bundle, xml
from simulator.refusal import NotSimulated, Refusal
from simulator.vendors.epic import answers, capability, media
from simulator.vendors.epic.dialect import Json
from simulator.vendors.epic.older import asking, dstu2, stu3, telling
from simulator.vendors.epic.older.statement import statement
from simulator.vendors.epic.older.version import Kind, Version
from simulator.vendors.epic.query import Query

VERSIONS = (dstu2.VERSION, stu3.VERSION)


def route(x: Exchange, path: str) -> Route | None:
    """The door of a path below an older version; None for every other path.

    Raises:
        Refusal: not_found or unsupported, for what Epic has not got there.
        NotSimulated: Epic has this and we do not.
    """
    for version in VERSIONS:
        if path.startswith(version.path + "/"):
            return _door(x, version, path[len(version.path) + 1 :].split("/"))
    return None


def _door(x: Exchange, version: Version, parts: list[str]) -> Route:
    type, kind = parts[0], version.kinds.get(parts[0])
    if x.method == "GET" and parts == ["metadata"]:
        return Route("metadata", partial(_metadata, version))
    if x.method == "GET" and parts == [".well-known", "smart-configuration"]:
        return Route("smart-configuration", capability.smart_configuration)
    if kind is None:
        if type in version.untold:
            raise NotSimulated(f"Epic's {type} in {version.name}")
        raise Refusal("not_found", f"Epic has no {type} in {version.name}", reason="no_such_path")
    if x.method == "GET" and len(parts) == 2 and not parts[1].startswith(("$", "_")):
        return Route(f"{type}.read", partial(_read, version, kind), (type, parts[1]), (kind.now, "r"))
    if x.method == "GET" and len(parts) == 1 and kind.params:
        return Route(f"{type}.search", partial(_find, version, kind), (type,), (kind.now, "s"))
    if x.method == "POST" and (parts[1:] == ["_search"] or (len(parts) == 1 and type in version.creates)):
        raise NotSimulated(f"Epic's POST of {type} in {version.name}")
    if x.method in ("POST", "PUT", "PATCH", "DELETE"):
        raise Refusal("unsupported", f"{x.method} on {type}", reason="no_such_method")
    raise Refusal("not_found", f"Epic has no {x.method} {x.path}", reason="no_such_path")


def _metadata(version: Version, x: Exchange) -> Reply:
    now = json.loads(capability.metadata(_as_json(x)).body)
    made = statement(version, x.site.key, now, x.base_url)
    form, content_type = media.negotiated(x.header("accept"))
    body = build.dumps(made) if form == "json" else xml.document(telling.fragment(version, made))
    return Reply(200, body, [(b"content-type", content_type)])


def _read(version: Version, kind: Kind, x: Exchange) -> Reply:
    id = telling.id_now(version, x.site.key, kind.name, x.route.args[1] if x.route else "")
    answer = answers.read(_as_json(x, Route(f"{kind.now}.read", answers.read, (kind.now, id), (kind.now, "r"))))
    made = _resource(version, kind, x, json.loads(answer.body, parse_float=Decimal))
    form, content_type = media.negotiated(x.header("accept"))
    body = build.dumps(made) if form == "json" else xml.document(telling.fragment(version, made))
    headers = [pair for pair in answer.headers if pair[0] not in (b"content-type", b"location")]
    location = answer.header("location")
    if location is not None:  # of who was merged into another
        then = telling.id_of(version, x.site.key, kind, location.rpartition("/")[2])
        headers.append((b"location", f"{x.base_url}{version.path}/{kind.name}/{then}".encode()))
    return Reply(answer.status, body, [(b"content-type", content_type), *headers], served=answer.served)


def _find(version: Version, kind: Kind, x: Exchange) -> Reply:
    pairs = asking.in_r4(x, version, kind)
    inner = _as_json(x, Route(f"{kind.now}.search", answers.find, (kind.now,), (kind.now, "s")))
    inner.read_params_as(pairs)
    answer = answers.find(inner)
    form, content_type = media.negotiated(x.header("accept"))
    writer: Any = bundle if form == "json" else xml
    now = json.loads(answer.body, parse_float=Decimal)
    base = f"{x.base_url}{version.path}/{kind.name}"
    entries = [_entry(version, kind, x, writer, form, base, one) for one in now.get("entry", ())]
    links = []
    for one in now["link"]:
        asked = one["url"].partition("?")[2] if one["relation"] == "next" else Query(kind.now, x.params, []).echo
        links.append((one["relation"], f"{base}?{asked}"))
    body = writer.searchset(entries=entries, links=links, total=now.get("total"))
    return Reply(200, body, [(b"content-type", content_type)], served=answer.served)


def _entry(version: Version, kind: Kind, x: Exchange, writer: Any, form: str, base: str, now: Json) -> bytes:
    made = _resource(version, kind, x, now["resource"])
    body = build.dumps(made) if form == "json" else telling.fragment(version, made)
    is_said = made["resourceType"] == "OperationOutcome"
    url = now["fullUrl"] if is_said else f"{base}/{made['id']}"
    entry: bytes = writer.entry(url, body, now["search"]["mode"], links=() if is_said else [("self", url)])
    return entry


def _resource(version: Version, kind: Kind, x: Exchange, now: Json) -> Json:
    if now["resourceType"] == "OperationOutcome":
        return telling.outcome(version, now)
    return telling.told(version, x.site.key, kind, now)


def _as_json(x: Exchange, route: Route | None = None) -> Exchange:
    """The same exchange, at the R4 door `route`, answered in JSON."""
    headers = [pair for pair in x.headers if pair[0] != b"accept"]
    return replace(x, headers=[*headers, (b"accept", b"application/json")], route=route or x.route)
