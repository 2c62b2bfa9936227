"""AUTHZ-*, PAGE-*, SEC-*, OBS-*: minimal evidence for pass, fail and untested of each check."""

from __future__ import annotations

from tests.conformance.stories import verdicts_of

FORBIDDEN = {"class": "forbidden", "retryable": False, "kind": "condition"}
GONE = {"class": "not_found", "retryable": False, "kind": "observation"}
BASE = "/s/a/epic"


def refused_and_reported(s):
    case = s.case("S07").call(0, 1, "condition", "allergy", status="partial", errors=[FORBIDDEN])
    case.get("/Condition", 0.1, 403).get("/Allergy", 0.2).fact("condition:1", found=False).fact("allergy:1")


def refused_as_an_empty_list(s):
    s.case("S07").call(0, 1, "condition").get("/Condition", 0.1, 403).fact("condition:1", found=False)


def refused_and_called_unavailable(s):
    errors = [{"class": "unavailable", "retryable": True, "kind": "condition"}]
    case = s.case("S07").call(0, 1, "condition", status="error", errors=errors)
    case.get("/Condition", 0.1, 403).fact("condition:1", found=False)


def refused_and_another_kind_lost_too(s):
    case = s.case("S07").call(0, 1, "condition", "allergy", status="partial", errors=[FORBIDDEN])
    case.get("/Condition", 0.1, 403).fact("condition:1", found=False).fact("allergy:1", found=False)


def nothing_refused(s):
    s.case("S07").call(0, 1, "condition").get("/Condition", 0.1).fact("condition:1")


def two_pages(s):
    case = (
        s.case("S17")
        .call(0, 1, "condition")
        .get("/Condition", 0.1, query="patient=1", next=[f"{BASE}/Condition?page=2x"])
    )
    case.get("/Condition", 0.2, query="page=2x").fact("condition:1")


def a_page_of_another_origin_left_alone(s):
    two_pages(s)
    s.case("S17").get("/Obs", 0.1, next=["/s/a/epic/Obs?session=9"], fault="second_origin")


def first_page_only(s):
    case = (
        s.case("S17").call(0, 1, "condition").get("/Condition", 0.1, query="patient=1", next=[f"{BASE}/Condition?s=2x"])
    )
    case.fact("condition:1").fact("condition:2", found=False)


def first_page_only_on_the_wire(s):
    s.case("S17").get("/Condition", 0.1, query="patient=1", next=[f"{BASE}/Condition?s=2x"])


def a_page_left_out_that_held_nothing_new(s):
    case = (
        s.case("S17").call(0, 1, "condition").get("/Condition", 0.1, query="patient=1", next=[f"{BASE}/Condition?s=2x"])
    )
    case.get("/problems", 0.2).fact("condition:1")


def next_page_written_anew(s):
    case = s.case("S17").call(0, 1, "condition").get("/Condition", 0.1, next=[f"{BASE}/Condition?a=1&s=2%7Cx"])
    case.get("/Condition", 0.2, query="s=2|x&a=1").fact("condition:1")


def pages_read_and_rows_lost(s):
    two_pages(s)
    s._cases[-1].fact("condition:2", found=False)


def one_page(s):
    s.case("S17").call(0, 1, "condition").get("/Condition", 0.1)


def followed(s):
    s.case("S17").get("/Obs", 0.1, query="p=1", next=[f"{BASE}/Obs?sid=A%3D&x=1"]).get(
        "/Obs", 0.2, query="sid=A%3D&x=1"
    )


def encoded_anew(s):
    s.case("S17").get("/Obs", 0.1, query="p=1", next=[f"{BASE}/Obs?sid=A%3D&x=1"]).get("/Obs", 0.2, query="sid=A=&x=1")


def parameters_in_another_order(s):
    s.case("S17").get("/Obs", 0.1, query="p=1", next=[f"{BASE}/Obs?sid=A&b=1"]).get("/Obs", 0.2, query="b=1&sid=A")


def page_number_of_its_own(s):
    s.case("S17").get("/Obs", 0.1, query="p=1", next=[f"{BASE}/Obs?sid=A"]).get("/Obs", 0.2, query="p=1&page=2")


def another_search_at_the_same_place(s):
    s.case("S17").get("/Obs", 0.1, query="p=1&c=lab", next=[f"{BASE}/Obs?sid=A"]).get("/Obs", 0.2, query="p=1&c=vitals")


def dead_link_and_restart(s):
    case = s.case("S18").call(0, 1, "observation").get("/Obs", 0.1, 410, fault="status").get("/Obs", 0.2)
    case.fact("observation:1")


def dead_link_and_reported(s):
    case = s.case("S18").call(0, 1, "observation", status="partial", errors=[GONE])
    case.get("/Obs", 0.1, 410, fault="status").fact("observation:1").fact("observation:2", found=False)


def dead_link_as_the_end(s):
    case = s.case("S18").call(0, 1, "observation").get("/Obs", 0.1, 410, fault="status")
    case.fact("observation:1").fact("observation:2", found=False)


def no_dead_link(s):
    s.case("S18").call(0, 1, "observation").get("/Obs", 0.1).fact("observation:1")


def outcome_left_out(s):
    s.case("S17").call(0, 1, "condition").get("/Condition", 0.1, outcomes=1).fact("condition:1")


def outcome_counted(s):
    case = s.case("S17").call(0, 1, "condition").get("/Condition", 0.1, outcomes=1).fact("condition:1")
    case.extra("condition", type="OperationOutcome", id="")


def legal_query(s):
    s.case("S19").call(0, 1, action="search", params={"family": "O'Brien"}).get(
        "/Patient", 0.1, query="family=O%27Brien"
    )


def query_refused(s):
    s.case("S19").get("/Observation", 0.1, 400, query="patient=1", refusal="query_refused")


def name_cut_at_the_ampersand(s):
    s.case("S19").call(0, 1, action="search", params={"family": "Smith & Co"}).get(
        "/Patient", 0.1, query="family=Smith+&+Co=")  # fmt: skip


def a_400_that_was_made(s):
    s.case("S19").get("/Observation", 0.1, 400, fault="status").get("/Patient", 0.2)


def nothing_asked(s):
    s.case("S19")


LEAK = {"kind": "patient", "canary": "patient name", "encoding": "URL", "line": "GET /Patient?family=‹patient name›"}
TOKEN = {"kind": "secret", "canary": "access token", "encoding": "plain", "line": "Bearer ‹access token›"}


def quiet_log(s):
    s.case("S19").get("/Patient", 0.1).log("INFO read 3 records")


def name_in_the_log(s):
    s.case("S19").get("/Patient", 0.1).log("x", leaks=[LEAK])


def token_in_the_log(s):
    s.case("S01").get("/Patient", 0.1).log("x", leaks=[TOKEN])


def no_log(s):
    s.case("S01").get("/Patient", 0.1)


def log_of_a_dead_integration(s):
    s.case("S01").log("INFO started")


def token_in_the_header(s):
    s.case("S01").get("/Patient", 0.1, query="family=A")


def token_in_the_url(s):
    s.case("S01").get("/Patient", 0.1, query="access_token=access_token:ab12")


def no_request(s):
    s.case("S01")


def served_and_put_out(s):
    s.case("S14").call(0, 1, "condition").get("/Condition", 0.1, served=[("Condition", "c1")]).fact("condition:1")


def served_and_lost(s):
    case = s.case("S14").call(0, 1, "condition").get("/Condition", 0.1, served=[("Condition", "c1")])
    case.fact("condition:1", found=False)


def served_and_accounted_for(s):
    dropped = [{"reason": "unsupported_value", "kind": "condition", "count": 1}]
    case = s.case("S14").call(0, 1, "condition", dropped=dropped)
    case.get("/Condition", 0.1, served=[("Condition", "c1"), ("Condition", "c2")])
    case.fact("condition:1", found=False).fact("condition:2", source=("Condition", "c2"))


def served_cut_and_so_not_served(s):
    case = s.case("S14").call(0, 1, "condition", "allergy")
    case.get("/Condition", 0.1, served=[("Condition", "c1")], complete=False)
    case.fact("condition:1", found=False).fact("allergy:1")


def taken_out_of_its_page_and_so_not_served(s):
    case = s.case("S18").call(0, 1, "condition", "allergy")
    case.get("/Condition", 0.1, served=[("Condition", "c1")], fault="moving_data")
    case._data[-1]["fault"]["skipped"] = ["c1"]
    case.fact("condition:1", found=False).fact("allergy:1")


def never_served_but_put_out(s):
    case = s.case("S14").call(0, 1, "condition").get("/Condition", 0.1, served=[("Condition", "c1")])
    case.fact("condition:1").extra("condition")


STORIES = [
    ("AUTHZ-03", "PASS", "", refused_and_reported),
    ("AUTHZ-03", "FAIL", "refusal_hidden", refused_as_an_empty_list),
    ("AUTHZ-03", "FAIL", "wrong_class", refused_and_called_unavailable),
    ("AUTHZ-03", "FAIL", "refusal_hidden", refused_and_another_kind_lost_too),
    ("AUTHZ-03", "UNTESTED", "", nothing_refused),
    ("PAGE-01", "PASS", "", two_pages),
    ("PAGE-01", "FAIL", "next_ignored", first_page_only),
    ("PAGE-01", "FAIL", "next_ignored", first_page_only_on_the_wire),
    ("PAGE-01", "WARN", "next_ignored", a_page_left_out_that_held_nothing_new),
    ("PAGE-01", "PASS", "", a_page_of_another_origin_left_alone),
    ("PAGE-01", "PASS", "", next_page_written_anew),
    ("PAGE-02", "FAIL", "link_changed", next_page_written_anew),
    ("PAGE-01", "FAIL", "pages_lost", pages_read_and_rows_lost),
    ("PAGE-01", "UNTESTED", "", one_page),
    ("PAGE-02", "PASS", "", followed),
    ("PAGE-02", "FAIL", "link_changed", encoded_anew),
    ("PAGE-02", "FAIL", "link_changed", parameters_in_another_order),
    ("PAGE-02", "FAIL", "link_changed", page_number_of_its_own),
    ("PAGE-02", "UNTESTED", "", another_search_at_the_same_place),
    ("PAGE-06", "PASS", "", dead_link_and_restart),
    ("PAGE-06", "PASS", "", dead_link_and_reported),
    ("PAGE-06", "FAIL", "part_as_whole", dead_link_as_the_end),
    ("PAGE-06", "UNTESTED", "", no_dead_link),
    ("PAGE-07", "PASS", "", outcome_left_out),
    ("PAGE-07", "FAIL", "outcome_counted", outcome_counted),
    ("PAGE-07", "UNTESTED", "", one_page),
    ("PAGE-08", "PASS", "", legal_query),
    ("PAGE-08", "PASS", "", a_400_that_was_made),
    ("PAGE-08", "FAIL", "refused", query_refused),
    ("PAGE-08", "FAIL", "garbled", name_cut_at_the_ampersand),
    ("PAGE-08", "UNTESTED", "", nothing_asked),
    ("SEC-03", "PASS", "", quiet_log),
    ("SEC-03", "FAIL", "leak_patient_name", name_in_the_log),
    ("SEC-03", "UNTESTED", "", no_log),
    ("SEC-03", "UNTESTED", "", log_of_a_dead_integration),
    ("SEC-04", "PASS", "", quiet_log),
    ("SEC-04", "PASS", "", name_in_the_log),
    ("SEC-04", "FAIL", "leak_access_token", token_in_the_log),
    ("SEC-04", "UNTESTED", "", no_log),
    ("SEC-06", "PASS", "", token_in_the_header),
    ("SEC-06", "FAIL", "token_in_query", token_in_the_url),
    ("SEC-06", "UNTESTED", "", no_request),
    ("OBS-01", "PASS", "", served_and_put_out),
    ("OBS-01", "PASS", "", served_and_accounted_for),
    ("OBS-01", "PASS", "", served_cut_and_so_not_served),
    ("OBS-01", "PASS", "", taken_out_of_its_page_and_so_not_served),
    ("OBS-01", "FAIL", "lost", served_and_lost),
    ("OBS-01", "FAIL", "never_served", never_served_but_put_out),
    ("OBS-01", "UNTESTED", "", no_request),
]


test_a_story_gets_its_verdict = verdicts_of(STORIES)
