"""Checks of write-back, each on hand-written evidence: catalogue 2.6.8, WB-04, WB-05, WB-06, WB-10."""

from __future__ import annotations

import json

from tests.conformance.stories import verdicts_of

PLACE = "/api/FHIR/R4/Condition"
MADE = [("Condition", "c1")]
AGAIN = [("Condition", "c2")]
REF = {"vendor": "epic", "type": "Condition", "id": "c1"}
REFUSAL = json.dumps(
    {
        "issue": [
            {"severity": "information", "details": {"coding": [{"code": "59109"}]}},
            {"severity": "fatal", "details": {"coding": [{"code": "59111"}]}},
        ]
    }
)


def cut(s, at, served):
    return s.get(PLACE, at, 0, method="POST", served=served, fault="store_then_cut")


def refused(s, at):
    return s.get(PLACE, at, 400, method="POST", response_body=REFUSAL)


def error(kind, code=None):
    return [{"class": kind, "retryable": False, "vendor_code": code}]


def lost_and_found(s):
    cut(s.case("S34"), 0.1, MADE).get(PLACE, 0.2).call(0, 1, action="write", ref=REF)


def lost_and_sent_again(s):
    case = cut(s.case("S34"), 0.1, MADE).get(PLACE, 0.2, 201, method="POST", served=AGAIN)
    case.call(0, 1, action="write", ref=REF | {"id": "c2"})


def lost_and_unknown(s):
    cut(s.case("S34"), 0.1, MADE).call(0, 1, action="write", status="error", errors=error("unavailable"))


def lost_and_hidden(s):
    cut(s.case("S34"), 0.1, MADE).call(0, 1, action="write")


def cut_before_it_was_kept(s):
    cut(s.case("S34"), 0.1, ()).get(PLACE, 0.2, 201, method="POST", served=MADE).call(0, 1, action="write", ref=REF)


def a_cut_search_is_no_create(s):
    cut_search = s.case("S34").get("/Condition/_search", 0.1, 0, method="POST", served=MADE, fault="store_then_cut")
    cut_search.call(0, 1, action="write")


def told_with_its_code(s):
    refused(s.case("S34"), 0.1).call(0, 1, action="write", status="error", errors=error("rejected", "59111"))


def told_by_the_first_issue(s):
    refused(s.case("S34"), 0.1).call(0, 1, action="write", status="error", errors=error("rejected", "59109"))


def told_as_something_else(s):
    refused(s.case("S34"), 0.1).call(0, 1, action="write", status="error", errors=error("internal", "59111"))


def refused_and_sent_again(s):
    case = refused(refused(s.case("S34"), 0.1), 0.2)
    case.call(0, 1, action="write", status="error", errors=error("rejected", "59111"))


def created(s, *, served=MADE, **answer):
    return s.case("S33").get(PLACE, 0.1, 201, method="POST", served=served).call(0, 1, action="write", **answer)


def id_from_location(s):
    created(s, ref=REF)


def id_from_nowhere(s):
    created(s, status="error", errors=error("internal"))


def another_id(s):
    created(s, ref=REF | {"id": "c9"})


def created_twice(s):
    case = s.case("S33").get(PLACE, 0.1, 201, method="POST", served=MADE).get(f"{PLACE}/c1", 0.2, 404)
    case.get(PLACE, 0.3, 201, method="POST", served=AGAIN).call(0, 1, action="write", ref=REF)


def differences_told(s):
    created(s, ref=REF, changed=("category", "onset"), differences=["category", "onset", "text"])


def differences_half_told(s):
    created(s, ref=REF, changed=("category", "onset"), differences=["onset"])


def differences_hidden(s):
    created(s, ref=REF, changed=("category",))


def nothing_differs(s):
    created(s, ref=REF)


def only_read(s):
    s.case("S33").get(PLACE, 0.1).call(0, 1, "condition")
    s.case("S34").get(PLACE, 0.1).call(0, 1, "condition")


STORIES = [
    ("WB-04", "PASS", "", lost_and_found),
    ("WB-04", "FAIL", "written_twice", lost_and_sent_again),
    ("WB-04", "WARN", "outcome_unknown", lost_and_unknown),
    ("WB-04", "FAIL", "outcome_hidden", lost_and_hidden),
    ("WB-04", "UNTESTED", "", cut_before_it_was_kept),
    ("WB-04", "UNTESTED", "", a_cut_search_is_no_create),
    ("WB-04", "UNTESTED", "", only_read),
    ("WB-05", "PASS", "", told_with_its_code),
    ("WB-05", "FAIL", "code_lost", told_by_the_first_issue),
    ("WB-05", "FAIL", "code_lost", told_as_something_else),
    ("WB-05", "FAIL", "sent_again", refused_and_sent_again),
    ("WB-05", "UNTESTED", "", only_read),
    ("WB-06", "PASS", "", id_from_location),
    ("WB-06", "FAIL", "id_lost", id_from_nowhere),
    ("WB-06", "FAIL", "id_lost", another_id),
    ("WB-06", "FAIL", "created_again", created_twice),
    ("WB-06", "UNTESTED", "", only_read),
    ("WB-10", "PASS", "", differences_told),
    ("WB-10", "FAIL", "difference_hidden", differences_half_told),
    ("WB-10", "FAIL", "difference_hidden", differences_hidden),
    ("WB-10", "UNTESTED", "", nothing_differs),
    ("WB-10", "UNTESTED", "", only_read),
]


test_a_story_gets_its_verdict = verdicts_of(STORIES)
