"""A run on a terminal: quiet where all is well, generous where it failed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from conformance.catalogue import checks
from conformance.check import Check, Finding
from conformance.evidence import Exchange
from conformance.judge import Judgement
from conformance.record import Run
from conformance.report import meaning
from conformance.report.repeat import command
from conformance.verdict import Verdict, worst

_COLOURS = {
    Verdict.PASS: "green",
    Verdict.FAIL: "red",
    Verdict.ERROR: "magenta",
    Verdict.UNTESTED: "yellow",
    Verdict.WARN: "yellow",
    Verdict.NOT_APPLICABLE: "bright_black",
}
_SHORT = {Verdict.NOT_APPLICABLE: "·", Verdict.UNTESTED: "untested"}
_CAUSES_SHOWN = 3
_EXCHANGES_SHOWN = 5
_PATH_SHOWN = 44
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_INDENT = " " * 21


def lines_of(run: Run, *, with_matrix: bool = False) -> Iterator[str]:
    """The report, line by line, with colours as escape codes."""
    catalogue = {**checks()}
    area = ""
    for id in dict.fromkeys(one.check for one in run.judgements):
        check = catalogue.get(id)
        cells = [one for one in run.judgements if one.check == id and one.verdict is not Verdict.NOT_APPLICABLE]
        if check is None or not cells:
            continue
        if check.area != area:
            area = check.area
            yield ""
            yield click.style(area, bold=True)
        yield from _check_lines(run, check, cells)
    yield from _stale_lines(run)
    if all(one.verdict is Verdict.NOT_APPLICABLE for one in run.judgements):
        yield from (
            f"  {Verdict.NOT_APPLICABLE.value:8}  {one.check:9}{one.vendor}: {one.says}" for one in run.judgements
        )
    elif with_matrix:
        yield ""
        yield from matrix_lines(run)
    yield from meaning.lines_of(run)
    yield ""
    yield summary(run)


def _check_lines(run: Run, check: Check, cells: list[Judgement]) -> Iterator[str]:
    """One line for what all vendors share, then what went wrong at each."""
    good = [one for one in cells if not one.verdict.is_red and one.verdict is not Verdict.WARN]
    for those in _alike(good):
        yield _head(Verdict.PASS, check, _shared(those, run), "")
    for one in cells:
        if one not in good:
            yield from _bad_lines(run, check, one)


def _alike(cells: list[Judgement]) -> list[list[Judgement]]:
    """Judgements that say the same, numbers aside."""
    groups: dict[str, list[Judgement]] = {}
    for one in cells:
        groups.setdefault(_NUMBER.sub("0", one.says).replace("s ", " "), []).append(one)
    return list(groups.values())


def _shared(cells: list[Judgement], run: Run) -> str:
    """What is said of one or several vendors; where the numbers differ, those of the first, and that they are its."""
    names = [one.vendor for one in cells if one.vendor != "*"]
    if len(run.scope.vendors) < 2 or not names:
        return cells[0].says
    if len({one.says for one in cells}) == 1:
        return f"{', '.join(names)}: {cells[0].says}"
    return f"{names[0]}: {cells[0].says}; {', '.join(names[1:])} alike"


def _head(verdict: Verdict, check: Check, says: str, who: str, waived: bool = False) -> str:
    word = f"waived {verdict.value}" if waived else verdict.value
    painted = click.style(f"{word:8}", fg=_COLOURS[verdict], bold=verdict.is_red)
    where = f"{who}: " if who else ""
    return f"  {painted}  {check.id:9}{check.title:46}  {where}{says}".rstrip()


def _bad_lines(run: Run, check: Check, one: Judgement) -> Iterator[str]:
    who = one.vendor if one.vendor != "*" and len(run.scope.vendors) > 1 else ""
    yield _head(one.verdict, check, one.says, who, one.is_waived)
    by_cause: dict[tuple[str, str], list[Finding]] = {}
    for finding in one.findings:
        by_cause.setdefault((finding.cause, finding.sub), []).append(finding)
    for place, those in enumerate(list(by_cause.values())[:_CAUSES_SHOWN]):
        yield from _finding_lines(run, those[0], is_first=place == 0)
        if len(those) > 1:
            yield f"{_INDENT}and {len(those) - 1} more of this kind"
    if len(by_cause) > _CAUSES_SHOWN:
        more = len(by_cause) - _CAUSES_SHOWN
        yield f"{_INDENT}and {more} other finding{'s' * (more > 1)}"
    if one.verdict is Verdict.ERROR:
        yield f"{_INDENT}this is a defect of emr-sandbox, please report it"
    yield f"{_INDENT}source  {check.source[0].where}"
    yield f"{_INDENT}again   {command(run, one)}"
    yield f"{_INDENT}next    emr-sandbox explain {check.id}"


def _finding_lines(run: Run, finding: Finding, *, is_first: bool) -> Iterator[str]:
    if not is_first:
        yield f"{_INDENT}{finding.says}"
    exchanges = [x for ref in finding.at if (x := run.exchange(ref)) is not None]
    yield from (f"{_INDENT}{line}" for line in exchange_lines(exchanges[:_EXCHANGES_SHOWN]))
    if finding.expected:
        yield f"{_INDENT}wanted  {finding.expected}"
    if finding.got:
        yield f"{_INDENT}got     {finding.got}"
    if finding.fix:
        yield f"{_INDENT}fix     {finding.fix}"


def exchange_lines(exchanges: list[Exchange]) -> Iterator[str]:
    """Exchanges with the time since the first of them."""
    for x in exchanges:
        since = x.start - exchanges[0].start
        yield f"+{since:.3f} s  {x.method:5}{_tail(x.path):45}{x.status or '---'}   {remark(x)}".rstrip()


def _tail(path: str) -> str:
    """The end of a long path, cut at a slash where there is one."""
    if len(path) <= _PATH_SHOWN:
        return path
    cut = path.find("/", len(path) - _PATH_SHOWN + 1)
    return "…" + path[cut if cut >= 0 else len(path) - _PATH_SHOWN + 1 :]


def remark(x: Exchange) -> str:
    asked = x.retry_after
    if asked is not None:
        return f"Retry-After: {x.response_header('retry-after')}"
    if x.fault == "clock_advance":
        return "the vendor's clock is turned ahead"
    if x.fault and not x.refusal:
        return f"spoilt on purpose: {x.fault}"
    return x.refusal.replace("fault: status", "answered on purpose:")


def _stale_lines(run: Run) -> Iterator[str]:
    if run.stale:
        yield ""
        yield click.style("waivers", bold=True)
        for sentence in run.stale:
            yield f"  {click.style('STALE   ', fg='red', bold=True)}  {sentence}"


def matrix_lines(run: Run) -> Iterator[str]:
    """Checks by vendors, one word a cell."""
    vendors = run.scope.vendors
    width = max([len(vendor) for vendor in vendors] + [8]) + 2
    yield click.style((f"{'':11}" + "".join(f"{vendor:{width}}" for vendor in vendors)).rstrip(), bold=True)
    cells = {(one.check, one.vendor): one for one in run.judgements}
    for id in dict.fromkeys(one.check for one in run.judgements):
        spanning = cells.get((id, "*"))
        row = [spanning] if spanning is not None else [cells.get((id, vendor)) for vendor in vendors]
        if all(one is None or one.verdict is Verdict.NOT_APPLICABLE for one in row):
            continue
        words = "".join(_cell(one, width) for one in row)
        title = checks()[id].title if id in checks() else ""
        yield f"  {id:9}{words}{' ' * (width * (len(vendors) - len(row)))}{title}"


def _cell(one: Judgement | None, width: int) -> str:
    if one is None:
        return " " * width
    word = "waived" if one.is_waived else _SHORT.get(one.verdict, one.verdict.value.lower())
    return click.style(f"{word:{width}}", fg=_COLOURS[one.verdict], bold=one.verdict.is_red)


def summary(run: Run) -> str:
    """The last line: how many of what, how long, which seed."""
    counts = run.counts
    words = {
        "PASS": "passed",
        "FAIL": "failed",
        "UNTESTED": "untested",
        "WARN": "warned",
        "ERROR": "broken on our side",
        "waived": "waived",
    }
    parts = [f"{counts[name]} {word}" for name, word in words.items() if counts.get(name)]
    said = ", ".join(parts) or "nothing was checked"
    slow = f", on a slow host (late by {run.header['scheduler_p99_ms']} ms)" if run.settings.is_host_slow else ""
    verdict = worst(one.verdict for one in run.judgements if not one.is_waived)
    return click.style(
        f"{said} in {run.header['seconds']:.1f} s{slow}, seed {run.header['seed']}", fg=_COLOURS[verdict]
    )
