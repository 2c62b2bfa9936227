"""Checks of TLS and of grants, each on hand-written evidence: a knock at a bad door, what came over it, what was said.

knock   CONNECT, fault bad_tls {shows}, connection c1      the journal's word for a connection that met a fault
request GET … over connection c1                           it went on after all
"""

from __future__ import annotations

from tests.conformance.stories import verdicts_of


def knocks(s, shows, *, came="", status="error", is_alive=True, family="s37-bad-certificates", more=()):
    case = s.case("S37", scenario=family)
    for number, kind in enumerate((shows, *more)):
        at = 2.0 * number
        case.get("", at + 0.1, 0, method="CONNECT", fault="bad_tls", token="", connection=f"c{number}")
        case._data[-1]["fault"]["args"] = {"shows": kind}
        if came and number == 0:
            case.get("/oauth2/token", at + 0.2, method=came, connection="c0", token="")
        case.call(at, at + 1, "patient", status=status)
    if is_alive:
        case.get("/Patient/1", 90.1, connection="c9").call(90, 91, "patient")


def every_bad_door_is_left(s):
    knocks(s, "self_signed", more=("wrong_host", "expired"))


def a_login_goes_through_a_bad_door(s):
    knocks(s, "wrong_host", came="POST")


def a_bad_door_is_left_in_silence(s):
    knocks(s, "expired", status="ok")


def nobody_comes_at_all(s):
    knocks(s, "expired", is_alive=False)


def the_door_is_good_all_the_time(s):
    s.case("S37", scenario="s37-bad-certificates").get("/Patient/1", 0.1).call(0, 1, "patient")


def an_old_protocol_is_left(s):
    knocks(s, "tls11", family="s37-old-protocol")


def an_old_protocol_is_spoken(s):
    knocks(s, "tls11", came="GET", family="s37-old-protocol")


def certified(s, *, auth="tls_client_auth", status=200, refusal="", used="", found=True):
    """Beside an old protocol that is left: a login by a certificate, and a patient who is read with it."""
    an_old_protocol_is_left(s)
    case = s.case("S37", scenario="s37-client-certificate", auth=auth)
    case.login(0.1, status, body="grant_type=client_credentials&client_id=me", refusal=refusal)
    if used:
        case.get("/Patient/1", 0.2, 401, refusal=used)
    case.call(0, 1, "patient").fact("patient:1", source=("Patient", "1"), found=found)


def certificate(name, **more):
    def story(s):
        certified(s, **more)

    story.__name__ = name
    return story


def led(s, *, came=False, status="error", found=False):
    """A redirect out of TLS in one case, and in another a bad door that is left."""
    knocks(s, "expired")
    case = s.case("S37", scenario="s37-redirect-out-of-tls").call(0, 1, "patient", status=status)
    case.get("/Patient/1", 0.1, 307, fault="redirect", tls={"version": "TLSv1.3"})
    case._data[-1]["fault"]["location"] = "http://127.0.0.1/Patient/1"
    if came:
        case.get("/Patient/1", 0.2, tls=None)
    case.fact("patient:1", source=("Patient", "1"), found=found)
    case.get("/Patient/1", 90.1, tls={"version": "TLSv1.3"}).call(90, 91, "patient")


def a_redirect_is_not_followed(s):
    led(s)


def a_redirect_is_followed(s):
    led(s, came=True, status="ok", found=True)


def a_redirect_is_left_in_silence(s):
    led(s, status="ok")


def it_was_read_by_another_way(s):
    led(s, status="ok", found=True)


def granted(s, told, *, calls=1, classes=("forbidden",), found=True, tokens=("t1", "t1", "t1")):
    case = s.case("S07", scenario="s07-short-grant")
    case.login(0.1, body="grant_type=client_credentials&scope=system/Patient.read+system/Condition.read")
    case._data[-1]["response_body"] = f'{{"access_token":"x","scope":"{told}"}}'
    case.get("/Patient/1", 0.2, operation="Patient.read")
    for number in range(calls):
        case.get("/Condition", 0.3 + number / 10, 403, operation="Condition.search", token_id=tokens[number])
    errors = [{"class": one, "kind": "condition", "retryable": False} for one in classes]
    case.call(0, 1, "patient", "condition", status="partial" if errors else "ok", errors=errors)
    case.fact("patient:1", source=("Patient", "1"), found=found).fact("condition:1", found=False)


def grant(name, told="system/Patient.read", **more):
    def story(s):
        granted(s, told, **more)

    story.__name__ = name
    return story


STORIES = [
    ("AUTH-12", "PASS", "", grant("a_short_grant_is_told")),
    ("AUTH-12", "PASS", "", grant("a_grant_in_other_letters", "launch SYSTEM/patient.Read", calls=0)),
    ("AUTH-12", "PASS", "", grant("another_token_is_another_grant", calls=2, tokens=("t1", "t2"))),
    ("AUTH-12", "FAIL", "asks_on_Condition", grant("calls_go_on", calls=3)),
    ("AUTH-12", "FAIL", "hides_condition", grant("nobody_hears_of_it", classes=())),
    ("AUTH-12", "FAIL", "hides_condition", grant("it_is_called_an_outage", classes=("unavailable",))),
    ("AUTH-12", "FAIL", "gives_up_patient", grant("all_is_given_up", found=False)),
    ("AUTH-12", "UNTESTED", "", grant("all_was_granted", "system/Condition.Read system/Patient.read system/Goal.read")),
    ("SEC-01", "PASS", "", every_bad_door_is_left),
    ("SEC-01", "FAIL", "accepts_wrong_host", a_login_goes_through_a_bad_door),
    ("SEC-01", "FAIL", "silent_expired", a_bad_door_is_left_in_silence),
    ("SEC-01", "PASS", "", a_redirect_is_not_followed),
    ("SEC-01", "PASS", "", it_was_read_by_another_way),
    ("SEC-01", "FAIL", "follows_to_http", a_redirect_is_followed),
    ("SEC-01", "FAIL", "silent_redirect", a_redirect_is_left_in_silence),
    ("SEC-01", "UNTESTED", "", nobody_comes_at_all),
    ("SEC-01", "UNTESTED", "", the_door_is_good_all_the_time),
    ("SEC-02", "PASS", "", an_old_protocol_is_left),
    ("SEC-02", "FAIL", "accepts_tls11", an_old_protocol_is_spoken),
    ("SEC-02", "UNTESTED", "", every_bad_door_is_left),
    ("SEC-02", "PASS", "", certificate("the_certificate_is_shown")),
    ("SEC-02", "PASS", "", certificate("it_is_not_the_way_in", auth="private_key_jwt", status=400)),
    ("SEC-02", "FAIL", "no_certificate", certificate("a_login_without", status=400, refusal="no client certificate")),
    ("SEC-02", "FAIL", "no_certificate", certificate("a_call_without", used="bound to the certificate abc")),
    ("SEC-02", "FAIL", "no_login", certificate("nobody_gets_in", status=400, refusal="client_id is missing")),
    ("SEC-02", "FAIL", "lost_by_certificate", certificate("nothing_is_read", found=False)),
]


test_a_story_gets_its_verdict = verdicts_of(STORIES)


def test_the_proof_is_the_knock_and_what_came_over_it(script):
    a_login_goes_through_a_bad_door(script)
    (finding,) = script.judged("SEC-01").findings
    assert finding.at == ("c1/x1", "c1/x2")
    assert finding.got == "POST /oauth2/token"


def test_a_pass_says_both_when_both_were_shown(script):
    certified(script)
    assert script.judged("SEC-02").says == "turned away: TLS 1.1; 1 login by the client's certificate"


def test_a_knock_is_no_request_for_data(script):
    knocks(script, "expired", is_alive=False)
    (case,) = script.cases()
    assert (len(case.connections), case.data, case.is_alive) == (1, (), False)
