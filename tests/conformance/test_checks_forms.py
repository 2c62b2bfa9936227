"""NORM-03, NORM-13: times that keep what they say, documents that keep their bytes."""

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


STORIES = [
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
