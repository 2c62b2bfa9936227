"""DocumentReference.Create and Update: clinical notes. The text is kept; author, date and numbers that came are not.

Source: SOURCES.md, "Writing" (MAP: what comes back; SPEC: encounter and note type; the rules of updates: guess).
"""

from __future__ import annotations

from dataclasses import replace

from simulator.fhir import build, writes
from simulator.population import tables
from simulator.population.records import Code, Document
from simulator.vendors.epic import filed
from simulator.vendors.epic.filing.filing import Filing
from simulator.vendors.epic.ids import Named

_MIMES = ("text/plain", "text/html", "text/rtf")
_SIGNED = ("preliminary", "final")
# Note types that a site knows beside those of the truth. Guess.
_MORE_TYPES = {
    "34109-9": Code("loinc", "34109-9", "Note"),
    "34108-1": Code("loinc", "34108-1", "Outpatient Note"),
    "34746-8": Code("loinc", "34746-8", "Nurse Note"),
    "51847-2": Code("loinc", "51847-2", "Evaluation + Plan note"),
}
_TYPES = {row.type.code: row for row in tables.DOCUMENTS.values() if any(m in _MIMES for m, _ in row.formats)}


def create(f: Filing) -> Document:
    """Files a note to an encounter. The same note again is a second note (E23)."""
    t = f.patient("subject")
    f.code("status", ("current",), "current")
    kind, key = _type(f)
    signed = f.code("docStatus", _SIGNED, "final")
    references = f.resource.get("context", {}).get("encounter", [])
    if not references:
        raise f.missing("context.encounter")
    encounter = f.encounter(t, "context.encounter", references[0])
    assert encounter is not None
    mime, body = _content(f)
    record = Document(
        ordinal=-1,
        key=key,
        type=kind,
        text=tables.DOCUMENTS[key].title if key else kind.display,
        status="current",
        doc_status=signed,
        mime=mime,
        created=f.x.at,
        encounter=encounter.ordinal,
        facility=encounter.facility,
        practitioner=f.practitioner(encounter.practitioner),
        body=body,
    )
    return f.keep(record)


def update(f: Filing, wanted: Named) -> Document:
    """Signs a note that was filed this way, or amends its text: a signed note is final, and amended when it changes."""
    t = f.patient("subject")
    held = next((one for one in t.chart.documents if one.ordinal == wanted.ordinal), None)
    if held is None or wanted.number != f.number or filed.by(t, held) is None:
        raise f.forbid("Only what was filed through this interface can be changed through it.")
    if _type(f)[0].code != held.type.code:
        raise f.forbid("The type of a note cannot be changed.", "type")
    signed = f.code("docStatus", (*_SIGNED, "amended"), held.doc_status)
    if signed == "preliminary" and held.doc_status != "preliminary":
        raise f.forbid("A signed note stays signed.", "docStatus")
    mime, body = (held.mime, held.body) if not _has_data(f) else _content(f)
    if body == held.body:
        return f.keep(replace(held, doc_status=signed))
    if held.doc_status == "preliminary":
        return f.keep(replace(held, doc_status=signed, mime=mime, body=body))
    return f.keep(replace(held, doc_status="amended", mime=mime, body=body, amended=f.x.at))


def _type(f: Filing) -> tuple[Code, str]:
    """(type, row of documents.csv or nothing): the first LOINC code that the site knows as a type of note."""
    concept = f.need("type")
    loincs = [code for system, code, _ in writes.codings(concept) if system == build.SYSTEMS["loinc"]]
    for code in loincs:
        if code in _TYPES:
            return _TYPES[code].type, _TYPES[code].key
        if code in _MORE_TYPES:
            return _MORE_TYPES[code], ""
    raise f.bad_value("type", next(iter(loincs), concept.get("text", "")))


def _has_data(f: Filing) -> bool:
    return any("data" in one.get("attachment", {}) for one in f.resource.get("content", []))


def _content(f: Filing) -> tuple[str, bytes]:
    """(media type, text) of the first attachment that holds its data."""
    attachment: writes.Json = next((one.get("attachment", {}) for one in f.need("content")), {})
    mime = str(attachment.get("contentType", "")).partition(";")[0].strip().lower()
    if not mime:
        raise f.missing("content.attachment.contentType")
    if mime not in _MIMES:
        raise f.bad_value("content.attachment.contentType", mime)
    if not attachment.get("data"):
        raise f.missing("content.attachment.data")
    body = writes.data_of(attachment)
    if body is None:
        raise f.bad_value("content.attachment.data", "not base64")
    try:
        body.decode()
    except UnicodeDecodeError:
        raise f.bad_value("content.attachment.data", "not UTF-8") from None
    return mime, body
