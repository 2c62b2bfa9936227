"""The benchmark's sandbox without faults is the same path of a request, and really has none."""

from __future__ import annotations

import ast
import asyncio
import inspect

import httpx
import pytest

from loadtests.faultless import WithoutPlan, without_plan
from simulator import pipeline, server
from simulator.server import Server
from simulator.settings import Settings
from tests.simulator.tiny_room import tiny


def test_only_what_speaks_of_the_plan_is_taken_away() -> None:
    tree = WithoutPlan().visit(ast.parse(inspect.getsource(pipeline.handle)))
    after = ast.unparse(tree)
    assert "plan" not in after
    assert all(word in after for word in ("route", "admit", "limits.count", "finish", "journal.append"))


def test_a_server_without_faults_answers_and_obeys_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "handle", without_plan(pipeline.handle))
    monkeypatch.setattr(Server, "_exchange", without_plan(Server._exchange))  # type: ignore[arg-type]
    made = Server(Settings(vendors=("tiny",), rooms=(tiny(),), patients=10))
    made.sandboxes.default.faults.add({"fault": "status", "args": {"status": 503}})

    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(made.app)) as client:
            return await client.get("http://test/tiny/fhir/metadata")

    assert asyncio.run(asked()).json() == {"kind": "tiny"}
