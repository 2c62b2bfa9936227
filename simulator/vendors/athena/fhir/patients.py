"""FHIR Patient: US Core with athena's habits: phones in American punctuation, an address told twice."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from simulator.fhir import build
from simulator.ids import h64
from simulator.population.answers import Loss
from simulator.population.records import Address, Code, Person
from simulator.vendor import Rendering
from simulator.vendors.athena import ids, words
from simulator.vendors.athena.charts import PatientChart
from simulator.vendors.athena.fhir import shape

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
PATIENT_SYSTEM = shape.SID + "ah-patient"


def patient(seen: PatientChart) -> Rendering:
    """The patient."""
    person = seen.person
    id = ids.patient_fhir_id(seen.site, seen.number)
    payload = shape.resource(
        seen,
        "Patient",
        id,
        changed(seen),
        person.sensitivity,
        identifier=_identifiers(person, id),
        active=True,
        name=_names(person),
        telecom=_telecoms(person),
        gender=person.gender,
        birthDate=build.day(person.birth_date) if person.birth_precision == "day" else None,
        **_deceased(person, seen.zone),
        address=[told for address in person.addresses for told in _addresses(address)],
        maritalStatus=build.concept(person.marital) if person.marital else None,
        communication=_communication(person.language),
        generalPractitioner=[shape.practitioner(seen, person.practitioner)],
        managingOrganization=build.reference("Organization", ids.fhir_id("Department", _department(person))),
    )
    payload["extension"] += _extensions(seen)
    return Rendering("Patient", id, payload, (person,), tuple((0, loss) for loss in _losses(person, id)))


def changed(seen: PatientChart) -> datetime:
    """When the person last changed; for those who never did, when somebody last looked them over (guess)."""
    state = seen.site.sandbox.world.person_state(seen.number)
    if state.version > 1:
        return state.updated
    born = datetime.combine(seen.person.birth_date, time(12), UTC)
    minutes = h64(seen.site.key, "looked over", seen.number) % 1_000_000
    return max(born, seen.site.sandbox.started_at - timedelta(minutes=1 + minutes))


def _department(person: Person) -> int:
    return ids.departmentid(person.facility)


def _identifiers(person: Person, id: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [{"system": PATIENT_SYSTEM, "value": id}]
    if person.ssn:
        told.append(
            {
                "type": build.simple("v2-identifier", "SS", "Social Security number"),
                "system": build.SYSTEMS["ssn"],
                "value": person.ssn.replace("-", ""),
            }
        )
    return told


def _names(person: Person) -> list[dict[str, Any]]:
    official = {
        "use": "official",
        "family": person.family,
        "given": list(person.given),
        "suffix": [person.suffix] if person.suffix else None,
    }
    told = [official]
    if person.nickname:
        told.append({"use": "usual", "family": person.family, "given": [person.nickname]})
    if person.maiden:
        told.append({"use": "old", "family": person.maiden, "given": list(person.given)})
    return told


def _telecoms(person: Person) -> list[dict[str, Any]]:
    return [
        {"system": "phone", "value": words.punctuated(one.value), "use": one.use}
        if one.system == "phone"
        else {"system": one.system, "value": one.value}
        for one in person.telecoms
    ]


def _addresses(address: Address) -> list[dict[str, Any]]:
    told = {
        "line": list(address.lines),
        "city": address.city,
        "state": address.state,
        "postalCode": address.zip,
        "country": "USA",
    }
    return [{"use": address.use, **told}, {"use": "billing", "type": "postal", **told}]


def _deceased(person: Person, zone: str) -> dict[str, Any]:
    if person.deceased is None:
        return {"deceasedBoolean": False}
    return {"deceasedDateTime": shape.local_time(person.deceased, zone)}


def _communication(language: Code | None) -> list[dict[str, Any]]:
    return [{"language": build.concept(language), "preferred": True}] if language else []


def _extensions(seen: PatientChart) -> list[dict[str, Any]]:
    person = seen.person
    told = [
        build.extension(
            shape.EXTENSION + name,
            valueReference=build.reference("Organization", ids.fhir_id(kind, value)),
        )
        for name, kind, value in (
            ("ah-department", "Department", _department(person)),
            ("ah-provider-group", "PG", ids.provider_group(person.facility)),
            ("ah-brand", "Brand", 1),
        )
    ]
    told.append(build.extension(US_CORE + "us-core-birthsex", valueCode=person.sex))
    if person.race:
        told.append(_omb("us-core-race", person.race))
    if person.ethnicity:
        told.append(_omb("us-core-ethnicity", (person.ethnicity,)))
    return told


def _omb(name: str, codes: tuple[Code, ...]) -> dict[str, Any]:
    parts = [build.extension("ombCategory", valueCoding=build.coding(code)) for code in codes]
    parts.append(build.extension("text", valueString=", ".join(code.display or code.code for code in codes)))
    return build.extension(US_CORE + name, extension=parts)


def _losses(person: Person, id: str) -> list[Loss]:
    identifiers = [{"type": "PI", "system": PATIENT_SYSTEM, "value": id}]
    if person.ssn:
        identifiers.append({"type": "SS", "system": build.SYSTEMS["ssn"], "value": person.ssn.replace("-", "")})
    losses = [Loss("identifiers", "replaced", value=identifiers)]
    if person.birth_precision != "day":
        losses.append(Loss("birthDate", "omitted"))
    if any(one.system == "email" for one in person.telecoms):
        told = [
            {"system": one.system, "use": one.use if one.system == "phone" else None, "value": one.value}
            for one in person.telecoms
        ]
        losses.append(Loss("telecom", "replaced", value=told))
    return losses
