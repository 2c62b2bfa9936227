"""Patient.Create: who is registered has a name, a sex and a birth date; phones and numbers that were sent are gone.

Source: SOURCES.md, "Writing" (MAP: what is lost; what is needed: guess).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulator.fhir import build, writes
from simulator.fhir.writes import Json
from simulator.ids import h64
from simulator.population import tables
from simulator.population.records import Address, Code, Person
from simulator.refusal import NotSimulated
from simulator.vendors.epic.filing.filing import Filing

_GENDERS = ("female", "male", "other", "unknown")
_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_SEXES = {"F": "F", "M": "M", "248152002": "F", "248153007": "M"}
_SEX_OF = {"female": "F", "male": "M"}
_RACES = {code.code: code for row in tables.RACES for code in row.codes}
_ETHNICITIES = {code.code: code for row in tables.ETHNICITIES for code in row.codes}


def create(f: Filing) -> Person:
    """Registers a patient; that somebody like this is known already changes nothing, unless the site looks."""
    name = _name(f)
    born = f.need("birthDate")
    if len(born) != 10:
        raise f.bad_value("birthDate", born)
    gender = f.code("gender", _GENDERS)
    sex = _SEX_OF.get(gender) or _extension_code(f.resource, "sex", "birthsex")
    if gender == "unknown" or sex is None:
        raise NotSimulated("Epic's Patient.Create of somebody whose sex is open")
    world = f.x.sandbox.world
    draw = h64(f.x.site.key, "registered", world.writes)
    facility = draw % len(world.population.facilities)
    person = Person(
        number=-1,
        family=name["family"],
        given=tuple(name["given"]),
        suffix=" ".join(name.get("suffix", ())) or None,
        maiden=None,
        nickname=None,
        birth_date=f.day("birthDate", born),
        sex="F" if sex == "F" else "M",
        gender=gender,  # type: ignore[arg-type]
        race=_omb(f.resource, "race", _RACES),
        ethnicity=next(iter(_omb(f.resource, "ethnicity", _ETHNICITIES)), None),
        language=_language(f.resource),
        marital=_marital(f.resource),
        telecoms=(),  # seen: they are gone
        addresses=tuple(_addresses(f)),
        ssn=None,  # seen: it is gone
        facility=facility,
        practitioner=world.population.practitioner_at(facility, draw >> 32),
    )
    if person.birth_date.year < 1850:
        raise f.bad_value("birthDate", born)
    if "Patient" in f.x.site.settings["refuse_duplicates"]:
        _refuse_twin(f, person)
    return f.keep(person)


def _refuse_twin(f: Filing, person: Person) -> None:
    world, day = f.x.sandbox.world, person.birth_date
    for number in world.find(family=person.family, given=person.given[0], born=(day, day), exact=True):
        found = world.person(number)
        if found is not None and found.gender == person.gender:
            raise f.duplicate("A patient of this name, sex and birth date exists.")


def _name(f: Filing) -> Json:
    names: list[Json] = f.need("name")
    chosen = next((one for one in names if one.get("use") in (None, "official", "usual")), names[0])
    for part in ("family", "given"):
        if not chosen.get(part):
            raise f.missing(f"name.{part}")
    return chosen


def _extension_code(resource: Json, *names: str) -> str | None:
    urls = {_US_CORE + name for name in names}
    told = (one.get("valueCode", "") for one in resource.get("extension", []) if one.get("url") in urls)
    return next((_SEXES[code] for code in told if code in _SEXES), None)


def _omb(resource: Json, name: str, known: dict[str, Code]) -> tuple[Code, ...]:
    inner: list[dict[str, Any]] = [
        part
        for one in resource.get("extension", [])
        if one.get("url") == _US_CORE + name
        for part in one.get("extension", [])
    ]
    codes = (part.get("valueCoding", {}).get("code") for part in inner if part.get("url") == "ombCategory")
    return tuple(known[code] for code in codes if code in known)


def _language(resource: Json) -> Code | None:
    told = [one.get("language") for one in resource.get("communication", [])]
    code = next((code for one in told if (code := writes.code_of(one, build.SYSTEMS["bcp47"]))), None)
    return next((one for row in tables.LANGUAGES for one in row.codes if one.code == code), None)


def _marital(resource: Json) -> Code | None:
    code = writes.code_of(resource.get("maritalStatus"), build.SYSTEMS["v3-marital"])
    return next((one for row in tables.MARITAL for one in row.codes if one.code == code), None)


def _addresses(f: Filing) -> list[Address]:
    """The addresses of a home; each is one since today (seen)."""
    today = f.day("birthDate", build.instant(f.x.at))
    return [
        replace(_address(one), since=today)
        for one in f.resource.get("address", [])
        if one.get("use") in (None, "home") and one.get("line") and one.get("city")
    ]


def _address(told: Json) -> Address:
    return Address(tuple(told["line"]), told["city"], told.get("state", ""), told.get("postalCode", "")[:5])
