"""The commands as a user meets them: exit codes, refusals, lists, explanations, a wrapped command, a recorded run."""

from __future__ import annotations

import json
import sys

import pytest

from conformance import cli as commands
from conformance import record, trial
from conformance.player import HarnessDefect
from simulator.cli import run
from simulator.refusal import UsageError

WRAPPED = """
import base64, os, urllib.parse, urllib.request
pair = f"{os.environ['EMR_CERNER_CLIENT_ID']}:{os.environ['EMR_CERNER_CLIENT_SECRET']}"
basic = base64.b64encode(pair.encode()).decode()
form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": "system/Patient.read"}).encode()
headers = {"Authorization": "Basic " + basic}
answer = urllib.request.urlopen(urllib.request.Request(os.environ["EMR_CERNER_TOKEN_URL"], form, headers))
print("logged in:", answer.status)
raise SystemExit(%d)
"""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["check", "nowhere.toml"], "cannot read nowhere.toml"),
        (["check", "--reference", "--mutant", "nobody"], 'unknown mutant "nobody"'),
        (["check", "--mutant", "hot_loop_429"], "`--mutant` is a bug of the reference integration"),
        (["check", "--reference", "--only", "RES-99"], 'unknown check "RES-99"'),
        (["check", "--reference", "--vendor", "epik"], 'unknown vendor "epik"'),
        (["check", "--reference", "--sarif", "x.sarif"], "not yet built: `--sarif`"),
        (["check", "--reference", "--summary", "x.md"], "not yet built: `--summary`"),
        (["check", "x.toml", "--reference"], "give MANIFEST or `--reference`, not both"),
        (["check", "--reference", "--level", "L9"], "L9"),
        (["report", "nowhere.ndjson"], "cannot read nowhere.ndjson"),
        (["wrap", "--", "./no-such-command"], "cannot start `./no-such-command`"),
        (["wrap", "--vendor", "epik", "--", "true"], 'unknown vendor "epik"'),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_with_exit_code_4(capsys, words, says):
    assert run(words) == 4
    said = capsys.readouterr().err
    assert says in said.splitlines()[0]


@pytest.mark.parametrize("flag", ["--report", "--junit"])
def test_a_report_that_cannot_be_written_is_said_before_anything_is_played(capsys, monkeypatch, tmp_path, flag):
    monkeypatch.setattr(commands, "hold", lambda *args: pytest.fail("it was played"))
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert run(["check", "--reference", flag, str(tmp_path / "file" / "deep" / "x")]) == 4
    assert "Not a directory" in capsys.readouterr().err.splitlines()[0]


@pytest.mark.parametrize(
    "words", [["check", "{}"], ["report", "{}"], ["diff", "{}", "{}"], ["load", "chart-open", "--budget", "{}"]]
)
@pytest.mark.parametrize("text", [b"\xff\xfe\x00", b"5", b"[]"])
def test_a_file_that_is_something_else_is_one_line(capsys, tmp_path, words, text):
    file = tmp_path / "other"
    file.write_bytes(text)
    assert run([word.format(file) for word in words]) == 4
    assert "Traceback" not in capsys.readouterr().err


def test_nothing_checked_is_never_green(capsys):
    assert run(["check", "--reference", "--only", "NORM-15", "--vendor", "epic"]) == 5
    shown = capsys.readouterr().out
    assert "nothing was checked" in shown
    assert "needs two vendors" in shown


def test_a_defect_of_ours_is_exit_code_3_and_says_so(capsys, monkeypatch):
    def broken(request, progress):
        raise HarnessDefect("our own `run` is not emr-driver/1: args: missing")

    monkeypatch.setattr(commands, "hold", broken)
    assert run(["check", "--reference"]) == 3
    assert "this is a defect of emr-sandbox" in capsys.readouterr().err


SOUND = 'story = "mine"\nsource = "here"\n\n[[actions]]\n{action}\n\n[drive]\nsteps = [{{ action = "{does}" }}]\n'


@pytest.mark.parametrize(
    ("action", "does", "says", "hint"),
    [
        ('fault = { fault = "statuss" }', "read", "statuss", "did you mean"),
        ('settings = { vendor = "epik", set = { max_page = 5 } }', "read", "epik", ""),
        ('revoke = { vendor = "cerner" }', "reed", "drive.steps[0].action: not known: 'reed'", 'did you mean "read"?'),
        ("fault = 3", "read", "3", ""),
    ],
)
def test_a_broken_scenario_of_ones_own_is_refused_in_one_line_with_exit_code_4(
    capsys, monkeypatch, tmp_path, action, does, says, hint
):
    path = tmp_path / "s21-mine.toml"
    path.write_text(SOUND.format(action=action, does=does), encoding="utf-8")
    monkeypatch.setattr(trial, "_scenario_folders", lambda: [tmp_path])
    assert run(["check", "--reference", "--only", "RES-01", "--vendor", "cerner"]) == 4
    first, *rest = capsys.readouterr().err.splitlines()
    assert str(path) in first
    assert says in first
    assert hint in "\n".join(rest)


def test_a_broken_scenario_of_ours_is_exit_code_3(capsys, monkeypatch):
    def broken(path):
        raise UsageError("action 1: no")

    monkeypatch.setattr("simulator.scenario.load", broken)
    assert run(["check", "--reference", "--only", "RES-01", "--vendor", "cerner"]) == 3
    assert "scenario s21-throttled" in capsys.readouterr().err


def test_a_crash_in_a_check_is_exit_code_3(capsys, monkeypatch):
    monkeypatch.setattr(trial, "play", lambda *args, **more: _played())
    monkeypatch.setattr(trial, "cases", lambda *args: ("something",))
    assert run(["check", "--reference", "--only", "RES-01", "--vendor", "epic"]) == 3
    assert "RES-01 crashed" in capsys.readouterr().out


def _played():
    from conformance.cast import Cast
    from conformance.evidence import Case
    from conformance.run import Played
    from conformance.settings import Settings

    case = Case("c", "s21-x", "S21", "epic", {}, exchanges=("no exchange",), calls=())  # type: ignore[arg-type]
    return Played((case,), {"name": "x"}, Settings(), Cast((0,), 0, ()), 0.1, 1.0)


def test_checks_and_mutants_are_listed_for_people_and_machines(capsys):
    assert run(["checks"]) == 0
    assert "RES-01    resilience" in capsys.readouterr().out
    assert run(["checks", "--json"]) == 0
    assert {"name", "says", "area", "mutants", "source"} <= set(json.loads(capsys.readouterr().out)[0])
    assert run(["mutants"]) == 0
    assert "ignore_retry_after" in capsys.readouterr().out
    assert run(["mutants", "--json"]) == 0
    assert all(row["killed_by"] for row in json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("name", ["RES-01", "res-01", "AUTH-01.exp"])
def test_a_check_is_explained_with_statement_source_and_mutants(capsys, name):
    assert run(["explain", name, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["what"] == "check"
    assert told["statement"].startswith("Holds when")
    assert told["mutants"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("AUTH-O7", 'did you mean "AUTH-07"?'),
        ("hot_lop_429", 'did you mean "hot_loop_429"?'),
        ("epik", 'did you mean "epic"?'),
        ("xyzzy", "names are listed by"),
    ],
)
def test_a_name_that_nobody_knows_is_told_the_nearest(capsys, name, hint):
    assert run(["explain", name]) == 4
    said = capsys.readouterr().err
    assert said.splitlines()[0] == f'nothing is called "{name}"'
    assert hint in said


def test_a_mutant_is_explained_with_the_command_that_shows_it(capsys):
    assert run(["explain", "ignore_retry_after", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["again"].startswith("emr-sandbox check --reference --mutant ignore_retry_after --only RES-01")


def test_a_wrapped_command_gets_the_sandbox_and_its_traffic_is_judged(capfd, tmp_path):
    script = tmp_path / "it.py"
    script.write_text(WRAPPED % 0, encoding="utf-8")
    words = ["wrap", "--vendor", "cerner", "--only", "AUTH-04", "--report", str(tmp_path / "out"), "--", sys.executable]
    assert run([*words, str(script)]) == 0
    shown = capfd.readouterr().out
    assert "logged in: 200" in shown
    assert "AUTH-04" in shown
    assert (tmp_path / "out" / "index.html").is_file()
    assert run(["report", str(tmp_path / "out" / "run.ndjson"), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert [line["verdict"] for line in told["verdicts"] if line["vendor"] == "cerner"] == ["PASS"]


def test_a_wrapped_command_trusts_a_sandbox_over_tls_by_its_environment(capfd, tmp_path):
    script = tmp_path / "it.py"
    script.write_text(WRAPPED % 0, encoding="utf-8")
    words = ["wrap", "--tls", "--vendor", "cerner", "--only", "AUTH-04", "--report", str(tmp_path / "out")]
    assert run([*words, "--", sys.executable, str(script)]) == 0
    assert "logged in: 200" in capfd.readouterr().out
    told = record.read(tmp_path / "out" / "run.ndjson")
    assert told.header["how"][:3] == ["wrap", "--tls", "--"]


def test_the_reference_is_judged_over_tls(capfd):
    words = ["check", "--reference", "--tls", "--vendor", "cerner", "--only", "AUTH-04", "--json"]
    assert run(words) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["how"] == ["--reference", "--tls"]


def test_what_a_wrapped_command_did_not_meet_is_not_held_against_it(capfd, tmp_path):
    """Nobody promised anything: a test suite that runs without faults is green, and one that asks nothing is no run."""
    script = tmp_path / "it.py"
    script.write_text(WRAPPED % 0, encoding="utf-8")
    assert run(["wrap", "--vendor", "cerner", "--json", "--", sys.executable, str(script)]) == 0
    shown = capfd.readouterr().out
    told = json.loads(shown[shown.index("{") :])
    assert {line["verdict"] for line in told["verdicts"]} == {"PASS", "N/A"}
    assert run(["wrap", "--vendor", "cerner", "--", sys.executable, "-c", ""]) == 5
    assert "cerner: the integration never logged in" in capfd.readouterr().out


def test_a_finding_of_a_wrapped_command_names_the_command_that_repeats_it(capfd, tmp_path):
    script = tmp_path / "it.py"
    body = WRAPPED.replace('os.environ["EMR_CERNER_TOKEN_URL"]', 'os.environ["EMR_CERNER_TOKEN_URL"] + "?password=x"')
    script.write_text(body % 0, encoding="utf-8")
    assert run(["wrap", "--seed", "3", "--", sys.executable, str(script)]) == 1
    again = f"emr-sandbox wrap --only AUTH-04 --vendor cerner --seed 3 -- {sys.executable} {script}"
    assert f"again   {again}\n" in capfd.readouterr().out


def test_the_exit_code_of_a_wrapped_command_wins_when_it_fails(capfd, tmp_path):
    script = tmp_path / "it.py"
    script.write_text(WRAPPED % 9, encoding="utf-8")
    assert run(["wrap", "--vendor", "cerner", "--only", "AUTH-04", "--", sys.executable, str(script)]) == 9


def test_what_became_worse_between_two_runs_is_exit_code_1(capsys, script, tmp_path):
    from conformance import record
    from conformance.catalogue import select
    from conformance.judge import Scope, judge
    from conformance.settings import Settings
    from conformance.trial import recorded

    scope = Scope(("epic",))
    paths = []
    for number, gap in enumerate((1.1, 0.1)):
        case = type(script)()
        case.case("S21").get("/Condition", 0, 429, retry_after="1").get("/Condition", gap)
        judged = judge(select(["RES-01"]), case.cases(), scope, Settings())
        made = recorded(judged, case.cases(), scope, Settings(), how=[], name="acme", implementation={}, seconds=1)
        paths.append(tmp_path / f"{number}.ndjson")
        record.write(made, paths[-1])
    assert run(["diff", str(paths[0]), str(paths[1])]) == 1
    assert "worse   RES-01    epic     PASS → FAIL" in capsys.readouterr().out
    assert run(["diff", str(paths[1]), str(paths[0])]) == 0
    assert run(["diff", str(paths[0]), str(paths[0])]) == 0
    assert "no verdict changed" in capsys.readouterr().out
