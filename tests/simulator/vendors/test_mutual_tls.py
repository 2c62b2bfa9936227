"""Clients that prove themselves by a certificate, and tokens that are bound to it: std:OAUTH-11 (RFC 8705).

POST token {client_id} over mutual TLS      200, `cnf: {"x5t#S256": …}` in the token or in its introspection
another certificate, or none                401 with `error="invalid_token"`, in each vendor's own words
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.journal.entry import entry_of
from simulator.sandbox import Sandbox
from simulator.server import Running, running
from simulator.settings import Settings
from tests.simulator.smart_app import claims_of
from tests.simulator.tls_caller import caller

VENDORS = ("epic", "cerner")


@pytest.fixture(scope="module")
def secure() -> Iterator[Running]:
    with running(Settings(patients=300, tls=True)) as up:
        yield up


@pytest.fixture
def world(secure: Running) -> Iterator[Sandbox]:
    made = secure.sandboxes.create()
    yield made
    secure.sandboxes.drop(made.id)


def clients_of(secure: Running, world: Sandbox, vendor: str) -> list[dict[str, Any]]:
    urls = world.sites[vendor].urls(secure.base_url(world, vendor))
    return [client.as_dict(urls["token_url"]) for client in world.sites[vendor].clients.values()]


def client_of(secure: Running, world: Sandbox, vendor: str) -> dict[str, Any]:
    return next(one for one in clients_of(secure, world, vendor) if one["auth"] == "tls_client_auth")


def caller_of(secure: Running, client: dict[str, Any] | None) -> httpx.Client:
    assert secure.ca_file is not None
    return caller(secure.ca_file, client)


def asked(http: httpx.Client, client: dict[str, Any]) -> httpx.Response:
    scope = " ".join(client["scopes"])
    form = {"grant_type": "client_credentials", "client_id": client["client_id"], "scope": scope}
    return http.post(client["token_url"], data=form)


def read(http: httpx.Client, secure: Running, world: Sandbox, vendor: str, token: str) -> httpx.Response:
    site = world.sites[vendor]
    urls = site.urls(secure.base_url(world, vendor))
    id = site.vendor.patient_ids(site, 3)["fhir_id"]
    headers = {"authorization": f"Bearer {token}", "accept": "application/fhir+json"}
    return http.get(f"{urls['fhir_url']}/Patient/{id}", headers=headers)


def thumbprint(client: dict[str, Any]) -> str:
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(client["certificate_pem"])).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_certificate_gives_a_token_that_needs_the_certificate(secure: Running, world: Sandbox, vendor: str) -> None:
    client = client_of(secure, world, vendor)
    with caller_of(secure, client) as own, caller_of(secure, None) as bare:
        answer = asked(own, client)
        assert answer.status_code == 200, answer.text
        token = answer.json()["access_token"]
        assert read(own, secure, world, vendor, token).status_code == 200
        entry = entry_of(world.journal.entries[-1])
        assert entry["tls"]["client_certificate"]["x5t#S256"] == thumbprint(client)
        refused = read(bare, secure, world, vendor, token)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert f"bound to the certificate {thumbprint(client)}" in entry_of(world.journal.entries[-1])["refusal"]


@pytest.mark.parametrize(("vendor", "other"), [("epic", "cerner"), ("cerner", "epic")])
def test_a_stolen_token_is_nothing_worth_under_another_certificate(
    secure: Running, world: Sandbox, vendor: str, other: str
) -> None:
    client, thief = client_of(secure, world, vendor), client_of(secure, world, other)
    with caller_of(secure, client) as own, caller_of(secure, thief) as theirs:
        token = asked(own, client).json()["access_token"]
        refused = read(theirs, secure, world, vendor, token)
        assert refused.status_code == 401
        assert 'error="invalid_token"' in refused.headers["www-authenticate"]
        answer = asked(theirs, client)
    assert answer.json()["error"] == "invalid_client"
    assert "emr-sandbox clients" in entry_of(world.journal.entries[-1])["refusal"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_without_a_certificate_there_is_no_token(secure: Running, world: Sandbox, vendor: str) -> None:
    client = client_of(secure, world, vendor)
    with caller_of(secure, None) as bare:
        answer = asked(bare, client)
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] == "invalid_client"
    assert entry_of(world.journal.entries[-1])["refusal"] == "the connection shows no client certificate"


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_certificate_is_no_proof_for_a_client_of_another_method(secure: Running, world: Sandbox, vendor: str) -> None:
    client = client_of(secure, world, vendor)
    other = clients_of(secure, world, vendor)[0]
    with caller_of(secure, client) as own:
        answer = asked(own, {**other, "token_url": client["token_url"]})
    assert answer.status_code in (400, 401)
    assert "error" in answer.json()


def test_epics_token_says_what_it_is_bound_to(secure: Running, world: Sandbox) -> None:
    client = client_of(secure, world, "epic")
    with caller_of(secure, client) as own:
        token = asked(own, client).json()["access_token"]
        assert claims_of(token)["cnf"] == {"x5t#S256": thumbprint(client)}
        form = {"token": token, "client_id": client["client_id"]}
        url = world.sites["epic"].urls(secure.base_url(world, "epic"))["introspect_url"]
        assert own.post(url, data=form).json()["cnf"] == {"x5t#S256": thumbprint(client)}


def test_cerners_readable_token_says_what_it_is_bound_to(secure: Running, world: Sandbox) -> None:
    world.sites["cerner"].settings["token_form"] = "jws"
    client = client_of(secure, world, "cerner")
    with caller_of(secure, client) as own:
        token = asked(own, client).json()["access_token"]
        form = {"token": token, "client_id": client["client_id"]}
        url = world.sites["cerner"].urls(secure.base_url(world, "cerner"))["introspect_url"]
        told = own.post(url, data=form).json()
    assert claims_of(token)["cnf"] == told["cnf"] == {"x5t#S256": thumbprint(client)}


@pytest.mark.parametrize("vendor", VENDORS)
def test_discovery_promises_certificates_only_where_they_work(
    secure: Running, world: Sandbox, server: Running, sandbox: Sandbox, vendor: str
) -> None:
    door = "/.well-known/smart-configuration"
    accepted = {"accept": "application/json"}
    fhir = world.sites[vendor].urls(secure.base_url(world, vendor))["fhir_url"]
    with caller_of(secure, None) as http:
        over_tls = http.get(fhir + door, headers=accepted).json()
    plain = httpx.get(sandbox.sites[vendor].urls(server.base_url(sandbox, vendor))["fhir_url"] + door, headers=accepted)
    assert "tls_client_auth" in over_tls["token_endpoint_auth_methods_supported"]
    assert over_tls["tls_client_certificate_bound_access_tokens"] is True
    assert "tls_client_auth" not in plain.json()["token_endpoint_auth_methods_supported"]
    assert "tls_client_certificate_bound_access_tokens" not in plain.json()


def test_the_certificates_are_the_same_in_every_sandbox_of_a_seed(secure: Running, world: Sandbox) -> None:
    other = secure.sandboxes.create()
    try:
        assert [client_of(secure, one, "epic")["certificate_pem"] for one in (world, other)] == [
            client_of(secure, world, "epic")["certificate_pem"]
        ] * 2
    finally:
        secure.sandboxes.drop(other.id)


def test_a_mutual_listener_opens_to_a_certificate_of_a_client(secure: Running, world: Sandbox) -> None:
    client = client_of(secure, world, "epic")
    with caller_of(secure, client) as own:
        made = own.post(f"{secure.control}/tls/listeners", json={"kind": "mutual"}).json()
        try:
            assert own.get(f"{made['url']}/_sandbox/health").status_code == 200
        finally:
            own.delete(f"{secure.control}/tls/listeners/{made['id']}")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_logs_in_with_its_certificate(secure: Running, world: Sandbox, tmp_path: Path) -> None:
    client = client_of(secure, world, "epic")
    for name, text in (("cert.pem", client["certificate_pem"]), ("key.pem", client["private_key_pem"])):
        (tmp_path / name).write_text(text)
    words = ["curl", "-sS", "--cacert", str(secure.ca_file), "--cert", "cert.pem", "--key", "key.pem"]
    words += ["-d", f"grant_type=client_credentials&client_id={client['client_id']}", client["token_url"]]
    told = subprocess.run(words, capture_output=True, check=True, cwd=tmp_path, text=True).stdout
    assert '"access_token"' in told
