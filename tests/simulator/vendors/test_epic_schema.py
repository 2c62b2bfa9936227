"""Epic's FHIR side keeps what its OpenAPI document promises, asked by Schemathesis; and no parameter meets a defect.

What is refused is refused in Epic's words; nothing ends in a 5xx of ours.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case

from simulator.auth import scopes
from simulator.server import Running
from simulator.vendors.epic import VENDOR
from simulator.vendors.epic.params import INTERACTIONS, PARAMS, WRITES
from simulator.vendors.epic.paths import FHIR
from simulator.vendors.epic.resources import SERVED
from tests.simulator.vendors.epic_door import BASE, Door

DOOR = Door()
assert VENDOR.openapi is not None
DOCUMENT = VENDOR.openapi(DOOR.site, BASE)
TRIED = ("Patient", "Observation", "Condition", "DocumentReference", "PractitionerRole", "Practitioner", "Flag")
schema = schemathesis.openapi.from_dict(DOCUMENT).include(path_regex=f"^/({'|'.join(TRIED)})(/|$)|match|metadata")
KINDS = [one for one in SERVED if "s" in INTERACTIONS[one]]


@pytest.fixture(scope="module")
def token(rooms_server: Running) -> str:
    """What opens every door of Epic's."""
    sandbox = rooms_server.sandboxes.default
    site = sandbox.sites["epic"]
    client = next(iter(site.clients))
    everything = scopes.compile(["system/*.cruds"])
    issued = site.tokens.issue(client, (), now=sandbox.clock.now(), lifetime=timedelta(days=1), allows=everything)
    return issued.text


@schema.parametrize()
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_call_answers_without_a_defect_of_ours(case: Case, rooms_server: Running, token: str) -> None:
    answer = case.call(base_url=f"{rooms_server.url}/epic{FHIR}", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code < 500 or answer.headers.get("x-emr-sandbox") == ["not-simulated"], answer.text


def test_the_document_names_what_can_be_done(rooms_server: Running) -> None:
    told = httpx.get(f"{rooms_server.url}/_sandbox/sandboxes/default/vendors/epic/openapi.json").json()
    assert told["servers"][0]["url"].startswith(rooms_server.url)
    calls = {(method, path) for path, methods in told["paths"].items() for method in methods}
    for type, letters in WRITES.items():
        assert ("post", f"/{type}") in calls
        assert (("put", f"/{type}/{{id}}") in calls) == ("u" in letters)
    assert ("get", "/Provenance") not in calls
    assert ("get", "/Provenance/{id}") in calls
    named = {one["name"] for one in told["paths"]["/Observation"]["get"]["parameters"]}
    assert {"patient", "category", "_count", "component-code"} <= named
    other = httpx.get(f"{rooms_server.url}/_sandbox/sandboxes/default/vendors/athena/openapi.json")
    assert other.status_code in (200, 501)


def test_head_is_get_without_a_body_and_options_is_open(rooms_server: Running, token: str) -> None:
    sandbox = rooms_server.sandboxes.default
    url = f"{rooms_server.url}/epic{FHIR}/Patient/{VENDOR.patient_ids(sandbox.sites['epic'], 1)['fhir_id']}"
    headers = {"authorization": f"Bearer {token}", "accept": "application/fhir+json"}
    shown, told = (httpx.request(method, url, headers=headers) for method in ("HEAD", "GET"))
    assert (shown.status_code, shown.content) == (200, b"")
    for name in ("content-type", "e-tag", "content-length"):
        assert shown.headers[name] == told.headers[name]
    open_to_all = httpx.options(url)
    assert open_to_all.status_code == 200
    assert "PUT" in open_to_all.headers["access-control-allow-methods"]


VALUES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["99999999999", "", ",", "|", "a|", "|a", "\\", "\\,", "ge", "ge2024", "le9999-12-31",
                     "gt0001-01-01", "2024-02-30", "2024-01-01T25:00", "Patient/", "/", "Patient/x/_history/1", "http://x/Patient/1",
                     "-1", "1e9", "\x00", "é", "true", "EPI|", "EPI|000000001", "*", "Observation:subject"]),
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_no_search_whatever_is_asked_meets_a_defect_of_ours(data: st.DataObject) -> None:
    type = data.draw(st.sampled_from(KINDS))
    names = [*PARAMS[type].first, *PARAMS[type].later, "_id", "_count", "_include", "_revinclude", "_summary",
             "sessionID", "patient.identifier", "code:exact", "bogus"]  # fmt: skip
    pairs = [("patient", DOOR.fhir_id(0))] if data.draw(st.booleans()) else []
    if type in ("Observation", "Condition") and data.draw(st.booleans()):
        pairs.append(("category", "laboratory" if type == "Observation" else "problem-list-item"))
    for _ in range(data.draw(st.integers(1, 3))):
        pairs.append((data.draw(st.sampled_from(names)), data.draw(VALUES)))
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    accept = data.draw(st.sampled_from(["application/fhir+json", "application/xml", "*/*", None]))
    answer = DOOR.get(type, query, accept=accept)
    assert answer.status in (200, 400, 403, 404), (query, answer.status, answer.body[:200])
