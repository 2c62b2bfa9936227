"""Rave's doors: HTTP Basic with lockout, MAuth v1 and v2, what is public, and 501 behind.

GET /RaveWebServices/version            text, without a login
GET /RaveWebServices/studies            401 in four voices; 501 to whoever is let in
Source: rwslib and mauth-client, Medidata's own clients, which log in here unmodified.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from simulator import registry
from simulator.auth import keyring, mauth
from simulator.sandbox import Sandbox
from simulator.server import Running

GAP = {"x-emr-sandbox": "not-simulated"}


@pytest.fixture
def base(doors_server: Running, doors: Sandbox) -> str:
    return doors_server.base_url(doors, "medidata")


@pytest.fixture
def clients(control: str) -> dict[str, dict[str, Any]]:
    """The ready-made clients by their method."""
    return {one["auth"]: one for one in httpx.get(f"{control}/clients").json()["medidata"]}


def let_in(answer: httpx.Response) -> bool:
    """Whether somebody was let in, and met our gap."""
    assert answer.status_code in (401, 501)
    return answer.status_code == 501 and answer.headers.get("x-emr-sandbox") == "not-simulated"


def basic(user: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


# Public


@pytest.mark.parametrize(
    ("path", "said"), [("version", "1.16.0"), ("version/build", "5.6.5.213"), ("version/codename", "Uakari"),
                       ("diagnostics", "OK")],
)  # fmt: skip
def test_what_the_server_is_needs_no_login(base: str, path: str, said: str) -> None:
    answer = httpx.get(f"{base}/RaveWebServices/{path}")
    assert (answer.status_code, answer.text) == (200, said)
    assert answer.headers["content-type"].startswith("text/plain")


def test_a_page_answers_two_hundred(base: str) -> None:
    answer = httpx.get(f"{base}/RaveWebServices/twohundred")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f"{base}/RaveWebServices" in answer.text


# Accounts


def test_an_account_is_let_in_and_meets_our_gap(base: str, clients: dict[str, dict[str, Any]]) -> None:
    user = clients["http_basic"]
    known = basic(user["username"], user["password"])
    for path in ("studies", "studies/Mediflex(Dev)/subjects", "metadata/studies", "datasets/Sites.odm?studyoid=x"):
        assert let_in(httpx.get(f"{base}/RaveWebServices/{path}", headers=known))
    posted = httpx.post(f"{base}/RaveWebServices/webservice.aspx?PostODMClinicalData", headers=known, content="<ODM/>")
    assert let_in(posted)


def test_a_path_that_rave_has_not_is_told_to_whoever_is_let_in(base: str, clients: dict[str, dict[str, Any]]) -> None:
    user = clients["http_basic"]
    url = f"{base}/RaveWebServices/nonsense"
    answer = httpx.get(url, headers=basic(user["username"], user["password"]))
    assert answer.status_code == 404
    assert ElementTree.fromstring(answer.text).attrib["ReasonCode"] == "RWS00055"
    assert httpx.get(url).status_code == 401


def test_whoever_shows_nothing_hears_a_bare_sentence(base: str) -> None:
    answer = httpx.get(f"{base}/RaveWebServices/studies")
    assert (answer.status_code, answer.text) == (401, "Authorization Header not provided")


def test_a_wrong_password_is_odm_to_a_read_and_a_response_to_a_post(
    base: str, clients: dict[str, dict[str, Any]]
) -> None:
    wrong = basic(clients["http_basic"]["username"], "wrong")
    read = httpx.get(f"{base}/RaveWebServices/studies", headers=wrong)
    assert read.status_code == 401
    said = ElementTree.fromstring(read.text).attrib["{http://www.mdsol.com/ns/odm/metadata}ErrorDescription"]
    assert said.endswith("[RWS00008]")
    posted = httpx.post(f"{base}/RaveWebServices/webservice.aspx?PostODMClinicalData", headers=wrong, content="<ODM/>")
    assert posted.status_code == 401
    assert posted.text.startswith("<Response"), "Medidata's client takes anything before it for ODM"
    assert ElementTree.fromstring(posted.text).attrib["ReasonCode"] == "RWS00008"


def test_an_account_locks_until_a_person_unlocks_it(
    base: str, control: str, clients: dict[str, dict[str, Any]]
) -> None:
    user, url = clients["http_basic"], f"{base}/RaveWebServices/studies"
    good, bad = basic(user["username"], user["password"]), basic(user["username"], "wrong")

    def knock(*attempts: dict[str, str]) -> list[bool]:
        return [let_in(httpx.get(url, headers=one)) for one in attempts]

    assert knock(bad, bad, good, bad, bad, good) == [False, False, True, False, False, True], "in a row counts"
    assert knock(bad, bad, bad, good) == [False, False, False, False]
    httpx.post(f"{control}/clock/advance", json={"seconds": 86_400})
    assert knock(good) == [False], "time does not unlock it"
    assert httpx.post(f"{control}/vendors/medidata/unlock").json()["unlocked"] == [user["username"]]
    assert knock(good) == [True]


def test_a_password_rotates_with_an_overlap(base: str, control: str, clients: dict[str, dict[str, Any]]) -> None:
    user, url = clients["http_basic"], f"{base}/RaveWebServices/studies"
    httpx.post(f"{control}/vendors/medidata/rotate-keys", json={"overlap_s": 60})
    fresh = next(one for one in httpx.get(f"{control}/clients").json()["medidata"] if one["auth"] == "http_basic")
    old, new = basic(user["username"], user["password"]), basic(user["username"], fresh["password"])
    assert [let_in(httpx.get(url, headers=one)) for one in (old, new)] == [True, True]
    httpx.post(f"{control}/clock/advance", json={"seconds": 61})
    assert [let_in(httpx.get(url, headers=one)) for one in (old, new)] == [False, True]


# MAuth, signed here by hand

Bends = dict[str, Any]


def _private(app: dict[str, Any]) -> RSAPrivateKey:
    key = serialization.load_pem_private_key(app["private_key_pem"].encode(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


def signed_v2(app: dict[str, Any], method: str, url: str, body: bytes = b"", **bends: Any) -> dict[str, str]:
    parts, at = httpx.URL(url), str(bends.get("at", int(time.time())))
    path = bends.get("path", mauth.normal_path(parts.raw_path.decode().partition("?")[0]))
    query = mauth.normal_query(parts.query.decode())
    text = "\n".join((method, path, hashlib.sha512(body).hexdigest(), app["client_id"], at, query)).encode()
    raw = bends.get("key", _private(app)).sign(text, padding.PKCS1v15(), hashes.SHA512())
    shown = f"MWSV2 {bends.get('named', app['client_id'])}:{base64.b64encode(raw).decode()};"
    return {"mcc-authentication": shown, "mcc-time": str(bends.get("told", at))}


def signed_v1(app: dict[str, Any], method: str, url: str, body: bytes = b"", **bends: Any) -> dict[str, str]:
    """The hex digits under a padding that names no hash: raw RSA, by hand."""
    at, key = str(bends.get("at", int(time.time()))), _private(app)
    path = httpx.URL(url).raw_path.decode().partition("?")[0]
    text = b"\n".join((method.encode(), path.encode(), body, app["client_id"].encode(), at.encode()))
    digest = hashlib.sha512(text).hexdigest().encode()
    size = key.key_size // 8
    block = b"\x00\x01" + b"\xff" * (size - 3 - len(digest)) + b"\x00" + digest
    numbers = key.private_numbers()
    raw = pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n).to_bytes(size, "big")
    return {"x-mws-authentication": f"MWS {app['client_id']}:{base64.b64encode(raw).decode()}", "x-mws-time": at}


Signer = Callable[..., dict[str, str]]
BOTH = pytest.mark.parametrize("sign", [signed_v1, signed_v2], ids=["v1", "v2"])


@BOTH
def test_a_signed_request_is_let_in(base: str, clients: dict[str, dict[str, Any]], sign: Signer) -> None:
    app = clients["mauth"]
    for url in (
        f"{base}/RaveWebServices/studies",
        f"{base}/RaveWebServices/datasets/Sites.odm?studyoid=M%28Dev%29&b=+",
    ):
        assert let_in(httpx.get(url, headers=sign(app, "GET", url)))
    url = f"{base}/RaveWebServices/webservice.aspx?PostODMClinicalData"
    assert let_in(httpx.post(url, content=b"<ODM/>", headers=sign(app, "POST", url, b"<ODM/>")))


@BOTH
def test_a_signature_is_good_for_one_method_path_and_body(
    base: str, clients: dict[str, dict[str, Any]], sign: Signer
) -> None:
    app, root = clients["mauth"], f"{base}/RaveWebServices"
    headers = sign(app, "GET", f"{root}/studies")
    assert not let_in(httpx.get(f"{root}/metadata/studies", headers=headers))
    url = f"{root}/webservice.aspx?PostODMClinicalData"
    assert not let_in(httpx.post(url, content=b"<other/>", headers=sign(app, "POST", url, b"<ODM/>")))
    assert not let_in(httpx.post(url, content=b"<ODM/>", headers=sign(app, "GET", url, b"<ODM/>")))


def test_the_second_version_signs_the_query_too(base: str, clients: dict[str, dict[str, Any]]) -> None:
    app, root = clients["mauth"], f"{base}/RaveWebServices/datasets/Sites.odm"
    headers = signed_v2(app, "GET", f"{root}?studyoid=A")
    assert let_in(httpx.get(f"{root}?studyoid=A", headers=headers))
    assert not let_in(httpx.get(f"{root}?studyoid=B", headers=headers))


@BOTH
def test_a_signature_lives_five_minutes_of_the_callers_clock(
    base: str, doors: Sandbox, clients: dict[str, dict[str, Any]], sign: Signer
) -> None:
    app, url, now = clients["mauth"], f"{base}/RaveWebServices/studies", int(time.time())
    for age, good in ((290, True), (310, False), (-600, True)):
        answer = httpx.get(url, headers=sign(app, "GET", url, at=now - age))
        assert let_in(answer) is good
        assert good or "HTTP Error 401.0 - Unauthorized" in answer.text
    doors.clock.advance(timedelta(hours=1))
    assert let_in(httpx.get(url, headers=sign(app, "GET", url))), "the clock of the sandbox is another"


def test_other_ways_to_sign_wrongly_are_refused(base: str, clients: dict[str, dict[str, Any]]) -> None:
    app, url = clients["mauth"], f"{base}/RaveWebServices/studies"
    good = signed_v2(app, "GET", url)
    rest = {"mcc-time": good["mcc-time"]}
    attempts: list[Bends] = [
        signed_v2(app, "GET", url, key=keyring.private(1)),
        signed_v2(app, "GET", url, named="00000000-0000-4000-8000-000000000000"),
        signed_v2(app, "GET", url, told=int(time.time()) - 1),
        {"mcc-authentication": good["mcc-authentication"]},
        {**good, "mcc-time": "now"},
        {"mcc-authentication": good["mcc-authentication"].rstrip(";"), **rest},
        {"mcc-authentication": f"MWSV2 {app['client_id']}:!!;", **rest},
        {"x-mws-authentication": good["mcc-authentication"].rstrip(";"), "x-mws-time": good["mcc-time"]},
    ]
    for headers in attempts:
        answer = httpx.get(url, headers=headers)
        assert not let_in(answer), headers
        assert "HTTP Error 401.0 - Unauthorized" in answer.text


def test_an_older_signature_counts_when_the_newer_does_not_hold(base: str, clients: dict[str, dict[str, Any]]) -> None:
    app, url = clients["mauth"], f"{base}/RaveWebServices/studies"
    broken = signed_v2(app, "GET", url, key=keyring.private(1))
    assert let_in(httpx.get(url, headers={**broken, **signed_v1(app, "GET", url)}))


def test_a_key_rotates_with_an_overlap(base: str, control: str, clients: dict[str, dict[str, Any]]) -> None:
    old, url = clients["mauth"], f"{base}/RaveWebServices/studies"
    httpx.post(f"{control}/vendors/medidata/rotate-keys", json={"overlap_s": 60})
    new = next(one for one in httpx.get(f"{control}/clients").json()["medidata"] if one["auth"] == "mauth")
    assert new["private_key_pem"] != old["private_key_pem"]
    assert [let_in(httpx.get(url, headers=signed_v2(one, "GET", url))) for one in (old, new)] == [True, True]
    httpx.post(f"{control}/clock/advance", json={"seconds": 61})
    assert [let_in(httpx.get(url, headers=signed_v2(one, "GET", url))) for one in (old, new)] == [False, True]


@pytest.mark.parametrize(
    ("path", "normal"),
    [("/a/./b", "/a/b"), ("/a/../b", "/b"), ("//a///b/", "/a/b/"), ("/%cf%80", "/%CF%80"), ("/a/..", "/"), ("/", "/")],
)
def test_a_path_is_signed_in_one_spelling(path: str, normal: str) -> None:
    assert mauth.normal_path(path) == normal


@pytest.mark.parametrize(
    ("query", "normal"),
    [("b=2&a=1", "a=1&b=2"), ("a=b+c", "a=b%20c"), ("PostODMClinicalData", "PostODMClinicalData="), ("a=%7e", "a=~")],
)
def test_a_query_is_signed_in_one_spelling(query: str, normal: str) -> None:
    assert mauth.normal_query(query) == normal


def test_who_asked_is_in_the_journal_without_the_signature(
    base: str, control: str, clients: dict[str, dict[str, Any]]
) -> None:
    app, url = clients["mauth"], f"{base}/RaveWebServices/studies"
    headers = signed_v2(app, "GET", url)
    httpx.get(url, headers=headers)
    journal = httpx.get(f"{control}/journal", headers={"accept": "application/x-ndjson"}).text
    assert f'"client":"{app["client_id"]}"' in journal.replace(" ", "")
    assert headers["mcc-authentication"].partition(":")[2].rstrip(";") not in journal


# Medidata's own clients


def test_rwslib_logs_in_unmodified(base: str, clients: dict[str, dict[str, Any]]) -> None:
    rwslib = pytest.importorskip("rwslib")
    requests = pytest.importorskip("rwslib.rws_requests")
    user = clients["http_basic"]
    good = rwslib.RWSConnection(base, user["username"], user["password"])
    assert good.send_request(requests.VersionRequest()) == "1.16.0"
    assert good.send_request(requests.BuildVersionRequest()) == "5.6.5.213"
    with pytest.raises(rwslib.RWSException):
        good.send_request(requests.ClinicalStudiesRequest())
    assert good.last_result.status_code == 501
    wrong = rwslib.RWSConnection(base, user["username"], "wrong")
    with pytest.raises(rwslib.RWSException, match="RWS00008"):
        wrong.send_request(requests.ClinicalStudiesRequest())
    with pytest.raises(rwslib.AuthorizationException):
        rwslib.RWSConnection(base).send_request(requests.ClinicalStudiesRequest())


@pytest.mark.parametrize("versions", ["v1", "v2", "v1,v2"])
def test_mauth_client_signs_unmodified(base: str, clients: dict[str, dict[str, Any]], versions: str) -> None:
    signing = pytest.importorskip("mauth_client.requests_mauth")
    rwslib = pytest.importorskip("rwslib")
    requests = pytest.importorskip("rwslib.rws_requests")
    app = clients["mauth"]
    auth = signing.MAuth(app["client_id"], app["private_key_pem"], versions)
    connection = rwslib.RWSConnection(base, auth=auth)
    for asked in (requests.ClinicalStudiesRequest(), requests.StudySubjectsRequest("Mediflex", "Dev", status=True)):
        with pytest.raises(rwslib.RWSException):
            connection.send_request(asked)
        assert connection.last_result.status_code == 501
    forged = signing.MAuth(app["client_id"], keyring.key(1).pem, versions)
    stranger = rwslib.RWSConnection(base, auth=forged)
    with pytest.raises(rwslib.RWSException):
        stranger.send_request(requests.ClinicalStudiesRequest())
    assert stranger.last_result.status_code == 401


# The room


def test_every_habit_has_a_source_and_nothing_is_told_of_patients() -> None:
    room = registry.vendor("medidata")
    assert not room.tells_charts
    assert "medidata" not in registry.charting()
    assert len({trap.id for trap in room.traps}) == len(room.traps)
    assert all(trap.source.where.startswith("https://") for trap in room.traps)
