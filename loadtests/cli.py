"""`emr-sandbox load NAME`: a Locust load scenario, headless, judged by a budget."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path

import click

from loadtests.budget import Budget, Row
from loadtests.target import Target, own_server
from simulator.commands.flags import settings_of
from simulator.refusal import UsageError
from simulator.settings import AS_OF

_STATISTICS = "locust"
_FAILURES_SHOWN = 5
_LAST_CHART_S = 30  # when time is up every user ends what they have begun, for so long at most
HERE = Path(str(files("loadtests")))


def names() -> list[str]:
    """The load scenarios, by name."""
    return sorted(path.stem.replace("_", "-") for path in (HERE / "users").glob("*.py") if path.stem != "__init__")


def commands() -> list[click.Command]:
    """What this package adds to the command line."""
    return [load]


@click.command()
@click.argument("name", default="")
@click.option("--users", default=8, show_default=True, type=click.IntRange(1), help="Load users at the same time.")
@click.option("--duration", "duration_s", default=15, show_default=True, type=click.IntRange(1), help="Seconds.")
@click.option("--think", "think_s", default=0.2, show_default=True, type=float, help="Mean pause between charts, s.")
@click.option("--target", help="URL of a running server; without it one is started for the run.")
@click.option("--vendor", "vendors", multiple=True, help="Only these vendors.")
@click.option("--seed", default=7, show_default=True)
@click.option("--patients", default=10_000, show_default=True)
@click.option("--budget", type=click.Path(path_type=Path), help="TOML; without it the scenario's own.")
@click.option("--limits", is_flag=True, help="Keep the vendors' quotas; they are switched off otherwise.")
@click.option("--report", type=click.Path(path_type=Path), help="Folder for Locust's HTML page and statistics.")
@click.option("--web", is_flag=True, help="Open Locust's own page instead of a headless run; no verdict.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
def load(
    name: str, users: int, duration_s: int, think_s: float, target: str | None, vendors: tuple[str, ...], seed: int,
    patients: int, budget: Path | None, limits: bool, report: Path | None, web: bool, as_json: bool,
) -> int:  # fmt: skip
    """Run the load scenario NAME against a sandbox; exit 1 when its budget is broken, 5 when nothing was measured."""
    if name not in names():
        given = f'unknown load scenario "{name}"' if name else "no load scenario named"
        raise UsageError(f"{given}; known: {', '.join(names())}", f"emr-sandbox load {names()[0]}")
    if importlib.util.find_spec("locust") is None:
        raise UsageError("Locust is not installed", "pip install 'emr-sandbox[load]'")
    held = Budget.read(budget or HERE / "budgets" / f"{name}.toml")
    settings_of(seed=seed, patients=patients, as_of=AS_OF.isoformat(), vendors=vendors)  # or one clear line
    if think_s < 0:
        raise UsageError(f"`--think` is out of range: {think_s}", "seconds, from 0")
    if report:
        try:
            report.mkdir(parents=True, exist_ok=True)
        except OSError as flaw:
            raise UsageError(f"cannot write {report}: {flaw.strerror or flaw}") from flaw
    with ExitStack() as stack:
        url = target or stack.enter_context(own_server(seed, patients))
        aim = Target(url, seed=seed, patients=patients, vendors=vendors)
        stack.callback(aim.close)
        if not limits:
            aim.limits_off()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        aim.write_plan(folder / "plan.json", charts=200, think_s=think_s)
        rows = _run(name, folder / "plan.json", users=users, duration_s=duration_s, web=web, report=report)
        failures = _failures(folder)
    if web:
        return 0
    broken = held.broken(rows)
    _tell(name, rows, broken, failures, duration_s, as_json=as_json)
    if not rows:
        return 5
    return 1 if broken else 0


def _run(name: str, plan: Path, *, users: int, duration_s: int, web: bool, report: Path | None) -> list[Row]:
    """Locust in a process of its own (it patches the socket module); gives its statistics."""
    command = [sys.executable, "-m", "locust", "-f", str(HERE / "users" / f"{name.replace('-', '_')}.py")]
    command += [
        "--users",
        str(users),
        "--spawn-rate",
        str(users),
        "--run-time",
        f"{duration_s}s",
        "--stop-timeout",
        str(_LAST_CHART_S),
        "--loglevel",
        "ERROR",
    ]
    environment = {**os.environ, "EMR_LOAD_PLAN": str(plan)}
    if web:
        subprocess.run(command, env=environment, check=False)
        return []
    command += ["--headless", "--only-summary", "--json", "--csv", str(plan.parent / _STATISTICS)]
    if report:
        command += ["--html", str(report / "locust.html")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    try:
        return [Row.of(entry, duration_s) for entry in json.loads(done.stdout)]
    except (ValueError, KeyError):
        raise UsageError(f"Locust gave no statistics (exit {done.returncode})", done.stderr.strip()[-2000:]) from None


def _failures(folder: Path) -> list[str]:
    """What failed, one sentence for each kind of request and reason, the most frequent first."""
    file = folder / f"{_STATISTICS}_failures.csv"
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as lines:
        found = sorted(csv.DictReader(lines), key=lambda row: -int(row["Occurrences"]))
    return [f"{row['Occurrences']} of {row['Name']}: {row['Error']}" for row in found]


def _tell(
    name: str, rows: list[Row], broken: list[str], failures: list[str], duration_s: int, *, as_json: bool
) -> None:
    total = sum(row.requests for row in rows)
    verdict = "FAIL" if broken else "PASS" if rows else "UNTESTED"
    if as_json:
        table = [{field: getattr(row, field) for field in Row.__slots__} for row in rows]
        told = {"load": name, "verdict": verdict, "requests": total, "rows": table, "broken": broken}
        click.echo(json.dumps(told | {"failures": failures}))
        return
    click.echo(f"{'':26}{'requests':>9}{'failed':>8}{'p50 ms':>8}{'p95 ms':>8}{'p99 ms':>8}{'per s':>8}")
    for row in sorted(rows, key=lambda row: row.name):
        click.echo(
            f"{row.name:26}{row.requests:>9}{row.failures:>8}{row.p50_ms:>8.0f}{row.p95_ms:>8.0f}{row.p99_ms:>8.0f}"
            f"{row.per_s:>8.1f}"
        )
    click.echo()
    for sentence in broken:
        click.echo(f"  FAIL  {sentence}")
    for sentence in failures[:_FAILURES_SHOWN]:
        click.echo(f"        {sentence}")
    click.echo(f"{name}: {verdict}, {total} requests, {total / duration_s:.0f} a second")
