"""Who a patient is: lookup, demographics, and the creation of one.

Source: SOURCES.md, "Web services" (WSIDX, COBALT: paths, ids in pairs; the members of the answers: guess).
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from simulator.exchange import Reply
from simulator.population.records import Person
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.filing import FILERS
from simulator.vendors.epic.filing.filing import Filing
from simulator.vendors.epic.resources import patient
from simulator.vendors.epic.services.command import Command, Service, both, slashed

_WORDS = {"female": "Female", "male": "Male", "other": "Other"}
_NAMED = (("FirstName", "NO-FIRST-NAME"), ("LastName", "NO-LAST-NAME"))


def lookup(c: Command) -> Reply:
    """All ids of a patient, in XML."""
    t = c.patient()
    listed = "".join(f"<IDType><ID>{escape(one['ID'])}</ID><Type>{one['Type']}</Type></IDType>" for one in _ids(t))
    name = f"{t.person.family},{' '.join(t.person.given)}".upper()
    body = (
        '<?xml version="1.0" encoding="utf-8"?><PatientLookupResponse>'
        f"<PatientIDs>{listed}</PatientIDs><PatientName>{escape(name)}</PatientName></PatientLookupResponse>"
    )
    return Reply(200, body.encode(), [(b"content-type", b"application/xml; charset=utf-8")])


def demographics(c: Command) -> Reply:
    """Names, days, addresses and phones."""
    t = c.patient()
    person = t.person
    home = person.addresses[0] if person.addresses else None
    phones = [one for one in person.telecoms if one.system == "phone"]
    return c.told(
        {
            "Name": f"{person.family},{' '.join(person.given)}",
            "NameComponents": {
                "LastName": person.family,
                "FirstName": person.given[0],
                "MiddleName": " ".join(person.given[1:]),
                "Suffix": person.suffix or "",
            },
            "DateOfBirth": slashed(person.birth_date) if person.birth_precision == "day" else person.birth,
            "LegalSex": _WORDS[person.gender],
            "MaritalStatus": person.marital.display if person.marital else "",
            "PreferredLanguage": person.language.display if person.language else "",
            "NationalIdentifier": "",
            "PatientStatus": "Deceased" if person.deceased is not None else "Alive",
            "Street": list(home.lines) if home else [],
            "City": home.city if home else "",
            "State": home.state if home else "",
            "ZipCode": home.zip if home else "",
            "Country": "United States of America" if home else "",
            "Phones": [{"Type": one.use.title() + " Phone", "Number": _plain(one.value)} for one in phones],
            "Email": next((one.value for one in person.telecoms if one.system == "email"), ""),
            "PrimaryCareProvider": t.practitioner(person.practitioner)["display"],
            "PatientIDs": _ids(t),
        }
    )


def create(c: Command) -> Reply:
    """A new patient, as `Patient.Create` files one."""
    name: Json = {"use": "official"}
    for member, code in _NAMED:
        c.need(member, code)
    name |= {"family": c.text("LastName"), "given": [one for one in (c.text("FirstName"), c.text("MiddleName")) if one]}
    born = c.day("DateOfBirth", "INVALID-DATE-OF-BIRTH")
    if born is None:
        raise c.failed("NO-DATE-OF-BIRTH", "Date of birth is required.")
    gender = c.need("Gender", "NO-GENDER").lower()
    if gender not in _WORDS:
        raise c.failed("INVALID-GENDER", f"Gender is not known: {gender}")
    resource: Json = {"resourceType": "Patient", "name": [name], "birthDate": born.isoformat(), "gender": gender}
    kept = FILERS["Patient"].create(Filing(c.x, "Patient", resource))
    assert isinstance(kept, Person)
    return c.told({"PatientIDs": _ids(dialect.Telling(c.site, kept))})


def _ids(t: Telling) -> list[Json]:
    return [
        both(one["value"], one["type"]["text"])
        for one in patient.render(t).payload["identifier"]
        if "type" in one and one["type"]["text"] not in ("MYCHARTLOGIN",)
    ]


def _plain(phone: str) -> str:
    return dialect.phone(phone).removeprefix("+1 ")


SERVICES = (
    Service(
        "PatientLookup", ("2012",), "EMPI/Patient/PATIENTLOOKUP/Lookup", ("Patient", "r"), lookup, ("GET", "POST")
    ),
    Service(
        "GetPatientDemographics", ("2015", "2017"), "Common/Patient/GetPatientDemographics/Patient/Demographics",
        ("Patient", "r"), demographics,
    ),
    Service("PatientCreate", ("2012",), "EMPI/External/PatientCreate/Patient/Create", ("Patient", "c"), create),
)  # fmt: skip
