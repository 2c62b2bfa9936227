"""Getting in: the token door with each way to prove a client, and what tokens and API keys open, for how long."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from simulator.auth.assertion import peek
from simulator.auth.request import assertion, token_request
from simulator.journal.entry import entry_of
from simulator.vendors.athena import VENDOR
from simulator.vendors.athena.auth import MDP
from tests.simulator.vendors.athena_client import BASE, FORM, Athena


@pytest.fixture(scope="module")
def athena() -> Athena:
    return Athena()


def _sent(athena: Athena, form: dict[str, str], headers: dict[str, str] | None = None) -> tuple[int, dict[str, str]]:
    answer = athena.call(
        "POST",
        "/oauth2/v1/token",
        headers={"content-type": FORM, **(headers or {})},
        body=urlencode(form).encode(),
    )
    return answer.status, answer.json


def test_a_secret_may_stand_in_the_header_or_in_the_form(athena: Athena) -> None:
    client = athena.client()
    assert athena.ask_token().status == 200
    form = {
        "grant_type": "client_credentials",
        "scope": MDP,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
    }
    status, told = _sent(athena, form)
    assert status == 200
    assert told["access_token"]


def test_a_signed_assertion_gets_a_token_once(athena: Athena) -> None:
    url = f"{BASE}/oauth2/v1/token"
    client = athena.client("service-key").as_dict(url)
    headers, body = token_request(client)
    for expected in (200, 401):
        sent = {name.lower(): value for name, value in headers.items()}
        answer = athena.call("POST", "/oauth2/v1/token", headers=sent, body=body.encode())
        assert answer.status == expected
    assert answer.exchange.refusal.startswith("jti")
    assert answer.exchange.notes["assertion"]["header"]["kid"] == "athena-app-1"


def test_an_assertion_for_another_audience_is_refused(athena: Athena) -> None:
    client = athena.client("service-key").as_dict("https://elsewhere.test/token")
    form = {
        "grant_type": "client_credentials",
        "scope": MDP,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion(client),
    }
    assert _sent(athena, form)[1]["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "system/Patient.write"}, 400, "invalid_scope"),
        ({"scope": f"{MDP} system/CarePlan.read"}, 400, "invalid_scope"),
        ({"scope": ""}, 400, "invalid_scope"),
        ({"grant_type": ""}, 400, "invalid_request"),
    ],
)
def test_a_wrong_token_request_is_refused_as_a_whole(
    athena: Athena, changes: dict[str, str], status: int, error: str
) -> None:
    client = athena.client()
    form = {
        "grant_type": "client_credentials",
        "scope": MDP,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        **changes,
    }
    told_status, told = _sent(athena, form)
    assert (told_status, told["error"]) == (status, error)


def test_a_wrong_secret_and_an_unknown_client_are_told_alike(athena: Athena) -> None:
    client = athena.client()
    wrong = {"client_id": client.client_id, "client_secret": "wrong"}
    unknown = {"client_id": "0oanobody", "client_secret": client.client_secret}
    form = {"grant_type": "client_credentials", "scope": MDP}
    assert _sent(athena, form | wrong) == _sent(athena, form | unknown)
    assert _sent(athena, form | wrong)[0] == 401


def test_a_token_request_in_json_is_refused(athena: Athena) -> None:
    answer = athena.call("POST", "/oauth2/v1/token", headers={"content-type": "application/json"}, body=b"{}")
    assert (answer.status, answer.json["error"]) == (400, "invalid_request")


def test_a_token_is_a_jwt_of_the_identity_provider(athena: Athena) -> None:
    peeked = peek(athena.token)
    assert peeked is not None
    header, claims = peeked
    assert claims["iss"] == f"{BASE}/idp/oauth2/aus2hff5eqFb7Wqfh297"
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["cid"] == athena.client().client_id
    keys = athena.call("GET", "/oauth2/v1/keys").json["keys"]
    assert header["kid"] in {key["kid"] for key in keys}
    assert all("d" not in key for key in keys)


def test_a_token_lives_an_hour() -> None:
    athena = Athena()
    assert athena.rest("/ping").status == 200
    athena.clock.advance(timedelta(minutes=59, seconds=59))
    assert athena.rest("/ping").status == 200
    athena.clock.advance(timedelta(seconds=1))
    assert athena.rest("/ping").status == 401


def test_a_revoked_token_is_as_good_as_none() -> None:
    athena = Athena()
    assert athena.rest("/ping").status == 200
    athena.site.tokens.revoke_all()
    assert athena.rest("/ping").status == 401


def test_the_rest_api_wants_its_own_scope_and_fhir_one_a_type(athena: Athena) -> None:
    narrow = athena.ask_token(scope="system/Patient.read").json["access_token"]
    held = {"authorization": f"Bearer {narrow}"}
    assert athena.call("GET", f"/fhir/r4/Patient/{athena.fhir_id(0)}", headers=held).status == 200
    refused = athena.call("GET", "/fhir/r4/Observation/a-195900.vitalamb-1", headers=held)
    assert (refused.status, refused.json["issue"][0]["code"]) == (403, "forbidden")
    assert athena.call("GET", "/v1/195900/ping", headers=held).status == 403
    rest = athena.ask_token(scope=MDP).json["access_token"]
    assert athena.call("GET", "/v1/195900/ping", headers={"authorization": f"Bearer {rest}"}).status == 200
    assert (
        athena.call("GET", f"/fhir/r4/Patient/{athena.fhir_id(0)}", headers={"authorization": f"Bearer {rest}"}).status
        == 403
    )


def test_an_api_key_opens_what_a_token_opens(athena: Athena) -> None:
    client = athena.client("api-key")
    told = client.as_dict("")
    held = {told["header"]: told["api_key"]}
    assert athena.call("GET", "/v1/195900/departments", headers=held).status == 200
    assert athena.call("GET", f"/fhir/r4/Patient/{athena.fhir_id(0)}", headers=held).status == 200
    wrong = athena.call("GET", "/v1/195900/departments", headers={told["header"]: "wrong"})
    assert (wrong.status, wrong.headers["x-mashery-error-code"]) == (401, "ERR_403_DEVELOPER_INACTIVE")


def test_an_api_key_has_a_quota_of_its_own() -> None:
    athena = Athena()
    athena.site.limits.set("day", calls=1)
    assert athena.rest("/ping").status == 200
    assert athena.rest("/ping").status == 403
    client = athena.client("api-key")
    assert athena.call("GET", "/v1/195900/ping", headers={client.header: client.api_key}).status == 200


def test_clients_are_the_same_for_the_same_population_and_differ_otherwise() -> None:
    one, same, other = Athena(seed=7), Athena(seed=7), Athena(seed=8)
    assert VENDOR.clients(one.site) == VENDOR.clients(same.site)
    assert {c.client_id for c in VENDOR.clients(one.site)}.isdisjoint(c.client_id for c in VENDOR.clients(other.site))


def test_rest_answers_tell_the_daily_quota_and_fhir_answers_do_not() -> None:
    athena = Athena()
    athena.site.limits.set("day", calls=50_000)
    first, second = athena.rest("/ping"), athena.rest("/ping")
    assert first.headers["x-ratelimit-limit"] == "50000"
    assert int(first.headers["x-ratelimit-remaining"]) - int(second.headers["x-ratelimit-remaining"]) == 1
    assert "x-ratelimit-limit" not in athena.fhir(f"Patient/{athena.fhir_id(0)}").headers
    assert "x-ratelimit-limit" not in athena.call("GET", "/fhir/r4/metadata").headers


def test_the_door_of_the_identity_provider_that_we_lack_says_so(athena: Athena) -> None:
    answer = athena.call("GET", "/oauth2/v1/logout")
    assert (answer.status, answer.headers["x-emr-sandbox"]) == (501, "not-simulated")


def test_the_journal_knows_who_asked_for_a_token_and_no_secret(athena: Athena) -> None:
    client = athena.client()
    answer = athena.ask_token()
    entry = entry_of(answer.exchange)
    assert entry["client"] == client.client_id
    written = str(entry)
    assert client.client_secret not in written
    assert answer.json["access_token"] not in written
