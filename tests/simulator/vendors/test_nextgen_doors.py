"""NextGen's doors: service accounts and login defaults, patient access, messages; 501 behind.

POST /nge/prod/nge-oauth/token                  grant_type, client_id, client_secret, site_id in the body
PUT  /nge/prod/nge-api/api/users/me/login-defaults   →  header x-ng-sessionid, which every later call sends
GET  /nge/prod/fhir-api-r4/fhir/r4/Patient      who the patient is, when the token answer does not tell
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from simulator import registry
from simulator.auth import users
from simulator.sandbox import Sandbox
from simulator.server import Running
from tests.simulator import smart_app
from tests.simulator.smart_app import App

ZERO = "00000000-0000-0000-0000-000000000000"
Call = Callable[..., httpx.Response]


@pytest.fixture
def base(doors_server: Running, doors: Sandbox) -> str:
    return doors_server.base_url(doors, "nextgen")


@pytest.fixture
def clients(control: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in httpx.get(f"{control}/clients").json()["nextgen"]}


def form_of(service: dict[str, Any], **changes: str | None) -> dict[str, str]:
    """The form of a token request; a change to None takes a member away."""
    made = {
        "grant_type": "client_credentials",
        "client_id": service["client_id"],
        "client_secret": service["client_secret"],
        **service["token_form"],
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


@pytest.fixture
def token(clients: dict[str, dict[str, Any]]) -> str:
    service = clients["service"]
    told: str = httpx.post(service["token_url"], data=form_of(service)).json()["access_token"]
    return told


@pytest.fixture
def call(base: str, token: str) -> Call:
    """`call("GET", "core/version")` as the service account."""

    def asked(method: str, path: str, *, session: str | None = None, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}", **({"X-NG-SessionId": session} if session is not None else {})}
        return httpx.request(method, f"{base}/nge/prod/nge-api/api/{path}", headers=headers, **more)

    return asked


def is_gap(answer: httpx.Response) -> bool:
    return answer.status_code == 501 and answer.headers["x-emr-sandbox"] == "not-simulated"


# Service accounts


def test_a_service_account_gets_a_token_for_an_hour_and_no_refresh_token(clients: dict[str, dict[str, Any]]) -> None:
    service = clients["service"]
    answer = httpx.post(service["token_url"], data=form_of(service))
    told = answer.json()
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 3600)
    assert "refresh_token" not in told
    assert b"\r\n" in answer.content, "indented with CRLF"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"site_id": None}, "invalid_request"),
        ({"site_id": ZERO}, "invalid_grant"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "unknown"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_what_is_wrong_with_a_token_request_is_refused(
    clients: dict[str, dict[str, Any]], changes: dict[str, str | None], error: str
) -> None:
    answer = httpx.post(clients["service"]["token_url"], data=form_of(clients["service"], **changes))
    assert (answer.status_code, answer.json()) == (400, {"error": error})


def test_id_and_secret_belong_into_the_body(clients: dict[str, dict[str, Any]]) -> None:
    service = clients["service"]
    form = form_of(service, client_id=None, client_secret=None)
    answer = httpx.post(service["token_url"], data=form, auth=(service["client_id"], service["client_secret"]))
    assert answer.json() == {"error": "invalid_client"}


@pytest.mark.parametrize("shown", ["", "Bearer nonsense", "Basic eDp5"])
def test_whoever_is_not_in_hears_a_text_that_is_no_json(base: str, shown: str) -> None:
    headers = {"authorization": shown} if shown else {}
    answer = httpx.get(f"{base}/nge/prod/nge-api/api/persons/lookup", headers=headers)
    assert (answer.status_code, answer.text) == (401, "invalid access token")
    assert answer.headers["x-cache"] == "Error from cloudfront"


def test_a_token_ends_after_an_hour(control: str, call: Call) -> None:
    assert call("GET", "core/version").status_code == 200
    httpx.post(f"{control}/clock/advance", json={"seconds": 3601})
    assert call("GET", "core/version").text == "invalid access token"


def test_header_and_body_tell_two_versions(call: Call) -> None:
    answer = call("GET", "core/version")
    assert answer.headers["api-version"] != answer.json()["version"]
    assert not [name for name in answer.headers if "limit" in name.lower()], "nothing tells of a quota"


def test_a_service_account_may_not_write(call: Call) -> None:
    answer = call("POST", "persons", json={"lastName": "x"})
    assert (answer.status_code, answer.content) == (403, b"")
    assert answer.headers["content-type"] == "application/json"


# The second key


def test_a_session_is_made_of_what_the_lists_tell(call: Call) -> None:
    enterprise = call("GET", "master/enterprises").json()
    assert (enterprise["nextPageLink"], enterprise["count"]) == (None, None)
    practices = call("GET", "master/practices?$count=true").json()
    assert practices["count"] == len(practices["items"]) > 1
    ids = [one["id"] for one in practices["items"]]
    assert all(id.startswith("0") and len(id) == 4 for id in ids), "padded: a number would lose the zeros"
    said = {"enterpriseId": enterprise["items"][0]["id"], "practiceId": ids[1]}
    answer = call("PUT", "users/me/login-defaults", json=said)
    assert answer.status_code == 200
    session = answer.headers["x-ng-sessionid"]
    assert session not in answer.text, "it is in the header only"
    assert is_gap(call("GET", "persons/lookup", session=session))


def test_defaults_say_none_in_two_ways(call: Call) -> None:
    told = call("GET", "users/me/login-defaults").json()
    assert (told["practiceId"], told["locationId"]) == (None, ZERO)
    assert all(link["href"] and link["vendorExtensions"]["baseHref"] for link in told["_links"])


def test_without_a_session_the_accounts_own_defaults_count(call: Call) -> None:
    answer = call("GET", "persons/lookup")
    assert answer.status_code == 400
    assert answer.json()["message"]
    call("PUT", "users/me/login-defaults", json={"enterpriseid": "00001", "PRACTICEID": "0002"})
    assert is_gap(call("GET", "persons/lookup"))
    assert call("GET", "users/me/login-defaults").json()["practiceId"] == "0002"


def test_a_session_is_the_same_for_the_same_defaults_and_outlives_the_token(
    control: str, call: Call, clients: dict[str, dict[str, Any]], base: str
) -> None:
    first, again, other = (
        call("PUT", "users/me/login-defaults", json={"practiceId": practice}).headers["x-ng-sessionid"]
        for practice in ("0001", "0001", "0002")
    )
    assert first == again != other
    httpx.post(f"{control}/clock/advance", json={"seconds": 7200})
    service = clients["service"]
    fresh = httpx.post(service["token_url"], data=form_of(service)).json()["access_token"]
    headers = {"authorization": f"Bearer {fresh}", "x-ng-sessionid": first}
    assert is_gap(httpx.get(f"{base}/nge/prod/nge-api/api/persons/lookup", headers=headers))


def test_the_header_decides_in_which_practice_a_call_works(control: str, call: Call) -> None:
    one = call("PUT", "users/me/login-defaults", json={"practiceId": "0001"}).headers["x-ng-sessionid"]
    call("PUT", "users/me/login-defaults", json={"practiceId": "0002"})
    call("GET", "persons/lookup", session=one)
    call("GET", "persons/lookup")
    seen = httpx.get(f"{control}/journal?path=*/persons/lookup").json()["exchanges"]
    assert [exchange["notes"]["practice"] for exchange in seen] == ["0001", "0002"]


@pytest.mark.parametrize("session", ["nonsense", "", base64.b64encode(b"x" * 40).decode()])
def test_a_session_that_nobody_gave_is_refused(call: Call, session: str) -> None:
    assert call("GET", "persons/lookup", session=session).status_code == 400


@pytest.mark.parametrize("body", [b"[]", b"no json", b'{"practiceId": "9999"}', b'{"enterpriseId": "7"}'])
def test_defaults_that_are_none_are_refused(call: Call, body: bytes) -> None:
    answer = call("PUT", "users/me/login-defaults", content=body)
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert "x-ng-sessionid" not in answer.headers


def test_a_route_that_is_not_there_gives_away_a_machine_inside(call: Call) -> None:
    answer = call("GET", "nonsense")
    assert answer.status_code == 404
    assert "http://127.0.0.1:889/" in answer.json()["message"]


def test_a_used_up_day_is_200_and_nothing(control: str, call: Call) -> None:
    httpx.put(f"{control}/limits", json={"vendor": "nextgen", "name": "day", "calls": 2})
    answers = [call("GET", "core/version") for _ in range(3)]
    assert [(one.status_code, bool(one.content)) for one in answers] == [(200, True), (200, True), (200, False)]
    httpx.post(f"{control}/clock/advance", json={"seconds": 86_400})


def test_a_used_up_minute_is_429_and_no_word_of_when(control: str, call: Call) -> None:
    httpx.put(f"{control}/limits", json={"vendor": "nextgen", "name": "minute", "calls": 1})
    assert call("GET", "core/version").status_code == 200
    answer = call("GET", "core/version")
    assert (answer.status_code, answer.content) == (429, b"")
    assert "retry-after" not in answer.headers


# API keys


def test_a_gateways_api_key_reads_and_rotates_with_an_overlap(
    base: str, control: str, clients: dict[str, dict[str, Any]]
) -> None:
    def asks(key: str, method: str = "GET") -> int:
        url = f"{base}/nge/prod/nge-api/api/master/enterprises"
        return httpx.request(method, url, headers={"X-API-Key": key}).status_code

    old = clients["gateway-key"]["api_key"]
    assert (asks(old), asks(old, "POST"), asks("wrong")) == (200, 403, 401)
    httpx.post(f"{control}/vendors/nextgen/rotate-keys", json={"client": "gateway-key", "overlap_s": 60})
    fresh = next(one for one in httpx.get(f"{control}/clients").json()["nextgen"] if one["name"] == "gateway-key")
    assert (asks(old), asks(fresh["api_key"])) == (200, 200)
    httpx.post(f"{control}/clock/advance", json={"seconds": 61})
    assert (asks(old), asks(fresh["api_key"])) == (401, 200)


def test_messages_need_an_account_and_an_api_key_of_the_same_client(
    base: str, clients: dict[str, dict[str, Any]]
) -> None:
    bridge, url = clients["bridge"], f"{base}/messaging/mcservice"
    account = (bridge["username"], bridge["password"])

    def brings(key: str | None, auth: Any) -> httpx.Response:
        headers = {"content-type": "text/plain; charset=UTF-8", **({bridge["header"]: key} if key else {})}
        return httpx.post(url, content=b"MSH|^~\\&|x", headers=headers, auth=auth)

    assert is_gap(brings(bridge["api_key"], account))
    for key, auth in (
        (None, account),
        (clients["gateway-key"]["api_key"], account),
        (bridge["api_key"], None),
        (bridge["api_key"], (bridge["username"], "wrong")),
    ):
        assert brings(key, auth).status_code == 401


# Patient access


@pytest.fixture
def app(doors_server: Running, doors: Sandbox, browser: httpx.Client) -> App:
    scopes = ["openid", "offline_access", "launch/patient", "launch", "patient/*.*"]
    return smart_app.registered(doors_server, doors, "nextgen", browser, persona="patient", scopes=scopes)


def redeemed(app: App, patient: int = 3) -> dict[str, Any]:
    """The token answer of a login; patient access has a token endpoint of its own."""
    form = {
        "grant_type": "authorization_code", "code": app.code(patient), "redirect_uri": app.redirect_uri,
        "code_verifier": smart_app.VERIFIER,
    }  # fmt: skip
    answer = app.post(app.client["token_url"], form)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_patient_is_let_in_and_asks_who_it_is(app: App) -> None:
    told = redeemed(app)
    assert "patient" not in told, "the answer need not tell"
    bundle = app.get("Patient", told["access_token"]).json()
    assert [one["resource"]["id"] for one in bundle["entry"]] == [app.fhir_id(3)]
    patient = app.get(f"Patient/{app.fhir_id(3)}", told["access_token"]).json()
    assert patient["identifier"][0]["type"]["text"] == "Medical Record Number"
    assert len(patient["identifier"][0]["value"]) == 12
    assert patient["birthDate"] == app.sandbox.world.person(3).birth  # type: ignore[union-attr]


def test_a_site_may_tell_the_patient(app: App) -> None:
    app.site.settings["patient_told"] = True
    assert redeemed(app)["patient"] == app.fhir_id(3)


def test_another_patient_is_access_denied_in_an_array(app: App) -> None:
    answer = app.get(f"Patient/{app.fhir_id(4)}", redeemed(app)["access_token"])
    assert (answer.status_code, answer.json()) == (403, ["Access denied"])


def test_somebody_else_is_a_bundle_without_entries(app: App) -> None:
    bundle = app.get("Patient", redeemed(app)["access_token"], _id=app.fhir_id(4)).json()
    assert "entry" not in bundle


def test_both_spellings_of_the_base_work(app: App) -> None:
    told = redeemed(app)
    url = app.fhir_url.removesuffix("r4") + f"R4/Patient/{app.fhir_id(3)}"
    assert app.http.get(url, headers={"authorization": f"Bearer {told['access_token']}"}).status_code == 200


def test_other_types_are_our_gap_and_nonsense_is_not(app: App) -> None:
    told = redeemed(app)
    assert is_gap(app.get("Condition", told["access_token"], patient=app.fhir_id(3)))
    assert app.get("Nonsense", told["access_token"]).status_code == 404


def test_a_refresh_token_lasts_two_days_and_is_exchanged(app: App) -> None:
    def refresh(text: str) -> httpx.Response:
        return app.post(app.client["token_url"], {"grant_type": "refresh_token", "refresh_token": text})

    first = redeemed(app)["refresh_token"]
    app.later(hours=47)
    second = refresh(first).json()["refresh_token"]
    assert second != first
    app.later(hours=49)
    assert refresh(second).json() == {"error": "invalid_grant"}


def test_two_documents_name_two_issuers_and_the_id_token_follows_one(app: App) -> None:
    smart = app.discover()
    openid = app.http.get(f"{app.fhir_url}/.well-known/openid-configuration").json()
    assert smart["issuer"] != openid["issuer"]
    assert smart["jwks_uri"] != openid["jwks_uri"]
    assert app.http.get(smart["jwks_uri"]).json() == app.http.get(openid["jwks_uri"]).json()
    assert smart_app.claims_of(redeemed(app)["id_token"])["iss"] == smart["issuer"]


def test_what_is_open_and_what_is_not(app: App) -> None:
    statement = app.http.get(f"{app.fhir_url}/metadata").json()
    assert statement["software"]["name"] == "Nextgen FHIR Server"
    assert statement["format"] == ["application/fhir+json"]
    assert app.http.get(f"{app.fhir_url}/.well-known/nonsense").status_code == 401


def test_tokens_of_the_one_api_are_worth_nothing_at_the_other(app: App, base: str, token: str) -> None:
    assert app.get(f"Patient/{app.fhir_id(3)}", token).status_code == 401
    headers = {"authorization": f"Bearer {redeemed(app)['access_token']}"}
    assert httpx.get(f"{base}/nge/prod/nge-api/api/core/version", headers=headers).status_code == 401


def test_client_credentials_at_patient_access_are_our_gap(app: App) -> None:
    assert is_gap(app.post(app.client["token_url"], {"grant_type": "client_credentials"}))


def test_an_ehr_opens_an_app_and_tells_the_patient(app: App) -> None:
    launched = app.launch(patient="3", user=users.staff(app.sandbox.world)[0].login)
    value = launched["url"].partition("launch=")[2].partition("&")[0]
    assert launched["url"].partition("iss=")[2].startswith("http")
    back = smart_app.query_of(app.ask(launch=value))
    form = {
        "grant_type": "authorization_code", "code": back["code"], "redirect_uri": app.redirect_uri,
        "code_verifier": smart_app.VERIFIER,
    }  # fmt: skip
    told = app.post(app.client["token_url"], form).json()
    assert told["patient"] == app.fhir_id(3)
    assert app.get(f"Patient/{told['patient']}", told["access_token"]).status_code == 200


def test_a_revoked_token_ends(app: App) -> None:
    told = redeemed(app)
    assert app.post(app.discover()["revocation_endpoint"], {"token": told["access_token"]}).status_code == 200
    assert app.get(f"Patient/{app.fhir_id(3)}", told["access_token"]).text == "invalid access token"


# The room


def test_no_secret_of_these_doors_stands_in_the_journal(
    control: str, clients: dict[str, dict[str, Any]], call: Call, app: App, base: str
) -> None:
    call("GET", "core/version")
    told = redeemed(app)
    bridge = clients["bridge"]
    httpx.post(
        f"{base}/messaging/mcservice", content=b"MSH|", headers={bridge["header"]: bridge["api_key"]},
        auth=(bridge["username"], bridge["password"]),
    )  # fmt: skip
    journal = httpx.get(f"{control}/journal").text + httpx.get(f"{control}/audit").text
    secrets = [
        one[name] for one in clients.values() for name in ("client_secret", "api_key", "password") if name in one
    ]
    secrets += [
        told["access_token"],
        told["refresh_token"],
        call("GET", "core/version").request.headers["authorization"].removeprefix("Bearer "),
    ]
    for secret in secrets:
        assert secret not in journal
        assert base64.b64encode(f"{bridge['username']}:{secret}".encode()).decode() not in journal


def test_ids_lead_back_to_their_patient(doors: Sandbox) -> None:
    here = doors.sites["nextgen"]
    for number in range(50):
        told = here.vendor.patient_ids(here, number)
        assert told["fhir_id"] == told["personid"]
        assert here.vendor.patient_of(here, told["fhir_id"].upper()) == number
    for nobody in ("", ZERO, "nonsense", told["fhir_id"][:-1] + "z"):
        assert here.vendor.patient_of(here, nobody) is None


def test_every_habit_has_a_source_and_nothing_is_told_of_charts() -> None:
    room = registry.vendor("nextgen")
    assert not room.tells_charts
    assert "nextgen" not in registry.charting()
    assert len({trap.id for trap in room.traps}) == len(room.traps)
    assert all("https://" in trap.source.where for trap in room.traps)
    assert [one.calls for one in room.limits if one.name == "minute"] == [1000]
