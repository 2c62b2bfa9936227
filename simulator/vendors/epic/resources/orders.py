"""What was ordered: the panel or test behind results, the procedure that was done, and where their resources are.

The truth knows what came of an order, not the order itself. One is told for every panel or single test of an encounter
and for every procedure that was ordered: what it says follows from what came of it. ServiceRequest, DiagnosticReport
and Specimen of one order have the same ordinal, which does not move when a result is corrected or taken back.
"""

from __future__ import annotations

from datetime import datetime

from simulator.fhir import build
from simulator.population import tables
from simulator.population.records import Document, Observation, Procedure
from simulator.population.world import FIRST_WRITTEN_ORDINAL
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.resources.told import Item

TESTS = {key: place for place, key in enumerate(sorted({*tables.PANELS, *tables.LABS}))}
"""The place of each test and panel among all of them."""
READ = ("imaging", "pathology")
"""The documents that are reports of what somebody read in an image or under a microscope."""
_BITS = 8  # of the place of a test behind the ordinal of the encounter
_ENCOUNTERS = 1 << 12
_ALONE, _PROCEDURE, _DOCUMENT = 1 << 21, 1 << 22, 1 << 23
SPECIMENS: dict[str, str] = {row["key"]: row["specimen"].capitalize() for row in tables.raw("labs") if row["specimen"]}
"""What the tests of labs.csv are made of, where that is known."""


def place_of_result(one: Observation) -> int:
    """The ordinal of the order behind a result. What somebody wrote belongs to an order of its own."""
    encounter = one.encounter
    if one.ordinal >= FIRST_WRITTEN_ORDINAL or encounter is None or encounter >= _ENCOUNTERS:
        return _ALONE + one.ordinal
    return encounter << _BITS | TESTS[one.panel_key or one.key]


def place_of(item: Item) -> int:
    """The ordinal of the order, or of the report, that rests on these records."""
    first = item[0]
    if isinstance(first, Observation):
        return place_of_result(first)
    return (_DOCUMENT if isinstance(first, Document) else _PROCEDURE) + first.ordinal


def of_results(t: Telling) -> list[Item]:
    """The results of each order of the laboratory, the latest order first."""
    found: dict[int, list[Observation]] = {}
    for one in t.chart.observations:
        if one.category == "laboratory":
            found.setdefault(place_of_result(one), []).append(one)
    return [tuple(results) for results in sorted(found.values(), key=issued_of, reverse=True)]


def issued_of(results: list[Observation] | tuple[Observation, ...]) -> datetime:
    """When the last result of an order was issued."""
    return max(one.issued for one in results)


def results_of(item: Item) -> tuple[Observation, ...]:
    """The results among the records of an item."""
    return tuple(one for one in item if isinstance(one, Observation))


def reference(t: Telling, item: Item) -> Json:
    """The reference to the order."""
    return build.reference("ServiceRequest", t.id("ServiceRequest", place_of(item)), name_of(item))


def name_of(item: Item) -> str:
    """What was ordered, in words."""
    first = item[0]
    if isinstance(first, Observation):
        return first.panel.display if first.panel is not None else first.text
    assert isinstance(first, Procedure)
    return dialect.words_of(first.text)


def specimen_of(item: Item) -> str:
    """What the order's tests are made of, in a word; empty where that is not known."""
    return next((SPECIMENS[one.key] for one in results_of(item) if one.key in SPECIMENS), "")


def specimen_reference(t: Telling, item: Item) -> Json | None:
    """The reference to the order's specimen; None when none is known."""
    if not specimen_of(item):
        return None
    return build.reference("Specimen", t.id("Specimen", place_of(item)), "Specimen")


def procedure_of(t: Telling, one: Document) -> Procedure | None:
    """The procedure that a report is about: the first of its kind at the encounter; None when it was taken back."""
    kinds = tables.DOCUMENTS[one.key].procedures
    return next((each for each in t.chart.procedures if each.encounter == one.encounter and each.key in kinds), None)


def reports_on(t: Telling, about: Procedure) -> list[Json]:
    """References to what was reported on a procedure."""
    return [
        {
            "reference": f"DiagnosticReport/{t.id('DiagnosticReport', place_of((one,)))}",
            "type": "DiagnosticReport",
            "display": name_of((about,)),
        }
        for one in t.chart.documents
        if one.key in READ and one.encounter == about.encounter and procedure_of(t, one) == about
    ]
