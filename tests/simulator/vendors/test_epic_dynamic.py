"""Dynamic clients and accounts of Epic: the ways in beside a secret, a key and a person's browser.

POST /oauth2/register   Bearer <token of a login>, {"software_id": <id of the app>, "jwks": {…}}  →  201, client_id
POST /oauth2/token      grant_type=…:jwt-bearer, assertion (iss = sub = that client_id), client_id      →  access token
GET  …                  Authorization: Basic emp$…, Epic-Client-ID
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc import jwt

from simulator.auth import keyring
from simulator.sandbox import Sandbox
from simulator.server import Running
from tests.simulator.smart_app import App
from tests.simulator.vendors.conftest import Registered

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = ["openid", "launch/patient", "launch", "patient/Patient.read", "patient/Condition.read"]
OWN = keyring.key(11, "installation-1")


@pytest.fixture
def app(register: Registered) -> App:
    return register("epic", persona="patient", auth="none", scopes=SCOPES, dynamic=True)


def registers(app: App, token: str, **changes: Any) -> httpx.Response:
    """The answer of the registration endpoint."""
    body = {"software_id": app.client["client_id"], "jwks": keyring.jwks(OWN), **changes}
    url = app.discover()["registration_endpoint"]
    return app.http.post(url, json=body, headers={"authorization": f"Bearer {token}"})


def claims(app: App, client_id: str, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    aud = app.urls["token_url"]
    return {"iss": client_id, "sub": client_id, "aud": aud, "iat": now, "exp": now + 240, "jti": f"j{now}", **changes}


def asks(app: App, client_id: str, told: dict[str, Any] | None = None, **form: str) -> httpx.Response:
    """The token endpoint's answer to an assertion of the installation."""
    header = {"alg": "RS384", "typ": "JWT", "kid": OWN.kid}
    assertion = jwt.encode(header, told or claims(app, client_id), OWN.joserfc, algorithms=["RS384"])
    asked = {"grant_type": GRANT, "assertion": assertion, "client_id": client_id, **form}
    return app.http.post(app.urls["token_url"], data=asked)


def installed(app: App, patient: int = 3) -> str:
    """The client id of an installation that a patient has just let in."""
    answer = registers(app, app.tokens(patient)["access_token"])
    assert answer.status_code == 201, answer.text
    client_id: str = answer.json()["client_id"]
    return client_id


def test_an_installation_registers_a_key_and_keeps_access_by_it(app: App) -> None:
    initial = app.tokens(3)
    answer = registers(app, initial["access_token"])
    assert answer.status_code == 201
    told = answer.json()
    assert told["client_id"].startswith("G")
    assert (told["token_endpoint_auth_method"], told["grant_types"]) == ("none", [GRANT])
    assert (told["software_id"], told["jwks"]) == (app.client["client_id"], keyring.jwks(OWN))
    app.later(days=30)
    token = asks(app, told["client_id"]).json()
    assert token["patient"] == initial["patient"] == app.fhir_id(3)
    assert "refresh_token" not in token
    assert app.get(f"Patient/{token['patient']}", token["access_token"]).status_code == 200
    assert app.get(f"Patient/{app.fhir_id(4)}", token["access_token"]).status_code == 403


def test_an_initial_access_token_counts_once(app: App) -> None:
    token = app.tokens()["access_token"]
    assert registers(app, token).status_code == 201
    again = registers(app, token)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_token")
    assert app.get(f"Patient/{app.fhir_id(3)}", token).status_code == 401


def test_what_the_person_takes_back_ends_for_the_installation_too(app: App) -> None:
    client_id = installed(app)
    live = asks(app, client_id).json()["access_token"]
    assert app.control("POST", "/vendors/epic/revoke", {"patient": "3"}).status_code == 200
    assert app.get(f"Patient/{app.fhir_id(3)}", live).status_code == 401
    assert asks(app, client_id, claims(app, client_id, jti="later")).json()["error"] == "invalid_grant"


def test_access_of_an_installation_ends_with_the_half_year(app: App) -> None:
    client_id = installed(app)
    app.later(days=183)
    assert asks(app, client_id).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"software_id": "another"},
        {"software_id": None},
        {"jwks": {"keys": []}},
        {"jwks": {"keys": [OWN.jwk]}},
        {"jwks": "https://attacker.test/jwks"},
    ],
    ids=["another app", "no app", "no key", "a private key", "a url"],
)
def test_a_registration_that_is_none_is_refused(app: App, changes: dict[str, Any]) -> None:
    token = app.tokens()["access_token"]
    answer = registers(app, token, **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
    assert registers(app, token).status_code == 201, "the token is not used up"


def test_only_an_app_that_was_made_for_it_registers(register: Registered) -> None:
    plain = register("epic", persona="patient", auth="none", scopes=SCOPES)
    assert registers(plain, plain.tokens()["access_token"]).status_code == 401
    assert registers(plain, "not-a-token").status_code == 401


Forgery = Callable[[App, str], httpx.Response]
FORGERIES: dict[str, Forgery] = {
    "another audience": lambda app, id: asks(app, id, claims(app, id, aud="https://other.test/token")),
    "another subject": lambda app, id: asks(app, id, claims(app, id, sub=app.client["client_id"])),
    "an end in the past": lambda app, id: asks(app, id, claims(app, id, exp=int(time.time()) - 60)),
    "an app's id": lambda app, id: asks(app, app.client["client_id"]),
    "another installation": lambda app, id: asks(app, installed(app, 4), claims(app, id)),
    "a code in place": lambda app, id: app.http.post(
        app.urls["token_url"], data={"grant_type": "client_credentials", "client_id": id}
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_assertion_of_an_installation_is_refused(app: App, name: str) -> None:
    client_id = installed(app)
    answer = FORGERIES[name](app, client_id)
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_client", "invalid_request")
    assert asks(app, client_id, claims(app, client_id, jti="good")).status_code == 200


def test_an_assertion_of_an_installation_counts_once(app: App) -> None:
    client_id = installed(app)
    told = claims(app, client_id)
    assert asks(app, client_id, told).status_code == 200
    assert asks(app, client_id, told).json()["error"] == "invalid_client"


def test_a_site_that_does_not_take_part_has_no_such_page(app: App) -> None:
    client_id, url = installed(app), app.discover()["registration_endpoint"]
    app.site.settings["dynamic_clients"] = False
    assert "registration_endpoint" not in app.discover()
    assert GRANT not in app.discover()["grant_types_supported"]
    answer = app.http.post(url, json={})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html")
    assert asks(app, client_id).json()["error"] == "unsupported_grant_type"


@pytest.mark.parametrize(("header", "is_told"), [("own", True), ("none", False), ("other", False)])
def test_metadata_names_the_registration_to_the_app_that_may(app: App, header: str, is_told: bool) -> None:
    other = next(iter(app.site.clients.values())).client_id
    named = {"own": {"epic-client-id": app.client["client_id"]}, "other": {"epic-client-id": other}}.get(header, {})
    answer = app.http.get(f"{app.fhir_url}/metadata", headers={"accept": "application/json", **named})
    uris = answer.json()["rest"][0]["security"]["extension"][0]["extension"]
    assert ("register" in {one["url"] for one in uris}) is is_told


def test_elsewhere_no_app_registers_clients(register: Registered) -> None:
    with pytest.raises(AssertionError, match="422"):
        register("cerner", dynamic=True)


# Accounts


@pytest.fixture
def account(server: Running, sandbox: Sandbox) -> dict[str, Any]:
    told = httpx.get(f"{server.control}/sandboxes/{sandbox.id}/clients").json()["epic"]
    found: dict[str, Any] = next(one for one in told if one["auth"] == "http_basic")
    return found


def basic(username: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


def shows(server: Running, sandbox: Sandbox, headers: dict[str, str]) -> httpx.Response:
    site = sandbox.sites["epic"]
    url = site.urls(server.base_url(sandbox, "epic"))["fhir_url"]
    id = site.vendor.patient_ids(site, 3)["fhir_id"]
    return httpx.get(f"{url}/Patient/{id}", headers={"accept": "application/json", **headers})


def test_an_account_opens_with_the_client_named_beside_it(
    server: Running, sandbox: Sandbox, account: dict[str, Any]
) -> None:
    assert account["username"].startswith("emp$")
    known, named = basic(account["username"], account["password"]), {"epic-client-id": account["client_id"]}
    assert shows(server, sandbox, {**known, **named}).status_code == 200
    other = next(one for one in sandbox.sites["epic"].clients.values() if one.name == "backend").client_id
    for refused in (
        known,
        {**known, "epic-client-id": "unknown"},
        {**known, "epic-client-id": other},
        {**basic(account["username"], "wrong"), **named},
        {**basic("emp$SOMEBODY", account["password"]), **named},
        {"authorization": "Basic !!", **named},
        {"authorization": "Negotiate x", **named},
    ):
        answer = shows(server, sandbox, refused)
        assert (answer.status_code, answer.content) == (401, b'""'), refused


def test_on_whose_behalf_an_account_acts_is_audited(server: Running, sandbox: Sandbox, account: dict[str, Any]) -> None:
    headers = {**basic(account["username"], account["password"]), "epic-client-id": account["client_id"]}
    for more, who in (({}, account["username"]), ({"epic-user-id": "MDOE", "epic-user-idtype": "EXTERNAL"}, "MDOE")):
        shows(server, sandbox, {**headers, **more})
        log = httpx.get(f"{server.control}/sandboxes/{sandbox.id}/audit").text.splitlines()
        assert f'"value":"{who}"' in log[-1].replace(" ", "")


def test_the_password_of_an_account_rotates_with_an_overlap(
    server: Running, sandbox: Sandbox, account: dict[str, Any]
) -> None:
    door = f"{server.control}/sandboxes/{sandbox.id}"
    httpx.post(f"{door}/vendors/epic/rotate-keys", json={"client": "web-services", "overlap_s": 60})
    fresh = next(one for one in httpx.get(f"{door}/clients").json()["epic"] if one["auth"] == "http_basic")
    assert fresh["password"] != account["password"]
    named = {"epic-client-id": account["client_id"]}
    for seconds, old in ((0, 200), (61, 401)):
        httpx.post(f"{door}/clock/advance", json={"seconds": seconds})
        for password, status in ((account["password"], old), (fresh["password"], 200)):
            assert shows(server, sandbox, {**basic(account["username"], password), **named}).status_code == status
