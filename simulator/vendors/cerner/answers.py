"""The answers of the FHIR hosts: a resource, a search, and the pages that follow."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from simulator.exchange import Exchange, Headers, Reply
from simulator.fhir import build, bundle, outcome
from simulator.refusal import Refusal
from simulator.vendors.cerner import masks, pages, patients, scheduling, search, sight, staff, store, urls
from simulator.vendors.cerner.errors import FHIR_JSON
from simulator.vendors.cerner.media import check_accepted
from simulator.vendors.cerner.resources import STAFF, provenance, slot
from simulator.vendors.cerner.rules import RULES, Rules
from simulator.vendors.cerner.search import Found, Query

_TOTALLED = frozenset({"Immunization", "Coverage"})
_HEAD: Headers = [(b"content-type", FHIR_JSON.encode())]


def read(x: Exchange) -> Reply:
    """One resource by its id."""
    check_accepted(x)
    assert x.route is not None
    type, id = x.route.args
    ready = store.read(x.site, type, id)
    if ready is None:
        raise Refusal("not_found", f"no {type}/{id}", reason="unknown_id", resource=type, id=id)
    sight.check(x, type, id)
    headers: Headers = [*_HEAD, (b"etag", ready.etag)]
    if ready.last_modified:
        headers.append((b"last-modified", ready.last_modified))
    body = masks.told(x, type, id, store.rooted(type, ready.body, urls.called_root(x)))
    return Reply(200, body, headers, served=((type, id),))


def search_type(x: Exchange, type: str) -> Reply:
    """The first page of a search, or a further one."""
    check_accepted(x)
    context = x.param("-pageContext") if "-pageContext" in x.query else None
    if context is not None:
        return _further_page(x, type, context)
    query = search.query_of(_rules(x, type), x.params)
    _check_company(x, query)
    if scheduling.is_by_day(query):
        return _leaf(x, query, None, x.query)
    found = _found(x, query)
    found = found._replace(ids=sight.seen(x, type, "s", found.ids))
    later = min(query.page_size, x.site.settings["max_page"])
    size = max(later, found.together) if query.page_size else 0
    return _page(x, query, found.ids, 0, size, later, _echo(x))


def _rules(x: Exchange, type: str) -> Rules:
    """How a type is searched on this day of the API."""
    largest = x.site.settings["largest_page"].get(type)
    return RULES[type] if largest is None else replace(RULES[type], max_size=largest)


def _found(x: Exchange, query: Query) -> Found:
    type = query.rules.type
    if query.first("_id") is None:
        if type == "Patient":
            return patients.find(x.site, query)
        if type in STAFF:
            return staff.find(x.site, query)
        if type == "Provenance":
            return Found(_provenance_ids(x, query))
        if type == "Appointment":
            return scheduling.of_patients(x.site, query)
    return search.find(x.site, query)


def _provenance_ids(x: Exchange, query: Query) -> tuple[str, ...]:
    target = query.first("target")
    found = []
    for value in target.values if target is not None else ():
        type, _, id = value.rpartition("/")
        type = type.rpartition("/")[2]
        if type in provenance.TARGETS:
            found.append(provenance.provenance_id(type, id))
    known = store.read_all(x.site, "Provenance", found)
    return tuple(id for id, one in zip(found, known, strict=True) if one is not None)


def _check_company(x: Exchange, query: Query) -> None:
    """What comes along needs scopes of its own."""
    wanted = ("Provenance",) if query.with_provenance else ()
    for type in (*wanted, *_INCLUDED[query.include]):
        if x.caller is not None and not x.caller.allows(type, "r"):
            raise Refusal("forbidden", f"no scope for {type}.r", reason="scope", resource=type)


_INCLUDED: dict[str, tuple[str, ...]] = {
    "": (),
    "Slot:schedule": ("Schedule",),
    "Schedule:actor:Practitioner": ("Schedule", "Practitioner"),
}
"""What `_include` adds to a search for slots, type by type."""


# Pages


def _further_page(x: Exchange, type: str, context: str) -> Reply:
    if x.param("-pageDirection") not in (None, "NEXT"):
        raise Refusal("malformed", "only NEXT", reason="bad_direction", text="-pageDirection: must be NEXT")
    page = pages.read_page(x.site, type, context, x.at)
    facts = page.facts
    query = search.query_of(_rules(x, type), parse_qsl(facts["query"], keep_blank_values=True))
    _check_company(x, query)
    x.notes["page"] = facts["page"]
    if "day" in facts:
        return _leaf(x, query, scheduling.Place(facts["day"], facts["skip"]), facts["query"])
    return _page(x, query, tuple(page.items), facts["start"], facts["size"], facts["size"], facts["query"])


def _echo(x: Exchange) -> str:
    """The query as links repeat it: as it came, or as it was read (Oracle's newer server says its page size)."""
    return str(x.notes.get("read_as", x.query))


def _page(x: Exchange, query: Query, ids: tuple[str, ...], start: int, size: int, later: int, asked: str) -> Reply:
    """One page of `size` entries (0: everything) from `start`; the following ones have `later` entries."""
    type = query.rules.type
    end = start + size if size else len(ids)
    shown = sight.seen(x, type, "s", ids[start:end])  # a page may be turned to by another than who opened it
    following = None
    if end < len(ids):
        following = {"start": end - 1 if _repeats(x, type, len(shown), later) else end, "size": later}
    if type == "Encounter":
        shown = tuple(sorted(shown, key=lambda id: id[::-1]))  # oldest page first, unsorted inside a page
    total = len(ids) if type in _TOTALLED else None
    return _bundle(x, query, shown, total, _next(x, type, ids, following, asked))


def _leaf(x: Exchange, query: Query, at: scheduling.Place | None, asked: str) -> Reply:
    """One page of a search that goes day by day."""
    type = query.rules.type
    size = min(query.page_size, x.site.settings["max_page"])
    leaf = scheduling.leaf(x.site, query, at, size)
    following = None if leaf.next is None else leaf.next._asdict()
    return _bundle(x, query, sight.seen(x, type, "s", leaf.ids), None, _next(x, type, (), following, asked))


def _next(
    x: Exchange, type: str, ids: tuple[str, ...], following: dict[str, Any] | None, asked: str
) -> list[bundle.Link]:
    """The link to the next page, if there is one: with everything that was asked, or with the page context alone."""
    if following is None:
        return []
    facts = {**following, "query": asked, "page": x.notes.get("page", 1) + 1}
    context = pages.open_page(x.site, type, ids, facts, x.at)
    kept = f"{asked}&" if asked and type not in pages.BARE else ""
    return [("next", f"{urls.called_root(x)}/{type}?{kept}-pageContext={context}&-pageDirection=NEXT")]


def _repeats(x: Exchange, type: str, shown: int, later: int) -> bool:
    """Whether the last entry of this page comes again on the next one."""
    return type == "Observation" and shown > 1 and later > 2 and bool(x.site.settings["repeat_across_pages"])


def _bundle(x: Exchange, query: Query, shown: tuple[str, ...], total: int | None, after: list[bundle.Link]) -> Reply:
    type, root = query.rules.type, urls.called_root(x)
    shown, left_out = store.conforming(x.site, type, shown)
    own = f"{root}/{type}" + (f"?{_echo(x)}" if _echo(x) else "")
    entries, served = _entries(x, query, shown, root)
    entries += [_left_out(type, id) for id in left_out]
    body = bundle.searchset(id=bundle_id(x), total=total, links=[("self", own), *after], entries=entries)
    return Reply(200, body, list(_HEAD), served=served)


def _left_out(type: str, id: str) -> bytes:
    """What stands in the place of a resource that does not conform, on Oracle's newer server (its words: guess)."""
    said = outcome.issue("error", "required", diagnostics=f"{type}/{id} lacks a required element and is left out")
    return bundle.entry(None, build.dumps(outcome.outcome([said])), "outcome")


def _entries(
    x: Exchange, query: Query, shown: tuple[str, ...], root: str
) -> tuple[list[bytes], tuple[tuple[str, str], ...]]:
    type = query.rules.type
    entries, served = [], []
    for id, ready in zip(shown, store.read_all(x.site, type, shown), strict=True):
        if ready is not None:  # a record that was taken away since the first page is left out
            body = masks.told(x, type, id, store.rooted(type, ready.body, root))
            entries.append(bundle.entry(f"{root}/{type}/{id}", body))
            served.append((type, id))
    for along, wanted in _company(x, query, shown):
        for id, ready in zip(wanted, store.read_all(x.site, along, wanted), strict=True):
            if ready is not None and sight.seen(x, along, "r", (id,)):
                entries.append(bundle.entry(f"{root}/{along}/{id}", ready.body, "include"))
                served.append((along, id))
    return entries, tuple(served)


def _company(x: Exchange, query: Query, shown: tuple[str, ...]) -> list[tuple[str, list[str]]]:
    """What comes along with the entries of a page, as ids by type."""
    found: list[tuple[str, list[str]]] = []
    if query.with_provenance and query.rules.type in provenance.TARGETS:
        found.append(("Provenance", [provenance.provenance_id(query.rules.type, id) for id in shown]))
    if "Schedule" in _INCLUDED[query.include]:
        found.append(("Schedule", list(shown)))  # each slot has a schedule of its own, with the same id
    if "Practitioner" in _INCLUDED[query.include]:
        found.append(("Practitioner", slot.practitioner_ids(x.site, shown)))
    return found


def bundle_id(x: Exchange) -> str:
    """A UUID that is new with every moment of the sandbox."""
    made = hashlib.blake2b(f"{x.at.timestamp()!r} {x.raw_path} {x.query}".encode(), digest_size=16, key=x.site.key[:32])
    return str(UUID(bytes=made.digest(), version=4))
