"""How people log in to the reference: SMART App Launch, PKCE (RFC 7636), refresh tokens (RFC 6749 section 6).

login {iss, launch} → authorize_url; login {redirect_url} → code and verifier at the token endpoint → reads as them
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest

from conformance.reference.behaviour import Behaviour
from conformance.reference.mutants import MUTANTS, Mutant

URLS = {
    "base_url": "https://emr.test/epic",
    "fhir_url": "https://emr.test/epic/R4",
    "token_url": "https://emr.test/epic/token",
    "authorize_url": "https://emr.test/epic/authorize",
}
APP = {
    "auth": "client_secret_basic",
    "client_id": "me",
    "client_secret": "s3cret",
    "redirect_uris": ["https://app.test/back"],
    "scopes": [
        "openid",
        "launch",
        "launch/patient",
        "offline_access",
        "user/Immunization.read",
        "patient/Patient.read",
    ],
}
OPENED = {"action": "login", "args": {"iss": URLS["fhir_url"], "launch": "xyz"}}


def back(**told):
    return {"action": "login", "args": {"redirect_url": f"https://app.test/back?{urlencode(told)}"}}


def asked_of(answer):
    return dict(parse_qsl(urlsplit(answer["authorize_url"]).query))


class People:
    """A driver to which people log in: each message may be made of the answers before it."""

    def __init__(self, net, bundle, *refreshes):
        self.wire = net(lambda request: bundle("i1"))
        self.tokens = [{"access_token": "a0", "expires_in": 3600, "refresh_token": "r0"}, *refreshes]
        self.wire.token = self.answer

    def answer(self, request):
        told = self.tokens[len(self.wire.logins) - 1]
        return told if isinstance(told, httpx.Response) else httpx.Response(200, json=told)

    @property
    def forms(self):
        return [{name: value for name, (value,) in parse_qs(one.content.decode()).items()} for one in self.wire.logins]


@pytest.fixture
def people(net, bundle):
    return lambda *refreshes: People(net, bundle, *refreshes)


@pytest.fixture
def known_state(monkeypatch):
    """States that a test can tell beforehand, so that one list of messages is enough."""
    known = Mutant("known", "", (), (), Behaviour(state=lambda: "a-state-to-know"))
    monkeypatch.setitem(MUTANTS, "known", known)
    return {"mutant": "known"}


def test_people_are_sent_with_a_new_state_and_a_proof_that_is_hashed(net, bundle):
    answers = net(lambda request: bundle()).run(*[OPENED] * 20, urls=URLS, auth=APP)
    asked = [asked_of(answer) for answer in answers]
    assert len({one["state"] for one in asked}) == len({one["code_challenge"] for one in asked}) == 20
    assert min(len(one["state"]) for one in asked) >= 43
    assert asked[0].items() >= {
        "response_type": "code", "redirect_uri": "https://app.test/back", "aud": URLS["fhir_url"], "launch": "xyz",
        "code_challenge_method": "S256", "scope": "openid launch offline_access user/Immunization.read",
    }.items()  # fmt: skip


def test_a_code_is_redeemed_with_the_verifier_and_the_person_is_read_for(people, reading, known_state):
    app = people()
    _, done, read = app.wire.run(
        OPENED, back(code="c1", state="a-state-to-know"), reading("immunization"), urls=URLS, auth=APP,
        settings=known_state,
    )  # fmt: skip
    assert (done["status"], read["status"]) == ("ok", "ok")
    (form,) = app.forms
    assert (form["grant_type"], form["code"]) == ("authorization_code", "c1")
    assert 43 <= len(form["code_verifier"]) <= 128
    assert app.wire.calls[-1].headers["Authorization"] == "Bearer a0"


def test_the_challenge_is_the_hash_of_the_verifier(people, known_state):
    app = people()
    opened, _ = app.wire.run(
        OPENED, back(code="c1", state="a-state-to-know"), urls=URLS, auth=APP, settings=known_state
    )
    hashed = hashlib.sha256(app.forms[0]["code_verifier"].encode()).digest()
    assert asked_of(opened)["code_challenge"] == urlsafe_b64encode(hashed).decode().rstrip("=")


@pytest.mark.parametrize(
    "told",
    [
        {"code": "c1", "state": "another"},
        {"code": "c1"},
        {"code": "c1", "state": "a-state-to-know", "iss": "https://ehr.stranger.invalid"},
        {"error": "access_denied", "state": "a-state-to-know"},
    ],
    ids=["another_state", "no_state", "another_server", "denied"],
)
def test_who_does_not_come_back_as_they_were_sent_gets_no_token(people, known_state, told):
    app = people()
    _, answer = app.wire.run(OPENED, back(**told), urls=URLS, auth=APP, settings=known_state)
    assert answer["status"] == "error"
    assert [error["class"] for error in answer["errors"]] == ["auth"]
    assert app.wire.logins == []


def test_a_way_back_counts_once(people, known_state):
    app = people()
    straight = back(code="c1", state="a-state-to-know")
    _, first, again = app.wire.run(OPENED, straight, straight, urls=URLS, auth=APP, settings=known_state)
    assert (first["status"], again["status"], len(app.wire.logins)) == ("ok", "error", 1)


def test_a_server_that_nobody_knows_opens_nothing(net, bundle):
    strange = {"action": "login", "args": {"iss": "https://ehr.stranger.invalid/R4", "launch": "xyz"}}
    (answer,) = net(lambda request: bundle()).run(strange, urls=URLS, auth=APP)
    assert (answer["status"], answer["errors"][0]["class"], "authorize_url" in answer) == ("error", "auth", False)


def test_nobody_is_read_for_before_somebody_logs_in(net, bundle, reading):
    wire = net(lambda request: bundle())
    (answer,) = wire.run(reading("immunization"), urls=URLS, auth=APP)
    assert (answer["status"], answer["errors"][0]["class"], wire.sent) == ("error", "auth", [])


def test_whose_chart_is_open_is_told_with_each_login(people, known_state):
    app = people({"access_token": "a1", "patient": "P2"})
    app.tokens[0]["patient"] = "P1"
    shown = {"action": "read", "args": {"patient": {"in_context": True}, "kinds": ["immunization"]}}
    shown["deadline_ms"] = 30_000
    log_in = [OPENED, back(code="c", state="a-state-to-know")]
    app.wire.run(*log_in, shown, *log_in, shown, urls=URLS, auth=APP, settings=known_state)
    assert [call.url.params["patient"] for call in app.wire.calls] == ["P1", "P2"]


def test_without_a_login_no_chart_is_open(net, bundle):
    shown = {"action": "read_patient", "args": {"patient": {"in_context": True}}}
    wire = net(lambda request: bundle())
    (answer,) = wire.run(shown)
    assert (answer["status"], answer["errors"][0]["class"], wire.calls) == ("error", "auth", [])


def takes_an_hour(wire):
    """Every call for data takes longer than a token lives."""
    data = wire.data

    def slowly(request):
        wire.now += 4000
        return data(request)

    wire.data = slowly


def test_a_new_refresh_token_takes_the_place_of_the_old_one_and_none_leaves_it(people, reading, known_state):
    token = {"access_token": "a", "expires_in": 3600}
    app = people(token | {"refresh_token": "r1"}, token, token)
    takes_an_hour(app.wire)
    reads = [reading("immunization")] * 4
    app.wire.run(OPENED, back(code="c1", state="a-state-to-know"), *reads, urls=URLS, auth=APP, settings=known_state)
    assert [form.get("refresh_token") for form in app.forms] == [None, "r0", "r1", "r1"]


def test_a_refresh_whose_answer_is_lost_is_not_sent_again(people, reading, known_state):
    app = people(httpx.Response(504), {"access_token": "a"})
    takes_an_hour(app.wire)
    reads = [reading("immunization")] * 2
    *_, answer = app.wire.run(
        OPENED, back(code="c1", state="a-state-to-know"), *reads, urls=URLS, auth=APP, settings=known_state
    )
    assert [form["grant_type"] for form in app.forms] == ["authorization_code", "refresh_token"]
    assert answer["errors"][0]["class"] == "unavailable"
