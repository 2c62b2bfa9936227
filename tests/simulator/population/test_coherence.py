"""Charts make clinical sense, whatever the seed and the size: who can have what, who gets what, what it does to them.

What is exact holds of every patient that Hypothesis comes up with; what is statistical holds of a fixed sample of
elderly people, in which there is enough of everything. `test_charts` has the rules of form: order, references, ranges.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from itertools import islice, pairwise
from statistics import fmean, median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.population import tables
from simulator.population.chart import chart_of
from simulator.population.chart.conditions import chronic_of
from simulator.population.chart.life import life_of
from simulator.population.chart.measures import egfr
from simulator.population.dirt import Dirt
from simulator.population.people import Population
from simulator.population.records import Chart, Medication, Observation
from simulator.population.statistics.digest import age_on

AS_OF = date(2026, 1, 5)
CLEAN_SCALES = Dirt(wrong_unit=0, carried_forward=0, duplicated=0, transposed_value=0)  # see test_typos
SIZES = (1_000, 54_321, 100_000_000)
SEEDS = (0, 7, 31, 2**40 + 1)
OBSTETRIC = frozenset(("prenatal",))
PREGNANT_AGES = range(14, 56)
BOUNDS = {
    "temp": ("34.5", "42"), "hr": ("35", "220"), "rr": ("6", "60"), "spo2": ("65", "100"), "sbp": ("55", "240"),
    "dbp": ("25", "150"), "height": ("40", "215"), "weight": ("2", "260"), "bmi": ("8", "80"),
    "head_circ": ("28", "58"), "sodium": ("118", "165"), "potassium": ("2.0", "8.0"), "hgb": ("4", "21"),
    "glucose": ("25", "700"), "a1c": ("3.5", "17"), "creatinine": ("0.10", "15"), "egfr": ("2", "200"),
}  # fmt: skip
"""What somebody can survive, and be measured to have."""
ONLY_FROM = {"smoking_status": 14, "auditc": 18, "psa": 40, "mmse": 50, "dxa": 40, "uds": 12, "lipid": 18, "egfr": 18}
"""Years of age from which something is looked at."""


@cache
def population_of(seed: int, size: int) -> Population:
    return Population(seed=seed, size=size, as_of=AS_OF, dirt=CLEAN_SCALES)


PLACES = st.tuples(st.sampled_from(SEEDS), st.sampled_from(SIZES), st.integers(0, 999_999))

Rule = Callable[[Chart], None]
RULES: list[Rule] = []


def rule(kept: Rule) -> Rule:
    """Something that holds of every chart."""
    RULES.append(kept)
    return kept


def age_at(chart: Chart, at: datetime | date) -> int:
    return age_on(chart.person.birth_date, at.date() if isinstance(at, datetime) else at)


# Who can have what


@rule
def nothing_that_harms_is_begun_or_goes_on_in_a_pregnancy(chart: Chart) -> None:
    for one in (one for one in chart.conditions if one.key == "pregnancy"):
        noticed = one.recorded.date() + timedelta(days=1)
        for drug in chart.medications:
            if tables.MEDICATIONS[drug.key].is_kept_from_pregnant:
                assert not one.onset <= drug.start <= (one.abatement or date.max)
                is_over_by_then = drug.stop is not None and drug.stop <= noticed
                assert drug.start > one.onset or is_over_by_then


@rule
def nobody_has_what_their_sex_cannot(chart: Chart) -> None:
    sex = chart.person.sex
    for condition in chart.conditions:
        assert tables.CONDITIONS[condition.key].sex in ("B", sex), condition.key
    for one in chart.observations:
        row = tables.LABS[one.key]
        if row.value_type == "number" and one.key not in ("bmi", "egfr", "ldl"):
            assert row.mean[sex] is not None, f"{one.key} of somebody who is {sex}"
    if sex == "M":
        assert not any(encounter.type_key in OBSTETRIC for encounter in chart.encounters)
        assert not any(one.key == "hcg" for one in chart.observations)


@rule
def pregnancies_are_of_women_who_can_have_them_one_after_the_other(chart: Chart) -> None:
    pregnancies = [condition for condition in chart.conditions if condition.key == "pregnancy"]
    assert not pregnancies or chart.person.sex == "F"
    for one in pregnancies:
        assert age_at(chart, one.onset) in PREGNANT_AGES
        if one.abatement is not None:
            assert 250 <= (one.abatement - one.onset).days <= 300
    for one, other in pairwise(sorted(pregnancies, key=lambda condition: condition.onset)):
        assert one.abatement is not None, "two at once"
        assert one.abatement < other.onset
    ordinals = {one.ordinal: one for one in pregnancies}
    for encounter in chart.encounters:
        if encounter.type_key in OBSTETRIC and encounter.reason is not None:
            reason = ordinals[encounter.reason]
            assert reason.onset <= encounter.start.date() <= (reason.abatement or AS_OF)


@rule
def conditions_begin_at_an_age_at_which_they_can(chart: Chart) -> None:
    for condition in chart.conditions:
        low, high = tables.CONDITIONS[condition.key].onset
        age = age_at(chart, condition.onset)
        assert low - 1 <= age, f"{condition.key} at {age}"
        assert age <= high + 1 or tables.CONDITIONS[condition.key].kind in ("chronic", "social"), (
            f"{condition.key} at {age}"
        )


@rule
def children_are_not_asked_and_measured_as_if_grown_up(chart: Chart) -> None:
    for one in chart.observations:
        age = age_at(chart, one.effective)
        assert age >= ONLY_FROM.get(one.key, 0), f"{one.key} at {age}"
        assert one.key != "head_circ" or age < 3
        if age < 18:
            assert one.panel_key not in ("lipid", "auditc_panel", "hark_panel")


@rule
def products_are_for_the_age_of_who_gets_them(chart: Chart) -> None:
    for medication in chart.medications:
        low, high = tables.MEDICATIONS[medication.key].ages
        assert low <= age_at(chart, medication.start) <= high, f"{medication.text} at {age_at(chart, medication.start)}"


@rule
def encounters_are_of_the_ages_that_have_them(chart: Chart) -> None:
    for encounter in chart.encounters:
        age = age_at(chart, encounter.start)
        assert encounter.type_key != "home_visit" or age >= 75
        assert encounter.type_key != "psych" or age >= 4


# Who gets what


@rule
def nothing_is_given_without_what_it_is_for_nor_long_after(chart: Chart) -> None:
    for medication in chart.medications:
        assert medication.reason is not None
        reason = next(one for one in chart.conditions if one.ordinal == medication.reason)
        row = tables.CONDITIONS[reason.key]
        assert medication.key in dict(row.medications)
        assert reason.onset <= medication.start
        assert reason.abatement is None or medication.start <= reason.abatement


@rule
def what_a_condition_requires_came_first(chart: Chart) -> None:
    onsets = {condition.key: condition.onset for condition in reversed(chart.conditions)}
    for condition in chart.conditions:
        for needed in tables.CONDITIONS[condition.key].requires:
            assert onsets[needed] <= condition.onset


@rule
def no_vaccine_comes_before_its_age(chart: Chart) -> None:
    for one in chart.immunizations:
        assert (one.day - chart.person.birth_date).days >= tables.IMMUNIZATIONS[one.key].start_month * 30


# Values


@rule
def values_are_those_of_somebody_alive(chart: Chart) -> None:
    for one in chart.observations:
        if one.key in BOUNDS and one.value is not None and not _is_typed_wrong(one):
            low, high = BOUNDS[one.key]
            assert Decimal(low) <= one.value <= Decimal(high), f"{one.key} {one.value}"


def _is_typed_wrong(one: Observation) -> bool:
    """A value that somebody typed wrong on purpose of the dirt, or that was corrected later."""
    return one.status in ("entered-in-error", "preliminary")


@rule
def kidney_function_follows_from_the_creatinine_of_the_same_blood(chart: Chart) -> None:
    by_draw: dict[tuple[datetime, int | None], dict[str, Observation]] = defaultdict(dict)
    for one in chart.observations:
        by_draw[one.effective, one.encounter][one.key] = one
    for told in by_draw.values():
        if {"egfr", "creatinine"} <= told.keys() and {o.status for o in told.values()} == {"final"}:
            creatinine, rate = told["creatinine"], told["egfr"]
            assert creatinine.value is not None
            age = age_at(chart, creatinine.effective)
            near = [egfr(int(creatinine.value * 100), age + off, chart.person.sex) for off in (-1, 0, 1)]
            assert rate.value in [Decimal(value) for value in near]


@rule
def a_blood_count_adds_up(chart: Chart) -> None:
    counts: dict[datetime, dict[str, Decimal]] = defaultdict(dict)
    for one in chart.observations:
        if one.panel_key == "cbc" and one.status == "final" and one.value is not None:
            counts[one.effective][one.key] = one.value
    for told in counts.values():
        if {"hgb", "hct", "rbc", "mcv", "mch", "mchc"} <= told.keys():
            assert abs(told["hct"] - told["rbc"] * told["mcv"] / 10) < Decimal("0.6")
            assert abs(told["hgb"] * 100 / told["hct"] - told["mchc"]) < Decimal("0.2")
            assert abs(told["hgb"] * 10 / told["rbc"] - told["mch"]) < Decimal("0.1")


@rule
def who_smoked_never_never_smoked(chart: Chart) -> None:
    told = [one.coded.code for one in chart.observations if one.key == "smoking_status" and one.coded]
    never, others = tables.SMOKING["never"][0].code, {tables.SMOKING[key][0].code for key in ("daily", "former")}
    smoked = False
    for code in told:
        assert not (smoked and code == never), "a daily or former smoker who never smoked"
        smoked = smoked or code in others


# The rules are kept


@given(PLACES)
@settings(max_examples=80, deadline=None)
def test_the_rules_hold_of_anybody_in_any_population(place: tuple[int, int, int]) -> None:
    seed, size, number = place
    chart = chart_of(population_of(seed, size), number % size)
    for kept in RULES:
        kept(chart)


@pytest.mark.parametrize("kept", RULES, ids=lambda kept: kept.__name__)
def test_the_rules_hold_of_many(kept: Rule) -> None:
    for chart in crowd():
        kept(chart)


@cache
def crowd() -> tuple[Chart, ...]:
    population = population_of(7, 100_000_000)
    return tuple(chart_of(population, turn * 99_991) for turn in range(250))


# What treatment does


@cache
def elderly() -> tuple[Chart, ...]:
    population = population_of(7, 100_000_000)
    born = (date(1938, 1, 1), date(1962, 12, 31))
    some = (number for turn, number in enumerate(population.find(born=born, family="s")) if turn % 97 == 0)
    return tuple(chart_of(population, number) for number in islice(some, 600))


def measured(key: str, condition: str, treated: frozenset[str] | None) -> list[float]:
    """The latest values of those who have a condition and, half a year before, took one of the products; or none."""
    values = []
    for chart in elderly():
        active = {one.key: one for one in chart.conditions if one.clinical_status == "active"}
        latest = next((one for one in reversed(chart.observations) if one.key == key and one.value is not None), None)
        if condition not in active or latest is None or latest.value is None:
            continue
        since = latest.effective.date() - timedelta(days=180)
        if active[condition].onset > since:
            continue
        taken = {one.key for one in chart.medications if _is_taken(one, since, latest.effective.date())}
        ever = {one.key for one in chart.medications}
        if (treated is None and not ever & RELEVANT[key]) or (treated is not None and taken & treated):
            values.append(float(latest.value))
    return values


def _is_taken(one: Medication, since: date, until: date) -> bool:
    return one.start <= since and (one.stop is None or one.stop > until)


RELEVANT = {
    lab: frozenset(cause for cause, operation, _ in tables.LABS[source].effects if cause in tables.MEDICATIONS)
    for lab, source in {"a1c": "a1c", "sbp": "sbp", "ldl": "chol", "tsh": "tsh", "hgb": "hgb", "inr": "inr"}.items()
}
STATINS = frozenset(key for key in RELEVANT["ldl"] if "statin" in key)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lab", "condition", "products", "falls", "enough"),
    [
        ("a1c", "t2dm", RELEVANT["a1c"], 0.3, 10),
        ("sbp", "htn", RELEVANT["sbp"], 5.0, 20),
        ("ldl", "hld", STATINS, 25.0, 30),
    ],
)
def test_values_respond_to_treatment(
    lab: str, condition: str, products: frozenset[str], falls: float, enough: int
) -> None:
    treated, untreated = measured(lab, condition, products), measured(lab, condition, None)
    assert min(len(treated), len(untreated)) >= enough, (len(treated), len(untreated))
    assert fmean(treated) < fmean(untreated) - falls, (fmean(treated), fmean(untreated))


ANTIRETROVIRALS = frozenset(key for key, _ in tables.CONDITIONS["hiv"].medications)


def test_a_viral_load_falls_under_treatment() -> None:
    population = population_of(7, 1_000_000)
    lives = (life_of(population, number) for number in range(40, 8_000))
    infected = [life.number for life in lives if any(one.key == "hiv" for one in chronic_of(life))]
    treated, untreated = [], []
    for chart in (chart_of(population, number) for number in infected):
        given = [one for one in chart.medications if one.key in ANTIRETROVIRALS]
        onset = next((one.onset for one in chart.conditions if one.key == "hiv"), None)
        for one in chart.observations:
            day = one.effective.date()
            if one.key != "hiv_vl" or one.value is None or onset is None or day < onset:
                continue
            if any(_is_taken(order, day - timedelta(days=200), day) for order in given):
                treated.append(one.value)
            elif not given:
                untreated.append(one.value)
    assert min(len(treated), len(untreated)) >= 5, (len(treated), len(untreated))
    assert sum(value <= 200 for value in treated) > 0.85 * len(treated)
    assert median(untreated) > 1_000


def test_anticoagulation_shows() -> None:
    on, off = [], []
    for chart in elderly():
        given = [one for one in chart.medications if one.key == "warfarin5"]
        for one in chart.observations:
            if one.key == "inr" and one.value is not None:
                day = one.effective.date()
                if any(_is_taken(order, day - timedelta(days=180), day) for order in given):
                    on.append(float(one.value))
                elif not given:
                    off.append(float(one.value))
    assert min(len(on), len(off)) >= 5, (len(on), len(off))
    assert fmean(on) > 1.7 > 1.3 > fmean(off)


def test_diseases_show_in_what_is_measured() -> None:
    def mean(lab: str, condition: str, *, has: bool) -> float:
        values = []
        for chart in elderly():
            active = {one.key for one in chart.conditions if one.clinical_status == "active"}
            latest = next((o.value for o in reversed(chart.observations) if o.key == lab and o.value is not None), None)
            if latest is not None and (condition in active) == has:
                values.append(float(latest))
        assert len(values) >= 8, (lab, condition, has)
        return fmean(values)

    for lab, condition, least in [
        ("a1c", "t2dm", 1.2), ("sbp", "htn", 5.0), ("bmi", "obesity", 5.0), ("creatinine", "ckd3", 0.25),
        ("bnp", "chf", 800.0), ("glucose", "t2dm", 30.0),
    ]:  # fmt: skip
        if lab != "bnp":
            assert mean(lab, condition, has=True) > mean(lab, condition, has=False) + least, (lab, condition)
    assert mean("egfr", "ckd3", has=True) < 65 < 75 < mean("egfr", "ckd3", has=False)
    assert mean("spo2", "copd", has=True) < mean("spo2", "copd", has=False) - 2


def test_flags_say_what_the_ranges_say() -> None:
    seen: set[str | None] = set()
    for chart in elderly()[:200]:
        for one in chart.observations:
            if one.value is None or (one.low is None and one.high is None):
                continue
            below = one.low is not None and one.value < one.low
            above = one.high is not None and one.value > one.high
            assert (one.interpretation in ("L", "LL")) == below, one
            assert (one.interpretation in ("H", "HH")) == above, one
            seen.add(one.interpretation)
    assert seen >= {"N", "L", "H", "HH"}


def test_nobody_is_seen_before_birth_or_after_death() -> None:
    dead = 0
    for chart in elderly():
        born = datetime.combine(chart.person.birth_date, time(), UTC) - timedelta(days=1)
        end = chart.person.deceased
        dead += end is not None
        for encounter in chart.encounters:
            assert encounter.start > born
            assert end is None or encounter.start <= end
    assert dead > 10
