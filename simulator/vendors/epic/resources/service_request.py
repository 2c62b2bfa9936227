"""ServiceRequest: the orders behind results and procedures.

Source: SOURCES.md, "Resources" (MAP: that results, reports and procedures refer to one; CS: what can be asked; the
form: US Core, guess).
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.fhir import build
from simulator.population.records import Observation, Procedure
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.resources import order_codes, orders, procedure, told
from simulator.vendors.epic.resources.told import Item

_LABORATORY = dialect.told("snomed", "108252007", "Laboratory procedure") | {"text": "Lab"}


def _items(t: Telling) -> Iterator[Item]:
    yield from orders.of_results(t)
    yield from order_codes.of_procedures(t)


def _payload(t: Telling, item: Item) -> Json:
    """One order. When it was placed is not known: it is told with the encounter's beginning."""
    first = item[0]
    assert isinstance(first, Observation | Procedure)
    is_test = isinstance(first, Observation)
    at = first.effective if isinstance(first, Observation) else first.start
    encounter = t.encounters.get(first.encounter) if first.encounter is not None else None
    placed = min(encounter.start, at) if encounter is not None else at
    made: Json = {
        "identifier": order_codes.identifiers(t, item),
        "status": _status(item),
        "intent": "order",
        "category": [_LABORATORY if is_test else dialect.told("snomed", procedure.ORDERED, "Diagnostic procedure")],
        "code": {"coding": order_codes.codings(t, item), "text": orders.name_of(item)},
        "subject": t.subject,
    }
    visit = t.encounter(first.encounter)
    if visit is not None:
        made["encounter"] = visit
    made |= {
        "occurrenceDateTime": build.instant(at),
        "authoredOn": build.instant(placed),
        "requester": t.practitioner(first.practitioner),
    }
    reason = t.conditions.get(first.reason) if isinstance(first, Procedure) and first.reason is not None else None
    if reason is not None:
        made["reasonCode"] = [{"coding": [build.coding(code) for code in reason.codes], "text": reason.text}]
    specimen = orders.specimen_reference(t, item)
    return made if specimen is None else made | {"specimen": [specimen]}


def _status(item: Item) -> str:
    """`active` until the last result is final."""
    return "active" if any(one.status == "preliminary" for one in orders.results_of(item)) else "completed"


TOLD = told.resting("ServiceRequest", _items, _payload, lambda t, item: orders.place_of(item))
