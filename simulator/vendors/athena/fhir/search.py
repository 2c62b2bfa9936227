"""Searching the FHIR side: required parameters, the practice as a parameter, `cursor` paging, answers that are 200 and
hold only an outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import orjson

from simulator.exchange import Exchange, Reply
from simulator.fhir import build, bundle
from simulator.fhir import search as spelled
from simulator.fhir.outcome import issue, outcome
from simulator.ids import text_of
from simulator.refusal import NotSimulated, Refusal
from simulator.vendors.athena import ids, sight, words
from simulator.vendors.athena.charts import patient_chart
from simulator.vendors.athena.fhir import references, shelf
from simulator.vendors.athena.fhir.asked import (
    Found,
    Hit,
    OutcomeOnly,
    Pairs,
    check_practice,
    check_required,
    count_of,
    invalid,
    known_params,
    values_of,
)
from simulator.vendors.athena.fhir.chart_search import charted
from simulator.vendors.athena.fhir.patient_search import find_patients
from simulator.vendors.athena.fhir.rules import RULES, Rule
from simulator.vendors.athena.rest import wire

MEDIA = "application/fhir+json"


def search(x: Exchange) -> Reply:
    """One page of a search, by GET or by POST to `_search`."""
    assert x.route is not None
    type = x.route.args[0]
    pairs = list(x.params) + (wire.form_of(x) if x.method == "POST" else [])
    key = ("searchset", x.base_url, type, orjson.dumps(pairs), _stamps(x, type, pairs))
    is_kept = type != "Patient" and not sight.is_narrow(x)
    ready = x.site.cache.get(key) if is_kept else None
    if ready is None:
        try:
            page = _page(x, type, pairs)
        except OutcomeOnly:
            return _outcome_only(x, type, pairs)
        ready = wire.pack(page.served) + b"\n%d\n" % page.number + page.body
        if is_kept:
            x.site.cache.put(key, ready)
    head, number, body = ready.split(b"\n", 2)
    x.notes["page"] = int(number)
    return Reply(200, body, [(b"content-type", MEDIA.encode())], served=wire.unpack(head))


def _stamps(x: Exchange, type: str, pairs: Pairs) -> tuple[int, ...]:
    """The stamps of the charts that the search names: a kept page is good while they stay."""
    stamps = []
    for name, value in pairs:
        if name in ("patient", "subject", "encounter", "_id"):
            for one in value.split(","):
                number = _number_behind(x, type if name == "_id" else "Encounter", spelled.reference(one)[1])
                stamps.append(patient_chart(x.site, number).stamp if number is not None else 0)
    return tuple(stamps)


def _number_behind(x: Exchange, type: str, id: str) -> int | None:
    parsed = ids.parse_fhir_id(id)
    if parsed is None or parsed[1] == "E":
        return ids.patient_of(x.site, id) if parsed else None
    return shelf.CHART_TYPES[type].find(x.site, parsed[2])[0] if type in shelf.CHART_TYPES else None


@dataclass(frozen=True, slots=True)
class _Page:
    """A ready page: its body, what is in it, and which page it is."""

    body: bytes
    served: list[tuple[str, str]]
    number: int


def _page(x: Exchange, type: str, pairs: Pairs) -> _Page:
    rule = RULES[type]
    check_practice(pairs)
    params = known_params(rule, pairs)
    check_required(rule, params)
    count = min(count_of(params), x.site.settings["max_page"])
    if type == "Patient":
        found = find_patients(x, params, count)
    elif type in shelf.CHART_TYPES:
        found = charted(x, type, params, count)
    else:
        found = _standing(x, type, params)
    if sight.is_narrow(x):
        found = sight.narrowed(x, type, found)
    root = f"{x.base_url}/fhir/r4"
    entries = [bundle.entry(f"{root}/{type}/{hit.id}", hit.resource) for hit in found.hits]
    served = [(type, hit.id) for hit in found.hits]
    for included_type, id, resource in _included(x, rule, params, found.hits):
        entries.append(bundle.entry(f"{root}/{included_type}/{id}", resource, "include"))
        served.append((included_type, id))
    links = [("self", _url(root, type, pairs))]
    if found.following is not None:
        kept = [(name, value) for name, value in pairs if name != "cursor"]
        links.append(("next", _url(root, type, [*kept, ("cursor", found.following)])))
    return _Page(bundle.searchset(entries=entries, links=links, total=found.total), served, found.number)


def _url(root: str, type: str, pairs: Pairs) -> str:
    query = urlencode(pairs, safe="/|:,$")
    return f"{root}/{type}?{query}" if query else f"{root}/{type}"


# The rest


def _standing(x: Exchange, type: str, params: list[spelled.Param]) -> Found:
    """What belongs to no chart, by id."""
    shown = []
    for id in dict.fromkeys(values_of(params, "_id")[0]):
        if ids.parse_fhir_id(id) is None:
            raise invalid(f"_id {id}", "bad_id")
        resource = shelf.standing(x.site, type, id)
        if resource is not None:
            shown.append(Hit(id, build.dumps(resource)))
    return Found(shown, len(shown))


def _included(
    x: Exchange, rule: Rule, params: list[spelled.Param], hits: Iterable[Hit]
) -> Iterator[tuple[str, str, bytes]]:
    """What `_include` asks for, once each."""
    done: set[str] = set()
    for param in params:
        if param.name != "_include":
            continue
        for wanted in param.values:
            if wanted not in rule.include:
                raise NotSimulated(f"athena FHIR: _include={wanted}")
            for hit in hits:
                for type, id in references.of(hit.item.render().payload, wanted.partition(":")[2]):
                    resource = None if id in done else _body(x, type, id)
                    if resource is not None and sight.shows(x, type, id, resource):
                        done.add(id)
                        yield type, id, resource


def _outcome_only(x: Exchange, type: str, pairs: Pairs) -> Reply:
    """200, a searchset without matches, and in it one outcome: who looks at the status alone sees an empty answer."""
    root = f"{x.base_url}/fhir/r4"
    digits = text_of(x.site.key, "outcome", _url("", type, pairs), length=32)
    urn = f"urn:uuid:{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    told = build.dumps(outcome([issue("error", "invalid")]))
    entry = bundle.entry(urn, told, "outcome", links=[("self", f"{root}/OperationOutcome/")])
    stamp = build.instant(x.sandbox.clock.now().replace(microsecond=0), words.EASTERN, fraction=3)
    body = bundle.searchset(entries=[entry], links=[("self", _url(root, type, pairs))], timestamp=stamp)
    return Reply(200, body, [(b"content-type", MEDIA.encode())])


# One resource


def read(x: Exchange) -> Reply:
    """One resource by its id. Raises Refusal: not found."""
    assert x.route is not None
    type, id = x.route.args
    body = _body(x, type, id)
    if body is None:
        raise Refusal("not_found", f"no {type}/{id}", reason="no_resource", resource=type, id=id)
    sight.check(x, type, id, body)
    if type == "Binary" and not _is_fhir_asked_for(x):
        kept = shelf.binary_content(x.site, id)
        assert kept is not None
        return Reply(200, kept.data, [(b"content-type", kept.mime.encode())], served=((type, id),))
    return Reply(200, body, [(b"content-type", MEDIA.encode())], served=((type, id),))


def _body(x: Exchange, type: str, id: str) -> bytes | None:
    """One resource by its id, ready to send; None when nobody has that id."""
    if type == "Patient":
        number = ids.patient_of(x.site, id) if ids.parse_fhir_id(id) else None
        return shelf.patient_bytes(patient_chart(x.site, number)) if number is not None else None
    if type == "Binary":
        return shelf.binary(x.site, id)
    if type in shelf.CHART_TYPES:
        item = shelf.find(x.site, type, id)
        return item.bytes() if item is not None else None
    found = shelf.standing(x.site, type, id)
    return build.dumps(found) if found is not None else None


def _is_fhir_asked_for(x: Exchange) -> bool:
    """Whether a Binary is wanted as a resource: to everybody else the server gives the bytes.

    Source: FHIR R4 http section 3.1.0.1.3, "serving binary resources".
    """
    return "json" in (x.header("accept") or "").lower()
