"""Fixtures for the tests of an integration: `pytest_plugins = ["conformance.pytest_plugin"]`. Nothing loads by itself.

def test_a_throttled_read_waits(emr, emr_check):
    emr.faults.add(when={"path": "/Observation*"}, fault="status", args={"status": 429, "retry_after_s": 1}, budget=1)
    my_integration(emr.epic.fhir_url, emr.epic.client()).read_observations()
    emr_check("RES-01")
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from conformance.catalogue import select
from conformance.collect import exchanges_of
from conformance.evidence import Case
from conformance.judge import Judgement, Scope, judge
from conformance.report.terminal import exchange_lines
from conformance.settings import Settings
from conformance.verdict import Verdict
from simulator import actions, scenario
from simulator.journal.entry import entry_of
from simulator.sandbox import Sandbox, Site
from simulator.server import Running, running
from simulator.settings import Settings as ServerSettings


class EmrVendor:
    """One vendor of the sandbox: its URLs (`fhir_url`, `token_url`, …) as attributes, and its ready-made clients."""

    def __init__(self, site: Site, base_url: str) -> None:
        self.site = site
        self._base_url = base_url

    @property
    def urls(self) -> dict[str, str]:
        """Every URL, as the site has them now."""
        return self.site.urls(self._base_url)

    def __getattr__(self, name: str) -> str:
        try:
            return self.urls[name]
        except KeyError:
            raise AttributeError(f"{self.site.vendor.id} has no `{name}`; it has: {', '.join(self.urls)}") from None

    def client(self, auth: str = "") -> dict[str, Any]:
        """A client that acts for itself, with secret or key as the control API gives it; `auth`: by its method.

        Raises:
            KeyError: there is none with that method.
        """
        for one in self.site.clients.values():
            if auth in ("", one.auth) and not one.is_app:
                return one.as_dict(self.urls["token_url"])
        raise KeyError(auth)

    def upgrade(self, as_of: str) -> None:
        """The vendor's API is that of this day from now on (`2024-11-01`), later or earlier."""
        self.site.upgrade(date.fromisoformat(as_of))

    def switch(self, **settings: Any) -> None:
        """Settings of the vendor's site from now on (`trailing_slash=True`): those that `emr-sandbox explain` lists."""
        actions.switch(self.site, settings)

    def patient_ids(self, number: int) -> dict[str, str]:
        """The ids that this vendor gave patient `number`."""
        return self.site.vendor.patient_ids(self.site, number)


class EmrClock:
    """The sandbox's time."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    @property
    def now(self) -> datetime:
        return self._sandbox.clock.now()

    def advance(self, seconds: float) -> datetime:
        """Turns the clock ahead: tokens, page sessions and quota windows age at once."""
        return self._sandbox.clock.advance(timedelta(seconds=seconds))


class EmrFaults:
    """What goes wrong."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def add(self, **fault: Any) -> str:
        """Adds a fault in the contract's shape (`when`, `fault`, `args`, `budget`, `skip`, …); gives its id."""
        return self._sandbox.faults.add(fault).id

    def clear(self) -> None:
        self._sandbox.faults.clear()


class EmrJournal:
    """What was asked and answered."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def find(self, **filters: Any) -> list[dict[str, Any]]:
        """The exchanges that fit (vendor, path, status, client, operation, method, since, limit), oldest first."""
        return [entry_of(x) for x in self._sandbox.journal.find(**filters)]


class Emr:
    """A fresh sandbox: `emr.epic.fhir_url`, `emr.epic.client()`, `emr.clock`, `emr.faults`, `emr.journal`."""

    def __init__(self, server: Running, sandbox: Sandbox) -> None:
        self.url = server.url
        self.sandbox = sandbox
        self.clock = EmrClock(sandbox)
        self.faults = EmrFaults(sandbox)
        self.journal = EmrJournal(sandbox)
        self.began = time.monotonic()
        self.vendors = {id: EmrVendor(site, server.base_url(sandbox, id)) for id, site in sandbox.sites.items()}

    def __getattr__(self, name: str) -> EmrVendor:
        try:
            return self.__dict__["vendors"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(f"no vendor `{name}` here; there are: {', '.join(self.__dict__['vendors'])}") from None

    def play(self, name: str) -> None:
        """Plays a scenario, by name or by TOML file."""
        scenario.play(scenario.load(name), self.sandbox)


@pytest.fixture(scope="session")
def emr_server() -> Iterator[Running]:
    """One server for all tests of a session."""
    with running(ServerSettings(max_sandboxes=10_000)) as server:
        yield server


@pytest.fixture
def emr(emr_server: Running) -> Iterator[Emr]:
    """A fresh sandbox with every vendor, gone after the test."""
    sandbox = emr_server.sandboxes.create(id=secrets.token_hex(5))
    yield Emr(emr_server, sandbox)
    emr_server.sandboxes.drop(sandbox.id)


@pytest.fixture
def emr_check(emr: Emr) -> Callable[..., list[Judgement]]:
    """Judges the traffic so far: `emr_check("RES-01", vendor="epic")` fails the test on a red verdict."""

    def checked(*ids: str, vendor: str = "") -> list[Judgement]:
        every = exchanges_of(emr.sandbox, "test", emr.began)
        seen = [vendor] if vendor else [id for id in emr.vendors if any(x.vendor == id for x in every)]
        cases = tuple(
            Case(
                id="test",
                scenario="wrap",
                family="wrap",
                vendor=id,
                client={key: value for key, value in emr.vendors[id].client().items() if "private" not in key},
                exchanges=tuple(x for x in every if x.vendor == id),
                calls=(),
            )
            for id in seen
        )
        scope = Scope(tuple(seen), declares=(), level=0, has_logs=False)
        found = [
            one for one in judge(select(ids), cases, scope, Settings()) if one.verdict is not Verdict.NOT_APPLICABLE
        ]
        red = [one for one in found if one.verdict.is_red]
        if red or not found:
            pytest.fail(
                "\n".join(line for one in red for line in _lines(one, cases)) or "no check applies", pytrace=False
            )
        return found

    return checked


def _lines(one: Judgement, cases: tuple[Case, ...]) -> Iterator[str]:
    yield f"{one.verdict.value} {one.check} {one.vendor}: {one.says}"
    cited = [ref for finding in one.findings for ref in finding.at]
    yield from exchange_lines(
        [x for case in cases if case.vendor == one.vendor for x in case.exchanges if x.ref in cited]
    )
