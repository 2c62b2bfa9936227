"""Scores of a run: categories, the gate, error classes, and that a row which nobody showed is never called passed."""

from __future__ import annotations

import click
import pytest

from conformance.catalogue import select
from conformance.judge import Scope, judge
from conformance.mismatches import NOT_SHOWN, ROWS, row_of
from conformance.report import html, terminal
from conformance.scores import WEIGHTS, coverage, percent, scores_of
from conformance.settings import Settings
from conformance.trial import recorded
from simulator.population.judging.fields import FIELDS

WRONG_UNIT = {"field": "value.number", "verdict": "unit-error", "severity": "critical", "hint": "kg and lb"}


def one_score(script):
    (score,) = scores_of(script.cases())
    return score


def test_the_weights_are_those_of_a_whole():
    assert sum(WEIGHTS.values()) == 100


def test_copies_and_strangers_cost_precision_and_the_missing_cost_recall(script):
    case = script.case("S14").call(0, 1, "condition")
    case.fact("condition:0").fact("condition:1", times=2).fact("condition:2", found=False).extra("condition")
    items = one_score(script).categories["conditions"].items
    assert (items.truth, items.returned, items.right) == (3, 4, 2)
    assert (items.precision, items.recall) == (0.5, 2 / 3)


def test_what_the_integration_admits_is_not_counted(script):
    script.case("S14").call(0, 1, "allergy").fact("allergy:0", found=False, admitted=True)
    assert not one_score(script).categories


def test_only_cases_that_test_meaning_are_counted(script):
    script.case("S21").call(0, 1, "condition").fact("condition:0", found=False)
    assert scores_of(script.cases()) == ()


def test_one_safety_error_is_enough_whatever_the_average(script):
    case = script.case("S14").call(0, 1, "observation")
    for ordinal in range(500):
        case.fact(f"observation:{ordinal}", expected={"value": {"number": "1"}})
    case.fact("observation:500", wrong=[WRONG_UNIT])
    score = one_score(script)
    assert score.total > 0.99
    assert [(one.verdict, one.kind, one.count) for one in score.critical] == [("unit-error", "observation", 1)]
    assert script.judged("NORM-20").verdict.value == "FAIL"


def test_a_manifest_may_ask_for_more_than_95_percent(script):
    case = script.case("S14").call(0, 1, "condition")
    for ordinal in range(20):
        case.fact(f"condition:{ordinal}", times=2 if ordinal == 0 else 1)
    assert script.judged("NORM-20").verdict.value == "PASS"
    assert script.judged("NORM-20", settings=Settings(score_percent=98)).verdict.value == "FAIL"


def test_error_classes_come_worst_first_with_three_examples(script):
    case = script.case("S14").call(0, 1, "observation", "patient")
    for ordinal in range(5):
        case.fact(f"patient:{ordinal}", wrong=[{"field": "name.family"}])
    case.fact("observation:0", wrong=[WRONG_UNIT])
    classes = one_score(script).classes
    assert [(one.severity, one.verdict, one.count, len(one.examples)) for one in classes] == [
        ("critical", "unit-error", 1, 1),
        ("major", "wrong", 5, 3),
    ]
    assert classes[0].examples[0].row == 8


def test_a_row_is_passed_only_when_it_was_met(script):
    case = script.case("S14").call(0, 1, "patient", "observation")
    case.fact("patient:0", rows=[1, 3], wrong=[{"field": "birthDate", "verdict": "transposed"}])
    case.fact("observation:1", rows=[33])
    seen = {row.number: row for row, _ in coverage(scores_of(script.cases()))}
    assert (seen[1].verdict, seen[3].verdict, seen[33].verdict) == ("passed", "failed", "passed")
    others = [row for number, row in seen.items() if number not in (1, 3, 33)]
    assert {row.verdict for row in others} == {"not tested"}
    assert all(row.why for row in others)


def test_what_does_not_arrive_fails_the_rows_that_it_shows(script):
    script.case("S14").call(0, 1, "observation").fact("observation:0", found=False, rows=[10])
    ((row, _),) = [pair for pair in coverage(scores_of(script.cases())) if pair[0].number == 10]
    assert row.verdict == "failed"


def test_every_field_and_verdict_belongs_to_a_row():
    verdicts = ("wrong", "missing", "hallucinated", "wrong-null", "lost-precision", "duplicate", "stale", "leak")
    for kind, fields in FIELDS.items():
        for field in fields:
            for verdict in verdicts:
                assert row_of(kind, {"field": field, "verdict": verdict, "hint": "", "expected": None}) in ROWS
    assert set(NOT_SHOWN) <= set(ROWS)
    assert len(ROWS) == 34


@pytest.mark.parametrize(
    ("kind", "mismatch", "row"),
    [
        ("patient", {"field": "name.family", "verdict": "wrong", "hint": "accents or punctuation are lost"}, 2),
        ("patient", {"field": "name", "verdict": "swapped"}, 1),
        ("patient", {"field": "birthDate", "verdict": "invented-precision"}, 4),
        ("patient", {"field": "race", "verdict": "hallucinated", "hint": "a placeholder is no value"}, 16),
        ("patient", {"field": "patient.id", "verdict": "wrong-patient"}, 22),
        ("observation", {"field": "value.number", "verdict": "unit-error", "category": "vital-signs"}, 7),
        ("observation", {"field": "value.number", "verdict": "unit-error", "category": "laboratory"}, 8),
        ("observation", {"field": "value.number", "verdict": "lost-precision"}, 33),
        ("observation", {"field": "effective", "verdict": "zone-error", "expected": {"value": "2025-01-01T10:00Z"}}, 5),
        ("condition", {"field": "onset", "verdict": "wrong", "expected": {"value": "2025-01-01"}}, 3),
        ("medication", {"field": "dosage.asNeeded", "verdict": "missing"}, 14),
        ("allergy", {"field": "assertion", "verdict": "wrong"}, 29),
        ("document", {"field": "sha256", "verdict": "wrong"}, 27),
    ],
)
def test_a_mismatch_is_filed_under_its_row(kind, mismatch, row):
    assert row_of(kind, mismatch) == row


def test_no_share_but_a_whole_one_reads_as_a_hundred_percent():
    assert [percent(share) for share in (1.0, 0.99999, 0.95, 0.0)] == ["100.0 %", "99.9 %", "95.0 %", "0.0 %"]


@pytest.fixture
def run(script):
    case = script.case("S14").call(0, 1, "observation", "patient").fact("patient:0", rows=[1])
    case.fact("observation:0", rows=[8], source=("Observation", "<o1>"), wrong=[WRONG_UNIT])
    scope, cases, settings = Scope(("epic",)), script.cases(), Settings()
    judgements = judge(select(["NORM-20"]), cases, scope, settings)
    return recorded(judgements, cases, scope, settings, how=[], name="acme", implementation={}, seconds=1.0)


def test_the_terminal_tells_scores_errors_and_coverage(run):
    shown = click.unstyle("\n".join(terminal.lines_of(run)))
    told = shown.partition("\ntruth\n")[2].splitlines()
    assert told[0] == "  score     epic 100.0 %"
    assert told[1] == "  critical  epic: 1 × observation unit-error"
    assert told[2].endswith("wanted a, got b (kg and lb) [row 8: laboratory units]")
    assert told[3].startswith(
        "  rows      2 of 34 mismatch rows met; failed: 8 laboratory units; not tested: 2 hard names,"
    )


def test_the_page_tells_them_too(run):
    page = html.page_of(run)
    assert "Against the truth" in page
    assert "observation: unit-error" in page
    assert "&lt;o1&gt;" in page
    assert page.count('<td class="UNTESTED">not tested</td>') == 32


def test_a_run_without_meaning_says_nothing_of_it(script):
    script.case("S21").call(0, 1, "condition")
    cases, scope, settings = script.cases(), Scope(("epic",)), Settings()
    run = recorded((), cases, scope, settings, how=[], name="acme", implementation={}, seconds=1.0)
    assert "mismatch rows" not in "\n".join(terminal.lines_of(run))
    assert "Against the truth" not in html.page_of(run)
