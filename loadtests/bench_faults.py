"""What faults cost a sandbox that has none: `python -m loadtests.bench_faults`.

Servers side by side in one run, one as it is and one with its faults compiled out (`loadtests/faultless.py`), asked in
alternating rounds. What counts is the ratio: 1.00 means no cost, and less than `--least` (0.97) ends with 1. A third
one has a rule that never fits.
"""

from __future__ import annotations

import argparse
import statistics
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx

from loadtests.bench import rate, sandbox_requests
from loadtests.target import Target, own_server

NEVER = {"when": {"path": "/never"}, "fault": "empty_body"}


def main() -> int:
    """Print the table; 1 when faults cost more than they may."""
    options = argparse.ArgumentParser(prog="python -m loadtests.bench_faults", description=__doc__)
    options.add_argument("--vendor", default="epic")
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--seconds", type=float, default=1.0, help="of one measurement")
    options.add_argument("--connections", type=int, default=16)
    options.add_argument("--patients", type=int, default=10_000)
    options.add_argument("--least", type=float, default=0.97)
    given = options.parse_args()
    with ExitStack() as open_servers:
        urls = [
            open_servers.enter_context(own_server(7, given.patients, module=module))
            for module in ("simulator", "loadtests.faultless", "simulator")
        ]
        aims = [Target(url, seed=7, patients=given.patients) for url in urls]
        for aim in aims:
            aim.limits_off()
        ruled = aims[2]
        httpx.post(f"{ruled.control}{ruled.path}/faults", json=NEVER).raise_for_status()
        asked = [sandbox_requests(aim, given.vendor) for aim in aims]
        places = [(urlsplit(url).hostname or "", urlsplit(url).port or 0) for url in urls]
        worst = 1.0
        print(f"{'':34}{'as it is/s':>12}{'without/s':>12}{'ratio':>8}{'one rule/s':>12}{'ratio':>8}")
        for name in asked[0]:
            rounds = []
            for turn in range(given.rounds + 1):
                order = (0, 1, 2) if turn % 2 else (2, 1, 0)
                rates = {
                    one: rate(places[one], asked[one][name], seconds=given.seconds, connections=given.connections)
                    for one in order
                }
                rounds.append([rates[one] for one in range(3)])
            rounds = rounds[1:]  # the first one warms up
            ratio, ruled_ratio = (statistics.median(one[mine] / one[1] for one in rounds) for mine in (0, 2))
            mine, bare, one_rule = (statistics.median(column) for column in zip(*rounds, strict=True))
            worst = min(worst, ratio)
            print(f"{name:34}{mine:12,.0f}{bare:12,.0f}{ratio:8.3f}{one_rule:12,.0f}{ruled_ratio:8.3f}")
        for aim in aims:
            aim.close()
    return 0 if worst >= given.least else 1


if __name__ == "__main__":
    raise SystemExit(main())
