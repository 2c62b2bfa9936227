"""RES-*, LAT-01: minimal evidence for pass, fail and untested of each check (RFC 9110 sections 9.2.2, 10.2.3, 15.5)."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest

from conformance.evidence import Exchange
from tests.conformance.stories import verdicts_of

THROTTLED = {"class": "throttled", "retryable": True, "kind": "condition"}
INVALID = {"class": "invalid_response", "retryable": True, "kind": "condition"}


def date_after(seconds):
    """An HTTP date so many seconds after the script's second 0."""
    from datetime import UTC, datetime

    return format_datetime(datetime(2026, 1, 5, 12, tzinfo=UTC) + timedelta(seconds=seconds), usegmt=True)


def waited_as_asked(s):
    s.case("S21").get("/Condition", 0, 429, retry_after="1").get("/Condition", 1.02)


def waited_until_the_date(s):
    s.case("S21").get("/Condition", 0, 503, retry_after=date_after(3)).get("/Condition", 3.1)


def other_calls_meanwhile(s):
    s.case("S21").get("/Condition", 0, 429, retry_after="1").get("/Allergy", 0.1).get("/Condition", 1.1)


def came_back_at_once(s):
    s.case("S21").get("/Condition", 0, 429, retry_after="1").get("/Condition", 0.06)


def did_not_read_the_date(s):
    s.case("S21").get("/Condition", 0, 429, retry_after=date_after(3)).get("/Condition", 0.06)


def login_came_back_at_once(s):
    s.case("S21").login(0, 429, retry_after="2").login(0.1)


def came_back_much_later(s):
    s.case("S21").get("/Condition", 0, 429, retry_after="1").get("/Condition", 9)


def never_came_back(s):
    s.case("S21").get("/Condition", 0, 429, retry_after="1")


def waits_that_grow(s):
    case = s.case("S21").call(0, 9, "condition")
    for at in (0, 0.5, 1.5):
        case.get("/Condition", at, 429)
    case.get("/Condition", 3.5)


def no_waits(s):
    case = s.case("S21").call(0, 9, "condition")
    for at in (0, 0.02, 0.04):
        case.get("/Condition", at, 429)
    case.get("/Condition", 0.06)


def equal_waits(s):
    case = s.case("S21").call(0, 9, "condition")
    for at in (0, 0.5, 1.0):
        case.get("/Condition", at, 429)
    case.get("/Condition", 1.5)


def waits_drawn_from_a_growing_range(s):
    case = s.case("S21").call(0, 9, "condition")
    for at in (0, 0.9, 1.4):
        case.get("/Condition", at, 429)
    case.get("/Condition", 2.3)


def seven_attempts(s):
    case = s.case("S21").call(0, 99, "condition")
    for n in range(8):
        case.get("/Condition", 2.0**n, 429)


def gave_up_and_said_so(s):
    s.case("S21").call(0, 1, "condition", status="error", errors=[THROTTLED]).get("/Condition", 0.1, 429)


def gave_up_in_silence(s):
    s.case("S21").call(0, 1, "condition").get("/Condition", 0.1, 429)


def throttled_with_a_hint(s):
    s.case("S21").call(0, 9, "condition").get("/Condition", 0, 429, retry_after="1").get("/Condition", 1.1)


def tried_again(s):
    s.case("S22").get("/Condition", 0, 503).get("/Condition", 0.6)


def tried_again_after_a_reset(s):
    s.case("S22").get("/Condition", 0, 0, fault="reset_peer").get("/Condition", 0.6)


def gave_up_at_once(s):
    s.case("S22").get("/Condition", 0, 503)


def gave_up_after_a_reset(s):
    s.case("S22").get("/Condition", 0, 0, fault="reset_peer")


def nothing_failed(s):
    s.case("S22").get("/Condition", 0)


def four_attempts(s):
    case = s.case("S22").call(0, 9, "condition", status="error")
    for n in range(4):
        case.get("/Condition", n, 503)


def four_attempts_in_each_of_two_calls(s):
    case = s.case("S22").call(0, 9, "condition", status="error").call(10, 19, "condition", status="error")
    for n in range(4):
        case.get("/Condition", n, 503).get("/Condition", 10 + n, 503)


def thirty_attempts(s):
    case = s.case("S22").call(0, 9, "condition", status="error")
    for n in range(30):
        case.get("/Condition", n / 10, 503)


def asked_once(s):
    s.case("S22").call(0, 1, "patient", status="error").get("/Patient/none", 0.1, 404)


def asked_again_and_again(s):
    case = s.case("S22").call(0, 1, "patient", status="error")
    for n in range(3):
        case.get("/Patient/none", n / 10, 404)


def asked_in_two_operations(s):
    case = s.case("S22").call(0, 1, "patient", status="error").call(2, 3, "patient", status="error")
    case.get("/Patient/none", 0.1, 404).get("/Patient/none", 2.1, 404)


def cut_and_reported(s):
    case = s.case("S23").call(0, 1, "condition", status="error", errors=[INVALID])
    case.get("/Condition", 0.1, fault="limit_data", complete=False).fact("condition:1", found=False)


def cut_and_fetched_again(s):
    case = s.case("S23").call(0, 1, "condition").get("/Condition", 0.1, fault="limit_data", complete=False)
    case.get("/Condition", 0.6).fact("condition:1")


def cut_and_taken_for_the_whole(s):
    case = s.case("S23").call(0, 1, "condition").get("/Condition", 0.1, fault="limit_data", complete=False)
    case.fact("condition:1", found=False)


def cut_and_crashed(s):
    s.case("S23").call(0, 1, "condition", problem="crash: boom").get("/Condition", 0.1, fault="limit_data")


def cut_and_called_forbidden(s):
    errors = [{"class": "forbidden", "retryable": False, "kind": "condition"}]
    case = s.case("S23").call(0, 1, "condition", status="error", errors=errors)
    case.get("/Condition", 0.1, fault="limit_data").fact("condition:1", found=False)


def nothing_was_cut(s):
    s.case("S23").call(0, 1, "condition").get("/Condition", 0.1).fact("condition:1")


def html_and_reported(s):
    case = s.case("S23").call(0, 1, "condition", status="error", errors=[INVALID])
    case.get("/Condition", 0.1, fault="login_page").fact("condition:1", found=False)


def html_as_an_empty_list(s):
    case = s.case("S23").call(0, 1, "condition").get("/Condition", 0.1, fault="login_page")
    case.fact("condition:1", found=False)


def html_and_crashed(s):
    s.case("S23").call(0, 1, "condition", problem="crash: boom").get("/Condition", 0.1, fault="login_page")


def forty_quick_reads(s):
    case = s.case("S26")
    for n in range(40):
        case.call(n, n + 0.03, "patient").get("/Patient/1", n + 0.005, took=0.01)


def forty_slow_reads(s):
    case = s.case("S26")
    for n in range(40):
        case.call(n, n + 0.3, "patient").get("/Patient/1", n + 0.005, took=0.01)


def five_reads(s):
    case = s.case("S26")
    for n in range(5):
        case.call(n, n + 0.03, "patient").get("/Patient/1", n + 0.005)


def forty_reads_without_a_request(s):
    case = s.case("S26")
    for n in range(40):
        case.call(n, n + 0.001, "patient")


STORIES = [
    ("RES-01", "PASS", "", waited_as_asked),
    ("RES-01", "PASS", "", waited_until_the_date),
    ("RES-01", "PASS", "", other_calls_meanwhile),
    ("RES-01", "FAIL", "too_early", came_back_at_once),
    ("RES-01", "FAIL", "too_early", did_not_read_the_date),
    ("RES-01", "FAIL", "too_early", login_came_back_at_once),
    ("RES-01", "WARN", "too_late", came_back_much_later),
    ("RES-01", "UNTESTED", "", never_came_back),
    ("RES-02", "PASS", "", waits_that_grow),
    ("RES-02", "PASS", "", gave_up_and_said_so),
    ("RES-02", "FAIL", "hot_loop", no_waits),
    ("RES-02", "FAIL", "flat_waits", equal_waits),
    ("RES-02", "WARN", "flat_waits", waits_drawn_from_a_growing_range),
    ("RES-02", "FAIL", "too_many", seven_attempts),
    ("RES-02", "FAIL", "hidden_throttle", gave_up_in_silence),
    ("RES-02", "UNTESTED", "", throttled_with_a_hint),
    ("RES-03", "PASS", "", tried_again),
    ("RES-03", "PASS", "", tried_again_after_a_reset),
    ("RES-03", "FAIL", "not_retried", gave_up_at_once),
    ("RES-03", "FAIL", "not_retried", gave_up_after_a_reset),
    ("RES-03", "UNTESTED", "", nothing_failed),
    ("RES-04", "PASS", "", four_attempts),
    ("RES-04", "PASS", "", four_attempts_in_each_of_two_calls),
    ("RES-04", "FAIL", "too_many", thirty_attempts),
    ("RES-04", "UNTESTED", "", nothing_failed),
    ("RES-05", "PASS", "", asked_once),
    ("RES-05", "PASS", "", asked_in_two_operations),
    ("RES-05", "FAIL", "repeated", asked_again_and_again),
    ("RES-05", "UNTESTED", "", nothing_failed),
    ("RES-07", "PASS", "", cut_and_reported),
    ("RES-07", "PASS", "", cut_and_fetched_again),
    ("RES-07", "FAIL", "silent_loss", cut_and_taken_for_the_whole),
    ("RES-07", "FAIL", "no_answer", cut_and_crashed),
    ("RES-07", "FAIL", "wrong_class", cut_and_called_forbidden),
    ("RES-07", "UNTESTED", "", nothing_was_cut),
    ("RES-08", "PASS", "", html_and_reported),
    ("RES-08", "FAIL", "silent_loss", html_as_an_empty_list),
    ("RES-08", "FAIL", "no_answer", html_and_crashed),
    ("RES-08", "UNTESTED", "", nothing_was_cut),
    ("LAT-01", "PASS", "", forty_quick_reads),
    ("LAT-01", "FAIL", "slow", forty_slow_reads),
    ("LAT-01", "UNTESTED", "", five_reads),
    ("LAT-01", "UNTESTED", "", forty_reads_without_a_request),
]


test_a_story_gets_its_verdict = verdicts_of(STORIES)


def test_a_date_in_the_past_asks_for_no_wait():
    from datetime import UTC, datetime

    epoch = datetime(2026, 1, 5, 12, tzinfo=UTC)
    entry = {"id": "x1", "method": "GET", "path": "/", "t_s": 5.0, "response_headers": [["Retry-After", date_after(1)]]}
    assert Exchange("c1", "epic", entry, epoch).retry_after == (timedelta(0), True)


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5"])
def test_a_wait_that_cannot_be_read_is_no_wait(text):
    from datetime import UTC, datetime

    entry = {"id": "x1", "method": "GET", "path": "/", "t_s": 5.0, "response_headers": [["Retry-After", text]]}
    assert Exchange("c1", "epic", entry, datetime(2026, 1, 5, tzinfo=UTC)).retry_after is None
