"""The named bugs and the checks know each other, and each bug is a change of exactly what its name says."""

from __future__ import annotations

from dataclasses import fields

import httpx
import pytest

from conformance.reference.behaviour import Behaviour
from conformance.reference.driver import VENDORS
from conformance.reference.mutants import MUTANTS


def test_each_mutant_differs_from_the_reference_and_says_how():
    right = {field.name: field.default for field in fields(Behaviour)}
    for name, mutant in MUTANTS.items():
        changed = [habit for habit, value in right.items() if getattr(mutant.behaviour, habit) is not value]
        assert mutant.name == name
        assert changed, name
        assert mutant.says, name
        assert set(mutant.vendors) <= set(VENDORS), name


def test_no_two_mutants_are_the_same_bug():
    bugs = [tuple(id(getattr(one.behaviour, field.name)) for field in fields(Behaviour)) for one in MUTANTS.values()]
    assert len(bugs) == len(set(bugs))


def test_checks_and_mutants_know_each_other():
    catalogue = pytest.importorskip("conformance.catalogue")
    checks = catalogue.checks()
    wanted = {(mutant, check.id) for check in checks.values() for mutant in check.mutants}
    offered = {(name, check) for name, mutant in MUTANTS.items() for check in mutant.killed_by}
    assert {mutant for mutant, _ in wanted} <= set(MUTANTS)
    assert all(any(check in checks for check in mutant.killed_by) for mutant in MUTANTS.values())
    assert wanted <= offered


def behaves(wire, message, mutant, **more):
    (answer,) = wire.run(message, settings={"mutant": mutant}, **more)
    return answer


@pytest.mark.parametrize(
    ("mutant", "slept"), [("hot_loop_429", 0.0), ("fixed_100ms_retry", 0.3), ("ignore_retry_after", 0.15)]
)
def test_impatient_ones_do_not_wait(net, reading, mutant, slept):
    wire = net(lambda request: httpx.Response(429, headers={"Retry-After": "3"}))
    behaves(wire, reading("immunization"), mutant)
    assert (len(wire.calls), sum(wire.slept)) == (4, pytest.approx(slept))


@pytest.mark.parametrize(("mutant", "calls"), [("retry_forever", 30), ("stacked_retries", 16), ("no_retry_503", 1)])
def test_some_try_too_often_and_some_not_at_all(net, reading, mutant, calls):
    wire = net(lambda request: httpx.Response(503))
    behaves(wire, reading("immunization"), mutant)
    assert len(wire.calls) == calls


@pytest.mark.parametrize(
    ("mutant", "logins", "calls"),
    [
        ("no_retry_on_401", 1, 1),
        ("retry_401_same_token", 1, 4),
        ("login_hot_loop", 10, 10),
        ("token_per_request", 2, 2),
    ],
)
def test_some_log_in_too_seldom_and_some_too_often(net, reading, mutant, logins, calls):
    wire = net(lambda request: httpx.Response(401))
    behaves(wire, reading("immunization"), mutant)
    assert (len(wire.logins), len(wire.calls)) == (logins, calls)


@pytest.mark.parametrize(
    ("mutant", "reply"),
    [
        ("forbidden_as_empty", lambda: httpx.Response(403)),
        ("html_as_empty", lambda: httpx.Response(200, html="<html/>")),
        ("accept_truncated", lambda: httpx.Response(200, headers={"Content-Length": "99"}, content=b"{}")),
    ],
)
def test_some_take_trouble_for_an_empty_chart(net, reading, mutant, reply):
    answer = behaves(net(lambda request: reply()), reading("immunization"), mutant)
    assert (answer["status"], answer["records"], answer["errors"]) == ("ok", [], [])


def test_a_swallowed_login_error_gives_an_empty_answer(net, reading):
    wire = net(
        lambda request: httpx.Response(500), lambda request: httpx.Response(400, json={"error": "invalid_client"})
    )
    assert behaves(wire, reading("immunization"), "swallow_auth_error")["status"] == "ok"


def test_a_crash_is_a_crash(net, reading):
    with pytest.raises(ValueError, match="Expecting value"):
        behaves(net(lambda request: httpx.Response(200, content=b"oops")), reading("immunization"), "crash_on_bad_json")


@pytest.mark.parametrize(("mutant", "pages"), [("first_page_only", 1), ("max_5_pages", 5), ("rebuild_next_url", 4)])
def test_some_stop_reading_early(net, reading, bundle, mutant, pages):
    wire = net(lambda request: bundle(next=f"https://emr.test/epic/R4/Immunization?p={len(wire.calls)}"
                                      if len(wire.calls) < 9 else None))  # fmt: skip
    assert behaves(wire, reading("immunization"), mutant)["status"] == "ok"
    assert len(wire.calls) == pages


def test_the_gossips_write_what_they_should_not(net, reading, bundle, caplog):
    for mutant, gossip in (("log_request_url", "patient=P1"), ("log_authorization", "Bearer t1")):
        caplog.clear()
        behaves(net(lambda request: bundle()), reading("immunization"), mutant)
        assert gossip in caplog.text


def test_the_outcome_becomes_a_record(net, reading, bundle):
    extra = ({"search": {"mode": "outcome"}, "resource": {"resourceType": "OperationOutcome", "issue": []}},)
    answer = behaves(net(lambda request: bundle("i1", extra=extra)), reading("immunization"), "outcome_as_record")
    assert [record["source"]["type"] for record in answer["records"]] == ["Immunization", "OperationOutcome"]


def test_one_logs_in_before_every_call(net, reading, bundle):
    wire = net(lambda request: bundle())
    behaves(wire, reading("immunization", "encounter"), "token_per_request", vendor="cerner")
    assert len(wire.logins) == 2
