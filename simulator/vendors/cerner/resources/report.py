"""DiagnosticReport: the laboratory panels and the documents that say what was found, in one row."""

from __future__ import annotations

from datetime import datetime

from simulator.population.records import Chart
from simulator.sandbox import Site
from simulator.vendor import Rendering
from simulator.vendors.cerner import ids
from simulator.vendors.cerner.ids import Row
from simulator.vendors.cerner.resources import panel, reading
from simulator.vendors.cerner.resources.telling import Item, Span, Telling, Tokens, bare_id, bare_row

_id_of, _row_of = bare_id("report"), bare_row("report", variants=2)


def _is_reading(item: Item) -> bool:
    return item.row.variant == reading.VARIANT


def _at(item: Item) -> datetime:
    return reading.effective(item) if _is_reading(item) else panel.effective(item)


def _items(site: Site, chart: Chart) -> list[Item]:
    """Newest first."""
    return sorted([*panel.items(chart), *reading.items(chart)], key=_at, reverse=True)


def _render(site: Site, chart: Chart, item: Item) -> Rendering:
    render = reading.render if _is_reading(item) else panel.render
    return render(site, chart, item, _id_of(site, item))


def _updated(site: Site, item: Item) -> datetime:
    return reading.updated(site, item) if _is_reading(item) else panel.updated(site, item)


# What searches compare


def _category_tokens(site: Site, item: Item) -> Tokens:
    return reading.category_tokens(item) if _is_reading(item) else panel.category_tokens(item)


def _code_tokens(site: Site, item: Item) -> Tokens:
    return reading.code_tokens(site, item) if _is_reading(item) else panel.code_tokens(item)


def _encounter_tokens(site: Site, item: Item) -> Tokens:
    encounter = item.records[0].encounter
    return [] if encounter is None else [("", str(ids.row_number(site, "encounter", Row(item.row.number, encounter))))]


def _effective(site: Site, item: Item) -> Span:
    return _at(item), None


REPORT = Telling(
    "DiagnosticReport",
    "observation",
    _items,
    _id_of,
    _row_of,
    _render,
    _updated,
    tokens={"category": _category_tokens, "code": _code_tokens, "encounter": _encounter_tokens},
    dates={"date": _effective},
    links=True,
)
