"""Notes: which there are, what one says, and a new one.

Source: SOURCES.md, "Web services" (TREWS: a list with keys, a text by its key; paths and members: guess).
"""

from __future__ import annotations

from base64 import b64encode
from datetime import date

from simulator.exchange import Reply
from simulator.population.documents import read
from simulator.population.records import Document
from simulator.refusal import Refusal
from simulator.vendors.epic import ids
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.filing import FILERS
from simulator.vendors.epic.filing.filing import Filing
from simulator.vendors.epic.services.command import Command, Service, clock, local, slashed

_PROGRESS_NOTE = "11506-3"


def listed(c: Command) -> Reply:
    """The notes from `FromDate` to `ToDate`, the latest first; each with the key to its text."""
    t = c.patient()
    first, last = c.day("FromDate", "INVALID-FROM-DATE"), c.day("ToDate", "INVALID-TO-DATE")
    found = [
        one
        for one in c.seen(t, "DocumentReference", Document)
        if (first is None or _day(t, one) >= first) and (last is None or _day(t, one) <= last)
    ]
    return c.told({"DocumentListData": [_told(t, one) for one in dict.fromkeys(found)]})


def text(c: Command) -> Reply:
    """What a note says."""
    key = c.need("Key", "NO-DOCUMENT-KEY")
    named = ids.named(c.site.key, key)
    world = c.x.sandbox.world
    record = None
    if named is not None and named.type == "DocumentReference" and world.person(named.number) is not None:
        record = world.read("document", named.number, named.ordinal)
    if named is None or not isinstance(record, Document):
        raise c.failed("NO-DOCUMENT-FOUND", f"No document has the key {key}.")
    c.said["PatientID"] = ids.fhir_id(c.site.key, "Patient", named.number)
    t = c.patient()
    if record not in set(c.seen(t, "DocumentReference", Document)):
        raise Refusal("forbidden", "the document is outside the grant", reason="not_viewable")
    return c.told({"DocumentText": read(world, named.number, record).text})


def create(c: Command) -> Reply:
    """Files a note to an open contact; `NoteType` is a LOINC code, by default a progress note."""
    t = c.patient()
    contact = c.contact(t)
    note = c.need("NoteText", "NO-NOTE-TEXT")
    resource: Json = {
        "resourceType": "DocumentReference",
        "status": "current",
        "docStatus": "final" if c.text("IsSigned", "true").lower() in ("true", "1", "yes") else "preliminary",
        "type": {"coding": [{"system": "http://loinc.org", "code": c.text("NoteType", _PROGRESS_NOTE)}]},
        "subject": {"reference": f"Patient/{t.id('Patient')}"},
        "content": [{"attachment": {"contentType": "text/plain", "data": b64encode(note.encode()).decode()}}],
        "context": {"encounter": [{"reference": f"Encounter/{t.id('Encounter', contact.ordinal)}"}]},
    }
    try:
        kept = FILERS["DocumentReference"].create(Filing(c.x, "DocumentReference", resource))
    except Refusal as refusal:
        issues = refusal.facts.get("issues")
        if refusal.reason != "write_refused" or not issues:
            raise
        raise c.failed("NOTE-NOT-FILED", str(issues[-1].get("diagnostics", ""))) from None
    return c.told({"DocumentKey": t.id("DocumentReference", kept.ordinal), "Success": True})


def _day(t: Telling, one: Document) -> date:
    return local(one.created, t.zone(one.encounter)).date()


def _told(t: Telling, one: Document) -> Json:
    at = local(one.created, t.zone(one.encounter))
    return {
        "Key": t.id("DocumentReference", one.ordinal),
        "DocumentType": one.text,
        "Status": one.doc_status.title(),
        "Author": t.practitioner(one.practitioner)["display"],
        "Date": slashed(at.date()),
        "Time": clock(at),
        "CSN": "" if one.encounter is None else t.contact_number(one.encounter),
    }


SERVICES = (
    Service("GetDocumentList", ("2014",), "Clinical/Document/GETDOCUMENTLIST/DocumentList", ("DocumentReference", "s"),
            listed),
    Service("GetDocumentText", ("2014",), "Clinical/Document/GETDOCUMENTTEXT/DocumentText", ("DocumentReference", "r"),
            text),
    Service("CreateNote", ("2019",), "Clinical/Document/CREATENOTE/Note", ("DocumentReference", "c"), create),
)  # fmt: skip
