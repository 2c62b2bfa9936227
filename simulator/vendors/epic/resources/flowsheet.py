"""Flowsheet rows and result components: what Epic calls the things that are measured.

Source: SOURCES.md, "Resources" (MAP); trap E13.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from simulator.fhir import build
from simulator.ids import h64, text_of
from simulator.population.defects import is_unmapped
from simulator.population.records import Code, Observation
from simulator.vendors.epic import dialect, ids
from simulator.vendors.epic.dialect import Json, Telling

BLOOD_PRESSURE = "85354-9"
TOBACCO = Code("snomed", "365980008", "Finding of tobacco use and exposure (finding)")
SMOKING_HISTORY = "Smoking History"
VITAL_SIGNS = "8716-3"
ROW_ID = "http://open.epic.com/FHIR/StructureDefinition/observation-flowsheet-id"


@dataclass(frozen=True, slots=True)
class Row:
    """A flowsheet row: Epic's number and name for a vital sign, LOINC codes filed with it beside its own, and those of
    the parts that it is told in."""

    number: str
    name: str
    loincs: tuple[str, ...]
    parts: tuple[str, ...] = ()


# Rows 5, 8, 14 and their codes: seen. The others: guess.
ROWS = {
    "sbp": Row("5", "BP", ("55284-4", BLOOD_PRESSURE), ("8462-4", "8480-6")),
    "hr": Row("8", "Pulse", ()),
    "weight": Row("14", "Weight", ("3141-9",)),
    "height": Row("11", "Height", ("3137-7",)),
    "temp": Row("6", "Temp", ()),
    "rr": Row("9", "Resp", ()),
    "spo2": Row("10", "SpO2", ("2708-6",)),
    "bmi": Row("301070", "BMI (Calculated)", ()),
    "head_circ": Row("301400", "Head Circumference", ()),
}
_LOINC_NAMES = {
    "55284-4": "Blood pressure systolic and diastolic",
    BLOOD_PRESSURE: "Blood pressure panel with all children optional",
    "3141-9": "Body weight Measured",
    "3137-7": "Body height Measured",
    "2708-6": "Oxygen saturation in Arterial blood",
    VITAL_SIGNS: "Vital signs",
}


def row_id(key: bytes, row: Row) -> str:
    """The FHIR id of a row; `key` is the site's."""
    return "t" + text_of(key, "flowsheet", row.number, length=22, alphabet=ids.LETTERS) + "0"


def template(key: bytes) -> Json:
    """The extension that names the flowsheet in which a row was filled in; `key` is the site's."""
    number = dialect.number(h64(key, "template"), 4)
    return dialect.extension(
        "http://open.epic.com/FHIR/StructureDefinition/extension/template-id",
        valueIdentifier={"system": dialect.local("2.707684"), "value": number},
    )


def is_local(t: Telling, observation: Observation) -> bool:
    """Whether nobody mapped the component of a result to LOINC."""
    is_result = observation.category == "laboratory"
    return is_result and is_unmapped(t.world.population, t.site.vendor.id, "local_labs", observation.key)


@lru_cache(maxsize=4_096)
def concept(key: bytes, row_key: str, code: Code, text: str, is_vital: bool, is_mapped: bool = True) -> Json:
    """The CodeableConcept of what is measured under a row of labs.csv; `key` is the site's; without LOINC when nobody
    mapped the component. Not to be changed."""
    if row_key == "smoking_status":
        return {"coding": [build.coding(code), build.coding(TOBACCO)], "text": SMOKING_HISTORY}
    row = ROWS.get(row_key) if is_vital else None
    if row is None and is_vital:
        return {"coding": [build.coding(code)], "text": text}
    if row is None:
        own = str(1_500_000 + h64(key, "component", row_key) % 400_000)
        component = {"system": dialect.local("2.768282"), "code": own, "display": text}
        return {"coding": [*([build.coding(code)] if is_mapped else []), component], "text": text}
    listed: list[Json] = [
        {"system": dialect.local("2.707679"), "code": row.number, "display": row.name},
        {
            "system": ROW_ID,
            "code": row_id(key, row),
            "display": row.name,
        },
        *({"system": "urn:oid:1.2.246.537.6.96", "code": one} for one in sorted({code.code, *row.parts})),
    ]
    names = {loinc: _LOINC_NAMES[loinc] for loinc in (*row.loincs, VITAL_SIGNS)}
    if row_key != "sbp":
        names[code.code] = code.display
    listed += [{"system": build.SYSTEMS["loinc"], "code": loinc, "display": names[loinc]} for loinc in sorted(names)]
    return {"coding": listed, "text": row.name}
