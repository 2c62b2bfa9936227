"""Patient: two equal names, postal addresses, and extensions of Epic's own; see `identifiers` for the numbers.

Source: SOURCES.md, "Resources" (MAP, FS, FHIRPY).
"""

from __future__ import annotations

from simulator.fhir import build
from simulator.ids import h64
from simulator.population.answers import Loss
from simulator.population.records import Address, Code, Person
from simulator.population.world import FIRST_WRITTEN
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling, extension
from simulator.vendors.epic.resources import household, identifiers

_EPIC = "http://open.epic.com/FHIR/StructureDefinition/"
_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
_SEX_SYSTEM = "urn:oid:1.2.840.114350.1.13.0.1.7.10.698084.130.657370.19999000"
_SEX_WORDS = {"F": "female", "M": "male"}
_SEX_SNOMED = {"F": "248152002", "M": "248153007"}
_PRONOUNS = {
    "female": ("LA29519-8", "she/her/her/hers/herself"),
    "male": ("LA29518-0", "he/him/his/his/himself"),
}
# Epic's category list differs from HL7's and comes as text only; the words for S and T are a guess.
_MARITAL = {"S": "Single", "T": "Significant Other"}
_ABBREVIATIONS = {
    "Street": "St", "Avenue": "Ave", "Road": "Rd", "Drive": "Dr", "Lane": "Ln", "Court": "Ct", "Boulevard": "Blvd",
    "Place": "Pl", "West": "W", "East": "E", "North": "N", "South": "S",
}  # fmt: skip


def render(t: Telling) -> Rendering:
    """The patient, with what of it is told differently."""
    person = t.person
    telecoms, telecom_loss = _telecoms(person)
    told = identifiers.of(t)
    payload: Json = {"resourceType": "Patient", "id": t.id("Patient")}
    if person.number >= FIRST_WRITTEN:
        payload["meta"] = {"security": _UNCERTAIN}
    payload |= {"extension": _extensions(t), "identifier": told, "active": True, "name": _names(t)}
    if telecoms:
        payload["telecom"] = telecoms
    payload |= {"gender": person.gender, "birthDate": person.birth}
    if person.deceased is None:
        payload["deceasedBoolean"] = False
    else:
        payload["deceasedDateTime"] = build.instant(person.deceased)
    if person.addresses:
        payload["address"] = [_address(t, address) for address in (*person.addresses, *person.former_addresses)]
    if person.marital is not None:
        payload["maritalStatus"] = {"text": _MARITAL.get(person.marital.code, person.marital.display)}
    contacts = _contacts(t)
    if contacts:
        payload["contact"] = contacts
    if person.language is not None:
        payload["communication"] = [_language(t, person.language)]
    payload["generalPractitioner"] = [t.practitioner(person.practitioner)]
    payload["managingOrganization"] = dialect.organization_reference(t.site)
    losses = [(0, Loss("identifiers", "replaced", value=identifiers.as_answers(told)))]
    if telecom_loss:
        losses.append((0, telecom_loss))
    if person.marital is not None:
        losses.append((0, Loss("maritalStatus", "text_only")))
    if person.sensitivity:
        losses.append((0, Loss("sensitivity", "omitted")))
    if "meta" in payload:
        losses.append((0, Loss("sensitivity", "also", value=[one["code"] for one in _UNCERTAIN])))
    if not person.race:
        is_declined = person.why_absent("race") == "asked-declined"
        losses.append((0, Loss("race", "absent", "asked-declined|asked-unknown" if is_declined else "unknown")))
    return Rendering("Patient", payload["id"], payload, (person,), tuple(losses))


# Seen on patients created through FHIR: patient-reported, uncertain reliability.
_UNCERTAIN = [
    {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": code, "display": display}
    for code, display in (("PATRPT", "patient reported"), ("UNCERTREL", "uncertain reliability"))
]


def _names(t: Telling) -> list[Json]:
    person = t.person
    whole = _name("official", person.family, person.given, person.suffix)
    title = _TITLES.get(person.gender) if t.draw("title") % 100 < _TITLED_PER_CENT else None
    if title is not None:
        whole |= {"text": f"{title} {whole['text']}", "prefix": [title.upper()]}
    names = [whole, {**whole, "use": "usual"}]
    if person.maiden:
        names.append(_name("old", person.maiden, person.given, None))
    if person.nickname:
        names.append(_name("nickname", person.family, (person.nickname,), None))
    return names


_TITLES = {"female": "Ms.", "male": "Mr."}
_TITLED_PER_CENT = 6  # guess; seen on a patient created through FHIR, where it came back in capitals


def _name(use: str, family: str, given: tuple[str, ...], suffix: str | None) -> Json:
    made: Json = {"use": use, "text": " ".join([*given, family, *([suffix] if suffix else [])]), "family": family}
    made["given"] = list(given)
    return made | ({"suffix": [suffix]} if suffix else {})


def _telecoms(person: Person) -> tuple[list[Json], Loss | None]:
    """Phones with a use, e-mail without; the loss says what is left of each."""
    made: list[Json] = []
    left = []
    for rank, telecom in enumerate(person.telecoms, 1):
        if telecom.system == "email":
            made.append({"system": "email", "value": telecom.value, "rank": rank})
            left.append({"system": "email", "use": None, "value": telecom.value})
        else:
            made.append(
                {"system": telecom.system, "value": dialect.phone(telecom.value), "use": telecom.use, "rank": rank}
            )
            left.append({"system": telecom.system, "use": telecom.use, "value": telecom.value})
    is_lost = any(telecom.system == "email" for telecom in person.telecoms)
    return made, Loss("telecom", "replaced", "an e-mail has no use", left) if is_lost else None


def _address(t: Telling, address: Address) -> Json:
    """An address; `text` is its postal form, in capitals and abbreviations (new in 2026, seen)."""
    street = " ".join(_ABBREVIATIONS.get(word.rstrip("."), word) for line in address.lines for word in line.split())
    text = f"{street}\r\n{address.city.upper()} {address.state} {address.zip}\r\nUnited States of America"
    made: Json = {"use": address.use, "text": text, "line": list(address.lines), "city": address.city}
    county = h64(t.key, "county", address.state, address.city)
    if county % 100 < _WITH_COUNTY_PER_CENT:
        made["district"] = _COUNTIES[county // 100 % len(_COUNTIES)]
    made |= {"state": address.state, "postalCode": address.zip, "country": "US"}
    period = {"start": address.since, "end": address.until}
    told = {name: day.isoformat() for name, day in period.items() if day is not None}
    return made | ({"period": told} if told else {})


_WITH_COUNTY_PER_CENT = 75  # guess; two of three recorded patients have it
# Which county a made-up city lies in: ours. The most frequent names of counties.
_COUNTIES = ("WASHINGTON", "JEFFERSON", "FRANKLIN", "JACKSON", "LINCOLN", "MADISON", "MONTGOMERY", "UNION", "MARION",
             "MONROE", "WAYNE", "CLAY")  # fmt: skip


def _contacts(t: Telling) -> list[Json]:
    """Whom to call: the eldest other grown-up of the household. Guess, as the codes are."""
    _, other = next(household.relatives(t), (0, None))
    if other is None:
        return []
    made: Json = {
        "relationship": [dialect.told(_RELATIONSHIP, *_RELATIONS[household.relation(t, other)])],
        "name": {"use": "usual", "text": f"{other.given[0]} {other.family}"},
    }
    phones = household.phones(other)
    return [made | ({"telecom": phones} if phones else {})]


_RELATIONSHIP = dialect.local("4.827665.1000")
_RELATIONS = {
    "SPS": ("1", "Spouse"), "MTH": ("3", "Mother"), "FTH": ("4", "Father"), "DAU": ("5", "Daughter"),
    "SON": ("6", "Son"), "SIS": ("9", "Sibling"), "BRO": ("9", "Sibling"), "SIGOTHR": ("15", "Significant Other"),
}  # fmt: skip


def _language(t: Telling, language: Code) -> Json:
    modes = _MODES if t.draw("writes") % 100 < _WRITES_PER_CENT else _MODES[:1]
    kinds = [
        extension(
            "http://hl7.org/fhir/StructureDefinition/patient-preferenceType",
            valueCoding={"system": "http://hl7.org/fhir/language-preference-type", "code": kind, "display": kind},
        )
        for kind in ("verbal", "written")[: len(modes)]
    ]
    return {
        "extension": [_proficiency(*mode) for mode in modes],
        "language": {"coding": [build.coding(language)], "text": language.display},
        "preferred": True,
        "_preferred": {"extension": kinds},
    }


_MODES = (("ESP", "Expressed spoken"), ("EWR", "Expressed written"))
_WRITES_PER_CENT = 80  # guess


def _proficiency(code: str, display: str) -> Json:
    system = "http://terminology.hl7.org/CodeSystem/v3-LanguageAbilityMode"
    mode = extension("type", valueCoding={"system": system, "code": code, "display": display})
    return extension("http://hl7.org/fhir/StructureDefinition/patient-proficiency", extension=[mode])


def _extensions(t: Telling) -> list[Json]:
    person = t.person
    sex = _SEX_WORDS[person.sex]
    made = [
        extension(_EPIC + "extension/legal-sex", valueCodeableConcept=_sex(person.gender, person.gender.capitalize())),
        extension(_EPIC + "extension/sex-for-clinical-use", valueCodeableConcept=_sex(sex)),
        _omb("us-core-race", person.race, _nothing(person.why_absent("race"))),
        _omb("us-core-ethnicity", (person.ethnicity,) if person.ethnicity else (), ("Unknown", [])),
    ]
    if t.site.settings["sex_extension"] == "us-core-birthsex":
        made.append(extension(_US_CORE + "us-core-birthsex", valueCode=person.sex))
    else:
        made.append(extension(_US_CORE + "us-core-sex", valueCode=_SEX_SNOMED[person.sex]))
    if person.gender in _PRONOUNS:
        code, display = _PRONOUNS[person.gender]
        pronouns = {"coding": [{"system": build.SYSTEMS["loinc"], "code": code, "display": display}]}
        made.append(extension(_EPIC + "extension/calculated-pronouns-to-use-for-text", valueCodeableConcept=pronouns))
    return made


def _sex(code: str, text: str = "") -> Json:
    coding = {"system": _SEX_SYSTEM, "code": code, "display": code}
    return {"coding": [coding]} | ({"text": text} if text else {})


def _nothing(reason: str) -> tuple[str, list[Json]]:
    """The words and the null flavour of a race that is not known: those of the value set are UNK and ASKU.

    Source: US Core, value set omb-race-category (doc); the words of a refusal: guess.
    """
    code, display, text = ("ASKU", "Asked but no answer", "Patient Refused") if reason == "asked-declined" else _UNKNOWN
    coding = {"system": build.SYSTEMS["v3-null"], "code": code, "display": display}
    return text, [extension("ombCategory", valueCoding=coding)]


_UNKNOWN = ("UNK", "Unknown", "Unknown")


def _omb(name: str, codes: tuple[Code, ...], nothing: tuple[str, list[Json]]) -> Json:
    words, unknown = nothing
    known = [extension("ombCategory", valueCoding=build.coding(code)) for code in codes]
    text = ", ".join(code.display for code in codes) or words
    return extension(_US_CORE + name, extension=[*(known or unknown), extension("text", valueString=text)])
