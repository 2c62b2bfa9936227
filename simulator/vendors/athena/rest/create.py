"""`POST /patients`: a form in, an array of one id out; an existing match is given back instead of a new patient."""

from __future__ import annotations

from datetime import date

from simulator.exchange import Exchange, Reply
from simulator.population import tables
from simulator.population.records import Address, Code, Person, Telecom
from simulator.refusal import NotSimulated, Refusal
from simulator.vendors.athena import ids, words
from simulator.vendors.athena.rest import wire

_REQUIRED = ("lastname", "dob", "firstname", "departmentid")
_REACHABLE = ("email", "guarantoremail", "ssn", "homephone", "mobilephone", "workphone", "zip")
_LANGUAGE = {iso: bcp47 for bcp47, iso in words.LANGUAGES.items()}
_MARITAL = {code: v3 for v3, (code, _) in words.MARITAL.items()}
_GENDER = {sex: gender for gender, sex in words.SEX.items()}
_RACES = {code.code: code for row in tables.RACES for code in row.codes}
_ETHNICITIES = {code.code: code for row in tables.ETHNICITIES for code in row.codes}


def create(x: Exchange) -> Reply:
    """Registers a patient. 200, not 201."""
    wire.practice_of(x)
    query = wire.Query(x)
    missing = [name for name in _REQUIRED if not query.text(name) and not (name == "departmentid" and query.has(name))]
    if missing:
        raise Refusal(
            "malformed", f"missing: {', '.join(missing)}", reason="missing_fields", missing=missing, invalid=[]
        )
    department = wire.department_index(x, query)
    born = _birth_date(x, query)
    if not any(query.text(name) for name in _REACHABLE):
        raise Refusal("malformed", "no way to reach the patient", reason="unreachable", accepted=_REACHABLE)
    number = None if query.flag("bypasspatientmatching") else _match(x, query, born)
    if number is None:
        assert x.caller is not None
        made = x.site.sandbox.world.write(_person(x, query, born, department), None, x.caller.client_id, x.at)
        number = made.number
        x.notes["created"] = number
    patientid = str(ids.patientid(x.site, number))
    return wire.answer([{"patientid": patientid}], [("patient", patientid)], profile=x.site.settings["type_profile"])


def _birth_date(x: Exchange, query: wire.Query) -> date:
    text = query.text("dob") or ""
    born = words.parse_us_day(text)
    if born is None or born > x.sandbox.as_of or born.year < 1850:
        raise Refusal("malformed", f"dob={text!r}", reason="improper_dob", value=text)
    return born


def _match(x: Exchange, query: wire.Query, born: date) -> int | None:
    """The patient this one is taken for: same names and birth date, and no other sex."""
    first, last, sex = query.text("firstname") or "", query.text("lastname") or "", query.text("sex")
    world = x.site.sandbox.world
    for number in world.find(family=last, given=first, born=(born, born), exact=True):
        person = world.person(number)
        if person is not None and sex in (None, words.SEX[person.gender]):
            return number
    return None


def _person(x: Exchange, query: wire.Query, born: date, department: int) -> Person:
    sex = query.text("sex")
    if sex is None:
        raise NotSimulated("athena REST: a new patient without sex; the truth has no unknown sex")
    wire.one_of(sex, "sex", *_GENDER)
    assigned = query.text("assignedsexatbirth") or sex
    wire.one_of(assigned, "assignedsexatbirth", "F", "M")
    population = x.site.sandbox.world.population
    stride = len(population.facilities)
    provider = query.integer("primaryproviderid")
    known = provider is not None and 1 <= provider <= population.practitioners
    first = query.text("firstname") or ""
    middle = query.text("middlename")
    return Person(
        number=-1,
        family=query.text("lastname") or "",
        given=(first, middle) if middle else (first,),
        suffix=query.text("suffix"),
        maiden=None,
        nickname=query.text("preferredname"),
        birth_date=born,
        sex="F" if assigned == "F" else "M",
        gender=_GENDER[sex],  # type: ignore[arg-type]
        race=tuple(_RACES[code] for code in query.texts("race") if code in _RACES),
        ethnicity=_ETHNICITIES.get(query.text("ethnicitycode") or ""),
        language=_language(query.text("language6392code")),
        marital=_marital(query.text("maritalstatus")),
        telecoms=_telecoms(query),
        addresses=_addresses(query),
        ssn=_ssn(query.text("ssn")),
        facility=department,
        practitioner=provider - 1 if provider is not None and known else department % stride,
    )


def _language(text: str | None) -> Code | None:
    code = _LANGUAGE.get(text or "")
    return Code("bcp47", code, "") if code else None


def _marital(text: str | None) -> Code | None:
    code = _MARITAL.get(text or "")
    return Code("v3-marital", code, "") if code else None


def _telecoms(query: wire.Query) -> tuple[Telecom, ...]:
    """The numbers that are numbers: an invalid one is ignored without a word."""
    found = []
    for use in ("mobile", "home", "work"):
        digits = "".join(letter for letter in query.text(f"{use}phone") or "" if letter.isdigit())
        digits = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
        if len(digits) == 10 and digits[0] in "23456789" and digits[3] in "23456789":
            found.append(Telecom("phone", use, f"+1{digits}"))
    email = query.text("email")
    if email and "@" in email:
        found.append(Telecom("email", "home", email))
    return tuple(found)


def _addresses(query: wire.Query) -> tuple[Address, ...]:
    lines = tuple(line for line in (query.text("address1"), query.text("address2")) if line)
    city, state, zip_code = query.text("city"), query.text("state"), query.text("zip")
    if not (lines or city or state or zip_code):
        return ()
    return (Address(lines, city or "", state or "", (zip_code or "")[:5]),)


def _ssn(text: str | None) -> str | None:
    digits = "".join(letter for letter in text or "" if letter.isdigit())
    return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}" if len(digits) == 9 else None
