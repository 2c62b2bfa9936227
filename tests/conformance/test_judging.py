"""How marks become verdicts, verdicts an exit code, and what the catalogue promises of every check."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.catalogue import checks, select
from conformance.check import check, exercised, fail, untested, warn
from conformance.drive import family_of
from conformance.evidence import Case, Evidence
from conformance.judge import Scope, judge, judgement
from conformance.reference.mutants import MUTANTS
from conformance.settings import Settings
from conformance.verdict import Verdict, exit_code, worst
from simulator.refusal import UsageError
from simulator.source import Source

SCOPE = Scope(("epic", "cerner"))


def declared(function, **more):
    """A check made of `function`."""
    function.__doc__ = "a title\n\n    Holds when it holds."
    given = {"area": "auth", "severity": "low", "level": 0, "scenarios": ("S01",), "mutants": ("m",)}
    return check("TEST-01", source=(Source("here", "guess"),), **{**given, **more})(function)


def said(*marks):
    def judged(e):
        yield from marks

    return judgement(declared(judged), Evidence("epic", ()))


def test_nothing_exercised_is_untested_and_never_a_pass():
    assert said().verdict is Verdict.UNTESTED
    assert said(untested("no such traffic")).says == "no such traffic"


def test_exercised_without_a_finding_is_a_pass():
    assert said(exercised("three calls"), untested("ignored")).verdict is Verdict.PASS


def test_a_finding_fails_even_when_all_else_went_well():
    one = said(exercised("three calls"), warn("late", "late"), fail("early", "too early"))
    assert (one.verdict, one.says) == (Verdict.FAIL, "too early, and 1 more")


def test_only_warnings_warn():
    assert said(exercised("x"), warn("late", "late")).verdict is Verdict.WARN


def test_a_sub_check_is_named():
    assert said(fail("exp", "lives an hour", sub="exp")).says == ".exp lives an hour"


def test_a_crash_of_a_check_is_our_error_and_says_where():
    def judged(e):
        yield exercised("x")
        raise ZeroDivisionError("of nothing")

    one = judgement(declared(judged), Evidence("epic", ()))
    assert one.verdict is Verdict.ERROR
    assert "ZeroDivisionError: of nothing" in one.says
    assert "line" in one.says


def test_our_own_gap_is_not_held_against_an_integration(script):
    script.case("S14").call(0, 1, "condition").get("/Condition", 0.1, 501, simulated=False).fact(
        "condition:1", found=False
    )
    one = script.judged("NORM-09")
    assert one.verdict is Verdict.UNTESTED
    assert "not held against you" in one.says


def test_our_own_crash_is_an_error(script):
    script.case("S14").call(0, 1, "condition").get("/Condition", 0.1, 500, simulated=False).fact(
        "condition:1", found=False
    )
    assert script.judged("NORM-09").verdict is Verdict.ERROR


def test_a_check_without_source_or_mutant_is_refused():
    def judged(e):
        yield exercised("x")

    with pytest.raises(TypeError, match="a source and a mutant"):
        declared(judged, mutants=())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"vendors": ("athena",)}, "not a matter of epic"),
        ({"needs": "read"}, "`read` is not declared"),
        ({"needs": "logs"}, "no logs are declared"),
        ({"level": 3}, "level L3 is above L2"),
        ({"auth": "private_key_jwt"}, "`private_key_jwt` is not declared"),
    ],
)
def test_what_is_not_declared_is_not_applicable(changes, why):
    def judged(e):
        yield exercised("x")

    scope = Scope(("epic",), {"epic": ("client_secret_basic",)}, declares=(), level=2, has_logs=False)
    one = judge({"TEST-01": declared(judged, **changes)}, (), scope, Settings())[0]
    assert (one.verdict, one.says) == (Verdict.NOT_APPLICABLE, why)


def test_a_check_that_spans_vendors_needs_two(script):
    scope = Scope(("epic",))
    assert judge(select(["NORM-15"]), (), scope, Settings())[0].says == "needs two vendors"
    assert [one.vendor for one in judge(select(["NORM-15"]), (), SCOPE, Settings())] == ["*"]


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([], 5),
        ([Verdict.NOT_APPLICABLE], 5),
        ([Verdict.PASS, Verdict.NOT_APPLICABLE], 0),
        ([Verdict.PASS, Verdict.WARN], 0),
        ([Verdict.PASS, Verdict.UNTESTED], 2),
        ([Verdict.UNTESTED, Verdict.FAIL], 1),
        ([Verdict.FAIL, Verdict.ERROR], 3),
    ],
)
def test_the_exit_code_is_that_of_the_contract(verdicts, code):
    assert exit_code(verdicts) == code


def test_strict_makes_a_warning_red_and_a_stale_waiver_always_is():
    assert exit_code([Verdict.WARN], strict=True) == 1
    assert exit_code([Verdict.PASS], has_stale_waiver=True) == 1


@given(st.lists(st.sampled_from(list(Verdict)), min_size=1))
def test_merging_is_independent_of_order_and_takes_the_worst(verdicts):
    assert worst(verdicts) is worst(reversed(verdicts))
    assert worst([*verdicts, Verdict.ERROR]) is Verdict.ERROR


def test_every_check_has_a_mutant_that_the_reference_can_be():
    for one in checks().values():
        for mutant in one.mutants:
            assert one.id in MUTANTS[mutant].killed_by, f"{mutant} does not claim to be killed by {one.id}"


def test_every_mutant_names_a_check_that_is_built():
    for mutant in MUTANTS.values():
        assert set(mutant.killed_by) <= set(checks()), mutant.name


def test_every_check_has_a_story_for_pass_fail_and_untested():
    told: dict[str, set[str]] = {}
    for path in Path(__file__).parent.glob("test_checks_*.py"):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for id, verdict, _, _ in module.STORIES:
            told.setdefault(id, set()).add(verdict)
    lacking = {id: {"PASS", "FAIL", "UNTESTED"} - told.get(id, set()) for id in checks()}
    assert {id: those for id, those in lacking.items() if those} == {}


def test_titles_are_short_sentences_without_a_full_stop():
    for one in checks().values():
        assert len(one.title) <= 46, one.title
        assert not one.title.endswith(".")
        assert one.statement.startswith("Holds when"), one.id


def test_a_check_is_found_by_id_prefix_area_and_sub_check():
    assert list(select(["res-01"])) == ["RES-01"]
    assert list(select(["AUTH-01.exp"])) == ["AUTH-01"]
    assert {id[:3] for id in select(["RES"])} == {"RES"}
    assert set(select(["security"])) == {"SEC-01", "SEC-02", "SEC-03", "SEC-04", "SEC-05", "SEC-06", "SEC-09"}
    with pytest.raises(UsageError, match='unknown check "RES-99"'):
        select(["RES-99"])


@pytest.mark.parametrize("check_id", sorted(checks()))
def test_traffic_of_another_case_changes_no_verdict(script, check_id):
    """An undisturbed case of an unrelated family may be played before or after."""
    one = script.judged(check_id)
    script.case("S99").get("/Patient/1", 0.1).call(0, 1, "patient")
    other = script.judged(check_id)
    assert one.verdict is Verdict.UNTESTED
    assert other.verdict in (Verdict.UNTESTED, Verdict.PASS)


@given(st.integers(0, 3), st.floats(0.0, 5.0))
def test_an_unrelated_exchange_does_not_hide_an_early_retry(place, at):
    entry = {"method": "GET", "duration_ms": 10.0, "status": 200}
    throttled = {
        **entry,
        "id": "x1",
        "path": "/a",
        "t_s": 0.0,
        "status": 429,
        "response_headers": [["retry-after", "2"]],
    }
    early = {**entry, "id": "x2", "path": "/a", "t_s": 0.1}
    other = {**entry, "id": "x3", "path": "/b", "t_s": at}
    listed = sorted([throttled, early, other], key=lambda one: one["t_s"])
    from datetime import UTC, datetime

    from conformance.evidence import Exchange

    exchanges = tuple(Exchange("c", "epic", data, datetime(2026, 1, 5, tzinfo=UTC)) for data in listed)
    case = Case("c", "s21-x", "S21", "epic", {}, exchanges, ())
    assert judgement(checks()["RES-01"], Evidence("epic", (case,))).verdict is Verdict.FAIL


def test_a_slow_host_is_given_twice_the_tolerance():
    from datetime import timedelta

    wait = timedelta(seconds=2)
    settings = Settings()
    assert settings.early(wait) == timedelta(milliseconds=50)
    assert replace(settings, is_host_slow=True).early(wait) == timedelta(milliseconds=100)
    assert settings.early(wait, is_date=True) == timedelta(seconds=1)


@pytest.mark.parametrize("id", sorted(checks()))
def test_no_check_is_green_or_broken_when_a_driver_can_do_nothing(script, id):
    """Every situation was played, and answered with `unsupported` and no request at all."""
    one = checks()[id]
    for name in one.scenarios:
        case = script.case(family_of(name), scenario=name if "-" in name else "")
        for action in ("login", "read_patient", "read", "sync", "match", "write", "search"):
            case.call(0, 1, "condition", action=action, status="unsupported")
    assert script.judged(id).verdict.value == "UNTESTED"
