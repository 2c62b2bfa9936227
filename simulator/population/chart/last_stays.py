"""The last stay: who dies in hospital, after how long, and of what.

It hangs on the death, and everything of it on the lane of deaths: it begins so long before, and ends with it. So the
feed finds it by the death, and nobody else's time is looked at. Nobody of the cast has one: how they die is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from simulator.ids import h64, mix
from simulator.population import tables
from simulator.population.chart import moments
from simulator.population.chart.conditions import Episode, band_of, linked_rates
from simulator.population.chart.life import Life
from simulator.population.lanes import DEATH
from simulator.population.people import Population
from simulator.population.tables.rows import ConditionRow
from simulator.population.zones import DAY, is_repeated, local_minute, minute_of

PERIOD = 0
"""The period of all that hangs on a death: there is only one."""
_MILLION = 1_000_000
_YEAR = 365
_OLD = 3  # the last age band
_MOST = max(sum(kind[band] for kind in tables.DEATHS_IN_HOSPITAL.values()) for band in range(4))


class LastStay(NamedTuple):
    """A stay that ends with death: the kind of encounter, when it begins (UTC minute and local day), the standing
    condition for which it is, or the row of an acute one."""

    kind: str
    minute: int
    day: int
    standing: Episode | None
    row: ConditionRow
    draw: int


def last_stay_of(life: Life, chronic: list[Episode]) -> LastStay | None:
    """The last stay of somebody who has these standing conditions; None who dies elsewhere, or not yet."""
    if life.person.deceased is None or life.wishes is not None:
        return None
    draw = _draw(life.population, life.number)
    kind = _kind(draw, life.age_days(life.limit // DAY))
    if kind is None:
        return None
    habits = life.population.lanes.habits(DEATH, PERIOD, life.number)
    minute = life.limit - moments.minutes_of(kind, habits)
    if is_repeated(minute, life.zone) or is_repeated(life.limit, life.zone):
        return None  # nothing can be put off here: the end is the death's
    day = local_minute(minute, life.zone) // DAY
    shares = list(_shares(life, chronic, day))
    total = sum(share for share, _, _ in shares)
    place = mix(draw, total) * total >> 64
    for share, standing, row in shares:
        if place < share:
            return LastStay(kind, minute, day, standing, row, draw)
        place -= share
    return None


def may_end_in_hospital(population: Population, number: int) -> bool:
    """Whether somebody may die in hospital, as far as the draw alone says: never wrongly no."""
    if number < len(population.cast) or _draw(population, number) * _MILLION >> 64 >= _MOST:
        return False
    return population.death(number) is not None


def delays_before_death(population: Population, number: int) -> frozenset[int]:
    """Every delay after their death at which something about somebody's last stay may be written down; none of who dies
    elsewhere."""
    death = population.death(number) if may_end_in_hospital(population, number) else None
    if death is None:
        return frozenset()
    born = population.core(number)[3].toordinal()
    kind = _kind(_draw(population, number), minute_of(death) // DAY - born)
    if kind is None:
        return frozenset()
    bits = moments.bits(population.lanes.habits(DEATH, PERIOD, number))
    return moments.delays_before_death(kind, bits)


def may_have_delay(population: Population, number: int, delay: int) -> bool:
    """Whether it may be one of these delays, whenever somebody dies: in a microsecond, and never wrongly no."""
    if number < len(population.cast) or _draw(population, number) * _MILLION >> 64 >= _MOST:
        return False
    bits = moments.bits(population.lanes.habits(DEATH, PERIOD, number))
    return delay in moments.delays(DEATH, bits)


def _kind(draw: int, age_days: int) -> str | None:
    """The kind of encounter at whose end somebody dies at that age."""
    place, band = draw * _MILLION >> 64, band_of(age_days)
    for kind, shares in tables.DEATHS_IN_HOSPITAL.items():
        if place < shares[band]:
            return kind
        place -= shares[band]
    return None


def _shares(life: Life, chronic: list[Episode], day: int) -> Iterator[tuple[int, Episode | None, ConditionRow]]:
    """What somebody may die of in hospital on a day, each by how often people are in hospital for it and die there."""
    band = band_of(life.age_days(day))
    for episode in chronic:
        if episode.onset < day and episode.is_active(day):
            yield episode.row.stay[band == _OLD] * episode.row.fatal, episode, episode.row
    have = {episode.key for episode in chronic}
    for row, rate in linked_rates(band, life.sex, have):
        if row.fatal and row.onset[0] * _YEAR <= life.age_days(day) - row.onset[0] // 4 < (row.onset[1] + 1) * _YEAR:
            yield rate * row.stay[band == _OLD] // _MILLION * row.fatal, None, row


def _draw(population: Population, number: int) -> int:
    return mix(number, _salt(population.key))


@lru_cache(maxsize=16)
def _salt(key: bytes) -> int:
    return h64(key, "last stay")
