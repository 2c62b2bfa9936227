"""One population in a process of its own, measured on demand: `python -m loadtests.population_probe SIZE`.

Reads one word a line from stdin (`start`, an operation, `memory`, `caches`) and answers one JSON value a line. The
parent asks several of these in turn, so that all sizes see the same weather.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count, islice
from typing import Any

from loadtests.inside import asked_by, receive, send
from loadtests.yardstick import REFERENCE_MS, yardstick
from simulator import collector
from simulator.population.chart.possible import Possible
from simulator.population.cohorts import Cohort
from simulator.population.wanted import condition
from simulator.sandbox import Sandbox
from simulator.server import Server
from simulator.settings import Settings

BATCH_S = 0.05
"""How long one measurement of an operation lasts, at least."""
PREPARED = 64
"""How many different patients an operation goes around, where finding out what to ask costs time by itself."""
CHARTS = 25
READS = 1_000
WINDOWS = 6
EVENTS = "100 events of a window, by person"
"""What a window costs hangs on how many people its events are of: of the larger population they are more."""

Operation = Callable[[], object]
"""What is timed. One that gives `Times` has done so many things at once, and is told by the thing."""


class Times(int):
    """How many things one call has done."""


class Probe:
    """A server over `size` patients and the operations that are timed on it."""

    def __init__(self, size: int) -> None:
        self.size = size
        started = time.perf_counter()
        # What passed is kept as evidence, up to a bound of its own: here the question is what a population takes.
        self.server = Server(Settings(patients=size, journal_size=100))
        self.start_ms = (time.perf_counter() - started) * 1e3
        self.sandbox: Sandbox = self.server.sandboxes.default
        self.world = self.sandbox.world
        self.population = self.world.population
        self._numbers = (turn * 0x9E3779B97F4A7C15 % size for turn in count(1))  # all over, never twice in a row
        self.operations: dict[str, Operation] = dict(self._operations())

    def _operations(self) -> Iterator[tuple[str, Operation]]:
        population, world = self.population, self.world
        yield "person by number", lambda: population.person(next(self._numbers))
        for id, site in self.sandbox.sites.items():
            ids = [site.vendor.patient_ids(site, next(self._numbers)) for _ in range(PREPARED)]
            for name in ids[0]:
                asked = _around([one[name] for one in ids if name in one])
                yield (
                    f"{id}: patient by {name}",
                    lambda site=site, asked=asked: site.vendor.patient_of(site, next(asked)),
                )
        people = [population.person(next(self._numbers)) for _ in range(PREPARED)]
        named = _around([(one.family, one.given[0], one.birth_date) for one in people])
        yield "by name and birth date", lambda: self._by_name_and_birth_date(*next(named))
        phones = _around([t.value for one in people for t in one.telecoms if t.system == "phone"])
        yield "by phone", lambda: list(population.by_phone(next(phones)))
        mails = _around([t.value for one in people for t in one.telecoms if t.system == "email"])
        yield "by e-mail", lambda: list(population.by_email(next(mails)))
        numbers = _around([one.ssn for one in people if one.ssn])
        yield "by social security number", lambda: list(population.by_ssn(next(numbers)))
        yield "count of a family name", lambda: population.count(family="Smith", exact=True)
        yield "20 of a family name", lambda: list(islice(population.find(family="Smith", exact=True), 20))
        looks = Possible(population, ["hiv"], population.as_of.toordinal())
        yield "a look for HIV", lambda: looks.of(next(self._numbers))
        yield "20 with type 2 diabetes", self._with_diabetes
        yield "whole chart", self._charts
        feed: Any = getattr(world, "feed", None)
        if feed is not None:
            since = self.sandbox.started_at - timedelta(days=30)
            moments = (since + timedelta(minutes=turn % 20_000) for turn in count(0, 7919))
            yield EVENTS, lambda: self._people(feed, moments)

    def _with_diabetes(self) -> None:
        """Finds twenty, from anywhere in the first quarter behind the cast on."""
        start = len(self.population.cast) + next(self._numbers) // 4
        steps = Cohort(self.world, [condition("t2dm")]).search(f"n{start}")
        found = list(islice((step for step in steps if step.found is not None), 20))
        assert len(found) == 20

    def _charts(self) -> Times:
        """Makes the charts of several patients: one has twenty times the records of another."""
        for _ in range(CHARTS):
            self.world.chart(next(self._numbers))
        return Times(CHARTS)

    def _people(self, feed: Any, moments: Iterator[Any]) -> Times:
        """Reads windows; gives how many people their events are of."""
        windows = (islice(_feed(feed, next(moments)), 100) for _ in range(WINDOWS))
        return Times(sum(max(1, len({event.number for event in window})) for window in windows))

    def _by_name_and_birth_date(self, family: str, given: str, born: Any) -> None:
        found = self.population.find(family=family, given=given, born=(born, born), exact=True)
        assert next(found, None) is not None

    def measure(self, name: str) -> dict[str, float]:
        """Microseconds of processor time that the operation takes on average over one batch: `us` as measured,
        `reference_us` as it would be on the core for which limits are set (see `loadtests.yardstick`)."""
        operation, done, before = self.operations[name], 0, yardstick()
        started = time.process_time()
        while (now := time.process_time()) < started + BATCH_S:
            told = operation()
            done += told if isinstance(told, Times) else 1
        measured = (now - started) / done * 1e6
        return {"us": measured, "reference_us": measured * REFERENCE_MS / ((before + yardstick()) / 2)}

    def memory(self) -> dict[str, float]:
        """Resident MB now and after READS Patient reads of every vendor."""
        before = _resident()
        asyncio.run(self._read())
        return {"before": before, "after": _resident()}

    async def _read(self) -> None:
        for vendor, site in self.sandbox.sites.items():
            site.limits.off()
            scope = asked_by(self.server, vendor)
            for _ in range(READS):
                id = site.vendor.patient_ids(site, next(self._numbers))["fhir_id"]
                await self.server(scope(f"Patient/{id}"), receive, send)

    def caches(self) -> dict[str, int]:
        """How many things the caches of the world hold, by the name of the cache."""
        held: dict[str, int] = {}
        for owner in (self.world, self.population):
            for name, value in vars(owner).items():
                if isinstance(value, OrderedDict) or (isinstance(value, dict) and "permutations" in name):
                    held[f"{type(owner).__name__.lower()}.{name.strip('_')}"] = len(value)
        return held


def _feed(feed: Any, since: Any) -> Iterator[Any]:
    return iter(feed(since, since + timedelta(days=1)))


def _around(items: list[Any]) -> Iterator[Any]:
    return (items[turn % len(items)] for turn in count())


def _resident() -> float:
    """Megabytes in memory now; where the system does not say, the most there ever were."""
    try:
        with open("/proc/self/statm", encoding="ascii") as told:
            return int(told.read().split()[1]) * resource.getpagesize() / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Answer until stdin ends."""
    probe = Probe(int(sys.argv[1]))
    collector.spare()  # as `serve` does
    for line in sys.stdin:
        word = line.strip()
        answers: dict[str, Callable[[], object]] = {
            "start": lambda: {
                "ms": probe.start_ms,
                "reference_ms": probe.start_ms * REFERENCE_MS / yardstick(),
                "operations": list(probe.operations),
            },
            "memory": probe.memory,
            "caches": probe.caches,
        }
        answer = answers[word]() if word in answers else probe.measure(word)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
