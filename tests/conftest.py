"""What every test may use: a server with all rooms, a fresh sandbox on it, examples that are the same in every run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from simulator.sandbox import Sandbox
from simulator.server import Running, running
from simulator.settings import Settings

settings.register_profile(
    "ci", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("ci")


@pytest.fixture(scope="session")
def server() -> Iterator[Running]:
    """A server with every room that is found and 500 patients, for the whole run."""
    with running(Settings(patients=500)) as up:
        yield up


@pytest.fixture
def sandbox(server: Running) -> Iterator[Sandbox]:
    """A sandbox of its own for one test, on `server`."""
    made = server.sandboxes.create()
    yield made
    server.sandboxes.drop(made.id)
