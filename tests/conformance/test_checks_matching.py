"""PAGE-10, NORM-17: rows that were not asked for, and people who look alike.

unfiltered  a search answered with fault ignore_parameter, or a list with fault foreign_entries {foreign}
people      (number, birth date) of whom a call put out, by the truth
who         the look-alike who was described; who is meant stands in `conformance.lookalikes`
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.lookalikes import LOOKALIKES, number_of
from simulator.population.cast import roles
from tests.conformance.stories import verdicts_of

BORN, OTHER = "1975-10-30", "1948-10-03"
TWO = [("Patient", "p12"), ("Patient", "p13")]
FILTERED = {"reason": "filtered", "kind": "patient", "count": 1}
INVALID = {"class": "invalid_response", "retryable": True, "kind": "condition"}
CONFLICT = {"class": "conflict", "retryable": False, "kind": "patient"}
NOT_FOUND = {"class": "not_found", "retryable": False, "kind": "patient"}


def fault(case, name, **said):
    case._data[-1]["fault"] = {"id": "f1", "fault": name, "step": "answer", "args": {}, **said}


def gave(case, *people, who=""):
    case._calls[-1] = replace(case._calls[-1], people=people, who=who)


def searched(s, *people, dropped=(), served=TWO, spared=False):
    case = s.case("S44", scenario="s44-ignored-birth-date")
    case.call(0, 1, action="search", params={"family": "Callahan", "birth_date": BORN}, dropped=dropped)
    case.get("/Patient", 0.1, query="family=Callahan", served=served)
    fault(case, "ignore_parameter", **({"spared": "it was not asked for"} if spared else {}))
    gave(case, *people)


def others_left_out(s):
    searched(s, ("13", BORN), dropped=[FILTERED])


def others_left_out_in_silence(s):
    searched(s, ("13", BORN))


def father_and_son(s):
    searched(s, ("12", OTHER), ("13", BORN))


def a_filter_that_nobody_used(s):
    searched(s, ("13", BORN), spared=True)


def nobody_else_was_there(s):
    searched(s, ("13", BORN), served=TWO[1:])


def listed(s, *, errors=(), leaks=(), foreign=("c9",)):
    case = s.case("S44", scenario="s44-foreign-entries")
    case.call(0, 1, "condition", status="partial" if errors else "ok", errors=errors)
    case.get("/Condition", 0.1, query="patient=2")
    fault(case, "foreign_entries", foreign=list(foreign))
    for says in leaks:
        case.extra("condition", id="c9", verdict=says)


def foreign_rows_left_out(s):
    listed(s, errors=[INVALID])


def foreign_rows_left_out_in_silence(s):
    listed(s)


def foreign_rows_taken(s):
    listed(s, leaks=["wrong-patient"], errors=[INVALID])


def something_else_too_much(s):
    listed(s, leaks=["extra"], errors=[INVALID])


def no_foreign_rows(s):
    listed(s, foreign=())


def described(s, who, *found, errors=(), status="ok", problem="", posts=""):
    """One description, beside one of somebody whom nobody resembles, who is found."""
    case = s.case("S43", scenario="s43-look-alikes")
    case.call(0, 1, action="match").get("/Patient", 0.1)
    gave(case, (str(number_of("diabetic")), "1954-03-14"), who="known")
    case.call(2, 3, action="match", status=status, errors=errors, problem=problem).get("/Patient", 2.1)
    gave(case, *[(str(number_of(role)), "1961-04-12") for role in found], who=who)
    if posts:
        case.get(posts, 2.2, 403, method="POST")


def story(name, *args, **more):
    def write(s):
        described(s, *args, **more)

    write.__name__ = name
    return write


def nobody_is_ever_found(s):
    case = s.case("S43", scenario="s43-look-alikes")
    case.call(0, 1, action="match", status="error", errors=[NOT_FOUND]).get("/Patient", 0.1)
    gave(case, who="known")


def it_was_never_asked(s):
    s.case("S43", scenario="s43-look-alikes")


STORIES = [
    ("PAGE-10", "PASS", "", others_left_out),
    ("PAGE-10", "WARN", "unreported", others_left_out_in_silence),
    ("PAGE-10", "FAIL", "other_birth_date", father_and_son),
    ("PAGE-10", "UNTESTED", "", a_filter_that_nobody_used),
    ("PAGE-10", "UNTESTED", "", nobody_else_was_there),
    ("PAGE-10", "PASS", "", foreign_rows_left_out),
    ("PAGE-10", "WARN", "unreported", foreign_rows_left_out_in_silence),
    ("PAGE-10", "FAIL", "foreign_records", foreign_rows_taken),
    ("PAGE-10", "PASS", "", something_else_too_much),
    ("PAGE-10", "UNTESTED", "", no_foreign_rows),
    ("NORM-17", "PASS", "", story("the_right_twin", "twin", "twin2")),
    ("NORM-17", "PASS", "", story("a_person_decides", "homonym", status="error", errors=[CONFLICT])),
    ("NORM-17", "PASS", "", story("several_to_choose_from", "homonym", "homonym", "homonym2")),
    ("NORM-17", "PASS", "", story("one_shown_to_a_person", "homonym", "homonym", status="error", errors=[CONFLICT])),
    ("NORM-17", "PASS", "", story("nobody_by_a_former_name", "renamed", status="error", errors=[NOT_FOUND])),
    ("NORM-17", "PASS", "", story("found_by_a_former_name", "renamed", "renamed")),
    ("NORM-17", "PASS", "", story("a_twin_is_not_certain", "twin", status="error", errors=[CONFLICT])),
    ("NORM-17", "FAIL", "mistaken_homonym", story("the_first_of_two", "homonym", "homonym")),
    ("NORM-17", "FAIL", "mistaken_numbered", story("the_number_is_of_the_other", "numbered", "homonym")),
    ("NORM-17", "FAIL", "mistaken_junior", story("the_father", "junior", "senior")),
    ("NORM-17", "FAIL", "mistaken_soundalike", story("who_sounds_like_it", "soundalike", "homonym2")),
    ("NORM-17", "FAIL", "mistaken_stranger", story("anybody", "stranger", "homonym")),
    ("NORM-17", "FAIL", "created", story("a_second_chart", "stranger", posts="/api/FHIR/R4/Patient")),
    ("NORM-17", "FAIL", "created", story("a_second_chart_over_rest", "stranger", posts="/v1/195900/patients")),
    ("NORM-17", "PASS", "", story("a_search_by_post", "stranger", posts="/api/FHIR/R4/Patient/_search")),
    ("NORM-17", "FAIL", "missed_known", nobody_is_ever_found),
    ("NORM-17", "UNTESTED", "", it_was_never_asked),
]

test_a_story_gets_its_verdict = verdicts_of(STORIES)


def test_a_driver_that_cannot_match_has_not_passed(script):
    case = script.case("S43", scenario="s43-look-alikes")
    case.call(0, 1, action="match", status="unsupported")
    gave(case, who="known")
    judged = script.judged("NORM-17")
    assert (judged.verdict.value, judged.says) == ("UNTESTED", "`match` is declared, and answered with unsupported")


@pytest.mark.parametrize("name", LOOKALIKES)
def test_a_look_alike_is_told_of_the_cast(name):
    one = LOOKALIKES[name]
    known = {role.key for role in roles()}
    assert {one.role, one.number, one.meant} <= known | {""}
    assert not (one.must and not one.meant)
