"""Every situation of `scenarios/` is played, hour by hour, to the traffic of a small integration: each of its faults
acts, each of its limits is met, and what it changes is changed. Of each of S01 to S45 it is said where it stands."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import scenarios
from simulator import scenario
from simulator.auth.request import token_request
from simulator.sandbox import Sandbox
from simulator.scenario import Scenario
from simulator.server import Running
from simulator.tls.doors import VendorGate

ROOT = Path(__file__).parents[1]
ALL = {one.name: one for one in scenario.list_scenarios()}
UNJUDGED = sorted(
    name for name in ALL if "[drive]" not in (ROOT / "scenarios" / f"{name}.toml").read_text(encoding="utf-8")
)  # those with a table for the judge are played by its own tests
SOMEBODY = 80
"""Whose chart is soon told, and fills three pages of results."""
BY_NAME = (17, 22)
"""Whom stories name, and somebody of another region."""
STEPS = ("Patient", "Condition", "Observation", "Observation", "Immunization", "AllergyIntolerance")


class Worker:
    """What a small integration asks of one vendor: a login, one patient's chart with its pages, and a new patient."""

    def __init__(self, server: Running, sandbox: Sandbox, vendor: str, http: httpx.Client) -> None:
        self.http = http
        self.site = sandbox.sites[vendor]
        self.urls = self.site.urls(server.base_url(sandbox, vendor))
        self.more = "&ah-practice=Organization/a-1.Practice-195900" if vendor == "athena" else ""
        self.token = ""

    def log_in(self) -> None:
        client = next(
            one for one in self.site.clients.values() if one.auth in ("private_key_jwt", "client_secret_basic")
        )
        headers, form = token_request(client.as_dict(self.urls["token_url"]))
        answer = self._ask("POST", self.urls["token_url"], headers=headers, content=form)
        if answer is not None and answer.status_code == 200:
            self.token = answer.json()["access_token"]

    def look(self, number: int) -> None:
        id = self.site.vendor.patient_ids(self.site, number)["fhir_id"]
        self._ask("GET", f"{self.urls['fhir_url']}/Patient/{id}", headers={"authorization": f"Bearer {self.token}"})

    def work(self, number: int) -> None:
        fhir, id = self.urls["fhir_url"], self.site.vendor.patient_ids(self.site, number)["fhir_id"]
        access = {"authorization": f"Bearer {self.token}", "accept": "application/fhir+json", "accept-encoding": "gzip"}
        for type in STEPS:
            url: str | None = f"{fhir}/Patient/{id}"
            if type != "Patient":
                category = "&category=laboratory" if type == "Observation" else ""
                url = f"{fhir}/{type}?patient={id}{category}&_count=5{self.more}"
            for _ in range(3):
                answer = self._ask("GET", url or "", headers=access)
                url = _next(answer)
                if url is None:
                    break
        rest = self.urls.get("rest_url")
        if rest is not None:
            form = {"firstname": "New", "lastname": "Patient", "dob": "05/03/1980", "departmentid": "1", "zip": "53703",
                    "sex": "F", "bypasspatientmatching": "true"}  # fmt: skip
            self._ask("POST", f"{rest}/patients", headers=access, data=form)
            newest = self.site.vendor.patient_ids(self.site, 2**31)["patientid"]
            self._ask("GET", f"{rest}/patients/{newest}", headers=access)

    def knock(self) -> None:
        """A connection to the vendor's own door, without a door: what it would meet."""
        gate = VendorGate(self.site.sandbox, self.site.vendor.id, lambda shows: None)
        if not gate.is_shut:
            gate.meets("127.0.0.1:1")

    def _ask(self, method: str, url: str, **what: Any) -> httpx.Response | None:
        try:
            return self.http.request(method, url, **what)
        except httpx.HTTPError:
            return None


def _next(answer: httpx.Response | None) -> str | None:
    """The next page, when it is on this server: a mock integration follows no link to a stranger."""
    try:
        links = answer.json()["link"] if answer is not None and answer.status_code == 200 else []
    except (ValueError, KeyError, TypeError):
        return None
    url = next((one["url"] for one in links if one["relation"] == "next"), None)
    return url if url and "169.254" not in url else None


WAITS = {"latency_ms": 1, "warm_up_ms": 1, "delay_ms": 0, "hold_s": 0.001, "rate_bytes_s": 1e9, "most_ms": 1,
         "quantiles": {"99": 1}}  # fmt: skip


def in_a_hurry(value: Any) -> Any:
    """A story without its real waits: how true these are is tested elsewhere."""
    if isinstance(value, list | tuple):
        return [in_a_hurry(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: WAITS[name] if name in WAITS else in_a_hurry(one) for name, one in value.items()}


@pytest.fixture
def workers(server: Running, sandbox: Sandbox) -> Iterator[list[Worker]]:
    with httpx.Client(timeout=2) as http:
        yield [Worker(server, sandbox, vendor, http) for vendor in sandbox.sites]


def moments(story: Scenario) -> list[float]:
    """When to look: at each action, and inside each of its windows."""
    found = {0.0}
    for action in story.actions:
        of_fault = action.args if action.word == "fault" else {}
        window, args = of_fault.get("window", {}), of_fault.get("args", {})
        found |= {action.at_s, action.at_s + window.get("from_s", 0) + 1}
        opens = 0.0
        for name in ("notice_s", "up_s", "lasts_s", "ramp_s"):  # the parts of an outage come one after the other
            if args.get(name):
                opens += args[name]
                found.add(action.at_s + opens + (-1 if name == "ramp_s" else 1))
        if of_fault.get("fault") == "flapping":
            found.add(action.at_s + args.get("up_s", 20) + 1)
    return sorted(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", UNJUDGED)
def test_everything_in_a_situation_happens(name: str, sandbox: Sandbox, workers: list[Worker]) -> None:
    story = ALL[name]
    is_by_name = any(word in str(story.actions) for word in ("region", "'patient'", "poison"))
    asked = BY_NAME if is_by_name else (SOMEBODY,)
    sandbox.clock.freeze()
    clients = {id: dict(site.clients) for id, site in sandbox.sites.items()}
    for worker in workers:
        worker.log_in()
    if "doors" in story.story:
        sandbox.doors |= dict.fromkeys(sandbox.sites, "https://127.0.0.1:1")
    scenario.play(
        replace(story, actions=tuple(replace(one, args=in_a_hurry(one.args)) for one in story.actions)), sandbox
    )
    began = sandbox.clock.now()
    hits: Counter[str] = Counter()
    for moment in moments(story):
        sandbox.clock.set(began + timedelta(seconds=moment))
        sandbox.faults.settle(sandbox.clock.now())
        for worker in workers:
            worker.knock()
            worker.look(asked[0])  # with the token that it had
            worker.log_in()
            for number in asked:
                worker.work(number)
        for rule in sandbox.faults.rules:
            hits[rule.id] = max(hits[rule.id], rule.hits)
    idle = [id for id in hits if not hits[id]]
    assert idle == []
    words = {action.word for action in story.actions}
    refused = [x for x in sandbox.journal.entries if x.refusal and "calls" in x.refusal]
    if "limits" in words and name != "s21-at-once" and name != "story-monday-eight":  # those need callers at once
        assert refused
    whose = {action.args.get("of", "clients") for action in story.actions if action.word == "rotate_keys"}
    if "vendor" in whose:
        assert all(site.signing.generation == 1 for site in sandbox.sites.values())
    if "clients" in whose:
        assert all(dict(site.clients) != clients[id] for id, site in sandbox.sites.items())
    if "revoke" in words:
        assert any("revoked" in x.refusal for x in sandbox.journal.entries)
    scenario.stop(sandbox)
    assert sandbox.faults.rules == ()


def test_there_are_stories_from_life_each_with_its_source() -> None:
    stories = [one for name, one in ALL.items() if name.startswith("story-")]
    assert len(stories) >= 10
    assert len({one.source for one in stories}) >= 8
    assert all(one.source.startswith("https://") for one in stories)


LISTED = re.compile(r"^\| (S\d\d) [^|]*\|([^|]*)\|([^|]*)\|$", re.M)


def test_of_each_of_the_forty_five_it_is_said_where_it_stands() -> None:
    text = (ROOT / "scenarios" / "README.md").read_text(encoding="utf-8")
    rows = {
        found[1]: (re.findall(r"`(s\d\d-[a-z0-9-]+)`", found[2]), found[3].strip()) for found in LISTED.finditer(text)
    }
    assert sorted(rows) == [f"S{number:02}" for number in range(1, 46)]
    for family, (files, not_yet) in rows.items():
        assert files or not_yet, family
        assert files == sorted(name for name in ALL if name.startswith(family.lower() + "-")), family


def test_every_scenario_is_shipped() -> None:
    shipped = {one.name.removesuffix(".toml") for one in scenarios.FOLDER.iterdir() if one.name.endswith(".toml")}
    assert shipped == set(ALL)
