"""A clinician opens charts: find the patient, then read demographics, problems, allergies, medications and results.

Each user holds one token and opens one chart after the other, over the FHIR side of every vendor of the target sandbox.
Follows `next` links of the results to the end, as a chart must be whole. Run by `emr-sandbox load chart-open`; started
by hand it needs `EMR_LOAD_PLAN`, the path of the JSON file that `loadtests.target.Target.plan` writes.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from locust import FastHttpUser, between, task

from simulator.auth.request import token_request

PLAN: dict[str, Any] = json.loads(Path(os.environ["EMR_LOAD_PLAN"]).read_text(encoding="utf-8"))
PARTS = (
    ("Condition", ""),
    ("AllergyIntolerance", ""),
    ("MedicationRequest", ""),
    ("Observation", "&category=vital-signs"),
    ("Observation", "&category=laboratory"),
)


class ChartOpen(FastHttpUser):
    """One clinician; the vendor is dealt in turn, so that all of them carry the same number of users."""

    host = PLAN["url"]
    wait_time = between(PLAN["think_s"] * 0.5, PLAN["think_s"] * 1.5)
    dealt = 0

    def on_start(self) -> None:
        names = sorted(PLAN["vendors"])
        turn = ChartOpen.dealt
        ChartOpen.dealt += 1
        self.vendor = names[turn % len(names)]
        self.desk = PLAN["vendors"][self.vendor]
        self.dice = random.Random(PLAN["seed"] * 1_000_003 + turn)
        self.headers: dict[str, str] = {}

    def sign_in(self) -> None:
        headers, form = token_request(self.desk["client"])
        with self.client.post(
            self.desk["client"]["token_url"], data=form, headers=headers, name="token", catch_response=True
        ) as answer:
            self.headers = {"Accept": "application/fhir+json"}
            if answer.status_code == 200:
                self.headers["Authorization"] = "Bearer " + answer.json()["access_token"]
            else:
                answer.failure(f"no token: {answer.status_code}")

    def read(self, url: str, name: str) -> dict[str, Any]:
        """One GET; signs in again once when the token has run out. An unreadable answer counts as a failure."""
        for last in (False, True):
            with self.client.get(url, headers=self.headers, name=name, catch_response=True) as answer:
                if answer.status_code == 401 and not last:
                    answer.success()
                elif answer.status_code != 200:
                    answer.failure(f"{self.vendor}: status {answer.status_code}")
                    return {}
                else:
                    try:
                        body: dict[str, Any] = answer.json()
                    except ValueError:
                        answer.failure(f"{self.vendor}: not JSON")
                        return {}
                    return body
            self.sign_in()
        return {}

    @task
    def open_chart(self) -> None:
        if not self.headers:
            self.sign_in()  # here: whose time is up while they sign in still opens the chart
        fhir, patient = self.desk["fhir_url"], self.dice.choice(self.desk["patients"])
        self.read(f"{fhir}/Patient/{patient}", "Patient read")
        for kind, also in PARTS:
            more = self.desk["query_by_type"].get(kind, "")
            url = f"{fhir}/{kind}?patient={patient}{also}{more}{self.desk['query']}"
            for page in range(50):
                bundle = self.read(url, f"{kind} search" if page == 0 else f"{kind} next page")
                following = [link["url"] for link in bundle.get("link", ()) if link.get("relation") == "next"]
                if not following:
                    break
                url = following[0]
                if urlsplit(url).netloc != urlsplit(fhir).netloc:
                    raise ValueError(f"the next link leaves the server: {url}")
