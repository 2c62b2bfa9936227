"""The forms in which a document is told, and their bytes: `XR-` as PDF, `XML-`, `TR-` as HTML, `R-` as it was written.

A note is told as PDF and as it was written; what was written as RTF also as HTML. A PDF or a C-CDA is told as it is.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, NamedTuple

from simulator.population.documents import Content, read
from simulator.population.records import Document
from simulator.sandbox import Site

_PDF, _XML, _HTML = "application/pdf", "application/xml", "text/html"
_PREFIXES = {_PDF: "XR", _XML: "XML", _HTML: "TR"}
_AS_WRITTEN = "R"
_ID = re.compile(r"(XR|XML|TR|R)-([0-9]+)")
_SUFFICIENT = {
    "system": "http://ihe.net/fhir/ValueSet/IHE.FormatCode.codesystem",
    "code": "urn:ihe:iti:xds:2017:mimeTypeSufficient",
    "display": "mimeType Sufficient",
}
STRUCTURED = {
    "system": "urn:oid:1.3.6.1.4.1.19376.1.2.3",
    "code": "urn:hl7-org:sdwg:ccda-structuredBody:2.1",
    "display": "For documents following C-CDA constraints using a structured body.",
}


class Form(NamedTuple):
    """One form of a document."""

    prefix: str
    mime: str


def forms_of(document: Document) -> tuple[Form, ...]:
    """The forms of a document, in the order in which they are told."""
    written = Form(_PREFIXES.get(document.mime, _AS_WRITTEN), document.mime)
    if document.body is not None or not document.mime.startswith("text/"):
        return (written,)
    as_html = (Form(_PREFIXES[_HTML], _HTML),) if document.mime == "text/rtf" else ()
    return (Form(_PREFIXES[_PDF], _PDF), *as_html, written)


def content_of(document: Document, event: str, title: str, creation: str) -> list[dict[str, Any]]:
    """`DocumentReference.content` of a document with that event number; the URLs lack the root."""
    return [
        {
            "attachment": {
                "contentType": form.mime,
                "url": f"Binary/{form.prefix}-{event}",
                "title": title,
                "creation": creation,
            },
            "format": STRUCTURED if form.mime == _XML else _SUFFICIENT,
        }
        for form in forms_of(document)
    ]


def split(id: str) -> tuple[str, str] | None:
    """The (prefix, event number) of a Binary's id; None when it is none."""
    found = _ID.fullmatch(id)
    return (found[1], found[2]) if found else None


def bytes_of(site: Site, number: int, document: Document, form: Form) -> Content:
    """A document of a patient in one of its forms."""
    asked = document if document.body is not None or form.mime == document.mime else replace(document, mime=form.mime)
    return read(site.sandbox.world, number, asked)
