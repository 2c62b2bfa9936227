"""The canonical records that a perfect integration would hold, and what is acceptable where a vendor lost something.

Canonical records (contract section 5), one dict a fact. Common members: `kind`, `source` {vendor,type,id[,part]},
`patient` {vendor,id}. `source.part` is the LOINC code of the component, only for observations told as components of
one resource (blood pressure). `codes` are [{system,code}] with short system names; numbers are strings; times are
{value,precision} with precision year|month|day|minute|second|millisecond, instants in UTC with `Z`; `sensitivity` are
the labels of sensitive data, codes of HL7 v3 ActCode (SUD, HIV, SDV …).

patient       name {family,given[],suffix}, birthDate {value,precision}, administrativeGender, sexAtBirth (F/M),
              race [omb codes], ethnicity (code), language (bcp47), maritalStatus (v3 code),
              telecom [{system,use,value}], addresses [{use,lines[],city,state,zip}],
              identifiers [{type,system,value}], deceased {value: bool}, sensitivity (of the whole chart)
encounter     status, class, type {codes,text}, start, end, reasonCodes [codes], location (name), sensitivity,
              admitSource {codes,text}, dischargeDisposition {codes,text} (both of what happens in hospital)
condition     codes, text, clinicalStatus, verification, category, onset, abatement, recorded
allergy       assertion (present / none-known), codes, text, type, category, criticality, clinicalStatus,
              verification, reactions [snomed codes], onset
medication    codes, text, status, intent, authored, dosage {dose,doseUnit,route (snomed),frequency,period,periodUnit,
              asNeeded,text}, start, stop, quantity, daysSupply, refills, reason [codes]
observation   status, category, codes, text, effective, issued, value {number,unit,comparator} or
              {coded {codes,text}} or {text}, interpretation, range {low,high}, panel (loinc)
immunization  codes, text, date, status, lot
procedure     codes, text, status, performed, end, reason [codes]
document      type (loinc), text (the title), status, mime, date, sha256 (of the bytes), content (its words, plain)
appointment   status, type {codes,text}, start, minutes, reason [codes], text, cancelReason, practitioner (name),
              location (name)
coverage      status, payer, plan, category, memberId (of the policy), dependent (the payer's number for who one is on
              it), group, relationship, order, period {start,end}

An absent key means "this integration does not carry it"; null means "known to be absent", and `absent` says why:
{field: unknown | asked-unknown | asked-declined | not-asked | masked | not-applicable | not-performed | error}, or one
of these for every null of the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from simulator.population import tables
from simulator.population.documents import read
from simulator.population.judging import Expectation, Mismatch, compare
from simulator.population.losses import How, Loss
from simulator.population.records import (
    Allergy,
    Appointment,
    Chart,
    Code,
    Condition,
    Coverage,
    Document,
    Encounter,
    Immunization,
    Medication,
    Observation,
    Person,
    Procedure,
    Record,
)
from simulator.population.tables.rows import HospitalRow
from simulator.population.world import World

__all__ = ["Expectation", "How", "Json", "Loss", "Mismatch", "canonical", "compare", "expected", "told"]

Json = dict[str, Any]


def canonical(record: Record, *, chart: Chart, world: World, source: Json, patient: Json) -> Json:
    """The canonical record of `record` as if the vendor told everything. Identifiers are the vendor's: a room adds them
    by a `Loss("identifiers", "replaced", value=[…])`."""
    facts = _MAKERS[record.kind](record, chart, world)
    told = {name: patient[name] for name in ("vendor", "id") if name in patient}
    return {"kind": record.kind, "source": dict(source), "patient": told, **facts}


def expected(
    record: Record, losses: Iterable[Loss], *, chart: Chart, world: World, source: Json, patient: Json
) -> Expectation:
    """What a perfect integration holds of `record` after `losses`. A `patient` with a list `also` of further ids makes
    `compare` judge whose record it is."""
    truth = canonical(record, chart=chart, world=world, source=source, patient=patient)
    zone = world.population.facility(_facility(record, chart)).zone
    kept = tuple(loss.known() for loss in losses)
    left = told(truth, kept, zone)
    key = record.key if isinstance(record, Observation) else ""
    ids = (str(patient["id"]), *map(str, patient["also"])) if "also" in patient else ()
    return Expectation(record=left, truth=truth, losses=kept, zone=zone, analyte=key, patient_ids=ids)


def told(truth: Json, losses: Iterable[Loss], zone: str) -> Json:
    """What is left of a canonical record after `losses`; `zone` is the clinic's, for instants told as days. Why
    something is absent is left only where the vendor says so."""
    left: Json = _copied(truth)
    left.pop("absent", None)
    for loss in losses:
        _apply(left, loss, zone)
    return left


# Losses


def _apply(record: Json, loss: Loss, zone: str) -> None:
    if loss.how == "omitted":
        _change(record, loss.field, lambda _: None)
    elif loss.how == "replaced":
        _change(record, loss.field, lambda _: _copied(loss.known().value))
    elif loss.how == "precision":
        _change(record, loss.field, partial(_coarser, precision=loss.detail, zone=zone))
    elif loss.how == "absent":
        _change(record, loss.field, lambda value: [] if isinstance(value, list) else None)
        record["absent"] = {**record.get("absent", {}), loss.field: loss.detail}
    elif loss.how == "truncated":
        _change(record, loss.field, lambda value: value[: int(loss.detail)] if isinstance(value, str) else value)
    elif loss.how == "text_only":
        _change(record, loss.field, lambda value: [] if isinstance(value, list) else None)


def _copied(value: Any) -> Any:
    """JSON that is another one's equal and shares nothing with it that changes: a fifth of what `deepcopy` costs."""
    if isinstance(value, dict):
        return {name: _copied(inner) for name, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


def _change(record: Json, field: str, change: Callable[[Any], Any]) -> None:
    *path, last = field.split(".")
    holder: Any = record
    for name in path:
        if not isinstance(holder, dict) or not isinstance(holder.get(name), dict):
            return
        holder = holder[name]
    holder[last] = change(holder.get(last))


def _coarser(value: Json | None, precision: str, zone: str) -> Json | None:
    """A time told to `precision` only; the day of an instant is the one on the clinic's calendar."""
    if value is None:
        return None
    text = value["value"]
    if "T" in text:
        at = datetime.fromisoformat(text)
        if precision in ("minute", "second"):
            return {"value": f"{at:%Y-%m-%dT%H:%M:00Z}", "precision": precision}
        text = at.astimezone(ZoneInfo(zone)).date().isoformat()
    return {"value": text[: {"year": 4, "month": 7}.get(precision, 10)], "precision": precision}


def _facility(record: Record, chart: Chart) -> int:
    if isinstance(record, Encounter):
        return record.facility
    number = getattr(record, "encounter", None)
    place = next((one.facility for one in chart.encounters if one.ordinal == number), None)
    return chart.person.facility if place is None else place


# Facts


def _patient(person: Person, chart: Chart, world: World) -> Json:
    return {
        "name": {"family": person.family, "given": list(person.given), "suffix": person.suffix},
        "birthDate": {"value": person.birth, "precision": person.birth_precision},
        "administrativeGender": person.gender,
        "sexAtBirth": person.sex,
        "race": [code.code for code in person.race],
        "ethnicity": _code(person.ethnicity),
        "language": _code(person.language),
        "maritalStatus": _code(person.marital),
        "telecom": [{"system": one.system, "use": one.use, "value": one.value} for one in person.telecoms],
        "addresses": [
            {"use": one.use, "lines": list(one.lines), "city": one.city, "state": one.state, "zip": one.zip}
            for one in person.addresses
        ],
        "deceased": {"value": person.deceased is not None},
        "sensitivity": _labels(person.sensitivity),
        **({"absent": dict(person.absent)} if person.absent else {}),
    }


def _encounter(encounter: Encounter, chart: Chart, world: World) -> Json:
    return {
        "status": encounter.status,
        "class": encounter.class_code,
        "type": {"codes": _codes(encounter.type), "text": encounter.type.display},
        "start": _instant(encounter.start),
        "end": _instant(encounter.end),
        "reasonCodes": _reason(encounter.reason, chart),
        "location": world.population.facility(encounter.facility).name,
        "sensitivity": _labels(encounter.sensitivity),
        "admitSource": _hospital(tables.ADMIT_SOURCES, encounter.admit_source),
        "dischargeDisposition": _hospital(tables.DISPOSITIONS, encounter.disposition),
    }


def _hospital(rows: Mapping[str, HospitalRow], key: str | None) -> Json | None:
    return None if key is None else {"codes": _codes(rows[key].code), "text": rows[key].text}


def _condition(condition: Condition, chart: Chart, world: World) -> Json:
    return {
        "codes": _codes(*condition.codes),
        "text": condition.text,
        "clinicalStatus": condition.clinical_status,
        "verification": condition.verification,
        "category": condition.category,
        "onset": _day(condition.onset),
        "abatement": _day(condition.abatement),
        "recorded": _instant(condition.recorded),
        "sensitivity": _labels(condition.sensitivity),
    }


def _allergy(allergy: Allergy, chart: Chart, world: World) -> Json:
    return {
        "assertion": "none-known" if allergy.none_known else "present",
        "codes": _codes(allergy.code),
        "text": allergy.text,
        "type": allergy.type,
        "category": allergy.category,
        "criticality": allergy.criticality,
        "clinicalStatus": allergy.clinical_status,
        "verification": allergy.verification,
        "reactions": [code.code for code in allergy.reactions],
        "onset": _day(allergy.onset),
        "sensitivity": _labels(allergy.sensitivity),
    }


def _medication(medication: Medication, chart: Chart, world: World) -> Json:
    dosage = medication.dosage
    return {
        "codes": _codes(medication.product),
        "text": medication.text,
        "status": medication.status,
        "intent": medication.intent,
        "authored": _instant(medication.authored),
        "dosage": {
            "dose": _number(dosage.dose),
            "doseUnit": dosage.unit,
            "route": dosage.route.code,
            "frequency": str(dosage.frequency),
            "period": _number(dosage.period),
            "periodUnit": dosage.period_unit,
            "asNeeded": dosage.as_needed,
            "text": dosage.text,
        },
        "start": _day(medication.start),
        "stop": _day(medication.stop),
        "quantity": _number(medication.quantity),
        "daysSupply": str(medication.days_supply),
        "refills": str(medication.refills),
        "reason": _reason(medication.reason, chart),
        "sensitivity": _labels(medication.sensitivity),
    }


def _observation(observation: Observation, chart: Chart, world: World) -> Json:
    return {
        "status": observation.status,
        "category": observation.category,
        "codes": _codes(observation.code),
        "text": observation.text,
        "effective": _instant(observation.effective),
        "issued": _instant(observation.issued),
        "value": _value(observation),
        "interpretation": observation.interpretation,
        "range": {"low": _number(observation.low), "high": _number(observation.high)},
        "panel": _code(observation.panel),
        "sensitivity": _labels(observation.sensitivity),
    }


def _value(observation: Observation) -> Json | None:
    if observation.value is not None:
        number = _number(observation.value)
        return {"number": number, "unit": observation.unit, "comparator": observation.comparator}
    if observation.coded is not None:
        return {"coded": {"codes": _codes(observation.coded), "text": observation.coded.display}}
    return None if observation.value_text is None else {"text": observation.value_text}


def _immunization(immunization: Immunization, chart: Chart, world: World) -> Json:
    return {
        "codes": _codes(immunization.code),
        "text": immunization.text,
        "date": _day(immunization.day),
        "status": immunization.status,
        "lot": immunization.lot,
        "sensitivity": _labels(immunization.sensitivity),
    }


def _procedure(procedure: Procedure, chart: Chart, world: World) -> Json:
    return {
        "codes": _codes(*procedure.codes),
        "text": procedure.text,
        "status": procedure.status,
        "performed": _instant(procedure.start),
        "end": _instant(procedure.end),
        "reason": _reason(procedure.reason, chart),
        "sensitivity": _labels(procedure.sensitivity),
    }


def _document(document: Document, chart: Chart, world: World) -> Json:
    content = read(world, chart.person.number, document)
    return {
        "type": document.type.code,
        "text": document.text,
        "status": document.status,
        "mime": document.mime,
        "date": _instant(document.created),
        "sha256": content.sha256,
        "content": content.text,
        "sensitivity": _labels(document.sensitivity),
    }


def _appointment(appointment: Appointment, chart: Chart, world: World) -> Json:
    who = world.population.practitioner(appointment.practitioner)
    return {
        "status": appointment.status,
        "type": {"codes": _codes(appointment.type), "text": appointment.type.display},
        "start": _instant(appointment.start),
        "minutes": str(appointment.minutes),
        "reason": _reason(appointment.reason, chart),
        "text": appointment.text,
        "cancelReason": appointment.cancel_reason,
        "practitioner": f"{who.given} {who.family}",
        "location": world.population.facility(appointment.facility).name,
        "sensitivity": _labels(appointment.sensitivity),
    }


def _coverage(coverage: Coverage, chart: Chart, world: World) -> Json:
    return {
        "status": coverage.status,
        "payer": coverage.payer,
        "plan": coverage.plan,
        "category": coverage.category,
        "memberId": coverage.member_id,
        "dependent": coverage.dependent,
        "group": coverage.group,
        "relationship": coverage.relationship,
        "order": str(coverage.order),
        "period": {"start": _day(coverage.start), "end": _day(coverage.end)},
    }


_MAKERS: dict[str, Callable[[Any, Chart, World], Json]] = {
    "patient": _patient,
    "encounter": _encounter,
    "condition": _condition,
    "allergy": _allergy,
    "medication": _medication,
    "observation": _observation,
    "immunization": _immunization,
    "procedure": _procedure,
    "document": _document,
    "appointment": _appointment,
    "coverage": _coverage,
}


def _code(code: Code | None) -> str | None:
    return None if code is None else code.code


@cache
def _label(key: str) -> str:
    """The v3 ActCode of a row of sensitivity.csv; its own key where the code system has none."""
    rows = {row["key"]: row["v3_actcode_sensitivity"] for row in tables.raw("sensitivity")}
    return rows[key] or key


def _labels(keys: Iterable[str]) -> list[str]:
    return [_label(key) for key in keys]


def _codes(*codes: Code) -> list[Json]:
    return [{"system": code.system, "code": code.code} for code in codes]


def _reason(ordinal: int | None, chart: Chart) -> list[Json]:
    condition = next((one for one in chart.conditions if one.ordinal == ordinal), None)
    return [] if condition is None else _codes(*condition.codes)


def _number(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"


def _day(day: date | None) -> Json | None:
    return None if day is None else {"value": day.isoformat(), "precision": "day"}


def _instant(at: datetime | None) -> Json | None:
    return None if at is None else {"value": f"{at.astimezone(UTC).isoformat()[:19]}Z", "precision": "minute"}
