"""How athena says no: in four voices, for every kind of refusal, with the status a fault asks for."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from simulator.exchange import Exchange, Reply
from simulator.pipeline import handle
from simulator.refusal import REFUSAL_KINDS, Refusal, RefusalKind
from simulator.vendors.athena import VENDOR
from tests.simulator.vendors.athena_client import BASE, FORM, PRACTICE, Athena

SIDES = {
    "rest": "/v1/195900/patients",
    "fhir": "/fhir/r4/Patient",
    "oauth": "/oauth2/v1/token",
    "gateway": "/elsewhere",
}
STATUS = {
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "gone": 410,
    "malformed": 400,
    "unprocessable": 422,
    "unsupported": 405,
    "conflict": 409,
    "too_many": 403,
    "unavailable": 503,
    "broken": 500,
}


@pytest.fixture(scope="module")
def athena() -> Athena:
    return Athena()


def exchange(athena: Athena, path: str) -> Exchange:
    return Exchange(
        sandbox=athena.sandbox,
        site=athena.site,
        method="GET",
        path=path,
        query="",
        raw_path=path,
        headers=[],
        body=b"",
        base_url=BASE,
        at=athena.clock.now(),
        started=time.monotonic(),
    )


def dressed(athena: Athena, side: str, kind: RefusalKind, **facts: Any) -> Reply:
    return VENDOR.errors.dress(Refusal(kind, "a detail of ours", **facts), exchange(athena, SIDES[side]))


@pytest.mark.parametrize("kind", REFUSAL_KINDS)
@pytest.mark.parametrize("side", SIDES)
def test_every_kind_is_dressed_in_every_voice(athena: Athena, side: str, kind: RefusalKind) -> None:
    answer = dressed(athena, side, kind)
    expected = 429 if (side, kind) == ("oauth", "too_many") else STATUS[kind]
    assert answer.status == expected
    assert answer.header("content-type")
    assert answer.body
    assert b"of ours" not in answer.body


@pytest.mark.parametrize("kind", REFUSAL_KINDS)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("status", [418, 502])
def test_a_given_status_is_obeyed(athena: Athena, side: str, kind: RefusalKind, status: int) -> None:
    assert dressed(athena, side, kind, status=status).status == status


@pytest.mark.parametrize("reason", ["no_token", "token_expired", "not_routed", "missing", "second"])
def test_a_given_status_wins_over_a_reason(athena: Athena, reason: str) -> None:
    assert dressed(athena, "rest", "unauthenticated", reason=reason, status=418).status == 418


@pytest.mark.parametrize("side", ["rest", "fhir", "oauth"])
def test_a_known_wait_is_told(athena: Athena, side: str) -> None:
    assert dressed(athena, side, "unavailable", retry_after_s=7).header("retry-after") == "7"
    assert dressed(athena, side, "unavailable").header("retry-after") is None
    assert dressed(athena, side, "too_many", status=429, retry_after_s=3).header("retry-after") == "3"


def test_each_voice_is_its_own(athena: Athena) -> None:
    rest = dressed(athena, "rest", "conflict")
    assert rest.body.startswith(b"\n\n{")
    fhir = json.loads(dressed(athena, "fhir", "conflict").body)
    assert fhir["resourceType"] == "OperationOutcome"
    assert isinstance(fhir["issue"][0]["details"], str)
    oauth = json.loads(dressed(athena, "oauth", "malformed").body)
    assert set(oauth) == {"error", "error_description"}
    assert dressed(athena, "gateway", "not_found").body == b"Service not registered with API gateway."
    assert dressed(athena, "rest", "unavailable", status=504).body == b"<h1>Gateway Timeout</h1>"


def test_a_refusal_is_journalled_in_our_words_and_told_in_theirs(athena: Athena) -> None:
    x = exchange(athena, "/v1/195900/patients")
    asyncio.run(handle(x))
    assert x.refusal == "no Authorization header"
    assert x.reply is not None
    assert b"Authorization header" not in x.reply.body


SOMEBODY = 5  # one of the cast with some of everything: a long chart would be told a hundred times for each value
NASTY = ("", " ", "²", "٣", "9" * 5000, "-1", "1_0", "1e9", "%", "\x00", "a,b", "../..", "null", "😀", "'", "0x10")


@pytest.mark.slow
@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_nothing_a_caller_sends_is_a_defect_of_ours(athena: Athena, text: str) -> None:
    """Odd values in every place where a value may stand: refused, ignored or found, never 500."""
    names = (
        "departmentid",
        "limit",
        "offset",
        "dob",
        "showinactive",
        "startdate",
        "medicationtype",
        "lastname",
        "ssn",
        "anyphone",
    )
    number = athena.patientid(SOMEBODY)
    paths = (f"/patients/{text}", "/patients", f"/departments/{text}", f"/providers/{text}", f"/chart/encounter/{text}")
    for path in (*paths, *(f"/chart/{one}/{section}" for one in (text, number) for section in ("problems", "vitals"))):
        for name in names:
            asked = {"departmentid": 1} if name != "departmentid" and "/chart/" in path else {}
            assert athena.rest(path, **asked, **{name: text}).status != 500, (path, name)
    for name in (
        "patient",
        "_id",
        "_count",
        "cursor",
        "_lastUpdated",
        "date",
        "category",
        "encounter",
        "ah-practice",
        text,
    ):
        for type in ("Observation", "Condition", "Organization"):
            params = {"patient": athena.fhir_id(SOMEBODY), "ah-practice": PRACTICE, **{name: text}}
            assert athena.fhir(type, **params).status != 500, (type, name)
    for name in ("family", "given", "birthdate", "gender", "name", "identifier", "cursor", "_count"):
        params = {"family": "Smith", "given": "J", "ah-practice": PRACTICE, **{name: text}}
        assert athena.fhir("Patient", **params).status != 500, name
    assert athena.fhir(f"Observation/{text}").status != 500
    for field in ("dob", "departmentid", "firstname", "homephone", "ssn", "zip", "race", "primaryproviderid"):
        fields = {
            "firstname": "A",
            "lastname": "B",
            "dob": "01/01/1980",
            "departmentid": "1",
            "zip": "02118",
            "sex": "F",
        }
        assert athena.post_form("/patients", **{**fields, field: text}).status != 500, field


def test_a_body_that_is_no_text_is_no_defect_of_ours(athena: Athena) -> None:
    for path in ("/v1/195900/patients", "/fhir/r4/Patient/_search", "/oauth2/v1/token"):
        answer = athena.call("POST", path, headers={**athena.bearer(), "content-type": FORM}, body=b"\xff\xfe=%ff&\x00")
        assert 400 <= answer.status < 500, path
