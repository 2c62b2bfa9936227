"""`client_secret_jwt` at athena: an assertion that is signed with the client's secret (OpenID Connect Core section 9).

std:SMART-BS-04; RFC 7523 section 3, RFC 8725 section 3.1.
"""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from simulator.auth.request import token_request
from tests.simulator.smart_app import ASSERTION, App
from tests.simulator.vendors.conftest import Registered

WISH: dict[str, Any] = {
    "auth": "client_secret_jwt",
    "redirect_uris": [],
    "launch_url": None,
    "scopes": ["system/Patient.read"],
}


@pytest.fixture
def service(register: Registered) -> App:
    return register("athena", **WISH)


def present(app: App, alg: str = "HS256", secret: str = "", **changes: Any) -> httpx.Response:
    """The token endpoint's answer to an assertion that is signed with the secret."""
    who, now = app.client["client_id"], int(time.time())
    aud = app.urls["token_url"]
    claims = {"iss": who, "sub": who, "aud": aud, "exp": now + 240, "jti": f"{alg}{now}{secret[:5]}", **changes}
    key = OctKey.import_key(secret or app.client["client_secret"])
    text = jwt.encode({"alg": alg, "typ": "JWT"}, claims, key, algorithms=[alg])
    form = {"grant_type": "client_credentials", "scope": "system/Patient.read"}
    return app.http.post(aud, data={**form, "client_assertion_type": ASSERTION, "client_assertion": text})


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_a_secret_signs_and_lets_in(service: App, alg: str) -> None:
    assert present(service, alg).status_code == 200


@pytest.mark.parametrize(
    "bend",
    [
        {"secret": "another-secret-that-is-long-enough-to-be-one-0123456789"},
        {"aud": "https://other.test/token"},
        {"exp": 1},
        {"sub": "somebody"},
    ],
)
def test_what_is_wrong_with_it_is_an_invalid_client(service: App, bend: dict[str, Any]) -> None:
    answer = present(service, **bend)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_its_jti_counts_once(service: App) -> None:
    assert [present(service, jti="once").status_code for _ in range(2)] == [200, 401]


def test_a_client_of_another_method_has_no_such_way_in(register: Registered) -> None:
    other = register("athena", **{**WISH, "auth": "client_secret_basic"})
    assert present(other).json()["error"] == "invalid_client"
    secret = register("athena", **WISH)
    shown = {**secret.client, "auth": "client_secret_basic"}
    form = {"grant_type": "client_credentials", "scope": "system/Patient.read"}
    assert secret.post(secret.urls["token_url"], form, client=shown).json()["error"] == "invalid_client"


def test_a_secret_that_was_replaced_signs_until_the_overlap_ends(service: App) -> None:
    old = service.client["client_secret"]
    wish = {"client": service.client["name"], "overlap_s": 60}
    assert service.control("POST", "/vendors/athena/rotate-keys", wish).status_code == 200
    told = service.control("GET", "/clients").json()["athena"]
    new = next(one["client_secret"] for one in told if one["name"] == service.client["name"])
    assert [present(service, secret=one, jti=f"a{one}").status_code for one in (old, new)] == [200, 200]
    service.later(seconds=61)
    assert [present(service, secret=one, jti=f"b{one}").status_code for one in (old, new)] == [401, 200]


def test_the_ready_made_client_logs_in_as_the_command_line_does(service: App) -> None:
    told = service.control("GET", "/clients").json()["athena"]
    ready = next(one for one in told if one["name"] == "service-jwt")
    headers, form = token_request(ready)
    assert service.http.post(ready["token_url"], content=form, headers=headers).status_code == 200


def test_discovery_promises_it_where_it_works(service: App) -> None:
    assert "client_secret_jwt" in service.discover()["token_endpoint_auth_methods_supported"]
