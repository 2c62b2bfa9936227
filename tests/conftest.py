"""What every test may use: a server with all rooms, a fresh sandbox on it, examples that are the same in every run; and
who runs what when several workers share the tests: a file, with what its tests share, belongs to one of them."""

from __future__ import annotations

import gc
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from simulator.sandbox import Sandbox
from simulator.server import Running, running
from simulator.settings import Settings

# Bytecode is kept, whatever the environment says: without it every worker rewrites the assertions of all tests in every
# run, and every process that a test starts compiles the package again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

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


SPREAD = ("tests/test_one_truth.py", "tests/conformance/test_kill_matrix.py")
"""Files that cost more than a file should and whose tests share little: each test may go to another worker."""


DEAREST = (
    *("conformance/test_kill_matrix.py", "test_one_truth.py", "test_world_in_time.py", "test_readme.py"),
    *("simulator/population/test_history.py", "simulator/population/test_documents.py"),
    *("simulator/population/test_identity.py", "simulator/population/test_cohorts.py", "test_situations.py"),
    *("simulator/population/test_published.py", "simulator/population/test_coherence.py"),
    *("simulator/vendors/test_athena_truth.py", "simulator/population/test_charts.py"),
)
"""Files that take longest, from ten seconds on."""

LONGEST = "test_the_reference_passes_everything_and_nothing_is_untested"


class ByFile(LoadScopeScheduling):
    """Gives whole files to the workers, in the order in which they were collected.

    Tests of one file share charts, surveys and servers; dealt out one by one, every worker would make them all.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return nodeid if file in SPREAD else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    if config.getvalue("dist") != "load":
        return None  # somebody asked for another way
    config.option.loadscopereorder = False
    return ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives tests of one id a number, since workers share them out by id: those that Schemathesis makes of a schema.

    Puts the longest test first, then the files that take longest and those with slow tests, so that no worker begins
    with one when the others have ended."""
    named = Counter[str]()
    for item in items:
        named[item.nodeid] += 1
        if named[item.nodeid] > 1:
            item._id = replace(item._id, params=str(named[item.nodeid]))  # type: ignore[attr-defined]
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    turns = {Path(__file__).parent / name: turn for turn, name in enumerate(DEAREST)}

    def turn(item: pytest.Item) -> tuple[bool, int]:
        return item.name != LONGEST, turns.get(item.path, len(turns) + (item.path not in slow))

    items.sort(key=turn)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Looks for garbage less often, and not among the tests: charts that are kept are looked at again each time."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Forgets what the functions of a file remember when its last test is over: charts are large, and nobody asks for
    these again."""
    if nextitem is None or nextitem.path != item.path:
        module = item.getparent(pytest.Module)
        assert module is not None
        for held in vars(module.obj).values():
            if hasattr(held, "cache_clear") and held.__module__ == module.obj.__name__:
                held.cache_clear()
