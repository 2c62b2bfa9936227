"""DocumentReference and Binary: a note is told twice, as HTML and as RTF, whatever it was written in; reports as PDF
and summaries as C-CDA once. The attachments have a relative address and neither size nor hash.

Source: SOURCES.md, "Resources" (MAP, FS); traps E19 and E20.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.documents import Content, read
from simulator.population.documents.retold import retold, text_of
from simulator.population.records import Document
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect, filed, staff
from simulator.vendors.epic.dialect import Json, Telling, extension, usual
from simulator.vendors.epic.resources import scan
from simulator.vendors.epic.resources.told import Item

SUMMARY = "application/xml"
_NOTES = ("text/html", "text/rtf")
_OWN_CATEGORY = "http://open.epic.com/FHIR/StructureDefinition/document-reference-category"
_US_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
_NOTE_TYPE = dialect.local("4.737880.5010")
_DOCUMENT_TYPE = "urn:oid:1.2.840.114350.1.72.727879.69848980"
_NOTE_ID = dialect.local("2.727879")
_UNIQUE_ID = "urn:oid:1.2.840.114350.1.72.3.15"
_URI = "urn:ietf:rfc:3986"
_PLACES = 2  # attachments of a document, at most
_EPIC = "http://open.epic.com/FHIR/StructureDefinition/extension/"
_ATTESTER = "http://hl7.org/fhir/5.0/StructureDefinition/extension-DocumentReference.attester"
# Row of documents.csv -> Epic's note type. 1, 2 and 4: seen, the others: guess.
_NOTE_TYPES = {
    "progress": ("1", "Progress Notes"),
    "consult": ("2", "Consults"),
    "procedure_note": ("3", "Procedures"),
    "hp": ("4", "H&P"),
    "discharge": ("5", "Discharge Summary"),
    "ed_note": ("6", "ED Notes"),
    "psychotherapy": ("57", "Psychotherapy Note"),
    "imaging": ("32", "Imaging"),
    "pathology": ("34", "Pathology"),
    "lab_report": ("35", "Laboratory Report"),
    "referral": ("30", "Letter"),
}
_FORMATS = {  # of what a document is made: code and display
    "text": ("urn:ihe:iti:xds:2017:mimeTypeSufficient", "mimeType Sufficient"),
    SUMMARY: ("urn:hl7-org:sdwg:ccda-structuredBody:2.1", "Structured Body C-CDA 2.1"),
}
_SIGNER = {
    "coding": [{"system": "urn:oid:1.2.840.114350.1.72.1.7.7.10.696784.72072", "code": "1", "display": "Signer"}],
    "text": "Signer",
}
_NO_PATIENT = dialect.told(
    "v3-act", "NOPAT", "no disclosure to patient, family or caregivers without attending provider's authorization"
)
_KEPT_FROM_PATIENT_PER_CENT = 30  # of notes: guess; both recorded ones are


def items(t: Telling) -> Iterator[Item]:
    """The documents, newest first, and the scans."""
    yield from ((one,) for one in reversed(t.chart.documents))
    yield from scan.items(t)


def render(t: Telling, document: Document) -> Rendering:
    """One document, with what of it is told differently."""
    if scan.is_scan(document):
        return scan.render(t, document)
    payload = _summary(t, document) if document.mime == SUMMARY else _note(t, document)
    formats = formats_of(document)
    losses = []
    if is_retold(document):
        losses.append(Loss("mime", "replaced", "Epic keeps notes as HTML and RTF", formats[0]))
        losses.extend(Loss("mime", "also", "the same note", mime) for mime in formats[1:])
    if payload["type"]["text"] != document.text:
        losses.append(Loss("text", "replaced", "Epic's own note types", payload["type"]["text"]))
    if document.sensitivity:
        losses.append(Loss("sensitivity", "omitted"))
    return Rendering("DocumentReference", payload["id"], payload, (document,), tuple((0, loss) for loss in losses))


def with_hash(t: Telling, rendering: Rendering) -> Rendering:
    """A rendering with what became of the bytes."""
    document = next((one for one in rendering.records if isinstance(one, Document)), None)
    if document is None or not is_retold(document):
        return rendering
    loss = Loss("sha256", "replaced", "of the HTML", lambda: _content(t, document, formats_of(document)[0]).sha256)
    return replace(rendering, losses=(*rendering.losses, (0, loss)))


def is_retold(document: Document) -> bool:
    """Whether it is told in other formats than that in which it was written."""
    return formats_of(document) != (document.mime,)


def category_of(document: Document) -> str:
    """The code of the category under which it is found."""
    if scan.is_scan(document):
        return scan.CATEGORY
    return "summary-document" if document.mime == SUMMARY else "clinical-note"


def is_kept_from_patient(t: Telling, document: Document) -> bool:
    """Whether it bears the label NOPAT: whoever asks for a patient does not get it."""
    if document.mime == SUMMARY or scan.is_scan(document):
        return False
    return "PSYNOTE" in document.sensitivity or t.draw("nopat", document.ordinal) % 100 < _KEPT_FROM_PATIENT_PER_CENT


def _summary(t: Telling, document: Document) -> Json:
    """A C-CDA: made by the machine, so author and custodian are the site."""
    number = dialect.number(t.draw("summary", document.ordinal), 4)
    site = {"display": str(t.site.settings["organization"])}
    text = "Patient Summary" if document.key == "ccd" else document.text
    return {
        "resourceType": "DocumentReference",
        "id": t.id("DocumentReference", document.ordinal),
        "identifier": [usual(_URI, f"{dialect.local('8.688883')}.{number}")],
        "status": document.status,
        "type": {"coding": [{"system": build.SYSTEMS["loinc"], "code": document.type.code}], "text": text},
        "category": [dialect.told(_OWN_CATEGORY, "summary-document", "Summary Document")],
        "subject": t.subject,
        "date": build.instant(document.created),
        "author": [site],
        "custodian": site,
        "content": _contents(t, document),
    }


def _note(t: Telling, document: Document) -> Json:
    number = dialect.number(t.draw("note", document.ordinal), 9)
    author = _author(t, document)
    signed = build.instant(document.amended or document.created)
    is_signed = document.doc_status != "preliminary"
    made: Json = {"resourceType": "DocumentReference", "id": t.id("DocumentReference", document.ordinal)}
    if is_signed and t.site.settings["attester_extension"]:
        made["extension"] = [_attester({name: value for name, value in author.items() if name != "type"}, signed)]
    made |= {
        "identifier": [
            {"system": _NOTE_ID, "value": number},
            {"system": _UNIQUE_ID, "value": f"{_NOTE_ID.removeprefix('urn:oid:')}_{number}"},
        ],
        "status": document.status,
        "docStatus": document.doc_status,
        "type": _type(document),
        "category": [dialect.told(_US_CATEGORY, "clinical-note", "Clinical Note")],
        "subject": t.subject,
        "date": build.instant(document.created),
        "author": [author],
    }
    if is_signed:
        at = extension(_EPIC + "clinical-note-authentication-instant", valueDateTime=signed)
        made["authenticator"] = {"extension": [at], **author}
    made["custodian"] = {
        "identifier": {"system": _URI, "value": dialect.CEID},
        "display": str(t.site.settings["organization"]),
    }
    if is_kept_from_patient(t, document):
        made["securityLabel"] = [_NO_PATIENT]
    return made | {"content": _contents(t, document), "context": _context(t, document)}


def _type(document: Document) -> Json:
    own = _NOTE_TYPES.get(document.key)
    coding = {"system": build.SYSTEMS["loinc"], "code": document.type.code, "display": document.type.display}
    loinc = {**coding, "userSelected": True}
    if own is None:
        return {"coding": [loinc], "text": document.text}
    code, text = own
    codings = [{"system": system, "code": code, "display": text} for system in (_NOTE_TYPE, _DOCUMENT_TYPE)]
    return {"coding": [*codings, loinc], "text": text}


def _attester(party: Json, at: str) -> Json:
    """Who signed: an extension of R5 in an R4 resource, which strict validators do not know."""
    parts = [
        extension("mode", valueCodeableConcept=_SIGNER),
        extension("time", valueDateTime=at),
        extension("party", valueReference=party),
    ]
    return extension(_ATTESTER, extension=parts)


def _contents(t: Telling, document: Document) -> list[Json]:
    code, display = _FORMATS[SUMMARY if document.mime == SUMMARY else "text"]
    format = {"system": "http://ihe.net/fhir/ValueSet/IHE.FormatCode.codesystem", "code": code, "display": display}
    return [
        {
            "attachment": {"contentType": mime, "url": f"Binary/{binary_id(t, document, place)}"},
            "format": format,
        }
        for place, mime in enumerate(formats_of(document))
    ]


def _context(t: Telling, document: Document) -> Json:
    """What the note belongs to: who wrote it as what, at which visit, in which specialty."""
    author = t.world.population.practitioner(document.practitioner)
    kind = extension(
        _EPIC + "clinical-note-author-provider-type", valueCodeableConcept=staff.provider_type(t.key, author)
    )
    made: Json = {"extension": [kind]}
    encounter = t.encounter(document.encounter)
    if encounter is not None:
        made["encounter"] = [encounter]
    found = t.encounters.get(document.encounter) if document.encounter is not None else None
    made["period"] = {"start": build.instant(document.created if found is None else found.start)}
    return made | {"practiceSetting": staff.specialty(t.key, document.practitioner)}


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


def binary_resource(id: str, content: Content) -> Json:
    """The same as a FHIR resource."""
    return {
        "resourceType": "Binary",
        "id": id,
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
