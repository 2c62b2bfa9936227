"""One command on its way: what it says, whom it is about, and how it is turned down.

Source: SOURCES.md, "Web services" (COBALT: the form of errors and some codes; which code when: in part guess).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

import orjson

from simulator.exchange import Exchange, Reply, json_reply
from simulator.fhir import build
from simulator.population.records import Encounter, Record
from simulator.refusal import Refusal
from simulator.vendors.epic import ids, resources, sight
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.resources import TOLD
from simulator.vendors.epic.resources.identifiers import number_of_identifier

_Record = TypeVar("_Record", bound=Record)
_IDS = {"MRN": "EPI", "EMRN": "EPI", "FHIR ID": "FHIR STU3"}
"""Types of ids under other names, as sites call them."""


@dataclass(frozen=True, slots=True)
class Service:
    """One command: its name, the years in which it has a version, its path behind the year, what a caller must be
    allowed, and how it answers."""

    name: str
    years: tuple[str, ...]
    path: str
    needs: tuple[str, str]
    answer: Callable[[Command], Reply]
    methods: tuple[str, ...] = ("POST",)


class Command:
    """A command as it came."""

    def __init__(self, x: Exchange) -> None:
        self.x = x
        self.site = x.site
        self.said = _said(x)

    # Turning down

    def failed(self, code: str, details: str) -> Refusal:
        """The command failed: the business code, and a sentence."""
        return Refusal("malformed", f"{code}: {details}", reason="command_failed", code=code, details=details)

    # Reading

    def text(self, member: str, otherwise: str = "") -> str:
        """The text of a member, without blanks around it."""
        value = self.said.get(member, otherwise)
        return otherwise if value is None else str(value).strip()

    def need(self, member: str, code: str) -> str:
        """The text of a member that must be there."""
        value = self.text(member)
        if not value:
            raise self.failed(code, f"{member} is required.")
        return value

    def day(self, member: str, code: str) -> date | None:
        """A day as `M/D/YYYY` or `YYYY-MM-DD`; None when it is not there."""
        value = self.text(member)
        for form in ("%m/%d/%Y", "%Y-%m-%d"):
            try:
                return datetime.strptime(value, form).date()
            except ValueError:
                continue
        if value:
            raise self.failed(code, f"{member} is not a date: {value}")
        return None

    def patient(self, member: str = "PatientID") -> Telling:
        """The patient who is meant; the type of the id says which of the ids it is.

        Raises:
            Refusal: command_failed; what the glass says; not_viewable, outside of the grant.
        """
        value, kind = self.need(member, "NO-PATIENT-ID"), self.text(f"{member}Type").upper()
        kind = _IDS.get(kind, kind)
        number = number_of_identifier(self.site, kind or None, value)
        if number is None and kind in ("", "FHIR", "FHIR STU3"):
            named = ids.named(self.site.key, value)
            number = named.number if named is not None and named.type == "Patient" and not named.ordinal else None
        t = None if number is None else resources.telling(self.site, number)
        if t is None:
            raise self.failed("NO-PATIENT-FOUND", f"No patient has the ID {value} of type {kind or 'any'}.")
        sight.check(self.x, "Patient", t.id("Patient"))
        self.x.notes["patients"] = [t.number]
        return t

    def contact(self, t: Telling) -> Encounter:
        """The contact that is meant, by its CSN or FHIR id."""
        value = self.need("ContactID", "NO-CONTACT-ID")
        for encounter in t.chart.encounters:
            if value in (t.contact_number(encounter.ordinal), t.id("Encounter", encounter.ordinal)):
                return encounter
        raise self.failed("CONTACT_IS_INVALID", "The contact found with the patient ID and DAT was invalid.")

    # Telling

    def seen(self, t: Telling, type: str, kind: type[_Record]) -> Iterator[_Record]:
        """The records of one kind that the caller may see, in the order in which FHIR lists them."""
        items = {TOLD[type].id_of(t, item): item for item in TOLD[type].items(t)}
        for id in sight.seen(self.x, type, "s", [*items]):
            for record in items[id]:
                if isinstance(record, kind):
                    yield record

    def told(self, members: Json | list[Json]) -> Reply:
        """The answer: 200 and JSON."""
        return json_reply(200, members, "application/json; charset=utf-8")


def both(id: str, kind: str) -> Json:
    """An id with its type."""
    return {"ID": id, "Type": kind}


def slashed(day: date | None) -> str:
    """A day as these services write it: 1/5/2026; empty for none."""
    return "" if day is None else f"{day.month}/{day.day}/{day.year}"


def local(at: datetime, zone: str) -> datetime:
    """What the clock of a clinic showed."""
    return at.astimezone(build.zone_of(zone))


def clock(at: datetime) -> str:
    """A local time as these services write it: 8:05 AM."""
    return f"{at.hour % 12 or 12}:{at.minute:02d} {'AM' if at.hour < 12 else 'PM'}"


def _said(x: Exchange) -> dict[str, Any]:
    """The members, from the query and from the body, which is JSON or a form; the body counts more."""
    said: dict[str, Any] = dict(x.params)
    if not x.body:
        return said
    try:
        if "json" in (x.header("content-type") or "json"):
            members = orjson.loads(x.body)
            if not isinstance(members, dict):
                raise ValueError
            return said | members
        return said | dict(x.form())
    except ValueError:
        raise Refusal(
            "malformed", "the body is no JSON object", reason="command_failed", code="INVALID-REQUEST",
            details="The request could not be read.",
        ) from None  # fmt: skip
