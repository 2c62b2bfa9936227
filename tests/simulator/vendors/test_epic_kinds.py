"""Procedures, documents, appointments and coverages as Epic tells them. SOURCES.md, "Resources" and "Search"."""

from __future__ import annotations

import re
from base64 import b64decode
from hashlib import sha256
from typing import Any

import pytest

from simulator.population import documents
from simulator.vendors.epic import VENDOR
from tests.simulator.vendors.epic_door import Door, numbers, read

KINDS = {
    "Procedure": "procedures",
    "DocumentReference": "documents",
    "Appointment": "appointments",
    "Coverage": "coverages",
}


SCANS = ("Insurance Card", "Consent Form", "General Consent")


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


@pytest.fixture(scope="module")
def number(door: Door) -> int:
    return door.patient_with(procedures=3, documents=6, appointments=6, coverages=2)


def all_of(door: Door, number: int, type: str, query: str = "") -> list[dict[str, Any]]:
    return door.matches(type, f"patient={door.fhir_id(number)}{query}")


@pytest.mark.parametrize("type", KINDS)
def test_a_search_finds_everything_of_a_patient(door: Door, number: int, type: str) -> None:
    truth = getattr(door.sandbox.world.chart(number), KINDS[type])
    everything = all_of(door, number, type)
    found = [one for one in everything if one.get("description") not in SCANS]
    assert len(found) == len(truth)
    assert len({one["id"] for one in everything}) == len(everything)
    assert read(door.get(f"{type}/{found[0]['id']}")) == found[0]
    answer = door.get(type)
    assert answer.status == 400
    assert "59159" in numbers(read(answer))


def test_a_coverage_is_found_by_its_beneficiary(door: Door, number: int) -> None:
    by_patient = all_of(door, number, "Coverage")
    assert door.matches("Coverage", f"beneficiary={door.fhir_id(number)}") == by_patient
    for one in by_patient:
        assert one["beneficiary"]["reference"] == f"Patient/{door.fhir_id(number)}"
        assert one["payor"][0]["display"]


def test_a_childs_coverage_is_the_policy_of_a_related_person(door: Door) -> None:
    child = all_of(door, 38, "Coverage")[-1]
    parents = all_of(door, 39, "Coverage")
    (parent,) = (one for one in parents if one.get("subscriberId") == child["subscriberId"])
    assert child["relationship"]["coding"][0]["code"] == "child"
    assert parent["subscriber"]["reference"] == f"Patient/{door.fhir_id(39)}"
    assert child["beneficiary"]["reference"] == f"Patient/{door.fhir_id(38)}"
    assert child["policyHolder"] == child["subscriber"]
    related = read(door.get(child["subscriber"]["reference"]))
    assert related["name"][0]["text"] == child["subscriber"]["display"] == "Rosa Villanueva"
    numbers = [one.get("dependent", "") for one in (parent, child)]
    assert numbers in (["", ""], ["00", "02"], ["01", "03"])
    assert [one["identifier"][0]["value"] for one in (parent, child)] == [
        child["subscriberId"] + one for one in numbers
    ]


def test_dates_and_states_narrow_a_search(door: Door, number: int) -> None:
    booked = all_of(door, number, "Appointment")
    kept = all_of(door, number, "Appointment", "&status=fulfilled")
    assert 0 < len(kept) <= len(booked)
    assert {one["status"] for one in kept} == {"fulfilled"}
    late = all_of(door, number, "Appointment", "&date=ge2024-01-01")
    assert {one["id"] for one in late} == {one["id"] for one in booked if one["start"] >= "2024-01-01T06:00:00Z"}
    assert all_of(door, number, "Procedure", "&category=387713003") == [
        one for one in all_of(door, number, "Procedure") if one["category"]["coding"][0]["code"] == "387713003"
    ]
    refused = door.get("Procedure", f"patient={door.fhir_id(number)}&category=1")
    assert refused.status == 400


def test_a_note_is_told_as_html_and_as_rtf_behind_relative_addresses(door: Door, number: int) -> None:
    notes = [one for one in all_of(door, number, "DocumentReference") if len(one["content"]) == 2]
    assert notes
    attachments = [one["attachment"] for one in notes[0]["content"]]
    assert [one["contentType"] for one in attachments] == ["text/html", "text/rtf"]
    assert all(set(one) == {"contentType", "url"} for one in attachments)
    assert all(re.fullmatch(r"Binary/e[A-Za-z0-9.-]{22}3", one["url"]) for one in attachments)
    as_html, as_rtf = (read(door.get(one["url"])) for one in attachments)
    assert b64decode(as_html["data"]).startswith(b"<!DOCTYPE html>")
    assert b64decode(as_rtf["data"]).startswith(rb"{\rtf1")


def test_a_scan_has_neither_an_address_nor_a_type(door: Door, number: int) -> None:
    """E19: whoever fetches every attachment asks for nothing; the category's system is spelt without a hyphen."""
    scans = all_of(door, number, "DocumentReference", "&category=document-information")
    assert {one["description"] for one in scans} >= {"Insurance Card", "General Consent"}
    for one in scans:
        (content,) = one["content"]
        (absent,) = content["attachment"]["extension"]
        assert absent["valueCode"] == "not-applicable"
        assert set(content["attachment"]) == {"extension"}
        assert one["category"][0]["coding"][0]["system"].endswith("/documentreference-category")
    told = {one.id: one for one in VENDOR.renderings(door.site, number)}
    assert all(told[one["id"]].is_aside and not told[one["id"]].records for one in scans)


def test_a_binary_is_a_resource_for_fhir_and_bytes_for_everybody_else(door: Door, number: int) -> None:
    attachment = all_of(door, number, "DocumentReference")[0]["content"][0]["attachment"]
    raw = door.get(attachment["url"], accept="*/*")
    assert raw.header("content-type") == attachment["contentType"]
    resource = read(door.get(attachment["url"]))
    assert b64decode(resource["data"]) == raw.body
    assert resource["contentType"] == attachment["contentType"]
    assert door.get("Binary/e" + "A" * 22 + "3", accept="*/*").status == 404


def test_the_bytes_are_those_of_the_truth(door: Door) -> None:
    world = door.sandbox.world
    checked = 0
    for number in range(60):
        for one in VENDOR.renderings(door.site, number):
            is_document = one.type == "DocumentReference" and one.records
            if is_document and len(one.payload["content"]) == 1 and checked < 12:
                (document,) = one.records
                raw = door.get(one.payload["content"][0]["attachment"]["url"], accept="*/*").body
                assert sha256(raw).hexdigest() == documents.read(world, number, document).sha256  # type: ignore[arg-type]
                checked += 1
    assert checked == 12


def test_a_procedure_has_a_number_of_the_site_and_words(door: Door, number: int) -> None:
    for one in all_of(door, number, "Procedure"):
        (coding,) = one["code"]["coding"]
        assert coding["system"] == "urn:oid:1.2.840.114350.1.13.0.1.7.2.696580"
        assert coding["display"] == one["code"]["text"].upper()
        assert "(" not in one["code"]["text"]


def test_an_appointment_names_patient_practitioner_and_place(door: Door, number: int) -> None:
    for one in all_of(door, number, "Appointment"):
        actors = [part["actor"]["reference"].split("/")[0] for part in one["participant"]]
        assert actors == ["Patient", "Practitioner", "Location"]
        assert ("cancelationReason" in one) == (one["status"] == "cancelled")


def test_the_bytes_of_a_withheld_document_are_withheld_too() -> None:
    door = Door()
    number, secret = next(
        (number, one)
        for number in range(200)
        for one in door.sandbox.world.chart(number).documents
        if "BH" in one.sensitivity
    )
    told = next(one for one in VENDOR.renderings(door.site, number) if one.records == (secret,))
    address = told.payload["content"][0]["attachment"]["url"]
    assert door.get(address, accept="*/*").status == 200
    door.site.settings["withheld_records"] = {"*": ("BH",)}
    assert door.get(f"DocumentReference/{told.id}").status != 200
    assert door.get(address, accept="*/*").status != 200
    assert door.get(address).status != 200
