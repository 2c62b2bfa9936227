"""AllergyIntolerance.Create: an allergy to a substance that is coded, or the statement that there is none.

Source: SOURCES.md, "Writing" (CS: that it exists; the rules: guess).
"""

from __future__ import annotations

from dataclasses import replace

from simulator.fhir import build, writes
from simulator.population import tables
from simulator.population.chart.allergies import NO_KNOWN_ALLERGY
from simulator.population.chart.fates import ENTERED_IN_ERROR
from simulator.population.records import Allergy, Code
from simulator.vendors.epic.dialect import Telling
from simulator.vendors.epic.filing.filing import Filing

_SYSTEMS = ("rxnorm", "snomed")
_TYPES = ("allergy", "intolerance")
_CATEGORIES = ("food", "medication", "environment", "biologic")
_CRITICALITIES = ("low", "high", "unable-to-assess")
_VERIFIED = ("confirmed", "unconfirmed")


def create(f: Filing) -> Allergy:
    """Adds to the list; a statement that there is none is taken back by it."""
    t = f.patient("patient")
    code = _substance(f)
    none_known = (code.system, code.code) == (NO_KNOWN_ALLERGY.system, NO_KNOWN_ALLERGY.code)
    f.code("clinicalStatus", ("active",), "active")
    row = next((row for row in tables.ALLERGIES.values() if row.code.code == code.code), None)
    categories = f.resource.get("category", [])
    for category in categories:
        if category not in _CATEGORIES:
            raise f.bad_value("category", category)
    onset = f.resource.get("onsetDateTime")
    record = Allergy(
        ordinal=-1,
        code=code,
        text="No known allergies" if none_known else code.display.split(" (")[0],
        type=f.code("type", _TYPES, row.type if row is not None else "allergy"),
        category=next(iter(categories), row.category if row is not None else "medication"),
        criticality=f.code("criticality", _CRITICALITIES, row.criticality if row is not None else "unable-to-assess"),
        clinical_status="active",
        verification=f.code("verificationStatus", _VERIFIED, "confirmed"),
        reactions=() if none_known else _reactions(f),
        onset=f.day("onsetDateTime", onset) if onset else None,
        recorded=f.x.at,
        practitioner=f.practitioner(t.person.practitioner),
        none_known=none_known,
    )
    _make_room(f, t, record)
    return f.keep(record)


def _substance(f: Filing) -> Code:
    names = {build.SYSTEMS[name]: name for name in _SYSTEMS}
    concept = f.need("code")
    for system, code, display in writes.codings(concept):
        if system in names and code.isdigit() and code.isascii():
            known = [row.code for row in tables.ALLERGIES.values()] + [NO_KNOWN_ALLERGY]
            found = next((one for one in known if (one.system, one.code) == (names[system], code)), None)
            return found or Code(names[system], code, display or concept.get("text", "") or code)
    raise f.bad_value("code", next((code for _, code, _ in writes.codings(concept)), concept.get("text", "")))


def _reactions(f: Filing) -> tuple[Code, ...]:
    """The manifestations that are coded in SNOMED; what is said in words alone is not kept (guess)."""
    known = {code.code: code for code in tables.REACTIONS.values()}
    found: dict[str, Code] = {}
    for reaction in f.resource.get("reaction", []):
        for concept in reaction.get("manifestation", []):
            for system, code, display in writes.codings(concept):
                if system == build.SYSTEMS["snomed"] and code.isdigit() and code.isascii():
                    found[code] = known.get(code) or Code("snomed", code, display or code)
    return tuple(found.values())


def _make_room(f: Filing, t: Telling, record: Allergy) -> None:
    """Nothing stands on the list twice, and no allergy beside the statement that there is none."""
    for held in t.chart.allergies:
        if record.none_known and not held.none_known:
            raise f.forbid("There are allergies on the list.", "code")
        if held.code.code == record.code.code and "AllergyIntolerance" in f.x.site.settings["refuse_duplicates"]:
            raise f.duplicate("The allergy is on the list already.")
    for held in t.chart.allergies:
        if held.none_known and not record.none_known:
            f.keep(replace(held, verification=ENTERED_IN_ERROR), "retracted")
