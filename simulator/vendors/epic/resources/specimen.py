"""Specimen: what the tests of an order were made of, where the truth says so.

Source: SOURCES.md, "Resources" (MAP: that results refer to one; the form: US Core, guess).
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.fhir import build
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.resources import order_codes, orders, told
from simulator.vendors.epic.resources.told import Item


def _items(t: Telling) -> Iterator[Item]:
    return (item for item in orders.of_results(t) if orders.specimen_of(item))


def _payload(t: Telling, item: Item) -> Json:
    accession = order_codes.accession_of(t, item)
    made: Json = {} if accession is None else {"identifier": [accession], "accessionIdentifier": accession}
    collected = min(one.effective for one in orders.results_of(item))
    return made | {
        "status": "available",
        "type": {"text": orders.specimen_of(item)},
        "subject": t.subject,
        "request": [orders.reference(t, item)],
        "collection": {"collectedDateTime": build.instant(collected)},
    }


TOLD = told.resting("Specimen", _items, _payload, lambda t, item: orders.place_of(item))
