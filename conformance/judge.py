"""Turns what checks yield into verdicts, one a check and vendor. The same evidence gives the same verdicts."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from conformance.check import Check, Exercised, Finding, Mark, Untested
from conformance.evidence import Case, Evidence
from conformance.settings import Settings
from conformance.verdict import Verdict, worst

_LEVEL_OF_NEED = {"traffic": 0, "read": 1, "match": 1, "process": 1, "sync": 2, "write": 3, "login": 3, "logs": 5}


@dataclass(frozen=True)
class Judgement:
    """What one check says of one vendor (`*` for checks that compare vendors): verdict, one sentence, findings.

    `at` are the exchanges that show a PASS. `is_waived` is set by the run, never by the judge.
    """

    check: str
    vendor: str
    verdict: Verdict
    says: str
    findings: tuple[Finding, ...] = ()
    at: tuple[str, ...] = ()
    is_waived: bool = False


@dataclass(frozen=True)
class Scope:
    """What is applicable: vendors, their login methods and capabilities that the owner declared, the highest level.

    `has_process`: the integration's process is ours to start, with an environment of ours.
    `is_observed`: nobody declared anything and traffic was only watched (`wrap`); what was not met is not applicable.
    """

    vendors: tuple[str, ...]
    auth: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    declares: tuple[str, ...] = ("read",)
    level: int = 5
    has_logs: bool = True
    is_observed: bool = False
    has_process: bool = True

    def excludes(self, check: Check, vendor: str) -> str:
        """Why `check` does not apply to `vendor`; empty when it does."""
        if vendor != "*" and vendor not in check.vendors:
            return f"not a matter of {vendor}"
        if check.auth and vendor != "*" and check.auth not in self.auth.get(vendor, (check.auth,)):
            return f"`{check.auth}` is not declared"
        if check.spans_vendors and len(set(self.vendors) & set(check.vendors)) < 2:
            return "needs two vendors"
        if check.needs in ("read", "match", "sync", "write", "login") and check.needs not in self.declares:
            return f"`{check.needs}` is not declared"
        if check.needs == "process" and "read" not in self.declares:
            return "`read` is not declared"
        if check.needs == "process" and not self.has_process:
            return "its process is not ours to start"
        if check.needs == "logs" and not self.has_logs:
            return "no logs are declared"
        if _LEVEL_OF_NEED[check.needs] > self.level or (check.needs != "logs" and check.level > self.level):
            return f"level L{check.level} is above L{self.level}"
        return ""


def judge(
    checks: Mapping[str, Check], cases: Iterable[Case], scope: Scope, settings: Settings
) -> tuple[Judgement, ...]:
    """Every judgement, in the order of the checks and of the vendors."""
    played = tuple(cases)
    found: list[Judgement] = []
    for check in checks.values():
        for vendor in ("*",) if check.spans_vendors else scope.vendors:
            why = scope.excludes(check, vendor)
            if why:
                found.append(Judgement(check.id, vendor, Verdict.NOT_APPLICABLE, why))
            else:
                theirs = tuple(case for case in played if vendor in ("*", case.vendor))
                one = judgement(check, Evidence(vendor, theirs, settings))
                if scope.is_observed and one.verdict is Verdict.UNTESTED:
                    one = replace(one, verdict=Verdict.NOT_APPLICABLE)
                found.append(one)
    return tuple(found)


def judgement(check: Check, evidence: Evidence) -> Judgement:
    """What `check` says of the evidence of one vendor."""
    try:
        marks = list(check.judge(evidence))
    except Exception as crash:  # noqa: BLE001 - a crash of a check is our own defect and is reported as one
        where = traceback.extract_tb(crash.__traceback__)[-1]
        says = f"{check.id} crashed: {type(crash).__name__}: {crash} ({where.name}, line {where.lineno})"
        return Judgement(check.id, evidence.vendor, Verdict.ERROR, says, at=())
    return _judgement(check, evidence, marks)


def _judgement(check: Check, evidence: Evidence, marks: list[Mark]) -> Judgement:
    gaps = {case.id: case.gaps[0] for case in evidence.cases if case.gaps}
    findings = [mark for mark in marks if isinstance(mark, Finding)]
    excused = [one for one in findings if one.case in gaps and check.needs != "traffic"]
    findings = [one for one in findings if one not in excused]
    shown = [mark for mark in marks if isinstance(mark, Exercised)]
    if findings:
        ordered = sorted(findings, key=lambda one: one.verdict is not Verdict.FAIL)
        return Judgement(
            check.id, evidence.vendor, worst(one.verdict for one in findings), _lead(ordered), tuple(ordered)
        )
    if excused:
        gap = gaps[excused[0].case]
        verdict = Verdict.ERROR if gap.status == 500 else Verdict.UNTESTED
        says = f"the sandbox has a gap here, which is not held against you: {gap}"
        return Judgement(check.id, evidence.vendor, verdict, says, at=(gap.ref,))
    if shown:
        at = tuple(dict.fromkeys(ref for mark in shown for ref in mark.at))
        return Judgement(check.id, evidence.vendor, Verdict.PASS, shown[0].says, at=at)
    why = [mark.says for mark in marks if isinstance(mark, Untested)]
    return Judgement(check.id, evidence.vendor, Verdict.UNTESTED, why[0] if why else _idle(evidence))


def _lead(findings: list[Finding]) -> str:
    first = findings[0]
    head = f".{first.sub} " if first.sub else ""
    others = len({(one.cause, one.sub) for one in findings}) - 1
    return f"{head}{first.says}" + (f", and {others} more" if others else "")


def _idle(evidence: Evidence) -> str:
    if not any(case.exchanges for case in evidence.cases):
        return "declared, but the integration sent no request"
    return "declared, but nothing of the kind was seen"


def waived(judgements: Iterable[Judgement], cells: set[tuple[str, str]]) -> tuple[Judgement, ...]:
    """The judgements with the waived cells marked."""
    return tuple(replace(one, is_waived=(one.check, one.vendor) in cells) for one in judgements)
