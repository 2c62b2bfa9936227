"""`/chart/{patientid}/allergies`: an object with `nkda`, never a count; allergens have RxNorm codes or none."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from simulator.exchange import Exchange, Reply
from simulator.population.answers import Loss
from simulator.population.records import Allergy, Code
from simulator.vendor import Rendering
from simulator.vendors.athena import words
from simulator.vendors.athena.charts import PatientChart
from simulator.vendors.athena.rest import wire

NKDA = "nkda"
"""The id of the statement that there are no known allergies: it has none of its own."""


def list_allergies(x: Exchange) -> Reply:
    """The allergy section."""
    query = wire.Query(x)
    seen = wire.chart_of(x, query)

    def make() -> tuple[Any, Any]:
        told = [allergy(seen, one) for one in seen.chart.allergies]
        envelope: dict[str, Any] = {
            "nkda": any(one.none_known for one in seen.chart.allergies),
            "sectionnote": "",
            "lastupdated": words.us_day(x.sandbox.as_of),
            "allergies": [one.payload for one in told if one.id != NKDA],
        }
        return envelope, [(one.type, one.id) for one in told]

    return wire.kept(x, ("allergies", seen.number, seen.stamp), make)


def allergy(seen: PatientChart, record: Allergy) -> Rendering:
    """One allergy; or, as a payload of the section's own member, that there is none."""
    if record.none_known:
        return _none_known(record)
    losses = [
        Loss("type", "omitted"),
        Loss("category", "omitted"),
        Loss("verification", "omitted"),
        Loss("sensitivity", "replaced", value=[]),
    ]
    payload: dict[str, Any] = {
        "allergenid": allergenid(record.code),
        "allergenname": record.text,
        "criticality": record.criticality.upper(),
        "reactions": [{"reactionname": one.display, "snomedcode": one.code} for one in record.reactions],
        "lastmodifieddatetime": words.offset_time(seen.updated(record), words.EASTERN),
        "lastmodifiedby": "API-1001",
    }
    if seen.is_typed(record):
        losses.append(Loss("codes", "text_only"))
    elif record.code.system == "rxnorm":
        payload |= {"rxnormcode": record.code.code, "rxnormdescription": record.code.display}
    else:
        payload["rxnormdescription"] = record.code.display  # a description without a code: seen
        losses.append(Loss("codes", "text_only"))
    if record.onset is not None:
        payload["onsetdate"] = words.us_day(record.onset)
    if record.clinical_status != "active":
        payload["deactivatedate"] = words.us_day(words.local_day(record.recorded, seen.zone))
    return Rendering("allergy", str(payload["allergenid"]), payload, (record,), tuple((0, loss) for loss in losses))


def _none_known(record: Allergy) -> Rendering:
    omitted = ("codes", "text", "type", "category", "criticality", "clinicalStatus", "verification", "onset")
    losses = [Loss(field, "omitted") for field in omitted] + [Loss("sensitivity", "replaced", value=[])]
    return Rendering("allergy", NKDA, {"nkda": True}, (record,), tuple((0, loss) for loss in losses))


def allergenid(substance: Code) -> int:
    """The catalogue number of a substance: the same for every patient, as athena's allergens are."""
    return 10_000 + crc32(f"{substance.system}|{substance.code}".encode()) % 90_000
