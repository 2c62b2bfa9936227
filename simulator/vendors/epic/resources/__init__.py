"""The served types: which truth each tells, in which order it is listed, and how one is rendered.

The API and `renderings` go through the same table, so what is judged is what was served.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from simulator.population.documents import Content
from simulator.population.records import (
    Allergy,
    Appointment,
    Coverage,
    Document,
    Encounter,
    Immunization,
    Medication,
    Observation,
    Procedure,
)
from simulator.vendor import Rendering
from simulator.vendors.epic import ids
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.ids import Named
from simulator.vendors.epic.resources import (
    account,
    allergy,
    appointment,
    care_plan,
    care_team,
    condition,
    consent,
    coverage,
    device,
    document,
    drug,
    encounter,
    episode,
    forecast,
    goal,
    group,
    household,
    immunization,
    lists,
    medication,
    observation,
    patient,
    people,
    procedure,
    provenance,
    questionnaire,
    report,
    role,
    service_request,
    specimen,
)
from simulator.vendors.epic.resources.told import Item as Item
from simulator.vendors.epic.resources.told import Told as Told

if TYPE_CHECKING:
    from simulator.sandbox import Site


def _in_order(kind: str, *, newest_first: bool) -> Callable[[Telling], Iterator[Item]]:
    def items(t: Telling) -> Iterator[Item]:
        records = t.chart.of(kind)
        return ((record,) for record in (reversed(records) if newest_first else records))

    return items


def _plain_id(type: str) -> Callable[[Telling, Item], str]:
    return lambda t, item: t.id(type, item[0].ordinal)


def _place(t: Telling, item: Item) -> int:
    return item[0].ordinal if item else ids.NOT_ON_FILE


def _render_encounter(t: Telling, item: Item) -> Rendering:
    assert isinstance(item[0], Encounter)
    return encounter.render(t, item[0])


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
        Told("Encounter", "encounter", encounter.items, _render_encounter, _plain_id("Encounter"), _place),
        Told("Condition", "condition", condition.items, condition.render,
             lambda t, item: t.id("Condition", condition.place_of(item)), lambda t, item: condition.place_of(item)),
        Told("AllergyIntolerance", "allergy", _allergies, _render_allergy, _allergy_id, _place),
        Told("MedicationRequest", "medication", _in_order("medication", newest_first=True), _render_order,
             _plain_id("MedicationRequest"), _place),
        Told("Observation", "observation", observation.items,
             lambda t, item: observation.render(t, _observed(item)), _observation_id, _place),
        Told("Immunization", "immunization", _in_order("immunization", newest_first=False), _render_immunization,
             _plain_id("Immunization"), _place),
        Told("Procedure", "procedure", _in_order("procedure", newest_first=True), _render_procedure,
             _plain_id("Procedure"), _place),
        Told("DocumentReference", "document", document.items, _render_document, _plain_id("DocumentReference"), _place),
        Told("Appointment", "appointment", _in_order("appointment", newest_first=False), _render_appointment,
             _plain_id("Appointment"), _place),
        Told("Coverage", "coverage", _in_order("coverage", newest_first=False), _render_coverage,
             _plain_id("Coverage"), _place),
        service_request.TOLD, report.TOLD, specimen.TOLD, care_team.TOLD, care_plan.TOLD, goal.TOLD, episode.TOLD,
        device.TOLD,
        lists.TOLD, forecast.TOLD, questionnaire.TOLD, consent.TOLD, account.TOLD, household.TOLD,
    )
}  # fmt: skip

_BY_NUMBER: dict[str, Callable[[Site, int], Json | None]] = {
    "Medication": drug.render,
    "Practitioner": people.practitioner,
    "Location": people.location,
    "Organization": people.organization,
    "PractitionerRole": role.payload,
    "Group": group.payload,
    "Questionnaire": questionnaire.questionnaire,
}
SERVED = ("Patient", *TOLD, "Binary", *_BY_NUMBER, "Provenance")
"""The types that the truth fills."""


def telling(site: Site, number: int) -> Telling | None:
    """The patient of that number as the site tells it; None when there is none."""
    person = site.sandbox.world.person(number)
    return Telling(site, person) if person is not None else None


def payload_of(site: Site, wanted: Named) -> Json | None:
    """The resource behind an id, or None: nothing of that number, or nothing any more."""
    if wanted.type in _BY_NUMBER:
        return _BY_NUMBER[wanted.type](site, wanted.number) if wanted.ordinal == 0 else None
    if wanted.type == "Binary":
        content = content_of(site, wanted)
        id = ids.fhir_id(site.key, "Binary", wanted.number, wanted.ordinal)
        return None if content is None else document.binary_resource(id, content)
    t = telling(site, wanted.number)
    if t is None:
        return None
    if wanted.type == "Patient":
        return patient.render(t).payload if wanted.ordinal == 0 else None
    if wanted.type == "Provenance":
        return _provenance(t, wanted)
    found = _rendered(t, wanted)
    return None if found is None else found[1].payload


def provenance_id(site: Site, id: str) -> str | None:
    """The id of the Provenance of the patient's resource `id`; None for what has none."""
    named = ids.named(site.key, id)
    is_told = named is not None and (named.type == "Patient" or named.type in TOLD)
    return ids.provenance_id(site.key, named) if named is not None and is_told else None


def content_of(site: Site, wanted: Named) -> Content | None:
    """The bytes behind the id of a Binary, or None."""
    if wanted.type == "Binary" and wanted.ordinal == people.PHOTO:
        return people.photo(site, wanted.number)
    t = telling(site, wanted.number) if wanted.type == "Binary" else None
    return None if t is None else document.binary(t, wanted.ordinal)


def _item(t: Telling, wanted: Named) -> Item | None:
    told = TOLD[wanted.type]
    return next((one for one in told.items(t) if told.place_of(t, one) == wanted.ordinal), None)


def _rendered(t: Telling, wanted: Named) -> tuple[Item, Rendering] | None:
    item = _item(t, wanted)
    rendering = None if item is None else TOLD[wanted.type].render(t, item)
    return (item, rendering) if item is not None and rendering is not None and rendering.id[0] == wanted.frame else None


def _provenance(t: Telling, wanted: Named) -> Json | None:
    """Who wrote down what the id of a Provenance is about; None when that is nothing of the patient's."""
    target = wanted._replace(type=wanted.target, target="")
    if target.type == "Patient" and target.ordinal == 0:
        return provenance.payload(t, target, ())
    found = _rendered(t, target) if target.type in TOLD else None
    return None if found is None else provenance.payload(t, target, found[0])


def renderings(site: Site, number: int) -> Iterator[Rendering]:
    """Every resource of a patient in listing order, and the drugs of the orders, which tell no record of their own.

    What only references lead to (Binary, Provenance, people and places) is not among them.

    Raises:
        IndexError: there is no such patient.
    """
    t = telling(site, number)
    if t is None:
        raise IndexError(f"no patient {number}")
    yield patient.render(t)
    for told in TOLD.values():
        for item in told.items(t):
            yield document.with_hash(t, told.render(t, item))
    for product in dict.fromkeys(int(order.product.code) for order in t.chart.medications):
        told_drug = drug.render(site, product)
        if told_drug is not None:
            yield Rendering("Medication", told_drug["id"], told_drug, ())
