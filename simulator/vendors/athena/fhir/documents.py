"""FHIR DocumentReference and Binary: a document in the format in which it is kept, its bytes behind an address."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from simulator.fhir import build
from simulator.population.documents import Content, read
from simulator.population.records import Document
from simulator.vendor import Rendering
from simulator.vendors.athena import ids
from simulator.vendors.athena.charts import PatientChart
from simulator.vendors.athena.fhir import shape
from simulator.vendors.athena.words import document_class

_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"


def document_id(seen: PatientChart, record: Document) -> str:
    """`clinicaldocument-…`, `encounterdocument-…`, …: by the class under which athena files it."""
    return ids.fhir_id(document_class(record).path, seen.item("document", record.ordinal))


def binary_id(seen: PatientChart, record: Document) -> str:
    """The id of the bytes of a document."""
    return ids.fhir_id("binary", seen.item("document", record.ordinal))


def document_reference(seen: PatientChart, record: Document) -> Rendering:
    """One document."""
    id = document_id(seen, record)
    place = seen.facility(record.facility)
    visit = next((one for one in seen.chart.encounters if one.ordinal == record.encounter), None)
    payload = shape.resource(
        seen,
        "DocumentReference",
        id,
        seen.updated(record),
        record.sensitivity,
        identifier=shape.identifier("ah-documentreference", id),
        status=record.status,
        docStatus=record.doc_status,
        type=build.concept(record.type, record.text),
        category=[build.simple(_CATEGORY, "clinical-note", "Clinical Note")],
        subject=shape.subject(seen),
        date=shape.local_time(record.created, place.zone),
        author=[shape.practitioner(seen, record.practitioner)],
        custodian={"reference": ids.practice_reference()},
        content=[
            {
                "attachment": {
                    "contentType": record.mime,
                    "url": f"Binary/{binary_id(seen, record)}",
                    "title": record.text,
                }
            }
        ],
        context={
            "encounter": [one for one in (shape.encounter(seen, record.encounter),) if one],
            "period": {"start": shape.local_time(visit.start, place.zone)} if visit is not None else None,
        },
    )
    return Rendering("DocumentReference", id, payload, (record,))


def content(seen: PatientChart, record: Document) -> Content:
    """The bytes of a document, and its words."""
    return read(seen.site.sandbox.world, seen.number, record)


def binary(seen: PatientChart, record: Document) -> dict[str, Any]:
    """The bytes of a document as a FHIR resource."""
    kept = content(seen, record)
    return {
        "resourceType": "Binary",
        "id": binary_id(seen, record),
        "contentType": kept.mime,
        "data": b64encode(kept.data).decode(),
    }
