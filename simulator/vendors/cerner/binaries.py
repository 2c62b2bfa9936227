"""The bytes of documents: `Binary/{id}`, the summary that is made on demand (`$autogen-ccd-if`), and `$docref`, which
leads to it."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from simulator.auth.sight import visible
from simulator.exchange import Exchange, Reply
from simulator.fhir import build, bundle
from simulator.fhir import search as fhir
from simulator.ids import uuid_of
from simulator.population.documents import Content, content_of
from simulator.population.records import Chart, Code, Document, Person
from simulator.refusal import NotSimulated, Refusal
from simulator.vendors.cerner import ids, sight, store, urls
from simulator.vendors.cerner.answers import bundle_id
from simulator.vendors.cerner.elements import concept, in_seconds, midnight, standard
from simulator.vendors.cerner.errors import FHIR_JSON
from simulator.vendors.cerner.media import check_accepted, wants_resource
from simulator.vendors.cerner.resources import attachments, people
from simulator.vendors.cerner.resources.document import DOCUMENT

SUMMARY, FETCH = "$autogen-ccd-if", "$docref"
_OPENERS = ("DocumentReference", "DiagnosticReport")
_TYPE = Code("loinc", "34133-9", "Summary of episode note")
_HEAD = [(b"content-type", FHIR_JSON.encode())]


def read(x: Exchange) -> Reply:
    """The bytes of a document, or a Binary that holds them, as the caller accepts.

    Besides the scope of Binary it takes that of a resource that leads to it.
    """
    assert x.route is not None
    (id,) = x.route.args
    _check_scope(x, *_OPENERS)
    is_resource = wants_resource(x)
    found = _content(x, id)
    if found is None:
        raise Refusal("not_found", f"no Binary/{id}", reason="unknown_id", resource="Binary", id=id)
    sight.check(x, "Binary", id)
    answer = _sent(id, *found, is_resource)
    answer.served = (("Binary", id),)
    return answer


def _content(x: Exchange, id: str) -> tuple[Content, datetime] | None:
    """The bytes behind an id, and when the document last changed; None when there is no such document or form."""
    parts = attachments.split(id)
    row = DOCUMENT.row_of(x.site, parts[1]) if parts is not None else None
    chart = store.chart_of(x.site, row.number) if row is not None else None
    item = DOCUMENT.item(x.site, chart, parts[1]) if parts is not None and chart is not None else None
    if parts is None or chart is None or item is None:
        return None
    if x.caller is not None and x.caller.allows("DocumentReference", "r"):
        sight.check(x, "DocumentReference", parts[1])
    document: Document = item.records[0]
    form = next((one for one in attachments.forms_of(document) if one.prefix == parts[0]), None)
    if form is None:
        return None
    return attachments.bytes_of(x.site, item.row.number, document, form), DOCUMENT.updated(x.site, item)


def _sent(id: str, content: Content, updated: datetime, is_resource: bool) -> Reply:
    if not is_resource:
        return Reply(200, content.data, [(b"content-type", content.mime.encode())])
    payload = {
        "resourceType": "Binary",
        "id": id,
        "meta": {"lastUpdated": updated.isoformat(timespec="milliseconds")},
        "contentType": content.mime,
        "data": b64encode(content.data).decode(),
    }
    return Reply(200, build.dumps(payload), list(_HEAD))


# The summary


def summary(x: Exchange) -> Reply:
    """A continuity of care document of what the caller may see, made now.

    Raises:
        Refusal: malformed without a patient or with a date that has no time; forbidden for another's record.
        NotSimulated: the summary of one encounter.
    """
    _check_scope(x, "DocumentReference")
    is_resource = wants_resource(x)
    if x.param("encounter"):
        raise NotSimulated(f"{SUMMARY} of one encounter at Cerner")
    start, end = _moment(x, "start"), _moment(x, "end")
    person = _patient(x)
    if person is None:
        raise Refusal("not_found", "no such patient", reason="unknown_id", resource="Patient")
    if not _may_see(x, "Binary", person.number):
        raise Refusal("forbidden", "outside the grant", reason="not_yours", resource="Binary")
    now = x.sandbox.clock.now()
    chart = _within(x.sandbox.world.chart(person.number), start, end)
    content = content_of(_document(person, now), chart, x.sandbox.world.population)
    return _sent(_uuid(x, person, now), content, now, is_resource)


def fetch(x: Exchange) -> Reply:
    """`DocumentReference/$docref`: a Bundle with the summary that can be had, if its type is asked for.

    Raises:
        Refusal: malformed without a patient, with a type without system or code, with a date that has no time.
    """
    check_accepted(x)
    dates = [(name, text) for name in ("start", "end") if _moment(x, name) and (text := x.param(name))]
    person = _patient(x)
    asked = x.param("type")
    tokens = [fhir.token(one) for one in asked.split(",")] if asked else []
    if any(not system or not code for system, code in tokens):
        raise _malformed("type", "type: must have a system and a code")
    system = build.SYSTEMS[_TYPE.system]
    is_asked = not tokens or any(fhir.matches_token(one, system, _TYPE.code) for one in tokens)
    entries = []
    if person is not None and is_asked and _may_see(x, "DocumentReference", person.number):
        entries.append(_offer(x, person, dates))
    own = f"{urls.called_root(x)}/DocumentReference/{FETCH}" + (f"?{x.query}" if x.query else "")
    return Reply(200, bundle.searchset(id=bundle_id(x), links=[("self", own)], entries=entries), list(_HEAD))


def _offer(x: Exchange, person: Person, dates: list[tuple[str, str]]) -> bytes:
    """The DocumentReference of a summary: nothing is kept, so it has a new id each time, and neither meta nor text."""
    now = x.sandbox.clock.now()
    id, root = _uuid(x, person, now), urls.called_root(x)
    patient = ids.patient_id(x.site, person.number)
    payload = {
        "resourceType": "DocumentReference",
        "id": id,
        "status": "current",
        "type": concept([standard(_TYPE.system, _TYPE.code, _TYPE.display, None)], _TYPE.display),
        "subject": people.patient_ref(x.site, person, display=False),
        "date": in_seconds(now),
        "content": [
            {
                "attachment": {
                    "contentType": "application/xml",
                    "url": f"{root}/Binary/{SUMMARY}?{urlencode([('patient', patient), *dates])}",
                },
                "format": attachments.STRUCTURED,
            }
        ],
    }
    return bundle.entry(f"{root}/DocumentReference/{id}", build.dumps(payload), None)


def _document(person: Person, now: datetime) -> Document:
    """The summary as a document of the home clinic, which nobody has written down."""
    return Document(
        ordinal=-1,
        key="ccd",
        type=_TYPE,
        text="Continuity of care document",
        status="current",
        doc_status="final",
        mime="application/xml",
        created=now,
        encounter=None,
        facility=person.facility,
        practitioner=person.practitioner,
    )


def _within(chart: Chart, start: datetime | None, end: datetime | None) -> Chart:
    """A chart with nothing that was before `start` or after `end`."""
    if start is None and end is None:
        return chart

    def fits(at: datetime) -> bool:
        return (start is None or start <= at) and (end is None or at <= end)

    kept: dict[str, Any] = {
        name: tuple(one for one in getattr(chart, name) if fits(when(one))) for name, when in _DATED.items()
    }
    return replace(chart, **kept)


_DATED: dict[str, Any] = {
    "encounters": lambda one: one.start,
    "conditions": lambda one: one.recorded,
    "allergies": lambda one: one.recorded,
    "medications": lambda one: one.authored,
    "observations": lambda one: one.effective,
    "immunizations": lambda one: midnight(one.day),
    "procedures": lambda one: one.start,
}


# What is asked


def _check_scope(x: Exchange, *types: str) -> None:
    """Refuses whoever has the scope of none of these types."""
    if x.caller is not None and not any(x.caller.allows(type, "r") for type in types):
        raise Refusal("forbidden", f"no scope for {' or '.join(types)}", reason="scope", resource=types[0])


def _may_see(x: Exchange, type: str, number: int) -> bool:
    """Whether the grant reaches this patient's records of a type."""
    if x.caller is None or x.caller.sight is None:
        return True
    return bool(visible(x.caller.sight, type, "r", ("",), owner=lambda _: number, bodies=lambda _: {}))


def _patient(x: Exchange) -> Person | None:
    asked = x.param("patient")
    if not asked:
        raise _malformed("patient", "patient must be provided")
    number = ids.person_of(x.site, fhir.reference(asked)[1])
    return None if number is None else x.sandbox.world.person(number)


def _moment(x: Exchange, name: str) -> datetime | None:
    """The instant of a parameter, which must have a time and may say `eq`."""
    text = x.param(name)
    if not text:
        return None
    try:
        prefix, lo, _ = fhir.date_range(text)
        has_time = fhir.precision(text) in ("minute", "second", "fraction")
    except Refusal:
        raise _malformed(name, f"{name}: invalid date") from None
    if prefix != "eq":
        raise _malformed(name, f"{name}: prefix must be eq")
    if not has_time:
        raise _malformed(name, f"{name}: must have a time")
    return lo


def _malformed(name: str, text: str) -> Refusal:
    return Refusal("malformed", text, reason="operation", parameter=name, text=text)


def _uuid(x: Exchange, person: Person, now: datetime) -> str:
    return uuid_of("summary", x.site.key.hex(), person.number, now.isoformat())
