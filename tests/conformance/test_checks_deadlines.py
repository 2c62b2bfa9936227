"""RES-06: a call that hangs, and what became of it.

hung   GET with fault black_hole or slicer, within a call that ends with an error, in silence, or never
"""

from __future__ import annotations

from tests.conformance.stories import verdicts_of

TIMEOUT = {"class": "timeout", "retryable": True}
DOWN = {"class": "unavailable", "retryable": True}


def hangs(s, *, second="slicer", errors=(TIMEOUT,), problem="", found=False, after="", after_found=True):
    case = s.case("S22", scenario="s22-hangs")
    for number, (kind, fault) in enumerate((("condition", "black_hole"), ("allergy", second))):
        at = 10.0 * number
        case.call(
            at, at + 3, kind, status="error" if errors else "ok", errors=errors, problem=problem if number else ""
        )
        if fault:
            case.get(f"/{kind}", at + 0.1, 0, fault=fault)
        case.fact(f"{kind}:1", found=found)
    case.call(30, 31, action="read_patient", problem=after).get("/Patient/1", 30.1).fact("patient:1", found=after_found)


def story(name, **more):
    def write(s):
        hangs(s, **more)

    write.__name__ = name
    return write


STORIES = [
    ("RES-06", "PASS", "", story("both_are_given_up")),
    ("RES-06", "PASS", "", story("what_came_by_another_way_is_there", found=True, errors=())),
    ("RES-06", "WARN", "other_class_slicer", story("told_as_an_outage", errors=[DOWN])),
    ("RES-06", "FAIL", "silent_black_hole", story("nobody_hears_of_it", errors=())),
    ("RES-06", "FAIL", "hangs_slicer", story("it_waits_for_ever", problem="deadline")),
    ("RES-06", "FAIL", "stuck", story("nothing_works_afterwards", after="deadline")),
    ("RES-06", "FAIL", "stuck", story("nobody_is_read_afterwards", after_found=False)),
    ("RES-06", "UNTESTED", "", story("one_of_them_only", second="")),
]

test_a_story_gets_its_verdict = verdicts_of(STORIES)


def test_what_was_not_met_is_named(script):
    hangs(script, second="")
    assert script.judged("RES-06").says == "no call hung: the answer came drop by drop"
