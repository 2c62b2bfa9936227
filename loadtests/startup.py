"""Start-up and memory at several sizes: `python -m loadtests.startup`.

For each size a process of its own: how long after the imports until a server is ready to answer, how long the first
chart takes, and the resident memory after a thousand Patient reads of every vendor.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

SIZES = (1_000, 1_000_000, 100_000_000)

CHILD = """
import json, resource, sys, time
from simulator.server import Server
from simulator.settings import Settings

size = int(sys.argv[1])
started = time.perf_counter()
server = Server(Settings(patients=size))
ready = time.perf_counter()
world = server.sandboxes.default.world
world.chart(size // 2)
chart = time.perf_counter()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for site in server.sandboxes.default.sites.values():
    for turn in range(1000):
        number = turn * (size // 1000) % size
        site.vendor.patient_ids(site, number)
        world.person(number)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([ready - started, chart - ready, before / 1024, after / 1024]))
"""


def measure(size: int) -> tuple[float, float, float, float]:
    """(start-up s, first chart s, resident MB at start, resident MB after the reads) at `size` patients."""
    done = subprocess.run([sys.executable, "-c", CHILD, str(size)], capture_output=True, text=True, check=True)
    start_s, chart_s, before_mb, after_mb = json.loads(done.stdout)
    return start_s, chart_s, before_mb, after_mb


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(prog="python -m loadtests.startup", description=__doc__).parse_args()
    print(f"{'patients':>12}{'start-up ms':>13}{'first chart ms':>16}{'MB at start':>13}{'MB after':>10}")
    for size in SIZES:
        start_s, chart_s, before_mb, after_mb = measure(size)
        print(f"{size:12,}{start_s * 1e3:13.1f}{chart_s * 1e3:16.1f}{before_mb:13.0f}{after_mb:10.0f}")


if __name__ == "__main__":
    main()
