"""`/patients/{patientid}/documents…`: what athena files under a chart. Each class has a list, an id and doors of its
own; the bytes lie behind `originaldocument`, those of an encounter document behind its pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.exchange import Exchange, Reply
from simulator.ids import h64
from simulator.population.answers import Loss
from simulator.population.documents import Content, read
from simulator.population.records import Document
from simulator.refusal import Refusal
from simulator.vendor import Rendering
from simulator.vendors.athena import ids, words
from simulator.vendors.athena.charts import PatientChart, patient_chart
from simulator.vendors.athena.rest import labresults, wire
from simulator.vendors.athena.words import document_class

DEFAULT_LIMIT = 1000
CLASSES: Mapping[str, str] = {
    "clinicaldocument": "clinicaldocuments",
    "encounterdocument": "encounterdocuments",
    "imagingresult": "imagingresults",
    "medicalrecord": "medicalrecords",
}
"""The classes of documents that this practice has, and what their lists are called."""

WITH_ORIGINAL = ("clinicaldocument", "imagingresult", "medicalrecord")
"""Classes whose documents are given as they came."""

WITH_PAGES = ("encounterdocument",)
"""Classes whose documents are given page by page."""

_PAGE = 1
_FIRST_TYPE = 342_000  # numbers of document types, of which there is one for each test


def list_documents(x: Exchange) -> Reply:
    """All documents of a chart, newest first; without a count."""
    return _list(x, "documents", "/documents", lambda record: True, is_counted=False)


def list_of_class(x: Exchange) -> Reply:
    """The documents of one class, newest first."""
    assert x.route is not None
    name = x.route.args[2]
    return _list(x, CLASSES[name], f"/documents/{name}", lambda record: document_class(record).path == name)


def _list(x: Exchange, key: str, path: str, is_wanted: Callable[[Document], bool], *, is_counted: bool = True) -> Reply:
    query = wire.Query(x)
    seen = wire.chart_of(x, query)
    subclass = query.text("documentsubclass")

    def make() -> tuple[Any, Any]:
        listed = [
            one
            for one in reversed(seen.chart.documents)
            if is_wanted(one) and subclass in (None, document_class(one).subclass)
        ]
        page = wire.page(x, query, key, len(listed), default=DEFAULT_LIMIT, is_counted=is_counted)
        told = [document(seen, one) for one in listed[page.offset : page.end]]
        envelope = page.envelope(f"/patients/{seen.patientid}{path}", [one.payload for one in told])
        return envelope, [(one.type, one.id) for one in told]

    return wire.kept(x, ("documents", path, seen.number, seen.stamp, query.key()), make)


def read_document(x: Exchange) -> Reply:
    """One document, as an array of one, with its words where it has any, and its pages."""
    seen, record = _named(x)
    told = document(seen, record)
    name = document_class(record).path
    payload = dict(told.payload)
    payload["description"] = payload.pop("documentdescription")
    if record.mime.startswith("text/"):
        payload["documentdata"] = _content(seen, record).text
    pages = f"/v1/{ids.PRACTICE}/patients/{seen.patientid}/documents/{name}/{told.id}/pages/{_PAGE}"
    page = {"pageid": str(_PAGE), "pageordering": _PAGE, "contenttype": record.mime, "href": pages}
    payload["pages"] = [page] if name in WITH_PAGES else []
    return wire.answer([payload], [(told.type, told.id)], profile=x.site.settings["type_profile"])


def read_original(x: Exchange) -> Reply:
    """The bytes of a document, as they came."""
    return _bytes(*_named(x))


def read_page(x: Exchange) -> Reply:
    """The bytes of a page: what has pages has one."""
    assert x.route is not None
    seen, record = _named(x)
    if document_class(record).path not in WITH_PAGES or x.route.args[4] != str(_PAGE):
        raise Refusal("not_found", f"no page {x.route.args[4]}", reason="no_id", id=x.route.args[4])
    return _bytes(seen, record)


def _bytes(seen: PatientChart, record: Document) -> Reply:
    served = (("document", str(seen.item("document", record.ordinal))),)
    return Reply(200, _content(seen, record).data, [(b"content-type", record.mime.encode())], served=served)


def _content(seen: PatientChart, record: Document) -> Content:
    return read(seen.site.sandbox.world, seen.number, record)


def _named(x: Exchange) -> tuple[PatientChart, Document]:
    """The document that a path names. Raises Refusal: it is none of that patient's, or of another class."""
    assert x.route is not None
    wire.practice_of(x)
    _, patient, name, text = x.route.args[:4]
    number = wire.patient_number(x, patient)
    value = ids.whole_number(text)
    if value is None:
        raise Refusal("malformed", f"document id {text!r}", reason="not_integer", value=text)
    owner, ordinal = ids.item_of(x.site, "document", value)
    record = x.site.sandbox.world.read("document", number, ordinal) if owner == number else None
    if not isinstance(record, Document) or document_class(record).path != name:
        raise Refusal("not_found", f"no {name} {text}", reason="no_id", id=text)
    return patient_chart(x.site, number), record


def document(seen: PatientChart, record: Document) -> Rendering:
    """One document as the lists tell it: a title and a class, but neither a LOINC nor the format."""
    documentid = str(seen.item("document", record.ordinal))
    filed = document_class(record)
    zone = seen.facility(record.facility).zone
    changed = seen.updated(record)
    day = words.us_day(words.local_day(record.created, zone))
    payload: dict[str, Any] = {
        "documentid": documentid,
        f"{filed.path}id": documentid,
        "documentclass": filed.name,
        "documentdescription": record.text,
        "documentdate": day,
        "departmentid": str(ids.departmentid(record.facility)),
        "providerid": record.practitioner + 1,
        "createddate": day,
        "createddatetime": words.offset_time(record.created, zone),
        "lastmodifieddate": words.us_day(words.local_day(changed, zone)),
        "lastmodifieddatetime": words.offset_time(changed, zone),
        "documentroute": "INTERFACE",
        "documentsource": "ENCOUNTER" if record.encounter is not None else "UPLOAD",
        "priority": 2,
        "status": "CLOSED",
    }
    if filed.subclass is not None:
        payload["documentsubclass"] = filed.subclass
    visit = next((one for one in seen.chart.encounters if one.ordinal == record.encounter), None)
    if visit is not None:
        payload["encounterid"] = str(seen.item("encounter", visit.ordinal))
        payload["encounterdate"] = words.us_day(words.local_day(visit.start, zone))
    losses = [
        *(Loss(field, "omitted") for field in ("type", "status", "mime", "sha256", "content")),
        Loss("sensitivity", "replaced", value=[]),
    ]
    return Rendering("document", documentid, payload, (record,), tuple((0, loss) for loss in losses))


# Laboratory results are documents too: the same as in the chart, seen from the cabinet


def list_labresults(x: Exchange) -> Reply:
    """The laboratory results of a chart as documents, newest first."""
    query = wire.Query(x)
    seen = wire.chart_of(x, query)

    def make() -> tuple[Any, Any]:
        listed = list(reversed(labresults.results(seen)))
        page = wire.page(x, query, "labresults", len(listed), default=DEFAULT_LIMIT)
        told = [_labresult(seen, one) for one in listed[page.offset : page.end]]
        rows = [{name: value for name, value in one.items() if name != "observations"} for one, _ in told]
        envelope = page.envelope(f"/patients/{seen.patientid}/documents/labresult", rows)
        return envelope, [pair for _, served in told for pair in served]

    return wire.kept(x, ("labresult documents", seen.number, seen.stamp, query.key()), make)


def read_labresult(x: Exchange) -> Reply:
    """One laboratory result as a document, as an array of one."""
    wire.practice_of(x)
    assert x.route is not None
    seen = patient_chart(x.site, wire.patient_number(x, x.route.args[1]))
    text = x.route.args[3]
    value = ids.whole_number(text)
    if value is None:
        raise Refusal("malformed", f"lab result id {text!r}", reason="not_integer", value=text)
    owner, ordinal = ids.item_of(x.site, "labresult", value)
    for result in labresults.results(seen) if owner == seen.number else ():
        if result.first.ordinal == ordinal:
            payload, served = _labresult(seen, result)
            return wire.answer([payload], served, profile=x.site.settings["type_profile"])
    raise Refusal("not_found", f"no lab result {text}", reason="no_id", id=text)


def _labresult(seen: PatientChart, result: labresults.LabResult) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """One result with its values under `observations`: the names that the chart gives them, but no LOINC."""
    who = seen.site.sandbox.world.population.practitioner(result.first.practitioner)
    user = f"{who.given[:1]}{who.family}".lower()
    told = [labresults.analyte(seen, result, one) for one in result.records]
    chart = labresults.labresult(seen, result, [])
    first = result.first
    taken, issued = (words.offset_time(at, seen.zone) for at in (first.effective, first.issued))
    kept = ("analyteid", "analytename", "value", "units", "referencerange", "abnormalflag", "resultstatus")
    payload: dict[str, Any] = {
        "labresultid": chart["labresultid"],
        **({"labresultloinc": chart["labresultloinc"]} if "labresultloinc" in chart else {}),
        "description": chart["description"],
        "documentclass": "LABRESULT",
        "documentroute": "INTERFACE",
        "documentsource": "INTERFACE",
        "departmentid": str(ids.departmentid(seen.home.index)),
        "documenttypeid": str(_FIRST_TYPE + h64(seen.site.key, "document type", chart["description"]) % 1_000),
        "providerid": chart["providerid"],
        "providerusername": user,
        "createduser": user,
        "lastmodifieduser": user,
        "observationdate": chart["labresultdate"],
        "observationdatetime": taken,
        "encounterdate": chart["labresultdate"],
        "createddate": chart["createddate"],
        "createddatetime": issued,
        "lastmodifieddate": words.us_day(words.local_day(seen.updated(*result.records), seen.zone)),
        "lastmodifieddatetime": words.offset_time(seen.updated(*result.records), seen.zone),
        "reportstatus": first.status,
        "resultstatus": first.status,
        "priority": "2",
        "status": "CLOSED",
        "pages": [],
        "observations": [{name: one.payload[name] for name in kept if name in one.payload} for one in told],
    }
    return payload, [(one.type, one.id) for one in told]
