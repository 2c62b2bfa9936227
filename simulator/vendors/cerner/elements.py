"""Elements as Millennium writes them: value before `url`, `userSelected` on codings, four spellings of an instant."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from simulator.fhir import build

SERVER_ZONE = ZoneInfo(
    "America/Chicago"
)  # the data centre's clock: seen as -05:00/-06:00 and CST/CDT in all recordings
STRUCTURES = "https://fhir-ehr.cerner.com/r4/StructureDefinition/"
ABSENT_URL = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def extension(url: str, **value: Any) -> dict[str, Any]:
    """An Extension whose value stands before its `url`, as all recorded ones do."""
    return {**value, "url": url}


def absent(reason: str = "unknown") -> dict[str, Any]:
    """What stands in an element that must be there and has no value: the data-absent-reason extension."""
    return {"extension": [extension(ABSENT_URL, valueCode=reason)]}


def absent_concept(code: str = "unknown", display: str = "Unknown") -> dict[str, Any]:
    """The other form of absence: a coding of the data-absent-reason code system."""
    return {"coding": [{"system": build.SYSTEMS["data-absent"], "code": code, "display": display}], "text": display}


def standard(system: str, code: str, display: str = "", selected: bool | None = False) -> dict[str, Any]:
    """A coding of a standard system (short name or URL); `selected` None leaves `userSelected` out."""
    made: dict[str, Any] = {"system": build.SYSTEMS.get(system, system), "code": code}
    if display:
        made["display"] = display
    if selected is not None:
        made["userSelected"] = selected
    return made


def concept(codings: list[dict[str, Any]], text: str) -> dict[str, Any]:
    """A CodeableConcept; without codings only the text."""
    return {"coding": codings, "text": text} if codings else {"text": text}


def coded(
    system: str, code: str, display: str, text: str | None = None, selected: bool | None = False
) -> dict[str, Any]:
    """A CodeableConcept with one standard coding; `text` is the display unless given."""
    return {"coding": [standard(system, code, display, selected)], "text": display if text is None else text}


def in_millis(at: datetime) -> str:
    """`2024-09-05T11:30:04.000Z`: Patient, Encounter, Observation, Condition."""
    return build.instant(at, fraction=3)


def in_seconds(at: datetime) -> str:
    """`2021-07-29T01:00:38Z`: MedicationRequest, AllergyIntolerance, Location, Organization."""
    return build.instant(at)


def in_server_time(at: datetime) -> str:
    """`2024-02-26T08:53:27-06:00`: Immunization, and some `authoredOn`."""
    return build.instant(at, SERVER_ZONE)


def midnight(on: date) -> datetime:
    """The instant that stands for a calendar day: midnight UTC."""
    return datetime(on.year, on.month, on.day, tzinfo=UTC)


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def words_of_day(on: date) -> str:
    """`Oct 13, 2020`, `Oct  3, 2020`: a day as the narrative words it."""
    return f"{_MONTHS[on.month - 1]} {on.day:2d}, {on.year}"


def words_of(at: datetime) -> str:
    """`Jun 11, 2020  4:05 A.M. UTC`: an instant as the narrative words it, always in UTC."""
    at = at.astimezone(UTC)
    half = "A.M." if at.hour < 12 else "P.M."
    return f"{words_of_day(at)} {at.hour % 12 or 12:2d}:{at.minute:02d} {half} UTC"


def words_of_server_time(at: datetime) -> str:
    """`07/14/21 8:36:00 CDT`: an instant inside an order's text, in server time."""
    at = at.astimezone(SERVER_ZONE)
    return f"{at.month:02d}/{at.day:02d}/{at.year % 100:02d} {at.hour}:{at.minute:02d}:{at.second:02d} {at.tzname()}"


@lru_cache(maxsize=4096)
def escaped(text: str) -> str:
    """`text` inside XHTML: markup, quotes and the letters that XML has no place for."""
    text = "".join(letter for letter in text if letter >= " " or letter in "\t\n\r")
    return (
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
        .replace("'", "&#39;")
    )


def narrative(title: str, lines: list[tuple[str, str | None]]) -> dict[str, Any]:
    """`text` of a resource: a title and `Label: value` paragraphs; lines without a value are left out."""
    body = "".join(f"<p><b>{label}</b>: {escaped(value)}</p>" for label, value in lines if value)
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p><b>{title}</b></p>{body}</div>'
    return {"status": "generated", "div": div}
