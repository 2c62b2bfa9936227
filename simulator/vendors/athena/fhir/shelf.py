"""What the FHIR side holds: for each type how a chart lists it, and how an id leads to one resource."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simulator import drift
from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.documents import Content
from simulator.population.records import Document, Record
from simulator.vendor import Rendering
from simulator.vendors.athena import ids, schedule, words
from simulator.vendors.athena.charts import PatientChart, patient_chart
from simulator.vendors.athena.fhir import (
    allergies,
    appointments,
    conditions,
    coverages,
    documents,
    encounters,
    medications,
    observations,
    patients,
    procedures,
    reports,
    shape,
)

if TYPE_CHECKING:
    from simulator.sandbox import Site

Telling = tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class ChartType:
    """One resource type of a chart: which records make a resource, what it is called, how it looks.

    `kind` and `item` name the records in the world and in the ids; `id_types` are the middles of the ids; `lookup`
    leads from the number of an id to (patient number, ordinal), where that is not the number of a chart item.
    """

    kind: str
    item: str
    id_types: frozenset[str]
    tellings: Callable[[PatientChart], list[Any]]
    id_of: Callable[[PatientChart, Any], str]
    render: Callable[[PatientChart, Any], Rendering]
    lookup: Callable[[Site, int], tuple[int, int]] | None = None

    def find(self, site: Site, value: int) -> tuple[int, int]:
        """(patient number, ordinal) behind the number of an id; whether they exist is the caller's question."""
        return ids.item_of(site, self.item, value) if self.lookup is None else self.lookup(site, value)


_DOCUMENT_CLASSES = frozenset({"clinicaldocument", "encounterdocument", "imagingresult", "medicalrecord"})

CHART_TYPES: dict[str, ChartType] = {
    "Encounter": ChartType(
        "encounter", "encounter", frozenset({"encounter"}), lambda seen: list(seen.chart.encounters),
        encounters.encounter_id, encounters.encounter,
    ),
    "Condition": ChartType(
        "condition", "problem", frozenset({"Problem", "EncounterDx"}), lambda seen: list(seen.chart.conditions),
        conditions.id_of, conditions.condition,
    ),
    "AllergyIntolerance": ChartType(
        "allergy", "allergy", frozenset({"allergy"}), lambda seen: list(seen.chart.allergies),
        allergies.id_of, allergies.allergy,
    ),
    "MedicationRequest": ChartType(
        "medication", "medication", frozenset({"historicalmedrequest", "medrequest"}),
        lambda seen: list(seen.chart.medications), medications.id_of, medications.request,
    ),
    "Observation": ChartType(
        "observation", "observation",
        frozenset({"resultamb", "vitalamb", "socialhistory", "screening", "observation"}),
        observations.tellings, lambda seen, records: observations.id_of(seen, records[0]),
        observations.observation,
    ),
    "Immunization": ChartType(
        "immunization", "immunization", frozenset({"historical"}), lambda seen: list(seen.chart.immunizations),
        encounters.immunization_id, encounters.immunization,
    ),
    "Procedure": ChartType(
        "procedure", "procedure", frozenset({"procedure"}), lambda seen: list(seen.chart.procedures),
        procedures.procedure_id, procedures.procedure,
    ),
    "DocumentReference": ChartType(
        "document", "document", _DOCUMENT_CLASSES, lambda seen: list(seen.chart.documents),
        documents.document_id, documents.document_reference,
    ),
    "DiagnosticReport": ChartType(
        "observation", "labresult", frozenset({"clinicalresult"}), reports.tellings, reports.report_id, reports.report,
    ),
    "Appointment": ChartType(
        "appointment", "appointment", frozenset({"appointment"}), lambda seen: list(seen.chart.appointments),
        appointments.appointment_id, appointments.appointment, schedule.booked,
    ),
    "Coverage": ChartType(
        "coverage", "coverage", frozenset({"insurance"}), lambda seen: list(seen.chart.coverages),
        coverages.coverage_id, coverages.coverage,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One resource of a chart, not yet rendered."""

    type: str
    seen: PatientChart
    telling: Any

    @property
    def head(self) -> Any:
        """The record that gives the resource its id."""
        return self.telling[0] if isinstance(self.telling, tuple) else self.telling

    @property
    def id(self) -> str:
        return CHART_TYPES[self.type].id_of(self.seen, self.telling)

    @property
    def changed(self) -> datetime:
        records = self.telling if isinstance(self.telling, tuple) else (self.telling,)
        return self.seen.updated(*records)

    def render(self) -> Rendering:
        return CHART_TYPES[self.type].render(self.seen, self.telling)

    def bytes(self) -> bytes:
        """The resource as JSON, kept."""
        return kept(self.seen, self.type, self.id, self.render)


def kept(seen: PatientChart, type: str, id: str, render: Callable[[], Rendering]) -> bytes:
    """The ready bytes of a resource of a chart."""
    cache_of_site = seen.site.cache
    key = ("fhir", type, id, seen.person_stamp if type == "Patient" else seen.stamp)
    ready = cache_of_site.get(key)
    return ready if ready is not None else cache_of_site.put(key, build.dumps(drift.told(seen.site, render().payload)))


def items(seen: PatientChart, type: str) -> list[Item]:
    """Every resource of one type of a chart, oldest first."""
    return [Item(type, seen, telling) for telling in CHART_TYPES[type].tellings(seen)]


def find(site: Site, type: str, id: str) -> Item | None:
    """The resource of a chart behind an id."""
    parsed = ids.parse_fhir_id(id)
    how = CHART_TYPES[type]
    if parsed is None or parsed[0] != ids.PRACTICE or parsed[1] not in how.id_types:
        return None
    number, ordinal = how.find(site, parsed[2])
    if number < 0 or site.sandbox.world.person(number) is None:
        return None
    seen = patient_chart(site, number)
    for telling in how.tellings(seen):
        item = Item(type, seen, telling)
        if item.head.ordinal == ordinal and item.id == id:
            return item
    return None


def binary(site: Site, id: str) -> bytes | None:
    """The bytes of a document as a Binary; None when nobody has that id. They are written anew each time: large, and
    seldom asked for twice."""
    found = _document_of(site, id)
    return None if found is None else build.dumps(drift.told(site, documents.binary(*found)))


def binary_content(site: Site, id: str) -> Content | None:
    """The bytes themselves."""
    found = _document_of(site, id)
    return None if found is None else documents.content(*found)


def _document_of(site: Site, id: str) -> tuple[PatientChart, Document] | None:
    parsed = ids.parse_fhir_id(id)
    if parsed is None or parsed[:2] != (ids.PRACTICE, "binary"):
        return None
    number, ordinal = ids.item_of(site, "document", parsed[2])
    found = site.sandbox.world.read("document", number, ordinal) if number >= 0 else None
    return (patient_chart(site, number), found) if isinstance(found, Document) else None


def patient_bytes(seen: PatientChart) -> bytes:
    """The Patient of a chart, kept."""
    return kept(seen, "Patient", ids.patient_fhir_id(seen.site, seen.number), lambda: patients.patient(seen))


def renderings(seen: PatientChart) -> Iterator[Rendering]:
    """Every FHIR resource of a chart, and the Medications it refers to."""
    yield _labelled(seen, patients.patient(seen))
    for type in CHART_TYPES:
        for item in items(seen, type):
            yield _labelled(seen, item.render())
    products = {medications.product_id(record): record for record in seen.chart.medications}
    for record in products.values():
        yield medications.product(seen, record)


def _labelled(seen: PatientChart, one: Rendering) -> Rendering:
    """A rendering with what its label says beside the truth, of restricted patients."""
    if not seen.is_restricted:
        return one
    also = Loss("sensitivity", "also", value=[shape.RESTRICTED])
    return replace(one, losses=(*one.losses, *((place, also) for place in range(len(one.records)))))


# What belongs to no chart


def standing(site: Site, type: str, id: str) -> dict[str, Any] | None:
    """A Medication, Organization, Location or Practitioner by its id."""
    found = _standing_now(site, type, id)
    return None if found is None else drift.told(site, found)


def _standing_now(site: Site, type: str, id: str) -> dict[str, Any] | None:
    parsed = ids.parse_fhir_id(id)
    if parsed is None:
        return None
    practice, kind, value = parsed
    population = site.sandbox.world.population
    if type == "Medication":
        is_ours = kind == "medication" and practice == ids.PRACTICE
        return medications.catalogue_product(site, value) if is_ours else None
    if type == "Practitioner":
        known = kind == "Provider" and practice == ids.PRACTICE and 1 <= value <= population.practitioners
        return _practitioner(site, value - 1) if known else None
    if type == "Location":
        known = kind == "Location" and practice == ids.PRACTICE and 1 <= value <= len(population.facilities)
        return _location(site, value - 1) if known else None
    return _organization(site, practice, kind, value)


def _practitioner(site: Site, index: int) -> dict[str, Any]:
    who = site.sandbox.world.population.practitioner(index)
    id = shape.practitioner_id(index)
    return _standing(
        "Practitioner",
        id,
        identifier=[
            *shape.identifier("ah-practitioner", id),
            {"system": build.SYSTEMS["npi"], "value": who.npi},
        ],
        active=True,
        name=[{"use": "official", "family": who.family, "given": [who.given], "suffix": [who.suffix]}],
    )


def _location(site: Site, index: int) -> dict[str, Any]:
    place = site.sandbox.world.population.facility(index)
    id = encounters.location_id(index)
    department = ids.fhir_id("Department", ids.departmentid(index))
    return _standing(
        "Location",
        id,
        identifier=shape.identifier("ah-location", id),
        status="active",
        name=place.name,
        telecom=[{"system": "phone", "value": words.punctuated(place.phone), "use": "work"}],
        address=_address(place.address),
        managingOrganization=build.reference("Organization", department),
    )


def _organization(site: Site, practice: str, kind: str, value: int) -> dict[str, Any] | None:
    """The practice (tenant prefix 1), a department, a chart sharing group, a provider group or the brand."""
    id = ids.fhir_id(kind, value, practice)
    if practice == "1":
        name = "emr-sandbox practice" if kind == "Practice" and str(value) == ids.PRACTICE else None
    elif practice == ids.PRACTICE:
        name = _organization_name(site, kind, value)
    else:
        name = None
    if name is None:
        return None
    return _standing("Organization", id, identifier=shape.identifier("ah-organization", id), active=True, name=name)


def _organization_name(site: Site, kind: str, value: int) -> str | None:
    facilities = site.sandbox.world.population.facilities
    if kind == "Department":
        return facilities[value - 1].name if 1 <= value <= len(facilities) else None
    if kind == "CSG":
        return f"Chart sharing group {value}" if 41 <= value <= 43 else None
    if kind == "PG":
        return f"Provider group {value}" if 1 <= value <= 3 else None
    return "emr-sandbox brand" if kind == "Brand" and value == 1 else None


def _address(address: Any) -> dict[str, Any]:
    return {
        "line": list(address.lines),
        "city": address.city,
        "state": address.state,
        "postalCode": address.zip,
        "country": "USA",
    }


def _standing(type: str, id: str, **members: Any) -> dict[str, Any]:
    practice = build.extension(shape.EXTENSION + "ah-practice", valueReference={"reference": ids.practice_reference()})
    return build.drop_empty({"resourceType": type, "id": id, "extension": [practice], **members})
