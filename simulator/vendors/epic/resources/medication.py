"""MedicationRequest: three doses, a drug by reference, a sentence with dates.

Source: SOURCES.md, "Resources" (FS, MAP); trap E15.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from simulator.fhir import build
from simulator.population import tables
from simulator.population.answers import Loss
from simulator.population.records import Code, Dosage, Medication
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling, usual
from simulator.vendors.epic.resources import drug

_ROUTES = {  # row of routes.csv -> Epic's code and word; 6 and 18: seen, the others: guess
    "oral": ("15", "Oral"),
    "subcutaneous": ("18", "Subcutaneous"),
    "intramuscular": ("6", "Intramuscular"),
    "intravenous": ("11", "Intravenous"),
    "inhalation": ("7", "Inhalation"),
    "sublingual": ("17", "Sublingual"),
    "topical": ("24", "Topical"),
    "transdermal": ("20", "Transdermal"),
}
_METHODS = {"subcutaneous": ("422145002", "Inject"), "intramuscular": ("422145002", "Inject"),
            "oral": ("419652001", "Take")}  # fmt: skip
_COUNTED = ("tablet", "capsule", "puff", "patch", "film", "application", "spray", "drop", "suppository")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def render(t: Telling, medication: Medication) -> Rendering:
    """One order, with what of it is told differently."""
    encounter = t.encounter(medication.encounter)
    authored = t.day(medication.authored, medication.encounter)
    payload: Json = {
        "resourceType": "MedicationRequest",
        "id": t.id("MedicationRequest", medication.ordinal),
        "identifier": [usual(dialect.ORDER, dialect.number(t.draw("order", medication.ordinal), 7))],
        "status": medication.status,
        "intent": medication.intent,
        "category": [dialect.told("medication-category", *category_of(t, medication))],
        "priority": "stat" if medication.dosage.frequency_code == "ONCE" and encounter is not None else "routine",
        "medicationReference": build.reference(
            "Medication", drug.medication_id(t.key, medication.product), medication.text
        ),
        "subject": t.subject,
    }
    if encounter is not None:
        payload["encounter"] = encounter
    prescriber = t.practitioner(medication.practitioner)
    payload |= {"authoredOn": authored.isoformat(), "requester": prescriber, "recorder": prescriber}
    reason = t.conditions.get(medication.reason) if medication.reason is not None else None
    if reason is not None:
        payload["reasonCode"] = [
            {"coding": [build.coding(dialect.spoken(code)) for code in reason.codes], "text": reason.text}
        ]
    payload["courseOfTherapyType"] = _course(medication)
    payload["dosageInstruction"] = [_dosage(t, medication)]
    payload["dispenseRequest"] = _dispense(medication)
    losses = [
        Loss("authored", "replaced", "day", dialect.precise_day(authored)),
        Loss("dosage.route", "text_only"),
        Loss("dosage.text", "also", "with dates and print mode", payload["dosageInstruction"][0]["text"]),
    ]
    if medication.dosage.frequency_code == "ONCE":
        losses += [
            Loss(f"dosage.{name}", "also", "only a count is told") for name in ("frequency", "period", "periodUnit")
        ]
    if drug.is_local(t.site, medication.key):
        losses.append(Loss("codes", "text_only", "not mapped to RxNorm"))
    elif medication.ingredient is not None:
        losses.append(Loss("codes", "also", "the ingredient", [_canonical(medication.ingredient)]))
    if medication.sensitivity:
        losses.append(Loss("sensitivity", "omitted"))
    return Rendering("MedicationRequest", payload["id"], payload, (medication,), tuple((0, one) for one in losses))


def category_of(t: Telling, medication: Medication) -> tuple[str, str]:
    """Of orders of a hospital stay `inpatient`, or `discharge` for what goes on at home; else `community`: code and
    display."""
    encounter = t.encounters.get(medication.encounter) if medication.encounter is not None else None
    if encounter is None or encounter.class_code not in ("IMP", "OBSENC"):
        return "community", "Community"
    return ("discharge", "Discharge") if medication.refills else ("inpatient", "Inpatient")


def _canonical(code: Code) -> dict[str, str]:
    return {"system": code.system, "code": code.code}


def _course(medication: Medication) -> Json:
    code, display = ("continuous", "Continuous long term therapy") if medication.refills else _ACUTE
    return dialect.told("http://terminology.hl7.org/CodeSystem/medicationrequest-course-of-therapy", code, display)


_ACUTE = ("acute", "Short course (acute) therapy")


def _dosage(t: Telling, medication: Medication) -> Json:
    dosage = medication.dosage
    code, word = _ROUTES.get(dosage.route_key, ("", dialect.words_of(dosage.route.display)))
    made: Json = {
        "text": _sentence(medication, category_of(t, medication)[0]),
        "patientInstruction": dosage.text,
        "timing": _timing(medication, is_inpatient=category_of(t, medication)[0] == "inpatient"),
        "asNeededBoolean": dosage.as_needed,
        "route": dialect.told(dialect.local("4.798268.7025"), code, word) if code else {"text": word},
    }
    if dosage.route_key in _METHODS:
        made["method"] = dialect.told("snomed", *_METHODS[dosage.route_key])
    return made | {"doseAndRate": _doses(medication)}


def _sentence(medication: Medication, category: str) -> str:
    """The sig with dates and how it left the system: "…, Starting Mon 4/29/2019, Until Tue 4/28/2020, Normal"."""
    until = f", Until {_spoken(medication.stop)}" if medication.stop else ""
    mode = "No Print" if category == "inpatient" else "Normal"
    return f"{medication.dosage.text}, Starting {_spoken(medication.start)}{until}, {mode}"


def _spoken(on: date) -> str:
    return f"{_WEEKDAYS[on.weekday()]} {on.month}/{on.day}/{on.year}"


def _timing(medication: Medication, *, is_inpatient: bool) -> Json:
    dosage = medication.dosage
    bounds: Json = {"start": medication.start.isoformat()}
    if medication.stop is not None:
        bounds["end"] = medication.stop.isoformat()
    repeat: Json = {"boundsPeriod": bounds}
    if dosage.frequency_code == "ONCE":
        repeat["count"] = 1
    else:
        count = _count(medication)
        if count is not None:
            repeat["count"] = count
        repeat |= {"frequency": dosage.frequency, "period": _number(dosage.period), "periodUnit": dosage.period_unit}
    row = tables.FREQUENCIES.get(dosage.frequency_code)
    words = row.words.capitalize() if row else dosage.frequency_code
    if is_inpatient and dosage.frequency_code in _ROUNDS:
        at = _ROUNDS[dosage.frequency_code]
        repeat["timeOfDay"] = [f"{at}:00"]
        words = at.replace(":", "")
    return {"repeat": repeat, "code": {"text": words}}


_ROUNDS = {"QD": "09:00", "QAM": "08:00", "QPM": "18:00", "QHS": "21:00"}
"""When a ward gives what is given once a day: "0900" seen, the others guess."""


_HOURS = {"min": Decimal(1) / 60, "h": Decimal(1), "d": Decimal(24), "wk": Decimal(168)}


def _count(medication: Medication) -> int | None:
    """How many doses a short course has; None for everything else."""
    dosage = medication.dosage
    if medication.refills or medication.stop is None or dosage.as_needed or dosage.period_unit not in _HOURS:
        return None
    hours = Decimal(24 * medication.days_supply)
    return int(hours * dosage.frequency / (dosage.period * _HOURS[dosage.period_unit])) or None


def _doses(medication: Medication) -> list[Json]:
    """`calculated`, `admin-amount` and `ordered`; the last is the dose. Only the first speaks in milligrams."""
    dosage = medication.dosage
    ordered = _dose(dosage)
    calculated = ordered
    strength = drug.strength_of(medication.product)
    if strength is not None and dosage.unit in ("tablet", "capsule"):
        calculated = build.quantity(_number(dosage.dose * strength), "mg", "mg")
    kinds = (("calculated", calculated), ("admin-amount", ordered), ("ordered", ordered))
    return [
        {"type": dialect.told("http://epic.com/CodeSystem/dose-rate-type", kind, kind), "doseQuantity": amount}
        for kind, amount in kinds
    ]


def _dose(dosage: Dosage) -> Json:
    counted = "{tbl}" if dosage.unit == "tablet" else "{" + dosage.unit + "}"
    ucum = counted if dosage.unit in _COUNTED else dosage.unit
    return build.quantity(_number(dosage.dose), dosage.unit, ucum)


def _dispense(medication: Medication) -> Json:
    period: Json = {"start": medication.start.isoformat()}
    if medication.stop is not None:
        period["end"] = medication.stop.isoformat()
    counted = medication.dosage.unit if medication.dosage.unit in _COUNTED else ""
    return {
        "validityPeriod": period,
        "numberOfRepeatsAllowed": medication.refills,
        "quantity": build.quantity(_number(medication.quantity), counted or None),
        "expectedSupplyDuration": build.quantity(Decimal(medication.days_supply), "Day", "d"),
    }


def _number(value: Decimal) -> Decimal:
    """`value` without trailing zeros, as Epic's numbers come."""
    return Decimal(build.plain(value.normalize()))
