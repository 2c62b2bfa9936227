"""What of a vendor's site can be switched: GET, PUT and DELETE …/vendors/{vendor}/settings, and what `explain` says.

PUT {"set": {"scans": false}} changes at once what was told before, too; what cannot be is 422 and changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator import catalog, cli, registry
from simulator.actions import change_settings, check_in
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox
from simulator.server import Running
from simulator.vendors.epic import VENDOR
from tests.simulator.vendors.epic_door import Door, read
from tests.simulator.vendors.test_protection import control

Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(server: Running, sandbox: Sandbox) -> Ask:
    """`ask("PUT", "epic", max_page=5)`: a call to the settings of a vendor."""

    def asked(method: str, vendor: str = "epic", **values: Any) -> httpx.Response:
        url = control(server, sandbox, vendor, "settings")
        return httpx.request(method, url, json={"set": values} if values else None)

    return asked


def values(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {one["name"]: one["value"] for one in answer.json()["settings"]}


@pytest.mark.parametrize("id", ["epic", "cerner", "athena", "nextgen", "medidata"])
def test_every_switch_is_a_setting_that_takes_its_own_default(id: str) -> None:
    room = registry.vendors()[id]
    names = [one.name for one in room.switches]
    assert len(names) == len(set(names))
    traps = {trap.id for trap in room.traps}
    for one in room.switches:
        usual = room.defaults[one.name]
        assert one.checked(usual, usual) == usual
        assert one.says
        assert one.source.where
        assert one.traps == () or traps.issuperset(one.traps)
        for value in one.one_of:
            wanted: Any = [value] if isinstance(usual, tuple) else value
            assert one.checked(wanted, usual) in (value, (value,))


def test_settings_are_told_with_what_they_take(ask: Ask) -> None:
    told = {one["name"]: one for one in ask("GET").json()["settings"]}
    assert told.keys() == {one.name for one in VENDOR.switches}
    refinements = told["refinements"]
    assert (refinements["value"], refinements["default"]) == ("applied", "applied")
    assert refinements["one_of"] == ["applied", "ignored"]
    assert refinements["traps"] == ["E5"]
    assert refinements["mark"] in ("doc", "seen", "guess")
    assert told["max_page"]["takes"] == "a whole number from 1 on"


def test_only_what_is_named_changes_and_a_reset_or_a_delete_brings_it_back(ask: Ask, sandbox: Sandbox) -> None:
    before = values(ask("GET"))
    after = values(ask("PUT", trailing_slash=True, unlicensed=["Goal"], bulk_patient_s=2))
    changed = {"trailing_slash": True, "unlicensed": ["Goal"], "bulk_patient_s": 2}
    assert after == {**before, **changed}
    assert sandbox.sites["epic"].settings["unlicensed"] == ("Goal",)
    assert ask("DELETE").status_code == 204
    assert values(ask("GET")) == before
    ask("PUT", max_page=3)
    sandbox.reset()
    assert values(ask("GET")) == before


def test_what_is_delivered_is_that_of_the_day(ask: Ask, server: Running, sandbox: Sandbox) -> None:
    httpx.post(control(server, sandbox, "epic", "upgrade"), json={"as_of": "2024-01-01"})
    assert values(ask("GET"))["sex_extension"] == "us-core-birthsex"
    ask("PUT", sex_extension="us-core-sex")
    assert ask("DELETE").status_code == 204
    assert values(ask("GET"))["sex_extension"] == "us-core-birthsex"


@pytest.mark.parametrize(
    ("wish", "said", "hint"),
    [
        ({"scanz": True}, 'no setting "scanz" can be switched', 'did you mean "scans"?'),
        ({"mappings": {}}, 'no setting "mappings" can be switched', "known: "),
        ({"scans": "no"}, 'setting `scans` cannot be "no"', "it takes true or false"),
        ({"scans": 1}, "setting `scans` cannot be 1", "it takes true or false"),
        ({"max_page": 0}, "setting `max_page` cannot be 0", "it takes a whole number from 1 on"),
        ({"max_page": 2.5}, "setting `max_page` cannot be 2.5", "it takes a whole number from 1 on"),
        ({"max_page": True}, "setting `max_page` cannot be true", "it takes a whole number from 1 on"),
        ({"refinements": "maybe"}, 'setting `refinements` cannot be "maybe"', 'it takes one of "applied", "ignored"'),
        ({"post_search": "Patient"}, 'setting `post_search` cannot be "Patient"', 'it takes a list of "Account", '),
        ({"unlicensed": ["Gaol"]}, 'setting `unlicensed` cannot be "Gaol"', "it takes a list of "),
        ({"oauth_root": "no slash"}, 'setting `oauth_root` cannot be "no slash"', "it takes a text like "),
        ({"oauth_host": None}, "setting `oauth_host` cannot be null", "it takes a text like "),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(ask: Ask, wish: dict[str, Any], said: str, hint: str) -> None:
    before = values(ask("GET"))
    answer = ask("PUT", rotate_refresh=True, **wish)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == said
    assert answer.json()["hint"].startswith(hint)
    assert values(ask("GET")) == before


def test_an_empty_wish_and_an_unknown_vendor_are_refused(ask: Ask, server: Running, sandbox: Sandbox) -> None:
    assert httpx.put(control(server, sandbox, "epic", "settings"), json={"set": {}}).status_code == 422
    assert ask("GET", "epik").status_code == 404
    assert values(ask("PUT", "cerner", repeat_across_pages=False))["repeat_across_pages"] is False
    assert values(ask("PUT", "athena", type_profile="legacy"))["type_profile"] == "legacy"


def test_what_was_told_before_is_told_anew() -> None:
    door = Door()
    patient = f"Patient/{door.fhir_id(1)}"

    def internal() -> str:
        found = read(door.get(patient))["identifier"]
        return str(next(one["value"] for one in found if one.get("type", {}).get("text") == "INTERNAL"))

    assert internal().startswith("  ")
    door.site.change_settings({"padded_ids": False})
    assert not internal().startswith(" ")


def test_a_scenario_is_held_to_the_same_values(sandbox: Sandbox) -> None:
    with pytest.raises(UsageError, match=r"setting `max_page` cannot be 0"):
        check_in(sandbox, "settings", {"vendor": "epic", "set": {"max_page": 0}})
    change_settings(sandbox, {"vendor": "epic", "set": {"post_search": ["Observation"]}})
    assert sandbox.sites["epic"].settings["post_search"] == ("Observation",)


@pytest.mark.parametrize("at_s", [0, 60])
def test_a_scenario_file_is_refused_in_the_words_of_the_control_call(
    ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str], at_s: int
) -> None:
    """Exit 4 before anything is served, also of what would come later."""
    told = ask("PUT", unlicensed=["Gaol"]).json()
    path = tmp_path / "misspelt.toml"
    action = f'at_s = {at_s}\nsettings = {{ vendor = "epic", set = {{ unlicensed = ["Gaol"] }} }}'
    path.write_text(f'story = "A licence less."\nsource = "here"\n[[actions]]\n{action}\n', "utf-8")
    assert cli.run(["serve", "--port", "0", "--scenario", str(path)]) == 4
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"scenario misspelt: action 1: {told['detail']}\n\nhint: {told['hint']}\n")


def test_explain_says_how_each_trap_is_switched() -> None:
    told = catalog.explanation("epic")
    by_id = {line.partition(":")[0]: line for line in told["traps"]}
    assert "(always on) [seen]" in by_id["E3"]
    assert "(switch `word_codes`) [seen]" in by_id["E17"]
    assert "(PUT …/vendors/epic/glass) [guess]" in by_id["E29"]
    assert by_id.keys() == {trap.id for trap in VENDOR.traps}
    switches = {line.partition(" ")[0]: line for line in told["switches"]}
    assert switches.keys() == {one.name for one in VENDOR.switches}
    assert switches["rotate_refresh"].startswith("rotate_refresh = false: ")
    assert "true or false [doc]" in switches["rotate_refresh"]
    assert "vendors/epic/settings" in json.dumps(told["to switch"])
    assert "to switch" in catalog.told(told)
