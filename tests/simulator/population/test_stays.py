"""Emergencies and stays in hospital: why people come, when, for how long, and what is done then.

How often they come is compared with what is published in `test_published`.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import cache
from itertools import islice
from statistics import fmean

from simulator.population import tables
from simulator.population.chart import Outline, chart_of, outline_of
from simulator.population.chart.encounters import Visit
from simulator.population.chart.troubles import PLANS
from simulator.population.people import Population
from simulator.population.zones import DAY, local_minute

AS_OF = date(2026, 1, 5)
SPANS = {"night": range(8), "day": range(11, 21)}


@cache
def population() -> Population:
    return Population(seed=7, size=1_000_000, as_of=AS_OF)


@cache
def old() -> tuple[Outline, ...]:
    """The outlines of some people of 66 and more."""
    some = islice(population().find(family="m", born=(date(1930, 1, 1), date(1959, 12, 31))), 0, 1_200, 3)
    return tuple(outline_of(population(), number) for number in some)


def visits(*kinds: str) -> list[tuple[Outline, Visit]]:
    return [(one, visit) for one in old() for visit in one.visits if visit.kind in kinds]


def test_more_emergencies_end_at_home_than_in_hospital() -> None:
    emergencies, stays = len(visits("emergency")), len(visits("inpatient", "surgical"))
    assert 0.2 * emergencies < stays < 0.8 * emergencies


def test_what_lasts_gets_worse_and_what_is_new_is_serious() -> None:
    for kind in ("emergency", "inpatient"):
        reasons = Counter(visit.episode.key for _, visit in visits(kind) if visit.episode is not None)
        standing = sum(count for key, count in reasons.items() if tables.CONDITIONS[key].kind == "chronic")
        assert 0.1 * reasons.total() < standing < 0.7 * reasons.total()
        assert {"chf", "copd"} <= reasons.keys()
        assert len(reasons) > 25
    assert all(visit.episode is not None for _, visit in visits("emergency", "inpatient", "surgical"))


def test_a_standing_reason_is_one_that_the_patient_has_then() -> None:
    for one, visit in visits("emergency", "inpatient", "surgical", "observation"):
        episode = visit.episode
        if episode is not None and not episode.is_acute:
            assert episode in one.episodes
            assert episode.onset <= visit.local_day
            assert episode.is_active(visit.local_day)


def test_planned_stays_begin_at_their_hours_and_are_not_too_soon_again() -> None:
    last: dict[tuple[int, str], int] = {}
    seen: Counter[str] = Counter()
    for one, visit in visits("surgical", "observation"):
        if visit.episode is None or visit.episode.is_acute:
            continue
        plan, key = PLANS[visit.episode.key], (one.life.number, visit.episode.key)
        day, minute = divmod(local_minute(visit.slot.minute, one.life.zone), DAY)
        assert visit.kind == plan.kind
        assert plan.hours[0] <= minute < plan.hours[1]
        assert date.fromordinal(day).weekday() < plan.days
        assert key not in last or visit.local_day - last[key] >= plan.every_days - 1
        last[key] = visit.local_day
        seen[plan.kind] += 1
    assert seen.keys() == {"surgical", "observation"}


def test_emergencies_come_by_day_and_in_the_evening_and_few_before_dawn() -> None:
    hours = Counter(local_minute(visit.minute, one.life.zone) % DAY // 60 for one, visit in visits("emergency"))
    share = {name: sum(hours[hour] for hour in those) / hours.total() for name, those in SPANS.items()}
    assert 0.10 < share["night"] < 0.22  # a third if they came evenly
    assert 0.56 < share["day"] < 0.72  # 42 per cent if evenly
    assert max(hours[hour] for hour in (3, 4, 5)) < min(hours[hour] for hour in (10, 12, 14, 16))


def test_stays_last_some_days() -> None:
    days = [visit.minutes / DAY for _, visit in visits("inpatient")]
    assert 3 < fmean(days) < 5.5  # 4.5 days, HCUP 2012
    assert min(days) < 1.5
    assert max(days) > 6


def test_blood_is_drawn_at_some_emergencies_and_not_at_others() -> None:
    drawn: list[bool] = []
    for one in old()[:50]:
        chart = chart_of(population(), one.life.number)
        tested = {o.encounter for o in chart.observations if o.category == "laboratory"}
        drawn.extend(e.ordinal in tested for e in chart.encounters if e.class_code == "EMER")
    assert 0.25 < sum(drawn) / len(drawn) < 0.75
