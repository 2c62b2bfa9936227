"""DiagnosticReport: the results of one order together, and what somebody read in an image or under a microscope.

Source: SOURCES.md, "Resources" (MAP: reports of the laboratory; the others: guess).
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.fhir import build
from simulator.population.records import Document, Observation, Procedure
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.resources import document, flowsheet, observation, order_codes, orders, told
from simulator.vendors.epic.resources.told import Item

_OWN = dialect.local("10.798268.30")
_SECTIONS = "http://terminology.hl7.org/CodeSystem/v2-0074"
_LABORATORY = [
    {"coding": [{"system": _OWN, "code": "Lab"}], "text": "Lab"},
    dialect.told(_SECTIONS, "LAB", "Laboratory"),
]
_READ = {  # document -> Epic's category, HL7's section, LOINC's part
    "imaging": ("Imaging", ("RAD", "Radiology"), "LP29684-5"),
    "pathology": ("Pathology", ("SP", "Surgical Pathology"), "LP7839-6"),
}


def _items(t: Telling) -> Iterator[Item]:
    yield from orders.of_results(t)
    for one in reversed(t.chart.documents):
        if one.key in orders.READ:
            about = orders.procedure_of(t, one)
            yield (one,) if about is None else (one, about)


def _payload(t: Telling, item: Item) -> Json:
    if isinstance(item[0], Document):
        return _of_document(t, item)
    results = orders.results_of(item)
    first = results[0]
    made: Json = {
        "identifier": order_codes.identifiers(t, item),
        "basedOn": [orders.reference(t, item)],
        "status": _status(results),
        "category": _LABORATORY,
        "code": {"coding": order_codes.codings(t, item), "text": orders.name_of(item)},
        "subject": t.subject,
    }
    encounter = t.encounter(first.encounter)
    if encounter is not None:
        made["encounter"] = encounter
    performer = [t.practitioner(first.practitioner)]
    if len(made["identifier"]) > 1:
        performer.append({**dialect.organization_reference(t.site), "type": "Organization"})
    return made | {
        "effectiveDateTime": build.instant(min(one.effective for one in results)),
        "issued": build.instant(orders.issued_of(results)),
        "performer": performer,
        "result": [
            build.reference("Observation", observation.id_of(t, one), f"Component (1): {_component(t, one)}")
            for one in results
        ],
    }


def _component(t: Telling, one: Observation) -> str:
    return (one.text if flowsheet.is_local(t, one) else one.code.display).upper()


def _status(results: tuple[Observation, ...]) -> str:
    """`amended` when any result was corrected (seen), `preliminary` as long as any is."""
    statuses = {one.status for one in results}
    if "preliminary" in statuses:
        return "preliminary"
    return "amended" if "corrected" in statuses else "final"


def _of_document(t: Telling, item: Item) -> Json:
    """A report in words: the same that the DocumentReference of it leads to."""
    one, about = item[0], item[1] if len(item) > 1 else None
    assert isinstance(one, Document)
    own, section, part = _READ[one.key]
    made: Json = {}
    if isinstance(about, Procedure):
        made["identifier"] = order_codes.identifiers(t, (about,))
        if order_codes.is_ordered(about):
            made["basedOn"] = [orders.reference(t, (about,))]
    made |= {
        "status": "amended" if one.doc_status == "amended" else "final",
        "category": [
            {"coding": [{"system": _OWN, "code": own}], "text": own},
            dialect.told(_SECTIONS, *section),
            dialect.told("loinc", part, section[1]),
        ],
        "code": _code(t, item),
        "subject": t.subject,
    }
    encounter = t.encounter(one.encounter)
    if encounter is not None:
        made["encounter"] = encounter
    start = about.start if isinstance(about, Procedure) else one.created
    return made | {
        "effectiveDateTime": build.instant(start),
        "issued": build.instant(one.amended or one.created),
        "performer": [t.practitioner(one.practitioner)],
        "presentedForm": [
            {"contentType": mime, "url": f"Binary/{document.binary_id(t, one, place)}", "title": one.text}
            for place, mime in enumerate(document.formats_of(one))
        ],
    }


def _code(t: Telling, item: Item) -> Json:
    one, about = item[0], item[1] if len(item) > 1 else None
    assert isinstance(one, Document)
    codings = [{"system": build.SYSTEMS["loinc"], "code": one.type.code}]
    if isinstance(about, Procedure):
        codings += order_codes.codings(t, (about,))
    return {"coding": codings, "text": _name(t, item)}


def _name(t: Telling, item: Item) -> str:
    one, about = item[0], item[1] if len(item) > 1 else None
    assert isinstance(one, Document)
    return orders.name_of((about,)) if about is not None else one.text


TOLD = told.resting("DiagnosticReport", _items, _payload, lambda t, item: orders.place_of(item))
