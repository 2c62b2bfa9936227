"""Our answers have the shape of Epic's recorded ones: see `epic_shapes`, which also lists what is missing.

Skipped where the recordings are not at hand (`EMR_SHARED`, else `../shared`).
"""

from __future__ import annotations

import json

import pytest

from tests.simulator.vendors import epic_shapes
from tests.simulator.vendors.epic_door import Door
from tests.simulator.vendors.epic_shapes import SAMPLES, Shape, shapes, share, table

FLOORS = {
    "AllergyIntolerance": 100,
    "Bundle": 100,
    "CapabilityStatement": 100,
    "CarePlan": 100,
    "CareTeam": 100,
    "Condition": 100,
    "DocumentReference": 100,
    "Encounter": 100,
    "Immunization": 100,
    "Medication": 100,
    "MedicationRequest": 100,
    "Observation": 100,
    "OperationOutcome": 100,
    "Organization": 100,
    "Patient": 95,
    "Practitioner": 90,
    "Procedure": 100,
}
"""Of each recorded type that is told: how many per cent of the recorded paths ours have at least. A type that is told
for the first time gets a line here; no number is ever lowered without a reason in the commit."""


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the recorded samples are not at hand")
def test_our_answers_have_the_paths_of_the_recorded_ones() -> None:
    door, recorded = Door(), epic_shapes.recorded()
    types = epic_shapes.served(door, recorded)
    assert types == set(FLOORS), "a type has no floor, or a floor no type"
    wanted = {type: epic_shapes.wanted_of(recorded[type]) for type in types}
    left = epic_shapes.missing(wanted, door, enough={type: floor / 100 for type, floor in FLOORS.items()})
    print(table(wanted, left))
    below = [type for type in types if 100 * share(len(wanted[type]), len(left[type])) < FLOORS[type]]
    assert not below, table({type: wanted[type] for type in below}, left)


def test_a_shape_is_a_path_with_the_type_and_at_times_the_value() -> None:
    body = json.loads("""{"code": {"coding": [{"system": "http://loinc.org", "code": "1"}, {"system": "urn:x"}]},
        "link": [{"url": "Binary/x"}], "value": 1.5, "is": true, "none": null}""")
    assert set(shapes(body)) == {
        Shape("code.coding.system", "string", "http://loinc.org"),
        Shape("code.coding.system", "string", "urn:x"),
        Shape("code.coding.code", "string"),
        Shape("link.url", "string"),
        Shape("value", "number"),
        Shape("is", "boolean"),
        Shape("none", "null"),
    }


def test_what_nothing_of_ours_has_is_missing_and_what_something_has_is_not() -> None:
    there, not_there = Shape("name.family", "string"), Shape("name.family", "number")
    foreign = Shape("identifier.system", "string", "urn:oid:2.999")
    wanted = {"Patient": {there, not_there, foreign}, "Practitioner": {there, not_there}}
    left = epic_shapes.missing(wanted, Door(), patients=2)
    assert left == {"Patient": {not_there, foreign}, "Practitioner": {not_there}}
    assert table(wanted, left).endswith("over all                   40.0 %   2 of 5")
