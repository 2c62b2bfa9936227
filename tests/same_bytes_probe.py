"""A process that asks a server of SIZE patients everything of a few patients, in the order of ORDER, and prints hashes.

Started by `test_same_bytes.py`. Tokens and page sessions number the calls of a sandbox, so their texts are masked;
nothing else is.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
import sys
from datetime import UTC, datetime

import httpx

from simulator.auth.request import token_request
from simulator.server import Server
from simulator.settings import Settings

MASKED = re.compile(rb"(sessionID=|-pageContext=|cursor=)[^\"&]+")
PLAIN = ("Condition", "AllergyIntolerance", "MedicationRequest?intent=order", "Immunization", "Encounter")
KINDS = (*PLAIN, "Procedure", "DocumentReference", "DiagnosticReport", "Coverage")
CATEGORIES = ("vital-signs", "laboratory", "social-history")


def urls_of(fhir_url: str, patient: str, query: str) -> list[str]:
    asked = [f"{kind}{'&' if '?' in kind else '?'}patient={patient}" for kind in KINDS]
    asked += [f"Observation?patient={patient}&category={category}" for category in CATEGORIES]
    return [f"{fhir_url}/Patient/{patient}", *(f"{fhir_url}/{each}{query}" for each in asked), f"{fhir_url}/metadata"]


def bookings_of(fhir_url: str, patient: str) -> list[str]:
    """What athena tells of appointments and insurances over REST, and the free slots of somebody."""
    rest = fhir_url.removesuffix("/fhir/r4") + "/v1/195900"
    free = (
        "departmentid=1&providerid=1&reasonid=-1&bypassscheduletimechecks=true&startdate=01/06/2026&enddate=01/08/2026"
    )
    return [
        f"{rest}/patients/{patient.rsplit('-', 1)[-1]}/appointments?showpast=true",
        f"{rest}/patients/{patient.rsplit('-', 1)[-1]}/insurances?departmentid=1&showcancelled=true",
        f"{rest}/appointments/open?{free}",
    ]


async def main(size: int, order: int) -> None:
    server = Server(Settings(patients=size))
    sandbox = server.sandboxes.default
    sandbox.clock.freeze()
    sandbox.clock.set(datetime(2026, 1, 5, 12, tzinfo=UTC))
    found = {}
    transport = httpx.ASGITransport(app=server.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8400") as http:
        clients = (await http.get("/_sandbox/sandboxes/default/clients")).json()
        asked = []
        for vendor, site in sandbox.sites.items():
            site.limits.off()
            headers, form = token_request(clients[vendor][0])
            grant = (await http.post(clients[vendor][0]["token_url"], content=form, headers=headers)).json()
            query = "&ah-practice=Organization/a-1.Practice-195900" if vendor == "athena" else ""
            access = {"Authorization": f"Bearer {grant['access_token']}", "Accept": "application/fhir+json"}
            for number in (0, 17, 999):
                patient = site.vendor.patient_ids(site, number)["fhir_id"]
                fhir_url = site.urls(f"http://127.0.0.1:8400/{vendor}")["fhir_url"]
                asked += [(url, access) for url in urls_of(fhir_url, patient, query)]
                if vendor == "athena":
                    asked += [(url, access) for url in bookings_of(fhir_url, patient)]
                else:
                    asked.append((f"{fhir_url}/Appointment?patient={patient}&date=ge2010-01-01T00:00:00Z", access))
        midnight = datetime(2026, 1, 5, tzinfo=UTC)
        sandbox.clock.skew = midnight - datetime.now(UTC)  # everybody's own clock, from here on: the same day for both
        random.Random(order).shuffle(asked)
        for url, access in asked:
            answer = await http.get(url, headers=access)
            body = MASKED.sub(rb"\1", answer.content)
            found[url] = [answer.status_code, hashlib.sha256(body).hexdigest()]
    print(json.dumps(found, sort_keys=True))


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
