"""Epic's bodies against the standards: R4 by the models of fhir.resources, US Core 6.1.0 by its tables where they are
at hand (`EMR_SHARED`, else `../shared`). What leaves them on purpose stands in `deviations.py`, each with its switch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from simulator.fhir import build
from simulator.vendors.epic import VENDOR, ids, resources
from simulator.vendors.epic.deviations import DEVIATIONS
from tests.simulator.vendors.epic_door import Door, sandbox
from tests.simulator.vendors.epic_shapes import form_of, told_of

Json = dict[str, Any]
TABLES = Path(os.environ.get("EMR_SHARED", Path(__file__).parents[4] / "shared")) / "research" / "us_core_tables.json"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


@pytest.fixture(scope="module")
def bodies(door: Door) -> list[Json]:
    """Everything that is told of fifty patients, and the people and places that they refer to."""
    told = [body for number in range(10, 60) for body in _bodies(door, number)]
    for type in ("Practitioner", "Location", "Organization"):
        for index in range(8):
            body = resources.payload_of(door.site, ids.Named(type, index, 0))
            told += [body] if body is not None else []
    return [json.loads(build.dumps(one)) for one in told]


def _bodies(door: Door, number: int, *types: str) -> Iterator[Json]:
    t = resources.telling(door.site, number)
    assert t is not None
    return told_of(t, types or None)


@pytest.mark.slow
def test_every_form_of_every_body_is_valid_r4(bodies: list[Json]) -> None:
    forms: set[Hashable] = set()
    for body in bodies:
        form = form_of(body)
        if form not in forms:
            forms.add(form)
            get_fhir_model_class(body["resourceType"]).model_validate(body)
    assert len(forms) > 100


# Deviations


SHOWS: dict[str, Callable[[Json], bool]] = {
    "word_codes": lambda body: any(
        not coding["code"].isdigit()
        for reaction in body.get("reaction", ())
        for concept in reaction["manifestation"]
        for coding in concept["coding"]
    ),
    "attester_extension": lambda body: any("hl7.org/fhir/5.0" in one["url"] for one in body.get("extension", ())),
    "appointment_extension": lambda body: any("hl7.org/fhir/5.0" in one["url"] for one in body.get("extension", ())),
    "scans": lambda body: any("url" not in one["attachment"] for one in body["content"]),
    "smoking_period": lambda body: "effectivePeriod" in body,
    "padded_ids": lambda body: any(one["value"] != one["value"].strip() for one in body["identifier"]),
}


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda one: one.setting)
def test_a_deviation_is_there_until_it_is_switched_off(door: Door, deviation: Any) -> None:
    shows = SHOWS[deviation.setting]
    assert any(shows(body) for number in range(20) for body in _bodies(door, number, deviation.type))
    plain = Door(sandbox(vendor=VENDOR.variant("epic", defaults={deviation.setting: False})))
    told = [body for number in range(20) for body in _bodies(plain, number, deviation.type)]
    assert told
    assert not any(shows(one) for one in told)


# US Core


def _category(code: str) -> Callable[[Json], bool]:
    return lambda body: any(
        coding["code"] == code for concept in body["category"] for coding in concept.get("coding", ())
    )


def _coded(loinc: str) -> Callable[[Json], bool]:
    return lambda body: any(coding["code"] == loinc for coding in body["code"]["coding"])


def _always(body: Json) -> bool:
    return True


def _is_note(body: Json) -> bool:
    return "docStatus" in body


def _is_provider(body: Json) -> bool:
    return any(coding.get("code") == "pay" for one in body.get("type", ()) for coding in one["coding"]) is False


# Profile -> (type, whether a resource is held to it, must-support elements that nothing here has, and why).
PROFILES: dict[str, tuple[str, Callable[[Json], bool], dict[str, str]]] = {
    "patient": ("Patient", _always, {"name.period.end": "the use tells names of former times"}),
    "allergy_intolerance": ("AllergyIntolerance", _always, {}),
    "condition_problems_health_concerns": ("Condition", _category("problem-list-item"), {}),
    "condition_encounter_diagnosis": ("Condition", _category("encounter-diagnosis"), {}),
    "encounter": ("Encounter", _always, {"reasonReference": "the reason is told as a code's text and as a diagnosis"}),
    "immunization": ("Immunization", _always, {"statusReason": "nothing in the truth was not done"}),
    "medication_request": (
        "MedicationRequest",
        _always,
        {
            "reportedBoolean": "Epic does not send it (MAP)",
            "reportedReference": "the same",
            "reasonReference": "a code",
        },
    ),
    "procedure": ("Procedure", _always, {}),
    "document_reference": ("DocumentReference", _is_note, {"content.attachment.data": "behind a URL"}),
    "coverage": ("Coverage", lambda body: "identifier" in body, {}),
    "observation_lab": ("Observation", _category("laboratory"), {"valueCodeableConcept": "findings are strings (MAP)"}),
    "smokingstatus": ("Observation", _coded("72166-2"), {}),
    "blood_pressure": (
        "Observation",
        _coded("85354-9"),
        {"component.dataAbsentReason": "both pressures were measured"},
    ),
    "heart_rate": ("Observation", _coded("8867-4"), {}),
    "body_weight": ("Observation", _coded("29463-7"), {}),
    "bmi": ("Observation", _coded("39156-5"), {}),
    "pediatric_bmi_for_age": ("Observation", _coded("59576-9"), {}),
    "practitioner": (
        "Practitioner",
        _always,
        dict.fromkeys(("telecom", "telecom.system", "telecom.value"), "nobody has a telephone of their own"),
    ),
    "organization": (
        "Organization",
        _is_provider,
        dict.fromkeys(("telecom", "telecom.system", "telecom.value", "address.country"), "Epic's has none (FS)"),
    ),
}
_EXTENSIONS_ABSENT = {
    "us-core-tribal-affiliation": "the truth has none",
    "condition-assertedDate": "Epic tells the day of writing as recordedDate (MAP)",
}


@pytest.mark.skipif(not TABLES.is_file(), reason="the tables of US Core are not at hand")
@pytest.mark.parametrize("profile", PROFILES)
def test_us_cores_elements_are_there_where_the_truth_has_them(bodies: list[Json], profile: str) -> None:
    table = json.loads(TABLES.read_text("utf-8"))["v6.1.0"][profile]
    type, applies, absent = PROFILES[profile]
    held = [one for one in bodies if one["resourceType"] == type and applies(one)]
    assert held
    for path in table["mandatory"]:
        for body in held:
            assert _has_wherever_its_parent_is(body, path.split(".")[1:]), (path, body)
    asked = {element.replace("[x]", "") for element, *_ in table["must_support_elements"] if ":" not in element}
    never = {path for path in asked if not any(_found(body, path.split(".")) for body in held)}
    assert never == set(absent), "must-support elements that no resource has"
    urls = {url.rpartition("/")[2] for url, _ in table["must_support_extensions"]} - set(_EXTENSIONS_ABSENT)
    told = {one["url"].rpartition("/")[2] for body in held for one in body.get("extension", ())}
    assert urls <= told


def _values(node: Any, name: str) -> list[Any]:
    """The members of a node under a name, or one that begins with it where the name stands for a choice."""
    if not isinstance(node, dict):
        return []
    found = [node[key] for key in node if key == name or (key.startswith(name) and key[len(name) :][:1].isupper())]
    return [one for value in found for one in (value if isinstance(value, list) else [value])]


def _found(node: Any, path: list[str]) -> bool:
    if not path:
        return True
    return any(_found(one, path[1:]) for one in _values(node, path[0]))


def _has_wherever_its_parent_is(node: Any, path: list[str]) -> bool:
    name = path[0].replace("[x]", "")
    values = _values(node, name)
    if len(path) == 1:
        return bool(values)
    return all(_has_wherever_its_parent_is(one, path[1:]) for one in values)
