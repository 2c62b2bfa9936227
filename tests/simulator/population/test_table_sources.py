"""Every row of a table says where it comes from and how sure that is; codes, displays, units and ranges are sane."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files

import pytest

from simulator.population import tables
from simulator.population.statistics.digest import CLASSES
from simulator.population.statistics.figures import Counter, published
from simulator.population.tables.rows import LabRow
from simulator.portrait.words import SECTIONS

NAMES = sorted(path.name.removesuffix(".csv") for path in files(tables).iterdir() if path.name.endswith(".csv"))
SOURCES = {row["name"]: row for row in tables.raw("sources")}
WHOLE_TABLES = {row["table"]: row["sources"] for row in tables.raw("table_sources")}
CLINICAL = ("conditions", "medications", "labs", "allergies", "immunizations", "procedures", "encounters", "documents")
FIGURES = {figure.key: figure for figure in published()}

_PREFIXES = "da|[YZEPTGMkhdcmunpfazy]"
_ATOMS = (
    r"%|m|g|L|l|s|min|h|d|wk|mo|a|mol|U|eq|osm|Cel|bar|J|W|N|\[pH\]|\[[iI]U\]|\[degF\]|\[lb_av\]|\[oz_av\]|\[in_i\]"
    r"|m\[Hg\]|10\*-?\d+|\d+(?:\.\d+)?"
)
_ANNOTATION = r"\{[!-z|~]+\}"
_UNIT = re.compile(
    rf"/?(?:{_ANNOTATION}|(?:(?:{_PREFIXES})?(?:{_ATOMS})[+-]?\d*)(?:{_ANNOTATION})?)"
    rf"(?:[./](?:{_ANNOTATION}|(?:(?:{_PREFIXES})?(?:{_ATOMS})[+-]?\d*)(?:{_ANNOTATION})?))*"
)


@pytest.mark.parametrize("name", NAMES)
def test_every_row_has_a_source_that_is_explained(name: str) -> None:
    rows = tables.raw(name)
    told = [row["sources"] for row in rows] if "sources" in rows[0] else [WHOLE_TABLES.get(name, "")]
    for row, sources in zip(rows, told, strict=False):
        assert sources, f"no source: add a column `sources` to {name}.csv, or {name} to table_sources.csv: {row}"
        assert set(sources.split("|")) <= set(SOURCES), f"{name}.csv: a source that sources.csv does not explain: {row}"
    assert name not in CLINICAL or "sources" in rows[0], "clinical tables say it row by row"


def test_sources_carry_a_mark_and_a_place() -> None:
    for row in SOURCES.values():
        assert row["mark"] in ("doc", "seen", "guess")
        assert row["what"]
        assert row["url"].startswith("https://") or row["name"] in ("published", "project", "guess")
    assert set(WHOLE_TABLES) <= {path.name.partition(".")[0] for path in files(tables).iterdir()}


def test_shares_and_means_name_the_figures_that_they_follow_or_are_guesses() -> None:
    for name in ("conditions", "labs", "immunizations", "allergies"):
        for row in tables.raw(name):
            cited = row["figures"].split()
            assert cited, f"{name}.csv {row['key']}: neither figures of published.csv nor `guess`"
            if cited != ["guess"]:
                for key in cited:
                    assert row["key"] in {part for group in FIGURES[key].of for part in group.split("|")}, key


def test_published_figures_can_be_asked_and_say_where_they_stand() -> None:
    known = set(tables.CONDITIONS) | set(tables.MEDICATIONS) | {f"class:{name}" for name in CLASSES.values()}
    allowed: dict[str, set[str]] = {
        "has": set(tables.CONDITIONS),
        "had": set(tables.CONDITIONS),
        "births": set(tables.CONDITIONS),
        "takes": known,
        "mean": set(tables.LABS),
        "below": set(tables.LABS),
        "at_least": set(tables.LABS),
        "vaccinated": set(tables.IMMUNIZATIONS),
        "allergic": set(tables.ALLERGIES),
        "visits": set(tables.ENCOUNTERS) | {row.class_code for row in tables.ENCOUNTERS.values()},
        "arrived": {str(hour) for hour in range(24)},
        "begun": set(tables.ADMIT_SOURCES),
        "ended": set(tables.DISPOSITIONS),
        "died": set(tables.DISPOSITIONS),
        "named": {row.name for row in tables.FAMILY_NAMES},
    }
    for key, figure in FIGURES.items():
        Counter(figure)
        assert figure.section in SECTIONS, key
        assert set(figure.of) <= allowed.get(figure.measure, set(figure.of)), key
        assert {given.lstrip("!") for given in figure.given} <= known, key
        assert figure.sex in ("B", "F", "M")
        assert figure.ages[0] <= figure.ages[1]
        assert 0 < figure.within <= figure.value, f"{key}: a tolerance of everything tolerates everything"
        assert figure.mark in ("doc", "guess")
        assert figure.url.startswith("https://")
        assert re.fullmatch(r"(19|20)\d\d(-(19|20)\d\d)?", figure.year), key
        assert figure.population
    assert len(FIGURES) == len(published())


def test_displays_and_codes_name_one_row_each() -> None:
    for name, columns in {
        "conditions": ("snomed", "icd10cm"),
        "medications": ("rxnorm", "display"),
        "labs": ("loinc", "display", "short"),
        "lab_panels": ("loinc", "display"),
        "allergies": ("code", "display"),
        "immunizations": ("cvx", "display"),
        "procedures": ("snomed", "display"),
        "encounters": ("snomed", "display"),
        "documents": ("loinc", "display"),
        "coded_values": ("snomed", "display"),
    }.items():
        rows = tables.raw(name)
        for column in columns:
            told = [row[column] for row in rows]
            assert len(told) == len(set(told)), f"{name}.{column}: {sorted(x for x in told if told.count(x) > 1)}"
        for row in rows:
            assert row.get("display", "x").strip() == row.get("display", "x") != ""


def test_codes_have_the_form_of_their_system() -> None:
    forms = {
        "icd10cm": r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?",
        "rxnorm": r"[1-9]\d{1,6}",
        "cvx": r"\d{2,3}",
        "snomed": r"[1-9]\d{5,17}",
        "loinc": r"\d{1,5}-\d",
    }
    for name in NAMES:
        for row in tables.raw(name):
            for column, form in forms.items():
                if row.get(column):
                    assert re.fullmatch(form, row[column]), f"{name}.{column}: {row[column]}"


def test_units_are_ucum() -> None:
    units = {row.unit for row in tables.LABS.values() if row.unit} | {
        row.alt_unit for row in tables.LABS.values() if row.alt_unit
    }
    assert len(units) > 25
    assert [unit for unit in sorted(units) if not _UNIT.fullmatch(unit)] == []
    for wrong in ("mm Hg", "mg/dl ", "10^3/uL", "deg F", "lbs", "kg/m^2", "IU/L", "mcg/mL"):
        assert not _UNIT.fullmatch(wrong), f"the check would let `{wrong}` pass"


def test_ranges_are_sane() -> None:
    for row in tables.LABS.values():
        if row.value_type != "number":
            continue
        for sex in "FM":
            _check_range(row, sex)
        assert 0 <= row.decimals <= 3
        assert row.sd_between >= 0 <= row.sd_within
        assert row.limits is None or row.limits[0] < row.limits[1]


def _check_range(row: LabRow, sex: str) -> None:
    low, high, mean = row.low[sex], row.high[sex], row.mean[sex]
    assert low is None or high is None or low < high, row.key
    if row.critical_low is not None:
        assert low is not None
        assert row.critical_low < low, row.key
    if row.critical_high is not None:
        assert high is not None
        assert row.critical_high > high, row.key
    if mean is not None and mean > 0:
        assert low is None or mean >= float(low), f"{row.key}: a healthy mean below the range"
        assert high is None or mean <= float(high), f"{row.key}: a healthy mean above the range"


def _as_percent(text: str) -> bool:
    return 0 <= float(text) <= 100


def test_shares_are_shares() -> None:
    for row in tables.raw("conditions"):
        # Acute ones are episodes of 100 people a year
        assert all(_as_percent(row[column]) for column in ("p_0_17", "p_18_44", "p_45_64", "p_65")), row["key"]
        assert float(row["f_ratio"]) > 0
        assert int(row["onset_lo"]) <= int(row["onset_hi"])
        assert int(row["days_lo"] or 0) <= int(row["days_hi"] or 0)
    for condition in tables.CONDITIONS.values():
        assert all(0 < share <= 1_000_000 for _, share in condition.medications)
        assert all(percent > 100 for _, percent in condition.links), "links make a condition more likely"
    shares: dict[str, Callable[[dict[str, str]], float]] = {
        "immunizations": lambda row: float(row["coverage"]),
        "allergies": lambda row: int(row["per_10000"]) / 10_000,
    }
    for name, share in shares.items():
        assert all(0 < share(row) < 1 for row in tables.raw(name))
