"""The side-by-side benchmark: `python -m loadtests.bench` (or `make bench`).

Requests a second of an authenticated Patient read and of a page of an Observation search from the sandbox, and of a
bare ASGI app under the same server that is sent the same requests and answers with bodies of the same mean size, in
alternating rounds of one run. What counts is the ratio: absolute numbers belong to the machine and to whatever else it
was doing.
"""

from __future__ import annotations

import argparse
import os
import select
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx

from loadtests.target import Target, own_server
from simulator.auth.request import token_request


def raw_get(url: str, headers: dict[str, str]) -> bytes:
    """The bytes of one HTTP/1.1 GET of `url`."""
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"GET {path} HTTP/1.1", f"Host: {parts.netloc}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def read_answer(connection: socket.socket, left: bytes = b"") -> tuple[int, int, bytes]:
    """(status, body length, bytes beyond) of the next answer on a keep-alive connection.

    Raises:
        ConnectionError: closed early, or without Content-Length.
    """
    while b"\r\n\r\n" not in left:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError("the server closed the connection")
        left += more
    head, _, left = left.partition(b"\r\n\r\n")
    low = head.lower()
    mark = low.find(b"content-length:")
    if mark < 0:
        raise ConnectionError("an answer without Content-Length")
    length = int(low[mark + 15 :].split(b"\r\n", 1)[0])
    while len(left) < length:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError("the server closed the connection")
        left += more
    return int(head.split(b" ", 2)[1]), length, left[length:]


def rate(address: tuple[str, int], requests: list[bytes], *, seconds: float, connections: int) -> float:
    """Answered requests a second over `connections` keep-alive connections, one request at a time on each.

    Raises:
        RuntimeError: an answer was not 200.
    """
    sockets = [socket.create_connection(address) for _ in range(connections)]
    poll = select.epoll()
    try:
        by_number = {each.fileno(): each for each in sockets}
        turn = 0
        for each in sockets:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            poll.register(each, select.EPOLLIN)
            each.sendall(requests[turn % len(requests)])
            turn += 1
        done, started = 0, time.perf_counter()
        end = started + seconds
        while (now := time.perf_counter()) < end:
            for number, _ in poll.poll(1.0):
                each = by_number[number]
                status, _, _ = read_answer(each)
                if status != 200:
                    raise RuntimeError(f"an answer was {status}, not 200")
                done += 1
                each.sendall(requests[turn % len(requests)])
                turn += 1
        return done / (now - started)
    finally:
        poll.close()
        for each in sockets:
            each.close()


@contextmanager
def bare_server(size: int) -> Iterator[tuple[str, int]]:
    """The bare app under uvicorn in a process of its own, with bodies of `size` bytes."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as the sandbox does; connections inherit it
    address = listener.getsockname()
    command = [sys.executable, "-m", "uvicorn", "loadtests.bare:app", "--fd", str(listener.fileno())]
    command += ["--log-level", "error", "--no-access-log", "--no-server-header", "--lifespan", "off"]
    environment = {**os.environ, "EMR_BENCH_BYTES": str(size)}
    process = subprocess.Popen(command, env=environment, pass_fds=[listener.fileno()])
    try:
        probe = raw_get(f"http://127.0.0.1:{address[1]}/", {})
        with socket.create_connection(address) as connection:  # the listener queues it until the server is up
            connection.sendall(probe)
            read_answer(connection)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=10)
        listener.close()


def sandbox_requests(aim: Target, vendor: str) -> dict[str, list[bytes]]:
    """The raw requests by name: one hot patient, many patients, a first page of laboratory results."""
    desk = aim.plan(charts=500, think_s=0)["vendors"][vendor]
    headers, form = token_request(desk["client"])
    answer = httpx.post(desk["client"]["token_url"], content=form, headers=headers)
    answer.raise_for_status()
    access = {"Authorization": f"Bearer {answer.json()['access_token']}", "Accept": "application/fhir+json"}
    fhir, patients = desk["fhir_url"], desk["patients"]
    search = "{}/Observation?patient={}&category=laboratory{}"
    return {
        "Patient read, one patient": [raw_get(f"{fhir}/Patient/{patients[0]}", access)],
        "Patient read, 500 patients": [raw_get(f"{fhir}/Patient/{each}", access) for each in patients],
        "Observation search, 20 patients": [
            raw_get(search.format(fhir, each, desk["query"]), access) for each in patients[:20]
        ],
    }


def mean_size(address: tuple[str, int], requests: list[bytes]) -> int:
    """Bytes of a body, on the average of the answers to `requests`."""
    with socket.create_connection(address) as connection:
        sizes, left = [], b""
        for each in requests:
            connection.sendall(each)
            _, length, left = read_answer(connection, left)
            sizes.append(length)
    return round(statistics.mean(sizes))


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__)
    options.add_argument("--vendor", default="epic")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=2.0, help="of one measurement")
    options.add_argument("--connections", type=int, default=16)
    options.add_argument("--patients", type=int, default=10_000)
    given = options.parse_args()
    how = {"seconds": given.seconds, "connections": given.connections}
    with own_server(7, given.patients) as url:
        aim = Target(url, seed=7, patients=given.patients)
        aim.limits_off()
        ours = (urlsplit(url).hostname or "", urlsplit(url).port or 0)
        print(f"{'':36}{'sandbox/s':>12}{'bare/s':>12}{'ratio':>8}   mean body bytes")
        for name, requests in sandbox_requests(aim, given.vendor).items():
            size = mean_size(ours, requests)
            with bare_server(size) as bare:
                rate(ours, requests, seconds=given.seconds / 2, connections=given.connections)  # warm
                pairs = []
                for turn in range(given.rounds):
                    order = (True, False) if turn % 2 else (False, True)
                    got = {mine: rate(ours, requests, **how) if mine else rate(bare, requests, **how) for mine in order}
                    pairs.append((got[True], got[False]))
            ratio = statistics.median(mine / theirs for mine, theirs in pairs)
            mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(f"{name:36}{mine:12,.0f}{theirs:12,.0f}{ratio:8.2f}   {size}")
        aim.close()


if __name__ == "__main__":
    main()
