"""What faults cost a sandbox that has none: `python -m loadtests.bench_faults`.

One server in this process, asked through its ASGI door in short turns: as it is, with its faults compiled out
(`loadtests/faultless.py`), and with a rule that never fits. It is the same server, sandbox and memory in every turn,
because two processes differ by more than what is looked for. What is compared is processor time, and of that the quiet
quarter of the turns; without HTTP and sockets around it, the ratio is harder on faults than life is. 1.00 is no cost;
when the first ratio is below `--least` (0.97), the exit code is 1.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from loadtests.faultless import without_plan
from loadtests.inside import asked_by, receive, send
from simulator import pipeline, server
from simulator.sandbox import Sandbox
from simulator.server import Server
from simulator.settings import Settings

NEVER = {"when": {"path": "/never"}, "fault": "empty_body"}
HANDLE, EXCHANGE = pipeline.handle, Server._exchange
WAYS = ("as it is", "without", "one rule")


def scopes_of(made: Server, vendor: str, patients: int) -> dict[str, list[dict[str, Any]]]:
    """The requests by name, as ASGI scopes: one hot patient, many patients, a first page of laboratory results."""
    site = made.sandboxes.default.sites[vendor]
    ids = [site.vendor.patient_ids(site, number)["fhir_id"] for number in range(patients)]
    scope = asked_by(made, vendor)
    return {
        "Patient read, one patient": [scope(f"Patient/{ids[0]}")],
        "Patient read, many patients": [scope(f"Patient/{id}") for id in ids],
        "Observation search": [scope("Observation", f"patient={id}&category=laboratory") for id in ids[:20]],
    }


@contextmanager
def one_way(way: str, sandbox: Sandbox) -> Iterator[None]:
    """The server is like that inside."""
    if way == "without":
        server.handle = _HANDLE_WITHOUT  # type: ignore[attr-defined]
        Server._exchange = _EXCHANGE_WITHOUT  # type: ignore[method-assign]
    elif way == "one rule":
        sandbox.faults.add(NEVER)
    try:
        yield
    finally:
        server.handle = HANDLE  # type: ignore[attr-defined]
        Server._exchange = EXCHANGE  # type: ignore[method-assign]
        sandbox.faults.clear()


_HANDLE_WITHOUT = without_plan(HANDLE)  # type: ignore[arg-type]
_EXCHANGE_WITHOUT = without_plan(EXCHANGE)  # type: ignore[arg-type]


async def microseconds(made: Server, scopes: list[dict[str, Any]], seconds: float, turns: int) -> dict[str, float]:
    """Processor microseconds a request, each way."""
    spent: dict[str, list[float]] = {way: [] for way in WAYS}
    for turn in range(turns + 1):
        for way in WAYS if turn % 2 else reversed(WAYS):
            with one_way(way, made.sandboxes.default):
                count, end, began = 0, time.process_time() + seconds, time.process_time()
                while time.process_time() < end:
                    for scope in scopes:
                        await made(scope, receive, send)
                    count += len(scopes)
                if turn:  # the first turn warms up
                    spent[way].append((time.process_time() - began) / count * 1e6)
    return {way: statistics.quantiles(column, n=4)[0] for way, column in spent.items()}


def main() -> int:
    """Print the table; 1 when faults cost more than they may."""
    options = argparse.ArgumentParser(prog="python -m loadtests.bench_faults", description=__doc__)
    options.add_argument("--vendor", default="epic")
    options.add_argument("--turns", type=int, default=80)
    options.add_argument("--seconds", type=float, default=0.03, help="of processor time, each turn and way")
    options.add_argument("--patients", type=int, default=200)
    options.add_argument("--least", type=float, default=0.97)
    given = options.parse_args()
    made = Server(Settings(vendors=(given.vendor,), patients=max(given.patients, 200), journal_size=10_000))
    made.sandboxes.default.sites[given.vendor].limits.off()
    worst = 1.0
    gc.disable()  # as `serve` does, nearly: see `simulator.collector`
    print(
        f"{'processor microseconds a request':34}{'as it is':>10}{'without':>10}{'ratio':>8}{'1 rule':>10}{'ratio':>8}"
    )
    for name, scopes in scopes_of(made, given.vendor, given.patients).items():
        spent = asyncio.run(microseconds(made, scopes, given.seconds, given.turns))
        ratios = [spent["without"] / spent[way] for way in ("as it is", "one rule")]
        worst = min(worst, ratios[0])
        print(
            f"{name:34}{spent['as it is']:10.2f}{spent['without']:10.2f}{ratios[0]:8.3f}"
            f"{spent['one rule']:10.2f}{ratios[1]:8.3f}"
        )
    return 0 if worst >= given.least else 1


if __name__ == "__main__":
    raise SystemExit(main())
