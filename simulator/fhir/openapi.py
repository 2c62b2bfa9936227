"""The OpenAPI document of a FHIR server, from the same table as its CapabilityStatement: for tools that try every call.

It says which calls there are and what they take. Bodies are objects that name their type, and no more: what a resource
holds is FHIR's to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from simulator.fhir.capability import ResourceType

Json = dict[str, Any]
MEDIA = "application/fhir+json"
_FORM = "application/x-www-form-urlencoded"
_FORMS: Mapping[str, Json] = {
    "date": {"type": "string", "examples": ["ge2024-01-01", "2024", "lt2025-06-30T12:00:00Z"]},
    "number": {"type": "string", "examples": ["10"]},
    "reference": {"type": "string", "examples": ["Patient/1", "1"]},
}
_ANY: Json = {"type": "string"}


def document(
    title: str, version: str, server: str, types: Iterable[ResourceType], operations: Iterable[str] = ()
) -> Json:
    """The document. `server` is the FHIR base; `operations` are paths of operations that take a resource by POST."""
    known: dict[str, Json] = {"/metadata": {"get": _operation("metadata", "capabilities", is_open=True)}}
    for type in types:
        known |= {path: told for path, told in _paths(type).items() if told}
    for path in operations:
        known[path] = {"post": _operation(path.rpartition("/")[2].lstrip("$"), path) | _body("Parameters")}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "servers": [{"url": server}],
        "paths": known,
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }


def _paths(type: ResourceType) -> dict[str, Json]:
    name, can = type.type, set(type.interactions)
    params = [_param(one.name, "query", one.type, one.doc) for one in type.params]
    form = {"type": "object", "properties": {one.name: _FORMS.get(one.type, _ANY) for one in type.params}}
    one, many, posted = {}, {}, {}
    if "read" in can:
        one["get"] = _operation(f"{name}.read", f"Reads a {name}.") | {"parameters": [_param("id", "path")]}
    if "update" in can:
        told = _operation(f"{name}.update", f"Changes a {name}.") | {"parameters": [_param("id", "path")]}
        one["put"] = told | _body(name)
    if "search-type" in can:
        many["get"] = _operation(f"{name}.search", f"Searches {name}.") | {"parameters": params}
        told = _operation(f"{name}.search.posted", f"Searches {name} by a form.")
        posted["post"] = told | {"requestBody": {"content": {_FORM: {"schema": form}}}}
    if "create" in can:
        many["post"] = _operation(f"{name}.create", f"Creates a {name}.") | _body(name)
    return {f"/{name}": many, f"/{name}/_search": posted, f"/{name}/{{id}}": one}


def _operation(id: str, says: str, *, is_open: bool = False) -> Json:
    answers = {"2XX": {"description": "as asked"}, "4XX": {"description": "refused"}}
    return {"operationId": id, "summary": says, "responses": answers} | (
        {} if is_open else {"security": [{"bearer": []}]}
    )


def _body(type: str) -> Json:
    schema = {"type": "object", "required": ["resourceType"], "properties": {"resourceType": {"const": type}}}
    return {"requestBody": {"required": True, "content": {MEDIA: {"schema": schema}}}}


def _param(name: str, place: str, kind: str = "", says: str = "") -> Json:
    made: Json = {"name": name, "in": place, "schema": _FORMS.get(kind, _ANY)}
    if says:
        made["description"] = says
    return made | ({"required": True} if place == "path" else {})
