"""The command line: data on stdout, talk on stderr; every error one line, a blank line and a hint; exit code 4."""

from __future__ import annotations

import json
import os
import pkgutil
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import httpx
import pytest

from simulator import cli, commands
from simulator.population.people import Population
from simulator.refusal import UsageError

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code, stdout and stderr of one command."""

    def called(*argv: str) -> tuple[int, str, str]:
        code = cli.run(argv)
        out, err = capsys.readouterr()
        return code, out, err

    return called


@pytest.mark.parametrize(
    ("argv", "says", "hint"),
    [
        (["serve", "--vendor", "epik"], 'unknown vendor "epik"; known: athena, cerner, epic', 'did you mean "epic"?'),
        (["serve", "--as-of", "2026-13-01"], "`--as-of` is not a date: 2026-13-01", "for example 2026-01-05"),
        (["serve", "--as-of", "1066-10-14"], "`--as-of` is out of range: 1066-10-14", "1950-01-01 to 2200-12-31"),
        (["serve", "--patients", "0"], "`--patients` is out of range: 0", "1 to 100,000,000"),
        (["serve", "--patients", "100000001"], "`--patients` is out of range: 100000001", "1 to 100,000,000"),
        (["serve", "--seed", str(2**63)], f"`--seed` is out of range: {2**63}", "a whole number of 64 bits"),
        (["serve", "--port", "70000"], "`--port` is out of range: 70000", "0 to 65535; 0 picks a free one"),
        (["serve", "--port", "web"], "Invalid value for '--port': 'web' is not a valid integer", "serve --help"),
        (["serve", "--workers", "4"], "not yet simulated: `--workers`", "leave it away"),
        (["serve", "--data-dir", "d"], "`--data-dir` is for `--tls`, which is not there", "add `--tls`"),
        (["serve", "--tls", "--tls-name", "a b"], "`--tls-name` is no host name: 'a b'", "emr.internal"),
        (["serve", "--state", "redis://"], "not yet simulated: `--state`", "leave it away"),
        (["serve", "--scenario", "no-such"], 'unknown scenario "no-such"', ""),
        (["serve", "--port", "0", "--host", "256.1.1.1"], "cannot listen on 256.1.1.1:0", "choose another"),
        (["srve"], 'unknown command "srve"', 'did you mean "serve"?'),
        (["serve", "--prot", "1"], "No such option '--prot'", "--help"),
        (["explain", "lattency"], 'nothing is called "lattency"', 'did you mean "latency"?'),
        (["truth", "--patients", "5", "--patient", "99"], 'no patient "99"', "0 to 4"),
        (["truth", "--stats", "--count", "3"], "`--count` does not go with `--stats`", "`--sample N`"),
        (["truth", "--cast", "--patients", "999"], "a population of 999 has no cast", "from 1,000 patients on"),
        (["truth", "--sample", "3"], "`--sample` goes with `--stats` only", "`--count N`"),
        (["truth", "--with", "condition=diabetis"], 'unknown condition "diabetis"; known: ', ""),
        (["truth", "--with", "vip=true", "--stats"], "`--stats` does not go with `--with`", "`--count N`"),
        (["truth", "--with", "vip"], "not something to look for: `--with vip`", "NAME=VALUE; names: condition, "),
        (["truth", "--with", "vip=maybe"], "not true or false: `--with vip=maybe`", ""),
        (["truth", "--with", "birthdate=1980-13"], 'not a day, month or year: "1980-13"', "1980-05-03"),
        (["truth", "--kind", "vistas"], "'vistas' is not one of 'patient', 'encounter'", "truth --help"),
        (["truth", "--stats", "--sample", "1", "--html", "/no/such/folder/x.html"], "cannot write /no/such", ""),
        (["render", "--vendor", "epic", "--type", "Pat", "--patients", "3"], 'epic has no "Pat"', "there are: "),
        (["render", "--vendor", "epic"], "Missing option '--type'", "emr-sandbox render --help"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_the_user_got_wrong_is_said_in_one_line(run: Run, argv: Sequence[str], says: str, hint: str) -> None:
    code, out, err = run(*argv)
    assert (code, out) == (4, "")
    message, _, rest = err.partition("\n")
    assert says in message
    assert hint in rest
    assert re.fullmatch(r"(\nhint: [^\n]+\n)?", rest), err


def test_a_port_in_use_is_said_with_a_way_out(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, err = run("serve", "--port", str(port), "--vendor", "epic", "--patients", "10")
    assert code == 4
    assert err == (
        f"cannot listen on 127.0.0.1:{port}: Address already in use\n\n"
        "hint: choose another with `--port`, or `--port 0`\n"
    )


def test_help_and_version_are_data(run: Run) -> None:
    assert run("--version") == (0, "0.1.0\n", "")
    code, out, _ = run()
    assert code == 0
    assert {"serve", "render", "truth", "vendors", "faults", "scenarios", "explain"} <= set(out.split())


def test_every_command_of_ours_is_behind_the_door(run: Run) -> None:
    modules = [import_module(f"simulator.commands.{one.name}") for one in pkgutil.iter_modules(commands.__path__)]
    ours = {one.name for module in modules for one in vars(module).values() if isinstance(one, click.Command)}
    told = re.findall(r"^  (\w+)", run("--help")[1].split("Commands:")[1], re.M)
    assert ours <= set(told)
    assert set(cli.FrontDoor().list_commands(click.Context(cli.front_door))) == set(told)


@pytest.mark.parametrize("name", ["url", "token"])
def test_what_scripts_call_often_loads_no_server(name: str) -> None:
    """A quarter of the time: most of it is what a server is made of."""
    say = f"import sys; from simulator import cli; cli.run(['{name}', '--help']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, check=True)
    assert f"Usage: emr-sandbox {name}" in done.stdout
    assert not {"simulator.server", "simulator.population.tables", "fastapi"} & set(re.findall(r"[\w.]+", done.stdout))


def test_lists_are_for_people_and_for_machines(run: Run) -> None:
    for name in ("vendors", "faults", "drift", "scenarios"):
        code, out, err = run(name)
        assert (code, err) == (0, "")
        rows = json.loads(run(name, "--json")[1])
        assert [row["name"] for row in rows] == [line.split()[0] for line in out.splitlines()]
        assert all(row["says"] for row in rows)


@pytest.mark.parametrize("name", ["epic", "cerner", "athena", "status", "reset_peer", "epic-jti-string"])
def test_everything_can_be_explained(run: Run, name: str) -> None:
    code, out, err = run("explain", name)
    assert (code, err) == (0, "")
    told = json.loads(run("explain", name, "--json")[1])
    assert told["name"] == name
    assert told["says"] in out


def test_packages_above_explain_their_own_names(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    above = click.Command("check")
    above.explain = lambda name: {"name": name, "says": "tokens are reused"} if name == "AUTH-05" else None  # type: ignore[attr-defined]
    monkeypatch.setattr(cli, "_added_commands", lambda: {"check": above})
    assert "tokens are reused" in run("explain", "AUTH-05")[1]
    assert run("explain", "AUTH-99")[0] == 4


def test_truth_is_lines_of_records_and_the_same_every_time(run: Run) -> None:
    code, out, err = run("truth", "--patients", "50", "--count", "30")
    assert (code, err) == (0, "")
    records = [json.loads(line) for line in out.splitlines()]
    assert len(records) == 30
    assert records[0]["kind"] == "patient"
    assert run("truth", "--patients", "50", "--count", "30")[1] == out
    assert run("truth", "--patients", "50", "--count", "30", "--seed", "8")[1] != out
    one = [json.loads(line) for line in run("truth", "--patients", "50", "--patient", "3")[1].splitlines()]
    assert {record["patient"]["id"] for record in one} == {"3"}


def test_truth_tells_only_the_kinds_asked_for(run: Run) -> None:
    kinds = ("--kind", "allergy", "--kind", "patient")
    records = [json.loads(line) for line in run("truth", "--patients", "40", *kinds)[1].splitlines()]
    assert {record["kind"] for record in records} == {"allergy", "patient"}
    assert sum(record["kind"] == "patient" for record in records) == 40


def test_truth_tells_who_has_something(run: Run) -> None:
    asked = ("--with", "condition=htn", "--with", "status=active", "--with", "family=s")
    code, out, _ = run("truth", "--patients", "300", "--count", "2", *asked)
    assert code == 0
    people = [json.loads(line) for line in out.splitlines()]
    assert len(people) == 2
    for one in people:
        assert one["name"]["family"].lower().startswith("s")
        assert set(one["ids"]) == {"athena", "cerner", "epic"}
        records = run("truth", "--patients", "300", "--patient", one["key"], "--kind", "condition")[1]
        assert any('"59621000"' in line and '"active"' in line for line in records.splitlines())


def test_truth_tells_the_cast_and_who_may_log_in(run: Run) -> None:
    code, out, _ = run("truth", "--cast")
    assert code == 0
    lines = out.splitlines()
    assert len(lines) == 42
    assert lines[0].startswith(" 0  Walter Rosenfeld")
    assert "HbA1c" in lines[0]
    assert "gadeyemi (physician)" in lines[-1]
    told = json.loads(run("truth", "--cast", "--json")[1])
    assert [one["key"] for one in told["patients"]] == [str(number) for number in range(40)]
    assert {"login": "rosa", "name": "Rosa Villanueva", "role": "patient"} in told["logins"]


def test_truth_tells_statistics_for_people_machines_and_browsers(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "portrait.html"
    asked = ("truth", "--stats", "--patients", "500", "--sample", "50")
    code, out, err = run(*asked)
    assert (code, err) == (0, "")
    assert "Hypertension" in out
    assert re.search(r"\n  on file twice +[\d.]+ % .* 2 %\n  merged number +[\d.]+ % .* 0.3 %\n", out)
    code, out, err = run(*asked, "--json", "--html", str(page))
    assert (code, err) == (0, f"written: {page}\n")
    told = json.loads(out)
    assert (told["patients"], told["sample"]) == (500, 50)
    registrations = Population(7, 500, date(2026, 1, 5)).registrations
    twice = sum(registrations.registration(number).lane == "second_registration" for number in registrations)
    assert told["further_numbers"]["second_registration"] == {"share": twice / 500, "setting": 0.02}
    merged = sum(registrations.registration(number).lane == "merged" for number in registrations)
    assert told["further_numbers"]["merged"] == {"share": merged / 500, "setting": 0.003}
    assert twice > 5
    assert f"<title>on file twice: {twice / 5:.1f} %" in page.read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "emr-sandbox truth --stats --seed 7 --patients 500" in page.read_text(encoding="utf-8")


def test_render_is_what_the_vendor_serves(run: Run) -> None:
    code, out, err = run("render", "--vendor", "epic", "--type", "Patient", "--patients", "50", "--count", "3")
    assert (code, err) == (0, "")
    patients = [json.loads(line) for line in out.splitlines()]
    assert [one["resourceType"] for one in patients] == ["Patient"] * 3
    by_id = run("render", "--vendor", "epic", "--type", "Patient", "--patients", "50", "--patient", patients[1]["id"])
    assert by_id[1] == out.splitlines()[1] + "\n"


def test_a_defect_of_ours_is_told_with_what_repeats_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("simulator.catalog.faults", broken)
    code, out, err = run("faults", "--json")
    assert (code, out) == (3, "")
    assert "ZeroDivisionError" in err
    assert err.endswith("this is a defect of emr-sandbox; to repeat it: emr-sandbox faults --json\n")


def test_a_folder_that_hides_ours_is_named(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, "scenarios", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    _, _, err = run("faults")
    assert err.startswith(f"`scenarios` is found at {tmp_path / 'scenarios'}, which hides the one of emr-sandbox")
    assert err.count("\n") == 1


# As a process of its own


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    begun: list[subprocess.Popen[str]] = []

    def started(*argv: str, **environment: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "simulator", *argv]
        piped = subprocess.PIPE
        made = subprocess.Popen(command, stdout=piped, stderr=piped, text=True, env={**os.environ, **environment})
        begun.append(made)
        return made

    yield started
    for process in begun:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("epic", "`--api-as-of` is no vendor and day: epic"),
        ("epic=soon", "`--api-as-of` is no vendor and day: epic=soon"),
        ("epik=2024-01-01", "epik"),
        ("epic=1066-10-14", "the day of an API is from"),
    ],
)
def test_a_day_of_an_api_that_is_none_is_said_in_one_line(run: Run, given: str, says: str) -> None:
    code, out, err = run("serve", "--api-as-of", given)
    assert (code, out) == (4, "")
    assert says in err.splitlines()[0]


def test_serve_says_when_it_is_ready_and_stops_when_told(start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start("serve", "--port", "0", "--json", "--vendor", "epic", "--patients", "10")
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    assert told["ready"] is True
    assert told["control"] == f"{told['url']}/_sandbox"
    assert list(told["vendors"]) == ["epic"]
    assert told["vendors"]["epic"]["base_url"] == f"{told['url']}/epic"
    assert {"fhir_url", "token_url"} <= set(told["vendors"]["epic"])
    assert httpx.get(f"{told['url']}/_sandbox/health").json()["vendors"] == ["epic"]
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=5)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_reader_that_has_enough_is_no_error() -> None:
    pipe = f"{sys.executable} -m simulator truth | head -n 2"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", pipe], capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (128 + signal.SIGPIPE, "", 2)


def test_usage_errors_are_exit_code_four_of_a_usage_error() -> None:
    assert UsageError("x").exit_code == 4
