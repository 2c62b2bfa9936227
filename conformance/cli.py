"""The judge's commands: check, wrap, checks, mutants, report, diff."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from conformance import record
from conformance.catalogue import checks as catalogue
from conformance.check import SEVERITIES, Severity
from conformance.drivers.wrap import wrapped
from conformance.plan import CasePlan
from conformance.player import HarnessDefect
from conformance.reference.mutants import MUTANTS
from conformance.report import html, junit, terminal
from conformance.run import Progress
from conformance.trial import Request, hold
from conformance.verdict import FAILED, OUR_DEFECT, PASSED, Verdict
from simulator.refusal import UsageError

_LEVELS = ("L0", "L1", "L2", "L3", "L4", "L5")
PROFILES: dict[str, tuple[Severity, ...]] = {
    "pilot": ("critical",),
    "production": ("critical", "high", "medium"),
    "certified": SEVERITIES,
}


def commands() -> list[click.Command]:
    """What this package adds to `emr-sandbox`."""
    return [check, wrap, checks, mutants, report, diff]


@click.command()
@click.argument("manifest", required=False, type=click.Path(path_type=Path))
@click.option("--vendor", "vendors", metavar="V", multiple=True, help="Only these; all that are declared without.")
@click.option("--level", type=click.Choice(_LEVELS), default="L5", help="Nothing above this level.")
@click.option("--profile", type=click.Choice(tuple(PROFILES)), default="certified", help="Which severities count.")
@click.option("--only", metavar="ID_OR_AREA", multiple=True, help="Only these checks: RES-01, RES, resilience.")
@click.option("--seed", type=int, default=7, show_default=True, help="Same seed, same patients.")
@click.option("--strict", is_flag=True, help="Warnings are red.")
@click.option(
    "--report", "folder", metavar="DIR", type=click.Path(path_type=Path), help="Writes index.html, run.ndjson."
)
@click.option("--junit", "junit_file", metavar="F", type=click.Path(path_type=Path), help="Writes JUnit XML.")
@click.option("--sarif", metavar="F", hidden=True)
@click.option("--summary", metavar="F", hidden=True)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.option("--tls", is_flag=True, help="The sandbox speaks HTTPS; `EMR_CA_FILE` names whom to trust.")
@click.option("--reference", is_flag=True, help="Judges the bundled reference integration.")
@click.option("--mutant", metavar="NAME", help="With this named bug; `emr-sandbox mutants` lists them.")
def check(
    manifest: Path | None, vendors: tuple[str, ...], level: str, profile: str, only: tuple[str, ...], seed: int,
    strict: bool, folder: Path | None, junit_file: Path | None, sarif: str | None, summary: str | None, as_json: bool,
    tls: bool, reference: bool, mutant: str | None,
) -> int:  # fmt: skip
    """Judge an integration; without MANIFEST the `emr-conformance.toml` that lies here."""
    for flag, given in (("--sarif", sarif), ("--summary", summary)):
        if given:
            raise UsageError(f"not yet built: `{flag}`", "`--junit F`, `--json` and `--report DIR` are")
    if mutant and not reference:
        raise UsageError("`--mutant` is a bug of the reference integration", "add `--reference`")
    if reference and manifest:
        raise UsageError("give MANIFEST or `--reference`, not both")
    request = Request(
        manifest=manifest,
        is_reference=reference,
        mutant=mutant or "",
        vendors=vendors,
        level=int(level[1:]),
        severities=PROFILES[profile],
        only=only,
        seed=seed,
        strict=strict,
        tls=tls,
    )
    _claim(folder and folder / "run.ndjson", junit_file)
    try:
        run = hold(request, _progress(as_json))
    except HarnessDefect as defect:
        click.echo(f"{defect}\n\nhint: this is a defect of emr-sandbox, please report it", err=True)
        return OUR_DEFECT
    _tell(run, folder, junit_file, as_json=as_json, with_matrix=reference)
    return run.exit_code


def _claim(*files: Path | None) -> None:
    """Makes sure, before anything is played, that what is to be written can be.

    Raises:
        UsageError: one of them cannot.
    """
    for file in files:
        if file is None:
            continue
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.open("ab").close()
        except OSError as flaw:
            raise UsageError(f"cannot write {file}: {flaw.strerror or flaw}") from flaw


def _progress(as_json: bool) -> Progress:
    def told(plan: CasePlan, seconds: float) -> None:
        if not as_json and sys.stderr.isatty():
            click.echo(f"played {plan.drive.scenario} to {plan.vendor} in {seconds:.1f} s", err=True)

    return told


def _tell(run: record.Run, folder: Path | None, junit_file: Path | None, *, as_json: bool, with_matrix: bool) -> None:
    if folder is not None:
        record.write(run, folder / "run.ndjson")
        (folder / "index.html").write_text(html.page_of(run), encoding="utf-8")
    if junit_file is not None:
        junit_file.write_text(junit.xml_of(run), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(_told(run), ensure_ascii=False))
    else:
        for line in terminal.lines_of(run, with_matrix=with_matrix):
            click.echo(line)
    if folder is not None:
        click.echo(f"report: {folder / 'index.html'}", err=True)


def _told(run: record.Run) -> dict[str, Any]:
    """The run for machines: the same words as on the terminal."""
    return {
        **run.header,
        "counts": run.counts,
        "exit_code": run.exit_code,
        "stale_waivers": list(run.stale),
        "verdicts": [line for line in record.judged_lines(run.judgements) if line["type"] == "verdict"],
        "findings": [line for line in record.judged_lines(run.judgements) if line["type"] == "finding"],
    }


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--vendor", "vendors", metavar="V", multiple=True, help="Only these; all without.")
@click.option("--seed", type=int, default=7, show_default=True)
@click.option(
    "--report", "folder", metavar="DIR", type=click.Path(path_type=Path), help="Writes index.html, run.ndjson."
)
@click.option("--junit", "junit_file", metavar="F", type=click.Path(path_type=Path), help="Writes JUnit XML.")
@click.option("--only", metavar="ID_OR_AREA", multiple=True, help="Only these checks.")
@click.option("--tls", is_flag=True, help="The sandbox speaks HTTPS; the environment says whom to trust.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def wrap(
    vendors: tuple[str, ...], seed: int, folder: Path | None, junit_file: Path | None, only: tuple[str, ...],
    tls: bool, as_json: bool, command: tuple[str, ...],
) -> int:  # fmt: skip
    """Run COMMAND against a sandbox and judge its traffic; exits with the worse of both."""
    _claim(folder and folder / "run.ndjson", junit_file)
    run, code = wrapped(list(command), vendors=vendors, seed=seed, only=only, tls=tls)
    _tell(run, folder, junit_file, as_json=as_json, with_matrix=False)
    return code or run.exit_code


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def checks(as_json: bool) -> None:
    """The checks that are built, by area."""
    rows = [_row(one.id) for one in catalogue().values()]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['name']:9} {row['area']:15} {row['severity']:9} {row['level']}  {row['says']}")


def _row(id: str) -> dict[str, Any]:
    one = catalogue()[id]
    return {
        "name": one.id,
        "says": one.title,
        "area": one.area,
        "severity": one.severity,
        "level": f"L{one.level}",
        "vendors": list(one.vendors),
        "scenarios": list(one.scenarios),
        "mutants": list(one.mutants),
        "source": [f"{source.where} [{source.mark}]" for source in one.source],
    }


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def mutants(as_json: bool) -> None:
    """The named bugs of the reference integration, and the checks that must see them."""
    rows = [
        {"name": one.name, "says": one.says, "killed_by": list(one.killed_by), "vendors": list(one.vendors)}
        for one in MUTANTS.values()
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['name']:32} {', '.join(row['killed_by']):10} {row['says']}")


def explain(name: str) -> Mapping[str, Any] | None:
    """What is known of a check or a mutant of that name; None when it is neither."""
    id = name.upper().partition(".")[0]
    if id in catalogue():
        row = _row(id)
        return {"what": "check", **row, "statement": catalogue()[id].statement}
    found = MUTANTS.get(name)
    if found is None:
        return None
    again = f"emr-sandbox check --reference --mutant {name} --only {found.killed_by[0]} --vendor {found.vendors[0]}"
    return {
        "what": "mutant",
        "name": found.name,
        "says": found.says,
        "killed_by": list(found.killed_by),
        "vendors": list(found.vendors),
        "again": again,
    }


def explained() -> list[str]:
    """Every name that `explain` knows."""
    return [*catalogue(), *MUTANTS]


setattr(check, "explain", explain)  # noqa: B010 - `emr-sandbox explain` asks the commands
setattr(check, "explained", explained)  # noqa: B010


@click.command()
@click.argument("files", metavar="RUN.ndjson", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--html", "page", metavar="F", type=click.Path(path_type=Path), help="Writes the HTML report.")
@click.option("--junit", "junit_file", metavar="F", type=click.Path(path_type=Path), help="Writes JUnit XML.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def report(files: tuple[Path, ...], page: Path | None, junit_file: Path | None, as_json: bool) -> int:
    """Render recorded runs."""
    if len(files) > 1 and (page or junit_file):
        raise UsageError("one run a file: give one RUN.ndjson with `--html` or `--junit`")
    _claim(page, junit_file)
    code = PASSED
    for path in files:
        run = record.read(path)
        if page is not None:
            page.write_text(html.page_of(run), encoding="utf-8")
        _tell(run, None, junit_file, as_json=as_json, with_matrix=True)
        code = code or run.exit_code
    return code


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def diff(old: Path, new: Path, as_json: bool) -> int:
    """Compare two recorded runs; exit 1 when something was green in OLD and is red in NEW."""
    before, after = record.read(old), record.read(new)
    was = {(one.check, one.vendor): one for one in before.judgements}
    changed = [
        {
            "check": one.check,
            "vendor": one.vendor,
            "was": was[one.check, one.vendor].verdict.value,
            "is": one.verdict.value,
            "says": one.says,
            "regression": one.verdict.is_red and not was[one.check, one.vendor].verdict.is_red,
        }
        for one in after.judgements
        if (one.check, one.vendor) in was and was[one.check, one.vendor].verdict is not one.verdict
    ]
    if as_json:
        click.echo(json.dumps(changed, ensure_ascii=False))
    for row in () if as_json else changed:
        word = "worse " if row["regression"] else "better" if row["is"] == Verdict.PASS.value else "other "
        click.echo(f"{word}  {row['check']:9} {row['vendor']:8} {row['was']} → {row['is']}  {row['says']}")
    if not as_json and not changed:
        click.echo("no verdict changed")
    return FAILED if any(row["regression"] for row in changed) else PASSED
