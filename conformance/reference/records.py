"""The words of canonical records: times with their precision, codes by short system name, phones in E.164."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from conformance.reference.behaviour import Json

SYSTEMS = {
    "http://snomed.info/sct": "snomed",
    "urn:oid:2.16.840.1.113883.6.96": "snomed",
    "http://hl7.org/fhir/sid/icd-10-cm": "icd10cm",
    "urn:oid:2.16.840.1.113883.6.90": "icd10cm",
    "http://loinc.org": "loinc",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "urn:oid:2.16.840.1.113883.6.88": "rxnorm",
    "http://hl7.org/fhir/sid/cvx": "cvx",
    "http://hl7.org/fhir/sid/ndc": "ndc",
    "http://terminology.hl7.org/CodeSystem/admit-source": "admit-source",
    "http://terminology.hl7.org/CodeSystem/discharge-disposition": "discharge-disposition",
}
NO_KNOWN_ALLERGIES = {"716186003", "160244002"}
NOT_ASKED = {"1631000175102"}
_FHIR_TIME = re.compile(
    r"\d{4}(?P<month>-(0[1-9]|1[0-2])(?P<day>-(0[1-9]|[12]\d|3[01])"
    r"(T\d\d:\d\d(?P<second>:\d\d(?P<fraction>\.\d+)?)?(?P<zone>Z|[+-]\d\d:\d\d))?)?)?"
)


def when(text: str | None, *, midnight_is_day: bool = False) -> Json | None:
    """A FHIR date or dateTime as {value, precision}; an instant moves to UTC, a calendar day never moves.

    With `midnight_is_day` an instant of exactly 00:00:00 UTC is the calendar day it stands for.

    Raises:
        ValueError: it is neither, or a time without an offset.
    """
    if text is None:
        return None
    match = _FHIR_TIME.fullmatch(text)
    if match is None:
        raise ValueError("not a FHIR date or dateTime")
    if match["zone"] is None:
        return {"value": text, "precision": "day" if match["day"] else "month" if match["month"] else "year"}
    at = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
    if midnight_is_day and at.time() == datetime.min.time():
        return {"value": at.date().isoformat(), "precision": "day"}
    return instant(at, "millisecond" if match["fraction"] else "second" if match["second"] else "minute")


def instant(at: datetime, precision: str) -> Json:
    """An aware datetime as {value, precision}, in UTC."""
    digits = "milliseconds" if precision == "millisecond" else "seconds"
    return {"value": at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=digits) + "Z", "precision": precision}


def day(on: date) -> Json:
    return {"value": on.isoformat(), "precision": "day"}


def codes_of(codings: Iterable[Json], vendor: str) -> list[Json]:
    """Every coding as {system, code}, standard ones first; a system without a short name is `local:<vendor>`."""
    found = [
        {"system": SYSTEMS.get(coding.get("system", ""), f"local:{vendor}"), "code": str(coding["code"])}
        for coding in codings
        if coding.get("code")
    ]
    unique = list({(one["system"], one["code"]): one for one in found}.values())
    return sorted(unique, key=lambda one: one["system"].startswith("local:"))


def phone(text: str) -> str:
    """A North American number as E.164; anything else as it stands."""
    digits = re.sub(r"\D", "", text)
    if len(digits) == 11 and digits.startswith("1"):
        return f"+{digits}"
    return f"+1{digits}" if len(digits) == 10 else text.strip()


def without_none(thing: dict[str, Any]) -> Json:
    """`thing` without the members that the source does not tell."""
    return {key: value for key, value in thing.items() if value is not None}
