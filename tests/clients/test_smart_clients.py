"""Python clients that nobody here wrote let a person in, or let themselves in with a key.

PyPI `fhirclient` (authorization code, found in the CapabilityStatement, no PKCE), `fhirpy` (reads with the token of a
login), `authlib` (client credentials with private_key_jwt), `cumulus-fhir-support` (SMART Backend Services as a whole).
Each names itself skipped where it is not installed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from simulator.sandbox import Sandbox
from simulator.server import Running, running
from simulator.settings import Settings
from tests.simulator import smart_app
from tests.simulator.smart_app import App

pytestmark = pytest.mark.service
each_vendor = pytest.mark.parametrize("vendor", ["epic", "cerner"])


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(Settings(patients=300, vendors=("epic", "cerner"))) as up:
        yield up


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as client:
        yield client


@pytest.fixture
def sandbox(server: Running) -> Sandbox:
    return server.sandboxes.default


@pytest.fixture
def app(server: Running, sandbox: Sandbox, http: httpx.Client, vendor: str) -> App:
    return smart_app.registered(server, sandbox, vendor, http, persona="patient")


@each_vendor
def test_fhirclient_finds_the_doors_logs_in_and_refreshes(app: App) -> None:
    library = pytest.importorskip("fhirclient.client", reason="PyPI fhirclient is not installed")
    patient = pytest.importorskip("fhirclient.models.patient")
    smart = library.FHIRClient(
        {
            "app_id": app.client["client_id"],
            "app_secret": app.client["client_secret"],
            "api_base": app.fhir_url,
            "redirect_uri": app.redirect_uri,
            "scope": "launch/patient openid fhirUser offline_access patient/Patient.read",
        }
    )
    login = app.http.get(smart.authorize_url)
    assert login.status_code == 200
    back = app.answer(login, username=app.login_name(3), password="sandbox", decision="allow")
    smart.handle_callback(back.headers["location"])
    assert smart.patient_id == app.fhir_id(3)
    assert smart.patient.name[0].family == app.sandbox.world.chart(3).person.family
    app.later(hours=2)
    assert smart.reauthorize()
    assert patient.Patient.read(app.fhir_id(3), smart.server).id == app.fhir_id(3)
    smart.server.session.close()  # the library leaves that to the caller


@each_vendor
def test_fhirpy_reads_with_the_token_of_a_login(app: App) -> None:
    fhirpy = pytest.importorskip("fhirpy", reason="fhirpy is not installed")
    told = app.tokens()
    client = fhirpy.SyncFHIRClient(app.fhir_url, authorization=f"Bearer {told['access_token']}")
    family = client.reference("Patient", told["patient"]).to_resource()["name"][0]["family"]
    assert family == app.sandbox.world.chart(3).person.family


def backend(app: App) -> dict[str, Any]:
    """A backend service that has just registered, with a key that the sandbox made for it."""
    wish = {
        "vendor": app.vendor,
        "name": f"backend beside {app.client['name']}",
        "auth": "private_key_jwt",
        "scopes": ["system/Patient.read"],
    }
    answer = app.control("POST", "/clients", wish)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@each_vendor
def test_authlib_lets_itself_in_with_a_key(app: App) -> None:
    """By itself the library states an hour of life, which SMART forbids: the same refusal as at the vendors."""
    library = pytest.importorskip("authlib.integrations.requests_client", reason="authlib is not installed")
    methods = pytest.importorskip("authlib.oauth2.rfc7523")
    client = backend(app)
    for claims, is_let_in in (({}, False), ({"exp": int(time.time()) + 240}, True)):
        proof = methods.PrivateKeyJWT(client["token_url"], claims, {"kid": client["kid"]}, "RS384")
        with library.OAuth2Session(
            client["client_id"],
            client["private_key_pem"],
            token_endpoint_auth_method=proof,
            scope=" ".join(client["scopes"]),
        ) as session:
            if not is_let_in:
                with pytest.raises(Exception, match="invalid_client"):
                    session.fetch_token(client["token_url"], grant_type="client_credentials")
                continue
            session.token = session.fetch_token(client["token_url"], grant_type="client_credentials")
            url = f"{app.urls['fhir_url']}/Patient/{app.fhir_id(3)}"
            assert session.get(url, headers={"accept": "application/fhir+json"}).json()["id"] == app.fhir_id(3)


@each_vendor
def test_cumulus_lets_itself_in_by_discovery(app: App) -> None:
    library = pytest.importorskip("cumulus_fhir_support", reason="cumulus-fhir-support is not installed")
    client = backend(app)

    async def read() -> Any:
        async with library.FhirClient(
            app.urls["fhir_url"],
            ["Patient"],
            smart_client_id=client["client_id"],
            smart_jwks={"keys": [{**client["jwk"], "alg": "RS384", "key_ops": ["sign"]}]},
        ) as session:
            answer = await session.request("GET", f"Patient/{app.fhir_id(3)}")
            return answer.json()

    assert asyncio.run(read())["id"] == app.fhir_id(3)
