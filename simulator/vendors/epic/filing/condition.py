"""Condition.Create: whatever category was sent, a problem is what is kept, and nothing of when and where (E22).

Source: SOURCES.md, "Writing" (MAP: what comes back; what is needed: guess).
"""

from __future__ import annotations

import re

from simulator.fhir import build, writes
from simulator.population import tables
from simulator.population.records import Code, Condition
from simulator.vendors.epic.filing.filing import Filing

_CATEGORIES = ("problem-list-item", "encounter-diagnosis", "health-concern")
_STATUSES = ("active", "inactive", "resolved")
_VERIFIED = ("confirmed", "provisional", "unconfirmed", "differential")
_FORMS = {  # code systems that a diagnosis may be coded in, and how their codes look
    "snomed": re.compile(r"[1-9][0-9]{5,17}"),
    "icd10cm": re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?"),
}


def create(f: Filing) -> Condition:
    """Adds a problem. A second one of the same code is a second problem (E23)."""
    t = f.patient("subject")
    for category in f.need("category"):
        code = next((code for _, code, _ in writes.codings(category)), None)
        if code not in _CATEGORIES:
            raise f.bad_value("category", code)
    codes = _codes(f)
    f.encounter(t, "encounter", f.resource.get("encounter"))
    told = f.resource.get("onsetDateTime")
    onset = f.day("onsetDateTime", told) if told else t.day(f.x.at)
    over = f.resource.get("abatementDateTime")
    status = f.code("clinicalStatus", _STATUSES)
    row = next((row for row in tables.CONDITIONS.values() if {row.snomed.code, row.icd10cm.code} & _plain(codes)), None)
    record = Condition(
        ordinal=-1,
        key=row.key if row is not None else "",
        codes=codes,
        text=codes[0].display,
        clinical_status=status,
        verification=f.code("verificationStatus", _VERIFIED, "confirmed"),
        category="problem-list-item",
        onset=onset,
        abatement=f.day("abatementDateTime", over) if over else None,
        recorded=f.x.at,
        encounter=None,
        practitioner=f.practitioner(t.person.practitioner),
        sensitivity=row.sensitivity if row is not None else (),
    )
    return f.keep(record)


def _codes(f: Filing) -> tuple[Code, ...]:
    """The diagnosis in the systems that Epic maps; the display is that of the table, else the one that was sent."""
    names = {build.SYSTEMS[name]: name for name in _FORMS}
    found: list[Code] = []
    concept = f.need("code")
    for system, code, display in writes.codings(concept):
        name = names.get(system)
        if name is not None and not _FORMS[name].fullmatch(code):
            raise f.bad_value("code", code)
        if name is not None and name not in [one.system for one in found]:
            found.append(Code(name, code, _display(name, code) or display or concept.get("text", "") or code))
    if not found:
        raise f.bad_value("code", next((code for _, code, _ in writes.codings(concept)), concept.get("text", "")))
    return tuple(found)


def _display(system: str, code: str) -> str:
    known = (one for row in tables.CONDITIONS.values() for one in (row.snomed, row.icd10cm))
    return next((one.display for one in known if (one.system, one.code) == (system, code)), "")


def _plain(codes: tuple[Code, ...]) -> set[str]:
    return {one.code for one in codes}
