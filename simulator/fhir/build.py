"""FHIR data types as plain dicts, and JSON that keeps the digits of a decimal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from simulator.population.records import Code

SYSTEMS: dict[str, str] = {
    "snomed": "http://snomed.info/sct",
    "icd10cm": "http://hl7.org/fhir/sid/icd-10-cm",
    "icd9cm": "http://hl7.org/fhir/sid/icd-9-cm",
    "loinc": "http://loinc.org",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "cvx": "http://hl7.org/fhir/sid/cvx",
    "ndc": "http://hl7.org/fhir/sid/ndc",
    "cpt": "http://www.ama-assn.org/go/cpt",
    "unii": "http://fdasis.nlm.nih.gov",
    "ucum": "http://unitsofmeasure.org",
    "cdcrec": "urn:oid:2.16.840.1.113883.6.238",
    "bcp47": "urn:ietf:bcp:47",
    "npi": "http://hl7.org/fhir/sid/us-npi",
    "ssn": "http://hl7.org/fhir/sid/us-ssn",
    "v3-marital": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus",
    "v3-confidentiality": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
    "v3-act": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "v3-null": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor",
    "v3-interpretation": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "v3-timing": "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation",
    "v2-identifier": "http://terminology.hl7.org/CodeSystem/v2-0203",
    "condition-clinical": "http://terminology.hl7.org/CodeSystem/condition-clinical",
    "condition-verification": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
    "condition-category": "http://terminology.hl7.org/CodeSystem/condition-category",
    "allergy-clinical": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
    "allergy-verification": "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
    "observation-category": "http://terminology.hl7.org/CodeSystem/observation-category",
    "medication-category": "http://terminology.hl7.org/CodeSystem/medicationrequest-category",
    "data-absent": "http://terminology.hl7.org/CodeSystem/data-absent-reason",
    "admit-source": "http://terminology.hl7.org/CodeSystem/admit-source",
    "discharge-disposition": "http://terminology.hl7.org/CodeSystem/discharge-disposition",
    "smart-service": "http://terminology.hl7.org/CodeSystem/restful-security-service",
}
"""Short name of a code or identifier system → its URL."""


def dumps(value: Any) -> bytes:
    """Compact JSON of `value`; a Decimal keeps its digits (7.10 stays 7.10) and never takes an exponent."""
    return orjson.dumps(value, default=_plain)


def _plain(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(plain(value))
    raise TypeError(f"no JSON for {type(value).__name__}: {value!r}")


def plain(value: Decimal) -> str:
    """`value` in plain notation, every digit kept: 7.10, 0.0, 100 for 1E+2.

    Raises:
        ValueError: `value` is not finite.
    """
    if not value.is_finite():
        raise ValueError(f"FHIR has no decimal {value}")
    return format(value, "f")


def coding(code: Code, *, system: str | None = None, user_selected: bool | None = None) -> dict[str, Any]:
    """A Coding of `code`; its short system name becomes the URL, an unknown one stays as it is."""
    made: dict[str, Any] = {"system": system or SYSTEMS.get(code.system, code.system), "code": code.code}
    if code.display:
        made["display"] = code.display
    if user_selected is not None:
        made["userSelected"] = user_selected
    return made


def concept(codes: Iterable[Code | dict[str, Any]] | Code, text: str | None = None) -> dict[str, Any]:
    """A CodeableConcept of `codes` (or ready Codings), with `text` when given."""
    listed = [codes] if isinstance(codes, Code) else codes
    made: dict[str, Any] = {}
    if ready := [coding(one) if isinstance(one, Code) else one for one in listed]:
        made["coding"] = ready
    if text:
        made["text"] = text
    return made


def simple(system: str, code: str, display: str = "", text: str | None = None) -> dict[str, Any]:
    """A CodeableConcept with one coding; `system` is a short name or a URL."""
    return concept(Code(system, code, display), text)


def quantity(
    value: Decimal, unit: str | None = None, ucum: str | None = None, comparator: str | None = None
) -> dict[str, Any]:
    """A Quantity; `unit` is what people read, `ucum` the coded unit (absent: a unit without code)."""
    made: dict[str, Any] = {"value": value}
    if comparator:
        made["comparator"] = comparator
    if unit:
        made["unit"] = unit
    if ucum:
        made |= {"system": SYSTEMS["ucum"], "code": ucum}
    return made


def reference(type: str, id: str, display: str | None = None) -> dict[str, Any]:
    """A relative Reference `type/id`."""
    made: dict[str, Any] = {"reference": f"{type}/{id}"}
    if display:
        made["display"] = display
    return made


def extension(url: str, **value: Any) -> dict[str, Any]:
    """An Extension: `extension(url, valueCode="F")`, or `extension=[…]` for a complex one."""
    return {"url": url, **value}


def absent(reason: str) -> dict[str, Any]:
    """The `_element` that says why a primitive has no value: `unknown`, `masked`, …"""
    return {"extension": [extension("http://hl7.org/fhir/StructureDefinition/data-absent-reason", valueCode=reason)]}


def instant(at: datetime, zone: str | ZoneInfo | None = None, fraction: int = 0) -> str:
    """`at` as a FHIR instant or dateTime: in UTC with `Z`, or in `zone` with its offset; `fraction` digits of a second.

    Raises:
        ValueError: `at` is naive.
    """
    if at.tzinfo is None:
        raise ValueError(f"a naive instant: {at.isoformat()}")
    local = at.astimezone(UTC if zone is None else zone_of(zone))
    text = local.strftime("%Y-%m-%dT%H:%M:%S") if local.year >= 1000 else local.replace(tzinfo=None).isoformat()[:19]
    if fraction:
        text += "." + f"{local.microsecond:06d}".ljust(fraction, "0")[:fraction]
    if zone is None:
        return text + "Z"
    offset = local.strftime("%z")
    return f"{text}{offset[:3]}:{offset[3:5]}"


def day(on: date | datetime, zone: str | ZoneInfo | None = None) -> str:
    """A FHIR date; of an instant, the day it has in `zone` (UTC without)."""
    if isinstance(on, datetime):
        on = on.astimezone(UTC if zone is None else zone_of(zone)).date()
    return on.isoformat()


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def zone_of(zone: str | ZoneInfo) -> ZoneInfo:
    """The time zone of an IANA name; a zone stays what it is."""
    return _zone(zone) if isinstance(zone, str) else zone


def drop_empty(value: dict[str, Any]) -> dict[str, Any]:
    """A copy without members that are None, "", {} or [], however deep: FHIR has no empty values. 0 and False stay."""
    kept = {}
    for name, member in value.items():
        kept_member = _kept(member)
        if kept_member is not None:
            kept[name] = kept_member
    return kept


def _kept(member: Any) -> Any:
    if isinstance(member, dict):
        return drop_empty(member) or None
    if isinstance(member, list | tuple):
        return [one for one in map(_kept, member) if one is not None] or None
    return None if member is None or member == "" else member
