"""The population benchmark asks every operation, and says which limits are broken. Nothing here is timed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from loadtests.population import GROWING, LIMITS_US, Child, Row, caches, child_of


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with child_of(1_000) as made:
        yield made


def test_every_operation_finds_what_it_asks_for(child: Child) -> None:
    names = child.ask("start")["operations"]
    assert {"person by number", "epic: patient by mrn", "epic: patient by fhir_id", *GROWING, *LIMITS_US} <= set(names)
    told = [child.ask(name) for name in names]
    assert all(one["us"] > 0 and one["reference_us"] > 0 for one in told)


def test_caches_are_counted(child: Child) -> None:
    assert dict(caches([child]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "says"),
    [
        (Row("a", [10.0, 11.0, 14.0], "µs", None), []),
        (Row("a", [10.0, 11.0, 16.0], "µs", None), ["a: 1.60 times the cost of the smallest, allowed are 1.5"]),
        (Row("a", [2.0, 3.0, 4.0], "µs", None, noise=5.0), []),
        (Row("a", [10.0, 10.0, 99.0], "µs", None, "for a reason"), []),
        (Row("a", [10.0, 10.0, 99.0], "µs", 50.0, "for a reason"), ["a: 99 µs, allowed are 50"]),
        (Row("a", [60.0, 10.0, 10.0], "µs", 50.0), ["a: 60 µs, allowed are 50"]),
        (Row("a", [60.0, 60.0, 60.0], "µs", 50.0, reference=[40.0, 41.0, 42.0]), []),
        (
            Row("a", [40.0, 40.0, 40.0], "µs", 50.0, reference=[60.0, 61.0, 62.0]),
            ["a: 62 µs on the reference core, allowed are 50"],
        ),
    ],
    ids=[
        "fine",
        "grows",
        "too small to tell",
        "may grow",
        "may grow but not so far",
        "the smallest counts too",
        "a slow core",
        "a quick core",
    ],
)
def test_broken_limits_are_named(row: Row, says: list[str]) -> None:
    assert list(row.flaws()) == says
