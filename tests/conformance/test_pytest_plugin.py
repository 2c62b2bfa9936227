"""The fixtures for owners of integrations: a fresh sandbox a test, and the catalogue's checks on its traffic."""

from __future__ import annotations

import base64
import urllib.error
import urllib.parse
import urllib.request

import pytest

from simulator.refusal import UsageError

pytest_plugins = ["conformance.pytest_plugin"]


def log_in(vendor):
    """The token of a client, fetched as Cerner wants it."""
    client = vendor.client("client_secret_basic")
    basic = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": " ".join(client["scopes"])}).encode()
    request = urllib.request.Request(client["token_url"], form, {"Authorization": f"Basic {basic}"})
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode().partition('"access_token":"')[2].partition('"')[0]


def get(vendor, token, path):
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{vendor.fhir_url}/{path}", headers=headers)) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code


def test_a_sandbox_is_fresh_and_has_every_vendor(emr):
    assert emr.journal.find() == []
    assert emr.cerner.fhir_url.startswith(emr.url)
    assert emr.epic.client()["auth"] == "private_key_jwt"
    assert emr.cerner.patient_ids(0)["fhir_id"]
    with pytest.raises(AttributeError, match="no vendor `epik` here"):
        _ = emr.epik
    with pytest.raises(AttributeError, match="no `soap_url`"):
        _ = emr.epic.soap_url


def test_faults_clock_and_journal_are_at_hand(emr):
    token = log_in(emr.cerner)
    path = f"Patient/{emr.cerner.patient_ids(0)['fhir_id']}"
    emr.faults.add(when={"operation": "Patient.read"}, fault="status", args={"status": 503}, budget=1)
    assert [get(emr.cerner, token, path), get(emr.cerner, token, path)] == [503, 200]
    emr.clock.advance(7200)
    assert get(emr.cerner, token, path) == 401
    assert [entry["status"] for entry in emr.journal.find(operation="Patient.read")] == [503, 200, 401]


def test_a_vendor_is_upgraded_between_two_calls(emr):
    assert emr.epic.site.drifted is None
    emr.epic.upgrade("2021-01-01")
    assert get(emr.epic, "", ".well-known/smart-configuration") == 404
    emr.epic.upgrade("2026-12-01")
    assert get(emr.epic, "", ".well-known/smart-configuration") == 200


def test_a_site_is_switched_between_two_calls(emr):
    assert not emr.epic.fhir_url.endswith("/")
    emr.epic.switch(trailing_slash=True)
    assert emr.epic.fhir_url.endswith("/")
    with pytest.raises(UsageError, match=r"setting `trailing_slash` cannot be 3"):
        emr.epic.switch(trailing_slash=3)


def test_traffic_is_judged_by_the_catalogues_checks(emr, emr_check):
    log_in(emr.cerner)
    found = emr_check("AUTH-04")
    assert [(one.check, one.vendor, one.verdict.value) for one in found] == [("AUTH-04", "cerner", "PASS")]


def test_a_red_verdict_fails_the_test_with_the_exchanges(emr, emr_check):
    token = log_in(emr.cerner)
    path = f"Patient/{emr.cerner.patient_ids(0)['fhir_id']}"
    emr.faults.add(
        when={"operation": "Patient.read"}, fault="status", args={"status": 429, "retry_after_s": 2}, budget=1
    )
    get(emr.cerner, token, path)
    get(emr.cerner, token, path)
    with pytest.raises(pytest.fail.Exception, match="FAIL RES-01 cerner: asked again"):
        emr_check("RES-01")


def test_what_was_not_exercised_is_not_green(emr, emr_check):
    log_in(emr.cerner)
    with pytest.raises(pytest.fail.Exception, match="UNTESTED RES-01"):
        emr_check("RES-01")
