"""GUIDs: those of persons can be led back to their number, all others are only given.

Source: SOURCES.md, "Behind the doors" (SDK: GUID strings; the person's is the FHIR id too: BITFOUNT).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from simulator.ids import seed_bytes, uuid_of

if TYPE_CHECKING:
    from simulator.sandbox import Site

NONE = "00000000-0000-0000-0000-000000000000"
"""How an id says that there is none; null says it too."""
_SPACE = 1 << 60


def guid(site: Site, *parts: str | int) -> str:
    """A GUID of this site."""
    return uuid_of("guid", site.key.hex(), *parts)


def person(site: Site, number: int) -> str:
    """The id of a person, who is the patient of the FHIR side as well."""
    return _shaped(site, site.permutation(_SPACE, "person").forward(number))


def _shaped(site: Site, place: int) -> str:
    rest = seed_bytes("person", site.key.hex(), place).hex()
    digits = f"{place:015x}{rest[:17]}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def person_of(site: Site, text: str) -> int | None:
    """The number behind the id of a person, in either case of its letters; None when nobody has it."""
    try:
        place = int(str(UUID(text)).replace("-", "")[:15], 16)
    except ValueError:
        return None
    if _shaped(site, place) != text.lower():
        return None
    number = site.permutation(_SPACE, "person").inverse(place)
    return number if site.sandbox.world.person(number) is not None else None


def mrn(site: Site, number: int) -> str:
    """The medical record number: twelve digits with leading zeros."""
    return f"{site.permutation(10**9, 'mrn').forward(number):012d}"


def patient_ids(site: Site, number: int) -> dict[str, str]:
    """The ids of a patient as the control API tells them."""
    id = person(site, number)
    return {"fhir_id": id, "personid": id, "mrn": mrn(site, number)}


def patient_of(site: Site, text: str) -> int | None:
    """The number behind any of these ids, or None."""
    return person_of(site, text)


def owner(site: Site, type: str, id: str) -> int | None:
    """Whose a resource is that was served."""
    return person_of(site, id) if type == "Patient" else None
