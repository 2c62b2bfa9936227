"""What a client files at Epic in these tests: one body of each type, and whom it can be about."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, NamedTuple

from simulator.sandbox import Site
from simulator.vendors.epic import resources
from simulator.vendors.epic.resources.encounter import status_of

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NOON = "2026-01-05T11:30:00+00:00"
Body = dict[str, Any]


class Visit(NamedTuple):
    """A patient with an encounter that can be written to, and one that is closed."""

    number: int
    patient: str
    encounter: str
    closed: str


def open_visit(site: Site, least: int = 0) -> Visit:
    """The first patient from `least` on whose chart has both."""
    for number in range(least, 2000):
        t = resources.telling(site, number)
        assert t is not None
        if t.person.deceased is not None:
            continue
        states = {status_of(t, one): t.id("Encounter", one.ordinal) for one in t.chart.encounters}
        if {"in-progress", "finished"} <= set(states) and "2670" not in {one.code.code for one in t.chart.allergies}:
            return Visit(number, t.id("Patient"), states["in-progress"], states["finished"])
    raise AssertionError("nobody has an open encounter")


def concept(system: str, code: str, display: str = "") -> Body:
    return {"coding": [{"system": system, "code": code, **({"display": display} if display else {})}]}


def reference(type: str, id: str) -> Body:
    return {"reference": f"{type}/{id}"}


def problem(patient: str, **more: Any) -> Body:
    return {
        "resourceType": "Condition",
        "clinicalStatus": concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
        "verificationStatus": concept("http://terminology.hl7.org/CodeSystem/condition-ver-status", "provisional"),
        "category": [concept("http://terminology.hl7.org/CodeSystem/condition-category", "encounter-diagnosis")],
        "code": concept(SNOMED, "41652007", "Eye pain") | {"text": "sore eye"},
        "subject": reference("Patient", patient),
        "onsetDateTime": "2025-11-09",
        **more,
    }


def vital(patient: str, encounter: str, code: str = "8867-4", unit: str = "/min", value: Any = 71, **more: Any) -> Body:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [concept("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")],
        "code": concept(LOINC, code) | {"text": "what we call it"},
        "subject": reference("Patient", patient),
        "encounter": reference("Encounter", encounter),
        "effectiveDateTime": NOON,
        **({"valueQuantity": {"value": value, "unit": unit, "code": unit}} if unit else {}),
        **more,
    }


def pressure(patient: str, encounter: str, systolic: int = 118, diastolic: int = 77, **more: Any) -> Body:
    parts = [
        {"code": concept(LOINC, code), "valueQuantity": {"value": value, "unit": "mm[Hg]", "code": "mm[Hg]"}}
        for code, value in (("8480-6", systolic), ("8462-4", diastolic))
    ]
    return vital(patient, encounter, "85354-9", "") | {"component": parts} | more


def note(patient: str, encounter: str, text: str = "Seen.\nDoing well at 38 °C & <fine>.", **more: Any) -> Body:
    data = b64encode(text.encode()).decode()
    return {
        "resourceType": "DocumentReference",
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:ours"}],
        "status": "current",
        "type": {"coding": [*concept(LOINC, "34117-2")["coding"], *concept(LOINC, "51847-2")["coding"]]},
        "subject": reference("Patient", patient),
        "date": "2025-06-21T14:56:40-04:00",
        "content": [{"attachment": {"contentType": "text/plain; charset=utf-8", "data": data}}],
        "context": {"encounter": [reference("Encounter", encounter)]},
        **more,
    }


def allergy(patient: str, code: str = "2670", **more: Any) -> Body:
    return {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": concept("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active"),
        "code": concept(RXNORM, code, "Codeine"),
        "patient": reference("Patient", patient),
        "reaction": [{"manifestation": [concept(SNOMED, "247472004", "Hives")]}],
        **more,
    }


def newcomer(**more: Any) -> Body:
    return {
        "resourceType": "Patient",
        "identifier": [{"use": "official", "system": "urn:oid:2.16.840.1.113883.4.1", "value": "927-80-3287"}],
        "name": [{"use": "official", "family": "Kanterwell", "given": ["Adalberto"], "prefix": ["Mr."]}],
        "telecom": [{"system": "phone", "value": "555-513-1682", "use": "home"}],
        "gender": "male",
        "birthDate": "1942-07-04",
        "address": [{"line": ["496 Mahone Street"], "city": "Jackson", "state": "TN", "postalCode": "38301"}],
        **more,
    }
