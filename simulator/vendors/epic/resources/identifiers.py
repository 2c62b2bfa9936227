"""A patient's identifiers: nine numbers of which none is typed MR, and the way back from each of them.

Source: SOURCES.md, "Resources" (MAP, FS, FHIRPY); trap E11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.ids import h64
from simulator.population.world import FIRST_WRITTEN
from simulator.vendors.epic import dialect, ids
from simulator.vendors.epic.dialect import Json, Telling, usual

if TYPE_CHECKING:
    from simulator.sandbox import Site

_EPIC = "http://open.epic.com/FHIR/StructureDefinition/"
_EPIC_ID = "urn:oid:1.2.840.114350.1.13.0.1.7.5.737384.0"
_LOGIN = "urn:oid:1.2.840.114350.1.13.0.1.7.3.878082.110"
_LOGIN_RECORD = "urn:oid:1.2.840.114350.1.13.0.1.7.2.878082"
_MRNS = 10**9


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


def of(t: Telling) -> list[Json]:
    """The identifiers as Epic tells them."""
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


def as_answers(identifiers: list[Json]) -> list[dict[str, Any]]:
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
