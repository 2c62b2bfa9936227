"""What an older version says of itself: a Conformance in DSTU2, a CapabilityStatement in STU3.

Source: SOURCES.md, "Older versions" (LANTERN).
"""

from __future__ import annotations

from simulator.ids import text_of
from simulator.vendors.epic.dialect import Json
from simulator.vendors.epic.ids import LETTERS
from simulator.vendors.epic.older.version import Kind, Version

_SERVICE = "http://hl7.org/fhir/ValueSet/restful-security-service"
_SAYS = {
    "patient": "The patient whose resources are wanted.",
    "subject": "The same as patient; if both are given they must name the same one.",
    "_id": "IDs of the resources wanted; every other parameter is then ignored.",
    "status": "By default active ones; what is asked for must hold active.",
}


def statement(version: Version, key: bytes, now: Json, base_url: str) -> Json:
    """The statement of the version, made from that of R4: same software, same doors of OAuth. A Conformance has one
    opaque id in three places; `key` is the site's."""
    software = now["software"]
    id = "T" + text_of(key, "conformance", length=22, alphabet=LETTERS[:62]) + "B"
    numbered = {"id": id, "url": f"{base_url}{version.path}/{version.statement}/{id}", "version": id}
    made: Json = {
        "resourceType": version.statement,
        **(numbered if version.statement == "Conformance" else {}),
        "status": "active",
        "experimental": False,
        "date": now["date"],
        "copyright": now["copyright"],
        "kind": "instance",
        "software": {"name": software["version"], "releaseDate": software["releaseDate"]},
        "fhirVersion": version.fhir_version,
        "acceptUnknown": "no",
        "format": ["xml", "json"],
    }
    rest: Json = {"mode": "server"}
    security = now["rest"][0].get("security")
    if security is not None:
        for service in security.get("service", ()):
            for coding in service["coding"]:
                coding["system"] = _SERVICE
        rest["security"] = {name: security[name] for name in ("extension", "cors", "service") if name in security}
    rest["resource"] = [_type(version, version.kinds[name]) for name in sorted(version.kinds)]
    return made | {"rest": [rest]}


def _type(version: Version, kind: Kind) -> Json:
    codes = ["read", "search-type"] if kind.params else ["read"]
    made: Json = {
        "type": kind.name,
        "interaction": [{"code": code} for code in codes],
        "readHistory": False,
        "updateCreate": False,
        "conditionalCreate": False,
        **({"conditionalRead": "not-supported"} if version.name == "STU3" else {}),
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
    }
    params = {"_id": "token", **kind.params} if kind.params else {}
    listed = [
        {"name": name, "type": of, "documentation": _SAYS.get(name, f"Narrows the search by {name}.")}
        for name, of in params.items()
    ]
    return made | ({"searchParam": listed} if listed else {})
