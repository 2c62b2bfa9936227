"""STU3 (3.0.1): the ids are R4's, statuses are bare codes, encounters are a context.

Source: SOURCES.md, "Older versions" (LANTERN: types and parameters; the standard: shapes; what Epic fills: guess).
"""

from __future__ import annotations

from simulator.fhir.elements import read
from simulator.vendors.epic import ids, paths
from simulator.vendors.epic.dialect import Json
from simulator.vendors.epic.ids import Named
from simulator.vendors.epic.older import shapes
from simulator.vendors.epic.older.version import Kind, Usual, Version
from simulator.vendors.epic.params import typed

_STRUCTURE = "http://hl7.org/fhir/us/core/StructureDefinition/"


def _patient(told: Json) -> Json:
    kept = shapes.extensions(told, ("us-core-race", "us-core-ethnicity", "us-core-sex", "us-core-birthsex"))
    told["extension"] = [one for one in kept if not one["url"].endswith("sex")]
    sex = next((found for one in kept if (found := shapes.birth_sex(one))), "")
    if sex:
        told["extension"].append({"url": f"{_STRUCTURE}us-core-birthsex", "valueCode": sex})
    return told


def _observation(told: Json) -> Json:
    shapes.move(told, {"encounter": "context"})
    shapes.notes_as_text(told, "comment")
    shapes.related(told)
    for one in (told, *told.get("component", ())):
        shapes.only_first(one, "interpretation")
        if "valueInteger" in one:
            one["valueQuantity"] = {"value": one.pop("valueInteger")}
    return told


def _condition(told: Json) -> Json:
    shapes.as_code(told, "clinicalStatus", {"relapse": "recurrence"})
    shapes.as_code(told, "verificationStatus", {"unconfirmed": "unknown"})
    shapes.move(told, {"encounter": "context", "recordedDate": "assertedDate"})
    shapes.only_first(told, "stage")
    return told


def _allergy(told: Json) -> Json:
    shapes.as_code(told, "clinicalStatus")
    shapes.as_code(told, "verificationStatus")
    told.setdefault("verificationStatus", "unconfirmed")  # which STU3 must have
    shapes.move(told, {"recordedDate": "assertedDate"})
    return told


def _order(told: Json) -> Json:
    shapes.as_word(told, "intent", {"original-order": "order", "reflex-order": "order", "filler-order": "order"})
    shapes.only_first(told, "category")
    shapes.move(told, {"encounter": "context"})
    if "requester" in told:
        told["requester"] = {"agent": told["requester"]}
    told["dosageInstruction"] = [_dosage(one) for one in told.get("dosageInstruction", ())]
    shapes.no_repeats(told)
    return told


def _statement(told: Json) -> Json:
    request = {"reference": f"MedicationRequest/{told['id']}"}
    period = shapes.bounds_of(told)
    made = {
        **_order(told),
        "resourceType": "MedicationStatement",
        "basedOn": [request],
        "taken": "unk",  # which STU3 must have; whether Epic says more: guess
    }
    shapes.move(made, {"dosageInstruction": "dosage", "authoredOn": "dateAsserted"})
    return made | ({"effectivePeriod": period} if period else {})


def _dosage(dosage: Json) -> Json:
    return dosage | shapes.ordered_dose(dosage)


def _medication(told: Json) -> Json:
    for one in told.get("ingredient", ()):
        shapes.move(one, {"strength": "amount"})
    return told


def _id(key: bytes, named: Named) -> str:
    return ids.fhir_id(key, named.type, named.number, named.ordinal, named.frame)


_ORDERED = {
    "status": {"discontinued": "stopped"},
    "category": {"outpatient": "outpatient,discharge", "patientspecified": "outpatient"},
}
_ACTIVE = Usual("status", "active", ("status",))
_KINDS = (
    Kind(
        "Patient", "Patient", _patient,
        typed("address$ address-city$ address-postalcode$ address-state$ birthdate~ family$ gender given$ identifier "
              "own-name$ own-prefix$ partner-name$ partner-prefix$ telecom"),
    ),
    Kind("Observation", "Observation", _observation, typed("category code date~ issued~ patient@ subject@")),
    Kind(
        "Condition", "Condition", _condition,
        typed("category clinical-status encounter@ patient@ subject@"),
        words={"clinical-status": {"resolved": "resolved,inactive"}},
        usual=(
            Usual("category", "problem-list-item", ("category", "encounter")),
            Usual("clinical-status", "active", ("clinical-status",)),
        ),
    ),
    Kind("AllergyIntolerance", "AllergyIntolerance", _allergy, typed("patient@")),
    Kind(
        "MedicationRequest", "MedicationRequest", _order,
        typed("authoredon~ category patient@ status subject@"),
        words=_ORDERED, usual=(_ACTIVE,), idle=frozenset({"authoredon"}), with_active=True,
    ),
    Kind(
        "MedicationStatement", "MedicationRequest", _statement,
        typed("category effective~ patient@ status subject@"),
        words=_ORDERED, usual=(_ACTIVE,), idle=frozenset({"effective"}), with_active=True,
    ),
    Kind("Medication", "Medication", _medication),
)  # fmt: skip
_UNTOLD = (
    "Appointment", "Binary", "DiagnosticReport", "DocumentReference", "Encounter", "Endpoint", "Goal", "List",
    "Location", "Organization", "Practitioner", "PractitionerRole", "ProcedureRequest", "Schedule", "Slot",
)  # fmt: skip
_THEN = "http://hl7.org/fhir/"
_NOW = "http://terminology.hl7.org/CodeSystem/"
CODINGS = {
    f"{_NOW}observation-category": f"{_THEN}observation-category",
    f"{_NOW}condition-category": f"{_THEN}condition-category",
    f"{_NOW}data-absent-reason": f"{_THEN}data-absent-reason",
    f"{_NOW}medicationrequest-category": f"{_THEN}medication-request-category",
    f"{_NOW}v3-ObservationInterpretation": f"{_THEN}v2/0078",
    f"{_NOW}v3-NullFlavor": f"{_THEN}v3/NullFlavor",
    f"{_NOW}v3-MaritalStatus": f"{_THEN}v3/MaritalStatus",
    f"{_NOW}referencerange-meaning": f"{_THEN}referencerange-meaning",
}
VERSION = Version(
    name="STU3",
    path=paths.STU3,
    fhir_version="3.0.1",
    statement="CapabilityStatement",
    kinds={kind.name: kind for kind in _KINDS},
    untold=frozenset(_UNTOLD),
    creates=frozenset({"AllergyIntolerance", "Condition", "DocumentReference", "Goal", "Observation", "Patient"}),
    codings=CODINGS,
    referred={
        **{name: name for name in (
            "Patient", "Observation", "Condition", "AllergyIntolerance", "MedicationRequest", "Medication", "Specimen",
            "RelatedPerson", "Device", "CareTeam", *_UNTOLD,
        )},
        "ServiceRequest": "ProcedureRequest",
    },
    id=_id,
    named=ids.named,
    elements=read("""
resource Patient = identifier*:Identifier active:b name*:HumanName telecom*:ContactPoint gender birthDate deceased[x]
    address*:Address maritalStatus:CodeableConcept multipleBirth[x] photo*:Attachment contact*:Patient.contact animal
    communication*:Patient.communication generalPractitioner*:Reference managingOrganization:Reference
    link*:Patient.link
resource Observation = identifier*:Identifier basedOn*:Reference status category*:CodeableConcept code:CodeableConcept
    subject:Reference context:Reference effective[x] issued performer*:Reference value[x]
    dataAbsentReason:CodeableConcept interpretation:CodeableConcept comment bodySite:CodeableConcept
    method:CodeableConcept specimen:Reference device:Reference referenceRange*:Observation.referenceRange related*
    component*
resource Condition = identifier*:Identifier clinicalStatus verificationStatus category*:CodeableConcept
    severity:CodeableConcept code:CodeableConcept bodySite*:CodeableConcept subject:Reference context:Reference onset[x]
    abatement[x] assertedDate asserter:Reference stage evidence*:Condition.evidence note*:Annotation
resource AllergyIntolerance = identifier*:Identifier clinicalStatus verificationStatus type category* criticality
    code:CodeableConcept patient:Reference onset[x] assertedDate recorder:Reference asserter:Reference lastOccurrence
    note*:Annotation reaction*:AllergyIntolerance.reaction
resource MedicationRequest = identifier*:Identifier definition*:Reference basedOn*:Reference
    groupIdentifier:Identifier status intent category:CodeableConcept priority medication[x] subject:Reference
    context:Reference supportingInformation*:Reference authoredOn requester recorder:Reference
    reasonCode*:CodeableConcept reasonReference*:Reference note*:Annotation dosageInstruction*:Dosage
    dispenseRequest:MedicationRequest.dispenseRequest priorPrescription:Reference
resource MedicationStatement = identifier*:Identifier basedOn*:Reference partOf*:Reference context:Reference status
    category:CodeableConcept medication[x] effective[x] dateAsserted informationSource:Reference subject:Reference
    derivedFrom*:Reference taken reasonNotTaken*:CodeableConcept reasonCode*:CodeableConcept
    reasonReference*:Reference note*:Annotation dosage*:Dosage
resource CapabilityStatement = url version name title status experimental:b date publisher contact* description
    useContext* jurisdiction* purpose copyright kind instantiates* software implementation fhirVersion acceptUnknown
    format* patchFormat* implementationGuide* profile* rest*
resource Medication = code:CodeableConcept status isBrand:b isOverTheCounter:b manufacturer:Reference
    form:CodeableConcept ingredient*
"""),
)  # fmt: skip
