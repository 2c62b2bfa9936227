"""What a population costs at several sizes: `python -m loadtests.population` (or `make bench-population`).

For each size a process of its own; operation by operation the processes are asked in turn, round after round, and the
best round counts: what disturbs one size disturbs the others too. Prints processor time (start-up: time on the wall)
and the ratio to the smallest size. A limit in time is for one core, the `reference`: each time is held against a
yardstick done beside it (see `loadtests.yardstick`), and the middle one of the rounds counts. Exits 1 when a limit is
broken.

Documented as growing: by phone, because so many people share each of the eight million numbers (population / 8e6); by
name and birth date, until a day holds a whole block of sixteen namesakes, at some ten million patients: then no more.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

SIZES = (1_000, 1_000_000, 100_000_000)
RATIO_LIMIT = 1.5
"""How much more an operation may cost with the most patients than with the fewest."""
NOISE_US = 5.0
"""Differences below this are not told from what else the machine does."""
GROWING = {
    "by phone": "everybody who shares the number is looked at",
    "by name and birth date": "up to three blocks of namesakes are looked at; a small population has less than one",
}
LIMITS_US = {"whole chart": 5_000.0, "by name and birth date": 1_000.0}
START_LIMIT_MS = 1_000.0
MEMORY_LIMIT_MB = 150.0


@dataclass
class Child:
    """The process of one size."""

    size: int
    process: subprocess.Popen[str]

    def ask(self, word: str) -> Any:
        """What the process answers.

        Raises:
            RuntimeError: it died.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of {self.size:,} patients ended while it was asked for `{word}`")
        return json.loads(line)


@contextmanager
def child_of(size: int) -> Iterator[Child]:
    """A process with a population of `size`, ended at the end."""
    command = [sys.executable, "-m", "loadtests.population_probe", str(size)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Child(size, process)
    finally:
        process.kill()
        process.communicate()


@dataclass
class Row:
    """The best of the rounds for each size, smallest first, in `unit`, and the most that is allowed: of that, or if
    there is a `reference`, of what it would be there."""

    name: str
    best: list[float]
    unit: str
    limit: float | None
    grows: str | None = None
    noise: float = 0.0
    reference: list[float] | None = None

    @property
    def ratio(self) -> float:
        return self.best[-1] / self.best[0] if self.best[0] else 1.0

    def flaws(self) -> Iterator[str]:
        """Which limits are broken."""
        most = max(self.reference or self.best)
        if self.limit is not None and most > self.limit:
            where = " on the reference core" if self.reference else ""
            yield f"{self.name}: {most:,.0f} {self.unit}{where}, allowed are {self.limit:,.0f}"
        worth = self.best[-1] - self.best[0] > self.noise
        if self.grows is None and worth and self.ratio > RATIO_LIMIT:
            yield f"{self.name}: {self.ratio:.2f} times the cost of the smallest, allowed are {RATIO_LIMIT:g}"


def starts(rounds: int, sizes: tuple[int, ...]) -> Row:
    """Start-up: fresh processes, each with its imports done before the clock starts."""
    told: list[list[dict[str, float]]] = [[] for _ in sizes]
    for _ in range(rounds):
        for place, size in enumerate(sizes):
            with child_of(size) as child:
                told[place].append(child.ask("start"))
    return Row("start-up", _best(told, "ms"), "ms", START_LIMIT_MS, noise=20.0, reference=_middle(told, "reference_ms"))


def _best(told: list[list[dict[str, float]]], name: str) -> list[float]:
    return [min(one[name] for one in rounds) for rounds in told]


def _middle(told: list[list[dict[str, float]]], name: str) -> list[float]:
    return [statistics.median(one[name] for one in rounds) for rounds in told]


def operations(children: list[Child], rounds: int) -> Iterator[Row]:
    """Every operation, the sizes in turn, forth and back."""
    for name in children[0].ask("start")["operations"]:
        told: list[list[dict[str, float]]] = [[] for _ in children]
        for turn in range(rounds):
            places = range(len(children)) if turn % 2 else reversed(range(len(children)))
            for place in places:
                told[place].append(children[place].ask(name))
        reference = _middle(told, "reference_us")
        yield Row(name, _best(told, "us"), "µs", LIMITS_US.get(name), GROWING.get(name), NOISE_US, reference)


def memory(children: list[Child]) -> Iterator[Row]:
    """Resident memory after everything that was measured, and after a thousand reads of every vendor."""
    told = [child.ask("memory") for child in children]
    yield Row("resident before reads", [one["before"] for one in told], "MB", MEMORY_LIMIT_MB)
    yield Row("resident after 1,000 reads a vendor", [one["after"] for one in told], "MB", MEMORY_LIMIT_MB)


def caches(children: list[Child]) -> list[tuple[str, list[int]]]:
    """How many things each cache holds, by size."""
    told = [child.ask("caches") for child in children]
    return [(name, [one.get(name, 0) for one in told]) for name in told[0]]


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(prog="python -m loadtests.population", description=__doc__)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    given = options.parse_args()
    sizes = tuple(sorted(given.sizes))
    print(f"{'':38}" + "".join(f"{size:>14,}" for size in sizes) + f"{'ratio':>8}{'reference':>12}{'allowed':>10}")
    flaws: list[str] = []
    with ExitStack() as stack:
        rows = [starts(max(2, given.rounds // 2), sizes)]
        _print(rows[0])
        children = [stack.enter_context(child_of(size)) for size in sizes]
        for row in (*operations(children, given.rounds), *memory(children)):
            rows.append(row)
            _print(row)
        for name, held in caches(children):
            print(f"{name + ' holds':38}" + "".join(f"{one:>14,}" for one in held))
    for row in rows:
        flaws += row.flaws()
    for flaw in flaws:
        print(flaw, file=sys.stderr)
    sys.exit(bool(flaws))


def _print(row: Row) -> None:
    allowed = f"{row.limit:,.0f} {row.unit}" if row.limit is not None else "grows" if row.grows else ""
    figures = "".join(f"{one:>11,.1f} {row.unit}" for one in row.best)
    there = f"{max(row.reference):,.1f} {row.unit}" if row.reference else ""
    print(f"{row.name:38}{figures}{row.ratio:8.2f}{there:>12}{allowed:>10}", flush=True)


if __name__ == "__main__":
    main()
