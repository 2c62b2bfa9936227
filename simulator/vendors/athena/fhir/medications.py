"""FHIR MedicationRequest and Medication: the codes stand in the Medication, which is another resource; what was
entered as history has only a sentence for a sig."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from simulator.fhir import build
from simulator.population import tables
from simulator.population.answers import Loss
from simulator.population.records import Code, Dosage, Medication
from simulator.population.tables.rows import MedicationRow
from simulator.vendor import Rendering
from simulator.vendors.athena import ids
from simulator.vendors.athena.charts import PatientChart, is_local_product
from simulator.vendors.athena.fhir import shape
from simulator.vendors.athena.rest.medications import (
    DOSAGE_FIELDS,
    catalogue_number,
    codes_told,
    medicationid,
)

if TYPE_CHECKING:
    from simulator.sandbox import Site


def id_of(seen: PatientChart, record: Medication) -> str:
    """`historicalmedrequest-…` or `medrequest-…`."""
    type = "historicalmedrequest" if seen.is_history(record) else "medrequest"
    return ids.fhir_id(type, seen.item("medication", record.ordinal))


def product_id(record: Medication) -> str:
    return ids.fhir_id("medication", medicationid(record))


def request(seen: PatientChart, record: Medication) -> Rendering:
    """One MedicationRequest."""
    id = id_of(seen, record)
    is_history = seen.is_history(record)
    payload = shape.resource(
        seen,
        "MedicationRequest",
        id,
        seen.updated(record),
        record.sensitivity,
        identifier=shape.identifier("ah-medicationrequest", id),
        status=record.status,
        intent=record.intent,
        reportedBoolean=is_history,
        medicationReference=build.reference("Medication", product_id(record), record.text),
        subject=shape.subject(seen),
        encounter=None if is_history else shape.encounter(seen, record.encounter),
        authoredOn=shape.local_time(record.authored, seen.zone),
        requester=shape.practitioner(seen, record.practitioner),
        reasonCode=shape.reason(seen, record.reason),
        dosageInstruction=[_words(record) if is_history else _sig(record)],
        dispenseRequest=None if is_history else _dispense(record),
    )
    return Rendering(
        "MedicationRequest", id, payload, (record,), tuple((0, loss) for loss in _losses(seen, record, is_history))
    )


def _losses(seen: PatientChart, record: Medication, is_history: bool) -> list[Loss]:
    losses = codes_told(seen, record)
    if is_history:
        losses += [Loss(f"dosage.{field}", "also", "in the words of the sig") for field in DOSAGE_FIELDS]
        losses += [Loss(field, "omitted") for field in ("quantity", "daysSupply", "refills")]
    return losses


def _bounds(record: Medication) -> dict[str, Any]:
    bounds = {"start": build.day(record.start)}
    if record.stop:
        bounds["end"] = build.day(record.stop)
    return {"boundsPeriod": bounds}


def _words(record: Medication) -> dict[str, Any]:
    return {"text": record.dosage.text, "timing": {"repeat": _bounds(record)}}


def _sig(record: Medication) -> dict[str, Any]:
    dosage = record.dosage
    is_ucum = dosage.unit in ("mg", "g", "mL", "[iU]")
    return {
        "text": dosage.text,
        "timing": {"repeat": {**_bounds(record), **_repeat(dosage)}},
        "asNeededBoolean": dosage.as_needed,
        "route": build.concept(dosage.route, dosage.route.display),
        "doseAndRate": [
            {"doseQuantity": build.quantity(dosage.dose, dosage.unit, dosage.unit if is_ucum else None)},
        ],
    }


def _repeat(dosage: Dosage) -> dict[str, Any]:
    told: dict[str, Any] = {"frequency": dosage.frequency}
    if dosage.period_unit:
        told |= {"period": dosage.period, "periodUnit": dosage.period_unit}
    return told


def _dispense(record: Medication) -> dict[str, Any]:
    return {
        "numberOfRepeatsAllowed": record.refills,
        "quantity": build.quantity(record.quantity, record.dosage.unit),
        "expectedSupplyDuration": build.quantity(Decimal(record.days_supply), "day", "d"),
    }


# Medication


def _product(product: Code, ingredient: Code | None, text: str, id: str, is_local: bool) -> dict[str, Any]:
    """The resource of a product; one that nobody mapped tells its name, and its ingredient's."""
    codes = [] if is_local else [product]
    parts = [] if is_local or ingredient is None else [ingredient]
    return build.drop_empty(
        {
            "resourceType": "Medication",
            "id": id,
            "extension": [
                build.extension(shape.EXTENSION + "ah-practice", valueReference={"reference": ids.practice_reference()})
            ],
            "identifier": shape.identifier("ah-medication", id),
            "code": build.concept(codes, text),
            "ingredient": [{"itemCodeableConcept": build.concept(parts, ingredient.display)}] if ingredient else [],
        }
    )


def product(seen: PatientChart, record: Medication) -> Rendering:
    """The Medication behind a request: shared by everybody who takes it, so no truth record of its own."""
    id = product_id(record)
    made = _product(record.product, record.ingredient, record.product.display, id, seen.lacks_rxnorm(record))
    return Rendering("Medication", id, made, ())


def catalogue_product(site: Site, number: int) -> dict[str, Any] | None:
    """The Medication of that catalogue number; None when the site's formulary has none."""
    row = _catalogue().get(number)
    if row is None:
        return None
    id = ids.fhir_id("medication", number)
    return _product(row.product, row.ingredient, row.product.display, id, is_local_product(site, row.key))


@cache
def _catalogue() -> dict[int, MedicationRow]:
    return {catalogue_number(row.product): row for row in tables.MEDICATIONS.values()}
