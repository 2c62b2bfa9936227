"""Canonical records (contract section 5): every record of every chart has one, and an integration that holds exactly
what it says is without fault, whatever the telling lost."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.population.answers import Loss, canonical, compare, expected
from simulator.population.people import Population
from simulator.population.records import KINDS, Observation, Record
from simulator.population.world import World

MEMBERS = {
    "patient": "name birthDate administrativeGender sexAtBirth race ethnicity language maritalStatus telecom addresses "
    "deceased sensitivity",
    "encounter": "status class type start end reasonCodes location sensitivity admitSource dischargeDisposition",
    "condition": "codes text clinicalStatus verification category onset abatement recorded sensitivity",
    "allergy": "assertion codes text type category criticality clinicalStatus verification reactions onset sensitivity",
    "medication": "codes text status intent authored dosage start stop quantity daysSupply refills reason sensitivity",
    "observation": "status category codes text effective issued value interpretation range panel sensitivity",
    "immunization": "codes text date status lot sensitivity",
    "procedure": "codes text status performed end reason sensitivity",
    "document": "type text status mime date sha256 content sensitivity",
    "appointment": "status type start minutes reason text cancelReason practitioner location sensitivity",
    "coverage": "status payer plan category memberId dependent group relationship order period",
}
SOURCE = {"vendor": "epic", "type": "Thing", "id": "e1"}
PATIENT = {"vendor": "epic", "id": "p1"}


@cache
def world() -> World:
    return World(Population(seed=7, size=10_000, as_of=date(2026, 1, 5)), charts_kept=60)


def told(record: Record, number: int, *losses: Loss) -> Any:
    return expected(record, losses, chart=world().chart(number), world=world(), source=SOURCE, patient=PATIENT)


@pytest.mark.slow
@given(number=st.integers(0, 9_999))
@settings(max_examples=40, deadline=None)
def test_every_record_has_a_canonical_form_that_is_its_own_answer(number: int) -> None:
    chart = world().chart(number)
    for kind in KINDS:
        for record in chart.of(kind)[:40]:
            made = canonical(record, chart=chart, world=world(), source=SOURCE, patient=PATIENT)
            assert set(made) - {"absent"} == {"kind", "source", "patient", *MEMBERS[kind].split()}
            assert json.loads(json.dumps(made)) == made
            assert compare(told(record, number), made) == []


_LOSSES = st.sampled_from(
    [
        (kind, Loss(field, how, detail))
        for kind, members in MEMBERS.items()
        for field in members.split()
        for how, detail in (("omitted", ""), ("text_only", ""), ("precision", "day"), ("also", ""))
        if how != "precision" or field in ("start", "end", "recorded", "authored", "effective", "issued", "birthDate")
    ]
)


@given(number=st.integers(0, 9_999), drawn=st.lists(_LOSSES, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_what_is_left_after_losses_is_without_fault(number: int, drawn: list[tuple[str, Loss]]) -> None:
    for kind in {kind for kind, _ in drawn}:
        losses = [loss for of, loss in drawn if of == kind]
        for record in world().chart(number).of(kind)[:5]:
            expectation = told(record, number, *losses)
            assert compare(expectation, expectation.record) == []
            silent = {name: value for name, value in expectation.record.items() if value not in (None, [])}
            assert compare(expectation, silent) == []


def test_numbers_keep_their_digits_and_instants_are_utc() -> None:
    number, record = next(
        (n, o)
        for n in range(400)
        for o in world().chart(n).observations
        if o.value is not None and str(o.value).endswith("0") and "." in str(o.value)
    )
    made = told(record, number).record
    assert made["value"]["number"] == str(record.value)
    assert made["effective"]["value"].endswith(":00Z")
    assert made["effective"]["precision"] == "minute"
    assert made["codes"] == [{"system": "loinc", "code": record.code.code}]


def test_identifiers_come_from_the_room() -> None:
    identifiers = [{"type": "MR", "system": "urn:mrn", "value": "0042"}]
    person = world().chart(3).person
    expectation = told(person, 3, Loss("identifiers", "replaced", value=identifiers))
    assert expectation.record["identifiers"] == identifiers
    held = {**expectation.record, "identifiers": []}
    assert [(one.field, one.verdict) for one in compare(expectation, held)] == [("identifiers", "missing")]


def test_the_zone_of_a_record_is_that_of_its_encounter() -> None:
    zones = set()
    for number in range(60):
        chart = world().chart(number)
        for encounter in chart.encounters:
            zone = world().population.facility(encounter.facility).zone
            assert told(encounter, number).zone == zone
            zones.add(zone)
    assert len(zones) == 4


def test_the_part_of_a_component_is_kept_in_the_source() -> None:
    record = next(o for n in range(50) for o in world().chart(n).observations if o.key == "dbp")
    made = canonical(
        record, chart=world().chart(0), world=world(), source={**SOURCE, "part": "8462-4"}, patient=PATIENT
    )
    assert made["source"] == {**SOURCE, "part": "8462-4"}


def test_whose_record_it_is_is_judged_when_all_ids_are_known() -> None:
    record = next(a for n in range(50) for a in world().chart(n).allergies)
    patient = {**PATIENT, "also": ["mrn-1"]}
    expectation = expected(record, (), chart=world().chart(0), world=world(), source=SOURCE, patient=patient)
    assert expectation.record["patient"] == PATIENT
    assert compare(expectation, {**expectation.record, "patient": {"vendor": "epic", "id": "mrn-1"}}) == []
    wrong = compare(expectation, {**expectation.record, "patient": {"vendor": "epic", "id": "other"}})
    assert [one.verdict for one in wrong] == ["wrong-patient"]


@pytest.mark.parametrize("key", ["weight", "temp", "creatinine", "a1c", "glucose"])
def test_truths_of_the_charts_convert(key: str) -> None:
    found = [(n, o) for n in range(60) for o in world().chart(n).observations if o.key == key and not o.comparator]
    assert found
    for number, record in found[:20]:
        assert isinstance(record, Observation)
        expectation = told(record, number)
        value = expectation.record["value"]
        thousandfold = {**value, "number": str(float(value["number"]) * 1000)}
        verdicts = [one.verdict for one in compare(expectation, {**expectation.record, "value": thousandfold})]
        assert verdicts == ["unit-error"]
