"""What kind of provider somebody is, and in which specialty: the truth knows neither, so a site's own draw decides.

Source: SOURCES.md, "Resources" (MAP, FS: the systems, provider types 1 and 3, specialties 9 and 32; the rest: guess).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from simulator.ids import h64
from simulator.population import tables
from simulator.population.records import Practitioner
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json

PROVIDER_TYPE = dialect.local("4.836982.1040")
SPECIALTY = dialect.local("4.836982.1050")
TAXONOMY = "urn:oid:2.16.840.1.113883.11.19465"  # NUCC, in the way in which C-CDA names it


@dataclass(frozen=True, slots=True)
class Specialty:
    """A specialty: Epic's number and name, the department's name, NUCC's code and name of who practises it."""

    number: str
    name: str
    taxonomy: str
    provider: str


_SPECIALTIES = (
    Specialty("9", "Family Medicine", "207Q00000X", "Family Medicine Physician"),
    Specialty("17", "Internal Medicine", "207R00000X", "Internal Medicine Physician"),
    Specialty("10", "Emergency Medicine", "207P00000X", "Emergency Medicine Physician"),
)
_SHARES = (65, 25)  # in a hundred: the first, the second; the third has the rest


@lru_cache(maxsize=4_096)
def specialty_of(key: bytes, index: int) -> Specialty:
    """The specialty of a practitioner; `key` is the site's."""
    drawn = h64(key, "specialty", index) % 100
    return _SPECIALTIES[0 if drawn < _SHARES[0] else 1 if drawn < sum(_SHARES) else 2]


def specialty(key: bytes, index: int) -> Json:
    """The specialty of a practitioner as Epic words it."""
    found = specialty_of(key, index)
    return dialect.told(SPECIALTY, found.number, found.name)


# 1: seen; the others: guess. Practitioners with any other degree are physicians.
_PROVIDER_TYPES = {"NP": ("9", "Nurse Practitioner"), "PA": ("6", "Physician Assistant")}
_TAXONOMIES = {"NP": ("363L00000X", "Nurse Practitioner"), "PA": ("363A00000X", "Physician Assistant")}


def provider_type(key: bytes, found: Practitioner) -> Json:
    """The provider type of a practitioner, and the code of NUCC's taxonomy."""
    number, name = _PROVIDER_TYPES.get(found.suffix, ("1", "Physician"))
    code, display = taxonomy_of(key, found)
    own = {"system": PROVIDER_TYPE, "code": number, "display": name}
    return {"coding": [own, {"system": TAXONOMY, "code": code, "display": display}], "text": name}


def taxonomy_of(key: bytes, found: Practitioner) -> tuple[str, str]:
    """NUCC's code and name of what a practitioner is."""
    specialty = specialty_of(key, found.index)
    return _TAXONOMIES.get(found.suffix, (specialty.taxonomy, specialty.provider))


def gender_of(found: Practitioner) -> str | None:
    """The gender that a practitioner's first name stands for; None for a name that the tables do not have."""
    return _GENDERS.get(found.given)


_GENDERS = {row.name: "female" if row.sex == "F" else "male" for row in tables.GIVEN_NAMES}
