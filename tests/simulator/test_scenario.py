"""Scenarios: one TOML file, one situation; actions at their sandbox time, flaws said in one line."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import date, timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import httpx
import jsonschema
import pytest

from simulator import scenario, scenario_schema
from simulator.actions import check
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox
from simulator.server import Running, running
from simulator.settings import Settings
from tests.simulator.tiny_room import per_minute, tiny

OUTAGE = """
story = "Ten minutes of maintenance. Then the quota is smaller, and all tokens are gone."
source = "a status page"

[[actions]]
fault = { when = { path = "/fhir/*" }, fault = "status", args = { status = 503 }, window = { for_s = 600 } }

[[actions]]
at_s = 600
limits = { vendor = "twin", name = "per-minute", calls = 1 }

[[actions]]
at_s = 600
revoke = { vendor = "twin" }

[[actions]]
at_s = 900
clock = { skew_s = 90 }
"""


@pytest.fixture
def outage(tmp_path: Path) -> Path:
    path = tmp_path / "outage.toml"
    path.write_text(OUTAGE)
    return path


def test_actions_happen_at_their_sandbox_time(
    outage: Path, tiny_sandbox: Sandbox, tiny_server: Running, http: httpx.Client, login: Callable[..., dict[str, str]]
) -> None:
    door = f"{tiny_server.base_url(tiny_sandbox, 'twin')}/fhir/Patient"
    headers = login(tiny_sandbox, "twin", lifetime_s=9000)
    tiny_sandbox.clock.freeze()

    def statuses(count: int) -> list[int]:
        return [http.get(door, headers=headers).status_code for _ in range(count)]

    scenario.play(scenario.load(outage), tiny_sandbox)
    assert tiny_sandbox.scenario == "outage"
    assert statuses(2) == [503, 503]
    tiny_sandbox.clock.advance(timedelta(seconds=599))
    assert statuses(1) == [503]
    tiny_sandbox.clock.advance(timedelta(seconds=1))
    assert statuses(1) == [401]
    headers = login(tiny_sandbox, "twin", lifetime_s=9000)
    assert statuses(2) == [200, 429]
    assert tiny_sandbox.clock.skew == timedelta(0)
    tiny_sandbox.clock.advance(timedelta(seconds=300))
    statuses(1)
    assert tiny_sandbox.clock.skew == timedelta(seconds=90)


def test_a_stopped_scenario_leaves_limits_as_delivered(outage: Path, tiny_sandbox: Sandbox) -> None:
    scenario.play(scenario.load(outage), tiny_sandbox)
    tiny_sandbox.sites["twin"].limits.set("per-minute", calls=1)
    scenario.stop(tiny_sandbox)
    tiny_sandbox.clock.advance(timedelta(hours=1))
    tiny_sandbox.faults.settle(tiny_sandbox.clock.now())
    assert tiny_sandbox.scenario is None
    assert tiny_sandbox.faults.rules == ()
    assert tiny_sandbox.sites["twin"].limits.limit("per-minute").calls == 5
    assert tiny_sandbox.clock.skew == timedelta(0)


@pytest.mark.parametrize("day", ['"2026-12-01"', "2026-12-01"])
def test_an_upgrade_is_an_action_and_ends_with_the_scenario(day: str, tiny_sandbox: Sandbox) -> None:
    text = f"{HEAD}[[actions]]\nat_s = 60\nupgrade = {{ as_of = {day} }}"
    scenario.play(scenario.scenario_of("u", tomllib.loads(text)), tiny_sandbox)
    site = tiny_sandbox.sites["tiny"]
    first = site.as_of
    tiny_sandbox.faults.settle(tiny_sandbox.clock.now() + timedelta(seconds=61))
    assert site.as_of == date(2026, 12, 1)
    scenario.stop(tiny_sandbox)
    assert site.as_of == first


def test_turning_the_clock_by_the_control_api_does_what_is_due(
    outage: Path, tiny_sandbox: Sandbox, tiny_server: Running, http: httpx.Client
) -> None:
    scenario.play(scenario.load(outage), tiny_sandbox)
    here = f"{tiny_server.control}/sandboxes/{tiny_sandbox.id}"
    told = http.post(f"{here}/clock/advance", json={"seconds": 900}).json()
    assert told["skew_s"] == 90.0


def test_a_scenario_plays_through_the_control_api(outage: Path, http: httpx.Client) -> None:
    settings = Settings(
        vendors=("twin",), rooms=(tiny("twin", per_minute(5)),), patients=10, scenario_folders=(outage.parent,)
    )
    with running(settings) as up:
        here = f"{up.control}/sandboxes/default"
        assert http.post(f"{here}/scenario", json={"name": "outage"}).json()["source"] == "a status page"
        assert http.get(f"{up.url}/twin/fhir/metadata").status_code == 503
        assert http.get(here).json()["scenario"] == "outage"
        assert http.delete(f"{here}/scenario").status_code == 204
        assert http.get(f"{up.url}/twin/fhir/metadata").status_code == 200
        made = http.post(f"{up.control}/sandboxes", json={"scenario": "outage"}).json()
        assert made["scenario"] == "outage"
        assert http.get(f"{made['vendors']['twin']['fhir_url']}/metadata").status_code == 503


def test_scenarios_are_found_in_a_folder_of_ones_own(outage: Path) -> None:
    (found,) = [one for one in scenario.list_scenarios([outage.parent]) if one.name == "outage"]
    assert found.title == "Ten minutes of maintenance"
    assert scenario.load("outage", [outage.parent]) == found == scenario.load(outage)
    with pytest.raises(UsageError, match='unknown scenario "outgae"') as caught:
        scenario.load("outgae", [outage.parent])
    assert caught.value.hint == 'did you mean "outage"?'
    with pytest.raises(UsageError, match="no folder of scenarios"):
        scenario.list_scenarios([outage.parent / "none"])
    with pytest.raises(UsageError, match="no scenario file"):
        scenario.load(outage.parent / "none.toml")


HEAD = 'story = "s"\nsource = "x"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('source = "x"\nstory = 3', "a scenario has a `story`, in words"),
        ('story = "s"', "a scenario has a `source`, in words"),
        (HEAD + "steps = []", "a scenario does not know `steps`"),
        (HEAD + "actions = 3", "`actions` of a scenario is a list"),
        (HEAD + "actions = [3]", "action 1: not a table: 3"),
        (HEAD + "[[actions]]\nat_s = -1\nrevoke = {}", "action 1: `at_s` is a number of seconds"),
        (HEAD + "[[actions]]\nat_s = 1", "action 1: has exactly one of fault, clear_faults"),
        (HEAD + "[[actions]]\nrevoke = {}\nclock = {}", "given: revoke, clock"),
        (HEAD + "[[actions]]\nrevoke = {}\n[[actions]]\nexplode = {}", "action 2: has exactly one of"),
        (HEAD + '[[actions]]\nfault = { fault = "flood" }', "action 1: unknown fault: 'flood'"),
        (HEAD + "[[actions]]\nclock = { advance_s = -1 }", "`advance_s` of `clock` is 0 or more: -1"),
        (HEAD + "[[actions]]\nclock = { scale = 0 }", "`scale` of `clock` is above 0: 0"),
        (HEAD + "[[actions]]\nclock = { tempo = 0 }", "`clock` does not know `tempo`"),
        (HEAD + '[[actions]]\nlimits = { calls = "few" }', "`calls` of `limits` cannot be 'few'"),
        (HEAD + "[[actions]]\nclear_faults = 1", "`clear_faults` is true: 1"),
        (HEAD + "[[actions]]\nsettings = {}", "`settings` needs `set`"),
        (HEAD + "[[actions]]\nupgrade = {}", "`upgrade` needs `as_of`"),
        (HEAD + '[[actions]]\nupgrade = { as_of = "soon" }', "`as_of` of `upgrade` is no day: soon"),
        (
            HEAD + "[[actions]]\nupgrade = { as_of = 2026-12-01T00:00:00Z }",
            "`as_of` of `upgrade` is no day: 2026-12-01",
        ),
        (HEAD + "[[actions]]\nrevoke = 3", "`revoke` is a table: 3"),
        ("story = ", "not TOML"),
    ],
)
def test_what_is_no_scenario_is_said_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        scenario.load(path)
    assert says in caught.value.message
    assert caught.value.message.startswith(str(path))
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ('revoke = { vendor = "epik" }', 'action 1: unknown vendor "epik"; known in sandbox'),
        ('limits = { vendor = "twin", name = "n", off = true }', 'action 1: twin has no limit "n"; known: per-minute'),
        ("settings = { set = { shy = true } }", 'action 1: no setting "shy"; known: none'),
    ],
)
def test_a_scenario_that_does_not_fit_the_sandbox_does_nothing(tiny_sandbox: Sandbox, action: str, says: str) -> None:
    made = scenario.scenario_of("s", tomllib.loads(f"{HEAD}[[actions]]\n{action}"))
    with pytest.raises(UsageError, match=says):
        scenario.play(made, tiny_sandbox)
    assert tiny_sandbox.scenario is None


def test_every_bundled_scenario_can_be_read() -> None:
    for one in scenario.list_scenarios():
        assert one.title
        for action in one.actions:
            check(action.word, action.args)


def test_every_mistake_has_a_line_of_its_own_with_file_line_value_and_way_out(tmp_path: Path) -> None:
    path = tmp_path / "many.toml"
    path.write_text(
        'story = "s"\n\n[[actions]]\nat_s = -1\nrevoke = {}\n\n[[actions]]\nfault = { fault = "latencie" }\n\n'
        '[[actions]]\nlimits = { windw = "x" }\n\n[[actions]]\nfault = { fault = "status", args = { status = 99 } }\n'
    )
    with pytest.raises(UsageError) as caught:
        scenario.load(path)
    assert caught.value.message.split("\n") == [
        f"{path}: a scenario has a `source`, in words",
        f"{path}:3: action 1: `at_s` is a number of seconds from 0: -1",
        f"{path}:7: action 2: unknown fault: 'latencie' (did you mean `latency`?)",
        f"{path}:10: action 3: `limits` does not know `windw`; known: vendor, name, calls, per_s, off, scale, window, "
        "scope, burst (did you mean `window`?)",
        f"{path}:13: action 4: `status` of fault `status` cannot be 99; accepted: an HTTP status, 200 to 599",
    ]


def test_the_mistakes_of_a_folder_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("story = 3\n")
    (tmp_path / "b.toml").write_text("stroy = 3\n")
    with pytest.raises(UsageError) as caught:
        scenario.list_scenarios([tmp_path])
    assert [line.rpartition("/")[2][:6] for line in caught.value.message.split("\n")] == ["a.toml"] * 2 + ["b.toml"] * 3


# The schema


def test_the_schema_that_is_shipped_is_the_one_that_is_made() -> None:
    shipped = files("scenarios").joinpath("scenario.schema.json").read_text(encoding="utf-8")
    assert shipped == scenario_schema.as_text(), "run `emr-sandbox scenarios --schema > scenarios/scenario.schema.json`"
    jsonschema.Draft202012Validator.check_schema(scenario_schema.schema())


BUNDLED = sorted((one for one in files("scenarios").iterdir() if one.name.endswith(".toml")), key=lambda one: one.name)


@pytest.mark.parametrize("place", BUNDLED, ids=lambda place: place.name)
def test_every_bundled_scenario_names_the_schema_and_fits_it(place: Traversable) -> None:
    text = place.read_text(encoding="utf-8")
    assert text.startswith("#:schema ./scenario.schema.json\n")
    jsonschema.Draft202012Validator(scenario_schema.schema()).validate(tomllib.loads(text))


@pytest.mark.parametrize(
    "text",
    [
        "actions = 3",
        "[[actions]]\nat_s = -1\nrevoke = {}",
        "[[actions]]\nrevoke = {}\nclock = {}",
        '[[actions]]\nfault = { fault = "flood" }',
        '[[actions]]\nfault = { fault = "status" }',
        '[[actions]]\nfault = { fault = "status", args = { status = 99 } }',
        '[[actions]]\nfault = { fault = "brown_out", args = { failling = 1 } }',
        '[[actions]]\nfault = { fault = "empty_body", when = { vendr = "epic" } }',
        '[[actions]]\nfault = { fault = "empty_body", window = { to_s = 3 } }',
        '[[actions]]\nlimits = { window = "moving" }',
        "[[actions]]\nclear_faults = false",
        "[[actions]]\nupgrade = {}",
        "steps = []",
    ],
)
def test_what_the_validator_refuses_the_schema_refuses(text: str) -> None:
    table = tomllib.loads(HEAD + text)
    assert list(scenario.flaws_of(table))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(scenario_schema.schema()).validate(table)
