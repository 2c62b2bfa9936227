"""DocumentReference and Binary: a note is told twice, as HTML and as RTF, whatever it was written in; reports as PDF
and summaries as C-CDA once. The attachments have a relative address and neither size nor hash.

Source: SOURCES.md, "Resources" (MAP, FS).
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.documents import Content, read
from simulator.population.documents.retold import retold, text_of
from simulator.population.records import Document
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect, filed
from simulator.vendors.epic.dialect import Json, Telling

_NOTES = ("text/html", "text/rtf")
_CATEGORY = "http://open.epic.com/FHIR/StructureDefinition/document-reference-category"
_DOCUMENT = "urn:oid:1.2.840.114350.1.72.727879.69848980"
_NOTE_ID = "urn:oid:1.2.840.114350.1.13.0.1.7.2.727879"
_PLACES = 2  # attachments of a document, at most


def render(t: Telling, document: Document) -> Rendering:
    """One document, with what of it is told differently."""
    formats = formats_of(document)
    summary = document.mime == "application/xml"
    category = ("summary-document", "Summary Document") if summary else ("clinical-note", "Clinical Note")
    payload: Json = {
        "resourceType": "DocumentReference",
        "id": t.id("DocumentReference", document.ordinal),
        "identifier": [dialect.usual(_NOTE_ID, dialect.number(t.draw("note", document.ordinal), 9))],
        "status": document.status,
        "docStatus": document.doc_status,
        "type": {
            "coding": [
                {"system": _DOCUMENT, "code": str(t.world.population.permutation(900, "note type").forward(
                    sum(document.key.encode()) % 900)), "display": document.text},
                {"system": build.SYSTEMS["loinc"], "code": document.type.code, "display": document.type.display,
                 "userSelected": True},
            ],
            "text": document.text,
        },
        "category": [dialect.told(_CATEGORY, *category)],
        "subject": t.subject,
        "date": build.instant(document.created),
        "author": [_author(t, document)],
        "custodian": dialect.organization_reference(t.site),
        "content": [
            {"attachment": {"contentType": mime, "url": f"Binary/{binary_id(t, document, place)}"}}
            for place, mime in enumerate(formats)
        ],
    }  # fmt: skip
    encounter = t.encounter(document.encounter)
    context: Json = {"encounter": [encounter]} if encounter is not None else {}
    found = t.encounters.get(document.encounter) if document.encounter is not None else None
    if found is not None:
        context["period"] = {"start": build.instant(found.start)}
    payload["context"] = context
    losses = []
    if document.mime not in formats or len(formats) > 1:
        told = _content(t, document, formats[0])
        losses.append(Loss("mime", "replaced", "Epic keeps notes as HTML and RTF", formats[0]))
        losses.extend(Loss("mime", "also", "the same note", mime) for mime in formats[1:])
        losses.append(Loss("sha256", "replaced", "of the HTML", told.sha256))
    if document.sensitivity:
        losses.append(Loss("sensitivity", "omitted"))
    return Rendering("DocumentReference", payload["id"], payload, (document,), tuple((0, loss) for loss in losses))


def _author(t: Telling, document: Document) -> Json:
    """Who wrote it; of what was filed through the FHIR interface, the user that it acts as (seen)."""
    if not filed.is_by_interface(t, document):
        return t.practitioner(document.practitioner)
    reference, display = dialect.interface_user(t.site).values()
    return {"reference": reference, "type": "Practitioner", "display": display}


def formats_of(document: Document) -> tuple[str, ...]:
    """The formats in which a document is told, in order."""
    return _NOTES if document.mime.startswith("text/") else (document.mime,)


def binary_id(t: Telling, document: Document, place: int) -> str:
    """The id of the bytes behind an attachment."""
    return t.id("Binary", document.ordinal * _PLACES + place)


def of_binary(ordinal: int) -> int:
    """The ordinal of the document to which a Binary belongs."""
    return ordinal // _PLACES


def binary(t: Telling, ordinal: int) -> Content | None:
    """The bytes behind a Binary's id; None when there are none."""
    number, place = divmod(ordinal, _PLACES)
    document = next((one for one in t.chart.documents if one.ordinal == number), None)
    if document is None or place >= len(formats_of(document)):
        return None
    return _content(t, document, formats_of(document)[place])


def binary_resource(t: Telling, ordinal: int) -> Json | None:
    """The same as a FHIR resource."""
    content = binary(t, ordinal)
    if content is None:
        return None
    return {
        "resourceType": "Binary",
        "id": t.id("Binary", ordinal),
        "contentType": content.mime,
        "data": b64encode(content.data).decode(),
    }


def _content(t: Telling, document: Document, mime: str) -> Content:
    """A document in a format; what somebody put in is turned into the other one."""
    if document.mime == mime:
        return read(t.world, t.number, document)
    if document.body is None:
        return read(t.world, t.number, replace(document, mime=mime))
    data = retold(text_of(document.mime, document.body), mime)
    return Content(mime, data, text_of(mime, data))
