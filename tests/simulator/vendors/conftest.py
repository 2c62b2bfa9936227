"""A server with the real rooms, for tests that come through the front as an app of people does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from simulator.sandbox import Sandbox
from simulator.server import Running, running
from simulator.settings import Settings
from tests.simulator import smart_app
from tests.simulator.smart_app import App
from tests.simulator.vendors.caller import Caller

Registered = Callable[..., App]


@pytest.fixture(scope="session")
def rooms_server() -> Iterator[Running]:
    with running(Settings(patients=300)) as up:
        yield up


@pytest.fixture(scope="session")
def browser() -> Iterator[httpx.Client]:
    """A client that follows nothing by itself and keeps no cookies apart."""
    with httpx.Client(timeout=10) as client:
        yield client


@pytest.fixture
def register(rooms_server: Running, browser: httpx.Client) -> Iterator[Registered]:
    """`register("epic", auth="none")`: an app that has just registered, in a sandbox of the test's own."""
    made = rooms_server.sandboxes.create()

    def one(vendor: str, **wish: object) -> App:
        return smart_app.registered(rooms_server, made, vendor, browser, **wish)  # type: ignore[arg-type]

    yield one
    rooms_server.sandboxes.drop(made.id)


@pytest.fixture
def caller(rooms_server: Running, browser: httpx.Client) -> Iterator[Caller]:
    """A caller of all rooms, in a sandbox of the test's own."""
    made = rooms_server.sandboxes.create()
    yield Caller(rooms_server, made, browser)
    rooms_server.sandboxes.drop(made.id)


@pytest.fixture(scope="session")
def doors_server() -> Iterator[Running]:
    """A server with the rooms that are doors alone."""
    with running(Settings(vendors=("medidata", "nextgen"), patients=50)) as up:
        yield up


@pytest.fixture
def doors(doors_server: Running) -> Iterator[Sandbox]:
    """A sandbox of the test's own on it."""
    made = doors_server.sandboxes.create()
    yield made
    doors_server.sandboxes.drop(made.id)


@pytest.fixture
def control(doors_server: Running, doors: Sandbox) -> str:
    """Where the control API has that sandbox."""
    return f"{doors_server.control}/sandboxes/{doors.id}"
