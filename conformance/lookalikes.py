"""People who look alike: whom an integration is asked to find, and who of the population's cast is meant.

The answer is known, because the cast is: two men of one name and birth date, father and son, twins, a married woman.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from simulator.population.cast import roles

if TYPE_CHECKING:
    from simulator.sandbox import Site


@dataclass(frozen=True, slots=True)
class LookAlike:
    """One question: who is this?

    role      whose name, birth date and sex are told; empty: `told` holds them all
    told      what is told otherwise: family, given, birth_date
    number    the role whose record number is told too, with its system, where the vendor has any
    meant     the role who is to be found; empty: nobody is, or nobody can be told from another
    must      to find nobody is wrong: what is told fits one and no other
    says      what makes it hard, for a verdict
    """

    says: str
    role: str = ""
    told: dict[str, str] = field(default_factory=dict)
    number: str = ""
    meant: str = ""
    must: bool = False


_SHARED = "has the name of another, and a number that the other one has in another house"

LOOKALIKES = {
    "known": LookAlike("resembles nobody", "diabetic", meant="diabetic", must=True),
    "homonym": LookAlike("has the name and birth date of another", "homonym"),
    "numbered": LookAlike(_SHARED, "homonym2", number="homonym2", meant="homonym2"),
    "numbered_too": LookAlike(_SHARED, "homonym", number="homonym", meant="homonym"),
    "junior": LookAlike("has a father of the same name", "junior", meant="junior"),
    "twin": LookAlike("has a twin", "twin2", meant="twin2"),
    "renamed": LookAlike("is asked for by a former name", "renamed", told={"family": "maiden"}, meant="renamed"),
    "soundalike": LookAlike("sounds like two others", "homonym", told={"family": "Smyth"}),
    "namesake": LookAlike("shares a name with others", "senior", told={"birth_date": "1960-01-01"}),
    "stranger": LookAlike(
        "is not on file", told={"family": "Quillfeather", "given": "Ottoline", "birth_date": "1971-06-13"}
    ),
}


@cache
def number_of(role: str) -> int:
    """The patient number of one of the cast."""
    return next(one.number for one in roles() if one.key == role)


def question(site: Site, name: str) -> dict[str, Any] | None:
    """What a driver is told of a look-alike; None where the vendor has no record numbers to tell."""
    one = LOOKALIKES[name]
    told = dict(one.told)
    if one.role:
        person = site.sandbox.world.chart(number_of(one.role)).person
        if told.get("family") == "maiden":
            told["family"] = str(person.maiden)
        told = {"family": person.family, "given": person.given[0], "birth_date": person.birth} | told
    if one.number:
        ids = site.vendor.patient_ids(site, number_of(one.number))
        if "mrn" not in ids:
            return None
        told |= {"mrn": ids["mrn"], "mrn_system": _system_of(site, number_of(one.number), ids["mrn"])}
    return told


def _system_of(site: Site, number: int, mrn: str) -> str:
    """The system under which the vendor tells a record number."""
    payloads = (one.payload for one in site.vendor.renderings(site, number) if one.type == "Patient")
    held = (identifier for payload in payloads for identifier in payload.get("identifier") or ())
    return next((str(one["system"]) for one in held if one.get("value") == mrn and one.get("system")), "")
