"""What patients are told in place of what staff are told: who treated them by profession, drugs in plain words (E35).

The same resource under the same id reads differently for a token that a patient's login gave. Whoever keeps resources
by id alone mixes the two; here each has ready bytes of its own.

Source: SOURCES.md, "Patients' tokens" (FS: the masks and 4119; what is masked beyond the recordings: guess).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from simulator.exchange import Exchange
from simulator.fhir import build, xml
from simulator.vendors.epic import dialect, errors, store

STAFF = "Physician"
_MASKED = {"extension": [{"valueCode": "masked", "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason"}]}
_STRENGTH = re.compile(r"\b(NDA)?\d[\d.,]*( (MG|ML|MCG|UNT|ACTUAT|HR)(/[A-Z]+)?)?\b")
_BRAND = re.compile(r"\[([^]]+)\]")


def is_patients(x: Exchange) -> bool:
    """Whether a patient let the caller in."""
    return x.caller is not None and x.caller.persona == "patient"


def told(x: Exchange, type: str, id: str, body: bytes, form: str) -> bytes:
    """The resource `body`, in JSON or as an XML fragment, as the caller is told it."""
    if not is_patients(x) or type == "Binary":
        return body
    key = ("masked", form, type, id, hash(body))
    kept = x.site.cache.get(key)
    if kept is not None:
        return kept
    plain = body if form == "json" else store.resource(x.site, type, id, "json")
    masked = _masked(json.loads(plain or b"{}", parse_float=Decimal))
    return x.site.cache.put(key, build.dumps(masked) if form == "json" else xml.fragment(masked))


def remark(x: Exchange) -> list[dict[str, Any]]:
    """What is said beside every result of a patient's search: that there may be more."""
    return [errors.issue("warning", "processing", "4119")] if is_patients(x) else []


def _masked(resource: dict[str, Any]) -> dict[str, Any]:
    type = resource.get("resourceType")
    if type == "Practitioner":
        resource["name"] = [{"use": "usual", "text": STAFF, "given": [STAFF], "_family": _MASKED}]
    elif type == "Organization":
        resource["name"] = _area(resource["name"])
    elif type == "Medication":
        for concept in (resource["code"], *(one["itemCodeableConcept"] for one in resource.get("ingredient", ()))):
            concept["text"] = in_plain_words(concept["text"])
    _mask_references(resource)
    return resource


def _mask_references(node: Any) -> None:
    """Every reference to staff, to the organization and to a drug gets the words that the resource itself has."""
    if isinstance(node, list):
        for one in node:
            _mask_references(one)
    elif isinstance(node, dict):
        mask = _DISPLAYS.get(str(node.get("reference", "")).partition("/")[0])
        if mask is not None and "display" in node:
            node["display"] = mask(node["display"])
        for one in node.values():
            _mask_references(one)


def _area(name: str) -> str:
    """The health system as a service area; payers keep their names."""
    return name if name.endswith(" Service Area") or name in dialect.payers() else f"{name} Service Area"


@lru_cache(maxsize=1024)
def in_plain_words(product: str) -> str:
    """A product's name as patients read it: lower case, without strengths, "and" between the ingredients."""
    brand = _BRAND.search(product)
    if product.startswith("{") and brand is not None:
        return brand[1]
    words = _STRENGTH.sub("", _BRAND.sub("", product)).replace(" Oral ", " ").replace(" / ", " and ")
    return " ".join(words.lower().split())


_DISPLAYS: dict[str, Callable[[str], str]] = {
    "Practitioner": lambda display: STAFF,
    "Organization": _area,
    "Medication": in_plain_words,
}
