"""Checks of drift, each on hand-written evidence: a first reading, a change of the API, a second reading."""

from __future__ import annotations

from tests.conformance.stories import verdicts_of

LATER = {"notes": {"api_as_of": "2026-09-01"}}
BIRTH = {"field": "birthDate.value", "got": None}


def added(s, *, changed=True, **after):
    case = s.case("S40", scenario="s40-unknown-elements").get("/Condition", 0.1).call(0, 1, "condition")
    case.fact("condition:1").get("/Condition", 2.1, **(LATER if changed else {})).call(2, 3, "condition")
    return case.fact("condition:1", **after)


def what_is_new_is_passed_over(s):
    added(s)


def what_is_new_loses_a_record(s):
    added(s, found=False)


def what_is_new_changes_a_record(s):
    added(s, wrong=[{"field": "codes"}])


def what_is_new_loses_a_record_although_it_is_told(s):
    added(s, found=False, admitted=True)


def what_was_wrong_before_is_no_drift(s):
    case = s.case("S40").get("/Condition", 0.1).call(0, 1, "condition").fact("condition:1", wrong=[{"field": "codes"}])
    case.get("/Condition", 2.1, fault="add_elements").call(2, 3, "condition")
    case.fact("condition:1", wrong=[{"field": "codes"}])


def nothing_new_came(s):
    added(s, changed=False)


def gone(s, *, status="ok", errors=(), **after):
    case = s.case("S40", scenario="s40-element-gone").get("/Patient/1", 0.1).call(0, 1, "patient")
    case.fact("patient:1", source=("Patient", "1")).get("/Patient/1", 2.1, fault="change_element")
    case.call(2, 3, "patient", status=status, errors=errors)
    return case.fact("patient:1", source=("Patient", "1"), **after)


def what_is_gone_is_missed(s):
    gone(s, wrong=[BIRTH])


def what_is_gone_is_reported(s):
    told = [{"class": "invalid_response", "kind": "patient", "retryable": True}]
    gone(s, status="error", errors=told, found=False)


def what_is_gone_is_held_from_before(s):
    gone(s)


def what_is_gone_is_made_up(s):
    gone(s, wrong=[BIRTH | {"got": "1970-01-01"}])


def what_is_gone_spoils_another_member(s):
    gone(s, wrong=[BIRTH, {"field": "name.family"}])


def another_element_is_gone(s):
    case = s.case("S40").get("/Patient/1", 0.1).call(0, 1, "patient").fact("patient:1")
    other = {"id": "f1", "fault": "change_element", "step": "spoil", "args": {"name": "telecom"}}
    case.get("/Patient/1", 2.1)._data[-1]["fault"] = other
    case.call(2, 3, "patient").fact("patient:1")


def nothing_is_gone(s):
    s.case("S40", scenario="s40-element-gone").get("/Patient/1", 0.1).call(0, 1, "patient")


def shapes(s, *classes):
    case = s.case("S40", scenario="s40-error-shapes")
    for number, one in enumerate(classes):
        at = 2.0 * number
        errors = [{"class": one, "kind": "condition", "retryable": False}] if one else []
        case.get("/Condition", at + 0.1, 403, fault="status")
        case.call(at, at + 1, "condition", status="error" if one else "ok", errors=errors)


def one_class_whatever_the_shape(s):
    shapes(s, "forbidden", "forbidden", "forbidden")


def another_class_for_another_shape(s):
    shapes(s, "forbidden", "invalid_response")


def a_shape_that_hides_the_refusal(s):
    shapes(s, "forbidden", "")


def one_shape_alone(s):
    shapes(s, "forbidden")


def no_refusal(s):
    s.case("S40", scenario="s40-error-shapes").get("/Condition", 0.1).call(0, 1, "condition")


def words(s, *, changed=3, **after):
    case = s.case("S40", scenario="s40-unknown-codes").get("/Condition", 0.1).call(0, 1, "condition")
    case.fact("condition:1", expected=ACTIVE).get(
        "/Condition", 2.1, fault="change_element", served=[("Condition", "c1")]
    )
    case._data[-1]["fault"] |= {"args": {"name": "clinicalStatus,status", "into": "new_code"}, "changed": changed}
    case.call(2, 3, "condition").fact("condition:1", expected=ACTIVE, **after)


ACTIVE = {"clinicalStatus": "active"}


def a_new_word_is_unknown(s):
    words(s, got={"clinicalStatus": "unknown"}, wrong=[{"field": "clinicalStatus", "got": "unknown"}])


def a_new_word_is_kept(s):
    words(s, got={"clinicalStatus": "later-code"}, wrong=[{"field": "clinicalStatus", "got": "later-code"}])


def a_new_word_is_absent(s):
    words(s, got={"clinicalStatus": None}, wrong=[{"field": "clinicalStatus", "got": None}])


def a_new_word_is_taken_for_the_usual_one(s):
    words(s)


def a_new_word_is_taken_for_another(s):
    words(s, got={"clinicalStatus": "resolved"}, wrong=[{"field": "clinicalStatus", "got": "resolved"}])


def a_new_word_loses_the_record(s):
    words(s, found=False, admitted=True)


def a_new_word_spoils_another_member(s):
    words(s, got={"clinicalStatus": "unknown"}, wrong=[{"field": "codes"}])


def no_word_was_new(s):
    words(s, changed=0)


def reshaped(s, into, *, status="ok", errors=(), **after):
    case = s.case("S40", scenario="s40-other-shapes").get("/Patient/1", 0.1).call(0, 1, "patient")
    case.fact("patient:1", source=("Patient", "aB1")).get("/Patient/1", 2.1, fault="change_element")
    case._data[-1]["fault"] |= {"args": {"name": "given", "into": into}}
    case.call(2, 3, "patient", status=status, errors=errors)
    return case.fact("patient:1", source=("Patient", "aB1"), **after)


def another_shape_is_read(s):
    reshaped(s, "single")


def another_shape_is_reported(s):
    told = [{"class": "invalid_response", "kind": "patient", "retryable": True}]
    reshaped(s, "list", status="error", errors=told, found=False)


def another_shape_loses_the_record(s):
    reshaped(s, "list", found=False)


def another_shape_is_read_wrongly(s):
    reshaped(s, "text", wrong=[{"field": "deceased.value", "got": True}])


def what_is_there_in_another_shape_gets_lost(s):
    reshaped(s, "single", wrong=[{"field": "name.given", "got": None}])


def what_is_null_is_absent(s):
    reshaped(s, "null", wrong=[{"field": "name.given", "got": None}])


def what_is_null_is_made_up(s):
    reshaped(s, "null", wrong=[{"field": "name.given", "got": ["None"]}])


def an_id_loses_its_capitals(s):
    case = s.case("S40", scenario="s40-other-shapes").get("/Condition", 0.1, served=[("Condition", "aB1")])
    case.call(0, 1, "condition").extra("condition", id="ab1")


def an_id_is_a_number(s):
    case = s.case("S40", scenario="s40-other-shapes").get("/Condition", 0.1, served=[("Condition", "p0071")])
    case.call(0, 1, "condition").extra("condition", id="0071")


def an_id_is_of_nobody(s):
    case = reshaped(s, "single").get("/Condition", 4.1, served=[("Condition", "aB1")])
    case.call(4, 5, "condition").extra("condition", id="z9")


def the_same_shape(s):
    reshaped(s, "renamed")


def relabelled(s, **after):
    case = s.case("S40", scenario="s40-other-transport").get("/Condition", 0.1).call(0, 1, "condition")
    case.fact("condition:1").get("/Condition", 2.1, fault="relabel").call(2, 3, "condition")
    case.fact("condition:1", **after)


def other_headers_are_read(s):
    relabelled(s)


def other_headers_lose_a_record(s):
    relabelled(s, found=False, admitted=True)


def nothing_was_read_twice(s):
    s.case("S40", scenario="s40-other-transport").get("/Condition", 0.1).call(0, 1, "condition").fact("condition:1")


STORIES = [
    ("DRIFT-01", "PASS", "", what_is_new_is_passed_over),
    ("DRIFT-01", "FAIL", "lost_condition", what_is_new_loses_a_record),
    ("DRIFT-01", "FAIL", "changed_codes", what_is_new_changes_a_record),
    ("DRIFT-01", "FAIL", "lost_condition", what_is_new_loses_a_record_although_it_is_told),
    ("DRIFT-01", "PASS", "", what_was_wrong_before_is_no_drift),
    ("DRIFT-01", "UNTESTED", "", nothing_new_came),
    ("DRIFT-01", "UNTESTED", "", what_is_gone_is_missed),
    ("DRIFT-02", "PASS", "", a_new_word_is_unknown),
    ("DRIFT-02", "PASS", "", a_new_word_is_kept),
    ("DRIFT-02", "WARN", "no_clinicalStatus", a_new_word_is_absent),
    ("DRIFT-02", "FAIL", "guessed_clinicalStatus", a_new_word_is_taken_for_the_usual_one),
    ("DRIFT-02", "FAIL", "guessed_clinicalStatus", a_new_word_is_taken_for_another),
    ("DRIFT-02", "FAIL", "lost_condition", a_new_word_loses_the_record),
    ("DRIFT-02", "FAIL", "changed_codes", a_new_word_spoils_another_member),
    ("DRIFT-02", "UNTESTED", "", no_word_was_new),
    ("DRIFT-02", "UNTESTED", "", what_is_gone_is_missed),
    ("DRIFT-03", "PASS", "", another_shape_is_read),
    ("DRIFT-03", "PASS", "", another_shape_is_reported),
    ("DRIFT-03", "PASS", "", what_is_null_is_absent),
    ("DRIFT-03", "PASS", "", an_id_is_of_nobody),
    ("DRIFT-03", "FAIL", "lost_patient", another_shape_loses_the_record),
    ("DRIFT-03", "FAIL", "changed_deceased.value", another_shape_is_read_wrongly),
    ("DRIFT-03", "FAIL", "changed_name.given", what_is_there_in_another_shape_gets_lost),
    ("DRIFT-03", "FAIL", "changed_name.given", what_is_null_is_made_up),
    ("DRIFT-03", "FAIL", "altered_id", an_id_loses_its_capitals),
    ("DRIFT-03", "FAIL", "altered_id", an_id_is_a_number),
    ("DRIFT-03", "UNTESTED", "", the_same_shape),
    ("DRIFT-04", "PASS", "", other_headers_are_read),
    ("DRIFT-04", "FAIL", "lost_condition", other_headers_lose_a_record),
    ("DRIFT-04", "UNTESTED", "", nothing_was_read_twice),
    ("DRIFT-06", "UNTESTED", "", another_shape_is_read_wrongly),
    ("DRIFT-05", "PASS", "", one_class_whatever_the_shape),
    ("DRIFT-05", "FAIL", "other_class", another_class_for_another_shape),
    ("DRIFT-05", "FAIL", "other_class", a_shape_that_hides_the_refusal),
    ("DRIFT-05", "UNTESTED", "", no_refusal),
    ("DRIFT-05", "UNTESTED", "", one_shape_alone),
    ("DRIFT-06", "PASS", "", what_is_gone_is_missed),
    ("DRIFT-06", "PASS", "", what_is_gone_is_reported),
    ("DRIFT-06", "FAIL", "stale_value", what_is_gone_is_held_from_before),
    ("DRIFT-06", "FAIL", "made_up", what_is_gone_is_made_up),
    ("DRIFT-06", "FAIL", "changed_name.family", what_is_gone_spoils_another_member),
    ("DRIFT-06", "UNTESTED", "", nothing_is_gone),
    ("DRIFT-06", "UNTESTED", "", another_element_is_gone),
]


test_a_story_gets_its_verdict = verdicts_of(STORIES)
