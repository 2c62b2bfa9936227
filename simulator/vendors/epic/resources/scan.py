"""Scans that the front desk filed: insurance cards and consents. Epic tells that they are there, and nothing to fetch.

They are DocumentReferences like notes, and tell no record: the truth has no paper.

Source: SOURCES.md, "Resources" (MAP: the category's spelling, the attachment; which scans there are: guess); trap E19.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time

from simulator.fhir import build
from simulator.population.records import Code, Document
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect, ids
from simulator.vendors.epic.dialect import Json, Telling, extension

CATEGORY = "document-information"
_SYSTEM = "http://open.epic.com/FHIR/StructureDefinition/documentreference-category"  # without a second hyphen: seen
_TYPE = dialect.local("4.686999.1000")  # guess
_RECORD = dialect.local("2.686999")  # guess
_CARD, _CONSENT, _GENERAL = ("1", "Insurance Card"), ("40", "Consent Form"), ("41", "General Consent")
_KINDS = 4
_NOON = time(12, tzinfo=UTC)


def items(t: Telling) -> Iterator[tuple[Document]]:
    """The scans of a patient: a card for each coverage with a number, each consent, and one from the first visit."""
    if not t.site.settings["scans"]:
        return
    for coverage in t.chart.coverages:
        if coverage.member_id is not None:
            yield (_scan(t, coverage.ordinal, 0, _CARD, datetime.combine(coverage.start, _NOON)),)
    for consent in t.chart.consents:
        yield (_scan(t, consent.ordinal, 1, _CONSENT, consent.recorded),)
    if t.chart.encounters:
        yield (_scan(t, 0, 2, _GENERAL, t.chart.encounters[0].start),)


def is_scan(document: Document) -> bool:
    """Whether a document is one of them."""
    return document.ordinal >= ids.APART


def render(t: Telling, scan: Document) -> Rendering:
    """One scan: its attachment says why there is nothing, and has neither address nor type."""
    nothing = extension("http://hl7.org/fhir/StructureDefinition/data-absent-reason", valueCode="not-applicable")
    payload: Json = {
        "resourceType": "DocumentReference",
        "id": t.id("DocumentReference", scan.ordinal),
        "identifier": [dialect.usual(_RECORD, dialect.number(t.draw("scan", scan.ordinal), 7))],
        "status": scan.status,
        "type": dialect.told(_TYPE, scan.type.code, scan.text),
        "category": [dialect.told(_SYSTEM, CATEGORY, "Document Information")],
        "subject": t.subject,
        "date": build.instant(scan.created),
        "description": scan.text,
        "content": [{"attachment": {"extension": [nothing]}}],
    }
    return Rendering("DocumentReference", payload["id"], payload, (), is_aside=True)


def _scan(t: Telling, ordinal: int, kind: int, what: tuple[str, str], at: datetime) -> Document:
    code, title = what
    return Document(
        ordinal=ids.APART + _KINDS * ordinal + kind,
        key=title,
        type=Code(_TYPE, code, title),
        text=title,
        status="current",
        doc_status="",
        mime="",
        created=at,
        encounter=None,
        facility=t.person.facility,
        practitioner=t.person.practitioner,
    )
