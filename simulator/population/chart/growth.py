"""Growth charts: the height, weight or head circumference that a child of an age has at a standard score.

LMS after Cole and Green: value = M (1 + L S z) ** (1/L). The power is summed as its binomial series, so that only + - *
touch the floats and every machine gets the same digits.

Source: CDC growth charts of 2000, https://www.cdc.gov/growthcharts/percentile_data_files.htm (length to 24 months,
stature from there on, head circumference to 36 months).
"""

from __future__ import annotations

from bisect import bisect_right

from simulator.population import tables

CHARTED_MONTHS = 240.0
"""The last age of the charts of height and weight."""
GROWN_UP_MONTHS = 300.0
"""From here on somebody is grown up; between the two, height and weight glide from the one to the other."""

_FURTHEST = 2.9  # standard scores: beyond, the power of a skewed weight leaves the range in which the series converges
_CLOSE = 1e-6  # of the whole: no scale shows it


def grown(key: str, sex: str, months: float, score: float) -> float:
    """The value of `key` (height, weight, head_circ) in the unit of labs.csv at the standard score `score`."""
    return at_score(lms(key, sex, months), score)


def at_score(curve: tuple[float, float, float], score: float) -> float:
    """The value at a standard score, by the L, M and S of an age."""
    power, median, spread = curve
    x = min(max(score, -_FURTHEST), _FURTHEST) * spread
    term = total = 1.0
    for n in range(80):
        term = term * (1.0 - n * power) * x / (n + 1.0)
        total = total + term
        if -_CLOSE < term < _CLOSE:
            break
    return median * total


def lms(key: str, sex: str, months: float) -> tuple[float, float, float]:
    """L, M and S at an age, linear between the ages of the chart."""
    curve = tables.CURVES[key, sex]
    after = bisect_right(curve.months, months)
    if after == 0:
        return curve.power[0], curve.median[0], curve.spread[0]
    if after == len(curve.months):
        return curve.power[-1], curve.median[-1], curve.spread[-1]
    before = after - 1
    part = (months - curve.months[before]) / (curve.months[after] - curve.months[before])
    power, median, spread = curve.power[before], curve.median[before], curve.spread[before]
    return (
        power + (curve.power[after] - power) * part,
        median + (curve.median[after] - median) * part,
        spread + (curve.spread[after] - spread) * part,
    )
