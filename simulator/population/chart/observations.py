"""Observations: what was measured at which encounter, with value, unit, range and flag.

Numbered in the order in which they were written down: vital signs while the patient is there, results when they are
issued. A blood pressure is two observations next to each other; the diastolic names the systolic in `group`. The
reference ranges of the tables are adults': children's vital signs carry none. Cultures are preliminary first; now and
then a result is corrected, or retracted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from simulator.ids import Stream, mix
from simulator.population import tables
from simulator.population.chart import fates, moments
from simulator.population.chart.conditions import Episode
from simulator.population.chart.encounters import Step, Visit
from simulator.population.chart.labels import labels_of
from simulator.population.chart.life import Life
from simulator.population.chart.measures import Measures, bmi, egfr, ldl, number
from simulator.population.chart.moments import Moment
from simulator.population.records import Code, Observation
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
_ROUTINE_ORDERS = frozenset(("wellness", "followup", "inpatient", "emergency", "surgical"))
_ART = ("bictegravir_ftc_taf", "dolutegravir", "ftc_taf")
_ART_WORKS_AFTER = 180
# A log scale without logarithms: viral loads about 30,000 copies, in even steps of a third of a decade.
_VIRAL_LOADS = (1_000, 2_200, 4_700, 10_000, 22_000, 33_000, 47_000, 72_000, 100_000, 220_000, 470_000)


class Finding(NamedTuple):
    """A result before it is written down: a number scaled by the row's decimals, a code or a text."""

    scaled: int | None = None
    coded: Code | None = None
    text: str | None = None
    comparator: str | None = None
    interpretation: str | None = None


class _Draft(NamedTuple):
    written: Moment
    effective: datetime
    row: LabRow
    finding: Finding
    panel: str | None
    visit: Visit
    with_range: bool


def observations_of(life: Life, visits: list[Visit], episodes: list[Episode], measures: Measures) -> Iterable[Step]:
    """What happens to the observations."""
    drafts: list[_Draft] = []
    last: dict[str, int] = {}
    height: list[int] = []
    standing = [episode for episode in episodes if episode.row.kind in ("chronic", "social")]
    for visit in visits:
        draw = mix(visit.habits, life.salts["wellness"])
        drafts.extend(_vitals(life, visit, measures, draw, height))
        drafts.extend(_tests(life, visit, standing, measures, last, draw))
    drafts.sort(key=_when_written)
    for ordinal, draft in enumerate(drafts):
        if draft.visit.is_final and draft.row.key != CULTURE:
            yield draft.written, "created", _observation(life, ordinal, draft)
        else:
            yield from _steps(life, ordinal, draft)


def _when_written(draft: _Draft) -> int:
    return draft.written.minute


def _steps(life: Life, ordinal: int, draft: _Draft) -> Iterable[Step]:
    """What happens to one observation that may not stay as it is."""
    written, row, visit = draft.written, draft.row, draft.visit
    record = _observation(life, ordinal, draft)
    if row.key == CULTURE:
        first = visit.moment(moments.resulted(visit.habits, "culture_first"))
        early = replace(record, status="preliminary", issued=first.at, value_text=_NO_GROWTH_YET, interpretation=None)
        yield first, "created", early
        yield written, "updated", record
    elif _is_correctable(row, draft.finding) and fates.is_corrected(life, visit, row.key):
        yield written, "created", _mistaken(life, record, draft)
        moment = visit.moment(moments.corrected(visit.habits))
        yield moment, "corrected", replace(record, status="corrected", issued=moment.at)
        return
    else:
        yield written, "created", record
    if row.key not in _HANGS_TOGETHER and fates.is_retracted(life, "observation", visit, row.key):
        yield fates.retraction(visit, record)


def _is_correctable(row: LabRow, finding: Finding) -> bool:
    is_plain = finding.scaled is not None and finding.comparator is None
    return is_plain and row.category == "laboratory" and row.key not in _HANGS_TOGETHER


def _mistaken(life: Life, record: Observation, draft: _Draft) -> Observation:
    """The result as it was issued at first, wrong by a quarter or more."""
    assert draft.finding.scaled is not None
    percent = (60, 75, 130, 160)[draft.visit.habits >> 12 & 3]
    wrong = max(draft.finding.scaled * percent // 100, 1 if percent < 100 else draft.finding.scaled + 1)
    if draft.row.limits is not None:
        scale = 10**draft.row.decimals
        wrong = min(max(wrong, draft.row.limits[0] * scale), draft.row.limits[1] * scale)
    value = number(wrong, draft.row.decimals)
    return replace(record, value=value, interpretation=interpretation(draft.row, value, life.sex))


def _observation(life: Life, ordinal: int, draft: _Draft) -> Observation:
    written, effective, row, finding, panel, visit, with_range = draft
    is_number = finding.scaled is not None
    return Observation(
        ordinal,
        row.key,
        row.category,
        row.code,
        row.short,
        "final",
        effective,
        written.at,
        number(finding.scaled, row.decimals) if finding.scaled is not None else None,
        row.unit if is_number else None,
        finding.coded,
        finding.text,
        finding.comparator,
        finding.interpretation,
        row.low[life.sex] if with_range else None,
        row.high[life.sex] if with_range else None,
        tables.PANELS[panel].code if panel else None,
        panel,
        ordinal - 1 if row.key == "dbp" else None,
        visit.ordinal,
        visit.practitioner,
        row.sensitivity and labels_of(life, visit.local_day, visit.facility, row.sensitivity),
    )


# Vital signs


def _vitals(life: Life, visit: Visit, measures: Measures, draw: int, height: list[int]) -> Iterator[_Draft]:
    if visit.is_remote or visit.kind == "psych":
        return
    age = life.age_days(visit.day)
    is_adult = age >= _ADULT_DAYS
    for day in (0, *moments.rounds(visit.kind, visit.minutes)):
        minute = settled(visit.minute + day * DAY + 5 + draw % 5, visit.zone)
        written = visit.moment(day * DAY + moments.charted(visit.habits))
        if written.minute > visit.ends.minute:
            return
        at = instant(min(minute, written.minute))
        if not is_adult or visit.kind == "wellness":
            height[:] = _values(measures, visit.day, ("height",))
            if height and day == 0:
                yield _vital(written, at, "height", height[0], None, visit, life, is_adult)
        keys = ("sbp", "dbp", "hr", "rr", "temp", "spo2", "weight") if age >= _INFANT_DAYS else _INFANT_SIGNS
        systolic = 0
        for key in keys if day == 0 else keys[:-1]:
            value = measures.value(tables.LABS[key], visit.local_day + day)
            if value is None:
                continue
            if key == "sbp":
                systolic = value
            elif key == "dbp":
                value = min(value, systolic - _PULSE_PRESSURE)
            yield _vital(written, at, key, value, "bp" if key in ("sbp", "dbp") else None, visit, life, is_adult)
            if key == "weight" and height and age >= 2 * _YEAR:
                yield _vital(written, at, "bmi", bmi(value, height[0]), None, visit, life, is_adult)


_INFANT_SIGNS = ("head_circ", "hr", "rr", "temp", "spo2", "weight")


def _values(measures: Measures, day: int, keys: tuple[str, ...]) -> list[int]:
    return [value for key in keys if (value := measures.value(tables.LABS[key], day)) is not None]


def _vital(
    written: Moment, at: datetime, key: str, value: int, panel: str | None, visit: Visit, life: Life, is_adult: bool
) -> _Draft:
    row = tables.LABS[key]
    flag = _flag(row.key, value, life.sex) if is_adult else None
    return _Draft(written, at, row, Finding(value, None, None, None, flag), panel, visit, is_adult)


# Tests and questionnaires


def _tests(
    life: Life,
    visit: Visit,
    standing: list[Episode],
    measures: Measures,
    last: dict[str, int],
    draw: int,
) -> Iterator[_Draft]:
    day = visit.local_day
    done: set[str] = set()
    at = instant(settled(visit.minute + 12 + draw % 7, visit.zone))
    if at > visit.end:
        return
    for order in dict.fromkeys(_orders(life, visit, standing, draw)):
        is_reason = visit.episode is not None and visit.episode.is_acute and order in visit.episode.row.labs
        if order in last and day - last[order] < _REPEAT_DAYS and not is_reason:
            continue
        members = _members(order)
        if all(key in done for key in members):
            continue
        last[order] = day
        panel = order if order in tables.PANELS else None
        written = visit.ends if tables.LABS[members[0]].category in _AT_VISIT else _issued(visit, order)
        for key, finding in _findings(life, visit, measures, members, day):
            if key not in done:
                done.add(key)
                yield _Draft(written, at, tables.LABS[key], finding, panel, visit, True)


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
    if visit.kind in _ROUTINE_ORDERS or visit.kind == "psych":
        for episode in standing:
            if episode.is_active(visit.local_day):
                yield from (_as_panel(key) for key in episode.row.labs if key not in _VITAL_KEYS)


def _as_panel(key: str) -> str:
    return {"phq9": "phq", "auditc": "auditc_panel", "hark": "hark_panel", "inr": "coag"}.get(key, key)


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
    if visit.kind == "emergency" and age > 40 * _YEAR and draw >> 36 & 1:
        yield from ("troponin", "ddimer", "ck")


def _findings(
    life: Life, visit: Visit, measures: Measures, members: tuple[str, ...], day: int
) -> Iterator[tuple[str, Finding]]:
    known: dict[str, int] = {}
    for key in members:
        row = tables.LABS[key]
        if row.value_type != "number":
            yield key, _qualitative(life, measures, row, day)
            continue
        scaled = _scaled(life, measures, row, day, known)
        if scaled is not None:
            known[key] = scaled
            yield key, _quantity(row, scaled, life.sex)


def _scaled(life: Life, measures: Measures, row: LabRow, day: int, known: dict[str, int]) -> int | None:
    if row.key == "ldl":
        return ldl(known["chol"], known["hdl"], known["trig"])
    if row.key == "bmi":
        return None
    if row.key == "egfr":
        creatinine = known.get("creatinine", measures.value(tables.LABS["creatinine"], day))
        years = life.age_days(day) * 100 // 36525
        return egfr(creatinine, years, life.sex) if creatinine is not None and years >= 18 else None
    if row.key == "hiv_vl":
        return _viral_load(measures, row, day)
    value = measures.value(row, day)
    if row.key == "creatinine" and value is not None:
        years = life.age_days(day) // _YEAR
        value = value * (35 + 65 * min(years, 18) // 18) // 100 if years < 18 else value
    return value


def _viral_load(measures: Measures, row: LabRow, day: int) -> int:
    uniform = measures.uniform(row, day)
    if not measures.has("hiv", day):
        return 0
    if any(measures.has(key, day, _ART_WORKS_AFTER) for key in _ART):
        return 0 if uniform % 100 < 92 else 20 + uniform % 180
    return _VIRAL_LOADS[uniform % len(_VIRAL_LOADS)] + uniform % 900


def _quantity(row: LabRow, scaled: int, sex: str) -> Finding:
    comparator = None
    if row.below is not None or row.above is not None:
        value = number(scaled, row.decimals)
        if row.below is not None and value < row.below:
            scaled, comparator = int(row.below.scaleb(row.decimals)), "<"
        elif row.above is not None and value > row.above:
            scaled, comparator = int(row.above.scaleb(row.decimals)), ">"
    return Finding(scaled, None, None, comparator, _flag(row.key, scaled, sex))


def interpretation(row: LabRow, value: Decimal, sex: str) -> str | None:
    """The flag of a value by the range of the sex and the critical limits; None where the table has no range."""
    return _flag(row.key, value.scaleb(row.decimals), sex)


def _flag(key: str, scaled: int | Decimal, sex: str) -> str | None:
    edges = _edges(key, sex)
    if edges is None:
        return None
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


def _qualitative(life: Life, measures: Measures, row: LabRow, day: int) -> Finding:
    uniform = measures.uniform(row, day)
    if row.key == "smoking_status":
        return Finding(coded=_smoking(life, measures, uniform, day))
    if row.key == CULTURE:
        grows = measures.has("uti", day) and uniform < 8_000
        text = "Escherichia coli >100,000 CFU/mL" if grows else "No growth"
        return Finding(text=text, interpretation="A" if grows else "N")
    if row.key == "ua_protein":
        value = _protein(measures, uniform, day)
    else:
        cause, with_it, without = _POSITIVE[row.key]
        is_positive = uniform < (with_it if measures.has(cause, day) else without)
        names = ("not_detected", "detected") if row.key == "chlamydia_naa" else ("negative", "positive")
        value = names[is_positive]
    coded = tables.CODED_VALUES[value]
    return Finding(coded=coded.code, interpretation="A" if coded.is_abnormal else "N")


def _protein(measures: Measures, uniform: int, day: int) -> str:
    if any(measures.has(key, day) for key in _NEPHROPATHY):
        return next(name for limit, name in _PROTEIN if uniform < limit)
    return "trace" if uniform < 600 else "negative"


def _smoking(life: Life, measures: Measures, uniform: int, day: int) -> Code:
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
