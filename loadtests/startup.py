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
import asyncio, json, resource, sys, time
import httpx
from simulator.auth.request import token_request
from simulator.server import Server
from simulator.settings import Settings

async def reads(server, size):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://127.0.0.1") as http:
        clients = (await http.get("/_sandbox/sandboxes/default/clients")).json()
        urls = (await http.get("/_sandbox/sandboxes/default")).json()["vendors"]
        for vendor, site in server.sandboxes.default.sites.items():
            site.limits.off()
            headers, form = token_request(clients[vendor][0])
            granted = await http.post(clients[vendor][0]["token_url"], content=form, headers=headers)
            access = {"Authorization": "Bearer " + granted.json()["access_token"]}
            for turn in range(1000):
                id = site.vendor.patient_ids(site, turn * (size // 1000) % size)["fhir_id"]
                answer = await http.get(urls[vendor]["fhir_url"] + "/Patient/" + id, headers=access)
                assert answer.status_code == 200, answer.text

size = int(sys.argv[1])
started = time.perf_counter()
server = Server(Settings(patients=size))
ready = time.perf_counter()
world = server.sandboxes.default.world
world.chart(size // 2)
chart = time.perf_counter()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
asyncio.run(reads(server, size))
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
