"""SMART App Launch as an app and a person meet it, the same for every vendor that lets people in.

std:SMART-CF, std:SMART-AL, std:SMART-TK, std:SMART-IN; what a vendor does in its own way: test_smart_habits.py.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.simulator.smart_app import VERIFIER, App, claims_of, query_of
from tests.simulator.vendors.conftest import Registered

VENDORS = ("epic", "cerner", "athena")
HINT = {"token_type_hint": "access_token"}
each_vendor = pytest.mark.parametrize("vendor", VENDORS)


@pytest.fixture
def app(register: Registered, vendor: str) -> App:
    """A confidential app of patients."""
    return register(vendor, persona="patient")


@pytest.fixture
def chart_app(register: Registered, vendor: str) -> App:
    """A confidential app of practitioners."""
    return register(vendor, persona="practitioner")


# Discovery


@each_vendor
@pytest.mark.parametrize("accept", [None, "application/json", "text/html", "application/fhir+xml"])
def test_discovery_is_json_whatever_is_accepted_and_needs_no_token(app: App, accept: str | None) -> None:
    headers = {} if accept is None else {"accept": accept}
    answer = app.http.get(f"{app.fhir_url}/.well-known/smart-configuration", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")


@each_vendor
def test_discovery_has_what_its_capabilities_need(app: App) -> None:
    found = app.discover()
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "issuer", "introspection_endpoint"):
        assert found[name].startswith(f"{app.server.url}/")
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert "authorization_code" in found["grant_types_supported"]
    assert found["response_types_supported"] == ["code"]
    assert {"patient/Observation.read", "openid"} <= set(found["scopes_supported"])
    methods = set(found["token_endpoint_auth_methods_supported"])
    assert methods <= set(app.site.vendor.manner.methods)
    assert {"RS384", "ES384"} <= set(found["token_endpoint_auth_signing_alg_values_supported"])


@each_vendor
def test_the_capability_statement_leads_to_the_same_doors(app: App) -> None:
    found = app.discover()
    headers = {"accept": "application/fhir+json"}
    security = app.http.get(f"{app.fhir_url}/metadata", headers=headers).json()["rest"][0]["security"]
    uris = {one["url"]: one["valueUri"] for one in security["extension"][0]["extension"]}
    assert uris["authorize"] == found["authorization_endpoint"]
    assert uris["token"] == found["token_endpoint"]
    assert uris["introspect"] == found["introspection_endpoint"]


@each_vendor
def test_browsers_may_read_discovery_and_use_token_and_data(app: App) -> None:
    origin = {"origin": "http://127.0.0.1:9123"}
    if app.vendor == "athena":
        assert "access-control-allow-origin" not in app.http.post(app.urls["token_url"], headers=origin).headers
        app.site.settings["token_cors"] = True  # in production browsers cannot use its token endpoint
    token = app.tokens()["access_token"]
    for answer in (
        app.http.get(f"{app.fhir_url}/.well-known/smart-configuration", headers={"origin": "https://any.test"}),
        app.http.get(f"{app.fhir_url}/metadata", headers={"origin": "https://any.test"}),
        app.http.post(app.urls["token_url"], data={"grant_type": "x"}, headers=origin),
        app.http.get(
            f"{app.fhir_url}/Patient/{app.fhir_id(3)}", headers={**origin, "authorization": f"Bearer {token}"}
        ),
    ):
        assert answer.headers["access-control-allow-origin"] in ("*", origin["origin"])
    asked = {**origin, "access-control-request-method": "GET", "access-control-request-headers": "authorization"}
    preflight = app.http.options(f"{app.fhir_url}/Patient/{app.fhir_id(3)}", headers=asked)
    assert preflight.status_code == 200
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()


# Standalone


@each_vendor
def test_a_patient_logs_in_and_the_app_reads_the_own_record(app: App) -> None:
    answer = app.redeem(app.code(3))
    told = answer.json()
    assert (answer.status_code, told["token_type"].lower()) == (200, "bearer")
    assert answer.headers["cache-control"].startswith("no-")
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["pragma"] == "no-cache"
    assert told["patient"] == app.fhir_id(3)
    assert 0 < told["expires_in"] <= 3600
    assert "patient/observation.read" in told["scope"].lower()
    assert app.get(f"Patient/{told['patient']}", told["access_token"]).json()["id"] == told["patient"]


@each_vendor
def test_code_and_the_same_state_come_back(app: App) -> None:
    state = "ü &=#?+%20/\\\"'<x>"
    back = app.log_in(state=state)
    assert back.headers["location"].startswith(app.redirect_uri + "?")
    assert query_of(back)["state"] == state
    assert query_of(back)["code"]


@each_vendor
def test_the_authorization_endpoint_takes_get_and_post(app: App) -> None:
    for method in ("GET", "POST"):
        page = app.ask(method)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert 'name="password"' in page.text


@each_vendor
def test_the_pages_lead_step_by_step_and_hold_nothing_foreign(app: App) -> None:
    page = app.ask()
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "access-control-allow-origin" not in page.headers
    assert not re.search(r"<script|src=|https?://(?!127\.0\.0\.1)", page.text)
    assert '<label for="username">' in page.text
    assert '<html lang="en">' in page.text
    wrong = app.answer(page, username=app.login_name(), password="wrong")
    assert wrong.status_code == 400
    assert 'role="alert"' in wrong.text
    consent = app.answer(page, username=app.login_name(), password="sandbox")
    assert 'value="patient/Observation.read" checked' in consent.text
    assert query_of(app.answer(consent, decision="allow"))["code"]


@each_vendor
def test_who_says_no_sends_the_app_away(app: App) -> None:
    page = app.ask()
    told = query_of(app.answer(page, decision="deny"))
    assert (told["error"], told["state"]) == ("access_denied", "state-0123456789")
    assert "code" not in told
    assert app.answer(page, decision="allow").status_code == 400  # the login is over


@each_vendor
def test_what_is_not_ticked_is_not_granted(app: App) -> None:
    page = app.ask()
    page = app.answer(page, username=app.login_name(), password="sandbox")
    back = app.answer(page, choose="1", decision="allow", scope=["patient/Patient.read", "launch/patient"])
    told = app.redeem(query_of(back)["code"]).json()
    assert {one.lower() for one in told["scope"].split()} == {"patient/patient.read", "launch/patient"}
    assert app.get(f"Patient/{told['patient']}", told["access_token"]).status_code == 200
    refused = app.get("Observation", told["access_token"], patient=told["patient"], category="laboratory")
    assert refused.status_code == 403


@each_vendor
def test_fewer_scopes_can_be_granted_than_asked(app: App) -> None:
    path = f"/vendors/{app.vendor}/withheld-scopes"
    assert app.control("PUT", path, {"scopes": ["Observation", "offline_access"]}).status_code == 200
    told = app.tokens()
    assert "observation" not in told["scope"].lower()
    assert "offline_access" not in told["scope"]
    assert "refresh_token" not in told or "online_access" in told["scope"]


@each_vendor
def test_a_practitioner_reads_every_patient_with_user_scopes(chart_app: App) -> None:
    token = chart_app.tokens(3)["access_token"]
    for number in (3, 4):
        assert chart_app.get(f"Patient/{chart_app.fhir_id(number)}", token).status_code == 200


# Launches of the EHR


@each_vendor
def test_an_ehr_launch_puts_patient_and_encounter_in_context(chart_app: App) -> None:
    launched = chart_app.launch(patient="5")
    assert launched["iss"] == chart_app.fhir_url
    told = chart_app.redeem(query_of(chart_app.ask(launch=launched["launch"]))["code"]).json()
    assert told["patient"] == chart_app.fhir_id(5)
    assert told["encounter"] == launched["encounter"]
    assert "need_patient_banner" in told
    encounter = chart_app.get(f"Encounter/{told['encounter']}", told["access_token"]).json()
    assert encounter["subject"]["reference"].endswith(told["patient"])
    style = chart_app.http.get(told["smart_style_url"])
    assert style.status_code == 200
    assert style.json()["color_text"].startswith("#")


@each_vendor
def test_the_launch_url_of_an_app_gets_iss_and_launch(chart_app: App) -> None:
    url = urlsplit(chart_app.launch()["url"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == chart_app.client["launch_url"]
    assert set(dict(parse_qsl(url.query))) == {"iss", "launch"}


@each_vendor
def test_intent_and_fhir_context_are_told_as_they_were_launched(chart_app: App) -> None:
    more = [{"reference": "ImagingStudy/1"}]
    launch = chart_app.launch(intent="reconcile", fhir_context=more)["launch"]
    told = chart_app.redeem(query_of(chart_app.ask(launch=launch))["code"]).json()
    assert (told["intent"], told["fhirContext"]) == ("reconcile", more)


@each_vendor
@pytest.mark.parametrize(
    "context", [[{"reference": "Patient/1"}], [{"reference": "Encounter/1", "role": "launch"}], [{"role": "x"}]]
)
def test_fhir_context_repeats_neither_patient_nor_encounter(chart_app: App, context: list[dict[str, str]]) -> None:
    wish = {"vendor": chart_app.vendor, "client": chart_app.client["client_id"], "fhir_context": context}
    assert chart_app.control("POST", "/launches", wish).status_code == 422


@each_vendor
def test_the_ehr_page_opens_the_app(chart_app: App) -> None:
    url = f"{chart_app.server.control}/sandboxes/{chart_app.sandbox.id}/launch"
    page = chart_app.http.get(url)
    assert page.status_code == 200
    assert "<script" not in page.text
    value = f"{chart_app.vendor} {chart_app.client['client_id']}"
    assert f'value="{value}"' in page.text
    form = {"app": value, "patient": "5", "encounter": "latest", "user": chart_app.login_name()}
    back = chart_app.http.post(url, data=form, headers={"origin": chart_app.server.url})
    assert back.status_code == 303
    told = query_of(back)
    assert told["iss"] == chart_app.fhir_url
    tokens = chart_app.redeem(query_of(chart_app.ask(launch=told["launch"]))["code"]).json()
    assert tokens["patient"] == chart_app.fhir_id(5)


@each_vendor
def test_a_launch_of_a_patient_asks_for_consent(app: App) -> None:
    launched = app.launch(user=app.login_name(3), patient=None)
    assert launched["iss"] == app.fhir_url
    page = app.ask(launch=launched["launch"])
    assert 'name="password"' not in page.text
    assert 'name="decision"' in page.text
    assert app.redeem(query_of(app.answer(page, decision="allow"))["code"]).json()["patient"] == app.fhir_id(3)


# Who the user is


@each_vendor
@pytest.mark.parametrize("persona", ["patient", "practitioner"])
def test_an_id_token_is_verified_by_discovery_and_names_a_resource(
    register: Registered, vendor: str, persona: str
) -> None:
    app = register(vendor, persona=persona)
    told = app.tokens(nonce="n-0S6_WzA2Mj")
    issuer = claims_of(told["id_token"])["iss"]
    config = app.http.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration").json()
    assert config["issuer"] == issuer
    assert "RS256" in config["id_token_signing_alg_values_supported"]
    keys = KeySet.import_key_set(app.http.get(config["jwks_uri"]).json())
    token = jwt.decode(told["id_token"], keys, algorithms=["RS256"])
    assert token.claims["aud"] == app.client["client_id"]
    assert token.claims["exp"] > token.claims["iat"]
    assert token.claims["nonce"] == "n-0S6_WzA2Mj"
    headers = {"authorization": f"Bearer {told['access_token']}", "accept": "application/fhir+json"}
    who = app.http.get(token.claims["fhirUser"], headers=headers)
    assert who.json()["resourceType"] == persona.capitalize()


@each_vendor
def test_without_openid_there_is_no_id_token(app: App) -> None:
    assert "id_token" not in app.tokens(scope="launch/patient patient/Patient.read")


# Refresh


@each_vendor
def test_offline_access_outlives_the_access_token(app: App) -> None:
    first = app.tokens()
    app.later(hours=2)
    assert app.get(f"Patient/{first['patient']}", first["access_token"]).status_code == 401
    answer = app.refresh(first["refresh_token"])
    told = answer.json()
    assert answer.status_code == 200, answer.text
    assert (told["patient"], told["scope"]) == (first["patient"], first["scope"])
    assert told["access_token"] != first["access_token"]
    assert "no-store" in answer.headers["cache-control"]
    assert app.get(f"Patient/{told['patient']}", told["access_token"]).status_code == 200


@each_vendor
def test_a_refresh_token_lasts_three_months_and_ends_when_the_patient_says_so(app: App) -> None:
    first = app.tokens()
    app.later(days=89)
    assert app.refresh(first["refresh_token"]).status_code == 200
    assert app.control("POST", f"/vendors/{app.vendor}/revoke", {"patient": "3"}).status_code == 200
    assert app.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"


@each_vendor
def test_a_refresh_may_ask_for_less_and_never_for_more(app: App) -> None:
    first = app.tokens(scope="launch/patient offline_access patient/Patient.read patient/Observation.read")
    less = app.refresh(first["refresh_token"], scope="patient/Patient.read")
    assert less.json()["scope"].lower() == "patient/patient.read"
    observations = {"patient": first["patient"], "category": "laboratory"}
    assert app.get("Observation", less.json()["access_token"], **observations).status_code == 403
    more = app.refresh(first["refresh_token"], scope="patient/Patient.read system/Patient.read")
    assert more.json()["error"] == "invalid_scope"


@each_vendor
def test_where_refresh_tokens_rotate_using_an_old_one_ends_the_family(app: App) -> None:
    app.site.settings["rotate_refresh"] = True
    first = app.tokens()
    second = app.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    third = app.refresh(second["refresh_token"]).json()
    assert app.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    assert app.refresh(third["refresh_token"]).json()["error"] == "invalid_grant"
    for told in (first, second, third):
        assert app.get(f"Patient/{first['patient']}", told["access_token"]).status_code == 401


@each_vendor
def test_where_refresh_tokens_do_not_rotate_the_answer_has_none(app: App) -> None:
    first = app.tokens()
    for _ in range(2):
        assert "refresh_token" not in app.refresh(first["refresh_token"]).json()


@each_vendor
def test_without_offline_access_there_is_no_lasting_access(app: App) -> None:
    assert "refresh_token" not in app.tokens(scope="launch/patient patient/Patient.read")


# Ways in


@each_vendor
@pytest.mark.parametrize("auth", ["none", "client_secret_basic", "private_key_jwt"])
def test_an_app_proves_itself_as_it_is_registered(register: Registered, vendor: str, auth: str) -> None:
    app = register(vendor, persona="patient", auth=auth)
    told = app.tokens()
    assert app.get(f"Patient/{told['patient']}", told["access_token"]).status_code == 200


@each_vendor
def test_ready_made_apps_log_in_without_registration(register: Registered, vendor: str) -> None:
    app = register(vendor, persona="practitioner")
    for client in app.control("GET", "/clients").json()[vendor]:
        if "redirect_uris" in client and client.get("persona") != "patient" and client["name"] != app.client["name"]:
            ready = App(app.server, app.sandbox, vendor, client, app.http, persona="practitioner")
            ready.redirect_uri = "http://127.0.0.1:40123/callback"  # on loopback any port will do
            launch = ready.launch()["launch"]
            assert ready.redeem(query_of(ready.ask(launch=launch))["code"]).json()["patient"] == ready.fhir_id(3)


# What tokens are worth


@each_vendor
def test_introspection_tells_what_the_token_answer_told(app: App) -> None:
    told = app.tokens()
    worth = app.post(app.discover()["introspection_endpoint"], {"token": told["access_token"], **HINT})
    found = worth.json()
    assert found["active"] is True
    assert (found["client_id"], found["patient"]) == (app.client["client_id"], told["patient"])
    assert set(found["scope"].lower().split()) == set(told["scope"].lower().split())
    claims = claims_of(told["id_token"])
    assert (found["iss"], found["sub"], found["fhirUser"]) == (claims["iss"], claims["sub"], claims["fhirUser"])
    assert abs(found["exp"] - (claims["iat"] + told["expires_in"])) <= 2


@each_vendor
@pytest.mark.parametrize("token", ["expired", "made-up", "revoked"])
def test_a_dead_token_is_inactive_and_nothing_else(app: App, token: str) -> None:
    text = "made-up" if token == "made-up" else app.tokens()["access_token"]
    if token == "expired":
        app.later(hours=2)
    if token == "revoked":
        app.control("POST", f"/vendors/{app.vendor}/revoke", {"token": text})
    answer = app.post(app.discover()["introspection_endpoint"], {"token": text, **HINT})
    assert (answer.status_code, answer.json()) == (200, {"active": False})


@each_vendor
def test_introspection_is_for_clients_only(app: App) -> None:
    token = app.tokens()["access_token"]
    answer = app.http.post(app.discover()["introspection_endpoint"], data={"token": token, **HINT})
    assert answer.status_code in (400, 401)
    assert "active" not in answer.json()


@each_vendor
def test_a_live_token_opens_introspection_and_a_dead_one_does_not(app: App) -> None:
    told = app.tokens()
    asked = {"token": told["access_token"], "token_type_hint": "access_token"}

    def introspects(bearer: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {bearer}"}
        return app.http.post(app.urls["introspect_url"], data=asked, headers=headers)

    assert introspects(told["access_token"]).json()["active"] is True
    for dead in ("made-up", told["refresh_token"]):
        refused = introspects(dead)
        assert refused.status_code in (400, 401)
        assert "active" not in refused.json()


@each_vendor
def test_an_app_may_introspect_the_token_of_another(app: App, register: Registered) -> None:
    other = register(app.vendor, persona="patient")
    answer = other.post(app.discover()["introspection_endpoint"], {"token": app.tokens()["access_token"], **HINT})
    assert answer.json()["client_id"] == app.client["client_id"]


# The end of things


@each_vendor
def test_a_code_lives_a_minute_of_sandbox_time(app: App) -> None:
    code = app.code()
    app.later(seconds=50)
    assert app.redeem(code).status_code == 200
    code = app.code()
    app.later(seconds=60)
    assert app.redeem(code).json()["error"] == "invalid_grant"


@each_vendor
@pytest.mark.parametrize("what", [{}, {"client": "CLIENT"}, {"patient": "3"}, {"token": "TOKEN"}])
def test_the_control_api_ends_all_or_one(app: App, what: dict[str, str]) -> None:
    told = app.tokens()
    real = {"CLIENT": app.client["client_id"], "TOKEN": told["access_token"]}
    body = {name: real.get(value, value) for name, value in what.items()}
    answer = app.control("POST", f"/vendors/{app.vendor}/revoke", body or None)
    assert answer.json() == {"vendor": app.vendor, "revoked": True}
    assert app.get(f"Patient/{told['patient']}", told["access_token"]).status_code == 401
    assert (app.refresh(told["refresh_token"]).status_code == 200) == ("token" in what)


@each_vendor
def test_revoking_one_patients_grant_leaves_the_others(app: App) -> None:
    mine, other = app.tokens(3), app.tokens(4)
    assert [one["patient"] for one in app.control("GET", f"/vendors/{app.vendor}/grants").json()["grants"]] == [
        "3",
        "4",
    ]
    app.control("POST", f"/vendors/{app.vendor}/revoke", {"patient": app.fhir_id(3)})
    assert app.get(f"Patient/{mine['patient']}", mine["access_token"]).status_code == 401
    assert app.get(f"Patient/{other['patient']}", other["access_token"]).status_code == 200


@each_vendor
def test_no_secret_of_a_login_stands_in_the_journal(app: App) -> None:
    code = app.code()
    told = app.redeem(code).json()
    refreshed = app.refresh(told["refresh_token"]).json()
    written = app.control("GET", "/journal?limit=200").text
    for secret in (
        code, VERIFIER, told["access_token"], told["refresh_token"], told["id_token"], refreshed["access_token"],
        app.client["client_secret"], "password=sandbox",
    ):  # fmt: skip
        assert secret not in written
    assert app.client["client_id"] in written
