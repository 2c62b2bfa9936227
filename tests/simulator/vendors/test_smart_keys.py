"""Keys that clients bring, registrations by the control API, and that every listed capability has its test.

std:SMART-BS-06, std:SMART-CF-07, std:SMART-SC-08.
"""

from __future__ import annotations

import http.server
import itertools
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from simulator.auth import keyring
from tests.simulator.smart_app import ASSERTION, App
from tests.simulator.vendors.conftest import Registered

each_vendor = pytest.mark.parametrize("vendor", ["epic", "cerner", "athena"])
LAUNCH, SIGHT = "test_smart_launch.py", "test_smart_sight.py"
_jtis = itertools.count(1)
SHOWN_BY = {
    "launch-ehr": (LAUNCH, "test_an_ehr_launch_puts_patient_and_encounter_in_context"),
    "launch-standalone": (LAUNCH, "test_a_patient_logs_in_and_the_app_reads_the_own_record"),
    "authorize-post": (LAUNCH, "test_the_authorization_endpoint_takes_get_and_post"),
    "client-public": (LAUNCH, "test_an_app_proves_itself_as_it_is_registered"),
    "client-confidential-symmetric": (LAUNCH, "test_an_app_proves_itself_as_it_is_registered"),
    "client-confidential-asymmetric": (LAUNCH, "test_an_app_proves_itself_as_it_is_registered"),
    "sso-openid-connect": (LAUNCH, "test_an_id_token_is_verified_by_discovery_and_names_a_resource"),
    "context-banner": (LAUNCH, "test_an_ehr_launch_puts_patient_and_encounter_in_context"),
    "context-style": (LAUNCH, "test_an_ehr_launch_puts_patient_and_encounter_in_context"),
    "context-ehr-patient": (LAUNCH, "test_an_ehr_launch_puts_patient_and_encounter_in_context"),
    "context-ehr-encounter": (LAUNCH, "test_an_ehr_launch_puts_patient_and_encounter_in_context"),
    "context-standalone-patient": (LAUNCH, "test_a_patient_logs_in_and_the_app_reads_the_own_record"),
    "permission-offline": (LAUNCH, "test_offline_access_outlives_the_access_token"),
    "permission-online": ("test_smart_keys.py", "test_online_access_ends_with_the_session"),
    "permission-patient": (SIGHT, "test_patient_scopes_reach_the_patient_in_context_and_nobody_else"),
    "permission-user": (LAUNCH, "test_a_practitioner_reads_every_patient_with_user_scopes"),
    "permission-v1": (LAUNCH, "test_a_patient_logs_in_and_the_app_reads_the_own_record"),
    "permission-v2": (SIGHT, "test_a_granular_scope_shows_only_what_it_names"),
}


@each_vendor
@pytest.mark.parametrize("persona", ["patient", "practitioner"])
def test_every_capability_that_is_listed_has_a_test(register: Registered, vendor: str, persona: str) -> None:
    for listed in register(vendor, persona=persona).discover()["capabilities"]:
        file, name = SHOWN_BY[listed]
        assert f"def {name}(" in (Path(__file__).parent / file).read_text("utf-8"), listed


def test_online_access_ends_with_the_session(register: Registered) -> None:
    app = register("cerner", persona="patient", auth="none")
    told = app.tokens(scope="launch/patient online_access patient/Patient.read")
    app.later(hours=11)
    assert app.refresh(told["refresh_token"]).status_code == 200
    app.later(hours=1)
    assert app.refresh(told["refresh_token"]).json()["error"] == "invalid_grant"


def test_cerner_ends_offline_access_that_nobody_used_for_three_months(register: Registered) -> None:
    app = register("cerner", persona="patient")
    told = app.tokens()
    for _ in range(3):
        app.later(days=80)
        assert app.refresh(told["refresh_token"]).status_code == 200
    app.later(days=90)
    assert app.refresh(told["refresh_token"]).json()["error"] == "invalid_grant"


def test_epic_keeps_no_access_for_public_apps(register: Registered) -> None:
    told = register("epic", persona="patient", auth="none").tokens()
    assert "refresh_token" not in told
    assert "offline_access" not in told["scope"]


def test_athena_rotates_the_refresh_tokens_of_public_apps(register: Registered) -> None:
    scopes = ["launch/patient", "offline_access", "patient/Patient.read"]
    app = register("athena", persona="patient", auth="none", scopes=scopes, offline=True)
    told = app.tokens()
    assert app.refresh(told["refresh_token"]).json()["refresh_token"] != told["refresh_token"]


def test_athena_refuses_a_login_with_one_scope_too_many(register: Registered) -> None:
    app = register("athena", persona="patient", scopes=["launch/patient", "patient/Patient.read"])
    answer = app.ask(scope="launch/patient patient/Patient.read patient/Observation.read")
    assert "error=invalid_scope" in answer.headers["location"]


def test_athena_introspects_by_get(register: Registered) -> None:
    app = register("athena", persona="patient", auth="client_secret_post")
    params = {"token": app.tokens()["access_token"], "token_type_hint": "access_token"}
    who = {"client_id": app.client["client_id"], "client_secret": app.client["client_secret"]}
    assert app.http.get(app.urls["introspect_url"], params={**params, **who}).json()["active"] is True
    assert app.http.get(app.urls["introspect_url"], params=params).status_code == 401


def test_epic_tells_the_retired_patient_id_under_two_underscores(register: Registered) -> None:
    told = register("epic", persona="patient").tokens()
    known = {"access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token", "patient"}
    assert set(told) - known == {"__epic.dstu2.patient"}


# Keys


class _Published(http.server.BaseHTTPRequestHandler):
    """A key set at a URL; how often it was fetched is counted."""

    state: dict[str, Any]

    def do_GET(self) -> None:
        self.state["fetched"] += 1
        body = self.state["body"]
        self.send_response(self.state.get("status", 200))
        self.send_header("content-type", "application/json")
        self.send_header("cache-control", self.state["cache"])
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def published() -> Iterator[dict[str, Any]]:
    state: dict[str, Any] = {"fetched": 0, "body": b"{}", "cache": "max-age=600"}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("One", (_Published,), {"state": state})) as up:
        threading.Thread(target=up.serve_forever, args=(0.01,), daemon=True).start()
        state["url"] = f"http://127.0.0.1:{up.server_address[1]}/jwks.json"
        yield state
        up.shutdown()


def key_set(*slots: int) -> bytes:
    return json.dumps(keyring.jwks(*(keyring.key(slot, f"k{slot}") for slot in slots))).encode()


def backend(register: Registered, vendor: str, **keys: Any) -> App:
    wish = {"redirect_uris": [], "launch_url": None, "auth": "private_key_jwt", "persona": None}
    return register(vendor, scopes=["system/Patient.read"], **wish, **keys)


def ask(app: App, slot: int) -> int:
    """The status of a token request that is signed with the key of `slot`."""
    signing = keyring.key(slot, f"k{slot}")
    who = {**app.client, "kid": signing.kid, "private_key_pem": signing.pem}
    form = {"grant_type": "client_credentials", "scope": "system/Patient.read"}
    return app.post(app.urls["token_url"], form, client=who).status_code


@each_vendor
def test_keys_come_from_a_url_and_rotate(register: Registered, vendor: str, published: dict[str, Any]) -> None:
    published["body"] = key_set(1)
    app = backend(register, vendor, jwks_uri=published["url"])
    assert [ask(app, 1), ask(app, 1)] == [200, 200]
    assert published["fetched"] == 1  # kept as long as it says
    published["body"] = key_set(2)
    assert ask(app, 2) == 200  # an unknown kid: one more look
    assert published["fetched"] == 2
    assert ask(app, 1) in (400, 401)  # the removed key
    app.later(seconds=601)
    before = published["fetched"]
    assert ask(app, 2) == 200
    assert published["fetched"] == before + 1


@each_vendor
@pytest.mark.parametrize(
    ("change", "works"),
    [
        ({"cache": "no-store"}, True),
        ({"status": 404}, False),
        ({"body": b"<html>"}, False),
        ({"body": b'{"keys":[]}'}, False),
        ({"body": b'{"keys":[{"kty":"RSA","kid":"k1"}]}'}, False),
        ({"body": b"{" + b" " * 600_000 + b"}"}, False),
    ],
)
def test_a_url_that_gives_no_keys_lets_nobody_in(
    register: Registered, vendor: str, published: dict[str, Any], change: dict[str, Any], works: bool
) -> None:
    published["body"] = key_set(1)
    published |= change
    app = backend(register, vendor, jwks_uri=published["url"])
    assert (ask(app, 1) == 200) is works
    if works:
        assert ask(app, 1) == 200
        assert published["fetched"] == 2  # nothing was kept


@each_vendor
def test_a_url_where_nobody_listens_lets_nobody_in(register: Registered, vendor: str) -> None:
    assert ask(backend(register, vendor, jwks_uri="http://127.0.0.1:9/jwks.json"), 1) in (400, 401)


@each_vendor
def test_keys_may_be_registered_directly(register: Registered, vendor: str) -> None:
    app = backend(register, vendor, jwks=json.loads(key_set(1, 3)))
    assert [ask(app, 1), ask(app, 3)] == [200, 200]
    assert ask(app, 2) in (400, 401)


def test_epic_takes_elliptic_curves_only_from_a_url(register: Registered, published: dict[str, Any]) -> None:
    curve = ECKey.generate_key("P-384", {"kid": "ec"}, private=True)
    document = {"keys": [{**curve.as_dict(private=False), "use": "sig"}]}
    published["body"] = json.dumps(document).encode()
    form = {"grant_type": "client_credentials"}
    for keys, status in (({"jwks_uri": published["url"]}, 200), ({"jwks": document}, 400)):
        app = backend(register, "epic", **keys)
        answer = app.http.post(app.urls["token_url"], data={**form, **_signed_by(curve, app)})
        assert answer.status_code == status


def _signed_by(curve: ECKey, app: App) -> dict[str, str]:
    who, now = app.client["client_id"], int(time.time())
    claims = {"iss": who, "sub": who, "aud": app.urls["token_url"], "exp": now + 240, "jti": f"{who} {now}"}
    text = jwt.encode({"alg": "ES384", "kid": "ec", "typ": "JWT"}, claims, curve, algorithms=["ES384"])
    return {"client_assertion": text, "client_assertion_type": ASSERTION}


@each_vendor
def test_a_registration_takes_time_to_arrive_where_the_site_says_so(register: Registered, vendor: str) -> None:
    app = register(vendor, persona="patient")
    app.site.settings["propagation_s"] = 900
    assert app.redeem(app.code()).json()["error"] == "invalid_client"
    app.later(seconds=900)
    assert app.redeem(app.code()).status_code == 200


@each_vendor
def test_new_keys_take_time_to_arrive_and_the_old_ones_count_until_then(register: Registered, vendor: str) -> None:
    app = backend(register, vendor, jwks=json.loads(key_set(1)))
    app.later(hours=1)
    app.site.settings["propagation_s"] = 1800
    path = f"/vendors/{vendor}/clients/{app.client['client_id']}/jwks"
    assert app.control("PUT", path, json.loads(key_set(2))).status_code == 200
    assert ask(app, 1) == 200
    assert ask(app, 2) in (400, 401)
    app.later(seconds=1800)
    assert ask(app, 1) in (400, 401)
    assert ask(app, 2) == 200
    assert app.control("PUT", path, {"keys": [keyring.key(1, "k").jwk]}).status_code == 422


RELAXED: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"max_exp_ahead_s": 7200, "max_life_s": 7200}, {"exp": 7000}, {}),
    ({"jti_required": False}, {"jti": None}, {}),
    ({"jku": "ignore"}, {}, {"jku": "https://elsewhere.test/jwks.json"}),
    ({"algs": ["PS256"]}, {}, {"alg": "PS256"}),
]


@each_vendor
@pytest.mark.parametrize(("rules", "claims", "header"), RELAXED, ids=lambda one: "-".join(one))
def test_each_rule_can_be_relaxed_by_itself(
    register: Registered, vendor: str, rules: dict[str, Any], claims: dict[str, Any], header: dict[str, Any]
) -> None:
    app = backend(register, vendor, jwks=json.loads(key_set(1)))
    path = f"/vendors/{vendor}/assertion-rules"

    def tried() -> bool:
        now, who = int(time.time()), app.client["client_id"]
        bent = {name: now + value if name == "exp" else value for name, value in claims.items()}
        full = {"iss": who, "sub": who, "aud": app.urls["token_url"], "exp": now + 240, "jti": f"{next(_jtis)}", **bent}
        told = {name: value for name, value in full.items() if value is not None}
        head = {"alg": "RS384", "kid": "k1", **header}
        text = jwt.encode(head, told, keyring.key(1, "k1").joserfc, algorithms=[head["alg"]])
        form = {"grant_type": "client_credentials", "scope": "system/Patient.read", "client_assertion": text}
        form["client_assertion_type"] = ASSERTION
        return app.http.post(app.urls["token_url"], data=form).status_code == 200

    assert not tried()
    assert app.control("PUT", path, rules).json() == rules
    assert app.control("GET", path).json() == rules
    assert tried()
    assert app.control("PUT", path, {}).json() == {}
    assert not tried()
    assert app.control("PUT", path, {"algs": ["none"]}).status_code == 422


# The control API

BAD: list[tuple[dict[str, Any], str]] = [
    ({"vendor": "epik"}, 'unknown vendor "epik"'),
    ({"auth": "password"}, "body.auth"),
    ({"auth": "none", "redirect_uris": []}, "a public client needs redirect_uris"),
    ({"redirect_uris": ["/relative"]}, "it is not absolute"),
    ({"redirect_uris": ["https://a.test/x#f"]}, "it has a fragment"),
    ({"redirect_uris": ["javascript:alert(1)"]}, "its scheme is javascript"),
    ({"redirect_uris": ["https://*.a.test/x"]}, "it has a wildcard"),
    ({"redirect_uris": ["https://u@a.test/x"]}, "it has a user"),
    ({"launch_url": "ftp://a.test"}, "it is not http or https"),
    ({"scopes": []}, "body.scopes"),
    ({"scopes": ["patient/Patient.sr"]}, "neither version 1 nor version 2"),
    ({"scopes": ["patient/Patient.read x"]}, "it has a blank"),
    ({"scopes": ["patient/Observation.rs?date=2024"]}, 'no filter by "date"'),
    ({"jwks": {"keys": []}}, "jwks goes with private_key_jwt"),
    ({"auth": "private_key_jwt", "jwks": {"keys": []}}, "it has no key"),
    ({"auth": "private_key_jwt", "jwks": {"keys": [{"kty": "RSA", "kid": "x"}]}}, "not a key set"),
    ({"auth": "private_key_jwt", "jwks": {"keys": [keyring.key(1, "k").jwk]}}, "it has a private key"),
    ({"auth": "private_key_jwt", "jwks": {}, "jwks_uri": "https://a.test"}, "jwks or jwks_uri, not both"),
    ({"unknown": 1}, "body.unknown"),
]


@pytest.mark.parametrize(("change", "says"), BAD, ids=lambda one: one if isinstance(one, str) else "")
def test_a_registration_that_cannot_be_is_a_problem(register: Registered, change: dict[str, Any], says: str) -> None:
    app = register("epic")
    good = {
        "vendor": "epic",
        "name": "bad",
        "auth": "client_secret_basic",
        "scopes": ["patient/Patient.read"],
        "redirect_uris": ["https://a.test/callback"],
    }
    answer = app.control("POST", "/clients", {**good, **change})
    assert answer.status_code in (404, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]


@each_vendor
def test_a_client_that_was_taken_away_is_out(register: Registered, vendor: str) -> None:
    app = register(vendor, persona="patient")
    told = app.tokens()
    path = f"/vendors/{vendor}/clients/{app.client['client_id']}"
    assert app.control("DELETE", path).status_code == 204
    assert app.control("DELETE", path).status_code == 404
    assert app.get(f"Patient/{told['patient']}", told["access_token"]).status_code == 401
    assert app.ask().status_code == 400


@pytest.mark.parametrize(
    ("wish", "status", "says"),
    [
        ({"client": "nobody"}, 404, 'unknown client "nobody"'),
        ({"client": "backend"}, 422, "has no launch_url"),
        ({"patient": "999999"}, 404, 'no patient "999999"'),
        ({"encounter": "x"}, 404, 'no encounter "x"'),
        ({"user": "nobody"}, 404, 'no user "nobody"'),
        ({"launch_url": "https://attacker.test"}, 422, "is not a launch URL"),
    ],
)
def test_a_launch_that_cannot_be_is_a_problem(
    register: Registered, wish: dict[str, Any], status: int, says: str
) -> None:
    app = register("epic")
    asked = {"vendor": "epic", "client": app.client["client_id"], "patient": "3", **wish}
    answer = app.control("POST", "/launches", asked)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert says in answer.json()["detail"]


def test_everybody_who_is_listed_can_log_in(register: Registered) -> None:
    app = register("epic")
    told = app.control("GET", "/users").json()
    one = app.control("GET", "/users?patient=7").json()["users"]
    assert len(told["users"]) >= 6
    for user in [*told["users"], *one]:
        page = app.answer(app.ask(), username=user["login"].upper(), password=told["passwords"]["epic"])
        if '<select id="patient"' in page.text:  # parents choose whose record
            key = page.text.rpartition('<option value="')[2].partition('"')[0]
            page = app.answer(page, patient=key)
        assert 'name="decision" value="allow"' in page.text, user
    assert app.control("GET", "/users?patient=nobody").status_code == 404
