"""Epic's way of wording: its OIDs, its concepts, and references that carry a display.

Source: SOURCES.md, "Resources" (FS and MAP: recorded answers); the site part of the OIDs (`.0.1.`) is the sandbox's.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Any

from simulator.fhir import build
from simulator.ids import h64
from simulator.population import tables
from simulator.population.records import Chart, Code, Condition, Encounter, Person
from simulator.population.world import World
from simulator.sandbox import Site
from simulator.vendors.epic import ids

Json = dict[str, Any]

MRN = "urn:oid:1.2.840.114350.1.13.0.1.7.5.737384.14"  # EPI: the enterprise's medical record number
SSN = "urn:oid:2.16.840.1.113883.4.1"
PATIENT_ID = "urn:oid:1.2.840.114350.1.13.0.1.7.2.698084"
CEID = "urn:oid:1.2.840.114350.1.13.0.1.7.3.688884.100"  # Care Everywhere: the site among all sites
CSN = "urn:oid:1.2.840.114350.1.13.0.1.7.3.698084.8"
ENCOUNTER_CLASS = "urn:oid:1.2.840.114350.1.72.1.7.7.10.696784.13260"
ENCOUNTER_TYPE = "urn:oid:1.2.840.114350.1.13.0.1.7.10.698084.30"
PATIENT_CLASS = "urn:oid:1.2.840.114350.1.13.0.1.7.4.698084.10110"  # guess
ORDER = "urn:oid:1.2.840.114350.1.13.0.1.7.2.798268"
PROCEDURE = "urn:oid:1.2.840.114350.1.13.0.1.7.2.696580"  # EAP: what can be ordered or done
CPT = "urn:oid:2.16.840.1.113883.6.12"  # and, under its name, codes of the site (seen)
ORGANIZATION_NUMBER = 0
API_USER = 1 << 39  # the number of the Practitioner on whose behalf backend services act


def local(tail: str) -> str:
    """The OID of something that is the site's own."""
    return "urn:oid:1.2.840.114350.1.13.0.1.7." + tail


def told(system: str, code: str, display: str, *, version: str = "") -> Json:
    """A CodeableConcept as Epic words HL7's: one coding, at times with a version, and the display again as text."""
    coding = {"system": build.SYSTEMS.get(system, system), "version": version, "code": code, "display": display}
    return {"coding": [{name: value for name, value in coding.items() if value}], "text": display}


def extension(url: str, **value: Any) -> Json:
    """An extension with the URL behind the value, as Epic orders it."""
    return {**value, "url": url}


def usual(system: str, value: str, type_text: str = "") -> Json:
    """An identifier; Epic calls nearly all of them `usual`."""
    made: Json = {"use": "usual"}
    if type_text:
        made["type"] = {"text": type_text}
    return made | {"system": system, "value": value}


def number(value: int, digits: int = 6) -> str:
    """`value` as the number of some record of the site, of `digits` digits or more."""
    return str(10 ** (digits - 1) + value % (9 * 10 ** (digits - 1)))


def phone(value: str) -> str:
    """+14698888888 as `+1 469-888-8888`. Source: MAP (seen, the form of 2026)."""
    return f"+1 {value[2:5]}-{value[5:8]}-{value[8:]}" if value.startswith("+1") and len(value) == 12 else value


def words_of(code_display: str) -> str:
    """A SNOMED display without its semantic tag: "Rash (disorder)" → "Rash"."""
    head, opened, tail = code_display.rpartition(" (")
    return head if opened and tail.endswith(")") else code_display


def spoken(code: Code) -> Code:
    """A code with its display in words: without SNOMED's semantic tag."""
    return Code(code.system, code.code, words_of(code.display))


def precise_day(on: date) -> Json:
    """The canonical form of a time of which only the day was told."""
    return {"value": on.isoformat(), "precision": "day"}


class Telling:
    """One patient as this site tells it: the truth at hand, and the references that its resources share.

    References are made once and stand in many payloads: whoever gets a payload must not change it.
    """

    def __init__(self, site: Site, person: Person) -> None:
        self.site = site
        self.key = site.key
        self.world: World = site.sandbox.world
        self.person = person
        self.number = person.number
        self._encounter_references: dict[int, Json] = {}
        self._practitioner_references: dict[tuple[int, bool], Json] = {}

    @cached_property
    def chart(self) -> Chart:
        return self.world.chart(self.number)

    @cached_property
    def encounters(self) -> dict[int, Encounter]:
        return {encounter.ordinal: encounter for encounter in self.chart.encounters}

    @cached_property
    def conditions(self) -> dict[int, Condition]:
        return {condition.ordinal: condition for condition in self.chart.conditions}

    @cached_property
    def household(self) -> tuple[int, ...]:
        """The numbers of those who live at the patient's address, the patient among them; nobody of who was written."""
        return self.world.household(self.number)

    def id(self, type: str, ordinal: int = 0, frame: str = "e") -> str:
        """The id of one of this patient's resources."""
        return ids.fhir_id(self.key, type, self.number, ordinal, frame)

    def draw(self, *parts: str | int) -> int:
        """A number that belongs to this patient and `parts`: decides habits of the site, never of the truth."""
        return h64(self.key, self.number, *parts)

    @cached_property
    def subject(self) -> Json:
        """The patient as "Family, Given Middle"."""
        person = self.person
        return build.reference("Patient", self.id("Patient"), f"{person.family}, {' '.join(person.given)}")

    def practitioner(self, index: int, *, typed: bool = True) -> Json:
        """A practitioner with name and degree."""
        made = self._practitioner_references.get((index, typed))
        if made is None:
            made = practitioner_reference(self.site, index, typed=typed)
            self._practitioner_references[index, typed] = made
        return made

    def encounter(self, ordinal: int | None) -> Json | None:
        """An encounter with its contact number and what kind of visit it was; None when there is none."""
        found = self.encounters.get(ordinal) if ordinal is not None else None
        if found is None:
            return None
        if found.ordinal in self._encounter_references:
            return self._encounter_references[found.ordinal]
        made = build.reference("Encounter", self.id("Encounter", found.ordinal))
        made["identifier"] = usual(CSN, self.contact_number(found.ordinal))
        made["display"] = visit(found.type_key).text
        self._encounter_references[found.ordinal] = made
        return made

    def contact_number(self, ordinal: int) -> str:
        """The CSN of an encounter."""
        return number(self.draw("csn", ordinal), 10)

    def zone(self, encounter: int | None = None) -> str:
        """The time zone of the facility of an encounter, or of the patient's own."""
        found = self.encounters.get(encounter) if encounter is not None else None
        return self.world.population.facility(found.facility if found else self.person.facility).zone

    def day(self, at: datetime, encounter: int | None = None) -> date:
        """The calendar day that `at` is where the patient was seen."""
        return at.astimezone(build.zone_of(self.zone(encounter))).date()


def practitioner_reference(site: Site, index: int, *, typed: bool = True) -> Json:
    """A reference to a practitioner: display with degree, and the type, as Epic adds it."""
    found = site.sandbox.world.population.practitioner(index)
    made = {"reference": f"Practitioner/{ids.fhir_id(site.key, 'Practitioner', index)}"}
    if typed:
        made["type"] = "Practitioner"
    return made | {"display": f"{found.given} {found.family}, {found.suffix}"}


def interface_user(site: Site) -> Json:
    """The user that the FHIR interface acts as, when it files something for a backend service."""
    return build.reference("Practitioner", ids.fhir_id(site.key, "Practitioner", API_USER), "User Interconnect")


def organization_reference(site: Site) -> Json:
    """The health system that everything belongs to."""
    id = ids.fhir_id(site.key, "Organization", ORGANIZATION_NUMBER)
    return build.reference("Organization", id, str(site.settings["organization"]))


@lru_cache(maxsize=1)
def payers() -> tuple[str, ...]:
    """The names of who pays, each once: organizations with the numbers behind the health system's."""
    return tuple(dict.fromkeys(row.name for row in tables.PAYERS.values()))


def payer_reference(site: Site, name: str) -> Json:
    """Who pays: a reference for the payers that are known here, for anybody else the name alone."""
    known = payers()
    if name not in known:
        return {"display": name}
    id = ids.fhir_id(site.key, "Organization", known.index(name) + 1)
    return build.reference("Organization", id, name)


class Visit:
    """How Epic files one kind of encounter: class, type, patient class of hospital stays; `timed` when the period has
    times and not only days."""

    __slots__ = ("class_code", "class_text", "code", "patient_class", "text", "timed")

    def __init__(
        self, class_code: str, class_text: str, code: str, text: str, timed: bool, patient_class: tuple[str, str] | None
    ) -> None:
        self.class_code = class_code
        self.class_text = class_text
        self.code = code
        self.text = text
        self.timed = timed
        self.patient_class = patient_class


def _appointment(code: str, text: str) -> Visit:
    return Visit("5", "Appointment", code, text, True, None)


def _support(code: str, text: str) -> Visit:
    return Visit("13", "Support OP Encounter", code, text, False, None)


def _hospital(patient_class: str, text: str) -> Visit:
    return Visit("4", "HOV", "3", "Hospital Encounter", True, (patient_class, text))


# Classes 1, 4, 5, 10, 13 and types 3, 51, 101, 111, 117: seen (MAP). The other types and the patient classes: guess.
_VISITS = {
    "office": _appointment("101", "Office Visit"),
    "wellness": _appointment("101", "Office Visit"),
    "followup": _appointment("101", "Office Visit"),
    "checkup": _appointment("101", "Office Visit"),
    "psych": _appointment("101", "Office Visit"),
    "prenatal": _appointment("1200", "Routine Prenatal"),
    "telehealth": _appointment("76", "Telemedicine"),
    "symptom": _support("2", "Walk-In"),
    "urgent_care": _support("2", "Walk-In"),
    "telephone": _support("70", "Telephone"),
    "home_visit": _support("91", "Home Care Visit"),
    "emergency": _hospital("103", "Emergency"),
    "observation": _hospital("104", "Observation"),
    "inpatient": _hospital("101", "Inpatient"),
    "surgical": Visit("10", "Surgery Log", "51", "Surgery", True, ("101", "Inpatient")),
    # contacts that are no visits
    "surgery_case": Visit("1", "Surgery Case", "51", "Surgery", False, None),
    "orders_only": _support("111", "Orders Only"),
    "ancillary_orders": _support("117", "Ancillary Orders"),
}

CLASS_OF: dict[str, str] = {
    f"{ENCOUNTER_TYPE}|101": "AMB",
    f"{ENCOUNTER_TYPE}|1200": "AMB",
    f"{ENCOUNTER_TYPE}|111": "AMB",
    f"{ENCOUNTER_TYPE}|117": "AMB",
    f"{ENCOUNTER_TYPE}|2": "AMB",
    f"{ENCOUNTER_TYPE}|51": "IMP",
    f"{ENCOUNTER_TYPE}|76": "VR",
    f"{ENCOUNTER_TYPE}|70": "VR",
    f"{ENCOUNTER_TYPE}|91": "HH",
    f"{PATIENT_CLASS}|101": "IMP",
    f"{PATIENT_CLASS}|103": "EMER",
    f"{PATIENT_CLASS}|104": "OBSENC",
}
"""The published mapping of a site: which v3 class an encounter type or patient class stands for."""

UNIT_SPELLINGS: dict[str, str] = {
    "10*6/uL": "10*6/µL",
    "m[IU]/L": "mIU/L",
    "mL/min/{1.73_m2}": "mL/min/1.73 m2",
}
"""UCUM → what the laboratory wrote instead, and then without system and code. Source: MAP (the first: seen; the others:
guess)."""


def visit(type_key: str) -> Visit:
    """How an encounter of this kind is filed; an unknown kind is an office visit."""
    return _VISITS.get(type_key, _VISITS["office"])
