"""AUTH-10, AUTH-13: people who log in, and what an integration makes of their way back.

login   run `login` {iss, launch} → authorize_url; GET /authorize; run `login` {redirect_url}; POST /token with the code
refresh POST /token with grant_type=refresh_token, the token as a fingerprint; the answer may tell another one
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from urllib.parse import urlencode

import pytest

from conformance.browser import LEADS_IN, WAYS
from conformance.checks.people import _REMEDY
from tests.conformance.stories import verdicts_of

SHIFTS, BENT = "s05-days-of-refreshing", "s08-bent-ways-back"
BACK = "http://127.0.0.1/callback"
DENIED = [{"class": "auth", "retryable": False}]
REFUSED = dict.fromkeys(("forges", "drops", "names_another", "strays", "replays"), "error")


def way(number, **changes):
    asked = {
        "state": f"state-{number:03}-{'x' * 20}", "code_challenge": "c" * 43, "code_challenge_method": "S256",
        "aud": "https://emr/R4", "redirect_uri": BACK, **changes,
    }  # fmt: skip
    return "https://emr/authorize?" + urlencode(
        {name: value.format(n=number) for name, value in asked.items() if value}
    )


def said(case, at, browser, *, args, status="ok", errors=(), problem="", **answer):
    case.call(at, at + 1, action="login", status=status, errors=errors, problem=problem, **answer)
    case._calls[-1] = replace(case._calls[-1], browser=browser, args=args)


def let_in(case, at, *, told="r0", status=200):
    case.login(at, status, body="grant_type=authorization_code&code=code:1&code_verifier=code_verifier:1")
    if told:
        case._data[-1]["response_body"] = f'{{"access_token":"t","refresh_token":"{told}"}}'


def shifts(s, *refreshes, status=200, lost=0, answered="ok"):
    """`refreshes` are (shown, told); the last `lost` reads give nothing."""
    case = s.case("S05", scenario=SHIFTS)
    said(case, 0, "honest", args={"iss": "x"}, authorize_url=way(0))
    said(case, 2, "honest", args={"redirect_url": BACK}, status=answered, errors=DENIED if answered == "error" else ())
    let_in(case, 2.5, status=status)
    for number, (shown, told) in enumerate(refreshes):
        at = 10.0 + 10 * number
        case.login(at, body=f"grant_type=refresh_token&refresh_token={shown}")
        case._data[-1]["response_body"] = f'{{"refresh_token":"{told}"}}' if told else "{}"
        case.call(at + 1, at + 2, action="read_patient").get("/Patient/1", at + 1.1)
        case.fact(f"patient:{number}", found=number < len(refreshes) - lost)


def bent(s, *, ways=14, refused=REFUSED, tokens=(), let=True, found=True, strays_on=False, **changes):
    case = s.case("S08", scenario=BENT)
    case.client |= {"redirect_uris": [BACK]}
    for number in range(ways):
        case.get("/authorize", number / 100, 302)
        said(case, number / 100, "leaves", args={"iss": "x"}, authorize_url=way(number, **changes))
    for number, (browser, status) in enumerate(refused.items()):
        at = 10.0 + 10 * number
        args = {"iss": "x"} if browser == "strays" else {"redirect_url": BACK}
        more = {"authorize_url": way(99)} if browser == "strays" and strays_on else {}
        if browser in tokens:
            case.login(at + 0.1, body="grant_type=authorization_code&code=code:2&code_verifier=code_verifier:2")
        said(case, at, browser, args=args, status=status, errors=DENIED if status == "error" else (), **more)
    said(case, 80, "honest", args={"iss": "x"}, authorize_url=way(ways, **changes))
    said(case, 82, "honest", args={"redirect_url": BACK})
    if let:
        let_in(case, 82.5)
    case.call(90, 91, action="read_patient").get("/Patient/1", 90.1).fact("patient:1", found=found)


def unknown_action(s, scenario):
    case = s.case(scenario[:3].upper(), scenario=scenario)
    said(case, 0, "honest", args={"iss": "x"}, status="unsupported")
    case.call(2, 3, action="read_patient", status="unsupported").fact("patient:1", found=False)


def story(name, tell, *args, **more):
    def write(s):
        partial(tell, **more)(s, *args)

    write.__name__ = name
    return write


GOOD = (("r0", "r1"), ("r1", "r2"), ("r2", ""), ("r2", ""))
STORIES = [
    ("AUTH-10", "PASS", "", story("three_shifts_and_one_kept", shifts, *GOOD)),
    ("AUTH-10", "FAIL", "old_token", story("the_first_one_again", shifts, ("r0", "r1"), ("r0", "r2"), ("r2", ""))),
    ("AUTH-10", "FAIL", "unknown_token", story("one_that_nobody_told", shifts, ("rx", "r1"), *GOOD[1:])),
    ("AUTH-10", "FAIL", "forgot_token", story("none_told_is_none_held", shifts, *GOOD[:3], ("r2", ""), lost=1)),
    ("AUTH-10", "FAIL", "lost_login", story("logged_out_at_once", shifts, ("r0", "r1"), lost=1)),
    ("AUTH-10", "UNTESTED", "", story("too_few", shifts, ("r0", "r1"))),
    ("AUTH-10", "UNTESTED", "", story("nobody_let_in", shifts, status=400, answered="error")),
    ("AUTH-10", "UNTESTED", "", story("no_such_action", unknown_action, SHIFTS)),
    ("AUTH-13", "PASS", "", story("refused_but_one", bent)),
    ("AUTH-13", "FAIL", "forges_is_taken", story("any_state_will_do", bent, refused=REFUSED | {"forges": "ok"})),
    ("AUTH-13", "FAIL", "drops_is_taken", story("a_token_is_asked_for", bent, tokens=("drops",))),
    ("AUTH-13", "FAIL", "names_another_is_taken", story("another_server", bent, tokens=("names_another",))),
    ("AUTH-13", "FAIL", "replays_is_taken", story("twice", bent, refused=REFUSED | {"replays": "ok"})),
    ("AUTH-13", "FAIL", "strays_is_taken", story("sent_by_a_stranger", bent, strays_on=True)),
    ("AUTH-13", "FAIL", "same_state", story("one_state", bent, state="the-same-for-everybody-000")),
    ("AUTH-13", "FAIL", "short_state", story("a_number_for_a_state", bent, state="{n}")),
    ("AUTH-13", "FAIL", "no_pkce", story("without_pkce", bent, code_challenge="")),
    ("AUTH-13", "FAIL", "weak_pkce", story("in_the_open", bent, code_challenge_method="plain")),
    ("AUTH-13", "FAIL", "weak_pkce", story("in_the_open_and_not_let_in", bent, code_challenge="v" * 64, let=False)),
    ("AUTH-13", "FAIL", "other_uri", story("another_way_back", bent, redirect_uri="http://127.0.0.1/other")),
    ("AUTH-13", "FAIL", "no_aud", story("no_audience", bent, aud="")),
    ("AUTH-13", "FAIL", "not_let_in", story("the_honest_one_reads_nothing", bent, found=False)),
    ("AUTH-13", "UNTESTED", "", story("nobody_was_let_in", bent, let=False)),
    ("AUTH-13", "UNTESTED", "", story("too_few_to_guess", bent, ways=3)),
    ("AUTH-13", "UNTESTED", "", story("no_way_to_log_in", unknown_action, BENT)),
]

test_a_story_gets_its_verdict = verdicts_of(STORIES)


def test_the_proof_of_an_old_token_is_where_it_was_told_and_what_replaced_it(script):
    shifts(script, ("r0", "r1"), ("r0", "r2"))
    finding = next(one for one in script.judged("AUTH-10").findings if one.cause == "old_token")
    assert finding.at == ("c1/x1", "c1/x2", "c1/x4")
    assert (finding.expected, finding.got) == ("the one told last, r1", "r0")


@pytest.mark.parametrize("browser", sorted({*WAYS} - {*LEADS_IN, "leaves"}))
def test_every_bent_way_has_a_story_and_a_sentence(browser):
    assert any(cause == f"{browser}_is_taken" for _, _, cause, _ in STORIES)
    assert WAYS[browser][0].islower()


def test_every_flaw_of_a_way_has_a_remedy():
    assert {cause for check, verdict, cause, _ in STORIES if verdict == "FAIL" and check == "AUTH-13"} >= set(_REMEDY)
