"""Scenario files as plans: every bundled one is sound, feeds a check, and fits every room that it is played to."""

from __future__ import annotations

from pathlib import Path

import pytest

import scenarios
from conformance.catalogue import checks, select
from conformance.drive import drive_of, drives, family_of
from conformance.judge import Scope
from conformance.manifest import VendorUse
from conformance.plan import CasePlan, cases
from simulator import registry, scenario
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox
from simulator.settings import AS_OF

FOLDER = Path(str(scenarios.FOLDER))
EVERY = drives([FOLDER])
USES = {
    "epic": VendorUse(("patient", "condition"), ("private_key_jwt",)),
    "cerner": VendorUse(("patient",), ("client_secret_basic", "private_key_jwt")),
}
SCOPE = Scope(("epic", "cerner"), {id: use.auth for id, use in USES.items()})


@pytest.mark.parametrize("drive", EVERY, ids=lambda drive: drive.scenario)
def test_a_bundled_scenario_can_be_played_in_every_room(drive):
    sandbox = Sandbox(
        "t", seed=7, patients=50, as_of=AS_OF, vendors=tuple(registry.vendors().values()), journal_size=10
    )
    if drive.has_door:
        sandbox.doors |= dict.fromkeys(sandbox.sites, "https://127.0.0.1:1")
    scenario.play(scenario.load(drive.scenario), sandbox)


@pytest.mark.parametrize("drive", EVERY, ids=lambda drive: drive.scenario)
def test_a_bundled_scenario_feeds_a_check(drive):
    assert any({drive.family, drive.scenario} & set(one.scenarios) for one in checks().values())


def test_every_check_has_a_scenario_that_puts_it_to_the_test():
    played = {name for drive in EVERY for name in (drive.family, drive.scenario)}
    assert [one.id for one in checks().values() if not set(one.scenarios) <= played] == []


@pytest.mark.parametrize("drive", EVERY, ids=lambda drive: drive.scenario)
def test_a_story_has_a_title_of_its_own(drive):
    told = scenario.load(drive.scenario)
    assert told.story.strip()
    assert told.source
    assert "\n" not in told.title


def test_only_the_cases_that_feed_the_asked_checks_are_planned():
    planned = cases(EVERY, select(["RES-01"]), USES, SCOPE)
    assert {plan.drive.family for plan in planned} == {"S21"}
    assert {plan.vendor for plan in planned} == {"epic", "cerner"}


def test_a_case_with_every_login_is_played_once_for_each():
    planned = [plan for plan in cases(EVERY, select(["AUTH-04"]), USES, SCOPE) if plan.vendor == "cerner"]
    assert [plan.auth for plan in planned] == ["client_secret_basic", "private_key_jwt"]


def test_a_certificate_is_played_where_it_is_what_the_case_is_about_and_where_there_is_no_other_way():
    uses = {"epic": VendorUse(("patient",), ("private_key_jwt", "tls_client_auth"))}
    scope = Scope(("epic",), {"epic": uses["epic"].auth})
    planned = {plan.drive.scenario: plan for plan in cases(EVERY, select(["SEC-02", "AUTH-04"]), uses, scope)}
    assert {name: plan.auth for name, plan in planned.items()} == {
        "s37-client-certificate": "tls_client_auth",
        "s37-old-protocol": "private_key_jwt",
        "s01-first-contact": "private_key_jwt",
    }
    assert [name for name, plan in planned.items() if not plan.needs_tls] == ["s01-first-contact"]
    uses = {"epic": VendorUse(("patient",), ("tls_client_auth",))}
    planned = cases(EVERY, select(["AUTH-04"]), uses, Scope(("epic",), {"epic": uses["epic"].auth}))
    assert {(plan.auth, plan.needs_tls) for plan in planned} == {("tls_client_auth", True)}


def test_nobody_shows_a_certificate_who_has_not_declared_one():
    assert {plan.drive.scenario for plan in cases(EVERY, select(["SEC-02"]), USES, SCOPE)} == {"s37-old-protocol"}


def test_a_vendor_that_a_check_does_not_judge_gets_no_case():
    planned = cases(EVERY, select(["PAGE-07"]), USES, SCOPE)
    assert {plan.vendor for plan in planned} == {"epic"}


def test_nothing_is_planned_for_what_is_not_declared():
    scope = Scope(("epic",), declares=())
    assert cases(EVERY, select(["NORM-01"]), {"epic": USES["epic"]}, scope) == ()


def test_a_process_in_another_time_zone_is_for_who_can_be_started():
    uses = {"epic": USES["epic"]}
    ours = cases(EVERY, select(["NORM-02"]), uses, Scope(("epic",)))
    assert {plan.drive.time_zone for plan in ours} == {"America/Los_Angeles", "Pacific/Kiritimati"}
    assert cases(EVERY, select(["NORM-02"]), uses, Scope(("epic",), has_process=False)) == ()
    assert cases(EVERY, select(["NORM-02"]), uses, Scope(("epic",), declares=())) == ()


def test_the_family_is_the_catalogues_name():
    assert family_of("s21-throttled-date") == "S21"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[drive]\nsteps = []\nspeed = 3", "drive.speed: unknown key"),
        ('[drive]\nsteps = [{ action = "read", whom = "rich" }]', "drive.steps[0].whom: unknown key"),
        ('[drive]\nsteps = [{ action = "read", who = "twin" }]', "drive.steps[0].who: goes with the action `match`"),
        ('[drive]\nsteps = [{ action = "match", who = "rich" }]', "drive.steps[0].who: not known: 'rich'"),
        ('[drive]\nsteps = [{ action = "match" }]', "drive.steps[0].who: is missing"),
        ('[drive]\nsteps = [{ action = "write", intent = "tea" }]', "drive.steps[0].intent: not known: 'tea'"),
        ('[drive]\nsteps = [{ action = "read", kinds = ["conditions"] }]', "drive.steps[0].kinds: not known"),
        ('[drive]\nsteps = [{ action = "read" }, { patient = "rich" }]', "drive.steps[1].action: is missing"),
        ('[drive]\nsteps = [{ action = "reed" }]', "drive.steps[0].action: not known: 'reed'"),
        ('[drive]\nsteps = [{ action = "read", patient = "poor" }]', "drive.steps[0].patient: not known: 'poor'"),
        ('[drive]\nsteps = [{ action = "search", patient = "nobody" }]', "drive.steps[0].patient: nobody has no name"),
        ('[drive]\nsteps = [{ action = "search", by = ["age"] }]', "drive.steps[0].by: not known: 'age'"),
        ('[drive]\nsteps = [{ action = "read", times = "twice" }]', "drive.steps[0].times: not a number of 1 or more"),
        ('[drive]\nsteps = [{ action = "read", advance_s = -1 }]', "drive.steps[0].advance_s: not a number of 0"),
        ('[drive]\nsteps = ["read"]', "drive.steps[0]: not a table: 'read'"),
        ("[drive]\nsteps = []", "drive.steps: not a list of tables: []"),
        ("[drive]\nalone = true", "drive.steps: not a list of tables: None"),
        ('[drive]\nalone = "yes"\nsteps = [{ action = "read" }]', "drive.alone: neither true nor false: 'yes'"),
        ('[drive]\nsteps = [{ action = "login" }]', "drive.steps[0].browser: is missing"),
        ('[drive]\nsteps = [{ action = "login", browser = "lynx" }]', "drive.steps[0].browser: not known: 'lynx'"),
        ('[drive]\nsteps = [{ action = "read", browser = "leaves" }]', "drive.steps[0].browser: goes with the action"),
        ('[drive]\nsteps = [{ action = "sync", happens = ["rain"] }]', "drive.steps[0].happens: not known: 'rain'"),
        ('[drive]\ntime_zone = "Mars/Olympus"\nsteps = [{ action = "read" }]', "drive.time_zone: not known"),
        ('[drive]\nclient = "me"\nsteps = [{ action = "read" }]', "drive.client: not known: 'me'"),
        ('[drive]\nlogin = "all"\nsteps = [{ action = "read" }]', "drive.login: not known: 'all'"),
        ('[drive]\nvendors = "epic"\nsteps = [{ action = "read" }]', "drive.vendors: not a list of texts: 'epic'"),
        ("drive = 3", "drive: not a table: 3"),
        ("[drive", "Expected"),
    ],
)
def test_a_mistake_in_a_drive_table_is_named(tmp_path, text, says):
    path = tmp_path / "s99-mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        drive_of(path)
    assert says in caught.value.message
    assert "s99-mine.toml" in caught.value.message


def test_a_scenario_without_a_drive_table_is_no_case(tmp_path):
    (tmp_path / "s99-mine.toml").write_text('story = "x"\nsource = "y"\n', encoding="utf-8")
    assert drives([tmp_path]) == ()
    assert isinstance(cases((), checks(), USES, SCOPE), tuple)
    assert CasePlan.__doc__
