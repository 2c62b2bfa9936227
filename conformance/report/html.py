"""A run as one HTML file that needs nothing else: verdict, matrix, and for each finding its proof."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import Any

import click
from jinja2 import Environment, StrictUndefined, Template

from conformance.catalogue import checks
from conformance.check import Check, Finding
from conformance.evidence import Case, Exchange
from conformance.judge import Judgement
from conformance.record import Run
from conformance.report import meaning, terminal
from conformance.report.repeat import command, whole
from conformance.verdict import Verdict, worst

_EXCHANGES_SHOWN = 8
_HEADERS_HIDDEN = ("date", "server", "connection", "content-length")


def page_of(run: Run) -> str:
    """The HTML document."""
    return _template().render(**_context(run))


@cache
def _template() -> Template:
    text = files("conformance.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(text)


def _context(run: Run) -> dict[str, Any]:
    bad = [one for one in run.judgements if one.verdict.is_red or one.verdict is Verdict.WARN or one.is_waived]
    known = [one for one in bad if one.check in checks()]
    said = worst(one.verdict for one in run.judgements if not one.is_waived)
    mutant = run.header["implementation"].get("mutant")
    return {
        "name": run.header["integration"] + (f" with the bug {mutant}" if mutant else ""),
        "head": click.unstyle(terminal.summary(run)),
        "again": whole(run),
        "worst": said.value,
        "worst_class": _class(said),
        "counts": list(run.counts.items()),
        "stale": run.stale,
        "vendors": run.scope.vendors,
        "matrix": _matrix(run, {(one.check, one.vendor) for one in known}),
        "bad": [_bad(run, one) for one in sorted(known, key=_weight)],
        "seed": run.header["seed"],
        "seconds": run.header["seconds"],
        "version": run.header["harness"],
        "exchanges": sum(len(case.exchanges) for case in run.cases),
        **meaning.context_of(run),
        "cases": [_case(case) for case in sorted(run.cases, key=lambda case: (case.scenario, case.vendor))],
    }


def _class(verdict: Verdict) -> str:
    return verdict.value.replace("/", "")


def _weight(one: Judgement) -> tuple[int, int]:
    """Worst verdict first, then the heaviest check."""
    severities = ("critical", "high", "medium", "low")
    return list(Verdict).index(one.verdict), severities.index(checks()[one.check].severity)


def _link(one: Judgement) -> str:
    return f"{one.check}-{one.vendor.replace('*', 'all')}"


def _matrix(run: Run, linked: set[tuple[str, str]]) -> list[tuple[str, list[dict[str, Any]]]]:
    cells = {(one.check, one.vendor): one for one in run.judgements}
    rows = []
    for id in dict.fromkeys(one.check for one in run.judgements if one.check in checks()):
        spanning = cells.get((id, "*"))
        those = [spanning] if spanning else [cells.get((id, vendor)) for vendor in run.scope.vendors]
        span = len(run.scope.vendors) if spanning else 1
        made = [_cell(one, span, linked) for one in those if one is not None]
        rows.append((checks()[id].area, _row(checks()[id], made)))
    return [(area, [row for _, row in group]) for area, group in groupby(rows, key=lambda pair: pair[0])]


def _row(check: Check, cells: list[dict[str, Any]]) -> dict[str, Any]:
    said = " ".join(check.statement.split())
    return {"id": check.id, "title": check.title, "statement": said, "severity": check.severity, "cells": cells}


def _cell(one: Judgement, span: int, linked: set[tuple[str, str]]) -> dict[str, Any]:
    return {
        "class": _class(one.verdict),
        "word": f"waived {one.verdict.value}" if one.is_waived else one.verdict.value,
        "says": one.says,
        "span": span,
        "link": _link(one) if (one.check, one.vendor) in linked else "",
    }


def _bad(run: Run, one: Judgement) -> dict[str, Any]:
    check = checks()[one.check]
    return {
        "link": _link(one),
        "class": _class(one.verdict),
        "word": f"waived {one.verdict.value}" if one.is_waived else one.verdict.value,
        "id": one.check,
        "title": check.title,
        "vendor": "all vendors" if one.vendor == "*" else one.vendor,
        "severity": check.severity,
        "says": one.says,
        "causes": _causes(run, one),
        "statement": " ".join(check.statement.split()),
        "source": "; ".join(f"{source.where} [{source.mark}]" for source in check.source),
        "again": command(run, one),
    }


def _causes(run: Run, one: Judgement) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """The first finding of each cause, and the others of that cause."""
    by_cause: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for finding in one.findings:
        by_cause.setdefault((finding.cause, finding.sub), []).append(_finding(run, finding))
    return [(those[0], those[1:]) for those in by_cause.values()]


def _finding(run: Run, finding: Finding) -> dict[str, Any]:
    exchanges = [x for ref in finding.at[:_EXCHANGES_SHOWN] if (x := run.exchange(ref)) is not None]
    return {
        "says": finding.says + (f" ({finding.sub})" if finding.sub else ""),
        "expected": finding.expected,
        "got": finding.got,
        "fix": finding.fix,
        "exchanges": list(_timeline(exchanges)),
    }


def _timeline(exchanges: list[Exchange]) -> Iterable[dict[str, Any]]:
    if not exchanges:
        return
    start = exchanges[0].start
    length = max(max(x.end for x in exchanges) - start, 0.001)
    for x in exchanges:
        yield {
            "id": x.data["id"],
            "since": x.start - start,
            "left": round((x.start - start) / length * 100, 2),
            "width": round(max(x.end - x.start, 0.0) / length * 100, 2),
            "bad": not 200 <= x.status < 400,
            "method": x.method,
            "status": x.status or "---",
            "path": x.path,
            "target": x.target,
            "remark": terminal.remark(x),
            "raw": _raw(x),
        }


def _raw(x: Exchange) -> str:
    """Request and answer as text."""
    lines = [f"{x.method} {x.target}", *_headers(x.data.get("request_headers")), "", _body(x.data.get("request_body"))]
    lines += [
        str(x.status or "no answer"),
        *_headers(x.data.get("response_headers")),
        "",
        _body(x.data.get("response_body")),
    ]
    return "\n".join(lines).strip()


def _headers(pairs: Any) -> list[str]:
    return [f"{name}: {value}" for name, value in pairs or () if name.lower() not in _HEADERS_HIDDEN]


def _body(text: Any) -> str:
    shown = str(text or "")
    try:
        return json.dumps(json.loads(shown), indent=1, ensure_ascii=False) if shown else ""
    except ValueError:
        return shown


def _case(case: Case) -> dict[str, Any]:
    said = ", ".join(f"{call.action}: {call.problem or call.status}" for call in case.runs[:6])
    return {
        "scenario": case.scenario,
        "vendor": case.vendor,
        "exchanges": len(case.exchanges),
        "said": said + (", …" if len(case.runs) > 6 else ""),
    }
