"""A server with one tiny room, to test what stands around the rooms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import httpx
import pytest

from simulator.exchange import Exchange
from simulator.sandbox import Sandbox
from simulator.server import Running, Server, running
from simulator.settings import Settings
from tests.simulator.tiny_room import per_minute, tiny

TINY = Settings(vendors=("tiny", "twin"), rooms=(tiny(), tiny("twin", per_minute(5))), patients=200)


@pytest.fixture(scope="session")
def tiny_server() -> Iterator[Running]:
    with running(TINY) as up:
        yield up


@pytest.fixture
def tiny_sandbox(tiny_server: Running) -> Iterator[Sandbox]:
    made = tiny_server.sandboxes.create()
    yield made
    tiny_server.sandboxes.drop(made.id)


@pytest.fixture
def url(tiny_server: Running, tiny_sandbox: Sandbox) -> str:
    """The base URL of the tiny room in the sandbox of this test."""
    return tiny_server.base_url(tiny_sandbox, "tiny")


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5) as client:
        yield client


@pytest.fixture
def tiny_app() -> Server:
    """A server of this test's own that is not up: its app is called in this process."""
    return Server(TINY)


@pytest.fixture
def login() -> Callable[..., dict[str, str]]:
    """The headers of a caller who is in: `login(sandbox, vendor="tiny")`."""

    def made(sandbox: Sandbox, vendor: str = "tiny", client: int = 0, lifetime_s: float = 300) -> dict[str, str]:
        site = sandbox.sites[vendor]
        who = list(site.clients.values())[client]
        token = site.tokens.issue(
            who.client_id,
            who.scopes,
            now=sandbox.clock.now(),
            lifetime=timedelta(seconds=lifetime_s),
            allows=lambda resource_type, action: True,
        )
        return {"authorization": f"Bearer {token.text}"}

    return made


@pytest.fixture
def exchange(tiny_app: Server) -> Callable[..., Exchange]:
    """An exchange that nobody has handled yet: `exchange(path="/fhir/Patient")`."""

    def made(
        path: str = "/fhir/Patient/3",
        *,
        vendor: str = "tiny",
        method: str = "GET",
        query: str = "",
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        at: datetime | None = None,
        sandbox: Sandbox | None = None,
    ) -> Exchange:
        home = sandbox or tiny_app.sandboxes.default
        return Exchange(
            sandbox=home,
            site=home.sites[vendor],
            method=method,
            path=path,
            query=query,
            raw_path=f"/{vendor}{path}",
            headers=[(name.encode(), value.encode()) for name, value in (headers or {}).items()],
            body=body,
            base_url=f"http://test/{vendor}",
            at=at or home.clock.now(),
            started=0.0,
        )

    return made
