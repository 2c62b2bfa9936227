"""The US Realm Header: what the document is, whom it is about, who wrote it, who keeps it.

Identifiers are of this project alone: roots below 2.25 are UUIDs as numbers, which anybody may make.
"""

from __future__ import annotations

from simulator.ids import uuid_of
from simulator.population.documents.ccda.xml import coded, element, moment, template, text
from simulator.population.documents.paper import Paper
from simulator.population.documents.view import View
from simulator.population.records import Address, Code

_HEADER = ("2.16.840.1.113883.10.20.22.1.1", "2015-08-01")
_KINDS = {
    "ccd": ("2.16.840.1.113883.10.20.22.1.2", "2015-08-01", Code("loinc", "34133-9", "Summarization of Episode Note")),
    "referral": ("2.16.840.1.113883.10.20.22.1.14", "2015-08-01", Code("loinc", "57133-1", "Referral note")),
}
_GENDERS = {"female": ("F", "Female"), "male": ("M", "Male"), "other": ("UN", "Undifferentiated")}
_CONFIDENTIALITY = {True: ("R", "restricted"), False: ("N", "normal")}


def header(view: View, paper: Paper) -> str:
    """Everything before the body."""
    document = view.document
    root, extension, code = _KINDS[document.key]
    at = moment(document.created, view.zone)
    letter, word = _CONFIDENTIALITY[bool(document.sensitivity)]
    return "".join(
        (
            element("realmCode", code="US"),
            element("typeId", root="2.16.840.1.113883.1.3", extension="POCD_HD000040"),
            template(*_HEADER),
            template(root, extension),
            element("id", root=root_of(view, "document", document.ordinal)),
            coded("code", code),
            element("title", text(paper.title)),
            element("effectiveTime", value=at),
            element("confidentialityCode", code=letter, displayName=word, codeSystem="2.16.840.1.113883.5.25"),
            element("languageCode", code="en-US"),
            element("recordTarget", _patient_role(view)),
            element("author", element("time", value=at), element("assignedAuthor", *_practitioner(view))),
            element(
                "custodian",
                element("assignedCustodian", element("representedCustodianOrganization", *_organization(view))),
            ),
            _service_event(view),
        )
    )


def root_of(view: View, kind: str, ordinal: int) -> str:
    """The id of one record of a patient: always the same, of nobody else."""
    return _root(view, view.person.number, kind, ordinal)


def _root(view: View, *parts: str | int) -> str:
    return uuid_of("cda", view.population.key.hex(), *parts)


def _patient_role(view: View) -> str:
    person = view.person
    gender, word = _GENDERS[person.gender]
    name = element(
        "name",
        *(element("given", text(given)) for given in person.given),
        element("family", text(person.family)),
        element("suffix", text(person.suffix)) if person.suffix else "",
        use="L",
    )
    patient = element(
        "patient",
        name,
        element("administrativeGenderCode", code=gender, displayName=word, codeSystem="2.16.840.1.113883.5.1"),
        element("birthTime", value=f"{person.birth_date:%Y%m%d}"),
        *_deceased(view),
        coded("maritalStatusCode", person.marital) if person.marital else "",
        coded("raceCode", person.race[0]) if person.race else element("raceCode", nullFlavor="UNK"),
        *(coded("sdtc:raceCode", code) for code in person.race[1:]),
        coded("ethnicGroupCode", person.ethnicity)
        if person.ethnicity
        else element("ethnicGroupCode", nullFlavor="UNK"),
        element("languageCommunication", element("languageCode", code=person.language.code)) if person.language else "",
    )
    return element(
        "patientRole",
        element("id", root=root_of(view, "patient", 0)),
        *(_address(one) for one in person.addresses),
        *(
            element(
                "telecom",
                value=f"tel:{one.value}" if one.system == "phone" else f"mailto:{one.value}",
                use={"home": "HP", "mobile": "MC", "work": "WP"}.get(one.use),
            )
            for one in person.telecoms
        ),
        patient,
    )


def _deceased(view: View) -> tuple[str, ...]:
    """That the patient has died, once it is known: the time goes with it. Source: C-CDA R2.1, CONF:1198-32993."""
    at = view.person.deceased
    if at is None:
        return ()
    return element("sdtc:deceasedInd", value="true"), element("sdtc:deceasedTime", value=moment(at, view.zone))


def _practitioner(view: View) -> tuple[str, ...]:
    author = view.author
    return (
        element("id", root="2.16.840.1.113883.4.6", extension=author.npi),
        _address(view.facility.address),
        element("telecom", value=f"tel:{view.facility.phone}", use="WP"),
        element(
            "assignedPerson",
            element(
                "name",
                element("given", text(author.given)),
                element("family", text(author.family)),
                element("suffix", text(author.suffix)),
            ),
        ),
    )


def _organization(view: View) -> tuple[str, ...]:
    facility = view.facility
    return (
        element("id", root=_root(view, "facility", facility.index)),
        element("name", text(facility.name)),
        element("telecom", value=f"tel:{facility.phone}", use="WP"),
        _address(facility.address),
    )


def _service_event(view: View) -> str:
    since = view.encounters[0].start if view.encounters else view.document.created
    return element(
        "documentationOf",
        element(
            "serviceEvent",
            element(
                "effectiveTime",
                element("low", value=moment(since, view.zone)),
                element("high", value=moment(view.document.created, view.zone)),
            ),
            element("performer", element("assignedEntity", *_practitioner(view)), typeCode="PRF"),
            classCode="PCPR",
        ),
    )


def _address(address: Address) -> str:
    return element(
        "addr",
        *(element("streetAddressLine", text(line)) for line in address.lines),
        element("city", text(address.city)),
        element("state", text(address.state)),
        element("postalCode", text(address.zip)),
        element("country", "US"),
        use={"home": "HP", "work": "WP"}.get(address.use),
    )
