"""The tables of the truth, read once: who people are, what they may have, what is measured, and which codes name it.

README.md beside this file says where each code comes from, which numbers are guesses, and under which licences.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from typing import TypeVar

from simulator.population.records import Code
from simulator.population.tables.rows import (
    AllergyRow,
    CodedValue,
    ConditionRow,
    DocumentRow,
    EncounterRow,
    FamilyName,
    FrequencyRow,
    GivenName,
    GrowthCurve,
    GrowthRow,
    HospitalRow,
    ImmunizationRow,
    LabRow,
    MedicationRow,
    OriginRow,
    PanelRow,
    PayerRow,
    ProcedureRow,
    State,
    Weighted,
)

_SYSTEMS = {"http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm", "http://snomed.info/sct": "snomed"}
_EFFECT = re.compile(r"(?:^|\s)([a-z0-9_]+):([+*-])([0-9.]+)")
_RANGE = re.compile(r"range (\d+)-(\d+)")
_SENSITIVE = re.compile(r"sensitive ([A-Z]+)")


def raw(name: str) -> list[dict[str, str]]:
    """The rows of table `name` as they stand in the file."""
    text = files(__package__).joinpath(f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def _per_million(percent: str) -> int:
    return int(Fraction(percent) * 10_000)


def _pairs(text: str, scale: int) -> tuple[tuple[str, int], ...]:
    split = (item.split(":") for item in text.split())
    return tuple((key, int(Fraction(amount) * scale)) for key, amount in split)


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if text and text[0] in "-0123456789" else None


def _float(text: str) -> float | None:
    return float(text) if text else None


def _condition(row: dict[str, str]) -> ConditionRow:
    shares = tuple(_per_million(row[column]) for column in ("p_0_17", "p_18_44", "p_45_64", "p_65"))
    return ConditionRow(
        key=row["key"],
        snomed=Code("snomed", row["snomed"], row["display"]),
        icd10cm=Code("icd10cm", row["icd10cm"], row["icd10cm_display"]),
        kind=row["kind"],
        sex=row["sex"],
        per_million=(shares[0], shares[1], shares[2], shares[3]),
        female_percent=int(Fraction(row["f_ratio"]) * 100) if row["sex"] == "B" else 100,
        onset=(int(row["onset_lo"]), int(row["onset_hi"])),
        days=(int(row["days_lo"] or 0), int(row["days_hi"] or 0)),
        emergency=_per_million(row["emergency"] or "0"),
        stay=(_per_million(row["stay"] or "0"), _per_million(row["stay_65"] or "0")),
        planned=_per_million(row["planned"] or "0"),
        fatal=int(row["fatal"] or 0),
        links=_pairs(row["links"], 100),
        requires=tuple(row["requires"].split()),
        excludes=tuple(row["excludes"].split()),
        medications=_pairs(row["meds"], 1_000_000),
        labs=tuple(row["labs"].split()),
        sensitivity=tuple(row["sensitive"].split()),
    )


def _medication(row: dict[str, str]) -> MedicationRow:
    ingredient = Code("rxnorm", row["ingredient_rxcui"], row["ingredient"]) if row["ingredient_rxcui"] else None
    return MedicationRow(
        key=row["key"],
        product=Code("rxnorm", row["rxnorm"], row["display"]),
        ingredient=ingredient,
        route=row["route"],
        dose=Decimal(row["dose_value"]),
        dose_unit=row["dose_unit"],
        frequency=row["freq"],
        as_needed=row["prn"] == "1",
        quantity=Decimal(row["quantity"]),
        days_supply=int(row["days_supply"]),
        refills=int(row["refills"]),
        is_chronic=row["chronic"] == "1",
        ages=(int(row["min_age"]), int(row["max_age"] or 200)),
        dea_schedule=row["dea_schedule"],
        sensitivity=tuple(row["sensitive"].split()),
        is_kept_from_pregnant=row["not_in_pregnancy"] == "1",
    )


def _lab(row: dict[str, str]) -> LabRow:
    is_number = row["decimals"].isdigit()
    limits = _RANGE.search(row["effects"])
    sensitive = _SENSITIVE.search(row["effects"])
    return LabRow(
        key=row["key"],
        code=Code("loinc", row["loinc"], row["display"]),
        short=row["short"],
        panel=row["panel"],
        category=row["category"],
        unit=row["unit_ucum"] or None,
        value_type="number" if is_number else row["decimals"] or "coded",
        decimals=int(row["decimals"]) if is_number else 0,
        low={"F": _decimal(row["low_f"]), "M": _decimal(row["low_m"])},
        high={"F": _decimal(row["high_f"]), "M": _decimal(row["high_m"])},
        critical_low=_decimal(row["crit_low"]),
        critical_high=_decimal(row["crit_high"]),
        mean={"F": _float(row["mean_f"]), "M": _float(row["mean_m"])},
        sd_between=float(row["sd_between"] or 0),
        sd_within=float(row["sd_within"] or 0),
        per_decade=float(row["per_decade"] or 0),
        alt_unit=row["alt_unit"] or None,
        alt_factor=row["alt_factor"],
        effects=tuple((key, op, float(amount)) for key, op, amount in _EFFECT.findall(row["effects"])),
        limits=(int(limits[1]), int(limits[2])) if limits else None,
        below=_decimal(_LIMITS.get(row["key"], {}).get("below", "")),
        above=_decimal(_LIMITS.get(row["key"], {}).get("above", "")),
        sensitivity=(sensitive[1],) if sensitive else (),
    )


def _race(row: dict[str, str]) -> Weighted:
    codes = tuple(code for code in row["omb_code"].split("+") if code[0].isdigit())
    return Weighted(row["key"], tuple(Code("cdcrec", code, _RACE_NAMES[code]) for code in codes), int(row["weight"]))


_Row = TypeVar("_Row")


def _by_key(name: str, make: Callable[[dict[str, str]], _Row]) -> dict[str, _Row]:
    return {row["key"]: make(row) for row in raw(name)}


def _coded(name: str, system: str, column: str, weight: str, display: str = "display") -> tuple[Weighted, ...]:
    unknown = ("UNK", "und")
    return tuple(
        Weighted(
            row.get("key", row[column]),
            () if row[column] in unknown else (Code(system, row[column], row[display]),),
            int(row[weight]),
        )
        for row in raw(name)
    )


def _zip3_range(low: int, high: int) -> tuple[str, ...]:
    return tuple(f"{zip3:03d}" for zip3 in range(low, high + 1))


def _panel(row: dict[str, str]) -> PanelRow:
    return PanelRow(row["key"], Code("loinc", row["loinc"], row["display"]), tuple(row["members"].split()))


def _growth(row: dict[str, str]) -> GrowthRow:
    return GrowthRow(int(row["months"]), {key: float(row[key]) for key in ("hr", "rr", "sbp", "dbp")})


def _curve(key: str, sex: str) -> GrowthCurve:
    column = f"{key}_{sex.lower()}_"
    rows = [row for row in raw("growth_lms") if row[f"{column}m"]]
    power, median, spread = (tuple(float(row[column + one]) for row in rows) for one in "lms")
    return GrowthCurve(tuple(float(row["months"]) for row in rows), power, median, spread)


def _procedure(row: dict[str, str]) -> ProcedureRow:
    return ProcedureRow(
        key=row["key"],
        code=Code("snomed", row["snomed"], row["display"]),
        conditions=() if row["conditions"] == "any" else tuple(row["conditions"].split()),
        sex=row["sex"],
        min_age=int(row["min_age"]),
        minutes=int(row["minutes"]),
        classes=frozenset(row["encounter_classes"].split()),
        kinds=frozenset(row["kinds"].split()),
        per_million=_per_million(row["percent"]),
        every_days=int(row["every_days"]),
        sensitivity=tuple(row["sensitive"].split()),
    )


def _document(row: dict[str, str]) -> DocumentRow:
    return DocumentRow(
        key=row["key"],
        type=Code("loinc", row["loinc"], row["display"]),
        title=row["title"],
        formats=_pairs(row["formats"], 1),
        classes=frozenset() if row["encounter_classes"] == "any" else frozenset(row["encounter_classes"].split()),
        kinds=frozenset(row["kinds"].split()),
        procedures=frozenset(row["procedures"].split()),
        per_million=_per_million(row["percent_of_encounters"]),
        when=row["written_when"],
        sensitivity=tuple(row["sensitive"].split()),
    )


def _payer(row: dict[str, str]) -> PayerRow:
    return PayerRow(
        key=row["key"],
        name=row["name"],
        category=row["kind"],
        plan=row["plan"],
        ages=(int(row["age_lo"]), int(row["age_hi"])),
        weight=int(row["weight"]),
        type=Code("sopt", row["sopt_code"], row["sopt_display"]),
        by=row["by"],
        secondary=_pairs(row["secondary"], 1_000_000),
        member=row["member_id"],
        has_group=row["group"] == "1",
        first_dependent=int(row["first_dependent"]) if row["first_dependent"] else None,
    )


def _hospital(row: dict[str, str], system: str) -> HospitalRow:
    named = ("key", "code", "display", "text", "nubc")
    percent = {column: int(share) for column, share in row.items() if column not in named}
    return HospitalRow(row["key"], Code(system, row["code"], row["display"]), row["text"], percent, row.get("nubc", ""))


def _given_names() -> tuple[GivenName, ...]:
    born: dict[tuple[str, str, str], dict[str, tuple[int, ...]]] = {}
    newborn: set[str] = set()
    for row in raw("names_given"):
        counts = tuple(int(count) for column, count in row.items() if column.startswith("born_"))
        born.setdefault((row["sex"], row["folded"], row["name"]), {})[row["pool"]] = counts
        if row["note"] == "newborn convention":
            newborn.add(row["name"])
    return tuple(
        GivenName(name, folded, sex, pools, name in newborn) for (sex, folded, name), pools in sorted(born.items())
    )


def census_names() -> Iterator[tuple[list[str], list[str], list[int], list[str]]]:
    """The large pool of family names by folded name, some thousand at a time, in columns: folded names, names, weights,
    origins. Line by line it would take twice the time, all at once more memory than the pool.

    The names are letters from A to Z and the apostrophe, so that folding them depends on no Unicode table.
    """
    with files(__package__).joinpath("names_census.txt").open("r", encoding="utf-8") as lines:
        while some := lines.read(_AT_ONCE):
            words = (some + lines.readline()).split()
            names, weights, origins = words[::3], words[1::3], words[2::3]
            folded = "\n".join(names).lower().replace("'", "").split("\n")
            yield folded, names, list(map(int, weights)), ["" if one == "-" else one for one in origins]


_AT_ONCE = 1 << 16  # letters


_RACE_NAMES = {row["omb_code"]: row["display"] for row in raw("race_ethnicity")}

FAMILY_NAMES = tuple(
    sorted(
        (
            FamilyName(row["name"], row["folded"], int(row["weight_per_million"]), row["origin"], row["note"])
            for row in raw("names_family")
        ),
        key=lambda row: (row.folded, row.name),
    )
)
GIVEN_NAMES = _given_names()
ORIGINS = tuple(
    OriginRow(
        row["origin"],
        int(row["heritage_per_mille"]),
        dict(_pairs(row["races"], 1)),
        int(row["hispanic_per_mille"]),
        dict(_pairs(row["languages"], 1)),
    )
    for row in raw("origins")
)
NICKNAMES = {row["given"]: tuple(row["nicknames"].split(",")) for row in raw("nicknames")}
AGE_WEIGHTS = {
    "M": tuple(int(Fraction(row["male_percent"]) * 200) for row in raw("age_pyramid") for _ in range(5)),
    "F": tuple(int(Fraction(row["female_percent"]) * 200) for row in raw("age_pyramid") for _ in range(5)),
}
"""How heavy each year of age is among the living, by sex, the youngest first."""
RACES = tuple(_race(row) for row in raw("race_ethnicity") if row["kind"] == "race")
ETHNICITIES = tuple(
    Weighted(
        row["key"],
        () if row["omb_code"] == "UNK" else (Code("cdcrec", row["omb_code"], row["display"]),),
        int(row["weight"]),
    )
    for row in raw("race_ethnicity")
    if row["kind"] == "ethnicity"
)
LANGUAGES = _coded("languages", "bcp47", "bcp47", "weight")
MARITAL = _coded("marital_status", "v3-marital", "v3_code", "adult_weight")
OTHER_GENDER_PER_MILLE = next(int(row["per_mille"]) for row in raw("gender") if row["key"] == "X")
STATES = tuple(
    State(
        row["state"],
        int(row["weight"]),
        row["iana_timezone"],
        tuple(row["zip3_common"].split()) or _zip3_range(int(row["zip3_lo"]), int(row["zip3_hi"])),
    )
    for row in raw("states")
)
_PLACES = raw("places")
CITIES = tuple(row["name"] for row in _PLACES if row["kind"] == "city")
STREETS = tuple(row["name"] for row in _PLACES if row["kind"] == "street")
CLINICS = tuple(row["name"] for row in _PLACES if row["kind"] == "clinic")
AREA_CODES = tuple(int(row["area_code"]) for row in raw("area_codes"))

CONDITIONS = _by_key("conditions", _condition)
MEDICATIONS = _by_key("medications", _medication)
FREQUENCIES = {
    row["code"]: FrequencyRow(
        row["code"], row["sig_words"], int(row["frequency"]), Decimal(row["period"] or "1"), row["period_unit"]
    )
    for row in raw("dose_frequencies")
}
ROUTES = _by_key("routes", lambda row: Code("snomed", row["snomed"], row["display"]))
_LIMITS = {row["lab"]: row for row in raw("lab_limits")}
LABS = _by_key("labs", _lab)
PANELS = _by_key("lab_panels", _panel)
CODED_VALUES = _by_key(
    "coded_values",
    lambda row: CodedValue(Code("snomed", row["snomed"], row["display"]), row["is_abnormal"] == "1"),
)
GROWTH = tuple(_growth(row) for row in raw("growth"))
CURVES = {(key, sex): _curve(key, sex) for key in ("height", "weight", "head_circ") for sex in "FM"}
REACTIONS = _by_key("allergy_reactions", lambda row: Code("snomed", row["snomed"], row["display"]))
ALLERGIES = _by_key(
    "allergies",
    lambda row: AllergyRow(
        row["key"],
        Code(_SYSTEMS[row["system"]], row["code"], row["display"]),
        row["type"],
        row["category"],
        row["criticality"],
        int(row["per_10000"]) * 100,
        tuple(REACTIONS[key] for key in row["reactions"].split()),
    ),
)
IMMUNIZATIONS = _by_key(
    "immunizations",
    lambda row: ImmunizationRow(
        row["key"],
        Code("cvx", row["cvx"], row["display"]),
        row["schedule_months"],
        int(row["start_month"]),
        int(Fraction(row["coverage"]) * 1_000_000),
        date.fromisoformat(row["available_from"]),
        date.fromisoformat(row["available_until"] or "9999-01-01"),
    ),
)
ENCOUNTERS = _by_key(
    "encounters",
    lambda row: EncounterRow(
        row["key"],
        row["class_code"],
        Code("snomed", row["snomed"], row["display"]),
        (int(row["minutes_lo"]), int(row["minutes_hi"])),
        int(row["slot_minutes"]),
    ),
)
ADMIT_SOURCES = _by_key("admit_sources", lambda row: _hospital(row, "admit-source"))
DISPOSITIONS = _by_key("dispositions", lambda row: _hospital(row, "discharge-disposition"))
DEATHS_IN_HOSPITAL = {
    row["kind"]: tuple(_per_million(row[column]) for column in ("p_0_17", "p_18_44", "p_45_64", "p_65"))
    for row in raw("deaths_in_hospital")
}
"""The kinds of encounter at whose end people die, and how many of a million deaths of an age band come so."""
SMOKING = {
    row["key"]: (Code("snomed", row["snomed"], row["us_core_display"]), int(row["weight"]))
    for row in raw("smoking_status")
}
PROCEDURES = _by_key("procedures", _procedure)
DOCUMENTS = _by_key("documents", _document)
PAYERS = _by_key("payers", _payer)
LABELS = tuple(row["key"] for row in raw("sensitivity"))
