"""How one type of a patient's compartment is told: which items there are, how one is rendered, what its id is.

Most resources tell one record. Others say again what records say, in another arrangement: a report of its results, a
care team of its visits. Their items hold the records behind them; their renderings tell no record of their own, so that
nothing is judged twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from simulator.population.records import Record
from simulator.vendor import Rendering
from simulator.vendors.epic.dialect import Json, Telling

Item = tuple[Record, ...]
"""The records that one resource tells, or rests on; none at all for "Not on File"."""


@dataclass(frozen=True, slots=True)
class Told:
    """How one type is told. `kind` is the kind of record that it tells, one resource a record; empty for those that
    rest on others. `place_of` gives the ordinal in the id of an item."""

    type: str
    kind: str
    items: Callable[[Telling], Iterable[Item]]
    render: Callable[[Telling, Item], Rendering]
    id_of: Callable[[Telling, Item], str]
    place_of: Callable[[Telling, Item], int]


def resting(
    type: str,
    items: Callable[[Telling], Iterable[Item]],
    payload: Callable[[Telling, Item], Json],
    place_of: Callable[[Telling, Item], int] | None = None,
) -> Told:
    """A type whose resources rest on records that others tell; `payload` leaves out `resourceType` and `id`. Without
    `place_of` the first record's ordinal is the resource's."""
    place = place_of or _first

    def id_of(t: Telling, item: Item) -> str:
        return t.id(type, place(t, item))

    def render(t: Telling, item: Item) -> Rendering:
        id = id_of(t, item)
        return Rendering(type, id, {"resourceType": type, "id": id, **payload(t, item)}, ())

    return Told(type, "", items, render, id_of, place)


def _first(t: Telling, item: Item) -> int:
    return item[0].ordinal
