"""Percentiles of growth, which the machine works out behind a child's measures: Observations that tell no record.

The BMI of two- to twenty-year-olds has a percentile. Behind a weight stands the percentile for the length, which stops
to apply at three and goes on being there, without a value.

Source: SOURCES.md, "Resources" (MAP, FS: the codes, the note, the absent value; how the number comes about: guess).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from simulator.fhir import build
from simulator.population.records import Code, Observation
from simulator.vendors.epic import dialect, ids
from simulator.vendors.epic.dialect import Json, Telling

_BMI = Code("loinc", "59576-9", "Body mass index (BMI) [Percentile] Per age and sex")
_LENGTH = Code("loinc", "77606-2", "Weight-for-length Per age and sex")
MEASURES = frozenset(("bmi", "weight"))
_YEAR = Decimal("365.25")
_GROWN, _INFANT = 20, 3
# Median BMI by age in years, girls and boys, after CDC's charts of 2000, rounded.
_MEDIANS = (
    (2, "16.4", "16.6"), (4, "15.3", "15.6"), (6, "15.2", "15.4"), (8, "15.8", "15.8"), (10, "16.9", "16.6"),
    (12, "18.1", "17.8"), (14, "19.4", "19.2"), (16, "20.5", "20.5"), (18, "21.3", "21.9"), (20, "21.8", "23.0"),
)  # fmt: skip
# Percentile by how many times the median, about the same at every age.
_SPREAD = (("0.70", "0"), ("0.86", "3"), ("0.90", "10"), ("0.95", "25"), ("1", "50"), ("1.07", "75"), ("1.15", "90"),
           ("1.22", "95"), ("1.30", "97"), ("1.80", "99.9"))  # fmt: skip


def beside(t: Telling, measured: Observation) -> Iterator[Observation]:
    """The percentile behind a measure of a child; none for anything else. It has an ordinal behind all records."""
    if measured.key not in MEASURES or measured.value is None:
        return
    years = (measured.effective.date() - t.person.birth_date).days / _YEAR
    if not 2 <= years < _GROWN:
        return
    told = replace(
        measured, ordinal=ids.APART + measured.ordinal, key="percentile", unit="%", interpretation=None, low=None,
        high=None, panel=None, panel_key=None, group=None, comparator=None,
    )  # fmt: skip
    if measured.key == "bmi":
        value = _percentile(measured.value / _median(years, t.person.sex))
        yield replace(told, code=_BMI, text=_BMI.display, value=value)
    elif years >= _INFANT:
        yield replace(told, code=_LENGTH, text=_LENGTH.display, value=None)


def tell(t: Telling, payload: Json, percentile: Observation) -> None:
    """Puts value, performer and note into the payload of a percentile."""
    payload["performer"] = [dialect.interface_user(t.site)]
    if percentile.value is None:
        payload["dataAbsentReason"] = dialect.told("data-absent", "not-applicable", "Not Applicable")
    else:
        payload["valueQuantity"] = build.quantity(percentile.value, "%", "%")
    who = "Girls" if t.person.sex == "F" else "Boys"
    payload["note"] = [{"text": f"CDC ({who}, 2-20 Years)"}]


def _median(years: Decimal, sex: str) -> Decimal:
    place = 1 if sex == "F" else 2
    return _between(years, [(Decimal(row[0]), Decimal(row[place])) for row in _MEDIANS])


def _percentile(times: Decimal) -> Decimal:
    found = _between(times, [(Decimal(x), Decimal(y)) for x, y in _SPREAD])
    return found.quantize(Decimal("0.01"))


def _between(at: Decimal, points: list[tuple[Decimal, Decimal]]) -> Decimal:
    """The value on the line through the points; beyond the ends that of the end."""
    for (x0, y0), (x1, y1) in pairwise(points):
        if at <= x0:
            return y0
        if at < x1:
            return y0 + (y1 - y0) * (at - x0) / (x1 - x0)
    return points[-1][1]
