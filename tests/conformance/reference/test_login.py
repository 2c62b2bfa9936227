"""How the reference proves who it is and keeps its token: RFC 6749, RFC 6750, SMART backend services.

client → token endpoint (Basic, or a signed assertion) → token → many calls, one login; 401 → one login, one replay.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from urllib.parse import parse_qs

import httpx
from joserfc import jwt

from conformance.reference.driver import Driver

URLS_TOKEN = "https://emr.test/epic/token"
REFUSED = {"error": "invalid_client", "error_description": None}


def assertion_of(request: httpx.Request, key):
    text = parse_qs(request.content.decode())["client_assertion"][0]
    return jwt.decode(text, key, algorithms=["RS384"])


def signed_by(key):
    return {
        "auth": "private_key_jwt",
        "client_id": "me",
        "kid": "k1",
        "private_key_pem": key.as_pem(private=True).decode(),
    }


def test_an_assertion_has_every_claim_and_lives_less_than_five_minutes(net, reading, bundle, key):
    wire = net(lambda request: bundle())
    wire.run(reading("immunization"), auth=signed_by(key))
    token = assertion_of(wire.logins[0], key)
    claims = token.claims
    assert token.header == {"alg": "RS384", "typ": "JWT", "kid": "k1"}
    assert claims["iss"] == claims["sub"] == "me"
    assert claims["aud"] == URLS_TOKEN
    assert isinstance(claims["jti"], str)
    assert 0 < claims["exp"] - claims["iat"] <= 300


def test_each_attempt_to_log_in_signs_a_new_assertion(net, reading, bundle, key):
    wire = net(lambda request: bundle())
    wire.token = lambda request: httpx.Response(503) if len(wire.logins) < 3 else wire.fresh_token(request)
    (answer,) = wire.run(reading("immunization"), auth=signed_by(key))
    assert answer["status"] == "ok"
    assert len({assertion_of(request, key).claims["jti"] for request in wire.logins}) == 3


def test_a_secret_goes_into_the_basic_header_and_nowhere_else(net, reading, bundle):
    wire = net(lambda request: bundle())
    wire.run(reading("immunization"))
    (login,) = wire.logins
    assert b64decode(login.headers["Authorization"].removeprefix("Basic ")) == b"me:s3cret"
    assert b"s3cret" not in login.content
    assert "s3cret" not in str(login.url)


def test_a_certificate_is_no_secret_and_the_form_names_the_client_alone(net, reading, bundle):
    wire = net(lambda request: bundle())
    wire.run(reading("immunization"), auth={"auth": "tls_client_auth", "client_id": "me", "private_key_pem": "x"})
    (login,) = wire.logins
    assert parse_qs(login.content.decode()) == {"grant_type": ["client_credentials"], "client_id": ["me"]}
    assert "Authorization" not in login.headers


def test_a_certificate_that_is_none_is_a_mistake_of_the_configuration(key):
    auth = signed_by(key) | {"auth": "tls_client_auth", "certificate_pem": "no certificate"}
    configure = {
        "op": "configure", "case": "c", "vendor": "epic", "auth": auth,
        "urls": {"base_url": "https://emr.test", "fhir_url": "https://emr.test/R4", "token_url": URLS_TOKEN},
    }  # fmt: skip
    answer = asyncio.run(Driver().answer(configure))
    assert (answer["status"], answer["errors"][0]["class"]) == ("error", "config")


def test_many_reads_share_one_token(net, reading, bundle):
    wire = net(lambda request: bundle())
    wire.run(*[reading("immunization", "encounter")] * 10, vendor="cerner")
    assert len(wire.logins) == 1
    assert {request.headers["Authorization"] for request in wire.calls} == {"Bearer t1"}


def test_a_token_is_renewed_before_its_own_time_is_over_even_if_that_is_told_as_text(net, reading, bundle):
    wire = net(lambda request: bundle())
    wire.token = lambda request: httpx.Response(200, json={"access_token": f"t{len(wire.logins)}", "expires_in": "60"})

    def later(request):
        wire.now += 55
        return bundle()

    wire.data = later
    wire.run(reading("immunization"), reading("immunization"))
    assert [request.headers["Authorization"] for request in wire.calls] == ["Bearer t1", "Bearer t2"]


def test_one_401_leads_to_one_login_and_one_replay(net, reading, bundle):
    wire = net(lambda request: httpx.Response(401) if "t1" in request.headers["Authorization"] else bundle("i1"))
    (answer,) = wire.run(reading("immunization"))
    assert answer["status"] == "ok"
    assert (len(wire.logins), len(wire.calls)) == (2, 2)
    assert wire.calls[0].url == wire.calls[1].url


def test_twenty_kinds_that_meet_a_dead_token_log_in_once(net, reading, bundle):
    def data(request):
        if "t1" in request.headers["Authorization"]:
            return httpx.Response(401)
        return bundle()

    wire = net(data)
    (answer,) = wire.run(reading("immunization", "encounter", "allergy", "medication"), vendor="cerner")
    assert answer["status"] == "ok"
    assert len(wire.logins) == 2


def test_a_second_401_is_final_and_stops_all_login_traffic(net, reading):
    wire = net(lambda request: httpx.Response(401))
    first, second = wire.run(reading("immunization"), reading("immunization", "encounter"), vendor="cerner")
    assert (len(wire.logins), len(wire.calls)) == (2, 2)
    errors = first["errors"] + second["errors"]
    assert {(error["class"], error["retryable"]) for error in errors} == {("auth", False)}
    assert (first["status"], second["status"]) == ("error", "error")


def test_a_rejected_client_asks_once_and_reports_it(net, reading):
    wire = net(lambda request: httpx.Response(500), lambda request: httpx.Response(400, json=REFUSED))
    first, second = wire.run(reading("immunization"), reading("immunization"))
    assert (len(wire.logins), len(wire.calls)) == (1, 0)
    assert [answer["errors"][0]["class"] for answer in (first, second)] == ["auth", "auth"]
    assert first["errors"][0]["vendor_code"] == "invalid_client"


def test_a_practice_that_is_not_granted_is_no_reason_to_log_in_again(net, reading):
    wire = net(
        lambda request: httpx.Response(401, json={"detailedmessage": "Bad auth.", "error": "Incorrect permissions."})
    )
    (answer,) = wire.run(reading("immunization"))
    assert (len(wire.logins), answer["errors"][0]["class"]) == (1, "forbidden")


def test_an_api_key_needs_no_login(net, reading, bundle):
    wire = net(lambda request: bundle("i1"))
    auth = {"auth": "api_key", "client_id": "me", "api_key": "k", "header": "X-Key"}
    (answer,) = wire.run(reading("immunization"), auth=auth)
    assert (answer["status"], len(wire.logins)) == ("ok", 0)
    assert wire.calls[0].headers["X-Key"] == "k"


def test_a_token_endpoint_that_answers_something_else_is_an_invalid_response(net, reading):
    wire = net(lambda request: httpx.Response(500), lambda request: httpx.Response(200, json=["no", "token"]))
    (answer,) = wire.run(reading("immunization"))
    assert len(wire.logins) == 2
    assert answer["errors"][0]["class"] == "invalid_response"
