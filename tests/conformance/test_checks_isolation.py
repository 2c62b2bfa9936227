"""RES-11: one list is down, and what became of the others."""

from __future__ import annotations

from tests.conformance.stories import verdicts_of

DOWN = {"class": "unavailable", "retryable": True, "kind": "immunization"}


def chart(s, *, errors=(DOWN,), other=True, vaccines=False, problem="", fault="status", status=500):
    case = s.case("S24", scenario="s24-one-resource")
    case.call(0, 9, "condition", "immunization", status="partial" if errors else "ok", errors=errors, problem=problem)
    case.get("/Condition", 0.1)
    case.get("/Immunization", 0.2, status, fault=fault)
    case.fact("condition:1", found=other)
    case.fact("immunization:1", source=("Immunization", "i1"), found=vaccines)


def story(name, **more):
    def write(s):
        chart(s, **more)

    write.__name__ = name
    return write


STORIES = [
    ("RES-11", "PASS", "", story("told_and_the_others_whole")),
    ("RES-11", "PASS", "", story("read_by_another_way", vaccines=True, errors=())),
    ("RES-11", "FAIL", "spread", story("all_is_given_up", other=False)),
    ("RES-11", "FAIL", "spread", story("the_process_ends", other=False, problem="crash: 1")),
    ("RES-11", "FAIL", "hidden", story("nobody_hears_of_it", errors=())),
    ("RES-11", "FAIL", "hidden", story("another_kind_is_named", errors=[DOWN | {"kind": "condition"}])),
    ("RES-11", "UNTESTED", "", story("it_was_up", status=200, fault="", errors=(), vaccines=True)),
]

test_a_story_gets_its_verdict = verdicts_of(STORIES)
