"""`/chart/{patientid}/medications`: lists in a list, one a product; sigs in words, codes only when asked for."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from simulator.exchange import Exchange, Reply
from simulator.population.answers import Loss
from simulator.population.records import Code, Dosage, Medication
from simulator.vendor import Rendering
from simulator.vendors.athena import words
from simulator.vendors.athena.charts import PatientChart
from simulator.vendors.athena.rest import wire

DOSAGE_FIELDS = ("dose", "doseUnit", "route", "frequency", "period", "periodUnit", "asNeeded")


def list_medications(x: Exchange) -> Reply:
    """The medication section: `medicationtype` chooses active or historical ones, `showrxnorm=true` adds codes."""
    query = wire.Query(x)
    seen = wire.chart_of(x, query)
    wanted = query.text("medicationtype")
    has_rxnorm = query.flag("showrxnorm")
    wire.one_of(wanted, "medicationtype", "ACTIVE", "HISTORICAL", "DENIED")

    def make() -> tuple[Any, Any]:
        told = [
            medication(seen, one)
            for one in seen.chart.medications
            if wanted is None or (wanted == "ACTIVE") is (one.status == "active")
        ]
        if wanted == "DENIED":
            told = []
        groups: dict[int, list[dict[str, Any]]] = {}
        for one in told:
            payload = one.payload if has_rxnorm else {k: v for k, v in one.payload.items() if k != "rxnorm"}
            groups.setdefault(payload["medicationid"], []).append(payload)
        envelope = {
            "lastupdated": words.us_day(x.sandbox.as_of),
            "nomedicationsreported": not seen.chart.medications,
            "patientdownloadconsent": True,
            "medications": list(groups.values()),
        }
        return envelope, [(one.type, one.id) for one in told]

    return wire.kept(x, ("medications", seen.number, seen.stamp, wanted, has_rxnorm), make)


def medication(seen: PatientChart, record: Medication) -> Rendering:
    """One entry: `C…` was prescribed in an encounter here, `H…` was entered as history and knows less."""
    is_historical = seen.is_history(record)
    number = seen.item("medication", record.ordinal)
    entry = f"{'H' if is_historical else 'C'}{number}"
    catalogue = medicationid(record)
    is_structured = not is_historical
    payload: dict[str, Any] = {
        "medicationentryid": entry,
        "medicationid": catalogue,
        "fdbmedicationid": str(catalogue - 20_000),
        "clinicalordertypeid": str(catalogue - 7_000),
        "medication": record.text,
        "unstructuredsig": record.dosage.text,
        "isstructuredsig": is_structured,
        "isdiscontinued": record.status == "stopped",
        "issafetorenew": record.status == "active",
        "source": _prescriber(seen, record.practitioner),
        "createdby": "API-1001",
        "events": _events(seen, record),
        "rxnorm": [] if seen.lacks_rxnorm(record) else rxnorm_of(record),
    }
    losses = [
        words.day_only("authored", record.authored, seen.zone),
        Loss("reason", "omitted"),
        Loss("sensitivity", "replaced", value=[]),
        *codes_told(seen, record),
    ]
    if is_structured:
        payload |= {
            "structuredsig": _structured(record),
            "quantity": words.number(record.quantity),
            "quantityunit": words.DOSE_UNITS.get(record.dosage.unit, record.dosage.unit),
            "refillsallowed": record.refills,
            "orderingmode": "PRESCRIBE",
            "route": "PAPER" if record.dea_schedule else "FAX",  # how it travelled, not how it is taken: seen
            "prescribedby": _prescriber(seen, record.practitioner),
            "encounterid": seen.item("encounter", record.encounter or 0),
            "status": "SUBMITTED",
        }
    else:
        losses += [Loss(f"dosage.{field}", "also", "in the words of the sig") for field in DOSAGE_FIELDS]
        losses += [Loss(field, "omitted") for field in ("quantity", "daysSupply", "refills")]
    return Rendering("medication", entry, payload, (record,), tuple((0, loss) for loss in losses))


def _structured(record: Medication) -> dict[str, Any]:
    dosage = record.dosage
    told: dict[str, Any] = {
        "dosageaction": "TAKE",
        "dosagequantityvalue": words.number(dosage.dose),
        "dosagequantityunit": words.DOSE_UNITS.get(dosage.unit, dosage.unit),
        "dosageroute": dosage.route_key,
        "dosagefrequencydescription": frequency_of(dosage).description,
        "dosagedurationunit": "day",
        "dosagedurationvalue": record.days_supply,
    }
    frequency = frequency_of(dosage)
    if frequency.value is not None:
        told |= {"dosagefrequencyvalue": frequency.value, "dosagefrequencyunit": frequency.unit}
    if dosage.as_needed:
        told["dosageadditionalinstructions"] = "as needed"
    return told


def rxnorm_of(record: Medication) -> list[str]:
    """The RxNorm numbers of a product and its ingredient."""
    return [record.product.code, *([record.ingredient.code] if record.ingredient else [])]


def codes_told(seen: PatientChart, record: Medication) -> list[Loss]:
    """The ingredient's code, which stands beside the product's and is as true; or that there is none at all."""
    if seen.lacks_rxnorm(record):
        return [Loss("codes", "text_only")]
    if record.ingredient is None:
        return []
    return [Loss("codes", "also", value=[{"system": record.ingredient.system, "code": record.ingredient.code}])]


def frequency_of(dosage: Dosage) -> words.Frequency:
    """athena's telling of a frequency; one that it has no words for is spelled out."""
    known = words.FREQUENCIES.get(dosage.frequency_code)
    if known is not None:
        return known
    return words.Frequency(f"{dosage.frequency} times every {dosage.period} {dosage.period_unit}", None)


def _events(seen: PatientChart, record: Medication) -> list[dict[str, Any]]:
    told = [
        {"type": "START", "eventdate": words.us_day(record.start)},
        {
            "type": "ENTER",
            "eventdate": words.us_day(words.local_day(record.authored, seen.zone)),
            "userdisplayname": "API-1001",
        },
    ]
    if record.stop is not None:
        told.append({"type": "END", "eventdate": words.us_day(record.stop)})
    elif record.status != "active":
        told.append({"type": "HIDE"})
    return told


def _prescriber(seen: PatientChart, practitioner: int) -> str:
    who = seen.site.sandbox.world.population.practitioner(practitioner)
    return f"{who.given} {who.family}, {who.suffix}"


def medicationid(record: Medication) -> int:
    """The catalogue number of a product: the same for every patient."""
    return catalogue_number(record.product)


def catalogue_number(product: Code) -> int:
    """The catalogue number behind a product's code."""
    return 200_000 + crc32(f"{product.system}|{product.code}".encode()) % 100_000
