"""Signing in at Cerner, and being turned away: token endpoint, scopes, tenants, the forms of refusals.

Covers SOURCES.md, the claims on paths, tokens, headers and refusals; RFC 6749 sections 4.4 and 5.2, RFC 6750, RFC 7523.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from simulator.auth.request import assertion
from simulator.refusal import REFUSAL_KINDS, OAuthRefusal, Refusal
from simulator.vendors.cerner import VENDOR
from simulator.vendors.cerner.offer import OFFER
from simulator.vendors.cerner.rules import RULES
from simulator.vendors.cerner.urls import token_urls
from tests.simulator.vendors.cerner_desk import BASE, Answer, Desk

Json = dict[str, Any]


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


def signed_request(desk: Desk, scope: str | None = None, **claims: Any) -> Answer:
    """A token request of the client with a key; `claims` other than those of a good assertion go in as they stand."""
    client = desk.client("private_key_jwt")
    signed = assertion(client.as_dict(desk.token_url))
    if claims:
        assert client.key is not None
        made = jwt.decode(signed, client.key.joserfc, algorithms=["RS384"]).claims | claims
        header = {"alg": "RS384", "kid": client.kid}
        signed = jwt.encode(header, made, client.key.joserfc, algorithms=["RS384"])
    form = {
        "grant_type": "client_credentials",
        "scope": " ".join(client.scopes) if scope is None else scope,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return desk.send("POST", desk.token_url, headers=headers, body=urlencode(form).encode())


# The token endpoint


def test_a_system_account_gets_a_token_of_570_seconds(desk: Desk) -> None:
    answer = desk.ask_token("system/Patient.read system/Observation.read")
    assert answer.status == 200
    assert answer.json | {"access_token": "…"} == {
        "access_token": "…",
        "scope": "system/Observation.read system/Patient.read",
        "token_type": "Bearer",
        "expires_in": 570,
    }
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["server"] == "cloud_authorization_server1"


def test_a_token_dies_after_570_seconds_of_sandbox_time() -> None:
    desk = Desk()
    answer = desk.get(f"Patient/{desk.patient(3)}")
    assert answer.status == 200
    desk.sandbox.clock.advance(timedelta(seconds=569))
    assert desk.get(f"Patient/{desk.patient(3)}").status == 200
    desk.sandbox.clock.advance(timedelta(seconds=1))
    late = desk.get(f"Patient/{desk.patient(3)}")
    assert late.status == 401
    assert late.x.refusal.startswith("token t1 expired")


def test_access_tokens_are_encrypted_and_never_repeat(desk: Desk) -> None:
    texts = {desk.ask_token().json["access_token"] for _ in range(5)}
    assert len(texts) == 5
    assert all(text.count(".") == 4 for text in texts)


def test_a_site_of_former_years_signs_readable_tokens() -> None:
    desk = Desk(token_form="jws")
    text = desk.ask_token("system/Patient.read").json["access_token"]
    published = desk.send("GET", f"{BASE}/jwk").json["keys"][0]
    claims = jwt.decode(text, ECKey.import_key(published), algorithms=["ES256"]).claims
    assert claims["exp"] - claims["iat"] == 600  # longer than the token lives
    assert claims["urn:cerner:authorization:claims:version:1"]["profiles"]["smart-v1"]["azs"] == "system/Patient.read"
    assert desk.get(f"Patient/{desk.patient(0)}", token=text).status == 200


def test_scopes_that_are_not_registered_are_dropped_without_a_word(desk: Desk) -> None:
    answer = desk.ask_token("system/Patient.read system/Account.read system/*.read launch")
    assert answer.json["scope"] == "system/Patient.read"


@pytest.mark.parametrize("scope", ["", "system/Patient.rs", "system/*.read", "system/Account.read"])
def test_nothing_to_grant_is_an_error_with_a_urn_and_no_description(desk: Desk, scope: str) -> None:
    answer = desk.ask_token(scope)
    assert answer.status == 400
    assert set(answer.json) == {"error", "error_uri"}
    assert answer.json["error"] == "invalid_scope"
    assert "urn%3Acerner%3Aerror%3Aauthorization-server%3Aoauth2%3Atoken%3Aempty-scopes" in answer.json["error_uri"]
    assert f"/instances/{answer.headers['cerner-correlation-id']}?client=" in answer.json["error_uri"]
    assert answer.json["error_uri"].startswith(BASE)


def test_wrong_secrets_and_unknown_clients_are_invalid_clients(desk: Desk) -> None:
    client = desk.client()
    for basic in ((client.client_id, "wrong"), ("nobody", client.client_secret)):
        answer = desk.ask_token(basic=basic)
        assert (answer.status, answer.json["error"]) == (401, "invalid_client")
        assert answer.x.notes["client_id"] == basic[0]


def test_a_secret_in_the_form_is_no_way_in(desk: Desk) -> None:
    client = desk.client()
    form = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": client.client_secret}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = desk.send("POST", desk.token_url, headers=headers, body=urlencode(form).encode())
    assert answer.json["error"] == "invalid_client"
    assert "invalid_authorization_header" in answer.json["error_uri"]


@pytest.mark.parametrize(
    ("grant_type", "error"),
    [
        ("authorization_code", "unauthorized_client"),
        ("refresh_token", "invalid_request"),
        ("password", "unsupported_grant_type"),
        ("", "invalid_request"),
    ],
)
def test_other_grants_are_refused(desk: Desk, grant_type: str, error: str) -> None:
    answer = desk.ask_token(grant_type=grant_type)
    assert (answer.status, answer.json["error"]) == (400, error)


def test_a_signed_assertion_opens_the_door_once() -> None:
    desk = Desk()
    first = signed_request(desk, "system/Patient.rs", jti="once")
    assert (first.status, first.json["scope"]) == (200, "system/Patient.rs")
    assert first.x.notes["assertion"]["claims"]["jti"] == "once"
    again = signed_request(desk, "system/Patient.rs", jti="once")
    assert (again.status, again.json["error"]) == (401, "invalid_client")
    assert again.x.refusal == "jti once was used before"


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"aud": "https://elsewhere.test/token"}, "accepted:"),
        ({"exp": 1}, "exp lies"),
        ({"sub": "somebody"}, "differ"),
        ({"iss": "nobody", "sub": "nobody"}, "no client 'nobody'"),
    ],
)
def test_a_bad_assertion_is_an_invalid_client(desk: Desk, claims: dict[str, Any], says: str) -> None:
    answer = signed_request(desk, **claims)
    assert answer.json["error"] == "invalid_client"
    assert says in answer.x.refusal


def test_a_client_may_sign_in_only_as_it_is_registered(desk: Desk) -> None:
    signing = desk.client("private_key_jwt")
    answer = desk.ask_token(basic=(signing.client_id, "anything"))
    assert answer.json["error"] == "invalid_client"
    assert "registered for private_key_jwt" in answer.x.refusal


def test_the_token_url_has_two_forms_until_the_classic_one_goes() -> None:
    desk = Desk()
    for url in token_urls(BASE, desk.site):
        assert desk.ask_token(url=url).status == 200
    classic = token_urls(BASE, desk.site)[1]
    assert "/hosts/" not in classic
    desk.site.settings["classic_token_url"] = False
    assert desk.ask_token(url=classic).status == 404
    assert desk.ask_token().status == 200


def test_an_unknown_tenant_has_no_token_endpoint(desk: Desk) -> None:
    url = f"{BASE}/tenants/00000000-0000-4000-8000-000000000000/protocols/oauth2/profiles/smart-v1/token"
    answer = desk.ask_token(url=url)
    assert (answer.status, answer.json["error"]) == (400, "invalid_request")
    assert "unknown-tenant" in answer.json["error_uri"]


# The resource server


def test_errors_come_in_several_forms(desk: Desk) -> None:
    patient = f"Patient/{desk.patient(1)}"
    missing = desk.send("GET", f"{desk.root}/{patient}")
    assert (missing.status, missing.json["code"]) == (401, 401)
    assert "urn:cerner:error:oauth2:resource-access:token-required" in missing.json["message"]
    bad = desk.get(patient, token="nonsense")
    assert bad.json["issue"][0]["location"] == ["http.Authorization"]
    assert bad.headers["www-authenticate"] == bad.json["issue"][0]["diagnostics"]
    narrow = desk.ask_token("system/Observation.read").json["access_token"]
    forbidden = desk.get(patient, token=narrow)
    assert (forbidden.status, forbidden.json["code"]) == (403, 403)
    assert "insufficient_scope" in forbidden.json["message"]
    strange = desk.get(f"{BASE}/r4/00000000-0000-4000-8000-000000000000/{patient}")
    assert (strange.status, strange.body) == (403, b"Tenant not valid or accessible")
    rootless = desk.send("GET", f"{BASE}/.well-known/smart-configuration")
    assert (rootless.status, rootless.headers["content-type"]) == (502, "text/html")


def test_a_scope_to_read_is_no_scope_to_search(desk: Desk) -> None:
    token = signed_request(desk, "system/Patient.r").json["access_token"]
    patient = desk.patient(1)
    assert desk.get(f"Patient/{patient}", token=token).status == 200
    assert desk.get("Patient", {"_id": patient}, token=token).status == 403


def test_provenance_comes_along_only_with_its_own_scope(desk: Desk) -> None:
    params = {"patient": desk.patient(1), "_revinclude": "Provenance:target"}
    token = desk.ask_token("system/Condition.read").json["access_token"]
    assert desk.get("Condition", params, token=token).status == 403
    both = desk.ask_token("system/Condition.read system/Provenance.read").json["access_token"]
    assert desk.get("Condition", params, token=both).status == 200


def test_an_unknown_type_is_not_found_as_an_unknown_id_is(desk: Desk) -> None:
    for path in ("Patient/12999999999", "Patient/abc", "Medication/1", "Subscription", "Patient/1/_history", ""):
        answer = desk.get(path)
        assert answer.status == 404, path
        assert answer.text == "Not Found"
    assert desk.send("GET", f"{desk.root}/Medication/1").status == 401


def test_what_millennium_has_and_we_have_not_is_our_gap(desk: Desk) -> None:
    gaps = [("GET", f"{desk.root}/{type}") for type in OFFER if type not in RULES]
    gaps += [
        ("POST", f"{desk.root}/Condition"),
        ("POST", f"{desk.root}/Patient/_search"),
        ("PATCH", f"{desk.root}/Patient/1"),
        ("PUT", f"{desk.root}/Observation/1"),
        ("POST", f"{desk.root}/"),
        ("POST", desk.root),
        ("GET", f"{desk.root}/Group/1/$export"),
        ("GET", f"{desk.root}/Patient?address-postalcode=60601"),
        ("GET", f"{desk.root}/Encounter?account=1"),
        ("GET", f"{BASE}/dstu2/x/Patient/1"),
        ("GET", f"{BASE}/tenants/{desk.root.rpartition('/')[2]}/personas/provider/my-apps"),
    ]
    for method, url in gaps:
        answer = desk.send(method, url, headers={"Authorization": f"Bearer {desk.token}"})
        assert answer.status == 501, (method, url)
        assert answer.headers["x-emr-sandbox"] == "not-simulated"


def test_what_millennium_does_not_write_is_not_there(desk: Desk) -> None:
    for method, path in (
        ("DELETE", "Patient/1"),
        ("PUT", "Patient/1"),
        ("POST", "Location"),
        ("POST", "Binary/_search"),
        ("POST", "Nonsense/_search"),
    ):
        answer = desk.send(method, f"{desk.root}/{path}", headers={"Authorization": f"Bearer {desk.token}"})
        assert answer.status == 404, (method, path)


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/fhir+json", 200),
        ("application/json", 200),
        ("application/json+fhir", 200),
        ("*/*", 200),
        ("text/html,application/xhtml+xml,*/*;q=0.8", 200),
        ("application/fhir+xml", 406),
        ("text/xml", 406),
    ],
)
def test_only_json_is_spoken(desk: Desk, accept: str, status: int) -> None:
    answer = desk.get(f"Patient/{desk.patient(0)}", Accept=accept)
    assert answer.status == status
    if status == 406:
        assert answer.body == b""
    else:
        assert answer.headers["content-type"] == "application/fhir+json"


def test_format_overrules_nothing_but_xml(desk: Desk) -> None:
    patient = desk.patient(0)
    assert desk.get("Condition", {"patient": patient, "_format": "json"}).status == 200
    assert desk.get("Condition", {"patient": patient, "_format": "xml"}).status == 406


def test_every_answer_has_the_headers_of_the_house(desk: Desk) -> None:
    answer = desk.get(f"Patient/{desk.patient(0)}")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["vary"] == "Origin"
    assert len(answer.headers["x-request-id"]) == 32
    assert len(answer.headers["opc-request-id"].split("/")) == 3
    assert answer.headers["etag"].startswith('W/"')
    assert answer.headers["last-modified"].endswith("GMT")
    assert "access-control-allow-origin" not in answer.headers
    browser = desk.get(f"Patient/{desk.patient(0)}", Origin="https://app.test")
    assert "Retry-After" not in browser.headers["access-control-expose-headers"]
    preflight = desk.send(
        "OPTIONS",
        f"{desk.root}/Patient/1",
        headers={"Origin": "https://app.test", "Access-Control-Request-Headers": "authorization"},
    )
    assert preflight.status == 200
    assert preflight.headers["access-control-allow-headers"] == "authorization"


def test_the_hourly_limit_answers_429_and_says_when_to_come_back() -> None:
    desk = Desk()
    desk.site.limits.set("hourly", calls=2)
    url = f"Patient/{desk.patient(0)}"
    assert [desk.get(url).status for _ in range(3)] == [200, 200, 429]
    refused = desk.get(url)
    assert refused.json["issue"][0]["code"] == "throttled"
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    desk.sandbox.clock.advance(timedelta(hours=1))
    desk._token = ""
    assert desk.get(url).status == 200


# Refusals


def everything_refused() -> list[Refusal]:
    return [
        *(Refusal(kind) for kind in REFUSAL_KINDS),
        *(
            Refusal(kind, reason=reason)
            for kind in REFUSAL_KINDS
            for reason in ("fault", "no_token", "required", "scope")
        ),
        *(
            OAuthRefusal(error, "any")
            for error in ("invalid_client", "invalid_grant", "invalid_request", "invalid_scope")
        ),
    ]


@pytest.mark.parametrize("path", ["r4", "tenants"])
def test_every_kind_of_refusal_is_dressed(desk: Desk, path: str) -> None:
    x = desk.send("GET", desk.root if path == "r4" else desk.token_url).x
    for refusal in everything_refused():
        answer = VENDOR.errors.dress(refusal, x)
        assert 400 <= answer.status < 600
        assert answer.simulated
        assert b"sandbox" not in answer.body.lower()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 406, 408, 409, 410, 412, 422, 429, 500, 502, 503, 504])
def test_a_status_that_a_fault_asks_for_is_the_status_that_is_sent(desk: Desk, status: int) -> None:
    for url in (desk.root, desk.token_url):
        x = desk.send("GET", url).x
        for kind in REFUSAL_KINDS:
            refusal = Refusal(kind, reason="fault", status=status, retry_after_s=7)
            assert VENDOR.errors.dress(refusal, x).status == status


def test_a_gateway_that_gives_up_answers_in_html(desk: Desk) -> None:
    answer = VENDOR.errors.dress(Refusal("unavailable", status=504), desk.send("GET", desk.root).x)
    assert (answer.status, answer.header("content-type")) == (504, "text/html")
    assert answer.body.startswith(b"<!DOCTYPE html>")


# Discovery


def test_discovery_needs_no_token_and_stays_in_the_sandbox(desk: Desk) -> None:
    told = desk.send("GET", f"{desk.root}/.well-known/smart-configuration").json
    urls = [value for value in told.values() if isinstance(value, str)]
    assert urls
    assert all(url.startswith(BASE) for url in urls)
    assert told["token_endpoint"] == desk.token_url
    assert told["token_endpoint_auth_methods_supported"] == ["client_secret_basic", "private_key_jwt"]
    assert set(desk.client().scopes) <= set(told["scopes_supported"])


def test_pkce_need_not_be_announced() -> None:
    desk = Desk(pkce=False)
    told = desk.send("GET", f"{desk.root}/.well-known/smart-configuration").json
    assert "code_challenge_methods_supported" not in told


def test_a_tenant_need_not_be_a_uuid() -> None:
    desk = Desk(tenant="-KzIoYV6gk-ILcHOWbsH2m9KsSdDgi12")
    assert desk.root == f"{BASE}/r4/-KzIoYV6gk-ILcHOWbsH2m9KsSdDgi12"
    answer = desk.get(f"Patient/{desk.patient(0)}")
    assert answer.status == 200
    assert b"https://fhir.cerner.com/-KzIoYV6gk-ILcHOWbsH2m9KsSdDgi12/codeSet/4" in answer.body


STAFF_EXAMPLES: dict[tuple[str, str], Json] = {
    ("Practitioner", "identifier"): {"identifier": "http://hl7.org/fhir/sid/us-npi|9000000000"},
    ("Practitioner", "given"): {"given": "A", "family": "S"},
    ("Practitioner", "name"): {"name": "Sm"},
    ("Practitioner", "active"): {"active": "true"},
    ("Practitioner", "_count"): {"_count": "5", "family": "S"},
    ("Location", "address-city"): {"address-city": "A", "address-state": "TX"},
    ("Location", "name"): {"name": "A", "address": "1"},
    ("Location", "organization"): {"organization": "1", "address": "1"},
}
SERVICE = "http://snomed.info/sct|408443003"


def test_the_capability_statement_promises_only_what_answers(desk: Desk) -> None:
    told = desk.send("GET", f"{desk.root}/metadata").json
    assert told["fhirVersion"] == "4.0.1"
    assert told["publisher"] == "Oracle Health"
    assert "software" not in told
    charts = ((number, desk.sandbox.world.chart(number)) for number in range(50))
    number = next(
        number
        for number, chart in charts
        if chart.allergies and chart.medications and chart.conditions and chart.procedures and chart.coverages
    )
    for resource in told["rest"][0]["resource"]:
        type = resource["type"]
        if type == "Binary":
            assert resource["interaction"] == [{"code": "read"}]
            assert desk.get(f"Binary/{_some_id(desk, number, type)}").status == 200
        else:
            assert {one["code"] for one in resource["interaction"]} == {"read", "search-type"}
        for operation in resource.get("operation", []):
            name = {"USCoreFetchDocumentReferences": "docref"}.get(operation["name"], operation["name"])
            assert desk.get(f"{type}/${name}", {"patient": desk.patient(number)}).status == 200, name
        for param in resource.get("searchParam", []):
            answer = desk.get(type, _example(desk, number, type, param["name"]))
            assert answer.status == 200, (type, param["name"], answer.body)
            assert answer.json["type"] == "searchset"
        if type == "Binary":
            continue
        listed = desk.get(type, _example(desk, number, type, "_id"))
        assert listed.entries, type
        assert desk.get(f"{type}/{listed.ids[0]}").body in listed.body
        for one in resource.get("searchInclude", []):
            answer = desk.get(type, _example(desk, number, type, "_id") | {"_include": one})
            assert {entry["search"]["mode"] for entry in answer.entries} == {"match", "include"}, one
        for one in resource.get("searchRevInclude", []):
            answer = desk.get(type, _example(desk, number, type, "_id") | {"_revinclude": one})
            assert [entry["search"]["mode"] for entry in answer.entries] == ["match", "include"], type


def _example(desk: Desk, number: int, type: str, name: str) -> Json:
    """A query that uses the parameter `name`."""
    patient = desk.patient(number)
    person = desk.sandbox.world.chart(number).person
    if name == "_id":
        return {"_id": _some_id(desk, number, type)}
    if type == "Provenance":
        return {name: f"Patient/{patient}"}
    if type == "Patient":
        values = {
            "identifier": VENDOR.patient_ids(desk.site, number)["mrn"],
            "given": person.given[0],
            "birthdate": person.birth_date.isoformat(),
            "phone": person.telecoms[0].value if person.telecoms else "2025550100",
            "email": "somebody@example.test",
            "gender": person.gender,
            "address-postalcode": person.addresses[0].zip,
            "_count": "5",
        }
        alone = {"identifier", "phone", "email", "name"}
        return ({} if name in alone else {"family": person.family}) | {name: values.get(name, person.family)}
    if type in ("Organization", "Location", "Practitioner"):
        return STAFF_EXAMPLES.get((type, name), {name: "5"})
    if type == "Slot":
        needed = {"service-type": SERVICE, "start": ["ge2026-01-05T12:00:00Z", "lt2026-01-09T12:00:00Z"]}
        needed["-location"] = _some_id(desk, number, "Location")
        return needed | ({"_count": "9"} if name == "_count" else {})
    if type == "Appointment" and name in ("practitioner", "location"):
        week = ["ge2026-01-05T00:00:00Z", "lt2026-01-12T00:00:00Z"]
        return {name: _some_id(desk, number, name.capitalize()), "date": week}
    if type == "Appointment":
        when = {name: "ge2020-01-01T00:00:00Z"} if "date" in name else {"date": "ge2020-01-01T00:00:00Z"}
        return {"patient": patient, **when} | ({"status": "booked"} if name == "status" else {})
    if name == "-encounter":
        return {name: _some_id(desk, number, "Encounter")}
    if name == "period":
        return {"patient": patient, name: ["ge2020-01-01", "lt2025-01-01"]}
    if name in ("patient", "subject"):
        return {name: patient if name == "patient" else f"Patient/{patient}"}
    values = {
        "identifier": "123456789012",
        "encounter": "4711",
        "_count": "7",
        "date": "ge2020-01-01",
        "_lastUpdated": "ge2020-01-01T00:00:00Z",
        "-timing-boundsPeriod": "ge2020-01-01T00:00:00Z",
    }
    return ({} if name == "identifier" else {"patient": patient}) | {name: values.get(name, "active")}


def _some_id(desk: Desk, number: int, type: str) -> str:
    if type == "Provenance":
        return f"pat-{desk.patient(number)}"
    if type == "Organization":
        return desk.get("Organization").ids[0]
    if type in ("Slot", "Schedule"):
        return str(desk.get("Slot", _example(desk, number, "Slot", "start")).ids[0])
    if type == "Binary":
        url = desk.payloads(number, "DocumentReference")[0]["content"][0]["attachment"]["url"]
        return str(url.partition("/")[2])
    encounter = desk.payloads(number, "Encounter")[0]
    if type == "Location":
        return encounter["location"][0]["location"]["reference"].partition("/")[2]
    if type == "Practitioner":
        return encounter["participant"][0]["individual"]["reference"].partition("/")[2]
    return desk.payloads(number, type)[0]["id"]


def test_the_statement_carries_the_day_of_the_request(desk: Desk) -> None:
    told = desk.send("GET", f"{desk.root}/metadata").json
    assert told["date"] == desk.sandbox.clock.wall().date().isoformat()


def test_a_trailing_slash_changes_nothing(desk: Desk) -> None:
    assert desk.send("GET", f"{desk.root}/metadata/").status == 200
