"""MedicationRequest: orders and what patients reported (`plan`), RxNorm beside the synonym, the frequency as a code."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.defects import is_unmapped
from simulator.population.records import Chart, Dosage, Medication
from simulator.sandbox import Site
from simulator.vendor import Rendering
from simulator.vendors.cerner import codes, habits, ids
from simulator.vendors.cerner.elements import (
    STRUCTURES,
    absent,
    concept,
    extension,
    in_seconds,
    in_server_time,
    midnight,
    narrative,
    standard,
    words_of,
    words_of_server_time,
)
from simulator.vendors.cerner.ids import Row
from simulator.vendors.cerner.resources import people
from simulator.vendors.cerner.resources.telling import Item, Span, Telling, Tokens, hidden_labels, rendering, state_of

_PLAN_PER_THOUSAND = 150
_NO_REQUESTER_PER_THOUSAND = 700  # of the plans
_LOCAL_ITEMS = frozenset({"naproxen500"})  # one that every site has; further ones are drawn per site
_OFFSET_PER_THOUSAND = 100
_CONCENTRATION = re.compile(r"([0-9.]+) MG/ML .*(?:Solution|Cream)")
_NLL = "http://electronichealth.se/fhir/StructureDefinition/NLL"
_STATEMENT_CATEGORY = "http://terminology.hl7.org/CodeSystem/medication-statement-category"
_THERAPY = "http://terminology.hl7.org/CodeSystem/medicationrequest-course-of-therapy"


def _items(site: Site, chart: Chart) -> list[Item]:
    number = chart.person.number
    return [Item(Row(number, one.ordinal), (one,)) for one in reversed(chart.medications)]


def _id_of(site: Site, item: Item) -> str:
    return str(ids.row_number(site, "medication", item.row))


def _row_of(site: Site, id: str) -> Row | None:
    row = ids.row_of(site, "medication", id)
    return row if row is not None and row.variant == 0 else None


def is_plan(site: Site, item: Item) -> bool:
    """Whether the site has it from the patient instead of from an order."""
    return item.records[0].intent == "order" and habits.happens(site, "reported", item.row, _PLAN_PER_THOUSAND)


def is_local_item(site: Site, one: Medication) -> bool:
    """Whether the site's catalogue has this product without a standard code."""
    population = site.sandbox.world.population
    return one.key in _LOCAL_ITEMS or is_unmapped(population, site.vendor.id, "local_drugs", one.key)


def concentration_of(one: Medication) -> Decimal | None:
    """The strength in percent, where the order's dose is the strength; None otherwise."""
    found = _CONCENTRATION.search(one.text)
    return Decimal(found[1]) / 10 if found else None


def _updated(site: Site, item: Item) -> datetime:
    state = state_of(site, "medication", item.row)
    if state:
        return state.updated
    one: Medication = item.records[0]
    touched = one.authored if one.stop is None else max(one.authored, midnight(one.stop))
    return touched + timedelta(minutes=habits.pick(site, "order updated", item.row, 30))


def _render(site: Site, chart: Chart, item: Item) -> Rendering:
    one: Medication = item.records[0]
    planned = is_plan(site, item)
    intent = "plan" if planned else one.intent
    has_requester = not planned or not habits.happens(site, "no requester", item.row, _NO_REQUESTER_PER_THOUSAND)
    medication, contained = _product(site, item, one)
    spell = in_server_time if habits.happens(site, "offset", item.row, _OFFSET_PER_THOUSAND) else in_seconds
    sig = _display_line(one)
    state = state_of(site, "medication", item.row)
    payload: dict[str, Any] = {
        "resourceType": "MedicationRequest",
        "id": _id_of(site, item),
        "meta": {
            "versionId": str(habits.pick(site, "order version", item.row, 4) + (state.version if state else 0)),
            "lastUpdated": in_seconds(_updated(site, item)),
        },
        "text": narrative(
            "Medication Request",
            [
                ("Status", one.status.title()),
                ("Intent", intent.title()),
                ("Medication", one.text),
                ("Dosage Instructions", sig),
                ("Patient", people.patient_name(chart.person)),
                ("Authored On", words_of(one.authored)),
            ],
        ),
    }
    if contained:
        payload["contained"] = [contained]
    payload["extension"] = _extensions()
    payload["status"] = one.status
    payload["intent"] = intent
    payload["category"] = _categories(chart, one, planned)
    payload["reportedBoolean"] = planned
    payload |= medication
    payload["subject"] = people.patient_ref(site, chart.person)
    if one.encounter is not None:
        payload["encounter"] = people.encounter_ref(site, item.row.number, one.encounter)
    payload["authoredOn"] = spell(one.authored)
    payload["requester"] = people.practitioner_ref(site, one.practitioner) if has_requester else absent()
    payload["courseOfTherapyType"] = _course(site, one)
    payload["dosageInstruction"] = [_dosage(site, one, sig)]
    payload["dispenseRequest"] = _dispense(one, spell)
    return rendering("MedicationRequest", payload, item.records, _losses(site, item, one, sig, planned))


def _losses(site: Site, item: Item, one: Medication, sig: str, planned: bool) -> list[tuple[int, Loss]]:
    losses = [(0, Loss("dosage.text", "also", value=sig))]
    if is_local_item(site, one):
        losses.append((0, Loss("codes", "text_only")))
    if planned:
        losses.append((0, Loss("intent", "replaced", value="plan")))
    if concentration_of(one) is not None:
        losses += [(0, Loss("dosage.dose", "omitted")), (0, Loss("dosage.doseUnit", "omitted"))]
    if one.reason is not None:
        losses.append((0, Loss("reason", "omitted")))
    hidden_labels(item.records, losses)
    return losses


def _product(site: Site, item: Item, one: Medication) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The product as a concept, or as a contained Medication when it has several ingredients."""
    codings = [codes.synonym(site, one.key, one.text)]
    if not is_local_item(site, one):
        codings.insert(0, standard(one.product.system, one.product.code, one.product.display))
    code = concept(codings, one.text)
    if " / " not in one.text:
        return {"medicationCodeableConcept": code}, None
    id = _id_of(site, item)
    ingredients = [{"itemCodeableConcept": {"text": part.strip()}} for part in one.text.split(" / ")]
    contained = {"resourceType": "Medication", "id": id, "code": code, "ingredient": ingredients}
    return {"medicationReference": {"reference": f"#{id}", "display": one.text}}, contained


def _extensions() -> list[dict[str, Any]]:
    electronic = {"code": "ELECTRONIC", "display": "Electronic"}
    return [
        extension(
            STRUCTURES + "pharmacy-verification-status",
            valueCodeableConcept={"text": "Does not need pharmacy verification"},
        ),
        extension(
            _NLL + "PrescriptionFormat",
            valueCoding={"system": "http://electronichealth.se/fhir/ValueSet/prescription-format", **electronic},
        ),
        extension(
            _NLL + "RegistrationBasis",
            valueCoding={"system": "http://ehalsomyndigheten.se/fhir/ValueSet/registration-basis-codes", **electronic},
        ),
    ]


def _categories(chart: Chart, one: Medication, planned: bool) -> list[dict[str, Any]]:
    if planned:
        said = standard(_STATEMENT_CATEGORY, "patientspecified", "Patient Specified")
        return [_category("community", "Community"), {"coding": [said]}]
    at = next((found for found in chart.encounters if found.ordinal == one.encounter), None)
    if at is not None and at.class_code in ("IMP", "EMER", "OBSENC"):
        return [_category("inpatient", "Inpatient")]
    return [_category("community", "Community")]


def _category(code: str, display: str) -> dict[str, Any]:
    return {"coding": [standard("medication-category", code, display)]}


def _course(site: Site, one: Medication) -> dict[str, Any]:
    lasting = one.refills > 0
    word = "Soft Stop" if lasting else "Physician Stop"
    code, display = (
        ("continuous", "Continuous long term therapy") if lasting else ("acute", "Short course (acute) therapy")
    )
    return concept([codes.local(site, 4009, word), standard(_THERAPY, code, display)], word)


def _dosage(site: Site, one: Medication, sig: str) -> dict[str, Any]:
    dosage = one.dosage
    instruction = f"{sig}, Start Date: {words_of_server_time(one.authored)}"
    made: dict[str, Any] = {
        "extension": [extension(STRUCTURES + "clinical-instruction", valueString=instruction)],
        "text": sig,
        "patientInstruction": dosage.text,
        "timing": _timing(site, one),
    }
    if dosage.as_needed:
        made["asNeededBoolean"] = True
    word = codes.ROUTE_WORDS.get(dosage.route_key, dosage.route.display)
    made["route"] = concept(
        [
            codes.local(site, codes.ROUTE, dosage.route_key, word),
            standard("snomed", dosage.route.code, dosage.route.display),
        ],
        word,
    )
    made["doseAndRate"] = [{"doseQuantity": _dose(one)}]
    return made


def _dose(one: Medication) -> dict[str, Any]:
    strength = concentration_of(one)
    if strength is not None:
        return build.quantity(_with_point(strength), "%", "%")
    unit, code = codes.DOSE_UNITS.get(one.dosage.unit, (one.dosage.unit, one.dosage.unit))
    return build.quantity(_with_point(one.dosage.dose), unit, code)


def _with_point(value: Decimal) -> Decimal:
    """Millennium tells doses as floating point: 1 is 1.0."""
    return value if value != value.to_integral_value() else value.quantize(Decimal("0.1"))


def _timing(site: Site, one: Medication) -> dict[str, Any]:
    """With a standard abbreviation `repeat` tells only the bounds; without one it tells the frequency itself."""
    dosage = one.dosage
    bounds = {"start": in_seconds(midnight(one.start))}
    if one.stop:
        bounds["end"] = in_seconds(midnight(one.stop))
    repeat: dict[str, Any] = {"boundsPeriod": bounds}
    word, abbreviation = codes.FREQUENCIES.get(dosage.frequency_code, (dosage.frequency_code, ""))
    codings = [codes.local(site, codes.FREQUENCY, dosage.frequency_code, word)]
    if abbreviation:
        codings.append(standard("v3-timing", abbreviation, abbreviation))
    else:
        repeat |= _repeat(dosage)
    return {"repeat": repeat, "code": concept(codings, word)}


def _repeat(dosage: Dosage) -> dict[str, Any]:
    made: dict[str, Any] = {"frequency": dosage.frequency}
    if dosage.period_unit:
        made |= {"period": dosage.period, "periodUnit": dosage.period_unit}
    return made


def _display_line(one: Medication) -> str:
    """The order in one line, as the chart shows it: `1 tab, Oral, BID, PRN, 180 tab, 3 Refill(s)`."""
    dosage = one.dosage
    unit = codes.DOSE_UNITS.get(dosage.unit, (dosage.unit, ""))[0]
    parts = [
        f"{build.plain(dosage.dose)} {unit}",
        codes.ROUTE_WORDS.get(dosage.route_key, dosage.route.display),
        codes.FREQUENCIES.get(dosage.frequency_code, (dosage.frequency_code, ""))[0],
    ]
    if dosage.as_needed:
        parts.append("PRN")
    return ", ".join([*parts, f"{one.refills} Refill(s)"])


def _dispense(one: Medication, spell: Any) -> dict[str, Any]:
    unit, code = codes.DOSE_UNITS.get(one.dosage.unit, (one.dosage.unit, one.dosage.unit))
    is_counted = one.dosage.unit in ("tablet", "capsule", "film", "patch")
    quantity = (
        build.quantity(_with_point(one.quantity), unit, code) if is_counted else {"value": _with_point(one.quantity)}
    )
    return {
        "extension": [extension(_NLL + "DosePackaging", valueBoolean=False)],
        "validityPeriod": {"start": spell(one.authored)},
        "numberOfRepeatsAllowed": one.refills,
        "quantity": quantity,
        "expectedSupplyDuration": build.quantity(Decimal(one.days_supply), "day(s)", "d"),
    }


def _status_tokens(site: Site, item: Item) -> Tokens:
    return [("", item.records[0].status)]


def _intent_tokens(site: Site, item: Item) -> Tokens:
    return [("", "plan" if is_plan(site, item) else item.records[0].intent)]


def _bounds(site: Site, item: Item) -> Span:
    one: Medication = item.records[0]
    end = midnight(one.stop) if one.stop else datetime.max.replace(tzinfo=midnight(one.start).tzinfo)
    return midnight(one.start), end


MEDICATION = Telling(
    "MedicationRequest",
    "medication",
    _items,
    _id_of,
    _row_of,
    _render,
    _updated,
    tokens={"status": _status_tokens, "intent": _intent_tokens},
    dates={"-timing-boundsPeriod": _bounds},
)
