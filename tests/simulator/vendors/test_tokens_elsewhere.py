"""A token is worth something where it was given: not in another sandbox, at another vendor or after a reset. The
refusal is each vendor's own."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from simulator.auth.request import token_request
from simulator.journal.entry import entry_of
from simulator.sandbox import Sandbox
from simulator.server import Running

VENDORS = ("epic", "cerner", "athena")


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as client:
        yield client


def token(server: Running, sandbox: Sandbox, vendor: str, http: httpx.Client) -> str:
    site = sandbox.sites[vendor]
    url = site.urls(server.base_url(sandbox, vendor))["token_url"]
    headers, form = token_request(next(iter(site.clients.values())).as_dict(url))
    answer = http.post(url, content=form, headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def read(server: Running, sandbox: Sandbox, vendor: str, http: httpx.Client, text: str) -> httpx.Response:
    site = sandbox.sites[vendor]
    id = site.vendor.patient_ids(site, 3)["fhir_id"]
    door = site.urls(server.base_url(sandbox, vendor))["fhir_url"]
    return http.get(
        f"{door}/Patient/{id}", headers={"authorization": f"Bearer {text}", "accept": "application/fhir+json"}
    )


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_token_of_another_sandbox_of_the_same_seed_is_unknown(
    server: Running, sandbox: Sandbox, http: httpx.Client, vendor: str
) -> None:
    text = token(server, sandbox, vendor, http)
    assert read(server, sandbox, vendor, http, text).status_code == 200
    other = server.sandboxes.create()
    try:
        assert read(server, other, vendor, http, text).status_code == 401
        assert entry_of(other.journal.entries[-1])["refusal"] == "the token is not one of ours"
    finally:
        server.sandboxes.drop(other.id)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_token_of_another_vendor_is_unknown(
    server: Running, sandbox: Sandbox, http: httpx.Client, vendor: str
) -> None:
    text = token(server, sandbox, vendor, http)
    for other in VENDORS:
        assert read(server, sandbox, other, http, text).status_code == (200 if other == vendor else 401)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_token_does_not_outlive_a_reset(server: Running, sandbox: Sandbox, http: httpx.Client, vendor: str) -> None:
    text = token(server, sandbox, vendor, http)
    sandbox.reset()
    assert read(server, sandbox, vendor, http, text).status_code == 401
