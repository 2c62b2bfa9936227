"""The search parameters of each type, in the two groups of Epic's CapabilityStatement.

Types whose row is empty are searched by `_id` only. First-class parameters find. The others are declared without a word
of documentation; what becomes of them says `refinements`.

Source: SOURCES.md, "Search" (CS: the table; DIBBS: the exceptions; SPEC: the contrary).
"""

from __future__ import annotations

from typing import NamedTuple


class Params(NamedTuple):
    """`first` and `later` by name, with the FHIR search type."""

    first: dict[str, str]
    later: dict[str, str]


_MARKS = {"~": "date", "@": "reference", "$": "string"}


def _params(first: str, later: str = "") -> Params:
    return Params(typed(first), typed(later))


def typed(names: str) -> dict[str, str]:
    """Each name with its type: token unless marked `~` date, `@` reference, `$` string."""
    return {name.rstrip("~@$"): _MARKS.get(name[-1], "token") for name in names.split()}


def element_of(name: str) -> str:
    """The element that a parameter is named after: `verification-status` → `verificationStatus`."""
    first, *others = name.split("-")
    return first + "".join(word.capitalize() for word in others)


PARAMS: dict[str, Params] = {
    "AllergyIntolerance": _params(
        "clinical-status patient@",
        "asserter@ category code criticality date~ identifier last-date~ manifestation onset~ recorder@ route severity "
        "type verification-status",
    ),
    "Appointment": _params(
        "date~ identifier onlyscannable patient@ service-category status",
        "actor@ appointment-type based-on@ location@ part-status practitioner@ reason-code reason-reference@ "
        "service-type slot@ specialty supporting-info@",
    ),
    "Coverage": _params(
        "beneficiary@ patient@",
        "class-type class-value$ dependent$ identifier payor@ policy-holder@ status subscriber@ type",
    ),
    "DocumentReference": _params(
        "author@ category date~ docstatus encounter@ patient@ period~ status subject@ type",
        "_lastupdated~ authenticator@ contenttype custodian@ description$ event facility format identifier language "
        "related@ relatesto@ relation security-label setting",
    ),
    "Procedure": _params(
        "category code date~ identifier patient@ subject@",
        "based-on@ encounter@ instantiates-canonical@ location@ part-of@ performer@ reason-code reason-reference@ "
        "status",
    ),
    "Condition": _params(
        "abatement-date~ category clinical-status code encounter@ onset-date~ patient@ recorded-date~ subject@",
        "abatement-string$ asserter@ body-site evidence evidence-detail@ identifier onset-info$ severity stage "
        "verification-status",
    ),
    "Encounter": _params(
        "class date~ identifier onlyscannable patient@ subject@",
        "account@ appointment@ based-on@ diagnosis@ episode-of-care@ location@ location-period~ part-of@ participant@ "
        "participant-type practitioner@ reason-code reason-reference@ service-provider@ special-arrangement status "
        "type",
    ),
    "Immunization": _params(
        "date~ patient@ status",
        "identifier location@ lot-number$ manufacturer@ performer@ reaction@ reaction-date~ reason-code "
        "reason-reference@ series$ status-reason target-disease vaccine-code",
    ),
    "MedicationRequest": _params(
        "category date~ intent patient@ status subject@",
        "authoredon~ code encounter@ identifier intended-dispenser@ intended-performer@ intended-performertype "
        "medication@ priority requester@",
    ),
    "Observation": _params(
        "based-on@ category code date~ focus@ issued~ patient@ subject@",
        "combo-code combo-data-absent-reason combo-value-concept component-code component-data-absent-reason "
        "component-value-concept data-absent-reason derived-from@ device@ encounter@ has-member@ identifier method "
        "part-of@ performer@ specimen@ status value-concept value-date~ value-string$",
    ),
    "Patient": _params(
        "address$ address-city$ address-postalcode$ address-state$ birthdate~ doc-type family$ gender given$ "
        "identifier legal-sex name$ own-name$ own-prefix$ partner-name$ partner-prefix$ telecom",
        "active address-country$ address-use death-date~ email general-practitioner@ language link@ organization@ "
        "phone phonetic$",
    ),
    "AdverseEvent": _params(
        "research-subject@ seriousness study@ subject@",
        "actuality category date~ event location@ recorder@ resultingcondition@ severity substance@",
    ),
    "BodyStructure": _params("identifier location morphology patient@ subject@"),
    "CarePlan": _params(
        "activity-date~ category encounter@ part-of@ patient@ status subject@",
        "activity-code activity-reference@ based-on@ care-team@ condition@ date~ goal@ identifier "
        "instantiates-canonical@ intent performer@ replaces@",
    ),
    "CareTeam": _params("patient@ status subject@", "category date~ encounter@ identifier participant@"),
    "Communication": _params(
        "based-on@ category encounter@ part-of@ patient@ subject@",
        "identifier instantiates-canonical@ medium received~ recipient@ sender@ sent~ status",
    ),
    "Consent": _params(
        "category patient@ status subject@",
        "action actor@ consentor@ data@ date~ identifier organization@ period~ purpose scope security-label "
        "source-reference@",
    ),
    "Device": _params(
        "device-name$ manufacturer$ model$ patient@ udi-carrier$ udi-di$",
        "identifier location@ organization@ status type",
    ),
    "DeviceRequest": _params(
        "patient@ status",
        "authored-on~ based-on@ code device@ encounter@ event-date~ group-identifier identifier "
        "instantiates-canonical@ insurance@ intent performer@ prior-request@ requester@ subject@",
    ),
    "DeviceUseStatement": _params("patient@ subject@", "device@ identifier"),
    "DiagnosticReport": _params(
        "category code date~ identifier patient@ subject@",
        "based-on@ conclusion encounter@ issued~ media@ performer@ result@ results-interpreter@ specimen@ status",
    ),
    "EpisodeOfCare": _params(
        "patient@ status type", "care-manager@ condition@ date~ identifier incoming-referral@ organization@"
    ),
    "ExplanationOfBenefit": _params(
        "billable-period-start~ created~ identifier patient@ service-date~ service-start-date~ type use",
        "care-team@ claim@ coverage@ detail-udi@ disposition$ encounter@ enterer@ facility@ item-udi@ payee@ "
        "procedure-udi@ provider@ status subdetail-udi@",
    ),
    "FamilyMemberHistory": _params(
        "patient@", "code date~ identifier instantiates-canonical@ relationship sex status"
    ),
    "Flag": _params("category encounter@ patient@ status subject@", "author@ date~ identifier"),
    "Goal": _params(
        "category lifecycle-status patient@ start-date~ subject@", "achievement-status identifier target-date~"
    ),
    "ImagingStudy": _params(
        "identifier patient@ subject@",
        "basedon@ bodysite dicom-class encounter@ endpoint@ instance interpreter@ modality performer@ reason "
        "referrer@ series started~ status",
    ),
    "ImmunizationRecommendation": _params(
        "patient@", "date~ identifier information@ status support@ target-disease vaccine-type"
    ),
    "List": _params(
        "code encounter@ identifier patient@ subject@", "date~ empty-reason item@ notes$ source@ status title$"
    ),
    "MeasureReport": _params(
        "epic-group-id$ patient@ subject@",
        "_lastupdated~ date~ evaluated-resource@ identifier measure@ period~ reporter@ status",
    ),
    "MedicationAdministration": _params(
        "context@ effective-time~ patient@ performer@ request@ status subject@",
        "code device@ identifier medication@ reason-given reason-not-given",
    ),
    "MedicationDispense": _params(
        "category patient@ subject@",
        "code context@ destination@ identifier medication@ performer@ prescription@ receiver@ responsibleparty@ status "
        "type whenhandedover~ whenprepared~",
    ),
    "NutritionOrder": _params(
        "patient@",
        "additive datetime~ encounter@ formula identifier instantiates-canonical@ oraldiet provider@ status supplement",
    ),
    "Location": _params(
        "type",
        "address$ address-city$ address-country$ address-postalcode$ address-state$ address-use endpoint@ identifier "
        "name$ operational-status organization@ partof@ status",
    ),
    "Practitioner": _params(
        "address$ address-city$ address-postalcode$ address-state$ family$ given$ identifier name$",
        "active address-country$ address-use communication email gender phone phonetic$ telecom",
    ),
    "PractitionerRole": _params(
        "email identifier location@ organization@ phone practitioner@ role specialty telecom",
        "active date~ endpoint@ service@",
    ),
    "QuestionnaireResponse": _params(
        "encounter@ patient@ subject@",
        "author@ authored~ based-on@ identifier part-of@ questionnaire@ source@ status",
    ),
    "ResearchStudy": _params(
        "identifier status",
        "category date~ focus keyword location partof@ principalinvestigator@ protocol@ site@ sponsor@ title$",
    ),
    "ResearchSubject": _params("patient@ status study@", "date~ identifier"),
    "ServiceRequest": _params(
        "authored~ category code encounter@ identifier onlyscannable patient@ requester@ status subject@",
        "based-on@ body-site instantiates-canonical@ intent occurrence~ performer@ performer-type priority replaces@ "
        "requisition specimen@",
    ),
    "Task": _params(
        "code encounter@ focus@ patient@ status subject@",
        "authored-on~ based-on@ business-status group-identifier identifier intent modified~ owner@ part-of@ performer "
        "period~ priority requester@",
    ),
    **dict.fromkeys(
        (
            "Account", "Binary", "Claim", "ConceptMap", "Contract", "Endpoint", "Group", "Measure", "Media",
            "Medication", "Organization", "Provenance", "Questionnaire", "RelatedPerson", "RequestGroup", "Specimen",
            "Substance", "ValueSet",
        ),
        _params(""),
    ),
}  # fmt: skip
COMMON = ("_count", "_id")
SILENT = ("_include", "_revinclude", "_summary", "_format", "_pretty")
"""Neither declared nor reported as unknown."""

DATE_PREFIXES = ("eq", "ge", "le", "gt", "lt")
OBSERVATION_CATEGORIES = frozenset({
    "laboratory", "vital-signs", "social-history", "core-characteristics", "LDA", "LDA-property", "LDA-assessment",
    "functional-mental-status", "periodontal", "labor-delivery", "newborn-delivery", "obstetrics-gynecology", "survey",
    "sdoh", "imaging", "384821006", "118228005", "252275004", "275711006", "68793005", "395124008", "314076009",
    "19851009", "405825005",
})  # fmt: skip
CONDITION_CATEGORIES = frozenset({
    "problem-list-item", "encounter-diagnosis", "health-concern", "genomics", "dental-finding", "infection",
    "medical-history", "reason-for-visit", "visit-diagnosis",
})  # fmt: skip
PROCEDURE_CATEGORIES = frozenset({"103693007", "387713003", "410606002"})
CARE_PLAN_CATEGORIES = frozenset({
    "38717003", "734163000", "736271009", "736353004", "738906000", "736378000", "719091000000102", "959871000000107",
    "inpatient-pathway", "409073007", "care-path",
})  # fmt: skip
ORDER_STATUSES = frozenset({"draft", "active", "completed", "revoked", "unknown"})
EPISODE_STATUSES = frozenset({"active", "finished", "cancelled"})
LIST_CODES = frozenset({
    "medications", "allergies", "immunizations", "problems", "pedigree-list", "hospital-problems", "patients",
})  # fmt: skip
SERVICE_CATEGORIES = frozenset({"appointment", "surgery"})
ORDER_CATEGORIES = frozenset({"inpatient", "outpatient", "community", "discharge"})

# Every type that Epic has in R4 and what it does with it. Source: CS (seen).
INTERACTIONS: dict[str, str] = {
    name: letters
    for letters, names in {
        "rs": "Account AdverseEvent Appointment Binary CarePlan CareTeam Claim Contract Consent Coverage Device "
        "DeviceRequest DeviceUseStatement Encounter Endpoint EpisodeOfCare ExplanationOfBenefit FamilyMemberHistory "
        "Flag Goal Group ImagingStudy Immunization ImmunizationRecommendation List Location Measure MeasureReport "
        "Media Medication MedicationAdministration MedicationDispense MedicationRequest NutritionOrder Organization "
        "Practitioner PractitionerRole Questionnaire RelatedPerson RequestGroup ResearchStudy ResearchSubject "
        "Specimen Substance",
        "crs": "AllergyIntolerance Communication Condition Patient QuestionnaireResponse",
        "rsu": "DiagnosticReport Task",
        "crsu": "BodyStructure DocumentReference Observation Procedure ServiceRequest",
        "cr": "ConceptMap",
        "r": "Provenance ValueSet",
    }.items()
    for name in names.split()
}

WRITES: dict[str, str] = {
    "AllergyIntolerance": "c", "Condition": "c", "DocumentReference": "cu", "Observation": "cu", "Patient": "c",
}  # fmt: skip
"""What can be written here: create and update. What else Epic takes, the truth cannot hold."""
