"""Nothing is lost that is not written down: what is read back from FHIR payloads is the truth, less recorded loss.

The reader below knows FHIR, the vendor's habits that `SOURCES.md` publishes, and nothing of the truth:

    truth ─▶ rendering ─▶ payload ─▶ reader ─▶ canonical record ══ expected(truth, losses)

REST payloads are read back the same way by the reference integration (`tests/test_one_truth.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from simulator.fhir import build
from simulator.population import answers, tables
from simulator.population.records import KINDS, Code, Medication, Procedure
from simulator.vendor import Rendering
from simulator.vendors import athena as athena_room
from simulator.vendors.athena import VENDOR, words
from tests.simulator.vendors.athena_client import Athena

Json = dict[str, Any]
SYSTEMS = {url: name for name, url in build.SYSTEMS.items()}
CANCELLED = {"PATIENT CANCELLED": "patient", "OFFICE CANCELLED": "provider", "PATIENT RESCHEDULED": "rescheduled"}
EXTENSIONS = {"us-core-race": "race", "us-core-ethnicity": "ethnicity", "us-core-birthsex": "sexAtBirth"}


@pytest.fixture(scope="module")
def athena() -> Athena:
    return Athena()


def codes(concept: Json | None) -> list[Json]:
    return [{"system": SYSTEMS[one["system"]], "code": one["code"]} for one in (concept or {}).get("coding", ())]


def code(concept: Json | None) -> str | None:
    return next((one["code"] for one in codes(concept)), None)


def time_of(text: str | None) -> Json | None:
    if text is None or "T" not in text:
        return None if text is None else {"value": text, "precision": "day"}
    return {"value": f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", "precision": "minute"}


def labels(resource: Json) -> list[str]:
    return [one["code"] for one in resource["meta"].get("security", ())]


def patient(resource: Json) -> Json:
    name = next(one for one in resource["name"] if one["use"] == "official")
    told: Json = {"race": [], "ethnicity": None, "sexAtBirth": None}
    for one in resource["extension"]:
        field = EXTENSIONS.get(one["url"].rpartition("/")[2])
        if field == "sexAtBirth":
            told[field] = one["valueCode"]
        elif field:
            omb = [part["valueCoding"]["code"] for part in one["extension"] if part["url"] == "ombCategory"]
            told[field] = omb if field == "race" else omb[0]
    digits = str.maketrans("", "", "() -")
    return {
        "name": {"family": name["family"], "given": name["given"], "suffix": (name.get("suffix") or [None])[0]},
        "birthDate": time_of(resource["birthDate"]),
        "administrativeGender": resource["gender"],
        "language": code(resource["communication"][0]["language"]) if "communication" in resource else None,
        "maritalStatus": code(resource.get("maritalStatus")),
        "telecom": [
            {
                "system": one["system"],
                "use": one.get("use"),
                "value": "+1" + one["value"].translate(digits) if one["system"] == "phone" else one["value"],
            }
            for one in resource.get("telecom", ())
        ],
        "addresses": [
            {
                "use": one["use"],
                "lines": one["line"],
                "city": one["city"],
                "state": one["state"],
                "zip": one["postalCode"],
            }
            for one in resource.get("address", ())
            if one["use"] != "billing"
        ],
        "identifiers": [
            {"type": code(one.get("type")) or "PI", "system": one["system"], "value": one["value"]}
            for one in resource["identifier"]
        ],
        "deceased": {"value": "deceasedDateTime" in resource},
        **told,
    }


def encounter(resource: Json) -> Json:
    return {
        "status": resource["status"],
        "class": resource["class"]["code"],
        "type": {"codes": codes(resource["type"][0]), "text": resource["type"][0]["text"]},
        "start": time_of(resource["period"]["start"]),
        "end": time_of(resource["period"]["end"]) if "end" in resource["period"] else None,
        "sensitivity": labels(resource),
        "reasonCodes": [one for reason in resource.get("reasonCode", ()) for one in codes(reason)],
        "location": resource["location"][0]["location"]["display"],
        **{
            name: {"codes": codes(concept), "text": concept["text"]}
            for name, concept in resource.get("hospitalization", {}).items()
        },
    }


def condition(resource: Json) -> Json:
    return {
        "codes": codes(resource["code"]),
        "text": resource["code"]["text"],
        "clinicalStatus": code(resource.get("clinicalStatus")),
        "verification": code(resource["verificationStatus"]),
        "category": code(resource["category"][0]),
        "onset": time_of(resource.get("onsetDateTime")),
        "abatement": time_of(resource.get("abatementDateTime")),
        "recorded": time_of(resource["recordedDate"]),
        "sensitivity": labels(resource),
    }


def allergy(resource: Json) -> Json:
    coded = codes(resource["code"])
    return {
        "assertion": "none-known" if {"system": "snomed", "code": "716186003"} in coded else "present",
        "codes": coded,
        "text": resource["code"]["text"],
        "category": (resource.get("category") or [None])[0],
        "criticality": resource.get("criticality"),
        "clinicalStatus": code(resource["clinicalStatus"]),
        "verification": code(resource["verificationStatus"]),
        "reactions": [code(one["manifestation"][0]) for one in resource.get("reaction", ())],
        "onset": time_of(resource.get("onsetDateTime")),
        "sensitivity": labels(resource),
    }


def medication(resource: Json, product: Json) -> Json:
    sig = resource["dosageInstruction"][0]
    repeat = sig["timing"]["repeat"]
    dose = sig["doseAndRate"][0]["doseQuantity"] if "doseAndRate" in sig else {}
    supply = resource.get("dispenseRequest", {})
    return {
        "codes": codes(product["code"]),
        "text": resource["medicationReference"]["display"],
        "status": resource["status"],
        "intent": resource["intent"],
        "authored": time_of(resource["authoredOn"]),
        "dosage": {
            "dose": dose.get("value"),
            "doseUnit": dose.get("unit"),
            "route": code(sig.get("route")),
            "frequency": repeat.get("frequency"),
            "period": repeat.get("period"),
            "periodUnit": repeat.get("periodUnit"),
            "asNeeded": sig.get("asNeededBoolean"),
            "text": sig["text"],
        },
        "start": time_of(repeat["boundsPeriod"]["start"]),
        "stop": time_of(repeat["boundsPeriod"].get("end")),
        "quantity": supply.get("quantity", {}).get("value"),
        "daysSupply": supply.get("expectedSupplyDuration", {}).get("value"),
        "refills": supply.get("numberOfRepeatsAllowed"),
        "reason": [one for reason in resource.get("reasonCode", ()) for one in codes(reason)],
        "sensitivity": labels(resource),
    }


def observation(resource: Json, part: str = "") -> Json:
    whole = resource
    if part:
        whole = next(one for one in resource["component"] if code(one["code"]) == part)
    limits = next(iter(resource.get("referenceRange", ())), {})
    return {
        "status": resource["status"],
        "category": code(resource["category"][0]),
        "codes": codes(whole["code"]),
        "text": whole["code"].get("text"),
        "effective": time_of(resource["effectiveDateTime"]),
        "issued": time_of(resource["issued"]),
        "value": value(whole),
        "interpretation": code(next(iter(resource.get("interpretation", ())), None)),
        "range": bounds(limits),
        "panel": code(resource["code"]) if part else None,
        "sensitivity": labels(resource),
    }


def value(whole: Json) -> Json | None:
    if "valueQuantity" in whole:
        told = whole["valueQuantity"]
        return {"number": told["value"], "unit": told["code"], "comparator": told.get("comparator")}
    if "valueCodeableConcept" in whole:
        told = whole["valueCodeableConcept"]
        return {"coded": {"codes": codes(told), "text": told["text"]}}
    return {"text": whole["valueString"]} if "valueString" in whole else None


def bounds(limits: Json) -> Json:
    if "low" in limits or "high" in limits:
        return {name: limits[name]["value"] if name in limits else None for name in ("low", "high")}
    text = limits.get("text", "")
    if text.startswith("<"):
        return {"low": None, "high": text[1:]}
    if text.startswith(">"):
        return {"low": text[1:], "high": None}
    low, _, high = text.partition("-")
    return {"low": low or None, "high": high or None}


def immunization(resource: Json) -> Json:
    return {
        "codes": codes(resource["vaccineCode"]),
        "text": resource["vaccineCode"]["text"],
        "date": time_of(resource["occurrenceDateTime"]),
        "status": resource["status"],
        "lot": resource.get("lotNumber"),
        "sensitivity": labels(resource),
    }


def procedure(resource: Json) -> Json:
    return {
        "codes": codes(resource["code"]),
        "text": resource["code"]["text"],
        "status": resource["status"],
        "performed": time_of(resource["performedPeriod"]["start"]),
        "end": time_of(resource["performedPeriod"]["end"]),
        "reason": [one for reason in resource.get("reasonCode", ()) for one in codes(reason)],
        "sensitivity": labels(resource),
    }


def document(resource: Json, data: bytes) -> Json:
    return {
        "type": code(resource["type"]),
        "text": resource["type"]["text"],
        "status": resource["status"],
        "mime": resource["content"][0]["attachment"]["contentType"],
        "date": time_of(resource["date"]),
        "sha256": sha256(data).hexdigest(),
        "sensitivity": labels(resource),
    }


def appointment(resource: Json) -> Json:
    who = {one["actor"]["reference"].split("/")[0]: one["actor"].get("display") for one in resource["participant"]}
    return {
        "status": resource["status"],
        "type": {"codes": [], "text": resource["serviceType"][0]["text"]},
        "start": time_of(resource["start"]),
        "minutes": resource["minutesDuration"],
        "cancelReason": CANCELLED.get(resource.get("cancelationReason", {}).get("text")),
        "practitioner": who["Practitioner"].split(",")[0],
        "location": who["Location"],
        "sensitivity": labels(resource),
    }


def coverage(resource: Json) -> Json:
    classes = {one["type"]["coding"][0]["code"]: one["value"] for one in resource.get("class", ())}
    return {
        "status": resource["status"],
        "payer": resource["payor"][0]["display"],
        "plan": classes.get("plan", ""),
        "memberId": resource.get("subscriberId"),
        "dependent": None,
        "group": classes.get("group"),
        "relationship": resource["relationship"]["coding"][0]["code"],
        "order": resource["order"],
        "period": {name: time_of(resource["period"].get(name)) for name in ("start", "end")},
    }


READERS: dict[str, Callable[..., Json]] = {
    "Patient": patient,
    "Encounter": encounter,
    "Condition": condition,
    "AllergyIntolerance": allergy,
    "Immunization": immunization,
    "Procedure": procedure,
    "Appointment": appointment,
    "Coverage": coverage,
}


def read(athena: Athena, one: Rendering, part: str) -> Json:
    """The canonical facts of one resource as it comes over the wire, numbers as they are spelled."""
    resource = json.loads(build.dumps(one.payload), parse_float=str, parse_int=str)
    if one.type == "MedicationRequest":
        return medication(resource, athena.fhir(resource["medicationReference"]["reference"]).json)
    if one.type == "Observation":
        return observation(resource, part)
    if one.type == "DocumentReference":
        return document(resource, athena.fhir(resource["content"][0]["attachment"]["url"], accept="*/*").raw)
    return READERS[one.type](resource)


@pytest.mark.parametrize("seed", [7, 1234])
def test_fhir_tells_the_truth_less_the_recorded_loss(seed: int) -> None:
    athena = Athena(seed=seed)
    world = athena.sandbox.world
    found: list[str] = []
    judged = 0
    for number in range(0, 10_000, 1249):
        ids = VENDOR.patient_ids(athena.site, number)
        for one in VENDOR.renderings(athena.site, number):
            if "resourceType" not in one.payload:
                continue
            for index, record in enumerate(one.records):
                part = record.code.code if len(one.records) > 1 else ""  # type: ignore[union-attr]
                expectation = answers.expected(
                    record,
                    [loss for at, loss in one.losses if at == index],
                    chart=world.chart(number),
                    world=world,
                    source={"vendor": "athena", "type": one.type, "id": one.id},
                    patient={"vendor": "athena", "id": ids["fhir_id"]},
                )
                held = {"kind": record.kind, **read(athena, one, part)}
                judged += 1
                found += [
                    f"{one.type} {miss.field}: {miss.verdict} {miss.expected!r} {miss.got!r}"
                    for miss in answers.compare(expectation, held)
                ]
    assert sorted(set(found)) == []
    assert judged > 500


def code_of(record: Any) -> Code:
    """The code under which a record is known."""
    if isinstance(record, Procedure):
        return record.codes[0]
    code: Code = record.product if isinstance(record, Medication) else record.code
    return code


@pytest.fixture(scope="module")
def told(athena: Athena) -> dict[int, list[Rendering]]:
    """Everything that is told of the first twenty patients."""
    return {number: list(VENDOR.renderings(athena.site, number)) for number in range(20)}


def test_no_loss_is_recorded_that_nothing_lost(told: dict[int, list[Rendering]]) -> None:
    """An omission is of something the payload lacks, and each rounded number really is told in another unit."""
    for renderings in told.values():
        for one in renderings:
            for index, loss in one.losses:
                assert 0 <= index < len(one.records)
                if loss.how == "rounded":
                    step, unit = loss.detail.split(" ")
                    assert float(step) > 0
                    assert unit in ("g", "[degF]")
                if loss.field == "codes" and loss.how == "text_only":
                    words_told = json.dumps(one.payload, default=str)
                    record = one.records[index]
                    code = code_of(record)
                    assert code.code not in words_told.split('"'), one


def test_every_record_of_a_chart_is_told_at_least_once(athena: Athena, told: dict[int, list[Rendering]]) -> None:
    for number, renderings in told.items():
        chart = athena.sandbox.world.chart(number)
        found = {(record.kind, record.ordinal) for one in renderings for record in one.records}
        assert found == {(kind, record.ordinal) for kind in KINDS for record in chart.of(kind)}


def test_every_id_is_given_once(told: dict[int, list[Rendering]]) -> None:
    ids = [
        (one.type, one.id)
        for renderings in told.values()
        for one in renderings
        if one.type not in ("allergy", "Medication")  # catalogue numbers, shared by design
    ]
    assert len(ids) == len(set(ids))


def test_ids_lead_back_to_the_patient(athena: Athena) -> None:
    for number in (0, 1, 77, 9_999):
        given = VENDOR.patient_ids(athena.site, number)
        assert {VENDOR.patient_of(athena.site, id) for id in given.values()} == {number}
        assert VENDOR.patient_of(athena.site, f"Patient/{given['fhir_id']}") == number
    for text in ("", "0", "x", "a-1128700.E-1", "a-195900.Problem-1", "999999999999999999"):
        assert VENDOR.patient_of(athena.site, text) is None


def test_every_word_a_reader_must_know_is_published() -> None:
    published = Path(athena_room.__file__).with_name("SOURCES.md").read_text()
    for code, frequency in words.FREQUENCIES.items():
        row = tables.FREQUENCIES[code]
        period = (
            f"{row.frequency} / {row.period} {row.period_unit}" if row.period_unit else f"{row.frequency}, no period"
        )
        told = "—" if frequency.value is None else f"{frequency.value} {frequency.unit}"
        assert f"| {frequency.description} | {told} | {period} |" in published
    for spelled in (*words.LAB_UNITS.values(), *words.DOSE_UNITS.values()):
        assert f"`{spelled}`" in published
    for name in (
        *words.ZONE_NAMES.values(),
        *words.LANGUAGES.values(),
        *(code.code for code in tables.ROUTES.values()),
    ):
        assert name in published
    assert all(f"| {loinc} | {vital.element} |" in published for loinc, vital in words.VITALS.items())


def test_every_frequency_of_the_formulary_has_words() -> None:
    used = {row.frequency for row in tables.MEDICATIONS.values()}
    assert used <= set(words.FREQUENCIES)
    described = [one.description for one in words.FREQUENCIES.values()]
    assert len(described) == len(set(described))
