"""Checks of TLS, each on hand-written evidence: a knock at a bad door, what came over it, and what was said of it.

knock   CONNECT, fault bad_tls {shows}, connection c1      the journal's word for a connection that met a fault
request GET … over connection c1                           it went on after all
"""

from __future__ import annotations

import pytest


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


STORIES = [
    ("SEC-01", "PASS", "", every_bad_door_is_left),
    ("SEC-01", "FAIL", "accepts_wrong_host", a_login_goes_through_a_bad_door),
    ("SEC-01", "FAIL", "silent_expired", a_bad_door_is_left_in_silence),
    ("SEC-01", "UNTESTED", "", nobody_comes_at_all),
    ("SEC-01", "UNTESTED", "", the_door_is_good_all_the_time),
    ("SEC-02", "PASS", "", an_old_protocol_is_left),
    ("SEC-02", "FAIL", "accepts_tls11", an_old_protocol_is_spoken),
    ("SEC-02", "UNTESTED", "", every_bad_door_is_left),
]


@pytest.mark.parametrize(
    ("check", "verdict", "cause", "story"), STORIES, ids=[f"{check}-{story.__name__}" for check, _, _, story in STORIES]
)
def test_a_story_gets_its_verdict(script, check, verdict, cause, story):
    story(script)
    judged = script.judged(check)
    assert judged.verdict.value == verdict, judged.says
    assert cause in ([finding.cause for finding in judged.findings] or [""])


def test_the_proof_is_the_knock_and_what_came_over_it(script):
    a_login_goes_through_a_bad_door(script)
    (finding,) = script.judged("SEC-01").findings
    assert finding.at == ("c1/x1", "c1/x2")
    assert finding.got == "POST /oauth2/token"


def test_a_knock_is_no_request_for_data(script):
    knocks(script, "expired", is_alive=False)
    (case,) = script.cases()
    assert (len(case.connections), case.data, case.is_alive) == (1, (), False)
