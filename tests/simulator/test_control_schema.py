"""The control API keeps what its OpenAPI document promises, asked by Schemathesis: no call ends in a 5xx of ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case

from simulator.control.app import control_api
from simulator.server import Running, Server, running
from simulator.settings import Settings
from tests.simulator.tiny_room import per_minute, tiny

SETTINGS = Settings(
    vendors=("tiny", "twin"), rooms=(tiny(), tiny("twin", per_minute(5))), patients=50, max_sandboxes=40
)
SERVER = Server(SETTINGS)
schema = schemathesis.openapi.from_dict(
    control_api(SETTINGS, SERVER.sandboxes, SERVER.listeners, SERVER.doors).openapi()
)


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Running]:
    with running(SETTINGS) as up:
        yield up


@pytest.mark.slow
@schema.parametrize()
@settings(max_examples=5, suppress_health_check=list(HealthCheck))
def test_every_call_answers_as_its_document_says(case: Case, fuzzed: Running) -> None:
    answer = case.call(base_url=fuzzed.url, headers={"accept": "application/json"})
    if answer.status_code != 501:
        assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == ["application/problem+json"]
        assert answer.json()["status"] == answer.status_code
