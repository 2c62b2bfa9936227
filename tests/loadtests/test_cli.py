"""`emr-sandbox load` as a user meets it: what it refuses, and a run that breaks its budget."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.cli import run


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nope"], 'unknown load scenario "nope"'),
        (["chart-open", "--patients", "0"], "`--patients` is out of range: 0"),
        (["chart-open", "--vendor", "epik"], 'unknown vendor "epik"'),
        (["chart-open", "--think", "-1"], "`--think` is out of range: -1.0"),
        (["chart-open", "--budget", "none.toml"], "cannot read the budget none.toml"),
        (["chart-open", "--target", "http://127.0.0.1:1"], "nobody answers at http://127.0.0.1:1"),
        (["chart-open", "--report", f"{__file__}/deep"], f"cannot write {__file__}/deep"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_with_exit_code_4(
    capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    assert run(["load", *words]) == 4
    assert capsys.readouterr().err.splitlines()[0].startswith(says)


@pytest.mark.slow
def test_no_vendor_refuses_what_the_load_users_ask(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One user a vendor, who opens one chart at least; the budget is about failures, so that a busy machine changes
    nothing."""
    budget = tmp_path / "no-failures.toml"
    budget.write_text("min_requests = 21", encoding="utf-8")
    words = ["--users", "3", "--duration", "1", "--patients", "100", "--think", "0", "--budget", str(budget)]
    code = run(["load", "chart-open", *words])
    shown = capsys.readouterr().out
    assert code == 0, shown
    assert "chart-open: PASS" in shown


@pytest.mark.slow
def test_a_broken_budget_is_exit_code_1_and_says_which_promise(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    budget = tmp_path / "tight.toml"
    budget.write_text('[p95_ms]\n"Patient read" = 0.001\n', encoding="utf-8")
    words = ["--users", "1", "--duration", "1", "--patients", "100", "--vendor", "cerner", "--budget", str(budget)]
    assert run(["load", "chart-open", *words]) == 1
    shown = capsys.readouterr().out
    assert "FAIL  Patient read: p95 is" in shown
    assert "chart-open: FAIL" in shown
