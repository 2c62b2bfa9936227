"""An R4 resource as an older version tells it: shape, code systems, references, ids; then only what the version has."""

from __future__ import annotations

from typing import Any

from simulator.fhir import xml
from simulator.vendors.epic import ids
from simulator.vendors.epic.dialect import Json
from simulator.vendors.epic.older.version import Kind, Version

_MEMBERS = {"DSTU2": ("reference", "display"), "STU3": ("reference", "identifier", "display")}
"""What a reference holds, besides extensions."""


def told(version: Version, key: bytes, kind: Kind, resource: Json) -> Json:
    """The R4 `resource` in the words of the version; `key` is the site's. The resource itself is used up."""
    id = resource["id"]
    made = _in_words(version, key, kind.tell(resource))
    made |= {"resourceType": kind.name, "id": id_of(version, key, kind, id)}
    known = version.elements[kind.name]
    kept = [name for name in made if known.find(name.removeprefix("_")).known]
    kept.sort(key=lambda name: known.find(name.removeprefix("_")).place)
    return {"resourceType": kind.name, **{name: made[name] for name in kept if made[name] not in ([], {})}}


def id_of(version: Version, key: bytes, kind: Kind, id: str) -> str:
    """The id in this version of what R4 calls `id`; what R4 has under another type is something of its own here."""
    named = ids.named(key, id)
    if named is None:
        return id
    return version.id(key, named._replace(type="MedicationStatement") if kind.name == "MedicationStatement" else named)


def id_now(version: Version, key: bytes, type: str, id: str) -> str:
    """The R4 id of `type`/`id` of this version; for an id that it never gave one that R4 never gave either."""
    named = version.named(key, id)
    kind = version.kinds.get(type)
    is_own = type == "MedicationStatement"
    wanted = type if is_own or kind is None else kind.now
    if named is None or named.type != wanted:
        return "unknown"
    named = named._replace(type="MedicationRequest") if is_own else named
    return ids.fhir_id(key, named.type, named.number, named.ordinal, named.frame)


def outcome(version: Version, resource: Json) -> Json:
    """An OperationOutcome; DSTU2 has no `expression`."""
    if version.name == "DSTU2":
        for issue in resource["issue"]:
            issue.pop("expression", None)
    return resource


def fragment(version: Version, resource: Json) -> bytes:
    """The resource as an XML fragment, elements in the order of the version."""
    return xml.fragment(resource, version.elements.get(resource["resourceType"]))


def _in_words(version: Version, key: bytes, node: Any) -> Any:
    """Code systems and references, however deep, as the version has them."""
    if isinstance(node, list):
        return [_in_words(version, key, one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {name: _in_words(version, key, value) for name, value in node.items()}
    if isinstance(made.get("system"), str):
        made["system"] = version.codings.get(made["system"], made["system"])
    if isinstance(made.get("reference"), str):
        return _reference(version, key, made)
    return made


def _reference(version: Version, key: bytes, reference: Json) -> Json:
    type, _, id = reference["reference"].rpartition("/")
    then = version.referred.get(type)
    named = ids.named(key, id)
    made = {name: value for name, value in reference.items() if name in (*_MEMBERS[version.name], "extension")}
    if then is None or named is None:
        del made["reference"]
    else:
        made["reference"] = f"{then}/{version.id(key, named)}"
    return made
