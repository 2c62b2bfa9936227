"""What holds of every chart, whoever it is about: order of time, references, ranges, units, numbering."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.population import tables
from simulator.population.chart import chart_of, outline_of
from simulator.population.chart.allergies import allergy_rows
from simulator.population.chart.life import life_of
from simulator.population.chart.measures import bmi, egfr, ldl, number
from simulator.population.dirt import Dirt
from simulator.population.people import Population
from simulator.population.records import KINDS, Chart, Observation
from simulator.population.zones import clock_changes

BY_PLACE_AND_AGE = {"PART2", "TEEN"}  # labels that follow from where and when, not from the row
AS_OF = date(2026, 1, 5)
CLEAN_SCALES = Dirt(wrong_unit=0, carried_forward=0, duplicated=0, transposed_value=0)  # see test_typos
LIMIT = datetime.combine(AS_OF, time(12), UTC)
WORLDS = [(7, 10_000), (31, 100_000_000)]


@cache
def population_of(seed: int, size: int) -> Population:
    return Population(seed=seed, size=size, as_of=AS_OF, dirt=CLEAN_SCALES)


@dataclass(frozen=True)
class Somebody:
    seed: int
    size: int
    number: int

    @property
    def population(self) -> Population:
        return population_of(self.seed, self.size)

    @property
    def chart(self) -> Chart:
        return kept_chart(self)


@cache
def kept_chart(somebody: Somebody) -> Chart:
    return chart_of(somebody.population, somebody.number)


@cache
def some_people() -> tuple[Somebody, ...]:
    return tuple(Somebody(*WORLDS[0], number) for number in range(240))


ANYBODY = st.builds(lambda world, number: Somebody(*world, number), st.sampled_from(WORLDS), st.integers(0, 9_999))
usual = settings(max_examples=25, deadline=None)


def some_charts() -> list[Chart]:
    return [somebody.chart for somebody in some_people()]


@given(ANYBODY)
@usual
def test_ordinals_count_the_records_of_a_kind_and_each_stands_at_its_time(somebody: Somebody) -> None:
    chart = somebody.chart
    for kind in KINDS:
        retracted = [record.ordinal for record in chart.retracted if record.kind == kind]
        ordinals = sorted([*(record.ordinal for record in chart.of(kind)), *retracted])
        assert ordinals == list(range(len(ordinals)))
        assert all((kind, ordinal) in chart.states for ordinal in ordinals)
    assert [e.start for e in chart.encounters] == sorted(e.start for e in chart.encounters)
    assert [c.onset for c in chart.conditions] == sorted(c.onset for c in chart.conditions)
    assert [a.recorded for a in chart.allergies] == sorted(a.recorded for a in chart.allergies)
    assert [e.ordinal for e in chart.encounters] == list(range(len(chart.encounters)))
    assert [m.authored for m in chart.medications] == sorted(m.authored for m in chart.medications)
    assert [o.effective for o in chart.observations] == sorted(o.effective for o in chart.observations)
    assert [i.day for i in chart.immunizations] == sorted(i.day for i in chart.immunizations)


@given(ANYBODY)
@usual
def test_nothing_happens_before_birth_or_after_the_end(somebody: Somebody) -> None:
    chart = somebody.chart
    born = chart.person.birth_date
    end = min(LIMIT, chart.person.deceased or LIMIT)
    instants = [
        *(at for e in chart.encounters for at in (e.start, e.end) if at),
        *(c.recorded for c in chart.conditions),
        *(a.recorded for a in chart.allergies),
        *(m.authored for m in chart.medications),
        *(at for o in chart.observations for at in (o.effective, o.issued)),
    ]
    for at in instants:
        assert at.tzinfo is UTC
        assert (at.second, at.microsecond) == (0, 0)
        assert datetime.combine(born, time(), UTC) <= at <= end
    days = [
        *(day for c in chart.conditions for day in (c.onset, c.abatement) if day),
        *(a.onset for a in chart.allergies if a.onset),
        *(day for m in chart.medications for day in (m.start, m.stop) if day),
        *(i.day for i in chart.immunizations),
    ]
    assert all(born <= day <= AS_OF for day in days)
    if chart.person.deceased:
        assert born < chart.person.deceased.date() <= AS_OF


@given(ANYBODY)
@usual
def test_encounters_follow_each_other_at_hours_that_local_time_tells(somebody: Somebody) -> None:
    chart = somebody.chart
    population = somebody.population
    for one, other in pairwise(chart.encounters):
        assert one.end is not None
        assert one.end < other.start
    for encounter in chart.encounters:
        row = tables.ENCOUNTERS[encounter.type_key]
        assert encounter.class_code == row.class_code
        assert (encounter.status == "in-progress") == (encounter.end is None)
        assert encounter.end is None or encounter.start < encounter.end
        assert (encounter.end or LIMIT) - encounter.start <= timedelta(minutes=row.minutes[1] + 185)
        zone = ZoneInfo(population.facility(encounter.facility).zone)
        for at in filter(None, (encounter.start, encounter.end)):
            local = at.astimezone(zone)
            assert local.replace(tzinfo=None).replace(tzinfo=zone).astimezone(UTC) == at
        if row.class_code not in ("EMER", "IMP", "OBSENC"):
            start = encounter.start.astimezone(zone)
            assert time(8) <= start.time() <= time(16, 30)
            assert start.weekday() < 5


@given(ANYBODY)
@usual
def test_references_lead_to_records_of_the_chart(somebody: Somebody) -> None:
    chart = somebody.chart
    encounters = range(len(chart.encounters))
    conditions = {one.ordinal for one in (*chart.conditions, *chart.retracted) if one.kind == "condition"}
    for record in (*chart.conditions, *chart.medications, *chart.observations, *chart.immunizations):
        assert record.encounter is None or record.encounter in encounters
        if record.encounter is not None:
            assert record.practitioner == chart.encounters[record.encounter].practitioner
    for reason in (*(e.reason for e in chart.encounters), *(m.reason for m in chart.medications)):
        assert reason is None or reason in conditions
    for encounter in chart.encounters:
        if encounter.reason is not None:
            reason = next(
                (
                    one
                    for one in (*chart.conditions, *chart.retracted)
                    if one.kind == "condition" and one.ordinal == encounter.reason
                ),
                None,
            )
            assert reason is not None
            assert reason.onset <= (encounter.end or LIMIT).date()


@given(ANYBODY)
@usual
def test_conditions_keep_the_rules_of_their_table(somebody: Somebody) -> None:
    chart = somebody.chart
    keys = {condition.key for condition in chart.conditions}
    for condition in chart.conditions:
        row = tables.CONDITIONS[condition.key]
        assert row.sex in ("B", chart.person.sex)
        assert condition.codes == (row.snomed, row.icd10cm)
        assert (condition.clinical_status == "active") == (condition.abatement is None)
        assert condition.abatement is None or condition.onset <= condition.abatement
        assert set(row.requires) <= keys
        assert set(condition.sensitivity) - BY_PLACE_AND_AGE == set(row.sensitivity)
        if row.kind == "acute":
            assert condition.encounter is not None
            assert condition.category == "encounter-diagnosis"
            assert condition.clinical_status in ("active", "resolved")
        if row.kind in ("chronic", "social"):
            assert not set(row.excludes) & keys
    for key, count in Counter(c.key for c in chart.conditions).items():
        assert count == 1 or tables.CONDITIONS[key].kind in ("acute", "episode")


@given(ANYBODY)
@usual
def test_medications_have_an_indication_of_the_table_and_no_allergy(somebody: Somebody) -> None:
    chart = somebody.chart
    allergic = {allergy.code.code for allergy in chart.allergies}
    for medication in chart.medications:
        row = tables.MEDICATIONS[medication.key]
        assert medication.reason is not None
        indication = next(one for one in chart.conditions if one.ordinal == medication.reason)
        assert medication.key in {key for key, _ in tables.CONDITIONS[indication.key].medications}
        assert indication.onset <= medication.start
        assert medication.ingredient is None or medication.ingredient.code not in allergic
        assert (medication.status == "active") == (medication.stop is None)
        assert medication.stop is None or medication.start < medication.stop
        assert (medication.quantity, medication.days_supply) == (row.quantity, row.days_supply)
        assert medication.encounter is not None
        assert medication.authored >= chart.encounters[medication.encounter].start
    ingredients = [m.ingredient.code for m in chart.medications if m.ingredient]
    assert len(ingredients) == len(set(ingredients))


@given(ANYBODY)
@usual
def test_allergies_are_told_or_denied_or_not_talked_about(somebody: Somebody) -> None:
    chart = somebody.chart
    denied = [allergy for allergy in chart.allergies if allergy.none_known]
    assert not denied or len(chart.allergies) == 1
    for allergy in denied:
        assert allergy.code.code == "716186003"
        assert allergy.reactions == ()
    assert len({allergy.code.code for allergy in chart.allergies}) == len(chart.allergies)
    assert chart.encounters or not chart.allergies


@given(ANYBODY)
@usual
def test_observations_have_units_ranges_and_flags_of_their_table(somebody: Somebody) -> None:
    chart = somebody.chart
    for one in chart.observations:
        row = tables.LABS[one.key]
        assert one.code == row.code
        assert one.issued >= one.effective
        assert set(one.sensitivity) - BY_PLACE_AND_AGE == set(row.sensitivity)
        assert sum(value is not None for value in (one.value, one.coded, one.value_text)) == 1
        assert one.unit == (row.unit if one.value is not None else None)
        if one.panel_key:
            panel = tables.PANELS[one.panel_key]
            assert one.panel == panel.code
            assert one.key in panel.members
        if one.value is not None:
            assert -one.value.as_tuple().exponent == row.decimals or one.comparator
            assert row.limits is None or row.limits[0] <= one.value <= row.limits[1]
            _check_flag(one, chart.person.sex)
        else:
            assert one.interpretation in (None, "N", "A")
        assert one.encounter is not None
        encounter = chart.encounters[one.encounter]
        assert encounter.start <= one.effective <= (encounter.end or LIMIT)


def _check_flag(one: Observation, sex: str) -> None:
    row = tables.LABS[one.key]
    assert one.value is not None
    if one.low is None and one.high is None:
        assert one.interpretation is None
        return
    assert (one.low, one.high) == (row.low[sex], row.high[sex])
    is_low = one.low is not None and one.value < one.low
    is_high = one.high is not None and one.value > one.high
    assert one.interpretation in (("L", "LL") if is_low else ("H", "HH") if is_high else ("N",))
    if one.comparator == "<":
        assert one.value == row.below
    if one.comparator == ">":
        assert one.value == row.above


@given(ANYBODY)
@usual
def test_blood_pressures_are_pairs(somebody: Somebody) -> None:
    chart = somebody.chart
    for one in chart.observations:
        if one.key == "dbp":
            assert one.group == one.ordinal - 1
            other = next(each for each in chart.observations if each.ordinal == one.group)
            assert other.key == "sbp"
            assert (other.effective, other.encounter) == (one.effective, one.encounter)
            assert other.value is not None
            assert one.value is not None
            assert one.value < other.value
        else:
            assert one.group is None
    assert sum(o.key == "sbp" for o in chart.observations) == sum(o.key == "dbp" for o in chart.observations)


@given(ANYBODY)
@usual
def test_derived_values_follow_from_what_they_are_derived_of(somebody: Somebody) -> None:
    chart = somebody.chart
    height: Decimal | None = None
    at: dict[datetime, dict[str, Observation]] = {}
    for one in chart.observations:
        at.setdefault(one.effective, {})[one.key] = one
        if one.key == "height":
            height = one.value
        if one.key == "bmi":
            assert height is not None
            weight = at[one.effective]["weight"].value
            assert weight is not None
            assert one.value is not None
            assert abs(one.value - weight / (height / 100) ** 2) <= Decimal("0.05")
        if one.key == "ldl":
            told = at[one.effective]
            chol, hdl, trig = (told[key].value or Decimal(0) for key in ("chol", "hdl", "trig"))
            assert trig < 400
            assert abs((one.value or 0) - (chol - hdl - trig / 5)) <= Decimal("0.5")


@given(ANYBODY)
@usual
def test_immunizations_are_of_their_age_and_years(somebody: Somebody) -> None:
    chart = somebody.chart
    for one in chart.immunizations:
        row = tables.IMMUNIZATIONS[one.key]
        assert row.first_day <= one.day <= row.last_day
        assert (one.day - chart.person.birth_date).days >= row.start_month * 30
        assert (one.lot is None) == (one.encounter is None)
    assert len({(i.key, i.day) for i in chart.immunizations}) == len(chart.immunizations)


RULES = [rule for name, rule in list(globals().items()) if name.startswith("test_") and hasattr(rule, "hypothesis")]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__.removeprefix("test_"))
def test_the_rules_hold_for_the_first_patients_too(rule: Any) -> None:
    assert len(RULES) >= 10
    for somebody in some_people():
        rule.hypothesis.inner_test(somebody)


def test_stays_in_hospital_are_not_interrupted_by_visits_elsewhere() -> None:
    population = population_of(7, 10_000)
    old = islice(population.find(born=(date(1920, 1, 1), date(1950, 1, 1))), 700)
    stays = 0
    for patient in old:
        visits = outline_of(population, patient).visits
        stays += sum(visit.kind == "inpatient" for visit in visits)
        assert all(one.end < other.start for one, other in pairwise(visits))
    assert stays > 100


def test_nobody_gets_what_they_are_allergic_to() -> None:
    population = population_of(7, 10_000)
    avoided = {"lisinopril": "29046", "aspirin": "1191", "ibuprofen": "5640", "amoxicillin": "723"}
    crossed = {"amoxicillin500", "amox_clav875", "penicillinvk500"}
    seen = 0
    for patient in range(4_000):
        allergic = {row.key for row in allergy_rows(life_of(population, patient))}
        if not allergic & {"lisinopril", "aspirin", "ibuprofen", "amoxicillin", "penicillin"}:
            continue
        chart = chart_of(population, patient)
        given_anyway = {m.ingredient.code for m in chart.medications if m.ingredient}
        assert not given_anyway & {code for key, code in avoided.items() if key in allergic}
        if allergic & {"amoxicillin", "penicillin"}:
            assert not {m.key for m in chart.medications} & crossed
        seen += 1
        if seen == 150:
            break
    assert seen == 150


def test_a_chart_is_the_same_whatever_was_asked_before() -> None:
    fresh = Population(seed=7, size=10_000, as_of=AS_OF, dirt=CLEAN_SCALES)
    asked_backwards = [chart_of(fresh, n) for n in range(29, -1, -1)][::-1]
    assert asked_backwards == some_charts()[:30]


def test_children_grow_and_are_not_little_adults() -> None:
    population = population_of(7, 10_000)
    born = (AS_OF - timedelta(days=9 * 365), AS_OF - timedelta(days=6 * 365))
    seen = 0
    for patient in population.find(family="s", born=born):
        chart = chart_of(population, patient)
        heights = [o.value for o in chart.observations if o.key == "height" and o.value is not None]
        if len(heights) > 4:
            seen += 1
            assert heights[0] < 70 < 95 < heights[-1] < 150
            assert all(one - other < 4 for one, other in pairwise(heights))
        vitals = [o for o in chart.observations if o.category == "vital-signs"]
        assert all(o.low is None and o.interpretation is None for o in vitals)
        assert not any(o.key in ("egfr", "lipid", "smoking_status") for o in chart.observations)
    assert seen > 3


def test_prevalences_are_near_the_tables() -> None:
    adults = [c for c in some_charts() if (AS_OF - c.person.birth_date).days > 18 * 366]
    active = Counter(k for c in adults for k in {x.key for x in c.conditions if x.clinical_status == "active"})
    share = {key: 100 * count / len(adults) for key, count in active.items()}
    for key, low, high in [("htn", 18, 38), ("t2dm", 4, 15), ("mdd", 4, 13), ("asthma", 4, 14), ("obesity", 28, 46)]:
        assert low < share[key] < high, key
    a1c = [float(o.value) for c in adults for o in c.observations if o.key == "a1c" and o.value]
    assert 5 < sum(a1c) / len(a1c) < 7
    records = sum(len(c.observations) for c in some_charts()) / len(some_charts())
    assert 150 < records < 520


def test_rare_shapes_of_results_are_there() -> None:
    seen = [o for c in some_charts() for o in c.observations]
    assert {o.comparator for o in seen} >= {None, "<"}
    assert any(o.coded for o in seen)
    assert any(o.value_text for o in seen)
    assert {o.interpretation for o in seen} >= {None, "N", "L", "H", "A"}
    assert {o.category for o in seen} == {"laboratory", "vital-signs", "survey", "social-history"}
    trailing = [o for o in seen if o.value is not None and str(o.value).endswith("0") and "." in str(o.value)]
    assert trailing, "values like 7.10 test who keeps digits"


@pytest.mark.parametrize(
    ("creatinine", "age", "sex", "rate"),
    [(80, 50, "F", 90), (100, 50, "M", 92), (150, 65, "M", 51), (60, 30, "F", 124), (700, 70, "F", 6)],
)
def test_kidney_function_is_ckd_epi_2021(creatinine: int, age: int, sex: str, rate: int) -> None:
    kappa, alpha, factor = (0.7, -0.241, 1.012) if sex == "F" else (0.9, -0.302, 1.0)
    ratio = creatinine / 100 / kappa
    published = 142 * min(ratio, 1) ** alpha * max(ratio, 1) ** -1.2 * 0.9938**age * factor
    assert egfr(creatinine, age, sex) == round(published) == rate


def test_small_formulas() -> None:
    assert bmi(weight=842, height=1762) == 271  # 84.2 kg and 176.2 cm
    assert ldl(chol=200, hdl=50, trig=150) == 120
    assert ldl(chol=200, hdl=50, trig=400) is None
    assert str(number(710, 2)) == "7.10"
    assert [date.fromordinal(day) for day in clock_changes(2024)] == [date(2024, 3, 10), date(2024, 11, 3)]
    assert [date.fromordinal(day) for day in clock_changes(2026)] == [date(2026, 3, 8), date(2026, 11, 1)]
