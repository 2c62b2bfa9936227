"""SEC-05, SEC-09: an answer leads to another origin, or into the own network, and what goes there.

led    GET with fault redirect {location}, or second_origin and a next page     an answer that leads away
away   GET with another Host than the login                                     a request that went there
"""

from __future__ import annotations

import time

import httpx
import pytest

from conformance.canary import listening
from tests.conformance.stories import verdicts_of

HOME, AWAY = "127.0.0.1:1", "localhost:1"
BEARER = ["authorization", "Bearer access_token:t1"]
INVALID = {"class": "invalid_response", "retryable": True, "kind": "condition"}


def at_host(case, host, *headers):
    case._data[-1]["request_headers"] = [["host", host], *headers]


def led(s, *, fault="redirect", away=(), carried=BEARER, found=False, errors=(INVALID,), home=HOME, leads=True, **more):
    case = s.case("S12", scenario="s12-redirect-elsewhere")
    case.login(0.1)
    at_host(case, home)
    case.call(0, 9, "condition", status="partial" if errors else "ok", errors=errors)
    case.get("/Condition", 0.2, 307 if fault == "redirect" else 200, fault=fault)
    at_host(case, home, BEARER)
    if leads:
        case._data[-1]["fault"]["location"] = f"http://{AWAY}/Condition"
        case._data[-1]["next"] = ["/Condition?page=2"]
    for number, host in enumerate(away):
        case.get("/Condition", 0.3 + number / 10, **more)
        at_host(case, host, *([carried] if carried else []))
    case.fact("condition:1", found=found)


def inward(s, *, calls=0, found=False, errors=(INVALID,), leads=True):
    case = s.case("S39", scenario="s39-link-to-a-neighbour")
    case.call(0, 9, "observation", status="partial" if errors else "ok", errors=errors)
    case.get("/Observation", 0.1, fault="dead_link")
    if leads:
        case._data[-1]["fault"]["next"] = "http://127.0.0.1:2/latest/"
    for number in range(calls):
        case.get("/latest/", 0.2 + number / 10, 404, token="", operation="canary")
    case.fact("observation:1", found=found)


def link(name, **more):
    def write(s):
        inward(s, **more)

    write.__name__ = name
    return write


def story(name, **more):
    def write(s):
        led(s, **more)

    write.__name__ = name
    return write


STORIES = [
    ("SEC-05", "PASS", "", story("it_is_reported")),
    ("SEC-05", "PASS", "", story("it_is_followed_without", away=[AWAY], carried=None, found=True, errors=())),
    ("SEC-05", "PASS", "", story("the_vendor_by_another_name", home=AWAY, away=[AWAY])),
    ("SEC-05", "PASS", "", story("a_link_to_the_next_page", fault="second_origin")),
    ("SEC-05", "FAIL", "sent_elsewhere", story("the_token_goes_along", away=[AWAY], found=True, errors=())),
    ("SEC-05", "FAIL", "sent_elsewhere", story("a_key_goes_along", away=[AWAY], carried=["x-api-key", "api_key:abc"])),
    ("SEC-05", "FAIL", "sent_elsewhere", story("by_the_link", fault="second_origin", away=[HOME, AWAY])),
    ("SEC-05", "FAIL", "sent_elsewhere", story("in_the_query", away=[AWAY], carried=None, query="access_token=t")),
    ("SEC-05", "FAIL", "lost_behind", story("nobody_hears_of_it", errors=())),
    ("SEC-09", "PASS", "", link("it_is_reported")),
    ("SEC-09", "PASS", "", link("it_was_read_by_another_way", found=True, errors=())),
    ("SEC-09", "FAIL", "called_inward", link("it_is_called", calls=2)),
    ("SEC-09", "FAIL", "silent_link", link("nobody_hears_of_it", errors=())),
    ("SEC-09", "UNTESTED", "", link("no_link_leads_inward", leads=False)),
    ("SEC-05", "UNTESTED", "", story("it_leads_nowhere", leads=False, fault="second_origin")),
]

test_a_story_gets_its_verdict = verdicts_of(STORIES)


@pytest.mark.parametrize("fault", ["redirect", "second_origin"])
def test_the_proof_is_what_led_away_and_what_went_there(script, fault):
    led(script, fault=fault, away=[AWAY])
    (finding,) = script.judged("SEC-05").findings
    assert finding.at == ("c1/x2", "c1/x3")
    assert finding.got == f"GET /Condition with Authorization to {AWAY}"


def test_a_canary_writes_down_who_comes_and_shows_no_secret():
    began = time.monotonic()
    with listening() as canary:
        answer = httpx.get(f"{canary.url}role?a=b", headers={"Authorization": "Bearer s3cret-s3cret-s3cret"})
    assert (answer.status_code, answer.content) == (404, b"")
    (heard,) = canary.entries("epic", began)
    assert (heard["method"], heard["path"].endswith("/role"), heard["query"]) == ("GET", True, "a=b")
    assert 0 <= heard["t_s"] < 60
    shown = dict(map(tuple, heard["request_headers"]))
    assert shown["authorization"].startswith("Bearer access_token:")
    assert "s3cret" not in str(heard)
    with pytest.raises(httpx.ConnectError):
        httpx.get(canary.url)
