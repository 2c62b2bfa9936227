"""What Cerner's resources say: recoverable up to the recorded loss, shaped like the recordings, with their habits.

Covers the habits that `VENDOR.traps` names. The reader
below follows the section "How to read us" of the room's SOURCES.md and nothing else.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from fhir.resources.R4B import get_fhir_model_class

import simulator.vendors.cerner as room
from simulator.fhir.build import SYSTEMS, dumps
from simulator.population import answers
from simulator.population.records import KINDS
from simulator.vendor import Rendering
from simulator.vendors.cerner import VENDOR
from simulator.vendors.cerner.habits import happens
from simulator.vendors.cerner.ids import Row, tenant_of
from simulator.vendors.cerner.sources import PUBLIC
from tests.simulator.vendors.cerner_desk import Desk, has_code

Json = dict[str, Any]
PEOPLE = 16
_NAMED = ("snomed", "icd10cm", "loinc", "rxnorm", "cvx", "admit-source", "discharge-disposition")
SHORT = {url: name for name, url in SYSTEMS.items() if name in _NAMED}
GTS = {
    **dict.fromkeys(("QD", "QAM", "QPM", "BED"), ("1", "1", "d")),
    "BID": ("2", "1", "d"),
    "TID": ("3", "1", "d"),
    "QID": ("4", "1", "d"),
    "Q4H": ("1", "4", "h"),
    "Q6H": ("1", "6", "h"),
    "Q8H": ("1", "8", "h"),
}
UNITS = {
    "{tbl}": "tablet",
    "{cap}": "capsule",
    "{puff}": "puff",
    "{patch}": "patch",
    "{film}": "film",
    "{application}": "application",
}


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


@pytest.fixture(scope="module")
def told(desk: Desk) -> list[tuple[int, Rendering, Json]]:
    """Every resource of the first patients: number, rendering, and the payload as it goes over the wire."""
    return [
        (number, each, json.loads(dumps(each.payload), parse_float=Decimal))
        for number in range(PEOPLE)
        for each in VENDOR.renderings(desk.site, number)
    ]


def of(told: list[tuple[int, Rendering, Json]], type: str, *, true: bool = True) -> list[Json]:
    """The payloads of one type; those behind which something true stands, or the others."""
    return [payload for _, each, payload in told if each.type == type and bool(each.records) is true]


# A reader that knows only what SOURCES.md says


def codes(concept: Json | None) -> list[Json]:
    found = ((SHORT.get(one.get("system", "")), one.get("code")) for one in (concept or {}).get("coding", []))
    return [{"system": system, "code": code} for system, code in found if system]


SYSTEM_OF = SYSTEMS | {"cancel": "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"}


def code_of(concepts: list[Json], system: str) -> str | None:
    return next(
        (one["code"] for each in concepts for one in each.get("coding", []) if one["system"] == SYSTEM_OF[system]), None
    )


def when(text: str | None, *, is_day: bool = False) -> Json | None:
    if text is None:
        return None
    if "T" not in text:
        return {"value": text, "precision": "day"}
    at = datetime.fromisoformat(text).astimezone(UTC)
    if is_day:
        assert (at.hour, at.minute, at.second) == (0, 0, 0)
        return {"value": at.date().isoformat(), "precision": "day"}
    return {"value": f"{at:%Y-%m-%dT%H:%M:%SZ}", "precision": "second"}


def text(value: Any) -> str | None:
    return None if value is None else str(value)


def sensitivity(one: Json) -> list[str]:
    return [label["code"] for label in one["meta"].get("security", [])]


def patient(one: Json) -> Json:
    us_core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
    extensions = {each["url"].removeprefix(us_core): each for each in one.get("extension", [])}

    def categories(name: str) -> list[str]:
        parts = extensions.get(name, {}).get("extension", [])
        return [part["valueCoding"]["code"] for part in parts if part["url"] == "ombCategory"]

    (name,) = [each for each in one["name"] if each["use"] == "official"]
    spoken = next(iter(one.get("communication", [])), {}).get("language", {})
    return {
        "name": {"family": name["family"], "given": name["given"], "suffix": next(iter(name.get("suffix", [])), None)},
        "birthDate": when(one["birthDate"]),
        "administrativeGender": one["gender"],
        "sexAtBirth": extensions["birthsex"]["valueCode"],
        "race": categories("race"),
        "ethnicity": next(iter(categories("ethnicity")), None),
        "language": code_of([spoken], "bcp47"),
        "maritalStatus": code_of([one.get("maritalStatus", {})], "v3-marital"),
        "telecom": [
            {
                "system": each["system"],
                "use": each["use"],
                "value": "+1" + each["value"] if each["system"] == "phone" else each["value"],
            }
            for each in one.get("telecom", [])
        ],
        "addresses": [
            {
                "use": each["use"],
                "lines": each["line"],
                "city": each["city"],
                "state": each["state"],
                "zip": each["postalCode"],
            }
            for each in one["address"]
        ],
        "identifiers": [
            {"type": "MR", "system": each["system"], "value": each["value"]}
            for each in one["identifier"]
            if has_code(each["type"], "MR") and "system" in each and "end" not in each.get("period", {})
        ],
        "deceased": {"value": "deceasedDateTime" in one},
    }


def encounter(one: Json) -> Json:
    period = one.get("period", {})
    return {
        "status": one["status"],
        "class": one["class"]["code"],
        "type": {"codes": codes(one["type"][0]), "text": one["type"][0]["text"]},
        "start": when(period.get("start")),
        "end": when(period.get("end")),
        "reasonCodes": [code for each in one.get("reasonCode", []) for code in codes(each)],
        "location": one["location"][0]["location"]["display"],
        **{
            name: {"codes": codes(stay[name]), "text": stay[name]["text"]}
            for stay in (one.get("hospitalization", {}),)
            for name in ("admitSource", "dischargeDisposition")
            if name in stay
        },
    }


def condition(one: Json) -> Json:
    return {
        "codes": codes(one["code"]),
        "text": one["code"]["text"],
        "clinicalStatus": code_of([one["clinicalStatus"]], "condition-clinical"),
        "verification": code_of([one["verificationStatus"]], "condition-verification"),
        "category": code_of(one["category"], "condition-category"),
        "onset": when(one["onsetDateTime"]),
        "abatement": when(one.get("abatementDateTime")),
        "recorded": when(one["recordedDate"]),
        "sensitivity": sensitivity(one),
    }


def allergy(one: Json) -> Json:
    coded = codes(one["code"])
    return {
        "assertion": "none-known" if {"system": "snomed", "code": "716186003"} in coded else "present",
        "codes": coded,
        "text": one["code"]["text"].strip(),
        "type": one.get("type"),
        "category": next(iter(one.get("category", [])), None),
        "criticality": one["criticality"],
        "clinicalStatus": code_of([one["clinicalStatus"]], "allergy-clinical"),
        "verification": code_of([one["verificationStatus"]], "allergy-verification"),
        "reactions": [code for each in one.get("reaction", []) for code in codes(each["manifestation"][0])],
        "onset": when(one.get("onsetDateTime"), is_day=True),
        "sensitivity": sensitivity(one),
    }


def medication(one: Json) -> Json:
    product = one.get("medicationCodeableConcept") or one["contained"][0]["code"]
    (dosage,) = one["dosageInstruction"]
    quantity = dosage["doseAndRate"][0]["doseQuantity"]
    is_strength = quantity["code"] == "%"
    repeat = dosage["timing"]["repeat"]
    frequency = (text(repeat.get("frequency")), text(repeat.get("period")), repeat.get("periodUnit"))
    if frequency[0] is None:
        frequency = GTS[str(code_of([dosage["timing"]["code"]], "v3-timing"))]
    dispense = one["dispenseRequest"]
    return {
        "codes": codes(product),
        "text": product["text"],
        "status": one["status"],
        "intent": one["intent"],
        "authored": when(one["authoredOn"]),
        "dosage": {
            "dose": None if is_strength else text(quantity["value"]),
            "doseUnit": None if is_strength else UNITS.get(quantity["code"], quantity["code"]),
            "route": code_of([dosage["route"]], "snomed"),
            "frequency": frequency[0],
            "period": frequency[1],
            "periodUnit": frequency[2],
            "asNeeded": dosage.get("asNeededBoolean", False),
            "text": dosage["patientInstruction"],
        },
        "start": when(repeat["boundsPeriod"]["start"], is_day=True),
        "stop": when(repeat["boundsPeriod"].get("end"), is_day=True),
        "quantity": text(dispense["quantity"]["value"]),
        "daysSupply": text(dispense["expectedSupplyDuration"]["value"]),
        "refills": text(dispense["numberOfRepeatsAllowed"]),
        "reason": [],
        "sensitivity": sensitivity(one),
    }


def observation(one: Json, part: str | None) -> Json:
    thing = one
    if part is not None:
        (thing,) = [each for each in one["component"] if has_code(each["code"], part)]
    return {
        "status": one["status"],
        "category": code_of(one["category"], "observation-category"),
        "codes": codes(thing["code"]),
        "text": thing["code"]["text"],
        "effective": when(one["effectiveDateTime"]),
        "issued": when(one.get("issued")),
        "value": value(thing),
        "interpretation": code_of(thing.get("interpretation", []), "v3-interpretation"),
        "range": {
            side: text(next(iter(thing.get("referenceRange", [])), {}).get(side, {}).get("value"))
            for side in ("low", "high")
        },
        "panel": "85354-9" if part is not None else None,
        "sensitivity": sensitivity(one),
    }


def value(thing: Json) -> Json | None:
    if "valueQuantity" in thing:
        told = thing["valueQuantity"]
        unit = told.get("code") or told.get("unit")
        return {"number": text(told["value"]), "unit": unit, "comparator": told.get("comparator")}
    if "valueCodeableConcept" in thing:
        concept = thing["valueCodeableConcept"]
        return {"coded": {"codes": codes(concept), "text": concept["text"]}}
    return {"text": thing["valueString"]} if "valueString" in thing else None


def immunization(one: Json) -> Json:
    return {
        "codes": codes(one["vaccineCode"]),
        "text": one["vaccineCode"]["text"],
        "date": when(one["occurrenceDateTime"], is_day=True),
        "status": one["status"],
        "lot": one.get("lotNumber"),
        "sensitivity": sensitivity(one),
    }


def procedure(one: Json, conditions: dict[str, Json]) -> Json:
    period = one.get("performedPeriod", {})
    reasons = [conditions[each["reference"]] for each in one.get("reasonReference", [])]
    return {
        "codes": codes(one["code"]),
        "text": one["code"]["text"],
        "status": one["status"],
        "performed": when(period.get("start") or one.get("performedDateTime")),
        "end": when(period.get("end")),
        "reason": [code for each in reasons for code in codes(each["code"])],
        "sensitivity": sensitivity(one),
    }


def document(one: Json, read: Callable[[str], bytes]) -> Json:
    attachment = one["content"][-1]["attachment"]  # as it was written
    data = read(attachment["url"])
    return {
        "type": code_of([one["type"]], "loinc"),
        "text": one["type"]["text"],
        "status": one["status"],
        "mime": attachment["contentType"],
        "date": when(one["date"]),
        "sha256": sha256(data).hexdigest(),
        "sensitivity": sensitivity(one),
    }


def appointment(one: Json) -> Json:
    actors = {each["actor"]["reference"].partition("/")[0]: each["actor"] for each in one["participant"]}
    why = code_of([one["cancelationReason"]], "cancel") if "cancelationReason" in one else None
    words = one.get("cancelationReason", {}).get("text", "").lower() or None
    return {
        "status": one["status"],
        "type": {"codes": codes(one["serviceType"][0]), "text": one["serviceType"][0]["text"]},
        "start": when(one["start"]),
        "minutes": text(one["minutesDuration"]),
        "reason": [code for each in one.get("reasonCode", []) for code in codes(each)],
        "text": one["comment"],
        "cancelReason": {"pat": "patient", "prov": "provider"}.get(why or "", words),
        "practitioner": actors["Practitioner"]["display"],
        "location": actors["Location"]["display"],
        "sensitivity": sensitivity(one),
    }


def coverage(one: Json) -> Json:
    classes = {each["type"]["coding"][0]["code"]: each for each in one["class"]}

    def day(at: str | None) -> Json | None:
        local = datetime.fromisoformat(at).astimezone(ZoneInfo("America/Chicago")) if at else None
        return {"value": local.date().isoformat(), "precision": "day"} if local else None

    return {
        "status": one["status"],
        "payer": one["payor"][0]["display"],
        "plan": classes["plan"]["name"],
        "memberId": one.get("subscriberId"),
        "dependent": one.get("dependent"),
        "group": classes.get("group", {}).get("value"),
        "relationship": one["relationship"]["coding"][0]["code"],
        "period": {"start": day(one["period"]["start"]), "end": day(one["period"].get("end"))},
    }


READERS = {
    "Patient": patient,
    "Appointment": appointment,
    "Coverage": coverage,
    "Encounter": encounter,
    "Condition": condition,
    "AllergyIntolerance": allergy,
    "MedicationRequest": medication,
    "Immunization": immunization,
}


Held = tuple[int, Rendering, Json, str | None, answers.Expectation]


@pytest.fixture(scope="module")
def held(desk: Desk, told: list[tuple[int, Rendering, Json]]) -> list[Held]:
    """What must be held of every resource: number, rendering, payload, part, expectation. Of the documents every third:
    each is written in several forms for it."""
    return [
        (number, each, payload, part, expectation)
        for number, each, payload in told
        if each.type != "DocumentReference" or not each.records or each.records[0].ordinal % 3 == 0
        for part, expectation in expectations(desk, number, each)
    ]


def expectations(desk: Desk, number: int, each: Rendering) -> Iterator[tuple[str | None, answers.Expectation]]:
    """(part, what must be held) for each record behind a rendering."""
    world = desk.sandbox.world
    for index, record in enumerate(each.records):
        part = record.code.code if each.id.startswith("BP-") else None
        losses = [loss for at, loss in each.losses if at == index]
        yield (
            part,
            answers.expected(
                record,
                losses,
                chart=world.chart(number),
                world=world,
                source={"vendor": "cerner", "type": each.type, "id": each.id},
                patient={"vendor": "cerner", "id": desk.patient(number)},
            ),
        )


@pytest.mark.slow
def test_everything_that_is_not_recorded_as_lost_can_be_read_back(
    desk: Desk, told: list[tuple[int, Rendering, Json]], held: list[Held]
) -> None:
    judged: Counter[str] = Counter()
    conditions = {f"Condition/{each.id}": payload for _, each, payload in told if each.type == "Condition"}

    def bytes_of(url: str) -> bytes:
        return desk.get(url, Accept="*/*").body

    def read(each: Rendering, payload: Json, part: str | None) -> Json:
        if each.type == "Observation":
            return observation(payload, part)
        if each.type == "Procedure":
            return procedure(payload, conditions)
        if each.type == "DocumentReference":
            return document(payload, bytes_of)
        return READERS[each.type](payload)

    for number, each, payload, part, expectation in held:
        got = read(each, payload, part)
        wrong = answers.compare(expectation, got | {"patient": {"id": desk.patient(number)}})
        assert wrong == [], (each.type, each.id)
        judged[each.type] += 1
    assert set(judged) == {*READERS, "Observation", "Procedure", "DocumentReference"}


def test_every_loss_is_seen_and_says_something_that_is_so(held: list[Held]) -> None:
    """A loss of a field that was empty anyway would hide mistakes of ours."""
    fields: Counter[tuple[str, str, str]] = Counter()
    for _, each, _, part, expectation in held:
        for loss in expectation.losses:
            fields[each.type, loss.field, loss.how] += 1
            if loss.how in ("omitted", "text_only"):
                value: Any = expectation.truth
                for name in loss.field.split("."):
                    value = value[name]
                assert value not in (None, [], ""), (each.type, each.id, part, loss)
    assert fields["MedicationRequest", "intent", "replaced"]
    assert fields["Encounter", "status", "replaced"]
    assert fields["Observation", "codes", "text_only"]
    assert fields["AllergyIntolerance", "reactions", "text_only"]


def test_every_record_of_a_chart_is_told_once(desk: Desk, told: list[tuple[int, Rendering, Json]]) -> None:
    chart = desk.sandbox.world.chart(0)
    mine = [(each, payload) for number, each, payload in told if number == 0]
    again = [each for each, payload in mine if each.type == "Coverage" and "extension" in payload]
    assert again  # each coverage comes again for every encounter
    records = [record for each, _ in mine if each not in again for record in each.records]
    found = Counter((record.kind, record.ordinal) for record in records)
    assert found == Counter((kind, record.ordinal) for kind in KINDS for record in chart.of(kind))


# Form


def test_resources_are_valid_r4(desk: Desk, told: list[tuple[int, Rendering, Json]]) -> None:
    seen: Counter[str] = Counter()
    for _, each, _ in told:
        seen[each.type] += 1
        if seen[each.type] <= 40:
            get_fhir_model_class(each.type).model_validate_json(dumps(each.payload))
    for reference in (
        "Practitioner/1",
        f"Provenance/pat-{desk.patient(0)}",
        f"Organization/{desk.get('Organization').ids[0]}",
    ):
        get_fhir_model_class(reference.partition("/")[0]).model_validate_json(desk.get(reference).body)
    bundle = desk.get("Condition", {"patient": desk.patient(0), "_revinclude": "Provenance:target"})
    get_fhir_model_class("Bundle").model_validate_json(bundle.body)
    get_fhir_model_class("CapabilityStatement").model_validate_json(desk.get("metadata").body)


def test_every_resource_has_a_well_formed_narrative_and_no_profile(told: list[tuple[int, Rendering, Json]]) -> None:
    for _, _, payload in told:
        div = ElementTree.fromstring(payload["text"]["div"])
        assert div.tag == "{http://www.w3.org/1999/xhtml}div"
        assert "profile" not in payload["meta"]
        assert payload["meta"]["versionId"] != ""


def test_ids_fit_the_pattern_and_are_unique(told: list[tuple[int, Rendering, Json]]) -> None:
    ids = [(each.type, each.id) for _, each, _ in told]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", id) for _, id in ids)


def test_ids_start_as_millennium_starts_them(told: list[tuple[int, Rendering, Json]]) -> None:
    for _, each, payload in told:
        if each.type == "Condition":
            assert each.id[0] == ("p" if has_code(payload["category"][0], "problem-list-item") else "d")
        elif each.type == "Observation":
            assert re.fullmatch(r"(L-|VS-|SH-81-)\d+|VS-CV-\d+-SECT-8098|BP-\d+-\d+", each.id)
        elif each.type == "Immunization":
            assert re.fullmatch(r"M\d+", each.id)
        elif each.type == "Coverage":
            assert re.fullmatch(r"\d+-\d+" if "extension" in payload else r"\d+-(\d+)-\1", each.id)
        else:
            assert each.id.isdigit()


def test_the_same_seed_gives_the_same_bytes(desk: Desk) -> None:
    other = Desk()
    for number in (0, 7, 33):
        one = [dumps(each.payload) for each in VENDOR.renderings(desk.site, number)]
        assert one == [dumps(each.payload) for each in VENDOR.renderings(other.site, number)]
    assert Desk(seed=8).patient(0) != desk.patient(0)


def test_a_read_gives_the_bytes_of_the_rendering(desk: Desk) -> None:
    for each in VENDOR.renderings(desk.site, 3):
        answer = desk.get(f"{each.type}/{each.id}")
        root = f'"url":"{desk.root}/Binary/'.encode()
        assert answer.body.replace(root, b'"url":"Binary/') == dumps(each.payload), each.id


def test_patients_are_known_by_all_their_ids(desk: Desk) -> None:
    for number in range(60):
        for id in VENDOR.patient_ids(desk.site, number).values():
            assert VENDOR.patient_of(desk.site, id) == number
    assert VENDOR.patient_of(desk.site, "12999999999") is None
    assert VENDOR.patient_of(desk.site, "x") is None
    combined, survivor = desk.combined()
    ids = VENDOR.patient_ids(desk.site, survivor)
    assert {VENDOR.patient_of(desk.site, id) for id in ids.values()} == {survivor}
    assert ids["combined_fhir_id"] == VENDOR.patient_ids(desk.site, combined)["fhir_id"]


def test_ids_of_another_kind_or_prefix_are_unknown(desk: Desk) -> None:
    problem = desk.payloads(0, "Condition")[0]["id"]
    lab = next(one["id"] for one in desk.payloads(0, "Observation") if one["id"].startswith("L-"))
    wrong = [
        f"Condition/{'d' if problem[0] == 'p' else 'p'}{problem[1:]}",
        f"Condition/{problem[1:]}",
        f"Observation/VS-{lab[2:]}",
        f"Observation/L-0{lab[2:]}",
        f"Observation/BP-{lab[2:]}-0",
        f"Encounter/{lab[2:]}",
        "Observation/BP-0-0",
        "Practitioner/4000000",
    ]
    for reference in wrong:
        assert desk.get(reference).status == 404, reference


def test_an_instant_has_the_spelling_of_its_type(told: list[tuple[int, Rendering, Json]]) -> None:
    spellings = {
        "Patient": r"\.\d{3}Z",
        "Encounter": r"\.\d{3}Z",
        "Condition": r"\.\d{3}Z",
        "Observation": r"\.\d{3}Z",
        "MedicationRequest": r"Z",
        "AllergyIntolerance": r"Z",
        "Immunization": r"-0[56]:00",
    }
    for type, spelling in spellings.items():
        found = {one["meta"]["lastUpdated"] for one in of(told, type)}
        assert found
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d" + spelling, at) for at in found)
    authored = {one["authoredOn"][-6] for one in of(told, "MedicationRequest")}
    assert "-" in authored  # some orders have the server's offset
    assert len(authored) > 1


def test_version_ids_are_no_sequence(told: list[tuple[int, Rendering, Json]]) -> None:
    pressures = {one["meta"]["versionId"] for one in of(told, "Observation") if one["id"].startswith("BP-")}
    assert pressures == {"1-1", "1-"}
    for one in of(told, "Condition"):
        assert int(one["meta"]["versionId"]) >= int(one["id"][1:])


def test_values_stand_before_the_urls_of_extensions(told: list[tuple[int, Rendering, Json]]) -> None:
    def extensions(thing: Any) -> Iterator[Json]:
        if isinstance(thing, dict):
            yield from thing.get("extension", [])
            thing = list(thing.values())
        for member in thing if isinstance(thing, list) else ():
            yield from extensions(member)

    found = [each for _, _, payload in told[:300] for each in extensions(payload)]
    assert found
    assert all(list(each)[-1] == "url" for each in found)


# Habits that hurt


def test_what_was_entered_in_error_stands_in_the_lists(told: list[tuple[int, Rendering, Json]]) -> None:
    for one in of(told, "Condition", true=False):
        assert has_code(one["verificationStatus"], "entered-in-error")
        assert "clinicalStatus" not in one
        assert one["code"]["text"]
    for one in of(told, "AllergyIntolerance", true=False):
        assert "clinicalStatus" not in one
        assert one["verificationStatus"]["text"] == "Canceled"
    for one in of(told, "Observation", true=False):
        assert one["status"] == "entered-in-error"
        assert "valueQuantity" in one
    assert all(of(told, type, true=False) for type in ("Condition", "AllergyIntolerance", "Observation"))


def test_the_words_of_a_status_are_not_its_code(told: list[tuple[int, Rendering, Json]]) -> None:
    proposed = [one for one in of(told, "AllergyIntolerance") if one["clinicalStatus"]["text"] == "Proposed"]
    assert proposed
    for one in proposed:
        assert has_code(one["clinicalStatus"], "active")
        assert has_code(one["verificationStatus"], "unconfirmed")


def test_the_first_coding_is_the_sites_own(desk: Desk, told: list[tuple[int, Rendering, Json]]) -> None:
    own = f"https://fhir.cerner.com/{tenant_of(desk.site)}/codeSet/"
    for type, pick in (
        ("Observation", lambda one: one["code"]),
        ("Immunization", lambda one: one["vaccineCode"]),
        ("Encounter", lambda one: one["type"][0]),
    ):
        for one in of(told, type):
            first = pick(one)["coding"][0]
            if not one["id"].startswith("BP-"):
                assert first["system"].startswith(own)
                assert first["userSelected"] is True
                assert first["code"].isdigit()
    problems = [one for one in of(told, "Condition") if one["id"].startswith("p")]
    assert {one["code"]["coding"][0]["system"] for one in problems} == {"http://e-imo.com/products/problem-it"}
    orders = [
        one["medicationCodeableConcept"] for one in of(told, "MedicationRequest") if "medicationCodeableConcept" in one
    ]
    assert {one["coding"][-1]["system"].rpartition("/")[2] for one in orders} == {"synonym"}


def test_some_products_and_tests_have_no_standard_code(desk: Desk, told: list[tuple[int, Rendering, Json]]) -> None:
    assert any(codes(one["code"]) == [] for one in of(told, "Observation"))
    assert codes(first_order(desk, "(?i)naproxen")["medicationCodeableConcept"]) == []


def test_each_pressure_carries_the_code_of_the_panel(told: list[tuple[int, Rendering, Json]]) -> None:
    pairs = [one for one in of(told, "Observation") if one["id"].startswith("BP-")]
    whole = [one for one in pairs if not one["id"].endswith("-0")]
    assert whole
    for one in whole:
        assert all(has_code(part["code"], "85354-9") for part in one["component"])
        assert "valueQuantity" not in one
    halves = [one for one in pairs if one["id"].endswith("-0")]
    assert halves
    for one in halves:
        assert "valueQuantity" not in one["component"][1]
        assert one["component"][1]["dataAbsentReason"]["coding"][0]["code"] == "unknown"


def test_a_quantity_repeats_itself_in_other_units_first(told: list[tuple[int, Rendering, Json]]) -> None:
    weights = [one["valueQuantity"] for one in of(told, "Observation") if has_code(one["code"], "29463-7")]
    assert weights
    for quantity in weights:
        assert next(iter(quantity)) == "extension"
        others = {each["valueQuantity"]["code"]: each["valueQuantity"]["value"] for each in quantity["extension"]}
        assert quantity["code"] == "kg"
        assert others["g"] == quantity["value"] * 1000
        assert abs(others["[lb_av]"] - quantity["value"] * Decimal("2.2046226")) < Decimal("0.01")


def test_units_are_words_and_some_have_no_code(told: list[tuple[int, Rendering, Json]]) -> None:
    quantities = {
        one["code"]["text"]: one["valueQuantity"] for one in of(told, "Observation") if "valueQuantity" in one
    }
    assert (quantities["Body temperature"]["unit"], quantities["Body temperature"]["code"]) == ("degC", "Cel")
    breaths = quantities["Respiratory rate"]
    assert "code" not in breaths
    assert breaths["_code"]["extension"][0]["valueCode"] == "unknown"
    score = quantities["PHQ-9 total"] if "PHQ-9 total" in quantities else quantities["Pain score 0-10"]
    assert set(score) <= {"value", "comparator"}


def test_a_vaccination_reads_as_the_day_before(desk: Desk, told: list[tuple[int, Rendering, Json]]) -> None:
    for _, each, payload in told:
        if each.type == "Immunization" and each.records:  # not those that were entered in error
            (record,) = each.records
            assert date.fromisoformat(payload["occurrenceDateTime"][:10]) < record.day
            assert payload["occurrenceDateTime"][10:] in ("T18:00:00-06:00", "T19:00:00-05:00")
            assert payload["doseQuantity"]["code"] == "{unknownunit}"


def test_what_the_patient_reported_stands_among_the_orders(told: list[tuple[int, Rendering, Json]]) -> None:
    plans = [one for one in of(told, "MedicationRequest") if one["intent"] == "plan"]
    assert plans
    assert all(one["reportedBoolean"] for one in plans)
    assert any("reference" not in one["requester"] for one in plans)
    assert all("reference" in one["requester"] for one in of(told, "MedicationRequest") if one["intent"] == "order")


def first_order(desk: Desk, pattern: str) -> Json:
    """The first order whose product's name holds `pattern`."""
    for number in range(400):
        if any(re.search(pattern, each.text) for each in desk.sandbox.world.chart(number).medications):
            for one in desk.payloads(number, "MedicationRequest"):
                product = one.get("medicationCodeableConcept") or one["contained"][0]["code"]
                if re.search(pattern, product["text"]):
                    return one
    raise AssertionError(f"nobody takes {pattern}")


def test_the_dose_of_a_solution_is_its_strength(desk: Desk) -> None:
    order = first_order(desk, r"MG/ML .*(Solution|Cream)")
    (dosage,) = order["dosageInstruction"]
    assert dosage["doseAndRate"][0]["doseQuantity"]["code"] == "%"
    assert "%" not in dosage["text"]
    assert "%" not in dosage["patientInstruction"]


def test_several_ingredients_are_contained(desk: Desk) -> None:
    order = first_order(desk, " / ")
    assert order["medicationReference"]["reference"] == f"#{order['contained'][0]['id']}"
    assert len(order["contained"][0]["ingredient"]) > 1


def test_a_patient_has_old_names_and_numbers_that_count_no_more(told: list[tuple[int, Rendering, Json]]) -> None:
    for one in of(told, "Patient"):
        uses = [name["use"] for name in one["name"]]
        assert uses == ["official", "old", "old"]
        assert all(("end" in name["period"]) is (name["use"] == "old") for name in one["name"])
        kinds = [each for each in one["identifier"] if has_code(each["type"], "MR")]
        assert len({each["system"] for each in kinds}) == 2
        assert sum("end" in each.get("period", {}) for each in kinds) == 1
        assert "end" in kinds[1]["period"]
        (bare,) = [each for each in one["identifier"] if "system" not in each]
        assert bare["_system"]["extension"][0]["valueCode"] == "unknown"
        assert {each["use"] for each in one["identifier"]} == {"usual"}
        ranks = Counter((each["use"], each["rank"]) for each in one.get("telecom", []))
        assert all(times == 1 for times in ranks.values())


def test_a_combined_patient_is_nameless_and_points_to_the_survivor(desk: Desk) -> None:
    _, number = desk.combined()
    ids = VENDOR.patient_ids(desk.site, number)
    answer = desk.get(f"Patient/{ids['combined_fhir_id']}")
    assert answer.status == 200
    gone = answer.json
    assert gone["active"] is False
    assert gone["link"] == [{"other": {"reference": f"Patient/{ids['fhir_id']}"}, "type": "replaced-by"}]
    assert "family" not in gone["name"][0]
    survivor = desk.get(f"Patient/{ids['fhir_id']}").json
    assert "link" not in survivor
    assert desk.get("Condition", {"patient": ids["combined_fhir_id"]}).entries == []
    family = desk.sandbox.world.chart(number).person.family
    assert ids["combined_fhir_id"] not in desk.get("Patient", {"family": family, "name": ""}).ids


def test_text_is_escaped_and_a_name_can_hold_nul(desk: Desk) -> None:
    mistyped = next(n for n in range(1000) if happens(desk.site, "nul in name", Row(n, 0), 4))
    answer = desk.get(f"Patient/{desk.patient(mistyped)}")
    assert b"\\u0000" in answer.body
    assert "\u0000" in answer.json["name"][-1]["given"][0]
    families = (n for n in range(1000) if "'" in str(getattr(desk.sandbox.world.person(n), "family", "")))
    number = next(families)
    body = desk.get(f"Patient/{desk.patient(number)}").json["text"]["div"]
    assert "&#39;" in body
    assert "'" not in body


def test_visits_that_were_never_closed_have_no_period(told: list[tuple[int, Rendering, Json]]) -> None:
    visits = of(told, "Encounter")
    unclosed = [one for one in visits if one["status"] == "in-progress"]
    assert unclosed
    assert all("period" not in one for one in unclosed)
    assert all(one["identifier"][0]["system"].endswith(".") for one in visits)


# Against the recordings, and the list of traps

SAMPLES = Path(__file__).parents[4] / "shared" / "samples" / "cerner"


def shape(thing: Any, at: str = "") -> Iterator[str]:
    """The dotted names of everything in a resource, without positions."""
    if isinstance(thing, dict):
        for name, member in thing.items():
            yield f"{at}.{name}"
            yield from shape(member, f"{at}.{name}")
    elif isinstance(thing, list):
        for member in thing:
            yield from shape(member, at)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no recordings here")
@pytest.mark.parametrize(
    ("sample", "type", "ours_alone"),
    [
        ("patient-read", "Patient", {".deceasedDateTime"}),
        ("encounter-search-page1", "Encounter", {".hospitalization", ".period", ".reasonCode"}),
        ("condition-search-problems", "Condition", {".abatementDateTime", ".encounter"}),
        ("allergyintolerance-search", "AllergyIntolerance", set()),
        ("medicationrequest-search-page1", "MedicationRequest", {".contained", ".medicationReference"}),
        ("observation-search-lab-page1", "Observation", {".component", ".interpretation", ".valueCodeableConcept"}),
    ],
)
def test_resources_have_no_members_that_recordings_lack(
    told: list[tuple[int, Rendering, Json]], sample: str, type: str, ours_alone: set[str]
) -> None:
    """Loosely: first-level members only; what our data need beyond the few recorded ones is named."""
    recorded = json.loads((SAMPLES / f"{sample}.json").read_text("utf-8"))
    theirs = [entry["resource"] for entry in recorded.get("entry", [])] or [recorded]
    known = {name for one in theirs for name in shape(one) if name.count(".") == 1}
    ours = {name for one in of(told, type) for name in shape(one) if name.count(".") == 1}
    assert ours - known <= ours_alone
    assert {".text", ".meta"} <= known & ours


SHOWN_BY = {
    "01": "test_a_token_dies_after_570_seconds_of_sandbox_time",
    "03": "test_access_tokens_are_encrypted_and_never_repeat",
    "04": "test_scopes_that_are_not_registered_are_dropped_without_a_word",
    "05": "test_nothing_to_grant_is_an_error_with_a_urn_and_no_description",
    "06": "test_errors_come_in_several_forms",
    "07": "test_what_was_entered_in_error_stands_in_the_lists",
    "08": "test_what_was_entered_in_error_stands_in_the_lists",
    "09": "test_the_words_of_a_status_are_not_its_code",
    "10": "test_the_first_coding_is_the_sites_own",
    "11": "test_each_pressure_carries_the_code_of_the_panel",
    "12": "test_each_pressure_carries_the_code_of_the_panel",
    "13": "test_a_quantity_repeats_itself_in_other_units_first",
    "14": "test_units_are_words_and_some_have_no_code",
    "15": "test_a_vaccination_reads_as_the_day_before",
    "16": "test_an_instant_has_the_spelling_of_its_type",
    "17": "test_what_the_patient_reported_stands_among_the_orders",
    "18": "test_the_dose_of_a_solution_is_its_strength",
    "19": "test_one_document_has_several_attachments_with_absolute_addresses",
    "20": "test_a_binary_is_a_resource_for_fhir_bytes_for_others_and_never_plain_json",
    "21": "test_a_patient_has_old_names_and_numbers_that_count_no_more",
    "22": "test_a_patient_has_old_names_and_numbers_that_count_no_more",
    "23": "test_a_patient_has_old_names_and_numbers_that_count_no_more",
    "24": "test_a_combined_patient_is_nameless_and_points_to_the_survivor",
    "26": "test_page_contexts_are_spelled_differently_and_mean_nothing_to_a_caller",
    "27": "test_an_observation_comes_again_on_the_next_page",
    "28": "test_condition_allergy_and_immunization_are_never_paged",
    "29": "test_page_contexts_are_spelled_differently_and_mean_nothing_to_a_caller",
    "30": "test_an_empty_bundle_has_no_entry_and_no_total",
    "31": "test_one_bad_record_takes_the_whole_search_with_it",
    "33": "test_more_than_a_thousand_patients_are_refused_not_paged",
    "34": "test_an_unknown_type_is_not_found_as_an_unknown_id_is",
    "39": "test_version_ids_are_no_sequence",
    "46": "test_a_tenant_need_not_be_a_uuid",
    "47": "test_the_token_url_has_two_forms_until_the_classic_one_goes",
    "53": "test_text_is_escaped_and_a_name_can_hold_nul",
    "54": "test_text_is_escaped_and_a_name_can_hold_nul",
    "56": "test_pkce_need_not_be_announced",
    "59": "test_the_next_link_of_appointments_drops_what_was_asked",
    "61": "test_an_encounter_finds_its_diagnoses_and_every_problem",
    "62": "test_a_blood_pressure_is_found_by_the_panel_only",
    "63": "test_the_last_day_of_a_coverage_reads_as_the_day_after",
    "64": "test_a_coverage_comes_again_for_every_encounter_of_its_time",
    "65": "test_a_procedure_has_a_selected_standard_code_or_words_alone",
    "66": "test_a_procedures_time_is_a_period_a_moment_or_absent",
    "67": "test_appointments_are_found_with_a_date_that_has_a_time",
}


def test_every_trap_is_shown_by_a_test_that_exists() -> None:
    here = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_cerner_*.py"))
    assert {f"cerner-{number}" for number in SHOWN_BY} == {trap.id for trap in VENDOR.traps}
    assert [name for name in SHOWN_BY.values() if f"def {name}(" not in here] == []


def test_every_trap_is_listed_once_with_a_source_and_told_in_the_sources() -> None:
    ids = [trap.id for trap in VENDOR.traps]
    assert len(ids) == len(set(ids)) >= 16
    listed = (Path(room.__file__).parent / "SOURCES.md").read_text("utf-8")
    for trap in VENDOR.traps:
        assert "https://" in trap.source.where or trap.source.mark == "guess", trap.id
        assert trap.id in listed, trap.id
    assert [url for url in PUBLIC.values() if url.split(" ")[0] not in listed] == []
