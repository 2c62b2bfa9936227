"""DSTU2 (1.0.2): ids of its own, orders instead of requests, family names as a list, one category where R4 has many.

Source: SOURCES.md, "Older versions" (LANTERN: types and parameters; the standard: shapes; what Epic fills: guess).
"""

from __future__ import annotations

from typing import Any

from simulator.fhir.elements import read
from simulator.vendors.epic import ids, paths
from simulator.vendors.epic.dialect import Json
from simulator.vendors.epic.ids import Named
from simulator.vendors.epic.older import shapes, stu3
from simulator.vendors.epic.older.version import Kind, Usual, Version
from simulator.vendors.epic.params import typed

_STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
_SEXES = {"F": "Female", "M": "Male"}


def _patient(told: Json) -> Json:
    kept = shapes.extensions(told, ("us-core-race", "us-core-ethnicity", "us-core-sex", "us-core-birthsex"))
    told["extension"] = [_group(one) for one in kept if "extension" in one]
    sex = next((found for one in kept if (found := shapes.birth_sex(one))), "")
    if sex:
        coding = {"system": "http://hl7.org/fhir/v3/AdministrativeGender", "code": sex, "display": _SEXES[sex]}
        concept = {"coding": [coding], "text": _SEXES[sex]}
        told["extension"].append({"url": f"{_STRUCTURE}us-core-birth-sex", "valueCodeableConcept": concept})
    for name in told.get("name", ()):
        for member in ("family", "_family"):
            if member in name:
                name[member] = [name[member]]
    for one in told.get("communication", ()):
        one.pop("extension", None)
        one.pop("_preferred", None)
    told["communication"] = [one for one in told.get("communication", ()) if "language" in one]
    shapes.move(told, {"generalPractitioner": "careProvider"})
    return told


def _group(extension: Json) -> Json:
    """Race and ethnicity as one concept."""
    parts: dict[str, Any] = {one["url"]: one for one in extension["extension"]}
    concept: Json = {}
    if "ombCategory" in parts:
        concept["coding"] = [parts["ombCategory"]["valueCoding"]]
    if "text" in parts:
        concept["text"] = parts["text"]["valueString"]
    return {"url": _STRUCTURE + extension["url"].rpartition("/")[2], "valueCodeableConcept": concept}


def _observation(told: Json) -> Json:
    shapes.as_word(told, "status", {"corrected": "amended"})
    shapes.only_first(told, "category")
    shapes.notes_as_text(told, "comments")
    shapes.related(told)
    for one in (told, *told.get("component", ())):
        shapes.only_first(one, "interpretation")
        if "valueInteger" in one:
            one["valueQuantity"] = {"value": one.pop("valueInteger")}
    for one in told.get("component", ()):
        one.pop("interpretation", None)
    for one in (told, *told.get("component", ())):
        for held in one.get("referenceRange", ()):
            shapes.move(held, {"type": "meaning"})
            held.pop("appliesTo", None)
    return told


def _condition(told: Json) -> Json:
    shapes.as_code(told, "clinicalStatus", {"inactive": "resolved", "recurrence": "relapse"})
    shapes.as_code(told, "verificationStatus", {"unconfirmed": "unknown"})
    told.setdefault("verificationStatus", "unknown")  # which DSTU2 must have
    diagnosis = {"system": "http://hl7.org/fhir/condition-category", "code": "diagnosis", "display": "Diagnosis"}
    told["category"] = {"coding": [diagnosis], "text": "Diagnosis"}
    shapes.move(told, {"subject": "patient", "recordedDate": "dateRecorded"})
    if "dateRecorded" in told:
        told["dateRecorded"] = told["dateRecorded"][:10]
    shapes.notes_as_text(told, "notes")
    shapes.only_first(told, "stage")
    for one in told.get("evidence", ()):
        shapes.only_first(one, "code")
    return told


def _allergy(told: Json) -> Json:
    clinical = shapes.code_of(told.pop("clinicalStatus", None))
    verified = shapes.code_of(told.pop("verificationStatus", None))
    told["status"] = clinical if clinical in ("inactive", "resolved") else verified or "active"
    shapes.only_first(told, "category")
    shapes.as_word(told, "category", {"biologic": "other"})
    shapes.as_word(told, "criticality", {"low": "CRITL", "high": "CRITH", "unable-to-assess": "CRITU"})
    shapes.move(
        told, {"code": "substance", "onsetDateTime": "onset", "asserter": "reporter", "lastOccurrence": "lastOccurence"}
    )
    shapes.only_first(told, "note")
    for one in told.get("reaction", ()):
        shapes.only_first(one, "note")
    return told


def _order(told: Json) -> Json:
    period = shapes.bounds_of(told) or {}
    shapes.as_word(told, "status", {"cancelled": "stopped", "unknown": "active"})
    if told["status"] != "active" and "end" in period:
        told["dateEnded"] = period["end"]
    reasons = told.pop("reasonCode", ())
    if reasons:
        told["reasonCodeableConcept"] = reasons[0]
    shapes.move(told, {"authoredOn": "dateWritten", "subject": "patient", "requester": "prescriber"})
    shapes.notes_as_text(told, "note")
    told["dosageInstruction"] = [_dosage(one) for one in told.get("dosageInstruction", ())]
    shapes.no_repeats(told)
    return told


def _statement(told: Json) -> Json:
    period = shapes.bounds_of(told)
    status = {"active": "active", "on-hold": "active", "draft": "intended"}.get(told["status"], "completed")
    made = {**_order(told), "resourceType": "MedicationStatement", "status": status, "wasNotTaken": False}
    shapes.move(
        made,
        {"dateWritten": "dateAsserted", "reasonCodeableConcept": "reasonForUseCodeableConcept"},
    )
    made["dosage"] = [
        {("quantityQuantity" if name == "doseQuantity" else name): value for name, value in one.items()}
        for one in made.pop("dosageInstruction")
    ]
    return made | ({"effectivePeriod": period} if period else {})


def _dosage(dosage: Json) -> Json:
    made = dosage | shapes.ordered_dose(dosage)
    made.pop("patientInstruction", None)
    made.pop("sequence", None)
    shapes.move(made, {"additionalInstruction": "additionalInstructions"})
    shapes.only_first(made, "additionalInstructions")
    timing = dict(made.get("timing", {}))
    repeat = dict(timing.get("repeat", {}))
    shapes.move(repeat, {"periodUnit": "periodUnits", "durationUnit": "durationUnits"})
    repeat = {name: value for name, value in repeat.items() if name not in ("timeOfDay", "dayOfWeek", "offset")}
    shapes.only_first(repeat, "when")
    if repeat:
        timing["repeat"] = repeat
    if timing:
        made["timing"] = timing
    return made


def _medication(told: Json) -> Json:
    form = told.pop("form", None)
    return told | ({"product": {"form": form}} if form else {})


def _id(key: bytes, named: Named) -> str:
    return ids.dstu2_id(key, named.number, named.type, named.ordinal, named.frame)


_ACTIVE = Usual("status", "active", ("status",))
_KINDS = (
    Kind(
        "Patient", "Patient", _patient,
        typed("address$ birthdate~ family$ gender given$ identifier telecom"),
    ),
    Kind("Observation", "Observation", _observation, typed("category code date~ issued~ patient@ subject@")),
    Kind(
        "Condition", "Condition", _condition,
        typed("category clinicalStatus patient@ subject@"),
        renamed={"clinicalStatus": "clinical-status"},
        words={"clinicalStatus": {"resolved": "resolved,inactive"}, "category": {"diagnosis": "problem-list-item"}},
        usual=(
            Usual("category", "problem-list-item", ("category",)),
            Usual("clinical-status", "active", ("clinicalStatus",)),
        ),
    ),
    Kind("AllergyIntolerance", "AllergyIntolerance", _allergy, typed("patient@ subject@"),
         renamed={"subject": "patient"}),
    Kind(
        "MedicationOrder", "MedicationRequest", _order,
        typed("patient@ status subject@"),
        words={"status": {"discontinued": "stopped"}}, usual=(_ACTIVE,), with_active=True,
    ),
    Kind(
        "MedicationStatement", "MedicationRequest", _statement,
        typed("patient@ status"),
        words={"status": {"completed": "completed,stopped", "intended": "draft"}}, usual=(_ACTIVE,), with_active=True,
    ),
    Kind("Medication", "Medication", _medication),
)  # fmt: skip
_UNTOLD = (
    "Binary", "CarePlan", "Device", "DiagnosticReport", "DocumentReference", "FamilyMemberHistory", "Goal",
    "Immunization", "Practitioner", "Procedure",
)  # fmt: skip
VERSION = Version(
    name="DSTU2",
    path=paths.DSTU2,
    fhir_version="1.0.2",
    statement="Conformance",
    kinds={kind.name: kind for kind in _KINDS},
    untold=frozenset(_UNTOLD),
    creates=frozenset(),
    codings={
        **stu3.CODINGS,
        "urn:oid:2.16.840.1.113883.6.238": "urn:oid:2.16.840.1.113883.5.104",
    },
    referred={
        **{name: name for name in (
            "Patient", "Observation", "Condition", "AllergyIntolerance", "Medication", "Encounter", "Organization",
            "Location", "RelatedPerson", "Specimen", *_UNTOLD,
        )},
        "MedicationRequest": "MedicationOrder",
    },
    id=_id,
    named=ids.named_in_dstu2,
    elements=read("""
resource Patient = identifier*:Identifier active:b name*:HumanName telecom*:ContactPoint gender birthDate deceased[x]
    address*:Address maritalStatus:CodeableConcept multipleBirth[x] photo*:Attachment contact*:Patient.contact animal
    communication*:Patient.communication careProvider*:Reference managingOrganization:Reference link*:Patient.link
resource Observation = identifier*:Identifier status category:CodeableConcept code:CodeableConcept subject:Reference
    encounter:Reference effective[x] issued performer*:Reference value[x] dataAbsentReason:CodeableConcept
    interpretation:CodeableConcept comments bodySite:CodeableConcept method:CodeableConcept specimen:Reference
    device:Reference referenceRange* related* component*
resource Condition = identifier*:Identifier patient:Reference encounter:Reference asserter:Reference dateRecorded
    code:CodeableConcept category:CodeableConcept clinicalStatus verificationStatus severity:CodeableConcept onset[x]
    abatement[x] stage evidence* bodySite*:CodeableConcept notes
resource AllergyIntolerance = identifier*:Identifier onset recordedDate recorder:Reference patient:Reference
    reporter:Reference substance:CodeableConcept status criticality type category lastOccurence note:Annotation
    reaction*
resource MedicationOrder = identifier*:Identifier dateWritten status dateEnded reasonEnded:CodeableConcept
    patient:Reference prescriber:Reference encounter:Reference reason[x] note medication[x] dosageInstruction*
    dispenseRequest priorPrescription:Reference
resource MedicationStatement = identifier*:Identifier patient:Reference informationSource:Reference dateAsserted
    status wasNotTaken:b reasonNotTaken*:CodeableConcept reasonForUse[x] effective[x] note
    supportingInformation*:Reference medication[x] dosage*
resource Medication = code:CodeableConcept isBrand:b manufacturer:Reference product
"""),
)  # fmt: skip
