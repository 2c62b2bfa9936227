"""Observations: what was measured at which encounter, with value, unit, range and flag.

Numbered in the order in which they were written down: vital signs while the patient is there, results when they are
issued. A blood pressure is two observations next to each other; the diastolic names the systolic in `group`. The
reference ranges of the tables are adults': children's vital signs carry none. Cultures are preliminary first; now and
then a result is corrected, or retracted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from typing import NamedTuple

from simulator.ids import Stream, mix
from simulator.population import tables
from simulator.population.chart import fates, moments
from simulator.population.chart.conditions import Episode
from simulator.population.chart.encounters import Visit
from simulator.population.chart.labels import labels_of
from simulator.population.chart.life import Life
from simulator.population.chart.measures import NUMBERS, Measures, Numbers, bmi, egfr, ldl, number, red_cells
from simulator.population.chart.moments import Moment
from simulator.population.records import Code, Observation, named
from simulator.population.tables.rows import LabRow
from simulator.population.zones import DAY, instant, settled

_YEAR = 365
_ADULT_DAYS = 18 * 365 + 5
_INFANT_DAYS = 3 * 365
_REPEAT_DAYS = 150  # a test is not ordered again earlier
_SAME_DAY = frozenset(("bmp", "cmp", "cbc", "ua", "magnesium", "coag", "inr", "hcg", "strep_ag", "flu_a", "covid_ag"))
_AT_VISIT = frozenset(("survey", "social-history"))
CULTURE = "urine_culture"
"""The one test that takes days, with a preliminary result first."""
_NO_GROWTH_YET = "No growth to date"
# Others are computed from them, or they are computed, or half of them is none: what befalls one would befall both.
_HANGS_TOGETHER = frozenset(
    ("sbp", "dbp", "weight", "height", "bmi", "chol", "hdl", "trig", "ldl", "creatinine", "egfr")
)
_PULSE_PRESSURE = 15  # at least
_VITAL_KEYS = frozenset(("sbp", "dbp", "hr", "rr", "temp", "spo2", "weight", "height", "bmi", "head_circ", "bp"))
_WITHOUT_CODE = {"thyroid": ("tsh", "t4")}  # ordered together, but no panel code names them
_PANEL_OF = {"phq9": "phq", "auditc": "auditc_panel", "hark": "hark_panel", "inr": "coag"}
_ORDERED_FOR = {
    key: tuple(_PANEL_OF.get(lab, lab) for lab in row.labs if lab not in _VITAL_KEYS)
    for key, row in tables.CONDITIONS.items()
}
_ROUTINE_ORDERS = frozenset(("wellness", "followup", "inpatient", "surgical"))
_BLOOD_DRAWN_PERCENT = 40  # of emergencies: 38.8, NHAMCS 2006, Emergency Department Summary
_ART = ("bictegravir_ftc_taf", "dolutegravir", "ftc_taf")
_ART_WORKS_AFTER = 180
# A log scale without logarithms: viral loads about 30,000 copies, in even steps of a third of a decade.
_VIRAL_LOADS = (1_000, 2_200, 4_700, 10_000, 22_000, 33_000, 47_000, 72_000, 100_000, 220_000, 470_000)


Measured = tuple[Moment, str, Observation]
"""A step of an observation."""


class _Report(NamedTuple):
    """What is measured at one moment of a visit and written down at another, in one panel or in none. Without a range
    nothing is flagged."""

    written: Moment
    effective: datetime
    day: int  # whose values are found
    visit: Visit
    panel: str | None
    with_range: bool
    keys: tuple[str, ...]


class _Plan(NamedTuple):
    """What the observations of an analyte have in common, for one sex."""

    row: LabRow
    key: str
    category: str
    code: Code
    text: str
    unit: str | None
    numbers: Numbers | None  # None for what is no number
    derived: Callable[[_Known], int | None] | None
    is_bounded: bool  # the machine tells no number below or above what it can measure
    stays: bool  # it is neither corrected nor retracted
    low: Decimal | None
    high: Decimal | None
    edges: tuple[int | Decimal, ...] | None
    sensitivity: tuple[str, ...]


@cache
def _plans(keys: tuple[str, ...], sex: str) -> tuple[_Plan, ...]:
    return tuple(_plan(key, sex) for key in keys)


@cache
def _plan(key: str, sex: str) -> _Plan:
    row = tables.LABS[key]
    return _Plan(
        row,
        key,
        row.category,
        row.code,
        row.short,
        row.unit if row.value_type == "number" else None,
        NUMBERS[row.decimals] if row.value_type == "number" else None,
        _DERIVED.get(key),
        row.below is not None or row.above is not None,
        key in _HANGS_TOGETHER,
        row.low[sex],
        row.high[sex],
        _edges(key, sex),
        row.sensitivity,
    )


class _Found(NamedTuple):
    """A result that is no number: a code or a text."""

    coded: Code | None
    text: str | None
    interpretation: str | None


def observations_of(life: Life, visits: list[Visit], episodes: list[Episode], measures: Measures) -> list[Measured]:
    """What happens to the observations."""
    steps: list[Measured] = []
    height: dict[str, int] = {}
    ordinal = 0
    for report in sorted(_reports(life, visits, episodes), key=_when_written):
        ordinal = _write(life, report, measures, height, ordinal, steps)
    return steps


def _when_written(report: _Report) -> int:
    """When it is written down first: of a culture, when there is a preliminary result."""
    if CULTURE in report.keys:
        return report.visit.moment(moments.resulted(report.visit.habits, "culture_first")).minute
    return report.written.minute


def _reports(life: Life, visits: list[Visit], episodes: list[Episode]) -> Iterator[_Report]:
    last: dict[str, int] = {}
    standing = [episode for episode in episodes if episode.row.kind in ("chronic", "social")]
    for visit in visits:
        if not visit.is_remote:
            draw = mix(visit.habits, life.salts["wellness"])
            if visit.kind != "psych":
                yield from _vitals(life, visit, draw)
            yield from _tests(life, visit, standing, last, draw)


def _add_fate(life: Life, record: Observation, report: _Report, steps: list[Measured]) -> None:
    """Adds what happens to one observation that may not stay as it is."""
    written, visit = report.written, report.visit
    if record.key == CULTURE:
        first = visit.moment(moments.resulted(visit.habits, "culture_first"))
        early = replace(record, status="preliminary", issued=first.at, value_text=_NO_GROWTH_YET, interpretation=None)
        steps += (first, "created", early), (written, "updated", record)
    elif _is_correctable(record) and fates.is_corrected(life, visit, record.key):
        later = visit.moment(moments.corrected(visit.habits))
        steps.append((written, "created", _mistaken(life, record, visit)))
        steps.append((later, "corrected", replace(record, status="corrected", issued=later.at)))
        return
    else:
        steps.append((written, "created", record))
    if fates.is_retracted(life, "observation", visit, record.key):
        steps.append(fates.retraction(visit, record))


def _is_correctable(record: Observation) -> bool:
    return record.value is not None and record.comparator is None and record.category == "laboratory"


def _mistaken(life: Life, record: Observation, visit: Visit) -> Observation:
    """The result as it was issued at first, wrong by a quarter or more."""
    row = tables.LABS[record.key]
    assert record.value is not None
    true = int(record.value.scaleb(row.decimals))
    percent = (60, 75, 130, 160)[visit.habits >> 12 & 3]
    wrong = max(true * percent // 100, 1 if percent < 100 else true + 1)
    if row.limits is not None:
        scale = 10**row.decimals
        wrong = min(max(wrong, row.limits[0] * scale), row.limits[1] * scale)
    value = number(wrong, row.decimals)
    return replace(record, value=value, interpretation=interpretation(row, value, life.sex))


def _write(
    life: Life, report: _Report, measures: Measures, height: dict[str, int], ordinal: int, steps: list[Measured]
) -> int:
    """Adds what happens to the observations of a report, the first one with that ordinal; gives the next one. `height`
    holds the height that was measured last: what somebody weighs is held against it."""
    written, effective, day, visit, panel, with_range, keys = report
    code = tables.PANELS[panel].code if panel else None
    issued, place, who, is_final = written.at, visit.ordinal, visit.practitioner, visit.is_final
    known = named(_Known, (life, measures, day, dict(height)))
    found, measured = known.found, measures.value
    for row, key, category, item, text, unit, numbers, derived, is_bounded, stays, low, high, edges, flags in _plans(
        keys, life.sex
    ):
        value = coded = value_text = flag = comparator = None
        if numbers is not None:
            scaled = measured(row, day) if derived is None else derived(known)
            if scaled is None:
                continue
            found[key] = scaled
            if is_bounded:
                scaled, comparator = _told(row, scaled)
            value = numbers[scaled]
            if with_range and edges is not None:
                flag = "N" if edges[2] <= scaled <= edges[3] else _beyond(edges, scaled)
        else:
            coded, value_text, flag = _qualitative(life, measures, row, day)
        record = Observation(
            ordinal,
            key,
            category,
            item,
            text,
            "final",
            effective,
            issued,
            value,
            unit,
            coded,
            value_text,
            comparator,
            flag,
            low if with_range else None,
            high if with_range else None,
            code,
            panel,
            ordinal - 1 if key == "dbp" else None,
            place,
            who,
            flags and labels_of(life, visit.local_day, visit.facility, flags),
        )
        ordinal += 1
        if stays or (is_final and key != CULTURE):
            steps.append((written, "created", record))
        else:
            _add_fate(life, record, report, steps)
    if "height" in found:
        height["height"] = found["height"]
    return ordinal


# Vital signs

_PRESSURE = ("sbp", "dbp")
_SIGNS = ("hr", "rr", "temp", "spo2")


def _vitals(life: Life, visit: Visit, draw: int) -> Iterator[_Report]:
    """The vital signs of a visit, and those of the rounds of a stay."""
    age = life.age_days(visit.day)
    is_adult = age >= _ADULT_DAYS
    scales: tuple[str, ...] = ("weight", "bmi") if age >= 2 * _YEAR else ("weight",)
    if not is_adult or visit.kind == "wellness":
        scales = ("height", *scales)
    for turn in (0, *moments.rounds(visit.kind, visit.minutes)):
        written = visit.moment(turn * DAY + moments.charted(visit.habits))
        if written.minute > visit.ends.minute:
            return
        minute = settled(visit.minute + turn * DAY + 5 + draw % 5, visit.zone)
        at, day = instant(min(minute, written.minute)), visit.local_day + turn
        if age >= _INFANT_DAYS:
            yield named(_Report, (written, at, day, visit, "bp", is_adult, _PRESSURE))
        keys = (*(_SIGNS if age >= _INFANT_DAYS else ("head_circ", *_SIGNS)), *(scales if turn == 0 else ()))
        yield named(_Report, (written, at, day, visit, None, is_adult, keys))


# Tests and questionnaires


def _tests(life: Life, visit: Visit, standing: list[Episode], last: dict[str, int], draw: int) -> Iterator[_Report]:
    day = visit.local_day
    at = instant(settled(visit.minute + 12 + draw % 7, visit.zone))
    if at > visit.end:
        return
    done: set[str] = set()
    for order in dict.fromkeys(_orders(life, visit, standing, draw)):
        if order in last and day - last[order] < _REPEAT_DAYS:
            is_reason = _is_brought_by(visit) and visit.episode is not None and order in visit.episode.row.labs
            if not is_reason:
                continue
        members = _members(order)
        if done.issuperset(members):
            continue
        last[order] = day
        panel = order if order in tables.PANELS else None
        keys = members if done.isdisjoint(members) else tuple(key for key in members if key not in done)
        written = visit.ends if tables.LABS[keys[0]].category in _AT_VISIT else _issued(visit, order)
        done.update(members)
        yield named(_Report, (written, at, day, visit, panel, True, keys))


def _issued(visit: Visit, order: str) -> Moment:
    pace = "culture" if order == CULTURE else "same" if order in _SAME_DAY else "later"
    if visit.kind in moments.IN_HASTE and pace != "culture":
        pace = "once"
    return visit.moment(moments.resulted(visit.habits, pace))


def _members(order: str) -> tuple[str, ...]:
    if order in tables.PANELS:
        return tables.PANELS[order].members
    return _WITHOUT_CODE.get(order, (order,))


def _orders(life: Life, visit: Visit, standing: list[Episode], draw: int) -> Iterator[str]:
    """What is ordered at a visit, whole panels before single tests."""
    age = life.age_days(visit.day)
    if visit.is_remote:
        return
    if visit.episode is not None and visit.episode.is_acute:
        yield from (key for key in visit.episode.row.labs if key not in _VITAL_KEYS)
    if visit.kind == "wellness" and age >= 14 * _YEAR + 4:
        yield "smoking_status"
    if age < _ADULT_DAYS:
        return
    if visit.kind in ("wellness", "psych") and draw >> 8 & 1:
        yield "phq"
    if visit.kind in _ROUTINE_ORDERS:
        yield from _adult_orders(life, visit, age, draw)
    elif visit.kind == "emergency":
        yield from _emergency_orders(age, draw)
    if _is_brought_by(visit) and visit.episode is not None and not visit.episode.is_acute:
        yield from _ORDERED_FOR[visit.episode.key]
    if visit.kind in _ROUTINE_ORDERS or visit.kind == "psych":
        for episode in standing:
            if episode.is_active(visit.local_day):
                yield from _ORDERED_FOR[episode.key]


def _adult_orders(life: Life, visit: Visit, age: int, draw: int) -> Iterator[str]:
    if visit.kind == "wellness":
        yield "cmp" if age > 40 * _YEAR else "bmp"
        yield "lipid"
        yield "cbc"
        if draw >> 16 & 7 == 0:
            yield "ua"
        if age > 50 * _YEAR and draw >> 20 & 3 == 0:
            yield "thyroid"
        if age > 40 * _YEAR and draw >> 24 & 1:
            yield "a1c"
        if life.sex == "M" and 50 * _YEAR < age < 72 * _YEAR and draw >> 28 & 3 == 0:
            yield "psa"
        if draw >> 32 & 7 == 0:
            yield "auditc_panel"
    else:
        yield "bmp"
        if visit.kind != "followup":
            yield "cbc"
            yield "magnesium"


def _emergency_orders(age: int, draw: int) -> Iterator[str]:
    """Blood is drawn from some, and looked at for more from some of those."""
    if (draw >> 40) % 100 < _BLOOD_DRAWN_PERCENT:
        yield from ("bmp", "cbc")
        if draw >> 34 & 3 == 0:
            yield "magnesium"
        if age > 40 * _YEAR and draw >> 36 & 1:
            yield from ("troponin", "ddimer", "ck")


def _is_brought_by(visit: Visit) -> bool:
    """Whether the visit is for something new, or for a standing condition that got worse."""
    return visit.episode is not None and (visit.episode.is_acute or visit.kind in ("emergency", "inpatient"))


class _Known(NamedTuple):
    """What is known when a value is derived: of the same report, and of height what was measured before it."""

    life: Life
    measures: Measures
    day: int
    found: dict[str, int]

    def years(self) -> int:
        """How old the patient is."""
        return (self.day - self.life.birth) // _YEAR

    def drawn(self, key: str) -> int | None:
        """A value of the report, or what would have been measured."""
        return self.found[key] if key in self.found else self.measures.value(tables.LABS[key], self.day)


def _diastolic(known: _Known) -> int | None:
    value = known.measures.value(tables.LABS["dbp"], known.day)
    return None if value is None else min(value, known.found["sbp"] - _PULSE_PRESSURE)


def _body_mass(known: _Known) -> int | None:
    return bmi(known.found["weight"], known.found["height"]) if "height" in known.found else None


def _ldl(known: _Known) -> int | None:
    return ldl(known.found["chol"], known.found["hdl"], known.found["trig"])


def _creatinine(known: _Known) -> int | None:
    """Of children less, who have less muscle."""
    value, years = known.measures.value(tables.LABS["creatinine"], known.day), known.years()
    return value if value is None or years >= 18 else value * (35 + 65 * min(years, 18) // 18) // 100


def _egfr(known: _Known) -> int | None:
    creatinine, age = known.drawn("creatinine"), known.life.age_days(known.day) * 100 // 36525
    return egfr(creatinine, age, known.life.sex) if creatinine is not None and age >= 18 else None


def _of_red_cells(known: _Known, key: str) -> int | None:
    """What follows from hemoglobin, the size of the cells and what of it is in them, as the analyser works it out."""
    hemoglobin, concentration, volume = known.drawn("hgb"), known.drawn("mchc"), known.drawn("mcv")
    if hemoglobin is None or concentration is None or volume is None:
        return None
    return red_cells(hemoglobin, concentration, volume)[key]


def _viral_load(known: _Known) -> int:
    measures, day = known.measures, known.day
    uniform = measures.uniform(tables.LABS["hiv_vl"], day)
    if not measures.has("hiv", day):
        return 0
    if any(measures.has(key, day, _ART_WORKS_AFTER) for key in _ART):
        return 0 if uniform % 100 < 92 else 20 + uniform % 180
    return _VIRAL_LOADS[uniform % len(_VIRAL_LOADS)] + uniform % 900


_DERIVED: dict[str, Callable[[_Known], int | None]] = {
    "dbp": _diastolic,
    "ldl": _ldl,
    "bmi": _body_mass,
    "egfr": _egfr,
    "hiv_vl": _viral_load,
    "creatinine": _creatinine,
    "rbc": partial(_of_red_cells, key="rbc"),
    "hct": partial(_of_red_cells, key="hct"),
    "mch": partial(_of_red_cells, key="mch"),
}
"""What is more than one measurement."""


def _told(row: LabRow, scaled: int) -> tuple[int, str | None]:
    """The number as the machine tells it, and how: none is below or above what it can measure."""
    value = number(scaled, row.decimals)
    if row.below is not None and value < row.below:
        return int(row.below.scaleb(row.decimals)), "<"
    if row.above is not None and value > row.above:
        return int(row.above.scaleb(row.decimals)), ">"
    return scaled, None


def interpretation(row: LabRow, value: Decimal, sex: str) -> str | None:
    """The flag of a value by the range of the sex and the critical limits; None where the table has no range."""
    edges = _edges(row.key, sex)
    return None if edges is None else _beyond(edges, value.scaleb(row.decimals))


def _beyond(edges: tuple[int | Decimal, ...], scaled: int | Decimal) -> str:
    critical_low, critical_high, low, high = edges
    if scaled < critical_low:
        return "LL"
    if scaled > critical_high:
        return "HH"
    return "L" if scaled < low else "H" if scaled > high else "N"


_NEVER = 10**18


@cache
def _edges(key: str, sex: str) -> tuple[int | Decimal, ...] | None:
    """The critical limits and the range of an analyte, scaled by its decimals; None where the table has no range."""
    row = tables.LABS[key]
    low, high = row.low[sex], row.high[sex]
    if low is None and high is None:
        return None
    told = ((row.critical_low, -_NEVER), (row.critical_high, _NEVER), (low, -_NEVER), (high, _NEVER))
    return tuple(never if edge is None else _scaled_edge(edge, row.decimals) for edge, never in told)


def _scaled_edge(edge: Decimal, decimals: int) -> int | Decimal:
    scaled = edge.scaleb(decimals)
    return int(scaled) if scaled == int(scaled) else scaled


# Results that are no numbers: (condition that causes it, share of 10,000 with it, without it)
_POSITIVE: dict[str, tuple[str, int, int]] = {
    "ua_le": ("uti", 8_500, 400),
    "ua_nitrite": ("uti", 5_500, 100),
    "flu_a": ("influenza", 7_500, 100),
    "covid_ag": ("covid19", 8_000, 100),
    "chlamydia_naa": ("chlamydia", 9_800, 50),
    "hcg": ("pregnancy", 9_950, 20),
    "uds": ("oud", 3_000, 200),
}
_NEPHROPATHY = ("dm_nephropathy", "ckd4", "esrd")
_PROTEIN = ((5_000, "plus1"), (8_000, "plus2"), (10_000, "plus3"))


def _qualitative(life: Life, measures: Measures, row: LabRow, day: int) -> _Found:
    uniform = measures.uniform(row, day)
    if row.key == "smoking_status":
        return _Found(_smoking(life, measures, day), None, None)
    if row.key == CULTURE:
        grows = measures.has("uti", day) and uniform < 8_000
        return _Found(None, "Escherichia coli >100,000 CFU/mL" if grows else "No growth", "A" if grows else "N")
    if row.key == "ua_protein":
        value = _protein(measures, uniform, day)
    else:
        cause, with_it, without = _POSITIVE[row.key]
        is_positive = uniform < (with_it if measures.has(cause, day) else without)
        names = ("not_detected", "detected") if row.key == "chlamydia_naa" else ("negative", "positive")
        value = names[is_positive]
    coded = tables.CODED_VALUES[value]
    return _Found(coded.code, None, "A" if coded.is_abnormal else "N")


def _protein(measures: Measures, uniform: int, day: int) -> str:
    if any(measures.has(key, day) for key in _NEPHROPATHY):
        return next(name for limit, name in _PROTEIN if uniform < limit)
    return "trace" if uniform < 600 else "negative"


def _smoking(life: Life, measures: Measures, day: int) -> Code:
    """Daily for smokers; for the others a habit of their own that stays."""
    if measures.has("smoker", day):
        return tables.SMOKING["daily"][0]
    others = [(code, weight) for key, (code, weight) in tables.SMOKING.items() if key != "daily"]
    place = Stream(life.key, life.number, "smoking", 1).below(sum(weight for _, weight in others))
    if life.age_days(day) < 21 * _YEAR:
        return tables.SMOKING["never"][0]
    for code, weight in others:
        if place < weight:
            return code
        place -= weight
    raise AssertionError("weights do not add up")
