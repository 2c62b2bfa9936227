"""The part of a report about meaning: scores, error classes with their first examples, and which mismatch rows were
met. The same words on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from conformance.mismatches import ROWS
from conformance.record import Run
from conformance.scores import ErrorClass, Example, RowSeen, Score, coverage, percent, scores_of

_CLASSES_SHOWN = 5
_INDENT = " " * 12
_COLOURS = {"passed": "green", "failed": "red", "not tested": "yellow"}
_CUT = 160


def lines_of(run: Run) -> Iterator[str]:
    """What the terminal says: scores in a line, the worst error classes, the coverage of the rows in a line."""
    scores = scores_of(run.cases)
    if not any(one.categories for one in scores):
        return
    yield ""
    yield click.style("truth", bold=True)
    yield f"  score     {', '.join(f'{one.vendor} {percent(one.total)}' for one in scores)}"
    found = [(score, one) for score in scores for one in score.classes]
    found.sort(key=lambda pair: ("critical", "major", "minor").index(pair[1].severity))
    for score, one in found[:_CLASSES_SHOWN]:
        yield f"  {_class_line(score, one)}"
        yield f"{_INDENT}{example_text(one.examples[0])}"
    if len(found) > _CLASSES_SHOWN:
        yield f"{_INDENT}and {len(found) - _CLASSES_SHOWN} other kinds of error"
    yield f"  rows      {coverage_text(scores)}"


def _class_line(score: Score, one: ErrorClass) -> str:
    painted = click.style(f"{one.severity:8}", fg="red" if one.severity == "critical" else "yellow")
    return f"{painted}  {score.vendor}: {one.count} × {one.kind} {one.verdict}"


def example_text(one: Example) -> str:
    """An example in one line: where, what was wanted, what came, which row, what it looks like."""
    source = "/".join(str(one.source[name]) for name in ("type", "id") if one.source.get(name))
    where = " ".join(part for part in (source, one.field) if part)
    hint = f" ({one.hint})" if one.hint else ""
    row = f" [row {one.row}: {ROWS[one.row].domain}]" if one.row else ""
    return f"{where}: wanted {_text(one.expected)}, got {_text(one.got)}{hint}{row}"


def coverage_text(scores: tuple[Score, ...]) -> str:
    """How many of the rows were met, and by name those that failed and those that nothing showed."""
    seen = [row for row, _ in coverage(scores)]
    met = [one for one in seen if one.shown]
    parts = [f"{len(met)} of {len(seen)} mismatch rows met"]
    for verdict in ("failed", "not tested"):
        named = [f"{one.number} {ROWS[one.number].domain}" for one in seen if one.verdict == verdict]
        if named:
            parts.append(f"{click.style(verdict, fg=_COLOURS[verdict])}: {', '.join(named)}")
    return "; ".join(parts)


def _text(value: object) -> str:
    shown = "nothing" if value is None else str(value)
    return shown if len(shown) <= _CUT else shown[: _CUT - 1] + "…"


def context_of(run: Run) -> dict[str, Any]:
    """What the page shows: scores, error classes, rows; empty lists when no case tested meaning."""
    scores = [one for one in scores_of(run.cases) if one.categories]
    return {
        "scores": [_score(one) for one in scores],
        "error_classes": [_error_class(score, one) for score in scores for one in score.classes],
        "rows": [_row(one, each) for one, each in coverage(scores)] if scores else [],
    }


def _score(score: Score) -> dict[str, Any]:
    return {
        "vendor": score.vendor,
        "total": percent(score.total),
        "critical": sum(one.count for one in score.critical),
        "categories": [
            {
                "name": one.name,
                "truth": one.items.truth,
                "returned": one.items.returned,
                "precision": percent(one.items.precision),
                "recall": percent(one.items.recall),
                "f1": percent(one.items.f1),
                "accuracy": percent(one.accuracy),
                "interval": f"{percent(one.interval[0])} to {percent(one.interval[1])} of {one.fields}",
                "score": percent(one.score),
            }
            for one in score.categories.values()
        ],
    }


def _error_class(score: Score, one: ErrorClass) -> dict[str, Any]:
    return {
        "vendor": score.vendor,
        "severity": one.severity,
        "says": f"{one.kind}: {one.verdict}",
        "count": one.count,
        "examples": [example_text(example) for example in one.examples],
    }


def _row(seen: RowSeen, each: dict[str, RowSeen]) -> dict[str, Any]:
    row = ROWS[seen.number]
    words = {"passed": "PASS", "failed": "FAIL", "not tested": "UNTESTED"}
    return {
        "number": row.number,
        "domain": row.domain,
        "must": row.must,
        "bug": row.bug,
        "verdict": seen.verdict,
        "class": words[seen.verdict],
        "why": seen.why,
        "cells": [
            {"shown": one.shown, "wrong": one.wrong, "verdict": one.verdict, "class": words[one.verdict]}
            for one in each.values()
        ],
    }
