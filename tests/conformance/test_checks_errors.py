"""OBS-02: an error tells what was answered, by whom, and whether another try is worth it."""

from __future__ import annotations

import pytest

from tests.conformance.stories import verdicts_of

WHOLE = {"class": "forbidden", "retryable": False, "vendor": "epic", "kind": "condition", "http_status": 403}


def refused(s, *, status=403, errors=(WHOLE,), before=0):
    case = s.case("S22", scenario="s22-permanent")
    if before:
        case.call(0, 1, "condition").get("/Condition", 0.1, before)
    case.call(10, 11, "condition", status="error", errors=errors)
    case.get("/Condition", 10.1, status)


def story(name, *errors, **more):
    def write(s):
        refused(s, errors=errors or (WHOLE,), **more)

    write.__name__ = name
    return write


def without(member):
    return {name: value for name, value in WHOLE.items() if name != member}


STORIES = [
    ("OBS-02", "PASS", "", story("told_whole")),
    ("OBS-02", "PASS", "", story("a_refusal_that_is_remembered", WHOLE, status=400, before=403)),
    ("OBS-02", "PASS", "", story("what_no_answer_says_has_no_status", WHOLE, {"class": "timeout", "retryable": True})),
    ("OBS-02", "FAIL", "no_vendor", story("nobody_is_named", without("vendor"))),
    ("OBS-02", "FAIL", "no_status", story("no_status", without("http_status"))),
    ("OBS-02", "FAIL", "other_status", story("a_status_that_was_not_answered", WHOLE | {"http_status": 500})),
    ("OBS-02", "FAIL", "wrong_retryable", story("worth_another_try", WHOLE | {"retryable": True})),
    ("OBS-02", "UNTESTED", "", story("nothing_was_refused", status=200)),
]

test_a_story_gets_its_verdict = verdicts_of(STORIES)


@pytest.mark.parametrize(("named", "is_worth_it"), [("throttled", True), ("unavailable", True), ("rejected", False)])
def test_whether_another_try_is_worth_it_goes_by_the_class(script, named, is_worth_it):
    told = WHOLE | {"class": named, "retryable": is_worth_it}
    refused(script, errors=[told])
    assert script.judged("OBS-02").verdict.value == "PASS"


@pytest.mark.parametrize("named", ["throttled", "unavailable", "rejected", "auth"])
def test_the_opposite_is_wrong(script, named):
    refused(script, errors=[WHOLE | {"class": named, "retryable": named in ("rejected", "auth")}])
    assert [one.cause for one in script.judged("OBS-02").findings] == ["wrong_retryable"]
