"""How the reference behaves in trouble: RFC 9110 section 10.2.3 (Retry-After), one retry policy, one budget.

429 503 → wait as told, or grow; 502 504 and resets → grow; 400 403 404 406 410 422 → final; broken bodies → once more.
"""

from __future__ import annotations

from itertools import pairwise

import httpx
import pytest


def script(*answers):
    """Plays the answers one after the other; the last one for ever."""
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        made = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(made, Exception):
            raise made
        return made() if callable(made) else made

    return answer


def test_retry_after_in_seconds_is_waited_for(net, reading, bundle):
    wire = net(script(httpx.Response(429, headers={"Retry-After": "3"}), lambda: bundle("i1")))
    (answer,) = wire.run(reading("immunization"))
    assert answer["status"] == "ok"
    assert len(answer["records"]) == 1
    assert 3.0 <= wire.slept[0] <= 3.1


def test_retry_after_as_a_date_is_read_against_the_vendors_own_clock(net, reading, bundle):
    told = {"Date": "Mon, 05 Jan 2026 12:00:00 GMT", "Retry-After": "Mon, 05 Jan 2026 12:00:07 GMT"}
    wire = net(script(httpx.Response(503, headers=told), lambda: bundle("i1")))
    wire.run(reading("immunization"))
    assert 7.0 <= wire.slept[0] <= 7.1


def test_a_past_date_is_no_reason_to_wait(net, reading, bundle):
    told = {"Date": "Mon, 05 Jan 2026 12:00:00 GMT", "Retry-After": "Mon, 05 Jan 2026 11:00:00 GMT"}
    wire = net(script(httpx.Response(503, headers=told), lambda: bundle("i1")))
    (answer,) = wire.run(reading("immunization"))
    assert answer["status"] == "ok"
    assert wire.slept[0] < 0.1


def test_a_wait_beyond_the_deadline_is_given_up_at_once(net, reading):
    wire = net(script(httpx.Response(429, headers={"Retry-After": "3600"})))
    (answer,) = wire.run(reading("immunization"))
    assert (len(wire.calls), wire.slept) == (1, [])
    assert [(e["class"], e["retryable"], e["http_status"]) for e in answer["errors"]] == [("throttled", True, 429)]


def test_nobody_calls_while_the_vendor_wants_quiet(net, reading, bundle):
    """One kind is throttled; the other kinds of the run keep still for as long."""
    moments = []

    def data(request):
        moments.append(wire.now)
        if len(moments) == 1:
            return httpx.Response(429, headers={"Retry-After": "5"})
        return bundle() if "Immunization" in request.url.path else httpx.Response(404)

    wire = net(data)
    wire.run(reading("immunization", "patient"), vendor="cerner", settings={"max_concurrency": 1})
    assert len(moments) > 1
    assert min(moments[1:]) >= 5.0


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_waits_grow_and_end_after_four_attempts(net, reading, status):
    wire = net(script(httpx.Response(status)))
    (answer,) = wire.run(reading("immunization"))
    assert len(wire.calls) == 4
    assert wire.slept[0] >= 0.4
    assert all(later >= earlier for earlier, later in pairwise(wire.slept))
    (error,) = answer["errors"]
    assert error["class"] == ("throttled" if status == 429 else "unavailable")
    assert error["retryable"] is True
    assert answer["status"] == "error"


def test_the_same_seed_gives_the_same_waits_and_another_seed_others(net, reading):
    def waits(seed):
        wire = net(script(httpx.Response(503)))
        wire.run(reading("immunization"), settings={"seed": seed})
        return wire.slept

    assert waits(1) == waits(1) != waits(2)


@pytest.mark.parametrize("status", [400, 403, 404, 406, 410, 422])
def test_what_is_refused_for_good_is_asked_once(net, reading, status):
    wire = net(script(httpx.Response(status)))
    (answer,) = wire.run(reading("immunization"))
    assert len(wire.calls) == 1
    assert answer["errors"][0]["retryable"] is False


def test_a_reset_connection_is_tried_again(net, reading, bundle):
    wire = net(script(httpx.ReadError("reset"), lambda: bundle("i1")))
    (answer,) = wire.run(reading("immunization"))
    assert (answer["status"], len(wire.calls)) == ("ok", 2)


@pytest.mark.parametrize(
    "broken",
    [
        httpx.Response(200, html="<html>login</html>"),
        httpx.Response(200, content=b""),
        httpx.Response(200, content=b'{"resourceType":"Bundle","entry":[{'),
        httpx.Response(200, json={"resourceType": "Patient", "id": "P1"}),
        httpx.Response(200, json=[]),
        httpx.Response(200, content=b"[" * 100_000),
        httpx.Response(200, headers={"Content-Length": "9000"}, content=b'{"resourceType":"Bundle"}'),
    ],
    ids=["html", "empty", "cut json", "other type", "list", "deep", "short"],
)
def test_a_wrong_body_is_asked_for_once_more_and_is_never_an_empty_result(net, reading, broken):
    wire = net(script(broken))
    (answer,) = wire.run(reading("immunization"))
    assert len(wire.calls) == 2
    assert (answer["status"], answer["errors"][0]["class"]) == ("error", "invalid_response")
    assert answer["errors"][0]["kind"] == "immunization"


def test_one_kind_that_fails_leaves_the_others_alone(net, reading, bundle):
    wire = net(lambda request: bundle("i1") if "Immunization" in request.url.path else httpx.Response(403))
    (answer,) = wire.run(reading("immunization", "encounter"), vendor="cerner")
    assert answer["status"] == "partial"
    assert [record["kind"] for record in answer["records"]] == ["immunization"]
    assert [(error["class"], error["kind"]) for error in answer["errors"]] == [("forbidden", "encounter")]


@pytest.mark.parametrize(
    ("code", "calls", "error_class"),
    [
        ("ERR_403_DEVELOPER_OVER_QPS", 4, "throttled"),
        ("ERR_403_DEVELOPER_OVER_RATE", 1, "throttled"),
        ("", 1, "forbidden"),
    ],
)
def test_a_gateways_403_for_too_much_is_told_apart_from_a_refusal(net, reading, code, calls, error_class):
    wire = net(script(httpx.Response(403, headers={"X-Mashery-Error-Code": f"ERR_403_{code}"} if code else {})))
    (answer,) = wire.run(reading("immunization"))
    assert (len(wire.calls), answer["errors"][0]["class"]) == (calls, error_class)


def test_a_type_outside_the_granted_scope_is_not_asked_for_again(net, reading):
    told = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
    wire = net(script(httpx.Response(403, headers=told)))
    first, second = wire.run(reading("immunization"), reading("immunization"))
    assert first["errors"] == second["errors"]
    assert len(wire.calls) == 1


def test_an_error_keeps_the_vendors_code_and_request_id_and_nothing_of_its_words(net, reading):
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [
            {"severity": "information", "code": "invalid", "details": {"coding": [{"code": "59100"}]}},
            {"severity": "fatal", "code": "not-found", "details": {"coding": [{"code": "59008"}], "text": "Lopez"}},
        ],
    }
    wire = net(script(httpx.Response(404, json=outcome, headers={"X-Request-Id": "r-1"})))
    (answer,) = wire.run(reading("immunization"))
    (error,) = answer["errors"]
    assert (error["vendor_code"], error["vendor_request_id"]) == ("59008", "r-1")
    assert "Lopez" not in str(answer)


def test_a_silent_vendor_is_a_timeout_within_the_deadline(net, reading):
    wire = net(lambda request: None, pause=5.0)
    (answer,) = wire.run(reading("immunization", deadline_ms=40))
    assert [(error["class"], error["retryable"]) for error in answer["errors"]] == [("timeout", True)]
    assert len(wire.calls) == 1


def test_a_used_up_day_ends_the_traffic_of_every_kind(net, reading):
    spent = httpx.Response(403, headers={"X-Mashery-Error-Code": "ERR_403_DEVELOPER_OVER_RATE"})
    wire = net(lambda request: spent)
    first, second = wire.run(reading("immunization"), reading("encounter", "procedure"))
    assert len(wire.calls) == 1
    assert {error["class"] for answer in (first, second) for error in answer["errors"]} == {"throttled"}
    assert [error["kind"] for error in second["errors"]] == ["encounter", "procedure"]
