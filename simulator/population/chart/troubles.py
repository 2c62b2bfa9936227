"""What standing conditions lead to at any hour: emergencies and stays because they got worse, and stays that were
planned for what is done about them.

How often is in conditions.csv; what a planned stay is for, and so how it goes, in procedures.csv.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from simulator.population import tables
from simulator.population.chart.conditions import Episode
from simulator.population.chart.moments import MAY_BE_PLANNED
from simulator.population.lanes import PERIOD_DAYS, share_of_day
from simulator.population.tables.rows import ConditionRow
from simulator.population.zones import DAY

ONE = 1 << 32
"""Draws for slots are below this."""
_MILLION = 1_000_000
_YEAR = 365
_STAYS = frozenset(("IMP", "OBSENC"))
_BY_DAY, _IN_THE_EVENING = (5 * 60 + 30, 13 * 60), (18 * 60, 22 * 60)


class Plan(NamedTuple):
    """How the planned stays for a condition go: on the first days of the week, between two minutes of the day; no
    sooner again; of people from an age on."""

    kind: str
    days: int
    hours: tuple[int, int]
    every_days: int
    min_age: int

    def suits(self, local: int) -> bool:
        """Whether such a stay may begin at a minute on the calendar of the clinic."""
        day, minute = divmod(local, DAY)
        return (day - 1) % 7 < self.days and self.hours[0] <= minute < self.hours[1]


def _plan_of(row: ConditionRow) -> Plan:
    """By the procedures that are done for the condition in stays."""
    done = [one for one in tables.PROCEDURES.values() if row.key in one.conditions and one.classes & _STAYS]
    every, age = min(one.every_days for one in done), min(one.min_age for one in done)
    if any("observation" in one.kinds for one in done):
        return Plan("observation", 7, _IN_THE_EVENING, every, age)
    return Plan("surgical", 5, _BY_DAY, every, age)


PLANS = {key: _plan_of(row) for key, row in tables.CONDITIONS.items() if row.planned}
assert {plan.kind for plan in PLANS.values()} <= MAY_BE_PLANNED


def is_planned(kind: str, episode: Episode | None) -> bool:
    """Whether a visit of a kind for a condition is a planned stay."""
    return kind in MAY_BE_PLANNED and episode is not None and not episode.is_acute


@cache
def troubles(key: str, is_old: bool) -> tuple[tuple[str, int], ...]:
    """The kinds of visits at any hour to which a standing condition leads, each with its share of the slots."""
    row = tables.CONDITIONS[key]
    found = [("emergency", per_period(row.emergency)), ("inpatient", per_period(row.stay[is_old]))]
    if row.planned:
        plan = PLANS[key]
        hours = share_of_day(*plan.hours) * plan.days / 7  # of the slots of a week, in which it has to fall
        found.append((plan.kind, int(per_period(row.planned) / hours)))
    return tuple((kind, share) for kind, share in found if share)


def per_period(yearly_per_million: int) -> int:
    """The share of the slots, one a period, that makes so many of a million a year."""
    return yearly_per_million * PERIOD_DAYS * ONE // (_YEAR * _MILLION)
