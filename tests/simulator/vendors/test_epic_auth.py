"""Epic's token endpoint and what a token opens. SOURCES.md, "Tokens" and "Refusals"; traps E9, E24, E25, E27."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from simulator.auth.keyring import key
from simulator.exchange import Reply
from simulator.vendors.epic import licences
from simulator.vendors.epic.auth import SERVER_KEY
from simulator.vendors.epic.paths import FHIR, ROOT, TOKEN
from tests.simulator.vendors.epic_door import BASE, WALL, Door, number_of_jti, read

NOW = int(WALL.timestamp())


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


def refusal(door: Door) -> str:
    """The rule that the journal names for the last exchange."""
    return door.last.refusal


def assert_invalid_client(answer: Reply) -> None:
    assert answer.status == 400
    assert json.loads(answer.body) == {"error": "invalid_client", "error_description": None}


def test_a_good_assertion_gives_an_hour(door: Door) -> None:
    answer = door.ask_token(door.assertion(door.claims()))
    granted = read(answer)
    assert answer.status == 200
    assert (granted["token_type"], granted["expires_in"]) == ("Bearer", 3600)
    assert answer.header("content-type") == "application/json; charset=utf-8"
    assert door.get(f"Patient/{door.fhir_id(1)}", token=granted["access_token"]).status == 200


def test_the_token_is_a_signed_jwt_of_the_wall_clock(door: Door) -> None:
    text = read(door.ask_token(door.assertion(door.claims())))["access_token"]
    claims = jwt.decode(text, key(SERVER_KEY).joserfc, algorithms=["RS256"]).claims
    assert claims["aud"] == "urn:oid:fhir"
    assert claims["client_id"] == door.client().client_id
    assert claims["epic.tokentype"] == "access"
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["iat"] == NOW


def test_two_tokens_are_never_the_same(door: Door) -> None:
    texts = {read(door.ask_token(door.assertion(door.claims())))["access_token"] for _ in range(3)}
    assert len(texts) == 3


@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512"])
def test_three_algorithms_are_taken(door: Door, alg: str) -> None:
    assert door.ask_token(door.assertion(door.claims(), alg=alg)).status == 200


def test_a_kid_is_recommended_not_required(door: Door) -> None:
    client = door.client()
    assert client.key is not None
    text = jwt.encode({"alg": "RS384"}, door.claims(), client.key.joserfc, algorithms=["RS384"])
    assert door.ask_token(text).status == 200


BROKEN: dict[str, dict[str, Any]] = {
    "exp_too_far": {"exp": NOW + 6 * 60},
    "expired": {"exp": NOW - 1},
    "exp_missing": {"exp": None},
    "aud_mismatch": {"aud": BASE + TOKEN + "/"},
    "aud_missing": {"aud": None},
    "iss_sub_mismatch": {"sub": "somebody else"},
    "client_unknown": {"iss": "somebody else", "sub": "somebody else"},
    "jti_missing": {"jti": None},
    "jti_not_string": {"jti": 17},
    "jti_too_long": {"jti": "x" * 152},
    "iat_future": {"iat": NOW + 90},
    "nbf_future": {"nbf": NOW + 30},
    "life_too_long": {"iat": NOW - 120},
}


@pytest.mark.parametrize("reason", BROKEN)
def test_a_broken_rule_is_in_the_journal_and_not_in_the_answer(door: Door, reason: str) -> None:
    answer = door.ask_token(door.assertion(door.claims(**BROKEN[reason])))
    assert_invalid_client(answer)
    assert refusal(door)
    assert door.last.notes["assertion"]["claims"]


def test_an_audience_in_an_array_is_another_audience(door: Door) -> None:
    assert_invalid_client(door.ask_token(door.assertion(door.claims(aud=[BASE + TOKEN]))))


def test_a_jti_serves_once(door: Door) -> None:
    jti = number_of_jti()
    assert door.ask_token(door.assertion(door.claims(jti=jti))).status == 200
    assert_invalid_client(door.ask_token(door.assertion(door.claims(jti=jti))))
    assert "used before" in refusal(door)


def test_the_longest_jti_has_151_letters(door: Door) -> None:
    assert door.ask_token(door.assertion(door.claims(jti="j" * 151))).status == 200


def test_another_clients_key_does_not_sign(door: Door) -> None:
    assert_invalid_client(door.ask_token(door.assertion(door.claims(), "demographics")))


@pytest.mark.parametrize(
    ("alg", "made"), [("ES384", ECKey.generate_key("P-384")), ("HS256", OctKey.import_key("s" * 64))]
)
def test_only_rsa_keys_sign_while_keys_are_registered_by_hand(door: Door, alg: str, made: ECKey | OctKey) -> None:
    assert_invalid_client(door.ask_token(jwt.encode({"alg": alg}, door.claims(), made, algorithms=[alg])))


def test_a_secret_is_no_way_in(door: Door) -> None:
    assert_invalid_client(door.ask_token(door.assertion(door.claims()), client_secret="x"))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("grant_type=password", "unsupported_grant_type"),
        ("", "invalid_request"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
    ],
)
def test_other_requests_are_refused_with_a_null_description(door: Door, body: str, error: str) -> None:
    answer = door.call("POST", TOKEN, body=body, token="", content_type="application/x-www-form-urlencoded")
    assert answer.status == 400
    assert json.loads(answer.body) == {"error": error, "error_description": None}


def test_granted_scopes_are_more_than_asked_in_another_order_and_mixed_case(door: Door) -> None:
    asked = "system/Patient.read"
    granted = read(door.ask_token(door.assertion(door.claims()), scope=asked))["scope"].split()
    assert len(granted) > 1
    assert any(scope.endswith(".Read") for scope in granted)
    assert any(scope.endswith(".read") for scope in granted)
    assert {scope.lower() for scope in granted} > {scope.lower() for scope in door.client().scopes}


def test_a_site_may_word_what_it_grants_in_version_2_whatever_was_asked() -> None:
    door = Door()
    door.site.settings["granted_words"] = "v2"
    granted = read(door.ask_token(door.assertion(door.claims()), scope="system/Patient.read"))["scope"].split()
    assert granted == sorted(granted)
    assert {"system/Patient.r", "system/Patient.s", "system/Claim.cu"} <= set(granted)
    assert not any(scope.lower().endswith((".read", ".write")) for scope in granted)
    assert door.get(f"Patient/{door.fhir_id(1)}").status == 200


def test_no_token_and_a_dead_token_give_the_bare_string(door: Door) -> None:
    for token in ("", "made-up"):
        answer = door.get(f"Patient/{door.fhir_id(1)}", token=token)
        assert (answer.status, answer.body) == (401, b'""')
        assert 'error="invalid_token"' in (answer.header("www-authenticate") or "")
        assert answer.header("content-type") == "application/json; charset=utf-8"


def test_a_token_dies_after_an_hour_of_sandbox_time() -> None:
    door = Door()
    path = f"Patient/{door.fhir_id(1)}"
    assert door.get(path).status == 200
    door.sandbox.clock.advance(timedelta(minutes=59, seconds=59))
    assert door.get(path).status == 200
    door.sandbox.clock.advance(timedelta(seconds=1))
    assert door.get(path).status == 401


def test_a_type_outside_the_registration_is_403_without_a_word(door: Door) -> None:
    answer = door.get("Condition", f"patient={door.fhir_id(1)}", token=door.token("demographics"))
    assert (answer.status, answer.body) == (403, b"")
    assert answer.header("content-type") is None
    assert 'error="insufficient_scope"' in (answer.header("www-authenticate") or "")


def test_the_ready_made_client_may_read_every_type_that_the_site_may_tell(door: Door) -> None:
    assert {scope.split("/")[1].split(".")[0] for scope in door.client().scopes} == set(licences.held(door.site))


def test_the_keys_that_sign_tokens_are_published(door: Door) -> None:
    configuration = read(door.call("GET", f"{FHIR}/.well-known/smart-configuration", token=""))
    answer = door.call("GET", configuration["jwks_uri"].removeprefix(BASE), token="")
    assert configuration["jwks_uri"].startswith(BASE + ROOT)
    assert read(answer)["keys"][0]["n"] == key(SERVER_KEY).public_jwk["n"]
