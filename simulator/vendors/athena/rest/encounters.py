"""`/chart/{patientid}/encounters`, `/chart/encounter/{encounterid}`: visits with their diagnoses; codes are numbers."""

from __future__ import annotations

from typing import Any

from simulator.exchange import Exchange, Reply
from simulator.population.answers import Loss
from simulator.population.records import Condition, Encounter
from simulator.refusal import Refusal
from simulator.vendor import Rendering
from simulator.vendors.athena import ids, words
from simulator.vendors.athena.charts import PatientChart, patient_chart
from simulator.vendors.athena.rest import wire
from simulator.vendors.athena.rest.problems import code_of

DEFAULT_LIMIT = 1500


def list_encounters(x: Exchange) -> Reply:
    """The encounters of a chart, newest first."""
    query = wire.Query(x)
    seen = wire.chart_of(x, query)
    since, until = query.day("startdate"), query.day("enddate")

    def make() -> tuple[Any, Any]:
        listed = []
        for record in reversed(seen.chart.encounters):
            day = words.local_day(record.start, seen.facility(record.facility).zone)
            if not ((since and day < since) or (until and day > until)):
                listed.append(record)
        page = wire.page(x, query, "encounters", len(listed), default=DEFAULT_LIMIT)
        shown = listed[page.offset : page.end]
        told = [encounter(seen, one) for one in shown]
        envelope = page.envelope(f"/chart/{seen.patientid}/encounters", [one.payload for one in told])
        return envelope, [pair for one in told for pair in _served(one)]

    return wire.kept(x, ("encounters", seen.number, seen.stamp, query.key()), make)


def read_encounter(x: Exchange) -> Reply:
    """One encounter, as an array of one."""
    wire.practice_of(x)
    assert x.route is not None
    text = x.route.args[1]
    value = ids.whole_number(text)
    if value is None:
        raise Refusal("malformed", f"encounter id {text!r}", reason="not_integer", value=text)
    number, ordinal = ids.item_of(x.site, "encounter", value)
    record = x.site.sandbox.world.read("encounter", number, ordinal) if number >= 0 else None
    if not isinstance(record, Encounter):
        raise Refusal("not_found", f"no encounter {text}", reason="no_id", id=text)
    told = encounter(patient_chart(x.site, number), record)
    return wire.answer([told.payload], _served(told), profile=x.site.settings["type_profile"])


def _served(told: Rendering) -> list[tuple[str, str]]:
    return [(told.type, told.id), *(("diagnosis", str(one["diagnosisid"])) for one in told.payload["diagnoses"])]


def encounter(seen: PatientChart, record: Encounter) -> Rendering:
    """One encounter with the diagnoses made in it."""
    place = seen.facility(record.facility)
    who = seen.site.sandbox.world.population.practitioner(record.practitioner)
    encounterid = seen.item("encounter", record.ordinal)
    payload: dict[str, Any] = {
        "encounterid": encounterid,
        "encounterdate": words.us_day(words.local_day(record.start, place.zone)),
        "encountertype": "VISIT",
        "encountervisitname": record.type.display,
        "appointmentstartdate": words.offset_time(record.start, place.zone),
        "status": "CLOSED" if record.status == "finished" else "OPEN",
        "departmentid": ids.departmentid(record.facility),
        "providerid": record.practitioner + 1,
        "providerfirstname": who.given,
        "providerlastname": who.family,
        "stage": "SIGNOFF",
        "lastupdated": words.us_day(words.local_day(seen.updated(record), place.zone)),
        "diagnoses": [diagnosis(seen, one).payload for one in diagnoses(seen, record)],
    }
    losses = [
        Loss("class", "omitted"),
        Loss("type.codes", "omitted"),
        Loss("end", "omitted"),
        Loss("reasonCodes", "omitted"),
        Loss("sensitivity", "replaced", value=[]),
        Loss("admitSource", "omitted"),
        Loss("dischargeDisposition", "omitted"),
    ]
    return Rendering("encounter", str(encounterid), payload, (record,), tuple((0, loss) for loss in losses))


def diagnoses(seen: PatientChart, record: Encounter) -> list[Condition]:
    """The encounter diagnoses made in one encounter."""
    return [
        one
        for one in seen.chart.conditions
        if one.category == "encounter-diagnosis" and one.encounter == record.ordinal
    ]


def diagnosis(seen: PatientChart, condition: Condition) -> Rendering:
    """One encounter diagnosis: codes and a name, and nothing else."""
    diagnosisid = seen.item("problem", condition.ordinal)
    snomed, icd10 = code_of(condition, "snomed"), code_of(condition, "icd10cm")
    payload: dict[str, Any] = {
        "diagnosisid": diagnosisid,
        "description": condition.text,
        "icdcodes": [{"codeset": "ICD10", "code": icd10.code, "description": icd10.display}] if icd10 else [],
    }
    if snomed:
        payload["snomedcode"] = int(snomed.code)
    omitted = ("clinicalStatus", "verification", "onset", "abatement", "recorded")
    losses = [*(Loss(field, "omitted") for field in omitted), Loss("sensitivity", "replaced", value=[])]
    return Rendering("diagnosis", str(diagnosisid), payload, (condition,), tuple((0, loss) for loss in losses))
