"""DiagnosticReport of a document that says what was found: imaging, pathology, laboratory report. It tells no record of
its own: the DocumentReference does, whose bytes it presents."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from simulator.population.records import Chart, Document
from simulator.sandbox import Site
from simulator.vendor import Rendering
from simulator.vendors.cerner import codes
from simulator.vendors.cerner.elements import concept, in_millis, in_seconds, narrative, standard, words_of
from simulator.vendors.cerner.ids import Row
from simulator.vendors.cerner.resources import attachments, events, people
from simulator.vendors.cerner.resources.document import DOCUMENT
from simulator.vendors.cerner.resources.panel import SECTION
from simulator.vendors.cerner.resources.telling import TRUE, Item, Tokens, rendering, retracted, state_of

VARIANT = 1
"""Variant of a report's row that is the row of a document."""

_SECTIONS = {
    "imaging": ("RAD", "Radiology", "LP29684-5"),
    "lab_report": ("LAB", "Laboratory", "LP75011-4"),
    "pathology": ("SP", "Surgical Pathology", "LP7839-6"),
}


def items(chart: Chart) -> list[Item]:
    """Newest first, those that were taken back before."""
    found: list[Document] = [*retracted(chart, "document"), *reversed(chart.documents)]
    return [Item(Row(chart.person.number, one.ordinal, VARIANT), (one,)) for one in found if one.key in _SECTIONS]


def _of_document(item: Item) -> Item:
    """The item of the DocumentReference."""
    return item._replace(row=item.row._replace(variant=TRUE))


def updated(site: Site, item: Item) -> datetime:
    """When the document last changed."""
    return DOCUMENT.updated(site, _of_document(item))


def render(site: Site, chart: Chart, item: Item, id: str) -> Rendering:
    """The report as the resource `id`."""
    one: Document = item.records[0]
    document = _of_document(item)
    state = state_of(site, "document", document.row)
    section, name, part = _SECTIONS[one.key]
    status = "entered-in-error" if one.status == "entered-in-error" else one.doc_status
    written, who = one.created, people.practitioner_ref(site, one.practitioner)
    forms = attachments.content_of(one, DOCUMENT.id_of(site, document), one.text, in_millis(written))
    payload: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "id": id,
        "meta": {"versionId": str(state.version if state else 1), "lastUpdated": in_millis(updated(site, item))},
        "text": narrative(
            "Diagnostic Report",
            [
                ("Patient", people.patient_name(chart.person)),
                ("Document Category", name),
                ("Document Title", one.text),
                ("Status", status.title()),
                ("Code", one.text),
                ("Effective Start Date", words_of(written)),
                ("Effective End Date", words_of(written)),
                ("Verifying Provider", who["display"]),
            ],
        ),
        "identifier": [events.identifier(site, int(id), written)],
        "status": status,
        "category": [
            concept([standard(SECTION, section, name, True)], name),
            {"coding": [standard("loinc", part)]},
        ],
        "code": concept(_code(site, one), one.text),
        "subject": people.patient_ref(site, chart.person),
    }
    if one.encounter is not None:
        payload["encounter"] = people.encounter_ref(site, item.row.number, one.encounter)
    payload["effectivePeriod"] = {"start": in_millis(written), "end": in_millis(written)}
    payload["issued"] = in_seconds(written)
    payload["performer"] = payload["resultsInterpreter"] = [who]
    payload["presentedForm"] = [form["attachment"] for form in forms]
    return rendering("DiagnosticReport", payload, (), [])


def _code(site: Site, one: Document) -> list[dict[str, Any]]:
    own = codes.local(site, codes.EVENT, f"document {one.key}", one.text)
    return [own, standard("loinc", one.type.code, one.type.display)]


# What searches compare


def category_tokens(item: Item) -> Tokens:
    """The section, and its part of LOINC."""
    section, _, part = _SECTIONS[item.records[0].key]
    return [(SECTION, section), ("http://loinc.org", part)]


def code_tokens(site: Site, item: Item) -> Tokens:
    """The kind of document."""
    return [(coding["system"], coding["code"]) for coding in _code(site, item.records[0])]


def effective(item: Item) -> datetime:
    """When it was signed."""
    at: datetime = item.records[0].created
    return at
