"""Our answers have the shape of Cerner's recorded ones: see `cerner_shapes`, which also lists what is missing.

Skipped where the recordings are not at hand (`EMR_SHARED`, else `../shared`).
"""

from __future__ import annotations

import pytest

from tests.simulator.vendors import cerner_shapes
from tests.simulator.vendors.cerner_desk import Desk
from tests.simulator.vendors.cerner_shapes import SAMPLES
from tests.simulator.vendors.epic_shapes import Shape, share, table

FLOORS = {
    "AllergyIntolerance": 66,
    "Binary": 100,
    "Bundle": 100,
    "CapabilityStatement": 87,
    "Condition": 100,
    "Coverage": 100,
    "DiagnosticReport": 95,
    "DocumentReference": 100,
    "Encounter": 76,
    "Immunization": 66,
    "Location": 73,
    "MedicationRequest": 82,
    "Observation": 91,
    "OperationOutcome": 100,
    "Organization": 100,
    "Patient": 82,
    "Practitioner": 95,
    "Provenance": 72,
    "Schedule": 100,
}
"""Of each recorded type that is told: how many per cent of the recorded paths ours have at least. No number is ever
lowered without a reason in the commit."""


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the recorded samples are not at hand")
def test_our_answers_have_the_paths_of_the_recorded_ones() -> None:
    wanted, left = cerner_shapes.compared(Desk(), patients=12)
    print(table(wanted, left))
    assert set(wanted) == set(FLOORS), "a type has no floor, or a floor no type"
    below = [type for type in wanted if 100 * share(len(wanted[type]), len(left[type])) < FLOORS[type]]
    assert not below, table({type: wanted[type] for type in below}, left)


def test_addresses_are_compared_without_their_value_and_code_sets_without_the_tenant() -> None:
    body = {"url": "https://fhir-open.cerner.com/r4/t1/Binary/XR-1", "system": "https://fhir.cerner.com/t1/codeSet/72"}
    assert set(cerner_shapes.of(body, "t1")) == {
        Shape("url", "string"),
        Shape("system", "string", "https://fhir.cerner.com/{tenant}/codeSet/72"),
    }
