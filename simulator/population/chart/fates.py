"""What becomes of an item after it was written down: nearly always nothing; now and then it was wrong and is corrected,
or it should not have been there and is retracted."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from simulator.ids import h64, mix
from simulator.population.chart import moments
from simulator.population.chart.encounters import Visit
from simulator.population.chart.life import Life
from simulator.population.chart.moments import Moment
from simulator.population.records import Allergy, Condition, Immunization, Medication, Observation

_MILLION = 1_000_000
_SOME = 8  # one visit in eight may have items of such a fate: there they are as much more frequent
CORRECTED_PER_MILLION = 14_000
"""Of the laboratory results that stand alone as a number; what hangs together is never corrected. That makes one of a
hundred results of any kind."""
ENTERED_IN_ERROR = "entered-in-error"

_Item = TypeVar("_Item", Allergy, Condition, Immunization, Medication, Observation)
_KINDS = {"allergy": 1, "condition": 2, "immunization": 3, "medication": 4, "observation": 5}


def is_corrected(life: Life, visit: Visit, row: str) -> bool:
    """Whether a laboratory result was wrong at first."""
    return moments.may_be_corrected(visit.habits) and _draw(life, 0, visit, row) < CORRECTED_PER_MILLION * _SOME


def is_retracted(life: Life, kind: str, visit: Visit, row: str) -> bool:
    """Whether an item of a visit turns out to have been entered in error; `row` is the item's in the tables. Nothing of
    the cast's does: what they wish for stays."""
    if visit.is_final:
        return False
    is_some = life.wishes is None and moments.may_be_retracted(visit.habits)
    return is_some and _draw(life, _KINDS[kind], visit, row) < life.population.dirt.retracted * _SOME


def _draw(life: Life, what: int, visit: Visit, row: str) -> int:
    """A number in [0, 1,000,000), the same whatever else is in the chart."""
    return mix(visit.habits, _salt(life.key, what, row)) * _MILLION >> 64


@lru_cache(maxsize=1024)
def _salt(key: bytes, what: int, row: str) -> int:
    return h64(key, "fate", what, row)


def retraction(visit: Visit, record: _Item) -> tuple[Moment, str, _Item]:
    """The step with which a record is taken back."""
    moment = visit.moment(moments.retracted(visit.habits))
    if isinstance(record, Condition | Allergy):
        return moment, "retracted", replace(record, verification=ENTERED_IN_ERROR)
    return moment, "retracted", replace(record, status=ENTERED_IN_ERROR)
