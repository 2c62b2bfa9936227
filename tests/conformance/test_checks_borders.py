"""AUTHZ-02, AUTHZ-04, AUTHZ-05, WB-08, AUTH-09: borders between charts, tenants, modes; workers that share a token.

given    POST /token whose answer tells an access token, as a fingerprint      which tenant a token is of
mixed    GET with fault foreign_entries {foreign}                               a list with somebody else's record
jump     GET 401 with fault clock_advance, then more of them                    one token runs out under several
"""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.stories import verdicts_of

LEAK = {"field": "source", "verdict": "leak", "severity": "critical"}
INVALID = {"class": "invalid_response", "retryable": True, "kind": "condition"}
AUTH = {"class": "auth", "retryable": False}
FILTERED = {"reason": "filtered", "kind": "condition", "count": 1}


def charts(s, *, stuck=0, found=True, status="ok", problem="", logins=3):
    """`stuck`: the read of that number is about somebody else."""
    case = s.case("S12", scenario="s12-two-charts")
    for number in range(logins):
        at = 10.0 * number
        case.login(at, body="grant_type=authorization_code&code=x")
        case.call(at + 1, at + 2, "patient", status=status, problem=problem)
        case.get("/Patient/1", at + 1.1, served=[("Patient", "1")])
        case.fact(f"patient:{number}", source=("Patient", "1"), found=found)
        if stuck == number + 1:
            case.extra("patient", type="Patient", id="2", verdict="wrong-patient")


def tenant(s, token, *, shows="", served=("1",), found=(), leaks=False, family="S01"):
    case = s.case(family, scenario="s12-the-other-tenant" if family == "S12" else "")
    case.login(0.1)
    case._data[-1]["response_body"] = f'{{"token_type":"Bearer","access_token":"access_token:{token}"}}'
    case.call(0, 9, "patient")
    case.get("/Patient/1", 0.2, token=shows or token, served=[("Patient", one) for one in served])
    for one in found:
        case.fact(f"patient:{one}", source=("Patient", one), wrong=[LEAK] if leaks else ())


def two_tenants(s):
    tenant(s, "a", found=["1"])
    tenant(s, "b", found=["1"], family="S12")


def one_token_for_both(s):
    tenant(s, "a")
    tenant(s, "b", shows="a", family="S12")


def a_token_that_nobody_gave(s):
    tenant(s, "a")
    tenant(s, "b", shows="zzz", family="S12")


def a_record_of_the_other_one(s):
    tenant(s, "a", found=["1"])
    tenant(s, "b", served=("7",), found=["1"], leaks=True, family="S12")


def a_record_from_nowhere(s):
    tenant(s, "a", served=("5",))
    tenant(s, "b", served=("7",), found=["1"], leaks=True, family="S12")


def one_tenant(s):
    tenant(s, "a")


def mixed(s, *, through=False, errors=(INVALID,), dropped=(), foreign=("c9",), problem=""):
    case = s.case("S44", scenario="s44-foreign-entries")
    case.call(0, 1, "condition", status="partial" if errors else "ok", errors=errors, dropped=dropped, problem=problem)
    case.get("/Condition", 0.1, fault="foreign_entries")
    case._data[-1]["fault"]["foreign"] = list(foreign)
    if through:
        case.extra("condition", id="c9", verdict="wrong-patient")


def dry(s, *, status="error", sends="", problem="", alive=True, asked=True):
    case = s.case("S33", scenario="s33-only-to-be-read")
    if alive:
        case.call(0, 1, action="read_patient").get("/Patient/1", 0.1)
    if asked:
        case.call(2, 3, action="write", status=status, problem=problem)
    if sends:
        case.get(sends, 2.1, 201, method="POST")


def ran_out(s, *, refused=4, logins=1, found=True, errors=()):
    case = s.case("S04", scenario="s04-expiry-under-load")
    case.call(0, 9, "condition", status="partial" if errors else "ok", errors=errors)
    if refused >= 0:
        case.get("/Condition", 0.1, 401, fault="clock_advance")
    for number in range(refused):
        case.get(f"/Obs{number}", 0.2 + number / 100, 401)
    for number in range(logins):
        case.login(0.5 + number / 100)
    case.fact("condition:1", found=found)


def story(name, tell, **more):
    def write(s):
        tell(s, **more)

    write.__name__ = name
    return write


STORIES = [
    ("AUTHZ-02", "PASS", "", story("each_time_the_open_one", charts)),
    ("AUTHZ-02", "FAIL", "other_chart", story("the_first_one_sticks", charts, stuck=2)),
    ("AUTHZ-02", "FAIL", "other_chart", story("nobody_is_shown", charts, found=False)),
    ("AUTHZ-02", "UNTESTED", "", story("it_knows_no_context", charts, status="unsupported")),
    ("AUTHZ-02", "UNTESTED", "", story("it_never_answers", charts, problem="deadline")),
    ("AUTHZ-02", "UNTESTED", "", story("nobody_logged_in", charts, logins=0)),
    ("AUTHZ-04", "PASS", "", two_tenants),
    ("AUTHZ-04", "PASS", "", a_token_that_nobody_gave),
    ("AUTHZ-04", "PASS", "", a_record_from_nowhere),
    ("AUTHZ-04", "FAIL", "token_of_another", one_token_for_both),
    ("AUTHZ-04", "FAIL", "record_of_another", a_record_of_the_other_one),
    ("AUTHZ-04", "UNTESTED", "", one_tenant),
    ("AUTHZ-05", "PASS", "", story("refused_and_told", mixed)),
    ("AUTHZ-05", "PASS", "", story("refused_and_counted", mixed, errors=(), dropped=[FILTERED])),
    ("AUTHZ-05", "FAIL", "foreign_subject", story("it_is_passed_on", mixed, through=True)),
    ("AUTHZ-05", "FAIL", "untold", story("it_is_left_out_in_silence", mixed, errors=())),
    ("AUTHZ-05", "UNTESTED", "", story("nothing_was_mixed", mixed, foreign=())),
    ("WB-08", "PASS", "", story("it_refuses", dry)),
    ("WB-08", "PASS", "", story("it_cannot_write", dry, status="unsupported")),
    ("WB-08", "PASS", "", story("a_search_by_post_changes_nothing", dry, sends="/Patient/_search")),
    ("WB-08", "FAIL", "wrote", story("it_writes", dry, status="ok", sends="/Condition")),
    ("WB-08", "FAIL", "wrote", story("it_writes_and_tells_an_error", dry, sends="/Condition")),
    ("WB-08", "FAIL", "told_done", story("it_tells_what_it_did_not_do", dry, status="ok")),
    ("WB-08", "UNTESTED", "", story("it_gave_no_answer", dry, problem="deadline")),
    ("WB-08", "UNTESTED", "", story("it_was_not_asked", dry, asked=False)),
    ("WB-08", "UNTESTED", "", story("it_reads_nothing_either", dry, alive=False)),
    ("AUTH-09", "PASS", "", story("one_renews", ran_out)),
    ("AUTH-09", "PASS", "", story("two_are_fair", ran_out, logins=2)),
    ("AUTH-09", "FAIL", "herd", story("everybody_renews", ran_out, logins=4)),
    ("AUTH-09", "FAIL", "worker_failed", story("one_is_lost", ran_out, found=False)),
    ("AUTH-09", "FAIL", "worker_failed", story("one_gives_up", ran_out, errors=[AUTH])),
    ("AUTH-09", "UNTESTED", "", story("one_after_the_other", ran_out, refused=1)),
    ("AUTH-09", "UNTESTED", "", two_tenants),
    ("AUTH-09", "UNTESTED", "", story("nothing_ran_out", ran_out, refused=-1, logins=0)),
]

test_a_story_gets_its_verdict = verdicts_of(STORIES)


def test_the_proof_of_another_chart_is_the_login_and_what_was_read_then(script):
    charts(script, stuck=2)
    (finding,) = script.judged("AUTHZ-02").findings
    assert finding.at == ("c1/x3", "c1/x4")
    assert finding.got == "patient Patient/2"


def test_the_proof_of_a_record_of_another_tenant_is_where_that_served_it(script):
    a_record_of_the_other_one(script)
    (finding,) = script.judged("AUTHZ-04").findings
    assert (finding.case, finding.at) == ("c2", ("c1/x2",))


def test_a_lent_token_is_told_by_what_the_vendor_said(script):
    one_token_for_both(script)
    made = script.cases()
    shown = [replace(x, data=x.data | {"refusal": "the token is not one of ours"}) for x in made[1].exchanges]
    script.cases = lambda: (made[0], replace(made[1], exchanges=tuple(shown)))
    (finding,) = script.judged("AUTHZ-04").findings
    assert finding.got == "the token is not one of ours"
