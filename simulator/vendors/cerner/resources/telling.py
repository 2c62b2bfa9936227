"""How one kind of truth becomes resources: the contract that each file of this folder fills for its FHIR type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from simulator.population.answers import Loss
from simulator.population.records import Chart, Record, State
from simulator.sandbox import Site
from simulator.vendor import Rendering
from simulator.vendors.cerner import ids
from simulator.vendors.cerner.ids import Row

TRUE, MISTAKEN = 0, 1
"""Variants of a row: what is so, and what was entered in error beside it and taken back."""

Tokens = list[tuple[str, str]]
Span = tuple[datetime, datetime | None] | None


class Item(NamedTuple):
    """One resource to be: its row and the truth behind it (for a mistaken row, the record it stands beside)."""

    row: Row
    records: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Telling:
    """One FHIR type of patients' charts.

    kind     the truth's kind
    items    everything of a chart, in the order in which the site lists it
    id_of    the resource id of an item; `row_of` turns it back, or gives None
    render   the resource of an item
    updated  when the item last changed, as `meta.lastUpdated` tells it
    tokens   what a token parameter compares, by parameter: (system, code) pairs; system "" for plain codes
    dates    what a date parameter compares, by parameter: (start, end or None)
    listed   whether a search by patient finds an item
    weighed  further losses of an item, which only the judge asks for: they need the bytes of documents
    links    whether it names resources by absolute URLs, which are put in when it is sent
    """

    type: str
    kind: str
    items: Callable[[Site, Chart], Sequence[Item]]
    id_of: Callable[[Site, Item], str]
    row_of: Callable[[Site, str], Row | None]
    render: Callable[[Site, Chart, Item], Rendering]
    updated: Callable[[Site, Item], datetime]
    tokens: Mapping[str, Callable[[Site, Item], Tokens]] = field(default_factory=dict)
    dates: Mapping[str, Callable[[Site, Item], Span]] = field(default_factory=dict)
    listed: Callable[[Item], bool] = lambda item: True
    weighed: Callable[[Site, Chart, Item], list[tuple[int, Loss]]] | None = None
    links: bool = False

    def item(self, site: Site, chart: Chart, id: str) -> Item | None:
        """The item whose id is `id`; None if the chart has none."""
        return self.pick(site, {item.row: item for item in self.items(site, chart)}, id)

    def pick(self, site: Site, by_row: Mapping[Row, Item], id: str) -> Item | None:
        """The item of `by_row` whose id is `id`, prefix and all; None if there is none."""
        row = self.row_of(site, id)
        item = None if row is None else by_row.get(row)
        return item if item is not None and self.id_of(site, item) == id else None


def bare_id(space: str) -> Callable[[Site, Item], str]:
    """The `id_of` of a type whose ids are the bare row numbers of an id space."""
    return lambda site, item: str(ids.row_number(site, space, item.row))


def bare_row(space: str, variants: int = 1) -> Callable[[Site, str], Row | None]:
    """The `row_of` of such a type, of whose rows there are so many variants."""

    def row_of(site: Site, id: str) -> Row | None:
        row = ids.row_of(site, space, id)
        return row if row is not None and row.variant < variants else None

    return row_of


def state_of(site: Site, kind: str, row: Row) -> State | None:
    """How often the record of a row has changed, and when it last did; None for what was entered beside it in error."""
    return site.sandbox.world.state(kind, row.number, row.ordinal) if row.variant == TRUE else None


def retracted(chart: Chart, kind: str) -> list[Any]:
    """What of a kind was entered in error: this vendor goes on telling it, as such."""
    return [one for one in chart.retracted if one.kind == kind]


def rendering(
    type: str, payload: dict[str, Any], records: tuple[Record, ...], losses: list[tuple[int, Loss]]
) -> Rendering:
    """The Rendering of `payload`."""
    return Rendering(type, payload["id"], payload, records, tuple(losses))


def hidden_labels(records: Sequence[Any], losses: list[tuple[int, Loss]]) -> None:
    """Records that sensitivity labels are not told (only Condition has any)."""
    for index, record in enumerate(records):
        if record.sensitivity:
            losses.append((index, Loss("sensitivity", "omitted")))
