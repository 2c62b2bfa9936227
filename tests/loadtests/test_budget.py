"""Budgets of load runs: reading, judging, refusing nonsense."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.budget import Budget, Row, percentile
from simulator.refusal import UsageError


def row(name: str = "Patient read", **changes: float) -> Row:
    values = {"requests": 100, "failures": 0, "p50_ms": 10, "p95_ms": 20, "p99_ms": 30, "per_s": 50} | changes
    return Row(name, **values)  # type: ignore[arg-type]


def test_a_run_inside_its_budget_breaks_nothing() -> None:
    assert Budget(min_requests=100, p95_ms={"*": 20}).broken([row()]) == []


@pytest.mark.parametrize(
    ("budget", "sentence"),
    [
        (Budget(min_requests=101), "100 requests were made, the budget asks for at least 101"),
        (Budget(p95_ms={"*": 19}), "Patient read: p95 is 20 ms, the budget is 19 ms"),
        (Budget(p95_ms={"Patient read": 19, "*": 99}), "Patient read: p95 is 20 ms, the budget is 19 ms"),
        (Budget(p95_ms={"token": 99}), "token: no such request was made"),
    ],
)
def test_each_broken_promise_is_one_sentence(budget: Budget, sentence: str) -> None:
    assert budget.broken([row()]) == [sentence]


def test_a_named_budget_beats_the_one_for_all() -> None:
    assert Budget(p95_ms={"Patient read": 50, "*": 1}).broken([row()]) == []


def test_failures_count_against_their_share() -> None:
    rows = [row(failures=3), row("token")]
    assert Budget(failure_share=0.015).broken(rows) == []
    assert Budget(failure_share=0.014).broken(rows) == [
        "3 of 200 requests failed, the budget allows a share of 0.014",
    ]


def test_a_run_without_requests_breaks_the_default_budget() -> None:
    assert Budget().broken([]) == ["0 requests were made, the budget asks for at least 1"]


def test_percentiles_are_times_that_were_measured() -> None:
    times = {1.0: 94, 5.0: 1, 200.0: 5}
    assert [percentile(times, share) for share in (0.5, 0.94, 0.95, 0.951, 1.0)] == [1.0, 1.0, 5.0, 200.0, 200.0]
    assert percentile({}, 0.95) == 0.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("min_requests = 'many'", "min_requests = 'many' is not a number"),
        ("p95_ms = 3", "p95_ms = 3 is not a table"),
        ("p95 = 3", 'unknown key "p95"'),
        ("[p95_ms]\ntoken = -1", 'p95_ms."token" = -1 is not a positive number of milliseconds'),
        ("[p95_ms]\n'*' = nan", "is not a positive number of milliseconds"),
        ("[p95_ms]\n'*' = inf", "is not a positive number of milliseconds"),
        ("min_requests = -1", "min_requests = -1 is below 0"),
        ("failure_share = 1.5", "failure_share = 1.5 is not a share from 0 to 1"),
        ("failure_share = nan", "failure_share = nan is not a share from 0 to 1"),
        ("min_requests =", "is not TOML"),
    ],
)
def test_a_nonsensical_budget_names_file_key_and_value(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "budget.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        Budget.read(path)
    assert says in caught.value.message
    assert str(path) in caught.value.message


def test_a_missing_budget_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the budget"):
        Budget.read(tmp_path / "none.toml")
