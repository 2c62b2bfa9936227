"""The manifest and the waivers: every mistake is one line with file, key, value and a way out (contract section 6)."""

from __future__ import annotations

from datetime import date

import pytest

from conformance import manifest, waivers
from conformance.judge import Judgement
from conformance.settings import Settings
from conformance.verdict import Verdict
from simulator.refusal import UsageError

KNOWN = ("athena", "cerner", "epic")
GOOD = """
[integration]
name = "acme-sync"
command = ["./acme", "--emr-driver"]
declares = ["read"]
[vendors]
epic = { kinds = ["patient", "observation"], auth = "backend_jwt" }
athena = { kinds = ["patient"] }
[budgets]
"read.p95_overhead_ms" = 80
[artifacts]
logs = ["var/log/*.log"]
[waivers]
file = "emr-waivers.toml"
"""


def read(tmp_path, text):
    path = tmp_path / "emr-conformance.toml"
    path.write_text(text, encoding="utf-8")
    return manifest.read(path, KNOWN)


def test_a_way_to_log_in_has_a_short_name(tmp_path):
    told = read(tmp_path, GOOD.replace('auth = "backend_jwt"', 'auth = ["backend_jwt", "basic", "mtls"]'))
    assert told.vendors["epic"].auth == ("private_key_jwt", "client_secret_basic", "tls_client_auth")


def test_a_manifest_says_who_how_and_what(tmp_path):
    told = read(tmp_path, GOOD)
    assert (told.name, told.command, told.declares) == ("acme-sync", ("./acme", "--emr-driver"), ("read",))
    assert told.vendors["epic"].auth == ("private_key_jwt",)
    assert told.vendors["athena"].auth == ()
    assert told.settings(3) == Settings(seed=3, overhead_p95_ms=80)
    assert (told.logs, told.waivers, told.folder) == (("var/log/*.log",), "emr-waivers.toml", tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "says", "hint"),
    [
        ("[integration]", "[integrator]", "integrator: unknown key", 'did you mean "integration"?'),
        ('name = "acme-sync"', "name = 7", "integration.name: not a text: 7", ""),
        ('command = ["./acme", "--emr-driver"]', "", "one of `command`, `url`, `python` is needed", ""),
        ('command = ["./acme", "--emr-driver"]', 'command = ["a"]\nurl = "b"', "given: command and url", ""),
        ('declares = ["read"]', 'declares = ["reed"]', "declares: not accepted: 'reed'", 'did you mean "read"?'),
        ("epic =", "epik =", 'vendors.epik: unknown vendor "epik"', 'did you mean "epic"?'),
        ('"observation"]', '"observations"]', "vendors.epic.kinds: not accepted: 'observations'", "observation"),
        ('auth = "backend_jwt"', 'auth = "password"', "vendors.epic.auth: not accepted: 'password'", ""),
        ('athena = { kinds = ["patient"] }', "athena = 3", "vendors.athena: not a table: 3", "kinds"),
        ("[vendors]", "[[vendors]]", "vendors: not a table", ""),
        ("logs =", "log =", "artifacts.log: unknown key", 'did you mean "logs"?'),
        ("[budgets]", "[budgets", "not TOML", ""),
    ],
)
def test_a_mistake_is_named_with_its_key_and_a_way_out(tmp_path, old, new, says, hint):
    with pytest.raises(UsageError) as caught:
        read(tmp_path, GOOD.replace(old, new))
    assert says in caught.value.message
    assert str(tmp_path / "emr-conformance.toml") in caught.value.message
    assert "\n" not in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('"read.p95" = 3', 'budgets: unknown "read.p95"'),
        ('"read.p95_overhead_ms" = -3', "not a positive number: -3"),
        ('"read.p95_overhead_ms" = "80"', "not a positive number: '80'"),
    ],
)
def test_a_budget_is_a_known_positive_number(tmp_path, line, says):
    told = read(tmp_path, GOOD.replace('"read.p95_overhead_ms" = 80', line))
    with pytest.raises(UsageError) as caught:
        told.settings(7)
    assert says in caught.value.message


def test_a_manifest_that_is_not_there_says_what_needs_none(tmp_path):
    with pytest.raises(UsageError) as caught:
        manifest.read(tmp_path / "emr-conformance.toml", KNOWN)
    assert "cannot read" in caught.value.message
    assert "--reference" in caught.value.hint


WAIVER = """
[[waiver]]
check = "RES-01"
vendor = "epic"
says = "asked again"
reason = "the retry library is replaced in March"
issue = "https://tracker.example/42"
expires = 2026-12-31
"""
FAILED = Judgement("RES-01", "epic", Verdict.FAIL, "asked again 0.1 s after a 429")


def waived(tmp_path, judgement, text=WAIVER, today=date(2026, 6, 1), only=None):
    path = tmp_path / "w.toml"
    path.write_text(text, encoding="utf-8")
    cells, stale = waivers.apply([judgement], waivers.read(path), today, only)
    return cells, [one.why for one in stale]


def test_a_known_failure_is_waived(tmp_path):
    assert waived(tmp_path, FAILED) == ({("RES-01", "epic")}, [])


def test_a_waiver_that_expired_is_stale(tmp_path):
    assert waived(tmp_path, FAILED, today=date(2027, 1, 1)) == (set(), ["it expired on 2026-12-31"])


def test_a_waiver_of_a_check_that_passes_is_stale(tmp_path):
    now = Judgement("RES-01", "epic", Verdict.PASS, "waited")
    assert waived(tmp_path, now) == (set(), ["the check is PASS now: delete the waiver"])


def test_a_waiver_of_another_failure_is_stale(tmp_path):
    now = Judgement("RES-01", "epic", Verdict.FAIL, "the driver gave no answer")
    assert waived(tmp_path, now) == (set(), ['it fails differently now: "the driver gave no answer"'])


def test_a_partial_run_leaves_the_waivers_of_other_checks_alone(tmp_path):
    other = Judgement("AUTH-05", "epic", Verdict.PASS, "x")
    assert waived(tmp_path, other, only=["AUTH-05"]) == (set(), [])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('reason = "the retry library is replaced in March"', "", "waiver[0].reason: a waiver needs this"),
        ("expires = 2026-12-31", "", "waiver[0].expires: not a date: None"),
        ("vendor =", "vender =", "waiver[0].vender: unknown key"),
    ],
)
def test_a_waiver_needs_a_reason_an_issue_and_an_end(tmp_path, old, new, says):
    with pytest.raises(UsageError) as caught:
        waived(tmp_path, FAILED, text=WAIVER.replace(old, new))
    assert says in caught.value.message
