"""`Patient/{id}/$summary`: the International Patient Summary of a patient, one document of what the caller may read.

Three sections are there always: problems, allergies, medications; when one has nothing to show it says so. The others
come when there is something: immunizations, procedures, the last result of each test.

Source: SOURCES.md, "Answers" (CS: that it exists; IPS 1.1: sections and codes; the rest: guess).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from simulator.exchange import Exchange, Reply, Route
from simulator.fhir import build
from simulator.ids import text_of
from simulator.population.records import Condition, Medication, Observation, Procedure
from simulator.refusal import Refusal
from simulator.vendors.epic import dialect, ids, masks, media, paths, resources, sight, store
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.resources import TOLD, Item

_PREFIX = paths.FHIR + "/Patient/"
_EMPTY = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
_WORDS = ("code", "vaccineCode", "medicationReference")  # what a resource is called by


class Section(NamedTuple):
    """One section: which items of a type it shows, its LOINC code and title; `demanded` when it is there always."""

    type: str
    code: str
    display: str
    title: str
    shown: Callable[[list[Item]], list[Item]]
    demanded: bool = False


def _problems(items: list[Item]) -> list[Item]:
    return [item for item in items if len(item) == 1 and isinstance(item[0], Condition) and _is_standing(item[0])]


def _is_standing(one: Condition) -> bool:
    return one.category == "problem-list-item" and one.clinical_status == "active"


def _taken(items: list[Item]) -> list[Item]:
    return [item for item in items if isinstance(item[0], Medication) and item[0].status == "active"]


def _done(items: list[Item]) -> list[Item]:
    return [item for item in items if isinstance(item[0], Procedure) and item[0].status == "completed"]


def _latest(items: list[Item]) -> list[Item]:
    """The first of each test: they come newest first."""
    found: dict[str, Item] = {}
    for item in items:
        if isinstance(item[0], Observation) and item[0].category == "laboratory":
            found.setdefault(item[0].key, item)
    return list(found.values())


SECTIONS = (
    Section("Condition", "11450-4", "Problem list - Reported", "Active Problems", _problems, demanded=True),
    Section("AllergyIntolerance", "48765-2", "Allergies and adverse reactions Document", "Allergies", list,
            demanded=True),
    Section("MedicationRequest", "10160-0", "History of Medication use Narrative", "Medications", _taken,
            demanded=True),
    Section("Immunization", "11369-6", "History of Immunization Narrative", "Immunizations", list),
    Section("Procedure", "47519-4", "History of Procedures Document", "Procedures", _done),
    Section("Observation", "30954-2", "Relevant diagnostic tests/laboratory data Narrative", "Results", _latest),
)  # fmt: skip


def route(x: Exchange, path: str) -> Route | None:
    """The door of a summary, or None when the path is another."""
    id, _, operation = path.removeprefix(_PREFIX).partition("/")
    if x.method not in ("GET", "POST") or not path.startswith(_PREFIX) or operation != "$summary":
        return None
    return Route("Patient.summary", answer, (id,), ("Patient", "r"))


def answer(x: Exchange) -> Reply:
    """The document.

    Raises:
        Refusal: not_found, when there is no such patient; forbidden, when the caller may not see this one.
    """
    id = x.route.args[0] if x.route else ""
    person = store.resource(x.site, "Patient", id, "json")
    named = ids.named(x.site.key, id)
    t = resources.telling(x.site, named.number) if named is not None and person is not None else None
    if person is None or t is None:
        raise Refusal("not_found", f"no Patient/{id}", reason="unknown_id", resource="Patient", id=id)
    sight.check(x, "Patient", id)
    shown = {section: dict(_bodies(x, t, section)) for section in SECTIONS}
    told = [body for bodies in shown.values() for body in bodies.values()]
    entries = [_told(x, "Patient", id, person), *told, *_drugs(x, told)]
    served = tuple((body["resourceType"], body["id"]) for body in entries)
    made = media.fhir_reply(x, 200, _document(x, t, [_composition(x, t, shown), *entries]))
    return replace(made, served=served)


def _bodies(x: Exchange, t: Telling, section: Section) -> Iterator[tuple[str, Json]]:
    """The resources of a section by id, as far as the caller may read them."""
    told = TOLD[section.type]
    found = [told.id_of(t, item) for item in section.shown(list(told.items(t)))]
    if x.caller is not None and x.caller.allows(section.type, "r"):
        seen = sight.seen(x, section.type, "r", found)
        for id, body in store.listed(x.site, section.type, seen, "json"):
            yield id, _told(x, section.type, id, body)


def _drugs(x: Exchange, told: list[Json]) -> Iterator[Json]:
    """What the medications refer to."""
    references = dict.fromkeys(one["medicationReference"]["reference"] for one in told if "medicationReference" in one)
    if x.caller is not None and x.caller.allows("Medication", "r"):
        for reference in references:
            id = reference.partition("/")[2]
            body = store.resource(x.site, "Medication", id, "json")
            if body is not None:
                yield _told(x, "Medication", id, body)


def _told(x: Exchange, type: str, id: str, body: bytes) -> Json:
    told: Json = json.loads(masks.told(x, type, id, body, "json"), parse_float=Decimal)
    return told


def _composition(x: Exchange, t: Telling, shown: dict[Section, dict[str, Json]]) -> Json:
    return {
        "resourceType": "Composition",
        "id": text_of(x.site.key, "summary", t.number, length=36, alphabet=ids.LETTERS[:62]),
        "status": "final",
        "type": dialect.told("loinc", "60591-5", "Patient summary Document"),
        "subject": t.subject,
        "date": build.instant(x.at),
        "author": [dialect.organization_reference(t.site)],
        "title": "International Patient Summary",
        "section": [_section(one, bodies) for one, bodies in shown.items() if bodies or one.demanded],
    }


def _section(section: Section, bodies: dict[str, Json]) -> Json:
    words = [_words(body) for body in bodies.values()] or ["Nothing to show"]
    listed = "".join(f"<li>{escape(one)}</li>" for one in words)
    made: Json = {
        "title": section.title,
        "code": dialect.told("loinc", section.code, section.display),
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><ul>{listed}</ul></div>'},
    }
    if bodies:
        return made | {"entry": [{"reference": f"{section.type}/{id}"} for id in bodies]}
    return made | {"emptyReason": dialect.told(_EMPTY, "unavailable", "Unavailable")}


def _words(body: Json) -> str:
    found: Any = next((body[name] for name in _WORDS if name in body), {})
    return str(found.get("text") or found.get("display") or "")


def _document(x: Exchange, t: Telling, entries: list[Json]) -> Json:
    base = x.base_url + paths.FHIR
    raw = text_of(x.site.key, "document", t.number, build.instant(x.at), length=32, alphabet="0123456789abcdef")
    uuid = "-".join((raw[:8], raw[8:12], "4" + raw[13:16], "8" + raw[17:20], raw[20:]))
    return {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{uuid}"},
        "type": "document",
        "timestamp": build.instant(x.at),
        "entry": [{"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one} for one in entries],
    }
