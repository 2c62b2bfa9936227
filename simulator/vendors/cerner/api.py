"""The doors of the room: which request is which operation, and what every answer carries."""

from __future__ import annotations

import hashlib
from functools import partial

from simulator import drift
from simulator.auth.keyring import jwks
from simulator.auth.signing import seed_of
from simulator.exchange import Exchange, Headers, Reply, Route, json_reply
from simulator.fetch import client_keys
from simulator.fhir import build
from simulator.refusal import NotSimulated, Refusal
from simulator.vendors.cerner import answers, auth, binaries, capability, smart, urls
from simulator.vendors.cerner.errors import FHIR_JSON
from simulator.vendors.cerner.ids import tenant_of
from simulator.vendors.cerner.manner import PERSONAS
from simulator.vendors.cerner.media import check_accepted
from simulator.vendors.cerner.offer import ACTION_OF_METHOD, OFFER, OPERATIONS, offers
from simulator.vendors.cerner.rules import RULES

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
        return Route(f"{type}.read", answers.read, (type, rest[1]), (type, "r"))
    if type == "Binary" and len(rest) == 2 and rest[1][:1] not in ("$", "_"):
        return Route("Binary.read", binaries.read, (rest[1],), ("Binary", "r"))
    if "/".join(rest) in _OPERATIONS:
        return _OPERATIONS["/".join(rest)]
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


def _metadata(x: Exchange) -> Reply:
    check_accepted(x)
    return Reply(200, build.dumps(drift.told(x.site, capability.statement(x))), [(b"content-type", FHIR_JSON.encode())])


def _smart(x: Exchange) -> Reply:
    return json_reply(200, capability.smart_configuration(x))


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
_SEARCHES = {
    type: Route(f"{type}.search", partial(answers.search_type, type=type), (type,), (type, "s")) for type in RULES
}
_OPERATIONS = {
    f"DocumentReference/{binaries.FETCH}": Route("docref", binaries.fetch, needs=("DocumentReference", "r")),
    f"Binary/{binaries.SUMMARY}": Route("autogen-ccd-if", binaries.summary, needs=("Binary", "r")),
}
