"""`POST /patients/{patientid}/documents…`: a document is put into the chart, its bytes as base64 in a form field. Every
vendor of the sandbox shows it as it came."""

from __future__ import annotations

import binascii
from base64 import b64decode

from simulator.exchange import Exchange, Reply
from simulator.population import tables
from simulator.population.records import Document, Encounter
from simulator.refusal import NotSimulated, Refusal
from simulator.vendors.athena import ids, words
from simulator.vendors.athena.rest import wire

_TYPES = {
    "PDF": "application/pdf",
    "TXT": "text/plain",
    "HTML": "text/html",
    "RTF": "text/rtf",
    "XML": "application/xml",
}
_BEGINNINGS = ((b"%PDF", "PDF"), (b"{\\rtf", "RTF"), (b"<?xml", "XML"), (b"<!DOCTYPE html", "HTML"), (b"<html", "HTML"))


def add_document(x: Exchange) -> Reply:
    """A document of any class: the answer is its number, as a string."""
    query = wire.Query(x)
    query.require("documentsubclass", "attachmentcontents")
    id = _filed(x, query, None)
    return wire.answer({"documentid": str(id)}, [("document", str(id))], profile=x.site.settings["type_profile"])


def add_of_class(x: Exchange) -> Reply:
    """A document of one class: the answer is its number, under the name of the class."""
    assert x.route is not None
    name = x.route.args[2]
    query = wire.Query(x)
    query.require("departmentid", "documentsubclass", "attachmentcontents")
    id = _filed(x, query, name)
    told = {"success": True, f"{name}id": id}
    return wire.answer(told, [("document", str(id))], profile=x.site.settings["type_profile"])


def _filed(x: Exchange, query: wire.Query, name: str | None) -> int:
    """Writes the document and gives its number."""
    wire.practice_of(x)
    assert x.route is not None
    assert x.caller is not None
    number = wire.patient_number(x, x.route.args[1])
    key = _key(query, name)
    data = _bytes(query.text("attachmentcontents") or "")
    world = x.site.sandbox.world
    person = world.person(number)
    assert person is not None
    has_department = query.text("departmentid") is not None
    row = tables.DOCUMENTS[key]
    record = Document(
        ordinal=-1,
        key=key,
        type=row.type,
        text=row.title,
        status="current",
        doc_status="final",
        mime=_mime(query.text("attachmenttype"), data),
        created=x.at,
        encounter=_encounter(x, query, number),
        facility=wire.department_index(x, query) if has_department else person.facility,
        practitioner=_provider(x, query, person.practitioner),
        sensitivity=row.sensitivity,
        body=data,
    )
    kept = world.write(record, number, x.caller.client_id, x.at)
    return ids.item(x.site, "document", number, kept.ordinal)


def _key(query: wire.Query, name: str | None) -> str:
    """The row of documents.csv behind `documentsubclass`. Raises Refusal: it is none of this class.

    Raises:
        NotSimulated: a subclass of athena's under which no document of the truth is filed.
    """
    asked = query.text("documentsubclass") or ""
    if name is not None and not asked.startswith(name.upper()):
        raise Refusal(
            "malformed", f"documentsubclass={asked}", reason="not_in_enum", value=asked, parameter="DOCUMENTSUBCLASS"
        )
    for key in tables.DOCUMENTS:
        if words.document_class_of(key).subclass == asked:
            return key
    raise NotSimulated(f"athena REST: a new document of the subclass {asked}")


def _bytes(text: str) -> bytes:
    """What the base64 of a field stands for. Raises Refusal: it is none, or nothing."""
    try:
        data = b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        data = b""
    if not data:
        raise Refusal("malformed", "attachmentcontents is no base64", reason="not_base64")
    return data


def _mime(told: str | None, data: bytes) -> str:
    """The format: as it is told, or as the first bytes say."""
    if told is not None:
        wire.one_of(told.upper(), "attachmenttype", *_TYPES)
        return _TYPES[told.upper()]
    kind = next((name for beginning, name in _BEGINNINGS if data.startswith(beginning)), "TXT")
    return _TYPES[kind]


def _encounter(x: Exchange, query: wire.Query, number: int) -> int | None:
    """The encounter of the patient that `encounterid` names, if it names one. Raises Refusal."""
    text = query.text("encounterid")
    if text is None:
        return None
    value = ids.whole_number(text)
    owner, ordinal = ids.item_of(x.site, "encounter", value) if value is not None else (-1, -1)
    if owner != number or not isinstance(x.site.sandbox.world.read("encounter", number, ordinal), Encounter):
        raise Refusal("not_found", f"no encounter {text}", reason="no_id", id=text)
    return ordinal


def _provider(x: Exchange, query: wire.Query, otherwise: int) -> int:
    value = query.integer("providerid") if query.text("providerid") is not None else None
    known = value is not None and 1 <= value <= x.site.sandbox.world.population.practitioners
    return value - 1 if value is not None and known else otherwise
