"""Reading, searching, turning pages.

Source: SOURCES.md, "Answers" and "Search" (CS, FS, MAP).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from simulator.exchange import Exchange, Reply
from simulator.fhir import build, bundle, outcome, xml
from simulator.ids import text_of
from simulator.refusal import Refusal
from simulator.vendors.epic import (
    errors,
    ids,
    includes,
    masks,
    media,
    paths,
    patient_ids,
    patients,
    resources,
    search,
    sight,
    store,
)  # fmt: skip
from simulator.vendors.epic.limits import DOCUMENTS
from simulator.vendors.epic.query import Query, read_query
from simulator.vendors.epic.resources import SERVED

SESSION = timedelta(minutes=10)  # guess: the lifetime of a paging session is not established
_PREFIX = paths.FHIR + "/"


def read(x: Exchange) -> Reply:
    """One resource."""
    type, id = x.route.args if x.route else ("", "")
    if type == "Binary" and not media.is_fhir(x.header("accept")):
        return _bytes(x, id)
    form, content_type = media.negotiated(x.header("accept"))
    body = store.resource(x.site, type, id, form)
    if body is None:
        survivor = patient_ids.survivor_of(x.site, id) if type == "Patient" else None
        if survivor is not None:
            return _merged(x, id, survivor)
        raise Refusal("not_found", f"no {type}/{id}", reason="unknown_id", resource=type, id=id)
    sight.check(x, type, id)
    body = masks.told(x, type, id, body, form)
    headers = [(b"content-type", content_type)]
    if type == "Patient":
        headers.append(media.misspelt_tag(body))
    return Reply(200, body if form == "json" else xml.document(body), headers, served=((type, id),))


def _merged(x: Exchange, id: str, survivor: int) -> Reply:
    """Where somebody is who was merged into another patient (E33). Status and form: guess."""
    sight.check(x, "Patient", id)
    location = f"{x.base_url}{_PREFIX}Patient/{ids.fhir_id(x.site.key, 'Patient', survivor)}"
    form, content_type = media.negotiated(x.header("accept"))
    said = outcome.outcome([errors.issue("error", "processing", "4107")])
    body = build.dumps(said) if form == "json" else xml.document(xml.fragment(said))
    return Reply(302, body, [(b"content-type", content_type), (b"location", location.encode())])


def _bytes(x: Exchange, id: str) -> Reply:
    """A Binary as it is, for whoever asks for no FHIR format."""
    wanted = ids.named(x.site.key, id)
    content = resources.content_of(x.site, wanted) if wanted is not None else None
    if content is None:
        raise Refusal("not_found", f"no Binary/{id}", reason="unknown_id", resource="Binary", id=id)
    sight.check(x, "Binary", id)
    return Reply(200, content.data, [(b"content-type", content.mime.encode())], served=(("Binary", id),))


def find(x: Exchange) -> Reply:
    """The first page of a search, or a later one of a session."""
    type = x.route.args[0] if x.route else ""
    _check_post(x, type)
    session = x.param("sessionID")
    if session is not None and x.method == "GET":
        return _next_page(x, type, session)
    if type == "DocumentReference" and x.caller is not None:
        x.site.limits.spend(DOCUMENTS, x.caller.client_id, x.at)
    query = read_query(type, _pairs(x))
    issues: list[dict[str, Any]] = []
    if type == "Patient" and not query.has("_id"):
        found = patients.find(x, query)
    else:
        given = search.find(x, query)
        found, issues = given.ids, given.issues
    shown = sight.seen(x, type, "s", found)
    if len(shown) < len(found):  # what is said beside the results tells of the others too
        found, issues = shown, []
    issues = [*(() if found else (search.nothing_found(),)), *issues, *masks.remark(x)]
    count = query.first("_summary")
    if count is not None and count.value == "count":
        return _count(x, type, query, len(found))
    facts = {
        "type": type,
        "size": min(query.size, x.site.settings["max_page"]),
        "echo": query.echo,
        "issues": issues,
        "from": 0,
        "number": 1,
        "include": tuple(value for one in query.all("_include") for value in one.values),
        "provenance": any("Provenance:target" in one.values for one in query.all("_revinclude")),
    }
    return _page(x, found, facts)


def _check_post(x: Exchange, type: str) -> None:
    """Some sites take few types by POST, and have no such page for the others (seen)."""
    if x.method == "POST" and type not in (x.site.settings["post_search"] or (type,)):
        raise Refusal("not_found", f"no {type}/_search here", reason="no_such_path")


def _pairs(x: Exchange) -> list[tuple[str, str]]:
    if x.method != "POST":
        return x.params
    try:
        return [*x.params, *x.form()]
    except UnicodeDecodeError:
        raise Refusal("malformed", "the form is not UTF-8", reason="form_malformed") from None


def _next_page(x: Exchange, type: str, session: str) -> Reply:
    """The page behind a `next` link: nothing but the session counts, and only for the token that opened it."""
    token_id = x.caller.token_id if x.caller else ""
    page = x.site.pages.read(session.partition("-")[2].lower(), x.at, token_id)
    if page.facts["type"] != type:
        raise Refusal("gone", f"session {session} is one of {page.facts['type']}", reason="page_of_another")
    return _page(x, list(page.items), dict(page.facts))


def _page(x: Exchange, found: list[str], facts: dict[str, Any]) -> Reply:
    """One page of a result. `total` counts its matches, not the result's (E2)."""
    type, start = facts["type"], facts["from"]
    stop = start + facts["size"]
    x.notes["page"] = facts["number"]
    base = x.base_url + _PREFIX
    form, content_type = media.negotiated(x.header("accept"))
    listed = store.listed(x.site, type, found[start:stop], form)
    bodies = [(id, masks.told(x, type, id, body, form)) for id, body in listed]
    links = [("self", f"{base}{type}?{facts['echo']}")]
    if stop < len(found):
        links.insert(0, ("next", f"{base}{type}?sessionID={_open_session(x, found, {**facts, 'from': stop})}"))
    writer = bundle if form == "json" else xml
    entries = [_entry(writer, base, type, id, body, "match") for id, body in bodies]
    served = [(type, id) for id, _ in bodies]
    for other, id, body in _included(x, facts, [id for id, _ in bodies], form):
        entries.append(_entry(writer, base, other, id, body, "include"))
        served.append((other, id))
    if facts["issues"]:
        entries.append(said(x, form, facts["issues"], type, facts["echo"], facts["number"]))
    answer = writer.searchset(entries=entries, links=links, total=len(bodies))
    return Reply(200, answer, [(b"content-type", content_type)], served=tuple(served))


def _entry(writer: Any, base: str, type: str, id: str, body: bytes, mode: str) -> bytes:
    url = f"{base}{type}/{id}"
    made: bytes = writer.entry(url, body, mode, links=[("self", url)])
    return made


def _open_session(x: Exchange, found: list[str], facts: dict[str, Any]) -> str:
    facts["number"] += 1
    token_id = x.caller.token_id if x.caller else ""
    page_id = x.site.pages.open(found, now=x.at, lifetime=SESSION, token_id=token_id, facts=facts)
    return f"{12 + int(page_id[:2], 16) % 8}-{page_id.upper()}"


def _included(x: Exchange, facts: dict[str, Any], found: list[str], form: str) -> Iterator[tuple[str, str, bytes]]:
    """The resources that the matches refer to, as `_include` asks, and what says where the matches come from, as far as
    the caller may read them."""
    for type, id in _beside(x, facts, found):
        if type in SERVED and x.caller is not None and x.caller.allows(type, "r"):
            body = store.resource(x.site, type, id, form)
            if body is not None and sight.seen(x, type, "r", (id,)):
                yield type, id, masks.told(x, type, id, body, form)


def _beside(x: Exchange, facts: dict[str, Any], found: list[str]) -> Iterator[tuple[str, str]]:
    if facts["include"]:
        wanted = includes.members(facts["type"], facts["include"])
        bodies = [body for _, body in store.listed(x.site, facts["type"], found, "json")]
        yield from includes.references(bodies, wanted)
    if facts["provenance"]:
        yield from (("Provenance", one) for id in found if (one := resources.provenance_id(x.site, id)) is not None)


def _count(x: Exchange, type: str, query: Query, total: int) -> Reply:
    """`_summary=count`: the only way to the true number (seen)."""
    form, content_type = media.negotiated(x.header("accept"))
    links = [("self", f"{x.base_url}{_PREFIX}{type}?{query.echo}")]
    writer: Any = bundle if form == "json" else xml
    return Reply(200, writer.searchset(entries=[], links=links, total=total), [(b"content-type", content_type)])


def said(x: Exchange, form: str, issues: list[dict[str, Any]], *about: str | int) -> bytes:
    """The entry of a searchset that says `issues`; its UUID is made of `about`."""
    raw = text_of(x.site.key, "outcome", *about)
    uuid = "-".join((raw[:8], raw[8:12], "4" + raw[13:16], "8" + raw[17:20], raw[20:]))
    told = outcome.outcome(issues)
    writer: Any = bundle if form == "json" else xml
    body = build.dumps(told) if form == "json" else xml.fragment(told)
    made: bytes = writer.entry(f"urn:uuid:{uuid}", body, "outcome")
    return made
