"""Patient: two equal names, nine identifiers of which none is typed MR, and extensions of Epic's own.

Source: SOURCES.md, "Resources" (MAP, FS, FHIRPY).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.fhir import build
from simulator.ids import h64
from simulator.population.answers import Loss
from simulator.population.records import Address, Code, Person
from simulator.population.world import FIRST_WRITTEN
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect, ids
from simulator.vendors.epic.dialect import Json, Telling, extension, usual
from simulator.vendors.epic.resources import household

if TYPE_CHECKING:
    from simulator.sandbox import Site

_EPIC = "http://open.epic.com/FHIR/StructureDefinition/"
_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
_SEX_SYSTEM = "urn:oid:1.2.840.114350.1.13.0.1.7.10.698084.130.657370.19999000"
_EPIC_ID = "urn:oid:1.2.840.114350.1.13.0.1.7.5.737384.0"
_LOGIN = "urn:oid:1.2.840.114350.1.13.0.1.7.3.878082.110"
_LOGIN_RECORD = "urn:oid:1.2.840.114350.1.13.0.1.7.2.878082"
_MRNS = 10**9
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


def mrn_of(site: Site, number: int) -> str | None:
    """The EPI number of a patient; None for patients created through an API, who have none (MAP, seen)."""
    return f"{site.permutation(_MRNS, 'mrn').forward(number):09d}" if number < FIRST_WRITTEN else None


def number_of_mrn(site: Site, text: str) -> int | None:
    """The patient number behind an EPI number, or None. Leading zeros belong to it."""
    if len(text) != 9 or not (text.isascii() and text.isdigit()):
        return None
    return _known(site, site.permutation(_MRNS, "mrn").inverse(int(text)))


def number_of_identifier(site: Site, kind: str | None, value: str) -> int | None:
    """The patient whose identifier `value` is; `kind` is its system or its type's text, None: any of them."""
    value = value.strip()
    for names, look_up in _FAMILIES:
        if kind is None or kind in names:
            found: int | None = look_up(site, value)
            if found is not None:
                return found
    return None


def render(t: Telling) -> Rendering:
    """The patient, with what of it is told differently."""
    person = t.person
    telecoms, telecom_loss = _telecoms(person)
    identifiers = _identifiers(t)
    payload: Json = {"resourceType": "Patient", "id": t.id("Patient")}
    if person.number >= FIRST_WRITTEN:
        payload["meta"] = {"security": _UNCERTAIN}
    payload |= {"extension": _extensions(t), "identifier": identifiers, "active": True, "name": _names(t)}
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
    losses = [(0, Loss("identifiers", "replaced", value=_as_answers(identifiers)))]
    if telecom_loss:
        losses.append((0, telecom_loss))
    if person.marital is not None:
        losses.append((0, Loss("maritalStatus", "text_only")))
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


# Identifiers


def _identifiers(t: Telling) -> list[Json]:
    site, number, person = t.site, t.number, t.person
    made = [usual(dialect.CEID, ids.ceid(site.key, number), "CEID"), usual(_EPIC_ID, _epic_id(site, number), "EPIC")]
    external = usual(dialect.PATIENT_ID, _z_number(site, number), "EXTERNAL")
    external["type"] = {"coding": [_MEMBER_NUMBER], "text": "EXTERNAL"}
    made += [
        external,
        usual(_EPIC + "patient-dstu2-fhir-id", ids.dstu2_id(site.key, number), "FHIR"),
        usual(_EPIC + "patient-fhir-id", t.id("Patient"), "FHIR STU3"),
        usual(dialect.PATIENT_ID, _BLANKS * bool(site.settings["padded_ids"]) + _z_number(site, number), "INTERNAL"),
    ]
    mrn = mrn_of(site, number)
    if mrn is not None:
        made.append(usual(dialect.MRN, mrn, "EPI"))
    if t.draw("mychart") % 100 < 60:  # guess: who has signed up for the portal
        made += [
            usual(_LOGIN, f"MYC{_portal_number(site, number)}", "MYCHARTLOGIN"),
            usual(_LOGIN_RECORD, str(_portal_number(site, number)), "WPRINTERNAL"),
        ]
    if person.ssn and person.number < FIRST_WRITTEN:
        made.append(usual(dialect.SSN, person.ssn))
    return made


_MEMBER_NUMBER = {"system": "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType", "code": "um"}
_BLANKS = " " * 5  # seen
_NUMBERS = 1 << 34  # every patient number, written ones included, has a place


def _epic_id(site: Site, number: int) -> str:
    return f"E{site.permutation(_NUMBERS, 'epic id').forward(number)}"


def _z_number(site: Site, number: int) -> str:
    return f"Z{site.permutation(_NUMBERS, 'z number').forward(number)}"


def _portal_number(site: Site, number: int) -> int:
    return site.permutation(_NUMBERS, "portal").forward(number)


def _as_answers(identifiers: list[Json]) -> list[dict[str, Any]]:
    """The identifiers as a perfect integration holds them: INTERNAL is EXTERNAL behind blanks, and no other number."""
    return [
        {"type": one.get("type", {}).get("text"), "system": one["system"], "value": one["value"]}
        for one in identifiers
        if one.get("type", {}).get("text") != "INTERNAL"
    ]


def _known(site: Site, number: int | None) -> int | None:
    return number if number is not None and site.sandbox.world.person(number) is not None else None


def _by_number(prefix: str, tweak: str) -> Any:
    def look_up(site: Site, value: str) -> int | None:
        digits = value[len(prefix) :]
        if not value.startswith(prefix) or not (digits.isascii() and digits.isdigit()) or len(digits) > 11:
            return None
        if int(digits) >= _NUMBERS or str(int(digits)) != digits:
            return None
        return _known(site, site.permutation(_NUMBERS, tweak).inverse(int(digits)))

    return look_up


def _by_portal(prefix: str) -> Any:
    by_number = _by_number(prefix, "portal")

    def look_up(site: Site, value: str) -> int | None:
        found: int | None = by_number(site, value)
        return found if found is not None and h64(site.key, found, "mychart") % 100 < 60 else None

    return look_up


def _by_ssn(site: Site, value: str) -> int | None:
    return next(site.sandbox.world.find(ssn=value), None)


def _by_ceid(site: Site, value: str) -> int | None:
    return _known(site, ids.number_of_ceid(site.key, value))


def _by_fhir_id(site: Site, value: str) -> int | None:
    found = ids.named(site.key, value)
    return _known(site, found.number) if found is not None and found.type == "Patient" else None


def _by_dstu2_id(site: Site, value: str) -> int | None:
    return _known(site, ids.number_of_dstu2(site.key, value))


_FAMILIES: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("EPI", dialect.MRN), number_of_mrn),
    (("EXTERNAL", "INTERNAL", dialect.PATIENT_ID), _by_number("Z", "z number")),
    (("EPIC", _EPIC_ID), _by_number("E", "epic id")),
    (("CEID", dialect.CEID), _by_ceid),
    (("SSN", dialect.SSN), _by_ssn),
    (("FHIR STU3", _EPIC + "patient-fhir-id"), _by_fhir_id),
    (("FHIR", _EPIC + "patient-dstu2-fhir-id"), _by_dstu2_id),
    (("MYCHARTLOGIN", _LOGIN), _by_portal("MYC")),
    (("WPRINTERNAL", _LOGIN_RECORD), _by_portal("")),
)
