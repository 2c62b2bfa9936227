"""DocumentReference: the site's own type beside LOINC, one document in several attachments, mistakes beside."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from simulator.population.answers import Loss
from simulator.population.records import Chart, Document, Encounter
from simulator.sandbox import Site
from simulator.vendor import Rendering
from simulator.vendors.cerner import codes, habits, ids
from simulator.vendors.cerner.elements import concept, in_millis, in_seconds, narrative, standard, words_of
from simulator.vendors.cerner.ids import Row
from simulator.vendors.cerner.resources import attachments, events, people
from simulator.vendors.cerner.resources.telling import (
    MISTAKEN,
    Item,
    Span,
    Telling,
    Tokens,
    bare_id,
    bare_row,
    hidden_labels,
    rendering,
    retracted,
    state_of,
)

_MISTAKES_PER_THOUSAND = 30
_NOTE = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
_DISCIPLINES = {"imaging": ("LP29684-5", "Radiology"), "pathology": ("LP7839-6", "Pathology")}
_id_of, _row_of = bare_id("document"), bare_row("document", variants=2)


def _items(site: Site, chart: Chart) -> list[Item]:
    """Newest first."""
    number = chart.person.number
    found = [Item(Row(number, one.ordinal), (one,)) for one in retracted(chart, "document")]
    for one in reversed(chart.documents):
        found.append(Item(Row(number, one.ordinal), (one,)))
        beside = Row(number, one.ordinal, MISTAKEN)
        if habits.happens(site, "wrong document", beside, _MISTAKES_PER_THOUSAND):
            found.append(Item(beside, (one,)))
    return found


def _is_mistake(item: Item) -> bool:
    return item.row.variant == MISTAKEN or item.records[0].status == "entered-in-error"


def _written(item: Item) -> datetime:
    """When it was signed; a mistake was signed before, taken back and written again."""
    one: Document = item.records[0]
    return one.created if item.row.variant != MISTAKEN else one.created - timedelta(minutes=9)


def _updated(site: Site, item: Item) -> datetime:
    state = state_of(site, "document", item.row)
    return state.updated if state else item.records[0].created


def _render(site: Site, chart: Chart, item: Item) -> Rendering:
    one: Document = item.records[0]
    id = _id_of(site, item)
    state = state_of(site, "document", item.row)
    is_mistake = _is_mistake(item)
    doc_status = "entered-in-error" if is_mistake else one.doc_status
    written = _written(item)
    visit = _visit(chart, one)
    start = visit.start if visit is not None else written
    who = people.practitioner_ref(site, one.practitioner)
    own = codes.local(site, codes.EVENT, f"document {one.key}", one.text)
    payload: dict[str, Any] = {
        "resourceType": "DocumentReference",
        "id": id,
        "meta": {"versionId": str(state.version if state else 2), "lastUpdated": in_millis(_updated(site, item))},
        "text": narrative(
            "Document Reference",
            [
                ("Patient Name", people.patient_name(chart.person)),
                ("Document Type", one.text),
                ("Document Title", one.text),
                ("Service Start Date", words_of(start)),
                ("Service End Date", words_of(written)),
                ("Document Status", doc_status.replace("-", " ").title().replace(" In ", " in ")),
                ("Verifying Provider", who["display"]),
            ],
        ),
        "identifier": [events.identifier(site, int(id), written)],
        "status": "entered-in-error" if is_mistake else one.status,
        "docStatus": doc_status,
        "type": concept([own, standard("loinc", one.type.code, one.type.display)], one.text),
        "category": _categories(one),
        "subject": people.patient_ref(site, chart.person),
        "date": in_seconds(written),
        "author": [who],
        "authenticator": who,
        "custodian": people.organization_ref(site, one.facility),
        "content": attachments.content_of(one, id, one.text, in_millis(written)),
    }
    context: dict[str, Any] = {"period": {"start": in_seconds(start), "end": in_seconds(written)}}
    if one.encounter is not None:
        context = {"encounter": [people.encounter_ref(site, item.row.number, one.encounter)], **context}
    payload["context"] = context
    if is_mistake:
        return rendering("DocumentReference", payload, (), [])
    losses: list[tuple[int, Loss]] = []
    hidden_labels(item.records, losses)
    return rendering("DocumentReference", payload, item.records, losses)


def _categories(one: Document) -> list[dict[str, Any]]:
    if one.key in _DISCIPLINES:
        code, display = _DISCIPLINES[one.key]
        kind = concept([standard("loinc", code, display)], display)
    else:
        kind = {"coding": [standard("loinc", one.type.code, one.type.display)]}
    return [kind, concept([standard(_NOTE, "clinical-note", "Clinical Note")], "Clinical Note")]


def _visit(chart: Chart, one: Document) -> Encounter | None:
    return next((found for found in chart.encounters if found.ordinal == one.encounter), None)


def _weighed(site: Site, chart: Chart, item: Item) -> list[tuple[int, Loss]]:
    """The further forms in which a document may be held, and their hashes."""
    one: Document = item.records[0]
    others = [form for form in attachments.forms_of(one) if form.mime != one.mime]
    if _is_mistake(item) or not others:
        return []

    def hashes() -> list[str]:
        return [attachments.bytes_of(site, item.row.number, one, form).sha256 for form in others]

    return [(0, Loss("mime", "also", value=[form.mime for form in others])), (0, Loss("sha256", "also", value=hashes))]


# What searches compare


def _type_tokens(site: Site, item: Item) -> Tokens:
    one: Document = item.records[0]
    own = codes.local(site, codes.EVENT, f"document {one.key}", one.text)
    return [(own["system"], own["code"]), ("http://loinc.org", one.type.code)]


def _category_tokens(site: Site, item: Item) -> Tokens:
    return [
        (coding["system"], coding["code"])
        for concept in _categories(item.records[0])
        for coding in concept.get("coding", ())
    ]


def _encounter_tokens(site: Site, item: Item) -> Tokens:
    one: Document = item.records[0]
    if one.encounter is None:
        return []
    return [("", str(ids.row_number(site, "encounter", Row(item.row.number, one.encounter))))]


def _date(site: Site, item: Item) -> Span:
    return _written(item), None


def _period(site: Site, item: Item) -> Span:
    """The service that is documented: from the beginning of the visit to the signature."""
    visit = _visit(site.sandbox.world.chart(item.row.number), item.records[0])
    written = _written(item)
    return (visit.start if visit is not None else written), written


DOCUMENT = Telling(
    "DocumentReference",
    "document",
    _items,
    _id_of,
    _row_of,
    _render,
    _updated,
    tokens={"type": _type_tokens, "category": _category_tokens, "encounter": _encounter_tokens},
    dates={"date": _date, "period": _period},
    weighed=_weighed,
    links=True,
)
