"""The value that a measurement would give on a day: a baseline of the patient's own, a slope with age, the effects of
what the patient has and takes, and a smooth wander between quarterly knots.

Nothing is carried from visit to visit, so one value can be had without the others. Only + - * / touch the floats, which
are the same on every machine; results leave as integers scaled by the analyte's decimals.
"""

from __future__ import annotations

from bisect import bisect_right
from decimal import Context, Decimal
from functools import lru_cache
from typing import NamedTuple

from simulator.ids import mix
from simulator.population import tables
from simulator.population.chart.growth import CHARTED_MONTHS, GROWN_UP_MONTHS, grown
from simulator.population.chart.life import Life
from simulator.population.tables.rows import LabRow

_YEAR = 365.25
_MONTH = 30.4375
_KNOT_DAYS = 91
_GROWTH_KNOT_DAYS = 365
_FULL_EFFECT_DAYS = 180.0  # of what comes slowly
_SLOW_DAYS = {  # of what takes years to show in full
    "alzheimers": 1800.0,
    "ckd3": 1400.0,
    "ckd4": 1400.0,
    "dm_nephropathy": 1800.0,
    "t2dm": 500.0,
    "copd": 1800.0,
    "osteoporosis": 1800.0,
}
_RESTLESS = frozenset(("sbp", "dbp", "hr", "rr", "temp"))  # differ from one day to the next
_GRADUAL_DAYS = {"pregnancy": 270.0}  # of an episode that shows more and more, and is over at once
_GROWN_UP_MONTHS = {"head_circ": 36.0, "hr": 216.0, "rr": 216.0, "sbp": 216.0, "dbp": 216.0}
_ALL_GROWN_UP_MONTHS = max(GROWN_UP_MONTHS, *_GROWN_UP_MONTHS.values())
_GROWTH_MONTHS = [row.months for row in tables.GROWTH]
_SPREAD = {"hr": 0.09, "rr": 0.07, "sbp": 0.07, "dbp": 0.08}
_NOISE = {"height": 0.1, "weight": 0.06, "head_circ": 0.1, "hr": 5.0, "rr": 1.0, "sbp": 4.0, "dbp": 3.0}
_RESPONSES = (0.4, 0.6, 0.75, 0.9, 1.05, 1.2, 1.4, 1.7)  # guess: a spread that makes HbA1c of diabetics look right
_POWERS = {0: 1, 1: 10, 2: 100, 3: 1000}

Intervals = dict[str, list[tuple[int, int | None, bool]]]
"""When each condition and medication was on: (first day, last day or None, whether it works at once)."""


class _Effect(NamedTuple):
    """One cause that moves an analyte of a patient: how, by how much on average and how strongly here, after how many
    days in full (of what works at once, and of what does not), and when it was on."""

    operation: str
    amount: float
    response: float
    gradual_days: float | None
    slow_days: float
    intervals: list[tuple[int, int | None, bool]]


class _Own:
    """What is a patient's own of one analyte: the baseline at 45 once it was asked for, the deviates of the knots so
    far, and the effects of what the patient has or takes at any time."""

    __slots__ = ("baseline", "effects", "knots")

    def __init__(self, effects: list[_Effect]) -> None:
        self.baseline: float | None = None
        self.knots: dict[int, float] = {}
        self.effects = effects


class Measures:
    """The measurements of one patient, each computable by itself."""

    __slots__ = ("_birth", "_intervals", "_number", "_owns", "_salts", "_sex")

    def __init__(self, life: Life, intervals: Intervals) -> None:
        self._intervals = intervals
        self._sex = life.sex
        self._birth = life.birth
        self._number = life.number << 20
        self._salts = life.salts
        self._owns: dict[str, _Own] = {}

    def value(self, row: LabRow, day: int) -> int | None:
        """The value on `day`, times 10 ** decimals; None where the table knows no mean for the sex."""
        mean = row.mean[self._sex]
        if mean is None:
            return None
        months = (day - self._birth) / _MONTH
        if months >= _ALL_GROWN_UP_MONTHS:
            value = max(self._adult(row, day, mean), mean * 0.05)
        elif row.key in ("height", "weight") and months < GROWN_UP_MONTHS:
            value = self._growing(row, day, months)
            if months > CHARTED_MONTHS:  # from the last age of the growth charts into the grown-up that follows
                part = (months - CHARTED_MONTHS) / (GROWN_UP_MONTHS - CHARTED_MONTHS)
                value = value * (1.0 - part) + self._adult(row, day, mean) * part
        elif months < _GROWN_UP_MONTHS.get(row.key, 0.0):
            value = self._growing(row, day, months) if row.key == "head_circ" else self._child(row, day, months)
        else:
            value = max(self._adult(row, day, mean), mean * 0.05)
        if row.limits is not None:
            value = min(max(value, row.limits[0]), row.limits[1])
        return round(value * _POWERS[row.decimals])

    def has(self, key: str, day: int, since: int = 0) -> bool:
        """Whether a condition or medication is on at `day`, and has been for `since` days."""
        return any(
            start + since <= day and (end is None or day <= end) for start, end, _ in self._intervals.get(key, ())
        )

    def uniform(self, row: LabRow, day: int) -> int:
        """A draw in [0, 10_000) for what is not a quantity."""
        return (mix(self._number ^ day, self._salts[row.key]) >> 20) % 10_000

    def _adult(self, row: LabRow, day: int, mean: float) -> float:
        own = self._own(row)
        baseline = own.baseline
        if baseline is None:
            baseline = own.baseline = mean + row.sd_between * self._deviate(row, 0)
        knot, rest = divmod(day, _KNOT_DAYS)
        part = rest / _KNOT_DAYS
        knots = own.knots
        before = knots.get(knot)
        if before is None:
            before = knots[knot] = self._deviate(row, knot + 2)
        after = knots.get(knot + 1)
        if after is None:
            after = knots[knot + 1] = self._deviate(row, knot + 3)
        age = (day - self._birth) / _YEAR
        value = baseline + row.sd_within * 1.22 * (before * (1 - part) + after * part)
        if row.key in _RESTLESS:
            value = value + row.sd_within * 0.6 * self._deviate(row, day)
        value = value + row.per_decade * ((age if age > 18.0 else 18.0) - 45.0) / 10.0
        return _affected(own.effects, day, value, 1.0) if own.effects else value

    def _growing(self, row: LabRow, day: int, months: float) -> float:
        """Height, weight or head circumference of a child, who keeps to its own percentile but for a slow drift."""
        own = self._deviate(row, 0)
        if row.key == "weight":  # tall children are heavy
            own = 0.6 * self._deviate(tables.LABS["height"], 0) + 0.8 * own
        knot, rest = divmod(day, _GROWTH_KNOT_DAYS)
        part = rest / _GROWTH_KNOT_DAYS
        drift = self._deviate(row, knot + 2) * (1.0 - part) + self._deviate(row, knot + 3) * part
        if row.key == "height":  # nobody shrinks to another percentile
            drift = drift * min(1.0, max(0.0, (204.0 - months) / 60.0))
        value = grown(row.key, self._sex, months, own + 0.12 * drift)
        scale = grown(row.key, self._sex, months, 0.0) / (row.mean[self._sex] or 1.0)
        return _affected(self._own(row).effects, day, value + _NOISE[row.key] * self._deviate(row, day), scale)

    def _child(self, row: LabRow, day: int, months: float) -> float:
        """A vital sign of a child."""
        after = bisect_right(_GROWTH_MONTHS, months)
        low = tables.GROWTH[after - 1]
        high = tables.GROWTH[min(after, len(tables.GROWTH) - 1)]
        part = (months - low.months) / (high.months - low.months) if high is not low else 0.0
        median = low.medians[row.key] + (high.medians[row.key] - low.medians[row.key]) * part
        value = median * (1.0 + _SPREAD[row.key] * self._deviate(row, 0)) + _NOISE[row.key] * self._deviate(row, day)
        return _affected(self._own(row).effects, day, value, median / tables.GROWTH[-1].medians[row.key])

    def _own(self, row: LabRow) -> _Own:
        """What is the patient's own of one analyte."""
        own = self._owns.get(row.key)
        if own is None:
            causes = [(cause, self._intervals.get(cause[0])) for cause in row.effects]
            effects = [
                _Effect(
                    operation,
                    amount,
                    1.0 if operation == "*" else self._response(row, key),
                    _GRADUAL_DAYS.get(key),
                    _SLOW_DAYS.get(key, _FULL_EFFECT_DAYS),
                    intervals,
                )
                for (key, operation, amount), intervals in causes
                if intervals
            ]
            own = self._owns[row.key] = _Own(effects)
        return own

    def _response(self, row: LabRow, cause: str) -> float:
        """How strongly the patient's value answers to a cause, one on average: diabetes is worse for some than for
        others, and so is what a drug does about it. What multiplies (a stage of kidney disease) does not vary."""
        return _RESPONSES[mix(self._number, self._salts[row.key] ^ _cause_salt(cause)) >> 61]

    def _deviate(self, row: LabRow, knot: int) -> float:
        """A deviate of mean 0 and deviation 1: four uniform draws, no libm."""
        x = mix(self._number ^ knot, self._salts[row.key])
        return ((x & 0xFFFF) + (x >> 16 & 0xFFFF) + (x >> 32 & 0xFFFF) + (x >> 48)) / 37837.0 - 3.4641


def _affected(effects: list[_Effect], day: int, value: float, scale: float) -> float:
    for operation, amount, response, gradual_days, slow_days, intervals in effects:
        for start, end, at_once in intervals:
            if start <= day and (end is None or day <= end):
                days = gradual_days if at_once else slow_days
                share = 1.0 if days is None else min(1.0, (day - start + 1) / days)
                if operation == "*":
                    value = value * (1.0 + (amount - 1.0) * share)
                else:
                    change = amount * share * scale * response
                    value = value + change if operation == "+" else value - change
                break
    return value


@lru_cache(maxsize=512)
def _cause_salt(cause: str) -> int:
    return int.from_bytes(cause.encode()[-8:], "big")


@lru_cache(maxsize=65536)
def number(scaled: int, decimals: int) -> Decimal:
    """The Decimal of an integer scaled by `decimals`, all its digits kept: 710 and 2 give 7.10."""
    return Decimal(scaled).scaleb(-decimals)


def bmi(weight: int, height: int) -> int:
    """Body mass index in tenths, of tenths of kg and of cm."""
    return (weight * 2_000_000 + height * height) // (2 * height * height)


def ldl(chol: int, hdl: int, trig: int) -> int | None:
    """LDL cholesterol by Friedewald; None where the formula does not hold."""
    return chol - hdl - (2 * trig + 5) // 10 if trig < 400 else None


def egfr(creatinine: int, age: int, sex: str) -> int:
    """CKD-EPI 2021 from creatinine in hundredths of mg/dL.

    Source: Inker et al., N Engl J Med 2021;385:1737. Powers by Decimal: the same digits on every machine.
    """
    rate = _ARITHMETIC.multiply(_creatinine_part(creatinine, sex), _age_part(age))
    return int(rate.quantize(_ONE, context=_ARITHMETIC))


_ARITHMETIC = Context(prec=28)
_ONE = Decimal(1)


@lru_cache(maxsize=4096)
def _creatinine_part(creatinine: int, sex: str) -> Decimal:
    kappa, alpha, factor = (70, "-0.241", "143.704") if sex == "F" else (90, "-0.302", "142")
    ratio = _ARITHMETIC.divide(Decimal(creatinine), Decimal(kappa))
    low = _ARITHMETIC.power(min(ratio, _ONE), Decimal(alpha))
    high = _ARITHMETIC.power(max(ratio, _ONE), Decimal("-1.2"))
    return _ARITHMETIC.multiply(_ARITHMETIC.multiply(Decimal(factor), low), high)


@lru_cache(maxsize=256)
def _age_part(age: int) -> Decimal:
    return _ARITHMETIC.power(Decimal("0.9938"), age)
