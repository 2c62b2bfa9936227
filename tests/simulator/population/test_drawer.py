"""What was written last is held, up to some bytes: the same as when it is written anew, whatever was asked before.

Drawer ─▶ key → content          World.origin ─▶ None once somebody has written about the human being
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from simulator.population.documents import Content, content_of, read
from simulator.population.documents.drawer import Drawer
from simulator.population.kept_from import KeptFrom
from simulator.population.people import Population
from simulator.population.records import Document
from simulator.population.world import World
from tests.simulator.population.lives import AS_OF, POPULATION


@dataclass(frozen=True)
class Sheet:
    name: int
    size_bytes: int


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 40)), max_size=40))
def test_a_drawer_gives_what_belongs_to_a_key_and_holds_no_more_than_it_may(asked: list[tuple[int, int]]) -> None:
    drawer: Drawer[Sheet] = Drawer(most_bytes=100)
    sizes: dict[int, int] = {}
    written = 0

    def write(name: int) -> Sheet:
        nonlocal written
        written += 1
        return Sheet(name, sizes[name])

    for name, size in asked:
        sizes.setdefault(name, size)
        before = written
        assert drawer.content(name, lambda name=name: write(name)) == Sheet(name, sizes[name])  # type: ignore[misc]
        assert drawer.content(name, lambda name=name: write(name)).name == name  # type: ignore[misc]
        assert written <= before + 1
    assert drawer.held_bytes <= 100
    assert written >= len(sizes)


def test_what_is_too_large_to_hold_is_written_each_time() -> None:
    drawer: Drawer[Sheet] = Drawer(most_bytes=100)
    assert drawer.content("a", lambda: Sheet(1, 101)) == Sheet(1, 101)
    assert drawer.content("a", lambda: Sheet(2, 101)) == Sheet(2, 101)
    assert drawer.held_bytes == 0


def written_anew(world: World, number: int, document: Document) -> Content:
    filed, whose = world.as_it_stood(document, number, document.created)
    return content_of(filed, world.chart_at(whose, document.created), world.population)


def test_a_document_that_is_held_is_the_one_that_would_be_written() -> None:
    """Among worlds that differ in one thing: seed, size, day, dirt, number."""
    populations = (
        POPULATION,
        Population(POPULATION.seed + 1, POPULATION.size, AS_OF),
        Population(POPULATION.seed, POPULATION.size + 1, AS_OF),
        Population(POPULATION.seed, POPULATION.size, AS_OF + timedelta(1)),
        Population(POPULATION.seed, POPULATION.size, AS_OF, replace(POPULATION.dirt, wrong_unit=1_000_000)),
    )
    worlds = [World(one) for one in populations]
    for _ in range(2):  # the second time from the drawer
        for number in (60, 61):
            for world in worlds:
                for document in world.chart(number).documents[-6:]:
                    assert read(world, number, document) == written_anew(world, number, document)


def test_a_document_is_the_same_in_every_format_whichever_was_asked_for_before() -> None:
    formats = ("text/html", "text/rtf", "text/plain", "application/pdf")
    number = next(n for n in range(60, 200) if len(World(POPULATION).chart(n).documents) > 10)
    documents = [one for one in World(POPULATION).chart(number).documents if one.mime != "application/xml"]
    for turn, (mime, document) in enumerate(zip(formats, documents, strict=False)):
        world = World(POPULATION)
        read(world, number, replace(document, mime=formats[turn - 1]))
        told = replace(document, mime=mime)
        assert read(world, number, told) == written_anew(world, number, told)


def test_nothing_is_held_of_whom_somebody_has_written_about() -> None:
    world = World(POPULATION)
    number = next(n for n in range(60, 200) if len(world.chart(n).documents) > 1 and world.chart(n).observations)
    chart = world.chart(number)
    document = chart.documents[-1]
    assert world.origin(number) == World(POPULATION).origin(number) is not None
    read(world, number, document)
    moved = replace(chart.person, family="Written")
    world.write(moved, number, "somebody", document.created - timedelta(1))
    assert world.origin(number) is None
    assert world.origin(number + 1) is not None
    assert read(world, number, document) == written_anew(world, number, document)
    assert "WRITTEN" in read(world, number, document).text.upper()


def test_who_is_kept_from_something_has_documents_of_their_own() -> None:
    world = World(POPULATION)
    assert KeptFrom(world, frozenset({"ETH"})).origin(3) != world.origin(3)
