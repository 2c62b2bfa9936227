"""NORM-02, -03, -08, -13: days and times that keep what they say, errors that nobody holds, documents whole."""

from __future__ import annotations

from tests.conformance.stories import verdicts_of

DATE = {"field": "birthDate", "verdict": "invented-precision", "expected": "2003-05", "got": "2003-05-01"}
OTHER = {"field": "status", "verdict": "wrong"}
BYTES = {"field": "sha256", "verdict": "wrong", "expected": "a1", "got": "e3"}
NOT_CARRIED = {"field": "sha256", "verdict": "missing", "severity": "major", "hint": "not carried", "got": None}
LETTER = ("DocumentReference", "d1")
DROPPED = {"reason": "unsupported_value", "kind": "document", "count": 1}


def golden(s, *kinds, **more):
    return s.case("S14", scenario="s14-golden-records").call(0, 1, *kinds, **more)


def a_month_stays_a_month(s):
    golden(s, "patient").fact("patient:1", source=("Patient", "1"))


def a_month_became_a_day(s):
    golden(s, "patient").fact("patient:1", source=("Patient", "1"), wrong=[DATE])


def something_else_is_wrong(s):
    golden(s, "patient").fact("patient:1", source=("Patient", "1"), wrong=[OTHER])


def no_such_time_is_carried(s):
    wrong = {"field": "recorded", "verdict": "missing", "hint": "not carried", "got": None}
    golden(s, "condition").fact("condition:1", wrong=[wrong])


def nothing_was_put_out(s):
    golden(s, "patient").fact("patient:1", source=("Patient", "1"), found=False)


def the_letter_is_whole(s):
    golden(s, "document").fact("document:1", source=LETTER, got={"sha256": "a1"})


def the_letter_has_holes(s):
    golden(s, "document").fact("document:1", source=LETTER, got={"sha256": "e3"}, wrong=[BYTES])


def the_letter_is_missing(s):
    golden(s, "document").fact("document:1", source=LETTER, found=False)


def the_scan_is_counted(s):
    case = golden(s, "document", dropped=[DROPPED]).fact("document:1", source=LETTER, found=False)
    case.fact("document:2", source=("DocumentReference", "d2"), got={"sha256": "b2"})


def the_letter_is_refused_and_told(s):
    errors = [{"class": "forbidden", "retryable": False, "kind": "document"}]
    case = golden(s, "document", status="partial", errors=errors)
    case.fact("document:1", source=LETTER, found=False, admitted=True)
    case.fact("document:2", source=("DocumentReference", "d2"), got={"sha256": "b2"})


def titles_only(s):
    golden(s, "document").fact("document:1", source=LETTER, got={"status": "current"}, wrong=[NOT_CARRIED])


def split(s, *told, served=True, changed=2):
    """Visits whose times were served with a quarter of a second; `told` is what came out."""
    golden(s, "patient").fact("patient:1", source=("Patient", "1"))
    case = s.case("S15", scenario="s15-split-seconds").call(0, 1, "encounter")
    case.get("/Encounter", 0.1, served=[("Encounter", "o1")] if served else [], fault="change_element")
    case._data[-1]["fault"]["changed"] = changed
    for number, time in enumerate(told):
        got = {"start": {"value": time, "precision": "millisecond"}}
        case.fact(f"encounter:{number}", source=("Encounter", "o1"), got=got)


def second(name, *told, **more):
    def story(s):
        split(s, *told, **more)

    story.__name__ = name
    return story


EARLY = {
    "field": "birthDate", "verdict": "date-shift",
    "expected": {"value": "1980-05-03", "precision": "day"}, "got": {"value": "1980-05-02", "precision": "day"},
}  # fmt: skip


def abroad(name, *, scenario="s15-kiritimati", **more):
    def story(s):
        case = s.case("S15", scenario=scenario).call(0, 1, "patient")
        case.get("/Patient/1", 0.1, served=[("Patient", "1")])
        case.fact("patient:1", source=("Patient", "1"), **more)

    story.__name__ = name
    return story


STALE = {"field": "status", "verdict": "stale", "severity": "critical"}


def errors_served(s, count=2, *, stale=False, extra=False, syncs=False):
    """`count` records entered in error were served (row 30), by the score of the case."""
    if syncs:
        case = s.case("S20", scenario="s20-what-is-new").call(0, 1, "allergy", action="sync", cursor="c")
    else:
        case = golden(s, "allergy")
    case.get("/AllergyIntolerance", 0.1, served=[("AllergyIntolerance", "a1")])
    case.get("/AllergyIntolerance", 0.2, served=[("AllergyIntolerance", "a1")])
    case.fact("allergy:1", source=("AllergyIntolerance", "a1"), wrong=[STALE] if stale else ())
    if extra:
        case.extra("allergy", type="AllergyIntolerance", id="a1", verdict="stale")
    case._groups["rows"] = [[30, count, 0], [31, 4, 0]] if count else [[31, 4, 0]]


def error(name, **more):
    def story(s):
        errors_served(s, **more)

    story.__name__ = name
    return story


STORIES = [
    ("NORM-02", "PASS", "", abroad("every_day_is_the_day")),
    ("NORM-02", "PASS", "", abroad("something_else_is_otherwise", wrong=[OTHER])),
    ("NORM-02", "FAIL", "shifted_west", abroad("a_day_early_in_the_west", scenario="s15-los-angeles", wrong=[EARLY])),
    ("NORM-02", "FAIL", "shifted_east", abroad("a_day_early_in_the_east", wrong=[EARLY])),
    ("NORM-02", "UNTESTED", "", abroad("nobody_was_read", found=False)),
    ("NORM-03", "PASS", "", second("a_quarter_is_kept", "2026-01-05T12:00:00.250Z", "2026-01-05T12:00:00.25Z")),
    ("NORM-03", "PASS", "", second("a_day_has_none", "2026-01-05")),
    ("NORM-03", "PASS", "", second("nothing_was_changed", "2026-01-05T12:00:00Z", changed=0)),
    ("NORM-03", "FAIL", "cut_fraction", second("it_is_cut", "2026-01-05T12:00:00.250Z", "2026-01-05T12:00:00Z")),
    ("NORM-03", "FAIL", "cut_fraction", second("it_is_rounded", "2026-01-05T12:00:00.3Z")),
    ("NORM-08", "PASS", "", error("errors_are_left_out")),
    ("NORM-08", "PASS", "", error("they_are_taken_back", syncs=True)),
    ("NORM-08", "FAIL", "held_as_valid", error("an_error_is_an_allergy", stale=True)),
    ("NORM-08", "FAIL", "held_as_valid", error("an_error_is_put_out", extra=True)),
    ("NORM-08", "FAIL", "still_held", error("what_is_held_is_held", stale=True, syncs=True)),
    ("NORM-08", "UNTESTED", "", error("no_error_was_served", count=0)),
    ("NORM-03", "PASS", "", a_month_stays_a_month),
    ("NORM-03", "FAIL", "patient_birthDate_invented-precision", a_month_became_a_day),
    ("NORM-03", "PASS", "", something_else_is_wrong),
    ("NORM-03", "PASS", "", no_such_time_is_carried),
    ("NORM-03", "UNTESTED", "", nothing_was_put_out),
    ("NORM-13", "PASS", "", the_letter_is_whole),
    ("NORM-13", "FAIL", "document_sha256_wrong", the_letter_has_holes),
    ("NORM-13", "FAIL", "absent_document", the_letter_is_missing),
    ("NORM-13", "PASS", "", the_scan_is_counted),
    ("NORM-13", "PASS", "", the_letter_is_refused_and_told),
    ("NORM-13", "UNTESTED", "", titles_only),
]

test_a_story_gets_its_verdict = verdicts_of(STORIES)


def test_the_proof_of_what_is_still_held_is_where_it_was_told_last(script):
    errors_served(script, stale=True, syncs=True)
    (finding,) = script.judged("NORM-08").findings
    assert finding.at == ("c1/x1", "c1/x2")
    assert finding.got == "AllergyIntolerance/a1 as valid"


def test_the_proof_of_a_shifted_day_is_both_days(script):
    abroad("", wrong=[EARLY])(script)
    (finding,) = script.judged("NORM-02").findings
    assert (finding.at, finding.expected, finding.got) == (("c1/x1",), "1980-05-03", "1980-05-02 (Patient/1 birthDate)")
