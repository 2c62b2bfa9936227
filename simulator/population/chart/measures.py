"""The value that a measurement would give on a day: a baseline of the patient's own, a slope with age, the effects of
what the patient has and takes, and a smooth wander between quarterly knots.

Nothing is carried from visit to visit, so one value can be had without the others. Only + - * / touch the floats, which
are the same on every machine; results leave as integers scaled by the analyte's decimals.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from decimal import Context, Decimal
from functools import lru_cache
from hashlib import shake_128
from statistics import NormalDist
from typing import NamedTuple

from simulator.ids import mix
from simulator.population import tables
from simulator.population.chart.growth import CHARTED_MONTHS, GROWN_UP_MONTHS, at_score, lms
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
_DAILY = {"sbp": 0, "dbp": 12, "hr": 24, "rr": 36, "temp": 48}
"""What differs from one day to the next, and the place of its twelve bits in the draw of a day."""
_PLACES = {key: place for place, key in enumerate(tables.LABS)}
"""Where an analyte has its deviate among those of a patient, and its byte among those of a knot: a new row at the end
of the table moves no other."""
_BASELINES = struct.Struct(f"<{len(_PLACES)}H")
_GRADUAL_DAYS = {"pregnancy": 270.0}  # of an episode that shows more and more, and is over at once
_GROWN_UP_MONTHS = {"head_circ": 36.0, "hr": 216.0, "rr": 216.0, "sbp": 216.0, "dbp": 216.0}
_ALL_GROWN_UP_DAYS = max(GROWN_UP_MONTHS, *_GROWN_UP_MONTHS.values()) * _MONTH
_GROWTH_MONTHS = [row.months for row in tables.GROWTH]
_SPREAD = {"hr": 0.09, "rr": 0.07, "sbp": 0.07, "dbp": 0.08}
_NOISE = {"height": 0.1, "weight": 0.06, "head_circ": 0.1, "hr": 5.0, "rr": 1.0, "sbp": 4.0, "dbp": 3.0}
_RESPONSES = (0.4, 0.6, 0.75, 0.9, 1.05, 1.2, 1.4, 1.7)  # guess: a spread that makes HbA1c of diabetics look right
_POWERS = {0: 1, 1: 10, 2: 100, 3: 1000}

NORMAL = tuple(round(NormalDist().inv_cdf((place + 0.5) / 4096), 6) for place in range(4096))
"""Deviates of mean 0 and deviation 1, each as likely as the other: twelve bits draw one. Rounded, so that no machine's
logarithm shows."""
_WANDERS = tuple(round(1.22 * NormalDist().inv_cdf((place + 0.5) / 256), 6) for place in range(256))
"""What a byte of a knot draws."""

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


_UNLIMITED = (float("-inf"), float("inf"))
_LEANEST = -2.2  # deviations of a grown-up's weight: what lies below nobody lives with


class _Own:
    """What is the own of a patient in one analyte: what its row says for the sex, the baseline at 45, effects of what
    the patient has or takes at any time. `place` finds its byte in the draws of the knots, `daily` its bits in the draw
    of a day: None for what does not differ from one day to the next."""

    __slots__ = (
        "baseline",
        "daily",
        "effects",
        "floor",
        "high",
        "low",
        "mean",
        "per_year",
        "place",
        "power",
        "wander",
    )

    def __init__(self, row: LabRow, mean: float, deviate: float, effects: list[_Effect]) -> None:
        self.mean = mean
        self.baseline = mean + row.sd_between * deviate
        self.wander = row.sd_within
        self.per_year = row.per_decade / 10.0
        self.floor = mean * 0.05
        limits: tuple[float, float] = row.limits or _UNLIMITED
        self.low, self.high = limits
        self.power = _POWERS[row.decimals]
        self.place = _PLACES[row.key]
        self.daily = _DAILY.get(row.key)
        self.effects = effects


class Measures:
    """The measurements of one patient, each computable by itself."""

    __slots__ = (
        "_after",
        "_baselines",
        "_before",
        "_birth",
        "_daily",
        "_day",
        "_intervals",
        "_is_grown_up",
        "_key",
        "_knot",
        "_number",
        "_owns",
        "_part",
        "_rest",
        "_salts",
        "_sex",
        "_years",
    )

    def __init__(self, life: Life, intervals: Intervals) -> None:
        self._intervals = intervals
        self._sex = life.sex
        self._birth = life.birth
        self._number = life.number << 20
        self._salts = life.salts
        self._owns: dict[str, _Own | None] = {}
        self._key = struct.pack("<32sQ", life.key, life.number)
        self._baselines: tuple[int, ...] = _BASELINES.unpack(
            shake_128(self._key + b"baselines").digest(_BASELINES.size)
        )
        self._knot = 0
        self._before = self._after = b""
        self._turn_to(life.birth)

    def _turn_to(self, day: int) -> None:
        """Works out what all values of a day have in common."""
        self._day = day
        self._daily: int | None = None  # the draw for what differs from one day to the next, if anything asks
        self._is_grown_up = day - self._birth >= _ALL_GROWN_UP_DAYS
        knot, rest = divmod(day, _KNOT_DAYS)
        self._part = part = rest / _KNOT_DAYS
        self._rest = 1.0 - part
        if knot != self._knot:
            self._before = self._after if knot == self._knot + 1 else self._tied(knot)
            self._after = self._tied(knot + 1)
            self._knot = knot
        years = (day - self._birth) / _YEAR
        self._years = (years if years > 18.0 else 18.0) - 45.0

    def value(self, row: LabRow, day: int) -> int | None:
        """The value on `day`, times 10 ** decimals; None where the table knows no mean for the sex."""
        try:
            own = self._owns[row.key]
        except KeyError:
            own = self._own(row)
        if own is None:
            return None
        if day != self._day:
            self._turn_to(day)
        value = self._adult(own) if self._is_grown_up else self._young(row, own, day, (day - self._birth) / _MONTH)
        if value < own.low:
            value = own.low
        elif value > own.high:
            value = own.high
        return round(value * own.power)

    def has(self, key: str, day: int, since: int = 0) -> bool:
        """Whether a condition or medication is on at `day`, and has been for `since` days."""
        return any(
            start + since <= day and (end is None or day <= end) for start, end, _ in self._intervals.get(key, ())
        )

    def uniform(self, row: LabRow, day: int) -> int:
        """A draw in [0, 10_000) for what is not a quantity."""
        return (mix(self._number ^ day, self._salts[row.key]) >> 20) % 10_000

    def _young(self, row: LabRow, own: _Own, day: int, months: float) -> float:
        """The value of somebody who is growing, or was until lately."""
        if row.key in ("height", "weight") and months < GROWN_UP_MONTHS:
            value = self._growing(row, own, day, months)
            if months > CHARTED_MONTHS:  # from the last age of the growth charts into the grown-up that follows
                part = (months - CHARTED_MONTHS) / (GROWN_UP_MONTHS - CHARTED_MONTHS)
                value = value * (1.0 - part) + self._adult(own) * part
            return value
        if months < _GROWN_UP_MONTHS.get(row.key, 0.0):
            is_head = row.key == "head_circ"
            return self._growing(row, own, day, months) if is_head else self._child(row, own, day, months)
        return self._adult(own)

    def _adult(self, own: _Own) -> float:
        place = own.place
        wander = _WANDERS[self._before[place]] * self._rest + _WANDERS[self._after[place]] * self._part
        if own.daily is not None:
            if self._daily is None:
                self._daily = mix(self._number ^ self._day, self._salts["daily"])
            wander = wander + 0.6 * NORMAL[self._daily >> own.daily & 0xFFF]
        value = own.baseline + own.wander * wander + own.per_year * self._years
        if own.effects:
            value = _affected(own.effects, self._day, value, 1.0)
        return value if value > own.floor else own.floor

    def _tied(self, knot: int) -> bytes:
        """The draw of a knot: a byte for each analyte."""
        return shake_128(b"%b%d" % (self._key, knot)).digest(len(_PLACES))

    def _growing(self, row: LabRow, own: _Own, day: int, months: float) -> float:
        """Height, weight or head circumference of a child, who keeps to its own percentile but for a slow drift."""
        score = self._baseline(row)
        if row.key == "weight":  # tall children are heavy
            score = 0.6 * self._baseline(tables.LABS["height"]) + 0.8 * score
        knot, rest = divmod(day, _GROWTH_KNOT_DAYS)
        part = rest / _GROWTH_KNOT_DAYS
        drift = self._deviate(row, knot + 2) * (1.0 - part) + self._deviate(row, knot + 3) * part
        if row.key == "height":  # nobody shrinks to another percentile
            drift = drift * min(1.0, max(0.0, (204.0 - months) / 60.0))
        curve = lms(row.key, self._sex, months)
        value = at_score(curve, score + 0.12 * drift) + _NOISE[row.key] * self._deviate(row, day)
        return _affected(own.effects, day, value, curve[1] / own.mean) if own.effects else value

    def _child(self, row: LabRow, own: _Own, day: int, months: float) -> float:
        """A vital sign of a child."""
        after = bisect_right(_GROWTH_MONTHS, months)
        low = tables.GROWTH[after - 1]
        high = tables.GROWTH[min(after, len(tables.GROWTH) - 1)]
        part = (months - low.months) / (high.months - low.months) if high is not low else 0.0
        median = low.medians[row.key] + (high.medians[row.key] - low.medians[row.key]) * part
        value = median * (1.0 + _SPREAD[row.key] * self._baseline(row)) + _NOISE[row.key] * self._deviate(row, day)
        return _affected(own.effects, day, value, median / tables.GROWTH[-1].medians[row.key])

    def _own(self, row: LabRow) -> _Own | None:
        """What is the patient's own of one analyte."""
        mean = row.mean[self._sex]
        deviate = self._baseline(row)
        if row.key == "weight" and deviate < _LEANEST:
            deviate = _LEANEST
        own = None if mean is None else _Own(row, mean, deviate, self._effects(row))
        self._owns[row.key] = own
        return own

    def _effects(self, row: LabRow) -> list[_Effect]:
        causes = [(cause, self._intervals.get(cause[0])) for cause in row.effects]
        return [
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

    def _response(self, row: LabRow, cause: str) -> float:
        """How strongly the patient's value answers to a cause, one on average: diabetes is worse for some than for
        others, and so is what a drug does about it. What multiplies (a stage of kidney disease) does not vary."""
        return _RESPONSES[mix(self._number, self._salts[row.key] ^ _cause_salt(cause)) >> 61]

    def _baseline(self, row: LabRow) -> float:
        """The deviate, of mean 0 and deviation 1, by which a patient differs from others."""
        return NORMAL[self._baselines[_PLACES[row.key]] >> 4]

    def _deviate(self, row: LabRow, knot: int) -> float:
        """A deviate of mean 0 and deviation 1, of a day or a knot."""
        return NORMAL[mix(self._number ^ knot, self._salts[row.key]) >> 52]


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


class Numbers(dict[int, Decimal]):
    """The Decimals of integers scaled by so many decimals, all their digits kept: for 2 decimals 710 gives 7.10. Most
    are asked for again and again, and kept."""

    def __init__(self, decimals: int) -> None:
        super().__init__()
        self._decimals = decimals

    def __missing__(self, scaled: int) -> Decimal:
        made = Decimal(scaled).scaleb(-self._decimals)
        if len(self) < _NUMBERS_KEPT:
            self[scaled] = made
        return made


_NUMBERS_KEPT = 16_384
NUMBERS = {decimals: Numbers(decimals) for decimals in _POWERS}
"""By how many decimals."""


def number(scaled: int, decimals: int) -> Decimal:
    """The Decimal of an integer scaled by `decimals`, all its digits kept: 710 and 2 give 7.10."""
    return NUMBERS[decimals][scaled]


def bmi(weight: int, height: int) -> int:
    """Body mass index in tenths, of tenths of kg and of cm."""
    return (weight * 2_000_000 + height * height) // (2 * height * height)


def red_cells(hgb: int, mchc: int, mcv: int) -> dict[str, int]:
    """Hematocrit (tenths of %), red cells (hundredths of 10*6/uL) and MCH (tenths of pg), of hemoglobin and MCHC in
    tenths of g/dL and MCV in fL."""
    hct = (hgb * 1000 + mchc // 2) // mchc
    rbc = (hct * 100 + mcv // 2) // mcv
    return {"hct": hct, "rbc": rbc, "mch": (hgb * 1000 + rbc // 2) // rbc}


def ldl(chol: int, hdl: int, trig: int) -> int | None:
    """LDL cholesterol by Friedewald; None where the formula does not hold."""
    return chol - hdl - (2 * trig + 5) // 10 if trig < 400 else None


@lru_cache(maxsize=8192)
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
