"""Clients that nobody here wrote read a patient and a search of several pages from the FHIR rooms.

curl, PyPI `fhirpy` and npm `fhir-kit-client`, each with a token that it obtained itself, over a real socket. Each names
itself skipped where it is not installed; `make test` installs the npm one where npm is found.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.auth.request import token_request
from simulator.server import running
from simulator.settings import Settings

HERE = Path(__file__).parent
VENDORS = ("epic", "cerner")


@dataclass
class Aim:
    """One vendor of a running sandbox: where it is, how to sign in, and a patient with several pages of results."""

    fhir_url: str
    authorize_url: str
    client: dict[str, Any]
    patient: str
    family: str
    results: set[str]

    @property
    def token_url(self) -> str:
        return str(self.client["token_url"])

    def sign_in(self) -> tuple[dict[str, str], str]:
        """Headers and form of a token request that was never sent before: an assertion counts once."""
        return token_request(self.client)


@pytest.fixture(scope="module", params=VENDORS)
def aim(request: pytest.FixtureRequest) -> Iterator[Aim]:
    vendor = request.param
    with running(Settings(patients=1000)) as server:
        sandbox = server.sandboxes.default
        site = sandbox.sites[vendor]
        # The default page sizes of the rooms are not small: the patient with most results shows that paging works.
        number = max(range(60), key=lambda n: len(sandbox.world.chart(n).observations))
        client = httpx.get(f"{server.control}/sandboxes/default/clients").json()[vendor][0]
        urls = httpx.get(f"{server.control}/sandboxes/default").json()["vendors"][vendor]
        results = {
            each.id
            for each in site.vendor.renderings(site, number)
            if each.type == "Observation" and _is_laboratory(each.payload)
        }
        assert len(results) > 20
        yield Aim(
            fhir_url=urls["fhir_url"],
            authorize_url=urls["authorize_url"],
            client=client,
            patient=site.vendor.patient_ids(site, number)["fhir_id"],
            family=sandbox.world.chart(number).person.family,
            results=results,
        )


def _is_laboratory(payload: dict[str, Any]) -> bool:
    codings = [coding for category in payload["category"] for coding in category.get("coding", ())]
    return any(coding.get("code") == "laboratory" for coding in codings)


def _curl(*arguments: str) -> Any:
    done = subprocess.run(["curl", "-sS", "--fail", *arguments], capture_output=True, text=True, check=True, timeout=30)
    return json.loads(done.stdout)


@pytest.mark.service
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_reads_a_patient_and_every_page(aim: Aim) -> None:
    headers, form = aim.sign_in()
    ways = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    token = _curl(*ways, "--data", form, aim.token_url)["access_token"]
    access = ("-H", f"Authorization: Bearer {token}", "-H", "Accept: application/fhir+json")
    assert _curl(*access, f"{aim.fhir_url}/Patient/{aim.patient}")["name"][0]["family"] == aim.family
    found, pages = [], 0
    url = f"{aim.fhir_url}/Observation?patient={aim.patient}&category=laboratory&_count=10"
    while url:
        bundle = _curl(*access, url)
        found += [e["resource"]["id"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Observation"]
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
        pages += 1
    assert pages > 1
    assert set(found) == aim.results


@pytest.mark.service
def test_fhirpy_reads_a_patient_and_every_page(aim: Aim) -> None:
    fhirpy = pytest.importorskip("fhirpy", reason="fhirpy is not installed")
    headers, form = aim.sign_in()
    grant = httpx.post(aim.token_url, content=form, headers=headers).json()
    client = fhirpy.SyncFHIRClient(aim.fhir_url, authorization=f"Bearer {grant['access_token']}")
    assert client.reference("Patient", aim.patient).to_resource()["name"][0]["family"] == aim.family
    search = client.resources("Observation").search(patient=aim.patient, category="laboratory").limit(10)
    assert len(search.fetch()) <= 10
    assert {each["id"] for each in search.fetch_all() if each.resource_type == "Observation"} == aim.results


@pytest.mark.service
@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.skipif(not (HERE / "node_modules").exists(), reason="fhir-kit-client is not installed (npm ci)")
def test_fhir_kit_client_reads_a_patient_and_every_page(aim: Aim) -> None:
    headers, form = aim.sign_in()
    given = {
        "fhirUrl": aim.fhir_url,
        "tokenUrl": aim.token_url,
        "form": form,
        "headers": headers,
        "patient": aim.patient,
    }
    command = ["node", str(HERE / "read_chart.mjs"), json.dumps(given)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["family"] == aim.family
    assert found["pages"] > 1
    assert set(found["ids"]) == aim.results
    assert found["tokenUrl"] == aim.token_url
    assert found["authorizeUrl"] == aim.authorize_url
