"""npm `fhirclient` in a real browser, unmodified: standalone and EHR launch against epic and cerner.

Headless chromium is driven over the DevTools protocol by npm `puppeteer-core`: npm is needed for `fhirclient` anyway.
Named skipped where node, the packages or chromium are not there.
"""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.auth import users
from simulator.server import running
from simulator.settings import Settings

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SCOPES = "openid fhirUser launch/patient patient/Patient.read patient/Observation.read user/Practitioner.read"

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(
        not (HERE / "node_modules" / "fhirclient").exists(), reason="npm fhirclient is not installed (npm ci)"
    ),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


class _AppPages(http.server.SimpleHTTPRequestHandler):
    """The app: two pages, the library as published, and its configuration."""

    config: dict[str, Any]

    def do_GET(self) -> None:
        if self.path == "/config.json":
            body = json.dumps(self.config).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        super().do_GET()

    def translate_path(self, path: str) -> str:
        if path.partition("?")[0] == "/fhir-client.js":
            return str(HERE / "node_modules" / "fhirclient" / "build" / "fhir-client.js")
        return super().translate_path(path)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def seen() -> Iterator[dict[str, Any]]:
    """What the app showed at the end of each visit, and what is true."""
    with running(Settings(patients=300, vendors=("epic", "cerner"))) as server:
        world = server.sandboxes.default.world
        number = max(range(20), key=lambda n: len(world.chart(n).observations))  # the pages list the first twenty
        config: dict[str, Any] = {}
        handler = functools.partial(
            type("Pages", (_AppPages,), {"config": config}), directory=str(HERE / "browser_app")
        )
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as pages:
            threading.Thread(target=pages.serve_forever, args=(0.01,), daemon=True).start()
            app = f"http://127.0.0.1:{pages.server_address[1]}"
            visits = _visits(server.control, app, config, world, number)
            command = ["node", str(HERE / "log_in.mjs"), json.dumps({"chromium": CHROMIUM, "visits": visits})]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
            pages.shutdown()
        assert done.returncode == 0, done.stderr
        sandbox = server.sandboxes.default
        truth = {
            vendor: {
                "id": site.vendor.patient_ids(site, number)["fhir_id"],
                "encounter": site.vendor.manner.encounter_id(site, number, ordinal) if site.vendor.manner else "",
            }
            for vendor, site in sandbox.sites.items()
            for ordinal in [sandbox.world.chart(number).encounters[-1].ordinal]
        }
        yield {"visits": json.loads(done.stdout), "truth": truth, "family": sandbox.world.chart(number).person.family}


def _visits(control: str, app: str, config: dict[str, Any], world: Any, number: int) -> list[dict[str, Any]]:
    one = f"{control}/sandboxes/default"
    urls = httpx.get(one).json()["vendors"]
    patient, practitioner = users.patient(world, number), users.staff(world)[0]
    assert patient is not None
    visits = []
    for vendor in ("epic", "cerner"):
        for persona in ("patient", "practitioner"):
            wish = {
                "vendor": vendor,
                "name": f"browser app of {persona}s",
                "auth": "none",
                "redirect_uris": [f"{app}/index.html"],
                "launch_url": f"{app}/launch.html",
                "scopes": [*SCOPES.split(), "launch", "online_access", "patient/Practitioner.read"],
                "persona": persona,
            }
            made = httpx.post(f"{one}/clients", json=wish)
            assert made.status_code == 201, made.text
            client_id = made.json()["client_id"]
            root = urls[vendor].get("fhir_patient_url" if persona == "patient" else "", urls[vendor]["fhir_url"])
            is_launch = persona == "practitioner"
            config[f"{vendor} {persona}"] = {
                "clientId": client_id,
                "scope": f"{SCOPES} online_access" + (" launch" if is_launch else ""),
                "iss": root,
                "launch": is_launch,
            }
            visit = {"name": f"{vendor} {persona}", "url": f"{app}/launch.html?at={vendor} {persona}"}
            if is_launch:
                visit |= {"url": f"{one}/launch", "app": f"{vendor} {client_id}", "patient": str(number)}
            else:
                visit |= {"username": patient.login, "password": users.PASSWORD}
            visits.append(visit)
    config["picked"] = {**config["cerner practitioner"], "scope": f"{SCOPES} online_access", "launch": False}
    visits.append(
        {
            "name": "picked",
            "url": f"{app}/launch.html?at=picked",
            "username": practitioner.login,
            "password": users.PASSWORD,
            "patient": str(number),
        }
    )
    return visits


def shown(seen: dict[str, Any], visit: str) -> dict[str, Any]:
    told: dict[str, Any] = seen["visits"][visit]
    assert "flaw" not in told, told
    return told


def test_people_log_in_with_fhirclient_in_a_browser(seen: dict[str, Any]) -> None:
    """One test, because one browser makes all five visits."""
    for vendor in ("epic", "cerner"):
        a_patient_alone(seen, vendor)
        a_practitioner_from_the_ehr(seen, vendor)
    assert shown(seen, "picked")["patient"] == seen["truth"]["cerner"]["id"]  # a practitioner chose the patient


def a_patient_alone(seen: dict[str, Any], vendor: str) -> None:
    told = shown(seen, f"{vendor} patient")
    assert (told["patient"], told["family"]) == (seen["truth"][vendor]["id"], seen["family"])
    assert told["user"] == "Patient"
    assert told["results"] > 0
    assert told["encounter"] is None
    assert told["refreshed"] is (vendor == "cerner")  # Epic gives public apps no refresh token


def a_practitioner_from_the_ehr(seen: dict[str, Any], vendor: str) -> None:
    told = shown(seen, f"{vendor} practitioner")
    assert (told["patient"], told["family"]) == (seen["truth"][vendor]["id"], seen["family"])
    assert told["user"] == "Practitioner"
    assert told["encounter"] == seen["truth"][vendor]["encounter"]
    assert told["results"] > 0
