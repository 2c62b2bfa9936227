"""Where the parameters and profiles of the CapabilityStatement are defined: HL7's, US Core's, athena's own.

Source: SOURCES.md, "Claims" (CapabilityStatement captured 2026-08).
"""

from __future__ import annotations

from collections.abc import Mapping

_HL7 = "http://hl7.org/fhir/SearchParameter/{}|4.0.1"
_US_CORE = "http://hl7.org/fhir/us/core/SearchParameter/us-core-{}|6.1.0"
_OWN = "https://fhir.athena.io/SearchParameter/{}"
_PROFILE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-{}|6.1.0"

CANONICAL = "https://fhir.athena.io/CapabilityStatement/ah-r4-base"
_SERVER = "http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server"
INSTANTIATES = (f"{_SERVER}|3.1.1", f"{_SERVER}|6.1.0")
GUIDES = ("http://hl7.org/fhir/us/core/ImplementationGuide/hl7.fhir.us.core|6.1.0",)

_EVERYWHERE: Mapping[str, str] = {
    "_id": _HL7.format("Resource-id"),
    "_lastUpdated": _HL7.format("Resource-lastUpdated"),
    "cursor": _OWN.format("ah-cursor"),
    "patient": _HL7.format("clinical-patient"),
    "subject": _HL7.format("clinical-patient"),
    "encounter": _HL7.format("clinical-encounter"),
    "date": _HL7.format("clinical-date"),
    "code": _HL7.format("clinical-code"),
    "vaccine-code": _HL7.format("clinical-code"),
}
_OF_TYPE: Mapping[tuple[str, str], str] = {
    ("Condition", "code"): _US_CORE.format("condition-code"),
    ("Coverage", "patient"): _US_CORE.format("coverage-patient"),
    ("DocumentReference", "type"): _US_CORE.format("documentreference-type"),
    ("MedicationRequest", "encounter"): _HL7.format("medications-encounter"),
    **{
        (type, name): _HL7.format(f"{type}-{name}")
        for type, names in {
            "Condition": ("category",),
            "DiagnosticReport": ("category", "performer", "result"),
            "DocumentReference": ("author", "category", "custodian"),
            "Observation": ("category",),
            "Procedure": ("performer",),
        }.items()
        for name in names
    },
    **{
        (type, name): _US_CORE.format(f"{type.lower()}-{name}")
        for type, names in {
            "Immunization": ("date", "patient", "status"),
            "MedicationRequest": ("authoredon", "intent", "patient", "status"),
            "Patient": ("birthdate", "family", "gender", "given", "identifier", "name"),
        }.items()
        for name in names
    },
    ("Patient", "_id"): _US_CORE.format("patient-id"),
}
_UNDEFINED = frozenset({"_count", "_include", "_sort"})

_PROFILES: Mapping[str, tuple[str, ...]] = {
    "Condition": ("condition-encounter-diagnosis", "condition-problems-health-concerns"),
    "DiagnosticReport": ("diagnosticreport-lab",),
    "Observation": (
        "observation-lab", "smokingstatus", "observation-screening-assessment", "observation-clinical-result",
        "blood-pressure", "bmi", "body-height", "body-temperature", "body-weight", "head-circumference", "heart-rate",
        "pulse-oximetry", "respiratory-rate",
    ),
    "Appointment": (),
    "Binary": (),
}  # fmt: skip


def parameter(type: str, name: str) -> str:
    """The canonical URL of a search parameter of a type; empty for what no SearchParameter defines."""
    if name in _UNDEFINED:
        return ""
    if name.startswith("ah-"):
        return _OWN.format(name)
    return _OF_TYPE.get((type, name)) or _EVERYWHERE.get(name, "")


def profiles(type: str) -> tuple[str, ...]:
    """The US Core profiles that the resources of a type follow."""
    return tuple(_PROFILE.format(name) for name in _PROFILES.get(type, (type.lower(),)))
