"""What came to be written: a resource in a request's body, read and looked over. Knows FHIR R4, and no vendor.

`resource_of` reads JSON or XML, `check` says whether it is what the URL promises, `flaws` whether it is well shaped.
What is well shaped can be read without care: what repeats is a list, what is complex an object. What a vendor needs,
takes and makes of it is its room's.

Source: FHIR R4 http.html#create and #update, json.html.
"""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from simulator.fhir import search, xml
from simulator.fhir.elements import Elements, elements, elements_of_resource
from simulator.refusal import Refusal

Json = dict[str, Any]
JSON_TYPES = frozenset({"application/fhir+json", "application/json", "application/json+fhir", "text/json"})
XML_TYPES = frozenset({"application/fhir+xml", "application/xml", "application/xml+fhir", "text/xml"})
_DEEPEST = 40  # levels; real resources have fewer than fifteen
_PRIMITIVE: dict[str, tuple[type, ...]] = {"": (str,), "b": (bool,), "n": (int,), "d": (Decimal, int)}


def resource_of(body: bytes, content_type: str | None) -> Json:
    """The resource in a request's body, decimals as Decimal.

    Raises:
        Refusal: unsupported with reason media_type, when it is called something else than JSON or XML; malformed with
            reason body_empty, body_not_json, body_not_xml or body_no_resource.
    """
    media = (content_type or "").partition(";")[0].strip().lower()
    if media not in JSON_TYPES | XML_TYPES:
        raise Refusal("unsupported", f"a body of type {media or 'none'}", reason="media_type", media=media, status=415)
    if not body.strip():
        raise Refusal("malformed", "there is no body", reason="body_empty")
    read = _of_json(body) if media in JSON_TYPES else _of_xml(body)
    if not isinstance(read, dict) or not isinstance(read.get("resourceType"), str):
        raise Refusal("malformed", "the body is no resource", reason="body_no_resource")
    return read


def _of_json(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refusal("malformed", f"not JSON: {error}", reason="body_not_json") from None


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _of_xml(body: bytes) -> Any:
    try:
        return xml.from_xml(body)
    except (ValueError, RecursionError) as error:
        raise Refusal("malformed", f"not FHIR XML: {error}", reason="body_not_xml") from None


def check(resource: Mapping[str, Any], type: str, id: str | None = None) -> None:
    """Whether the resource is what its URL says; with `id`, that of an update.

    Raises:
        Refusal: malformed with reason type_mismatch, id_missing or id_mismatch.
    """
    if resource["resourceType"] != type:
        told = f"a {resource['resourceType']} was sent to {type}"
        raise Refusal(
            "malformed", told, reason="type_mismatch", parameter="resourceType", value=resource["resourceType"]
        )
    if id is not None and resource.get("id") != id:
        reason = "id_mismatch" if resource.get("id") else "id_missing"
        raise Refusal("malformed", f"the resource is not {type}/{id}", reason=reason, parameter="id")


class Flaw(NamedTuple):
    """Something about a body: `unknown`, an element that R4 does not have; `shape`, a list, object or primitive where
    another belongs; `empty`, nothing in it; `deep`, too many levels. `path` is FHIRPath: `Patient.name[0].family`."""

    what: Literal["unknown", "shape", "empty", "deep"]
    path: str


def flaws(resource: Mapping[str, Any]) -> Iterator[Flaw]:
    """Everything that is wrong with the shape of a resource; of a type that R4 does not have, little is known."""
    name = str(resource["resourceType"])
    yield from _flaws(elements_of_resource(name), resource, name, ("resourceType",))


def _flaws(known: Elements, owner: Mapping[str, Any], path: str, besides: tuple[str, ...] = ()) -> Iterator[Flaw]:
    if path.count(".") > _DEEPEST:
        yield Flaw("deep", path)
        return
    for name, value in owner.items():
        if name in besides:
            continue
        place = f"{path}.{name}"
        element = known.find(name.removeprefix("_"))
        if not element.known:
            yield Flaw("unknown", place)
        elif name.startswith("_"):
            yield from _beside(value, place)
        elif element.repeats != isinstance(value, list):
            yield Flaw("shape", place)
        elif element.repeats:
            yield from _each(element.type, value, place, has_siblings=f"_{name}" in owner)
        else:
            yield from _one(element.type, value, place)


def _each(kind: str, values: list[Any], place: str, *, has_siblings: bool) -> Iterator[Flaw]:
    if not values:
        yield Flaw("empty", place)
    for number, value in enumerate(values):
        if value is not None or not has_siblings:
            yield from _one(kind, value, f"{place}[{number}]")


def _one(kind: str, value: Any, place: str) -> Iterator[Flaw]:
    primitive = _PRIMITIVE.get(kind)
    if primitive is not None:
        if not isinstance(value, primitive) or not _is_writable(value, kind):
            yield Flaw("shape", place)
        elif value == "":
            yield Flaw("empty", place)
    elif not isinstance(value, dict):
        yield Flaw("shape", place)
    elif not value:
        yield Flaw("empty", place)
    elif kind == "Resource":
        if isinstance(value.get("resourceType"), str):
            yield from _flaws(elements_of_resource(value["resourceType"]), value, place, ("resourceType",))
        else:
            yield Flaw("shape", place)
    elif kind != "Extension":
        yield from _flaws(elements(kind), value, place)
    elif not isinstance(value.get("url"), str):
        yield Flaw("shape", place)
    else:
        yield from _flaws(elements(kind), value, place, ("url",))


def _beside(value: Any, place: str) -> Iterator[Flaw]:
    """What stands beside a primitive: an object, or a list of them with gaps."""
    for one in value if isinstance(value, list) else [value]:
        if one is not None:
            yield from _one("Element", one, place)


def _is_writable(value: Any, kind: str) -> bool:
    """Whether a boolean stands where one belongs, and text is Unicode that can be written: half a pair cannot."""
    if isinstance(value, bool):
        return kind == "b"
    try:
        return not isinstance(value, str) or bool(value.encode()) or value == ""
    except UnicodeEncodeError:
        return False


# Reading what is well shaped


def codings(concept: Mapping[str, Any] | None) -> list[tuple[str, str, str]]:
    """The (system, code, display) of each coding of a CodeableConcept that has a code."""
    listed = (concept or {}).get("coding", [])
    return [(one.get("system", ""), one["code"], one.get("display", "")) for one in listed if one.get("code")]


def code_of(concept: Mapping[str, Any] | None, system: str) -> str | None:
    """The first code of `system`, or None."""
    return next((code for told, code, _ in codings(concept) if told == system), None)


def reference_of(reference: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """The (type, id) that a Reference leads to; None when it leads nowhere or into the resource itself."""
    text = (reference or {}).get("reference", "")
    if not text or text.startswith("#") or text.startswith("urn:"):
        return None
    return search.reference(text)


def moment_of(text: str) -> search.Interval | None:
    """The time that a date or dateTime stands for, as a range of its precision; None when it is neither.

    A time of day needs a zone.
    """
    if not text[:1].isdigit() or ("T" in text and not (text.endswith("Z") or "+" in text or "-" in text[10:])):
        return None
    try:
        return search.date_range(text)
    except Refusal:
        return None


def instant_of(text: str) -> datetime | None:
    """The instant that a dateTime with a time of day names; None for a mere date and for what is none."""
    found = moment_of(text) if "T" in text else None
    return found.lo if found is not None else None


def data_of(attachment: Mapping[str, Any]) -> bytes | None:
    """The bytes inside of an attachment; None when there are none, or they are not base64."""
    try:
        return b64decode("".join(attachment.get("data", "").split()), validate=True) or None
    except (Base64Error, ValueError):
        return None
