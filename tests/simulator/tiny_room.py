"""A room of one page, to test the house around the rooms: one client, one token, patients by number."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from simulator.auth.basic import credentials
from simulator.auth.bearer import token_text
from simulator.auth.clients import Client
from simulator.auth.scopes import compile as compiled
from simulator.exchange import Caller, Exchange, Reply, Route, json_reply
from simulator.ids import text_of
from simulator.limits import Limit
from simulator.refusal import NotSimulated, Refusal
from simulator.sandbox import Site
from simulator.source import Source
from simulator.vendor import Rendering, Vendor

STATUSES = {
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "gone": 410,
    "malformed": 400,
    "unprocessable": 422,
    "unsupported": 405,
    "conflict": 409,
    "too_many": 429,
    "unavailable": 503,
    "broken": 500,
}


class TinyErrors:
    def dress(self, refusal: Refusal, x: Exchange) -> Reply:
        answer = json_reply(STATUSES[refusal.kind], {"tiny": refusal.kind})
        wait = refusal.facts.get("retry_after_s")
        if wait is not None:
            answer.headers.append((b"retry-after", str(wait).encode()))
        return answer


def _urls(base_url: str, site: Site) -> dict[str, str]:
    return {"base_url": base_url, "fhir_url": f"{base_url}/fhir", "token_url": f"{base_url}/token"}


def _clients(site: Site) -> list[Client]:
    return [
        Client(
            "system",
            "client_secret_basic",
            text_of(site.key, "client", name, length=12),
            ("system/*.read",),
            client_secret=text_of(site.key, "secret", name, length=24),
        )
        for name in ("system", "other")
    ]


def _route(x: Exchange) -> Route:
    parts = x.path.strip("/").split("/")
    match (x.method, parts):
        case ("POST", ["token"]):
            return Route("token", _token)
        case ("GET", ["fhir", "metadata"]):
            return Route("metadata", lambda x: json_reply(200, {"kind": "tiny"}))
        case ("GET", ["fhir", "Patient"]):
            return Route("Patient.search", _search, (), ("Patient", "s"))
        case ("GET", ["fhir", "Patient", number]):
            return Route("Patient.read", _read, (number,), ("Patient", "r"))
        case ("POST", ["fhir", "Patient"]):
            return Route("Patient.create", _create, (), ("Patient", "c"))
        case ("GET", ["fhir", "Thing"]):
            return Route("Thing.search", _things, (), ("Thing", "s"))
        case ("GET", ["fhir", "Thing", id]):
            return Route("Thing.read", _thing, (id,), ("Thing", "r"))
        case ("POST", ["fhir", "Thing"]):
            return Route("Thing.create", _create_thing, (), ("Thing", "c"))
        case ("GET", ["crash"]):
            return Route("crash", _crash)
        case ("GET", ["gap"]):
            return Route("gap", _gap)
    raise Refusal("not_found", f"no door at {x.path}", reason="no_door")


def _admit(x: Exchange) -> Caller | None:
    if x.route is None or x.route.needs is None:
        return None
    token = x.site.tokens.find(token_text(x), x.at)
    return Caller(token.client_id, token.id, token.scopes, None, token.allows)


def _token(x: Exchange) -> Reply:
    client_id, secret = credentials(x.header("authorization") or "")
    client = x.site.clients.get(client_id)
    if client is None or client.client_secret != secret:
        raise Refusal("unauthenticated", "who?", reason="bad_client")
    x.notes["client_id"] = client_id
    token = x.site.tokens.issue(
        client_id, client.scopes, now=x.at, lifetime=timedelta(minutes=5), allows=compiled(client.scopes)
    )
    return json_reply(200, {"access_token": token.text, "token_type": "Bearer", "expires_in": 300})


def _search(x: Exchange) -> Reply:
    page = int(x.param("page") or 1)
    x.notes["page"] = page
    return json_reply(200, {"page": page, "next": f"{x.base_url}/fhir/Patient?page={page + 1}"})


def _read(x: Exchange) -> Reply:
    assert x.route is not None
    number = int(x.route.args[0])
    ready = x.site.cache.get(("Patient", number))
    if ready is not None:
        return Reply(200, ready, [(b"content-type", b"application/json")], served=(("Patient", str(number)),))
    person = x.sandbox.world.person(number)
    if person is None:
        raise Refusal("not_found", f"no patient {number}")
    answer = json_reply(200, {"resourceType": "Patient", "id": str(number), "family": person.family})
    x.site.cache.put(("Patient", number), answer.body)
    answer.served = (("Patient", str(number)),)
    return answer


def _create(x: Exchange) -> Reply:
    return json_reply(201, {"got": len(x.body)})


THINGS, PAGE = 12, 5


def _written(x: Exchange) -> list[str]:
    return [one.decode() for one in (x.site.cache.get("written") or b"").split()]


def _things(x: Exchange) -> Reply:
    """A searchset of twelve things and those that were written, five on a page, on numbered pages."""
    page = int(x.param("page") or 1)
    x.notes["page"] = page
    ids = [f"t{number}" for number in range(THINGS)] + _written(x)
    shown = ids[(page - 1) * PAGE : page * PAGE]
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "link": [{"relation": "self", "url": f"{x.base_url}/fhir/Thing?page={page}"}],
        "entry": [{"resource": {"resourceType": "Thing", "id": id}} for id in shown],
    }
    if page * PAGE < len(ids):
        bundle["link"].append({"relation": "next", "url": f"{x.base_url}/fhir/Thing?page={page + 1}"})
    answer = json_reply(200, bundle)
    answer.served = tuple(("Thing", id) for id in shown)
    return answer


def _thing(x: Exchange) -> Reply:
    assert x.route is not None
    (id,) = x.route.args
    if id not in [f"t{number}" for number in range(THINGS)] + _written(x):
        raise Refusal("not_found", f"no thing {id}")
    return json_reply(200, {"resourceType": "Thing", "id": id})


def _create_thing(x: Exchange) -> Reply:
    id = f"w{len(_written(x)) + 1}"
    x.site.cache.put("written", " ".join([*_written(x), id]).encode())
    answer = json_reply(201, {"resourceType": "Thing", "id": id})
    answer.served = (("Thing", id),)
    return answer


def _crash(x: Exchange) -> Reply:
    raise ZeroDivisionError("a crash for tests")


def _gap(x: Exchange) -> Reply:
    raise NotSimulated("this door")


def _patient_of(site: Site, text: str) -> int | None:
    return int(text) if text.isdigit() and int(text) < site.sandbox.patients else None


def _renderings(site: Site, number: int) -> Iterable[Rendering]:
    person = site.sandbox.world.person(number)
    if person is not None:
        payload = {"resourceType": "Patient", "id": str(number), "family": person.family}
        yield Rendering("Patient", str(number), payload, (person,))


def tiny(id: str = "tiny", *limits: Limit) -> Vendor:
    """A tiny room; `limits` as given."""
    return Vendor(
        id=id,
        name="Tiny",
        urls=_urls,
        clients=_clients,
        route=_route,
        admit=_admit,
        errors=TinyErrors(),
        patient_ids=lambda site, number: {"fhir_id": str(number)},
        patient_of=_patient_of,
        renderings=_renderings,
        limits=limits,
    )


def per_minute(calls: int) -> Limit:
    return Limit("per-minute", calls, timedelta(minutes=1), "client", Source("tests", "guess"))
