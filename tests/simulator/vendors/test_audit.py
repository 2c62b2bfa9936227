"""Every access is audited: who, what, which patients, which scope. std:SEC-09, IHE BALP, 45 CFR 164.312(b).

GET …/sandboxes/{id}/audit?patient=17     application/fhir+ndjson, one AuditEvent (FHIR R4) a line
GET …/sandboxes/{id}/journal              entries with `patients`, `scope`, `purpose`
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from simulator.auth import scopes
from simulator.journal.entry import entry_of
from simulator.sandbox import Sandbox
from simulator.server import Running
from tests.simulator.smart_app import App

SYSTEM = "system/Patient.read system/Condition.read system/Encounter.read system/Observation.read"
FHIR = ("epic", "cerner", "athena")


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as client:
        yield client


def bearer(sandbox: Sandbox, vendor: str, granted: str = SYSTEM) -> dict[str, str]:
    site = sandbox.sites[vendor]
    token = site.tokens.issue(
        next(iter(site.clients)),
        tuple(granted.split()),
        now=sandbox.clock.now(),
        lifetime=timedelta(minutes=5),
        allows=scopes.compile(granted.split()) if "MDP" not in granted else lambda type, action: True,
    )
    return {"authorization": f"Bearer {token.text}", "accept": "application/fhir+json"}


def events(server: Running, sandbox: Sandbox, http: httpx.Client, **asked: str) -> list[dict[str, Any]]:
    answer = http.get(f"{server.control}/sandboxes/{sandbox.id}/audit", params=asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/fhir+ndjson")
    made = [json.loads(line) for line in answer.text.splitlines()]
    for one in made:
        AuditEvent.model_validate(one)
    return made


def urls(server: Running, sandbox: Sandbox, vendor: str) -> dict[str, str]:
    return sandbox.sites[vendor].urls(server.base_url(sandbox, vendor))


def ids(sandbox: Sandbox, vendor: str, number: int) -> dict[str, str]:
    site = sandbox.sites[vendor]
    return site.vendor.patient_ids(site, number)


def patients_in(event: dict[str, Any]) -> list[str]:
    return [one["what"]["identifier"]["value"] for one in event["entity"] if one.get("role", {}).get("code") == "1"]


@pytest.mark.parametrize("vendor", FHIR)
def test_a_read_says_who_saw_whom_by_which_scope(
    server: Running, sandbox: Sandbox, http: httpx.Client, vendor: str
) -> None:
    id = ids(sandbox, vendor, 17)["fhir_id"]
    answer = http.get(f"{urls(server, sandbox, vendor)['fhir_url']}/Patient/{id}", headers=bearer(sandbox, vendor))
    assert answer.status_code == 200, answer.text
    entry = entry_of(sandbox.journal.entries[-1])
    assert (entry["patients"], entry["scope"], entry["purpose"]) == (["17"], ["system/Patient.read"], None)
    (event,) = events(server, sandbox, http)
    assert patients_in(event) == ["17"]
    assert (event["action"], event["outcome"], event["subtype"][0]["code"]) == ("R", "0", "read")
    (agent,) = event["agent"]
    assert agent["who"]["identifier"]["value"] == next(iter(sandbox.sites[vendor].clients))
    assert agent["policy"] == ["urn:scope:system/Patient.read"]
    assert agent["network"]["address"] == "127.0.0.1"
    assert event["entity"][0]["what"]["reference"] == f"Patient/{id}"


@pytest.mark.parametrize("vendor", FHIR)
def test_a_search_says_whose_records_were_sent(
    server: Running, sandbox: Sandbox, http: httpx.Client, vendor: str
) -> None:
    person = sandbox.world.person(5)
    assert person is not None
    door = f"{urls(server, sandbox, vendor)['fhir_url']}/Patient"
    asked = {"family": person.family, "given": person.given[0], "birthdate": person.birth_date.isoformat()}
    if vendor == "athena":
        del asked["given"]
        asked["ah-practice"] = "Organization/a-1.Practice-195900"
    http.get(door, params=asked, headers=bearer(sandbox, vendor))
    assert "5" in entry_of(sandbox.journal.entries[-1])["patients"]


@pytest.mark.parametrize("vendor", FHIR)
def test_a_record_that_is_read_by_id_leads_to_its_patient(
    server: Running, sandbox: Sandbox, http: httpx.Client, vendor: str
) -> None:
    site = sandbox.sites[vendor]
    told = next(one for one in site.vendor.renderings(site, 8) if one.type == "Encounter")
    answer = http.get(
        f"{urls(server, sandbox, vendor)['fhir_url']}/Encounter/{told.id}", headers=bearer(sandbox, vendor)
    )
    assert answer.status_code == 200, answer.text
    (event,) = events(server, sandbox, http, patient="8")
    assert patients_in(event) == ["8"]
    assert any(one.get("what", {}).get("reference") == f"Encounter/{told.id}" for one in event["entity"])
    assert events(server, sandbox, http, patient="9") == []


def test_athenas_rest_api_is_audited_by_its_own_scope(server: Running, sandbox: Sandbox, http: httpx.Client) -> None:
    granted = "athena/service/Athenanet.MDP.*"
    rest = urls(server, sandbox, "athena")["rest_url"]
    number = ids(sandbox, "athena", 4)["patientid"]
    http.get(f"{rest}/patients/{number}", headers=bearer(sandbox, "athena", granted))
    entry = entry_of(sandbox.journal.entries[-1])
    assert (entry["patients"], entry["scope"]) == (["4"], [granted])
    told = next(
        one for one in sandbox.sites["athena"].vendor.renderings(sandbox.sites["athena"], 4) if one.type == "encounter"
    )
    answer = http.get(f"{rest}/chart/encounter/{told.id}", headers=bearer(sandbox, "athena", granted))
    assert answer.status_code == 200, answer.text
    assert entry_of(sandbox.journal.entries[-1])["patients"] == ["4"]


def test_a_refusal_is_audited_too(server: Running, sandbox: Sandbox, http: httpx.Client) -> None:
    id = ids(sandbox, "epic", 3)["fhir_id"]
    http.get(f"{urls(server, sandbox, 'epic')['fhir_url']}/Patient/{id}", headers={"authorization": "Bearer nothing"})
    (event,) = events(server, sandbox, http)
    assert (event["outcome"], event["outcomeDesc"]) == ("4", "the token is not one of ours")
    assert patients_in(event) == ["3"]


def test_a_person_behind_an_app_is_named(register: Callable[..., App], rooms_server: Running, browser: Any) -> None:
    app = register("epic", auth="none")
    token = app.tokens(3)["access_token"]
    assert app.get(f"/Patient/{app.fhir_id(3)}", token).status_code == 200
    event = events(rooms_server, app.sandbox, browser)[-1]
    person, client = event["agent"]
    assert (person["requestor"], person["who"]["identifier"]["value"]) == (True, app.login_name(3))
    assert (client["requestor"], client["who"]["identifier"]["value"]) == (False, app.client["client_id"])
    assert "urn:scope:patient/Patient.read" in client["policy"]


def test_a_login_is_audited_as_one(server: Running, sandbox: Sandbox, http: httpx.Client) -> None:
    site = sandbox.sites["cerner"]
    client = next(iter(site.clients.values()))
    form = {"grant_type": "client_credentials", "scope": "system/Patient.read"}
    door = urls(server, sandbox, "cerner")["token_url"]
    assert http.post(door, data=form, auth=(client.client_id, client.client_secret)).status_code == 200
    assert http.post(door, data=form, auth=(client.client_id, "wrong")).status_code == 401
    good, bad = events(server, sandbox, http)
    assert good["type"]["code"] == bad["type"]["code"] == "110114"
    assert (good["outcome"], bad["outcome"]) == ("0", "4")
    assert bad["agent"][0]["who"]["identifier"]["value"] == client.client_id


def test_the_question_is_kept_without_its_secrets(server: Running, sandbox: Sandbox, http: httpx.Client) -> None:
    site = sandbox.sites["cerner"]
    secret = next(iter(site.clients.values())).client_secret
    door = f"{urls(server, sandbox, 'cerner')['fhir_url']}/Patient/{secret}"
    http.get(door, params={"family": "Smith", "access_token": secret})
    (event,) = events(server, sandbox, http)
    asked = next(base64.b64decode(one["query"]).decode() for one in event["entity"] if "query" in one)
    assert asked.startswith("GET /s/")
    assert "family=Smith" in asked
    assert secret not in asked
    assert secret not in json.dumps(event)


def test_the_log_is_read_on_from_an_id_and_is_as_long_as_asked(
    server: Running, sandbox: Sandbox, http: httpx.Client
) -> None:
    for number in range(5):
        id = ids(sandbox, "epic", number)["fhir_id"]
        http.get(f"{urls(server, sandbox, 'epic')['fhir_url']}/Patient/{id}", headers=bearer(sandbox, "epic"))
    assert [one["id"] for one in events(server, sandbox, http, since="x2", limit="2")] == ["x3", "x4"]
    assert len(events(server, sandbox, http, vendor="epic")) == 5
    assert events(server, sandbox, http, vendor="cerner") == []


@pytest.mark.parametrize(("asked", "says"), [({"patient": "x"}, "the key of a patient"), ({"vendor": "epik"}, "epik")])
def test_what_can_find_nothing_is_refused(
    server: Running, sandbox: Sandbox, http: httpx.Client, asked: dict[str, str], says: str
) -> None:
    answer = http.get(f"{server.control}/sandboxes/{sandbox.id}/audit", params=asked)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]
