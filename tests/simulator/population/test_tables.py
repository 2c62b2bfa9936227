"""The tables are consistent: keys, references between tables, check digits, numbers, frozen folded names."""

from __future__ import annotations

import re
from decimal import Decimal
from importlib.resources import files

import pytest

from simulator.population import tables
from simulator.population.chart.medications import dosage_of
from simulator.population.places import npi_check_digit
from simulator.population.ranks import fold
from simulator.population.units import convert

NAMES = sorted(path.name.removesuffix(".csv") for path in files(tables).iterdir() if path.name.endswith(".csv"))


def is_verhoeff(text: str) -> bool:
    multiply = [
        [(i + j) % 5 if i < 5 and j < 5 else 5 + (i + j) % 5 if i < 5 else 5 + (i - j) % 5 if j < 5 else (i - j) % 5
         for j in range(10)]
        for i in range(10)
    ]  # fmt: skip
    permute = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
    for _ in range(6):
        permute.append([permute[-1][permute[1][x]] for x in range(10)])
    check = 0
    for place, digit in enumerate(reversed(text)):
        check = multiply[check][permute[place % 8][int(digit)]]
    return check == 0


def is_loinc(text: str) -> bool:
    body, check = text.split("-")
    digits = [int(digit) for digit in reversed(body)]
    total = sum(2 * digit // 10 + 2 * digit % 10 for digit in digits[::2]) + sum(digits[1::2])
    return -total % 10 == int(check)


@pytest.mark.parametrize("name", NAMES)
def test_keys_are_unique_and_check_digits_right(name: str) -> None:
    rows = tables.raw(name)
    assert rows
    keys = [row["key"] for row in rows if "key" in row]
    if name != "race_ethnicity":  # "unknown" is there twice
        assert len(keys) == len(set(keys))
    for row in rows:
        assert None not in row, f"too many columns: {row}"
        assert not row.get("snomed") or is_verhoeff(row["snomed"])
        assert not row.get("loinc") or is_loinc(row["loinc"])


def test_conditions_refer_to_what_there_is_and_in_order() -> None:
    seen: set[str] = set()
    for key, row in tables.CONDITIONS.items():
        assert {other for other, _ in row.links} <= seen, f"{key} links to a later row"
        assert set(row.requires) <= seen
        assert set(row.excludes) <= set(tables.CONDITIONS)
        assert {medication for medication, _ in row.medications} <= set(tables.MEDICATIONS)
        assert set(row.labs) <= set(tables.LABS) | set(tables.PANELS)
        assert row.kind in ("chronic", "social", "acute", "episode")
        assert row.kind not in ("acute", "episode") or row.days[0] > 0
        seen.add(key)


def test_medications_have_a_route_a_frequency_and_a_sig() -> None:
    for row in tables.MEDICATIONS.values():
        dosage = dosage_of(row)
        assert row.route in tables.ROUTES
        assert dosage.frequency > 0 < dosage.period
        assert dosage.period_unit in ("s", "min", "h", "d", "wk", "mo")
        assert dosage.as_needed == dosage.text.endswith("as needed")
        assert "{" not in dosage.text


def test_labs_refer_to_what_there_is() -> None:
    for panel in tables.PANELS.values():
        assert set(panel.members) <= set(tables.LABS)
    assert set(tables._LIMITS) <= set(tables.LABS)
    for row in tables.LABS.values():
        assert {cause for cause, _, _ in row.effects} <= set(tables.CONDITIONS) | set(tables.MEDICATIONS)
        assert row.value_type in ("number", "coded", "text")
        assert row.value_type != "number" or row.unit
        for sex in "FM":
            low, high = row.low[sex], row.high[sex]
            assert low is None or high is None or low < high
    assert {*tables.GROWTH[0].medians, *(key for key, _ in tables.CURVES)} <= set(tables.LABS)
    for curve in tables.CURVES.values():
        assert list(curve.months) == sorted(set(curve.months))
        assert sex in "FM"


def test_every_sensitivity_label_is_in_the_table() -> None:
    labels = {row["key"] for row in tables.raw("sensitivity")}
    for rows in (tables.CONDITIONS, tables.MEDICATIONS, tables.LABS):
        for row in rows.values():  # type: ignore[attr-defined]
            assert set(row.sensitivity) <= labels


def test_folded_names_are_frozen_as_fold_gives_them() -> None:
    for rows in (tables.FAMILY_NAMES, tables.GIVEN_NAMES):
        for row in rows:
            assert row.folded == fold(row.name), row.name
    assert all(row.weight > 0 for row in tables.FAMILY_NAMES)
    assert all(sum(born) > 0 for row in tables.GIVEN_NAMES for born in row.born.values())


def test_the_census_names_are_sorted_and_their_keys_do_not_depend_on_unicode() -> None:
    rows = [row for columns in tables.census_names() for row in zip(*columns, strict=True)]
    assert len(rows) == 88_799
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    origins = {row.origin for row in tables.ORIGINS}
    for folded, name, weight, origin in rows:
        assert re.fullmatch("[A-Z][A-Za-z']*", name)
        assert folded == "".join(letter for letter in name.lower() if letter != "'")
        assert weight > 0
        assert origin in origins


def test_what_goes_with_an_origin_is_in_the_tables() -> None:
    races, languages = {row.key for row in tables.RACES if row.codes}, {row.key for row in tables.LANGUAGES}
    for row in tables.ORIGINS:
        assert set(row.races) <= races
        assert set(row.languages) <= languages
        assert sum(row.races.values()) == sum(row.languages.values()) == 1000
        pools = {pool for given in tables.GIVEN_NAMES for pool in given.born}
        assert (row.heritage_per_mille > 0) == (row.origin in pools)
    assert {row.origin for row in tables.FAMILY_NAMES} <= {row.origin for row in tables.ORIGINS}


def test_schedules_are_months_or_rules_that_the_chart_knows() -> None:
    rules = re.compile(r"yearly|every|adult catch-up|2 doses from|1 dose")
    for row in tables.IMMUNIZATIONS.values():
        assert all(month.isdigit() for month in row.schedule.split()) or rules.match(row.schedule)
        assert row.first_day < row.last_day


def test_a_known_npi_has_its_check_digit() -> None:
    assert npi_check_digit("123456789") == "3"  # 1234567893, the example of the CMS check digit paper


def test_units_lead_to_their_alternatives_and_back() -> None:
    for row in tables.LABS.values():
        if row.unit and row.alt_unit:
            there = convert(Decimal("7.1"), row.unit, row.alt_unit, row.key)
            assert there is not None, row.key
            back = convert(there, row.alt_unit, row.unit, row.key)
            assert back is not None
            assert abs(back - Decimal("7.1")) < Decimal("0.0001")
