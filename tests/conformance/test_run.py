"""Whole runs, small ones: a server, a driver, a few cases. What a driver cannot get away with (rules 1, 2, 6 and 9)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import conformance
from conformance import record
from conformance.catalogue import select
from conformance.judge import judge
from conformance.trial import Request, hold
from conformance.verdict import Verdict
from simulator.refusal import UsageError

ROOT = Path(conformance.__file__).parent.parent
MANIFEST = """
[integration]
name = "acme"
{how}
declares = ["read"]
[vendors]
{vendor} = {{ kinds = ["patient", "condition"] }}
"""


def dead(message):
    """A driver that says all is well and asks nobody anything."""
    if message["op"] == "hello":
        return {"id": message["id"], "protocol": 1, "nonce": message["nonce"], "implementation": {"name": "dead"}}
    if message["op"] == "run" and message["action"].endswith("_unknown"):
        return {"id": message["id"], "status": "unsupported"}
    return {"id": message["id"], "status": "ok", "records": []}


def knows_everything(message):
    return dead({**message, "action": "read"})


def answers_another_nonce(message):
    return dead(message) | {"nonce": "another"}


def speaks_another_protocol(message):
    return {"id": message["id"], "version": 2}


def puts_out_numbers(message):
    answer = dead(message)
    if message["op"] == "run" and answer["status"] == "ok":
        ids = message["args"].get("patient", {"id": "x"})["id"]
        source = {"vendor": "cerner", "type": "Patient", "id": ids}
        answer["records"] = [{"kind": "patient", "source": source, "patient": source, "quantity": 7}]
    return answer


@pytest.fixture
def trial(tmp_path, monkeypatch):
    """Holds a trial of a callable of this file, or of a command."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def held(how, *only, vendor="cerner"):
        if callable(how):
            module = tmp_path / "driver_of_the_test.py"
            module.write_text(Path(__file__).read_text(encoding="utf-8"), encoding="utf-8")
            how = f'python = "driver_of_the_test:{how.__name__}"'
        path = tmp_path / "emr-conformance.toml"
        path.write_text(MANIFEST.format(how=how, vendor=vendor), encoding="utf-8")
        return hold(Request(manifest=path, only=only))

    return held


@pytest.mark.slow
def test_a_dead_driver_passes_nothing(trial):
    run = trial(dead)
    assert [one.check for one in run.judgements if one.verdict is Verdict.PASS] == []
    assert run.exit_code != 0
    verdicts = {one.check: one.verdict for one in run.judgements}
    assert verdicts["NORM-01"] is Verdict.FAIL
    assert verdicts["AUTH-05"] is Verdict.UNTESTED
    assert verdicts["SEC-03"] is Verdict.UNTESTED


@pytest.mark.parametrize(
    ("driver", "says"),
    [
        (knows_everything, "an action that nobody knows with `ok`"),
        (answers_another_nonce, "nonce: 'another' is not the one that was sent"),
        (speaks_another_protocol, "is not emr-driver/1"),
    ],
)
def test_a_broken_adapter_is_told_before_anything_is_judged(trial, driver, says):
    with pytest.raises(UsageError, match=says):
        trial(driver, "AUTH-07")


def test_an_answer_against_the_schema_is_no_answer(trial):
    run = trial(puts_out_numbers, "RES-05")
    problems = {call.problem for case in run.cases for call in case.runs}
    assert any(problem.startswith("protocol: records[0].quantity: 7 is not of type") for problem in problems)


def test_a_process_is_judged_and_its_recorded_run_judges_the_same(trial, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    run = trial(f"command = {json.dumps([sys.executable, '-m', 'conformance.reference'])}", "AUTH-07", "SEC-04")
    assert [(one.check, one.verdict.value) for one in run.judgements] == [("AUTH-07", "PASS"), ("SEC-04", "PASS")]
    assert run.exit_code == 0
    assert any(case.logs for case in run.cases)
    record.write(run, tmp_path / "run.ndjson")
    again = record.read(tmp_path / "run.ndjson")
    judged = judge(select(again.header["checks"]), again.cases, again.scope, again.settings)
    assert list(record.judged_lines(judged)) == list(record.judged_lines(run.judgements))


def test_a_process_with_a_bug_is_seen_through(trial, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("EMR_MUTANT", "no_retry_on_401")
    run = trial(f"command = {json.dumps([sys.executable, '-m', 'conformance.reference'])}", "AUTH-07")
    assert [one.verdict for one in run.judgements] == [Verdict.FAIL]
    assert run.exit_code == 1


def test_no_secret_and_no_raw_canary_is_in_a_recorded_run(trial, tmp_path):
    run = hold(Request(is_reference=True, mutant="log_authorization", only=("SEC-04",), vendors=("cerner",)))
    assert [one.verdict for one in run.judgements] == [Verdict.FAIL]
    record.write(run, tmp_path / "run.ndjson")
    text = (tmp_path / "run.ndjson").read_text(encoding="utf-8")
    assert "‹access token›" in text
    assert "Bearer eyJ" not in text
    assert "PRIVATE KEY" not in text


def test_the_driver_is_told_nothing_of_the_scenario(trial, monkeypatch):
    seen = []

    def spy(message):
        seen.append(json.dumps(message))
        return dead(message)

    monkeypatch.setattr("conformance.trial.callable_of", lambda spec: spy)
    trial('python = "x:y"', "AUTH-07", "RES-01")
    assert seen
    assert not any(word in text for text in seen for word in ("s03", "s21", "S03", "throttled", "revocation"))
