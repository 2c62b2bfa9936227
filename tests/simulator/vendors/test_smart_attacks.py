"""What an attacker tries at the doors of people and of machines, all refused with the right error.

RFC 6749 section 10, RFC 7636, RFC 8725, RFC 9700; std:SMART-BS-04, -05, -08, std:OAUTH-01 to -06, -10, -12, -14.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from simulator.auth import keyring
from tests.simulator import smart_app
from tests.simulator.smart_app import ASSERTION, VERIFIER, App, challenge_of, query_of
from tests.simulator.vendors.conftest import Registered

each_vendor = pytest.mark.parametrize("vendor", ["epic", "cerner", "athena"])


@pytest.fixture
def app(register: Registered, vendor: str) -> App:
    return register(vendor, persona="patient")


def refused(answer: httpx.Response, *errors: str) -> None:
    """Refused by the token endpoint with one of these errors."""
    assert answer.status_code in (400, 401), answer.text
    assert answer.json()["error"] in errors
    assert "access_token" not in answer.json()


def is_dead(app: App, told: dict[str, Any]) -> bool:
    return app.get(f"Patient/{told['patient']}", told["access_token"]).status_code == 401


# Assertions

Forgery = Callable[[App, dict[str, Any], dict[str, Any]], str]


def _signed(app: App, header: dict[str, Any], claims: dict[str, Any], slot: int = 0, alg: str = "RS384") -> str:
    key = RSAKey.import_key(app.client["private_key_pem"]) if slot == 0 else keyring.key(slot).joserfc
    return jwt.encode({**header, "alg": alg}, claims, key, algorithms=[alg])


def _packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _unsigned(app: App, header: dict[str, Any], claims: dict[str, Any]) -> str:
    head = _packed(json.dumps({**header, "alg": "none"}).encode())
    return f"{head}.{_packed(json.dumps(claims).encode())}."


def _hmac_with_public_key(app: App, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """The public key as an HMAC secret; made by hand, because good libraries refuse to."""
    public = RSAKey.import_key(app.client["private_key_pem"]).as_pem(private=False)
    head = _packed(json.dumps({**header, "alg": "HS256"}).encode())
    signed = f"{head}.{_packed(json.dumps(claims).encode())}"
    return f"{signed}.{_packed(hmac.digest(public, signed.encode(), 'sha256'))}"


FORGERIES: dict[str, Forgery] = {
    "alg none": _unsigned,
    "HS256 with the public key": _hmac_with_public_key,
    "another key under the kid": lambda app, header, claims: _signed(app, header, claims, slot=13),
    "a jku of the attacker": lambda app, header, claims: _signed(
        app, {**header, "jku": "https://attacker.test/jwks.json"}, claims, slot=13
    ),
    "an x5u of the attacker": lambda app, header, claims: _signed(
        app, {**header, "x5u": "https://attacker.test/cert.pem"}, claims, slot=13
    ),
    "a jwk in the header": lambda app, header, claims: _signed(
        app, {**header, "jwk": keyring.key(13).public_jwk}, claims, slot=13
    ),
    "an unknown kid": lambda app, header, claims: _signed(app, {**header, "kid": "unknown"}, claims),
    "an algorithm that is not accepted": lambda app, header, claims: _signed(app, header, claims, alg="PS512"),
    "a critical extension": lambda app, header, claims: _signed(app, {**header, "b64": True, "crit": ["b64"]}, claims),
    "another audience": lambda app, header, claims: _signed(app, header, {**claims, "aud": "https://other.test/token"}),
    "an hour of life": lambda app, header, claims: _signed(app, header, {**claims, "exp": claims["exp"] + 3600}),
    "an end in the past": lambda app, header, claims: _signed(app, header, {**claims, "exp": claims["exp"] - 900}),
    "iss beside another sub": lambda app, header, claims: _signed(app, header, {**claims, "sub": "somebody"}),
    "no jti": lambda app, header, claims: _signed(
        app, header, {name: value for name, value in claims.items() if name != "jti"}
    ),
}


def _parts(app: App, jti: str) -> tuple[dict[str, Any], dict[str, Any]]:
    now = int(time.time())
    who, aud = app.client["client_id"], app.urls["token_url"]
    claims = {"iss": who, "sub": who, "aud": aud, "exp": now + 240, "iat": now, "jti": jti}
    return {"typ": "JWT", "kid": app.client["kid"]}, claims


def _present(app: App, assertion: str, **form: str) -> httpx.Response:
    given = {"client_assertion_type": ASSERTION, "client_assertion": assertion, **form}
    return app.http.post(app.urls["token_url"], data=given)


@pytest.fixture
def backend(register: Registered, vendor: str) -> App:
    """A backend service with a key that the sandbox made."""
    scopes = ["system/Patient.read", "system/Observation.read"]
    wish = {"redirect_uris": [], "launch_url": None, "auth": "private_key_jwt", "scopes": scopes, "persona": None}
    return register(vendor, **wish)


BACKEND = {"grant_type": "client_credentials", "scope": "system/Patient.read"}


@each_vendor
@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_assertion_is_an_invalid_client(backend: App, name: str) -> None:
    header, claims = _parts(backend, f"forged {name}")
    refused(_present(backend, FORGERIES[name](backend, header, claims), **BACKEND), "invalid_client")
    good = _signed(backend, *_parts(backend, f"good beside {name}"))
    assert _present(backend, good, **BACKEND).status_code == 200


@each_vendor
def test_a_jti_counts_once(backend: App) -> None:
    text = _signed(backend, *_parts(backend, "once"))
    assert _present(backend, text, **BACKEND).status_code == 200
    refused(_present(backend, text, **BACKEND), "invalid_client")


@each_vendor
def test_a_used_jti_stays_used_for_the_life_of_its_assertion(backend: App) -> None:
    text = _signed(backend, *_parts(backend, "long"))
    assert _present(backend, text, **BACKEND).status_code == 200
    backend.later(seconds=200)
    refused(_present(backend, text, **BACKEND), "invalid_client")


@each_vendor
def test_an_app_with_a_key_meets_the_same_rules_for_its_code(register: Registered, vendor: str) -> None:
    app = register(vendor, persona="patient", auth="private_key_jwt")
    header, claims = _parts(app, "app forged")
    form = {"grant_type": "authorization_code", "redirect_uri": app.redirect_uri, "code_verifier": VERIFIER}
    code = app.code()
    for name in ("alg none", "HS256 with the public key", "another key under the kid"):
        refused(_present(app, FORGERIES[name](app, header, claims), code=code, **form), "invalid_client")
    assert _present(app, _signed(app, header, claims), code=code, **form).status_code == 200


@each_vendor
def test_a_secret_where_a_key_is_registered_is_no_way_in(backend: App) -> None:
    who = {**backend.client, "auth": "client_secret_basic", "client_secret": "anything"}
    refused(backend.post(backend.urls["token_url"], BACKEND, client=who), "invalid_client")


@each_vendor
def test_a_wrong_secret_is_an_invalid_client_and_asks_for_basic(app: App) -> None:
    wrong = {**app.client, "client_secret": app.client["client_secret"][:-1] + "x"}
    refused(app.redeem(app.code(), client=wrong), "invalid_client")


@each_vendor
def test_a_confidential_app_cannot_pass_as_public(app: App) -> None:
    refused(app.redeem(app.code(), client={**app.client, "auth": "none"}), "invalid_client")


@each_vendor
def test_an_app_gets_no_token_of_its_own(app: App) -> None:
    form = {"grant_type": "client_credentials", "scope": "patient/Patient.read"}
    refused(app.post(app.urls["token_url"], form), "unauthorized_client", "invalid_client", "invalid_request")


@each_vendor
@pytest.mark.parametrize("kind", ["password", "implicit", "urn:ietf:params:oauth:grant-type:token-exchange"])
def test_old_and_foreign_grants_do_not_exist(app: App, kind: str) -> None:
    form = {"grant_type": kind, "username": app.login_name(), "password": "sandbox"}
    refused(app.post(app.urls["token_url"], form), "unsupported_grant_type")


# Codes


@each_vendor
def test_a_code_counts_once_and_a_second_use_ends_what_it_gave(app: App) -> None:
    code = app.code()
    told = app.redeem(code).json()
    assert not is_dead(app, told)
    refused(app.redeem(code), "invalid_grant")
    assert is_dead(app, told)
    refused(app.refresh(told["refresh_token"]), "invalid_grant")


@each_vendor
def test_a_code_of_another_client_is_refused_and_ends_nothing(app: App, register: Registered) -> None:
    other = register(app.vendor, persona="patient")
    code = app.code()
    refused(other.redeem(code), "invalid_grant")
    told = app.redeem(code).json()
    refused(other.redeem(code), "invalid_grant")
    assert not is_dead(app, told)


@each_vendor
@pytest.mark.parametrize("verifier", [None, "w" * 64, VERIFIER[:42], challenge_of(VERIFIER), "ü" * 64])
def test_a_code_without_its_verifier_is_worth_nothing(app: App, verifier: str | None) -> None:
    refused(app.redeem(app.code(), code_verifier=verifier), "invalid_grant")


@each_vendor
@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": "short"},
        {"code_challenge": None},
    ],
)
def test_a_public_app_cannot_go_without_pkce(register: Registered, vendor: str, changes: dict[str, str | None]) -> None:
    app = register(vendor, persona="patient", auth="none")
    told = query_of(app.ask(**changes))
    assert (told["error"], told["state"]) == ("invalid_request", "state-0123456789")
    assert "code" not in told


@each_vendor
def test_a_challenge_that_was_taken_away_is_noticed(app: App) -> None:
    code = app.code(code_challenge=None, code_challenge_method=None)  # a confidential app may go without
    refused(app.redeem(code), "invalid_grant")


@each_vendor
@pytest.mark.parametrize("uri", [None, "http://127.0.0.1:9123/other", "http://127.0.0.1:9123/callback/"])
def test_the_redirect_uri_of_the_token_request_is_the_one_of_the_code(app: App, uri: str | None) -> None:
    refused(app.redeem(app.code(), redirect_uri=uri), "invalid_grant", "invalid_request")


# Redirects

REDIRECTS = [
    "https://attacker.test/callback",
    "http://127.0.0.1:9123/callback/",
    "http://127.0.0.1:9123/callback?x=1",
    "http://127.0.0.1:9123/callback#x",
    "http://127.0.0.1:9123/Callback",
    "http://127.0.0.1:9123/callback/../callback",
    "http://127.0.0.1:9123/%63allback",
    "http://127.0.0.1:9124/callback",
    "http://127.0.0.1:9123@attacker.test/callback",
    "http://127.0.0.1:9123.attacker.test/callback",
    "https://127.0.0.1:9123/callback",
    "//127.0.0.1:9123/callback",
    "http://127.0.0.1:9123/callback\r\nx: y",
    "http://127.0.0.1:9123/callback\\@attacker.test",
    "javascript:alert(1)",
    "",
]


@each_vendor
@pytest.mark.parametrize("uri", REDIRECTS)
def test_a_redirect_uri_that_is_not_registered_is_a_page_and_no_redirect(app: App, uri: str) -> None:
    answer = app.ask(redirect_uri=uri)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")
    assert "attacker" not in answer.text


@each_vendor
@pytest.mark.parametrize("uri", ["http://127.0.0.1:1/callback", "http://127.0.0.1:65535/callback"])
def test_on_loopback_without_a_port_any_port_will_do_and_nothing_else(
    register: Registered, vendor: str, uri: str
) -> None:
    app = register(vendor, persona="patient", redirect_uris=["http://127.0.0.1/callback"])
    assert app.ask(redirect_uri=uri).status_code == 200
    for other in (
        uri + "2",
        uri.replace("127.0.0.1", "127.0.0.1.attacker.test"),
        uri.replace("127.0.0.1", "x@127.0.0.1"),
    ):
        assert app.ask(redirect_uri=other).status_code == 400


@each_vendor
@pytest.mark.parametrize("client_id", [None, "", "unknown", "<script>alert(1)</script>"])
def test_an_unknown_client_is_a_page_that_repeats_nothing(app: App, client_id: str | None) -> None:
    answer = app.ask(client_id=client_id)
    assert (answer.status_code, answer.headers.get("location")) == (400, None)
    assert "<script>" not in answer.text


@each_vendor
def test_a_backend_service_has_no_login(backend: App, app: App) -> None:
    assert app.ask(client_id=backend.client["client_id"]).status_code == 400


@each_vendor
def test_a_state_cannot_break_out_of_the_redirect(app: App) -> None:
    state = "x\r\nset-cookie: stolen=1\r\n\r\n<script>&code=forged#frag"
    back = app.log_in(state=state)
    assert "set-cookie" not in {name for name in back.headers if "stolen" in back.headers[name]}
    assert "\n" not in back.headers["location"]
    assert query_of(back)["state"] == state
    assert query_of(back)["code"] != "forged"
    assert urlsplit(back.headers["location"]).fragment == ""


@each_vendor
@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"response_type": "token"}, {"unsupported_response_type"}),
        ({"response_type": "code token"}, {"unsupported_response_type"}),
        ({"response_type": None}, {"invalid_request"}),
        ({"scope": None}, {"invalid_scope"}),
        ({"launch": "forged", "scope": "launch patient/Patient.read"}, {"invalid_request"}),
        ({"launch": "forged", "scope": "patient/Patient.read"}, {"invalid_scope"}),
    ],
)
def test_other_bad_requests_go_back_with_error_and_state(app: App, changes: dict[str, Any], errors: set[str]) -> None:
    told = query_of(app.ask(**changes))
    assert told["error"] in errors
    assert told["state"] == "state-0123456789"
    assert "code" not in told


@each_vendor
@pytest.mark.parametrize("aud", [None, "https://attacker.test/fhir", "ROOT/x"])
def test_a_wrong_or_missing_aud_gives_an_error_and_no_code(app: App, aud: str | None) -> None:
    answer = app.ask(aud=None if aud is None else aud.replace("ROOT", app.fhir_url))
    assert "code=" not in answer.headers.get("location", "")
    assert answer.status_code == 400 or query_of(answer)["error"] == "invalid_request"


@each_vendor
@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "scope", "code_challenge"])
def test_a_parameter_that_comes_twice_is_refused(app: App, name: str) -> None:
    asked = list(app.request().items())
    asked.append((name, "other"))
    answer = app.http.get(app.discover()["authorization_endpoint"], params=asked)
    assert (answer.status_code, answer.headers.get("location")) == (400, None)


# Launches and sittings


@each_vendor
def test_a_launch_counts_once_for_its_own_app_and_not_for_long(register: Registered, vendor: str) -> None:
    app, other = register(vendor, persona="practitioner"), register(vendor, persona="practitioner")
    launch = app.launch()["launch"]
    assert query_of(other.ask(launch=launch))["error"] == "invalid_request"
    assert query_of(app.ask(launch=launch))["code"]
    assert query_of(app.ask(launch=launch))["error"] == "invalid_request"
    late = app.launch()["launch"]
    app.later(minutes=6)
    assert query_of(app.ask(launch=late))["error"] == "invalid_request"


@each_vendor
def test_nobody_gets_in_past_the_login_page(app: App) -> None:
    page = app.ask()
    for form in (
        {"decision": "allow"},
        {"decision": "allow", "patient": "3"},
        {"decision": "allow", "username": app.login_name()},
        {"decision": "allow", "username": app.login_name(), "password": "Sandbox"},
        {"decision": "allow", "username": "nobody.at-all.999", "password": "sandbox"},
        {"decision": "allow", "username": app.login_name().replace("3", "4"), "password": "sandbox"},
    ):
        assert app.answer(page, **form).status_code == 400
    url = app.discover()["authorization_endpoint"]
    forged = app.http.post(url, data={"sitting": "forged", "username": app.login_name(), "password": "sandbox"})
    assert (forged.status_code, forged.headers.get("location")) == (400, None)


@each_vendor
def test_a_login_that_took_too_long_is_over(app: App) -> None:
    page = app.ask()
    app.later(minutes=16)
    assert app.answer(page, username=app.login_name(), password="sandbox", decision="allow").status_code == 400


@each_vendor
def test_a_form_cannot_allow_more_than_was_offered(app: App) -> None:
    page = app.ask(scope="launch/patient patient/Patient.read")
    page = app.answer(page, username=app.login_name(), password="sandbox")
    forged = ["patient/Patient.read", "system/Patient.read", "user/Practitioner.write", "offline_access"]
    told = app.redeem(query_of(app.answer(page, choose="1", decision="allow", scope=forged))["code"]).json()
    assert told["scope"].lower().split() == ["patient/patient.read"]


@each_vendor
def test_a_patient_cannot_choose_another_record(app: App) -> None:
    page = app.ask()
    back = app.answer(page, username=app.login_name(3), password="sandbox", patient="4", decision="allow")
    if back.status_code == 302:  # where nobody chooses, the field counts for nothing
        assert app.redeem(query_of(back)["code"]).json()["patient"] == app.fhir_id(3)
    else:
        assert back.status_code == 400


# Tokens


@each_vendor
def test_one_kind_of_token_is_not_another(app: App) -> None:
    code = app.code()
    told = app.redeem(code).json()
    for text in (told["refresh_token"], told["id_token"], code, app.client["client_secret"]):
        assert app.get(f"Patient/{told['patient']}", text).status_code == 401
    refused(app.refresh(told["access_token"]), "invalid_grant")
    refused(app.redeem(told["refresh_token"]), "invalid_grant")


@each_vendor
def test_a_refresh_token_is_bound_to_its_client(app: App, register: Registered) -> None:
    other, told = register(app.vendor, persona="patient"), app.tokens()
    refused(other.refresh(told["refresh_token"]), "invalid_grant")
    refused(app.refresh(told["refresh_token"], client={**app.client, "auth": "none"}), "invalid_client")
    assert app.refresh(told["refresh_token"]).status_code == 200


@each_vendor
@pytest.mark.parametrize("more", ["system/Patient.read", "user/Observation.read", "patient/*.read", "openid"])
def test_a_refresh_gives_no_scope_that_was_not_granted(app: App, more: str) -> None:
    told = app.tokens(scope="launch/patient offline_access patient/Patient.read")
    granted = {one.lower() for one in told["scope"].split()}
    if more.lower() not in granted:
        refused(app.refresh(told["refresh_token"], scope=f"patient/Patient.read {more}"), "invalid_scope")
    again = app.refresh(told["refresh_token"]).json()
    assert {one.lower() for one in again["scope"].split()} == granted


@each_vendor
def test_tokens_and_codes_of_one_sandbox_are_useless_in_another(app: App) -> None:
    elsewhere = app.server.sandboxes.create()
    try:
        other = smart_app.registered(app.server, elsewhere, app.vendor, app.http, persona="patient")
        told, code = app.tokens(), app.code()
        assert other.get(f"Patient/{told['patient']}", told["access_token"]).status_code == 401
        refused(other.redeem(code), "invalid_grant")
        refused(other.refresh(told["refresh_token"]), "invalid_grant")
        page = app.ask()
        sitting = page.text.split('name="sitting" value="')[1].split('"')[0]
        url = other.discover()["authorization_endpoint"]
        form = {"sitting": sitting, "username": app.login_name(), "password": "sandbox", "decision": "allow"}
        assert app.http.post(url, data=form).status_code == 400
    finally:
        app.server.sandboxes.drop(elsewhere.id)


def test_tokens_of_one_vendor_are_useless_at_the_others(register: Registered) -> None:
    epic, cerner = register("epic", persona="patient"), register("cerner", persona="patient")
    mine, other = epic.tokens(), cerner.tokens()
    assert cerner.get(f"Patient/{other['patient']}", mine["access_token"]).status_code == 401
    assert epic.get(f"Patient/{mine['patient']}", other["access_token"]).status_code == 401
    refused(epic.refresh(other["refresh_token"]), "invalid_grant")


@each_vendor
def test_a_token_counts_in_the_header_only_and_once(app: App) -> None:
    told = app.tokens()
    url = f"{app.fhir_url}/Patient/{told['patient']}"
    assert app.http.get(url, params={"access_token": told["access_token"]}).status_code == 401
    twice = [("authorization", f"Bearer {told['access_token']}"), ("authorization", f"Bearer {told['access_token']}")]
    assert app.http.get(url, headers=twice).status_code in (400, 401)


@each_vendor
def test_a_client_revokes_only_its_own_tokens(app: App, register: Registered) -> None:
    revocation = app.discover().get("revocation_endpoint")
    if revocation is None:
        assert app.vendor == "epic"  # it publishes none
        return
    other, told = register(app.vendor, persona="patient"), app.tokens()
    assert other.post(revocation, {"token": told["access_token"]}).status_code == 200
    assert not is_dead(app, told)
    assert app.post(revocation, {"token": told["access_token"], "token_type_hint": "access_token"}).status_code == 200
    assert is_dead(app, told)
    again = app.tokens()
    assert app.post(revocation, {"token": again["refresh_token"]}).status_code == 200
    assert is_dead(app, again)
    refused(app.refresh(again["refresh_token"]), "invalid_grant")
    assert app.post(revocation, {"token": "unknown"}).status_code == 200


@each_vendor
def test_the_ready_made_password_is_compared_whole(app: App) -> None:
    for password in ("", "s", "sandbo", "sandboxx", "sandbox\x00"):
        page = app.ask()
        assert app.answer(page, username=app.login_name(), password=password, decision="allow").status_code == 400
