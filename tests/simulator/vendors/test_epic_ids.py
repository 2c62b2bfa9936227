"""Epic's ids: frames, lengths, letters, and the way back. SOURCES.md, "Answers"; trap E10."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.vendors.epic import ids

KEY = bytes(range(32))
FRAMES = [(type, "e") for type in ids.TYPES] + [("Observation", ids.LABORATORY)]


@pytest.mark.parametrize(("type", "frame"), FRAMES)
@given(number=st.integers(0, 2**33), ordinal=st.integers(0, ids.NOT_ON_FILE))
@settings(max_examples=20, deadline=None)
def test_an_id_turns_back_into_what_it_names(type: str, frame: str, number: int, ordinal: int) -> None:
    id = ids.fhir_id(KEY, type, number, ordinal, frame)
    assert ids.named(KEY, id) == ids.Named(type, number, ordinal, frame)
    assert re.fullmatch(r"(e[A-Za-z0-9.-]{22,62}3|f[A-Za-z0-9.-]{58}4)", id)


@given(number=st.integers(0, 2**33), ordinal=st.integers(0, ids.NOT_ON_FILE), place=st.integers(0, len(FRAMES) - 1))
@settings(max_examples=50, deadline=None)
def test_the_id_of_a_provenance_turns_back_into_what_it_is_about(number: int, ordinal: int, place: int) -> None:
    type, frame = FRAMES[place]
    id = ids.provenance_id(KEY, ids.Named(type, number, ordinal, frame))
    assert ids.named(KEY, id) == ids.Named("Provenance", number, ordinal, frame, type)
    assert len(id) == 48


def test_lengths_differ_by_type_and_stay_within_what_fhir_allows() -> None:
    lengths = {type: len(ids.fhir_id(KEY, type, 5, 1)) for type in ids.TYPES}
    assert lengths["Patient"] == 24
    assert lengths["Observation"] == lengths["MedicationRequest"] == 60
    assert lengths["Medication"] == 64
    assert lengths["DiagnosticReport"] == lengths["ServiceRequest"] == lengths["Specimen"] == 48


def test_neighbours_differ_only_in_the_case_of_one_letter_and_share_their_first_36() -> None:
    one, other = (ids.fhir_id(KEY, "Observation", 9, ordinal) for ordinal in (6, 7))
    assert one != other
    assert one.lower() == other.lower()
    assert {ids.fhir_id(KEY, "Observation", 9, ordinal)[:36] for ordinal in range(20)} == {one[:36]}


@pytest.mark.parametrize("id", ["", "e", "e" + "A" * 22 + "3", "17", "e" + "ä" * 22 + "3", "x" * 64])
def test_a_made_up_id_names_nothing(id: str) -> None:
    assert ids.named(KEY, id) is None


@given(place=st.integers(1, 58))
@settings(max_examples=30, deadline=None)
def test_an_id_with_another_letter_names_nothing(place: int) -> None:
    id = ids.fhir_id(KEY, "Observation", 3, 4)
    other = "A" if id[place] != "A" else "B"
    assert ids.named(KEY, id[:place] + other + id[place + 1 :]) is None


def test_the_ids_of_one_site_mean_nothing_at_another() -> None:
    assert ids.named(bytes(32), ids.fhir_id(KEY, "Patient", 3)) is None


@given(number=st.integers(0, 2**33))
@settings(max_examples=50, deadline=None)
def test_identifiers_turn_back_into_the_patient(number: int) -> None:
    assert ids.number_of_ceid(KEY, ids.ceid(KEY, number)) == number
    assert ids.number_of_dstu2(KEY, ids.dstu2_id(KEY, number)) == number
    assert ids.number_of_ceid(KEY, "FHAAAAAAAAAAAAA") != number or number == 0


def test_the_retired_id_has_the_form_of_the_old_interface() -> None:
    assert re.fullmatch(r"T[A-Za-z0-9.-]{43}B", ids.dstu2_id(KEY, 12))
