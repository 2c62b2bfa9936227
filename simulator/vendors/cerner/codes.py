"""Millennium's own code sets, and the words it has for units, statuses, routes and kinds of visit.

The tenant is part of the system, so equal codes of two tenants have nothing to do with each other.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from simulator.ids import h64
from simulator.sandbox import Site
from simulator.vendors.cerner.ids import tenant_of

IMO = "http://e-imo.com/products/problem-it"
V2_CLASS = "http://terminology.hl7.org/CodeSystem/v2-0004"
V3_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
RANGE_MEANING = "http://terminology.hl7.org/CodeSystem/referencerange-meaning"

ADMIT_SOURCE = 2
IDENTIFIER_TYPE = 4
DISPOSITION = 19
LANGUAGE = 36
MARITAL_STATUS = 38
INTERPRETATION = 52
VIP = 67
ENCOUNTER_CLASS = 69
ENCOUNTER_TYPE = 71
EVENT = 72
LOCATION_IDENTIFIER = 73
LOCATION_TYPE = 222
ORGANIZATION_TYPE = 278
FINANCIAL_NUMBER_TYPE = 319
ORGANIZATION_IDENTIFIER = 334
PARTICIPANT = 333
ROUTE = 4001
FREQUENCY = 4003
QUALIFICATION = 29600
CANCEL_REASON = 14229
APPOINTMENT_TYPE = 14249
APPOINTMENT_PARTICIPANT = 14250


@lru_cache(maxsize=16384)
def _number(key: bytes, code_set: int, name: str) -> str:
    return str(300_000 + h64(key, "code set", code_set, name) % 40_000_000)


@lru_cache(maxsize=16384)
def _local(key: bytes, tenant: str, code_set: int, name: str, display: str) -> dict[str, Any]:
    return {
        "system": f"https://fhir.cerner.com/{tenant}/codeSet/{code_set}",
        "code": _number(key, code_set, name),
        "display": display,
        "userSelected": True,
    }


def local(site: Site, code_set: int, name: str, display: str | None = None) -> dict[str, Any]:
    """The coding of `name` in one of the site's code sets: `userSelected`, code a number as string."""
    return _local(site.key, tenant_of(site), code_set, name, name if display is None else display)


def synonym(site: Site, name: str, display: str) -> dict[str, Any]:
    """The coding of an orderable: the catalogue's synonym."""
    system = f"https://fhir.cerner.com/{tenant_of(site)}/synonym"
    return {"system": system, "code": _number(site.key, 0, name), "display": display, "userSelected": True}


def imo(site: Site, name: str, display: str) -> dict[str, Any]:
    """The proprietary problem term that stands first in a problem's codings."""
    return {"system": IMO, "code": _number(site.key, -1, name), "display": display, "userSelected": False}


UNIT_WORDS: dict[str, str] = {
    "Cel": "degC",
    "/min": "bpm",
    "kg/m2": "kgm2",
    "mm[Hg]": "mmHg",
    "10*3/uL": "x10(3)/mcL",
    "10*6/uL": "x10(6)/mcL",
    "/uL": "cells/mcL",
    "U/L": "unit/L",
    "ug/dL": "mcg/dL",
    "ug/mL": "mcg/mL",
    "umol/L": "mcmol/L",
    "m[IU]/L": "mIU/L",
    "{copies}/mL": "copies/mL",
    "mL/min/{1.73_m2}": "mL/min/1.73 m2",
    "s": "second(s)",
}
"""UCUM code → what stands in `unit`, as recorded (degC for Cel, mcmol/L for umol/L); others are spelled alike."""

UNITLESS = frozenset({"{score}", "{INR}", "{SG}", "{T-score}", "[pH]"})
"""Quantities that come without unit, system and code."""

UNCODED: dict[str, str] = {"rr": "/min"}
"""Analytes whose unit has no code, by key, with the words that stand there: exact enough to be read as UCUM."""

DOSE_UNITS: dict[str, tuple[str, str]] = {
    "tablet": ("tab", "{tbl}"),
    "capsule": ("cap", "{cap}"),
    "puff": ("puff", "{puff}"),
    "patch": ("patch", "{patch}"),
    "spray": ("spray", "{spray}"),
    "drop": ("drop", "[drp]"),
    "film": ("film", "{film}"),
    "application": ("application", "{application}"),
    "[iU]": ("unit", "[iU]"),
}
"""Canonical dose unit → (`unit`, `code`); others are spelled alike in both places."""

ROUTE_WORDS: dict[str, str] = {
    "oral": "Oral",
    "subcutaneous": "Subcutaneous",
    "intramuscular": "IM",
    "intravenous": "IV",
    "inhalation": "Inhale",
    "sublingual": "Sublingual",
    "topical": "Topical",
    "transdermal": "Transdermal",
}

FREQUENCIES: dict[str, tuple[str, str]] = {
    "QD": ("Daily", "QD"),
    "QAM": ("qAM", "QAM"),
    "QPM": ("qPM", "QPM"),
    "QHS": ("Bedtime", "BED"),
    "BID": ("BID", "BID"),
    "TID": ("TID", "TID"),
    "TIDAC": ("TIDAC", ""),
    "QAMAC": ("qAM before meals", ""),
    "QID": ("QID", "QID"),
    "Q4H": ("every 4 hr", "Q4H"),
    "Q6H": ("every 6 hr", "Q6H"),
    "Q8H": ("every 8 hr", "Q8H"),
    "Q12H": ("every 12 hr", ""),
    "Q24H": ("every 24 hr", ""),
    "Q5MIN": ("every 5 min", ""),
    "QWK": ("every week", ""),
    "TIW": ("3x/wk", ""),
    "Q28D": ("every 28 days", ""),
    "Q90D": ("every 90 days", ""),
    "ONCE": ("Once", ""),
}
"""Frequency of the truth → (the order's word, v3-GTSAbbreviation or ""). With an abbreviation `repeat` tells none."""

VISITS: dict[str, tuple[str, str, str]] = {
    "AMB": ("Outpatient", "O", "Outpatient"),
    "VR": ("Virtual Visit", "O", "Outpatient"),
    "HH": ("Home Health", "R", "Recurring patient"),
    "EMER": ("Emergency", "E", "Emergency"),
    "OBSENC": ("Observation", "I", "Inpatient"),
    "IMP": ("Inpatient", "I", "Inpatient"),
}
"""Encounter class → (type of code set 71, v2-0004 code and display)."""

SERVICES: dict[str, tuple[str, tuple[str, str] | None]] = {
    "office": ("Office Visit", ("408443003", "General medical practice")),
    "followup": ("Established Patient", ("408443003", "General medical practice")),
    "wellness": ("Annual Wellness", ("408443003", "General medical practice")),
    "checkup": ("Well Child", ("408443003", "General medical practice")),
    "symptom": ("Same Day", ("408443003", "General medical practice")),
    "telehealth": ("EVisit", ("408443003", "General medical practice")),
    "telephone": ("Phone Visit", ("408443003", "General medical practice")),
    "prenatal": ("OB Visit", ("394586005", "Gynecology (qualifier value)")),
    "home_visit": ("Home Visit", None),
    "psych": ("Behavioral Health", None),
}
"""Kind of scheduled encounter → (appointment type of code set 14249, practice setting in SNOMED CT)."""

CLASS_WORDS: dict[str, str] = {
    "AMB": "ambulatory",
    "VR": "virtual",
    "HH": "home health",
    "EMER": "emergency",
    "OBSENC": "observation encounter",
    "IMP": "inpatient encounter",
}

SECOND_LOINC: dict[str, tuple[str, str]] = {
    "8310-5": ("8328-7", "Axillary temperature"),
    "59408-5": ("2708-6", "Oxygen saturation in Arterial blood"),
}
"""Vitals that carry two LOINC codes: the truth's → (the other one, display). Temperature as recorded."""

WRONG_PROBLEMS: tuple[tuple[str, str], ...] = (
    ("73211009", "Diabetes mellitus"),
    ("195967001", "Asthma"),
    ("84757009", "Epilepsy"),
    ("22298006", "Myocardial infarction"),
    ("13645005", "Chronic obstructive lung disease"),
    ("35489007", "Depressive disorder"),
)
"""Problems (SNOMED CT) that staff put into a chart by mistake and took back."""

WRONG_ALLERGENS: tuple[tuple[str, str], ...] = (
    ("111088007", "Latex"),
    ("762952008", "Peanut"),
    ("102263004", "Egg"),
    ("288328004", "Bee venom"),
)
"""Substances (SNOMED CT) that staff put into a chart by mistake and took back."""
