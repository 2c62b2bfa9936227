"""The served types: which truth each tells, in which order it is listed, and how one is rendered.

The API and `renderings` go through the same table, so what is judged is what was served.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.population.documents import Content
from simulator.population.records import (
    Allergy,
    Appointment,
    Condition,
    Coverage,
    Document,
    Encounter,
    Immunization,
    Medication,
    Observation,
    Procedure,
    Record,
)
from simulator.vendor import Rendering
from simulator.vendors.epic import ids
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.ids import Named
from simulator.vendors.epic.resources import (
    allergy,
    appointment,
    condition,
    coverage,
    document,
    encounter,
    immunization,
    medication,
    observation,
    patient,
    people,
    procedure,
)

if TYPE_CHECKING:
    from simulator.sandbox import Site

Item = tuple[Record, ...]
"""The records that one resource tells; none at all for "Not on File"."""


@dataclass(frozen=True, slots=True)
class Told:
    """How one type of the patient's compartment is told."""

    type: str
    kind: str
    items: Callable[[Telling], Iterable[Item]]
    render: Callable[[Telling, Item], Rendering]
    id_of: Callable[[Telling, Item], str]


def _in_order(kind: str, *, newest_first: bool) -> Callable[[Telling], Iterator[Item]]:
    def items(t: Telling) -> Iterator[Item]:
        records = t.chart.of(kind)
        return ((record,) for record in (reversed(records) if newest_first else records))

    return items


def _plain_id(type: str) -> Callable[[Telling, Item], str]:
    return lambda t, item: t.id(type, item[0].ordinal)


def _render_encounter(t: Telling, item: Item) -> Rendering:
    assert isinstance(item[0], Encounter)
    return encounter.render(t, item[0])


def _render_condition(t: Telling, item: Item) -> Rendering:
    assert isinstance(item[0], Condition)
    return condition.render(t, item[0])


def _allergies(t: Telling) -> Iterator[Item]:
    """The allergies; of a patient without any the one item that tells no record."""
    items: list[Item] = [(one,) for one in t.chart.allergies]
    return iter(items or [()])


def _render_allergy(t: Telling, item: Item) -> Rendering:
    if not item:
        return allergy.not_on_file(t)
    assert isinstance(item[0], Allergy)
    return allergy.render(t, item[0])


def _allergy_id(t: Telling, item: Item) -> str:
    return t.id("AllergyIntolerance", item[0].ordinal if item else ids.NOT_ON_FILE)


def _render_order(t: Telling, item: Item) -> Rendering:
    assert isinstance(item[0], Medication)
    return medication.render(t, item[0])


def _observed(item: Item) -> tuple[Observation, ...]:
    return tuple(record for record in item if isinstance(record, Observation))


def _observation_id(t: Telling, item: Item) -> str:
    assert isinstance(item[0], Observation)
    return observation.id_of(t, item[0])


def _render_immunization(t: Telling, item: Item) -> Rendering:
    assert isinstance(item[0], Immunization)
    return immunization.render(t, item[0])


def _render_procedure(t: Telling, item: Item) -> Rendering:
    assert isinstance(item[0], Procedure)
    return procedure.render(t, item[0])


def _render_document(t: Telling, item: Item) -> Rendering:
    assert isinstance(item[0], Document)
    return document.render(t, item[0])


def _render_appointment(t: Telling, item: Item) -> Rendering:
    assert isinstance(item[0], Appointment)
    return appointment.render(t, item[0])


def _render_coverage(t: Telling, item: Item) -> Rendering:
    assert isinstance(item[0], Coverage)
    return coverage.render(t, item[0])


TOLD: dict[str, Told] = {
    told.type: told
    for told in (
        Told("Encounter", "encounter", _in_order("encounter", newest_first=True), _render_encounter,
             _plain_id("Encounter")),
        Told("Condition", "condition", _in_order("condition", newest_first=False), _render_condition,
             _plain_id("Condition")),
        Told("AllergyIntolerance", "allergy", _allergies, _render_allergy, _allergy_id),
        Told("MedicationRequest", "medication", _in_order("medication", newest_first=True), _render_order,
             _plain_id("MedicationRequest")),
        Told("Observation", "observation", observation.items,
             lambda t, item: observation.render(t, _observed(item)), _observation_id),
        Told("Immunization", "immunization", _in_order("immunization", newest_first=False), _render_immunization,
             _plain_id("Immunization")),
        Told("Procedure", "procedure", _in_order("procedure", newest_first=True), _render_procedure,
             _plain_id("Procedure")),
        Told("DocumentReference", "document", _in_order("document", newest_first=True), _render_document,
             _plain_id("DocumentReference")),
        Told("Appointment", "appointment", _in_order("appointment", newest_first=False), _render_appointment,
             _plain_id("Appointment")),
        Told("Coverage", "coverage", _in_order("coverage", newest_first=False), _render_coverage,
             _plain_id("Coverage")),
    )
}  # fmt: skip

_BY_NUMBER: dict[str, Callable[[Site, int], Json | None]] = {
    "Medication": medication.render_drug,
    "Practitioner": people.practitioner,
    "Location": people.location,
    "Organization": people.organization,
}
SERVED = ("Patient", *TOLD, "Binary", *_BY_NUMBER)


def telling(site: Site, number: int) -> Telling | None:
    """The patient of that number as the site tells it; None when there is none."""
    person = site.sandbox.world.person(number)
    return Telling(site, person) if person is not None else None


def payload_of(site: Site, wanted: Named) -> Json | None:
    """The resource behind an id, or None: nothing of that number, or nothing any more."""
    if wanted.type in _BY_NUMBER:
        return _BY_NUMBER[wanted.type](site, wanted.number) if wanted.ordinal == 0 else None
    t = telling(site, wanted.number)
    if t is None:
        return None
    if wanted.type == "Patient":
        return patient.render(t).payload if wanted.ordinal == 0 else None
    if wanted.type == "Binary":
        return document.binary_resource(t, wanted.ordinal)
    told = TOLD[wanted.type]
    item = next((one for one in told.items(t) if _ordinal(one) == wanted.ordinal), None)
    if item is None:
        return None
    rendering = told.render(t, item)
    return rendering.payload if rendering.id[0] == wanted.frame else None


def content_of(site: Site, wanted: Named) -> Content | None:
    """The bytes behind the id of a Binary, or None."""
    t = telling(site, wanted.number) if wanted.type == "Binary" else None
    return None if t is None else document.binary(t, wanted.ordinal)


def _ordinal(item: Item) -> int:
    return item[0].ordinal if item else ids.NOT_ON_FILE


def renderings(site: Site, number: int) -> Iterator[Rendering]:
    """Every resource of a patient in listing order, and the drugs of the orders, which tell no record of their own.

    Raises:
        IndexError: there is no such patient.
    """
    t = telling(site, number)
    if t is None:
        raise IndexError(f"no patient {number}")
    yield patient.render(t)
    for told in TOLD.values():
        for item in told.items(t):
            yield told.render(t, item)
    for product in dict.fromkeys(int(order.product.code) for order in t.chart.medications):
        drug = medication.render_drug(site, product)
        if drug is not None:
            yield Rendering("Medication", drug["id"], drug, ())
