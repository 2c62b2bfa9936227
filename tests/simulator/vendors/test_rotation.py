"""Credentials that are replaced while an integration runs: std:SEC-13.

POST …/vendors/{v}/rotate-keys {"overlap_s": 600}   old and new count for ten minutes of sandbox time, then only the new
GET  …/clients                                      the new ones, and `former_until`
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from simulator.auth.request import token_request
from simulator.journal.entry import entry_of
from simulator.sandbox import Sandbox
from simulator.server import Running


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as client:
        yield client


def clients(server: Running, sandbox: Sandbox, vendor: str, http: httpx.Client) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = http.get(f"{server.control}/sandboxes/{sandbox.id}/clients").json()[vendor]
    return told


def client(server: Running, sandbox: Sandbox, vendor: str, http: httpx.Client, auth: str) -> dict[str, Any]:
    every = clients(server, sandbox, vendor, http)
    return next(one for one in every if one["auth"] == auth and "redirect_uris" not in one)


def rotate(server: Running, sandbox: Sandbox, vendor: str, http: httpx.Client, **wish: Any) -> httpx.Response:
    return http.post(f"{server.control}/sandboxes/{sandbox.id}/vendors/{vendor}/rotate-keys", json=wish)


def login(http: httpx.Client, one: dict[str, Any]) -> httpx.Response:
    headers, form = token_request(one)
    return http.post(one["token_url"], content=form, headers=headers)


def refusal(sandbox: Sandbox) -> str:
    return str(entry_of(sandbox.journal.entries[-1])["refusal"])


CASES = [
    ("cerner", "client_secret_basic"),
    ("athena", "client_secret_basic"),
    ("epic", "private_key_jwt"),
    ("cerner", "private_key_jwt"),
]


@pytest.mark.parametrize(("vendor", "auth"), CASES)
def test_old_and_new_count_until_the_overlap_ends(
    server: Running, sandbox: Sandbox, http: httpx.Client, vendor: str, auth: str
) -> None:
    old = client(server, sandbox, vendor, http, auth)
    assert login(http, old).status_code == 200
    answer = rotate(server, sandbox, vendor, http, overlap_s=600)
    assert old["client_id"] in answer.json()["rotated"]
    new = client(server, sandbox, vendor, http, auth)
    assert new["client_id"] == old["client_id"]
    assert (new.get("client_secret"), new.get("kid")) != (old.get("client_secret"), old.get("kid"))
    assert new["former_until"] > "2026-01-05T12:09"
    assert login(http, old).status_code == 200
    assert login(http, new).status_code == 200
    sandbox.clock.advance(timedelta(seconds=601))
    assert login(http, new).status_code == 200
    refused = login(http, old)
    assert refused.status_code in (400, 401)
    assert refused.json()["error"] == "invalid_client"
    assert "overlap is over" in refusal(sandbox) or "kid" in refusal(sandbox)


def test_without_an_overlap_the_old_is_refused_at_once(server: Running, sandbox: Sandbox, http: httpx.Client) -> None:
    old = client(server, sandbox, "cerner", http, "client_secret_basic")
    rotate(server, sandbox, "cerner", http)
    assert login(http, old).status_code == 401
    assert login(http, client(server, sandbox, "cerner", http, "client_secret_basic")).status_code == 200


def test_a_token_outlives_the_secret_that_got_it(server: Running, sandbox: Sandbox, http: httpx.Client) -> None:
    old = client(server, sandbox, "cerner", http, "client_secret_basic")
    token = login(http, old).json()["access_token"]
    rotate(server, sandbox, "cerner", http)
    site = sandbox.sites["cerner"]
    door = site.urls(server.base_url(sandbox, "cerner"))["fhir_url"]
    id = site.vendor.patient_ids(site, 3)["fhir_id"]
    headers = {"authorization": f"Bearer {token}", "accept": "application/fhir+json"}
    assert http.get(f"{door}/Patient/{id}", headers=headers).status_code == 200


def test_one_client_is_rotated_and_the_others_stay(server: Running, sandbox: Sandbox, http: httpx.Client) -> None:
    before = {one["client_id"]: one for one in clients(server, sandbox, "athena", http)}
    answer = rotate(server, sandbox, "athena", http, client="service", overlap_s=5)
    after = {one["client_id"]: one for one in clients(server, sandbox, "athena", http)}
    changed = [id for id in before if before[id] != after[id]]
    assert changed == answer.json()["rotated"]
    assert after[changed[0]]["name"] == "service"


def keyed(server: Running, sandbox: Sandbox, vendor: str, http: httpx.Client, key: str, header: str) -> httpx.Response:
    site = sandbox.sites[vendor]
    door = site.urls(server.base_url(sandbox, vendor))["fhir_url"]
    id = site.vendor.patient_ids(site, 3)["fhir_id"]
    return http.get(f"{door}/Patient/{id}", headers={header: key, "accept": "application/fhir+json"})


@pytest.mark.parametrize("vendor", ["athena", "cerner"])
def test_an_api_key_is_replaced_with_an_overlap(
    server: Running, sandbox: Sandbox, http: httpx.Client, vendor: str
) -> None:
    old = client(server, sandbox, vendor, http, "api_key")
    assert keyed(server, sandbox, vendor, http, old["api_key"], old["header"]).status_code == 200
    assert entry_of(sandbox.journal.entries[-1])["client"] == old["client_id"]
    rotate(server, sandbox, vendor, http, client=old["name"], overlap_s=60)
    new = client(server, sandbox, vendor, http, "api_key")
    for one in (old, new):
        assert keyed(server, sandbox, vendor, http, one["api_key"], one["header"]).status_code == 200
    sandbox.clock.advance(timedelta(seconds=60))
    assert keyed(server, sandbox, vendor, http, new["api_key"], new["header"]).status_code == 200
    assert keyed(server, sandbox, vendor, http, old["api_key"], old["header"]).status_code == 401
    assert "was replaced" in refusal(sandbox)
    assert keyed(server, sandbox, vendor, http, "nobody's", old["header"]).status_code == 401
    assert refusal(sandbox) == "the API key is not one of ours"


@pytest.mark.parametrize("vendor", ["athena", "cerner"])
def test_the_key_of_one_vendor_or_sandbox_of_another_seed_opens_nothing_elsewhere(
    server: Running, sandbox: Sandbox, http: httpx.Client, vendor: str
) -> None:
    other = server.sandboxes.create(seed=99, patients=50)
    try:
        foreign = [
            client(server, other, vendor, http, "api_key"),
            client(server, sandbox, "cerner" if vendor == "athena" else "athena", http, "api_key"),
        ]
    finally:
        server.sandboxes.drop(other.id)
    for one in foreign:
        assert keyed(server, sandbox, vendor, http, one["api_key"], one["header"]).status_code == 401


def test_an_api_key_has_no_more_rights_than_its_registration(
    server: Running, sandbox: Sandbox, http: httpx.Client
) -> None:
    one = client(server, sandbox, "athena", http, "api_key")
    door = sandbox.sites["athena"].urls(server.base_url(sandbox, "athena"))["rest_url"]
    assert http.get(f"{door}/ping", headers={one["header"]: one["api_key"]}).status_code == 200
    assert http.get(f"{door}/ping", headers={"authorization": f"Bearer {one['api_key']}"}).status_code == 401


@pytest.mark.parametrize("wish", [{"overlap_s": -1}, {"overlap_s": "x"}, {"client": ""}, {"overlap": 5}])
def test_a_wish_that_is_none_is_refused(
    server: Running, sandbox: Sandbox, http: httpx.Client, wish: dict[str, Any]
) -> None:
    answer = rotate(server, sandbox, "cerner", http, **wish)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
