"""AUTH-*: minimal evidence for pass, fail and untested of each check (RFC 6749, 6750, 7523, SMART Backend Services)."""

from __future__ import annotations

import pytest

from conformance.settings import Settings
from conformance.verdict import Verdict
from tests.conformance.stories import verdicts_of


def sound_assertion(s):
    s.case("S01").login(0, assertion={})


def exp_an_hour_ahead(s):
    s.case("S01").login(0, 400, assertion={"exp": 1767614400 + 3600})


def no_kid(s):
    s.case("S01").login(0, 400, assertion={"kid": None})


def audience_is_the_fhir_server(s):
    s.case("S01").login(0, 400, assertion={"aud": "http://127.0.0.1/s/a/epic/api/FHIR/R4"})


def issuer_is_somebody_else(s):
    s.case("S01").login(0, 400, assertion={"iss": "someone-else"})


def algorithm_is_too_weak(s):
    s.case("S01").login(0, 400, assertion={"alg": "RS256"})


def no_jti(s):
    s.case("S01").login(0, 400, assertion={"jti": None})


def signature_does_not_verify(s):
    s.case("S01").login(0, 400, assertion={}, refusal="invalid_client: bad_signature")


def login_without_assertion(s):
    s.case("S01").login(0, basic=True)


def new_assertion_on_retry(s):
    s.case("S06").login(0, 503, assertion={"jti": "a"}).login(1, assertion={"jti": "b"})


def same_assertion_on_retry(s):
    s.case("S06").login(0, 503, assertion={"jti": "a"}).login(1, 400, assertion={"jti": "a"})


def one_login_only(s):
    s.case("S06").login(0, assertion={"jti": "a"})


def login_as_registered(s):
    s.case("S01", auth="client_secret_basic").login(0, basic=True)


def secret_in_the_form(s):
    body = "grant_type=client_credentials&client_id=a&client_secret=client_secret:abc"
    s.case("S01", auth="client_secret_basic").login(0, 401, body=body)


def secret_in_the_form_where_the_vendor_takes_it(s):
    body = "grant_type=client_credentials&client_id=a&client_secret=client_secret:abc"
    s.case("S01", auth="client_secret_basic").login(0, 200, body=body)


def secret_twice(s):
    body = "grant_type=client_credentials&client_id=a&client_secret=client_secret:abc"
    s.case("S01", auth="client_secret_basic").login(0, 200, body=body, basic=True)


def secret_instead_of_a_key(s):
    s.case("S01", auth="private_key_jwt").login(0, 200, basic=True)


def secret_in_the_url(s):
    s.case("S01", auth="client_secret_basic").login(0, basic=True, query="client_secret=client_secret:abc")


def nothing_at_all(s):
    s.case("S01")


def three_calls_one_token(s):
    case = s.case("S02").login(0)
    for n in range(3):
        case.get("/Condition", 0.1 + n)


def a_token_for_each_call(s):
    case = s.case("S02")
    for n in range(4):
        case.login(n).get("/Condition", n + 0.1, token=f"t{n}")


def a_token_for_each_call_side_by_side(s):
    case = s.case("S02")
    for n in range(12):
        case.login(n // 3).get("/Condition", n // 3 + 0.1, token=f"t{n}")


def a_token_for_each_worker(s):
    case = s.case("S02")
    for worker in range(5):
        case.login(worker / 10)
    for n in range(20):
        case.get("/Condition", 1 + n, token=f"t{n % 5}")


def a_token_for_each_worker_one_after_another(s):
    case = s.case("S02")
    for worker in range(5):
        case.login(worker * 10)
        for n in range(4):
            case.get("/Condition", worker * 10 + 1 + n, token=f"t{worker}")


def one_token_and_logins_for_nothing(s):
    case = s.case("S02").login(0)
    for n in range(4):
        case.get("/Condition", 0.1 + n).login(0.5 + n)


def two_calls(s):
    s.case("S02").login(0).get("/Condition", 0.1).get("/Condition", 0.2)


def expired_and_renewed(s):
    case = s.case("S02").call(0, 9, "condition").login(0)
    case.get("/Condition", 0.1, fault="clock_advance").get("/Allergy", 0.2, 401).login(0.3)
    case.get("/Allergy", 0.4, token="t2").fact("condition:1")


def several_calls_under_way_when_it_expires(s):
    case = s.case("S02").call(0, 9, "condition").login(0)
    case.get("/Condition", 0.1, fault="clock_advance").get("/Allergy", 0.2, 401).get("/Medication", 0.22, 401)
    case.login(0.3).get("/Allergy", 0.4, token="t2").get("/Medication", 0.4, token="t2").fact("condition:1")


def expired_and_never_renewed(s):
    case = s.case("S02").call(0, 9, "condition").login(0)
    case.get("/Condition", 0.1, fault="clock_advance").get("/Allergy", 0.2, 401)


def expired_and_the_rest_is_lost(s):
    case = s.case("S02").call(0, 9, "condition").login(0)
    case.get("/Condition", 0.1, fault="clock_advance").get("/Allergy", 0.2, 401).login(0.3)
    case.get("/Allergy", 0.4, token="t2").fact("condition:1", found=False)


def old_token_after_the_new_one(s):
    case = s.case("S02").call(0, 9, "condition").login(0)
    case.get("/Condition", 0.1, fault="clock_advance").get("/Allergy", 0.2, 401).login(0.3)
    case.get("/Medication", 2.0, 401).get("/Allergy", 2.4, token="t2")


def old_token_for_what_waited_its_turn(s):
    """Twenty requests chose their token before the refusal, and four at a time leave: 1.5 s pass, never idle."""
    case = s.case("S02").call(0, 9, "condition").login(0)
    case.get("/Condition", 0.1, fault="clock_advance").get("/Allergy", 0.2, 401).login(0.3)
    for n in range(15):
        case.get(f"/Other/{n}", 0.32 + n / 10, 401, took=0.09).get(f"/Other/{n}", 0.35 + n / 10, token="t2", took=0.09)
    case.get("/Allergy", 1.9, token="t2").fact("condition:1")


def old_token_in_the_next_call(s):
    case = s.case("S02").call(0, 0.4, "condition").login(0)
    case.get("/Condition", 0.1, fault="clock_advance").get("/Allergy", 0.2, 401).login(0.3)
    case.get("/Allergy", 0.32, token="t2").call(0.4, 1, "patient").get("/Patient/1", 0.41, 401)
    case.get("/Patient/1", 0.43, token="t2")


def old_token_for_a_page_of_the_new_one(s):
    case = s.case("S03").call(0, 9, "condition").login(0).get("/Allergy", 0.1, 401, fault="revoke_token").login(0.2)
    case.get("/Allergy", 0.22, token="t2", next=["/s/a/epic/Allergy?page=2"])
    case.get("/Allergy", 0.24, 401, query="page=2").get("/Allergy", 0.26, query="page=2", token="t2")


def nothing_asked_after_the_jump(s):
    s.case("S02").call(0, 9, "condition").login(0).get("/Condition", 0.1, fault="clock_advance")


def one_401_one_token_one_replay(s):
    s.case("S03").call(0, 9, "condition").login(0).get("/Condition", 0.1, 401, fault="revoke_token").login(0.2).get(
        "/Condition", 0.3, token="t2"
    ).fact("condition:1")


def a_search_started_again_after_the_401(s):
    case = s.case("S03").call(0, 9, "condition").login(0).get("/Condition", 0.1, query="patient=1")
    case.get("/Condition", 0.2, 401, query="page=2", fault="revoke_token").login(0.3)
    case.get("/Condition", 0.4, token="t2", query="patient=1").fact("condition:1")


def two_refused_at_once_log_in_each(s):
    case = s.case("S03").call(0, 9, "condition").login(0).get("/Condition", 0.1, 401).get("/Allergy", 0.1, 401)
    case.login(0.2).login(0.2).get("/Condition", 0.3, token="t2").get("/Allergy", 0.3, token="t3").fact("condition:1")


def gave_up_on_401(s):
    s.case("S03").call(0, 9, "condition", status="error").login(0).get("/Condition", 0.1, 401)


def same_token_again(s):
    s.case("S03").call(0, 9, "condition").login(0).get("/Condition", 0.1, 401).get("/Condition", 0.2, 401)


def three_logins_for_one_401(s):
    case = s.case("S03").call(0, 9, "condition").login(0).get("/Condition", 0.1, 401)
    case.login(0.2).login(0.3).login(0.4).get("/Condition", 0.5, token="t4")


def not_repeated(s):
    s.case("S03").call(0, 9, "condition").login(0).get("/Condition", 0.1, 401).login(0.2)


def never_refused(s):
    s.case("S03").call(0, 9, "condition").login(0).get("/Condition", 0.1)


AUTH_ERROR = {"class": "auth", "retryable": False}


def refused_and_reported(s):
    s.case("S06").login(0, 401).call(0, 1, "patient", status="error", errors=[AUTH_ERROR])


def refused_and_hammering(s):
    case = s.case("S06").call(0, 9, "patient", status="error", errors=[AUTH_ERROR])
    for n in range(6):
        case.login(n / 10, 401)


def refused_and_silent(s):
    s.case("S06").login(0, 401).call(0, 1, "patient", status="ok")


def refused_and_crashed(s):
    s.case("S06").login(0, 401).call(0, 1, "patient", problem="crash: boom")


def refused_and_called_retryable(s):
    s.case("S06").login(0, 401).call(0, 1, "patient", status="error", errors=[{"class": "auth", "retryable": True}])


def every_token_refused(s):
    case = s.case("S06").call(0, 2, "patient", status="error", errors=[AUTH_ERROR])
    case.login(0).get("/Patient/1", 0.1, 401).login(0.2).get("/Patient/1", 0.3, 401, token="t2")


def refused_only_in_passing(s):
    s.case("S06").login(0, 503).login(1).get("/Patient/1", 1.1).call(0, 2, "patient")


STORIES = [
    ("AUTH-01", "PASS", "", sound_assertion),
    ("AUTH-01", "FAIL", "assertion_exp", exp_an_hour_ahead),
    ("AUTH-01", "FAIL", "assertion_kid", no_kid),
    ("AUTH-01", "FAIL", "assertion_aud", audience_is_the_fhir_server),
    ("AUTH-01", "FAIL", "assertion_iss", issuer_is_somebody_else),
    ("AUTH-01", "FAIL", "assertion_alg", algorithm_is_too_weak),
    ("AUTH-01", "FAIL", "assertion_jti", no_jti),
    ("AUTH-01", "FAIL", "assertion_sig", signature_does_not_verify),
    ("AUTH-01", "UNTESTED", "", login_without_assertion),
    ("AUTH-02", "PASS", "", new_assertion_on_retry),
    ("AUTH-02", "FAIL", "jti_reused", same_assertion_on_retry),
    ("AUTH-02", "UNTESTED", "", one_login_only),
    ("AUTH-04", "PASS", "", login_as_registered),
    ("AUTH-04", "FAIL", "wrong_method", secret_in_the_form),
    ("AUTH-04", "PASS", "", secret_in_the_form_where_the_vendor_takes_it),
    ("AUTH-04", "FAIL", "wrong_method", secret_twice),
    ("AUTH-04", "FAIL", "wrong_method", secret_instead_of_a_key),
    ("AUTH-04", "FAIL", "secret_in_url", secret_in_the_url),
    ("AUTH-04", "UNTESTED", "", nothing_at_all),
    ("AUTH-05", "PASS", "", three_calls_one_token),
    ("AUTH-05", "FAIL", "token_per_call", a_token_for_each_call),
    ("AUTH-05", "PASS", "", a_token_for_each_worker),
    ("AUTH-05", "PASS", "", a_token_for_each_worker_one_after_another),
    ("AUTH-05", "FAIL", "token_per_call", a_token_for_each_call_side_by_side),
    ("AUTH-05", "FAIL", "token_per_call", one_token_and_logins_for_nothing),
    ("AUTH-05", "UNTESTED", "", two_calls),
    ("AUTH-06", "PASS", "", expired_and_renewed),
    ("AUTH-06", "PASS", "", several_calls_under_way_when_it_expires),
    ("AUTH-06", "FAIL", "never_renewed", expired_and_never_renewed),
    ("AUTH-06", "FAIL", "work_lost", expired_and_the_rest_is_lost),
    ("AUTH-06", "FAIL", "same_token", old_token_after_the_new_one),
    ("AUTH-06", "PASS", "", old_token_for_what_waited_its_turn),
    ("AUTH-06", "FAIL", "same_token", old_token_in_the_next_call),
    ("AUTH-06", "UNTESTED", "", nothing_asked_after_the_jump),
    ("AUTH-07", "PASS", "", one_401_one_token_one_replay),
    ("AUTH-07", "PASS", "", a_search_started_again_after_the_401),
    ("AUTH-07", "PASS", "", two_refused_at_once_log_in_each),
    ("AUTH-07", "FAIL", "gave_up", gave_up_on_401),
    ("AUTH-07", "FAIL", "same_token", same_token_again),
    ("AUTH-07", "FAIL", "many_logins", three_logins_for_one_401),
    ("AUTH-07", "FAIL", "not_repeated", not_repeated),
    ("AUTH-07", "FAIL", "same_token", old_token_for_a_page_of_the_new_one),
    ("AUTH-07", "UNTESTED", "", never_refused),
    ("AUTH-08", "PASS", "", refused_and_reported),
    ("AUTH-08", "PASS", "", every_token_refused),
    ("AUTH-08", "FAIL", "login_loop", refused_and_hammering),
    ("AUTH-08", "FAIL", "unreported", refused_and_silent),
    ("AUTH-08", "FAIL", "no_answer", refused_and_crashed),
    ("AUTH-08", "WARN", "retryable", refused_and_called_retryable),
    ("AUTH-08", "UNTESTED", "", refused_only_in_passing),
]


test_a_story_gets_its_verdict = verdicts_of(STORIES)


@pytest.mark.parametrize(("after_s", "verdict"), [(0.2, Verdict.PASS), (1.5, Verdict.PASS), (2.5, Verdict.FAIL)])
def test_on_a_slow_host_what_was_under_way_may_come_later(script, after_s, verdict):
    """A request that has chosen its token and not yet connected; on a quick host it is there in a quarter second."""
    case = script.case("S03").call(0, 9, "condition").login(0).get("/Condition", 0.1, 401).login(0.2)
    case.get("/Condition", 0.22, token="t2").get("/Allergy", 0.21 + after_s, 401)
    assert script.judged("AUTH-07", settings=Settings(is_host_slow=True)).verdict is verdict
    quick = script.judged("AUTH-07")
    assert quick.verdict is (Verdict.PASS if after_s < 0.25 else Verdict.FAIL)
