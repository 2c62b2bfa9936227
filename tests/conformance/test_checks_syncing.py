"""PAGE-09, PAGE-11, RES-10: readings of one chart, one after the other, and what is held after the last one.

reading   run `sync` → cursor; GET /Observation with `served`; the facts of the last call are what is held
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

import scenarios
from conformance.happens import HAPPENINGS
from tests.conformance.stories import verdicts_of

NEW = "s20-what-is-new"
WRONG = {"field": "status", "verdict": "wrong"}
DOWN = {"class": "unavailable", "retryable": True, "kind": "observation"}
STALE = {"field": "status", "verdict": "stale"}


def reading(case, at, served, *, cursor="c", status="ok", problem="", since=""):
    more = {"cursor": cursor} if cursor else {}
    case.call(at, at + 1, "observation", action="sync", status=status, problem=problem, **more)
    pairs = [("Observation", f"o{one}") for one in range(served)]
    case.get("/Observation", at + 0.1, query=f"_lastUpdated={since}" if since else "", served=pairs)


def readings(s, *, idle=4, found=True, wrong=(), stale=False, count=4, **last):
    case = s.case("S20", scenario=NEW)
    for number in range(count - 1):
        reading(case, 10.0 * number, 100 if number == 0 else 2)
    reading(case, 90.0, idle, since="ge2026-01-05T11:50:00Z", **last)
    case.fact("observation:1", source=("Observation", "o1"), wrong=wrong)
    case.fact("observation:2", source=("Observation", "o2"), found=found)
    if stale:
        case.extra("observation", type="Observation", id="o3", verdict="stale")


def story(name, **more):
    write = partial(readings, **more)

    def told(s):
        write(s)

    told.__name__ = name
    return told


def unlisted(s, *, served=2, skipped=1, status=200, found=True, was_told=True, count=2, **last):
    """Something was not listed in the second reading; `was_told`: the first one had it."""
    case = s.case("S20", scenario="s20-not-listed")
    for number in range(count - 1):
        reading(case, 10.0 * number, served)
    reading(case, 90.0, 0, **last)
    case._data[-1]["status"] = status
    if skipped:
        case._data[-1]["fault"] = {"id": "f1", "fault": "moving_data", "step": "spoil", "skipped": ["o1"] * skipped}
    case.fact("observation:1", source=("Observation", "o1" if was_told else "o9"), found=found)


def absence(name, **more):
    def told(s):
        unlisted(s, **more)

    told.__name__ = name
    return told


def dark(s, *, refused=2, found=True, asks=True, count=3, answered=200, **last):
    """The second of three readings meets an outage."""
    case = s.case("S22", scenario="s22-a-dark-hour")
    reading(case, 0.0, 2)
    if count > 1:
        case.call(10, 11, "observation", action="sync", status="error", errors=[DOWN])
        for number in range(refused):
            case.get("/Observation", 10.1 + number / 10, 500, fault="status")
    if count > 2:
        reading(case, 20.0, 2, **last)
        case._data[-1]["status"] = answered
        if not asks:
            case._data.pop()
    case.fact("observation:1", source=("Observation", "o1")).fact("observation:9", found=found)


def outage(name, **more):
    def told(s):
        dark(s, **more)

    told.__name__ = name
    return told


STORIES = [
    ("RES-10", "PASS", "", outage("all_is_there_in_the_end")),
    ("RES-10", "FAIL", "gap", outage("what_was_filed_in_the_dark_is_not", found=False)),
    ("RES-10", "FAIL", "gave_up", outage("nobody_asks_again", found=False, asks=False)),
    ("RES-10", "FAIL", "gave_up", outage("it_asks_and_is_refused", found=False, answered=403)),
    ("RES-10", "UNTESTED", "", outage("nothing_was_asked_in_the_dark", refused=0)),
    ("RES-10", "UNTESTED", "", outage("two_readings", count=2)),
    ("RES-10", "UNTESTED", "", outage("one_reading_before_the_outage", count=1)),
    ("RES-10", "UNTESTED", "", outage("it_cannot_sync_at_all", status="unsupported", cursor="")),
    ("PAGE-11", "PASS", "", absence("it_is_held")),
    ("PAGE-11", "PASS", "", absence("a_list_was_refused", skipped=0, status=403)),
    ("PAGE-11", "PASS", "", absence("it_never_was_there", found=False, was_told=False)),
    ("PAGE-11", "FAIL", "deleted", absence("it_is_deleted", found=False)),
    ("PAGE-11", "FAIL", "deleted", absence("a_refusal_empties_the_list", found=False, skipped=0, status=403)),
    ("PAGE-11", "UNTESTED", "", absence("nothing_was_read", served=0)),
    ("PAGE-11", "UNTESTED", "", absence("one_reading", count=1)),
    ("PAGE-11", "UNTESTED", "", absence("it_cannot_sync", status=200, cursor="")),
    ("PAGE-09", "PASS", "", story("all_that_is_new")),
    ("PAGE-09", "PASS", "", story("an_overlap_is_fair", idle=10)),
    ("PAGE-09", "PASS", "", story("small_matters_are_not_ours", wrong=[WRONG | {"severity": "minor"}])),
    ("PAGE-09", "FAIL", "new", story("one_slipped_through", found=False)),
    ("PAGE-09", "FAIL", "changed", story("the_old_value", wrong=[WRONG])),
    ("PAGE-09", "FAIL", "taken_back", story("held_as_valid", wrong=[STALE])),
    ("PAGE-09", "FAIL", "taken_back", story("held_though_it_is_none", stale=True)),
    ("PAGE-09", "FAIL", "flood", story("everything_again", idle=100)),
    ("PAGE-09", "UNTESTED", "", story("three_readings", count=3)),
    ("PAGE-09", "UNTESTED", "", story("no_such_action", status="unsupported", cursor="")),
    ("PAGE-09", "UNTESTED", "", story("no_cursor", cursor="")),
    ("PAGE-09", "UNTESTED", "", story("it_never_answered", problem="deadline")),
]

test_a_story_gets_its_verdict = verdicts_of(STORIES)


def test_the_proof_is_what_was_asked_in_the_later_readings(script):
    readings(script, found=False)
    (finding,) = script.judged("PAGE-09").findings
    assert finding.at == ("c1/x2", "c1/x3", "c1/x4")
    assert finding.got == "Observation/o2 is not held; asked last for _lastUpdated=ge2026-01-05T11:50:00Z"


def test_what_is_asked_about_one_type_proves_nothing_of_another(script):
    readings(script, found=False)
    made = script.cases()[0]
    facts = [fact | {"source": fact["source"] | {"type": "Condition"}} for fact in made.score["facts"]]
    script.cases = lambda: (replace(made, score={"facts": facts}),)
    (finding,) = script.judged("PAGE-09").findings
    assert finding.at == ()


@pytest.mark.parametrize("what", HAPPENINGS)
def test_every_happening_is_told_and_played(what):
    text = (Path(str(scenarios.FOLDER)) / f"{NEW}.toml").read_text(encoding="utf-8")
    assert f'"{what}"' in text
    assert HAPPENINGS[what][0].islower()


def test_the_proof_of_a_deletion_is_where_it_was_told_and_where_it_was_not(script):
    unlisted(script, found=False)
    (finding,) = script.judged("PAGE-11").findings
    assert finding.at == ("c1/x1", "c1/x2")
    assert finding.got == "Observation/o1 is not held any more, status ok"
