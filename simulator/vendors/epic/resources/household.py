"""Who lives with a patient, and what they are to each other as far as ages and sexes tell: RelatedPerson.

The truth knows who lives at one address. Of two generations the older are the parents; two of one are a couple, or
brothers and sisters where an older generation lives with them.

Source: SOURCES.md, "Resources" (CS: searched by `_id` only; the form: US Core, guess).
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.population.records import Person
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.resources import told
from simulator.vendors.epic.resources.told import Item

_GENERATION = 15 * 365
_ADULT = 18 * 365 + 5
_ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
_NAMES = {
    "MTH": "Mother", "FTH": "Father", "DAU": "Natural Daughter", "SON": "Natural Son", "SIS": "Sister",
    "BRO": "Brother", "SPS": "Spouse", "SIGOTHR": "Significant Other",
}  # fmt: skip


def relatives(t: Telling) -> Iterator[tuple[int, Person]]:
    """The grown-ups at the patient's address who are alive, each with the place in the household, the eldest first."""
    for place, number in enumerate(t.household):
        other = t.world.person(number) if number != t.number else None
        if other is not None and other.deceased is None and is_adult(t, other):
            yield place, other


def is_adult(t: Telling, person: Person) -> bool:
    """Whether somebody is eighteen on the day of the population."""
    return (t.world.population.as_of - person.birth_date).days >= _ADULT


def relation(t: Telling, other: Person) -> str:
    """What the other is to the patient: a code of HL7's v3-RoleCode."""
    person = t.person
    younger_by = (person.birth_date - other.birth_date).days
    if younger_by >= _GENERATION:
        return "MTH" if other.sex == "F" else "FTH"
    if -younger_by >= _GENERATION:
        return "DAU" if other.sex == "F" else "SON"
    if not is_adult(t, person) or other.sex == person.sex or _has_elders(t, other):
        return "SIS" if other.sex == "F" else "BRO"
    is_married = all(one.marital is not None and one.marital.code == "M" for one in (person, other))
    return "SPS" if is_married else "SIGOTHR"


def _has_elders(t: Telling, other: Person) -> bool:
    """Whether somebody a generation older than both lives with them."""
    younger = max(t.person.birth_date, other.birth_date)
    born = (t.world.population.core(one)[3] for one in t.household if one not in (t.number, other.number))
    return any((younger - day).days >= _GENERATION for day in born)


def concept(t: Telling, other: Person) -> Json:
    """The relation as a concept."""
    code = relation(t, other)
    return dialect.told(_ROLES, code, _NAMES[code])


def phones(other: Person) -> list[Json]:
    """The phones of a relative."""
    return [
        {"system": "phone", "value": dialect.phone(one.value), "use": one.use}
        for one in other.telecoms
        if one.system == "phone"
    ]


def reference(t: Telling, place: int, other: Person) -> Json:
    """The reference to a relative."""
    id = t.id("RelatedPerson", place)
    return {"reference": f"RelatedPerson/{id}", "type": "RelatedPerson", "display": f"{other.given[0]} {other.family}"}


def _items(t: Telling) -> Iterator[Item]:
    return ((t.person, one) for _, one in relatives(t))


def _place(t: Telling, item: Item) -> int:
    return next(place for place, one in relatives(t) if one == item[1])


def _payload(t: Telling, item: Item) -> Json:
    other = item[1]
    assert isinstance(other, Person)
    text = f"{other.given[0]} {other.family}"
    made: Json = {
        "active": True,
        "patient": t.subject,
        "relationship": [concept(t, other)],
        "name": [{"use": "usual", "text": text, "family": other.family, "given": [other.given[0]]}],
    }
    telecom = phones(other)
    if telecom:
        made["telecom"] = telecom
    made["gender"] = other.gender
    made["address"] = [
        {
            "use": one.use,
            "line": list(one.lines),
            "city": one.city,
            "state": one.state,
            "postalCode": one.zip,
            "country": "US",
        }
        for one in other.addresses
    ]
    return made


TOLD = told.resting("RelatedPerson", _items, _payload, _place)
