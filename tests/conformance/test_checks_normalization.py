"""NORM-*: minimal scores for pass, fail and untested of each check."""

from __future__ import annotations

from tests.conformance.stories import verdicts_of

NUMBER = {"value": {"number": "7.10", "unit": "%", "comparator": None}}
CODED = {"value": {"coded": {"codes": [], "text": "positive"}}}
NONE_KNOWN = {"assertion": "none-known"}
PRESENT = {"assertion": "present"}


def right(kind, **more):
    def story(s):
        s.case("S14").call(0, 1, kind).fact(f"{kind}:1", **more)

    story.__name__ = f"{kind}_is_right"
    return story


def wrong(kind, field, verdict="wrong", severity="major", hint="", **more):
    def story(s):
        one = {"field": field, "verdict": verdict, "severity": severity, "hint": hint}
        s.case("S14").call(0, 1, kind).fact(f"{kind}:1", wrong=[one], **more)

    story.__name__ = f"{field}_of_{kind}_is_{verdict}_{severity}{'_' + hint.replace(' ', '_') if hint else ''}"
    return story


def absent(kind, **more):
    def story(s):
        s.case("S14").call(0, 1, kind).fact(f"{kind}:1", found=False, **more)

    story.__name__ = f"{kind}_is_absent"
    return story


def nothing(s):
    s.case("S14").call(0, 1, "patient")


def observation_told_to_be_missing(s):
    errors = [{"class": "unavailable", "retryable": True, "kind": "observation"}]
    case = s.case("S14").call(0, 1, "observation", status="partial", errors=errors)
    case.fact("observation:1", found=False, expected=CODED).fact("observation:2", expected=NUMBER)


def blood_pressure_is_absent(s):
    case = s.case("S14").call(0, 1, "observation").fact("observation:1", expected=NUMBER)
    case.fact("observation:2", found=False, part="8480-6", expected=NUMBER)


def value_is_emptied(s):
    one = {"field": "value", "verdict": "missing", "got": None}
    s.case("S14").call(0, 1, "observation").fact("observation:1", expected=CODED, wrong=[one])


def all_three_stay_distinct(s):
    case = s.case("S14").call(0, 1, "allergy").fact("allergy:1", expected=NONE_KNOWN)
    case.call(1, 2, "allergy").fact("allergy:2", expected=PRESENT).call(2, 3, "allergy")


def empty_list_becomes_a_statement(s):
    all_three_stay_distinct(s)
    s._cases[-1].extra("allergy", type="AllergyIntolerance")


def nobody_is_silent(s):
    s.case("S14").call(0, 1, "allergy").fact("allergy:1", expected=NONE_KNOWN)


def both_vendors_right(s):
    for vendor in ("epic", "cerner"):
        s.case("S14", vendor=vendor).call(0, 1, "patient").fact("patient:0")


def one_vendor_wrong(s):
    s.case("S14", vendor="epic").call(0, 1, "patient").fact("patient:0")
    s.case("S14", vendor="cerner").call(0, 1, "patient").fact("patient:0", wrong=[{"field": "sexAtBirth"}])


def both_vendors_wrong(s):
    for vendor in ("epic", "cerner"):
        s.case("S14", vendor=vendor).call(0, 1, "patient").fact("patient:0", wrong=[{"field": "sexAtBirth"}])


def other_vendor_does_not_tell(s):
    s.case("S14", vendor="epic").call(0, 1, "patient").fact("patient:0", lost=["sexAtBirth"])
    s.case("S14", vendor="cerner").call(0, 1, "patient").fact("patient:0", wrong=[{"field": "sexAtBirth"}])


def only_one_vendor(s):
    s.case("S14", vendor="epic").call(0, 1, "patient").fact("patient:0")


def one_of_many_is_told_twice(s):
    case = s.case("S14").call(0, 1, "condition")
    for ordinal in range(9):
        case.fact(f"condition:{ordinal}", times=2 if ordinal < 2 else 1)


def an_allergy_is_left_out_and_said_so(s):
    errors = [{"class": "unavailable", "retryable": True, "kind": "allergy"}]
    case = s.case("S14").call(0, 1, "allergy", status="partial", errors=errors)
    case.fact("allergy:1", found=False, admitted=True).fact("allergy:2")


def what_was_served_is_called_unreadable(s):
    errors = [{"class": "invalid_response", "retryable": True, "kind": "allergy"}]
    case = s.case("S14").get("/AllergyIntolerance", 0.1, served=[("AllergyIntolerance", "a1")])
    case.call(0, 1, "allergy", status="partial", errors=errors)
    case.fact("allergy:1", found=False, admitted=True, source=("AllergyIntolerance", "a1")).fact("allergy:2")


def an_answer_is_none_of_the_protocol(s):
    s.case("S14").call(0, 1, "condition", problem="protocol: records[0].plan: is not a string").fact("condition:1")


def a_fact_comes_from_two_places(s):
    s.case("S14").call(0, 1, "condition").fact("condition:1", times=2).fact("condition:2")


def a_retracted_result_is_held(s):
    s.case("S14").call(0, 1, "observation").fact("observation:1", expected=NUMBER)
    s._cases[-1].extra("observation", "was served as entered in error", verdict="stale", severity="critical")


def a_merge_is_followed(s):
    s.case("S16").call(0, 1, "patient", action="read_patient").fact("patient:0").grouping()


def a_merge_is_not_followed(s):
    s.case("S16").call(0, 1, "patient", action="read_patient").fact("patient:0", found=False)


def a_survivor_lacks_what_moved(s):
    case = s.case("S16").call(0, 1, "patient", action="read_patient").fact("patient:0")
    case.call(1, 2, "condition").fact("condition:1", found=False)


def a_dead_id_is_kept(s):
    one = {"field": "patient.id", "verdict": "wrong-patient", "severity": "critical", "expected": "new", "got": "old"}
    s.case("S16").call(0, 1, "patient", action="read_patient").fact("patient:0", wrong=[one])


def homonyms_are_one(s):
    s.case("S16").call(0, 1, "patient", action="search").fact("patient:0").grouping((10, 11))


STORIES = [
    ("NORM-01", "PASS", "", right("patient")),
    ("NORM-01", "PASS", "", wrong("patient", "language", "missing", "minor", "not carried")),
    ("NORM-01", "FAIL", "patient_name.family_wrong", wrong("patient", "name.family")),
    ("NORM-01", "FAIL", "patient_name.suffix_missing", wrong("patient", "name.suffix", "missing", "minor")),
    ("NORM-01", "FAIL", "absent_patient", absent("patient")),
    ("NORM-01", "UNTESTED", "", nothing),
    ("NORM-05", "PASS", "", right("observation", expected=CODED)),
    ("NORM-05", "PASS", "", observation_told_to_be_missing),
    ("NORM-05", "FAIL", "lost_coded", absent("observation", expected=CODED)),
    ("NORM-05", "FAIL", "lost_component", blood_pressure_is_absent),
    ("NORM-05", "FAIL", "lost_coded", value_is_emptied),
    ("NORM-05", "UNTESTED", "", nothing),
    ("NORM-06", "PASS", "", right("observation", expected=NUMBER)),
    (
        "NORM-06", "FAIL", "observation_value.number_lost-precision",
        wrong("observation", "value.number", "lost-precision", "minor", expected=NUMBER),
    ),
    (
        "NORM-06", "FAIL", "observation_value.comparator_lost-comparator",
        wrong("observation", "value.comparator", "lost-comparator", expected=NUMBER),
    ),
    ("NORM-06", "PASS", "", wrong("observation", "interpretation", expected=NUMBER)),
    ("NORM-06", "UNTESTED", "", nothing),
    ("NORM-09", "PASS", "", right("condition")),
    ("NORM-09", "FAIL", "condition_clinicalStatus_wrong", wrong("condition", "clinicalStatus")),
    ("NORM-09", "WARN", "encounter_status_missing", wrong("encounter", "status", "missing", "minor")),
    ("NORM-09", "FAIL", "absent_condition", absent("condition")),
    ("NORM-09", "UNTESTED", "", nothing),
    ("NORM-10", "PASS", "", all_three_stay_distinct),
    ("NORM-10", "FAIL", "invented", empty_list_becomes_a_statement),
    ("NORM-10", "FAIL", "allergy_assertion_wrong", wrong("allergy", "assertion", severity="critical")),
    ("NORM-10", "FAIL", "absent_allergy", absent("allergy")),
    ("NORM-10", "UNTESTED", "", nobody_is_silent),
    ("NORM-14", "PASS", "", a_merge_is_followed),
    ("NORM-14", "FAIL", "not_followed_patient", a_merge_is_not_followed),
    ("NORM-14", "FAIL", "not_followed_condition", a_survivor_lacks_what_moved),
    ("NORM-14", "FAIL", "dead_id", a_dead_id_is_kept),
    ("NORM-14", "FAIL", "homonyms_merged", homonyms_are_one),
    ("NORM-14", "UNTESTED", "", nothing),
    ("NORM-15", "PASS", "", both_vendors_right),
    ("NORM-15", "PASS", "", both_vendors_wrong),
    ("NORM-15", "PASS", "", other_vendor_does_not_tell),
    ("NORM-04", "PASS", "", right("patient")),
    ("NORM-04", "PASS", "", wrong("patient", "birthDate")),
    ("NORM-04", "FAIL", "patient_name.family_wrong", wrong("patient", "name.family")),
    ("NORM-04", "FAIL", "patient_identifiers_missing", wrong("patient", "identifiers", "missing", "minor")),
    ("NORM-04", "UNTESTED", "", nothing),
    ("NORM-07", "PASS", "", right("condition")),
    ("NORM-07", "FAIL", "condition_codes_missing", wrong("condition", "codes", "missing")),
    ("NORM-07", "FAIL", "allergy_text_missing", wrong("allergy", "text", "missing", "minor")),
    ("NORM-07", "PASS", "", wrong("condition", "onset")),
    ("NORM-07", "UNTESTED", "", nothing),
    ("NORM-18", "PASS", "", right("condition")),
    ("NORM-18", "FAIL", "several_condition", a_fact_comes_from_two_places),
    ("NORM-18", "UNTESTED", "", nothing),
    ("NORM-15", "FAIL", "differs_cerner_sexAtBirth", one_vendor_wrong),
    ("NORM-15", "UNTESTED", "", only_one_vendor),
    ("NORM-19", "PASS", "", right("medication")),
    ("NORM-19", "FAIL", "medication_dosage.dose_wrong", wrong("medication", "dosage.dose", severity="critical")),
    ("NORM-19", "FAIL", "medication_text_missing", wrong("medication", "text", "missing", "minor")),
    ("NORM-19", "FAIL", "absent_medication", absent("medication")),
    ("NORM-19", "UNTESTED", "", nothing),
    ("NORM-20", "PASS", "", right("medication")),
    ("NORM-20", "PASS", "", wrong("condition", "text", severity="minor")),
    ("NORM-20", "PASS", "", an_allergy_is_left_out_and_said_so),
    ("NORM-20", "FAIL", "critical_unit-error_observation", wrong("observation", "value", "unit-error", "critical")),
    ("NORM-20", "FAIL", "critical_wrong-patient_allergy", wrong("allergy", "patient.id", "wrong-patient", "critical")),
    ("NORM-20", "FAIL", "critical_missing_allergy", absent("allergy")),
    ("NORM-20", "FAIL", "critical_stale_observation", a_retracted_result_is_held),
    ("NORM-20", "FAIL", "score_conditions", one_of_many_is_told_twice),
    ("NORM-20", "FAIL", "score_medications", absent("medication")),
    ("NORM-20", "FAIL", "critical_missing_allergy", what_was_served_is_called_unreadable),
    ("NORM-20", "FAIL", "no_answer", an_answer_is_none_of_the_protocol),
    ("NORM-20", "UNTESTED", "", nothing),
]  # fmt: skip


test_a_story_gets_its_verdict = verdicts_of(STORIES)
