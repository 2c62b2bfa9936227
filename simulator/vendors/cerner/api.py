"""The doors of the room: which request is which operation, and the answers of the FHIR hosts."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from uuid import UUID

from simulator import drift
from simulator.auth.keyring import jwks
from simulator.auth.signing import seed_of
from simulator.exchange import Exchange, Headers, Reply, Route, json_reply
from simulator.fetch import client_keys
from simulator.fhir import build, bundle, outcome
from simulator.refusal import NotSimulated, Refusal
from simulator.vendors.cerner import auth, capability, pages, patients, search, sight, smart, store, urls
from simulator.vendors.cerner.errors import FHIR_JSON
from simulator.vendors.cerner.ids import tenant_of
from simulator.vendors.cerner.manner import PERSONAS
from simulator.vendors.cerner.offer import ACTION_OF_METHOD, OFFER, OPERATIONS, offers
from simulator.vendors.cerner.resources import people, provenance
from simulator.vendors.cerner.rules import RULES, Rules
from simulator.vendors.cerner.search import Found, Query

_JSON = frozenset(
    {"application/fhir+json", "application/json", "application/json+fhir", "json", "*/*", "application/*"}
)
_FORMATS = frozenset(
    {"json", "application/json", "application/fhir+json", "application/json+fhir", "application/fhir json"}
)


# Routing


def route(x: Exchange) -> Route:
    """The door that a request came to.

    Raises:
        Refusal: forbidden for a strange tenant, not_found for what Millennium has not, unsupported for media types.
        NotSimulated: what Millennium has and we have not.
    """
    parts = x.path.split("/")[1:]
    head = parts[0]
    if head == "myrecord" and parts[1:2] == ["r4"]:
        parts = parts[1:]
        head = "r4"
    if head == "r4" and len(parts) > 1:
        return _fhir_route(x, parts[1], parts[2:] or [""])
    if head == "tenants" and len(parts) > 2:
        return _auth_route(x, parts[1], parts[2:])
    if x.method == "OPTIONS":
        return _PREFLIGHT
    if parts == ["jwk"] and x.method == "GET":
        return Route("jwk", _jwk)
    if parts == ["tokeninfo"] and x.method == "POST":
        return Route("introspect", auth.introspect, prepare=_CLIENT_KEYS)
    if x.path == urls.STYLE and x.method == "GET":
        return Route("style", smart.style)
    if head in ("dstu2", "tokeninfo", "errors"):
        raise NotSimulated(f"{x.method} {x.path} at Cerner")
    raise Refusal("unavailable", f"no tenant in {x.path}", reason="no_tenant", status=502)


def _auth_route(x: Exchange, tenant: str, rest: list[str]) -> Route:
    if x.method == "OPTIONS":
        return _PREFLIGHT
    if tenant != tenant_of(x.site):
        raise Refusal("malformed", f"no tenant {tenant}", reason="tenant_unknown")
    if rest[0] == "hosts" and len(rest) > 2 and x.site.settings["token_hosts"]:
        rest = rest[2:]
    elif rest[0] == "protocols" and rest[-1] == "token" and not x.site.settings["classic_token_url"]:
        raise Refusal("not_found", "the classic token URL is gone", reason="moved")
    path = "/".join(rest)
    if path == "protocols/oauth2/profiles/smart-v1/token":
        return Route("token", auth.token, prepare=_CLIENT_KEYS)
    if path == f"{urls.PROFILE}/token/revoke":
        return Route("revoke", auth.revoke, prepare=_CLIENT_KEYS)
    persona = path.removeprefix(f"{urls.PROFILE}/personas/").removesuffix("/authorize")
    if persona in PERSONAS and x.method in ("GET", "POST"):
        return Route("authorize", smart.authorize, (persona,))
    persona = path.removeprefix("personas/").removesuffix("/my-authorizations")
    if persona in PERSONAS and path.endswith("/my-authorizations") and x.method in ("GET", "POST"):
        return Route("my-authorizations", smart.authorizations, (persona,))
    if path == f"oidc/idsps/{tenant}/.well-known/openid-configuration" and x.method == "GET":
        return Route("openid-configuration", smart.openid_configuration)
    if path.startswith(("protocols/oauth2/profiles/smart-v1/", "personas/", "oidc/")):
        raise NotSimulated(f"{x.method} {path} at Cerner's authorization server")
    raise Refusal("not_found", f"nothing at {x.path}", reason="no_such_path")


def _fhir_route(x: Exchange, tenant: str, rest: list[str]) -> Route:
    if x.method == "OPTIONS":
        return _PREFLIGHT
    if tenant != tenant_of(x.site):
        raise Refusal("forbidden", f"no tenant {tenant}", reason="tenant_unknown")
    if rest[-1] == "" and len(rest) > 1:
        rest = rest[:-1]
    if x.method != "GET":
        return _write_route(x, rest)
    if rest == ["metadata"]:
        return _METADATA
    if rest == [".well-known", "smart-configuration"]:
        return _SMART
    type = rest[0]
    if type in RULES and len(rest) == 1:
        return _SEARCHES[type]
    if type in RULES and len(rest) == 2 and rest[1][:1] not in ("$", "_"):
        return Route(f"{type}.read", _read, (type, rest[1]), (type, "r"))
    is_read_or_search = len(rest) <= 2 and rest[-1][:1] not in ("$", "_")
    if (is_read_or_search and type in OFFER) or rest[-1] in OPERATIONS or type == "bulk-export":
        raise NotSimulated(f"GET {'/'.join(rest)} at Cerner")
    return Route("unknown", _nothing, tuple(rest), (type, ""))


def _write_route(x: Exchange, rest: list[str]) -> Route:
    """Writes are not simulated; what Millennium does not write is not there.

    Whether it takes a search by POST nobody recorded: that is our gap, not its refusal.
    """
    type = rest[0]
    is_search = x.method == "POST" and rest[1:] == ["_search"] and offers(type, "s")
    is_write = offers(type, ACTION_OF_METHOD.get(x.method, "")) and rest[-1] != "_search"
    if is_search or is_write or type == "" or rest[-1].startswith("$") or type == "bulk-export":
        raise NotSimulated(f"{x.method} {'/'.join(rest)} at Cerner")
    return Route("unknown", _nothing, tuple(rest), (type, ""))


def _nothing(x: Exchange) -> Reply:
    raise Refusal("not_found", f"nothing at {x.path}", reason="no_such_type")


def _preflight(x: Exchange) -> Reply:
    return Reply(200)


def _jwk(x: Exchange) -> Reply:
    signing = x.site.signing
    seeds = [seed_of(x.site.key, generation) for generation in signing.generations(x.at)]
    mine = [auth.signing_key(seed).as_dict(private=False) for seed in seeds]
    return json_reply(200, {"keys": [*mine, *jwks(*signing.published(x.at, smart.ID_KEY))["keys"]]})


# Answers


def _accepted(x: Exchange) -> None:
    """Refuses whoever wants anything but JSON."""
    accept = x.header("accept")
    if accept is not None:
        wanted = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
        if not any(one in _JSON or not one for one in wanted):
            raise Refusal("unsupported", f"Accept: {accept}", reason="accept")
    asked = x.param("_format") if "_format" in x.query else None
    if asked is not None and asked.partition(";")[0].strip().lower() not in _FORMATS:
        raise Refusal("unsupported", f"_format={asked}", reason="format")


def _metadata(x: Exchange) -> Reply:
    _accepted(x)
    return Reply(200, build.dumps(drift.told(x.site, capability.statement(x))), [(b"content-type", FHIR_JSON.encode())])


def _smart(x: Exchange) -> Reply:
    return json_reply(200, capability.smart_configuration(x))


def _read(x: Exchange) -> Reply:
    _accepted(x)
    assert x.route is not None
    type, id = x.route.args
    ready = store.read(x.site, type, id)
    if ready is None:
        raise Refusal("not_found", f"no {type}/{id}", reason="unknown_id", resource=type, id=id)
    sight.check(x, type, id)
    headers: Headers = [(b"content-type", FHIR_JSON.encode()), (b"etag", ready.etag)]
    if ready.last_modified:
        headers.append((b"last-modified", ready.last_modified))
    return Reply(200, ready.body, headers, served=((type, id),))


def _search(x: Exchange, type: str) -> Reply:
    _accepted(x)
    context = x.param("-pageContext") if "-pageContext" in x.query else None
    if context is not None:
        return _further_page(x, type, context)
    query = search.query_of(_rules(x, type), x.params)
    _check_provenance(x, query.with_provenance)
    found = _found(x, query)
    found = found._replace(ids=sight.seen(x, type, "s", found.ids))
    later = min(query.page_size, x.site.settings["max_page"])
    size = max(later, found.together) if query.page_size else 0
    return _page(x, type, found.ids, 0, size, later, x.query, query.with_provenance)


def _rules(x: Exchange, type: str) -> Rules:
    """How a type is searched on this day of the API."""
    largest = x.site.settings["largest_page"].get(type)
    return RULES[type] if largest is None else replace(RULES[type], max_size=largest)


def _found(x: Exchange, query: Query) -> Found:
    type = query.rules.type
    if query.first("_id") is None:
        if type == "Patient":
            return patients.find(x.site, query)
        if type == "Organization":
            return Found(tuple(people.organization_ids(x.site)))
        if type == "Provenance":
            return Found(_provenance_ids(x, query))
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


def _check_provenance(x: Exchange, wanted: bool) -> None:
    """What comes along needs its own scope."""
    if wanted and x.caller is not None and not x.caller.allows("Provenance", "r"):
        raise Refusal("forbidden", "no scope for Provenance.r", reason="scope", resource="Provenance")


def _further_page(x: Exchange, type: str, context: str) -> Reply:
    if x.param("-pageDirection") not in (None, "NEXT"):
        raise Refusal("malformed", "only NEXT", reason="bad_direction", text="-pageDirection: must be NEXT")
    page = pages.read_page(x.site, type, context, x.at)
    facts = page.facts
    _check_provenance(x, facts["with_provenance"])
    x.notes["page"] = facts["page"]
    return _page(
        x,
        type,
        tuple(page.items),
        facts["start"],
        facts["size"],
        facts["size"],
        facts["query"],
        facts["with_provenance"],
    )


def _page(
    x: Exchange, type: str, ids: tuple[str, ...], start: int, size: int, later: int, query: str, with_provenance: bool
) -> Reply:
    """One page of `size` entries (0: everything) from `start`; the following ones have `later` entries."""
    end = start + size if size else len(ids)
    shown = sight.seen(x, type, "s", ids[start:end])  # a page may be turned to by another than who opened it
    root = urls.called_root(x)
    own = f"{root}/{type}" + (f"?{x.query}" if x.query else "")
    links = [("self", own)]
    if end < len(ids):
        following = {
            "start": end - 1 if _repeats(x, type, len(shown), later) else end,
            "size": later,
            "query": query,
            "with_provenance": with_provenance,
            "page": x.notes.get("page", 1) + 1,
        }
        context = pages.open_page(x.site, type, ids, following, x.at)
        links.append(
            ("next", f"{root}/{type}?{query + '&' if query else ''}-pageContext={context}&-pageDirection=NEXT")
        )
    if type == "Encounter":
        shown = tuple(sorted(shown, key=lambda id: id[::-1]))  # oldest page first, unsorted inside a page
    shown, left_out = store.conforming(x.site, type, shown)
    entries, served = _entries(x, type, shown, root, with_provenance)
    entries += [_left_out(type, id) for id in left_out]
    total = len(ids) if type == "Immunization" else None
    body = bundle.searchset(id=_bundle_id(x), total=total, links=links, entries=entries)
    return Reply(200, body, [(b"content-type", FHIR_JSON.encode())], served=served)


def _left_out(type: str, id: str) -> bytes:
    """What stands in the place of a resource that does not conform, on Oracle's newer server (its words: guess)."""
    said = outcome.issue("error", "required", diagnostics=f"{type}/{id} lacks a required element and is left out")
    return bundle.entry(None, build.dumps(outcome.outcome([said])), "outcome")


def _repeats(x: Exchange, type: str, shown: int, later: int) -> bool:
    """Whether the last entry of this page comes again on the next one."""
    return type == "Observation" and shown > 1 and later > 2 and bool(x.site.settings["repeat_across_pages"])


def _entries(
    x: Exchange, type: str, shown: tuple[str, ...], root: str, with_provenance: bool
) -> tuple[list[bytes], tuple[tuple[str, str], ...]]:
    entries, served = [], []
    for id, ready in zip(shown, store.read_all(x.site, type, shown), strict=True):
        if ready is not None:  # a record that was taken away since the first page is left out
            entries.append(bundle.entry(f"{root}/{type}/{id}", ready.body))
            served.append((type, id))
    if with_provenance and type in provenance.TARGETS:
        sources = [provenance.provenance_id(type, id) for id in shown]
        for id, ready in zip(sources, store.read_all(x.site, "Provenance", sources), strict=True):
            if ready is not None and sight.seen(x, "Provenance", "r", (id,)):
                entries.append(bundle.entry(f"{root}/Provenance/{id}", ready.body, "include"))
                served.append(("Provenance", id))
    return entries, tuple(served)


def _bundle_id(x: Exchange) -> str:
    """A UUID that is new with every moment of the sandbox."""
    made = hashlib.blake2b(f"{x.at.timestamp()!r} {x.raw_path} {x.query}".encode(), digest_size=16, key=x.site.key[:32])
    return str(UUID(bytes=made.digest(), version=4))


# Last touch


def finish(answer: Reply, x: Exchange) -> Reply:
    """The headers that every answer has."""
    if x.path.startswith("/tenants/") and answer.simulated:
        answer.headers.extend(auth.head_of_token_answers(x))
        return answer
    digest = hashlib.blake2b(
        f"{x.started!r} {x.raw_path} {x.query}".encode(), digest_size=48, key=x.site.secret
    ).hexdigest()
    answer.headers += [
        (b"cache-control", b"no-cache"),
        (b"vary", b"Origin"),
        (b"x-request-id", digest[:32].encode()),
        (b"opc-request-id", f"/{digest[32:64]}/{digest[64:]}".upper().encode()),
    ]
    if x.header("origin") is not None:
        answer.headers += _cors(x)
    return answer


def _cors(x: Exchange) -> Headers:
    """What browsers ask for; `Retry-After` is not among the exposed headers."""
    asked = x.header("access-control-request-headers")
    made: Headers = [
        (b"access-control-allow-methods", b"DELETE, GET, POST, PUT, PATCH, OPTIONS, HEAD"),
        (b"access-control-allow-origin", b"*"),
        (b"access-control-expose-headers", b"ETag, Content-Location, Location, X-Request-Id, WWW-Authenticate, Date"),
        (b"access-control-max-age", b"0"),
    ]
    return [*made, (b"access-control-allow-headers", asked.encode("latin-1"))] if asked else made


_CLIENT_KEYS = client_keys(auth.KEYS_KEPT)
_PREFLIGHT = Route("preflight", _preflight)
_METADATA = Route("metadata", _metadata)
_SMART = Route("smart-configuration", _smart)
_SEARCHES = {type: Route(f"{type}.search", partial(_search, type=type), (type,), (type, "s")) for type in RULES}
