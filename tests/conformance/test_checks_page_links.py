"""PAGE-03, PAGE-04, PAGE-05: what pages say of themselves, and what an integration makes of it.

list    GET with fault false_total {says}, `here` entries, a next page     it states another total than it has
circle  GET with fault page_cycle {to}, `next`                             its next link leads back
blank   GET with fault moving_data, `skipped`, a next page                 an empty page in the middle
"""

from __future__ import annotations

from functools import partial

from tests.conformance.stories import verdicts_of

TOTALS, CYCLE, EMPTY = "s17-totals", "s18-cycle", "s18-empty-page"
BASE = "/s/a/epic"
INVALID = {"class": "invalid_response", "retryable": True, "kind": "observation"}
DOWN = {"class": "unavailable", "retryable": True, "kind": "observation"}


def add_fault(case, fault, args, **said):
    case._data[-1]["fault"] = {"id": "f1", "fault": fault, "step": "spoil", "args": args, **said}


def totals(s, *says, found=True, errors=(), has_next=True):
    case = s.case("S17", scenario=TOTALS)
    for number, one in enumerate(says):
        at = 10.0 * number
        case.call(at, at + 1, "observation", status="partial" if errors else "ok", errors=errors)
        case.get("/Obs", at + 0.1, query="p=1", next=[f"{BASE}/Obs?s=2"] if has_next else [])
        add_fault(case, "false_total", {"says": one}, total=0, here=5)
        case.fact(f"observation:{number}").fact(f"observation:{number}b", found=found)


def circle(s, *, times=2, to="self", restarts=0, found=False, errors=(INVALID,), problem="", with_blank=True):
    case = s.case("S18", scenario=CYCLE)
    case.call(0, 9, "observation", status="partial" if errors else "ok", errors=errors, problem=problem)
    for begun in range(restarts + 1):
        case.get("/Obs", 0.1 + begun, query="p=1", operation="Observation.search", notes={"page": 1})
        for number in range(times):
            case.get("/Obs", 0.2 + begun + number / 100, query="s=2", operation="Observation.search", notes={"page": 2})
            add_fault(case, "page_cycle", {"to": to, "from_page": 2}, next="x")
    case.fact("observation:1").fact("observation:2", found=found)
    if with_blank:
        blank(s)


def blank(s, *, followed=True, found=True, errors=()):
    case = s.case("S18", scenario=EMPTY)
    case.call(0, 9, "observation", status="partial" if errors else "ok", errors=errors)
    case.get("/Obs", 0.1, query="s=2", next=[f"{BASE}/Obs?s=3"])
    add_fault(case, "moving_data", {"by": 1000, "by_what": "deletion"}, skipped=["o1"])
    if followed:
        case.get("/Obs", 0.2, query="s=3", served=[("Observation", "o2")])
    case.fact("observation:1", source=("Observation", "o1"), found=False)
    case.fact("observation:2", source=("Observation", "o2"), found=found)


def blank_beside_a_circle(s, **more):
    circle(s, with_blank=False)
    blank(s, **more)


def moving(s, *, times=1, found=True, repeated=("o1",)):
    case = s.case("S18", scenario="s18-moving-data").call(0, 9, "observation")
    case.get("/Obs", 0.1, query="p=1", served=[("Observation", "o1")])
    case.get("/Obs", 0.2, query="p=2", served=[("Observation", "o1"), ("Observation", "o2")])
    add_fault(case, "moving_data", {"by": 1, "by_what": "insertion"}, repeated=list(repeated))
    case.fact("observation:1", source=("Observation", "o1"), times=times)
    case.fact("observation:2", source=("Observation", "o2"), found=found)


def story(name, tell, *args, **more):
    told = partial(tell, **more)

    def write(s):
        told(s, *args)

    write.__name__ = name
    return write


STORIES = [
    ("PAGE-03", "PASS", "", story("every_page_is_read", totals, "absent", "page", "estimate", "zero")),
    ("PAGE-03", "FAIL", "believes_page", story("the_first_page_is_all", totals, "absent", "page", found=False)),
    ("PAGE-03", "FAIL", "believes_zero", story("zero_is_none", totals, "zero", found=False)),
    ("PAGE-03", "WARN", "believes_page", story("what_lacks_is_told", totals, "page", found=False, errors=(INVALID,))),
    ("PAGE-03", "PASS", "", story("whole_though_it_complains", totals, "page", errors=(INVALID,))),
    ("PAGE-03", "UNTESTED", "", story("one_page_only", totals, "page", has_next=False)),
    ("PAGE-03", "UNTESTED", "", story("nothing_that_would_mislead", totals, "absent", "estimate")),
    ("PAGE-04", "PASS", "", story("the_circle_is_left_and_told", circle)),
    ("PAGE-04", "PASS", "", story("seen_by_the_link_alone", circle, times=1)),
    ("PAGE-04", "PASS", "", story("two_repeats_are_fair", circle, times=3)),
    ("PAGE-04", "PASS", "", story("begun_again_and_left_again", circle, times=2, restarts=1)),
    ("PAGE-04", "PASS", "", story("nothing_lay_behind", circle, found=True, errors=())),
    ("PAGE-04", "FAIL", "endless", story("round_and_round", circle, times=4)),
    ("PAGE-04", "FAIL", "endless", story("round_by_the_first", circle, times=7, to="first")),
    ("PAGE-04", "FAIL", "endless", story("it_never_comes_back", circle, problem="deadline")),
    ("PAGE-04", "FAIL", "part_as_whole", story("the_circle_is_the_end", circle, errors=())),
    ("PAGE-04", "WARN", "other_class", story("told_as_something_else", circle, errors=(DOWN,))),
    ("PAGE-04", "FAIL", "stopped", story("the_empty_page_is_the_end", blank_beside_a_circle, followed=False)),
    ("PAGE-04", "WARN", "stopped", story("stopped_and_told", blank_beside_a_circle, followed=False, errors=(INVALID,))),
    ("PAGE-04", "FAIL", "lost_behind", story("read_on_and_lost", blank_beside_a_circle, found=False)),
    ("PAGE-04", "UNTESTED", "", story("no_empty_page", circle, with_blank=False)),
    ("PAGE-04", "UNTESTED", "", story("no_circle", blank)),
    ("PAGE-05", "PASS", "", story("what_comes_again_is_the_same", moving)),
    ("PAGE-05", "FAIL", "twice", story("what_comes_again_is_another", moving, times=2)),
    ("PAGE-05", "FAIL", "lost", story("what_came_after_it_is_lost", moving, found=False)),
    ("PAGE-05", "UNTESTED", "", story("nothing_moved", moving, repeated=())),
]

test_a_story_gets_its_verdict = verdicts_of(STORIES)


def test_the_proof_of_what_is_held_twice_is_both_pages(script):
    moving(script, times=2)
    (finding,) = script.judged("PAGE-05").findings
    assert (finding.at, finding.got) == (("c1/x1", "c1/x2"), "Observation/o1 2 times")


def test_the_proof_of_a_circle_is_the_page_that_came_again(script):
    circle(script, times=5)
    finding = next(one for one in script.judged("PAGE-04").findings if one.cause == "endless")
    assert finding.at == ("c1/x2", "c1/x3", "c1/x4")
    assert (finding.expected, finding.got) == ("at most 3", "5")
