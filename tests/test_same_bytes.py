"""Same seed, same bytes: in two processes, whatever Python's hash seed, whatever was asked first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PROBE = Path(__file__).with_name("same_bytes_probe.py")


@cache
def asked(size: int, order: int) -> dict[str, list[object]]:
    environment = {**os.environ, "PYTHONHASHSEED": str(order), "TZ": ("UTC", "Asia/Tokyo")[order % 2]}
    done = subprocess.run(
        [sys.executable, "-P", str(PROBE), str(size), str(order)],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    found: dict[str, list[object]] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_two_processes_say_the_same_in_any_order_and_zone() -> None:
    one, other = asked(1_000, 1), asked(1_000, 2)
    assert {status for status, _ in one.values()} == {200}
    assert len(one) > 60
    assert [url for url in one if one[url] != other[url]] == []


@pytest.mark.slow
def test_a_hundred_million_patients_promise_what_a_thousand_do() -> None:
    """What does not depend on the size is the same to the letter; the tenant of a Cerner site is part of its world."""
    small = {url: said for url, said in asked(1_000, 1).items() if url.endswith("/metadata") and "cerner" not in url}
    large = asked(100_000_000, 1)
    assert len(small) == 2
    assert {url: large[url] for url in small} == small
    assert {status for status, _ in large.values()} == {200}
