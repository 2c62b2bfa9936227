"""RES-13: 403 with a header that says which of three things it means.

full    403 OVER_QPS, then all the records, or not     the second is full
spent   403 OVER_RATE, then silence, or not            the day is used up
"""

from __future__ import annotations

from tests.conformance.stories import verdicts_of

QPS, RATE = "ERR_403_DEVELOPER_OVER_QPS", "ERR_403_DEVELOPER_OVER_RATE"
THROTTLED = {"class": "throttled", "retryable": True, "kind": "condition"}
FORBIDDEN = {"class": "forbidden", "retryable": False, "kind": "condition"}


def refused(case, at, code):
    case.get("/chart/1/problems", at, 403)
    case._data[-1]["response_headers"] = [["X-Mashery-Error-Code", code]]


def day(s, *, full=True, found=True, errors=(), later=0, told=(THROTTLED,), lost=True, code=RATE):
    case = s.case("S21", vendor="athena", scenario="s21-a-full-second").call(0, 9, "condition", errors=errors)
    if full:
        refused(case, 0.1, QPS)
    case.fact("condition:1", found=found)
    case = s.case("S21", vendor="athena", scenario="s21-a-day-used-up")
    case.call(0, 9, "condition", status="error" if told else "ok", errors=told)
    refused(case, 0.1, code)
    for number in range(later):
        refused(case, 0.2 + number / 10, code)
    case.fact("condition:1", found=not lost)


def story(name, **more):
    def write(s):
        day(s, **more)

    write.__name__ = name
    return write


STORIES = [
    ("RES-13", "PASS", "", story("each_is_what_it_is")),
    ("RES-13", "PASS", "", story("some_were_under_way", later=4)),
    ("RES-13", "PASS", "", story("it_was_read_before_the_quota_ended", told=(), lost=False)),
    ("RES-13", "FAIL", "gave_up", story("a_full_second_is_the_end", found=False, errors=[FORBIDDEN])),
    ("RES-13", "FAIL", "asks_on", story("asked_on_and_on", later=5)),
    ("RES-13", "FAIL", "misnamed", story("a_missing_permission", told=[FORBIDDEN])),
    ("RES-13", "FAIL", "hidden", story("an_empty_chart", told=())),
    ("RES-13", "UNTESTED", "", story("no_full_second", full=False)),
    ("RES-13", "UNTESTED", "", story("no_used_up_day", code="ERR_403_NOT_AUTHORIZED", lost=False, told=())),
]

test_a_story_gets_its_verdict = verdicts_of(STORIES)
